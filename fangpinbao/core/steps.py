"""Runs steps with yearly terms over all rows and slots of a batch: the common case, one loop for one thing.

A step of "none" is applied to every row, since most can be paid; a coverage only to the rows that it can pay.
"""

from __future__ import annotations

import numpy as np

from fangpinbao._jit import kernel
from fangpinbao.core import layout as at
from fangpinbao.core.credit import credit_payments
from fangpinbao.core.detect import keep_found
from fangpinbao.core.events import where_set
from fangpinbao.core.schedule import EPSILON, half_up
from fangpinbao.core.settle import evaluate

__all__ = ["book_payments", "open_changes", "run_coverages", "run_none"]

_TILE = 1_024
_ONE = np.uint32(1)


# A call with arrays for each element costs a hundred nanoseconds of reference counting, so what follows goes over
# lists.


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
def book_payments(
    s, n, adds_up, of_members, first_year, block_persons, n_person, has_base, step, step_terms, effect, read,
    reads_account, account, base_person, active, place, fen, weights, row, slot, cell_slot, buffer, held, sizes,
    event, money, step_sums, credit, collected, allowed, change,
):
    """Book the payments of a step: sums, what they change for programmes, the accounts they are credited to.

    ``fen`` are those of the rows or slots listed in ``active``; with ``adds_up`` 0 the sums are the caller's.
    ``weights`` [rows or slots] are used where a household's step reads accounts of several kinds.
    ``of_members`` 1: a household's step that pays for its members' costs too.
    """
    is_person, is_insurance = step[s, at.LEVEL] == 0, step[s, at.INSURANCE] == 1
    whose = row[at.ROW_PERSON] if is_person else slot[at.SLOT_HOUSEHOLD]
    kept = np.int64(0)
    for j in range(n):
        i = np.int64(active[j])
        paid = np.int64(fen[j])
        if allowed.shape[1] > 0:
            unit = np.int64(whose[i]) if is_person else block_persons + np.int64(whose[i])
            paid = allowed[s, unit] if allowed[s, unit] >= 0 else paid
        active[kept], fen[kept] = i, paid
        kept += np.int64(paid != 0)
    for j in range(kept):
        place[j] = cell_slot[row[at.ROW_CELL, active[j]]] if is_person else active[j]
    if adds_up == 1:
        for j in range(kept):
            year = first_year + np.int64(slot[at.SLOT_YEAR, place[j]])
            step_sums[0, year, s] += np.int64(fen[j])
            step_sums[1, year, s] += 1
    if collected.shape[1] > 0:
        for j in range(kept):
            unit = np.int64(whose[active[j]])
            collected[s, unit if is_person else block_persons + unit] = np.int64(fen[j])
    touches = is_insurance
    for p in range(1, effect.shape[1]):
        touches = touches or effect[s, p] != 0
    if not touches:
        return
    open_changes(kept, place, slot, sizes, change)
    is_mixed = not is_person and step[s, at.STEP_KIND] < 0
    offset = np.int64(active[0]) if adds_up == 0 and kept > 0 else np.int64(0)
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
            weight = weights[active[j] - offset] if is_mixed else step_terms[2, s]
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
def _sum_columns(s, low, high, start, n, read, source, x):
    """Sum what a step reads of ``n`` rows from ``start`` on into ``x``."""
    started = False
    for c in range(low, high):
        if read[s, c] >= 0:
            column = source[read[s, c], start : start + n]
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
def _pay_all(n, x, pay, before, after, paid):
    """Turn payments into whole fen paid and cumulative payments; leaves in ``pay`` what was paid of each amount."""
    for i in range(n):
        amount = pay[i] if pay[i] > 0.0 else 0.0
        amount = amount if amount < x[i] else x[i]
        upto = before[i] + amount
        paid[i], after[i], pay[i] = half_up(upto) - half_up(before[i]), upto, amount


@kernel
def _add_years(s, first_year, years, first_of_year, start, n, paid, step_sums):
    """Add whole fen and numbers of payments of ``n`` rows from ``start`` on to the sums of their years."""
    y = np.searchsorted(first_of_year[: years + 1], start, side="right") - 1
    while y < years and first_of_year[y] < start + n:
        paid_sum, claims = np.int64(0), np.int64(0)
        for i in range(max(first_of_year[y], start) - start, min(first_of_year[y + 1], start + n) - start):
            paid_sum += np.int64(paid[i])
            claims += np.int64(paid[i] > 0.0)
        step_sums[0, first_year + y, s] += paid_sum
        step_sums[1, first_year + y, s] += claims
        y += 1


@kernel
def _subtract(n, column, amount, target):
    for i in range(n):
        target[i] = column[i] - amount[i]


@kernel
def _share_left(n, x, amount, left):
    for i in range(n):
        left[i] = 1.0 - (amount[i] / x[i] if x[i] > 0.0 else 0.0)


@kernel
def _pay_some(n, active, x, pay, before, upto, paid):
    """Do the same for the rows listed in ``active``, without sums; the cumulative payments go to ``upto``."""
    for j in range(n):
        earlier = before[active[j]]
        amount = min(max(pay[j], 0.0), x[active[j]])
        upto[j], pay[j] = earlier + amount, amount
        paid[j] = half_up(earlier + amount) - half_up(earlier)


@kernel
def _copy(n, column, target):
    for i in range(n):
        target[i] = column[i]


@kernel
def _copy_left(n, column, left, target):
    for i in range(n):
        target[i] = column[i] * left[i]


@kernel
def _take_off_base(s, first_year, years, first_of_year, start, n, person, base_paid, step_sums):
    """Take off what "none" pays to the persons of these rows without any event."""
    y = np.searchsorted(first_of_year[: years + 1], start, side="right") - 1
    while y < years and first_of_year[y] < start + n:
        paid_sum, claims = np.int64(0), np.int64(0)
        for i in range(max(first_of_year[y], start), min(first_of_year[y + 1], start + n)):
            paid_sum += base_paid[person[i]]
            claims += np.int64(base_paid[person[i]] > 0)
        step_sums[0, first_year + y, s] -= paid_sum
        step_sums[1, first_year + y, s] -= claims
        y += 1


@kernel
def _choose(n, choice, whose, variant):
    for i in range(n):
        variant[i] = choice[whose[i]]


@kernel
def _payable(n, x, floor, mask, active):
    """List the rows whose amount reaches the floor of the terms."""
    for i in range(n):
        mask[i] = (x[i] + EPSILON >= floor) & (x[i] > 0.0)
    return where_set(mask, n, active)


@kernel
def _open_rows(n, is_person, gate, cell_of, cell_slot, gate_open, varied, choice, whose, variant, active):
    """Keep the listed rows that the terms are for and whose gate is open; fills ``variant``.

    A row without a slot belongs to a household that passes no test.
    """
    kept = np.int64(0)
    for j in range(n):
        i = active[j]
        is_open = True
        if varied > 0:
            v = choice[varied - 1, whose[i]]
            variant[kept] = v
            is_open = v > 0
        if gate >= 0:
            mine = np.int64(cell_slot[cell_of[i]]) if is_person else np.int64(i)
            is_open = is_open and mine != at.NOBODY and gate_open[gate, mine] != 0
        active[kept] = i
        kept += np.int64(is_open)
    return kept


@kernel
def run_none(
    first_step, last_step, level, first_year, years, block_persons, n_person, has_base,
    step, step_terms, effect, read, write, reads_account, component_kind, present,
    choice_person, choice_household, hinge, hinge_count, account, base_person,
    first_of_year, row, slot, cell_slot, row_count, buffer, held, scratch, variant, active, place, sizes,
    event, money, step_sums, credit, collected, allowed, change,
):
    """Run plain steps of "none" over all rows (``level`` 0), all slots (1), or both (-1).

    Sums by year go to ``step_sums`` [(paid, claims), year, step]. What a person with certain costs is paid without
    any event is taken off. Rows are taken ``_TILE`` at a time, so that what a step leaves is still in the nearest
    cache when the next one reads it.
    """
    for side in range(2):
        if level >= 0 and side != level:
            continue
        source, n = buffer if side == 0 else held, first_of_year[side, years]
        low, high = (0, n_person) if side == 0 else (n_person, component_kind.shape[0])
        whose = row[at.ROW_PERSON] if side == 0 else slot[at.SLOT_HOUSEHOLD]
        choice = choice_person if side == 0 else choice_household
        for start in range(0, n, _TILE):
            m = min(_TILE, n - start)
            z, pay, spare = scratch[1, :m], scratch[2, :m], scratch[3, :m]
            for s in range(first_step, last_step):
                if step[s, at.LEVEL] != side:
                    continue
                n_read, only = np.int64(0), np.int64(0)
                for c in range(low, high):
                    if read[s, c] >= 0:
                        n_read += 1
                        only = read[s, c]
                x = source[only, start : start + m]
                if n_read != 1:
                    x = scratch[0, :m]
                    _sum_columns(s, low, high, start, m, read, source, x)
                before = source[step[s, at.CUM_IN if side == 0 else at.HOUSEHOLD_CUM_IN], start : start + m]
                after = source[step[s, at.CUM_OUT if side == 0 else at.HOUSEHOLD_CUM_OUT], start : start + m]
                chosen, varied, counted = step[s, at.UNIT_SET], step[s, at.VARIANTS], step[s, at.DISCHARGE]
                if varied > 0 and present[s] & (present[s] - 1) != 0:
                    _choose(m, choice[varied - 1], whose[start : start + m], variant)
                amounts = x
                if counted >= 0:
                    counts = row_count[counted, start : start + m]
                    for j in range(m):
                        z[j] = x[j] / max(counts[j], 1.0)
                    amounts = z
                if chosen >= 0:
                    evaluate(chosen, present[s], amounts, pay, spare, variant, m, hinge, hinge_count)
                else:
                    _copy(m, amounts, pay)
                if counted >= 0:
                    counts = row_count[counted, start : start + m]
                    for j in range(m):
                        pay[j] *= max(counts[j], 1.0)
                _pay_all(m, x, pay, before, after, z)
                if n_read == 1:
                    for c in range(low, high):
                        if write[s, c] >= 0:
                            _subtract(m, x, pay, source[write[s, c], start : start + m])
                else:
                    _share_left(m, x, pay, spare)
                    for c in range(low, high):
                        if write[s, c] >= 0:
                            _copy_left(
                                m, source[read[s, c], start : start + m], spare, source[write[s, c], start : start + m]
                            )
                _add_years(s, first_year, years, first_of_year[side], start, m, z, step_sums)
                if side == 0 and has_base == 1:
                    _take_off_base(
                        s, first_year, years, first_of_year[0], start, m, whose, base_person[at.BASE_PAID + s],
                        step_sums,
                    )
                touches = collected.shape[1] > 0
                for p in range(1, effect.shape[1]):
                    touches = touches or effect[s, p] != 0
                if touches:
                    for j in range(m):
                        active[j] = start + j
                    if side == 1:
                        _weigh(s, n_person, start, m, read, component_kind, step_terms, held, x, spare)
                    book_payments(
                        s, m, np.int64(0), np.int64(0), first_year, block_persons, n_person, has_base, step, step_terms,
                        effect, read, reads_account, account, base_person, active, place, z, spare, row, slot,
                        cell_slot, buffer, held, sizes, event, money, step_sums, credit, collected, allowed, change,
                    )


@kernel
def _weigh(s, n_person, start, n, read, component_kind, step_terms, held, x, weights):
    """What a yuan paid to a household does for its resources, where a step reads accounts of several kinds."""
    for i in range(n):
        weights[i] = 0.0
    for c in range(n_person, component_kind.shape[0]):
        if read[s, c] >= 0:
            column = held[read[s, c], start : start + n]
            for i in range(n):
                weights[i] += step_terms[3, component_kind[c]] * column[i] / (x[i] if x[i] > 0.0 else 1.0)


@kernel
def run_coverages(
    first_step, last_step, first_year, years, block_persons, n_person, has_base,
    step, step_terms, effect, read, write, reads_account, component_kind, present,
    choice_person, choice_household, hinge, hinge_count, account, base_person,
    first_of_year, row, slot, cell_slot, row_count, buffer, held, scratch, variant, mask, active, place, sizes,
    event, money, gate_open, step_sums, credit, collected, allowed, change,
):
    """Run plain steps behind "none" on the rows or slots that they can pay; see ``run_none``."""
    z, pay, spare = scratch[1], scratch[2], scratch[3]
    x = scratch[0]
    for s in range(first_step, last_step):
        is_person = step[s, at.LEVEL] == 0
        n = first_of_year[0 if is_person else 1, years]
        source = buffer if is_person else held
        low, high = (0, n_person) if is_person else (n_person, component_kind.shape[0])
        same = s > first_step and step[s, at.LEVEL] == step[s - 1, at.LEVEL]
        for c in range(low, high):
            same = same and read[s, c] == read[s - 1, c]
        if not same:  # else the step before read the same costs: they still stand in x
            _sum_columns(s, low, high, np.int64(0), n, read, source, x)
        before = source[step[s, at.CUM_IN] if is_person else step[s, at.HOUSEHOLD_CUM_IN]]
        after = source[step[s, at.CUM_OUT] if is_person else step[s, at.HOUSEHOLD_CUM_OUT]]
        whose = row[at.ROW_PERSON] if is_person else slot[at.SLOT_HOUSEHOLD]
        choice = choice_person if is_person else choice_household
        chosen, varied, counted = step[s, at.UNIT_SET], step[s, at.VARIANTS], step[s, at.DISCHARGE]
        m = _payable(n, x, step_terms[1, s], mask, active)
        m = _open_rows(
            m, is_person, step[s, at.GATE], row[at.ROW_CELL], cell_slot, gate_open, varied, choice, whose, variant,
            active
        )
        for j in range(m):
            z[j] = x[active[j]]
        if step[s, at.CUM_READ] == 1:
            _copy(n, before, after)
        for c in range(low, high):
            if write[s, c] >= 0:
                _copy(n, source[read[s, c]], source[write[s, c]])
        if counted >= 0:
            for j in range(m):
                z[j] /= max(row_count[counted, active[j]], 1.0)
        if chosen >= 0:
            evaluate(chosen, present[s], z, pay, spare, variant, m, hinge, hinge_count)
        else:
            _copy(m, z, pay)
        if counted >= 0:
            for j in range(m):
                pay[j] *= max(row_count[counted, active[j]], 1.0)
        _pay_some(m, active, x, pay, before, spare, z)
        if step[s, at.CASE] >= 0:
            m = keep_found(
                m, is_person, step[s, at.CASE], gate_open[step[s, at.GATE]], row[at.ROW_CELL], cell_slot,
                slot[at.SLOT_DUE], active, z, pay, spare,
            )
        if step[s, at.CUM_READ] == 1:
            for j in range(m):
                after[active[j]] = spare[j]
        for c in range(low, high):
            if write[s, c] >= 0:
                column, target = source[read[s, c]], source[write[s, c]]
                for j in range(m):
                    i = active[j]
                    target[i] = column[i] * (1.0 - pay[j] / x[i])
        if not is_person and step[s, at.STEP_KIND] < 0:
            _weigh(s, n_person, np.int64(0), n, read, component_kind, step_terms, held, x, spare)
        book_payments(
            s, m, np.int64(1), np.int64(0), first_year, block_persons, n_person, has_base, step, step_terms, effect,
            read, reads_account, account, base_person, active, place, z, spare, row, slot, cell_slot, buffer, held,
            sizes, event, money, step_sums, credit, collected, allowed, change,
        )
