"""Runs one block of households through the years of a chunk: draw, gather, settle, count.

A batch is the block in a few years, as many as keep the scratch in the cache of one core.
"""

from __future__ import annotations

import numpy as np

from fangpinbao._typing import Int64Array
from fangpinbao.core import layout as at
from fangpinbao.core.areas import book, strike
from fangpinbao.core.count import count_base, count_none, count_programmes, list_touched, take_off_base_steps
from fangpinbao.core.detect import count_funnel, find_households
from fangpinbao.core.events import book_events, strike_homes
from fangpinbao.core.outcome import keep_base, none_world, spend_rows
from fangpinbao.core.relief import BASE_YEAR, THIS_YEAR, mark_debtors, pay_relief
from fangpinbao.core.screen import PATHS_A_WORD, screen_persons
from fangpinbao.core.settle import fill_rows, fill_slots, list_slots, mark_payable, start_rows
from fangpinbao.core.shared import run_shared
from fangpinbao.core.special import run_special
from fangpinbao.core.steps import open_changes, run_steps
from fangpinbao.core.structures import MOST_YEARS, Base, Block, Chunk, Outputs, Perils, Stacks, Work

__all__ = ["EVERYBODY", "LIMITED", "ORDINARY", "compile_half", "draw", "run_base", "run_batch", "run_years"]

ORDINARY, LIMITED, EVERYBODY = 0, 1, 2
"""Who is settled: whoever the year can matter for; also whom a coverage pays without events, so that a limit over all
can cut it; every household that is touched, with all members that have certain costs."""

_NOTHING = np.zeros((0, 0), dtype=np.int64)
_NO_PAYMENTS = np.zeros((0, 0, 0), dtype=np.int64)
_NO_MARKS = np.zeros(0, dtype=np.uint8)
_EVERY_LEVEL, _PERSONS, _HOUSEHOLDS = -1, 0, 1


def run_years(
    perils: Perils, stacks: Stacks, chunk: Chunk, work: Work, out: Outputs, block: Block, base: Base,
    low: int, high: int, *, settle: int = ORDINARY,
) -> int:
    """Simulate years ``low`` to ``high``; returns ``high``, or minus the capacity that is needed.

    Payments are collected, and allowed, in years that make one batch: see ``most_years``.
    """
    step = most_years(work.cells, block)
    while low < high:
        years = min(step, high - low)
        reached = run_batch(perils, stacks, chunk, work, out, block, base, low, years, settle=settle)
        if reached < 0:
            return reached
        low += years
    return low


def most_years(cells: int, block: Block) -> int:
    """Return the years of a block that make a batch, of up to ``cells`` persons x years."""
    step = max(min(cells // max(block.persons, 1), MOST_YEARS), 1)
    return step // PATHS_A_WORD * PATHS_A_WORD or step  # years that share a screening word stay together


def draw(
    perils: Perils, chunk: Chunk, work: Work, out: Outputs, block: Block, base: Base, low: int, years: int,
    *, is_base: bool = False, settle: int = ORDINARY,
) -> int:
    """Draw the events of ``years`` from ``low`` on; returns the runs, negative: the capacity that is needed."""
    always = base.always if settle == ORDINARY else base.insured
    width = (block.households + 7) // 8 * 8
    marks = work.home_mark[: years * width].reshape(years, width)
    marks[:] = 0
    marks[:, always] = 1  # settled whatever happens
    marks[:, : block.households if is_base else 0] = 1
    if work.book.size and work.mode == THIS_YEAR and not is_base:
        mark_debtors(low, years, block.households, work.book, work.home_mark)
    needed, peril = 0, perils.peril[:0] if is_base else perils.peril
    work.sizes[:2] = 0
    if not is_base:
        needed = strike_homes(
            low, years, block.households, block.persons, peril, chunk.rate, chunk.tail, chunk.tail_row,
            chunk.screen_key, chunk.lane, block.unit_start, block.unit_of, block.unit_word, block.unit_stratum,
            chunk.event_start, chunk.catalogue, chunk.catalogue_key, block.township_start, block.household_word,
            block.member_start, work.home_words, work.mask, work.place, work.hit[:, : work.region],
            work.hit_word[: work.region], work.segment, work.sizes, work.home_mark, out.events,
        )
    struck, person_mark = 0, _NO_MARKS
    if chunk.areas is not None and not is_base and needed == 0:
        struck = strike(chunk.areas, work, out, block, low, years)
        needed = max(-struck, 0)
        person_mark = work.struck.mark if struck > 0 and work.struck is not None else _NO_MARKS
    if needed == 0:
        needed = screen_persons(
            low, years, block.persons, block.households, peril, chunk.rate, chunk.tail, chunk.tail_row,
            chunk.screen_key, chunk.lane, block.unit_start, block.unit_word, block.unit_stratum, block.home,
            block.member_start, block.has_base, base.all_homes if settle == EVERYBODY or is_base else base.row_homes,
            work.home_mark, person_mark, work.words, work.home_words, work.masks, work.marks, work.threshold,
            work.threshold_row, work.place, work.active, work.times, work.hit, work.hit_word, work.region,
            work.segment, work.sizes, out.events, work.row, work.first_of_year,
        )
    if needed > 0:
        return -int(needed)
    runs = int(
        book_events(
            int(work.sizes[1]), work.segment, perils.peril, perils.booking, perils.scope_share, work.hit,
            work.hit_word, work.event, work.run, work.money, work.word, work.draw, perils.quantile, perils.atom_start,
            perils.atom, block.person_scale, block.household_scale, block.member_start, block.home, block.person_word,
            work.row, work.first_of_year,
        )
    )
    if chunk.areas is not None and struck > 0 and runs >= 0:
        return book(perils, chunk.areas, work, block, struck, runs)
    return runs


def _steps(
    stacks: Stacks, work: Work, out: Outputs, block: Block, person_base: Int64Array, person_pays: Int64Array,
    low: int, years: int, after_none: bool, level: int, collected: Int64Array, allowed: Int64Array = _NO_PAYMENTS,
) -> None:
    for first, last, plain in stacks.runs:
        if (first >= stacks.n_none) != after_none:
            continue
        terms = (
            stacks.step, stacks.step_terms, stacks.effect, stacks.read, stacks.write, stacks.reads_account,
            stacks.component_kind, block.present, block.choice_person, block.choice_household, stacks.hinge,
            stacks.hinge_count, stacks.account,
        )
        sums = (out.step_sums, out.credit, collected, allowed, work.change)
        if plain:
            run_steps(
                first, last, level, low, years, block.persons, stacks.n_person, *terms, person_base, person_pays,
                work.first_of_year, work.row, work.slot, work.cell[at.CELL_SLOT], work.row_count, work.buffer,
                work.held, work.scratch, work.variant, work.mask, work.listed, work.active, work.place, work.sizes,
                work.event, work.money, work.gate_open, *sums,
            )
        elif stacks.step[first, at.SHARED_PER] > 0:
            run_shared(
                first, last, low, years, block.persons, stacks.n_person, stacks.step, stacks.step_terms, stacks.effect,
                stacks.read, stacks.reads_account, block.choice_person, stacks.hinge, stacks.hinge_count,
                stacks.account, block.person_key, work.first_of_year, work.row, work.slot, work.cell[at.CELL_SLOT],
                work.buffer, work.held, work.scratch, work.active, work.place, work.sizes, work.event, work.money,
                work.word, work.gate_open, *sums,
            )
        else:
            run_special(
                first, last, low, years, block.persons, stacks.n_person, *terms, block.person_key,
                work.first_of_year, work.row, work.slot, work.cell, work.row_count, work.buffer, work.held,
                work.scratch, work.variant, work.one, work.paid, work.paid_home, work.active, work.place, work.sizes,
                work.event, work.money, work.word, work.gate_open, *sums,
            )
        if allowed.size > 0 and stacks.step[last - 1, at.LEAVES_CUT] == 1:
            _leave_cut(stacks, work, block, last - 1, years, allowed)


def _leave_cut(stacks: Stacks, work: Work, block: Block, s: int, years: int, allowed: Int64Array) -> None:
    """Let the steps behind ``s`` see what a limit has cut off; its kernel is loaded only where this occurs."""
    from fangpinbao.core.limited import leave_cut

    leave_cut(
        s, years, block.persons, stacks.n_person, len(stacks.component_kind), stacks.step, stacks.read, stacks.write,
        work.first_of_year, work.row, work.slot, work.buffer, work.held, allowed,
    )


def _settle(
    perils: Perils, stacks: Stacks, chunk: Chunk, work: Work, out: Outputs, block: Block, base: Base,
    low: int, years: int, runs: int, *, is_base: bool, settle: int,
) -> None:
    """Settle drawn events. With plain steps, those of "none" on persons come before anybody gets a slot."""
    rows = int(work.first_of_year[0, years])
    person_base, pays = (_NOTHING, np.zeros_like(base.person_pays)) if is_base else (base.person, base.person_pays)
    all_touched = is_base or settle == EVERYBODY or not stacks.is_plain
    of_none = out.collected if is_base or settle == EVERYBODY else _NO_PAYMENTS
    work.sizes[2] = 0
    start_rows(
        years, block.households, runs, rows, work.run, work.event, work.row, work.cell, work.spent, work.home_mark,
        work.home_payable,
    )
    fill_rows(
        low, runs, rows, stacks.n_person, work.run, perils.booking, work.event, work.money, stacks.account, work.row,
        work.row_count, work.buffer, block.base, block.base_any, out.ground_up,
    )
    spending = (
        rows, stacks.n_person, stacks.component_kind, stacks.none_buffer, stacks.none_cum, base.person, work.row,
        work.buffer, work.scratch, work.spent,
    )
    if not all_touched:
        _steps(stacks, work, out, block, person_base, pays, low, years, False, _PERSONS, of_none)
        spend_rows(*spending)
        mark_payable(
            rows, stacks.n_person, stacks.payable_reads, stacks.payable_floor, stacks.none_buffer, work.buffer,
            work.row, work.scratch[0], work.mask, work.place, work.home_payable,
        )
    list_slots(
        years, block.households, int(all_touched), base.home, work.cell, work.spent, work.home_mark,
        work.home_payable, work.mask, work.place, work.slot, work.first_of_year, work.sizes,
    )
    slots = int(work.sizes[3])
    fill_slots(
        runs, slots, block.households, stacks.n_person, work.run, perils.booking, work.event, work.money,
        stacks.account, work.cell, work.slot, work.held, block.household_base,
    )
    level = _EVERY_LEVEL if all_touched else _HOUSEHOLDS
    _steps(stacks, work, out, block, person_base, pays, low, years, False, level, of_none)
    if all_touched:
        spend_rows(*spending)
    _none_world(perils, stacks, chunk, work, block, base, low, slots, is_base)
    _steps(stacks, work, out, block, person_base, pays, low, years, True, _EVERY_LEVEL, out.collected, out.allowed)
    if len(stacks.relief):
        pay_relief(
            low, slots, BASE_YEAR if is_base else work.mode, block.persons, stacks.relief_counts, stacks.relief,
            stacks.relief_terms, stacks.phase, block.relief_due, chunk.relief_key, block.household,
            block.household_word, block.relief_rate, work.slot, work.total, work.change, work.gate_open,
            work.scratch, work.active, work.sizes, out.step_sums, out.collected, work.book,
        )


def _none_world(
    perils: Perils, stacks: Stacks, chunk: Chunk, work: Work, block: Block, base: Base, low: int, slots: int,
    is_base: bool,
) -> None:
    none_world(
        low, slots, block.households, stacks.n_person, int(is_base), stacks.relief_on_rigid, stacks.component_kind,
        stacks.none_buffer, stacks.none_cum, stacks.kind_loss, block.household, block.household_word,
        block.relief_rate, base.home, stacks.gate_terms, stacks.gate_take_up, chunk.take_up_key, work.slot, work.total,
        work.held, work.scratch, work.spent, work.gate_open,
    )
    if stacks.n_cases > 0:
        find_households(
            low, slots, int(is_base), perils.case, perils.channel, stacks.gate_case, block.standing,
            chunk.detection_key, stacks.kind_loss, block.household, block.household_word, perils.quantile,
            perils.atom_start, perils.atom, stacks.case_reads, work.row, work.slot, work.event, work.word, work.total,
            work.gate_open, work.home_words, work.draw, work.scratch, work.reached, work.days,
        )


def run_base(
    perils: Perils, stacks: Stacks, chunk: Chunk, work: Work, out: Outputs, block: Block, base: Base,
    by_person: Int64Array,
) -> None:
    """Settle the year without events into ``out`` (one year, which collects) and keep it in ``base``."""
    runs = draw(perils, chunk, work, out, block, base, 0, 1, is_base=True)
    _settle(perils, stacks, chunk, work, out, block, base, 0, 1, runs, is_base=True, settle=EVERYBODY)
    _keep_base(stacks, work, out, block, base, by_person)


def _keep_base(stacks: Stacks, work: Work, out: Outputs, block: Block, base: Base, by_person: Int64Array) -> None:
    keep_base(
        stacks.n_person, block.persons, stacks.n_none, stacks.component_kind, stacks.none_buffer, stacks.none_cum,
        block.member_start, work.first_of_year, work.row, work.cell[at.CELL_SLOT], work.buffer, out.collected,
        by_person, base.home, base.person, base.step,
    )
    count_base(
        stacks.has_lines, stacks.relief_counts, block.household, block.relief_rate, block.own_premium, work.slot,
        work.total, work.change, base.home, base.change, work.term, work.mask, out.columns, base.by_household,
    )


def run_batch(
    perils: Perils, stacks: Stacks, chunk: Chunk, work: Work, out: Outputs, block: Block, base: Base,
    low: int, years: int, *, settle: int = ORDINARY,
) -> int:
    """Simulate ``years`` from ``low`` on; returns the runs of events, or the negative capacity that is needed."""
    runs = draw(perils, chunk, work, out, block, base, low, years, settle=settle)
    if runs < 0:
        return runs
    work.runs = runs
    _settle(perils, stacks, chunk, work, out, block, base, low, years, runs, is_base=False, settle=settle)
    if work.mode == THIS_YEAR:
        _count(stacks, work, out, block, base, low, years)
        if stacks.n_cases > 0:
            count_funnel(
                low, int(work.sizes[3]), perils.case, work.slot, work.reached, work.days, work.change, out.funnel
            )
    return runs


def _count(
    stacks: Stacks, work: Work, out: Outputs, block: Block, base: Base, low: int, years: int, *, every: bool = False
) -> None:
    """Count what the slots did; ``every`` calls all kernels, needed or not."""
    count_none(
        low, years, stacks.has_lines, block.household, work.first_of_year, work.slot, work.total, base.home, work.mask,
        work.place, out.columns,
    )
    if base.touched or every:
        n = list_touched(int(work.sizes[3]), work.slot, base.home, work.place)
        open_changes(n, work.place, work.slot, work.sizes, work.change)
    if work.sizes[2] > 0 or every:
        count_programmes(
            low, years, stacks.n_person, stacks.has_lines, stacks.relief_counts, block.household, block.relief_rate,
            block.own_premium, work.first_of_year, work.slot, work.row, work.event, work.money, stacks.account,
            stacks.component_kind, stacks.none_buffer, stacks.kind_loss, work.buffer, block.base, base.person,
            work.total, work.change, base.home, base.change, work.term, work.costs, work.variant, work.mask,
            work.active, work.place, out.columns, out.by_household,
        )
    if base.paid or every:
        take_off_base_steps(low, years, work.first_of_year, work.slot, base.step, base.step_has, out.step_sums)


def compile_half(
    perils: Perils, stacks: Stacks, chunk: Chunk, work: Work, out: Outputs, block: Block, base: Base, half: int
) -> None:
    """Call kernels on no rows, so that they get compiled: half 0 or half 1 of what a run with plain steps needs."""
    work.first_of_year[:] = 0
    work.sizes[:] = 0
    nothing = stacks._replace(runs=((0, 0, True), (stacks.n_none, stacks.n_none, True)))
    if half == 1:
        for after_none in (False, True):
            _steps(
                nothing, work, out, block, base.person, base.person_pays, 0, 0, after_none, _EVERY_LEVEL, out.collected
            )
        _count(stacks, work, out, block, base, 0, 0, every=True)
        _keep_base(stacks, work, out, block, base, np.zeros(len(stacks.step), dtype=np.int64))
        return
    runs = draw(perils, chunk, work, out, block, base, 0, 0)
    nobody = nothing._replace(runs=())
    _settle(perils, nobody, chunk, work, out, block, base, 0, 0, runs, is_base=False, settle=ORDINARY)
