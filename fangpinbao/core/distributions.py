"""Amount laws: the distributions that one cost, loss or share is drawn from.

Every law answers the same few questions (:class:`AmountLaw`): mean, variance, limited expected
value, survival and quantile. Amounts are nonnegative float64 in the unit of the law's parameters.
The simulation never calls a law; it reads the table that :mod:`fangpinbao.core.tables` makes of it.

Two probabilities stand side by side: ``u = P(X <= x)`` and ``v = P(X > x) = 1 - u``. Large amounts
belong to small ``v``, and ``1 - u`` cannot name a ``v`` below 2**-53, so every law inverts both.

References
----------
Klugman, Panjer & Willmot, *Loss Models: From Data to Decisions*, 4th ed., Wiley 2012, Appendix A
("Loss Models" below). Its formulas for ``E[(X ^ d)**k]`` are the ``_limited_moments`` here.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NoReturn

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from fangpinbao._typing import BoolArray, Float64Array

__all__ = [
    "AmountLaw",
    "Beta",
    "Burr",
    "Constant",
    "Discrete",
    "Empirical",
    "Exponential",
    "Gamma",
    "Lognormal",
    "Lomax",
    "Mixture",
    "Scaled",
    "SingleParameterPareto",
    "Spliced",
    "Uniform",
    "Weibull",
]

PROBABILITY_TOLERANCE = 1e-9
"""How far weights or probabilities that must sum to 1 may miss it (they are then rescaled)."""


class AmountLaw(ABC):
    """A law of nonnegative amounts.

    A subclass supplies the underscored methods on flat arrays that are already checked; the public
    methods check, take any shape, and keep it.
    """

    def mean(self) -> float:
        """Return E[X]; ``inf`` where the integral diverges."""
        return self._moment(1)

    def variance(self) -> float:
        """Return E[X**2] - E[X]**2; ``inf`` where the second moment diverges."""
        second = self._moment(2)
        return second - self._moment(1) ** 2 if math.isfinite(second) else math.inf

    def limited_expected_value(self, limit: float) -> float:
        """Return E[min(X, limit)] for one limit in [0, inf]; at ``inf`` it is the mean."""
        return float(self._checked_limited_moments(limit, 1))

    def limited_expected_values(self, limits: ArrayLike) -> Float64Array:
        """Return E[min(X, limit)] for an array of limits, in its shape."""
        return self._checked_limited_moments(limits, 1)

    def limited_second_moment(self, limit: float) -> float:
        """Return E[min(X, limit)**2], from which the variance of a layer follows."""
        return float(self._checked_limited_moments(limit, 2))

    def survival(self, amounts: ArrayLike) -> Float64Array:
        """Return P(X > amount), in the shape of `amounts`."""
        return _apply(self._survival, _checked_amounts(amounts))

    def cdf(self, amounts: ArrayLike) -> Float64Array:
        """Return P(X <= amount), precise also where it is tiny."""
        return _apply(self._cdf, _checked_amounts(amounts))

    def quantile(self, u: ArrayLike) -> Float64Array:
        """Return the smallest x with P(X <= x) >= u, for u in [0, 1]; at 0 the support's lower end."""
        return _apply(self._quantile, _checked_probabilities(u))

    def quantile_from_survival(self, v: ArrayLike) -> Float64Array:
        """Return the smallest x with P(X > x) <= v, for v in [0, 1]; precise for the tiniest v."""
        return _apply(self._quantile_from_survival, _checked_probabilities(v))

    @property
    def is_step(self) -> bool:
        """True where the law consists of atoms only (see :meth:`atoms`)."""
        return False

    def atoms(self) -> tuple[Float64Array, Float64Array]:
        """Return (values, probabilities) of a step law, values increasing; TypeError for others."""
        raise TypeError(f"{type(self).__name__} is not a step law and has no list of atoms.")

    def _checked_limited_moments(self, limits: ArrayLike, order: int) -> Float64Array:
        checked = np.asarray(limits, dtype=np.float64)
        if not np.all(checked >= 0.0):
            raise ValueError(f"A limit must be a number of at least 0; got {limits!r}.")

        def moments(flat: Float64Array) -> Float64Array:
            is_finite = np.isfinite(flat)
            result = np.empty_like(flat)
            result[is_finite] = self._limited_moments(flat[is_finite], order)
            if not is_finite.all():
                result[~is_finite] = self._moment(order)
            return result

        return _apply(moments, checked)

    @abstractmethod
    def _moment(self, order: int) -> float:
        """E[X**order], order 1 or 2."""

    @abstractmethod
    def _limited_moments(self, limits: Float64Array, order: int) -> Float64Array:
        """E[min(X, limit)**order], limits finite and nonnegative."""

    @abstractmethod
    def _survival(self, amounts: Float64Array) -> Float64Array: ...

    @abstractmethod
    def _cdf(self, amounts: Float64Array) -> Float64Array: ...

    @abstractmethod
    def _quantile(self, u: Float64Array) -> Float64Array: ...

    @abstractmethod
    def _quantile_from_survival(self, v: Float64Array) -> Float64Array: ...

    def _refuse(self, name: str, value: object, rule: str) -> NoReturn:
        raise ValueError(f"{type(self).__name__}: {name} = {value!r} is refused; it must {rule}.")

    def _require_positive(self, *names: str) -> None:
        for name in names:
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0.0):
                self._refuse(name, value, "be a finite number greater than 0")


def _apply(function: Callable[[Float64Array], Float64Array], argument: Float64Array) -> Float64Array:
    # At the ends of a support log(0) and exp(large) are meant: they give the infinite end itself.
    with np.errstate(divide="ignore", over="ignore", under="ignore"):
        return function(argument.ravel()).reshape(argument.shape)


def _checked_amounts(amounts: ArrayLike) -> Float64Array:
    checked = np.asarray(amounts, dtype=np.float64)
    if np.isnan(checked).any():
        raise ValueError("An amount must be a number; got NaN.")
    return checked


def _checked_probabilities(probabilities: ArrayLike) -> Float64Array:
    checked = np.asarray(probabilities, dtype=np.float64)
    if not np.all((checked >= 0.0) & (checked <= 1.0)):
        raise ValueError(f"A probability must lie in [0, 1]; got {probabilities!r}.")
    return checked


# ------------------------------------------------------------------ laws with a closed cumulative hazard


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


# ------------------------------------------------------------------ laws with special functions


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


# ------------------------------------------------------------------ laws made of values


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
        values = _as_tuple(self, "values", self.values)
        probabilities = _as_tuple(self, "probabilities", self.probabilities)
        _check_shares(self, "probabilities", probabilities, len(values), "values")
        distinct, position_of = np.unique(np.asarray(values), return_inverse=True)
        weights = np.bincount(position_of, weights=np.asarray(probabilities), minlength=distinct.size)
        is_possible = weights > 0.0
        weights = weights[is_possible] / weights.sum()
        uppers = np.cumsum(weights[::-1])[::-1].copy()
        uppers[0] = 1.0
        _set(self, values=values, probabilities=probabilities, _uppers=np.minimum(uppers, 1.0))
        _set(self, _atoms=(distinct[is_possible], weights))

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
        values = _as_tuple(self, "values", self.values)
        weights = None if self.weights is None else _as_tuple(self, "weights", self.weights)
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
        _set(self, values=values, weights=weights, _knots=np.asarray(values)[order])
        _set(self, _lower=np.minimum(lower, 1.0), _upper=np.minimum(upper, 1.0))

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


# ------------------------------------------------------------------ laws made of laws


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
        weights = _as_tuple(self, "weights", self.weights)
        laws = tuple(self.laws)
        _check_shares(self, "weights", weights, len(laws), "laws")
        if min(weights) <= 0.0:
            self._refuse("weights", weights, "all be greater than 0 (leave out a law that never occurs)")
        total = math.fsum(weights)
        _set(self, weights=tuple(weight / total for weight in weights), laws=laws)

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
        _set(self, _body_above=float(self.body.survival(self.threshold)))
        _set(self, _body_below=float(self.body.cdf(self.threshold)))
        _set(self, _tail_above=float(self.tail.survival(self.threshold)))
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


# ------------------------------------------------------------------ construction


def _set(law: AmountLaw, **fields: object) -> None:
    """Set fields of a frozen law while it is being made."""
    for name, value in fields.items():
        object.__setattr__(law, name, value)


def _as_tuple(law: AmountLaw, name: str, numbers: Sequence[float]) -> tuple[float, ...]:
    result = tuple(float(number) for number in numbers)
    if not result:
        law._refuse(name, result, "contain at least one number")
    for number in result:
        if not (math.isfinite(number) and number >= 0.0):
            law._refuse(name, number, "consist of finite numbers of at least 0")
    return result


def _check_shares(law: AmountLaw, name: str, shares: tuple[float, ...], count: int, partner: str) -> None:
    if len(shares) != count:
        law._refuse(name, len(shares), f"have as many entries as {partner} ({count})")
    total = math.fsum(shares)
    if abs(total - 1.0) > PROBABILITY_TOLERANCE:
        law._refuse(f"sum of {name}", total, "be 1")
