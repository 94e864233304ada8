"""Simulated curves, layers and reinstatements against closed forms; closed forms against published tables.

The closed forms are checked with Panjer's recursion, pencil and paper, and Mata (2000), table 2.
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import cache

import numpy as np
import pytest

from fangpinbao import estimators
from fangpinbao.estimators import Estimate, Years
from fangpinbao.event_losses import EventLosses
from fangpinbao.exact import aggregate_law, layer_mean, occurrence_exceedance, occurrence_loss, priced_layer
from fangpinbao.exceedance import (
    exceedance_curves,
    loss_figures,
    pool_figures,
    price_figures,
    reinsurance_figures,
)
from fangpinbao.reinsurance import by_year, largest_by_year, reinsure
from fangpinbao.scenario.reinsurance import ReinsuranceContract

# Twelve events: rates fall and losses (yuan) rise; 0.78 events a year.
RATES = np.array([0.30, 0.20, 0.10, 0.06, 0.04, 0.03, 0.02, 0.012, 0.008, 0.005, 0.003, 0.002])
LOSSES = np.array([1, 2, 4, 7, 11, 16, 25, 40, 60, 90, 140, 200]) * 1e4


def drawn(years: np.ndarray | int, seed: int) -> EventLosses:
    """Draw Poisson event sets, or a given number of events in each year."""
    rng = np.random.default_rng([81, seed])
    counts = rng.poisson(RATES.sum(), years) if isinstance(years, int) else years
    path = np.repeat(np.arange(counts.size), counts)
    day, event = rng.integers(0, 365, path.size), rng.choice(12, path.size, p=RATES / RATES.sum())
    order = np.lexsort((event, day, path))
    day, event = day[order], event[order]
    loss = np.round(100 * LOSSES[event]).astype(np.int64)
    return EventLosses(counts.size, path, day, event, (event >= 6).astype(np.int64), loss, ("rain", "quake"))


@cache
def plain() -> tuple[EventLosses, Years]:
    return drawn(40_000, 1), Years.equal(40_000)


@cache
def stratified() -> tuple[EventLosses, Years]:
    """Strata by the number of events, 0, 1, 2, 3, 4 or more, with half of the years where they are rare."""
    rate, sizes = float(RATES.sum()), {0: 100, 1: 8_000, 2: 12_000, 3: 12_000, 4: 8_000}
    chances = {k: math.exp(-rate) * rate**k / math.factorial(k) for k in range(40)}
    rng = np.random.default_rng(82)
    more = np.array([chances[k] for k in range(4, 40)])
    counts = [np.full(size, k) for k, size in sizes.items() if k < 4]
    counts.append(rng.choice(np.arange(4, 40), sizes[4], p=more / more.sum()))
    probability = {k: chances[k] for k in range(4)}
    probability[4] = 1.0 - sum(probability.values())
    return drawn(np.concatenate(counts), 2), Years.stratified(
        np.repeat(list(sizes), list(sizes.values())), probability
    )


DESIGNS = {"plain": plain, "stratified": stratified}
designs = pytest.mark.parametrize("design", DESIGNS)


def within(estimate: Estimate, truth: float) -> bool:
    assert estimate.value is not None
    assert estimate.standard_error is not None
    # A figure that strata fix exactly has no error; the closed form has 1e-10 of the FFT.
    return abs(estimate.value - truth) <= 4 * estimate.standard_error + 1e-9 * abs(truth)


# --- closed forms against pencil, paper and print ----------------------------------------------------------


def test_occurrence_exceedance_by_hand() -> None:
    """Losses 10, 20, 30 at rates 0.3, 0.2, 0.1: above 15, 0.3 events a year."""
    found = occurrence_exceedance([0.3, 0.2, 0.1], [10, 20, 30], [0, 10, 15, 29, 30, 99])
    rates = [0.6, 0.3, 0.3, 0.1, 0.0, 0.0]
    assert found == pytest.approx([1 - math.exp(-rate) for rate in rates])
    # Exceeded with a chance of at most 1/2, 1/3, 1/5, 1/20: 0 (0.451), 10 (0.259), 20 (0.095), 30 (0).
    assert [occurrence_loss([0.3, 0.2, 0.1], [10, 20, 30], t) for t in (2, 3, 5, 20)] == [0, 10, 20, 30]
    # Negative binomial of size 1 (geometric): no event above 15 with chance 1 / (1 + 0.3).
    assert occurrence_exceedance([0.3, 0.2, 0.1], [10, 20, 30], [15], size=1.0) == pytest.approx([0.3 / 1.3])


def test_layer_mean_by_hand() -> None:
    """10 xs 15 of losses 10, 20, 30 at rates 0.3, 0.2, 0.1: 0.2 x 5 + 0.1 x 10."""
    assert layer_mean([0.3, 0.2, 0.1], [10, 20, 30], 15, 10) == pytest.approx(2.0)


def panjer(rates: list[Fraction], cells: int) -> list[float]:
    """Compound Poisson law by Panjer's recursion; ``rates[k]`` events a year of loss k."""
    total = [math.exp(-float(sum(rates)))]
    for s in range(1, cells):
        terms = (k * float(rates[k]) * total[s - k] for k in range(1, min(s, len(rates) - 1) + 1))
        total.append(sum(terms) / s)
    return total


def test_the_law_by_fft_is_that_of_panjers_recursion() -> None:
    by_cell = [Fraction(0)] * 201
    for rate, loss in zip(RATES, LOSSES, strict=True):
        by_cell[round(loss / 1e4)] += Fraction(str(rate))
    law = aggregate_law(RATES, LOSSES, 1e4)
    # Every loss is a multiple of the step: no discretisation, all three laws are one.
    for probabilities in law.probabilities:
        assert probabilities[:1500] == pytest.approx(panjer(by_cell, 1500), abs=1e-12)
    mean = law.expected(lambda totals: totals, "yuan")
    assert mean.value == pytest.approx(float(RATES @ LOSSES), rel=1e-9)
    assert (mean.method, mean.standard_error) == ("exact", None)


def test_a_negative_binomial_total_has_its_moments() -> None:
    """Mean m, variance m E[X^2] / E[X] + m^2 / size."""
    law = aggregate_law(RATES, LOSSES, 1e4, size=2.5)
    mean = float(RATES @ LOSSES)
    variance = float(RATES @ LOSSES**2) + mean**2 / 2.5
    assert law.expected(lambda totals: totals, "yuan").value == pytest.approx(mean, rel=1e-8)
    assert law.expected(lambda totals: totals**2, "yuan^2").value == pytest.approx(
        variance + mean**2, rel=1e-8
    )


@pytest.mark.parametrize("step", [7_000.0, 3_000.0, 500.0])
def test_a_coarse_grid_brackets_the_truth_and_a_finer_one_more_tightly(step: float) -> None:
    true = aggregate_law(RATES, LOSSES, 1e4)
    coarse = aggregate_law(RATES, LOSSES, step)
    widths = []
    for estimate, exact in (
        (coarse.exceedance(5.5e5), true.exceedance(5.5e5).value),
        (coarse.limited_mean(2e5, 1e6, "yuan"), true.limited_mean(2e5, 1e6, "yuan").value),
        (coarse.quantile(0.99, "yuan"), true.quantile(0.99, "yuan").value),
        (coarse.tail_value(0.99, "yuan"), true.tail_value(0.99, "yuan").value),
    ):
        # A chance of 1e-10 lies beyond the grid.
        assert estimate.lower * (1 - 1e-9) <= exact <= estimate.upper * (1 + 1e-9)
        assert estimate.lower <= estimate.value <= estimate.upper
        widths.append((estimate.upper - estimate.lower) / exact)
    # Less than a step an event and, at 0.8 events a year, some 20 events in the worst of years.
    assert max(widths) < 20 * step / 2e5


def test_a_bad_event_set_is_refused() -> None:
    with pytest.raises(ValueError, match="one length"):
        layer_mean([0.1], [1, 2], 0, 1)
    with pytest.raises(ValueError, match="not negative"):
        layer_mean([0.1], [-1], 0, 1)
    with pytest.raises(ValueError, match="must be positive"):
        aggregate_law([0.1], [1], 0.0)
    with pytest.raises(ValueError, match="too small"):
        aggregate_law([0.1], [1e9], 1.0)
    with pytest.raises(ValueError, match="exceed one year"):
        occurrence_loss([0.1], [1], 1.0)
    with pytest.raises(ValueError, match="strictly between"):
        aggregate_law([0.1], [1], 0.1).quantile(1.0, "")


def pareto_set(step: float, top: float) -> tuple[np.ndarray, np.ndarray]:
    """Ten events a year of Pareto severity (alpha 3, scale 10), on a grid that keeps every limited mean."""

    def limited(x: np.ndarray) -> np.ndarray:
        return 5 * (1 - (10 / (x + 10)) ** 2)

    grid = step * np.arange(round(top / step) + 2)
    mean = limited(grid)
    chance = np.diff(mean, append=mean[-1]) / step  # mean survival in each cell
    chance = np.append(1 - chance[0], -np.diff(chance))[:-1]
    chance[-1] += 1 - chance.sum()  # what lies beyond the top is beyond every layer
    return 10 * chance, grid[:-1]


# Mata (2000), table 2: Poisson 10, Pareto (3, 10); layer, limit; one free reinstatement; no limit of the year.
MATA = [(10, 10, 6.6128, 6.9444), (20, 10, 2.4103, 2.4305), (10, 20, 9.2173, 9.3749)]


@pytest.mark.parametrize(("attachment", "limit", "one_free", "unlimited"), MATA)
def test_mata_2000_table_2(attachment: float, limit: float, one_free: float, unlimited: float) -> None:
    rates, losses = pareto_set(0.02, 60.0)
    # 5000 (1 / (a + 10)^2 - 1 / (a + l + 10)^2); the table cuts the fifth digit.
    by_hand = 5000 * (1 / (attachment + 10) ** 2 - 1 / (attachment + limit + 10) ** 2)
    assert by_hand == pytest.approx(unlimited, abs=1e-4)
    whole = priced_layer(rates, losses, attachment, limit, 0.02)
    assert whole.payment.value == pytest.approx(by_hand, rel=1e-6)
    assert whole.exhaustion is None
    limited = priced_layer(rates, losses, attachment, limit, 0.02, reinstatements=[0.0])
    # The table's own discretisation is not stated; ours is converged, and lies within 0.1% of it.
    assert limited.payment.value == pytest.approx(one_free, rel=1e-3)
    assert limited.premium.value == limited.payment.value


def test_mata_2000_premium_with_a_paid_reinstatement() -> None:
    """Premium = E[paid] / (1 + c E[min(S, l)] / l), with both means from the law of the layer's total S."""
    rates, losses = pareto_set(0.02, 60.0)
    priced = priced_layer(rates, losses, 10.0, 10.0, 0.02, reinstatements=[1.0])
    total = aggregate_law(rates, np.clip(losses - 10, 0, 10), 0.02)
    paid, bought = total.limited_mean(0, 20, "").value, total.limited_mean(0, 10, "").value / 10
    assert priced.premium.value == pytest.approx(paid / (1 + bought), rel=1e-9)
    assert priced.exhaustion.value == pytest.approx(total.exceedance(20 - 1e-6).value)
    assert priced.attachment.value == pytest.approx(1 - math.exp(-10 / 8), rel=1e-3)  # S(10) = 1/8


# --- simulation against closed forms -----------------------------------------------------------------------


@designs
def test_oep_and_aep_lie_around_the_closed_forms(design: str) -> None:
    losses, years = DESIGNS[design]()
    law = aggregate_law(RATES, LOSSES, 1e4)
    largest, total = largest_by_year(losses.loss, losses) / 100, by_year(losses.loss, losses) / 100
    for amount in (0.0, 1e4, 7e4, 2.5e5, 6e5, 9e5, 1.4e6):
        (chance,) = occurrence_exceedance(RATES, LOSSES, [amount])
        assert within(estimators.share(largest > amount, years), chance), amount
        assert within(estimators.share(total > amount, years), law.exceedance(amount).value), amount
    curves = exceedance_curves(losses, years, (2, 10, 50, 200))
    for curve, column in ((curves.oep, largest), (curves.aep, total)):
        for period, estimate in curve.items():
            x = estimate.value
            exact = [
                occurrence_exceedance(RATES, LOSSES, [y])[0] if column is largest else law.exceedance(y).value
                for y in (x, x - 1e4)
            ]
            reach = 4 * estimators.share(column > x, years).standard_error + 1e-9
            assert exact[0] - reach <= 1 / period <= exact[1] + reach
            assert estimate.lower <= x <= (estimate.upper or math.inf)
    assert curves.years == years.n


@designs
def test_figures_of_the_loss_lie_around_the_closed_forms(design: str) -> None:
    losses, years = DESIGNS[design]()
    figures = loss_figures(losses, years)
    law = aggregate_law(RATES, LOSSES, 1e4)
    mean, sd = float(RATES @ LOSSES), math.sqrt(float(RATES @ LOSSES**2))
    for statistic, truth in (("mean", mean), ("sd", sd), ("tvar_99", law.tail_value(0.99, "yuan").value)):
        figure = figures.one("year_loss", statistic=statistic)
        assert abs(figure.value - truth) <= 4 * figure.standard_error, statistic
    quakes = figures.one("year_loss", group="quake")
    assert abs(quakes.value - float(RATES[6:] @ LOSSES[6:])) <= 4 * quakes.standard_error
    events = figures.one("loss_events")
    assert abs(events.value - RATES.sum()) <= 4 * (events.standard_error + 1e-12)
    often = figures.one("years_with_loss", group="quake")
    assert abs(often.value - (1 - math.exp(-RATES[6:].sum()))) <= 4 * often.standard_error
    by_peril = [figures.one("year_loss", group=peril).value for peril in losses.perils]
    assert sum(by_peril) == pytest.approx(figures.one("year_loss", statistic="mean").value)


LAYER = {
    "attachment": 1e5,
    "limit": 2e5,
    "annual_deductible": 5e4,
    "reinstatements": [1.0, 0.5],
    "premium": 4e4,
}


@designs
def test_a_layer_with_reinstatements_lies_around_the_closed_form(design: str) -> None:
    losses, years = DESIGNS[design]()
    terms = ReinsuranceContract.model_validate(
        {"name": "cat", "kind": "excess_of_loss", "inuring": 1, **LAYER}
    )
    (cession,) = reinsure(losses, [terms]).cessions
    priced = priced_layer(RATES, LOSSES, 1e5, 2e5, 1e4, annual_deductible=5e4, reinstatements=[1.0, 0.5])
    paid = estimators.mean(by_year(cession.ceded, losses) / 100, years, "yuan")
    assert within(paid, priced.payment.value)
    extra = estimators.mean(by_year(cession.reinstatement_premium, losses) / 100, years, "yuan")
    assert within(extra, 4e4 * priced.limits_bought_back.value)
    assert within(estimators.share(cession.attached, years), priced.attachment.value)
    assert within(estimators.share(cession.exhausted, years), priced.exhaustion.value)
    unlimited = terms.model_copy(update={"reinstatements": None, "annual_deductible": 0.0})
    (cession,) = reinsure(losses, [unlimited]).cessions
    mean = estimators.mean(by_year(cession.ceded, losses) / 100, years, "yuan")
    assert within(mean, layer_mean(RATES, LOSSES, 1e5, 2e5))


def test_a_stop_loss_lies_around_the_closed_form() -> None:
    losses, years = plain()
    terms = ReinsuranceContract.model_validate(
        {"name": "stop", "kind": "stop_loss", "inuring": 1, "attachment": 2e5, "limit": 5e5}
    )
    (cession,) = reinsure(losses, [terms]).cessions
    law = aggregate_law(RATES, LOSSES, 1e4)
    paid = estimators.mean(by_year(cession.ceded, losses) / 100, years, "yuan")
    assert within(paid, law.limited_mean(2e5, 5e5, "yuan").value)
    assert within(estimators.share(cession.exhausted, years), law.exceedance(7e5 - 1).value)


def test_strata_buy_a_rare_year_cheaply() -> None:
    """At a 1-in-500 year the stratified design of as many years has the smaller interval."""
    intervals = {}
    for design, make in DESIGNS.items():
        losses, years = make()
        total = by_year(losses.loss, losses) / 100
        intervals[design] = estimators.share(total > 1.4e6, years).standard_error
    # Both errors are known to some 6% (about 80 such years in the plain run).
    assert intervals["stratified"] < 0.9 * intervals["plain"]


# --- price, shares -----------------------------------------------------------------------------------------


@designs
def test_the_price_is_judged_by_the_closed_form(design: str) -> None:
    losses, years = DESIGNS[design]()
    figures = price_figures(losses, years, 5e4, expense_share=0.2, risk_share_of_sd=0.1)
    mean, sd = float(RATES @ LOSSES), math.sqrt(float(RATES @ LOSSES**2))
    technical = (mean + 0.1 * sd) / 0.8
    truths = {"loss_ratio": mean / 5e4, "technical_premium": technical, "premium_adequacy": 5e4 / technical}
    for measure, truth in truths.items():
        figure = figures.one(measure)
        assert abs(figure.value - truth) <= 4 * figure.standard_error, measure
    law = aggregate_law(RATES, LOSSES, 1e4)
    over = figures.one("payout_over_premium")
    assert abs(over.value - law.exceedance(5e4).value) <= 4 * over.standard_error
    with pytest.raises(ValueError, match="expense share"):
        price_figures(losses, years, 5e4, expense_share=1.0)


def test_shares_of_carriers_and_reinsurers_sum_to_the_whole() -> None:
    losses, years = plain()
    carriers = {"lead": 0.19, **{f"carrier_{k}": 0.09 for k in range(2, 11)}}
    terms = ReinsuranceContract.model_validate(
        {"name": "cat", "kind": "excess_of_loss", "inuring": 1, "reinsurers": {"a": 0.6, "b": 0.4}, **LAYER}
    )
    reinsured = reinsure(losses, [terms])
    of_contract = reinsurance_figures(reinsured, years)
    of_pool = pool_figures(reinsured.net, years, carriers, premium=6e4)
    ceded = of_contract.one("ceded_loss", statistic="mean", coverage="cat", group=None)
    parts = [of_contract.one("ceded_loss", coverage="cat", group=name).value for name in ("a", "b")]
    assert sum(parts) == pytest.approx(ceded.value, rel=1e-12)
    kept = [of_pool.one("carrier_loss", statistic="mean", group=name).value for name in carriers]
    gross = loss_figures(losses, years).one("year_loss", statistic="mean", group=None).value
    assert sum(kept) + ceded.value == pytest.approx(gross, rel=1e-12)
    premiums = [of_pool.one("carrier_premium", group=name).value for name in carriers]
    assert sum(premiums) == pytest.approx(6e4)
    cost = of_contract.one("reinsurance_cost", coverage="cat").value
    extra = of_contract.one("reinstatement_premium", coverage="cat").value
    assert cost == pytest.approx(4e4 + extra - ceded.value, rel=1e-9)
    assert of_contract.one("rate_on_line", coverage="cat").value == pytest.approx(0.2)
    names = ("attached", "event_limit_reached", "exhausted")
    flags = [of_contract.one(f"layer_{name}", coverage="cat").value for name in names]
    assert flags[0] >= flags[1] > 0.0
    assert flags[0] >= flags[2]


def test_years_without_a_loss_are_told_by_the_rule_of_three() -> None:
    empty = np.zeros(0, dtype=np.int64)
    losses = EventLosses(300, empty, empty, empty, empty, empty, ("quake",))
    figures = loss_figures(losses, Years.equal(300))
    assert str(figures.one("years_with_loss", group="quake")) == (
        "in 0 of 300 years; the chance of such a year is at most 3/300"
    )
    with pytest.raises(ValueError, match="do not fit"):
        loss_figures(losses, Years.equal(299))
