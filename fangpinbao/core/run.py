"""Runs one block of households through the years of a chunk: draw, gather, settle, count.

A batch is the block in a few years, as many as keep the scratch in the cache of one core.
"""

from __future__ import annotations

import numpy as np

from fangpinbao._typing import Int64Array
from fangpinbao.core import layout as at
from fangpinbao.core.count import count_base, count_none, count_programmes, list_touched, take_off_base_steps
from fangpinbao.core.events import book_events, screen_perils, strike_townships
from fangpinbao.core.outcome import keep_base, none_world
from fangpinbao.core.settle import fill, list_units
from fangpinbao.core.special import run_special
from fangpinbao.core.steps import open_changes, run_plain
from fangpinbao.core.structures import Base, Block, Chunk, Outputs, Perils, Stacks, Work

__all__ = ["draw", "run_base", "run_batch", "run_years"]

_NOBODY = np.zeros(0, dtype=np.int64)


def run_years(
    perils: Perils, stacks: Stacks, chunk: Chunk, work: Work, out: Outputs, block: Block, base: Base,
    low: int, high: int, *, replay: bool = False,
) -> int:
    """Simulate years ``low`` to ``high``; returns ``high``, or minus the capacity that is needed.

    A ``replay`` settles every household that a coverage pays without events, and gives all their members rows.
    """
    step = max(min(work.cells // max(block.persons, 1), 512), 1)
    while low < high:
        years = min(step, high - low)
        reached = run_batch(perils, stacks, chunk, work, out, block, base, low, years, replay=replay)
        if reached < 0:
            return reached
        low += years
    return low


def draw(perils: Perils, chunk: Chunk, work: Work, out: Outputs, block: Block, low: int, years: int) -> int:
    """Draw the events of ``years`` from ``low`` on; returns the runs, negative: the capacity that is needed."""
    needed = screen_perils(
        low, years, perils.peril, chunk.rate, chunk.tail, chunk.tail_row, chunk.screen_key, chunk.lane,
        block.unit_start, block.unit_of, block.unit_word, block.unit_stratum, work.words, work.mask, work.threshold,
        work.threshold_row, work.place, work.hit, work.hit_word, work.segment, work.sizes, out.events,
    )
    if needed == 0 and chunk.event_start[low] < chunk.event_start[low + years]:
        needed = strike_townships(
            low, years, chunk.event_start, chunk.catalogue, chunk.catalogue_key, block.township_start,
            block.household_word, block.unit_start, block.unit_of, work.words, work.mask, work.place, work.hit,
            work.hit_word, work.segment, work.sizes, out.events,
        )
    runs = -int(needed)
    if needed == 0:
        runs = int(
            book_events(
                int(work.sizes[1]), work.segment, perils.peril, perils.booking, perils.scope_share, work.hit,
                work.hit_word, work.event, work.run, work.money, work.word, work.draw, perils.quantile,
                perils.atom_start, perils.atom, block.person_scale, block.household_scale, block.member_start,
                block.home, block.person_word,
            )
        )
    if runs < 0:
        out.events[low : low + years] = 0
    return runs


def _steps(
    stacks: Stacks, work: Work, out: Outputs, block: Block, base: Base | None, low: int, years: int, after_none: bool
) -> None:
    for first, last, plain in stacks.runs:
        if (first >= stacks.n_none) != after_none:
            continue
        terms = (
            stacks.step, stacks.step_terms, stacks.effect, stacks.read, stacks.write, stacks.reads_account,
            stacks.component_kind, block.present, block.choice_person, block.choice_household, stacks.hinge,
            stacks.hinge_count, stacks.account,
        )
        sums = (out.step_sums, out.credit, out.collected, out.allowed, work.change)
        person = base.person if base is not None else _NOBODY.reshape(0, 0)
        if plain:
            run_plain(
                first, last, stacks.n_none, low, years, block.persons, stacks.n_person,
                int(person.shape[1] > 0), *terms, person, work.first_of_year, work.row, work.slot, work.row_count,
                work.buffer, work.held, work.scratch, work.variant, work.mask, work.active, work.place, work.sizes,
                work.event, work.money, work.gate_open, *sums,
            )
        else:
            run_special(
                first, last, low, years, block.persons, stacks.n_person, int(person.shape[1] > 0), *terms, person,
                block.person_key, work.first_of_year, work.row, work.slot, work.row_count, work.buffer, work.held,
                work.scratch, work.variant, work.one, work.paid, work.paid_home, work.active, work.place, work.sizes,
                work.event, work.money, work.word, work.gate_open,
                *sums,
            )


def _settle(
    perils: Perils, stacks: Stacks, chunk: Chunk, work: Work, out: Outputs, block: Block, base: Base,
    low: int, years: int, runs: int, *, is_base: bool, replay: bool,
) -> None:
    always = base.insured if replay else base.always
    list_units(
        years, runs, block.persons, block.households, int(is_base), int(replay), work.run, work.event, block.home,
        block.member_start, block.has_base, base.home, always, work.marked, work.place_of, work.place, work.row,
        work.slot, work.first_of_year, work.sizes,
    )
    rows, slots = int(work.sizes[0]), int(work.sizes[1])
    work.sizes[2] = 0
    fill(
        low, runs, rows, slots, block.persons, block.households, stacks.n_person, work.run, perils.booking, work.event,
        work.money, stacks.account, work.place_of, work.row, work.slot, work.row_count, work.buffer, work.held,
        block.base, block.base_any, block.household_base, out.ground_up,
    )
    known = None if is_base else base
    _steps(stacks, work, out, block, known, low, years, False)
    none_world(
        low, years, stacks.n_person, int(is_base), stacks.relief_on_rigid, stacks.component_kind, stacks.none_buffer,
        stacks.none_cum, stacks.kind_loss, block.household, block.household_word, block.relief_rate, base.home,
        base.person, stacks.gate_terms, stacks.gate_take_up, chunk.take_up_key, work.first_of_year, work.row, work.slot,
        work.total, work.buffer, work.held, work.scratch, work.gate_open,
    )
    _steps(stacks, work, out, block, known, low, years, True)


def run_base(
    perils: Perils, stacks: Stacks, chunk: Chunk, work: Work, out: Outputs, block: Block, base: Base,
    by_person: Int64Array,
) -> None:
    """Settle the year without events into ``out`` (one year, which collects) and keep it in ``base``."""
    _settle(perils, stacks, chunk, work, out, block, base, 0, 1, 0, is_base=True, replay=False)
    keep_base(
        stacks.n_person, block.persons, stacks.n_none, stacks.component_kind, stacks.none_buffer, stacks.none_cum,
        block.member_start, work.first_of_year, work.row, work.slot, work.total, work.buffer, out.collected, by_person,
        base.home, base.person, base.step,
    )
    count_base(
        stacks.has_lines, stacks.relief_counts, block.household, block.relief_rate, block.own_premium, work.slot,
        work.total, work.change, base.home, base.change, work.terms, out.columns, base.by_household,
    )


def run_batch(
    perils: Perils, stacks: Stacks, chunk: Chunk, work: Work, out: Outputs, block: Block, base: Base,
    low: int, years: int, *, replay: bool = False,
) -> int:
    """Simulate ``years`` from ``low`` on; returns the runs of events, or the negative capacity that is needed."""
    runs = draw(perils, chunk, work, out, block, low, years)
    if runs < 0:
        return runs
    _settle(perils, stacks, chunk, work, out, block, base, low, years, runs, is_base=False, replay=replay)
    count_none(
        low, years, stacks.has_lines, block.household, work.first_of_year, work.slot, work.total, base.home, work.mask,
        work.place, out.columns,
    )
    if base.touched:
        slots = int(work.sizes[1])
        n = list_touched(slots, work.slot, base.home, work.place)
        open_changes(n, work.place, work.slot, work.sizes, work.change)
    if work.sizes[2] > 0:
        count_programmes(
            low, stacks.n_person, stacks.has_lines, stacks.relief_counts, block.household, block.relief_rate,
            block.own_premium, work.slot, work.row, work.event, work.money, stacks.account, stacks.component_kind,
            stacks.none_buffer, stacks.kind_loss, work.buffer, block.base, base.person, work.total, work.change,
            base.home, base.change, work.terms, work.costs, work.sizes, out.columns, out.by_household,
        )
    if base.paid:
        take_off_base_steps(
            low, years, work.first_of_year, work.slot, base.step, base.step_has, out.step_sums
        )
    return runs
