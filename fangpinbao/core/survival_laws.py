"""Amount laws given by their cumulative hazard: exponential, Weibull, the Paretos, Burr.

"Loss Models" is Klugman, Panjer & Willmot (see :mod:`fangpinbao.core.distributions`).
"""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass

import numpy as np
from scipy import special

from fangpinbao._typing import Float64Array
from fangpinbao.core.law import AmountLaw


class _HazardLaw(AmountLaw):
    """A law given by its cumulative hazard H(x) = -log S(x) and the inverse of H."""

    @abstractmethod
    def _hazard(self, amounts: Float64Array) -> Float64Array:
        """H(x) for nonnegative amounts."""

    @abstractmethod
    def _amount_at(self, hazards: Float64Array) -> Float64Array: ...

    def _survival(self, amounts: Float64Array) -> Float64Array:
        return np.exp(-self._hazard(np.maximum(amounts, 0.0)))

    def _cdf(self, amounts: Float64Array) -> Float64Array:
        return -np.expm1(-self._hazard(np.maximum(amounts, 0.0)))

    def _quantile(self, u: Float64Array) -> Float64Array:
        return self._amount_at(-np.log1p(-u))

    def _quantile_from_survival(self, v: Float64Array) -> Float64Array:
        return self._amount_at(np.abs(np.log(v)))


@dataclass(frozen=True)
class Exponential(_HazardLaw):
    """The exponential law, S(x) = exp(-x / scale); `scale` is its mean. Loss Models, Appendix A."""

    scale: float

    def __post_init__(self) -> None:
        self._require_positive("scale")

    @classmethod
    def from_mean(cls, mean: float) -> Exponential:
        """Return the law with this mean (the same as the constructor)."""
        return cls(mean)

    def variance(self) -> float:
        """Return scale**2."""
        return self.scale**2

    def _moment(self, order: int) -> float:
        return math.factorial(order) * self.scale**order

    def _limited_moments(self, limits: Float64Array, order: int) -> Float64Array:
        x = limits / self.scale
        return self._moment(order) * special.gammainc(order + 1, x) + limits**order * np.exp(-x)

    def _hazard(self, amounts: Float64Array) -> Float64Array:
        return amounts / self.scale

    def _amount_at(self, hazards: Float64Array) -> Float64Array:
        return self.scale * hazards


@dataclass(frozen=True)
class Weibull(_HazardLaw):
    """The Weibull law, S(x) = exp(-(x / scale)**shape). Loss Models, Appendix A."""

    shape: float
    scale: float

    def __post_init__(self) -> None:
        self._require_positive("shape", "scale")

    def _moment(self, order: int) -> float:
        return self.scale**order * math.gamma(1.0 + order / self.shape)

    def _limited_moments(self, limits: Float64Array, order: int) -> Float64Array:
        hazards = self._hazard(limits)
        below = self._moment(order) * special.gammainc(1.0 + order / self.shape, hazards)
        return below + limits**order * np.exp(-hazards)

    def _hazard(self, amounts: Float64Array) -> Float64Array:
        return (amounts / self.scale) ** self.shape

    def _amount_at(self, hazards: Float64Array) -> Float64Array:
        return self.scale * hazards ** (1.0 / self.shape)


def _discounted_length(rate: float, lengths: Float64Array) -> Float64Array:
    """Integral of exp(-rate * t) over t in (0, length); any sign of the rate, zero included."""
    return lengths * special.exprel(-rate * lengths)


@dataclass(frozen=True)
class Lomax(_HazardLaw):
    """The Pareto law that starts at 0 (Pareto II), S(x) = (1 + x / theta)**-alpha.

    The mean is finite for alpha > 1, the variance for alpha > 2. Loss Models, Appendix A.
    """

    alpha: float
    theta: float

    def __post_init__(self) -> None:
        self._require_positive("alpha", "theta")

    def _moment(self, order: int) -> float:
        if self.alpha <= order:
            return math.inf
        if order == 1:
            return self.theta / (self.alpha - 1.0)
        return 2.0 * self.theta**2 / ((self.alpha - 1.0) * (self.alpha - 2.0))

    def _limited_moments(self, limits: Float64Array, order: int) -> Float64Array:
        # k times the integral of x**(k - 1) S(x), with t = log(1 + x / theta).
        lengths = np.log1p(limits / self.theta)
        first = _discounted_length(self.alpha - 1.0, lengths)
        if order == 1:
            return self.theta * first
        return 2.0 * self.theta**2 * (_discounted_length(self.alpha - 2.0, lengths) - first)

    def _hazard(self, amounts: Float64Array) -> Float64Array:
        return self.alpha * np.log1p(amounts / self.theta)

    def _amount_at(self, hazards: Float64Array) -> Float64Array:
        return self.theta * np.expm1(hazards / self.alpha)


@dataclass(frozen=True)
class SingleParameterPareto(_HazardLaw):
    """The Pareto law above a known threshold, S(x) = (theta / x)**alpha for x > theta.

    The usual tail of :class:`Spliced`. Loss Models, Appendix A.
    """

    alpha: float
    theta: float

    def __post_init__(self) -> None:
        self._require_positive("alpha", "theta")

    def _moment(self, order: int) -> float:
        if self.alpha <= order:
            return math.inf
        return self.alpha * self.theta**order / (self.alpha - order)

    def _limited_moments(self, limits: Float64Array, order: int) -> Float64Array:
        lengths = np.log(np.maximum(limits, self.theta) / self.theta)
        above = order * self.theta**order * _discounted_length(self.alpha - order, lengths)
        return np.minimum(limits, self.theta) ** order + above

    def _hazard(self, amounts: Float64Array) -> Float64Array:
        return self.alpha * np.log(np.maximum(amounts, self.theta) / self.theta)

    def _amount_at(self, hazards: Float64Array) -> Float64Array:
        return self.theta * np.exp(hazards / self.alpha)


@dataclass(frozen=True)
class Burr(_HazardLaw):
    """The Burr law (Burr XII, Singh-Maddala), S(x) = (1 + (x / theta)**gamma)**-alpha.

    The k-th moment is finite for alpha * gamma > k. Loss Models, Appendix A.
    """

    alpha: float
    gamma: float
    theta: float

    def __post_init__(self) -> None:
        self._require_positive("alpha", "gamma", "theta")

    def _moment(self, order: int) -> float:
        k = order / self.gamma
        if self.alpha <= k:
            return math.inf
        # Gamma(1 + k) Gamma(alpha - k) / Gamma(alpha) = alpha B(1 + k, alpha - k)
        return float(self.theta**order * self.alpha * special.beta(1.0 + k, self.alpha - k))

    def _limited_moments(self, limits: Float64Array, order: int) -> Float64Array:
        k = order / self.gamma
        logits = self.gamma * np.log(limits / self.theta)
        shares, rests = special.expit(logits), special.expit(-logits)
        if self.alpha > k:
            # Either side of the incomplete beta function, so that a far limit keeps its remainder.
            near = special.betainc(1.0 + k, self.alpha - k, np.minimum(shares, 0.5))
            far = special.betaincc(self.alpha - k, 1.0 + k, np.minimum(rests, 0.5))
            below = self._moment(order) * np.where(logits < 0.0, near, far)
            return below + limits**order * np.exp(-self._hazard(limits))
        return self._limited_infinite_moments(limits, order)

    def _limited_infinite_moments(self, limits: Float64Array, order: int) -> Float64Array:
        """The same where E[X**order] is infinite; z = (limit / theta)**gamma, k = order / gamma.

        Up to z = 8 it is limit**order S(limit) F(1, alpha; 1 + k; z / (1 + z)) (DLMF 8.17.8). From there
        on, k times the integral of z**(k - 1) (1 + z)**-alpha, the binomial in powers of 1 / z; in this
        form nothing degenerates where alpha is close to k.
        """
        k, joint = order / self.gamma, 8.0
        near = np.minimum(limits, self.theta * joint ** (1.0 / self.gamma))
        shares = np.minimum(special.expit(self.gamma * np.log(near / self.theta)), joint / (1.0 + joint))
        result = near**order * np.exp(-self._hazard(near)) * special.hyp2f1(1.0, self.alpha, 1.0 + k, shares)
        lengths = np.maximum(self.gamma * np.log(limits / self.theta) - math.log(joint), 0.0)
        coefficient = self.theta**order * k * joint ** (k - self.alpha)
        for n in range(60):
            result = result + coefficient * _discounted_length(self.alpha - k + n, lengths)
            coefficient *= -(self.alpha + n) / ((n + 1) * joint)
        return np.asarray(result, dtype=np.float64)

    def _hazard(self, amounts: Float64Array) -> Float64Array:
        return self.alpha * np.logaddexp(0.0, self.gamma * np.log(amounts / self.theta))

    def _amount_at(self, hazards: Float64Array) -> Float64Array:
        return self.theta * np.expm1(hazards / self.alpha) ** (1.0 / self.gamma)
