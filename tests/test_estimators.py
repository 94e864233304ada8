"""Estimates: by hand, against closed forms, and the errors by replication."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, special

from fangpinbao import estimators
from fangpinbao.estimators import Estimate, Years
from fangpinbao.jackknife import jackknife_error, replicate_histograms

REPLICATIONS = 200


class CompoundLaw:
    """Mixture of Poisson sums of exponential amounts; everything about it in closed form."""

    def __init__(self, *parts: tuple[float, float, float]) -> None:
        self.parts = parts  # probability, expected count, mean amount

    def draw(self, rng: np.random.Generator, sizes: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
        counts = [rng.poisson(rate, size) for (_, rate, _), size in zip(self.parts, sizes, strict=True)]
        sums = [
            amount * rng.standard_gamma(count)
            for (_, _, amount), count in zip(self.parts, counts, strict=True)
        ]
        return np.concatenate(counts).astype(float), np.concatenate(sums)

    def years(self, sizes: tuple[int, ...]) -> Years:
        strata = np.repeat(np.arange(len(sizes)), sizes)
        return Years.stratified(strata, {s: part[0] for s, part in enumerate(self.parts)})

    @property
    def mean(self) -> float:
        return sum(p * rate * amount for p, rate, amount in self.parts)

    @property
    def sd(self) -> float:
        second = sum(p * (2 * rate + rate**2) * amount**2 for p, rate, amount in self.parts)
        return math.sqrt(second - self.mean**2)

    @property
    def mean_count(self) -> float:
        return sum(p * rate for p, rate, _ in self.parts)

    @property
    def covariance_with_count(self) -> float:
        both = sum(p * amount * (rate + rate**2) for p, rate, amount in self.parts)
        return both - self.mean * self.mean_count

    def cdf(self, x: float) -> float:
        total = 0.0
        for p, rate, amount in self.parts:
            k = np.arange(1, 80)
            pmf = np.exp(k * np.log(rate) - rate - special.gammaln(k + 1))
            total += p * (math.exp(-rate) + float(np.sum(pmf * special.gammainc(k, x / amount))))
        return total

    def mean_above(self, x: float) -> float:
        """E[X; X > x]."""
        total = 0.0
        for p, rate, amount in self.parts:
            k = np.arange(1, 80)
            pmf = np.exp(k * np.log(rate) - rate - special.gammaln(k + 1))
            total += p * float(np.sum(pmf * k * amount * special.gammaincc(k + 1, x / amount)))
        return total

    def quantile(self, level: float) -> float:
        return float(optimize.brentq(lambda x: self.cdf(x) - level, 1e-9, 1e3, xtol=1e-10))

    def tail_value(self, level: float) -> float:
        return self.mean_above(self.quantile(level)) / (1.0 - level)


PLAIN = CompoundLaw((1.0, 2.5, 1.0))
STRATIFIED = CompoundLaw((0.85, 1.5, 1.0), (0.15, 5.0, 2.0))
STOP_LOSS_AT = 3.0
DESIGNS = {"plain": (PLAIN, (2000,)), "stratified": (STRATIFIED, (900, 700))}


def _in_batches(sums: np.ndarray, law: CompoundLaw, sizes: tuple[int, ...]) -> Estimate:
    batch_sums, batch_years, weights, stratum = [], [], [], []
    start = 0
    for s, size in enumerate(sizes):
        for block in np.array_split(sums[start : start + size], 60):
            batch_sums.append(block.sum())
            batch_years.append(block.size)
            weights.append(law.parts[s][0] * block.size / size)
            stratum.append(s)
        start += size
    return estimators.from_batches(batch_sums, batch_years, "yuan", weights, stratum)


STATISTICS = {
    "mean": (lambda n, x, y: estimators.mean(x, y, "yuan"), lambda law: law.mean),
    "difference": (
        lambda n, x, y: estimators.difference(x, np.minimum(x, STOP_LOSS_AT), y, "yuan"),
        lambda law: law.mean_above(STOP_LOSS_AT) - STOP_LOSS_AT * (1 - law.cdf(STOP_LOSS_AT)),
    ),
    "ratio": (lambda n, x, y: estimators.ratio(x, n, y, "yuan"), lambda law: law.mean / law.mean_count),
    "sd": (lambda n, x, y: estimators.standard_deviation(x, y, "yuan"), lambda law: law.sd),
    "covariance": (
        lambda n, x, y: estimators.covariance(n, x, y, "yuan"),
        lambda law: law.covariance_with_count,
    ),
    "p90": (lambda n, x, y: estimators.quantile(x, y, 0.9, "yuan"), lambda law: law.quantile(0.9)),
    "tvar95": (lambda n, x, y: estimators.tail_value(x, y, 0.95, "yuan"), lambda law: law.tail_value(0.95)),
    "share": (
        lambda n, x, y: estimators.share(x > 2 * STOP_LOSS_AT, y),
        lambda law: 1 - law.cdf(2 * STOP_LOSS_AT),
    ),
}


@pytest.mark.parametrize("design", DESIGNS)
def test_intervals_cover_and_errors_match_the_spread_of_replications(design: str) -> None:
    law, sizes = DESIGNS[design]
    years = law.years(sizes)
    truths = {name: truth(law) for name, (_, truth) in STATISTICS.items()} | {"batches": law.mean}
    values: dict[str, list[float]] = {name: [] for name in truths}
    errors: dict[str, list[float]] = {name: [] for name in truths}
    covered = dict.fromkeys(truths, 0)
    for seed in range(REPLICATIONS):
        counts, sums = law.draw(np.random.default_rng([20, seed]), sizes)
        results = {name: estimate(counts, sums, years) for name, (estimate, _) in STATISTICS.items()}
        results["batches"] = _in_batches(sums, law, sizes)
        for name, result in results.items():
            values[name].append(result.value)
            errors[name].append(result.standard_error)
            covered[name] += result.lower <= truths[name] <= result.upper
    wrong = {name: count for name, count in covered.items() if not 178 <= count <= 199}
    assert not wrong
    for name, truth in truths.items():
        spread = np.std(values[name], ddof=1)
        # The spread of 200 replications is itself known to 5%.
        assert np.mean(errors[name]) == pytest.approx(spread, rel=0.2), name
        assert abs(np.mean(values[name]) - truth) < 4 * spread / math.sqrt(REPLICATIONS) + 0.003 * truth, name


def test_wrong_strata_weights_would_be_seen() -> None:
    _, sizes = DESIGNS["stratified"]
    _, sums = STRATIFIED.draw(np.random.default_rng(3), sizes)
    unweighted = estimators.mean(sums, Years.equal(sums.size), "yuan")
    assert not unweighted.lower <= STRATIFIED.mean <= unweighted.upper


@pytest.mark.parametrize("level", [0.5, 0.9, 0.99])
def test_lognormal_quantile_and_tail_value_in_closed_form(level: float) -> None:
    sigma = 1.0
    values = np.exp(sigma * np.random.default_rng(11).standard_normal(40_000))
    years = Years.equal(values.size)
    z = special.ndtri(level)
    at_level = estimators.quantile(values, years, level, "yuan")
    tail = estimators.tail_value(values, years, level, "yuan")
    tail_truth = math.exp(sigma**2 / 2) * special.ndtr(sigma - z) / (1 - level)
    assert abs(at_level.value - math.exp(sigma * z)) < 4 * at_level.standard_error
    assert abs(tail.value - tail_truth) < 4 * tail.standard_error


@pytest.mark.parametrize("level", [0.9, 0.99, 0.995])
def test_exponential_quantile_and_tail_value_in_closed_form(level: float) -> None:
    values = np.random.default_rng(12).standard_exponential(40_000)
    years = Years.equal(values.size)
    at_level = estimators.quantile(values, years, level, "yuan")
    tail = estimators.tail_value(values, years, level, "yuan")
    truth = -math.log(1 - level)
    assert abs(at_level.value - truth) < 4 * at_level.standard_error
    assert abs(tail.value - (truth + 1.0)) < 4 * tail.standard_error
    # Asymptotic errors: sqrt(p (1 - p) / n) / density, and that of the tail by its influence function.
    n = values.size
    assert at_level.standard_error == pytest.approx(math.sqrt(level / (1 - level) / n), rel=0.3)
    assert tail.standard_error == pytest.approx(math.sqrt((1 + level) / (1 - level) / n), rel=0.3)


class TestByHand:
    def test_mean_of_four_years(self) -> None:
        result = estimators.mean([1, 2, 3, 6], Years.equal(4), "yuan")
        # s^2 = (4 + 1 + 0 + 9) / 3
        assert result.value == 3.0
        assert result.standard_error == pytest.approx(math.sqrt(14 / 3 / 4))
        assert result.upper - result.value == pytest.approx(1.959964 * result.standard_error)
        assert (result.unit, result.years, result.method, result.note) == ("yuan", 4, "simulated", "")

    def test_stratified_mean(self) -> None:
        years = Years.stratified([7, 7, 2, 2, 2], {7: 0.9, 2: 0.1})
        result = estimators.mean([1, 3, 10, 20, 30], years, "yuan")
        assert result.value == pytest.approx(0.9 * 2 + 0.1 * 20)
        assert result.standard_error == pytest.approx(math.sqrt(0.81 * 2 / 2 + 0.01 * 100 / 3))

    def test_paired_difference_is_not_the_difference_of_independents(self) -> None:
        result = estimators.difference([2.0, 51.0, 7.0], [1.0, 50.0, 3.0], Years.equal(3), "yuan")
        assert result.value == pytest.approx(2.0)
        assert result.standard_error == pytest.approx(math.sqrt(3 / 3))

    def test_ratio(self) -> None:
        result = estimators.ratio([2, 4, 9], [1, 2, 3], Years.equal(3), "yuan per claim")
        # r = 15 / 6; residuals -0.5, -1, 1.5 over the mean 2
        assert result.value == 2.5
        assert result.standard_error == pytest.approx(math.sqrt((0.25 + 1 + 2.25) / 2 / 3) / 2)

    def test_ratio_is_not_defined_near_a_zero_denominator(self) -> None:
        # Mean 1, s^2 = (9 + 3) / 3 = 4, so the error of the mean is 1.
        result = estimators.ratio([5, 5, 5, 5], [4, 0, 0, 0], Years.equal(4), "yuan")
        assert result.value is result.standard_error is result.lower is result.upper is None
        assert result.note == estimators.NOTE_SMALL_DENOMINATOR
        assert estimators.ratio([1, 2], [0, 0], Years.equal(2), "yuan").value is None

    def test_ratio_to_a_fixed_number_has_the_scaled_error_of_the_mean(self) -> None:
        values, years = np.array([1.0, 5.0, 2.0]), Years.equal(3)
        plain = estimators.mean(values, years, "yuan")
        result = estimators.ratio(values, [50.0, 50.0, 50.0], years, "yuan per insured")
        assert result.standard_error == pytest.approx(plain.standard_error / 50.0)

    def test_standard_deviation_is_the_usual_one(self) -> None:
        values = [1.0, 2.0, 3.0, 10.0]
        result = estimators.standard_deviation(values, Years.equal(4), "yuan")
        assert result.value == pytest.approx(np.std(values, ddof=1))
        assert result.lower >= 0.0

    def test_covariance_is_the_usual_one(self) -> None:
        a, b = [1.0, 2.0, 3.0, 10.0], [4.0, 1.0, 0.0, 9.0]
        assert estimators.covariance(a, b, Years.equal(4), "").value == pytest.approx(np.cov(a, b)[0, 1])

    def test_level_times_years_picks_the_exact_order_statistic(self) -> None:
        shuffled = np.random.default_rng(1).permutation(np.arange(1, 10_001))
        years = Years.equal(10_000)
        for level, rank in [(0.99, 9900), (0.995, 9950), (0.9, 9000), (0.07, 700), (0.5, 5000), (0.29, 2900)]:
            assert estimators.quantile(shuffled, years, level, "").value == rank
        assert estimators.quantile(shuffled, years, 0.99001, "").value == 9901
        for n in range(1, 300):
            ranks, of_n = np.arange(1, n + 1), Years.equal(n)
            for k in range(1, n):
                if n % 7 == 0 or k == n - 1:
                    assert estimators.quantile(ranks, of_n, k / n, "").value == k

    def test_weighted_quantile_is_exact_at_a_step(self) -> None:
        # 0.7 + 2 * 0.1 = 0.9 only up to the last bit.
        years = Years(np.array([0, 1, 1, 1]), np.array([0.7, 0.1, 0.1, 0.1]))
        assert estimators.quantile([1, 2, 3, 4], years, 0.9, "").value == 3
        assert estimators.quantile([1, 2, 3, 4], years, 0.7, "").value == 1
        assert estimators.quantile([1, 2, 3, 4], years, 0.71, "").value == 2
        tiny = Years.stratified([0] * 1000 + [1] * 1000, {0: 1 - 1e-6, 1: 1e-6})
        assert estimators.quantile(np.arange(1, 2001), tiny, 1 - 0.5e-6, "").value == 1500

    def test_binomial_interval_of_a_median_from_the_tables(self) -> None:
        # Conover, Practical Nonparametric Statistics: n = 20, 95% for the median: 6th to 15th.
        result = estimators.quantile(np.arange(1, 21), Years.equal(20), 0.5, "")
        assert (result.lower, result.upper) == (6.0, 15.0)
        assert result.standard_error == pytest.approx(9 / (2 * 1.959964))

    def test_too_few_years_for_an_upper_bound(self) -> None:
        result = estimators.quantile(np.arange(1, 101), Years.equal(100), 0.995, "yuan")
        assert result.value == 100.0
        assert result.lower is not None
        assert result.upper is result.standard_error is None
        assert result.note == estimators.NOTE_FEW_YEARS_ABOVE
        tail = estimators.tail_value(np.arange(1, 101), Years.equal(100), 0.995, "yuan")
        assert tail.value == 100.0
        assert tail.standard_error is None
        assert estimators.quantile([3.0, 4.0], Years.equal(2), 0.01, "").note == "; ".join(
            [estimators.NOTE_FEW_YEARS_BELOW]
        )
        strata = Years.stratified([0] * 90 + [1] * 10, {0: 0.9, 1: 0.1})
        assert estimators.quantile(np.arange(100), strata, 0.995, "").upper is None

    def test_tail_value_with_a_fraction_of_a_year(self) -> None:
        # Level 0.7 of four years: a twentieth of the third (0.75 - 0.70), then the fourth.
        result = estimators.tail_value([1, 2, 10, 20], Years.equal(4), 0.7, "")
        assert result.value == pytest.approx((0.05 * 10 + 0.25 * 20) / 0.3)

    def test_tail_value_with_ties_at_a_cap(self) -> None:
        values = [0.0] * 500 + [100.0] * 500
        result = estimators.tail_value(values, Years.equal(1000), 0.9, "")
        assert (result.value, result.standard_error) == (100.0, 0.0)
        # Level 0.4: a tenth of zeros stays in the tail of 0.6.
        mixed = estimators.tail_value(values, Years.equal(1000), 0.4, "")
        assert mixed.value == pytest.approx(0.5 * 100 / 0.6)

    def test_tail_value_with_weights(self) -> None:
        years = Years(np.array([0, 1, 1]), np.array([0.8, 0.1, 0.1]))
        result = estimators.tail_value([1, 5, 9], years, 0.5, "")
        assert result.value == pytest.approx((0.3 * 1 + 0.1 * 5 + 0.1 * 9) / 0.5)

    def test_exceedance_curve(self) -> None:
        curve = estimators.exceedance_curve(np.arange(1, 1001), Years.equal(1000), [2, 10, 100, 200], "yuan")
        assert {period: point.value for period, point in curve.items()} == {
            2: 500,
            10: 900,
            100: 990,
            200: 995,
        }

    def test_share_has_wilsons_interval(self) -> None:
        # Newcombe, Statistics in Medicine 17 (1998), table I: 81 of 263 and 15 of 148.
        for happened, n, lower, upper in [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605)]:
            result = estimators.share(np.arange(n) < happened, Years.equal(n))
            assert result.value == happened / n
            assert result.lower == pytest.approx(lower, abs=5e-5)
            assert result.upper == pytest.approx(upper, abs=5e-5)

    def test_share_of_no_year(self) -> None:
        result = estimators.share(np.zeros(10_000, dtype=bool), Years.equal(10_000))
        assert (result.value, result.lower, result.upper) == (0.0, 0.0, 3 / 10_000)
        assert result.note == "in 0 of 10000 years; the chance of such a year is at most 3/10000"
        assert estimators.share(np.zeros(2, dtype=bool), Years.equal(2)).upper == 1.0
        years = Years.stratified([0] * 50 + [1] * 100, {0: 0.9, 1: 0.1})
        bound = estimators.share(np.zeros(150, dtype=bool), years)
        assert bound.upper == pytest.approx(3 * 0.9 / 50)
        assert bound.note.endswith("at most 0.054")

    def test_share_of_every_year(self) -> None:
        result = estimators.share(np.ones(1000, dtype=bool), Years.equal(1000))
        assert (result.value, result.lower, result.upper) == (1.0, 1 - 3 / 1000, 1.0)

    def test_batches_of_one_year_are_the_plain_mean(self) -> None:
        values, years = [1.0, 2.0, 3.0, 6.0], Years.equal(4)
        assert estimators.from_batches(values, [1] * 4, "yuan") == estimators.mean(values, years, "yuan")

    def test_batches_of_unequal_size(self) -> None:
        # Means 2 (4 years) and 5 (2 years); mean 3; sigma^2 = 4 * 1 + 2 * 4 = 12, over 6 years.
        result = estimators.from_batches([8, 10], [4, 2], "yuan")
        assert result.value == 3.0
        assert result.standard_error == pytest.approx(math.sqrt(2.0))
        assert result.years == 6

    def test_years_needed(self) -> None:
        estimate = Estimate(100.0, 5.0, 90.2, 109.8, "yuan", 1000)
        assert estimators.years_needed(estimate) == 25_000
        assert estimators.years_needed(estimate, 0.05) == 1000
        assert estimators.years_needed(Estimate(0.0, 1.0, None, None, "yuan", 10)) is None
        assert estimators.years_needed(Estimate(1.0, None, None, None, "yuan", 10)) is None
        assert estimators.years_needed(Estimate.known(3.0, "yuan")) is None


def test_a_figure_that_never_changes_has_no_error() -> None:
    values = np.full(101, 0.1)
    for years in (Years.equal(101), Years.stratified([0] * 50 + [1] * 51, {0: 0.3, 1: 0.7})):
        for estimate in (
            estimators.mean(values, years, ""),
            estimators.ratio(3 * values, values, years, ""),
            estimators.standard_deviation(values, years, ""),
            estimators.quantile(values, years, 0.5, ""),
            estimators.tail_value(values, years, 0.9, ""),
            estimators.covariance(values, values, years, ""),
        ):
            assert estimate.standard_error == 0.0
    assert estimators.mean(values, years, "").value == 0.1
    assert estimators.standard_deviation(values, years, "").value == 0.0


def test_a_lone_year_in_a_stratum_has_no_error() -> None:
    years = Years.stratified([0, 0, 0, 1], {0: 0.9, 1: 0.1})
    values = [1.0, 2.0, 3.0, 50.0]
    for estimate in (
        estimators.mean(values, years, ""),
        estimators.standard_deviation(values, years, ""),
        estimators.covariance(values, values, years, ""),
        estimators.ratio(values, [1, 1, 1, 2], years, ""),
        estimators.quantile(values, years, 0.5, ""),
        estimators.tail_value(values, years, 0.5, ""),
        estimators.share(np.array(values) > 2, years),
        estimators.from_batches([3, 3, 50], [2, 1, 1], "", [0.6, 0.3, 0.1], [0, 0, 1]),
    ):
        assert estimate.value is not None
        assert estimate.standard_error is estimate.lower is estimate.upper is None
        assert estimate.note == estimators.NOTE_LONE_YEAR
    assert estimators.mean([4.0], Years.equal(1), "").standard_error is None
    assert estimators.standard_deviation([4.0], Years.equal(1), "").value is None
    assert estimators.covariance([4.0], [4.0], Years.equal(1), "").value is None


def test_refusals() -> None:
    two = Years.equal(2)
    for call in (
        lambda: estimators.mean([1.0], two, ""),
        lambda: estimators.mean([1.0, math.nan], two, ""),
        lambda: estimators.quantile([1.0, 2.0], two, 1.0, ""),
        lambda: estimators.tail_value([1.0, 2.0], two, 0.0, ""),
        lambda: estimators.exceedance_curve([1.0, 2.0], two, [1], ""),
        lambda: estimators.share([1, 0], two),
        lambda: estimators.from_batches([1.0], [0], ""),
        lambda: estimators.from_batches([1.0, 2.0], [1, 1], "", [0.5, 0.4]),
        lambda: estimators.from_batches([1.0, 2.0], [1, 1], "", [0.9, 0.1]),
        lambda: estimators.years_needed(Estimate.known(1.0, ""), 0.0),
        lambda: Years.equal(0),
        lambda: Years(np.array([0, 0]), np.array([0.6, 0.4])),
        lambda: Years(np.array([0, 1]), np.array([0.6, 0.6])),
        lambda: Years(np.array([0, 1]), np.array([1.0, 0.0])),
        lambda: Years(np.array([0]), np.array([0.5, 0.5])),
        lambda: Years.stratified([0, 1], {0: 1.0}),
        lambda: Estimate(math.nan, None, None, None, "", 1),
    ):
        with pytest.raises(ValueError):
            call()


def test_scaled_estimates() -> None:
    estimate = Estimate(200.0, 10.0, 180.0, 220.0, "fen", 50)
    assert estimate.scaled(0.01, "yuan") == Estimate(2.0, 0.1, 1.8, 2.2, "yuan", 50)
    assert estimate.scaled(-1.0, "fen") == Estimate(-200.0, 10.0, -220.0, -180.0, "fen", 50)
    assert str(Estimate(1234.4, 12.1, 1210.0, 1258.0, "yuan", 50)) == "1,234 ± 12 yuan"


def test_the_design_cannot_be_changed_afterwards() -> None:
    weight = np.array([0.5, 0.5])
    years = Years(np.array([0, 0]), weight)
    weight[0] = 9.0
    assert years.weight.tolist() == [0.5, 0.5]
    with pytest.raises(ValueError):
        years.weight[0] = 1.0


def test_import_leaves_scipy_stats_alone() -> None:
    code = "import sys, fangpinbao.estimators; sys.exit('scipy.stats' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@st.composite
def designs(draw: st.DrawFn) -> tuple[np.ndarray, Years]:
    sizes = draw(st.lists(st.integers(2, 12), min_size=1, max_size=3))
    masses = draw(st.lists(st.integers(1, 20), min_size=len(sizes), max_size=len(sizes)))
    strata = np.repeat(np.arange(len(sizes)), sizes)
    values = draw(st.lists(st.integers(0, 30), min_size=strata.size, max_size=strata.size))
    return np.array(values, dtype=float), Years.stratified(
        strata, {s: mass / sum(masses) for s, mass in enumerate(masses)}
    )


levels = st.sampled_from([0.01, 0.1, 0.25, 0.5, 0.6, 0.75, 0.9, 0.95, 0.99, 0.995])


@settings(max_examples=150, deadline=None, derandomize=True)
@given(designs(), levels, levels)
def test_laws_of_tail_figures(design: tuple[np.ndarray, Years], one: float, other: float) -> None:
    values, years = design
    low, high = sorted((one, other))
    quantiles = [estimators.quantile(values, years, level, "").value for level in (low, high)]
    tails = [estimators.tail_value(values, years, level, "").value for level in (low, high)]
    assert quantiles[0] <= quantiles[1]
    assert tails[0] <= tails[1] + 1e-9
    assert tails[0] >= quantiles[0]
    assert tails[1] <= values.max() + 1e-9
    assert tails[0] >= estimators.mean(values, years, "").value - 1e-9
    # The definition: F(q) >= level, and F just below q is less.
    assert years.weight[values <= quantiles[1]].sum() >= high - 1e-9
    assert years.weight[values < quantiles[1]].sum() < high + 1e-9


@settings(max_examples=100, deadline=None, derandomize=True)
@given(designs(), levels, st.integers(-50, 50), st.integers(1, 9))
def test_translation_and_scale(
    design: tuple[np.ndarray, Years], level: float, shift: int, factor: int
) -> None:
    values, years = design
    moved = factor * values + shift
    for estimate, sensitive_to_shift in (
        (estimators.mean, 1),
        (estimators.standard_deviation, 0),
        (lambda x, y, unit: estimators.quantile(x, y, level, unit), 1),
        (lambda x, y, unit: estimators.tail_value(x, y, level, unit), 1),
    ):
        before, after = estimate(values, years, ""), estimate(moved, years, "")
        assert after.value == pytest.approx(factor * before.value + shift * sensitive_to_shift, abs=1e-7)
        assert (after.standard_error is None) == (before.standard_error is None)
        if before.standard_error is not None and before.value > 1e-6:
            assert after.standard_error == pytest.approx(factor * before.standard_error, rel=1e-6, abs=1e-6)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(designs(), st.randoms(use_true_random=False))
def test_order_and_labels_of_years_do_not_matter(design: tuple[np.ndarray, Years], random) -> None:
    values, years = design
    order = np.array(random.sample(range(values.size), values.size))
    shuffled = Years(100 - 3 * years.stratum[order], years.weight[order])
    for estimate in (
        estimators.mean,
        estimators.standard_deviation,
        lambda x, y, unit: estimators.tail_value(x, y, 0.6, unit),
    ):
        before, after = estimate(values, years, ""), estimate(values[order], shuffled, "")
        assert after.value == pytest.approx(before.value, abs=1e-9)
        assert after.standard_error == pytest.approx(before.standard_error, abs=1e-6)


def test_errors_of_years_that_share_a_path() -> None:
    """Years of a path are nearly alike: errors by path cover, those of independent years would be far too small."""
    rng = np.random.default_rng(12)
    paths, each, runs = 300, 3, 300
    stratum = np.repeat([0, 1], [200, 100])
    design = Years(stratum, np.where(stratum == 0, 0.9 / 200, 0.1 / 100)).of_terms(each)
    plain = Years.equal(paths).of_terms(each)
    found: dict[str, list[float]] = {}
    errors: dict[str, list[float]] = {}
    for _ in range(runs):
        common = rng.normal(size=paths) + 2.0 * stratum
        years = (common[:, None] + 0.3 * rng.normal(size=(paths, each))).ravel()
        flat = (rng.normal(size=paths)[:, None] + 0.3 * rng.normal(size=(paths, each))).ravel()
        for name, estimate in {
            "mean": estimators.mean(years, design, "yuan"),
            "sd": estimators.standard_deviation(years, design, "yuan"),
            "share": estimators.share(years > 1.0, design),
            "quantile": estimators.quantile(years, design, 0.8, "yuan"),
            "tail": estimators.tail_value(years, design, 0.8, "yuan"),
            "plain mean": estimators.mean(flat, plain, "yuan"),
            "plain share": estimators.share(flat > 1.0, plain),
            "plain quantile": estimators.quantile(flat, plain, 0.8, "yuan"),
        }.items():
            found.setdefault(name, []).append(estimate.value or 0.0)
            errors.setdefault(name, []).append(estimate.standard_error or 0.0)
        rows = replicate_histograms((years > 1.0).astype(np.int64), 2, design)
        found.setdefault("jackknife", []).append(rows[0, 1])
        errors.setdefault("jackknife", []).append(jackknife_error(rows[:, 1]) or 0.0)
    for name, values in found.items():
        assert np.mean(errors[name]) == pytest.approx(np.std(values), rel=0.17), name
    with pytest.raises(ValueError, match="all of one stratum"):
        Years(np.array([0, 1]), np.array([0.5, 0.5]), 2)
