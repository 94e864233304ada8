"""Amount laws made of other laws: rescaled, mixed, or spliced at a threshold.

"Loss Models" is Klugman, Panjer & Willmot (see :mod:`fangpinbao.core.distributions`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from fangpinbao._typing import BoolArray, Float64Array
from fangpinbao.core.law import AmountLaw, as_tuple, check_shares, set_fields
from fangpinbao.core.value_laws import Discrete


@dataclass(frozen=True)
class Scaled(AmountLaw):
    """The law of factor * X, for inflation or a change of unit. Loss Models, chapter 5."""

    law: AmountLaw
    factor: float

    def __post_init__(self) -> None:
        self._require_positive("factor")

    @property
    def is_step(self) -> bool:
        """True where the scaled law is a step law."""
        return self.law.is_step

    def atoms(self) -> tuple[Float64Array, Float64Array]:
        """Return the scaled atoms of a step law."""
        values, probabilities = self.law.atoms()
        return values * self.factor, probabilities

    def variance(self) -> float:
        """Return factor**2 times the variance of the law."""
        return self.factor**2 * self.law.variance()

    def _moment(self, order: int) -> float:
        return self.factor**order * self.law._moment(order)

    def _limited_moments(self, limits: Float64Array, order: int) -> Float64Array:
        return self.factor**order * self.law._limited_moments(limits / self.factor, order)

    def _survival(self, amounts: Float64Array) -> Float64Array:
        return self.law._survival(amounts / self.factor)

    def _cdf(self, amounts: Float64Array) -> Float64Array:
        return self.law._cdf(amounts / self.factor)

    def _quantile(self, u: Float64Array) -> Float64Array:
        return self.factor * self.law._quantile(u)

    def _quantile_from_survival(self, v: Float64Array) -> Float64Array:
        return self.factor * self.law._quantile_from_survival(v)


@dataclass(frozen=True)
class Mixture(AmountLaw):
    """The law that is `laws[i]` with probability `weights[i]` (each above 0, together 1).

    S(x) is the weighted sum of the parts' S(x), and so is every limited moment (Loss Models,
    chapter 4). The quantile has no closed form: it lies between the smallest and the largest quantile of
    the parts and is found there by bisection over the bits of the float64 numbers, which ends at
    the exact neighbour pair whatever the parts look like (atoms and gaps included).
    """

    weights: Sequence[float]
    laws: Sequence[AmountLaw]

    def __post_init__(self) -> None:
        weights = as_tuple(self, "weights", self.weights)
        laws = tuple(self.laws)
        check_shares(self, "weights", weights, len(laws), "laws")
        if min(weights) <= 0.0:
            self._refuse("weights", weights, "all be greater than 0 (leave out a law that never occurs)")
        total = math.fsum(weights)
        set_fields(self, weights=tuple(weight / total for weight in weights), laws=laws)

    @property
    def is_step(self) -> bool:
        """True where every part is a step law."""
        return all(law.is_step for law in self.laws)

    def atoms(self) -> tuple[Float64Array, Float64Array]:
        """Return the pooled atoms where every part is a step law."""
        parts = [law.atoms() for law in self.laws]
        values = np.concatenate([values for values, _ in parts])
        weights = np.concatenate([w * p for w, (_, p) in zip(self.weights, parts, strict=True)])
        return Discrete(values.tolist(), weights.tolist()).atoms()

    def _blend(self, part: Callable[[AmountLaw], Float64Array]) -> Float64Array:
        parts = np.array([part(law) for law in self.laws])
        return np.asarray(np.array(self.weights) @ parts, dtype=np.float64)

    def _moment(self, order: int) -> float:
        return math.fsum(w * law._moment(order) for w, law in zip(self.weights, self.laws, strict=True))

    def _limited_moments(self, limits: Float64Array, order: int) -> Float64Array:
        return self._blend(lambda law: law._limited_moments(limits, order))

    def _survival(self, amounts: Float64Array) -> Float64Array:
        return np.minimum(self._blend(lambda law: law._survival(amounts)), 1.0)

    def _cdf(self, amounts: Float64Array) -> Float64Array:
        return np.minimum(self._blend(lambda law: law._cdf(amounts)), 1.0)

    # Each half is solved on the side where its probability is small and therefore precise.
    def _quantile(self, u: Float64Array) -> Float64Array:
        is_lower = u < 0.5
        result = np.empty_like(u)
        result[is_lower] = self._solve_lower(u[is_lower])
        result[~is_lower] = self._solve_upper(1.0 - u[~is_lower])
        return result

    def _quantile_from_survival(self, v: Float64Array) -> Float64Array:
        is_upper = v <= 0.5
        result = np.empty_like(v)
        result[is_upper] = self._solve_upper(v[is_upper])
        result[~is_upper] = self._solve_lower(1.0 - v[~is_upper])
        return result

    def _solve_upper(self, v: Float64Array) -> Float64Array:
        bounds = np.array([law._quantile_from_survival(v) for law in self.laws])
        low, high = bounds.min(axis=0), bounds.max(axis=0)
        result = _smallest_amount_where(lambda x, chosen: self._survival(x) <= v[chosen], low, high)
        return np.where(v == 0.0, high, result)  # S underflows to 0 before an infinite end is reached

    def _solve_lower(self, u: Float64Array) -> Float64Array:
        bounds = np.array([law._quantile(u) for law in self.laws])
        low, high = bounds.min(axis=0), bounds.max(axis=0)
        return _smallest_amount_where(lambda x, chosen: self._cdf(x) >= u[chosen], low, high)


def _smallest_amount_where(
    holds: Callable[[Float64Array, BoolArray], BoolArray], low: Float64Array, high: Float64Array
) -> Float64Array:
    """Smallest float64 in [low, high] at which a condition that stays true once true holds.

    Nonnegative float64 numbers are ordered like their bit patterns read as integers, so bisecting the
    integers is bisecting in log space, and ends after at most 63 steps with two neighbours. `holds`
    gets candidate amounts and the mask of the entries they belong to.
    """
    low_bits = (low + 0.0).view(np.int64)  # + 0.0 turns a negative zero into zero
    high_bits = (high + 0.0).view(np.int64)
    everything = np.ones(low.shape, dtype=np.bool_)
    high_bits = np.where(holds(low_bits.view(np.float64), everything), low_bits, high_bits)
    while (is_open := high_bits - low_bits > 1).any():
        middle = low_bits[is_open] + (high_bits[is_open] - low_bits[is_open]) // 2
        is_true = holds(middle.view(np.float64), is_open)
        high_bits[is_open] = np.where(is_true, middle, high_bits[is_open])
        low_bits[is_open] = np.where(is_true, low_bits[is_open], middle)
    return high_bits.view(np.float64)


@dataclass(frozen=True)
class Spliced(AmountLaw):
    """A `body` up to a threshold and a `tail` beyond it (Loss Models, chapter 5).

    With probability 1 - tail_weight the amount follows the body given X <= threshold, with probability
    `tail_weight` the tail given X > threshold. The density may jump at the threshold.
    """

    body: AmountLaw
    tail: AmountLaw
    threshold: float
    tail_weight: float
    _body_above: float = field(init=False, repr=False, compare=False)
    _body_below: float = field(init=False, repr=False, compare=False)
    _tail_above: float = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self._require_positive("threshold")
        if not 0.0 < self.tail_weight < 1.0:
            self._refuse("tail_weight", self.tail_weight, "lie strictly between 0 and 1")
        set_fields(self, _body_above=float(self.body.survival(self.threshold)))
        set_fields(self, _body_below=float(self.body.cdf(self.threshold)))
        set_fields(self, _tail_above=float(self.tail.survival(self.threshold)))
        if not self._body_below > 0.0:
            self._refuse("threshold", self.threshold, "exceed some amount of the body")
        if not self._tail_above > 0.0:
            self._refuse("threshold", self.threshold, "be exceeded by some amount of the tail")

    def _body_moments(self, limits: Float64Array, order: int) -> Float64Array:
        """E[min(X, limit)**order] of the truncated body; limits at most the threshold."""
        return (
            self.body._limited_moments(limits, order) - limits**order * self._body_above
        ) / self._body_below

    def _moment(self, order: int) -> float:
        at_threshold = np.array([self.threshold])
        body = float(self._body_moments(at_threshold, order)[0])
        excess = self.tail._moment(order) - float(self.tail._limited_moments(at_threshold, order)[0])
        tail = self.threshold**order + excess / self._tail_above
        return (1.0 - self.tail_weight) * body + self.tail_weight * tail

    def _limited_moments(self, limits: Float64Array, order: int) -> Float64Array:
        low, high = np.minimum(limits, self.threshold), np.maximum(limits, self.threshold)
        at_threshold = self.tail._limited_moments(np.array([self.threshold]), order)
        excess = (self.tail._limited_moments(high, order) - at_threshold) / self._tail_above
        body = (1.0 - self.tail_weight) * self._body_moments(low, order)
        return body + self.tail_weight * (low**order + np.maximum(excess, 0.0))

    def _survival(self, amounts: Float64Array) -> Float64Array:
        between = np.maximum(self.body._survival(amounts) - self._body_above, 0.0)
        in_body = self.tail_weight + (1.0 - self.tail_weight) * (between / self._body_below)
        in_tail = self.tail_weight * (self.tail._survival(amounts) / self._tail_above)
        return np.where(amounts < self.threshold, np.minimum(in_body, 1.0), in_tail)

    def _cdf(self, amounts: Float64Array) -> Float64Array:
        in_body = (1.0 - self.tail_weight) * (self.body._cdf(amounts) / self._body_below)
        return np.where(amounts < self.threshold, in_body, 1.0 - self._survival(amounts))

    def _quantile(self, u: Float64Array) -> Float64Array:
        return self._quantile_of_both(u, 1.0 - u)

    def _quantile_from_survival(self, v: Float64Array) -> Float64Array:
        return self._quantile_of_both(1.0 - v, v)

    def _quantile_of_both(self, u: Float64Array, v: Float64Array) -> Float64Array:
        """Quantile where u = 1 - v up to rounding, and the smaller of the two is the precise one."""
        is_tail = v < self.tail_weight
        result = np.empty_like(v)
        in_tail = self.tail._quantile_from_survival(v[is_tail] / self.tail_weight * self._tail_above)
        result[is_tail] = np.maximum(in_tail, self.threshold)
        body_share = 1.0 - self.tail_weight
        body_u = np.minimum(u[~is_tail] / body_share, 1.0) * self._body_below
        # A sum of nonnegative terms, so that a body cut far out in its own tail stays precise.
        body_v = self._body_above + self._body_below * ((v[~is_tail] - self.tail_weight) / body_share)
        from_below = self.body._quantile(body_u)
        from_above = self.body._quantile_from_survival(np.minimum(body_v, 1.0))
        in_body = np.where(body_u < 0.5, from_below, from_above)
        result[~is_tail] = np.minimum(in_body, self.threshold)
        return result
