"""Counts classes, gaps and payout use of touched households, less what they count without events.

Columns of programmes hold the difference from "none" (programme 0), which is added at the end of a task.
"""

from __future__ import annotations

import numpy as np

from fangpinbao import columns as col
from fangpinbao._jit import inlined, kernel
from fangpinbao.core import layout as at
from fangpinbao.core.causes import base_cause, find_cause
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
_UNKNOWN = 255
_ONE = np.uint32(1)
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
def _add_line(n, sign, line, term, prevented, cells):
    """Add to one line's columns what a programme makes of ``n`` households of a year (sign -1: take it off).

    ``term`` is [TERM_*, household]; marks those kept from falling below the line in ``prevented``.
    """
    u, insured, benefit, fixed = term[at.TERM_U], term[at.TERM_I], term[at.TERM_BENEFIT], term[at.TERM_FIXED]
    of_home = term[at.TERM_HOUSEHOLD :]
    start, size, lifted_out, lines = (
        of_home[at.INCOME_START], of_home[at.SIZE], of_home[at.LIFTED_OUT], of_home[at.LINE + line]
    )
    lifted, returns, entries, relieved, induced, poor = 0, 0, 0, 0, 0, 0
    lifted_persons, return_persons, entry_persons, relieved_persons, induced_persons, poor_persons = 0, 0, 0, 0, 0, 0
    for j in range(n):
        z, heads, was_register = lines[j], size[j], lifted_out[j] == 1
        was_above, was_poor, is_poor, is_above = start[j] >= z, u[j] < z, insured[j] < z, insured[j] >= z
        kept = was_above & was_poor & is_above
        is_lifted = np.int64((start[j] < z) & was_poor & is_above)
        is_return = np.int64(kept & was_register)
        is_entry = np.int64(kept) - is_return
        is_relieved = np.int64(was_above & was_poor & is_poor & (benefit[j] > 0))
        is_induced = np.int64(is_poor & (u[j] >= z))
        more = np.int64(is_poor) - np.int64(was_poor)
        lifted, lifted_persons = lifted + is_lifted, lifted_persons + is_lifted * heads
        returns, return_persons = returns + is_return, return_persons + is_return * heads
        entries, entry_persons = entries + is_entry, entry_persons + is_entry * heads
        relieved, relieved_persons = relieved + is_relieved, relieved_persons + is_relieved * heads
        induced, induced_persons = induced + is_induced, induced_persons + is_induced * heads
        poor, poor_persons = poor + more, poor_persons + more * heads
        prevented[j] = kept
    use_lifted, use_poor, use_never, use_prevented, use_still, above, without = 0, 0, 0, 0, 0, 0, 0
    for j in range(n):
        z, paid = lines[j], benefit[j]
        was_above, was_poor, is_poor, is_above = start[j] >= z, u[j] < z, insured[j] < z, insured[j] >= z
        use_poor += paid if start[j] < z else 0
        use_lifted += paid if (start[j] < z) & was_poor & is_above else 0
        use_never += paid if was_above & (u[j] >= z) else 0
        use_prevented += paid if was_above & was_poor & is_above else 0
        use_still += paid if was_above & was_poor & is_poor else 0
        above += min(paid, max(insured[j] - z, 0))
        without += np.int64(was_above & was_poor & (insured[j] - fixed[j] >= z) & is_above)
    gap, fgt1, fgt2 = 0, 0, 0
    for j in range(n):
        z, heads = lines[j], np.float64(size[j])
        gap += max(z - insured[j], 0) - max(z - u[j], 0)
        ratio = np.float64(min(max(z - insured[j], 0), z)) / np.float64(z)
        before = np.float64(min(max(z - u[j], 0), z)) / np.float64(z)
        weighted, weighted_before = heads * ratio * _FIXED_POINT, heads * before * _FIXED_POINT
        fgt1 += np.int64(half_up(weighted)) - np.int64(half_up(weighted_before))
        fgt2 += np.int64(half_up(weighted * ratio)) - np.int64(half_up(weighted_before * before))
    kept_households, kept_persons = returns + entries, return_persons + entry_persons
    cells[_LIFTED] += sign * lifted
    cells[_N_CLASSES + _LIFTED] += sign * lifted_persons
    cells[_RETURN] += sign * returns
    cells[_N_CLASSES + _RETURN] += sign * return_persons
    cells[_ENTRY] += sign * entries
    cells[_N_CLASSES + _ENTRY] += sign * entry_persons
    cells[_STILL] -= sign * kept_households
    cells[_N_CLASSES + _STILL] -= sign * kept_persons
    cells[_RELIEVED] += sign * relieved
    cells[_N_CLASSES + _RELIEVED] += sign * relieved_persons
    cells[_INDUCED] += sign * induced
    cells[_N_CLASSES + _INDUCED] += sign * induced_persons
    cells[_USE_ALREADY] += sign * (use_poor - use_lifted)
    cells[_USE_LIFTED] += sign * use_lifted
    cells[_USE_NEVER] += sign * use_never
    cells[_USE_PREVENTED] += sign * use_prevented
    cells[_USE_STILL] += sign * use_still
    cells[_ABOVE] += sign * above
    cells[_WITHOUT] += sign * without
    cells[_POOR] += sign * poor
    cells[_POOR_PERSONS] += sign * poor_persons
    cells[_GAP] += sign * gap
    cells[_FGT1] += sign * fgt1
    cells[_FGT2] += sign * fgt2


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
def count_programmes(
    first_year, years, n_person, has_lines, relief_counts, household, relief_rate, own_premium, first_of_year, slot,
    row, event, money, account, component_kind, none_buffer, kind_loss, buffer, base, base_person, total, change,
    base_home, base_change, term, costs, cause_of, mask, listed, place, columns, by_household,
):
    """Add to each programme what the households it touches did, less what they do without events."""
    homes = slot[at.SLOT_HOUSEHOLD]
    for y in range(years):
        n = np.int64(0)
        for mine in range(first_of_year[1, y], first_of_year[1, y + 1]):
            listed[n] = mine
            cause_of[mine] = _UNKNOWN
            n += np.int64(slot[at.SLOT_CHANGE, mine] != 0)
        for p in range(1, columns.shape[1]):
            cells, before = columns[first_year + y, p], base_change[p]
            touched_before, found = np.int64(0), np.uint32(0)
            payout, paid, late, fixed_sums, more_relief, severe = 0, 0, 0, 0, 0, 0
            for i in range(n):
                mine = listed[i]
                k = slot[at.SLOT_CHANGE, mine] - _ONE
                is_before = before[at.TOUCHED, homes[mine]]
                place[found] = mine
                found += np.uint32((change[k, p, at.TOUCHED] | is_before) != 0)
                touched_before += is_before
            m = np.int64(found)
            for j in range(m):
                mine = place[j]
                h, k = homes[mine], slot[at.SLOT_CHANGE, mine] - _ONE
                u, relief, own = total[at.RESOURCE, mine], total[at.RELIEF_PAID, mine], own_premium[p, h]
                adjust = change[k, p, at.ADJUST]
                insured, insured_relief = _insured(u, adjust, own, relief, relief_rate[h], relief_counts)
                insured += change[k, p, at.AID]
                benefit, fixed = change[k, p, at.BENEFIT], change[k, p, at.FIXED]
                medical, limit = total[at.MEDICAL_SPENDING, mine], household[at.CATASTROPHIC_FROM, h]
                payout += benefit
                paid += np.int64(benefit > 0)
                late += change[k, p, at.LATE]
                fixed_sums += fixed
                more_relief += insured_relief - relief
                severe += np.int64(medical - change[k, p, at.MEDICAL_ADJUST] >= limit) - np.int64(medical >= limit)
                term[at.TERM_U, j], term[at.TERM_I, j] = u, insured
                term[at.TERM_BENEFIT, j], term[at.TERM_FIXED, j] = benefit, fixed
            for turn in range(2 if touched_before > 0 else 1):  # the year as it was, then the year without events
                sign = 1 - 2 * turn
                if turn == 1:
                    kept = np.int64(0)
                    for j in range(m):
                        h = np.int64(homes[place[j]])
                        if before[at.TOUCHED, h] == 0:
                            continue
                        u, medical = base_home[at.BASE_RESOURCE, h], base_home[at.BASE_MEDICAL, h]
                        limit, benefit = household[at.CATASTROPHIC_FROM, h], before[at.BENEFIT, h]
                        payout -= benefit
                        paid -= np.int64(benefit > 0)
                        late -= before[at.LATE, h]
                        fixed_sums -= before[at.FIXED, h]
                        more_relief -= before[at.RELIEF_CHANGE, h]
                        severe -= np.int64(medical - before[at.MEDICAL_ADJUST, h] >= limit)
                        severe += np.int64(medical >= limit)
                        term[at.TERM_U, kept], term[at.TERM_I, kept] = u, u + before[at.ADJUST, h]
                        term[at.TERM_BENEFIT, kept], term[at.TERM_FIXED, kept] = benefit, before[at.FIXED, h]
                        place[kept] = place[j]
                        kept += 1
                    m = kept
                if has_lines == 0:
                    continue
                for field in range(at.TERM_WIDTH - at.TERM_HOUSEHOLD):
                    source, target = household[field], term[at.TERM_HOUSEHOLD + field]
                    for j in range(m):
                        target[j] = source[homes[place[j]]]
                for line in range(2):
                    of_line = cells[_FIRST + line * _WIDTH : _FIRST + (line + 1) * _WIDTH]
                    _add_line(m, np.int64(sign), line, term, mask, of_line)
                    for i in range(where_set(mask, m, listed[n:])):
                        mine = np.int64(place[listed[n + i]])
                        h = homes[mine]
                        cause = base_cause(base_home[at.BASE_SCHOOLING, h])
                        if turn == 0:
                            if cause_of[mine] == _UNKNOWN:
                                cause_of[mine] = find_cause(
                                    mine, n_person, slot, row, event, money, account, component_kind, none_buffer,
                                    kind_loss, buffer, base, base_person, base_home[at.BASE_SCHOOLING, h], costs,
                                )
                            cause = np.int64(cause_of[mine])
                        of_line[_FIRST_CAUSE + cause] += sign
                if by_household.shape[1] > 0:
                    for j in range(m):
                        h = homes[place[j]]
                        by_household[p, h, 0] += sign * term[at.TERM_BENEFIT, j]
                        for line in range(2):
                            z = term[at.TERM_HOUSEHOLD + at.LINE + line, j]
                            gained = np.int64(term[at.TERM_U, j] < z) - np.int64(term[at.TERM_I, j] < z)
                            by_household[p, h, 1 + line] += sign * gained
            cells[_PAYOUT] += payout
            cells[_PAID] += paid
            cells[_LATE] += late
            cells[_FIXED] += fixed_sums
            cells[_RELIEF] += more_relief
            cells[_CATASTROPHIC] += severe


@kernel
def count_base(
    has_lines, relief_counts, household, relief_rate, own_premium, slot, total, change, base_home, base_change, term,
    mask, columns, by_household,
):
    """Count all households in the year without events, into year 0, and keep what each adds.

    Every household has a slot; causes other than certain schooling do not occur.
    """
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
            mine = base_change[p, :, h]
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
                term[at.TERM_U, 0], term[at.TERM_I, 0] = u, insured
                term[at.TERM_BENEFIT, 0], term[at.TERM_FIXED, 0] = benefit, mine[at.FIXED]
                for field in range(at.TERM_WIDTH - at.TERM_HOUSEHOLD):
                    term[at.TERM_HOUSEHOLD + field, 0] = household[field, h]
                for line in range(2):
                    z = household[at.LINE + line, h]
                    of_line = cells[_FIRST + line * _WIDTH : _FIRST + (line + 1) * _WIDTH]
                    _add_line(np.int64(1), np.int64(1), line, term, mask, of_line)
                    if mask[0] == 1:
                        of_line[_FIRST_CAUSE + base_cause(base_home[at.BASE_SCHOOLING, h])] += 1
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
