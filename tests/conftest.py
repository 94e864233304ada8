"""Scenarios shared by the tests of the engine: one base file, changed table by table."""

from __future__ import annotations

import copy
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from fangpinbao.engine import simulate
from fangpinbao.outcomes import Outcomes
from fangpinbao.scenario import Scenario

DATA = Path(__file__).parent / "data"


def merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Lay tables over tables; ``None`` takes a key out, and another law replaces the whole law."""
    result = copy.deepcopy(dict(below))
    for key, value in above.items():
        if value is None:
            result.pop(key, None)
        elif (
            isinstance(value, Mapping)
            and isinstance(result.get(key), dict)
            and not _is_other_law(result[key], value)
        ):
            result[key] = merged(result[key], value)
        else:
            result[key] = copy.deepcopy(value)
    return result


def _is_other_law(below: Mapping[str, Any], above: Mapping[str, Any]) -> bool:
    return "law" in above and above["law"] != below.get("law", above["law"])


def build(file: str = "village.toml", **tables: Any) -> Scenario:
    """Read a scenario of ``tests/data`` and lay tables over it."""
    return Scenario.from_document(merged(tomllib.loads((DATA / file).read_text("utf-8")), tables))


@pytest.fixture(scope="module")
def village() -> Outcomes:
    """The base file in 400 years."""
    return simulate(build(), years=400, seed=3, threads=1)


@pytest.fixture(scope="module")
def without_relief() -> Outcomes:
    """Without relief that exists anyway, with a premium of which households pay half; 200 years."""
    base = {"premium_per_insured": 60.0, "household_share": 0.5}
    return simulate(build(relief=None, programmes={"base": base}), years=200, seed=3, threads=1)
