"""Relief beside insurance: payments by hand, scaling to the same money, and the identities of the head numbers."""

# ruff: noqa: E501  (the tables stand whole)

from __future__ import annotations

import numpy as np
import pytest
from conftest import build
from told import table
from typer.testing import CliRunner

from fangpinbao.at_risk import Facts
from fangpinbao.cli import app
from fangpinbao.errors import InputError
from fangpinbao.relief_designs import compare_relief, relief_paid
from fangpinbao.scenario.risk import ReliefDesign

ATTRIBUTES = {"ill": {"chance": 1.0, "where": {"age_to": 14}}}


def pays(**design: object) -> dict[str, list[float]]:
    """Yuan by household in the two years."""
    facts = Facts.of(table(attributes=ATTRIBUTES))
    paid = relief_paid(ReliefDesign.model_validate(design), facts)
    ids = facts.table.population.household_id.astype("U")
    return {name: (paid[:, h] / 100).tolist() for h, name in enumerate(ids.tolist())}


# Resources without: a 9,999.98 then -0.02 (2 persons); b 3,999.99 then 5,000 (1); c 7,000 twice (2);
# d 3,999.99 then 0 (1). The lines of the village: dibao 4,560.
BY_HAND = [
    # gap to 4,560 a head: a 9,120 - 9,999.98 < 0, 9,120.02; b 560.01, 0; c 2,120 twice; d 560.01, 4,560
    ({"base": "gap"}, {"a": [0, 9_120.02], "b": [560.01, 0], "c": [2_120, 2_120], "d": [560.01, 4_560]}),
    ({"base": "gap", "standard": 4_000}, {"a": [0, 8_000.02], "b": [0.01, 0], "c": [1_000, 1_000], "d": [0.01, 4_000]}),
    ({"base": "gap", "where": {"dibao": True}}, {"a": [0, 0], "b": [0, 0], "c": [2_120, 2_120], "d": [0, 0]}),
    # 0.5 of 560.01 is 280.005: half a fen is rounded up
    ({"base": "gap", "rate": 0.5, "limit": 2_000}, {"a": [0, 2_000], "b": [280.01, 0], "c": [1_060, 1_060], "d": [280.01, 2_000]}),
    ({"base": "borne"}, {"a": [0, 10_000], "b": [0, 0], "c": [0, 0], "d": [5_000.01, 9_000]}),
    ({"base": "borne", "limit": 6_000, "when": {"spending_times_income_above": 1.0}},
     {"a": [0, 6_000], "b": [0, 0], "c": [0, 0], "d": [0, 0]}),
    # 10,000 for each pupil: only a's child goes to school
    ({"base": "per_person", "standard": 10_000, "where": {"schooling": ["primary"]}},
     {"a": [10_000, 10_000], "b": [0, 0], "c": [0, 0], "d": [0, 0]}),
    ({"base": "per_person", "person_has": "ill", "months": 3}, {"a": [1_140, 1_140], "b": [0, 0], "c": [0, 0], "d": [0, 0]}),
    # three months of the standard for each of two persons, once income after the shock is below 4,000 a head
    ({"base": "per_person", "months": 3, "when": {"after_shock_per_head_below": 4_000}},
     {"a": [0, 2_280], "b": [1_140, 0], "c": [2_280, 2_280], "d": [1_140, 1_140]}),
]  # fmt: skip


@pytest.mark.parametrize(("design", "expected"), BY_HAND, ids=[str(design)[:60] for design, _ in BY_HAND])
def test_payments_by_hand(design: dict, expected: dict[str, list[float]]) -> None:
    assert pays(**design) == expected


DESIGNS = {
    "dear": {"base": "gap", "standard": 9_000},
    "cheap": {"base": "gap", "standard": 4_560, "where": {"dibao": True}},
    "late": {"base": "gap", "standard": 9_000, "paid_within_year": 0.0},
    "loan": {"base": "borne", "repaid": 1.0},
    "chance": {"base": "borne", "take_up": 0.25},
}
YEARS = 60


@pytest.fixture(scope="module")
def compared() -> dict:
    scenario = build(population={"persons": 900}, relief_designs=DESIGNS)
    return {one.design: one for one in compare_relief(scenario, YEARS, seed=3)}


def test_designs_cost_what_the_programme_costs(compared: dict) -> None:
    money = compared["base"].cost
    assert compared["base"].own_cost == money
    for name in DESIGNS:
        one = compared[name]
        assert min(one.served, 1 / one.raised) < 1
        assert (one.served == 1.0) != (one.raised == 1.0)
        spread = np.hypot(one.cost.standard_error, money.standard_error)
        assert abs(one.cost.value - money.value) < 4 * spread, name
    assert compared["dear"].served < 1.0
    assert compared["cheap"].raised > 1.0
    assert compared["cheap"].cost.value == pytest.approx(money.value, rel=1e-6)


def test_the_programme_is_compared_with_itself_first(compared: dict) -> None:
    first = next(iter(compared.values()))
    assert first.design == "base"
    for line in ("poverty", "monitoring"):
        assert (first.less[line].value, first.less[line].standard_error) == (0.0, 0.0)
        for one in compared.values():
            net = one.prevented[line].value + one.lifted[line].value - one.induced[line].value
            mine = first.prevented[line].value + first.lifted[line].value - first.induced[line].value
            assert one.less[line].value == pytest.approx(net - mine)
            assert one.gap_closed[line].value <= one.cost.value * (1 + 1e-9) or one.design == "base"


def test_money_that_comes_late_helps_nobody(compared: dict) -> None:
    late = compared["late"]
    assert late.late.value == late.cost.value
    for line in ("poverty", "monitoring"):
        assert late.prevented[line].value == 0.0
        assert late.gap_closed[line].value == 0.0
        assert late.cost_per_prevented[line].value is None


def test_a_loan_has_no_cost_per_household(compared: dict) -> None:
    assert compared["loan"].repaid == compared["loan"].cost
    assert "paid back" in compared["loan"].cost_per_prevented["poverty"].note


def test_at_own_cost_a_chance_is_a_share_of_all() -> None:
    scenario = build(
        population={"persons": 900}, relief_designs={"chance": DESIGNS["chance"], "all": {"base": "borne"}}
    )
    figures = {one.design: one for one in compare_relief(scenario, YEARS, seed=3, same_money=False)}
    share = figures["chance"].households_paid.value / figures["all"].households_paid.value
    draws = figures["all"].households_paid.value * YEARS
    assert abs(share - 0.25) < 4 * np.sqrt(0.25 * 0.75 / draws)
    assert (figures["all"].served, figures["all"].raised) == (1.0, 1.0)


def test_a_limit_over_all_is_refused() -> None:
    limited = {"base": {"aggregate": {"limit": 1_000, "rule": "first_come"}}}
    scenario = build(programmes=limited, relief_designs=DESIGNS)
    with pytest.raises(InputError, match="not applied to single households"):
        compare_relief(scenario, 2)


def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    line = ["relief", "zhongning-2020", "--with", "parts/relief-designs-2020", "--years", "2"]
    line += ["--set", "population.persons=2000"]
    for lang, words in (("en", "Households a year, poverty line"), ("zh", "年均户数，贫困线")):
        shown = CliRunner().invoke(app, [*line, "--lang", lang])
        assert shown.exit_code == 0, shown.output
        assert words in shown.output
    assert CliRunner().invoke(app, ["relief", "zhongning-2020"]).exit_code == 2
    assert CliRunner().invoke(app, [*line, "--programme", "nobody"]).exit_code == 2


MISTAKES = [
    ({"x": {"base": "gap", "person_has": "ill"}}, "relief_designs.x.person_has = 'ill' counts persons, but base = \"gap\"."),
    ({"x": {"base": "borne", "standard": 4_000}}, "relief_designs.x.standard has no effect where base = \"borne\"."),
    ({"x": {"base": "per_person", "person_has": "il"}}, "relief_designs.x.person_has = 'il' is not an attribute"),
    ({"x": {"base": "per_person", "months": 18}}, "relief_designs.x.months = 18 must be at most 12."),
    ({"x": {"base": "gaps"}}, "relief_designs.x.base = 'gaps' is not known here. Did you mean gap?"),
]  # fmt: skip


@pytest.mark.parametrize(("tables", "says"), MISTAKES, ids=[says[:40] for _, says in MISTAKES])
def test_a_mistake_is_named(tables: dict, says: str) -> None:
    with pytest.raises(InputError) as caught:
        build(relief_designs=tables, risk={"attributes": ATTRIBUTES})
    assert any(str(problem).startswith(says) for problem in caught.value.problems), str(caught.value)
