"""Medical nets and people of the places: worked families by hand, ceilings, and what rules do."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from place_cases import MEDICAL, PERSONS, family, medical, paid, scenario_of

from fangpinbao.engine import simulate
from fangpinbao.estimators import ratio
from fangpinbao.figures import all_figures
from fangpinbao.outcomes import Outcomes
from fangpinbao.payers import borne_by_year
from fangpinbao.ranges import headline_ranges
from fangpinbao.run_tables import RunTables
from fangpinbao.yearly import mean

# --- medical nets ------------------------------------------------------------------------------------------


def test_gansu_all_rules_by_hand() -> None:
    """100,000, 80,000 in scope. Basic 0.785 x 79,600 = 62,486; critical 0.5 x (17,514 - 3,000) = 7,257.

    10,257 in scope remain: the person 3,000, the safety net 7,257. The hospital bears the 20,000 outside.
    """
    run = family("gansu-2017", medical(100_000, 0.8))
    expected = {
        "basic_more": 62_486, "critical": 7_257, "ceiling": 7_257, "hospital": 20_000,
    }  # fmt: skip
    assert paid(run, "all_rules") == pytest.approx(expected, abs=1e-9)
    by_payer = borne_by_year(run, "all_rules", "medical")
    assert by_payer is not None
    assert by_payer["household"][0] == 3_000 * 100 * PERSONS


def test_gansu_before_by_hand() -> None:
    """Basic 0.735 x 79,600 = 58,506; critical 0.5 x (21,494 - 5,000) = 8,247; 13,247 and 20,000 are borne."""
    run = family("gansu-2017", medical(100_000, 0.8))
    assert paid(run, "none") == pytest.approx({"basic": 58_506, "critical_illness": 8_247}, abs=1e-9)
    rule = paid(run, "self_pay_ceiling")
    assert rule["ceiling"] == pytest.approx(13_247 - 3_000)
    assert paid(run, "hospital_bears")["hospital"] == pytest.approx(20_000)


def test_gansu_ceiling_of_the_fund_by_hand() -> None:
    """600,000 all in scope: basic pays its 120,000; critical of 480,000: 12,500 + 30,000 + 280,000 = 322,500."""
    run = family("gansu-2017", medical(600_000, 1.0))
    assert paid(run, "none")["critical_illness"] == 50_000
    assert paid(run, "no_ceiling_of_fund")["critical"] == pytest.approx(322_500)


@cache
def gansu() -> Outcomes:
    return simulate(scenario_of("gansu-2017"), 60)


def household_share(run: Outcomes, programme: str) -> np.ndarray:
    by_payer = borne_by_year(run, programme, "medical")
    assert by_payer is not None
    return by_payer["household"]


def test_each_rule_of_gansu_helps_in_every_year_and_all_help_most() -> None:
    run = gansu()
    before = household_share(run, "none")
    all_rules = household_share(run, "all_rules")
    for programme in run.scenario.programmes:
        after = household_share(run, programme)
        assert (after <= before).all()
        assert after.sum() < before.sum()
        assert (all_rules <= after).all()
        assert (mean(run, programme, "households_catastrophic_avoided").value or 0.0) >= 0
        for line in ("poverty", "monitoring"):
            poor = run.column(programme, "households_still_poor", line)
            assert (poor <= run.column("none", "households_still_poor", line)).all()


def test_under_all_rules_nobody_bears_more_than_3000_of_compliant_cost() -> None:
    """Every person with any medical cost bears at most 3,000, so all of them together at most that many times."""
    run = gansu()
    patients = run.sums.events[:, [run.perils.index(p) for p in ("inpatient", "chronic_outpatient")]].sum(
        axis=1
    )
    others = run.sums.events[:, [run.perils.index("accident_injury")]].sum(axis=1)
    strays = 0.01 * patients  # injured in disasters and fires
    assert (household_share(run, "all_rules") / 100 <= 3_000 * (patients + others + strays)).all()


@pytest.mark.parametrize(
    ("name", "programme", "record", "of_all"),
    [
        ("qingyang-medical-2020", "poor_terms", "inscope_inpatient_share", False),
        ("ningxia-medical-2020", "in_scope_90", "reimbursed_share", False),
        ("ningxia-medical-2020", "all_cost_90", "reimbursed_share", True),
    ],
)
def test_net_reimburses_at_least_what_is_stated(name: str, programme: str, record: str, of_all: bool) -> None:
    """Of in-scope cost, whose mean share of all cost is that of the perils whatever the amount, or of all cost."""
    place = scenario_of(name)
    run = simulate(place, 300)
    scopes = {
        booking.in_scope_share.mean
        for peril in place.perils.values()
        for booking in peril.books
        if booking.account in MEDICAL
    }
    (scope,) = scopes
    cost = run.sums.ground_up[:, [run.accounts.index(account) for account in MEDICAL]].sum(axis=1)
    nodes = run.compiled.tree.nodes
    steps = [s for s in run.stack(programme) if set(nodes[s].step.accounts) == set(MEDICAL)]
    covered = run.sums.step_paid[:, steps].sum(axis=1)
    share = ratio(covered, cost * (1.0 if of_all else scope), run.years, "ratio")
    stated = place.records[record].value
    assert share.value is not None
    assert share.standard_error is not None
    assert share.value >= stated - 4 * share.standard_error
    assert share.value < stated + 0.02, "far above what is stated: the terms are no longer fitted"


SINGLE_RULES = (
    "basic_plus_5", "deductible_3000", "critical_plus_5", "assistance_40000", "assistance_for_others",
)  # fmt: skip


def test_single_rules_of_qingyang_by_hand() -> None:
    """100,000, 80,000 in scope, outside 低保. Basic 0.735 x 79,600 = 58,506 leaves 21,494 in scope.

    Critical 0.6 x (21,494 - 8,000) = 8,096.40 leaves 13,397.60. With the rules: basic 0.785 x 79,600 = 62,486 and
    critical 0.6 x 9,514 = 5,708.40; critical 0.6 x 18,494 = 11,096.40; critical 0.65 x 13,494 = 8,771.10; assistance
    0.2 x 13,397.60 = 2,679.52.
    """
    run = family("qingyang-medical-2020", medical(100_000, 0.8))
    before = {"basic": 58_506.0, "critical_illness": 8_096.4}
    assert paid(run, "none") == pytest.approx(before, abs=1e-9)
    assert paid(run, "basic_plus_5") == pytest.approx({"basic_more": 62_486, "critical_illness": 5_708.4})
    assert paid(run, "deductible_3000") == pytest.approx({"basic": 58_506, "critical": 11_096.4})
    assert paid(run, "critical_plus_5") == pytest.approx({"basic": 58_506, "critical": 8_771.1})
    assert paid(run, "assistance_40000") == pytest.approx(before)
    assert paid(run, "assistance_for_others") == pytest.approx({**before, "assistance_wide": 2_679.52})


def test_single_rules_of_qingyang_at_the_ceilings_by_hand() -> None:
    """600,000, all in scope: basic pays its 120,000 and leaves 480,000.

    Outside 低保 critical pays 0.60 x 30,000 + 0.65 x 50,000 + 0.70 x 392,000 = 324,900, below its ceiling; with 5
    points more 19,500 + 35,000 + 294,000 = 348,500. In 低保 it pays 0.65 x 30,000 + 0.70 x 50,000 + 0.75 x 396,000 =
    351,500 and leaves 128,500, of which assistance would pay 0.7, 89,950, were it not for its limit.
    """
    run = family("qingyang-medical-2020", medical(600_000, 1.0))
    assert paid(run, "none")["critical_illness"] == pytest.approx(324_900)
    assert paid(run, "critical_plus_5")["critical"] == pytest.approx(348_500)
    run = family("qingyang-medical-2020", medical(600_000, 1.0), {"dibao": 1.0})
    assert paid(run, "none") == pytest.approx(
        {"basic": 120_000, "critical_illness": 351_500, "assistance": 20_000}
    )
    assert paid(run, "critical_plus_5")["critical"] == pytest.approx(351_500)
    assert paid(run, "assistance_40000")["assistance_more"] == pytest.approx(40_000)
    assert paid(run, "assistance_for_others")["assistance_wide"] == pytest.approx(20_000)


def test_rules_that_only_ningxia_has_by_hand() -> None:
    """100,000, 80,000 in scope. Basic 0.735 x 79,700 = 58,579.50 leaves 21,420.50; critical 0.6 x 13,420.50 = 8,052.30.

    Assistance 0.5 x 13,397.60 = 6,698.80. The top-up reads all cost: 0.62 x (100,000 - 66,602.40) = 20,706.51.
    """
    run = family("ningxia-medical-2020", medical(100_000, 0.8))
    lower = {"basic_lower": 58_579.5, "critical_illness": 8_052.3}
    assert paid(run, "basic_deductible_300") == pytest.approx(lower, abs=1e-9)
    assert paid(run, "assistance_for_others")["assistance_wide"] == pytest.approx(6_698.8)
    assert paid(run, "top_up_alone")["government_top_up"] == pytest.approx(20_706.51)


@pytest.mark.parametrize(
    ("name", "together", "own"),
    [
        ("qingyang-medical-2020", "poor_terms", ()),
        ("ningxia-medical-2020", "in_scope_90", ("basic_deductible_300",)),
        ("ningxia-medical-2020", "all_cost_90", ("basic_deductible_300", "top_up_alone")),
    ],
)
def test_no_single_rule_harms_and_together_they_help_most(
    name: str, together: str, own: tuple[str, ...]
) -> None:
    run = simulate(scenario_of(name), 40)
    before, all_rules = household_share(run, "none"), household_share(run, together)
    for programme in (*SINGLE_RULES, *own):
        after = household_share(run, programme)
        assert (after <= before).all()
        assert after.sum() < before.sum()
        assert (all_rules <= after).all()


@pytest.mark.parametrize(
    ("people", "owed"),
    [({"tekun": 1.0}, 0.0), ({"dibao": 1.0}, 140.0), ({"lifted_out": 1.0}, 140.0), ({}, 280.0)],
    ids=["tekun", "dibao", "lifted out", "others"],
)
def test_contribution_by_class_in_changde(people: dict[str, Any], owed: float) -> None:
    """280 owed: 特困 pay nothing, 低保 get 140, lifted-out people half, others nothing."""
    bill = {"account": "contribution", "amount": {"law": "constant", "amount": 280}}
    run = family("changde-2021", [bill], people)
    by_payer = borne_by_year(run, "subsidies", "education")
    assert by_payer is not None
    assert by_payer["household"][0] == owed * 100 * PERSONS


def test_tilt_of_changde_by_hand() -> None:
    """60,000, 48,000 in scope, 返贫致贫: 0.65 x (13,014 - 4,000) = 5,859.10 against 0.6 x 5,014 = 3,008.40."""
    run = family("changde-2021", medical(60_000, 0.8), {"tags": {"returned_poor": 1.0}})
    assert paid(run, "none")["critical_illness"] == pytest.approx(3_008.40)
    assert paid(run, "tilt")["critical_tilted"] == pytest.approx(5_859.10)
    others = family("changde-2021", medical(60_000, 0.8))
    assert paid(others, "tilt")["critical_tilted"] == pytest.approx(3_008.40)


def test_households_pay_more_in_each_year_of_changdes_transition() -> None:
    borne = []
    for year in range(2021, 2026):
        run = simulate(scenario_of(f"changde-{year}"), 20)
        parts = [borne_by_year(run, "system", kind) for kind in ("medical", "education")]
        borne.append(sum(float(part["household"].sum()) for part in parts if part is not None))
    assert borne == sorted(borne)


# --- people ------------------------------------------------------------------------------------------------


def test_qingyangs_monitored_people() -> None:
    place = scenario_of("qingyang-medical-2020")
    people = simulate(place, 1).compiled.population
    code = people.household_class
    for number, name in enumerate(("unstable", "marginal")):
        mine = code == number
        assert people.household_size[mine].sum() == place.records[f"{name}_persons"].value
        households = place.records[f"{name}_households"].value
        assert mine.sum() == pytest.approx(households, rel=0.02)


def test_rounding_between_layers_is_not_shown_as_a_change() -> None:
    """Outpatient insurance pays its rate of the same cost whatever basic insurance pays; fens move between them."""
    run = gansu()
    moved = run.sums.step_paid[:, run.stack("basic_plus_5")[1]] - run.sums.step_paid[:, run.stack("none")[1]]
    assert 0 < np.abs(moved).max() < 100  # fen a year, of some 165 million
    changes = []
    for titled in RunTables(run, all_figures(run)).layers():
        columns = [list(column.cells) for column in titled.table.columns]
        row = columns[0].index("basic insurance, outpatient and chronic")
        changes += [column[row] for column in columns[2:]]
    assert changes == ["0"] * len(run.scenario.programmes)


def test_raw_columns_count_no_rule_as_a_payout() -> None:
    run = gansu()
    by_year, steps = run.by_year, run.by_year_coverage
    payout = [name for name in by_year if "payout" in name or name.endswith("relieved")]
    assert len(payout) > 10
    assert (by_year[["claims", "households_paid", "late_fen", "fixed_sum_fen", *payout]] == 0).all().all()
    assert run.sums.batch_credit.sum() == 0
    assert set(steps["kind"]) == {"public", "hospital"}
    public = steps[steps["kind"] == "public"].groupby(["programme", "path"])["paid_fen"].sum()
    stated = by_year.set_index(["programme", "path"])["public_layers_fen"]
    assert (stated == public.reindex(stated.index)).all()
    change = stated.loc["all_rules"].mean() - stated.loc["none"].mean()
    assert change / 100 == pytest.approx(mean(run, "all_rules", "public_layers_change").value)


def test_rules_have_no_premium_whose_range_could_be_shown() -> None:
    assert headline_ranges(scenario_of("gansu-2017"), 20, 1) == []
