"""What it is that brings a household below a line: the cause that costs it most under "none"."""

from __future__ import annotations

import numpy as np

from fangpinbao._jit import inlined, kernel
from fangpinbao.core import layout as at

__all__ = ["base_cause", "find_cause"]

_SCHOOLING_CERTAIN, _OTHER = 3, 6


@inlined
def base_cause(schooling):
    """Cause of a fall without any event: schooling, or another certain cost."""
    return _SCHOOLING_CERTAIN if schooling > 0 else _OTHER


@kernel
def find_cause(
    mine, n_person, slot, row, event, money, account, component_kind, none_buffer, kind_loss, buffer, base,
    base_person, education, costs,
):
    """Position of the cause that costs the household most under "none".

    ``education`` is what certain schooling costs it without any event.
    """
    costs[:] = 0.0
    costs[_SCHOOLING_CERTAIN] = education
    first, last = np.int64(slot[at.SLOT_ROW, mine]), np.int64(slot[at.SLOT_ROWS_END, mine])
    for r in range(first, last):
        e = row[at.ROW_EVENT, r]
        while e != at.NOBODY:
            a = event[at.EV_ACCOUNT, e]
            if account[at.KIND, a] != at.POINTS:
                inside, outside = account[at.INSIDE, a], account[at.OUTSIDE, a]
                scope, rest, left = money[1, e], money[0, e] - money[1, e], 0.0
                if scope > 0.0:
                    left += scope * buffer[none_buffer[inside], r] / buffer[inside, r]
                if rest > 0.0:
                    left += rest * buffer[none_buffer[outside], r] / buffer[outside, r]
                costs[account[at.CAUSE, a]] += left
            e = event[at.EV_NEXT, e]
        if base.shape[1] > 0:
            person = row[at.ROW_PERSON, r]
            costs[_SCHOOLING_CERTAIN] -= base_person[at.BASE_EDUCATION, person]
            for c in range(n_person):
                if component_kind[c] == at.EDUCATION and buffer[c, r] > 0.0:
                    costs[_SCHOOLING_CERTAIN] += base[c, person] / buffer[c, r] * buffer[none_buffer[c], r]
    e = slot[at.SLOT_EVENT, mine]
    while e != at.NOBODY:
        a = event[at.EV_ACCOUNT, e]
        kind = account[at.KIND, a]
        costs[account[at.CAUSE, a]] += money[0, e] * (kind_loss[at.STOCK] if kind == at.STOCK else 1.0)
        e = event[at.EV_NEXT, e]
    best = np.int64(_OTHER)
    for k in range(costs.shape[0]):
        if costs[k] > costs[best]:
            best = k
    return best
