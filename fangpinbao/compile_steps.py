"""Turns the steps of all stacks into tables: schedules, buffers, gates, weights, and which schedule is whose."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from fangpinbao._typing import Float64Array, Int64Array, Uint8Array
from fangpinbao.columns import CAUSES
from fangpinbao.compile_detection import Cases
from fangpinbao.compile_relief import ReliefTables, compile_relief
from fangpinbao.compiled import (
    FEN,
    KINDS,
    Buffers,
    Components,
    Node,
    StackTree,
    discharge_groups,
    eligible,
    schedule_of,
)
from fangpinbao.core import layout as at
from fangpinbao.core.schedule import Schedule, hinge_arrays
from fangpinbao.core.structures import Stacks
from fangpinbao.population import Population
from fangpinbao.scenario import Scenario
from fangpinbao.scenario.terms import Filter, IncomeTest, SpendingTest
from fangpinbao.scenario.vocabulary import Account

__all__ = ["compile_steps"]

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


def _variants(
    node: Node, scenario: Scenario, population: Population, *, households: bool, has_case: bool
) -> tuple[list[Schedule], Int64Array | None]:
    """Schedules of a step and, where units differ, each unit's choice (0: nothing).

    Who must be found can pass the check though a test fails: then tests before the year belong to the gate.
    """
    step = node.step
    filters = [step.where]
    if node.programme is not None:
        filters.append(scenario.programmes[node.programme].insured)
    if step.income_test is not None and step.income_test.moment == "before_year" and not has_case:
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


def compile_steps(
    scenario: Scenario,
    population: Population,
    accounts: dict[str, Account],
    tree: StackTree,
    components: Components,
    level: Int64Array,
    cases: Cases,
) -> tuple[Stacks, Uint8Array, Uint8Array, ReliefTables, list[float | None]]:
    """Tables of the steps and of relief, which schedule of a varied step is whose, and tests.

    Schedules are listed by person and by household; the tests are those of each gate before the year, where they
    are not in the schedules.
    """
    n_nodes, names = len(tree.nodes), list(accounts)
    buffers = Buffers.of(tree, components, level)
    sets: list[list[Schedule]] = []
    rows_person: list[Int64Array] = []
    rows_household: list[Int64Array] = []
    gates: dict[_Gate, int] = {}
    size = max(n_nodes, 1)
    step_table = np.zeros((size, at.STEP_WIDTH), dtype=np.int64)
    count_groups = discharge_groups(tree, accounts)
    step_table[:, [at.EVENT_SET, at.UNIT_SET, at.HOUSEHOLD_SET, at.GATE, at.STEP_KIND, at.CASE]] = -1
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
        row[at.WAITING], row[at.INSURANCE] = step.waiting_days, node.payer_kind == "insurer"
        row[at.REIMBURSES] = not node.is_points and node.payer_kind != "household"
        case = row[at.CASE] = -1 if node.programme is None else cases.index(node.programme)
        in_time[s] = step.paid_within_year if case < 0 else 0.0
        per_event = step if step.unit == "event" or node.is_points else step.per_event
        if per_event is not None:
            row[at.EVENT_SET] = add([schedule_of(per_event)])
        schedules, chosen = _variants(
            node, scenario, population, households=bool(level[s]), has_case=case >= 0
        )
        if schedules != [Schedule.everything()]:
            row[at.UNIT_SET] = add(schedules)
        if chosen is not None:
            rows = rows_household if level[s] else rows_person
            rows.append(chosen)
            row[at.VARIANTS] = len(rows)
        if step.per_household is not None and schedule_of(step.per_household) != Schedule.everything():
            row[at.HOUSEHOLD_SET] = add([schedule_of(step.per_household)])
        row[at.GATE] = _gate(step.income_test, step.spending_test, step.take_up, gates, int(case))
    relief_tables = compile_relief(
        scenario, population, size, lambda income, spending, chance: _gate(income, spending, chance, gates)
    )
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
    step_terms = np.zeros((5, max(size, len(KINDS))))
    step_terms[0, :size] = in_time
    _share_limits(scenario, tree, step_table, step_terms[4])
    step_table[:n_nodes, at.LEAVES_CUT] = _leaves_cut(scenario, tree, buffers.read)
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
        step=_with_rows(step_table, relief_tables),
        step_terms=step_terms,
        effect=effect,
        read=buffers.read,
        write=buffers.write,
        reads_account=reads,
        hinge=np.array([at_, bend, jump]),
        hinge_count=counts,
        gate_terms=terms,
        gate_take_up=take_up,
        gate_case=np.array([key.case for key in gates], dtype=np.int64),
        n_cases=len(cases.programmes),
        case_reads=cases.reads(scenario, names),
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
        relief=relief_tables.entries,
        relief_terms=relief_tables.terms,
        phase=relief_tables.phase,
    )
    nobody = [np.zeros(1, dtype=np.int64)]
    return (
        stacks,
        np.array(rows_person or nobody, dtype=np.uint8),
        np.array(rows_household or nobody, dtype=np.uint8),
        relief_tables,
        [key.before for key in gates],
    )


_SHARED_PER = {"event": at.PER_EVENT, "person_year": at.PER_PERSON, "household_year": at.PER_HOUSEHOLD}


def _share_limits(scenario: Scenario, tree: StackTree, step: Int64Array, limits: Float64Array) -> None:
    """Chain the steps that share a limit, in order of the stack; one on costs comes first and keeps its terms."""
    step[:, at.SHARED_BEFORE] = -1
    for name, programme in scenario.programmes.items():
        for shared in programme.shared_limits.values():
            before = -1
            for s in tree.members[tree.programmes.index(name)]:
                node = tree.nodes[s]
                if node.programme != name or node.name.removeprefix(f"{name}.") not in shared.coverages:
                    continue
                if node.is_points:
                    step[s, at.SHARED_PER], step[s, at.SHARED_BEFORE] = _SHARED_PER[shared.per], before
                    limits[s] = round(shared.limit * FEN)
                else:
                    step[s, at.CUM_READ] = 1
                before = s


def _leaves_cut(scenario: Scenario, tree: StackTree, read: Int64Array) -> Int64Array:
    """1 for coverages under a limit over all that cuts, with a public layer behind them that reads the same costs."""
    leaves = np.zeros(len(tree.nodes), dtype=np.int64)
    for node in tree.nodes:
        limit = scenario.programmes[node.programme].aggregate if node.programme is not None else None
        if limit is not None and limit.rule != "topped_up" and not node.is_points:
            mine = read[node.index] >= 0
            leaves[node.index] = any(
                other.programme is None and (mine & (read[other.index] >= 0)).any()
                for other in tree.read_later(node)
            )
    return leaves


def _with_rows(step_table: Int64Array, relief: ReliefTables) -> Int64Array:
    """Add the rows of relief, which no kernel of steps runs, so that sums by step have a place for them."""
    rows = np.zeros((len(relief.rows), at.STEP_WIDTH), dtype=np.int64)
    rows[:, [at.EVENT_SET, at.UNIT_SET, at.HOUSEHOLD_SET, at.GATE, at.STEP_KIND, at.CASE]] = -1
    rows[:, at.LEVEL] = 1
    return np.concatenate([step_table, rows])


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
    """Cut the steps into runs of plain ones (yearly terms) and others; "none" and steps that leave a cut end one."""
    runs: list[tuple[int, int, bool]] = []
    for s, row in enumerate(step):
        plain = (
            not row[at.IS_POINTS]
            and row[at.EVENT_SET] < 0
            and row[at.HOUSEHOLD_SET] < 0
            and (row[at.LEVEL] == 0 or not (read[s, :n_person] >= 0).any())
        )
        shared = row[at.SHARED_PER] > 0
        before = s > 0 and step[s - 1, at.SHARED_PER] > 0
        cut_before = s > 0 and step[s - 1, at.LEAVES_CUT] == 1
        if runs and runs[-1][2] == plain and shared == before and s != n_none and not cut_before:
            runs[-1] = (runs[-1][0], s + 1, plain)
        else:
            runs.append((s, s + 1, plain))
    return tuple(runs)


class _Gate(NamedTuple):
    """What must hold beside the schedule for a coverage or an entry of relief to pay a household."""

    below: float | None  # income test after the shock, yuan a head
    times: float | None  # spending test, times income
    before: float | None  # income test before the year, of a case
    take_up: float
    case: int


def _gate(
    test: IncomeTest | None,
    spending_test: SpendingTest | None,
    take_up: float,
    gates: dict[_Gate, int],
    case: int = -1,
) -> int:
    is_after = test is not None and test.moment == "after_shock"
    gate = _Gate(
        below=test.per_head_below if test and is_after else None,
        times=spending_test.times_income if spending_test else None,
        before=test.per_head_below if test and not is_after and case >= 0 else None,
        take_up=take_up if case < 0 else 1.0,
        case=case,
    )
    if gate == _Gate(None, None, None, 1.0, -1):
        return -1
    return gates.setdefault(gate, len(gates))


def _gate_arrays(keys: list[_Gate]) -> tuple[Float64Array, Int64Array]:
    terms = np.zeros((len(keys), 2, 4))
    terms[:, :, 3] = np.inf
    take_up = np.full(len(keys), _TWO_32, dtype=np.int64)
    for index, gate in enumerate(keys):
        if gate.below is not None:
            terms[index, 0] = (1.0, -1.0, -1.0, gate.below * FEN)
        if gate.times is not None:
            terms[index, 1] = (gate.times, 0.0, -1.0, 0.0)
        take_up[index] = round(gate.take_up * _TWO_32)
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
