"""Relief for the same money: scaling, the identities of the head numbers, and payments by an independent sum."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import build
from test_relief import paying
from typer.testing import CliRunner

from fangpinbao.cli import app
from fangpinbao.engine import Engine
from fangpinbao.errors import InputError
from fangpinbao.household_years import settle_households
from fangpinbao.relief_money import relief_for_the_same_money
from fangpinbao.risk_tables import relief_tables
from fangpinbao.scenario.load import load_with

DESIGNS = {
    "dear": {"base": "gap", "standard": 9_000},
    "cheap": {"base": "gap", "where": {"dibao": True}, "standard": 4_700},
    "late": {"base": "gap", "standard": 9_000, "paid_within_year": 0.0},
    "loan": {"base": "borne", "loan": {"years": 2, "repaid": 0.9}},
    "chance": {"base": "borne", "take_up": 0.25},
}
YEARS = 60


def designs() -> dict:
    return {name: {"kind": "rules", "relief": {name: table}} for name, table in DESIGNS.items()}


@pytest.fixture(scope="module")
def compared() -> dict:
    scenario = build(population={"persons": 900}, programmes=designs())
    return {one.design: one for one in relief_for_the_same_money(scenario, YEARS, seed=3)}


def test_designs_cost_what_the_programme_costs(compared: dict) -> None:
    money = compared["base"].cost
    assert compared["base"].own_cost == money
    for name in ("dear", "cheap", "late", "chance"):
        one = compared[name]
        assert one.served != 1.0 or one.raised != 1.0
        assert (one.served == 1.0) != (one.raised == 1.0)
        spread = np.hypot(one.cost.standard_error, money.standard_error)
        assert abs(one.cost.value - money.value) < 4 * spread, name
    assert compared["dear"].served < 1.0
    assert compared["cheap"].raised > 1.0
    # every payment is rounded to the fen, half of them up: at most half a fen a payment
    tolerance = 0.005 * compared["cheap"].payments.value
    assert abs(compared["cheap"].cost.value - money.value) <= tolerance


def test_the_programme_is_compared_with_itself_first(compared: dict) -> None:
    first = next(iter(compared.values()))
    assert first.design == "base"
    for line in ("poverty", "monitoring"):
        assert (first.less[line].value, first.less[line].standard_error) == (0.0, 0.0)
        for one in compared.values():
            net = one.prevented[line].value + one.lifted[line].value - one.induced[line].value
            mine = first.prevented[line].value + first.lifted[line].value - first.induced[line].value
            assert one.less[line].value == pytest.approx(net - mine)


def test_money_that_comes_late_helps_nobody(compared: dict) -> None:
    late = compared["late"]
    assert late.late.value == late.cost.value
    for line in ("poverty", "monitoring"):
        assert late.prevented[line].value == 0.0
        assert late.gap_closed[line].value == 0.0
        assert late.cost_per_prevented[line].value is None


def test_a_loan_cannot_use_the_money(compared: dict) -> None:
    """Cost borne is never overpaid, and everybody who bears some borrows already."""
    loan = compared["loan"]
    assert (loan.served, loan.raised) == (1.0, 1.0)
    assert loan.cost.value < compared["base"].cost.value / 2
    assert loan.cost == loan.own_cost
    assert loan.induced["poverty"].value > 0.0


def test_at_own_cost_a_chance_is_a_share_of_all() -> None:
    tables = {"chance": DESIGNS["chance"], "all": {"base": "borne"}}
    programmes = {name: {"kind": "rules", "relief": {"x": table}} for name, table in tables.items()}
    scenario = build(population={"persons": 900}, programmes=programmes)
    found = relief_for_the_same_money(scenario, YEARS, seed=3, same_money=False)
    figures = {one.design: one for one in found}
    share = figures["chance"].payments.value / figures["all"].payments.value
    draws = figures["all"].payments.value * YEARS
    assert abs(share - 0.25) < 4 * np.sqrt(0.25 * 0.75 / draws)
    assert (figures["all"].served, figures["all"].raised) == (1.0, 1.0)


def test_insurance_and_relief_of_one_programme_are_both_counted() -> None:
    """One column each: households paid by insurance, payments of relief; both as the run counts them."""
    relief = {"rest": {"base": "borne"}, "gap": {"base": "gap"}}
    programmes = {"base": {"relief": relief}, "alone": {"kind": "rules", "relief": relief}}
    scenario = build(population={"persons": 900}, programmes=programmes)
    both, alone = relief_for_the_same_money(scenario, YEARS, seed=3, same_money=False)
    outcomes = Engine(scenario, seed=3).run(YEARS, threads=1)
    for one, name in ((both, "base"), (alone, "alone")):
        rows = [row.row for row in outcomes.compiled.relief if row.programme == name and row.part == "paid"]
        assert len(rows) == 2
        assert one.payments.value == pytest.approx(outcomes.sums.step_claims[:, rows].sum() / YEARS)
        assert one.payments.value > 0.0
    assert both.households_paid.value == pytest.approx(outcomes.column("base", "households_paid").mean())
    assert both.households_paid.value > 0.0
    assert alone.households_paid.value == 0.0
    paid = {
        "en": ("payments of relief", "households paid by insurance"),
        "zh": ("受助户次", "获保险赔付户数"),
    }
    for lang, heads in paid.items():
        money = relief_tables([both, alone], lang)[0].table
        assert {str(column.header) for column in money.columns} >= set(heads)


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(InputError, match="none that pays relief alone"):
        relief_for_the_same_money(build(), 2)
    scenario = build(programmes=designs())
    with pytest.raises(InputError, match="is not one of dear, cheap"):
        relief_for_the_same_money(scenario, 2, designs=["nothing"])
    with pytest.raises(InputError, match="is not one of base"):
        relief_for_the_same_money(scenario, 2, programme="dear")
    with pytest.raises(InputError, match="no coverage"):
        relief_for_the_same_money(build(**paying({"x": {"base": "gap"}})), 2)


def test_payments_are_the_sums_of_settled_households() -> None:
    """The slow way: every household of every year under "none", then what each entry owes it, in numpy."""
    scenario = load_with("zhongning-2020-relief", []).replace("population.persons", 900)
    years = 5
    table = settle_households(scenario.model_copy(update={"programmes": {}}), years, seed=2)
    people, size = table.population, table.size
    net = table.income - table.lost - table.spending + table.relief
    gap = np.maximum(456_000 * size - net, 0)
    borne = np.maximum(table.start + table.relief - table.without, 0)
    tested = (table.income - table.lost - table.spending < 456_000 * size) & (
        10 * table.spending > 3 * table.income
    )
    students = np.bincount(people.household_of[people.schooling == 6], minlength=people.households)
    due = {
        "top_up_all": gap,
        "top_up_dibao": gap * people.dibao,
        "top_up_income": np.maximum(456_000 * size - (net + table.spending), 0),
        "student_grant": np.broadcast_to(1_000_000 * students, gap.shape),
        "temporary": np.where(tested, np.minimum(borne, 114_000 * size), 0),
    }
    changes = {
        f"programmes.{name}.relief.{entry}.take_up": 1.0
        for name in due
        for entry, terms in scenario.programmes[name].relief.items()
        if terms.take_up < 1
    }
    outcomes = Engine(scenario.replace_all(changes), seed=2).run(years, threads=1)
    for row in outcomes.compiled.relief:
        if row.programme in due:
            by_year = due[row.programme].sum(axis=1)
            assert by_year.all()
            assert outcomes.sums.step_paid[:, row.row].tolist() == by_year.tolist(), row.programme


def test_the_command() -> None:
    line = ["relief", "zhongning-2020", "--with", "parts/relief-designs-2020", "--years", "4"]
    line += ["--set", "population.persons=1000", "--design", "exit_12", "--design", "loan"]
    for lang, words in (("en", "Households a year, poverty line"), ("zh", "年均户数，贫困线")):
        shown = CliRunner().invoke(app, [*line, "--lang", lang])
        assert shown.exit_code == 0, shown.output
        assert words in shown.output
    assert CliRunner().invoke(app, ["relief", "zhongning-2020"]).exit_code == 2
    assert CliRunner().invoke(app, [*line, "--programme", "nobody"]).exit_code == 2
