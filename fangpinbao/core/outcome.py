"""What a year did to households: resources, classes and gaps in the worlds W0, U and I.

W0 before every booked account, U under the stack "none", I under a programme.
"""

from __future__ import annotations

import numpy as np

from fangpinbao import columns as col
from fangpinbao._jit import inlined, kernel
from fangpinbao.core import layout as at
from fangpinbao.core.schedule import half_up
from fangpinbao.core.streams import mix64

__all__ = ["count_outcomes", "keep_base_steps", "none_world", "take_off_base_steps"]

_S32 = np.uint64(32)
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


@kernel
def none_world(
    rows, slots, n_person, component_kind, none_buffer, none_cum, kind_loss, household, relief_rate, relief_on_rigid,
    slot, row, buffer, held, gate_terms, gate_take_up, take_up_key, household_word, is_base, gate_open,
    lost, stock, medical, other,
):
    """Spending, lost income, relief and resource U of each slot, and the tests of moment ``after_shock``."""
    for s in range(slots):
        lost[s], stock[s], medical[s], other[s] = 0.0, 0.0, 0.0, 0.0
    for c in range(n_person, component_kind.shape[0]):
        column, kind = held[none_buffer[c]], component_kind[c]
        target = lost if kind == at.INCOME else stock if kind == at.STOCK else medical if kind == at.MEDICAL else other
        for s in range(slots):
            target[s] += column[s]
    unpaid_from = component_kind.shape[0] - n_person
    if none_cum[1] != unpaid_from:  # layers pay households' accounts: what is borne is cost less what was paid
        for s in range(slots):
            cost_left = -half_up(held[none_cum[1], s]) - half_up(lost[s]) - half_up(stock[s])
            for c in range(unpaid_from):
                cost_left += held[c, s]
            cost_left -= half_up(medical[s]) + half_up(other[s])
            if half_up(medical[s]) != medical[s]:  # the fen goes to the kind that was not whole
                medical[s] = half_up(medical[s]) + cost_left
            elif half_up(lost[s]) != lost[s]:
                lost[s] = half_up(lost[s]) + cost_left
            elif half_up(stock[s]) != stock[s]:
                stock[s] = half_up(stock[s]) + cost_left
            else:
                other[s] = half_up(other[s]) + cost_left
    for s in range(slots):
        slot[at.LOST, s] = np.int64(half_up(lost[s]))
        slot[at.MEDICAL_SPENDING, s] = np.int64(half_up(medical[s]))
        slot[at.SPENDING, s] = slot[at.MEDICAL_SPENDING, s] + np.int64(half_up(other[s]))
        slot[at.RESOURCE, s] = -np.int64(half_up(stock[s] * kind_loss[at.STOCK]))
    cost = other
    for r in range(rows):
        cost[r], medical[r] = 0.0, 0.0
    for c in range(n_person):
        if component_kind[c] != at.POINTS:
            column = buffer[c]
            for r in range(rows):
                cost[r] += column[r]
            if component_kind[c] == at.MEDICAL:
                column = buffer[none_buffer[c]]
                for r in range(rows):
                    medical[r] += column[r]
    paid = buffer[none_cum[0]]
    for r in range(rows):
        cost[r] -= half_up(paid[r])
        medical[r] = min(half_up(medical[r]), cost[r])
    for r in range(rows):
        slot[at.SPENDING, row[at.ROW_SLOT, r]] += np.int64(cost[r])
        slot[at.MEDICAL_SPENDING, row[at.ROW_SLOT, r]] += np.int64(medical[r])
    for s in range(slots):
        h = slot[at.SLOT_HOUSEHOLD, s]
        income = household[h, at.INCOME_START] - np.int64(half_up(slot[at.LOST, s] * kind_loss[at.INCOME]))
        resource = income + slot[at.RESOURCE, s]
        if kind_loss[at.MEDICAL] > 0.0:
            resource -= slot[at.SPENDING, s]
        tested = household[h, at.INCOME_TESTED] - slot[at.LOST, s]
        if relief_on_rigid == 1:
            tested -= slot[at.SPENDING, s]
        short = max(household[h, at.RELIEF_STANDARD] - tested, 0)
        relief = np.int64(half_up(short * relief_rate[h])) if short > 0 else np.int64(0)
        slot[at.RELIEF_PAID, s] = relief
        slot[at.RESOURCE, s] = resource + relief
    for gate in range(gate_take_up.shape[0]):
        chance = np.uint64(gate_take_up[gate])
        by_chance = is_base == 0 and gate_take_up[gate] < 1 << 32
        for s in range(slots):
            h = slot[at.SLOT_HOUSEHOLD, s]
            is_open = 1
            for k in range(2):
                tested_income = (
                    gate_terms[gate, k, 0] * household[h, at.INCOME_TESTED]
                    + gate_terms[gate, k, 1] * slot[at.LOST, s]
                    + gate_terms[gate, k, 2] * slot[at.SPENDING, s]
                )
                if not tested_income < gate_terms[gate, k, 3] * household[h, at.SIZE]:
                    is_open = 0
            drawn = mix64(take_up_key[slot[at.SLOT_YEAR, s]] + household_word[h]) >> _S32
            if by_chance and drawn >= chance:
                is_open = 0
            gate_open[gate, s] = is_open


@inlined
def _add_lines(cells, cell, household, h, sign, u, i, benefit, fixed, lines):
    """Add a household to the classes and gaps of both lines (or take it off: sign -1)."""
    size, start = household[h, at.SIZE], household[h, at.INCOME_START]
    for line in range(2):
        if (lines >> line) & 1 == 0:
            continue
        z, first = household[h, at.LINE + line], cell + _FIRST + line * _WIDTH
        kind, part, use = _STILL, np.int64(-1), _USE_STILL  # class, class within it, use of the payout
        if start < z:
            kind, use = _ALREADY, _USE_ALREADY
            if u < z and z <= i:
                part, use = _LIFTED, _USE_LIFTED
        elif u >= z:
            kind, use = _NEVER, _USE_NEVER
        elif i >= z:
            kind, use = (_RETURN if household[h, at.LIFTED_OUT] == 1 else _ENTRY), _USE_PREVENTED
            if i - fixed >= z:
                cells[first + _WITHOUT] += sign
        elif benefit > 0:
            part = _RELIEVED
        if i < z and z <= u:
            part = _INDUCED
        cells[first + kind] += sign
        cells[first + _N_CLASSES + kind] += sign * size
        if part >= 0:
            cells[first + part] += sign
            cells[first + _N_CLASSES + part] += sign * size
        if benefit > 0:
            cells[first + use] += sign * benefit
            cells[first + _ABOVE] += sign * min(benefit, max(i - z, 0))
        if i < z:
            cells[first + _POOR] += sign
            cells[first + _POOR_PERSONS] += sign * size
            cells[first + _GAP] += sign * (z - i)
            ratio = min(z - i, z) / z
            cells[first + _FGT1] += sign * np.int64(half_up(size * ratio * _FIXED_POINT))
            cells[first + _FGT2] += sign * np.int64(half_up(size * ratio * ratio * _FIXED_POINT))


@kernel
def _cause(
    mine, n_person, slot, row, event, money, account, component_kind, none_buffer, kind_loss, buffer, base, costs
):
    """Position of the cause that costs the household most under "none"."""
    costs[:] = 0.0
    e = slot[at.SLOT_EVENT, mine]
    while e >= 0:
        a, person = event[at.EV_ACCOUNT, e], event[at.EV_PERSON, e]
        inside, outside = account[at.INSIDE, a], account[at.OUTSIDE, a]
        scope, rest, kind = money[1, e], money[0, e] - money[1, e], account[at.KIND, a]
        left = 0.0
        if kind != at.POINTS and person >= 0:
            r = slot[at.SLOT_ROW, mine]
            while row[at.ROW_PERSON, r] != person:
                r = row[at.ROW_NEXT, r]
            if scope > 0.0:
                left += scope * buffer[none_buffer[inside], r] / buffer[inside, r]
            if rest > 0.0:
                left += rest * buffer[none_buffer[outside], r] / buffer[outside, r]
        elif kind != at.POINTS:
            left = (scope + rest) * (kind_loss[at.STOCK] if kind == at.STOCK else 1.0)
        costs[account[at.CAUSE, a]] += left
        e = event[at.EV_NEXT, e]
    if base.shape[1] > 0:
        r = slot[at.SLOT_ROW, mine]
        while r >= 0:
            for c in range(n_person):
                if component_kind[c] == at.EDUCATION and buffer[c, r] > 0.0:
                    share = base[c, row[at.ROW_PERSON, r]] / buffer[c, r]
                    costs[_SCHOOLING_CERTAIN] += share * buffer[none_buffer[c], r]
            r = row[at.ROW_NEXT, r]
    best = _OTHER
    for k in range(costs.shape[0]):
        if costs[k] > costs[best]:
            best = k
    return best


@inlined
def _insured(u, adjust, own, relief, rate, relief_counts):
    """Resource I and relief under a programme; relief falls where benefits count as income."""
    cut = 0
    if relief_counts == 1 and relief > 0 and adjust > 0:
        cut = min(np.int64(half_up(adjust * rate)), relief)
    return u + adjust - own - cut, relief - cut


@kernel
def count_outcomes(
    slots, first, n_person, is_base, has_lines, relief_counts, household, relief_rate, own_premium, slot, row, event,
    money, account, component_kind, none_buffer, kind_loss, buffer, base, change, base_slot, base_change,
    term, costs, columns, by_household, touched, counted,
):
    """Add what the touched households did, less what they do without events.

    Columns of programmes hold the difference from "none" (programme 0), which is added at the end of a task.
    With ``is_base`` 1 every household is counted once, and stored as what to take off later.
    """
    n_programmes, n_groups, width = change.shape[1], columns.shape[2], columns.shape[3]
    cells = columns.reshape(columns.size)
    n_counted = np.int64(0)
    for mine in range(slots):  # most touched households stay well above the lines and get nothing
        h = slot[at.SLOT_HOUSEHOLD, mine]
        u, u0 = slot[at.RESOURCE, mine], base_slot[h - first, at.BASE_RESOURCE]
        lowest = min(min(u, u0), household[h, at.INCOME_START])
        limit = household[h, at.CATASTROPHIC_FROM]
        counted[n_counted] = mine
        n_counted += (
            (lowest < max(household[h, at.LINE], household[h, at.LINE + 1]))
            | (slot[at.RELIEF_PAID, mine] != base_slot[h - first, at.BASE_RELIEF])
            | (slot[at.MEDICAL_SPENDING, mine] >= limit)
            | (base_slot[h - first, at.BASE_MEDICAL] >= limit)
            | (touched[mine] > 0)
            | (base_slot[h - first, at.BASE_TOUCHED] > 0)
            | (is_base == 1)
        )
    for n in range(n_counted):
        mine = counted[n]
        h, y, group = slot[at.SLOT_HOUSEHOLD, mine], slot[at.SLOT_YEAR, mine], slot[at.SLOT_GROUP, mine]
        k, u, relief = h - first, slot[at.RESOURCE, mine], slot[at.RELIEF_PAID, mine]
        medical, limit = slot[at.MEDICAL_SPENDING, mine], household[h, at.CATASTROPHIC_FROM]
        start, highest = household[h, at.INCOME_START], max(household[h, at.LINE], household[h, at.LINE + 1])
        if is_base == 1:
            base_slot[k, at.BASE_RESOURCE], base_slot[k, at.BASE_MEDICAL] = u, medical
            base_slot[k, at.BASE_RELIEF], base_slot[k, at.BASE_TOUCHED] = relief, touched[mine]
        u0, medical0 = base_slot[k, at.BASE_RESOURCE], base_slot[k, at.BASE_MEDICAL]
        relief0, kept = base_slot[k, at.BASE_RELIEF], np.int64(1 - is_base)
        severe, severe0 = np.int64(medical >= limit), np.int64(medical0 >= limit) * kept
        if relief != kept * relief0 or severe != severe0:
            cell = (y * n_programmes * n_groups + group) * width
            cells[cell + _RELIEF] += relief - kept * relief0
            cells[cell + _CATASTROPHIC] += severe - severe0
        n_terms = 0
        if has_lines == 1 and (is_base == 1 or u < highest or u0 < highest or start < highest):
            lines = np.int64(3)
            if is_base == 0:  # on a line that it stays above, a household changes nothing
                lowest = min(min(u, u0), start)
                lines = np.int64(lowest < household[h, at.LINE]) + 2 * np.int64(lowest < household[h, at.LINE + 1])
            n_terms = _add_term(term, n_terms, 0, 1, u, u, 0, 0, lines)
            n_terms = _add_term(term, n_terms, 0, -kept, u0, u0, 0, 0, lines)
        matters = is_base == 1 or touched[mine] > 0 or base_slot[k, at.BASE_TOUCHED] > 0
        for p in range(1, n_programmes if matters else 1):
            own = own_premium[p, h]
            had = base_change[at.TOUCHED, p, k] * kept
            if is_base == 0 and change[at.TOUCHED, p, mine] == 0 and had == 0 and own == 0:
                continue
            insured, insured_relief = _insured(
                u, change[at.ADJUST, p, mine], own, relief, relief_rate[h], relief_counts
            )
            benefit, fixed, late = change[at.BENEFIT, p, mine], change[at.FIXED, p, mine], change[at.LATE, p, mine]
            adjusted = change[at.MEDICAL_ADJUST, p, mine]
            if is_base == 1:
                base_change[at.ADJUST, p, k], base_change[at.MEDICAL_ADJUST, p, k] = insured - u, adjusted
                base_change[at.BENEFIT, p, k], base_change[at.FIXED, p, k] = benefit, fixed
                base_change[at.LATE, p, k], base_change[at.RELIEF_CHANGE, p, k] = late, insured_relief - relief
                base_change[at.TOUCHED, p, k] = max(change[at.TOUCHED, p, mine], np.int64(own != 0))
                base_slot[k, at.BASE_TOUCHED] = max(base_slot[k, at.BASE_TOUCHED], base_change[at.TOUCHED, p, k])
            insured0, benefit0 = u0 + base_change[at.ADJUST, p, k], base_change[at.BENEFIT, p, k] * kept
            fixed0 = base_change[at.FIXED, p, k] * kept
            cell = ((y * n_programmes + p) * n_groups + group) * width
            cells[cell + _PAYOUT] += benefit - benefit0
            cells[cell + _PAID] += np.int64(benefit > 0) - np.int64(benefit0 > 0)
            cells[cell + _LATE] += late - base_change[at.LATE, p, k] * kept
            cells[cell + _FIXED] += fixed - fixed0
            cells[cell + _OWN] += own * is_base
            cells[cell + _RELIEF] += insured_relief - relief - kept * base_change[at.RELIEF_CHANGE, p, k]
            cells[cell + _CATASTROPHIC] += np.int64(medical - adjusted >= limit) - severe
            had_severe = np.int64(medical0 - base_change[at.MEDICAL_ADJUST, p, k] >= limit) * kept
            cells[cell + _CATASTROPHIC] -= had_severe - severe0
            if is_base == 0 and min(min(start, min(u, u0)), min(insured, insured0)) >= highest:
                for line in range(2 if has_lines == 1 else 0):  # never at risk: only the use of the payout changes
                    z, use = household[h, at.LINE + line], cell + _FIRST + line * _WIDTH
                    cells[use + _USE_NEVER] += benefit - benefit0
                    cells[use + _ABOVE] += min(benefit, insured - z) - min(benefit0, insured0 - z)
            elif has_lines == 1:
                n_terms = _add_term(term, n_terms, p, 1, u, insured, benefit, fixed, 3)
                n_terms = _add_term(term, n_terms, p, -1, u, u, 0, 0, 3)
                n_terms = _add_term(term, n_terms, p, -kept, u0, insured0, benefit0, fixed0, 3)
                n_terms = _add_term(term, n_terms, p, kept, u0, u0, 0, 0, 3)
                cause = np.int64(-1)
                for line in range(2):
                    z, by_cause = household[h, at.LINE + line], cell + _FIRST + line * _WIDTH + _FIRST_CAUSE
                    if start >= z and u < z and z <= insured:
                        if cause < 0:
                            cause = _cause(
                                mine, n_person, slot, row, event, money, account, component_kind, none_buffer,
                                kind_loss, buffer, base, costs,
                            )
                        cells[by_cause + cause] += 1
                    if start >= z and u0 < z and z <= insured0:
                        cells[by_cause + _SCHOOLING_CERTAIN] -= kept
                    if by_household.shape[1] > 0:
                        by_household[p, h, 1 + line] += np.int64(u < z) - np.int64(insured < z)
                        by_household[p, h, 1 + line] -= kept * (np.int64(u0 < z) - np.int64(insured0 < z))
            if by_household.shape[1] > 0:
                by_household[p, h, 0] += benefit - benefit0
        for t in range(n_terms):
            if term[t, 1] != 0:
                _add_lines(
                    cells, ((y * n_programmes + term[t, 0]) * n_groups + group) * width, household, h,
                    term[t, 1], term[t, 2], term[t, 3], term[t, 4], term[t, 5], term[t, 6],
                )


@inlined
def _add_term(term, n_terms, p, sign, u, insured, benefit, fixed, lines):
    term[n_terms, 6] = lines
    term[n_terms, 0], term[n_terms, 1], term[n_terms, 2] = p, sign, u
    term[n_terms, 3], term[n_terms, 4], term[n_terms, 5] = insured, benefit, fixed
    return n_terms + 1


@kernel
def keep_base_steps(first, last, block_persons, household_start, collected, base_step, step_has_base):
    """Remember, by step and household, payments and claims of the year without events."""
    first_person = household_start[first]
    for s in range(collected.shape[0]):
        step_has_base[s] = 0
        for h in range(first, last):
            paid, claims = np.int64(0), np.int64(0)
            for person in range(household_start[h], household_start[h + 1]):
                if collected[s, person - first_person] != 0:
                    paid += collected[s, person - first_person]
                    claims += 1
            if collected[s, block_persons + h - first] != 0:
                paid += collected[s, block_persons + h - first]
                claims += 1
            base_step[s, 0, h - first] = paid
            base_step[s, 1, h - first] = claims
            if paid != 0:
                step_has_base[s] = 1


@kernel
def take_off_base_steps(slots, first, slot, base_step, step_has_base, step_paid, step_claims):
    """Take off, for touched households, what steps pay without events."""
    for s in range(step_has_base.shape[0]):
        if step_has_base[s] == 1:
            for mine in range(slots):
                k, y, group = slot[at.SLOT_HOUSEHOLD, mine] - first, slot[at.SLOT_YEAR, mine], slot[at.SLOT_GROUP, mine]
                step_paid[y, s, group] -= base_step[s, 0, k]
                step_claims[y, s, group] -= base_step[s, 1, k]
