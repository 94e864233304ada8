"""Runs steps with yearly terms over the rows and slots of a batch that they can pay: the common case.

One loop for one thing, over lists: a call with arrays for each element costs a hundred nanoseconds of reference
counting.
"""

from __future__ import annotations

import numpy as np

from fangpinbao._jit import kernel
from fangpinbao.core import layout as at
from fangpinbao.core.credit import credit_payments
from fangpinbao.core.detect import keep_found
from fangpinbao.core.events import first_at_least, where_set
from fangpinbao.core.schedule import EPSILON, half_up
from fangpinbao.core.settle import evaluate

__all__ = ["book_payments", "open_changes", "run_steps"]

_ONE = np.uint32(1)


@kernel
def open_changes(n, slots, slot, sizes, change):
    """Open a place in the table of changes for those of the listed slots that have none."""
    opened = sizes[2]
    for j in range(n):
        mine = slots[j]
        if slot[at.SLOT_CHANGE, mine] == 0:
            for p in range(change.shape[1]):
                for c in range(change.shape[2]):
                    change[opened, p, c] = 0
            change[opened, 0, 0] = mine
            opened += 1
            slot[at.SLOT_CHANGE, mine] = opened
    sizes[2] = opened


@kernel
def _add_up(s, side, n, first_year, years, first_of_year, active, fen, step_sums):
    """Add payments to the sums of their years; ``active`` lists rows or slots in their order."""
    first = np.int64(0)
    for y in range(years):
        last = first_at_least(active, first, n, first_of_year[side, y + 1])
        of_year, paid, claims = fen[first:last], np.int64(0), np.int64(0)
        for j in range(last - first):
            paid += np.int64(of_year[j])
            claims += np.int64(of_year[j] != 0.0)
        step_sums[0, first_year + y, s] += paid
        step_sums[1, first_year + y, s] += claims
        first = last


@kernel
def book_payments(
    s, n, of_members, first_year, years, block_persons, n_person, step, step_terms, effect, read, reads_account,
    account, first_of_year, active, place, fen, weights, row, slot, cell_slot, buffer, held, sizes, event, money,
    step_sums, credit, collected, allowed, change,
):
    """Book the payments of a step: sums, what they change for programmes, the accounts they are credited to.

    ``fen`` are those of the rows or slots listed in ``active``, in their order. ``weights`` [rows or slots] are used
    where a household's step reads accounts of several kinds. ``of_members`` 1: a household's step that pays for its
    members' costs too.
    """
    is_person, is_insurance = step[s, at.LEVEL] == 0, step[s, at.INSURANCE] == 1
    whose = row[at.ROW_PERSON] if is_person else slot[at.SLOT_HOUSEHOLD]
    if allowed.shape[1] > 0:
        for j in range(n):
            i = np.int64(active[j])
            mine = np.int64(cell_slot[row[at.ROW_CELL, i]]) if is_person else i
            unit = np.int64(whose[i]) if is_person else block_persons + np.int64(whose[i])
            limited = allowed[s, slot[at.SLOT_YEAR, mine], unit]
            fen[j] = limited - 1 if limited > 0 else fen[j]
    _add_up(s, step[s, at.LEVEL], n, first_year, years, first_of_year, active, fen, step_sums)
    touches = is_insurance
    for p in range(1, effect.shape[1]):
        touches = touches or effect[s, p] != 0
    if not touches and collected.shape[1] == 0:
        return
    found = np.uint32(0)
    for j in range(n):
        paid = fen[j]
        active[found], fen[found] = active[j], paid
        found += np.uint32(paid != 0.0)
    kept = np.int64(found)
    for j in range(kept):
        place[j] = cell_slot[row[at.ROW_CELL, active[j]]] if is_person else active[j]
    if collected.shape[1] > 0:
        for j in range(kept):
            unit = np.int64(whose[active[j]])
            year = np.int64(slot[at.SLOT_YEAR, place[j]])
            collected[s, year, unit if is_person else block_persons + unit] = np.int64(fen[j])
    if not touches:
        return
    open_changes(kept, place, slot, sizes, change)
    is_mixed = not is_person and step[s, at.STEP_KIND] < 0
    comes_late = step_terms[0, s] < 1.0
    is_medical, is_fixed = np.int64(step[s, at.STEP_KIND] == at.MEDICAL), step[s, at.IS_POINTS]
    for p in range(1, effect.shape[1]):
        sign = effect[s, p]
        if sign == 0:
            continue
        of_medical, of_benefit = sign * is_medical, np.int64(is_insurance)
        of_fixed = of_benefit * is_fixed
        for j in range(kept):
            paid, k = np.int64(fen[j]), slot[at.SLOT_CHANGE, place[j]] - _ONE
            weight = weights[active[j]] if is_mixed else step_terms[2, s]
            in_time = paid
            if comes_late:
                in_time = np.int64(half_up(paid * step_terms[0, s]))
                if step[s, at.CASE] >= 0:  # all or nothing
                    in_time = paid * np.int64((slot[at.SLOT_LATE, place[j]] >> np.uint32(step[s, at.CASE])) & 1 == 0)
                later = np.int64(half_up(paid * weight) - half_up(in_time * weight))
                change[k, p, at.LATER] += sign * step[s, at.REIMBURSES] * later
                change[k, p, at.LATE] += of_benefit * (paid - in_time)
            change[k, p, at.TOUCHED] = 1
            change[k, p, at.ADJUST] += sign * np.int64(half_up(in_time * weight))
            change[k, p, at.MEDICAL_ADJUST] += of_medical * in_time
            change[k, p, at.BENEFIT] += of_benefit * paid
            change[k, p, at.FIXED] += of_fixed * in_time
    if is_insurance:
        credit_payments(
            s, kept, is_person, of_members, first_year, n_person, active, place, fen, row, slot, event, money, account,
            read, reads_account, buffer, held, credit,
        )


@kernel
def _sum_columns(s, low, high, n, read, source, x):
    """Sum what a step reads of ``n`` rows into ``x``."""
    started = False
    for c in range(low, high):
        if read[s, c] >= 0:
            column = source[read[s, c]]
            if started:
                for i in range(n):
                    x[i] += column[i]
            else:
                for i in range(n):
                    x[i] = column[i]
                started = True
    if not started:
        for i in range(n):
            x[i] = 0.0


@kernel
def _pay(n, active, amounts, pay, before, upto, paid):
    """Turn payments of the listed rows into whole fen and cumulative payments; ``pay`` keeps what was paid."""
    for j in range(n):
        earlier = before[active[j]]
        amount = min(max(pay[j], 0.0), amounts[j])
        upto[j], pay[j] = earlier + amount, amount
        paid[j] = half_up(earlier + amount) - half_up(earlier)


@kernel
def _copy(n, column, target):
    for i in range(n):
        target[i] = column[i]


@kernel
def _take_off_base(s, first_year, years, first_of_year, person, base_paid, step_sums):
    """Take off what "none" pays to the persons of the rows without any event."""
    for y in range(years):
        paid, claims = np.int64(0), np.int64(0)
        for i in range(first_of_year[0, y], first_of_year[0, y + 1]):
            paid += base_paid[person[i]]
            claims += np.int64(base_paid[person[i]] > 0)
        step_sums[0, first_year + y, s] -= paid
        step_sums[1, first_year + y, s] -= claims


@kernel
def _payable(n, x, floor, mask, listed):
    """List the rows whose amount reaches the floor of the terms."""
    for i in range(n):
        mask[i] = (x[i] + EPSILON >= floor) & (x[i] > 0.0)
    return where_set(mask, n, listed)


@kernel
def _open_rows(
    n, listed, x, floor, is_person, gate, cell_of, cell_slot, gate_open, varied, choice, whose, variant, active
):
    """Keep the listed rows that reach the floor, that the terms are for, and whose gate is open; fills ``variant``.

    A row without a slot belongs to a household that passes no test.
    """
    kept = np.int64(0)
    for j in range(n):
        i = listed[j]
        is_open = x[i] + EPSILON >= floor
        if varied > 0:
            v = choice[varied - 1, whose[i]]
            variant[kept] = v
            is_open = is_open and v > 0
        if gate >= 0:
            mine = np.int64(cell_slot[cell_of[i]]) if is_person else np.int64(i)
            is_open = is_open and mine != at.NOBODY and gate_open[gate, mine] != 0
        active[kept] = i
        kept += np.int64(is_open)
    return kept


@kernel
def _weigh(s, n_person, n, read, component_kind, step_terms, held, x, weights):
    """What a yuan paid to a household does for its resources, where a step reads accounts of several kinds."""
    for i in range(n):
        weights[i] = 0.0
    for c in range(n_person, component_kind.shape[0]):
        if read[s, c] >= 0:
            column = held[read[s, c]]
            for i in range(n):
                weights[i] += step_terms[3, component_kind[c]] * column[i] / (x[i] if x[i] > 0.0 else 1.0)


@kernel
def run_steps(
    first_step, last_step, level, first_year, years, block_persons, n_person,
    step, step_terms, effect, read, write, reads_account, component_kind, present,
    choice_person, choice_household, hinge, hinge_count, account, base_person, base_pays,
    first_of_year, row, slot, cell_slot, row_count, buffer, held, scratch, variant, mask, listed, active, place, sizes,
    event, money, gate_open, step_sums, credit, collected, allowed, change,
):
    """Run plain steps on the rows (``level`` 0), the slots (1), or both (-1) that they can pay.

    Sums by year go to ``step_sums`` [(paid, claims), year, step]. What a person with certain costs is paid without
    any event by a step that ``base_pays`` marks is taken off.
    """
    x, z, pay, spare = scratch[0], scratch[1], scratch[2], scratch[3]
    summed = np.int64(-1)  # the step whose costs stand in x
    n_listed, listed_floor = np.int64(0), 0.0  # the rows of x that reach a floor
    for s in range(first_step, last_step):
        side = step[s, at.LEVEL]
        if level >= 0 and side != level:
            continue
        is_person, n = side == 0, first_of_year[side, years]
        source = buffer if is_person else held
        low, high = (0, n_person) if is_person else (n_person, component_kind.shape[0])
        same, n_read = summed >= 0 and step[summed, at.LEVEL] == side, np.int64(0)
        for c in range(low, high):
            same = same and read[s, c] == read[summed, c]
            n_read += np.int64(read[s, c] >= 0)
        floor = step_terms[1, s]
        if not same:
            _sum_columns(s, low, high, n, read, source, x)
            summed = s
        if not same or floor < listed_floor:
            n_listed, listed_floor = _payable(n, x, floor, mask, listed), floor
        before = source[step[s, at.CUM_IN] if is_person else step[s, at.HOUSEHOLD_CUM_IN]]
        after = source[step[s, at.CUM_OUT] if is_person else step[s, at.HOUSEHOLD_CUM_OUT]]
        whose = row[at.ROW_PERSON] if is_person else slot[at.SLOT_HOUSEHOLD]
        choice = choice_person if is_person else choice_household
        chosen, varied, counted = step[s, at.UNIT_SET], step[s, at.VARIANTS], step[s, at.DISCHARGE]
        m = n_listed
        if varied > 0 or step[s, at.GATE] >= 0 or floor > listed_floor:
            m = _open_rows(
                m, listed, x, floor, is_person, step[s, at.GATE], row[at.ROW_CELL], cell_slot, gate_open, varied,
                choice, whose, variant, active
            )
        else:
            for j in range(m):
                active[j] = listed[j]
        amounts = spare
        for j in range(m):
            amounts[j] = x[active[j]]
        if counted >= 0:
            for j in range(m):
                z[j] = amounts[j] / max(row_count[counted, active[j]], 1.0)
        else:
            _copy(m, amounts, z)
        if chosen >= 0:
            evaluate(chosen, present[s], z, pay, scratch[4], variant, m, hinge, hinge_count)
        else:
            _copy(m, z, pay)
        if counted >= 0:
            for j in range(m):
                pay[j] *= max(row_count[counted, active[j]], 1.0)
        upto = scratch[4]
        _pay(m, active, amounts, pay, before, upto, z)
        if step[s, at.CASE] >= 0:
            m = keep_found(
                m, is_person, step[s, at.CASE], gate_open[step[s, at.GATE]], row[at.ROW_CELL], cell_slot,
                slot[at.SLOT_DUE], active, z, pay, upto,
            )
        if step[s, at.CUM_READ] == 1:
            _copy(n, before, after)
            for j in range(m):
                after[active[j]] = upto[j]
        for c in range(low, high):
            if write[s, c] >= 0:
                column, target = source[read[s, c]], source[write[s, c]]
                _copy(n, column, target)
                if n_read == 1:
                    for j in range(m):
                        target[active[j]] = column[active[j]] - pay[j]
                else:
                    for j in range(m):
                        i = active[j]
                        target[i] = column[i] * (1.0 - pay[j] / x[i])
        if base_pays[s] == 1:
            _take_off_base(s, first_year, years, first_of_year, whose, base_person[at.BASE_PAID + s], step_sums)
        if not is_person and step[s, at.STEP_KIND] < 0:
            _weigh(s, n_person, n, read, component_kind, step_terms, held, x, spare)
        book_payments(
            s, m, np.int64(0), first_year, years, block_persons, n_person, step, step_terms, effect, read,
            reads_account, account, first_of_year, active, place, z, spare, row, slot, cell_slot, buffer, held, sizes,
            event, money, step_sums, credit, collected, allowed, change,
        )
