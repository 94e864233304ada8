"""Settles drawn events through all stacks, step by step, many households and a few years at a time.

Rows are persons in a year, slots are households in a year. Reference: the plain-Python twin in
``tests/twin.py`` does the same for one household at a time.

Money rule: the cumulative payment through step k is a real number, rounded half-up once; step k pays the
difference of two rounded cumulatives. So payments and the household's share add up to the cost exactly.
"""

from __future__ import annotations

import numpy as np

from fangpinbao._jit import kernel
from fangpinbao.core import layout as at
from fangpinbao.core.events import day_of
from fangpinbao.core.schedule import EPSILON, half_up

__all__ = ["clear", "credit_accounts", "evaluate", "event_terms", "fill", "list_slots", "share_out"]


@kernel
def list_slots(
    events, first_year, last_year, first, last, block_households, event, always, slot_of, slot, is_base
):
    """Give every household-year that is touched a slot; returns their number.

    ``is_base`` 1 opens all households of the block in its first year.
    """
    slots = np.int64(0)
    if is_base == 1:
        for h in range(first, last):
            slot_of[h - first] = slots
            slot[at.SLOT_HOUSEHOLD, slots] = h
            slot[at.SLOT_YEAR, slots] = first_year
            slots += 1
        return slots
    for h in always:
        if first <= h < last:
            for y in range(first_year, last_year):
                slot_of[(y - first_year) * block_households + h - first] = slots
                slot[at.SLOT_HOUSEHOLD, slots] = h
                slot[at.SLOT_YEAR, slots] = y
                slots += 1
    for e in range(events):
        h, y = event[at.EV_HOUSEHOLD, e], event[at.EV_YEAR, e]
        cell = (y - first_year) * block_households + h - first
        mine = slot_of[cell]
        if mine < 0:
            mine = slots
            slot_of[cell] = mine
            slot[at.SLOT_HOUSEHOLD, mine] = h
            slot[at.SLOT_YEAR, mine] = y
            slots += 1
        event[at.EV_SLOT, e] = mine
    return slots


@kernel
def fill(
    events, slots, first_year, first_person, n_person, block_persons, n_groups, event, money, household, account,
    slot, row_of, row, row_count, buffer, held, base, has_base, household_base, household_start, ground_up, base_any,
):
    """Sum events and certain costs into rows of persons and slots of households; returns the number of rows."""
    for i in range(slots):
        slot[at.SLOT_EVENT, i] = -1
        slot[at.SLOT_ROW, i] = -1
        slot[at.SLOT_GROUP, i] = household[slot[at.SLOT_HOUSEHOLD, i], at.GROUP]
    n_held = held.shape[0]
    for c in range(n_held):
        for i in range(slots):
            held[c, i] = 0.0
    if household_base.shape[1] > 0:
        for c in range(n_person, household_base.shape[0]):
            for i in range(slots):
                held[c - n_person, i] = household_base[c, slot[at.SLOT_HOUSEHOLD, i]]
    rows = np.int64(0)
    if base.shape[1] > 0:
        for i in range(slots):
            h = slot[at.SLOT_HOUSEHOLD, i]
            for person in range(household_start[h], household_start[h + 1]):
                if has_base[person]:
                    row_of[(slot[at.SLOT_YEAR, i] - first_year) * block_persons + person - first_person] = rows
                    row[at.ROW_PERSON, rows] = person
                    row[at.ROW_SLOT, rows] = i
                    rows += 1
    for e in range(events):
        person = event[at.EV_PERSON, e]
        if person >= 0:
            cell = (event[at.EV_YEAR, e] - first_year) * block_persons + person - first_person
            if row_of[cell] < 0:
                row_of[cell] = rows
                row[at.ROW_PERSON, rows] = person
                row[at.ROW_SLOT, rows] = event[at.EV_SLOT, e]
                rows += 1
            event[at.EV_ROW, e] = row_of[cell]
        else:
            event[at.EV_ROW, e] = -1
    for c in range(n_person + 1):  # the last one: nothing is paid before the first step
        for r in range(rows):
            buffer[c, r] = 0.0
        if base.shape[1] > 0 and c < n_person and base_any[c] == 1:
            for r in range(rows):
                buffer[c, r] = base[c, row[at.ROW_PERSON, r]]
    for r in range(rows):
        i = row[at.ROW_SLOT, r]
        for d in range(row_count.shape[0]):
            row_count[d, r] = 0.0
        row[at.ROW_NEXT, r] = slot[at.SLOT_ROW, i]
        slot[at.SLOT_ROW, i] = r
    n_accounts = account.shape[1]
    sums = ground_up.reshape(ground_up.size)
    for e in range(events):
        a, i, r = event[at.EV_ACCOUNT, e], event[at.EV_SLOT, e], event[at.EV_ROW, e]
        amount, scope = money[0, e], money[1, e]
        sums[(event[at.EV_YEAR, e] * n_accounts + a) * n_groups + slot[at.SLOT_GROUP, i]] += np.int64(amount)
        event[at.EV_NEXT, e] = slot[at.SLOT_EVENT, i]
        slot[at.SLOT_EVENT, i] = e
        inside, outside = account[at.INSIDE, a], account[at.OUTSIDE, a]
        if r >= 0:
            buffer[inside, r] += scope
            buffer[outside, r] += amount - scope
            if account[at.COUNT_GROUP, a] >= 0:
                row_count[account[at.COUNT_GROUP, a], r] += event[at.EV_COUNT, e]
        else:
            held[inside - n_person, i] += scope
            held[outside - n_person, i] += amount - scope
    return rows


@kernel
def clear(rows, slots, first_year, first, first_person, block_households, block_persons, slot_of, slot, row_of, row):
    """Empty the look-up tables of rows and slots."""
    for r in range(rows):
        y = slot[at.SLOT_YEAR, row[at.ROW_SLOT, r]]
        row_of[(y - first_year) * block_persons + row[at.ROW_PERSON, r] - first_person] = -1
    for s in range(slots):
        slot_of[(slot[at.SLOT_YEAR, s] - first_year) * block_households + slot[at.SLOT_HOUSEHOLD, s] - first] = -1


@kernel
def evaluate(chosen, amounts, payments, variant, n, varied, hinge_at, hinge_bend, hinge_jump, hinge_count):
    """Apply schedule set ``chosen`` to ``n`` amounts; ``variant`` picks the schedule where ``varied``."""
    for i in range(n):
        payments[i] = 0.0
    for k in range(hinge_count[chosen, 0]):
        starts, bends, jumps = hinge_at[chosen, k], hinge_bend[chosen, k], hinge_jump[chosen, k]
        if varied == 0:
            start, bend, jump = starts[0], bends[0], jumps[0]
            for i in range(n):
                over = amounts[i] - start
                payments[i] += bend * (over if over > 0.0 else 0.0)
            if jump != 0.0:
                for i in range(n):
                    payments[i] += jump if amounts[i] + EPSILON >= start else 0.0
        else:
            for i in range(n):
                v = np.uint64(variant[i])
                over = amounts[i] - starts[v]
                payments[i] += bends[v] * (over if over > 0.0 else 0.0)
            if hinge_count[chosen, 1] == 1:
                for i in range(n):
                    v = np.uint64(variant[i])
                    payments[i] += jumps[v] if amounts[i] - starts[v] >= -EPSILON else 0.0


@kernel
def event_terms(
    s, slots, is_person, chosen, waiting, n_person, slot, event, money, word, account, read, reads_account, buffer,
    held,
    z, hinge_at, hinge_bend, hinge_jump, hinge_count,
):
    """Sum the payments of per-event terms into ``z``, by row of a person's step or slot of a household's."""
    for mine in range(slots):
        e = slot[at.SLOT_EVENT, mine]
        while e >= 0:
            a = event[at.EV_ACCOUNT, e]
            if reads_account[s, a] == 1 and (waiting == 0 or day_of(word[e]) >= waiting):
                inside, outside = account[at.INSIDE, a], account[at.OUTSIDE, a]
                scope, rest = money[1, e], money[0, e] - money[1, e]
                amount, r = 0.0, event[at.EV_ROW, e]
                place = r if is_person else mine
                if event[at.EV_PERSON, e] >= 0:
                    if read[s, inside] >= 0 and scope > 0.0:
                        amount += scope * buffer[read[s, inside], r] / buffer[inside, r]
                    if read[s, outside] >= 0 and rest > 0.0:
                        amount += rest * buffer[read[s, outside], r] / buffer[outside, r]
                elif read[s, inside] >= 0 and scope + rest > 0.0:
                    left = held[read[s, inside] , mine] / held[inside - n_person, mine]
                    amount += (scope + rest) * left
                payment = 0.0
                for k in range(hinge_count[chosen, 0]):
                    over = amount - hinge_at[chosen, k, 0]
                    payment += hinge_bend[chosen, k, 0] * max(over, 0.0)
                    payment += hinge_jump[chosen, k, 0] if over >= -EPSILON else 0.0
                z[place] += payment
            e = event[at.EV_NEXT, e]


@kernel
def share_out(first_row, weights, household_weight, total, row, person_key):
    """Split ``total`` fen over the rows of a slot and the household itself, by largest remainder.

    Ties go to the smaller person key, then to the household. Writes ``ROW_PAID`` and returns the
    household's part.
    """
    whole = household_weight
    r = first_row
    while r >= 0:
        whole += weights[r]
        row[at.ROW_PAID, r] = 0
        r = row[at.ROW_NEXT, r]
    if whole <= 0.0 or total <= 0:
        return 0
    left = total
    r = first_row
    while r >= 0:
        row[at.ROW_PAID, r] = np.int64(np.floor(total * (weights[r] / whole) + EPSILON))
        left -= row[at.ROW_PAID, r]
        r = row[at.ROW_NEXT, r]
    own = np.int64(np.floor(total * (household_weight / whole) + EPSILON))
    left -= own
    while left > 0:
        best, best_rest = -1, total * (household_weight / whole) - own
        r = first_row
        while r >= 0:
            rest = total * (weights[r] / whole) - row[at.ROW_PAID, r]
            is_tie = rest > best_rest - EPSILON and rest <= best_rest + EPSILON
            if rest > best_rest + EPSILON or (
                is_tie
                and (best < 0 or person_key[row[at.ROW_PERSON, r]] < person_key[row[at.ROW_PERSON, best]])
            ):
                best, best_rest = r, rest
            r = row[at.ROW_NEXT, r]
        if best < 0:
            own += 1
        else:
            row[at.ROW_PAID, best] += 1
        left -= 1
    return own


@kernel
def credit_accounts(
    s, mine, person, paid, n_person, slot, event, money, account, read, reads_account, buffer, held, credit
):
    """Credit a coverage's payment to accounts in proportion to the covered cost that was left to the household.

    ``person`` -1 stands for the household's own costs, -2 for its and all members'. Rounding is cumulative.
    """
    whole = 0.0
    for turn in range(2):
        running, credited = 0.0, 0
        e = slot[at.SLOT_EVENT, mine]
        while e >= 0:
            a, who, r = event[at.EV_ACCOUNT, e], event[at.EV_PERSON, e], event[at.EV_ROW, e]
            if (person == -2 or who == person) and reads_account[s, a] == 1:
                inside, outside = account[at.INSIDE, a], account[at.OUTSIDE, a]
                scope, rest = money[1, e], money[0, e] - money[1, e]
                if who >= 0:
                    if read[s, inside] >= 0 and scope > 0.0:
                        running += scope * buffer[read[s, inside], r] / buffer[inside, r]
                    if read[s, outside] >= 0 and rest > 0.0:
                        running += rest * buffer[read[s, outside], r] / buffer[outside, r]
                elif read[s, inside] >= 0 and scope + rest > 0.0:
                    running += (scope + rest) * held[read[s, inside], mine] / held[inside - n_person, mine]
                if turn == 1 and whole > 0.0:
                    upto = np.int64(half_up(paid * (running / whole)))
                    credit[slot[at.SLOT_YEAR, mine], s, a] += upto - credited
                    credited = upto
            e = event[at.EV_NEXT, e]
        whole = running
