"""Runs one block of households through the years of a chunk: draw, gather, settle, count.

A batch is the block in a few years, so that its scratch stays in the cache of one core.
"""

from __future__ import annotations

import numpy as np

from fangpinbao._jit import kernel
from fangpinbao.core.events import book_events, screen_perils, strike_townships
from fangpinbao.core.outcome import count_outcomes, keep_base_steps, none_world, take_off_base_steps
from fangpinbao.core.settle import clear, fill, list_slots
from fangpinbao.core.steps import run_plain, run_special
from fangpinbao.core.structures import Block, Chunk, Outputs, People, Perils, Stacks, Work

__all__ = ["draw", "run_base", "run_batch", "run_years"]


@kernel
def _run_plain_years(
    first_year, last_year, batch_years, first, last, unit_low, unit_high, n_none, n_person, n_steps, has_lines,
    relief_counts, relief_on_rigid, block_households, block_persons,
    peril, rate, tail, tail_row, screen_key, unit_of, unit_word, unit_stratum, mask, threshold, threshold_row,
    hit_unit, hit, hit_word, segment, sizes, events_by_year, event_start, catalogue, catalogue_key, township_start,
    household_word, booking, scope_share, event, money, word, survival, amount, intercept, slope, atom_start, atom,
    atom_survival, person_scale, household_scale, household_start, household_of, person_word,
    always, slot_of, slot, row_of, row, row_count, buffer, held, base, has_base, household_base, ground_up, household,
    account, step, in_time, effect, read, write, reads_account, component_kind, kind_weight, kind_loss,
    variant_person, variant_household, hinge_at, hinge_bend, hinge_jump, hinge_count, hinge_floor, none_buffer,
    none_cum, relief_rate, own_premium, gate_terms, gate_take_up, take_up_key, gate_open, x, z, pay, spare, variant,
    active, change, base_slot, base_change, base_step, step_has_base, term, costs, columns, step_paid, step_claims,
    credit, collected, allowed, by_household, touched, counted, base_any,
):
    """Run all years of a task in batches, without returning to Python; for stacks of plain steps only.

    Returns the year reached, or minus one more than the year whose events do not fit.
    """
    first_person, n_groups = household_start[first], step_paid.shape[2]
    zero = np.int64(0)
    low = first_year
    while low < last_year:
        high = min(low + batch_years, last_year)
        needed = screen_perils(
            low, high, unit_low, unit_high, peril, rate, tail, tail_row, screen_key, unit_of, unit_word, unit_stratum,
            mask, threshold, threshold_row, hit_unit, hit, hit_word, segment, sizes, events_by_year,
        )
        if needed == 0 and event_start[low] < event_start[high]:
            needed = strike_townships(
                low, high, first, last, event_start, catalogue, catalogue_key, township_start, household_word,
                unit_low, unit_high, unit_of, hit, hit_word, segment, sizes, events_by_year,
            )
        if needed > 0:
            return -low - 1
        events = book_events(
            sizes[1], segment, peril, booking, scope_share, hit, hit_word, event, money, word, survival, amount,
            intercept, slope, atom_start, atom, atom_survival, person_scale, household_scale, household_start,
            household_of, person_word,
        )
        if events < 0:
            return -low - 1
        slots = list_slots(events, low, high, first, last, block_households, event, always, slot_of, slot, zero)
        rows = fill(
            events, slots, low, first_person, n_person, block_persons, n_groups, event, money, household, account,
            slot, row_of, row, row_count, buffer, held, base, has_base, household_base, household_start, ground_up,
            base_any,
        )
        for f in range(change.shape[0]):
            for p in range(1, change.shape[1]):
                for i in range(slots):
                    change[f, p, i] = 0
        for i in range(slots):
            touched[i] = 0
        for part in range(2):
            first_step, last_step = zero, n_none
            if part == 1:
                first_step, last_step = n_none, n_steps
            run_plain(
                first_step, last_step, rows, slots, first, first_person,
                block_persons, n_person, n_groups, step, in_time, effect, read, write, reads_account, component_kind,
                kind_weight, variant_person, variant_household, hinge_at, hinge_bend, hinge_jump, hinge_count,
                hinge_floor, account, slot, row, row_count, buffer, held, x, z, pay, variant, active, event, money,
                gate_open, step_paid, step_claims, credit, collected, allowed, change, touched,
            )
            if part == 0:
                none_world(
                    rows, slots, n_person, component_kind, none_buffer, none_cum, kind_loss, household, relief_rate,
                    relief_on_rigid, slot, row, buffer, held, gate_terms, gate_take_up, take_up_key, household_word,
                    zero, gate_open, x, z, pay, spare,
                )
        count_outcomes(
            slots, first, n_person, zero, has_lines, relief_counts, household, relief_rate, own_premium, slot, row,
            event, money, account, component_kind, none_buffer, kind_loss, buffer, base, change, base_slot,
            base_change, term, costs, columns, by_household, touched, counted,
        )
        take_off_base_steps(slots, first, slot, base_step, step_has_base, step_paid, step_claims)
        clear(rows, slots, low, first, first_person, block_households, block_persons, slot_of, slot, row_of, row)
        low = high
    return low


def run_years(
    people: People, perils: Perils, stacks: Stacks, chunk: Chunk, work: Work, out: Outputs, block: Block,
    low: int, high: int,
) -> int:
    """Simulate years ``low`` to ``high``; the year reached, or minus (the year whose events do not fit + 1)."""
    if all(plain for _, _, plain in stacks.runs):
        reached = int(
            _run_plain_years(
                low, high, work.batch_years, block.first, block.last, block.unit_low, block.unit_high, stacks.n_none,
                stacks.n_person, len(stacks.in_time), stacks.has_lines, stacks.relief_counts, stacks.relief_on_rigid,
                work.block_households, work.block_persons, perils.peril, chunk.rate, chunk.tail, chunk.tail_row,
                chunk.screen_key, perils.unit_of, perils.unit_word, perils.unit_stratum, work.mask, work.threshold,
                work.threshold_row, work.hit_unit, work.hit, work.hit_word, work.segment, work.sizes, out.events,
                chunk.event_start, chunk.catalogue, chunk.catalogue_key, people.township_start,
                people.household_word, perils.booking, perils.scope_share, work.event, work.money, work.word,
                work.survival, work.amount, perils.intercept, perils.slope, perils.atom_start, perils.atom,
                perils.atom_survival, perils.person_scale, perils.household_scale, people.household_start,
                people.household_of, people.person_word, work.always, work.slot_of, work.slot, work.row_of,
                work.row, work.row_count, work.buffer, work.held, people.base, people.has_base, people.household_base,
                out.ground_up, people.household, stacks.account, stacks.step, stacks.in_time, stacks.effect,
                stacks.read, stacks.write, stacks.reads_account, stacks.component_kind, stacks.kind_weight,
                stacks.kind_loss,
                stacks.variant_person, stacks.variant_household, stacks.hinge_at, stacks.hinge_bend,
                stacks.hinge_jump, stacks.hinge_count, stacks.hinge_floor, stacks.none_buffer, stacks.none_cum,
                people.relief_rate, people.own_premium, stacks.gate_terms, stacks.gate_take_up, chunk.take_up_key,
                work.gate_open, work.x, work.z, work.pay, work.spare, work.variant, work.active, work.change,
                work.base_slot, work.base_change, work.base_step, work.step_has_base, work.term, work.costs,
                out.columns, out.step_paid, out.step_claims, out.credit, out.collected, out.allowed,
                out.by_household, work.touched, work.active, people.base_any,
            )
        )
    else:
        reached = low
        while 0 <= reached < high:
            upto = min(reached + work.batch_years, high)
            events = run_batch(people, perils, stacks, chunk, work, out, block, reached, upto)
            reached = upto if events >= 0 else -reached - 1
    if reached < 0:
        out.events[-reached - 1 : -reached - 1 + work.batch_years] = 0
    return reached


def draw(
    people: People, perils: Perils, chunk: Chunk, work: Work, out: Outputs, block: Block, low: int, high: int
) -> int:
    """Draw the events of years ``low`` to ``high``; negative: the capacity that is needed."""
    needed = screen_perils(
        low, high, block.unit_low, block.unit_high, perils.peril, chunk.rate, chunk.tail, chunk.tail_row,
        chunk.screen_key, perils.unit_of, perils.unit_word, perils.unit_stratum, work.mask, work.threshold,
        work.threshold_row, work.hit_unit, work.hit, work.hit_word, work.segment, work.sizes, out.events,
    )
    if needed == 0 and chunk.event_start[low] < chunk.event_start[high]:
        needed = strike_townships(
            low, high, block.first, block.last, chunk.event_start, chunk.catalogue, chunk.catalogue_key,
            people.township_start, people.household_word, block.unit_low, block.unit_high, perils.unit_of,
            work.hit, work.hit_word, work.segment, work.sizes, out.events,
        )
    if needed > 0:
        return -int(needed)
    return int(
        book_events(
            int(work.sizes[1]), work.segment, perils.peril, perils.booking, perils.scope_share, work.hit,
            work.hit_word, work.event, work.money, work.word, work.survival, work.amount, perils.intercept,
            perils.slope, perils.atom_start, perils.atom, perils.atom_survival, perils.person_scale,
            perils.household_scale, people.household_start, people.household_of, people.person_word,
        )
    )


def _steps(
    people: People, stacks: Stacks, work: Work, out: Outputs, block: Block, rows: int, slots: int, after_none: bool
) -> None:
    terms = (
        stacks.step, stacks.in_time, stacks.effect, stacks.read, stacks.write, stacks.reads_account,
        stacks.component_kind, stacks.kind_weight, stacks.variant_person, stacks.variant_household,
        stacks.hinge_at, stacks.hinge_bend, stacks.hinge_jump, stacks.hinge_count,
    )
    first_person = int(people.household_start[block.first])
    sums = (out.step_paid, out.step_claims, out.credit, out.collected, out.allowed, work.change, work.touched)
    for low, high, plain in stacks.runs:
        if (low >= stacks.n_none) != after_none:
            continue
        size = (low, high, rows, slots, block.first, first_person, work.block_persons, stacks.n_person)
        if plain:
            run_plain(
                *size, out.step_paid.shape[2], *terms, stacks.hinge_floor, stacks.account, work.slot, work.row,
                work.row_count, work.buffer, work.held,
                work.x, work.z, work.pay, work.variant, work.active, work.event, work.money, work.gate_open, *sums,
            )
        else:
            run_special(
                *size, *terms, stacks.account, people.person_key, work.slot, work.row, work.row_count, work.buffer,
                work.held,
                work.x, work.z, work.pay, work.variant, work.one, work.event, work.money, work.word,
                work.gate_open, *sums,
            )


def _settle(
    people: People, stacks: Stacks, chunk: Chunk, work: Work, out: Outputs, block: Block,
    low: int, high: int, events: int, is_base: int,
) -> None:
    slots = int(
        list_slots(
            events, low, high, block.first, block.last, work.block_households, work.event, work.always,
            work.slot_of, work.slot, is_base,
        )
    )
    first_person = int(people.household_start[block.first])
    rows = int(
        fill(
            events, slots, low, first_person, stacks.n_person, work.block_persons, out.step_paid.shape[2], work.event,
            work.money, people.household, stacks.account, work.slot, work.row_of, work.row, work.row_count,
            work.buffer, work.held, people.base, people.has_base, people.household_base, people.household_start,
            out.ground_up, people.base_any,
        )
    )
    work.change[:, 1:, :slots] = 0
    work.touched[:slots] = 0
    _steps(people, stacks, work, out, block, rows, slots, False)
    none_world(
        rows, slots, stacks.n_person, stacks.component_kind, stacks.none_buffer, stacks.none_cum, stacks.kind_loss,
        people.household, people.relief_rate, stacks.relief_on_rigid, work.slot, work.row, work.buffer, work.held,
        stacks.gate_terms, stacks.gate_take_up, chunk.take_up_key, people.household_word, is_base, work.gate_open,
        work.x, work.z, work.pay, work.spare,
    )
    _steps(people, stacks, work, out, block, rows, slots, True)
    count_outcomes(
        slots, block.first, stacks.n_person, is_base, stacks.has_lines, stacks.relief_counts, people.household,
        people.relief_rate, people.own_premium, work.slot, work.row, work.event, work.money, stacks.account,
        stacks.component_kind, stacks.none_buffer, stacks.kind_loss, work.buffer, people.base, work.change,
        work.base_slot, work.base_change, work.term, work.costs, out.columns, out.by_household, work.touched,
        work.active,
    )
    if is_base:
        keep_base_steps(
            block.first, block.last, work.block_persons, people.household_start, out.collected, work.base_step,
            work.step_has_base,
        )
    elif work.step_has_base.any():
        take_off_base_steps(
            slots, block.first, work.slot, work.base_step, work.step_has_base, out.step_paid, out.step_claims
        )
    clear(
        rows, slots, low, block.first, first_person, work.block_households, work.block_persons, work.slot_of,
        work.slot, work.row_of, work.row,
    )


def run_base(people: People, stacks: Stacks, chunk: Chunk, work: Work, out: Outputs, block: Block) -> None:
    """Settle the year without events; ``out`` has one year and collects, ``work`` keeps the base."""
    _settle(people, stacks, chunk, work, out, block, 0, 1, 0, 1)


def run_batch(
    people: People, perils: Perils, stacks: Stacks, chunk: Chunk, work: Work, out: Outputs, block: Block,
    low: int, high: int,
) -> int:
    """Simulate years ``low`` to ``high``; returns the events, or the negative capacity that is needed."""
    events = draw(people, perils, chunk, work, out, block, low, high)
    if events < 0:
        out.events[low:high] = 0
        return events
    _settle(people, stacks, chunk, work, out, block, low, high, events, 0)
    return events
