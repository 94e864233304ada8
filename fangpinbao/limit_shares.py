"""Shares a limit out over the claims of each of many years, exactly to the fen."""

from __future__ import annotations

import numpy as np

from fangpinbao._typing import Float64Array, Int64Array, Uint64Array
from fangpinbao.rounding import largest_remainder

__all__ = ["share_first_come", "share_pro_rata", "sum_by_year"]

_LARGEST_INT64 = np.iinfo(np.int64).max


def sum_by_year(amounts: Int64Array, year: Int64Array, years: int) -> Int64Array:
    """Return the sum of integer amounts in each of ``years`` years, exact."""
    sums = np.zeros(years, dtype=np.int64)
    np.add.at(sums, year, amounts)
    return sums


def share_pro_rata(amounts: Int64Array, year: Int64Array, limit: int, ids: Uint64Array) -> Int64Array:
    """Share a limit out in each year in proportion to the amounts: ``rounding.largest_remainder``, years at once.

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
    if not amounts.size:
        return amounts
    shared = np.zeros_like(amounts)
    if int(amounts.max()) * limit > _LARGEST_INT64:
        for one in np.unique(year):
            mine = year == one
            shared[mine] = largest_remainder(amounts[mine], limit, ids[mine])
        return shared
    years = int(year.max()) + 1
    totals = sum_by_year(amounts, year, years)
    shared, rest = np.divmod(amounts * np.int64(limit), totals[year])
    left_over = limit - sum_by_year(shared, year, years)
    in_order = np.argsort(
        year.astype(np.uint16) if years < 1 << 16 else year, kind="stable"
    )  # short: a radix sort
    for mine in np.split(in_order, np.cumsum(np.bincount(year))[:-1]):
        if mine.size and left_over[year[mine[0]]]:
            shared[_largest(rest, ids, mine, int(left_over[year[mine[0]]]))] += 1
    return shared


def _largest(rest: Int64Array, ids: Uint64Array, mine: Int64Array, count: int) -> Int64Array:
    """Return the ``count`` of the claims listed in ``mine`` with the largest remainders, ties by id."""
    least = np.partition(rest[mine], len(mine) - count)[len(mine) - count]
    above, at_least = mine[rest[mine] > least], mine[rest[mine] == least]
    chosen = at_least[np.argsort(ids[at_least])[: count - len(above)]]
    return np.concatenate([above, chosen])


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
