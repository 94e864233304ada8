"""Counts classes, gaps and payout use of touched households, less what they count without events.

Columns of programmes hold the difference from "none" (programme 0), which is added at the end of a task.
"""

from __future__ import annotations

import numpy as np

from fangpinbao import columns as col
from fangpinbao._jit import inlined, kernel
from fangpinbao.core import layout as at
from fangpinbao.core.events import where_set
from fangpinbao.core.schedule import half_up

__all__ = ["count_base", "count_none", "count_programmes", "list_touched", "take_off_base_steps"]

_PAYOUT, _PAID, _LATE, _FIXED = col.PAYOUT, col.HOUSEHOLDS_PAID, col.LATE, col.FIXED_SUM
_RELIEF, _OWN, _CATASTROPHIC = col.RELIEF, col.OWN_PREMIUM, col.CATASTROPHIC
_FIRST, _WIDTH, _N_CLASSES, _FIRST_CAUSE = col.FIRST_LINE_COLUMN, col.N_LINE_COLUMNS, col.N_CLASSES, col.FIRST_CAUSE
_ALREADY, _LIFTED, _NEVER, _INDUCED = col.ALREADY, col.LIFTED, col.NEVER, col.INDUCED
_RETURN, _ENTRY, _STILL, _RELIEVED = col.PREVENTED_RETURN, col.PREVENTED_ENTRY, col.STILL, col.RELIEVED
_USE_PREVENTED, _USE_LIFTED, _USE_ALREADY = col.USE_PREVENTED, col.USE_LIFTED, col.USE_ALREADY
_USE_STILL, _USE_NEVER, _ABOVE, _WITHOUT = col.USE_STILL, col.USE_NEVER, col.ABOVE_LINE, col.WITHOUT_FIXED
_POOR, _POOR_PERSONS = col.POOR, col.POOR_PERSONS
_GAP, _FGT1, _FGT2, _FIXED_POINT = col.GAP, col.FGT1, col.FGT2, col.FIXED_POINT
_SCHOOLING_CERTAIN, _OTHER = 3, 6
_NEVER_0, _POOR_0, _GAP_0, _FGT1_0, _FGT2_0 = range(at.LINE_SUMS)
_NO_SAFETY = np.iinfo(np.int64).max


@kernel
def count_none(first_year, years, has_lines, household, first_of_year, slot, total, base_home, mask, place, columns):
    """Add to programme 0 what touched households did under "none", less what they do without events.

    Only households that are or were below a line, or whose relief or catastrophic spending differs, count.
    """
    limits, safe, relief_before = household[at.CATASTROPHIC_FROM], base_home[at.SAFE_FROM], base_home[at.BASE_RELIEF]
    size, start = household[at.SIZE], household[at.INCOME_START]
    for y in range(years):
        low, high = first_of_year[1, y], first_of_year[1, y + 1]
        home, u = slot[at.SLOT_HOUSEHOLD, low:high], total[at.RESOURCE, low:high]
        medical, relief = total[at.MEDICAL_SPENDING, low:high], total[at.RELIEF_PAID, low:high]
        for i in range(high - low):
            h = home[i]
            mask[i] = (u[i] < safe[h]) | (medical[i] >= limits[h]) | (relief[i] != relief_before[h])
        n = where_set(mask, high - low, place)
        out = columns[first_year + y, 0]
        more_relief, severe = np.int64(0), np.int64(0)
        for j in range(n):
            i = place[j]
            h = home[i]
            more_relief += relief[i] - relief_before[h]
            severe += np.int64(medical[i] >= limits[h]) - np.int64(base_home[at.BASE_MEDICAL, h] >= limits[h])
        out[_RELIEF] += more_relief
        out[_CATASTROPHIC] += severe
        for line in range(2 if has_lines == 1 else 0):
            lines = household[at.LINE + line]
            before = base_home[at.BASE_LINES + line * at.LINE_SUMS : at.BASE_LINES + (line + 1) * at.LINE_SUMS]
            never, never_persons, poor, poor_persons = np.int64(0), np.int64(0), np.int64(0), np.int64(0)
            gap, fgt1, fgt2 = np.int64(0), np.int64(0), np.int64(0)
            for j in range(n):
                i = place[j]
                h = home[i]
                z, heads = lines[h], size[h]
                is_never = np.int64((start[h] >= z) & (u[i] >= z)) - before[_NEVER_0, h]
                never += is_never
                never_persons += is_never * heads
                is_poor = np.int64(u[i] < z) - before[_POOR_0, h]
                poor += is_poor
                poor_persons += is_poor * heads
            for j in range(n):
                i = place[j]
                h = home[i]
                z = lines[h]
                short = max(z - u[i], 0)
                ratio = np.float64(min(short, z)) / np.float64(z)
                weighted = np.float64(size[h]) * ratio * _FIXED_POINT
                gap += short - before[_GAP_0, h]
                fgt1 += np.int64(half_up(weighted)) - before[_FGT1_0, h]
                fgt2 += np.int64(half_up(weighted * ratio)) - before[_FGT2_0, h]
            cells = out[_FIRST + line * _WIDTH : _FIRST + (line + 1) * _WIDTH]
            cells[_NEVER] += never
            cells[_N_CLASSES + _NEVER] += never_persons
            cells[_STILL] -= never
            cells[_N_CLASSES + _STILL] -= never_persons
            cells[_POOR] += poor
            cells[_POOR_PERSONS] += poor_persons
            cells[_GAP] += gap
            cells[_FGT1] += fgt1
            cells[_FGT2] += fgt2


@inlined
def _weighted_gap(resource, z, size):
    """Relative gap below a line times the persons, in fixed point, and the gap itself."""
    ratio = min(max(z - resource, 0), z) / z
    return size * ratio * _FIXED_POINT, ratio


@kernel
def _add_terms(n, terms, household, cells):
    """Add what programmes change for the classes and gaps of households at both lines (sign -1: take it off)."""
    for t in range(n):
        cell, h, sign = terms[t, at.TERM_CELL], terms[t, at.TERM_HOUSEHOLD], terms[t, at.TERM_SIGN]
        u, i, benefit = terms[t, at.TERM_U], terms[t, at.TERM_I], terms[t, at.TERM_BENEFIT]
        size, start = household[at.SIZE, h], household[at.INCOME_START, h]
        for line in range(2):
            z, first = household[at.LINE + line, h], cell + _FIRST + line * _WIDTH
            part, use = np.int64(-1), _USE_STILL  # class within the class under "none", use of the payout
            if start < z:
                use = _USE_ALREADY
                if u < z and z <= i:
                    part, use = _LIFTED, _USE_LIFTED
            elif u >= z:
                use = _USE_NEVER
            elif i >= z:
                kind, use = (_RETURN if household[at.LIFTED_OUT, h] == 1 else _ENTRY), _USE_PREVENTED
                cells[first + kind] += sign
                cells[first + _N_CLASSES + kind] += sign * size
                cells[first + _STILL] -= sign
                cells[first + _N_CLASSES + _STILL] -= sign * size
                if i - terms[t, at.TERM_FIXED] >= z:
                    cells[first + _WITHOUT] += sign
            elif benefit > 0:
                part = _RELIEVED
            if i < z and z <= u:
                part = _INDUCED
            if part >= 0:
                cells[first + part] += sign
                cells[first + _N_CLASSES + part] += sign * size
            if benefit > 0:
                cells[first + use] += sign * benefit
                cells[first + _ABOVE] += sign * min(benefit, max(i - z, 0))
            if i < z or u < z:
                poor = np.int64(i < z) - np.int64(u < z)
                cells[first + _POOR] += sign * poor
                cells[first + _POOR_PERSONS] += sign * poor * size
                cells[first + _GAP] += sign * (max(z - i, 0) - max(z - u, 0))
                insured, insured_ratio = _weighted_gap(i, z, size)
                bare, bare_ratio = _weighted_gap(u, z, size)
                cells[first + _FGT1] += sign * (np.int64(half_up(insured)) - np.int64(half_up(bare)))
                insured_square, bare_square = half_up(insured * insured_ratio), half_up(bare * bare_ratio)
                cells[first + _FGT2] += sign * (np.int64(insured_square) - np.int64(bare_square))


@inlined
def _base_cause(schooling):
    """Cause of a fall without any event: schooling, or another certain cost."""
    return _SCHOOLING_CERTAIN if schooling > 0 else _OTHER


@inlined
def _insured(u, adjust, own, relief, rate, relief_counts):
    """Resource I and relief under a programme; relief falls where benefits count as income."""
    cut = np.int64(0)
    if relief_counts == 1 and relief > 0 and adjust > 0:
        cut = min(np.int64(half_up(adjust * rate)), relief)
    return u + adjust - own - cut, relief - cut


@kernel
def list_touched(slots, slot, base_home, place):
    """List the slots of households that a programme touches without any event."""
    n = np.int64(0)
    for s in range(slots):
        place[n] = s
        n += base_home[at.BASE_TOUCHED, slot[at.SLOT_HOUSEHOLD, s]]
    return n


@kernel
def _cause(
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


@kernel
def count_programmes(
    first_year, n_person, has_lines, relief_counts, household, relief_rate, own_premium, slot, row, event,
    money, account, component_kind, none_buffer, kind_loss, buffer, base, base_person, total, change, base_home,
    base_change, terms, costs, sizes, columns, by_household,
):
    """Add to each programme what the households it touches did, less what they do without events."""
    flat = columns.reshape(columns.size)
    n_programmes, width = columns.shape[1], columns.shape[2]
    n = np.int64(0)
    for k in range(sizes[2]):
        if n + 2 * n_programmes > terms.shape[0]:
            _add_terms(n, terms, household, flat)
            n = np.int64(0)
        mine = change[k, 0, 0]
        h, y = np.int64(slot[at.SLOT_HOUSEHOLD, mine]), first_year + np.int64(slot[at.SLOT_YEAR, mine])
        u, relief = total[at.RESOURCE, mine], total[at.RELIEF_PAID, mine]
        medical, limit = total[at.MEDICAL_SPENDING, mine], household[at.CATASTROPHIC_FROM, h]
        start, highest = household[at.INCOME_START, h], max(household[at.LINE, h], household[at.LINE + 1, h])
        u0, medical0 = base_home[at.BASE_RESOURCE, h], base_home[at.BASE_MEDICAL, h]
        severe, severe0 = np.int64(medical >= limit), np.int64(medical0 >= limit)
        for p in range(1, n_programmes):
            own = own_premium[p, h]
            if change[k, p, at.TOUCHED] == 0 and base_change[h, p, at.TOUCHED] == 0 and own == 0:
                continue
            insured, insured_relief = _insured(u, change[k, p, at.ADJUST], own, relief, relief_rate[h], relief_counts)
            insured += change[k, p, at.AID]
            benefit, fixed, late = change[k, p, at.BENEFIT], change[k, p, at.FIXED], change[k, p, at.LATE]
            adjusted = change[k, p, at.MEDICAL_ADJUST]
            insured0, benefit0 = u0 + base_change[h, p, at.ADJUST], base_change[h, p, at.BENEFIT]
            fixed0 = base_change[h, p, at.FIXED]
            if u == u0 and insured == insured0 and benefit == benefit0 and fixed == fixed0 and medical == medical0:
                is_as_ever = late == base_change[h, p, at.LATE] and adjusted == base_change[h, p, at.MEDICAL_ADJUST]
                if is_as_ever and insured_relief - relief == base_change[h, p, at.RELIEF_CHANGE]:
                    continue  # the year without events once more
            cell = (y * n_programmes + p) * width
            flat[cell + _PAYOUT] += benefit - benefit0
            flat[cell + _PAID] += np.int64(benefit > 0) - np.int64(benefit0 > 0)
            flat[cell + _LATE] += late - base_change[h, p, at.LATE]
            flat[cell + _FIXED] += fixed - fixed0
            flat[cell + _RELIEF] += insured_relief - relief - base_change[h, p, at.RELIEF_CHANGE]
            flat[cell + _CATASTROPHIC] += np.int64(medical - adjusted >= limit) - severe
            had_severe = np.int64(medical0 - base_change[h, p, at.MEDICAL_ADJUST] >= limit)
            flat[cell + _CATASTROPHIC] -= had_severe - severe0
            if min(min(start, min(u, u0)), min(insured, insured0)) >= highest:
                for line in range(2 if has_lines == 1 else 0):  # never at risk: only the use of the payout changes
                    z, use = household[at.LINE + line, h], cell + _FIRST + line * _WIDTH
                    flat[use + _USE_NEVER] += benefit - benefit0
                    flat[use + _ABOVE] += min(benefit, insured - z) - min(benefit0, insured0 - z)
            elif has_lines == 1:
                terms[n, at.TERM_CELL], terms[n, at.TERM_HOUSEHOLD], terms[n, at.TERM_SIGN] = cell, h, 1
                terms[n, at.TERM_U], terms[n, at.TERM_I] = u, insured
                terms[n, at.TERM_BENEFIT], terms[n, at.TERM_FIXED] = benefit, fixed
                n += 1
                if base_change[h, p, at.TOUCHED] == 1:  # else it makes no difference without events
                    terms[n, at.TERM_CELL], terms[n, at.TERM_HOUSEHOLD], terms[n, at.TERM_SIGN] = cell, h, -1
                    terms[n, at.TERM_U], terms[n, at.TERM_I] = u0, insured0
                    terms[n, at.TERM_BENEFIT], terms[n, at.TERM_FIXED] = benefit0, fixed0
                    n += 1
                cause = np.int64(-1)
                for line in range(2):
                    z, by_cause = household[at.LINE + line, h], cell + _FIRST + line * _WIDTH + _FIRST_CAUSE
                    if start >= z and u < z and z <= insured:
                        if cause < 0:
                            cause = _cause(
                                mine, n_person, slot, row, event, money, account, component_kind, none_buffer,
                                kind_loss, buffer, base, base_person, base_home[at.BASE_SCHOOLING, h], costs,
                            )
                        flat[by_cause + cause] += 1
                    if start >= z and u0 < z and z <= insured0:
                        flat[by_cause + _base_cause(base_home[at.BASE_SCHOOLING, h])] -= 1
                    if by_household.shape[1] > 0:
                        by_household[p, h, 1 + line] += np.int64(u < z) - np.int64(insured < z)
                        by_household[p, h, 1 + line] -= np.int64(u0 < z) - np.int64(insured0 < z)
            if by_household.shape[1] > 0:
                by_household[p, h, 0] += benefit - benefit0
    _add_terms(n, terms, household, flat)


@kernel
def count_base(
    has_lines, relief_counts, household, relief_rate, own_premium, slot, total, change, base_home, base_change, terms,
    columns, by_household,
):
    """Count all households in the year without events, into year 0, and keep what each adds.

    Every household has a slot; causes other than certain schooling do not occur.
    """
    flat, width = columns.reshape(columns.size), columns.shape[2]
    for h in range(household.shape[1]):
        u, relief, medical = total[at.RESOURCE, h], total[at.RELIEF_PAID, h], total[at.MEDICAL_SPENDING, h]
        start, limit = household[at.INCOME_START, h], household[at.CATASTROPHIC_FROM, h]
        severe = np.int64(medical >= limit)
        base_home[at.BASE_RESOURCE, h], base_home[at.BASE_MEDICAL, h] = u, medical
        base_home[at.BASE_RELIEF, h] = relief
        columns[0, 0, _RELIEF] += relief
        columns[0, 0, _CATASTROPHIC] += severe
        highest = max(household[at.LINE, h], household[at.LINE + 1, h])
        base_home[at.SAFE_FROM, h] = highest if min(u, start) >= highest and severe == 0 else _NO_SAFETY
        if has_lines == 1:
            size = household[at.SIZE, h]
            for line in range(2):
                z, first = household[at.LINE + line, h], at.BASE_LINES + line * at.LINE_SUMS
                weighted, ratio = _weighted_gap(u, z, size)
                kind = _ALREADY if start < z else _NEVER if u >= z else _STILL
                cells = columns[0, 0, _FIRST + line * _WIDTH : _FIRST + (line + 1) * _WIDTH]
                cells[kind] += 1
                cells[_N_CLASSES + kind] += size
                base_home[first + _NEVER_0, h] = np.int64(kind == _NEVER)
                base_home[first + _POOR_0, h] = np.int64(u < z)
                base_home[first + _GAP_0, h] = max(z - u, 0)
                base_home[first + _FGT1_0, h] = np.int64(half_up(weighted))
                base_home[first + _FGT2_0, h] = np.int64(half_up(weighted * ratio))
                cells[_POOR] += base_home[first + _POOR_0, h]
                cells[_POOR_PERSONS] += size * base_home[first + _POOR_0, h]
                cells[_GAP] += base_home[first + _GAP_0, h]
                cells[_FGT1] += base_home[first + _FGT1_0, h]
                cells[_FGT2] += base_home[first + _FGT2_0, h]
        k = np.int64(slot[at.SLOT_CHANGE, h]) - 1
        for p in range(1, columns.shape[1]):
            own = own_premium[p, h]
            if own == 0 and (k < 0 or change[k, p, at.TOUCHED] == 0):
                continue
            mine = base_change[h, p]
            for c in range(at.CHANGE_WIDTH):
                mine[c] = change[k, p, c] if k >= 0 else np.int64(0)
            insured, insured_relief = _insured(u, mine[at.ADJUST], own, relief, relief_rate[h], relief_counts)
            insured += mine[at.AID]
            mine[at.ADJUST], mine[at.RELIEF_CHANGE] = insured - u, insured_relief - relief
            mine[at.TOUCHED] = 1
            base_home[at.BASE_TOUCHED, h] = 1
            cells, benefit = columns[0, p], mine[at.BENEFIT]
            cells[_PAYOUT] += benefit
            cells[_PAID] += np.int64(benefit > 0)
            cells[_LATE] += mine[at.LATE]
            cells[_FIXED] += mine[at.FIXED]
            cells[_OWN] += own
            cells[_RELIEF] += insured_relief - relief
            cells[_CATASTROPHIC] += np.int64(medical - mine[at.MEDICAL_ADJUST] >= limit) - severe
            if has_lines == 1:
                terms[0, at.TERM_CELL], terms[0, at.TERM_HOUSEHOLD], terms[0, at.TERM_SIGN] = p * width, h, 1
                terms[0, at.TERM_U], terms[0, at.TERM_I] = u, insured
                terms[0, at.TERM_BENEFIT], terms[0, at.TERM_FIXED] = benefit, mine[at.FIXED]
                _add_terms(np.int64(1), terms, household, flat)
                for line in range(2):
                    z = household[at.LINE + line, h]
                    if start >= z and u < z and z <= insured:
                        cells[_FIRST + line * _WIDTH + _FIRST_CAUSE + _base_cause(base_home[at.BASE_SCHOOLING, h])] += 1
                    if by_household.shape[1] > 0:
                        by_household[p, h, 1 + line] += np.int64(u < z) - np.int64(insured < z)
            if by_household.shape[1] > 0:
                by_household[p, h, 0] += benefit


@kernel
def take_off_base_steps(first_year, years, first_of_year, slot, base_step, step_has_base, step_sums):
    """Take off, for touched households, what steps pay without events."""
    home = slot[at.SLOT_HOUSEHOLD]
    for s in range(step_has_base.shape[0]):
        if step_has_base[s] == 1:
            for y in range(years):
                for mine in range(first_of_year[1, y], first_of_year[1, y + 1]):
                    step_sums[0, first_year + y, s] -= base_step[0, s, home[mine]]
                    step_sums[1, first_year + y, s] -= base_step[1, s, home[mine]]
