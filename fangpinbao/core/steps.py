"""Runs the steps of the stacks over all rows and slots of a batch."""

from __future__ import annotations

import numpy as np

from fangpinbao._jit import inlined, kernel
from fangpinbao.core import layout as at
from fangpinbao.core.schedule import EPSILON, half_up
from fangpinbao.core.settle import credit_accounts, evaluate, event_terms, share_out

__all__ = ["run_plain", "run_special"]


@inlined
def _change_programmes(s, mine, paid, weight, step, in_time_share, effect, change, touched):
    """Add a payment of step ``s`` to the programmes it makes a difference for."""
    in_time = paid
    if in_time_share < 1.0:
        in_time = np.int64(half_up(paid * in_time_share))
    value = np.int64(half_up(in_time * weight))
    for p in range(1, effect.shape[1]):
        sign = effect[s, p]
        if sign != 0:
            change[at.TOUCHED, p, mine] = 1
            touched[mine] = 1
            change[at.ADJUST, p, mine] += sign * value
            if step[s, at.STEP_KIND] == at.MEDICAL:
                change[at.MEDICAL_ADJUST, p, mine] += sign * in_time
            if step[s, at.INSURANCE] == 1:
                change[at.BENEFIT, p, mine] += paid
                change[at.LATE, p, mine] += paid - in_time
                if step[s, at.IS_POINTS] == 1:
                    change[at.FIXED, p, mine] += in_time


@kernel
def _limit_households(
    s, slots, step, slot, row, pay, buffer, person_key, hinge_at, hinge_bend, hinge_jump, hinge_count, one, variant
):
    """Apply per-household terms to the persons' payments and share the result out among them."""
    single, none = np.int64(1), np.int64(0)
    for mine in range(slots):
        total = 0.0
        r = slot[at.SLOT_ROW, mine]
        while r >= 0:
            total += pay[r]
            r = row[at.ROW_NEXT, r]
        if total <= 0.0:
            continue
        one[0, 0] = total
        evaluate(
            step[s, at.HOUSEHOLD_SET], one[0], one[1], variant, single, none, hinge_at, hinge_bend, hinge_jump,
            hinge_count,
        )
        if one[1, 0] >= total - EPSILON:
            continue
        share_out(slot[at.SLOT_ROW, mine], pay, np.float64(0.0), np.int64(half_up(one[1, 0])), row, person_key)
        r = slot[at.SLOT_ROW, mine]
        while r >= 0:
            pay[r] = np.float64(row[at.ROW_PAID, r])
            if step[s, at.IS_POINTS] == 0:
                buffer[step[s, at.CUM_OUT], r] = buffer[step[s, at.CUM_IN], r] + pay[r]
            r = row[at.ROW_NEXT, r]


@kernel
def _room(mine, s, n_person, n_components, cum_in, household_cum_in, slot, row, buffer, held, read):
    """Most a household's step can pay: what the persons' rule would pay for all that is left, in fen."""
    own = 0.0
    for c in range(n_person, n_components):
        if read[s, c] >= 0:
            own += held[read[s, c], mine]
    total = half_up(held[household_cum_in, mine] + own) - half_up(held[household_cum_in, mine])
    r = slot[at.SLOT_ROW, mine]
    while r >= 0:
        covered = 0.0
        for c in range(n_person):
            if read[s, c] >= 0:
                covered += buffer[read[s, c], r]
        total += half_up(buffer[cum_in, r] + covered) - half_up(buffer[cum_in, r])
        r = row[at.ROW_NEXT, r]
    return np.int64(total)


@kernel
def _pay_members(s, mine, whole, paid, left, n_person, step, slot, row, buffer, read, write, z, person_key):
    """Share a household's payment out among its members' costs; returns (members' cost, household's part)."""
    persons = 0.0
    r = slot[at.SLOT_ROW, mine]
    while r >= 0:
        covered = 0.0
        for c in range(n_person):
            if read[s, c] >= 0:
                covered += buffer[read[s, c], r]
                if write[s, c] >= 0:
                    buffer[write[s, c], r] = buffer[read[s, c], r] * left
        z[r] = covered
        persons += covered
        r = row[at.ROW_NEXT, r]
    own = share_out(slot[at.SLOT_ROW, mine], z, max(whole - persons, 0.0), paid, row, person_key)
    # a fen above what is left of a member's cost goes to the next member with room
    over = np.int64(0)
    for _ in range(2):
        r = slot[at.SLOT_ROW, mine]
        while r >= 0:
            upto = buffer[step[s, at.CUM_IN], r]
            room = half_up(upto + z[r]) - half_up(upto)
            spare = np.int64(room) - row[at.ROW_PAID, r]
            move = min(spare, over) if spare >= 0 else spare
            row[at.ROW_PAID, r] += move
            over -= move
            r = row[at.ROW_NEXT, r]
    own += over
    r = slot[at.SLOT_ROW, mine]
    while r >= 0:
        buffer[step[s, at.CUM_OUT], r] = buffer[step[s, at.CUM_IN], r] + row[at.ROW_PAID, r]
        r = row[at.ROW_NEXT, r]
    return persons, own


@kernel
def run_plain(
    first_step, last_step, rows, slots, first, first_person, block_persons, n_person, n_groups,
    step, in_time, effect, read, write, reads_account, component_kind, kind_weight,
    variant_person, variant_household, hinge_at, hinge_bend, hinge_jump, hinge_count, hinge_floor,
    account, slot, row, row_count, buffer, held, x, z, pay, variant, active, event, money, gate_open,
    step_paid, step_claims, credit, collected, allowed, change, touched,
):
    """Run steps with yearly terms on persons' costs, or on households' own: the common case.

    One loop does one thing over all rows, so that it becomes vector code.
    """
    n_components, n_steps = component_kind.shape[0], step.shape[0]
    paid_sums, claim_sums = step_paid.reshape(step_paid.size), step_claims.reshape(step_claims.size)
    for s in range(first_step, last_step):
        is_person = step[s, at.LEVEL] == 0
        n = rows if is_person else slots
        source = buffer if is_person else held
        low, high = (0, n_person) if is_person else (n_person, n_components)
        same = s > first_step and step[s, at.LEVEL] == step[s - 1, at.LEVEL]
        for c in range(low, high):
            same = same and read[s, c] == read[s - 1, c]
        started = same  # the step before read the same costs: they still stand in x
        for c in range(low, high):
            if read[s, c] >= 0 and not same:
                column = source[read[s, c]]
                if started:
                    for i in range(n):
                        x[i] += column[i]
                else:
                    for i in range(n):
                        x[i] = column[i]
                    started = True
        varied, chosen = step[s, at.VARIANTS], step[s, at.UNIT_SET]
        group_of_counts = step[s, at.DISCHARGE]
        discharge = group_of_counts >= 0
        floor = hinge_floor[chosen] if chosen >= 0 and not discharge else 0.0
        n_active = np.int64(0)
        if varied > 0:
            for i in range(n):
                if is_person:
                    variant[i] = variant_person[varied - 1, row[at.ROW_PERSON, i]]
                else:
                    variant[i] = variant_household[varied - 1, slot[at.SLOT_HOUSEHOLD, i]]
            for i in range(n):
                active[n_active] = i
                n_active += (x[i] + EPSILON >= floor) & (x[i] > 0.0) & (variant[i] > 0)
        else:
            for i in range(n):
                active[n_active] = i
                n_active += (x[i] + EPSILON >= floor) & (x[i] > 0.0)
        before = source[step[s, at.CUM_IN] if is_person else step[s, at.HOUSEHOLD_CUM_IN]]
        after = source[step[s, at.CUM_OUT] if is_person else step[s, at.HOUSEHOLD_CUM_OUT]]
        for i in range(n):
            after[i] = before[i]
        for c in range(low, high):
            if write[s, c] >= 0:
                column, target = source[read[s, c]], source[write[s, c]]
                for i in range(n):
                    target[i] = column[i]
        # from here on, position j stands for row or slot active[j]
        for j in range(n_active):
            z[j] = x[np.uint64(active[j])]
        if varied > 0:
            for j in range(n_active):
                variant[j] = variant[active[j]]  # active rises, so nothing is overwritten too early
        if discharge:
            for j in range(n_active):
                z[j] = z[j] / max(row_count[group_of_counts, active[j]], 1.0)
        if chosen >= 0:
            evaluate(chosen, z, pay, variant, n_active, varied, hinge_at, hinge_bend, hinge_jump, hinge_count)
        else:
            for j in range(n_active):
                pay[j] = z[j]
        if discharge:
            for j in range(n_active):
                pay[j] = pay[j] * max(row_count[group_of_counts, active[j]], 1.0)
        gate = step[s, at.GATE]
        if gate >= 0:
            for j in range(n_active):
                mine = row[at.ROW_SLOT, active[j]] if is_person else active[j]
                pay[j] = pay[j] if gate_open[gate, mine] == 1 else 0.0
        for j in range(n_active):
            i = np.uint64(active[j])
            amount = pay[j] if pay[j] > 0.0 else 0.0
            amount = amount if amount < x[i] else x[i]
            upto = before[i] + amount
            pay[j] = 1.0 - amount / x[i]  # share left
            z[j] = half_up(upto) - half_up(before[i])  # paid, fen
            after[i] = upto
        for c in range(low, high):
            if write[s, c] >= 0:
                target = source[write[s, c]]
                for j in range(n_active):
                    target[np.uint64(active[j])] *= pay[j]
        touches = False
        for p in range(1, effect.shape[1]):
            touches = touches or effect[s, p] != 0
        insurance = step[s, at.INSURANCE] == 1
        cell = s * n_groups
        for j in range(n_active):
            if z[j] == 0.0 and allowed.shape[1] == 0:
                continue
            i = active[j]
            mine = row[at.ROW_SLOT, i] if is_person else i
            unit = row[at.ROW_PERSON, i] - first_person if is_person else (
                block_persons + slot[at.SLOT_HOUSEHOLD, i] - first
            )
            paid = np.int64(z[j])
            if allowed.shape[1] > 0 and allowed[s, unit] >= 0:
                paid = allowed[s, unit]
            if paid == 0:
                continue
            group, year = slot[at.SLOT_GROUP, mine], slot[at.SLOT_YEAR, mine]
            paid_sums[year * n_steps * n_groups + cell + group] += paid
            claim_sums[year * n_steps * n_groups + cell + group] += 1
            if collected.shape[1] > 0:
                collected[s, unit] = paid
            if not touches:
                continue
            weight = kind_weight[step[s, at.STEP_KIND]] if step[s, at.STEP_KIND] >= 0 else kind_weight[at.EDUCATION]
            if not is_person and step[s, at.STEP_KIND] < 0:
                weight = 0.0
                for c in range(n_person, n_components):
                    if read[s, c] >= 0:
                        weight += kind_weight[component_kind[c]] * held[read[s, c], i] / x[i]
            _change_programmes(s, mine, paid, weight, step, in_time[s], effect, change, touched)
            if insurance:
                person = row[at.ROW_PERSON, i] if is_person else np.int64(-1)
                credit_accounts(
                    s, mine, person, paid, n_person, slot, event, money, account, read, reads_account, buffer, held,
                    credit,
                )


@kernel
def run_special(
    first_step, last_step, rows, slots, first, first_person, block_persons, n_person,
    step, in_time, effect, read, write, reads_account, component_kind, kind_weight,
    variant_person, variant_household, hinge_at, hinge_bend, hinge_jump, hinge_count,
    account, person_key, slot, row, row_count, buffer, held, x, z, pay, variant, one,
    event, money, word, gate_open,
    step_paid, step_claims, credit, collected, allowed, change, touched,
):
    """Run any kind of step: terms per event or per household, points, households' terms on members' costs."""
    n_components = component_kind.shape[0]
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
                        x[row[at.ROW_SLOT, r]] += buffer[source, r]
                else:
                    for i in range(slots):
                        x[i] += held[source, i]
        if step[s, at.EVENT_SET] >= 0:
            for i in range(n):
                z[i] = 0.0
            event_terms(
                s, slots, is_person, step[s, at.EVENT_SET], step[s, at.WAITING], n_person, slot, event, money, word,
                account,
                read, reads_account, buffer, held, z, hinge_at, hinge_bend, hinge_jump, hinge_count,
            )
        else:
            for i in range(n):
                z[i] = x[i]
        varied = step[s, at.VARIANTS]
        if varied > 0:
            if is_person:
                for r in range(rows):
                    variant[r] = variant_person[varied - 1, row[at.ROW_PERSON, r]]
            else:
                for i in range(slots):
                    variant[i] = variant_household[varied - 1, slot[at.SLOT_HOUSEHOLD, i]]
        counts = step[s, at.DISCHARGE]
        if counts >= 0:
            for r in range(rows):
                z[r] = z[r] / max(row_count[counts, r], 1.0)
        if step[s, at.UNIT_SET] >= 0:
            evaluate(step[s, at.UNIT_SET], z, pay, variant, n, varied, hinge_at, hinge_bend, hinge_jump, hinge_count)
        else:
            for i in range(n):
                pay[i] = z[i] if varied == 0 or variant[i] > 0 else 0.0
        if counts >= 0:
            for r in range(rows):
                pay[r] = pay[r] * max(row_count[counts, r], 1.0)
        if not is_person and step[s, at.HOUSEHOLD_SET] >= 0:
            for i in range(n):
                z[i] = pay[i]
            evaluate(
                step[s, at.HOUSEHOLD_SET], z, pay, variant, n, np.int64(0), hinge_at, hinge_bend, hinge_jump,
                hinge_count,
            )
        gate = step[s, at.GATE]
        if gate >= 0:
            for i in range(n):
                pay[i] = pay[i] if gate_open[gate, row[at.ROW_SLOT, i] if is_person else i] == 1 else 0.0
        if is_person:
            if not is_points:
                before, after = step[s, at.CUM_IN], step[s, at.CUM_OUT]
                for r in range(rows):
                    pay[r] = min(max(pay[r], 0.0), x[r])
                    buffer[after, r] = buffer[before, r] + pay[r]
            if step[s, at.HOUSEHOLD_SET] >= 0:
                _limit_households(
                    s, slots, step, slot, row, pay, buffer, person_key, hinge_at, hinge_bend, hinge_jump, hinge_count,
                    one, variant,
                )
            if is_points:
                for r in range(rows):
                    row[at.ROW_PAID, r] = np.int64(half_up(pay[r]))
            else:
                for r in range(rows):
                    paid = np.int64(half_up(buffer[after, r]) - half_up(buffer[before, r]))
                    row[at.ROW_PAID, r] = paid
            for c in range(n_person):
                if write[s, c] >= 0:
                    for r in range(rows):
                        left = 1.0 - pay[r] / x[r] if x[r] > 0.0 else 1.0
                        buffer[write[s, c], r] = buffer[read[s, c], r] * left
            weight = kind_weight[step[s, at.STEP_KIND] if step[s, at.STEP_KIND] >= 0 else at.EDUCATION]
            for r in range(rows):
                person, mine = row[at.ROW_PERSON, r], row[at.ROW_SLOT, r]
                if allowed.shape[1] > 0 and allowed[s, person - first_person] >= 0:
                    row[at.ROW_PAID, r] = allowed[s, person - first_person]
                paid = row[at.ROW_PAID, r]
                if paid != 0:
                    group, year = slot[at.SLOT_GROUP, mine], slot[at.SLOT_YEAR, mine]
                    step_paid[year, s, group] += paid
                    step_claims[year, s, group] += 1
                    _change_programmes(s, mine, paid, weight, step, in_time[s], effect, change, touched)
                    if step[s, at.INSURANCE] == 1:
                        credit_accounts(
                            s, mine, person, paid, n_person, slot, event, money, account, read, reads_account, buffer,
                            held, credit,
                        )
                    if collected.shape[1] > 0:
                        collected[s, person - first_person] = paid
            continue
        before, after = step[s, at.HOUSEHOLD_CUM_IN], step[s, at.HOUSEHOLD_CUM_OUT]
        for mine in range(slots):
            h, year = slot[at.SLOT_HOUSEHOLD, mine], slot[at.SLOT_YEAR, mine]
            pay[mine] = min(max(pay[mine], 0.0), x[mine])
            paid = np.int64(half_up(held[before, mine] + pay[mine]) - half_up(held[before, mine]))
            held[after, mine] = held[before, mine] + pay[mine]
            if reads_persons:
                paid = min(
                    np.int64(half_up(pay[mine])),
                    _room(mine, s, n_person, n_components, step[s, at.CUM_IN], before, slot, row, buffer, held, read),
                )
            if allowed.shape[1] > 0 and allowed[s, block_persons + h - first] >= 0:
                paid = allowed[s, block_persons + h - first]
            left = 1.0 - pay[mine] / x[mine] if x[mine] > 0.0 else 1.0
            weighted = 0.0
            for c in range(n_person, n_components):
                if read[s, c] >= 0:
                    weighted += kind_weight[component_kind[c]] * held[read[s, c], mine]
                    if write[s, c] >= 0:
                        held[write[s, c], mine] = held[read[s, c], mine] * left
            if reads_persons:
                persons, own = _pay_members(
                    s, mine, x[mine], paid, left, n_person, step, slot, row, buffer, read, write, z, person_key
                )
                weighted += kind_weight[at.EDUCATION] * persons
                held[after, mine] = held[before, mine] + own
            if paid != 0:
                step_paid[year, s, slot[at.SLOT_GROUP, mine]] += paid
                step_claims[year, s, slot[at.SLOT_GROUP, mine]] += 1
                weight = weighted / x[mine] if x[mine] > 0.0 else 0.0
                _change_programmes(s, mine, paid, weight, step, in_time[s], effect, change, touched)
                if step[s, at.INSURANCE] == 1:
                    whose = np.int64(-2 if reads_persons else -1)
                    credit_accounts(
                        s, mine, whose, paid, n_person, slot, event, money, account, read, reads_account, buffer, held,
                        credit,
                    )
                if collected.shape[1] > 0:
                    collected[s, block_persons + h - first] = paid
