"""What a contract owes and pays: benefits of a person, triggers, hours clause, limits in date order."""

from __future__ import annotations

import math

import numpy as np

from fangpinbao._typing import BoolArray, Float64Array, Int64Array
from fangpinbao.core.catastrophe import DEGREES, FIRST_BOTH, FIRST_DEGREE, FIRST_GRADE, GRADES, N_BENEFITS
from fangpinbao.scenario.catastrophe import AreaPeril, Contract, Earthquake, Trigger

__all__ = ["NO_LIMIT", "benefits_of", "cut_by_occurrence", "cut_in_date_order", "occurrences", "triggered"]

NO_LIMIT = 2**62
_SEVERITY = ("blue", "yellow", "orange", "red")


def fen(yuan: float) -> int:
    """Return yuan in fen, rounded half up."""
    return math.floor(yuan * 100.0 + 0.5)


def benefits_of(contract: Contract) -> Int64Array:
    """Return the benefit in fen of a person by kind of casualty, shape (N_BENEFITS,).

    Death, disability and burns of one person in one event share ``per_person``.
    """
    most = fen(contract.per_person)
    benefits = np.zeros(N_BENEFITS, dtype=np.int64)

    def owed(share: float) -> int:
        return min(fen(contract.per_person * share), most)

    benefits[0] = owed(contract.death_share)
    for g in range(GRADES):
        benefits[FIRST_GRADE + g] = owed(contract.disability_scale[g])
        for d in range(DEGREES):
            both = contract.disability_scale[g] + contract.burn_scale[d]
            benefits[FIRST_BOTH + DEGREES * g + d] = owed(both)
    for d in range(DEGREES):
        benefits[FIRST_DEGREE + d] = owed(contract.burn_scale[d])
    return benefits


def triggered(
    trigger: Trigger,
    peril: Earthquake | AreaPeril,
    size: Float64Array,
    intensity: Float64Array,
    deaths: Int64Array,
) -> BoolArray:
    """Return which events meet one of the trigger's conditions; arguments have the shape of the events."""
    met = np.zeros(size.shape, dtype=np.bool_)
    if trigger.size is not None:
        met |= size >= trigger.size
    if trigger.intensity is not None:
        met |= intensity >= trigger.intensity
    if trigger.warning is not None and peril.warning_levels is not None:
        levels = [
            getattr(peril.warning_levels, name) for name in _SEVERITY[_SEVERITY.index(trigger.warning) :]
        ]
        met |= size >= min(level for level in levels if level is not None)
    if trigger.declared and peril.declared_from is not None:
        met |= size >= peril.declared_from
    if trigger.deaths is not None:
        met |= deaths >= trigger.deaths
    return met


def occurrences(row: Int64Array, day: Int64Array, peril: Int64Array, hours: dict[int, float]) -> Int64Array:
    """Return the number of the occurrence of each event, in order of its first event.

    Events of one peril in one row that begin within ``hours[peril]`` of the first of them are one occurrence;
    an event has a day, so within H hours means fewer than H / 24 days apart. Events are sorted by row and day.
    """
    leader = np.arange(row.size, dtype=np.int64)
    merged = np.flatnonzero(np.isin(peril, list(hours)))
    if not merged.size:
        return leader
    # Only perils with a clause, and only events that follow another of theirs in the same row, can join.
    kind = row[merged] * (int(peril.max()) + 1) + peril[merged]
    _, of_kind, count = np.unique(kind, return_inverse=True, return_counts=True)
    several = count[of_kind] > 1
    places = merged[several]
    first: dict[int, tuple[int, int]] = {}
    for e, group, date, span in zip(
        places.tolist(), of_kind[several].tolist(), day[places].tolist(),
        [hours[q] for q in peril[places].tolist()], strict=True,
    ):  # fmt: skip
        began = first.get(group)
        if began is not None and (date - began[0]) * 24.0 < span:
            leader[e] = began[1]
        else:
            first[group] = (date, e)
    return np.asarray(np.unique(leader, return_inverse=True)[1], dtype=np.int64)


def cut_by_occurrence(owed: Int64Array, occurrence: Int64Array, limit: int) -> Int64Array:
    """Cut each occurrence to a limit; within it, its events are paid in date order."""
    if limit >= NO_LIMIT:
        return owed
    order = np.argsort(occurrence, kind="stable")
    cut = np.empty_like(owed)
    cut[order] = cut_in_date_order(owed[order], occurrence[order], limit)
    return cut


def cut_in_date_order(owed: Int64Array, period: Int64Array, limit: int) -> Int64Array:
    """Cut the events of each period to a common limit, used up in date order.

    Parameters
    ----------
    owed : shape (e,)
        Fen, events sorted by period and date.
    period : shape (e,)
        Year or term of each event, rising.
    """
    if limit >= NO_LIMIT or owed.size == 0:
        return owed
    total = np.cumsum(owed)
    starts = np.flatnonzero(np.concatenate(([True], period[1:] != period[:-1])))
    before = np.repeat(total[starts] - owed[starts], np.diff(np.concatenate((starts, [owed.size]))))
    through = np.minimum(total - before, limit)
    return np.asarray(through - np.minimum(total - before - owed, limit))
