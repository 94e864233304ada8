"""Turns a scenario and a population into the arrays of the engine: the only place where names become indices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fangpinbao._typing import BoolArray, Float64Array, Int64Array, Uint8Array
from fangpinbao.columns import CAUSES
from fangpinbao.compiled import (
    FEN,
    KINDS,
    Buffers,
    Components,
    Node,
    People,
    StackTree,
    account_table,
    discharge_groups,
    eligible,
    schedule_of,
)
from fangpinbao.core import layout as at
from fangpinbao.core.schedule import Schedule, hinge_arrays
from fangpinbao.core.streams import GOLDEN, decision_key, survival_of, words_for
from fangpinbao.core.structures import Stacks
from fangpinbao.population import Population
from fangpinbao.scenario import Scenario
from fangpinbao.scenario.terms import Filter
from fangpinbao.scenario.vocabulary import CLASSES, STAGES, Account

__all__ = ["Compiled", "compile_scenario"]

_TWO_32 = 1 << 32
_CAUSE_OF = {
    "medical_cost": "illness",
    "outpatient_cost": "illness",
    "medicine_cost": "illness",
    "accident_medical_cost": "accident",
    "accident_property_loss": "accident",
    "disaster_medical_cost": "disaster",
    "property_loss": "disaster",
    "education_cost": "schooling_extra",
    "crop_loss": "income",
    "income_loss": "income",
}


@dataclass(frozen=True)
class Compiled:
    """A scenario ready to run: arrays for the kernels and the names behind their indices."""

    scenario: Scenario
    population: Population
    people: People
    stacks: Stacks
    tree: StackTree
    accounts: tuple[str, ...]
    groups: tuple[str, ...]
    insured: Int64Array
    """[p, g] insured persons."""
    persons: Int64Array
    """[g] persons; ``households`` and ``certain`` [a, g] (fen a year) likewise."""
    households: Int64Array
    certain: Int64Array
    seed: int


def compile_scenario(scenario: Scenario, population: Population, seed: int) -> Compiled:
    """Compile; raises nothing of its own for a validated scenario."""
    accounts = account_table(scenario)
    tree = StackTree.of(scenario)
    level = np.array([_level(node, accounts) for node in tree.nodes] or [0], dtype=np.int64)
    components = Components.of(accounts, tree)
    stacks, choice_person, choice_household = _stacks(scenario, population, accounts, tree, components, level)
    classes = sorted(set(population.household_class.tolist()))
    group_of_class = np.zeros(len(CLASSES), dtype=np.int64)
    group_of_class[classes] = np.arange(len(classes))
    group = group_of_class[population.household_class]
    people, certain = _people(scenario, population, accounts, components, group, len(classes))
    insured = np.zeros((len(tree.programmes), len(classes)), dtype=np.int64)
    group_of_person = group[population.household_of]
    for p, name in enumerate(tree.programmes[1:], start=1):
        fit = eligible(population, [scenario.programmes[name].insured], households=False)
        insured[p] = np.bincount(group_of_person[fit], minlength=len(classes))
    people = replace(
        people,
        own_premium=_own_premium(scenario, population, tree),
        choice_person=choice_person,
        choice_household=choice_household,
    )
    return Compiled(
        scenario=scenario,
        population=population,
        people=people,
        stacks=stacks,
        tree=tree,
        accounts=tuple(accounts),
        groups=tuple(CLASSES[k] for k in classes),
        insured=insured,
        persons=np.bincount(group_of_person, minlength=len(classes)),
        households=np.bincount(group, minlength=len(classes)),
        certain=certain,
        seed=seed,
    )


def _level(node: Node, accounts: dict[str, Account]) -> int:
    levels = {accounts[name].level for name in node.step.accounts if name in accounts}
    return 1 if node.step.unit == "household_year" or "household" in levels else 0


def _fen(yuan: ArrayLike) -> Int64Array:
    fen: Int64Array = np.floor(np.asarray(yuan, dtype=np.float64) * FEN + 0.500001).astype(np.int64)
    return fen


def _people(
    scenario: Scenario,
    population: Population,
    accounts: dict[str, Account],
    components: Components,
    group: Int64Array,
    n_groups: int,
) -> tuple[People, Int64Array]:
    size = population.household_size.astype(np.int64)
    lines, n_households = scenario.lines, population.households
    line = np.zeros((2, n_households), dtype=np.int64)
    start = _fen(population.income_per_head * size)
    catastrophic = np.full(n_households, np.iinfo(np.int64).max // 4)
    if lines is not None:
        line[0], line[1] = _fen(lines.poverty_line * size), _fen(lines.monitoring_line * size)
        if lines.resource == "assets":
            assert population.assets is not None
            start = _fen(population.assets)
        share = lines.catastrophic_share
        capacity = population.consumption_per_head * size * (1 - lines.food_share)
        catastrophic = np.maximum(_fen(capacity * share / (1 - share)), 1)
    standard, rate = np.zeros(n_households, dtype=np.int64), np.zeros(n_households)
    open_to = np.ones(n_households, dtype=np.bool_)
    for relief in scenario.relief.values():
        assert lines is not None
        fit = eligible(population, [relief.where], households=True) & open_to
        per_head = relief.standard if relief.standard is not None else lines.dibao_standard or 0.0
        standard[fit] = _fen(per_head * size[fit])
        rate[fit] = relief.take_up * relief.paid_within_year
        open_to &= ~fit
    household = np.zeros((at.HOUSEHOLD_WIDTH, n_households), dtype=np.int64)
    household[at.SIZE], household[at.INCOME_START] = size, start
    household[at.LINE : at.LINE + 2] = line
    household[at.LIFTED_OUT], household[at.CATASTROPHIC_FROM] = population.lifted_out, catastrophic
    household[at.RELIEF_STANDARD] = standard
    household[at.INCOME_TESTED] = _fen(population.income_per_head * size)
    base, has_base, household_base, certain = _certain(
        scenario, population, accounts, components, group, n_groups
    )
    with np.errstate(over="ignore"):
        people = People(
            household_start=np.ascontiguousarray(population.household_start, dtype=np.int64),
            household_of=np.ascontiguousarray(population.household_of, dtype=np.int32),
            person_word=population.person_key * GOLDEN,
            person_key=np.array(population.person_key),
            household_word=population.household_key * GOLDEN,
            household=household,
            group=group,
            relief_rate=rate,
            own_premium=np.zeros((1, n_households), dtype=np.int64),
            base=base,
            has_base=has_base,
            household_base=household_base,
            choice_person=np.zeros((1, 0), dtype=np.uint8),
            choice_household=np.zeros((1, 0), dtype=np.uint8),
        )
    return people, certain


def _own_premium(scenario: Scenario, population: Population, tree: StackTree) -> Int64Array:
    own = np.zeros((len(tree.programmes), population.households), dtype=np.int64)
    for p, name in enumerate(tree.programmes[1:], start=1):
        programme = scenario.programmes[name]
        each = (programme.premium_per_insured or 0.0) * programme.household_share
        if each > 0:
            fit = eligible(population, [programme.insured], households=False)
            heads = np.bincount(population.household_of[fit], minlength=population.households)
            own[p] = _fen(each * heads)
    return own


def _certain(
    scenario: Scenario,
    population: Population,
    accounts: dict[str, Account],
    components: Components,
    group: Int64Array,
    n_groups: int,
) -> tuple[Float64Array, BoolArray, Float64Array, Int64Array]:
    """Certain costs by component and their sums by account and group."""
    names = list(accounts)
    n_components = len(components.kinds)
    person = np.zeros((n_components, population.persons))
    household = np.zeros((n_components, population.households))
    sums = np.zeros((len(names), n_groups), dtype=np.int64)
    for name, cost in scenario.certain_costs.items():
        a = names.index(cost.account)
        of_household = accounts[cost.account].level == "household"
        fit = eligible(population, [cost.where], households=of_household)
        keys = population.household_key if of_household else population.person_key
        if cost.by_schooling is not None:
            by_name: Mapping[Any, float] = cost.by_schooling
            by_stage = np.array([by_name.get(stage, 0.0) for stage in STAGES])
            amounts = by_stage[population.schooling]
            if of_household:
                amounts = np.bincount(
                    population.household_of, weights=amounts, minlength=population.households
                )
        else:
            assert cost.amount is not None
            key = decision_key(scenario.population.seed, f"certain/{name}")
            amounts = cost.amount.core().quantile_from_survival(survival_of(words_for(key, keys)))
        fen = np.where(fit, _fen(amounts), 0)
        scope = np.floor(fen * cost.in_scope_share + 0.500001)
        target = household if of_household else person
        target[components.inside[a]] += scope
        target[components.outside[a]] += fen - scope
        groups = group if of_household else group[population.household_of]
        for g in range(n_groups):
            sums[a, g] += int(fen[groups == g].sum())
    has_base: BoolArray = np.asarray(person.any(axis=0))
    empty = np.zeros((n_components, 0))
    return (
        person if has_base.any() else empty,
        has_base,
        household if household.any() else empty,
        sums,
    )


def _variants(
    node: Node, scenario: Scenario, population: Population, *, households: bool
) -> tuple[list[Schedule], Int64Array | None]:
    """Schedules of a step and, where units differ, each unit's choice (0: nothing)."""
    step = node.step
    filters = [step.where]
    if node.programme is not None:
        filters.append(scenario.programmes[node.programme].insured)
    if step.income_test is not None and step.income_test.moment == "before_year":
        filters.append(Filter(income_per_head_below=step.income_test.per_head_below))
    default = Schedule.everything() if step.unit == "event" or node.is_points else schedule_of(step)
    fit = eligible(population, filters, households=households)
    if fit.all() and not step.variants:
        return [default], None
    schedules = [Schedule.nothing(), default]
    chosen = fit.astype(np.int64)
    free = fit.copy()
    for variant in step.variants:
        mine = eligible(population, [variant.where], households=households) & free
        chosen[mine] = len(schedules)
        schedules.append(schedule_of(variant))
        free &= ~mine
    return schedules, chosen


def _stacks(
    scenario: Scenario,
    population: Population,
    accounts: dict[str, Account],
    tree: StackTree,
    components: Components,
    level: Int64Array,
) -> tuple[Stacks, Uint8Array, Uint8Array]:
    """Tables of the steps, and which schedule of each varied step is whose, by person and by household."""
    n_nodes, names = len(tree.nodes), list(accounts)
    buffers = Buffers.of(tree, components, level)
    sets: list[list[Schedule]] = []
    rows_person: list[Int64Array] = []
    rows_household: list[Int64Array] = []
    gates: dict[tuple[object, ...], int] = {}
    size = max(n_nodes, 1)
    step_table = np.zeros((size, at.STEP_WIDTH), dtype=np.int64)
    count_groups = discharge_groups(tree, accounts)
    step_table[:, [at.EVENT_SET, at.UNIT_SET, at.HOUSEHOLD_SET, at.GATE, at.STEP_KIND]] = -1
    in_time = np.ones(size)
    reads = np.zeros((size, len(names)), dtype=np.int64)

    def add(schedules: list[Schedule]) -> int:
        sets.append(schedules)
        return len(sets) - 1

    for node in tree.nodes:
        s, step = node.index, node.step
        read = [name for name in step.accounts if name in accounts]
        reads[s, [names.index(name) for name in read]] = 1
        kinds = {KINDS.index(accounts[name].kind) for name in read}
        row = step_table[s]
        row[at.STEP_KIND] = kinds.pop() if len(kinds) == 1 else -1
        row[at.IS_POINTS] = node.is_points
        row[at.DISCHARGE] = count_groups[tuple(sorted(read))] if step.unit == "discharge" else -1
        row[at.WAITING], row[at.INSURANCE] = step.waiting_days, node.programme is not None
        in_time[s] = step.paid_within_year
        per_event = step if step.unit == "event" or node.is_points else step.per_event
        if per_event is not None:
            row[at.EVENT_SET] = add([schedule_of(per_event)])
        schedules, chosen = _variants(node, scenario, population, households=bool(level[s]))
        if schedules != [Schedule.everything()]:
            row[at.UNIT_SET] = add(schedules)
        if chosen is not None:
            rows = rows_household if level[s] else rows_person
            rows.append(chosen)
            row[at.VARIANTS] = len(rows)
        if step.per_household is not None and schedule_of(step.per_household) != Schedule.everything():
            row[at.HOUSEHOLD_SET] = add([schedule_of(step.per_household)])
        row[at.GATE] = _gate(node, gates)
    at_, bend, jump, counts, floor = hinge_arrays(sets)
    terms, take_up = _gate_arrays(list(gates))
    kind_loss, kind_weight = _weights(scenario)
    relief = list(scenario.relief.values())
    account = np.zeros((at.ACCOUNT_WIDTH, len(names)), dtype=np.int64)
    account[at.INSIDE], account[at.OUTSIDE] = components.inside, components.outside
    account[at.KIND] = [KINDS.index(entry.kind) for entry in accounts.values()]
    account[at.COUNT_GROUP] = [
        next((group for read, group in count_groups.items() if name in read), -1) for name in names
    ]
    account[at.CAUSE] = [CAUSES.index(_CAUSE_OF.get(name, "other")) for name in names]
    step_table[:, at.LEVEL], step_table[:, at.CUM_IN], step_table[:, at.CUM_OUT] = (
        level,
        buffers.cum_in,
        buffers.cum_out,
    )
    step_table[:, at.HOUSEHOLD_CUM_IN] = buffers.household_cum_in
    step_table[:, at.HOUSEHOLD_CUM_OUT] = buffers.household_cum_out
    step_table[:, at.CUM_READ] = _cum_is_read(step_table[:n_nodes], buffers.none_cum, size)
    step_terms = np.zeros((4, max(size, len(KINDS))))
    step_terms[0, :size] = in_time
    per_unit = (step_table[:, at.UNIT_SET] >= 0) & (step_table[:, at.DISCHARGE] < 0)
    step_terms[1, :size] = np.where(per_unit, floor[step_table[:, at.UNIT_SET]], 0.0)
    kinds_of_steps = np.where(step_table[:, at.STEP_KIND] >= 0, step_table[:, at.STEP_KIND], at.EDUCATION)
    step_terms[2, :size], step_terms[3, : len(KINDS)] = kind_weight[kinds_of_steps], kind_weight
    runs = _runs(step_table[:n_nodes], buffers.read, components.n_person, tree.n_none)
    effect = np.ascontiguousarray(tree.effect().reshape(n_nodes, len(tree.members)))
    is_plain = all(plain for _, _, plain in runs) and not effect[: tree.n_none].any()
    payable_reads, payable_floor = _payable(
        step_table[:n_nodes], step_terms[1], buffers.read[:, : components.n_person], tree.n_none
    )
    stacks = Stacks(
        n_none=tree.n_none,
        n_person=components.n_person,
        account=account,
        component_kind=np.array(components.kinds, dtype=np.int64),
        none_buffer=buffers.none_buffer,
        none_cum=buffers.none_cum,
        kind_loss=kind_loss,
        step=step_table,
        step_terms=step_terms,
        effect=effect,
        read=buffers.read,
        write=buffers.write,
        reads_account=reads,
        hinge=np.array([at_, bend, jump]),
        hinge_count=counts,
        gate_terms=terms,
        gate_take_up=take_up,
        relief_on_rigid=int(bool(relief) and relief[0].on == "income_minus_rigid"),
        relief_counts=int(bool(relief) and relief[0].benefits_count),
        has_lines=int(scenario.lines is not None),
        is_plain=is_plain,
        payable_reads=payable_reads,
        payable_floor=payable_floor,
        runs=runs,
        count_groups=max(len(count_groups), 1),
        person_buffers=buffers.person_buffers,
        household_buffers=buffers.household_buffers,
    )
    nobody = [np.zeros(1, dtype=np.int64)]
    return (
        stacks,
        np.array(rows_person or nobody, dtype=np.uint8),
        np.array(rows_household or nobody, dtype=np.uint8),
    )


def _cum_is_read(step: Int64Array, none_cum: Int64Array, size: int) -> Int64Array:
    """1 where a later step, or the outcome of "none", reads the cumulative payment behind a step."""
    is_read = np.zeros(size, dtype=np.int64)
    for s, row in enumerate(step):
        for k, (cum_in, cum_out) in enumerate(
            ((at.CUM_IN, at.CUM_OUT), (at.HOUSEHOLD_CUM_IN, at.HOUSEHOLD_CUM_OUT))
        ):
            if row[cum_out] != row[cum_in]:
                is_read[s] |= int(row[cum_out] in step[:, cum_in] or row[cum_out] == none_cum[k])
    return is_read


def _payable(
    step: Int64Array, floor: Float64Array, read: Int64Array, n_none: int
) -> tuple[Int64Array, Float64Array]:
    """Distinct sets of persons' costs that the steps behind "none" read, and the least that any of them pays from."""
    least: dict[tuple[bool, ...], float] = {}
    for s in range(n_none, len(step)):
        reads = tuple((read[s] >= 0).tolist())
        if step[s, at.LEVEL] == 0 and any(reads):
            least[reads] = min(least.get(reads, np.inf), float(floor[s]) - 1.0)
    shape = (len(least), read.shape[1])
    return np.array([*least], dtype=np.int64).reshape(shape), np.array([*least.values()], dtype=np.float64)


def _runs(
    step: Int64Array, read: Int64Array, n_person: int, n_none: int
) -> tuple[tuple[int, int, bool], ...]:
    """Cut the steps into runs of plain ones (yearly terms) and others; "none" ends a run."""
    runs: list[tuple[int, int, bool]] = []
    for s, row in enumerate(step):
        plain = (
            not row[at.IS_POINTS]
            and row[at.EVENT_SET] < 0
            and row[at.HOUSEHOLD_SET] < 0
            and (row[at.LEVEL] == 0 or not (read[s, :n_person] >= 0).any())
        )
        if runs and runs[-1][2] == plain and s != n_none:
            runs[-1] = (runs[-1][0], s + 1, plain)
        else:
            runs.append((s, s + 1, plain))
    return tuple(runs)


def _gate(node: Node, gates: dict[tuple[object, ...], int]) -> int:
    step = node.step
    after = step.income_test if step.income_test and step.income_test.moment == "after_shock" else None
    if after is None and step.spending_test is None and step.take_up >= 1:
        return -1
    key = (
        after.per_head_below if after else None,
        step.spending_test.times_income if step.spending_test else None,
        step.take_up,
    )
    return gates.setdefault(key, len(gates))


def _gate_arrays(keys: list[tuple[object, ...]]) -> tuple[Float64Array, Int64Array]:
    terms = np.zeros((len(keys), 2, 4))
    terms[:, :, 3] = np.inf
    take_up = np.full(len(keys), _TWO_32, dtype=np.int64)
    for index, (below, times, chance) in enumerate(keys):
        if isinstance(below, float | int):
            terms[index, 0] = (1.0, -1.0, -1.0, float(below) * FEN)
        if isinstance(times, float | int):
            terms[index, 1] = (float(times), 0.0, -1.0, 0.0)
        if isinstance(chance, float | int):
            take_up[index] = round(float(chance) * _TWO_32)
    return terms, take_up


def _weights(scenario: Scenario) -> tuple[Float64Array, Float64Array]:
    """Effect on resources of a yuan lost, and of a yuan paid, by kind of account."""
    lines = scenario.lines
    resource = lines.resource if lines else "income_minus_rigid"
    repair = lines.dwelling_repair_share if lines else 0.0
    if resource == "income":
        return np.array([0.0, 0.0, 0.0, 1.0, 0.0]), np.zeros(5)
    if resource == "assets":
        return np.array([1.0, 1.0, 1.0, 1.0, 0.0]), np.ones(5)
    return np.array([1.0, 1.0, repair, 1.0, 0.0]), np.array([1.0, 1.0, repair, 1.0, 1.0])
