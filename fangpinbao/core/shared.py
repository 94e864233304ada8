"""Fixed sums that share a limit with other steps: with each event, person-year or household-year.

The limit is used up in the order of the stack, within a step in the order of the persons' keys. With S the sum of
what comes before and y what a step would pay by itself, it pays min(S + y, limit) - min(S, limit).
"""

from __future__ import annotations

import numpy as np

from fangpinbao._jit import kernel
from fangpinbao.core import layout as at
from fangpinbao.core.detect import keep_found
from fangpinbao.core.events import day_of
from fangpinbao.core.schedule import EPSILON, half_up
from fangpinbao.core.steps import book_payments

__all__ = ["run_shared"]

_ALL = np.uint64(0)


@kernel
def _alone(s, r, mine, hit, row, event, money, word, step, reads_account, hinge, hinge_count, choice, gate_open):
    """What step ``s`` would pay a row by itself, fen: for all its events, or for those of the word ``hit``."""
    varied, gate, chosen = step[s, at.VARIANTS], step[s, at.GATE], step[s, at.EVENT_SET]
    if varied > 0 and choice[varied - 1, row[at.ROW_PERSON, r]] == 0:
        return 0.0
    if gate >= 0 and gate_open[gate, mine] == 0:
        return 0.0
    total = 0.0
    e = row[at.ROW_EVENT, r]
    while e != at.NOBODY:
        is_read = reads_account[s, event[at.EV_ACCOUNT, e]] == 1 and (hit == _ALL or word[e] == hit)
        if is_read and (step[s, at.WAITING] == 0 or day_of(word[e]) >= step[s, at.WAITING]):
            for k in range(hinge_count[chosen, 0]):
                over = money[0, e] - hinge[0, chosen, k, 0]
                total += hinge[1, chosen, k, 0] * max(over, 0.0)
                total += hinge[2, chosen, k, 0] if over >= -EPSILON else 0.0
        e = event[at.EV_NEXT, e]
    return total


@kernel
def _before(
    s, r, mine, hit, low, high, row, event, money, word, step, reads_account, hinge, hinge_count, choice, gate_open,
    buffer, held, person_key,
):
    """What uses up the limit of step ``s`` before row ``r``, whose slot has the rows ``low`` to ``high``."""
    all_members = step[s, at.SHARED_PER] == at.PER_HOUSEHOLD
    total, j = 0.0, step[s, at.SHARED_BEFORE]
    while j >= 0:
        if step[j, at.IS_POINTS] == 1:
            for q in range(low if all_members else r, high if all_members else r + 1):
                total += _alone(
                    j, q, mine, hit, row, event, money, word, step, reads_account, hinge, hinge_count, choice, gate_open
                )
        elif step[j, at.LEVEL] == 0:
            total += half_up(buffer[step[j, at.CUM_OUT], r]) - half_up(buffer[step[j, at.CUM_IN], r])
        else:
            total += half_up(held[step[j, at.HOUSEHOLD_CUM_OUT], mine])
            total -= half_up(held[step[j, at.HOUSEHOLD_CUM_IN], mine])
        j = step[j, at.SHARED_BEFORE]
    if all_members:
        for q in range(low, high):
            if person_key[row[at.ROW_PERSON, q]] < person_key[row[at.ROW_PERSON, r]]:
                total += _alone(
                    s, q, mine, hit, row, event, money, word, step, reads_account, hinge, hinge_count, choice, gate_open
                )
    return total


@kernel
def run_shared(
    first_step, last_step, first_year, years, block_persons, n_person, step, step_terms, effect, read,
    reads_account, choice, hinge, hinge_count, account, person_key, first_of_year, row, slot, cell_slot, buffer,
    held, scratch, active, place, sizes, event, money, word, gate_open, step_sums, credit, collected, allowed, change,
):
    """Run steps of fixed sums with a shared limit over the rows of all slots; arguments as of ``run_special``."""
    fen, spare, slots = scratch[1], scratch[3], first_of_year[1, years]
    for s in range(first_step, last_step):
        limit, found = step_terms[4, s], np.int64(0)
        for mine in range(slots):
            low, high = np.int64(slot[at.SLOT_ROW, mine]), np.int64(slot[at.SLOT_ROWS_END, mine])
            for r in range(low, high):
                total, e = np.int64(0), row[at.ROW_EVENT, r]
                while e != at.NOBODY:
                    hit, is_first = _ALL, e == row[at.ROW_EVENT, r]
                    if step[s, at.SHARED_PER] == at.PER_EVENT:  # costs of one event bear the same word
                        hit, is_first, f = word[e], True, row[at.ROW_EVENT, r]
                        while f != e:
                            is_first = is_first and word[f] != hit
                            f = event[at.EV_NEXT, f]
                    own = 0.0
                    if is_first:
                        own = _alone(
                            s, r, mine, hit, row, event, money, word, step, reads_account, hinge, hinge_count, choice,
                            gate_open,
                        )
                    if own > 0.0:
                        before = _before(
                            s, r, mine, hit, low, high, row, event, money, word, step, reads_account, hinge,
                            hinge_count, choice, gate_open, buffer, held, person_key,
                        )
                        total += np.int64(half_up(min(before + own, limit)) - half_up(min(before, limit)))
                    e = event[at.EV_NEXT, e]
                active[found], fen[found] = r, np.float64(total)
                found += np.int64(total > 0)
        if step[s, at.CASE] >= 0:
            found = keep_found(
                found, True, step[s, at.CASE], gate_open[step[s, at.GATE]], row[at.ROW_CELL], cell_slot,
                slot[at.SLOT_DUE], active, fen, scratch[0], spare,
            )
        book_payments(
            s, found, np.int64(0), first_year, years, block_persons, n_person, step, step_terms, effect, read,
            reads_account, account, first_of_year, active, place, fen, spare, row, slot, cell_slot, buffer, held,
            sizes, event, money, step_sums, credit, collected, allowed, change,
        )
