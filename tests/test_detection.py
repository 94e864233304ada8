"""From alert to payout: the engine against a slow reference, laws of keyed draws, closed forms, the command."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pytest
from conftest import build
from detection_reference import FOUND, STAGES, UNTESTED, Paid, paid_by, two_worlds
from matplotlib import pyplot
from typer.testing import CliRunner

from fangpinbao import detection
from fangpinbao.aggregate import allowed_in, days_of, year_events
from fangpinbao.at_risk import Facts
from fangpinbao.before_year import BeforeYear
from fangpinbao.cli import app
from fangpinbao.compile_detection import listed
from fangpinbao.detection import funnel, funnel_of, funnels_of_run, trials_of
from fangpinbao.engine import Engine, population_of, simulate
from fangpinbao.errors import InputError
from fangpinbao.funnel_figures import BY_CLASS, funnel_figures
from fangpinbao.funnel_figures import STAGES as SHOWN
from fangpinbao.household_years import HouseholdYears, settle_households
from fangpinbao.outcomes import Outcomes
from fangpinbao.plot_funnel import plot_funnel
from fangpinbao.risk_tables import funnel_table
from fangpinbao.scenario import Scenario
from fangpinbao.scenario.risk import Detection
from fangpinbao.summary import summary

matplotlib.use("Agg")

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


@pytest.fixture(autouse=True)
def _close() -> Iterator[None]:
    yield
    pyplot.close("all")


def village(design: dict[str, Any] | None, **tables: Any) -> Scenario:
    """The village, with one test for all coverages, which detection finds by a design."""
    base = {"coverages": ONE_TEST, **({} if design is None else {"detection": "d"})}
    designs = {} if design is None else {"detection": {"d": design}}
    return build(population={"persons": 900}, programmes={"base": base}, **designs, **tables)


@pytest.fixture(scope="module")
def facts() -> Facts:
    return two_worlds(village(None), YEARS, SEED)


def households(**changes: Any) -> HouseholdYears:
    """Every household and year of the village under a design."""
    return settle_households(village({**SURE, **changes}), YEARS, seed=SEED)


def run(design: dict[str, Any], years: int = YEARS) -> Outcomes:
    return simulate(village(design), years, SEED)


def counts(outcomes: Outcomes, stage: str) -> np.ndarray:
    return outcomes.funnel_column("base", f"funnel_{stage}")


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


# ---------------------------------------------------------------- figures

PART = {
    "named": {**SURE, "named_list": {"where": {"classes": ["marginal"]}}},
    "open": {
        "threshold": 5_000,
        "channels": {"visits": {"chance": 0.4}, "own": {"chance": 0.2}},
        "refused": 0.1,
    },
}


def test_figures_are_means_over_years_with_their_errors(facts: Facts) -> None:
    named, opened = funnel(village(None, detection=PART), YEARS, seed=SEED)
    paid = paid_by(Detection.model_validate(PART["open"]), facts)
    yearly = paid.stages["found"].sum(axis=1)
    figure = opened.households["found"]
    assert figure.value == pytest.approx(yearly.mean())
    assert figure.standard_error == pytest.approx(yearly.std(ddof=1) / np.sqrt(YEARS))
    assert opened.kept["found"].value == pytest.approx(yearly.sum() / paid.stages["alerted"].sum())
    assert named.due_payout == opened.due_payout
    assert opened.payout.value == pytest.approx(paid.benefit.sum() / YEARS / 100)
    whole = facts.table.benefit[facts.table.index(FOUND)]
    assert opened.take_up.value == pytest.approx(paid.benefit.sum() / whole.sum())
    assert named.paid_within_year.value == 1.0
    assert named.households["due"] == opened.households["due"]
    for k, line in enumerate(("poverty", "monitoring")):
        table = facts.table
        at_risk = (table.start >= table.lines[k]) & (table.without < table.lines[k])
        kept = at_risk & (paid.insured >= table.lines[k])
        assert opened.prevented[line].value == pytest.approx(kept.sum() / YEARS)
        if_found = at_risk & (table.insured[table.index(FOUND)] >= table.lines[k])
        assert opened.prevented_if_found[line].value == pytest.approx(if_found.sum() / YEARS)


def test_figures_of_a_run_are_those_of_the_funnel() -> None:
    outcomes = run(FULL)
    figures = funnel_figures(outcomes)
    (shown,) = funnels_of_run(outcomes)
    for stage in SHOWN:
        found = figures.one(f"funnel_{stage}", "base", group=None)
        assert (found.value, found.standard_error) == (
            shown.households[stage].value,
            shown.households[stage].standard_error,
        )
    assert figures.one("funnel_kept", "base", group="in_time").value == shown.kept["in_time"].value
    assert figures.one("funnel_found", "base", group="a").value == shown.by_channel["a"][1].value
    assert figures.one("funnel_wrong_payout", "base").value == shown.wrong_payout.value
    assert figures.one("funnel_days", "base").value == shown.mean_delay.value
    assert shown.take_up is None
    whole = funnel(village(FULL), YEARS, seed=SEED)[0]
    assert (whole.households, whole.payout) == (shown.households, shown.payout)


def test_the_funnel_by_class_adds_up(facts: Facts) -> None:
    outcomes = run(FULL)
    figures = funnel_figures(outcomes)
    paid = paid_by(Detection.model_validate(FULL), facts)
    classes = facts.table.population.household_class
    masks = {
        "funnel_due": paid.stages["due"],
        "funnel_accepted": paid.stages["accepted"],
        "funnel_in_time": paid.stages["in_time"],
        "funnel_wrong": paid.wrong,
    }
    assert set(masks) == set(BY_CLASS)
    for measure, mask in masks.items():
        for code, group in enumerate(("unstable_lifted", "marginal")):
            found = figures.one(measure, "base", group=group)
            assert found.value == pytest.approx(mask[:, classes == code].sum() / YEARS)
            yearly = mask[:, classes == code].sum(axis=1)
            assert found.standard_error == pytest.approx(yearly.std(ddof=1) / np.sqrt(YEARS))


def test_years_hold_the_funnel_and_null_where_there_is_none() -> None:
    outcomes = run(FULL)
    by_year = outcomes.by_year
    assert by_year["funnel_due"].dtype == "Int64"
    mine = by_year[by_year["programme"] == "base"]
    assert mine["funnel_found_by_b"].tolist() == counts(outcomes, "found_by_b").tolist()
    assert by_year[by_year["programme"] == "none"]["funnel_due"].isna().all()
    assert not [name for name in simulate(village(None), 2, SEED).by_year if name.startswith("funnel")]
    with pytest.raises(KeyError, match="base have a funnel"):
        outcomes.funnel_column("none", "funnel_due")


def test_relief_is_paid_without_being_found_and_check_says_so() -> None:
    """Nobody is found, so that insurance pays nothing: relief is what it is without any insurance."""
    nobody, entry = {"channels": {"a": {"chance": 0.0}}}, {"relief": {"rest": {"base": "borne"}}}
    scenario = build(
        population={"persons": 900},
        programmes={
            "base": {"coverages": ONE_TEST, "detection": "d", **entry},
            "alone": {"kind": "rules", **entry},
        },
        detection={"d": nobody},
    )
    outcomes = simulate(scenario, 5, SEED)
    rows = {row.programme: outcomes.sums.step_paid[:, row.row] for row in outcomes.compiled.relief}
    assert not outcomes.column("base", "payout_fen").any()
    assert rows["base"].all()
    assert rows["base"].tolist() == rows["alone"].tolist()
    lines = summary(scenario)
    (note,) = [
        k
        for k, line in enumerate(lines)
        if line.startswith("    note: d finds families for the coverages alone")
    ]
    assert lines[note - 1].startswith("  programme base:")
    assert not [line for line in summary(village(nobody)) if "note:" in line]


def test_the_equivalents_reproduce_the_payout_in_a_run() -> None:
    """take_up x full payout is the payout in expectation: a run with the equivalent take-up agrees."""
    scenario = build(population={"persons": 900}, detection={"open": PART["open"]})
    (opened,) = funnel(scenario, 200, seed=3)
    assert opened.take_up is not None
    coverages = {name: opened.take_up.value for name in scenario.programmes["base"].coverages}
    again = simulate(
        scenario.replace_all(
            {f"programmes.base.coverages.{name}.take_up": rate for name, rate in coverages.items()}
        ),
        200,
        4,
    )
    payout = again.yuan_by_year("base")
    spread = np.hypot(payout.std(ddof=1) / np.sqrt(200), opened.payout.standard_error or 0.0)
    assert abs(payout.mean() - (opened.payout.value or 0.0)) < 4 * spread


def test_a_design_is_tried_on_the_programme_that_names_it() -> None:
    """Absent ``programme``: the programme that names the design, else the first."""
    scenario = build(
        programmes={"other": {"like": "base", "insured": {"dibao": True}, "detection": "named"}},
        detection=PART,
    )
    named, opened = funnel(scenario, 4, seed=SEED)
    outcomes = simulate(scenario, 4, SEED)
    assert named.households["due"] == funnel_of(outcomes, "other").households["due"]
    assert opened.households["due"].value > named.households["due"].value


def test_households_that_own_relief_keeps_are_not_taken_for_found() -> None:
    """Nobody is found, the programme's relief lifts many: no row, no bar and no record says that finding kept them."""
    gift = {"gap": {"base": "gap", "standard": 6_000}}
    scenario = build(
        population={"persons": 900},
        programmes={"base": {"coverages": ONE_TEST, "relief": gift}},
        detection={"d": {"channels": {"visits": {"chance": 0.0}}}},
    )
    outcomes = simulate(scenario.replace("programmes.base.detection", "d"), 6, SEED)
    assert outcomes.column("base", "payout_fen").sum() == 0
    kept = (
        outcomes.column("base", f"households_prevented_{kind}", "poverty") for kind in ("return", "entry")
    )
    assert sum(kept).sum() > 0
    (of_run,), (tried,) = funnels_of_run(outcomes), funnel(scenario, 6, seed=SEED)
    for one in (of_run, tried):
        assert (dict(one.prevented), one.prevented_if_found) == ({}, None)
        assert [note for note, _ in one.notes] == [detection._WITH_RELIEF[0]]
        axes = plot_funnel(one)
        assert [label.get_text() for label in axes.get_yticklabels()] == [en for en, _ in SHOWN.values()]
    assert tried.take_up is not None
    assert tried.take_up.value == 0.0
    for lang, words in (("en", "kept above"), ("zh", "保持在贫困线之上")):
        table = funnel_table([of_run], lang)
        assert detection._WITH_RELIEF[lang == "zh"] in table.title
        assert not [cell for cell in table.table.columns[0].cells if words in str(cell)]
    free = funnel(village(FULL), 6, seed=SEED)[0]
    both = funnel_table([free, tried], "en").table
    rows = dict(zip(both.columns[0].cells, both.columns[3].cells, strict=True))
    assert rows["kept above the poverty line"] == "—"


def test_a_limit_that_cuts_leaves_out_what_all_found_would_change() -> None:
    """Where the limit decides what is paid, paid over paid-if-found is no take-up."""
    whole = funnel(village(FULL), YEARS, seed=SEED)[0]
    for rule, limit, is_cut in (
        ("pro_rata", 1_000, True),
        ("first_come", 1_000, True),
        ("topped_up", 1_000, False),
        ("pro_rata", 1e9, False),
    ):
        base = {"coverages": ONE_TEST, "aggregate": {"limit": limit, "rule": rule}}
        limited = build(population={"persons": 900}, programmes={"base": base}, detection={"d": FULL})
        (one,) = funnel(limited, YEARS, seed=SEED)
        assert bool(one.notes) == is_cut
        assert one.households == whole.households
        if is_cut:
            assert (one.take_up, one.prevented_if_found) == (None, None)
            assert detection._CUT[0] in funnel_table([one], "en").title
            labels = [str(cell) for cell in funnel_table([one], "en").table.columns[0].cells]
            assert not [
                label for label in labels if "equals take-up" in label or "if all were found at once" in label
            ]
        else:
            assert (one.take_up, one.prevented_if_found) == (whole.take_up, whole.prevented_if_found)


def test_a_design_is_tried_on_the_first_insurance_programme() -> None:
    top_up = {"kind": "rules", "relief": {"gap": {"base": "gap", "standard": 5_000}}}
    scenario = build(programmes={"base": None, "top_up": top_up, "ins": _one_rule()}, detection=PART)
    assert [trial.programme for trial in trials_of(scenario)] == ["ins", "ins"]
    assert [one.design for one in funnel(scenario, 2, seed=SEED)] == ["named", "open"]


def _one_rule() -> dict[str, Any]:
    return {"coverages": {"x": {"accounts": ["medical_cost"], "rate": 0.5, **TEST}}}


# ---------------------------------------------------------------- the command and the picture

ZHONGNING = ["zhongning-2020", "--with", "parts/detection-2020", "--set", "population.persons=2000"]


def test_the_command_and_the_picture(tmp_path: Path) -> None:
    line = ["funnel", *ZHONGNING, "--years", "3"]
    for lang, words in (("en", "From alert to payout"), ("zh", "从预警到赔付")):
        picture = tmp_path / f"{lang}.png"
        shown = CliRunner().invoke(app, [*line, "--lang", lang, "--picture", str(picture)])
        assert shown.exit_code == 0, shown.output
        assert words in shown.output
        assert picture.stat().st_size > 10_000
    assert CliRunner().invoke(app, ["funnel", "zhongning-2020"]).exit_code == 2
    assert CliRunner().invoke(app, [*line, "--design", "nobody"]).exit_code == 2


def test_the_figures_are_written_with_their_errors_and_provenance(tmp_path: Path) -> None:
    file = tmp_path / "funnel.json"
    line = ["funnel", *ZHONGNING, "--years", "4", "--seed", "5", "--json", str(file)]
    assert CliRunner().invoke(app, line).exit_code == 0
    written = json.loads(file.read_text(encoding="utf-8"))
    assert (written["format"], written["kind"]) == (1, "funnel")
    assert written["provenance"]["years"] == 4
    assert written["provenance"]["seed"] == 5
    assert len(written["provenance"]["digest"]) == 64
    assert [record["design"] for record in written["records"]] == [
        "named_list",
        "thresholds",
        "application_only",
    ]
    due = written["records"][0]["households"]["due"]
    assert set(due) >= {"value", "standard_error", "lower", "upper", "unit", "years", "method"}
    assert due["standard_error"] > 0
    line[-1] = str(tmp_path / "nowhere" / "funnel.json")
    assert CliRunner().invoke(app, line).exit_code == 2


def test_the_picture_shows_every_stage_of_a_run() -> None:
    (shown,) = funnels_of_run(run(PART["open"], years=10))
    axes = plot_funnel(shown)
    labels = [label.get_text() for label in axes.get_yticklabels()]
    kept = ["kept above the poverty line", "kept above the monitoring line"]
    assert labels == [*(en for en, _ in SHOWN.values()), *kept]
    values = [one.value for one in (*shown.households.values(), *shown.prevented.values())]
    assert [bar.get_width() for bar in axes.patches] == values


# ---------------------------------------------------------------- refusals

MISTAKES = [
    ({"detection": {"x": {"channels": {}}}}, "detection.x.channels is too short"),
    (
        {"detection": {"x": {**SURE, "programme": "bsae"}}},
        "detection.x.programme = 'bsae' is not a programme. Did you mean base?",
    ),
    (
        {
            "detection": {"x": {**SURE, "programme": "r"}},
            "programmes": {
                "r": {"kind": "rules", "relief": {"gap": {"base": "gap", "standard": 5_000}}},
            },
        },
        "detection.x.programme = 'r' is no insurance programme, so there are no claims to find. Write one of base.",
    ),
    (
        {
            "detection": {"x": SURE},
            "programmes": {
                "base": None,
                "r": {"kind": "rules", "relief": {"gap": {"base": "gap", "standard": 5_000}}},
            },
        },
        "detection.x finds families for no insurance programme. Add one, or drop the table.",
    ),
    (
        {"detection": {"x": {**SURE, "named_list": {"rules": "y"}}}},
        "detection.x.named_list.rules = 'y' is not a rule set.",
    ),
    (
        {"detection": {"x": {"channels": {"a": {"chance": 60}}}}},
        "detection.x.channels.a.chance = 60 must be at most 1.",
    ),
    (
        {"detection": {"x": {**SURE, "refusd": 0.1}}},
        "detection.x.refusd is read by nothing. Did you mean detection.x.refused?",
    ),
    (
        {"detection": {"named": SURE}, "programmes": {"base": {"detection": "nmaed"}}},
        "programmes.base.detection = 'nmaed' is not a design under detection. Did you mean named?",
    ),
    (
        {"programmes": {"base": {"detection": "named"}}},
        "programmes.base.detection = 'named' is not a design under detection. None is declared.",
    ),
    (
        {
            "detection": {"named": SURE},
            "programmes": {
                "r": {
                    "kind": "rules",
                    "detection": "named",
                    "coverages": {"x": {"accounts": ["medical_cost"]}},
                }
            },
        },
        'programmes.r.detection belongs to an insurance contract, not to kind = "rules".',
    ),
    (
        {
            "detection": {"named": SURE},
            "programmes": {f"p{k}": {"like": "base", "detection": "named"} for k in range(33)},
        },
        "programmes have 33 with a detection design; at most 32 fit into one run.",
    ),
    (
        {
            "detection": {"d": {"channels": {f"c{k}": {"chance": 0.1} for k in range(30)}}},
            "programmes": {"base": {"detection": "d"}},
        },
        "detection names 30 different channels; at most 29 fit into one run.",
    ),
]


@pytest.mark.parametrize(("tables", "says"), MISTAKES, ids=[says[:50] for _, says in MISTAKES])
def test_a_mistake_is_named(tables: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError) as caught:
        build(**tables)
    assert any(str(problem).startswith(says) for problem in caught.value.problems), str(caught.value)


def test_the_largest_numbers_of_cases_and_channels_run() -> None:
    channels = {f"c{k}": {"chance": 0.1} for k in range(29)}
    others = {f"p{k}": {"like": "base", "detection": "d"} for k in range(31)}
    scenario = build(
        detection={"d": {"channels": channels}}, programmes={"base": {"detection": "d"}, **others}
    )
    outcomes = simulate(scenario, 6, SEED)
    first = outcomes.sums.funnel[:, :1]
    assert np.array_equal(outcomes.sums.funnel, np.broadcast_to(first, outcomes.sums.funnel.shape))
    assert outcomes.funnel_column("p30", "funnel_found_by_c28").sum() > 0
