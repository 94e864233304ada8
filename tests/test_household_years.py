"""Households kept one by one add up to the sums of the run, to the fen, in every year."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import build

from fangpinbao.engine import simulate
from fangpinbao.errors import InputError
from fangpinbao.household_years import settle_households

VARIANTS = {
    "the village": {},
    "late and own premium": {
        "programmes": {
            "p": {
                "coverages": {"x": {"accounts": ["medical_cost"], "rate": 0.6, "paid_within_year": 0.63}},
                "premium_per_insured": 80,
                "household_share": 0.3,
            }
        }
    },
    "benefits count as income": {"relief": {"dibao": {"benefits_count": True, "take_up": 0.9}}},
    "certain payments by chance": {
        "programmes": {
            "p": {"coverages": {"x": {"accounts": ["education_cost"], "rate": 0.5, "take_up": 0.5}}}
        }
    },
    "income alone": {"lines": {"resource": "income"}},
}


@pytest.mark.parametrize("tables", VARIANTS.values(), ids=VARIANTS.keys())
def test_households_add_up_to_the_run(tables: dict) -> None:
    scenario, years = build(**tables), 12
    outcomes = simulate(scenario, years, 7)
    table = settle_households(scenario, years, seed=7)
    for p, programme in enumerate(table.programmes):
        assert np.array_equal(table.benefit[p].sum(axis=1), outcomes.column(programme, "payout_fen"))
        assert np.array_equal(table.late[p].sum(axis=1), outcomes.column(programme, "late_fen"))
        for k, line in enumerate(("poverty", "monitoring")):
            gap = np.maximum(table.lines[k] - table.insured[p], 0)
            assert np.array_equal(gap.sum(axis=1), outcomes.column(programme, "gap_fen", line))
            poor = table.insured[p] < table.lines[k]
            assert np.array_equal(poor.sum(axis=1), outcomes.column(programme, "households_poor", line))
            prevented = (table.start >= table.lines[k]) & (table.without < table.lines[k]) & ~poor
            both = sum(
                outcomes.column(programme, f"households_prevented_{name}", line)
                for name in ("return", "entry")
            )
            assert np.array_equal(prevented.sum(axis=1), both)
    assert np.array_equal(table.relief.sum(axis=1), outcomes.column("none", "relief_fen"))


def test_what_happened_explains_the_resources() -> None:
    table = settle_households(build(), 6, seed=7)
    assert table.repairs.min() == 0
    assert (table.repairs > 0).any()
    quiet = table.last_day[0] < 0
    assert (table.lost[quiet] == 0).all()
    assert table.last_day.max() <= 364
    assert np.array_equal(table.income, table.start)


def test_too_many_years_are_refused() -> None:
    with pytest.raises(InputError, match="too many to keep every household"):
        settle_households(build(), 1_000_000)
