"""Losses of dated events: what contracts, reinsurance, a pool and a fund read, and what exchange tables hold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fangpinbao._typing import Int64Array

__all__ = ["EventLosses"]


@dataclass(frozen=True, eq=False)
class EventLosses:
    """Losses of dated events over simulated years, sorted by (path, day, event).

    Attributes
    ----------
    paths
        Number of simulated years (rows); the years of a term are rows that follow each other.
    path : int array, shape (e,)
        Row of the year, 0 to ``paths - 1``.
    day : int array, shape (e,)
        Day of the year, 0 to 364.
    event : int array, shape (e,)
        Event id, the same in every run with the same seed.
    peril : int array, shape (e,)
        Index into `perils`.
    loss : int array, shape (e,)
        Fen.
    perils
        Names of the perils.
    """

    paths: int
    path: Int64Array
    day: Int64Array
    event: Int64Array
    peril: Int64Array
    loss: Int64Array
    perils: tuple[str, ...]

    def __post_init__(self) -> None:
        columns = (self.path, self.day, self.event, self.peril, self.loss)
        if any(column.shape != self.path.shape or column.ndim != 1 for column in columns):
            raise ValueError(f"columns of events differ in shape: {[column.shape for column in columns]}.")
        if self.path.size == 0:
            return
        if self.path.min() < 0 or self.path.max() >= self.paths:
            raise ValueError(f"rows of events must lie within 0 to {self.paths - 1}.")
        if self.loss.min() < 0:
            raise ValueError("a loss of an event is negative.")
        order = np.lexsort((self.event, self.day, self.path))
        if not np.array_equal(order, np.arange(self.path.size)):
            raise ValueError("events must be sorted by path, day and event.")

    def __len__(self) -> int:
        return int(self.path.size)

    def by_year(self) -> Int64Array:
        """Return the loss of each year in fen, shape (paths,)."""
        total = np.zeros(self.paths, dtype=np.int64)
        np.add.at(total, self.path, self.loss)
        return total

    def largest_by_year(self) -> Int64Array:
        """Return the largest loss of a single event of each year in fen, shape (paths,)."""
        largest = np.zeros(self.paths, dtype=np.int64)
        np.maximum.at(largest, self.path, self.loss)
        return largest
