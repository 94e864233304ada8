"""Limits over all units of a year: the limit is used up exactly, in the order its rule says."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import build

from fangpinbao.aggregate import days_of, share_first_come, year_events
from fangpinbao.engine import Engine, simulate

LIMIT = 200_000
DISASTER = {
    "accounts": ["property_loss", "accident_property_loss"],
    "unit": "household_year",
    "deductible": 500,
    "rate": 0.6,
}
ILLNESS = {"accounts": ["medical_cost"], "rate": 0.5, "take_up": 0.8}


def limited(rule: str | None, coverages: dict, limit: float = LIMIT):
    aggregate = {"aggregate": {"limit": limit, "rule": rule}} if rule else {}
    return build(
        programmes={"base": None, "p": {"coverages": coverages, **aggregate}, "q": {"coverages": coverages}}
    )


@pytest.mark.parametrize("rule", ["pro_rata", "first_come"])
def test_the_limit_is_paid_exactly_in_binding_years(rule: str) -> None:
    outcomes = simulate(limited(rule, {"ill": ILLNESS, "dis": DISASTER}), 40)
    before, after = outcomes.column("q", "payout_fen"), outcomes.column("p", "payout_fen")
    binding = np.flatnonzero(before > LIMIT * 100)
    assert 0 < binding.size < 40
    assert outcomes.limited_years["p"].tolist() == binding.tolist()
    assert np.array_equal(after, np.minimum(before, LIMIT * 100))
    free = np.setdiff1d(np.arange(40), binding)
    assert np.array_equal(outcomes.sums.columns[1, free], outcomes.sums.columns[2, free])
    gap = [outcomes.column(name, "gap_fen", "poverty")[binding].sum() for name in ("q", "p", "none")]
    assert gap[0] < gap[1] < gap[2]
    steps = [s for s in outcomes.stack("p") if outcomes.compiled.tree.nodes[s].programme]
    assert np.array_equal(outcomes.sums.step_paid[:, steps].sum(axis=1), after)


def test_topped_up_cuts_nothing() -> None:
    outcomes = simulate(limited("topped_up", {"ill": ILLNESS, "dis": DISASTER}), 40)
    assert np.array_equal(outcomes.sums.columns[1], outcomes.sums.columns[2])
    over = np.maximum(outcomes.column("q", "payout_fen") - LIMIT * 100, 0)
    assert np.array_equal(outcomes.surplus_over_limit("p"), over)
    assert over.any()


@pytest.mark.parametrize("rule", ["pro_rata", "first_come"])
@pytest.mark.parametrize("take_up", [1.0, 0.9])
def test_certain_payments_are_limited_too(rule: str, take_up: float) -> None:
    school = {"accounts": ["education_cost"], "rate": 0.5, "take_up": take_up}
    ill = {**ILLNESS, "take_up": take_up}
    outcomes = simulate(limited(rule, {"school": school, "ill": ill}, 80_000), 10)
    assert np.all(outcomes.column("q", "payout_fen") > 80_000_00)
    assert np.all(outcomes.column("p", "payout_fen") == 80_000_00)


def test_first_come_pays_in_order_of_date() -> None:
    scenario = limited("first_come", {"dis": DISASTER}, 20_000)
    for seed in range(20):
        engine = Engine(scenario, seed=seed)
        got = engine.run(1, threads=1, by_household=True).by_household.set_index("programme")["payout_fen"]
        asked, paid = got.loc["q"].to_numpy(), got.loc["p"].to_numpy()
        day = np.zeros(len(asked), dtype=np.int64)
        for events in year_events(engine, 0, engine.years(0, 1)):
            names = np.array(engine.compiled.accounts)[events["account"]]
            use = np.isin(names, DISASTER["accounts"])
            np.maximum.at(day, events["household"][use], days_of(events["word"][use]))
        left, expected = 2_000_000, np.zeros_like(asked)
        for h in sorted(range(len(asked)), key=lambda h: (day[h], engine.population.household_key[h])):
            expected[h] = min(asked[h], left)
            left -= expected[h]
        assert paid.tolist() == expected.tolist()


@pytest.mark.smoke
def test_first_come_by_hand() -> None:
    amounts, day = np.array([50, 40, 30, 20]), np.array([3, 1, 2, 2])
    ids = np.array([1, 2, 9, 4], dtype=np.uint64)
    assert share_first_come(amounts, 75, day, ids).tolist() == [0, 40, 15, 20]
    assert share_first_come(amounts, 1000, day, ids).tolist() == amounts.tolist()
    assert share_first_come(amounts, 0, day, ids).tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize("rule", ["pro_rata", "first_come"])
def test_limits_do_not_depend_on_blocks_or_threads(rule: str) -> None:
    scenario = limited(rule, {"ill": ILLNESS, "dis": DISASTER})
    runs = [
        simulate(scenario, 12, threads=threads, block_persons=block).sums
        for threads, block in ((1, 10_000), (2, 50), (2, 1))
    ]
    for other in runs[1:]:
        for name in ("columns", "step_paid", "step_claims", "batch_credit"):
            assert np.array_equal(getattr(runs[0], name), getattr(other, name)), name
