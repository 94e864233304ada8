"""Runs one block of households through the years of a chunk: draw, gather, settle, count.

A batch is the block in a few years, so that its scratch stays in the cache of one core.
"""

from __future__ import annotations

from fangpinbao.core.events import book_events, screen_perils, strike_townships
from fangpinbao.core.outcome import count_outcomes, keep_base_steps, none_world, take_off_base_steps
from fangpinbao.core.settle import clear, fill, list_slots
from fangpinbao.core.steps import run_plain, run_special
from fangpinbao.core.structures import Block, Chunk, Outputs, People, Perils, Stacks, Work

__all__ = ["draw", "run_base", "run_batch", "run_years"]


def run_years(
    people: People, perils: Perils, stacks: Stacks, chunk: Chunk, work: Work, out: Outputs, block: Block,
    low: int, high: int,
) -> int:
    """Simulate years ``low`` to ``high``; the year reached, or minus (the year whose events do not fit + 1)."""
    while low < high:
        upto = min(low + work.batch_years, high)
        if run_batch(people, perils, stacks, chunk, work, out, block, low, upto) < 0:
            return -low - 1
        low = upto
    return low


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
