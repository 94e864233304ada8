"""Amount laws made of values: listed with probabilities, a single one, or observed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from fangpinbao._typing import Float64Array
from fangpinbao.core.law import AmountLaw, as_tuple, check_shares, set_fields


@dataclass(frozen=True)
class Discrete(AmountLaw):
    """A step law: `values` with `probabilities` (at least 0, together 1).

    Atoms are sorted, equal values merged and impossible ones dropped. With U_j = P(X >= x_j), the
    quantile at v is the largest x_j whose U_j exceeds v, so an atom is drawn with exactly its
    probability when v is uniform.
    """

    values: Sequence[float]
    probabilities: Sequence[float]
    _atoms: tuple[Float64Array, Float64Array] = field(init=False, repr=False, compare=False)
    _uppers: Float64Array = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        values = as_tuple(self, "values", self.values)
        probabilities = as_tuple(self, "probabilities", self.probabilities)
        check_shares(self, "probabilities", probabilities, len(values), "values")
        distinct, position_of = np.unique(np.asarray(values), return_inverse=True)
        weights = np.bincount(position_of, weights=np.asarray(probabilities), minlength=distinct.size)
        is_possible = weights > 0.0
        weights = weights[is_possible] / weights.sum()
        uppers = np.cumsum(weights[::-1])[::-1].copy()
        uppers[0] = 1.0
        set_fields(self, values=values, probabilities=probabilities, _uppers=np.minimum(uppers, 1.0))
        set_fields(self, _atoms=(distinct[is_possible], weights))

    @property
    def is_step(self) -> bool:
        """True: the law consists of atoms."""
        return True

    def atoms(self) -> tuple[Float64Array, Float64Array]:
        """Return (values, probabilities), values strictly increasing."""
        return self._atoms

    def variance(self) -> float:
        """Return the sum of probability * (value - mean)**2."""
        values, weights = self._atoms
        return float(np.dot((values - self.mean()) ** 2, weights))

    def _moment(self, order: int) -> float:
        values, weights = self._atoms
        return float(np.dot(values**order, weights))

    def _limited_moments(self, limits: Float64Array, order: int) -> Float64Array:
        values, weights = self._atoms
        sums = np.concatenate(([0.0], np.cumsum(values**order * weights)))
        below = sums[np.searchsorted(values, limits, side="right")]
        return below + limits**order * self._survival(limits)

    def _survival(self, amounts: Float64Array) -> Float64Array:
        uppers = np.concatenate((self._uppers, [0.0]))
        return uppers[np.searchsorted(self._atoms[0], amounts, side="right")]

    def _cdf(self, amounts: Float64Array) -> Float64Array:
        return 1.0 - self._survival(amounts)

    def _quantile(self, u: Float64Array) -> Float64Array:
        return self._quantile_from_survival(1.0 - u)

    def _quantile_from_survival(self, v: Float64Array) -> Float64Array:
        values = self._atoms[0]
        exceeding = np.searchsorted(-self._uppers, -v, side="left")
        return values[np.maximum(exceeding - 1, 0)]


@dataclass(frozen=True)
class Constant(AmountLaw):
    """A step law with one atom: every amount is `value`."""

    value: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.value) and self.value >= 0.0):
            self._refuse("value", self.value, "be a finite number of at least 0")

    @property
    def is_step(self) -> bool:
        """True: the law is one atom."""
        return True

    def atoms(self) -> tuple[Float64Array, Float64Array]:
        """Return ([value], [1])."""
        return np.array([self.value], dtype=np.float64), np.ones(1)

    def variance(self) -> float:
        """Return 0."""
        return 0.0

    def _moment(self, order: int) -> float:
        return float(self.value**order)

    def _limited_moments(self, limits: Float64Array, order: int) -> Float64Array:
        return np.minimum(limits, self.value) ** order

    def _survival(self, amounts: Float64Array) -> Float64Array:
        return np.where(amounts < self.value, 1.0, 0.0)

    def _cdf(self, amounts: Float64Array) -> Float64Array:
        return np.where(amounts < self.value, 0.0, 1.0)

    def _quantile(self, u: Float64Array) -> Float64Array:
        return np.full_like(u, self.value)

    def _quantile_from_survival(self, v: Float64Array) -> Float64Array:
        return np.full_like(v, self.value)


@dataclass(frozen=True)
class Empirical(AmountLaw):
    """A continuous law through observed `values`, with optional `weights` (equal by default).

    The values are sorted and stand at the middle of their own share of probability (Hazen's plotting
    position): u_i = w_1 + ... + w_(i-1) + w_i / 2 with weights rescaled to sum to 1. The quantile is
    linear in u between (u_i, x_i) and (u_(i+1), x_(i+1)), and constant beyond the first and the last,
    so the extremes carry small atoms of w_1 / 2 and w_n / 2 and nothing lies outside the data. With
    equal weights the mean is the sample mean exactly; with unequal ones it is the trapezoid sum.

    References
    ----------
    Hyndman & Fan (1996), "Sample quantiles in statistical packages", *The American Statistician*
    50(4), definition 5.
    """

    values: Sequence[float]
    weights: Sequence[float] | None = None
    _knots: Float64Array = field(init=False, repr=False, compare=False)
    _lower: Float64Array = field(init=False, repr=False, compare=False)
    _upper: Float64Array = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        values = as_tuple(self, "values", self.values)
        weights = None if self.weights is None else as_tuple(self, "weights", self.weights)
        if weights is not None and len(weights) != len(values):
            self._refuse("weights", len(weights), f"have as many entries as values ({len(values)})")
        shares = np.ones(len(values)) if weights is None else np.asarray(weights)
        if not shares.sum() > 0.0:
            self._refuse("weights", weights, "contain a number greater than 0")
        order = np.argsort(np.asarray(values), kind="stable")
        order = order[shares[order] > 0.0]
        shares = shares[order] / shares[order].sum()
        lower = np.cumsum(shares) - 0.5 * shares
        upper = np.cumsum(shares[::-1])[::-1] - 0.5 * shares
        set_fields(self, values=values, weights=weights, _knots=np.asarray(values)[order])
        set_fields(self, _lower=np.minimum(lower, 1.0), _upper=np.minimum(upper, 1.0))

    def _widths(self) -> Float64Array:
        """Probability of the flat start, of each sloping segment, and of the flat end."""
        return np.concatenate((self._lower[:1], np.diff(self._lower), self._upper[-1:]))

    def _segment_means(self, order: int) -> Float64Array:
        """E[X**order] over the flat start, each sloping segment, and the flat end."""
        a = np.concatenate((self._knots[:1], self._knots))
        b = np.concatenate((self._knots, self._knots[-1:]))
        return 0.5 * (a + b) if order == 1 else (a * a + a * b + b * b) / 3.0

    def _moment(self, order: int) -> float:
        return float(np.dot(self._segment_means(order), self._widths()))

    def _limited_moments(self, limits: Float64Array, order: int) -> Float64Array:
        sums = np.concatenate(([0.0], np.cumsum(self._segment_means(order) * self._widths())))
        position_of, fractions = self._locate(limits)
        before = np.maximum(position_of - 1, 0)
        a, d = self._knots[before], limits
        partial = 0.5 * (a + d) if order == 1 else (a * a + a * d + d * d) / 3.0
        partial = partial * fractions * self._widths()[position_of]
        result = sums[position_of] + partial + limits**order * self._survival(limits)
        result = np.where(position_of == 0, limits**order, result)
        return np.where(position_of == self._knots.size, self._moment(order), result)

    def _locate(
        self, amounts: Float64Array
    ) -> tuple[np.ndarray[tuple[int], np.dtype[np.intp]], Float64Array]:
        """Number of knots at or below each amount, and the fraction of the way to the next knot."""
        position_of = np.searchsorted(self._knots, amounts, side="right")
        is_inside = (position_of > 0) & (position_of < self._knots.size)
        below = self._knots[np.maximum(position_of - 1, 0)]
        above = self._knots[np.minimum(position_of, self._knots.size - 1)]
        gaps = np.where(is_inside, above - below, 1.0)
        return position_of, np.where(is_inside, (amounts - below) / gaps, 0.0)

    def _survival(self, amounts: Float64Array) -> Float64Array:
        uppers = np.concatenate(([1.0], self._upper, [0.0]))
        position_of, fractions = self._locate(amounts)
        start, end = uppers[position_of], uppers[position_of + 1]
        inside = start + (end - start) * fractions
        return np.where(position_of == self._knots.size, 0.0, inside)

    def _cdf(self, amounts: Float64Array) -> Float64Array:
        lowers = np.concatenate(([0.0], self._lower, [1.0]))
        position_of, fractions = self._locate(amounts)
        start, end = lowers[position_of], lowers[position_of + 1]
        return np.where(position_of == self._knots.size, 1.0, start + (end - start) * fractions)

    def _quantile(self, u: Float64Array) -> Float64Array:
        return np.interp(u, self._lower, self._knots)

    def _quantile_from_survival(self, v: Float64Array) -> Float64Array:
        return np.interp(v, self._upper[::-1], self._knots[::-1])
