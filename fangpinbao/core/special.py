"""Runs any kind of step: terms per event or per household, points, households' terms on members' costs."""

from __future__ import annotations

import numpy as np

from fangpinbao._jit import kernel
from fangpinbao.core import layout as at
from fangpinbao.core.schedule import EPSILON, half_up
from fangpinbao.core.settle import evaluate, event_terms, share_out
from fangpinbao.core.steps import book_payments

__all__ = ["run_special"]

_FIRST_VARIANT = np.int64(1)
_ONE = np.uint32(1)


@kernel
def _limit_households(
    s, slots, step, slot, row, pay, paid, buffer, person_key, hinge, hinge_count, one, variant
):
    """Apply per-household terms to the persons' payments and share the result out among them."""
    for mine in range(slots):
        first, last = np.int64(slot[at.SLOT_ROW, mine]), np.int64(slot[at.SLOT_ROWS_END, mine])
        total = 0.0
        for r in range(first, last):
            total += pay[r]
        if total <= 0.0:
            continue
        one[0, 0] = total
        evaluate(
            step[s, at.HOUSEHOLD_SET], _FIRST_VARIANT, one[0], one[1], one[2], variant, np.int64(1), hinge, hinge_count
        )
        if one[1, 0] >= total - EPSILON:
            continue
        share_out(first, last, pay, np.float64(0.0), np.int64(half_up(one[1, 0])), paid, row, person_key)
        for r in range(first, last):
            pay[r] = np.float64(paid[r])
            if step[s, at.IS_POINTS] == 0:
                buffer[step[s, at.CUM_OUT], r] = buffer[step[s, at.CUM_IN], r] + pay[r]


@kernel
def _room(mine, s, n_person, n_components, cum_in, household_cum_in, slot, buffer, held, read):
    """Most a household's step can pay: what the persons' rule would pay for all that is left, in fen."""
    own = 0.0
    for c in range(n_person, n_components):
        if read[s, c] >= 0:
            own += held[read[s, c], mine]
    total = half_up(held[household_cum_in, mine] + own) - half_up(held[household_cum_in, mine])
    for r in range(slot[at.SLOT_ROW, mine], slot[at.SLOT_ROWS_END, mine]):
        covered = 0.0
        for c in range(n_person):
            if read[s, c] >= 0:
                covered += buffer[read[s, c], r]
        total += half_up(buffer[cum_in, r] + covered) - half_up(buffer[cum_in, r])
    return np.int64(total)


@kernel
def _pay_members(s, mine, whole, total, left, n_person, step, slot, row, paid, buffer, read, write, z, person_key):
    """Share a household's payment out among its members' costs; returns (members' cost, household's part)."""
    first, last = np.int64(slot[at.SLOT_ROW, mine]), np.int64(slot[at.SLOT_ROWS_END, mine])
    persons = 0.0
    for r in range(first, last):
        covered = 0.0
        for c in range(n_person):
            if read[s, c] >= 0:
                covered += buffer[read[s, c], r]
                if write[s, c] >= 0:
                    buffer[write[s, c], r] = buffer[read[s, c], r] * left
        z[r] = covered
        persons += covered
    own = share_out(first, last, z, max(whole - persons, 0.0), total, paid, row, person_key)
    # a fen above what is left of a member's cost goes to the next member with room
    over = np.int64(0)
    for _ in range(2):
        for r in range(first, last):
            upto = buffer[step[s, at.CUM_IN], r]
            room = half_up(upto + z[r]) - half_up(upto)
            spare = np.int64(room) - paid[r]
            move = min(spare, over) if spare >= 0 else spare
            paid[r] += move
            over -= move
    own += over
    for r in range(first, last):
        buffer[step[s, at.CUM_OUT], r] = buffer[step[s, at.CUM_IN], r] + paid[r]
    return persons, own


@kernel
def _drop_persons(s, rows, is_points, step, row, slot, cell, opened, pay, paid, buffer):
    """Note whose payments are due, and drop those of households that are not found: see ``detect.keep_found``."""
    bit = _ONE << np.uint32(step[s, at.CASE])
    for r in range(rows):
        mine = np.int64(cell[at.CELL_SLOT, row[at.ROW_CELL, r]])
        if paid[r] > 0 and opened[mine] & at.GATE_DUE != 0:
            slot[at.SLOT_DUE, mine] |= bit
        if opened[mine] & at.GATE_PAID == 0:
            pay[r], paid[r] = 0.0, 0
            if not is_points:
                buffer[step[s, at.CUM_OUT], r] = buffer[step[s, at.CUM_IN], r]


@kernel
def run_special(
    first_step, last_step, first_year, years, block_persons, n_person,
    step, step_terms, effect, read, write, reads_account, component_kind, present,
    choice_person, choice_household, hinge, hinge_count, account, person_key,
    first_of_year, row, slot, cell, row_count, buffer, held, scratch, variant, one, paid, paid_home, active, place,
    sizes,
    event, money, word, gate_open, step_sums, credit, collected, allowed, change,
):
    """Run the steps of any kind; arguments as of ``run_steps``."""
    x, z, pay, spare = scratch[0], scratch[1], scratch[2], scratch[3]
    n_components, rows, slots = component_kind.shape[0], first_of_year[0, years], first_of_year[1, years]
    for s in range(first_step, last_step):
        is_person, is_points = step[s, at.LEVEL] == 0, step[s, at.IS_POINTS] == 1
        n = rows if is_person else slots
        for i in range(n):
            x[i] = 0.0
        reads_persons = False
        for c in range(n_components):
            source = read[s, c]
            if source >= 0:
                if is_person:
                    for r in range(rows):
                        x[r] += buffer[source, r]
                elif c < n_person:
                    reads_persons = True
                    for r in range(rows):
                        x[cell[at.CELL_SLOT, row[at.ROW_CELL, r]]] += buffer[source, r]
                else:
                    for i in range(slots):
                        x[i] += held[source, i]
        if step[s, at.EVENT_SET] >= 0:
            for i in range(n):
                z[i] = 0.0
            event_terms(
                s, rows, slots, is_person, step[s, at.EVENT_SET], step[s, at.WAITING], n_person, row, slot, cell,
                event, money,
                word, account, read, reads_account, buffer, held, z, hinge, hinge_count,
            )
        else:
            for i in range(n):
                z[i] = x[i]
        varied = step[s, at.VARIANTS]
        if varied > 0:
            if is_person:
                for r in range(rows):
                    variant[r] = choice_person[varied - 1, row[at.ROW_PERSON, r]]
            else:
                for i in range(slots):
                    variant[i] = choice_household[varied - 1, slot[at.SLOT_HOUSEHOLD, i]]
        counts = step[s, at.DISCHARGE]
        if counts >= 0:
            for r in range(rows):
                z[r] = z[r] / max(row_count[counts, r], 1.0)
        if step[s, at.UNIT_SET] >= 0:
            evaluate(step[s, at.UNIT_SET], present[s], z, pay, spare, variant, n, hinge, hinge_count)
        else:
            for i in range(n):
                pay[i] = z[i] if varied == 0 or variant[i] > 0 else 0.0
        if counts >= 0:
            for r in range(rows):
                pay[r] = pay[r] * max(row_count[counts, r], 1.0)
        if not is_person and step[s, at.HOUSEHOLD_SET] >= 0:
            for i in range(n):
                z[i] = pay[i]
            evaluate(step[s, at.HOUSEHOLD_SET], _FIRST_VARIANT, z, pay, spare, variant, n, hinge, hinge_count)
        gate = step[s, at.GATE]
        if gate >= 0:
            for i in range(n):
                mine = np.int64(cell[at.CELL_SLOT, row[at.ROW_CELL, i]]) if is_person else np.int64(i)
                pay[i] = pay[i] if gate_open[gate, mine] != 0 else 0.0
        if is_person:
            if not is_points:
                before, after = step[s, at.CUM_IN], step[s, at.CUM_OUT]
                for r in range(rows):
                    pay[r] = min(max(pay[r], 0.0), x[r])
                    buffer[after, r] = buffer[before, r] + pay[r]
            if step[s, at.HOUSEHOLD_SET] >= 0:
                _limit_households(
                    s, slots, step, slot, row, pay, paid, buffer, person_key, hinge, hinge_count, one, variant
                )
            for r in range(rows):
                paid[r] = np.int64(half_up(pay[r])) if is_points else np.int64(
                    half_up(buffer[after, r]) - half_up(buffer[before, r])
                )
            if step[s, at.CASE] >= 0:
                _drop_persons(s, rows, is_points, step, row, slot, cell, gate_open[gate], pay, paid, buffer)
            for c in range(n_person):
                if write[s, c] >= 0:
                    for r in range(rows):
                        left = 1.0 - pay[r] / x[r] if x[r] > 0.0 else 1.0
                        buffer[write[s, c], r] = buffer[read[s, c], r] * left
            for r in range(rows):
                active[r], z[r] = r, np.float64(paid[r])
            book_payments(
                s, rows, np.int64(0), first_year, years, block_persons, n_person, step, step_terms, effect, read,
                reads_account, account, first_of_year, active, place, z, spare, row, slot, cell[at.CELL_SLOT], buffer,
                held, sizes, event, money, step_sums, credit, collected, allowed, change,
            )
            continue
        before, after = step[s, at.HOUSEHOLD_CUM_IN], step[s, at.HOUSEHOLD_CUM_OUT]
        for mine in range(slots):
            h = np.int64(slot[at.SLOT_HOUSEHOLD, mine])
            pay[mine] = min(max(pay[mine], 0.0), x[mine])
            total = np.int64(half_up(held[before, mine] + pay[mine]) - half_up(held[before, mine]))
            held[after, mine] = held[before, mine] + pay[mine]
            if reads_persons:
                total = min(
                    np.int64(half_up(pay[mine])),
                    _room(mine, s, n_person, n_components, step[s, at.CUM_IN], before, slot, buffer, held, read),
                )
            if step[s, at.CASE] >= 0:
                if total > 0 and gate_open[gate, mine] & at.GATE_DUE != 0:
                    slot[at.SLOT_DUE, mine] |= _ONE << np.uint32(step[s, at.CASE])
                if gate_open[gate, mine] & at.GATE_PAID == 0:
                    total, pay[mine], held[after, mine] = np.int64(0), 0.0, held[before, mine]
            if allowed.shape[1] > 0 and allowed[s, slot[at.SLOT_YEAR, mine], block_persons + h] > 0:
                total = allowed[s, slot[at.SLOT_YEAR, mine], block_persons + h] - 1
            left = 1.0 - pay[mine] / x[mine] if x[mine] > 0.0 else 1.0
            weighted = 0.0
            for c in range(n_person, n_components):
                if read[s, c] >= 0:
                    weighted += step_terms[3, component_kind[c]] * held[read[s, c], mine]
                    if write[s, c] >= 0:
                        held[write[s, c], mine] = held[read[s, c], mine] * left
            if reads_persons:
                persons, own = _pay_members(
                    s, mine, x[mine], total, left, n_person, step, slot, row, paid, buffer, read, write, z, person_key
                )
                weighted += step_terms[3, at.EDUCATION] * persons
                held[after, mine] = held[before, mine] + own
            spare[mine] = weighted / x[mine] if x[mine] > 0.0 else 0.0
            paid_home[mine] = total
        for mine in range(slots):
            active[mine], z[mine] = mine, np.float64(paid_home[mine])
        book_payments(
            s, slots, np.int64(reads_persons), first_year, years, block_persons, n_person, step, step_terms, effect,
            read, reads_account, account, first_of_year, active, place, z, spare, row, slot, cell[at.CELL_SLOT],
            buffer, held, sizes, event, money, step_sums, credit, collected, allowed, change,
        )
