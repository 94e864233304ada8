"""What a year did to households: resources in the worlds W0, U and I, relief, and the tests after the shock.

W0 before every booked account, U under the stack "none", I under a programme.
"""

from __future__ import annotations

import numpy as np

from fangpinbao._jit import kernel
from fangpinbao.core import layout as at
from fangpinbao.core.schedule import half_up
from fangpinbao.core.streams import mix64

__all__ = ["keep_base", "none_world", "spend_rows"]

_S32 = np.uint64(32)


@kernel
def spend_rows(rows, n_person, component_kind, none_buffer, none_cum, base_person, row, buffer, scratch, spent):
    """Add up what the members of each household spend under "none", beyond what they spend without events."""
    cost, medical = scratch[0], scratch[1]
    person, cells = row[at.ROW_PERSON], row[at.ROW_CELL]
    for r in range(rows):
        cost[r], medical[r] = 0.0, 0.0
    is_all_medical = True
    for c in range(n_person):
        if component_kind[c] != at.POINTS:
            column = buffer[c]
            for r in range(rows):
                cost[r] += column[r]
            if component_kind[c] == at.MEDICAL:
                column = buffer[none_buffer[c]]
                for r in range(rows):
                    medical[r] += column[r]
            else:
                is_all_medical = False
    paid = buffer[none_cum[0]]
    for r in range(rows):
        cost[r] -= half_up(paid[r])
    if is_all_medical:
        for r in range(rows):
            medical[r] = cost[r]
    else:
        for r in range(rows):
            medical[r] = min(half_up(medical[r]), cost[r])
    if base_person.shape[1] > 0:
        for r in range(rows):
            cost[r] -= np.float64(base_person[at.BASE_COST, person[r]])
            medical[r] -= np.float64(base_person[at.BASE_PERSON_MEDICAL, person[r]])
    spending, medical_spending = spent[at.CELL_SPENDING], spent[at.CELL_MEDICAL]
    for r in range(rows):
        spending[cells[r]] += np.int64(cost[r])
    for r in range(rows):
        medical_spending[cells[r]] += np.int64(medical[r])


@kernel
def none_world(
    first_year, slots, households, n_person, is_base, relief_on_rigid, component_kind, none_buffer, none_cum, kind_loss,
    household, household_word, relief_rate, base_home, gate_terms, gate_take_up, take_up_key, slot, total, held,
    scratch,
    spent, gate_open,
):
    """Spending, lost income, relief and resource U of each slot, and the tests of moment ``after_shock``.

    What persons spend is the household's spending without events and what its rows add.
    """
    width = (households + 7) // 8 * 8
    lost, stock, medical, other = scratch[0], scratch[1], scratch[2], scratch[3]
    home, year = slot[at.SLOT_HOUSEHOLD], slot[at.SLOT_YEAR]
    spending, medical_spending, resource = total[at.SPENDING], total[at.MEDICAL_SPENDING], total[at.RESOURCE]
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
        total[at.LOST, s] = np.int64(half_up(lost[s]))
        medical_spending[s] = np.int64(half_up(medical[s]))
        spending[s] = medical_spending[s] + np.int64(half_up(other[s]))
        resource[s] = -np.int64(half_up(stock[s] * kind_loss[at.STOCK]))
    for s in range(slots):
        cell = np.int64(year[s]) * width + home[s]
        spending[s] += base_home[at.BASE_SPENDING, home[s]] + spent[at.CELL_SPENDING, cell]
        medical_spending[s] += base_home[at.BASE_PERSONS_MEDICAL, home[s]] + spent[at.CELL_MEDICAL, cell]
    start, tested_income = household[at.INCOME_START], household[at.INCOME_TESTED]
    counts_spending = np.int64(kind_loss[at.MEDICAL] > 0.0)
    for s in range(slots):
        income = start[home[s]] - np.int64(half_up(total[at.LOST, s] * kind_loss[at.INCOME]))
        resource[s] += income - counts_spending * spending[s]
    for s in range(slots):
        tested = tested_income[home[s]] - total[at.LOST, s] - relief_on_rigid * spending[s]
        short = max(household[at.RELIEF_STANDARD, home[s]] - tested, 0)
        relief = np.int64(half_up(short * relief_rate[home[s]]))
        total[at.RELIEF_PAID, s] = relief
        resource[s] += relief
    if gate_take_up.shape[0] == 0:
        return
    drawn = scratch[0]
    for s in range(slots):
        key = take_up_key[first_year + np.int64(year[s])]
        drawn[s] = np.float64(mix64(key + household_word[home[s]]) >> _S32)
    for gate in range(gate_take_up.shape[0]):
        chance = np.float64(gate_take_up[gate])
        if is_base == 1:
            chance = 2.0**33
        opened = gate_open[gate]
        for s in range(slots):
            opened[s] = drawn[s] < chance
        for k in range(2):
            of_income, of_lost = gate_terms[gate, k, 0], gate_terms[gate, k, 1]
            of_spending, line = gate_terms[gate, k, 2], gate_terms[gate, k, 3]
            if line == np.inf:
                continue
            for s in range(slots):
                tested = (
                    of_income * tested_income[home[s]] + of_lost * total[at.LOST, s] + of_spending * spending[s]
                )
                opened[s] &= tested < line * household[at.SIZE, home[s]]


@kernel
def keep_base(
    n_person, block_persons, none_steps, component_kind, none_buffer, none_cum, member_start, first_of_year, row,
    cell_slot, buffer, collected, person_paid, base_home, base_person, base_step,
):
    """Remember the year without events: what persons spend and are paid by "none", what steps pay households.

    ``person_paid`` 1 marks the steps of "none" that are remembered by person. All households have a slot, all
    persons with certain costs a row. ``base_step`` is [(paid, claims), step, household].
    """
    for r in range(first_of_year[0, 1]):
        i = row[at.ROW_PERSON, r]
        cost, medical, education = 0.0, 0.0, 0.0
        for c in range(n_person):
            if component_kind[c] != at.POINTS:
                cost += buffer[c, r]
            if component_kind[c] == at.MEDICAL:
                medical += buffer[none_buffer[c], r]
            if component_kind[c] == at.EDUCATION:
                education += buffer[none_buffer[c], r]
        cost -= half_up(buffer[none_cum[0], r])
        base_person[at.BASE_COST, i] = np.int64(cost)
        base_person[at.BASE_PERSON_MEDICAL, i] = np.int64(min(half_up(medical), cost))
        base_person[at.BASE_EDUCATION, i] = np.int64(half_up(education))
        mine = cell_slot[row[at.ROW_CELL, r]]
        base_home[at.BASE_SPENDING, mine] += base_person[at.BASE_COST, i]
        base_home[at.BASE_PERSONS_MEDICAL, mine] += base_person[at.BASE_PERSON_MEDICAL, i]
        base_home[at.BASE_SCHOOLING, mine] += base_person[at.BASE_EDUCATION, i]
    for s in range(collected.shape[0]):
        by_person = s < none_steps and person_paid[s] == 1
        for h in range(member_start.shape[0] - 1):
            for person in range(member_start[h], member_start[h + 1]):
                if collected[s, 0, person] != 0:
                    if by_person:
                        base_person[at.BASE_PAID + s, person] = collected[s, 0, person]
                    else:
                        base_step[0, s, h] += collected[s, 0, person]
                        base_step[1, s, h] += 1
            if collected[s, 0, block_persons + h] != 0:
                base_step[0, s, h] += collected[s, 0, block_persons + h]
                base_step[1, s, h] += 1
