"""What years need in which a limit over all units binds: the days of claims, and what is left where a claim is cut."""

from __future__ import annotations

import numpy as np

from fangpinbao._jit import kernel
from fangpinbao._typing import Int64Array
from fangpinbao.core import layout as at
from fangpinbao.core.events import day_of
from fangpinbao.core.schedule import half_up
from fangpinbao.core.structures import Block, Work

__all__ = ["days_of_units", "find_payments", "last_days", "leave_cut", "places_of"]


def places_of(payments: Int64Array) -> Int64Array:
    """Return where the payments of an array are, as positions in it."""
    flat = payments.reshape(-1)
    places = np.empty(flat.size, dtype=np.int64)
    return places[: find_payments(flat, places)].copy()


def days_of_units(work: Work, block: Block, years: int, reads: Int64Array) -> Int64Array:
    """Return the day of each unit's last event that a step reads in the batch just settled: [steps, years, units]."""
    days = np.zeros((len(reads), years, block.persons + block.households), dtype=np.int64)
    last_days(work.runs, block.persons, work.run, work.event, work.word, work.row, block.home, reads, days)
    return days


@kernel
def find_payments(payments, places):
    """List what is not 0; returns how many there are. Few are, and a branch would often be guessed wrong."""
    n = np.int64(0)
    for i in range(payments.shape[0]):
        places[n] = i
        n += np.int64(payments[i] != 0)
    return n


@kernel
def last_days(runs, block_persons, run, event, word, row, home, reads, days):
    """Write the day of each unit's last event that a step reads; a household's events are its members' too.

    ``reads`` [steps, accounts] is 1 where a step reads an account, ``days`` [steps, years, units] of one batch.
    Certain costs fall on day 0, which ``days`` holds before.
    """
    year, units, accounts = event[at.EV_YEAR], event[at.EV_UNIT], event[at.EV_ACCOUNT]
    for g in range(runs):
        is_person = run[at.RUN_PERSON, g] == 1
        for e in range(run[at.RUN_FIRST, g], run[at.RUN_END, g]):
            day, unit, h = np.int64(-1), np.int64(units[e]), np.int64(units[e])
            if is_person:
                unit = np.int64(row[at.ROW_PERSON, unit])
                h = np.int64(home[unit])
            for k in range(reads.shape[0]):
                if reads[k, accounts[e]] == 1:
                    day = day_of(word[e]) if day < 0 else day
                    of_year = days[k, year[e]]
                    of_year[block_persons + h] = max(of_year[block_persons + h], day)
                    if is_person:
                        of_year[unit] = max(of_year[unit], day)


@kernel
def leave_cut(
    s, years, block_persons, n_person, n_components, step, read, write, first_of_year, row, slot, buffer, held, allowed
):
    """Leave to the steps behind ``s`` what a limit over all has cut off its payments.

    The step has just been run. Its cumulative payment and what it leaves are written anew for whoever is allowed
    another sum than its terms would pay: it pays that sum of the same costs, in the same proportion.
    """
    is_person = step[s, at.LEVEL] == 0
    side, low, high = (0, 0, n_person) if is_person else (1, n_person, n_components)
    whose = row[at.ROW_PERSON] if is_person else slot[at.SLOT_HOUSEHOLD]
    shift = np.int64(0) if is_person else block_persons
    source = buffer if is_person else held
    before = source[step[s, at.CUM_IN] if is_person else step[s, at.HOUSEHOLD_CUM_IN]]
    after = source[step[s, at.CUM_OUT] if is_person else step[s, at.HOUSEHOLD_CUM_OUT]]
    for y in range(years):
        of_year = allowed[s, y]
        for i in range(first_of_year[side, y], first_of_year[side, y + 1]):
            limited = of_year[shift + np.int64(whose[i])]
            if limited == 0 or np.int64(half_up(after[i]) - half_up(before[i])) == limited - 1:
                continue
            x = 0.0
            for c in range(low, high):
                if read[s, c] >= 0:
                    x += source[read[s, c], i]
            paid = min(np.float64(limited - 1), x)
            after[i] = before[i] + paid
            for c in range(low, high):
                if write[s, c] >= 0:
                    source[write[s, c], i] = source[read[s, c], i] * (1.0 - paid / x)
