"""Count laws: how many events a year brings, as tail probabilities that one uniform number meets.

With T_k = P(N >= k), the number of events at a uniform u is the number of k with u < T_k. T_k rises
with the mean, so at the same u a higher mean only adds events. The simulation sees rows of T and
never asks which law they came from.

References
----------
Klugman, Panjer & Willmot, *Loss Models*, 4th ed., Wiley 2012, Appendix B. NIST DLMF 8.4.10 (Poisson
sums as an incomplete gamma function) and 8.17.24 (negative binomial sums as an incomplete beta function).
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from fangpinbao._typing import Float64Array, Int64Array

__all__ = [
    "TAIL_CUTOFF",
    "Bernoulli",
    "CountKind",
    "CountLaw",
    "NegativeBinomial",
    "Poisson",
    "count_from_uniform",
    "tail_probabilities",
]

TAIL_CUTOFF = 2.0**-33
_SMALLEST_START = 1e-200
"""Counts that are less probable than half a step of a 32-bit uniform are left out."""


class CountKind(StrEnum):
    """The families of count laws."""

    BERNOULLI = "bernoulli"
    POISSON = "poisson"
    NEGATIVE_BINOMIAL = "negative_binomial"


class CountLaw(ABC):
    """A law of yearly event counts."""

    @property
    @abstractmethod
    def kind(self) -> CountKind:
        """The family, as `tail_probabilities` takes it."""

    @abstractmethod
    def mean(self) -> float:
        """Return the expected number of events."""

    @abstractmethod
    def variance(self) -> float:
        """Return the variance of the number of events."""

    def tail_probabilities(self, kmax: int | None = None) -> Float64Array:
        """Return P(N >= k) for k = 1..K, shape (K,); see :func:`tail_probabilities`."""
        return tail_probabilities(self.kind, self.mean(), getattr(self, "size", math.inf), kmax)


@dataclass(frozen=True)
class Bernoulli(CountLaw):
    """One event with this probability, else none."""

    probability: float

    def __post_init__(self) -> None:
        if not 0.0 <= self.probability <= 1.0:
            raise ValueError(
                f"Bernoulli: probability = {self.probability!r} is refused; it must lie in [0, 1]."
            )

    @property
    def kind(self) -> CountKind:
        """The family."""
        return CountKind.BERNOULLI

    def mean(self) -> float:
        """Return the probability."""
        return self.probability

    def variance(self) -> float:
        """Return probability * (1 - probability)."""
        return self.probability * (1.0 - self.probability)


@dataclass(frozen=True)
class Poisson(CountLaw):
    """The Poisson law; `expected` is its mean and its variance. Loss Models, Appendix B."""

    expected: float

    def __post_init__(self) -> None:
        _check_mean("Poisson", self.expected)

    @property
    def kind(self) -> CountKind:
        """The family."""
        return CountKind.POISSON

    def mean(self) -> float:
        """Return the expected number of events."""
        return self.expected

    def variance(self) -> float:
        """Return the expected number of events."""
        return self.expected


@dataclass(frozen=True)
class NegativeBinomial(CountLaw):
    """A Poisson law whose mean is gamma distributed with shape `size` (Loss Models, Appendix B, r = size).

    The mean is `expected`, the variance expected + expected**2 / size: a small `size` clusters events.
    """

    expected: float
    size: float

    def __post_init__(self) -> None:
        _check_mean("NegativeBinomial", self.expected)
        _check_size(self.size)

    @property
    def kind(self) -> CountKind:
        """The family."""
        return CountKind.NEGATIVE_BINOMIAL

    def mean(self) -> float:
        """Return the expected number of events."""
        return self.expected

    def variance(self) -> float:
        """Return expected + expected**2 / size."""
        return self.expected + self.expected**2 / self.size


def tail_probabilities(
    kind: CountKind | str, means: ArrayLike, size: float = math.inf, kmax: int | None = None
) -> Float64Array:
    """Return P(N >= k) for k = 1..K and every mean.

    Parameters
    ----------
    kind
        Family of the law.
    means
        Expected counts, any shape, finite and at least 0. A Bernoulli mean above 1 (a scaled
        probability) counts as 1.
    size
        Size of the negative binomial law; the other families ignore it.
    kmax
        K, where it is given. Otherwise K is the smallest number (at least 1) that makes
        P(N >= K + 1) < 2**-33 at the largest mean.

    Returns
    -------
    float64 array, shape (*means.shape, K)
        Non-increasing along the last axis.
    """
    family = CountKind(kind)
    checked = np.asarray(means, dtype=np.float64)
    if not np.all(np.isfinite(checked) & (checked >= 0.0)):
        raise ValueError("means must be finite numbers of at least 0.")
    if kmax is not None and kmax < 1:
        raise ValueError(f"kmax = {kmax!r} is refused; it must be at least 1.")
    if family is CountKind.NEGATIVE_BINOMIAL:
        _check_size(size)
    largest = float(checked.max(initial=0.0))
    columns = _columns_needed(family, largest, size) if kmax is None else kmax
    return _upper_tails(family, columns, checked, size)


def count_from_uniform(tail_row: Float64Array, u: ArrayLike) -> Int64Array:
    """Return the number of k with u < P(N >= k), in the shape of u.

    Parameters
    ----------
    tail_row
        P(N >= k) for k = 1..K, shape (K,), non-increasing.
    u
        Uniform numbers in [0, 1).
    """
    return np.searchsorted(-tail_row, -np.asarray(u, dtype=np.float64), side="left").astype(np.int64)


def _upper_tail(kind: CountKind, k: Float64Array, means: Float64Array, size: float) -> Float64Array:
    """P(N >= k) for k >= 1, broadcast; each a regularised incomplete function, without sums."""
    if kind is CountKind.BERNOULLI:
        return np.where(k == 1.0, np.minimum(means, 1.0), 0.0)
    if kind is CountKind.POISSON:
        return special.gammainc(k, means)
    return np.asarray(special.betainc(k, size, means / (means + size)), dtype=np.float64)


def _upper_tails(kind: CountKind, columns: int, means: Float64Array, size: float) -> Float64Array:
    """P(N >= k) for k = 1..columns: the last one as an incomplete function, the others by adding masses to it.

    All terms are positive, so nothing cancels. Masses follow the recursion of the (a, b, 0) class (Loss Models,
    section 6.5), unless the mass at 0 is too small to start from.
    """
    is_negative_binomial = kind is CountKind.NEGATIVE_BINOMIAL
    mass = np.exp(-size * np.log1p(means / size) if is_negative_binomial else -means)
    if kind is CountKind.BERNOULLI or mass.min(initial=1.0) < _SMALLEST_START:
        every = np.arange(1, columns + 1, dtype=np.float64)
        return np.minimum.accumulate(_upper_tail(kind, every, means[..., np.newaxis], size), axis=-1)
    odds = means / (means + size) if is_negative_binomial else means
    tails = np.empty((*means.shape, columns))
    for k in range(1, columns):
        mass = mass * (odds * ((size + k - 1) / k if is_negative_binomial else 1.0 / k))
        tails[..., k - 1] = mass
    tails[..., -1] = _upper_tail(kind, np.array(float(columns)), means, size)
    for k in range(columns - 1, 0, -1):
        tails[..., k - 1] += tails[..., k]
    return tails


def _columns_needed(kind: CountKind, mean: float, size: float) -> int:
    """Smallest K >= 1 with P(N >= K + 1) < TAIL_CUTOFF."""

    def is_enough(columns: int) -> bool:
        tail = _upper_tail(kind, np.array([columns + 1.0]), np.array([mean]), size)
        return bool(tail[0] < TAIL_CUTOFF)

    high = 1
    while not is_enough(high):
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if is_enough(middle) else (middle, high)
    return high


def _check_mean(law: str, mean: float) -> None:
    if not (math.isfinite(mean) and mean >= 0.0):
        raise ValueError(f"{law}: expected = {mean!r} is refused; it must be a finite number of at least 0.")


def _check_size(size: float) -> None:
    if not (math.isfinite(size) and size > 0.0):
        raise ValueError(
            f"NegativeBinomial: size = {size!r} is refused; it must be finite and greater than 0."
        )
