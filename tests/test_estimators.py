"""Estimates against closed forms, their errors by replication, and their laws."""

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
