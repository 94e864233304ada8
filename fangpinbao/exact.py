"""Closed forms of event sets: occurrence exceedance, layer means, the law of a year's total by FFT.

An event set is a list of events with yearly rates and losses; the number of events a year is Poisson, or
negative binomial with a given size. All functions take losses in any one unit of money.

The law of the year's total lives on a grid. Losses are put on it three times: rounded down, rounded up, and
split between both neighbours so that the mean is kept. The first two bracket the truth in the sense of
stochastic order, so every nondecreasing function of the total has a value between them: the width is the
discretisation error, stated with every result. Aliasing of the FFT is held down by exponential tilting, and
the number of cells grows until the chance of a total beyond the grid is below 1e-10.

References
----------
Panjer, Recursive evaluation of a family of compound distributions, ASTIN Bulletin 12 (1), 1981 (the same law,
by recursion). Heckman and Meyers, The calculation of aggregate loss distributions, PCAS 70, 1983.
Grübel and Hermesmeier, Computation of compound distributions I, ASTIN Bulletin 29 (2), 1999 (tilting).
Klugman, Panjer and Willmot, Loss Models, 4th ed. 2012, chapter 9. Mata, ASTIN Bulletin 30 (2), 2000.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike

from fangpinbao._typing import Float64Array, Int64Array
from fangpinbao.estimate import Estimate

__all__ = [
    "AggregateLaw",
    "PricedLayer",
    "aggregate_law",
    "layer_mean",
    "occurrence_exceedance",
    "occurrence_loss",
    "priced_layer",
]

_FIRST_CELLS: Final = 2**12
_MOST_CELLS: Final = 2**22
_BEYOND: Final = 1e-10
# Aliasing (of at most _BEYOND) shrinks by exp(-tilt), rounding noise grows by exp(tilt).
_TILT: Final = 3.0


def occurrence_exceedance(
    rates: ArrayLike, losses: ArrayLike, amounts: ArrayLike, *, size: float | None = None
) -> Float64Array:
    """Chance that some event of a year exceeds an amount: 1 - exp(-rate of such events) for a Poisson set.

    Parameters
    ----------
    rates, losses : float arrays, shape (n,)
        Events a year, and loss, of each event.
    amounts : float array, shape (m,)
    size
        Of a negative binomial number of events; absent: Poisson.

    Returns
    -------
    float array, shape (m,)
    """
    each, amount = _event_set(rates, losses)
    order = np.argsort(amount, kind="stable")
    above = np.concatenate([np.cumsum(each[order][::-1])[::-1], [0.0]])
    exceeding = above[np.searchsorted(amount[order], np.asarray(amounts, dtype=np.float64), side="right")]
    chance: Float64Array = -np.expm1(_log_of_none(exceeding, size))
    return chance


def occurrence_loss(
    rates: ArrayLike, losses: ArrayLike, return_period: float, *, size: float | None = None
) -> float:
    """Smallest amount that the year's largest event exceeds with a chance of at most 1 / return_period."""
    if not return_period > 1.0:
        raise ValueError(f"return_period = {return_period} must exceed one year.")
    _, amount = _event_set(rates, losses)
    candidates = np.unique(np.concatenate([[0.0], amount]))
    chances = occurrence_exceedance(rates, losses, candidates, size=size)
    return float(candidates[np.argmax(chances <= 1.0 / return_period)])


def layer_mean(rates: ArrayLike, losses: ArrayLike, attachment: float, limit: float) -> float:
    """Mean yearly loss of a layer per event, without limits of the year: sum of rate x part in the layer."""
    each, amount = _event_set(rates, losses)
    return math.fsum(each * np.clip(amount - attachment, 0.0, limit))


@dataclass(frozen=True)
class AggregateLaw:
    """Law of a year's total on a grid of width `step`.

    Attributes
    ----------
    step
        Width of a cell.
    probabilities : float array, shape (3, cells)
        Chance of each multiple of `step`: losses rounded down, split keeping the mean, rounded up.
    """

    step: float
    probabilities: Float64Array

    @property
    def totals(self) -> Float64Array:
        """Multiples of `step`, shape (cells,)."""
        return self.step * np.arange(self.probabilities.shape[1], dtype=np.float64)

    def expected(self, function: Callable[[Float64Array], Float64Array], unit: str) -> Estimate:
        """Mean of a nondecreasing function of the total, between its bounds."""
        return self._bracketed(self.probabilities @ function(self.totals), unit)

    def exceedance(self, amount: float) -> Estimate:
        """Chance that the total exceeds an amount (AEP), between its bounds."""
        return self.expected(lambda totals: (totals > amount * (1.0 + 1e-12)).astype(np.float64), "share")

    def limited_mean(self, attachment: float, limit: float, unit: str) -> Estimate:
        """Mean of the part of the total in a layer: a stop loss, or the limits of a year."""
        return self.expected(lambda totals: np.clip(totals - attachment, 0.0, limit), unit)

    def quantile(self, level: float, unit: str) -> Estimate:
        """Smallest total x with F(x) >= level, between its bounds."""
        if not 0.0 < level < 1.0:
            raise ValueError(f"level = {level} must lie strictly between 0 and 1.")
        cumulative = np.cumsum(self.probabilities, axis=1)
        found = [self.step * int(np.searchsorted(row, level - 1e-12)) for row in cumulative]
        return self._bracketed(np.array(found), unit)

    def tail_value(self, level: float, unit: str) -> Estimate:
        """TVaR: ``q + E[(S - q)+] / (1 - level)`` with the quantile q of each of the three laws."""
        cumulative = np.cumsum(self.probabilities, axis=1)
        values = []
        for row, probabilities in zip(cumulative, self.probabilities, strict=True):
            at = self.step * int(np.searchsorted(row, level - 1e-12))
            excess = float(probabilities @ np.maximum(self.totals - at, 0.0))
            values.append(at + excess / (1.0 - level))
        return self._bracketed(np.array(values), unit)

    def _bracketed(self, values: Float64Array, unit: str) -> Estimate:
        low, value, high = (float(x) for x in values)
        low, high = min(low, value), max(high, value)
        return Estimate(value, None, low, high, unit, 0, "exact")


def aggregate_law(
    rates: ArrayLike, losses: ArrayLike, step: float, *, size: float | None = None
) -> AggregateLaw:
    """Law of the year's total of an event set by FFT (Panjer's recursion gives the same, slower).

    Parameters
    ----------
    rates, losses : float arrays, shape (n,)
        Events a year, and nonnegative loss, of each event.
    step
        Width of a cell; the error falls in proportion.
    size
        Of a negative binomial number of events; absent: Poisson.

    Raises
    ------
    ValueError
        If a rate or loss is negative or not finite, or 4 million cells do not hold the law.
    """
    each, amount = _event_set(rates, losses)
    if not step > 0.0:
        raise ValueError(f"step = {step} must be positive.")
    place = amount / step
    below = np.floor(place * (1.0 + 1e-14) + 1e-9)
    part = np.clip(place - below, 0.0, 1.0)
    part[part < 1e-9] = 0.0
    cells = _FIRST_CELLS
    while cells <= _MOST_CELLS:
        if float(place.max(initial=0.0)) < cells - 1:
            low = below.astype(np.int64)
            up = low + (part > 0.0)
            rounded_down, rounded_up = _filled(low, each, cells), _filled(up, each, cells)
            kept = _filled(low, each * (1.0 - part), cells) + _filled(up, each * part, cells)
            laws = [_compound(filled, size) for filled in (rounded_down, kept, rounded_up)]
            probabilities = np.array(laws)
            if float(np.max(1.0 - probabilities.sum(axis=1))) < _BEYOND:
                return AggregateLaw(step, probabilities)
        cells *= 2
    raise ValueError(f"step = {step:g} is too small: {_MOST_CELLS} cells do not hold the law. Raise it.")


def _filled(cell: Int64Array, rates: Float64Array, cells: int) -> Float64Array:
    """Sum of rates in each cell."""
    return np.bincount(cell, rates, cells).astype(np.float64)


def _compound(rate_of_cell: Float64Array, size: float | None) -> Float64Array:
    """Law of the total; ``rate_of_cell`` are events a year by loss in cells."""
    cells = rate_of_cell.size
    tilt = np.exp(-_TILT / cells * np.arange(cells))
    rate = float(rate_of_cell.sum())
    shortfall = rate - np.fft.rfft(rate_of_cell * tilt)
    total = np.fft.irfft(np.exp(_log_of_none(shortfall, size)), cells) / tilt
    probabilities: Float64Array = np.maximum(total, 0.0)
    return probabilities


def _log_of_none(rate: Any, size: float | None) -> Any:
    """Log of the probability generating function, at 1 - (what thins or transforms the events) = rate."""
    if size is None:
        return -rate
    if not size > 0.0:
        raise ValueError(f"size = {size} of a negative binomial number must be positive.")
    return -size * np.log(1.0 + rate / size)


@dataclass(frozen=True)
class PricedLayer:
    """Excess of loss per event with limits of the year, in closed form.

    Attributes
    ----------
    payment
        Mean paid in a year.
    limits_bought_back
        Mean number of limits bought back in a year, each times its price.
    premium
        Premium that pays for the mean: ``payment / (1 + limits_bought_back)`` (Mata 2000).
    attachment, exhaustion
        Chance that anything is paid in a year, and that nothing is left of the year's limit (None: no limit).
    """

    payment: Estimate
    limits_bought_back: Estimate
    premium: Estimate
    attachment: Estimate
    exhaustion: Estimate | None


def priced_layer(
    rates: ArrayLike,
    losses: ArrayLike,
    attachment: float,
    limit: float,
    step: float,
    *,
    annual_deductible: float = 0.0,
    reinstatements: Sequence[float] | None = None,
    size: float | None = None,
    unit: str = "yuan",
) -> PricedLayer:
    """Price a layer per event with annual deductible and reinstatements pro rata as to amount.

    Parameters
    ----------
    rates, losses, step, size
        As for :func:`aggregate_law`.
    attachment, limit
        Of the layer per event.
    annual_deductible
        Borne first, of what the layer would pay in the year.
    reinstatements
        Price of each as a share of the premium; absent: no limit of the year.
    """
    each, amount = _event_set(rates, losses)
    in_layer = np.clip(amount - attachment, 0.0, limit)
    law = aggregate_law(each, in_layer, step, size=size)
    prices = [] if reinstatements is None else list(reinstatements)
    most = math.inf if reinstatements is None else limit * (1 + len(prices))

    def bought_back(totals: Float64Array) -> Float64Array:
        used = np.minimum(np.maximum(totals - annual_deductible, 0.0), most)
        parts = [price * np.clip(used - k * limit, 0.0, limit) / limit for k, price in enumerate(prices)]
        return np.sum(parts, axis=0) if parts else np.zeros_like(totals)

    payment = law.limited_mean(annual_deductible, most, unit)
    back = law.expected(bought_back, "limits")
    ends = [(payment.value, back.value), (payment.lower, back.upper), (payment.upper, back.lower)]
    value, low, high = (float(paid or 0.0) / (1.0 + float(times or 0.0)) for paid, times in ends)
    pays = _bracket_of_exceedance(law, annual_deductible)
    full = (
        None if reinstatements is None else _bracket_of_exceedance(law, annual_deductible + most, reach=True)
    )
    return PricedLayer(payment, back, Estimate(value, None, low, high, unit, 0, "exact"), pays, full)


def _bracket_of_exceedance(law: AggregateLaw, amount: float, *, reach: bool = False) -> Estimate:
    edge = amount * (1.0 - 1e-12) if reach else amount * (1.0 + 1e-12)
    return law.expected(
        lambda totals: ((totals >= edge) if reach else (totals > edge)).astype(np.float64), "share"
    )


def _event_set(rates: ArrayLike, losses: ArrayLike) -> tuple[Float64Array, Float64Array]:
    each, amount = np.asarray(rates, dtype=np.float64), np.asarray(losses, dtype=np.float64)
    if each.ndim != 1 or each.shape != amount.shape:
        raise ValueError(f"rates {each.shape} and losses {amount.shape} must be two columns of one length.")
    for name, column in (("rates", each), ("losses", amount)):
        if not (np.all(np.isfinite(column)) and np.all(column >= 0.0)):
            raise ValueError(f"{name} must be finite and not negative.")
    return each, amount
