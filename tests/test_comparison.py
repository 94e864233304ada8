"""Paired differences, exceedance and years needed, and the split of the variance."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from conftest import build
from figure_cases import PLAIN, by_hand, plain, total

from fangpinbao.comparison import compare
from fangpinbao.engine import population_of, simulate
from fangpinbao.outcomes import Outcomes
from fangpinbao.pricing import price
from fangpinbao.risk import precision_line, tail_risk, years_for_one_percent
from fangpinbao.scenario import Scenario
from fangpinbao.scenario.vocabulary import LINES
from fangpinbao.variance import variance_split

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
