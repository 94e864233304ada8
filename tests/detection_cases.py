"""What tests of detection share: a village whose families are found by a design."""

from __future__ import annotations

from typing import Any

import numpy as np
from conftest import build

from fangpinbao.engine import simulate
from fangpinbao.household_years import HouseholdYears, settle_households
from fangpinbao.outcomes import Outcomes
from fangpinbao.scenario import Scenario

SURE = {"channels": {"visits": {"chance": 1.0}}}
YEARS, SEED = 40, 3
TEST = {"income_test": {"per_head_below": 6000}}
ONE_TEST = {name: TEST for name in ("illness", "education", "disaster", "death")}
FULL = {
    "threshold": 4_000,
    "named_list": {"where": {"classes": ["marginal"]}, "missed": 0.2, "wrong": 0.1},
    "channels": {
        "a": {"chance": 0.5, "delay_days": {"law": "uniform", "low": 0, "high": 400}},
        "b": {"chance": 0.4, "delay_days": {"law": "gamma", "mean": 60, "cv": 1.0}},
    },
    "verification": {
        "days": {"law": "gamma", "mean": 20, "cv": 0.5},
        "passes": 0.8,
        "wrongly_passes": 0.5,
    },
    "refused": 0.1,
    "payment_days": {"law": "constant", "amount": 15},
}


def village(design: dict[str, Any] | None, **tables: Any) -> Scenario:
    """The village, with one test for all coverages, which detection finds by a design."""
    base = {"coverages": ONE_TEST, **({} if design is None else {"detection": "d"})}
    designs = {} if design is None else {"detection": {"d": design}}
    return build(population={"persons": 900}, programmes={"base": base}, **designs, **tables)


def households(**changes: Any) -> HouseholdYears:
    """Every household and year of the village under a design."""
    return settle_households(village({**SURE, **changes}), YEARS, seed=SEED)


def run(design: dict[str, Any], years: int = YEARS) -> Outcomes:
    return simulate(village(design), years, SEED)


def counts(outcomes: Outcomes, stage: str) -> np.ndarray:
    return outcomes.funnel_column("base", f"funnel_{stage}")


PART = {
    "named": {**SURE, "named_list": {"where": {"classes": ["marginal"]}}},
    "open": {
        "threshold": 5_000,
        "channels": {"visits": {"chance": 0.4}, "own": {"chance": 0.2}},
        "refused": 0.1,
    },
}
