"""The interface of amount laws, and what every law checks.

Every law answers the same few questions (:class:`AmountLaw`): mean, variance, limited expected
value, survival and quantile. Amounts are nonnegative float64 in the unit of the law's parameters.

Two probabilities stand side by side: ``u = P(X <= x)`` and ``v = P(X > x) = 1 - u``. Large amounts
belong to small ``v``, and ``1 - u`` cannot name a ``v`` below 2**-53, so every law inverts both.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import NoReturn

import numpy as np
from numpy.typing import ArrayLike

from fangpinbao._typing import Float64Array

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


def set_fields(law: AmountLaw, **fields: object) -> None:
    """Set fields of a frozen law while it is being made."""
    for name, value in fields.items():
        object.__setattr__(law, name, value)


def as_tuple(law: AmountLaw, name: str, numbers: Sequence[float]) -> tuple[float, ...]:
    """Return the numbers as a tuple; refuse none, and any that is negative or not finite."""
    result = tuple(float(number) for number in numbers)
    if not result:
        law._refuse(name, result, "contain at least one number")
    for number in result:
        if not (math.isfinite(number) and number >= 0.0):
            law._refuse(name, number, "consist of finite numbers of at least 0")
    return result


def check_shares(law: AmountLaw, name: str, shares: tuple[float, ...], count: int, partner: str) -> None:
    """Refuse shares that do not pair with their partner or do not sum to 1."""
    if len(shares) != count:
        law._refuse(name, len(shares), f"have as many entries as {partner} ({count})")
    total = math.fsum(shares)
    if abs(total - 1.0) > PROBABILITY_TOLERANCE:
        law._refuse(f"sum of {name}", total, "be 1")
