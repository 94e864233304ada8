# Everything a developer needs; each target does its own set-up.
#   make run      simulate the main scenario and print its tables
#   make test     linters, architecture check and the whole test suite
#   make PYTHON=python3.12 setup    choose the interpreter (3.11, 3.12 or 3.13)

PYTHON   ?= python3
SCENARIO ?= scenarios/zhongning-2020.toml
ARGS     ?=
JOBS     ?= 2
PYTHONS  ?= 3.12 3.13

VENV  := .venv
BIN   := $(VENV)/bin
STAMP := $(VENV)/.stamp

# An active environment or a foreign module path must not leak into ours.
unexport VIRTUAL_ENV PYTHONPATH PYTHONHOME PIP_USER PIP_TARGET PIP_PREFIX PIP_REQUIRE_VIRTUALENV
MAKEFLAGS += --no-print-directory
SHELL := /bin/bash

.DEFAULT_GOAL := help
.PHONY: help setup run test lint nojit test-pythons smoke bench format clean distclean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

setup: $(STAMP)  ## create .venv with the tested set of packages

$(STAMP): pyproject.toml constraints.txt tools/venv.sh
	@bash tools/venv.sh $(VENV) $(PYTHON)

run: $(STAMP)  ## run the main job: SCENARIO=..., ARGS="--years 1000 --out out"
	@$(BIN)/python -m fangpinbao run $(SCENARIO) $(ARGS)

# The suite comes last, so that its own summary is the last line.
test: lint nojit  ## linters, architecture check, then the whole suite
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile --durations 10

lint: $(STAMP)  ## ruff, mypy and the layers of the architecture
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m mypy
	$(BIN)/python $(BIN)/lint-imports

# Exit code 5 means that no test was selected.
nojit: $(STAMP)  ## the core's tests as plain Python, without the compiler
	NUMBA_DISABLE_JIT=1 $(BIN)/python -m pytest -q -m nojit || \
	  { code=$$?; [ $$code -eq 5 ] && echo "No test is marked nojit." || exit $$code; }

test-pythons:  ## the fast tests on the other Pythons (PYTHONS="3.12 3.13")
	@JOBS=$(JOBS) bash tools/test_pythons.sh "not slow" $(PYTHONS)

smoke:  ## a few quick tests on one other Python (PYTHONS=3.13)
	@JOBS=$(JOBS) bash tools/test_pythons.sh "smoke and not slow" $(PYTHONS)

bench: $(STAMP)  ## the benchmarks: ARGS=... are passed on
	@$(BIN)/python -m benchmarks.run $(ARGS)

format: $(STAMP)  ## put the code into the house format
	$(BIN)/python -m ruff check --fix .
	$(BIN)/python -m ruff format .

clean:  ## remove caches and build products
	rm -rf build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -not -path './.venv*' -prune -exec rm -rf {} +

distclean: clean  ## ... and the environments
	rm -rf .venv .venv-3.*
