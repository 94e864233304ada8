"""Reinsurance of dated event losses: contracts in inuring order, limits of the year used up in date order.

Every contract is one rule. With ``x_i`` the loss of event i that the contract sees (in date order within the
year), at 100% of the contract and in whole fen:

1. ``due_i = min(cession * max(x_i - attachment, 0), limit)``, rounded half up;
2. ``used_i = min(max(due_1 + ... + due_i - annual deductible, 0), annual limit)``;
3. the contract pays ``used_i - used_(i-1)`` for event i, of which the placed share is ceded (half up).

A quota share has attachment 0, an excess of loss cession 1 and the annual limit ``(1 + reinstatements) *
limit``; a stop loss has attachment 0 and no limit per event, its attachment being the annual deductible and
its limit the annual limit. The k-th reinstatement buys back the k-th ``limit`` used: event i pays

    premium * price_k * (part of the k-th limit used by event i) / limit * (days left / 365 if pro rata time)

summed over k, times the placed share, rounded half up once; on the first day 365 days are left.

References
----------
Sundt, On excess of loss reinsurance with reinstatements, Mitteilungen SVVM 1991 (1).
Mata, Pricing excess of loss reinsurance with reinstatements, ASTIN Bulletin 30 (2), 2000, 349-368.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from fangpinbao._typing import BoolArray, Float64Array, Int64Array
from fangpinbao.event_losses import EventLosses
from fangpinbao.scenario.reinsurance import ReinsuranceContract
from fangpinbao.shares import divide, part_of

__all__ = ["DAYS", "Cession", "Reinsured", "by_year", "fen", "largest_by_year", "reinsure"]

DAYS: Final = 365
# Half-up to the fen, with the guard of the settlement: noise of floating point must not decide a half.
_HALF_UP = 0.500001


@dataclass(frozen=True)
class Cession:
    """What one contract pays and costs.

    Attributes
    ----------
    contract
        Its terms.
    subject : int64 array, shape (e,)
        Fen; the loss of each event that the contract sees.
    used : int64 array, shape (e,)
        Fen paid for each event by the whole contract, before placement.
    ceded : int64 array, shape (e,)
        Fen paid by the reinsurers: the placed share.
    reinstatement_premium : int64 array, shape (e,)
        Fen paid to the reinsurers for each event.
    attached, event_limit_reached, exhausted : bool array, shape (years,)
        Years in which the contract pays; in which an event fills the limit per event; in which nothing is
        left of the annual limit. Without such a limit the last two are False.
    """

    contract: ReinsuranceContract
    subject: Int64Array
    used: Int64Array
    ceded: Int64Array
    reinstatement_premium: Int64Array
    attached: BoolArray
    event_limit_reached: BoolArray
    exhausted: BoolArray

    @property
    def by_reinsurer(self) -> dict[str, Int64Array]:
        """Ceded fen of each event by reinsurer; they sum to `ceded` exactly. Empty where none is named."""
        return _columns(self.ceded, self.contract.reinsurers)

    @property
    def reinstatement_premium_by_reinsurer(self) -> dict[str, Int64Array]:
        """Reinstatement premium of each event by reinsurer, in fen, summing to the whole exactly."""
        return _columns(self.reinstatement_premium, self.contract.reinsurers)

    def premium(self, gross_premium: float) -> float:
        """Yuan a year for what is placed, before reinstatements; a quota share takes its part of the gross."""
        if self.contract.cession is not None:
            return gross_premium * self.contract.cession * self.contract.placed
        return self.contract.premium * self.contract.placed

    def commission(self, gross_premium: float) -> float:
        """Yuan a year paid back to the cedant."""
        return self.contract.commission * self.premium(gross_premium)


@dataclass(frozen=True)
class Reinsured:
    """Losses before and after the contracts: ``gross.loss = net.loss + sum of ceded``, event by event."""

    gross: EventLosses
    cessions: tuple[Cession, ...]
    net: EventLosses

    @property
    def ceded(self) -> EventLosses:
        """What all contracts pay."""
        return replace(self.gross, loss=self.gross.loss - self.net.loss)


def reinsure(losses: EventLosses, contracts: Sequence[ReinsuranceContract]) -> Reinsured:
    """Apply contracts in inuring order; contracts of one number see the same loss.

    Should rounding let contracts of one number claim a fen more than is left, the one listed first has it.

    Raises
    ------
    ValueError
        If a day lies outside the year, or the contracts are out of order.
    """
    _check(losses, contracts)
    left = losses.loss
    subject, level = left, 0
    cessions = []
    for contract in contracts:
        if contract.inuring != level:
            subject, level = left, contract.inuring
        cession = _cede(contract, losses, subject, left)
        left = left - cession.ceded
        cessions.append(cession)
    return Reinsured(losses, tuple(cessions), replace(losses, loss=left))


def by_year(amounts: Int64Array, losses: EventLosses) -> Int64Array:
    """Sum an amount per event over each simulated year; shape (years,)."""
    return _reduced(np.add, amounts, losses)


def largest_by_year(amounts: Int64Array, losses: EventLosses) -> Int64Array:
    """Return the largest amount of one event in each simulated year, 0 without events; shape (years,)."""
    return _reduced(np.maximum, amounts, losses)


def _reduced(combine: np.ufunc, amounts: Int64Array, losses: EventLosses) -> Int64Array:
    """Combine the amounts of each year's events; 0 in a year without events."""
    starts, rows = _starts(losses)
    found = np.zeros(losses.paths, dtype=np.int64)
    if starts.size:
        found[rows] = combine.reduceat(amounts, starts)
    return found


def fen(yuan: float) -> int:
    """Whole fen of an amount in yuan."""
    return round(yuan * 100.0)


def _check(losses: EventLosses, contracts: Sequence[ReinsuranceContract]) -> None:
    if losses.day.size and (int(losses.day.min()) < 0 or int(losses.day.max()) >= DAYS):
        raise ValueError(f"days must lie between 0 and {DAYS - 1}.")
    if float(losses.loss.sum(dtype=np.float64)) > 4e18:
        raise ValueError("losses of all years sum to more than 40,000 trillion yuan.")
    numbers = [contract.inuring for contract in contracts]
    if numbers != sorted(numbers):
        raise ValueError(f"inuring numbers {numbers} must not fall: list contracts in the order they pay.")


def _cede(
    contract: ReinsuranceContract, losses: EventLosses, subject: Int64Array, left: Int64Array
) -> Cession:
    due, full_event = _due(contract, subject)
    total, before = _running_totals(due, losses)
    deductible = fen(
        contract.attachment or 0.0 if contract.kind == "stop_loss" else contract.annual_deductible
    )
    most = None if contract.most_per_year is None else fen(contract.most_per_year)
    used_after = np.clip(total - deductible, 0, most)
    used_before = np.clip(before - deductible, 0, most)
    used = used_after - used_before
    ceded = np.minimum(part_of(used, contract.placed), left)
    reached = np.zeros(losses.paths, dtype=np.bool_)
    if full_event is not None:
        reached[losses.path[due >= full_event]] = True
    attached, exhausted = np.zeros_like(reached), np.zeros_like(reached)
    attached[losses.path[used > 0]] = True
    if most is not None:
        exhausted[losses.path[used_after >= most]] = True
    premium = _reinstatement_premium(contract, used_before, used_after, losses.day)
    return Cession(contract, subject, used, ceded, premium, attached, reached, exhausted)


def _due(contract: ReinsuranceContract, subject: Int64Array) -> tuple[Int64Array, int | None]:
    """Return what the contract owes for each event before the limits of the year, and its limit per event."""
    if contract.kind == "stop_loss":
        return subject, None
    due = np.maximum(subject - fen(contract.attachment or 0.0), 0)
    if contract.cession is not None:
        due = part_of(due, contract.cession)
    if contract.limit is None:
        return due, None
    limit = fen(contract.limit)
    return np.minimum(due, limit), limit


def _reinstatement_premium(
    contract: ReinsuranceContract, used_before: Int64Array, used_after: Int64Array, day: Int64Array
) -> Int64Array:
    premium: Float64Array = np.zeros(day.size)
    if contract.reinstatements and contract.limit is not None:
        limit = fen(contract.limit)
        for k, price in enumerate(contract.reinstatements):
            bought_back = np.clip(used_after - k * limit, 0, limit) - np.clip(
                used_before - k * limit, 0, limit
            )
            premium += price * bought_back
        premium *= fen(contract.premium) * contract.placed / limit
        if contract.pro_rata_time:
            premium *= (DAYS - day) / DAYS
    whole: Int64Array = np.floor(premium + _HALF_UP).astype(np.int64)
    return whole


def _running_totals(amounts: Int64Array, losses: EventLosses) -> tuple[Int64Array, Int64Array]:
    """Return the year's total with each event, and before it."""
    through = np.cumsum(amounts)
    starts, _ = _starts(losses)
    before_year = np.zeros(losses.paths, dtype=np.int64)
    before_year[losses.path[starts]] = through[starts] - amounts[starts]
    total = through - before_year[losses.path]
    return total, total - amounts


def _starts(losses: EventLosses) -> tuple[Int64Array, Int64Array]:
    """Return the positions of each year's first event, and those years' rows."""
    starts = np.flatnonzero(np.diff(losses.path, prepend=-1)).astype(np.int64)
    return starts, losses.path[starts]


def _columns(amounts: Int64Array, shares: dict[str, float]) -> dict[str, Int64Array]:
    if not shares:
        return {}
    divided = divide(amounts, shares)
    return {name: divided[:, k] for k, name in enumerate(shares)}
