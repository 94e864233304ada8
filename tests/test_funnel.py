"""Figures of the funnel from alert to payout: means with errors, classes, equivalents, what a design is tried on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from conftest import build
from detection_cases import FULL, ONE_TEST, PART, SEED, TEST, YEARS, counts, run, village
from detection_reference import FOUND, paid_by, two_worlds

from fangpinbao import detection
from fangpinbao.at_risk import Facts
from fangpinbao.detection import funnel, funnel_of, funnels_of_run, trials_of
from fangpinbao.engine import simulate
from fangpinbao.funnel_figures import BY_CLASS, funnel_figures
from fangpinbao.funnel_figures import STAGES as SHOWN
from fangpinbao.plot_funnel import plot_funnel
from fangpinbao.risk_tables import funnel_table
from fangpinbao.scenario.risk import Detection
from fangpinbao.summary import summary


@pytest.fixture(scope="module")
def facts() -> Facts:
    return two_worlds(village(None), YEARS, SEED)


# ---------------------------------------------------------------- figures


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
