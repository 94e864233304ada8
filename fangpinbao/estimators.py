"""Estimates over simulated years, each with its standard error and 95% interval.

The independent unit is the simulated year (or path), never the household. Every function takes the sampling
design (`Years`): strata of known probability, and the weight of each year. Kernels know nothing of it.

Conventions
-----------
- ``standard_error`` is that of the estimate; intervals are ``value ± 1.959964 * standard_error`` unless a
  function says otherwise.
- What is not defined is None with a note that says why; nothing is ever NaN.
- A figure that is the same in every simulated year has the error 0.

References
----------
Cochran, Sampling Techniques, 3rd ed. 1977, equations 5.6 and 6.13 (stratified mean; linearised ratio).
Hampel, The influence curve, JASA 69, 1974. Woodruff, Confidence intervals for medians, JASA 47, 1952.
Rockafellar and Uryasev, Conditional value-at-risk, J. Banking & Finance 26, 2002, theorem 10 (with jumps).
Wilson, Probable inference, JASA 22, 1927. Hanley and Lippman-Hand, If nothing goes wrong, JAMA 249, 1983.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from fangpinbao._typing import Float64Array
from fangpinbao.estimate import Estimate, Method, Years

__all__ = [
    "NOTE_FEW_YEARS_ABOVE",
    "NOTE_FEW_YEARS_BELOW",
    "NOTE_LONE_YEAR",
    "NOTE_NO_GAIN",
    "NOTE_SMALL_DENOMINATOR",
    "Z_95",
    "Estimate",
    "Method",
    "Years",
    "cost_for",
    "covariance",
    "difference",
    "exceedance_curve",
    "from_batches",
    "mean",
    "quantile",
    "quantiles",
    "ratio",
    "share",
    "standard_deviation",
    "tail_value",
    "tail_values",
    "years_needed",
]

Z_95 = 1.959964
_TAIL = 0.025
# Rounding noise of floating-point sums, relative to the numbers summed; it is not simulation error.
_NOISE = 1e-15

NOTE_LONE_YEAR = "a stratum with a single year has no error; simulate more years"
NOTE_NO_GAIN = "not defined: more fall below the line than are kept from it"
NOTE_SMALL_DENOMINATOR = "not defined: the denominator's mean is within two standard errors of zero"
NOTE_FEW_YEARS_ABOVE = "too few years above this level for an upper bound; simulate more years"
NOTE_FEW_YEARS_BELOW = "too few years below this level for a lower bound; simulate more years"


def mean(values: ArrayLike, years: Years, unit: str) -> Estimate:
    """Stratified mean; variance ``sum_s W_s^2 s_s^2 / n_s`` with ``n_s - 1`` in each ``s_s^2``."""
    column = _column(values, years)
    return _symmetric(_mean(column, years), _error_of_mean(column, years), unit, years.n)


def difference(values_a: ArrayLike, values_b: ArrayLike, years: Years, unit: str) -> Estimate:
    """Mean of a - b, paired year by year."""
    return mean(_column(values_a, years) - _column(values_b, years), years, unit)


def ratio(numerator: ArrayLike, denominator: ArrayLike, years: Years, unit: str) -> Estimate:
    """Ratio of two expectations with its linearised error.

    Not defined (None, with a note) where the denominator's mean is within two standard errors of zero.
    """
    above, below = _column(numerator, years), _column(denominator, years)
    mean_below, error_below = _mean(below, years), _error_of_mean(below, years)
    if abs(mean_below) <= 2.0 * (error_below or 0.0):
        return Estimate(None, None, None, None, unit, years.n, note=NOTE_SMALL_DENOMINATOR)
    value = _mean(above, years) / mean_below
    error = _error_of_mean((above - value * below) / mean_below, years)
    if error is not None and error <= _NOISE * abs(value):
        error = 0.0
    return _symmetric(value, error, unit, years.n)


def cost_for(cost: ArrayLike, gained: ArrayLike, years: Years, unit: str) -> Estimate:
    """Ratio of expected cost and expected gain; not defined, with a note, where more is lost than gained."""
    each = ratio(cost, gained, years, unit)
    if each.value is not None and _mean(_column(gained, years), years) < 0.0:
        return Estimate(None, None, None, None, unit, years.n, note=NOTE_NO_GAIN)
    return each


def standard_deviation(values: ArrayLike, years: Years, unit: str) -> Estimate:
    """Spread of the years around their mean, with the error by its influence function.

    The root of the unbiased variance; in a plain run, the usual sample standard deviation.
    """
    column = _column(values, years)
    if years.n == 1:
        return Estimate(None, None, None, None, unit, 1, note=NOTE_LONE_YEAR)
    squares = (column - _mean(column, years)) ** 2
    # The square of the estimated mean exceeds that of the true one by the variance of the estimate.
    variance = _mean(squares, years) + (_error_of_mean(column, years) or 0.0) ** 2
    value = math.sqrt(variance)
    error = _error_of_mean(squares / (2.0 * value), years) if value > 0.0 else 0.0
    estimate = _symmetric(value, error, unit, years.n)
    return estimate if estimate.lower is None else replace(estimate, lower=max(0.0, estimate.lower))


def covariance(a: ArrayLike, b: ArrayLike, years: Years, unit: str) -> Estimate:
    """Covariance of two yearly figures (unbiased), with the error by its influence function."""
    column_a, column_b = _column(a, years), _column(b, years)
    if years.n == 1:
        return Estimate(None, None, None, None, unit, 1, note=NOTE_LONE_YEAR)
    products = (column_a - _mean(column_a, years)) * (column_b - _mean(column_b, years))
    value = _mean(products, years) + _covariance_of_means(column_a, column_b, years)
    return _symmetric(value, _error_of_mean(products, years), unit, years.n)


def quantile(values: ArrayLike, years: Years, level: float, unit: str) -> Estimate:
    """Smallest simulated value x with F(x) >= level, with an interval between order statistics.

    In a plain run the interval is the distribution-free binomial one (at least 95%, whatever the law); with
    strata it is Woodruff's: level ± 1.959964 errors of F at the quantile, read back through the quantile
    function. ``standard_error`` is the interval's width over 2 * 1.959964. A bound beyond the simulated years
    is None, and so then is the error.
    """
    (estimate,) = quantiles(values, years, (level,), unit)
    return estimate


def quantiles(values: ArrayLike, years: Years, levels: Iterable[float], unit: str) -> list[Estimate]:
    """Return :func:`quantile` at each level, in the given order; the years are sorted once."""
    column = _column(values, years)
    order = np.argsort(column, kind="stable")
    ordered, cumulative = column[order], _cumulative_weights(order, years)
    return [_quantile(ordered, cumulative, column, years, level, unit) for level in levels]


def tail_value(values: ArrayLike, years: Years, level: float, unit: str) -> Estimate:
    """TVaR: the mean of the quantiles above `level`, also right with ties and fractions of a year.

    ``TVaR = (E[X; X > q] + q (F(q) - level)) / (1 - level) = q + E[(X - q)+] / (1 - level)``, the error by
    the influence function ``(X - q)+ / (1 - level)``. Where so few years lie above that the quantile has no
    upper bound, the tail has no error either. With some fifteen years in a skewed tail the interval covers
    about 92%; with a hundred, 94% to 95%.
    """
    (estimate,) = tail_values(values, years, (level,), unit)
    return estimate


def tail_values(values: ArrayLike, years: Years, levels: Iterable[float], unit: str) -> list[Estimate]:
    """Return :func:`tail_value` at each level, in the given order; the years are sorted once."""
    column, asked = _column(values, years), tuple(levels)
    found = zip(asked, quantiles(column, years, asked, unit), strict=True)
    return [_tail_value(column, years, level, at_level, unit) for level, at_level in found]


def exceedance_curve(
    values: ArrayLike, years: Years, return_periods: Iterable[float], unit: str
) -> dict[float, Estimate]:
    """Quantile at level 1 - 1/T for each return period T in years (> 1), keyed by T in the given order."""
    periods = [float(period) for period in return_periods]
    if any(not period > 1.0 for period in periods):
        raise ValueError(f"return periods {periods} must all exceed one year.")
    found = quantiles(values, years, [1.0 - 1.0 / period for period in periods], unit)
    return dict(zip(periods, found, strict=True))


def share(events: ArrayLike, years: Years) -> Estimate:
    """Share of years with an event (unit ``share``).

    Plain run: error ``sqrt(p (1 - p) / n)``, Wilson's interval. Strata: the stratified mean, cut to [0, 1].
    Where no year has the event (or every year) the rule of three bounds it: 3/n, with strata three times the
    largest weight; ``standard_error`` is then the interval's width over 2 * 1.959964, and the note tells.
    """
    flags = np.asarray(events)
    if flags.dtype != np.bool_:
        raise ValueError(f"events are {flags.dtype}; they must be booleans.")
    column = _column(flags, years)
    n, happened = years.n, int(flags.sum())
    if happened in (0, n):
        largest_weight = float(np.max(years.probabilities / years.counts))
        reach = min(1.0, 3.0 / n if years.is_plain else 3.0 * largest_weight)
        bound = f"3/{n}" if years.is_plain else f"{reach:.2g}"
        if happened == 0:
            note = f"in 0 of {n} years; the chance of such a year is at most {bound}"
            return Estimate(0.0, reach / (2.0 * Z_95), 0.0, reach, "share", n, note=note)
        note = f"in all of {n} years; the chance of another year is at most {bound}"
        return Estimate(1.0, reach / (2.0 * Z_95), 1.0 - reach, 1.0, "share", n, note=note)
    if years.is_plain:
        p = happened / n
        centre = (p + Z_95**2 / (2 * n)) / (1.0 + Z_95**2 / n)
        reach = Z_95 / (1.0 + Z_95**2 / n) * math.sqrt(p * (1.0 - p) / n + Z_95**2 / (4.0 * n * n))
        lower, upper = max(0.0, centre - reach), min(1.0, centre + reach)
        return Estimate(p, math.sqrt(p * (1.0 - p) / n), lower, upper, "share", n)
    plain = mean(column, years, "share")
    if plain.lower is None or plain.upper is None:
        return plain
    return replace(plain, lower=max(0.0, plain.lower), upper=min(1.0, plain.upper))


def years_needed(estimate: Estimate, relative_error: float = 0.01) -> int | None:
    """Years that would bring the standard error to this share of the value; None where there is no such."""
    if not relative_error > 0.0:
        raise ValueError(f"relative_error = {relative_error} must be positive.")
    if not estimate.value or estimate.standard_error is None or estimate.years == 0:
        return None
    times = (estimate.standard_error / abs(estimate.value) / relative_error) ** 2
    return max(1, math.ceil(estimate.years * times * (1.0 - 1e-12)))


def from_batches(
    batch_sums: ArrayLike,
    batch_years: ArrayLike,
    unit: str,
    weights: ArrayLike | None = None,
    stratum: ArrayLike | None = None,
) -> Estimate:
    """Mean per year from fixed batches of years, the error from the spread of the batch means.

    Parameters
    ----------
    batch_sums : array, shape (B,)
        Unweighted sum over the years of each batch.
    batch_years : int array, shape (B,)
        Number of years in each batch, at least one; batches may differ in size.
    unit : str
        Unit of the mean per year.
    weights : float array, shape (B,), optional
        Probability that each batch stands for (the sum of the weights of its years), summing to 1; by default
        in proportion to `batch_years`.
    stratum : int array, shape (B,), optional
        A batch lies within one stratum; weights per year are constant there. The default is one stratum.
    """
    sums, sizes = np.asarray(batch_sums, dtype=np.float64), np.asarray(batch_years, dtype=np.float64)
    if (
        sums.ndim != 1
        or sums.shape != sizes.shape
        or not np.all(sizes >= 1.0)
        or not np.all(np.isfinite(sums))
    ):
        raise ValueError("every batch must have a finite sum and at least one year.")
    strata = np.zeros(sums.size, dtype=np.int64) if stratum is None else np.asarray(stratum)
    masses = sizes / sizes.sum() if weights is None else np.asarray(weights, dtype=np.float64)
    if masses.shape != sums.shape or strata.shape != sums.shape or abs(masses.sum() - 1.0) > 1e-9:
        raise ValueError("every batch must have a stratum and a weight, and the weights must sum to 1.")
    value, variance, every_stratum_has_two = 0.0, 0.0, True
    for label in np.unique(strata):
        inside = strata == label
        per_year = masses[inside] / sizes[inside]
        if np.abs(per_year - per_year[0]).max() > 1e-9 * per_year[0]:
            raise ValueError(f"batches of stratum {label} differ in weight per year.")
        n, probability = sizes[inside].sum(), masses[inside].sum()
        centre = sums[inside].sum() / n
        value += probability * centre
        if inside.sum() < 2:
            every_stratum_has_two = False
            continue
        # A batch mean has the variance sigma^2 / size, so size * deviation^2 estimates sigma^2.
        spread = np.sum(sizes[inside] * (sums[inside] / sizes[inside] - centre) ** 2) / (inside.sum() - 1)
        variance += probability**2 * spread / n
    error = math.sqrt(variance) if every_stratum_has_two else None
    return _symmetric(float(value), error, unit, int(sizes.sum()))


def spread_between(values: ArrayLike, design: Years | None = None) -> float:
    """Return the standard deviation between runs of figures [run, year] of the same years, without simulation error.

    The variance of the runs' means less the simulation variance in it: the mean variance within a run over the
    number of years, but without what runs share because they live through the same years, which moves all means
    alike. Both at once is the residual of a two-way analysis of variance, in each stratum of years. A single year
    shows no such error, and nothing is taken off.
    """
    figures = np.asarray(values, dtype=np.float64)
    design = Years.equal(figures.shape[1]) if design is None else design
    runs, simulation = len(figures), 0.0
    means = figures @ design.weight
    own = figures - figures.mean(axis=0, keepdims=True)
    for stratum, (years, probability) in enumerate(zip(design.counts, design.probabilities, strict=True)):
        if years > 1:
            inside = own[:, design.stratum_of == stratum]
            residual = inside - inside.mean(axis=1, keepdims=True)
            spread = float(np.sum(residual**2)) / ((runs - 1) * (years - 1))
            simulation += probability**2 * spread / years
    return math.sqrt(max(float(np.var(means, ddof=1)) - simulation, 0.0))


def _column(values: ArrayLike, years: Years) -> Float64Array:
    column: Float64Array = np.asarray(values, dtype=np.float64)
    if column.shape != (years.n,):
        raise ValueError(f"values have the shape {column.shape}; there are {years.n} years.")
    if not np.all(np.isfinite(column)):
        raise ValueError("values of years must be finite numbers.")
    return column


def _symmetric(value: float, error: float | None, unit: str, n: int) -> Estimate:
    if error is None:
        return Estimate(value, None, None, None, unit, n, note=NOTE_LONE_YEAR)
    return Estimate(value, error, value - Z_95 * error, value + Z_95 * error, unit, n)


def _means_by_stratum(column: Float64Array, years: Years) -> Float64Array:
    if years.is_plain:
        return np.array([column[0] if np.all(column == column[0]) else column.mean()])
    means = np.bincount(years.stratum_of, weights=column) / years.counts
    # bincount adds one by one: a second pass over the deviations removes the rounding that gathers.
    return means + np.bincount(years.stratum_of, weights=column - means[years.stratum_of]) / years.counts


def _mean(column: Float64Array, years: Years) -> float:
    means = _means_by_stratum(column, years)
    # Around the first one, so that a constant stays itself to the last bit.
    return float(means[0] + np.sum(years.probabilities * (means - means[0])))


def _covariance_of_means(a: Float64Array, b: Float64Array, years: Years) -> float:
    """Estimated covariance of two stratified means; a stratum with one path adds nothing."""
    centred_a = a - _means_by_stratum(a, years)[years.stratum_of]
    centred_b = b - _means_by_stratum(b, years)[years.stratum_of]
    each, stratum_of, counts = years.years_a_path, years.stratum_of, years.counts
    if each > 1:
        centred_a, centred_b = (column.reshape(-1, each).mean(axis=1) for column in (centred_a, centred_b))
        stratum_of, counts = stratum_of[::each], counts // each
    inside = np.bincount(stratum_of, weights=centred_a * centred_b) / np.maximum(counts - 1, 1)
    return float(np.sum(years.probabilities**2 * inside / counts))


def _error_of_mean(column: Float64Array, years: Years) -> float | None:
    """Standard error of the stratified mean; None where a stratum has one path."""
    if int(years.counts.min()) < 2 * years.years_a_path:
        return None
    error = math.sqrt(_covariance_of_means(column, column, years))
    return error if error > _NOISE * float(np.max(np.abs(column))) else 0.0


def _quantile(
    ordered: Float64Array,
    cumulative: Float64Array,
    column: Float64Array,
    years: Years,
    level: float,
    unit: str,
) -> Estimate:
    if not 0.0 < level < 1.0:
        raise ValueError(f"level = {level} must lie strictly between 0 and 1.")
    value = float(ordered[_position(cumulative, level, years)])
    if years.is_plain:
        low, high = _binomial_positions(years.n, level)
    else:
        below = [
            _error_of_mean(flags.astype(np.float64), years) for flags in (column <= value, column < value)
        ]
        if any(error is None for error in below):
            return Estimate(value, None, None, None, unit, years.n, note=NOTE_LONE_YEAR)
        # With mass at the quantile the two errors differ: take the larger.
        reach = Z_95 * max(error or 0.0 for error in below)
        low = _position(cumulative, level - reach, years) if level - reach > 0.0 else None
        high = _position(cumulative, level + reach, years) if level + reach < 1.0 else None
    lower = None if low is None else float(ordered[low])
    upper = None if high is None else float(ordered[high])
    error = None if lower is None or upper is None else (upper - lower) / (2.0 * Z_95)
    notes = [NOTE_FEW_YEARS_BELOW] * (lower is None) + [NOTE_FEW_YEARS_ABOVE] * (upper is None)
    return Estimate(value, error, lower, upper, unit, years.n, note="; ".join(notes))


def _tail_value(column: Float64Array, years: Years, level: float, at_level: Estimate, unit: str) -> Estimate:
    assert at_level.value is not None
    excess = np.maximum(column - at_level.value, 0.0) / (1.0 - level)
    value = at_level.value + _mean(excess, years)
    if at_level.upper is None:
        return Estimate(value, None, None, None, unit, years.n, note=at_level.note)
    return _symmetric(value, _error_of_mean(excess, years), unit, years.n)


def _cumulative_weights(order: NDArray[np.intp], years: Years) -> Float64Array:
    if years.is_plain:
        return np.arange(1, years.n + 1, dtype=np.float64) / years.n
    weights = (years.probabilities / years.counts)[years.stratum_of][order]
    return np.asarray(np.cumsum(weights, dtype=np.longdouble), dtype=np.float64)


def _position(cumulative: Float64Array, level: float, years: Years) -> int:
    """Position of the smallest sorted value with F >= level; F is right to far below the smallest weight."""
    tolerance = 1e-3 * float(np.min(years.probabilities / years.counts))
    return min(int(np.searchsorted(cumulative, level - tolerance, side="left")), years.n - 1)


def _binomial_positions(n: int, level: float) -> tuple[int | None, int | None]:
    """Positions of the order statistics that enclose the quantile with a chance of at least 95%."""

    def chance_of_at_most(k: int) -> float:
        return float(special.bdtr(k, n, level))

    low = bisect_right(range(n), _TAIL, key=chance_of_at_most) - 1
    high = bisect_left(range(n), 1.0 - _TAIL, key=chance_of_at_most)
    return (low if low >= 0 else None), (high if high < n else None)
