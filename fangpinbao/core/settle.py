"""Gathers drawn events into persons and households of a year, and the sums that steps share.

Rows are persons in a year, slots are households in a year, both in order of year and position, so the rows of
a slot and the slots of a year lie side by side. Only households for which the year can matter get a slot: the
sums of a person's payments need none. Reference: the plain-Python twin in ``tests/twin.py`` does the
same for one household at a time.

Money rule: the cumulative payment through step k is a real number, rounded half-up once; step k pays the
difference of two rounded cumulatives. So payments and the household's share add up to the cost exactly.
"""

from __future__ import annotations

import numpy as np

from fangpinbao._jit import inlined, kernel
from fangpinbao.core import layout as at
from fangpinbao.core.events import day_of, first_at_least, where_set
from fangpinbao.core.schedule import EPSILON

__all__ = [
    "evaluate",
    "event_terms",
    "fill_rows",
    "fill_slots",
    "list_slots",
    "mark_payable",
    "share_out",
    "start_rows",
]


@kernel
def start_rows(years, households, runs, rows, run, event, row, cell, spent, home_mark, home_payable):
    """Note where each household's rows end in each year, and clear what is kept by household and year.

    Households to whose own accounts an event of a member is booked are marked like those that are struck.
    """
    width = (households + 7) // 8 * 8
    ends, starts, slot_of = cell[at.CELL_ROWS_END], cell[at.CELL_ROWS_START], cell[at.CELL_SLOT]
    for i in range(years * width):
        ends[i], slot_of[i] = 0, at.NOBODY
    for i in range(years * width):
        spent[0, i], spent[1, i] = 0, 0
    for i in range(years * width):
        home_payable[i] = 0
    cells = row[at.ROW_CELL]
    for r in range(rows):
        ends[cells[r]] = r + 1
    for r in range(rows - 1, -1, -1):
        starts[cells[r]] = r
    for g in range(runs):
        if run[at.RUN_PERSON, g] == 0:
            for e in range(run[at.RUN_FIRST, g], run[at.RUN_END, g]):
                home_mark[np.int64(event[at.EV_YEAR, e]) * width + event[at.EV_UNIT, e]] = 1


@kernel
def mark_payable(rows, n_person, payable_reads, payable_floor, none_buffer, buffer, row, x, mask, place, home_payable):
    """Mark the cells of rows that some coverage could pay: what "none" leaves reaches the least of its terms.

    ``payable_reads`` [sets, components] lists the distinct sets of costs that coverages read.
    """
    cells = row[at.ROW_CELL]
    for g in range(payable_reads.shape[0]):
        for r in range(rows):
            x[r] = 0.0
        for c in range(n_person):
            if payable_reads[g, c] == 1:
                column = buffer[none_buffer[c]]
                for r in range(rows):
                    x[r] += column[r]
        floor = payable_floor[g]
        for r in range(rows):
            mask[r] = (x[r] >= floor) & (x[r] > 0.0)
        for j in range(where_set(mask, rows, place)):
            home_payable[cells[place[j]]] = 1


@kernel
def list_slots(
    years, households, all_touched, base_home, cell, spent, home_mark, home_payable, mask, place, slot,
    first_of_year, sizes,
):
    """Give a slot to every household-year that can matter for a programme or a line.

    That is one that is marked, or whose members' spending leaves the slack that the household has, or that has a
    payable row and passes a test of moment ``after_shock``; with ``all_touched`` 1 every one that is touched.
    Writes ``first_of_year`` (first slot) and the number of slots.
    """
    width = (households + 7) // 8 * 8
    slack, medical_slack = base_home[at.SPENDING_SLACK], base_home[at.MEDICAL_SLACK]
    gate_slack = base_home[at.GATE_SLACK]
    slots = np.int64(0)
    for y in range(years):
        low = y * width
        ends, marks = cell[at.CELL_ROWS_END, low : low + households], home_mark[low : low + households]
        spending, medical = spent[0, low : low + households], spent[1, low : low + households]
        payable = home_payable[low : low + households]
        if all_touched == 1:
            for h in range(households):
                mask[h] = (ends[h] != 0) | (marks[h] != 0)
        else:
            for h in range(households):
                matters = (spending[h] > slack[h]) | (medical[h] > medical_slack[h])
                tested = (payable[h] != 0) & (spending[h] > gate_slack[h])
                mask[h] = ((ends[h] != 0) & (matters | tested)) | (marks[h] != 0)
        first_of_year[1, y] = slots
        found = where_set(mask, households, place)
        mine = slot[:, slots : slots + found]
        starts, slot_of = cell[at.CELL_ROWS_START, low : low + households], cell[at.CELL_SLOT, low : low + households]
        for i in range(found):
            mine[at.SLOT_HOUSEHOLD, i], mine[at.SLOT_YEAR, i] = place[i], y
            mine[at.SLOT_EVENT, i], mine[at.SLOT_CHANGE, i] = at.NOBODY, 0
        for i in range(found):
            end = ends[place[i]]
            mine[at.SLOT_ROWS_END, i] = end
            mine[at.SLOT_ROW, i] = starts[place[i]] if end != 0 else end
        for i in range(found):
            slot_of[place[i]] = slots + i
        slots += found
    first_of_year[1, years] = slots
    sizes[3] = slots


@kernel
def fill_rows(
    first_year, runs, rows, n_person, run, booking, event, money, account, row, row_count, buffer, base, base_any,
    ground_up,
):
    """Sum events and certain costs into rows, chain each person's events, and sum all events by year and account."""
    for c in range(n_person + 1):  # the last one: nothing is paid before the first step
        column = buffer[c]
        if c < n_person and base.shape[1] > 0 and base_any[c] == 1:
            for r in range(rows):
                column[r] = base[c, row[at.ROW_PERSON, r]]
        else:
            for r in range(rows):
                column[r] = 0.0
    for d in range(row_count.shape[0]):
        for r in range(rows):
            row_count[d, r] = 0.0
    last = row[at.ROW_EVENT]
    for r in range(rows):
        last[r] = at.NOBODY
    year, units, following = event[at.EV_YEAR], event[at.EV_UNIT], event[at.EV_NEXT]
    whole, scope = money[0], money[1]
    for g in range(runs):
        low, high = run[at.RUN_FIRST, g], run[at.RUN_END, g]
        if low == high:
            continue
        a = booking[run[at.RUN_BOOKING, g], at.ACCOUNT]
        e = low
        while e < high:  # events of a run are in order of year
            y = year[e]
            stop = first_at_least(year, np.int64(e), np.int64(high), np.int64(y) + 1)
            amounts, total = whole[e:stop], np.int64(0)
            for i in range(stop - e):
                total += np.int64(amounts[i])
            ground_up[first_year + np.int64(y), a] += total
            e = stop
        if run[at.RUN_PERSON, g] == 0:
            continue
        inner, outer = buffer[account[at.INSIDE, a]], buffer[account[at.OUTSIDE, a]]
        mine, inside, all_of_it, next_of = units[low:high], scope[low:high], whole[low:high], following[low:high]
        for i in range(high - low):
            inner[mine[i]] += inside[i]
        for i in range(high - low):
            outer[mine[i]] += all_of_it[i] - inside[i]
        for i in range(high - low):
            next_of[i] = last[mine[i]]
            last[mine[i]] = low + i
        if account[at.COUNT_GROUP, a] >= 0:
            counted, counts = row_count[account[at.COUNT_GROUP, a]], event[at.EV_COUNT, low:high]
            for i in range(high - low):
                counted[mine[i]] += counts[i]


@kernel
def fill_slots(
    runs, slots, households, n_person, run, booking, event, money, account, cell, slot, held, household_base
):
    """Sum events and certain costs of households' own accounts into slots, and chain the events."""
    width = (households + 7) // 8 * 8
    for c in range(held.shape[0]):
        column = held[c]
        if household_base.shape[1] > 0 and n_person + c < household_base.shape[0]:
            for s in range(slots):
                column[s] = household_base[n_person + c, slot[at.SLOT_HOUSEHOLD, s]]
        else:
            for s in range(slots):
                column[s] = 0.0
    last = slot[at.SLOT_EVENT]
    for g in range(runs):
        if run[at.RUN_PERSON, g] == 1:
            continue
        a = booking[run[at.RUN_BOOKING, g], at.ACCOUNT]
        inner = held[account[at.INSIDE, a] - n_person]
        for e in range(run[at.RUN_FIRST, g], run[at.RUN_END, g]):
            s = cell[at.CELL_SLOT, np.int64(event[at.EV_YEAR, e]) * width + event[at.EV_UNIT, e]]
            inner[s] += money[0, e]
            event[at.EV_NEXT, e] = last[s]
            last[s] = e


@inlined
def _hinges(chosen, v, amounts, payments, n, hinge, hinge_count):
    """Apply one schedule; four hinges in one pass, absent ones with slope 0."""
    count = hinge_count[chosen, 0]
    for k in range(0, max(count, 1), 4):
        a, b, c, d = min(k, count - 1), min(k + 1, count - 1), min(k + 2, count - 1), min(k + 3, count - 1)
        start_a, start_b, start_c, start_d = 0.0, 0.0, 0.0, 0.0
        bend_a, bend_b, bend_c, bend_d = 0.0, 0.0, 0.0, 0.0
        if count > k:
            start_a, bend_a = hinge[0, chosen, a, v], hinge[1, chosen, a, v]
            start_b, bend_b = hinge[0, chosen, b, v], hinge[1, chosen, b, v] if k + 1 < count else 0.0
            start_c, bend_c = hinge[0, chosen, c, v], hinge[1, chosen, c, v] if k + 2 < count else 0.0
            start_d, bend_d = hinge[0, chosen, d, v], hinge[1, chosen, d, v] if k + 3 < count else 0.0
        kept = 0.0 if k == 0 else 1.0
        for i in range(n):
            over_a, over_b = max(amounts[i] - start_a, 0.0), max(amounts[i] - start_b, 0.0)
            over_c, over_d = max(amounts[i] - start_c, 0.0), max(amounts[i] - start_d, 0.0)
            first = bend_a * over_a + bend_b * over_b + (bend_c * over_c + bend_d * over_d)
            payments[i] = first if kept == 0.0 else payments[i] + first
    if hinge_count[chosen, 1] == 1:
        for k in range(count):
            start, jump = hinge[0, chosen, k, v], hinge[2, chosen, k, v]
            if jump != 0.0:
                for i in range(n):
                    payments[i] += jump if amounts[i] - start >= -EPSILON else 0.0


@kernel
def evaluate(chosen, present, amounts, payments, spare, variant, n, hinge, hinge_count):
    """Apply schedule set ``chosen`` to ``n`` amounts.

    ``present`` has a bit for each variant that occurs; with more than one, ``variant`` tells whose is whose,
    and every schedule is applied to all amounts: cheaper than to look each amount's schedule up.
    """
    if present & (present - 1) == 0:
        v = np.int64(0)
        while present >> (v + 1) != 0:
            v += 1
        _hinges(chosen, v, amounts, payments, n, hinge, hinge_count)
        return
    for i in range(n):
        payments[i] = 0.0
    for v in range(1, hinge.shape[3]):  # schedule 0 of several pays nothing
        if (present >> v) & 1 == 1:
            _hinges(chosen, v, amounts, spare, n, hinge, hinge_count)
            for i in range(n):  # a product, since a choice between two arrays is no vector code
                payments[i] += spare[i] * np.float64(variant[i] == v)


@inlined
def _left_of(event_scope, event_amount, inside, outside, s, place, read, cells):
    """What is left of a person's event before step ``s``, of the parts that the step reads."""
    left, rest = 0.0, event_amount - event_scope
    if read[s, inside] >= 0 and event_scope > 0.0:
        left += event_scope * cells[read[s, inside], place] / cells[inside, place]
    if read[s, outside] >= 0 and rest > 0.0:
        left += rest * cells[read[s, outside], place] / cells[outside, place]
    return left


@inlined
def _home_left(event_amount, inside, s, mine, n_person, read, held):
    """What is left of a household's event before step ``s``."""
    if read[s, inside] < 0 or event_amount <= 0.0:
        return 0.0
    return event_amount * held[read[s, inside], mine] / held[inside - n_person, mine]


@inlined
def _event_payment(chosen, amount, hinge, hinge_count):
    payment = 0.0
    for k in range(hinge_count[chosen, 0]):
        over = amount - hinge[0, chosen, k, 0]
        payment += hinge[1, chosen, k, 0] * max(over, 0.0)
        payment += hinge[2, chosen, k, 0] if over >= -EPSILON else 0.0
    return payment


@kernel
def event_terms(
    s, rows, slots, is_person, chosen, waiting, n_person, row, slot, cell, event, money, word, account, read,
    reads_account, buffer, held, sums, hinge, hinge_count,
):
    """Sum the payments of per-event terms into ``sums``, by row of a person's step or slot of a household's."""
    for r in range(rows):
        e = row[at.ROW_EVENT, r]
        while e != at.NOBODY:
            a = event[at.EV_ACCOUNT, e]
            if reads_account[s, a] == 1 and (waiting == 0 or day_of(word[e]) >= waiting):
                amount = _left_of(
                    money[1, e], money[0, e], account[at.INSIDE, a], account[at.OUTSIDE, a], s, r, read, buffer
                )
                place = np.int64(r) if is_person else np.int64(cell[at.CELL_SLOT, row[at.ROW_CELL, r]])
                sums[place] += _event_payment(chosen, amount, hinge, hinge_count)
            e = event[at.EV_NEXT, e]
    if is_person:
        return
    for mine in range(slots):
        e = slot[at.SLOT_EVENT, mine]
        while e != at.NOBODY:
            a = event[at.EV_ACCOUNT, e]
            if reads_account[s, a] == 1 and (waiting == 0 or day_of(word[e]) >= waiting):
                amount = _home_left(money[0, e], account[at.INSIDE, a], s, mine, n_person, read, held)
                sums[mine] += _event_payment(chosen, amount, hinge, hinge_count)
            e = event[at.EV_NEXT, e]


@kernel
def share_out(first_row, last_row, weights, household_weight, total, paid, row, person_key):
    """Split ``total`` fen over the rows of a slot and the household itself, by largest remainder.

    Ties go to the smaller person key, then to the household. Writes ``paid`` and returns the household's part.
    """
    whole = household_weight
    for r in range(first_row, last_row):
        whole += weights[r]
        paid[r] = 0
    if whole <= 0.0 or total <= 0:
        return np.int64(0)
    left = total
    for r in range(first_row, last_row):
        paid[r] = np.int64(np.floor(total * (weights[r] / whole) + EPSILON))
        left -= paid[r]
    own = np.int64(np.floor(total * (household_weight / whole) + EPSILON))
    left -= own
    while left > 0:
        best, best_rest = np.int64(-1), total * (household_weight / whole) - own
        for r in range(first_row, last_row):
            rest = total * (weights[r] / whole) - paid[r]
            is_tie = rest > best_rest - EPSILON and rest <= best_rest + EPSILON
            if rest > best_rest + EPSILON or (
                is_tie
                and (best < 0 or person_key[row[at.ROW_PERSON, r]] < person_key[row[at.ROW_PERSON, best]])
            ):
                best, best_rest = np.int64(r), rest
        if best < 0:
            own += 1
        else:
            paid[best] += 1
        left -= 1
    return own
