"""Who is found: detection as a gate of a programme's coverages, and the alert-to-payout funnel.

A *case* is a programme whose families must be found. Its coverages are settled for everybody whom their terms
would pay (*due*); what is not found, not approved or declined is dropped before it is booked. So the funnel counts
who was due without settling anything twice: the first coverage in a stack that would pay does not depend on what
the ones behind it do.

Every draw is keyed by (seed, decision, path, household): designs that name the same channel share its luck.
"""

from __future__ import annotations

import numpy as np

from fangpinbao import columns as col
from fangpinbao._jit import kernel
from fangpinbao.core import layout as at
from fangpinbao.core.events import _draw_amounts, _survival, day_of
from fangpinbao.core.schedule import half_up
from fangpinbao.core.streams import mix64

__all__ = ["count_funnel", "find_households", "keep_found"]

_DAYS = 365.0
_ONE = np.uint32(1)


@kernel
def _draw_days(n, table, key, year, first_year, draw, mixed, survival, amount, quantile, atom_start, atom):
    """Draw the days that something takes in ``n`` slots into ``amount``."""
    for s in range(n):
        survival[s] = _survival(mix64(key[first_year + np.int64(year[s]), draw] + mixed[s]))
    _draw_amounts(table, survival, amount, n, quantile, atom_start, atom)


@kernel
def find_households(
    first_year, slots, is_base, case, channel, gate_case, standing, key, kind_loss, household, household_word,
    quantile, atom_start, atom, case_reads, row, slot, event, word, total, gate_open, mixed, draw, scratch, reached,
    days,
):
    """Follow each slot through each case; narrows the gates, which hold their tests of moment ``after_shock``.

    Parameters
    ----------
    key
        [y, draw] keys of the draws of detection.
    case_reads
        [case, account] 1 where some coverage of the case reads the account.
    gate_open
        [gate, slot] in: 1 where the tests are passed; out, for gates of a case: ``GATE_DUE`` and ``GATE_PAID``.
    reached
        [case, slot] the last stage that a household which is due reaches, and the channels that find it.
    days
        [case, slot] days from the last event that a coverage of the case reads (certain cost: from the first day
        of the year) to payment; behind the last case, the day of that event, case by case.

    In the year without events everybody who could ever be paid is, so that these are settled in every year.
    """
    home, year = slot[at.SLOT_HOUSEHOLD], slot[at.SLOT_YEAR]
    for s in range(slots):
        slot[at.SLOT_DUE, s], slot[at.SLOT_LATE, s] = 0, 0
    cases = case.shape[0]
    if is_base == 1:
        for gate in range(gate_case.shape[0]):
            d = gate_case[gate]
            if d >= 0:
                always = case[d, at.CASE_WRONGLY_PASSES] > 0.0
                for s in range(slots):
                    passes = gate_open[gate, s] == 1 and standing[cases + gate, home[s]] == 1
                    gate_open[gate, s] = at.GATE_DUE | at.GATE_PAID if passes or always else 0
        return
    spent, found, paid_after = scratch[0], scratch[1], scratch[2]
    survival, amount = draw[0], draw[1]
    counts_spending = np.int64(kind_loss[at.MEDICAL] > 0.0)
    for s in range(slots):
        h = home[s]
        mixed[s] = mix64(household_word[h])
        lost = np.int64(half_up(total[at.LOST, s] * kind_loss[at.INCOME]))
        repairs = household[at.INCOME_START, h] - lost - counts_spending * total[at.SPENDING, s]
        repairs += total[at.RELIEF_PAID, s] - total[at.RESOURCE, s]
        spent[s] = np.float64(total[at.SPENDING, s] + repairs)
    last_day = days[cases:]
    for d in range(cases):
        for s in range(slots):
            last_day[d, s] = 0.0
    for s in range(slots):
        first_row, end = slot[at.SLOT_ROW, s], slot[at.SLOT_ROWS_END, s]
        for r in range(first_row, end + 1):
            e = row[at.ROW_EVENT, r] if r < end else slot[at.SLOT_EVENT, s]
            while e != at.NOBODY:
                a, day = event[at.EV_ACCOUNT, e], np.float64(day_of(word[e]))
                for d in range(cases):
                    if case_reads[d, a] == 1:
                        last_day[d, s] = max(last_day[d, s], day)
                e = event[at.EV_NEXT, e]
    for d in range(cases):
        bit = _ONE << np.uint32(d)
        mine = reached[d]
        for s in range(slots):
            found[s], mine[s] = np.inf, 0
        for k in range(np.int64(case[d, at.CASE_CHANNELS]), np.int64(case[d, at.CASE_CHANNELS_END])):
            drawn, chance = np.int64(channel[k, at.CHANNEL_DRAW]), channel[k, at.CHANNEL_CHANCE]
            name = np.uint32(at.REACHED_CHANNELS + (drawn - at.DRAW_CHANNELS) // 2)
            _draw_days(
                slots, np.int64(channel[k, at.CHANNEL_DAYS]), key, year, first_year, drawn + 1, mixed, survival, amount,
                quantile, atom_start, atom,
            )
            for s in range(slots):
                if _survival(mix64(key[first_year + np.int64(year[s]), drawn] + mixed[s])) < chance:
                    mine[s] |= _ONE << name
                    found[s] = min(found[s], amount[s])
        for s in range(slots):
            paid_after[s] = found[s]
        for which in range(2):
            table = np.int64(case[d, at.CASE_CHECK_DAYS if which == 0 else at.CASE_PAYMENT_DAYS])
            of = at.DRAW_CHECK_DAYS if which == 0 else at.DRAW_PAYMENT_DAYS
            _draw_days(
                slots, table, key, year, first_year, of, mixed, survival, amount, quantile, atom_start, atom
            )
            for s in range(slots):
                paid_after[s] += amount[s]
        refused, passes = case[d, at.CASE_REFUSED], case[d, at.CASE_PASSES]
        threshold, times = case[d, at.CASE_THRESHOLD], case[d, at.CASE_TIMES_INCOME]
        for s in range(slots):
            now = first_year + np.int64(year[s])
            survival[s] = _survival(mix64(key[now, at.DRAW_CHECK] + mixed[s]))
            amount[s] = _survival(mix64(key[now, at.DRAW_REFUSAL] + mixed[s]))
        for s in range(slots):
            days[d, s] = paid_after[s]
            is_late = not last_day[d, s] + paid_after[s] < _DAYS
            slot[at.SLOT_LATE, s] |= bit if is_late else np.uint32(0)
            stage = 0
            if standing[d, home[s]] == 1:
                stage = col.STAGE_LISTED
                is_above = times < 0.0 or spent[s] > times * household[at.INCOME_TESTED, home[s]]
                if spent[s] >= threshold and is_above:
                    stage = col.STAGE_ALERTED
                    if found[s] < np.inf:
                        stage = col.STAGE_FOUND
                        if survival[s] < passes:
                            stage = col.STAGE_APPROVED
                            if not amount[s] < refused:
                                stage = col.STAGE_ACCEPTED if is_late else col.STAGE_IN_TIME
            mine[s] |= np.uint32(stage)
        for gate in range(gate_case.shape[0]):
            if gate_case[gate] != d:
                continue
            opened, chance = gate_open[gate], case[d, at.CASE_WRONGLY_PASSES]
            for s in range(slots):
                stage = np.int64(mine[s]) & at.REACHED_STAGE
                if opened[s] == 1 and standing[cases + gate, home[s]] == 1:
                    opened[s] = at.GATE_DUE | (at.GATE_PAID if stage >= col.STAGE_ACCEPTED else 0)
                elif stage >= col.STAGE_FOUND and survival[s] < chance and not amount[s] < refused:
                    opened[s] = at.GATE_PAID
                else:
                    opened[s] = 0


@kernel
def keep_found(n, is_person, d, opened, cell_of, cell_slot, due, active, fen, pay, upto):
    """Note whose payments are due, and keep of the listed rows or slots those that are paid; returns their number."""
    bit = _ONE << np.uint32(d)
    kept = np.int64(0)
    for j in range(n):
        i = active[j]
        mine = np.int64(cell_slot[cell_of[i]]) if is_person else np.int64(i)
        if fen[j] > 0.0 and opened[mine] & at.GATE_DUE != 0:
            due[mine] |= bit
        active[kept], fen[kept], pay[kept], upto[kept] = i, fen[j], pay[j], upto[j]
        kept += np.int64(opened[mine] & at.GATE_PAID != 0)
    return kept


@kernel
def count_funnel(first_year, slots, case, slot, reached, days, change, funnel):
    """Count, by case and year, how far the households come whose claim is due, and who is paid without being due."""
    for d in range(case.shape[0]):
        bit, p = _ONE << np.uint32(d), np.int64(case[d, at.CASE_PROGRAMME])
        for s in range(slots):
            cells = funnel[first_year + np.int64(slot[at.SLOT_YEAR, s]), d]
            is_due = slot[at.SLOT_DUE, s] & bit != 0
            k = np.int64(slot[at.SLOT_CHANGE, s]) - 1
            benefit = change[k, p, at.BENEFIT] if k >= 0 else np.int64(0)
            if benefit > 0:
                cells[col.FUNNEL_DAYS] += np.int64(half_up(1_000.0 * days[d, s]))
            if is_due:
                stage = np.int64(reached[d, s]) & at.REACHED_STAGE
                for k in range(stage + 1):
                    cells[k] += 1
                if stage >= col.STAGE_ALERTED:
                    for k in range(cells.shape[0] - col.FUNNEL_CHANNELS):
                        cells[col.FUNNEL_CHANNELS + k] += (
                            np.int64(reached[d, s]) >> np.int64(at.REACHED_CHANNELS + k)
                        ) & 1
            elif benefit > 0:
                cells[col.FUNNEL_WRONG] += 1
                cells[col.FUNNEL_WRONG_FEN] += benefit
