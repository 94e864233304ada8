"""Cuts a compiled scenario into blocks of households of one class, the unit of work of the engine."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from fangpinbao._typing import BoolArray, Float64Array, Int64Array, Uint8Array
from fangpinbao.columns import N_COLUMNS
from fangpinbao.compile import Compiled
from fangpinbao.core import layout as at
from fangpinbao.core.structures import Base, Block, Stacks, Work
from fangpinbao.hazard import Hazard

__all__ = ["cut_blocks", "empty_base", "set_slack", "takes_base_by_person"]

_PERSON = 0
_NO_SLACK = 1 << 60


def cut_blocks(compiled: Compiled, hazard: Hazard, persons: int) -> Iterator[Block]:
    """Yield blocks of about ``persons`` persons, in order of households, each of one class.

    The population lists households by class (see ``fangpinbao.engine``), so that a block's sums are sums of
    one group, and by township within it.
    """
    people = compiled.people
    start, n_households = people.household_start, len(people.group)
    first = 0
    while first < n_households:
        same_class = int(np.searchsorted(people.group, people.group[first], side="right"))
        last = int(np.searchsorted(start, start[first] + max(persons, 1), side="right")) - 1
        last = min(max(last, first + 1), same_class)
        yield _block(compiled, hazard, first, last)
        first = last


def _block(compiled: Compiled, hazard: Hazard, first: int, last: int) -> Block:
    people, population = compiled.people, compiled.population
    low, high = int(people.household_start[first]), int(people.household_start[last])
    homes, members = slice(first, last), slice(low, high)
    starts, units, words, strata = [0], [], [], []
    for q, exposed in enumerate(hazard.perils.peril[:, at.EXPOSED]):
        mine = slice(hazard.unit_start[q], hazard.unit_start[q + 1])
        ends = (low, high) if exposed == _PERSON else (first, last)
        span = slice(*(mine.start + np.searchsorted(hazard.unit_of[mine], ends)))
        units.append((hazard.unit_of[span] - ends[0]).astype(np.uint32))
        words.append(hazard.unit_word[span])
        strata.append(hazard.unit_stratum[span])
        starts.append(starts[-1] + len(units[-1]))

    def part(columns: np.ndarray, chosen: slice) -> np.ndarray:
        return np.ascontiguousarray(columns[:, chosen] if columns.shape[1] else columns)

    has_base = people.has_base[members]
    base = part(people.base, members) if has_base.any() else people.base[:, :0].copy()
    choice_person, choice_household = (
        part(people.choice_person, members),
        part(people.choice_household, homes),
    )
    return Block(
        first=first,
        last=last,
        first_person=low,
        persons=high - low,
        households=last - first,
        group=int(people.group[first]),
        home=(people.household_of[members] - first).astype(np.uint32),
        member_start=people.household_start[first : last + 1] - low,
        person_word=people.person_word[members],
        person_key=people.person_key[members],
        household_word=people.household_word[homes],
        township_start=np.searchsorted(
            population.township_of[homes], np.arange(len(population.township_names) + 1)
        ).astype(np.int64),
        household=part(people.household, homes),
        relief_rate=people.relief_rate[homes],
        own_premium=part(people.own_premium, homes),
        relief_due=np.ascontiguousarray(people.relief_due[:, :, homes]),
        standing=part(people.standing, homes),
        base=base,
        base_any=np.asarray(base.any(axis=1), dtype=np.int64),
        has_base=has_base.astype(np.uint8) if has_base.any() else np.zeros(0, dtype=np.uint8),
        household_base=part(people.household_base, homes),
        choice_person=choice_person,
        choice_household=choice_household,
        present=_present(compiled, choice_person, choice_household),
        person_scale=part(hazard.person_scale, members),
        household_scale=part(hazard.household_scale, homes),
        unit_start=np.array(starts, dtype=np.int64),
        unit_of=np.concatenate([np.zeros(0, dtype=np.uint32), *units]),
        unit_word=np.concatenate([np.zeros(0, dtype=np.uint64), *words]),
        unit_stratum=np.concatenate([np.zeros(0, dtype=np.int64), *strata]),
    )


def _present(compiled: Compiled, choice_person: Uint8Array, choice_household: Uint8Array) -> Int64Array:
    """[s] a bit for each schedule of a step that is somebody's in the block."""
    step = compiled.stacks.step
    present = np.ones(len(step), dtype=np.int64)
    for s, row in enumerate(step):
        if row[at.VARIANTS] > 0:
            chosen = (choice_household if row[at.LEVEL] else choice_person)[row[at.VARIANTS] - 1]
            present[s] = sum(1 << int(v) for v in np.unique(chosen))
    return present


def takes_base_by_person(compiled: Compiled) -> Int64Array:
    """[s] 1 where what a step pays without events is remembered by person: plain steps of "none" on persons."""
    stacks = compiled.stacks
    by_person = np.zeros(len(stacks.step), dtype=np.int64)
    for first, last, plain in stacks.runs:
        for s in range(first, last):
            by_person[s] = int(plain and s < stacks.n_none and stacks.step[s, at.LEVEL] == 0)
    return by_person


def _needs_all_rows(compiled: Compiled, block: Block) -> BoolArray:
    """[h] households whose members' certain costs must be settled again in every year in which they are touched.

    That is where a step that is not remembered by person could pay for them, or could make a difference
    for a programme. What a step reads is at most the cost itself, so who lies below its terms even then is
    left out.
    """
    stacks = compiled.stacks
    needed = np.zeros(block.households, dtype=np.bool_)
    if block.base.shape[1] == 0:
        return needed
    by_person = takes_base_by_person(compiled)
    plain = np.zeros(len(stacks.step), dtype=np.bool_)
    for first, last, is_plain in stacks.runs:
        plain[first:last] = is_plain
    for s, row in enumerate(stacks.step[: len(compiled.tree.nodes)]):
        reads = stacks.read[s, : stacks.n_person] >= 0
        cost = block.base[: stacks.n_person][reads].sum(axis=0)
        if by_person[s]:
            payable = (cost > 0) & bool((stacks.effect[s, 1:] != 0).any())
        elif row[at.LEVEL] == 0 and plain[s]:
            payable = (cost > 0) & (cost + 1 >= stacks.step_terms[1, s])
        else:
            payable = cost > 0
        needed[block.home[np.flatnonzero(payable)]] = True
    return needed


def _homes_with_base(block: Block) -> Int64Array:
    if not block.has_base.size:
        return np.zeros(0, dtype=np.int64)
    return np.flatnonzero(np.bincount(block.home[block.has_base == 1], minlength=block.households))


def set_slack(compiled: Compiled, block: Block, base: Base, work: Work) -> None:
    """Write how much a household's members can spend beyond the base before the year can matter.

    It matters for a line where the resource without relief falls below it, for relief where the tested
    income falls below the standard, for a coverage where a test of moment ``after_shock`` is passed. ``work`` is
    the scratch in which the year without events has just been settled. Two fen are left for rounding.
    """
    stacks, home, household = compiled.stacks, base.home, block.household
    designs = compiled.cases.designs
    spending, lost = (work.total[k, : block.households].astype(np.float64) for k in (at.SPENDING, at.LOST))
    highest = household[at.LINE : at.LINE + 2].max(axis=0)
    slack = np.full(block.households, np.inf)
    if stacks.has_lines:
        if stacks.kind_loss[at.MEDICAL] > 0:
            slack = home[at.BASE_RESOURCE] - home[at.BASE_RELIEF] - highest
        slack = np.where(home[at.SAFE_FROM] > highest, -np.inf, slack)
    if stacks.relief_on_rigid:
        tested = household[at.INCOME_TESTED] - lost - spending
        until_relief = np.where(block.relief_rate > 0, tested - household[at.RELIEF_STANDARD], np.inf)
        slack = np.minimum(slack, until_relief)
    slack = np.minimum(slack, _until_own_relief(stacks, block, spending, lost, home[at.BASE_RESOURCE]))
    always = (home[at.BASE_TOUCHED] == 1) | (home[at.BASE_RELIEF] > 0)
    if block.household_base.shape[1]:
        always |= (block.household_base != 0).any(axis=0)
    slack = np.where(always, -np.inf, slack)
    until_test = np.full(block.households, np.inf)
    wrong = [case >= 0 and designs[case].verification.wrongly_passes > 0 for case in stacks.gate_case]
    gates = stacks.step[stacks.n_none : len(compiled.tree.nodes), at.GATE]
    for gate in np.unique(gates):
        bound = np.full(block.households, -np.inf)
        if gate >= 0 and wrong[gate]:
            until_test = np.minimum(until_test, bound)  # who fails a test may be paid all the same
            continue
        for of_income, of_lost, of_spending, line in stacks.gate_terms[gate] if gate >= 0 else ():
            if np.isfinite(line):
                tested = of_income * household[at.INCOME_TESTED] + of_lost * lost + of_spending * spending
                bound = np.maximum(bound, tested - line * household[at.SIZE])
        until_test = np.minimum(until_test, bound)
    medical = household[at.CATASTROPHIC_FROM] - 1.0 - home[at.BASE_MEDICAL]
    for row, values in (
        (at.SPENDING_SLACK, slack),
        (at.GATE_SLACK, until_test),
        (at.MEDICAL_SLACK, np.where(medical < 0, -np.inf, medical)),
    ):
        home[row] = np.clip(values - 2, -_NO_SLACK, _NO_SLACK).astype(np.int64)


def _until_own_relief(
    stacks: Stacks, block: Block, spending: Float64Array, lost: Float64Array, resource: Int64Array
) -> Float64Array:
    """[h] spending of members beyond the base up to which relief of programmes that is nil there stays nil."""
    household, slack = block.household, np.full(block.households, np.inf)
    for e, entry in enumerate(stacks.relief):
        bound = np.full(block.households, -np.inf)
        for of_income, of_lost, of_spending, line in (
            stacks.gate_terms[entry[at.RELIEF_GATE]] if entry[at.RELIEF_GATE] >= 0 else ()
        ):
            if np.isfinite(line):
                tested = of_income * household[at.INCOME_TESTED] + of_lost * lost + of_spending * spending
                bound = np.maximum(bound, tested - line * household[at.SIZE])
        if entry[at.RELIEF_BASE] == at.GAP_BASE:
            have = household[at.INCOME_TESTED] - lost
            if entry[at.RELIEF_ON] == at.ON_NET_INCOME:
                have = have - spending
            elif entry[at.RELIEF_ON] == at.ON_RESOURCES:
                have = resource.astype(np.float64)
            until_gap = have - block.relief_due[at.DUE_BASE, e]
            moves = entry[at.RELIEF_ON] != at.ON_INCOME
            bound = np.maximum(bound, np.where((until_gap <= 0) | moves, until_gap, np.inf))
        elif entry[at.RELIEF_BASE] == at.HEADS_BASE and not np.isfinite(bound).any():
            continue  # the same in every year
        slack = np.where(block.relief_due[at.DUE_CAP, e] > 0, np.minimum(slack, bound), slack)
    return slack


def empty_base(compiled: Compiled, block: Block) -> Base:
    """Tables of a block's year without events, before it is settled."""
    n_steps, n_programmes = len(compiled.stacks.step), len(compiled.tree.programmes)

    def ints(*shape: int) -> Int64Array:
        return np.zeros(shape, dtype=np.int64)

    home = ints(at.BASE_HOME_WIDTH, block.households)
    home[at.BASE_ROWS] = _needs_all_rows(compiled, block)
    return Base(
        home=home,
        person=ints(at.BASE_PAID + n_steps, block.persons if block.base.shape[1] else 0),
        person_pays=ints(n_steps),
        change=ints(n_programmes, at.CHANGE_WIDTH, block.households),
        step=ints(2, n_steps, block.households),
        step_has=ints(n_steps),
        paid=False,
        touched=False,
        columns=ints(n_programmes, N_COLUMNS),
        step_sums=ints(2, n_steps),
        by_household=ints(n_programmes, block.households, 3),
        always=ints(0),
        insured=ints(0),
        row_homes=np.flatnonzero(home[at.BASE_ROWS]),
        all_homes=_homes_with_base(block),
    )
