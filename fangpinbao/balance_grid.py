"""A fund's balance on a grid: the law of the balance forward in time, the chance of ruin backward.

The recursion is that of :mod:`fangpinbao.fund`. Rounding is `safe` (balances down, claims up), `bold` (the
reverse) or `near`; the first two bracket the chance of ruin.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from fangpinbao._typing import Float64Array, Int64Array
from fangpinbao.reinsurance import fen
from fangpinbao.scenario.reinsurance import CatastropheFund

__all__ = ["BalanceGrid", "Rounding", "backward", "forward"]

Rounding = Literal["safe", "near", "bold"]


@dataclass(frozen=True)
class BalanceGrid:
    """Balances ``0, step, 2 step, ...``, and where the available money of each lies."""

    step: int
    available: Int64Array
    ceiling: int | None
    rounding: Rounding

    @classmethod
    def over(
        cls,
        top: int,
        cells: int,
        fund: CatastropheFund,
        paid_in: int,
        rounding: Rounding,
        largest_claim: int,
    ) -> BalanceGrid:
        """Lay a grid of `cells` or so over the balances 0 to `top`, in fen."""
        step = max(1, -(-top // cells))
        balances = step * np.arange(-(-top // step) + 1, dtype=np.int64)
        available = _whole((balances + paid_in) * (1.0 + fund.interest) / step, rounding)
        # More than this leaves the top after any claim: it need not be told apart.
        available = np.minimum(available, balances.size + -(-largest_claim // step))
        ceiling = None if fund.ceiling is None else int(_whole(np.array(fen(fund.ceiling) / step), rounding))
        return cls(step, available, ceiling, rounding)

    def index(self, balance: int) -> int:
        """Return the position of a balance."""
        return min(int(_whole(np.array(balance / self.step), self.rounding)), self.available.size - 1)

    def error_after(self, t: int, interest: float) -> float:
        """Most that rounding can move a balance in t years, in yuan; none on whole fen without interest."""
        if self.step == 1 and interest == 0.0:
            return 0.0
        growth = sum((1.0 + interest) ** k for k in range(t))
        return self.step * growth / 100.0

    def cell_of(self, claims: Int64Array) -> Int64Array:
        """Return each claim as a multiple of `step`; the last cell is beyond all money."""
        opposite: dict[Rounding, Rounding] = {"safe": "bold", "near": "near", "bold": "safe"}
        return np.minimum(_whole(claims / self.step, opposite[self.rounding]), self.claim_cells - 1)

    @property
    def claim_cells(self) -> int:
        """Number of cells of the law of claims."""
        return int(self.available[-1]) + 2


def _whole(place: Float64Array, rounding: Rounding) -> Int64Array:
    """Round a balance: down is safe, up is bold; noise of floating point decides nothing."""
    noise = 1e-9 * np.maximum(1.0, np.abs(place) * 1e-3)
    if rounding == "safe":
        rounded = np.floor(place + noise)
    elif rounding == "bold":
        rounded = np.ceil(place - noise)
    else:
        rounded = np.floor(place + 0.5)
    whole: Int64Array = rounded.astype(np.int64)
    return whole


def backward(grid: BalanceGrid, laws: Float64Array, horizon: int) -> Iterator[Float64Array]:
    """Yield, for t from 1 to the horizon, the chance of ruin within t years, shape (rows, balances).

    ``laws`` are laws of a year's claim in cells of the grid, shape (rows, claim_cells).
    """
    size, top = grid.claim_cells - 1, grid.available.size - 1
    length = 1 << (2 * size - 1).bit_length()
    transformed = np.fft.rfft(laws[:, :size], length)
    beyond = 1.0 - np.cumsum(laws[:, :size], axis=1)
    places = np.arange(size)
    if grid.ceiling is not None:
        places = np.minimum(places, grid.ceiling)
    ruined = np.zeros((laws.shape[0], top + 1))
    for _ in range(horizon):
        later = ruined[:, np.minimum(places, top)]
        if grid.rounding == "bold":
            later[:, places > top] = 0.0
        survived = np.fft.irfft(transformed * np.fft.rfft(later, length), length)[:, :size]
        ruined = np.clip(beyond + survived, 0.0, 1.0)[:, grid.available]
        yield ruined


def forward(
    grid: BalanceGrid, laws: Float64Array, mean_beyond: Float64Array, start: int, horizon: int
) -> Iterator[tuple[Float64Array, Float64Array]]:
    """Yield, year by year, the law of the balance [rows, balances] and the mean shortfall of the year [rows].

    ``mean_beyond`` is, per row, the mean of the claims in the last cell, times their chance; like the
    shortfall it is in steps.
    """
    size, top = grid.claim_cells - 1, grid.available.size - 1
    length = 1 << (2 * size - 1).bit_length()
    transformed = np.conj(np.fft.rfft(laws[:, :size], length))
    # E[(claim - available)+]: claims on the grid by two sums of tails, and those beyond it.
    tails = np.cumsum(laws[:, :size][:, ::-1], axis=1)[:, ::-1]
    none = np.zeros((laws.shape[0], 1))
    excess = np.concatenate([np.cumsum(tails[:, :0:-1], axis=1)[:, ::-1], none], axis=1)
    excess += mean_beyond[:, None] - np.arange(size) * laws[:, size:]
    first = np.flatnonzero(np.diff(grid.available, prepend=-1))
    most = top if grid.ceiling is None else min(grid.ceiling, top)
    now = np.zeros((laws.shape[0], top + 1))
    now[:, start] = 1.0
    for _ in range(horizon):
        available = np.zeros((laws.shape[0], size))
        available[:, grid.available[first]] = np.add.reduceat(now, first, axis=1)
        shortfall = np.sum(available * excess, axis=1)
        left = np.fft.irfft(np.fft.rfft(available, length) * transformed, length)[:, :size].clip(0.0)
        now = np.zeros_like(now)
        now[:, : most + 1] = left[:, : most + 1]
        now[:, most] += left[:, most + 1 :].sum(axis=1)
        now[:, 0] += 1.0 - left.sum(axis=1)
        yield now, shortfall
