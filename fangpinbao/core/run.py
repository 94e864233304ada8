"""Runs one block of households through the years of a chunk: draw, gather, settle, count.

A batch is the block in a few years, so that its scratch stays in the cache of one core.
"""

from __future__ import annotations

import numpy as np

from fangpinbao.core.events import draw_perils, draw_townships
from fangpinbao.core.outcome import count_base, count_years, none_world
from fangpinbao.core.settle import clear, gather, open_all
from fangpinbao.core.steps import run_steps
from fangpinbao.core.structures import Block, Chunk, Outputs, People, Perils, Stacks, Work

__all__ = ["draw", "run_base", "run_batch"]


def draw(
    people: People, perils: Perils, chunk: Chunk, work: Work, out: Outputs, block: Block, low: int, high: int
) -> int:
    """Draw the events of years ``low`` to ``high``; negative: the capacity that is needed."""
    books = (
        perils.booking, perils.scope_share, work.event, work.money, work.word, work.survival, work.amount,
        perils.intercept, perils.slope, perils.atom_start, perils.atom, perils.atom_survival,
        perils.person_scale, perils.household_scale, people.household_start, people.household_of,
        people.person_word, out.events,
    )  # fmt: skip
    end: int = draw_perils(
        low, high, block.unit_low, block.unit_high, perils.peril, chunk.rate, chunk.tail, chunk.tail_row,
        chunk.screen_key, perils.unit_of, perils.unit_word, perils.unit_stratum, work.mask, work.threshold,
        work.threshold_row, work.hit_unit, work.hit, work.hit_word, *books,
    )  # fmt: skip
    if end < 0 or chunk.event_start[low] == chunk.event_start[high]:
        return end
    end = draw_townships(
        low, high, block.first, block.last, end, chunk.event_start, chunk.catalogue, chunk.catalogue_key,
        people.township_start, people.household_word, block.unit_low, block.unit_high, perils.unit_of, perils.peril,
        work.hit, work.hit_word, *books,
    )  # fmt: skip
    return end


def _steps(
    people: People, stacks: Stacks, work: Work, out: Outputs, block: Block, ends: tuple[int, int],
    rows: int, slots: int, events: int,
) -> None:
    run_steps(
        *ends, rows, slots, block.first, int(people.household_start[block.first]), work.block_persons,
        stacks.n_person, stacks.step, stacks.in_time, stacks.effect, stacks.read, stacks.write,
        stacks.reads_account, stacks.component_kind, stacks.kind_weight, stacks.variant_person,
        stacks.variant_household, stacks.hinge_at, stacks.hinge_bend, stacks.hinge_jump, stacks.hinge_count,
        stacks.account, people.household, people.person_key, work.slot, work.row, work.row_count, work.buffer,
        work.held, work.x, work.z, work.pay, work.variant, work.one, work.event, work.money, work.word,
        work.word_day, work.row_of_event, events, work.gate_open, out.step_paid, out.step_claims, out.credit,
        out.collected, out.allowed, work.change,
    )  # fmt: skip


def _settle(
    people: People, stacks: Stacks, chunk: Chunk, work: Work, out: Outputs, block: Block,
    rows: int, slots: int, events: int, is_base: int,
) -> None:
    work.change[:, :, :slots] = 0
    _steps(people, stacks, work, out, block, (0, stacks.n_none), rows, slots, events)
    none_world(
        rows, slots, stacks.n_person, stacks.component_kind, stacks.none_buffer, stacks.none_cum, stacks.kind_loss,
        people.household, people.relief_rate, stacks.relief_on_rigid, work.slot, work.row, work.buffer, work.held,
        stacks.gate_terms, stacks.gate_take_up, chunk.take_up_key, people.household_word, is_base, work.gate_open,
    )  # fmt: skip
    if len(stacks.in_time) > stacks.n_none:
        ends = (stacks.n_none, len(stacks.in_time))
        _steps(people, stacks, work, out, block, ends, rows, slots, events)


def _opening(people: People, work: Work) -> tuple[np.ndarray, ...]:
    return (
        work.slot_of, work.slot, work.row_of, work.row, work.row_count, work.buffer, work.held,
        people.base, people.has_base, people.household_base, people.household_start,
    )  # fmt: skip


def _clear(people: People, work: Work, block: Block, rows: int, slots: int, year: int) -> None:
    clear(
        rows, slots, year, block.first, int(people.household_start[block.first]), work.block_households,
        work.block_persons, work.slot_of, work.slot, work.row_of, work.row,
    )  # fmt: skip


def run_base(people: People, stacks: Stacks, chunk: Chunk, work: Work, out: Outputs, block: Block) -> None:
    """Settle the year without events; ``out`` has one year and collects, ``work`` keeps the base."""
    rows = open_all(
        block.first, block.last, stacks.n_person, work.block_households, work.block_persons, *_opening(people, work)
    )
    slots = block.last - block.first
    _settle(people, stacks, chunk, work, out, block, rows, slots, 0, 1)
    count_base(
        slots, block.first, block.last, work.block_persons, stacks.has_lines, stacks.relief_counts, people.household,
        people.household_start, people.relief_rate, people.own_premium, work.slot, work.change, out.columns[0],
        out.collected, work.base_slot, work.base_change, work.base_step, work.step_has_base, out.by_household,
    )  # fmt: skip
    _clear(people, work, block, rows, slots, 0)


def run_batch(
    people: People, perils: Perils, stacks: Stacks, chunk: Chunk, work: Work, out: Outputs, block: Block,
    low: int, high: int,
) -> int:
    """Simulate years ``low`` to ``high``; returns the events, or the negative capacity that is needed."""
    events = draw(people, perils, chunk, work, out, block, low, high)
    if events < 0:
        out.events[low:high] = 0
        return events
    gather(
        events, low, high, block.first, block.last, stacks.n_person, work.block_households, work.block_persons,
        work.event, work.money, people.household, stacks.account, people.always, *_opening(people, work),
        out.ground_up, work.sizes,
    )  # fmt: skip
    rows, slots = int(work.sizes[0]), int(work.sizes[1])
    _settle(people, stacks, chunk, work, out, block, rows, slots, events, 0)
    count_years(
        slots, block.first, stacks.n_person, stacks.has_lines, stacks.relief_counts, people.household,
        people.relief_rate, people.own_premium, work.slot, work.row, work.event, work.money, stacks.account,
        stacks.component_kind, stacks.none_buffer, stacks.kind_loss, work.buffer, people.base, work.change,
        work.base_slot, work.base_change, work.base_step, work.step_has_base, work.costs, out.columns,
        out.step_paid, out.step_claims, out.by_household,
    )  # fmt: skip
    _clear(people, work, block, rows, slots, low)
    return events


