"""Losses of dated events over simulated years: what hazard models hand to reinsurance, pool and fund."""

from __future__ import annotations

from dataclasses import dataclass

from fangpinbao._typing import Int64Array

__all__ = ["EventLosses"]


@dataclass(frozen=True)
class EventLosses:
    """Losses of dated events over simulated years; sorted by (path, day, event).

    Attributes
    ----------
    paths
        Number of simulated years; a row is a year, also one without events.
    path : int64 array, shape (e,)
        Row of the year, 0 to paths - 1.
    day : int64 array, shape (e,)
        Day of the year, 0 to 364.
    event : int64 array, shape (e,)
        Stable id of the event.
    peril : int64 array, shape (e,)
        Index into `perils`.
    loss : int64 array, shape (e,)
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
