"""The project keeps its own rules: small modules, one compiler, a true tested set, a cheap import."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import fangpinbao

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "fangpinbao"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PYTHONS = ("3.11", "3.12", "3.13")
MOST_LINES = 420
TEXT_SUFFIXES = {"", ".py", ".toml", ".md", ".txt", ".sh", ".csv", ".json", ".ipynb", ".html", ".yml"}
HIDDEN_BUT_OURS = {".ci", ".importlinter", ".gitignore"}
PRODUCTS = {"build", "dist", "out", "results", "__pycache__"}

modules = pytest.mark.parametrize(
    "module", sorted(PACKAGE.rglob("*.py")), ids=lambda path: path.relative_to(PACKAGE).as_posix()
)


def project_texts() -> list[Path]:
    """List the text files of the project, without environments, caches and other products."""

    def is_ours(name: str) -> bool:
        hidden = name.startswith(".") and name not in HIDDEN_BUT_OURS
        return not hidden and name not in PRODUCTS and not name.endswith(".egg-info")

    texts = []
    for folder, subfolders, names in os.walk(ROOT):
        subfolders[:] = filter(is_ours, subfolders)
        paths = [Path(folder, name) for name in names if is_ours(name)]
        texts += [path for path in paths if path.suffix in TEXT_SUFFIXES]
    return sorted(texts)


def pins() -> dict[str, Requirement]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    requirements = [Requirement(line) for line in lines if line and not line.startswith("#")]
    by_name = {canonicalize_name(requirement.name): requirement for requirement in requirements}
    assert len(by_name) == len(requirements), "a package is pinned twice"
    return by_name


def declared_requirements() -> list[Requirement]:
    """List everything that pyproject.toml asks for: to build, to run, and for each extra."""
    project = PROJECT["project"]
    extras = project["optional-dependencies"].values()
    texts = [*PROJECT["build-system"]["requires"], *project["dependencies"], *(t for e in extras for t in e)]
    return [Requirement(text) for text in texts]


# --- the package's sources ---------------------------------------------------------------------------------


@modules
def test_a_module_has_one_subject_and_stays_short(module: Path) -> None:
    assert len(module.read_text(encoding="utf-8").splitlines()) <= MOST_LINES


@pytest.mark.parametrize("folder", ["tests", "benchmarks", "tools"])
def test_other_files_are_no_longer(folder: str) -> None:
    files = sorted((ROOT / folder).glob("*.py"))
    assert files
    assert [
        file.name for file in files if len(file.read_text(encoding="utf-8").splitlines()) > MOST_LINES
    ] == []


@modules
def test_only_one_module_imports_the_compiler(module: Path) -> None:
    imported = set()
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            imported |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            imported.add(node.module.split(".")[0])
    assert module.name == "_jit.py" or not imported & {"numba", "llvmlite"}


@modules
def test_no_kernel_reorders_floating_point(module: Path) -> None:
    tree = ast.parse(module.read_text(encoding="utf-8"))
    options = {word.arg for node in ast.walk(tree) if isinstance(node, ast.Call) for word in node.keywords}
    keys = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    assert "fastmath" not in options | keys


def test_no_file_names_a_place_on_somebodys_machine() -> None:
    of_a_user = re.compile(r"(?<![\w.])(?:/(?:home|root|Users)/\w|[A-Z]:\\Users)")
    here = f"{ROOT}/"
    # What the line above spells out is a pattern, not a place.
    texts = [path for path in project_texts() if path != Path(__file__).resolve()]
    guilty = []
    for path in texts:
        text = path.read_text(encoding="utf-8")
        if of_a_user.search(text) or here in text:
            guilty.append(path.relative_to(ROOT).as_posix())
    assert guilty == []
    assert ROOT / "Makefile" in texts


# --- versions and the tested set ---------------------------------------------------------------------------


@pytest.mark.smoke
def test_the_version_is_the_same_everywhere() -> None:
    version = PROJECT["project"]["version"]
    assert fangpinbao.__version__ == version
    assert metadata.version("fangpinbao") == version
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(rf"^## .*({re.escape(version)}|[Uu]nreleased)", changelog, re.MULTILINE)


def test_the_tested_set_holds_exact_versions_and_no_addresses() -> None:
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    assert "://" not in text
    assert not re.search(r"^\s*-", text, re.MULTILINE)
    names = list(pins())
    assert names == sorted(names)
    for pin in pins().values():
        (exact,) = pin.specifier
        assert exact.operator == "=="
        assert not exact.version.endswith("*")
        assert pin.marker is None or "python_version" in str(pin.marker)


@pytest.mark.parametrize("python", PYTHONS)
def test_the_tested_set_lies_within_the_ranges_of_the_project(python: str) -> None:
    by_name = pins()
    assert python in Requirement(f"python{PROJECT['project']['requires-python']}").specifier
    for requirement in declared_requirements():
        pin = by_name[canonicalize_name(requirement.name)]
        (exact,) = pin.specifier
        assert requirement.specifier.contains(exact.version), requirement
        assert pin.marker is None or pin.marker.evaluate({"python_version": python}), requirement


def test_the_tested_set_is_complete() -> None:
    """Whatever an installed dependency pulls in, on this Python, is pinned too."""
    by_name = pins()
    waiting = [(canonicalize_name(r.name), frozenset(r.extras)) for r in declared_requirements()]
    seen = set()
    while waiting:
        name, extras = waiting.pop()
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        try:
            requires = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue  # an extra that is not installed here
        for text in requires:
            needed = Requirement(text)
            wanted = not needed.marker or any(
                needed.marker.evaluate({"extra": extra}) for extra in (extras or {""})
            )
            if wanted:
                waiting.append((canonicalize_name(needed.name), frozenset(needed.extras)))
    missing = {name for name, _ in seen} - set(by_name)
    assert missing == set()


# --- importing ---------------------------------------------------------------------------------------------

WATCH_THE_IMPORT = """
import sys
from numba.core import event
from numba.core.dispatcher import Dispatcher
with event.install_recorder("numba:compile") as compiled:
    import fangpinbao
assert not compiled.buffer, "the import compiles"
for name, module in sorted(sys.modules.items()):
    if name.split(".")[0] == "fangpinbao":
        for thing in vars(module).values():
            assert not (isinstance(thing, Dispatcher) and thing.overloads), f"{name} compiles {thing}"
print("\\n".join(sys.modules))
"""
HEAVY = {"scipy.stats", "matplotlib.pyplot", "dask", "distributed", "jinja2", "SALib", "xlsxwriter"}


@pytest.mark.smoke
def test_the_import_does_no_work() -> None:
    watched = subprocess.run(
        [sys.executable, "-c", WATCH_THE_IMPORT], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert watched.returncode == 0, watched.stderr
    assert HEAVY & set(watched.stdout.split()) == set()


# --- make and the read-me ----------------------------------------------------------------------------------


def make_targets() -> set[str]:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    return set(re.findall(r"^([a-z][a-z-]*):(?!=)", makefile, re.MULTILINE))


def test_make_has_the_targets_that_people_rely_on() -> None:
    assert {"setup", "run", "test", "test-pythons", "bench", "lint", "format", "clean"} <= make_targets()


@pytest.mark.parametrize("page", ["README.md", "ARCHITECTURE.md"])
def test_the_pages_name_only_make_targets_that_exist(page: str) -> None:
    named = re.findall(r"(?:^|`)make ([a-z][a-z-]*)", (ROOT / page).read_text(encoding="utf-8"), re.MULTILINE)
    assert set(named) <= make_targets()
