"""Detection in the engine against the plain-Python twin: every column, every payment, to the fen.

Wherever terms per event, per person and per household meet a gate, and where a household passes the test of one
coverage and fails that of another.
"""

from __future__ import annotations

import pytest
from conftest import build
from test_twin import ILLNESS, MEDICAL, SCALE, differences, one

OPEN = {
    "channels": {
        "visits": {"chance": 0.6, "delay_days": {"law": "uniform", "low": 0, "high": 200}},
        "application": {"chance": 0.4, "delay_days": {"law": "constant", "amount": 100}},
    },
    "verification": {
        "days": {"law": "uniform", "low": 5, "high": 40},
        "passes": 0.85,
        "wrongly_passes": 0.4,
    },
    "refused": 0.1,
    "payment_days": {"law": "constant", "amount": 30.5},
    "threshold": 2_000,
}
NAMED = {
    "channels": {"visits": {"chance": 0.8}, "data": {"chance": 0.3}},
    "named_list": {"where": {"classes": ["marginal"], "dibao": False}, "missed": 0.1, "wrong": 0.2},
}
DESIGNS = {
    "open": OPEN,
    "named": NAMED,
    "warned": {**OPEN, "threshold_times_income": 0.3},
    "sure": {"channels": {"visits": {"chance": 1.0}}},
}
TEST = {"income_test": {"per_head_below": 6000}}


def found(design: str = "open", coverage: dict | None = None, **programme) -> dict:
    return {
        "detection": DESIGNS,
        **one({**ILLNESS, **TEST, **(coverage or {})}, detection=design, **programme),
    }


SAME = {
    "the village, mixed tests": {"detection": DESIGNS, "programmes": {"base": {"detection": "open"}}},
    "an alert above the income": {"detection": DESIGNS, "programmes": {"base": {"detection": "warned"}}},
    "a named list": {"detection": DESIGNS, "programmes": {"base": {"detection": "named"}}},
    "designs side by side": {
        "detection": DESIGNS,
        "programmes": {
            "b": {"like": "base", "detection": "named"},
            "c": {"like": "base", "detection": "open"},
            "d": {"like": "base", "detection": "sure"},
        },
    },
    "certain costs": found(coverage={"accounts": ["education_cost"], "rate": 0.5}),
    "certain costs, nothing wrong": found("named", {"accounts": ["education_cost"], "rate": 0.5}),
    "test before the year": found(
        coverage={"income_test": {"per_head_below": 6000, "moment": "before_year"}}
    ),
    "test before the year, of education": found(
        coverage={
            "accounts": ["education_cost"],
            "income_test": {"per_head_below": 5500, "moment": "before_year"},
        }
    ),
    "spending test": found(coverage={"spending_test": {"times_income": 0.29}}),
    "no test": found(coverage={"income_test": None}),
    "before the public layers": found(stack=["x", "basic", "critical", "assistance"]),
    "between the public layers": found(stack=["basic", "critical", "x", "assistance"]),
    "some costs read by one alone": {
        "detection": DESIGNS,
        "programmes": {
            "base": None,
            "ill": one({**ILLNESS, **TEST}, detection="open")["programmes"]["p"],
            "house": one(
                {"accounts": ["property_loss"], "unit": "household_year", "rate": 0.5}, detection="open"
            )["programmes"]["p"],
        },
    },
    "by event": found(
        coverage={"accounts": [*MEDICAL, "education_cost"], "unit": "event", "deductible": 300}
    ),
    "limit by household": found(coverage={"per_household": {"limit": 2000}}),
    "terms by household": found(coverage={"per_household": {"deductible": 900, "rate": 0.5}}),
    "household over persons": found(coverage={"unit": "household_year", "rate": 0.5}),
    "household over all": found(
        coverage={"accounts": [*MEDICAL, "property_loss"], "unit": "household_year", "rate": 0.5}
    ),
    "points": found(
        coverage={"accounts": ["death_or_disability"], "rate": None, "deductible": None, **SCALE}
    ),
    "variants": found(
        coverage={
            "variants": [{"where": {"age_from": 60}, "rate": 0.9}, {"where": {"sex": "female"}, "rate": 0.3}]
        }
    ),
    "two coverages in a row": {
        "detection": DESIGNS,
        "programmes": {
            "base": None,
            "p": {
                "detection": "open",
                "coverages": {
                    "x": {**ILLNESS, **TEST},
                    "y": {"accounts": MEDICAL, "deductible": 200, "rate": 0.5},
                    "z": {"accounts": ["property_loss"], "unit": "household_year", "rate": 0.5, **TEST},
                },
            },
        },
    },
    "own premium": found(premium_per_insured=80, household_share=0.3),
    "benefits count": {**found(), "relief": {"dibao": {"benefits_count": True, "take_up": 0.9}}},
    "relief needs no finding": found(
        relief={"x_rest": {"base": "borne", "rate": 0.5}, "gap": {"base": "gap", "benefits_count": True}}
    ),
    "resource income": {**found(), "lines": {"resource": "income"}},
}


@pytest.mark.parametrize("tables", SAME.values(), ids=SAME.keys())
def test_same_to_the_fen(tables: dict) -> None:
    tables = {key: _without_nothing(value) for key, value in tables.items()}
    assert differences(build(**tables)) == []


def _without_nothing(tables):
    """Drop the keys that a case took out; the base itself is taken out by ``build``."""
    if not isinstance(tables, dict):
        return tables
    return {
        key: _without_nothing(value) for key, value in tables.items() if value is not None or key == "base"
    }


@pytest.mark.nojit
@pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")
def test_a_hamlet_in_plain_python() -> None:
    tables = SAME["the village, mixed tests"]
    assert differences(build(population={"persons": 24, "townships": 1}, **tables), years=1) == []
