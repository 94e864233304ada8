"""From alert to payout: stages by hand, laws of keyed draws, closed forms of chances and delays."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from conftest import build
from matplotlib import pyplot
from typer.testing import CliRunner

from fangpinbao.at_risk import Facts
from fangpinbao.cli import app
from fangpinbao.detection import STAGES, Paid, funnel, listed, paid_by, with_everybody_found
from fangpinbao.engine import simulate
from fangpinbao.errors import InputError
from fangpinbao.household_years import settle_households
from fangpinbao.plot_funnel import plot_funnel
from fangpinbao.scenario.risk import Detection

matplotlib.use("Agg")

SURE = {"channels": {"visits": {"chance": 1.0}}}
YEARS = 40


@pytest.fixture(autouse=True)
def _close() -> Iterator[None]:
    yield
    pyplot.close("all")


@pytest.fixture(scope="module")
def facts() -> Facts:
    return Facts.of(
        settle_households(with_everybody_found(build(population={"persons": 900})), YEARS, seed=3)
    )


def paid(facts: Facts, **changes: object) -> Paid:
    return paid_by(Detection.model_validate({**SURE, **changes}), facts)


def test_everybody_found_at_once_is_the_programme_with_full_take_up(facts: Facts) -> None:
    table, sure = facts.table, paid(facts)
    found = table.index("found")
    assert np.array_equal(sure.in_time, table.benefit[found])
    assert np.array_equal(sure.insured, table.insured[found])
    assert not sure.wrong.any()
    village = build(population={"persons": 900})
    full = village.replace_all(
        {f"programmes.base.coverages.{name}.take_up": 1.0 for name in ("illness", "education")}
    )
    outcomes = simulate(full, YEARS, 3)
    assert np.array_equal(sure.benefit.sum(axis=1), outcomes.column("base", "payout_fen"))
    for line in ("poverty", "monitoring"):
        kinds = sum(
            outcomes.column("base", f"households_prevented_{kind}", line) for kind in ("return", "entry")
        )
        assert np.array_equal(sure.stages[f"prevented_{line}"].sum(axis=1), kinds)


def test_each_stage_is_part_of_the_one_before(facts: Facts) -> None:
    part = paid(
        facts,
        threshold=4_000,
        named_list={"where": {"classes": ["marginal"]}, "missed": 0.2, "wrong": 0.1},
        channels={"a": {"chance": 0.5, "delay_days": {"law": "uniform", "low": 0, "high": 400}}},
        verification={"passes": 0.8, "wrongly_passes": 0.5},
        refused=0.1,
    )
    stages = list(STAGES)[:-2]
    for before, after in pairwise(stages):
        assert (part.stages[after] <= part.stages[before]).all()
        assert part.stages[after].sum() < part.stages[before].sum()
    for last in list(STAGES)[-2:]:
        assert (part.stages[last] <= part.stages["in_time"]).all()
    assert part.wrong.any()
    assert not (part.wrong & part.stages["due"]).any()
    table = facts.table
    untested = table.benefit[table.index("untested")]
    assert np.array_equal(part.benefit[part.wrong], untested[part.wrong])


def test_chances_meet_their_closed_forms(facts: Facts) -> None:
    """Two channels find 1 - 0.4 x 0.7 = 0.72; 0.9 pass, 0.95 accept; each a share of independent draws."""
    part = paid(
        facts,
        channels={"a": {"chance": 0.6}, "b": {"chance": 0.3}},
        verification={"passes": 0.9},
        refused=0.05,
    )
    sizes = [int(part.stages[name].sum()) for name in ("alerted", "discovered", "approved", "accepted")]
    for before, after, chance in zip(sizes, sizes[1:], (0.72, 0.9, 0.95), strict=False):
        assert abs(after / before - chance) < 4 * np.sqrt(chance * (1 - chance) / before)


def test_a_delay_counts_from_the_last_event_to_the_end_of_the_year(facts: Facts) -> None:
    table = facts.table
    for days in (0, 1, 100, 364, 365):
        law = {"law": "constant", "amount": days}
        late = paid(facts, channels={"visits": {"chance": 1.0, "delay_days": law}})
        due = table.benefit[table.index("found")] > 0
        expected = due & (np.maximum(table.last_day, 0) + days < 365)
        assert np.array_equal(late.stages["in_time"], expected)
        assert np.array_equal(late.benefit, table.benefit[table.index("found")])
    halves = {
        "channels": {"visits": {"chance": 1.0, "delay_days": {"law": "constant", "amount": 60}}},
        "verification": {"days": {"law": "constant", "amount": 25}},
        "payment_days": {"law": "constant", "amount": 15},
    }
    whole = paid(
        facts, channels={"visits": {"chance": 1.0, "delay_days": {"law": "constant", "amount": 100}}}
    )
    assert np.array_equal(paid(facts, **halves).in_time, whole.in_time)


def test_the_earliest_channel_counts(facts: Facts) -> None:
    slow, quick = ({"chance": 1.0, "delay_days": {"law": "constant", "amount": days}} for days in (200, 20))
    both = paid(facts, channels={"slow": slow, "quick": quick})
    assert np.array_equal(both.in_time, paid(facts, channels={"quick": quick}).in_time)
    assert both.delay.max() == 20.0


def test_a_higher_chance_only_adds_households(facts: Facts) -> None:
    less, more = (paid(facts, channels={"a": {"chance": chance}}) for chance in (0.3, 0.5))
    assert (less.stages["discovered"] <= more.stages["discovered"]).all()
    assert less.stages["discovered"].sum() < more.stages["discovered"].sum()


def test_paid_too_late_leaves_the_household_where_it_was(facts: Facts) -> None:
    law = {"law": "constant", "amount": 365}
    late = paid(facts, channels={"visits": {"chance": 1.0, "delay_days": law}})
    assert np.array_equal(late.insured, facts.table.without)
    assert late.in_time.sum() == 0
    assert late.benefit.sum() > 0
    assert not late.stages["prevented_poverty"].any()


def test_own_premium_is_paid_whether_or_not_the_money_comes() -> None:
    premium = {"premium_per_insured": 80, "household_share": 0.5}
    scenario = with_everybody_found(build(programmes={"base": premium}))
    facts = Facts.of(settle_households(scenario, 4, seed=3))
    nobody = paid(facts, channels={"visits": {"chance": 0.0}})
    size = facts.table.size
    assert np.array_equal(
        facts.table.without - nobody.insured, np.broadcast_to(4_000 * size, nobody.insured.shape)
    )


def test_the_list_by_hand(facts: Facts) -> None:
    people = facts.table.population

    def on(**named: object) -> np.ndarray:
        return listed(Detection.model_validate({**SURE, "named_list": named}), facts)

    marginal = people.household_class == 1
    assert np.array_equal(on(where={"classes": ["marginal"]}), marginal)
    assert listed(Detection.model_validate(SURE), facts).all()
    missed = on(where={"classes": ["marginal"]}, missed=0.25)
    assert (missed <= marginal).all()
    assert abs(missed.sum() / marginal.sum() - 0.75) < 4 * np.sqrt(0.75 * 0.25 / marginal.sum())
    wrong = on(where={"classes": ["marginal"]}, wrong=0.25)
    others = people.households - marginal.sum()
    assert (wrong >= marginal).all()
    assert abs((wrong.sum() - marginal.sum()) / others - 0.25) < 4 * np.sqrt(0.75 * 0.25 / others)


def test_a_list_may_be_drawn_up_by_rules() -> None:
    rules = {
        "low": {"groups": {"g": {"income_per_head_below": 5_000}, "h": {"spending_times_income_above": 1.0}}}
    }
    facts = Facts.of(settle_households(with_everybody_found(build(risk={"rules": rules})), 3, seed=3))
    design = Detection.model_validate({**SURE, "named_list": {"rules": "low"}})
    assert np.array_equal(listed(design, facts), facts.table.population.income_per_head < 5_000)


PART = {
    "named": {**SURE, "named_list": {"where": {"classes": ["marginal"]}}},
    "open": {
        "threshold": 5_000,
        "channels": {"visits": {"chance": 0.4}, "own": {"chance": 0.2}},
        "refused": 0.1,
    },
}


def test_figures_are_means_over_years_with_their_errors() -> None:
    scenario = build(detection=PART)
    named, opened = funnel(scenario, 20, seed=3)
    facts = Facts.of(settle_households(with_everybody_found(scenario), 20, seed=3))
    part = paid_by(scenario.detection["open"], facts)
    yearly = part.stages["discovered"].sum(axis=1)
    figure = opened.households["discovered"]
    assert figure.value == pytest.approx(yearly.mean())
    assert figure.standard_error == pytest.approx(yearly.std(ddof=1) / np.sqrt(20))
    assert opened.kept["discovered"].value == pytest.approx(yearly.sum() / part.stages["alerted"].sum())
    assert named.due_payout == opened.due_payout
    assert opened.payout.value == pytest.approx(part.benefit.sum() / 20 / 100)
    assert opened.take_up.value == pytest.approx(part.benefit.sum() / facts.table.benefit[1].sum())
    assert named.paid_within_year.value == 1.0
    assert named.households["due"] == opened.households["due"]


def test_the_equivalents_reproduce_the_payout_in_a_run() -> None:
    """take_up x full payout is the payout in expectation: a run with the equivalent take-up agrees."""
    scenario = build(population={"persons": 900}, detection={"open": PART["open"]})
    (opened,) = funnel(scenario, 200, seed=3)
    assert opened.take_up.value is not None
    coverages = {name: opened.take_up.value for name in scenario.programmes["base"].coverages}
    run = simulate(
        scenario.replace_all(
            {f"programmes.base.coverages.{name}.take_up": rate for name, rate in coverages.items()}
        ),
        200,
        4,
    )
    payout = run.yuan_by_year("base")
    spread = np.hypot(payout.std(ddof=1) / np.sqrt(200), opened.payout.standard_error or 0.0)
    assert abs(payout.mean() - (opened.payout.value or 0.0)) < 4 * spread


def test_the_command_and_the_picture(tmp_path: Path) -> None:
    line = ["funnel", "zhongning-2020", "--with", "parts/detection-2020", "--years", "3"]
    line += ["--set", "population.persons=2000"]
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
    line = ["funnel", "zhongning-2020", "--with", "parts/detection-2020", "--years", "4", "--seed", "5"]
    line += ["--set", "population.persons=2000", "--json", str(file)]
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


def test_the_picture_shows_every_stage() -> None:
    (opened,) = funnel(build(detection={"open": PART["open"]}), 10, seed=3)
    axes = plot_funnel(opened)
    assert [label.get_text() for label in axes.get_yticklabels()] == [en for en, _ in STAGES.values()]
    assert [bar.get_width() for bar in axes.patches] == [opened.households[stage].value for stage in STAGES]


MISTAKES = [
    ({"x": {"channels": {}}}, "detection.x.channels is too short"),
    (
        {"x": {**SURE, "programme": "bsae"}},
        "detection.x.programme = 'bsae' is not a programme. Did you mean base?",
    ),
    ({"x": {**SURE, "named_list": {"rules": "y"}}}, "detection.x.named_list.rules = 'y' is not a rule set."),
    ({"x": {"channels": {"a": {"chance": 60}}}}, "detection.x.channels.a.chance = 60 must be at most 1."),
    (
        {"x": {**SURE, "refusd": 0.1}},
        "detection.x.refusd is read by nothing. Did you mean detection.x.refused?",
    ),
]


@pytest.mark.parametrize(("tables", "says"), MISTAKES, ids=[says[:40] for _, says in MISTAKES])
def test_a_mistake_is_named(tables: dict, says: str) -> None:
    with pytest.raises(InputError) as caught:
        build(detection=tables)
    assert any(str(problem).startswith(says) for problem in caught.value.problems), str(caught.value)


def test_a_limit_over_all_is_refused() -> None:
    limited = build(programmes={"base": {"aggregate": {"limit": 1_000, "rule": "pro_rata"}}})
    with pytest.raises(InputError, match="under which nobody is found yet"):
        with_everybody_found(limited)
