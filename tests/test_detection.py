"""From alert to payout: the engine against a slow reference, laws of keyed draws, closed forms."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from conftest import build
from detection_cases import FULL, ONE_TEST, SEED, SURE, YEARS, counts, households, run, village
from detection_reference import FOUND, STAGES, UNTESTED, Paid, paid_by, two_worlds

from fangpinbao.aggregate import allowed_in, days_of, year_events
from fangpinbao.at_risk import Facts
from fangpinbao.before_year import BeforeYear
from fangpinbao.compile_detection import listed
from fangpinbao.engine import Engine, population_of, simulate
from fangpinbao.household_years import settle_households
from fangpinbao.outcomes import Outcomes
from fangpinbao.scenario.risk import Detection


@pytest.fixture(scope="module")
def facts() -> Facts:
    return two_worlds(village(None), YEARS, SEED)


DESIGNS = {
    "everything": FULL,
    "sure": SURE,
    "a threshold alone": {**SURE, "threshold": 9_000.5},
    "above last year's income": {**SURE, "threshold_times_income": 0.4, "threshold": 3_000},
    "a list alone": {**SURE, "named_list": {"where": {"dibao": True}, "missed": 0.3}},
    "nobody": {"channels": {"visits": {"chance": 0.0}}},
    "all wrong": {**SURE, "verification": {"passes": 0.0, "wrongly_passes": 1.0}},
    "late": {**FULL, "payment_days": {"law": "lognormal", "mean": 150, "sigma": 0.8}},
}


@pytest.mark.parametrize("design", DESIGNS.values(), ids=DESIGNS.keys())
def test_every_household_gets_what_the_reference_pays(design: dict[str, Any], facts: Facts) -> None:
    paid = paid_by(Detection.model_validate(design), facts)
    table = settle_households(village(design), YEARS, seed=SEED)
    base = table.index("base")
    assert np.array_equal(table.benefit[base], paid.benefit)
    assert np.array_equal(table.late[base], paid.benefit - paid.in_time)
    assert np.array_equal(table.insured[base], paid.insured)
    _same_funnel(run(design), paid)


def _same_funnel(outcomes: Outcomes, paid: Paid) -> None:
    assert np.array_equal(outcomes.column("base", "payout_fen"), paid.benefit.sum(axis=1))
    assert np.array_equal(outcomes.column("base", "late_fen"), (paid.benefit - paid.in_time).sum(axis=1))
    for stage in STAGES:
        assert np.array_equal(counts(outcomes, stage), paid.stages[stage].sum(axis=1)), stage
    assert np.array_equal(counts(outcomes, "wrong"), paid.wrong.sum(axis=1))
    assert np.array_equal(counts(outcomes, "wrong_fen"), np.where(paid.wrong, paid.benefit, 0).sum(axis=1))
    days = np.floor(1_000 * np.where(paid.benefit > 0, paid.days, 0.0) + 0.5).sum(axis=1)
    assert np.array_equal(counts(outcomes, "days_thousandths"), days)


def test_neither_threads_nor_blocks_nor_the_number_of_years_change_a_bit() -> None:
    scenario = village(FULL)
    one = simulate(scenario, YEARS, SEED, threads=1)
    other = simulate(scenario, YEARS + 30, SEED, threads=2, block_persons=70, chunk_years=9)
    assert np.array_equal(one.sums.funnel, other.sums.funnel[:YEARS])
    assert np.array_equal(one.sums.columns, other.sums.columns[:, :YEARS])


def test_designs_side_by_side_do_not_disturb_each_other() -> None:
    like = {"like": "base", "detection": "sure"}
    both = build(
        population={"persons": 900},
        programmes={"base": {"coverages": ONE_TEST, "detection": "d"}, "other": like},
        detection={"d": FULL, "sure": SURE},
    )
    outcomes = simulate(both, YEARS, SEED)
    for design, name in ((FULL, "base"), (SURE, "other")):
        alone = run(design)
        for column in ("funnel_due", "funnel_in_time", "funnel_wrong"):
            assert np.array_equal(outcomes.funnel_column(name, column), alone.funnel_column("base", column))
        assert np.array_equal(outcomes.column(name, "payout_fen"), alone.column("base", "payout_fen"))


def test_everybody_found_at_once_is_the_programme_with_full_take_up() -> None:
    names = ("illness", "education")
    full = village(None).replace_all({f"programmes.base.coverages.{name}.take_up": 1.0 for name in names})
    sure, whole = run(SURE), simulate(full, YEARS, SEED)
    assert np.array_equal(sure.sums.columns, whole.sums.columns)
    assert np.array_equal(counts(sure, "due"), whole.column("base", "households_paid"))
    assert np.array_equal(counts(sure, "in_time"), counts(sure, "due"))


def test_take_up_and_delay_of_the_coverages_are_replaced() -> None:
    changed = village(FULL).replace_all(
        {
            "programmes.base.coverages.illness.take_up": 0.1,
            "programmes.base.coverages.disaster.paid_within_year": 0.3,
        }
    )
    assert np.array_equal(simulate(changed, YEARS, SEED).sums.columns, run(FULL).sums.columns)


def test_each_stage_is_part_of_the_one_before() -> None:
    outcomes = run(FULL)
    for before, after in pairwise(STAGES):
        assert (counts(outcomes, after) <= counts(outcomes, before)).all()
        assert counts(outcomes, after).sum() < counts(outcomes, before).sum()
    assert counts(outcomes, "wrong").sum() > 0


def test_chances_meet_their_closed_forms() -> None:
    """Two channels find 1 - 0.4 x 0.7 = 0.72; 0.9 pass, 0.95 accept; each a share of independent draws."""
    outcomes = run(
        {
            "channels": {"a": {"chance": 0.6}, "b": {"chance": 0.3}},
            "verification": {"passes": 0.9},
            "refused": 0.05,
        },
        years=400,
    )
    sizes = [int(counts(outcomes, name).sum()) for name in ("alerted", "found", "approved", "accepted")]
    for (before, after), chance in zip(pairwise(sizes), (0.72, 0.9, 0.95), strict=True):
        assert abs(after / before - chance) < 4 * np.sqrt(chance * (1 - chance) / before)
    for name, chance in (("a", 0.6), ("b", 0.3)):
        share = counts(outcomes, f"found_by_{name}").sum() / sizes[0]
        assert abs(share - chance) < 4 * np.sqrt(chance * (1 - chance) / sizes[0])


def test_days_meet_their_closed_form() -> None:
    """The earliest of two uniform days on (0, 90) is beta(1, 2): a mean of 30, a variance of 450."""
    law = {"law": "uniform", "low": 0, "high": 90}
    design = {"channels": {name: {"chance": 1.0, "delay_days": law} for name in ("a", "b")}}
    outcomes = run(design, years=400)
    paid = int(outcomes.column("base", "households_paid").sum())
    mean = counts(outcomes, "days_thousandths").sum() / 1_000 / paid
    assert abs(mean - 30) < 4 * np.sqrt(450 / paid)


def test_a_delay_counts_from_the_last_event_to_the_end_of_the_year(facts: Facts) -> None:
    due = facts.table.benefit[facts.table.index(FOUND)]
    for days in (0, 1, 100, 364, 365):
        law = {"law": "constant", "amount": days}
        table = households(channels={"visits": {"chance": 1.0, "delay_days": law}})
        is_late = np.maximum(table.last_day[table.index("base")], 0) + days >= 365
        assert np.array_equal(table.benefit[table.index("base")], due)
        assert np.array_equal(table.late[table.index("base")], np.where(is_late, due, 0))
    parts = {
        "channels": {"visits": {"chance": 1.0, "delay_days": {"law": "constant", "amount": 60}}},
        "verification": {"days": {"law": "constant", "amount": 25}},
        "payment_days": {"law": "constant", "amount": 15},
    }
    law = {"law": "constant", "amount": 100}
    whole = households(channels={"visits": {"chance": 1.0, "delay_days": law}})
    assert np.array_equal(households(**parts).late, whole.late)


def test_an_event_that_no_coverage_reads_delays_nobody() -> None:
    """Ill in spring and hail in autumn: a programme that reads illness alone pays as if no hail had fallen."""
    hail = {
        "exposed": "household",
        "frequency": {"law": "bernoulli", "probability": 1.0},
        "books": [{"account": "crop_loss", "amount": {"law": "constant", "amount": 0.01}}],
    }
    law = {"law": "constant", "amount": 100}
    design = {"channels": {"visits": {"chance": 1.0, "delay_days": law}}}
    medical = ["medical_cost", "accident_medical_cost"]
    terms = {"coverages": {"x": {"accounts": medical, "rate": 0.5}}, "detection": "d"}
    crop = {"accounts": ["crop_loss"], "unit": "household_year", "rate": 0.5}
    harvest = {"coverages": {**terms["coverages"], "y": crop}, "detection": "d"}
    scenario = build(
        population={"persons": 900},
        perils={"hail": hail},
        detection={"d": design},
        programmes={"base": None, "ill": terms, "both": harvest},
    )
    engine = Engine(scenario, seed=SEED, stratified=False)
    names, shape = list(engine.compiled.accounts), (4, engine.population.households)
    last, last_of_all = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
    for y in range(4):
        for events in year_events(engine, 0, engine.years(y, y + 1)):
            for account, h, word in zip(events["account"], events["household"], events["word"], strict=True):
                day = int(days_of(np.array([word]))[0])
                if names[account] in medical:
                    last[y, h] = max(last[y, h], day)
                if names[account] in (*medical, "crop_loss"):
                    last_of_all[y, h] = max(last_of_all[y, h], day)
    table = settle_households(scenario, 4, seed=SEED)
    paid, late = table.benefit[table.index("ill")], table.late[table.index("ill")]
    assert np.array_equal(late, np.where(last + 100 >= 365, paid, 0))
    assert (paid[(last + 100 < 365) & (last_of_all + 100 >= 365)] > 0).any()
    paid, late = table.benefit[table.index("both")], table.late[table.index("both")]
    assert np.array_equal(late, np.where(last_of_all + 100 >= 365, paid, 0))


def test_the_earliest_channel_counts() -> None:
    slow, quick = ({"chance": 1.0, "delay_days": {"law": "constant", "amount": days}} for days in (200, 20))
    both = households(channels={"slow": slow, "quick": quick})
    assert np.array_equal(both.late, households(channels={"quick": quick}).late)


def test_a_higher_chance_only_adds_households() -> None:
    less, more = (households(channels={"a": {"chance": chance}}) for chance in (0.3, 0.5))
    base = less.index("base")
    assert ((less.benefit[base] > 0) <= (more.benefit[base] > 0)).all()
    assert (less.benefit[base] > 0).sum() < (more.benefit[base] > 0).sum()


def test_a_lower_threshold_and_a_shorter_delay_only_help() -> None:
    def days(amount: float) -> dict[str, Any]:
        return {"a": {"chance": 0.6, "delay_days": {"law": "gamma", "mean": amount, "cv": 1.0}}}

    slow, quick = households(channels=days(90)), households(channels=days(45))
    base = slow.index("base")
    assert np.array_equal(slow.benefit, quick.benefit)
    assert (quick.late[base] <= slow.late[base]).all()
    high, low = (households(threshold=yuan) for yuan in (8_000, 3_000))
    assert (high.benefit[base] <= low.benefit[base]).all()


def test_paid_too_late_leaves_the_household_where_it_was() -> None:
    law = {"law": "constant", "amount": 365}
    table = households(channels={"visits": {"chance": 1.0, "delay_days": law}})
    base = table.index("base")
    assert np.array_equal(table.insured[base], table.without)
    assert np.array_equal(table.late[base], table.benefit[base])
    assert table.benefit[base].sum() > 0


def test_own_premium_is_paid_whether_or_not_the_money_comes() -> None:
    premium = {"premium_per_insured": 80, "household_share": 0.5, "detection": "nobody"}
    scenario = build(programmes={"base": premium}, detection={"nobody": {"channels": {"a": {"chance": 0.0}}}})
    table = settle_households(scenario, 4, seed=3)
    lost = table.without - table.insured[table.index("base")]
    assert np.array_equal(lost, np.broadcast_to(4_000 * table.size, lost.shape))


def test_the_list_by_hand() -> None:
    scenario = village(None)
    before = BeforeYear.of(scenario, population_of(scenario))
    people = before.population

    def on(**named: object) -> np.ndarray:
        return listed(Detection.model_validate({**SURE, "named_list": named}), scenario, before)

    marginal = people.household_class == 1
    assert np.array_equal(on(where={"classes": ["marginal"]}), marginal)
    assert listed(Detection.model_validate(SURE), scenario, before).all()
    missed = on(where={"classes": ["marginal"]}, missed=0.25)
    assert (missed <= marginal).all()
    assert abs(missed.sum() / marginal.sum() - 0.75) < 4 * np.sqrt(0.75 * 0.25 / marginal.sum())
    wrong = on(where={"classes": ["marginal"]}, wrong=0.25)
    others = people.households - marginal.sum()
    assert (wrong >= marginal).all()
    assert abs((wrong.sum() - marginal.sum()) / others - 0.25) < 4 * np.sqrt(0.75 * 0.25 / others)


RULES = {
    "low": {
        "groups": {
            "g": {"income_per_head_below": 5_000, "any_of": [{"has": ["ill"]}, {"dibao": True}]},
            "h": {"spending_times_income_above": 1.0},
        }
    }
}


def test_a_list_may_be_drawn_up_by_rules() -> None:
    risk = {"rules": RULES, "attributes": {"ill": {"chance": 0.2}}}
    design = {**SURE, "named_list": {"rules": "low"}}
    scenario = village(design, risk=risk)
    table = settle_households(scenario, 3, seed=SEED)
    before = BeforeYear.of(scenario, table.population)
    on_it = listed(Detection.model_validate(design), scenario, before)
    ill = np.zeros(table.population.households, dtype=bool)
    np.logical_or.at(ill, table.population.household_of, before.persons_with["ill"])
    expected = (table.population.income_per_head < 5_000) & (ill | table.population.dibao)
    assert np.array_equal(on_it, expected)
    assert 0 < on_it.sum() < len(on_it)
    assert not table.benefit[table.index("base")][:, ~on_it].any()
    facts = two_worlds(village(None, risk=risk), 3, SEED)
    paid = paid_by(Detection.model_validate(design), facts)
    assert np.array_equal(table.benefit[table.index("base")], paid.benefit)


def test_wrong_inclusions_are_paid_as_if_there_were_no_test(facts: Facts) -> None:
    table = households(verification={"passes": 0.0, "wrongly_passes": 1.0})
    whole, tested = (facts.table.benefit[facts.table.index(name)] for name in (UNTESTED, FOUND))
    assert np.array_equal(table.benefit[table.index("base")], np.where(tested > 0, 0, whole))


def test_a_limit_over_all_shares_what_is_paid() -> None:
    """Pro rata: binding years pay the limit to the fen; who is due and found does not change."""
    free = run(FULL)
    limit = int(np.median(free.column("base", "payout_fen")))
    aggregate = {"limit": limit / 100, "rule": "pro_rata"}
    base = {"coverages": ONE_TEST, "detection": "d", "aggregate": aggregate}
    limited = build(population={"persons": 900}, programmes={"base": base}, detection={"d": FULL})
    outcomes = simulate(limited, YEARS, SEED)
    assert np.array_equal(
        outcomes.column("base", "payout_fen"), np.minimum(free.column("base", "payout_fen"), limit)
    )
    for stage in (*STAGES, "wrong"):
        assert np.array_equal(counts(outcomes, stage), counts(free, stage))
    binding = free.column("base", "payout_fen") > limit
    late, late_free = (one.column("base", "late_fen")[binding] for one in (outcomes, free))
    assert (late < late_free)[late_free > 0].all()
    topped = limited.replace("programmes.base.aggregate.rule", "topped_up")
    assert np.array_equal(simulate(topped, YEARS, SEED).sums.columns, free.sums.columns)


def test_a_limit_goes_to_whoever_is_paid_first(facts: Facts) -> None:
    """Households paid before the day on which the limit is used up get all, those after it nothing."""
    paid = paid_by(Detection.model_validate(FULL), facts)
    limit = int(np.median(paid.benefit.sum(axis=1)))
    aggregate = {"limit": limit / 100, "rule": "first_come"}
    base = {"coverages": ONE_TEST, "detection": "d", "aggregate": aggregate}
    engine = Engine(
        build(population={"persons": 900}, programmes={"base": base}, detection={"d": FULL}),
        seed=SEED,
        block_persons=200,
    )
    outcomes = engine.run(YEARS)
    total = paid.benefit.sum(axis=1)
    assert np.array_equal(outcomes.column("base", "payout_fen"), np.minimum(total, limit))
    year = int(np.argmax(total))
    by_home = np.concatenate(
        [
            np.bincount(block.home, weights=got[: block.persons], minlength=block.households).astype(int)
            + got[block.persons :]
            for block, allowed in zip(engine.blocks, allowed_in(engine, year, {1: limit}), strict=True)
            for got in [np.maximum(allowed[:, 0] - 1, 0).sum(axis=0)]
        ]
    )
    last = facts.table.last_day[facts.table.index(FOUND), year]
    whole, day = paid.benefit[year], np.maximum(last, 0) + paid.days[year]
    is_full, is_empty = (by_home == whole)[whole > 0], (by_home == 0)[whole > 0]
    day = day[whole > 0]
    assert by_home.sum() == limit
    assert (~is_full & ~is_empty).sum() <= 1
    last_full, first_empty = day[is_full].max(), day[is_empty].min()
    assert last_full < first_empty
    assert 0 < is_empty.sum() < len(day)
