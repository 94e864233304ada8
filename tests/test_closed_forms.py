"""The whole engine against closed forms, within 4 standard errors.

The formulas are written here or in scipy, none is the core's own.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from closed_form_cases import assert_mean_and_variance, assert_meets, scenario_of
from scipy import integrate, stats

from fangpinbao import estimators
from fangpinbao.engine import population_of, simulate
from fangpinbao.outcomes import Outcomes
from fangpinbao.scenario.vocabulary import CLASSES

# ------------------------------------------------------------------ mean payout of a coverage

LAWS: dict[str, tuple[dict[str, Any], Any]] = {
    "exponential": ({"mean": 4000.0}, stats.expon(scale=4000).sf),
    "lognormal": ({"median": 3000.0, "sigma": 1.1}, stats.lognorm(1.1, scale=3000).sf),
    "gamma": ({"mean": 5000.0, "cv": 0.8}, stats.gamma(0.8**-2, scale=5000 * 0.8**2).sf),
    "weibull": ({"shape": 0.7, "scale": 3000.0}, stats.weibull_min(0.7, scale=3000).sf),
    "pareto": ({"alpha": 2.5, "theta": 6000.0}, stats.lomax(2.5, scale=6000).sf),
    "single_parameter_pareto": ({"alpha": 2.2, "theta": 1500.0}, stats.pareto(2.2, scale=1500).sf),
    "burr": ({"alpha": 1.4, "gamma": 1.7, "theta": 4000.0}, stats.burr12(1.7, 1.4, scale=4000).sf),
    "uniform": ({"low": 500.0, "high": 9000.0}, stats.uniform(500, 8500).sf),
    "discrete": (
        {"values": [100, 2500, 7000], "probabilities": [0.5, 0.3, 0.2]},
        lambda x: 1.0 * (x < 100) + 0.5 * (100 <= x < 2500) + 0.2 * (2500 <= x < 7000),
    ),
    "mixture": (
        {
            "parts": [
                {"weight": 3, "of": {"law": "gamma", "shape": 2.0, "scale": 400.0}},
                {"weight": 1, "of": {"law": "pareto", "alpha": 3.0, "theta": 20000.0}},
            ]
        },
        lambda x: 0.75 * stats.gamma.sf(x, 2, scale=400) + 0.25 * stats.lomax.sf(x, 3, scale=20000),
    ),
    "spliced": (
        {
            "body": {"law": "lognormal", "median": 1500.0, "sigma": 0.8},
            "tail": {"law": "single_parameter_pareto", "alpha": 2.1, "theta": 1000.0},
            "threshold": 5000.0,
            "tail_weight": 0.1,
        },
        lambda x: (
            0.1 * (5000 / x) ** 2.1
            if x > 5000
            else 1 - 0.9 * stats.lognorm.cdf(x, 0.8, scale=1500) / stats.lognorm.cdf(5000, 0.8, scale=1500)
        ),
    ),
}
DEDUCTIBLE, LIMIT, RATE, CHANCE = 2000.0, 8000.0, 0.7, 0.3


def mean_between(survival: Any, low: float, high: float) -> float:
    """E[X ^ high] - E[X ^ low]: the integral of the survival function."""
    breaks = [point for point in (100, 500, 1500, 2500, 5000, 7000, 9000) if low < point < high]
    return float(integrate.quad(survival, low, high, points=breaks or None, limit=200)[0])


@pytest.fixture(scope="module")
def layered() -> Outcomes:
    """One peril, account and coverage for each law."""
    accounts = {law: {"level": "person", "kind": "medical", "label": law} for law in LAWS}
    perils = {
        f"peril_{law}": {
            "exposed": "person",
            "frequency": {"law": "bernoulli", "probability": CHANCE},
            "books": [{"account": law, "amount": {"law": law} | parameters}],
        }
        for law, (parameters, _) in LAWS.items()
    }
    terms = {"unit": "event", "deductible": DEDUCTIBLE, "rate": RATE}
    coverages = {
        f"cover_{law}": terms | {"accounts": [law], "limit": RATE * (LIMIT - DEDUCTIBLE)} for law in LAWS
    }
    scenario = scenario_of(
        population={"persons": 400},
        accounts=accounts,
        perils=perils,
        programmes={"all": {"coverages": coverages}},
    )
    return simulate(scenario, 600, 5)


@pytest.mark.parametrize("law", LAWS)
def test_mean_payout_is_persons_chance_layer_and_rate(layered: Outcomes, law: str) -> None:
    step = layered.steps.index(f"all.cover_{law}")
    paid = estimators.mean(layered.sums.step_paid[:, step] / 100, layered.years, "yuan")
    assert_meets(paid, 400 * CHANCE * RATE * mean_between(LAWS[law][1], DEDUCTIBLE, LIMIT))


@pytest.mark.parametrize("law", LAWS)
def test_chance_of_a_payment_is_that_of_a_cost_above_the_deductible(layered: Outcomes, law: str) -> None:
    step = layered.steps.index(f"all.cover_{law}")
    claims = estimators.mean(layered.sums.step_claims[:, step], layered.years, "")
    assert_meets(claims, 400 * CHANCE * float(LAWS[law][1](DEDUCTIBLE)))


def test_payout_of_the_programme_is_that_of_its_coverages(layered: Outcomes) -> None:
    np.testing.assert_array_equal(layered.column("all", "payout_fen"), layered.sums.step_paid.sum(axis=1))


# ------------------------------------------------------------------ common shocks


@pytest.mark.parametrize(
    ("law", "mean", "square"),
    [
        ({"law": "constant", "amount": 0.15}, 0.15, 0.15**2),
        ({"law": "beta", "mean": 0.2, "concentration": 4.0}, 0.2, 0.2**2 + 0.2 * 0.8 / 5),
    ],
    ids=["constant", "beta"],
)
def test_a_township_shock_has_the_variance_of_its_formula(
    law: dict[str, Any], mean: float, square: float
) -> None:
    rate, amount = 0.4, 1000.0
    scenario = scenario_of(
        population={"persons": 600, "townships": 6, "seed": 2},
        perils={
            "flood": {
                "exposed": "township",
                "frequency": {"law": "poisson", "events_per_year": rate},
                "share_hit": law,
                "books": [{"account": "property_loss", "amount": {"law": "constant", "amount": amount}}],
            }
        },
        programmes={
            "cover": {"coverages": {"property": {"accounts": ["property_loss"], "unit": "household_year"}}}
        },
    )
    out = simulate(scenario, 6000, 3)
    homes = np.bincount(out.compiled.population.township_of).astype(float)
    # Given an event, Binomial(n, share): E[hits^2] = n E[share (1 - share)] + n^2 E[share^2].
    expected = amount * rate * mean * homes.sum()
    variance = amount**2 * rate * float(np.sum(homes * (mean - square) + homes**2 * square))
    assert_mean_and_variance(out.yuan_by_year("cover"), out, expected, variance)
    hits = out.sums.events[:, 0].astype(float)
    assert_mean_and_variance(hits, out, expected / amount, variance / amount**2)


@pytest.mark.parametrize(
    ("factor", "factor_variance"),
    [
        ({"law": "discrete", "values": [0.5, 1.5], "probabilities": [0.5, 0.5]}, 0.25),
        ({"law": "lognormal", "mean": 1.0, "sigma": 0.3}, math.expm1(0.3**2)),
    ],
    ids=["two-point", "lognormal"],
)
def test_a_year_factor_adds_the_variance_of_the_mean(factor: dict[str, Any], factor_variance: float) -> None:
    persons, amount = 150, 100.0
    frequencies = {
        "poisson": {"law": "poisson", "events_per_year": 0.5},
        "bernoulli": {"law": "bernoulli", "probability": 0.1},
        "negative_binomial": {"law": "negative_binomial", "events_per_year": 0.4, "size": 0.8},
    }
    scenario = scenario_of(
        population={"persons": persons},
        year_factors={"epidemic": {"amount": factor}},
        accounts={name: {"level": "person", "kind": "medical", "label": name} for name in frequencies},
        perils={
            f"by_{name}": {
                "exposed": "person",
                "frequency": frequency,
                "year_factors": ["epidemic"],
                "books": [{"account": name, "amount": {"law": "constant", "amount": amount}}],
            }
            for name, frequency in frequencies.items()
        },
        programmes={name: {"coverages": {f"cover_{name}": {"accounts": [name]}}} for name in frequencies},
    )
    out = simulate(scenario, 5000, 4)
    square = 1 + factor_variance
    # E[variance given the factor] of one person; the mean given the factor is rate * factor.
    within = {
        "poisson": (0.5, 0.5),
        "bernoulli": (0.1, 0.1 - 0.1**2 * square),
        "negative_binomial": (0.4, 0.4 + 0.4**2 / 0.8 * square),
    }
    for name, (rate, variance) in within.items():
        total = persons * variance + persons**2 * rate**2 * factor_variance
        paid = out.yuan_by_year(name)
        assert_mean_and_variance(paid, out, persons * rate * amount, total * amount**2)
    both = estimators.covariance(out.yuan_by_year("poisson"), out.yuan_by_year("bernoulli"), out.years, "")
    assert_meets(both, persons**2 * 0.5 * 0.1 * factor_variance * amount**2)


# ------------------------------------------------------------------ tail of a compound Poisson year


def test_tail_of_a_compound_poisson_year() -> None:
    """VaR and TVaR of 12 persons' claims above 500, at most 5000 each, against a Fourier transform."""
    scenario = scenario_of(
        population={"persons": 12},
        perils={
            "illness": {
                "exposed": "person",
                "frequency": {"law": "poisson", "events_per_year": 0.4},
                "books": [{"account": "medical_cost", "amount": {"law": "exponential", "mean": 2000.0}}],
            }
        },
        programmes={
            "cover": {
                "coverages": {
                    "illness": {
                        "accounts": ["medical_cost"],
                        "unit": "event",
                        "deductible": 500.0,
                        "limit": 5000.0,
                    }
                }
            }
        },
    )
    out = simulate(scenario, 40_000, 6)
    step, cells = 2.0, 2**17
    at = step * np.arange(cells)

    def below(payment: np.ndarray) -> np.ndarray:
        return np.where(payment >= 5000, 1.0, -np.expm1(-(payment + 500) / 2000))

    claim = below(at + step / 2) - np.where(at > 0, below(at - step / 2), 0.0)
    year = np.fft.irfft(np.exp(12 * 0.4 * (np.fft.rfft(claim) - 1)), cells)
    cumulative = np.cumsum(year)
    paid = out.yuan_by_year("cover")
    assert_meets(estimators.mean(paid, out.years, "yuan"), float(year @ at))
    for level in (0.8, 0.95, 0.99):
        quantile = at[np.searchsorted(cumulative, level)]
        tail = quantile + float(year @ np.maximum(at - quantile, 0)) / (1 - level)
        assert_meets(estimators.quantile(paid, out.years, level, "yuan"), float(quantile))
        assert_meets(estimators.tail_value(paid, out.years, level, "yuan"), tail)
    assert_meets(estimators.share(paid == 0, out.years), float(math.exp(-12 * 0.4 * math.exp(-500 / 2000))))


# ------------------------------------------------------------------ numbers of events


@pytest.mark.parametrize(
    ("frequency", "mean", "variance"),
    [
        ({"law": "bernoulli", "probability": 0.3}, 0.3, 0.3 * 0.7),
        ({"law": "poisson", "events_per_year": 1.7}, 1.7, 1.7),
        ({"law": "negative_binomial", "events_per_year": 0.8, "size": 0.4}, 0.8, 0.8 + 0.8**2 / 0.4),
        ({"law": "negative_binomial", "events_per_year": 2.0, "size": 5.0}, 2.0, 2.0 + 2.0**2 / 5.0),
    ],
    ids=["bernoulli", "poisson", "clustered", "mild"],
)
@pytest.mark.parametrize("exposed", ["person", "household"])
def test_numbers_of_events(frequency: dict[str, Any], mean: float, variance: float, exposed: str) -> None:
    account = "medical_cost" if exposed == "person" else "property_loss"
    scenario = scenario_of(
        population={"persons": 100},
        perils={
            "peril": {
                "exposed": exposed,
                "frequency": frequency,
                "books": [{"account": account, "amount": {"law": "constant", "amount": 1.0}}],
            }
        },
    )
    out = simulate(scenario, 4000, 8)
    events = out.sums.events[:, 0].astype(float)
    assert_mean_and_variance(events, out, 100 * mean, 100 * variance)
    np.testing.assert_array_equal(out.sums.ground_up.sum(axis=1), 100 * out.sums.events[:, 0])


def test_factors_of_age_and_class_multiply_the_rate() -> None:
    """Rates by group: population of two classes, an age step and a class factor, group by group."""
    margins = {
        "share": 0.5,
        "household_size": [1, 1, 1],
        "age": {"from": [0, 60], "values": [0.7, 0.3]},
        "income_per_head": {"law": "constant", "amount": 5000.0},
    }
    scenario = scenario_of(
        population={"persons": 400, "classes": {"marginal": margins, "general": margins}},
        perils={
            "illness": {
                "exposed": "person",
                "frequency": {"law": "poisson", "events_per_year": 0.3},
                "factors": {"age": {"from": [0, 60], "values": [0.5, 2.0]}, "classes": {"marginal": 1.6}},
                "books": [{"account": "medical_cost", "amount": {"law": "constant", "amount": 1.0}}],
            }
        },
        programmes={"cover": {"coverages": {"illness": {"accounts": ["medical_cost"]}}}},
    )
    out = simulate(scenario, 1000, 9)
    population = population_of(scenario)
    rates = 0.3 * np.where(population.age >= 60, 2.0, 0.5)
    classes = population.household_class[population.household_of]
    for number, group in enumerate(out.groups):
        inside = classes == CLASSES.index(group)
        truth = rates[inside].sum() * (1.6 if group == "marginal" else 1.0)
        batches = out.batches("cover", "payout_fen")[:, number] / 100
        assert_meets(estimators.from_batches(batches, out.batch_years, ""), float(truth))
