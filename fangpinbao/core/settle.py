"""Gathers drawn events into persons and households of a year, and the sums that steps share.

Rows are persons in a year, slots are households in a year, both in order of year and position, so the rows of
a slot and the slots of a year lie side by side. Reference: the plain-Python twin in ``tests/twin.py`` does the
same for one household at a time.

Money rule: the cumulative payment through step k is a real number, rounded half-up once; step k pays the
difference of two rounded cumulatives. So payments and the household's share add up to the cost exactly.
"""

from __future__ import annotations

import numpy as np

from fangpinbao._jit import inlined, kernel
from fangpinbao.core import layout as at
from fangpinbao.core.events import day_of, where_set
from fangpinbao.core.schedule import EPSILON, half_up

__all__ = ["credit_accounts", "evaluate", "event_terms", "fill", "list_units", "share_out"]


@kernel
def list_units(
    years, runs, persons, households, is_base, all_rows, run, event, home, member_start, has_base, base_home, always,
    marked, place_of, place, row, slot, first_of_year, sizes,
):
    """Give every person who is struck in a year a row, and every household that is touched a slot.

    Members with certain costs get rows too where a programme could pay them (``BASE_ROWS``, or ``all_rows``).
    With ``is_base`` 1 all households are touched in the first year. ``always`` households are touched in every
    year. Fills ``place_of`` (row by cell of persons, then slot by cell of households), ``first_of_year``
    (first row and slot by year) and ``sizes`` (rows, slots).
    """
    stride, width = (persons + 7) // 8 * 8, (households + 7) // 8 * 8
    person_mark, home_mark = marked[0, : years * stride], marked[1, : years * width]
    row_of, slot_of = place_of[0], place_of[1]
    for i in range(years * stride):
        person_mark[i] = 0
    for i in range(years * width):
        home_mark[i] = 0
    for g in range(runs):
        if run[at.RUN_PERSON, g] == 1:
            for e in range(run[at.RUN_FIRST, g], run[at.RUN_END, g]):
                unit, y = np.int64(event[at.EV_UNIT, e]), np.int64(event[at.EV_YEAR, e])
                person_mark[y * stride + unit] = 1
                home_mark[y * width + home[unit]] = 1
        else:
            for e in range(run[at.RUN_FIRST, g], run[at.RUN_END, g]):
                home_mark[np.int64(event[at.EV_YEAR, e]) * width + event[at.EV_UNIT, e]] = 1
    for h in always:
        for y in range(years):
            home_mark[y * width + h] = 1
    if is_base == 1:
        for h in range(households):
            home_mark[h] = 1
    slots = np.int64(0)
    for y in range(years):
        first_of_year[1, y] = slots
        found = where_set(home_mark[y * width : (y + 1) * width], households, place)
        for i in range(found):
            slot[at.SLOT_HOUSEHOLD, slots + i] = place[i]
            slot[at.SLOT_YEAR, slots + i] = y
            slot_of[y * width + place[i]] = slots + i
        if has_base.shape[0] > 0:
            for i in range(found):
                h = place[i]
                if is_base == 1 or all_rows == 1 or base_home[at.BASE_ROWS, h] == 1:
                    for person in range(member_start[h], member_start[h + 1]):
                        person_mark[y * stride + person] |= has_base[person]
        slots += found
    first_of_year[1, years] = slots
    rows = np.int64(0)
    for y in range(years):
        first_of_year[0, y] = rows
        found = where_set(person_mark[y * stride : (y + 1) * stride], persons, place)
        for i in range(found):
            row[at.ROW_PERSON, rows + i] = place[i]
            row_of[y * stride + place[i]] = rows + i
        for i in range(found):
            row[at.ROW_SLOT, rows + i] = slot_of[y * width + home[place[i]]]
        rows += found
    first_of_year[0, years] = rows
    for s in range(slots + 1):
        slot[at.SLOT_ROW, s] = 0
    for r in range(rows):
        slot[at.SLOT_ROW, row[at.ROW_SLOT, r] + 1] += 1
    for s in range(slots):
        slot[at.SLOT_ROW, s + 1] += slot[at.SLOT_ROW, s]
    sizes[0], sizes[1] = rows, slots


@kernel
def fill(
    first_year, runs, rows, slots, persons, households, n_person, run, booking, event, money, account, place_of, row,
    slot, row_count, buffer, held, base, base_any, household_base, ground_up,
):
    """Sum events and certain costs into rows of persons and slots of households, and chain each unit's events."""
    stride, width = (persons + 7) // 8 * 8, (households + 7) // 8 * 8
    for c in range(n_person + 1):  # the last one: nothing is paid before the first step
        column = buffer[c]
        if c < n_person and base.shape[1] > 0 and base_any[c] == 1:
            for r in range(rows):
                column[r] = base[c, row[at.ROW_PERSON, r]]
        else:
            for r in range(rows):
                column[r] = 0.0
    n_home = held.shape[0]
    for c in range(n_home):
        column = held[c]
        if household_base.shape[1] > 0 and n_person + c < household_base.shape[0]:
            for s in range(slots):
                column[s] = household_base[n_person + c, slot[at.SLOT_HOUSEHOLD, s]]
        else:
            for s in range(slots):
                column[s] = 0.0
    for d in range(row_count.shape[0]):
        for r in range(rows):
            row_count[d, r] = 0.0
    for r in range(rows):
        row[at.ROW_EVENT, r] = at.NOBODY
    for s in range(slots):
        slot[at.SLOT_EVENT, s] = at.NOBODY
        slot[at.SLOT_CHANGE, s] = 0
    for g in range(runs):
        low, high = run[at.RUN_FIRST, g], run[at.RUN_END, g]
        if low == high:
            continue
        a = np.int64(booking[run[at.RUN_BOOKING, g], at.ACCOUNT])
        inside, outside = account[at.INSIDE, a], account[at.OUTSIDE, a]
        units, year = event[at.EV_UNIT], event[at.EV_YEAR]
        following = event[at.EV_NEXT]
        whole, scope = money[0], money[1]
        y, total = np.int64(year[low]), np.int64(0)
        for e in range(low, high):
            if np.int64(year[e]) != y:
                ground_up[first_year + y, a] += total
                y, total = np.int64(year[e]), np.int64(0)
            total += np.int64(whole[e])
        ground_up[first_year + y, a] += total
        if run[at.RUN_PERSON, g] == 1:
            inner, outer, last = buffer[inside], buffer[outside], row[at.ROW_EVENT]
            for e in range(low, high):
                r = place_of[0, np.int64(year[e]) * stride + units[e]]
                inner[r] += scope[e]
                outer[r] += whole[e] - scope[e]
                following[e] = last[r]
                last[r] = e
            if account[at.COUNT_GROUP, a] >= 0:
                counted = row_count[account[at.COUNT_GROUP, a]]
                for e in range(low, high):
                    counted[place_of[0, np.int64(year[e]) * stride + units[e]]] += event[at.EV_COUNT, e]
        else:
            inner, last = held[inside - n_person], slot[at.SLOT_EVENT]
            for e in range(low, high):
                s = place_of[1, np.int64(year[e]) * width + units[e]]
                inner[s] += whole[e]
                following[e] = last[s]
                last[s] = e


@inlined
def _hinges(chosen, v, amounts, payments, n, hinge, hinge_count):
    for i in range(n):
        payments[i] = 0.0
    for k in range(hinge_count[chosen, 0]):
        start, bend, jump = hinge[0, chosen, k, v], hinge[1, chosen, k, v], hinge[2, chosen, k, v]
        if bend != 0.0:
            for i in range(n):
                over = amounts[i] - start
                payments[i] += bend * (over if over > 0.0 else 0.0)
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
    for v in range(hinge.shape[3]):
        if (present >> v) & 1 == 1:
            _hinges(chosen, v, amounts, spare, n, hinge, hinge_count)
            for i in range(n):
                payments[i] = spare[i] if variant[i] == v else payments[i]


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
    s, rows, slots, is_person, chosen, waiting, n_person, row, slot, event, money, word, account, read, reads_account,
    buffer, held, sums, hinge, hinge_count,
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
                place = np.int64(r) if is_person else np.int64(row[at.ROW_SLOT, r])
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


@kernel
def credit_accounts(
    s, first_row, last_row, mine, of_home, paid, n_person, row, slot, event, money, account, read, reads_account,
    buffer, held, credit,
):
    """Credit a coverage's payment to accounts in proportion to the covered cost that was left to the household.

    The costs are those of the rows given and, with ``of_home`` 1, the household's own. Rounding is cumulative.
    """
    whole = 0.0
    for turn in range(2):
        running, credited = 0.0, np.int64(0)
        for place in range(first_row, last_row + of_home):
            is_home = place == last_row
            e = slot[at.SLOT_EVENT, mine] if is_home else row[at.ROW_EVENT, place]
            while e != at.NOBODY:
                a = event[at.EV_ACCOUNT, e]
                if reads_account[s, a] == 1:
                    inside = account[at.INSIDE, a]
                    if is_home:
                        running += _home_left(money[0, e], inside, s, mine, n_person, read, held)
                    else:
                        running += _left_of(
                            money[1, e], money[0, e], inside, account[at.OUTSIDE, a], s, place, read, buffer
                        )
                    if turn == 1 and whole > 0.0:
                        upto = np.int64(half_up(paid * (running / whole)))
                        credit[a] += upto - credited
                        credited = upto
                e = event[at.EV_NEXT, e]
        whole = running
