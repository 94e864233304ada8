"""Credits what a coverage pays to the accounts whose cost it covers."""

from __future__ import annotations

import numpy as np

from fangpinbao._jit import kernel
from fangpinbao.core import layout as at
from fangpinbao.core.schedule import half_up

__all__ = ["credit_payments"]


@kernel
def credit_payments(
    s, n, is_person, of_members, first_year, n_person, active, place, fen, row, slot, event, money, account, read,
    reads_account, buffer, held, credit,
):
    """Credit payments of a coverage to accounts in proportion to the covered cost that was left to the household.

    The costs are those of the row or slot paid, of a slot with ``of_members`` 1 its rows' too. Rounding is
    cumulative over a unit's events. Written out without calls, since a call with arrays costs more than its work.
    """
    for j in range(n):
        mine, paid = np.int64(place[j]), np.int64(fen[j])
        year = first_year + np.int64(slot[at.SLOT_YEAR, mine])
        first, last = np.int64(active[j]), np.int64(active[j]) + 1
        if not is_person:
            first, last = np.int64(0), np.int64(0)
            if of_members == 1:
                first, last = np.int64(slot[at.SLOT_ROW, mine]), np.int64(slot[at.SLOT_ROWS_END, mine])
        elif row[at.ROW_EVENT, first] == at.NOBODY:
            continue  # certain costs are not events
        if is_person or of_members == 0:
            e = row[at.ROW_EVENT, first] if is_person else slot[at.SLOT_EVENT, mine]
            if e != at.NOBODY and event[at.EV_NEXT, e] == at.NOBODY:  # a single event takes all
                a = event[at.EV_ACCOUNT, e]
                inside, outside = account[at.INSIDE, a], account[at.OUTSIDE, a]
                amount, scope, left = money[0, e], money[1, e], False
                if is_person:
                    left = read[s, inside] >= 0 and scope > 0.0 and buffer[read[s, inside], first] > 0.0
                    rest = read[s, outside] >= 0 and amount > scope and buffer[read[s, outside], first] > 0.0
                    left = left or rest
                else:
                    left = read[s, inside] >= 0 and amount > 0.0 and held[read[s, inside], mine] > 0.0
                if left and reads_account[s, a] == 1:
                    credit[year, s, a] += paid
                continue
        stop = last if is_person else last + 1
        whole = 0.0
        for turn in range(2):
            running, credited = 0.0, np.int64(0)
            for r in range(first, stop):
                e = slot[at.SLOT_EVENT, mine] if r == last else row[at.ROW_EVENT, r]
                while e != at.NOBODY:
                    a = event[at.EV_ACCOUNT, e]
                    if reads_account[s, a] == 1:
                        inside, outside = account[at.INSIDE, a], account[at.OUTSIDE, a]
                        amount, scope = money[0, e], money[1, e]
                        if r == last:
                            if read[s, inside] >= 0 and amount > 0.0:
                                running += amount * held[read[s, inside], mine] / held[inside - n_person, mine]
                        else:
                            if read[s, inside] >= 0 and scope > 0.0:
                                running += scope * buffer[read[s, inside], r] / buffer[inside, r]
                            if read[s, outside] >= 0 and amount > scope:
                                running += (amount - scope) * buffer[read[s, outside], r] / buffer[outside, r]
                        if turn == 1 and whole > 0.0:
                            upto = np.int64(half_up(paid * (running / whole)))
                            credit[year, s, a] += upto - credited
                            credited = upto
                    e = event[at.EV_NEXT, e]
            whole = running
