"""Figures: by hand, by identities, against closed forms, and as records that scripts can rely on."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import build

from fangpinbao import yearly
from fangpinbao.columns import CAUSES, column, line_column
from fangpinbao.comparison import compare
from fangpinbao.compile import compile_scenario
from fangpinbao.engine import population_of, simulate
from fangpinbao.figures import all_figures, group_label, label, line_label
from fangpinbao.measures import MEASURES, as_markdown, statistic_label
from fangpinbao.outcomes import Outcomes, Sums
from fangpinbao.poverty_measures import poverty
from fangpinbao.pricing import price
from fangpinbao.records import Figure, Figures
from fangpinbao.risk import precision_line, tail_risk, years_for_one_percent
from fangpinbao.scenario import Scenario
from fangpinbao.scenario.vocabulary import LINES
from fangpinbao.variance import variance_split

FIELDS = [
    "programme", "coverage", "group", "line", "measure", "statistic", "value", "standard_error", "lower",
    "upper", "unit", "years", "method", "label",
]  # fmt: skip
PLAIN = {
    "format": 1,
    "name": "plain",
    "title": "plain",
    "population": {
        "persons": 400,
        "townships": 4,
        "residents": 10_000,
        "classes": {
            "general": {
                "share": 1.0,
                "household_size": [1],
                "age": {"from": [0], "values": [1]},
                "income_per_head": {"law": "constant", "amount": 6000},
            }
        },
    },
    "perils": {
        "flood": {
            "exposed": "township",
            "frequency": {"law": "bernoulli", "probability": 0.3},
            "share_hit": 0.4,
            "books": [{"account": "property_loss", "amount": {"law": "constant", "amount": 1000}}],
        }
    },
    "programmes": {
        "base": {
            "coverages": {"disaster": {"accounts": ["property_loss"], "unit": "household_year", "rate": 1.0}}
        }
    },
}


def plain(**programme: Any) -> Scenario:
    document = json.loads(json.dumps(PLAIN))
    document["programmes"]["base"].update(programme)
    return Scenario.from_document(document)


def by_hand(scenario: Scenario, payout_fen: list[int], **columns: list[int]) -> Outcomes:
    """Outcomes of one class and one coverage with the given yearly sums of the programme."""
    compiled = compile_scenario(scenario, population_of(scenario), 1)
    sums = Sums.empty(compiled, ("flood",), len(payout_fen), by_household=False)
    for name, values in {"payout_fen": payout_fen, **columns}.items():
        sums.columns[1, :, column(name)] = values
        np.add.at(sums.batch_columns[:, 1, 0, column(name)], sums.batch_of_year, values)
    sums.step_paid[:, 0] = payout_fen
    sums.step_claims[:, 0] = [1, 1, 1, 2] * (len(payout_fen) // 4)
    np.add.at(sums.batch_step[:, 0, 0, 0], sums.batch_of_year, sums.step_paid[:, 0])
    np.add.at(sums.batch_step[:, 0, 0, 1], sums.batch_of_year, sums.step_claims[:, 0])
    sums.batch_credit[:, 0, compiled.accounts.index("property_loss")] = sums.batch_step[:, 0, 0, 0]
    return Outcomes(compiled, ("flood",), sums, {"base": np.array([3])})


@pytest.fixture(scope="module")
def village() -> Outcomes:
    return simulate(build(), years=400, seed=3, threads=1)


@pytest.fixture(scope="module")
def without_relief() -> Outcomes:
    base = {"premium_per_insured": 60.0, "household_share": 0.5}
    return simulate(build(relief=None, programmes={"base": base}), years=200, seed=3, threads=1)


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


def total(figures: Figures) -> float:
    assert len(figures)
    return sum(figure.value for figure in figures)


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


# --- comparison --------------------------------------------------------------------------------------------


def test_a_paired_difference_is_surer_than_two_figures() -> None:
    twin = build()
    other = twin.replace("programmes.richer", twin.document["programmes"]["base"])
    richer = other.replace("programmes.richer.coverages.illness.deductible", 900)
    outcomes = simulate(richer, years=200, seed=2, threads=1)
    found = compare(outcomes, "richer", "base")
    prices = price(outcomes)
    difference = found.one("payout", "richer - base")
    a, b = (prices.one("payout", name) for name in ("richer", "base"))
    assert difference.statistic == "difference"
    assert difference.value == pytest.approx(a.value - b.value)
    assert difference.value > 0
    apart = math.hypot(a.standard_error or 0, b.standard_error or 0)
    assert difference.standard_error is not None
    assert 0 < difference.standard_error < 0.1 * apart
    back = compare(outcomes, "base", "richer")
    assert [-f.value for f in back] == pytest.approx([f.value for f in found])
    same = compare(outcomes, "base", "base")
    assert all(figure.value == 0 == figure.standard_error for figure in same)
    assert not compare(outcomes, "none", "none").select(measure="pure_premium_per_insured")
    with pytest.raises(KeyError, match="no programme 'bse'; there are none, base, richer"):
        compare(outcomes, "bse", "base")


def test_the_change_of_the_headcount_is_known_even_with_relief(
    village: Outcomes, without_relief: Outcomes
) -> None:
    for outcomes in (village, without_relief):
        found = compare(outcomes, "base")
        for line in LINES:
            change = found.one("households_poor", line=line)
            net = found.one("households_net_prevented", line=line)
            assert change.value == pytest.approx(-net.value)
            assert change.standard_error == pytest.approx(net.standard_error)


# --- risk --------------------------------------------------------------------------------------------------


def test_the_exceedance_curve_and_the_budget() -> None:
    payout = np.arange(1, 1_001) * 100
    outcomes = by_hand(plain(), np.random.default_rng(1).permutation(payout).tolist())
    found = tail_risk(outcomes, budget=900)
    curve = {t: found.one("payout", "base", f"return_period_{t}").value for t in (2, 5, 10, 20, 50, 100)}
    assert curve == {2: 500, 5: 800, 10: 900, 20: 950, 50: 980, 100: 990}
    assert found.one("payout", "base", "tvar_95").value == pytest.approx(975.5)
    assert found.one("payout", "base", "p90").value == 900
    over = found.one("payout_over_budget", "base")
    assert (over.value, over.statistic) == (0.1, "share")
    assert found.one("excess_over_budget", "base").value == pytest.approx(5.05)
    assert found.one("budget", "base").method == "input"
    safe = tail_risk(outcomes, "base", budget=2_000).one("payout_over_budget")
    assert str(safe) == "in 0 of 1000 years; the chance of such a year is at most 3/1000"
    assert any("neither a budget" in note for note in tail_risk(outcomes).notes)


def test_years_for_one_percent(village: Outcomes) -> None:
    needed = years_for_one_percent(village, "base")
    payout = price(village).one("payout", "base")
    assert payout.standard_error is not None
    expected = 400 * (payout.standard_error / payout.value / 0.01) ** 2
    assert needed["payout"] == math.ceil(expected)
    assert set(needed) == {"payout", "payout tvar_99", *(f"households_prevented {line}" for line in LINES)}
    assert precision_line(village, "base").startswith("Years for a standard error of 1%: mean payout ")
    assert "400 年" in precision_line(village, "base", "zh")


# --- variance ----------------------------------------------------------------------------------------------


def test_parts_of_the_variance_match_the_law() -> None:
    """A flood hits a township with chance p f, f the year's factor; each household in it with chance s."""
    document = json.loads(json.dumps(PLAIN))
    document["year_factors"] = {
        "wet": {"amount": {"law": "discrete", "values": [0.2, 1.8], "probabilities": [0.5, 0.5]}}
    }
    document["perils"]["flood"]["year_factors"] = ["wet"]
    scenario = Scenario.from_document(document)
    people = population_of(scenario)
    found = variance_split(scenario, 4_000, 11, population=people, threads=1)
    households = np.bincount(people.township_of).astype(float)
    p, s, loss = 0.3, 0.4, 1_000.0
    chances = p * np.array([0.2, 1.8])
    theory = {
        "_own": chances.mean() * np.sum(households) * s * (1 - s) * loss**2,
        "_township": (chances * (1 - chances)).mean() * np.sum((s * households * loss) ** 2),
        "_year": chances.var() * (s * households.sum() * loss) ** 2,
    }
    theory[""] = sum(theory.values())
    for part, expected in theory.items():
        figure = found.one(f"payout_variance{part}", "base", "variance")
        assert figure.standard_error is not None
        assert abs(figure.value - expected) < 4 * figure.standard_error, part
        assert figure.standard_error < 0.2 * theory[""]
    parts = found.select(measure=["payout_variance_own", "payout_variance_township", "payout_variance_year"])
    whole = found.one("payout_variance", "base").value
    assert total(parts.select(statistic="variance")) == pytest.approx(whole, rel=1e-9)
    shares = parts.select(statistic="share_of_variance")
    assert total(shares) == pytest.approx(1.0, rel=1e-9)
    assert {figure.unit for figure in shares} == {"share"}


def test_independent_households_have_no_common_part() -> None:
    scenario = build(
        perils={"flood": {"exposed": "household", "share_hit": None}, "inpatient": {"year_factors": []}}
    )
    reported: list[float] = []
    found = variance_split(scenario, 200, 5, programme="base", threads=1, progress=reported.append)
    # Nothing happens to townships, so the two runs that differ in them are one and the same.
    township = found.one("payout_variance_township", "base", "variance")
    assert township.value == 0.0 == township.standard_error
    year = found.one("payout_variance_year", "base", "share_of_variance")
    assert year.standard_error is not None
    assert abs(year.value) < 4 * year.standard_error
    assert reported[-1] == pytest.approx(1.0)
    assert reported == sorted(reported)
    with pytest.raises(KeyError, match="no programme 'none'"):
        variance_split(scenario, 10, programme="none")


# --- records -----------------------------------------------------------------------------------------------


def test_records_are_those_of_the_contract(figures: Figures) -> None:
    text = json.dumps(figures.to_records(), allow_nan=False, ensure_ascii=False)
    records = json.loads(text)
    assert len(records) == len(figures) > 200
    keys = set()
    for record, figure in zip(records, figures, strict=True):
        assert list(record) == FIELDS
        assert (record["standard_error"] is None) == (record["method"] != "simulated")
        assert record["measure"] in MEASURES
        assert record["unit"] == MEASURES[record["measure"]].unit
        assert record["line"] in (None, *LINES)
        assert record["label"] == label(figure)
        keys.add(figure.key)
    assert len(keys) == len(records)
    assert list(figures.to_frame().columns) == FIELDS


def test_the_measures_of_the_contract_are_there(figures: Figures) -> None:
    names = ("already_poor", "lifted", "never_at_risk", "induced", "prevented", "still_poor")
    contract = {
        *("payout", "pure_premium_per_insured", "claims", "mean_claim", "layer_payment", "gap_closed"),
        *(f"{unit}_{name}" for unit in ("households", "persons") for name in names),
        *(f"payout_use_{n}" for n in ("prevented", "lifted", "already_poor", "still_poor", "never_at_risk")),
    }
    assert contract <= {figure.measure for figure in figures}
    assert "pure_premium_per_resident" in MEASURES
    found = {figure.statistic for figure in figures.select(measure="payout", programme="base")}
    assert {"mean", "sd", "p50", "p90", "p95", "p99", "tvar_95", "tvar_99"} <= found
    made = {*yearly.YEAR_MEASURES, *yearly.LINE_MEASURES}
    assert made <= set(MEASURES)


@pytest.mark.parametrize("years", [1, 2, 7])
def test_few_years_leave_figures_out_and_never_break(years: int) -> None:
    outcomes = simulate(build(), years=years, seed=1, threads=1)
    found = all_figures(outcomes) + compare(outcomes, "base")
    json.dumps(found.to_records(), allow_nan=False)
    assert any("payout, 99% quantile" in note for note in found.notes)
    assert (years == 1) == (not found.select(measure="payout", statistic="mean"))


def test_a_scenario_lines_has_no_poverty() -> None:
    found = poverty(simulate(plain(), years=20, seed=1, threads=1))
    assert len(found) == 0
    assert found.notes == ("poverty: the scenario has no lines",)


def test_a_measure_that_never_varies_has_no_error(figures: Figures, village: Outcomes) -> None:
    for group in (None, *village.groups):
        figure = figures.one("households_already_poor", "base", line="poverty", group=group)
        assert (figure.standard_error, figure.lower, figure.upper) == (0.0, figure.value, figure.value)


def test_searching(figures: Figures) -> None:
    assert figures.one("payout", "base").statistic == "mean"
    assert (
        len(figures.select(programme="base", measure="payout", statistic="mean", coverage=None, group=None))
        == 1
    )
    assert figures[0] in figures
    assert isinstance(figures[:3], Figures)
    assert (figures + figures) == figures
    assert repr(figures[:2]).startswith("Figures(2")
    with pytest.raises(KeyError, match="Did you mean 'payout'"):
        figures.one("payuot", "base")
    with pytest.raises(KeyError, match="line in"):
        figures.one("households_prevented", "base")
    with pytest.raises(KeyError, match="2 figures fit"):
        figures.one("public_layers")
    with pytest.raises(TypeError, match="Did you mean 'programme'"):
        figures.select(program="base")
    page = figures._repr_html_()
    assert page.startswith("<table>")
    assert "and " in page
    assert "left out:" in page


def test_a_figure_refuses_what_results_must_not_hold() -> None:
    rest: dict[str, Any] = dict.fromkeys(["coverage", "group", "line", "lower", "upper"])
    rest |= {
        "programme": "base",
        "measure": "payout",
        "statistic": "mean",
        "unit": "yuan",
        "years": 1,
        "label": "",
    }
    with pytest.raises(ValueError, match="not finite"):
        Figure(value=math.nan, standard_error=1.0, method="simulated", **rest)
    with pytest.raises(ValueError, match="must have a standard error"):
        Figure(value=1.0, standard_error=None, method="simulated", **rest)
    with pytest.raises(AttributeError):
        Figure(value=1.0, standard_error=None, method="input", **rest).value = 2.0  # type: ignore[misc]


def test_labels(figures: Figures) -> None:
    assert label(figures.one("payout", "base", "p99")) == "insurance payout, 99% quantile"
    assert label(figures.one("payout", "base", "tvar_95"), "zh") == "赔款，95% 尾部均值"
    assert statistic_label("p99_5", "zh") == "99.5% 分位数"
    assert statistic_label("return_period_100") == "once in 100 years"
    assert (group_label("marginal", "zh"), group_label("somewhere")) == ("边缘易致贫", "somewhere")
    assert line_label("monitoring", "zh") == "监测线"
    for figure in figures:
        assert label(figure, "zh") != label(figure, "en")


def test_the_page_lists_every_measure() -> None:
    page = Path(__file__).resolve().parents[1] / "docs" / "figures.md"
    assert page.read_text(encoding="utf-8").endswith(as_markdown())
