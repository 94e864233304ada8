"""Estimates of a few years, by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from fangpinbao import estimators
from fangpinbao.estimators import Estimate, Years


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
