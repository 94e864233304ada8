"""Qingyang's agricultural portfolio: means, spreads and correlations of the classes by closed form.

``python tests/test_agriculture.py`` prints the tables of ``docs/agriculture.md``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from itertools import combinations

import numpy as np
import pytest

from fangpinbao._typing import Float64Array
from fangpinbao.engine import population_of, simulate
from fangpinbao.outcomes import Outcomes
from fangpinbao.scenario import Scenario, load_scenario
from fangpinbao.scenario.terms import Filter

YEARS = 1_500
CLASSES = {
    "planting": ("maize", "wheat", "potatoes", "rapeseed", "flax", "soybeans", "millet", "buckwheat", "fodder",
                 "herbs", "daylily", "vegetables", "melons"),
    "livestock": ("sheep", "goats", "cattle", "cows", "sows", "pigs", "broilers", "layers"),
    "fruit": ("apples", "pears", "walnuts", "seedlings"),
}  # fmt: skip


@cache
def agriculture() -> Scenario:
    return load_scenario("qingyang-agriculture-2020")


@cache
def outcomes() -> Outcomes:
    return simulate(agriculture(), YEARS)


@dataclass(frozen=True)
class Moments:
    """Mean and variance of a product's yearly payout in a year of mean factor, and the factors it follows."""

    mean: float
    within: float
    factors: tuple[str, ...]


def moments(product: str) -> Moments:
    """Closed form of one product: compound Poisson events over the counties.

    An event hits each household with the same share q, beta(a, b), and takes the uniform share U of its income. With
    c the insured income times the rate of cover, E[S] = q E[U] sum c and E[S^2] = E[q] E[U^2] sum c^2 + E[q^2] E[U]^2
    ((sum c)^2 - sum c^2) for one event of a county; a year of mean factor has lambda events.
    """
    scenario, people = agriculture(), population_of(agriculture())
    peril = scenario.perils[f"{product}_failure"]
    programme = scenario.programmes["portfolio"]
    insured = people.select_households(Filter(tags=["agriculture_insured"]))
    keeps = people.select_households(peril.where)
    rate, law, share = programme.coverages[product].rate, peril.books[0].amount, peril.share_hit
    cover = rate * people.income_per_head * people.household_size * (insured & keeps)
    low, high, q, k = law.low, law.high, share.mean, share.concentration
    first, second = (low + high) / 2, (low**2 + low * high + high**2) / 3
    q_squared = q**2 + q * (1 - q) / (k + 1)
    mean = within = 0.0
    for county in range(len(people.township_names)):
        c = cover[people.township_of == county]
        whole, squares = c.sum(), (c**2).sum()
        mean += peril.frequency.mean * q * first * whole
        within += peril.frequency.mean * (q * second * squares + q_squared * first**2 * (whole**2 - squares))
    return Moments(mean, within, tuple(peril.year_factors))


@cache
def closed_form() -> tuple[dict[str, float], dict[str, float], dict[tuple[str, str], float]]:
    """Mean, standard deviation and correlation of the classes' payouts.

    Given the year's factors products are independent, and rates are multiplied by factors of mean 1, so that
    Cov = m m' (prod over shared factors of E[F^2] - 1), and a product adds its variance within a year.
    """
    spread = {
        name: math.exp(factor.amount.sigma**2) - 1 for name, factor in agriculture().year_factors.items()
    }  # lognormal of mean 1
    found = {product: moments(product) for products in CLASSES.values() for product in products}

    def covariance(a: str, b: str) -> float:
        first, second = found[a], found[b]
        shared = math.prod(1 + spread[name] for name in first.factors if name in second.factors)
        return first.mean * second.mean * (shared - 1) + (first.within if a == b else 0.0)

    def between(one: str, other: str) -> float:
        return sum(covariance(a, b) for a in CLASSES[one] for b in CLASSES[other])

    means = {name: sum(found[product].mean for product in products) for name, products in CLASSES.items()}
    sds = {name: math.sqrt(between(name, name)) for name in CLASSES}
    pairs = {(a, b): between(a, b) / (sds[a] * sds[b]) for a, b in combinations(CLASSES, 2)}
    return means, sds, pairs


def payouts(name: str) -> Float64Array:
    """Yearly payout of a class, yuan."""
    run = outcomes()
    steps = [run.steps.index(f"portfolio.{product}") for product in CLASSES[name]]
    return run.sums.step_paid[:, steps].sum(axis=1) / 100.0


def correlation(a: Float64Array, b: Float64Array) -> tuple[float, float]:
    """Correlation and its standard error, by the influence function z z' - r (z^2 + z'^2) / 2."""
    za, zb = ((x - x.mean()) / x.std() for x in (a, b))
    r = float((za * zb).mean())
    influence = za * zb - r * (za**2 + zb**2) / 2
    return r, float(influence.std(ddof=1) / math.sqrt(len(a)))


def test_twenty_five_products_in_three_classes() -> None:
    scenario = agriculture()
    products = [product for products in CLASSES.values() for product in products]
    assert len(CLASSES) == scenario.records["product_classes"].value
    assert len(products) == scenario.records["products"].value
    assert set(scenario.programmes["portfolio"].coverages) == set(products)


@pytest.mark.parametrize("name", CLASSES)
def test_mean_payout_of_a_class(name: str) -> None:
    found, (means, _, _) = payouts(name), closed_form()
    error = found.std(ddof=1) / math.sqrt(YEARS)
    assert abs(found.mean() - means[name]) <= 4 * error
    assert error < 0.05 * means[name]


@pytest.mark.parametrize("name", CLASSES)
def test_spread_of_a_class_over_years(name: str) -> None:
    found, (_, sds, _) = payouts(name), closed_form()
    squares = (found - found.mean()) ** 2
    error = squares.std(ddof=1) / math.sqrt(YEARS) / (2 * found.std())
    assert abs(found.std() - sds[name]) <= 4 * error


@pytest.mark.parametrize("pair", list(combinations(CLASSES, 2)), ids="-".join)
def test_correlation_of_two_classes(pair: tuple[str, str]) -> None:
    value, error = correlation(payouts(pair[0]), payouts(pair[1]))
    expected = closed_form()[2][pair]
    assert abs(value - expected) <= 4 * error
    assert expected > 0.1, "products of a year hang together"


def test_without_shared_years_products_are_independent() -> None:
    """Constant factors: planting and fruit share nothing but the people, who do not vary."""
    constant = {"law": "constant", "amount": 1.0}
    changes = {f"year_factors.{name}.amount": constant for name in agriculture().year_factors}
    run = simulate(agriculture().replace_all(changes), YEARS)

    def of(name: str) -> Float64Array:
        steps = [run.steps.index(f"portfolio.{product}") for product in CLASSES[name]]
        return run.sums.step_paid[:, steps].sum(axis=1) / 100.0

    value, error = correlation(of("planting"), of("fruit"))
    assert abs(value) <= 4 * error


def test_farming_makes_at_least_the_share_that_ningxia_states() -> None:
    """Expected share of income at stake in all products: the sum over what each household keeps."""
    scenario, people = agriculture(), population_of(agriculture())
    income = people.income_per_head * people.household_size
    at_stake = np.zeros(people.households)
    for peril in scenario.perils.values():
        if peril.books[0].account.endswith("_loss") and peril.exposed == "township":
            at_stake += peril.books[0].amount.high * people.select_households(peril.where)
    share = float((at_stake * income).sum() / income.sum())
    assert scenario.records["farm_share_of_income"].value <= share <= 0.45


def test_a_bad_season_pushes_households_below_the_line() -> None:
    """The worst tenth of seasons has more households poor by shock than the best tenth, by far."""
    run = outcomes()
    farm = [a for a, name in enumerate(run.accounts) if name in run.scenario.accounts]
    loss = run.sums.ground_up[:, farm].sum(axis=1)
    poor = run.column("none", "households_still_poor", "poverty")
    order = np.argsort(loss)
    best, worst = poor[order[: YEARS // 10]], poor[order[-YEARS // 10 :]]
    error = math.hypot(best.std(ddof=1), worst.std(ddof=1)) / math.sqrt(YEARS // 10)
    assert worst.mean() - best.mean() > 10 * error
    insured = run.column("portfolio", "households_still_poor", "poverty")
    assert (poor - insured)[order[-YEARS // 10 :]].mean() > (poor - insured)[order[: YEARS // 10]].mean()


def test_the_record_is_no_target() -> None:
    """47.5% is paid over signed in one year of the whole city; the model has no premium and no such ratio."""
    scenario = agriculture()
    records = scenario.records
    ratio = records["claims_paid"].value / records["premium_signed"].value
    assert ratio == pytest.approx(records["claims_over_premium"].value, abs=0.0005)
    assert all(programme.premium_per_insured is None for programme in scenario.programmes.values())


if __name__ == "__main__":
    means, sds, pairs = closed_form()
    print(
        "| class | mean payout, yuan (closed form; simulated) | standard deviation (closed form; simulated) |"
    )
    print("| --- | --- | --- |")
    for name in CLASSES:
        found = payouts(name)
        error = found.std(ddof=1) / math.sqrt(YEARS)
        mean, spread = f"{found.mean():,.0f} ± {error:,.0f}", f"{found.std():,.0f}"
        print(f"| {name} | {means[name]:,.0f}; {mean} | {sds[name]:,.0f}; {spread} |")
    print("\n| pair | correlation, closed form | simulated |\n| --- | --- | --- |")
    for pair, expected in pairs.items():
        value, error = correlation(payouts(pair[0]), payouts(pair[1]))
        print(f"| {pair[0]} and {pair[1]} | {expected:.3f} | {value:.3f} ± {error:.3f} |")
