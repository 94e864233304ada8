"""Relief that programmes pay: gaps to a standard, cost left to bear, sums by head, exit periods, loans.

Entries of a programme follow its stack, one after the other: what insurance has paid is no longer borne, and what an
entry has paid fills the gap for the next, both also where it comes late. Tests are decided in the world "none", as
those of coverages.
"""

from __future__ import annotations

import numpy as np

from fangpinbao._jit import kernel
from fangpinbao.core import layout as at
from fangpinbao.core.schedule import half_up
from fangpinbao.core.steps import open_changes
from fangpinbao.core.streams import mix64

__all__ = ["BASE_YEAR", "PAST_YEAR", "THIS_YEAR", "mark_debtors", "pay_relief"]

BASE_YEAR, THIS_YEAR, PAST_YEAR = 0, 1, 2
"""The year without events; a simulated year; a year before it, of which only the loans are kept."""

_S32 = np.uint64(32)
_LOW = np.uint64(0xFFFF_FFFF)


@kernel
def mark_debtors(first_year, years, households, book, home_mark):
    """Mark the households that pay a loan back; ``book`` [loans, years, households] is what falls due, fen."""
    width = (households + 7) // 8 * 8
    for loan in range(book.shape[0]):
        for y in range(years):
            owed, marks = book[loan, first_year + y], home_mark[y * width : y * width + households]
            for h in range(households):
                if owed[h] != 0:
                    marks[h] = 1


@kernel
def pay_relief(
    first_year, slots, mode, block_persons, relief_counts, relief, terms, phase, due, keys, household,
    household_word, relief_rate, slot, total, change, gate_open, scratch, listed, sizes, step_sums, collected, book,
):
    """Pay the entries of all programmes to the slots, and take back what falls due of earlier loans.

    ``phase`` [entries, months] is the share of the year that a period pays by its first month, the earliest first;
    ``book`` [loans, years, households] holds what falls due, or, of a year before, takes what is lent.
    """
    home, year, place = slot[at.SLOT_HOUSEHOLD], slot[at.SLOT_YEAR], slot[at.SLOT_CHANGE]
    start, tested_income = household[at.INCOME_START], household[at.INCOME_TESTED]
    left, amounts, late = scratch[0], scratch[1], scratch[2]
    for e in range(relief.shape[0]):
        p, kind, on = relief[e, at.RELIEF_PROGRAMME], relief[e, at.RELIEF_BASE], relief[e, at.RELIEF_ON]
        if e == 0 or p != relief[e - 1, at.RELIEF_PROGRAMME]:
            for s in range(slots):
                late[s] = 0
                left[s] = start[home[s]] + total[at.RELIEF_PAID, s] - total[at.RESOURCE, s]
                k = np.int64(place[s]) - 1
                if k >= 0:
                    left[s] -= change[k, p, at.ADJUST] - change[k, p, at.FIXED] + change[k, p, at.LATER]
        gate, phases, loan = relief[e, at.RELIEF_GATE], relief[e, at.RELIEF_PHASES], relief[e, at.RELIEF_LOAN]
        if mode == PAST_YEAR and loan >= 0:
            for s in range(slots):
                book[loan, first_year + np.int64(year[s]), home[s]] = 0
        n = np.int64(0)
        for s in range(slots):
            h = home[s]
            cap = due[at.DUE_CAP, e, h]
            if cap == 0 or (gate >= 0 and gate_open[gate, s] == 0):
                continue
            base = due[at.DUE_BASE, e, h]
            if kind == at.BORNE_BASE:
                base = np.int64(left[s])
            elif kind == at.GAP_BASE:
                have = total[at.RESOURCE, s]
                if on != at.ON_RESOURCES:
                    have = tested_income[h] - total[at.LOST, s] + total[at.RELIEF_PAID, s]
                    have -= total[at.SPENDING, s] if on == at.ON_NET_INCOME else np.int64(0)
                k = np.int64(place[s]) - 1
                if k >= 0:
                    have += change[k, p, at.AID] + np.int64(late[s])
                    if relief[e, at.RELIEF_COUNTS] == 1:
                        adjust = change[k, p, at.ADJUST]
                        have += adjust
                        if relief_counts == 1 and adjust > 0:
                            have -= min(np.int64(half_up(adjust * relief_rate[h])), total[at.RELIEF_PAID, s])
                base -= have
            if base <= 0:
                continue
            amount = terms[e, at.RELIEF_RATE] * min(base, cap)
            if mode != BASE_YEAR:
                key = keys[e, first_year + np.int64(year[s])]
                word = mix64(key + household_word[h])
                if np.float64(word >> _S32) >= terms[e, at.RELIEF_TAKE_UP]:
                    continue
                if phases > 0:
                    month = np.float64(word & _LOW) / terms[e, at.RELIEF_PHASE]
                    if month >= phases:
                        continue
                    amount *= phase[e, np.int64(month)]
            whole = np.int64(half_up(amount))
            if kind == at.BORNE_BASE:
                whole = min(whole, base)
            if whole > 0:
                listed[n], amounts[n] = s, whole
                n += 1
        open_changes(n, listed, slot, sizes, change)
        row, late_row = relief[e, at.RELIEF_ROW], relief[e, at.RELIEF_LATE_ROW]
        for j in range(n):
            s, paid = listed[j], np.int64(amounts[j])
            h, y, k = home[s], first_year + np.int64(year[s]), np.int64(place[s]) - 1
            in_time = paid
            if late_row >= 0:
                in_time = np.int64(half_up(paid * terms[e, at.RELIEF_IN_TIME]))
                late[s] += paid - in_time
                step_sums[0, y, late_row] += paid - in_time
                step_sums[1, y, late_row] += np.int64(paid > in_time)
                if collected.shape[1] > 0:
                    collected[late_row, np.int64(year[s]), block_persons + h] = paid - in_time
            if kind == at.BORNE_BASE:
                left[s] -= paid
            change[k, p, at.TOUCHED] = 1
            change[k, p, at.AID] += in_time
            step_sums[0, y, row] += paid
            step_sums[1, y, row] += 1
            if collected.shape[1] > 0:
                collected[row, np.int64(year[s]), block_persons + h] = paid
            if mode == PAST_YEAR and loan >= 0:
                book[loan, y, h] = paid
    if mode != THIS_YEAR or book.shape[0] == 0:
        return
    for e in range(relief.shape[0]):
        p, row, loan = relief[e, at.RELIEF_PROGRAMME], relief[e, at.RELIEF_REPAID_ROW], relief[e, at.RELIEF_LOAN]
        if loan < 0:
            continue
        n = np.int64(0)
        for s in range(slots):
            owed = book[loan, first_year + np.int64(year[s]), home[s]]
            listed[n], amounts[n] = s, owed
            n += np.int64(owed != 0)
        open_changes(n, listed, slot, sizes, change)
        for j in range(n):
            s, owed = listed[j], np.int64(amounts[j])
            y, k = first_year + np.int64(year[s]), np.int64(place[s]) - 1
            change[k, p, at.TOUCHED] = 1
            change[k, p, at.AID] -= owed
            step_sums[0, y, row] += owed
            step_sums[1, y, row] += 1
            if collected.shape[1] > 0:
                collected[row, np.int64(year[s]), block_persons + home[s]] = owed
