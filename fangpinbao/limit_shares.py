"""Shares a limit out over the claims of each of many years, exactly to the fen."""

from __future__ import annotations

import numpy as np

from fangpinbao._typing import Float64Array, Int64Array, Uint64Array
from fangpinbao.rounding import largest_remainder

__all__ = ["share_first_come", "share_pro_rata", "sum_by_year"]


def sum_by_year(amounts: Int64Array, year: Int64Array, years: int) -> Int64Array:
    """Return the sum of integer amounts in each of ``years`` years, exact."""
    sums = np.zeros(years, dtype=np.int64)
    np.add.at(sums, year, amounts)
    return sums


def share_pro_rata(amounts: Int64Array, year: Int64Array, limit: int, ids: Uint64Array) -> Int64Array:
    """Share a limit out in each year in proportion to the amounts: see ``rounding.largest_remainder``.

    Parameters
    ----------
    amounts, year, ids
        Claims in fen, shape (n,); the year of each, counted from 0; stable ids, different within a year.
    limit
        Fen; at most what the claims of every year that occurs come to.

    Returns
    -------
    int64 array, shape (n,)
        Sums to `limit` in each year that occurs.
    """
    shared = np.zeros_like(amounts)
    in_order = np.argsort(year, kind="stable")
    for mine in np.split(in_order, np.cumsum(np.bincount(year))[:-1]):
        if mine.size:
            shared[mine] = largest_remainder(amounts[mine], limit, ids[mine])
    return shared


def share_first_come(
    amounts: Int64Array,
    limit: int,
    day: Int64Array | Float64Array,
    ids: Uint64Array,
    year: Int64Array | None = None,
) -> Int64Array:
    """Use a limit up in order of day, ties by stable id; the last claim gets what is left. Each year has its own."""
    year = np.zeros(len(amounts), dtype=np.int64) if year is None else year
    order = np.lexsort((ids, day, year))
    before = np.cumsum(amounts[order]) - amounts[order]
    before -= before[np.arange(len(order)) - _rank(year[order])] if len(order) else 0
    shared = np.zeros_like(amounts)
    shared[order] = np.clip(limit - before, 0, amounts[order])
    return shared


def _rank(sorted_years: Int64Array) -> Int64Array:
    """Position of each entry among those of its year."""
    first = np.searchsorted(sorted_years, sorted_years, side="left")
    rank: Int64Array = np.arange(len(sorted_years)) - first
    return rank
