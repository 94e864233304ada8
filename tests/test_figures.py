"""Figures by hand and by identities."""

from __future__ import annotations

import math

import numpy as np
import pytest
from conftest import build
from figure_cases import by_hand, plain, total

from fangpinbao import yearly
from fangpinbao.columns import CAUSES, column, line_column
from fangpinbao.compile import compile_scenario
from fangpinbao.engine import population_of
from fangpinbao.figures import all_figures
from fangpinbao.measures import MEASURES
from fangpinbao.outcomes import Outcomes, Sums
from fangpinbao.poverty_measures import poverty
from fangpinbao.pricing import price
from fangpinbao.records import Figures
from fangpinbao.scenario.vocabulary import LINES


@pytest.fixture(scope="module")
def figures(village: Outcomes) -> Figures:
    return all_figures(village)


# --- by hand -----------------------------------------------------------------------------------------------


@pytest.mark.smoke
def test_payouts_of_four_years_by_hand() -> None:
    outcomes = by_hand(plain(), [10_000, 20_000, 30_000, 40_000], households_paid=[1, 1, 1, 2])
    found = price(outcomes)
    payout = found.one("payout", "base")
    sd = math.sqrt(50_000 / 3)
    assert payout.value == 250.0
    assert payout.standard_error == pytest.approx(sd / 2)
    assert payout.lower == pytest.approx(250 - 1.959964 * sd / 2)
    assert (payout.unit, payout.years, payout.method) == ("yuan", 4, "simulated")
    assert found.one("payout", "base", "sd").value == pytest.approx(sd)
    assert found.one("claims", "base").value == 1.25
    assert found.one("mean_claim", "base").value == 200.0
    # Ratio 200: residuals of payout - 200 claims are -100, 0, 100, 0, over a mean of 1.25 claims.
    assert found.one("mean_claim", "base").standard_error == pytest.approx(math.sqrt(20_000 / 3 / 4) / 1.25)
    assert found.one("mean_claim", "base", group="general").value == 200.0
    assert found.one("pure_premium_per_insured", "base").value == pytest.approx(250 / 400)
    assert found.one("pure_premium_per_insured", "base", coverage="disaster").value == pytest.approx(
        250 / 400
    )
    assert found.one("pure_premium_per_resident", "base").value == pytest.approx(250 / 10_000)
    assert found.one("payout_by_account", "base", group="property_loss").value == 250.0
    assert found.one("households_paid", "base").value == 1.25
    assert found.one("insured", "base").value == 400.0
    # Four years say nothing about a high quantile: left out, and said so.
    assert not found.select(measure="payout", statistic=["p99", "p99_5", "tvar_99"])
    assert any("99% quantile" in note for note in found.notes)


def test_premiums_by_hand() -> None:
    terms = {"premium_per_insured": 0.75, "household_share": 0.2, "loading": {"expense_share": 0.1}}
    found = price(by_hand(plain(**terms), [10_000, 20_000, 30_000, 40_000], own_premium_fen=[6_000] * 4))
    assert found.one("agreed_premium", "base").value == pytest.approx(300.0)
    premium = found.one("agreed_premium_per_insured", "base")
    assert (premium.value, premium.method, premium.standard_error, premium.years) == (
        0.75,
        "input",
        None,
        None,
    )
    assert found.one("loss_ratio", "base").value == pytest.approx(250 / 300)
    assert found.one("payout_over_premium", "base").value == 0.25
    assert found.one("gross_premium", "base").value == pytest.approx(250 / 0.9)
    assert found.one("gross_premium_per_insured", "base").value == pytest.approx(250 / 0.9 / 400)
    assert (found.one("own_premium", "base").value, found.one("own_premium", "base").standard_error) == (
        60.0,
        0.0,
    )


def test_government_pays_what_lies_above_a_topped_up_limit() -> None:
    aggregate = {"limit": 320, "rule": "topped_up"}
    terms = {"premium_per_insured": 1.0, "aggregate": aggregate, "administration": 30}
    outcomes = by_hand(plain(**terms), [10_000, 20_000, 30_000, 40_000])
    found = price(outcomes)
    assert found.one("topped_up", "base").value == 20.0
    assert found.one("payout", "base").value == 250.0
    assert found.one("insurer_payout", "base").value == 230.0
    assert found.one("loss_ratio", "base").value == pytest.approx(230 / 400)
    assert found.one("aggregate_limit_binds", "base").value == 0.25
    cost = yearly.public_cost(outcomes, "base")
    assert cost is not None
    np.testing.assert_allclose(cost / 100, [430, 430, 430, 510])


def test_the_gross_premium_carries_the_doubt_of_the_standard_deviation() -> None:
    rng = np.random.default_rng(5)
    loading = {"risk_share_of_sd": 0.8, "expense_share": 0.2}
    payout = (rng.gamma(2.0, 5_000.0, 1_000)).astype(int)
    found = price(by_hand(plain(loading=loading), payout.tolist())).one("gross_premium", "base")
    assert found.value == pytest.approx((payout.mean() + 0.8 * payout.std(ddof=1)) / 80)
    draws = payout[rng.integers(0, payout.size, (4_000, payout.size))]
    spread = ((draws.mean(axis=1) + 0.8 * draws.std(axis=1, ddof=1)) / 80).std()
    assert found.standard_error == pytest.approx(spread, rel=0.06)


def test_a_premium_without_end_is_left_out() -> None:
    found = price(by_hand(plain(loading={"expense_share": 1.0}), [1, 2, 3, 4]))
    assert not found.select(measure="gross_premium")
    assert any("expenses take the whole premium" in note for note in found.notes)


def test_cost_per_household_by_hand() -> None:
    scenario = build(programmes={"base": {"premium_per_insured": 1.0, "administration": 60}})
    compiled = compile_scenario(scenario, population_of(scenario), 1)
    sums = Sums.empty(compiled, (), 4, by_household=False)
    counts = {
        "households_prevented_return": [2, 1, 2, 1],
        "households_prevented_entry": [1, 1, 1, 2],
        "households_lifted": [1, 0, 0, 0],
        "households_induced": [0, 0, 0, 1],
    }
    for name, values in counts.items():
        sums.columns[1, :, line_column(name, 0)] = values
    sums.columns[1, :, column("payout_fen")] = 44_000
    found = poverty(Outcomes(compiled, (), sums, {}), "base")
    insured = int(compiled.insured[1].sum())
    assert found.one("households_prevented", "base", line="poverty").value == 11 / 4
    assert found.one("households_net_prevented", "base", line="poverty").value == 11 / 4
    cost = found.one("cost_per_prevented", "base", line="poverty")
    assert cost.value == pytest.approx((insured + 60) / (11 / 4))
    assert cost.unit == "yuan per household"
    assert found.one("payout_per_prevented", "base", line="poverty").value == pytest.approx(440 / (11 / 4))
    # Nobody is kept from poverty at the other line: no cost per household, and a note.
    assert not found.select(measure="cost_per_prevented", line="monitoring")
    assert any("monitoring line: cost_per_prevented" in note for note in found.notes)


# --- identities --------------------------------------------------------------------------------------------


def test_coverages_classes_and_accounts_sum_to_the_payout(figures: Figures, village: Outcomes) -> None:
    payout = figures.one("payout", "base").value
    means = figures.select(programme="base", measure="payout", statistic="mean")
    assert total(
        means.select(group=None, coverage=("illness", "education", "disaster", "death"))
    ) == pytest.approx(payout)
    assert total(means.select(coverage=None, group=village.groups)) == pytest.approx(payout)
    assert total(figures.select(programme="base", measure="payout_by_account")) == pytest.approx(payout)
    claims = figures.select(programme="base", measure="claims", group=None)
    assert total(claims) == pytest.approx(2 * figures.one("claims", "base").value)
    by_class = figures.select(programme="base", measure="claims", coverage=None, group=village.groups)
    assert total(by_class) == pytest.approx(figures.one("claims", "base").value)
    layers = figures.select(programme="base", measure="layer_payment")
    assert total(layers) == pytest.approx(figures.one("public_layers", "base").value)
    assert village.n_years == 400


@pytest.mark.parametrize("line", LINES)
def test_uses_sum_to_the_payout_and_parts_to_the_prevented(figures: Figures, line: str) -> None:
    here = figures.select(programme="base", line=line, group=None)
    uses = [measure for measure in MEASURES if measure.startswith("payout_use_")]
    assert len(uses) == 5
    assert total(here.select(measure=uses)) == pytest.approx(figures.one("payout", "base").value)
    for unit in ("households", "persons"):
        parts = [f"{unit}_prevented_return", f"{unit}_prevented_entry"]
        prevented = here.one(f"{unit}_prevented", line=line).value
        assert total(here.select(measure=parts)) == pytest.approx(prevented)
        lifted, induced = (here.one(f"{unit}_{name}", line=line).value for name in ("lifted", "induced"))
        net = here.one(f"{unit}_net_prevented", line=line).value
        assert net == pytest.approx(prevented + lifted - induced)
        classes = ("already_poor", "never_at_risk", "prevented", "still_poor")
        of_none = figures.select(programme="none", line=line, group=None)
        everybody = total(here.select(measure=[f"{unit}_{name}" for name in classes]))
        assert everybody == pytest.approx(
            total(of_none.select(measure=[f"{unit}_{name}" for name in classes]))
        )
    causes = figures.select(programme="base", line=line, measure="households_prevented_by_cause")
    assert {figure.group for figure in causes} == set(CAUSES)
    assert total(causes) == pytest.approx(here.one("households_prevented", line=line).value)
    fixed = ["households_prevented_by_fixed_sums", "households_prevented_without_fixed_sums"]
    assert total(here.select(measure=fixed)) == pytest.approx(
        here.one("households_prevented", line=line).value
    )
    gap = [figures.one("poverty_gap", name, line=line).value for name in ("none", "base")]
    assert here.one("gap_closed", line=line).value == pytest.approx(gap[0] - gap[1])
    for k in (1, 2):
        level = [figures.one(f"fgt{k}", name, line=line).value for name in ("none", "base")]
        assert here.one(f"fgt{k}_reduction", line=line).value == pytest.approx(level[0] - level[1])


@pytest.mark.parametrize("line", LINES)
def test_the_fall_of_the_headcount_is_the_net_prevented(without_relief: Outcomes, line: str) -> None:
    found = poverty(without_relief)
    assert found.one("households_induced", "base", line=line).value > 0
    for unit in ("households", "persons"):
        poor = [found.one(f"{unit}_poor", name, line=line).value for name in ("none", "base")]
        net = found.one(f"{unit}_net_prevented", "base", line=line).value
        assert poor[0] - poor[1] == pytest.approx(net)
    persons = without_relief.compiled.population.persons
    poor_persons = found.one("persons_poor", "base", line=line)
    ratio = found.one("fgt0", "base", line=line)
    assert ratio.value == pytest.approx(poor_persons.value / persons)
    assert ratio.standard_error == pytest.approx((poor_persons.standard_error or 0) / persons)
    fall = found.one("fgt0_reduction", "base", line=line).value
    assert fall == pytest.approx(found.one("fgt0", "none", line=line).value - ratio.value)


def test_classes_sum_to_the_whole(figures: Figures, village: Outcomes) -> None:
    for line in LINES:
        for measure in yearly.LINE_MEASURES:
            if "class" in MEASURES[measure].by and not measure.startswith("fgt"):
                parts = figures.select(programme="base", line=line, measure=measure, group=village.groups)
                whole = figures.one(measure, "base", line=line)
                assert total(parts) == pytest.approx(whole.value, abs=1e-9), measure
    shares = village.compiled.persons / village.compiled.persons.sum()
    for k in range(3):
        parts = [
            figures.one(f"fgt{k}_reduction", "base", line="poverty", group=g).value for g in village.groups
        ]
        whole = figures.one(f"fgt{k}_reduction", "base", line="poverty")
        assert float(shares @ parts) == pytest.approx(whole.value)
