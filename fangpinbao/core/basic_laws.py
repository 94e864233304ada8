"""Amount laws through special functions: uniform, lognormal, gamma, beta.

"Loss Models" is Klugman, Panjer & Willmot (see :mod:`fangpinbao.core.distributions`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import special

from fangpinbao._typing import Float64Array
from fangpinbao.core.law import AmountLaw


@dataclass(frozen=True)
class Uniform(AmountLaw):
    """The uniform law on (low, high), 0 <= low < high."""

    low: float
    high: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and self.low >= 0.0):
            self._refuse("low", self.low, "be a finite number of at least 0")
        if not (math.isfinite(self.high) and self.high > self.low):
            self._refuse("high", self.high, f"be finite and greater than low = {self.low!r}")

    def variance(self) -> float:
        """Return (high - low)**2 / 12."""
        return (self.high - self.low) ** 2 / 12.0

    def _moment(self, order: int) -> float:
        if order == 1:
            return 0.5 * (self.low + self.high)
        return (self.low**2 + self.low * self.high + self.high**2) / 3.0

    def _limited_moments(self, limits: Float64Array, order: int) -> Float64Array:
        a, d = self.low, np.clip(limits, self.low, self.high)
        mean_below = 0.5 * (a + d) if order == 1 else (a * a + a * d + d * d) / 3.0
        inside = (mean_below * (d - a) + d**order * (self.high - d)) / (self.high - a)
        return np.where(limits < a, limits**order, inside)

    def _survival(self, amounts: Float64Array) -> Float64Array:
        return np.clip((self.high - amounts) / (self.high - self.low), 0.0, 1.0)

    def _cdf(self, amounts: Float64Array) -> Float64Array:
        return np.clip((amounts - self.low) / (self.high - self.low), 0.0, 1.0)

    def _quantile(self, u: Float64Array) -> Float64Array:
        return np.minimum(self.low + (self.high - self.low) * u, self.high)

    def _quantile_from_survival(self, v: Float64Array) -> Float64Array:
        return np.maximum(self.high - (self.high - self.low) * v, self.low)


@dataclass(frozen=True)
class Lognormal(AmountLaw):
    """The lognormal law, log X ~ N(mu, sigma**2). Loss Models, Appendix A."""

    mu: float
    sigma: float

    def __post_init__(self) -> None:
        if not math.isfinite(self.mu):
            self._refuse("mu", self.mu, "be a finite number")
        self._require_positive("sigma")

    @classmethod
    def from_mean(cls, mean: float, sigma: float) -> Lognormal:
        """Return the law with this mean (not the median) and this sigma of the logarithm."""
        if not (math.isfinite(mean) and mean > 0.0):
            raise ValueError(f"Lognormal: mean = {mean!r} is refused; it must be finite and greater than 0.")
        return cls(math.log(mean) - 0.5 * sigma**2, sigma)

    def variance(self) -> float:
        """Return (exp(sigma**2) - 1) * mean**2."""
        return math.expm1(self.sigma**2) * self.mean() ** 2

    def _moment(self, order: int) -> float:
        return math.exp(order * self.mu + 0.5 * (order * self.sigma) ** 2)

    def _limited_moments(self, limits: Float64Array, order: int) -> Float64Array:
        z = (np.log(limits) - self.mu) / self.sigma
        return self._moment(order) * special.ndtr(z - order * self.sigma) + limits**order * special.ndtr(-z)

    def _survival(self, amounts: Float64Array) -> Float64Array:
        return special.ndtr((self.mu - np.log(np.maximum(amounts, 0.0))) / self.sigma)

    def _cdf(self, amounts: Float64Array) -> Float64Array:
        return special.ndtr((np.log(np.maximum(amounts, 0.0)) - self.mu) / self.sigma)

    def _quantile(self, u: Float64Array) -> Float64Array:
        return np.exp(self.mu + self.sigma * special.ndtri(u))

    def _quantile_from_survival(self, v: Float64Array) -> Float64Array:
        return np.exp(self.mu - self.sigma * special.ndtri(v))


@dataclass(frozen=True)
class Gamma(AmountLaw):
    """The gamma law, S(x) = Q(shape, x / scale) (regularised, upper). Loss Models, Appendix A."""

    shape: float
    scale: float

    def __post_init__(self) -> None:
        self._require_positive("shape", "scale")

    @classmethod
    def from_mean(cls, mean: float, cv: float) -> Gamma:
        """Return the law with this mean and coefficient of variation (standard deviation / mean)."""
        for name, value in (("mean", mean), ("cv", cv)):
            if not (math.isfinite(value) and value > 0.0):
                raise ValueError(
                    f"Gamma: {name} = {value!r} is refused; it must be finite and greater than 0."
                )
        return cls(cv**-2.0, mean * cv**2)

    def variance(self) -> float:
        """Return shape * scale**2."""
        return self.shape * self.scale**2

    def _moment(self, order: int) -> float:
        return self.scale**order * self.shape * (1.0 if order == 1 else self.shape + 1.0)

    def _limited_moments(self, limits: Float64Array, order: int) -> Float64Array:
        x = limits / self.scale
        below = self._moment(order) * special.gammainc(self.shape + order, x)
        return below + limits**order * special.gammaincc(self.shape, x)

    def _survival(self, amounts: Float64Array) -> Float64Array:
        return np.asarray(
            special.gammaincc(self.shape, np.maximum(amounts, 0.0) / self.scale), dtype=np.float64
        )

    def _cdf(self, amounts: Float64Array) -> Float64Array:
        return np.asarray(
            special.gammainc(self.shape, np.maximum(amounts, 0.0) / self.scale), dtype=np.float64
        )

    def _quantile(self, u: Float64Array) -> Float64Array:
        return self.scale * np.asarray(special.gammaincinv(self.shape, u), dtype=np.float64)

    def _quantile_from_survival(self, v: Float64Array) -> Float64Array:
        return self.scale * np.asarray(special.gammainccinv(self.shape, v), dtype=np.float64)


@dataclass(frozen=True)
class Beta(AmountLaw):
    """The beta law on (0, 1), for shares; F(x) = I_x(a, b). Loss Models, Appendix A, with theta = 1."""

    a: float
    b: float

    def __post_init__(self) -> None:
        self._require_positive("a", "b")

    @classmethod
    def from_mean(cls, mean: float, concentration: float) -> Beta:
        """Return the law with this mean; its variance is mean (1 - mean) / (concentration + 1)."""
        if not 0.0 < mean < 1.0:
            raise ValueError(f"Beta: mean = {mean!r} is refused; it must lie strictly between 0 and 1.")
        if not (math.isfinite(concentration) and concentration > 0.0):
            raise ValueError(
                f"Beta: concentration = {concentration!r} is refused; it must be finite and greater than 0."
            )
        return cls(mean * concentration, (1.0 - mean) * concentration)

    def variance(self) -> float:
        """Return a b / ((a + b)**2 (a + b + 1))."""
        total = self.a + self.b
        return self.a * self.b / (total**2 * (total + 1.0))

    def _moment(self, order: int) -> float:
        total = self.a + self.b
        return self.a / total * (1.0 if order == 1 else (self.a + 1.0) / (total + 1.0))

    def _limited_moments(self, limits: Float64Array, order: int) -> Float64Array:
        x = np.minimum(limits, 1.0)
        below = self._moment(order) * special.betainc(self.a + order, self.b, x)
        return np.asarray(below + x**order * special.betaincc(self.a, self.b, x), dtype=np.float64)

    def _survival(self, amounts: Float64Array) -> Float64Array:
        return np.asarray(special.betaincc(self.a, self.b, np.clip(amounts, 0.0, 1.0)), dtype=np.float64)

    def _cdf(self, amounts: Float64Array) -> Float64Array:
        return np.asarray(special.betainc(self.a, self.b, np.clip(amounts, 0.0, 1.0)), dtype=np.float64)

    def _quantile(self, u: Float64Array) -> Float64Array:
        return np.asarray(special.betaincinv(self.a, self.b, u), dtype=np.float64)

    def _quantile_from_survival(self, v: Float64Array) -> Float64Array:
        return np.asarray(special.betainccinv(self.a, self.b, v), dtype=np.float64)
