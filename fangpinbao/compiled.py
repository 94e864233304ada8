"""Schedules and the tree of stacks: where a scenario's terms become numbers and indices."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from fangpinbao._typing import BoolArray, Float64Array, Int32Array, Int64Array, Uint8Array, Uint64Array
from fangpinbao.core.schedule import Schedule, exact
from fangpinbao.population import Population
from fangpinbao.scenario import Scenario
from fangpinbao.scenario.terms import Coverage, Filter, PayerKind, Terms
from fangpinbao.scenario.vocabulary import ACCOUNTS, Account

__all__ = ["KINDS", "Node", "People", "StackTree", "account_table", "schedule_of"]


@dataclass(frozen=True)
class People:
    """Columns of the population as the engine needs them: ``n`` persons, ``h`` households, money in fen."""

    household_start: Int64Array  # [h+1] first person
    household_of: Int32Array  # [n]
    person_word: Uint64Array  # [n] stable key x golden ratio
    person_key: Uint64Array  # [n] stable key, for ties
    household_word: Uint64Array  # [h]
    household: Int64Array  # [HOUSEHOLD_WIDTH, h], see ``fangpinbao.core.layout``
    group: Int64Array  # [h] class of household, among those that occur
    relief_rate: Float64Array  # [h] take-up x share in time
    own_premium: Int64Array  # [p, h]
    relief_due: Int64Array  # [(due, cap), e, h] of the relief of programmes
    standing: (
        Uint8Array  # [cases + gates, h] on the list; passes the test before the year; [0, 0] without cases
    )
    base: Float64Array  # [c, n] certain cost of persons by component; [c, 0] if none
    has_base: BoolArray  # [n]
    household_base: Float64Array  # [c, h] certain cost of households by component; [c, 0] if none
    choice_person: Uint8Array  # [rows, n] schedule of each varied step; row 0 is of the first
    choice_household: Uint8Array  # [rows, h]


KINDS = ("medical", "education", "stock", "income", "points")
FEN = 100


def account_table(scenario: Scenario) -> dict[str, Account]:
    """Return the accounts that something books to, built-in or the scenario's own, in order."""
    added = {
        name: Account(table.level, table.kind, table.label.en, table.label.zh)
        for name, table in scenario.accounts.items()
    }
    booked = {booking.account for peril in scenario.perils.values() for booking in peril.books}
    booked |= {cost.account for cost in scenario.certain_costs.values()}
    return {name: account for name, account in {**ACCOUNTS, **added}.items() if name in booked}


def schedule_of(terms: Terms) -> Schedule:
    """Return the exact payout schedule, in fen, of a set of terms."""
    if terms.scale is not None:
        return Schedule.steps([(exact(step.points) * FEN, exact(step.pays) * FEN) for step in terms.scale])
    if terms.fixed_sum is not None:
        return Schedule.steps([(exact(1), exact(terms.fixed_sum) * FEN)])
    schedule = Schedule.everything()
    if terms.bands is not None:
        ends = [
            (None if band.up_to is None else exact(band.up_to) * FEN, exact(band.rate))
            for band in terms.bands
        ]
        schedule = schedule.banded(ends, exact(terms.deductible) * FEN)
        steps: Iterable[str] = ("cap",)
    else:
        order = list(terms.order or [])
        steps = [*order, *(step for step in ("deductible", "share", "cap") if step not in order)]
    for step in steps:
        if step == "deductible":
            schedule = schedule.less(exact(terms.deductible) * FEN)
        elif step == "share" and terms.rate is not None:
            schedule = schedule.times(exact(terms.rate))
        elif step == "cap" and terms.limit is not None:
            schedule = schedule.at_most(exact(terms.limit) * FEN)
    return schedule.only_from(exact(terms.franchise) * FEN)


def _is_identity(terms: Terms) -> bool:
    return schedule_of(terms) == Schedule.everything()


@dataclass(frozen=True)
class Node:
    """A step of one or more stacks, at its place behind a prefix.

    Attributes
    ----------
    name
        ``layer`` or ``programme.coverage``.
    programme
        Owner of a coverage; None for a public layer.
    parent
        Node before it in the stack, -1 at the start.
    payer_kind
        ``insurer`` for coverages of an insurance contract alone; public money unless the step says otherwise.
    """

    index: int
    name: str
    step: Coverage
    programme: str | None
    parent: int
    payer_kind: PayerKind

    @property
    def is_points(self) -> bool:
        """Whether the step pays by points."""
        step = self.step
        return step.scale is not None or step.fixed_sum is not None or step.contract is not None


@dataclass
class StackTree:
    """All stacks as one tree of nodes; the stack "none" comes first."""

    programmes: list[str]
    nodes: list[Node] = field(default_factory=list)
    members: list[list[int]] = field(default_factory=list)

    @classmethod
    def of(cls, scenario: Scenario) -> StackTree:
        """Build the tree; equal prefixes are one node."""
        tree = cls(["none", *scenario.programmes])
        known: dict[tuple[tuple[str | None, str], ...], int] = {}
        layers: list[tuple[str | None, str]] = [(None, name) for name in scenario.layers]
        stacks = [layers]
        for name, programme in scenario.programmes.items():
            order = programme.stack or [*scenario.layers, *programme.coverages]
            stacks.append([(name if step in programme.coverages else None, step) for step in order])
        ends = [(0, end) for end in range(1, len(layers) + 1)]
        longest = max(len(stack) for stack in stacks)
        # behind "none", level by level: coverages that read the same costs then lie side by side
        ends += [
            (p, end) for end in range(1, longest + 1) for p in range(1, len(stacks)) if end <= len(stacks[p])
        ]
        for p, end in ends:
            prefix = tuple(stacks[p][:end])
            if prefix not in known:
                owner, step_name = prefix[-1]
                step = (
                    scenario.layers[step_name]
                    if owner is None
                    else scenario.programmes[owner].coverages[step_name]
                )
                known[prefix] = len(tree.nodes)
                shown = step_name if owner is None else f"{owner}.{step_name}"
                is_public = owner is None or scenario.programmes[owner].kind == "rules"
                payer = step.payer_kind or ("public" if is_public else "insurer")
                parent = known.get(prefix[:-1], -1)
                tree.nodes.append(Node(len(tree.nodes), shown, step, owner, parent, payer))
        for stack in stacks:
            tree.members.append([known[tuple(stack[:end])] for end in range(1, len(stack) + 1)])
        return tree

    @property
    def n_none(self) -> int:
        """Number of nodes of the stack "none"."""
        return len(self.members[0])

    def effect(self) -> Int64Array:
        """[s, p]: +1 where a node is in p's stack and not in none's, -1 the other way round."""
        pays = self.pays()
        effect: Int64Array = pays - pays[:, :1]
        return effect

    def pays(self) -> Int64Array:
        """[s, p]: 1 where the node belongs to p's stack."""
        pays = np.zeros((len(self.nodes), len(self.members)), dtype=np.int64)
        for p, member in enumerate(self.members):
            pays[member, p] = 1
        return pays

    def read_later(self, node: Node) -> list[Node]:
        """Nodes behind this one in any stack."""
        later: list[Node] = []
        for other in self.nodes:
            ancestor = other.parent
            while ancestor >= 0:
                if ancestor == node.index:
                    later.append(other)
                    break
                ancestor = self.nodes[ancestor].parent
        return later


@dataclass
class Components:
    """What the layers tell apart: parts of accounts with the same readers.

    ``inside`` and ``outside`` give each account's component for its in-scope part and for the rest.
    """

    n_person: int
    kinds: list[int]
    inside: list[int]
    outside: list[int]
    readers: list[frozenset[int]]

    @classmethod
    def of(cls, accounts: dict[str, Account], tree: StackTree) -> Components:
        """Group the in-scope and out-of-scope parts of accounts by the nodes that read them."""
        keys: dict[tuple[int, int, frozenset[int]], int] = {}
        atoms: list[tuple[tuple[int, int, frozenset[int]], tuple[int, int, frozenset[int]]]] = []
        for name, account in accounts.items():
            level = 0 if account.level == "person" else 1
            kind = KINDS.index(account.kind)
            reading = [node for node in tree.nodes if name in node.step.accounts]
            inside = frozenset(node.index for node in reading if node.step.base != "out_of_scope")
            outside = frozenset(node.index for node in reading if node.step.base != "in_scope")
            if level == 1:
                inside = outside = inside | outside
            atoms.append(((level, kind, inside), (level, kind, outside)))
        for key in sorted(
            {key for pair in atoms for key in pair}, key=lambda key: (key[0], key[1], sorted(key[2]))
        ):
            keys[key] = len(keys)
        ordered = list(keys)
        return cls(
            n_person=sum(1 for key in ordered if key[0] == 0),
            kinds=[key[1] for key in ordered],
            inside=[keys[pair[0]] for pair in atoms],
            outside=[keys[pair[1]] for pair in atoms],
            readers=[key[2] for key in ordered],
        )


@dataclass
class Buffers:
    """Which scratch buffer holds which component before and after each node (single assignment)."""

    read: Int64Array
    write: Int64Array
    cum_in: Int64Array
    cum_out: Int64Array
    household_cum_in: Int64Array
    household_cum_out: Int64Array
    none_buffer: Int64Array
    none_cum: Int64Array
    person_buffers: int
    household_buffers: int

    @classmethod
    def of(cls, tree: StackTree, components: Components, level: Int64Array) -> Buffers:
        """Assign buffers; a component is only written where a later node, or "none" at its end, reads it."""
        n_nodes, n_components = len(tree.nodes), len(components.kinds)
        n_person = components.n_person
        counts = [n_person + 1, n_components - n_person + 1]
        start = [*range(n_person), *range(n_components - n_person)]
        states: dict[int, tuple[list[int], int, int]] = {-1: (start, n_person, n_components - n_person)}
        shape = (max(n_nodes, 1), n_components)
        read, write = np.full(shape, -1, dtype=np.int64), np.full(shape, -1, dtype=np.int64)
        cum = {key: np.zeros(max(n_nodes, 1), dtype=np.int64) for key in ("in", "out", "hin", "hout")}

        def fresh(side: int) -> int:
            counts[side] += 1
            return counts[side] - 1

        for node in tree.nodes:
            place, person_cum, household_cum = states[node.parent]
            place = list(place)
            later = {other.index for other in tree.read_later(node)}
            in_none = node.index < tree.n_none
            for c in range(n_components):
                if node.index not in components.readers[c] or node.is_points != (
                    KINDS[components.kinds[c]] == "points"
                ):
                    continue
                read[node.index, c] = place[c]
                if not node.is_points and (in_none or later & components.readers[c]):
                    place[c] = fresh(0 if c < n_person else 1)
                    write[node.index, c] = place[c]
            reads_person = any(read[node.index, c] >= 0 for c in range(n_person))
            cum["in"][node.index] = cum["out"][node.index] = person_cum
            cum["hin"][node.index] = cum["hout"][node.index] = household_cum
            if reads_person and not node.is_points:
                person_cum = cum["out"][node.index] = fresh(0)
            if level[node.index] == 1:
                household_cum = cum["hout"][node.index] = fresh(1)
            states[node.index] = (place, int(person_cum), int(household_cum))
        end = states[tree.members[0][-1] if tree.members[0] else -1]
        return cls(
            read,
            write,
            cum["in"],
            cum["out"],
            cum["hin"],
            cum["hout"],
            np.array(end[0], dtype=np.int64),
            np.array(end[1:], dtype=np.int64),
            counts[0],
            counts[1],
        )


def discharge_groups(tree: StackTree, accounts: dict[str, Account]) -> dict[tuple[str, ...], int]:
    """Number the sets of accounts whose events are counted together as discharges of a step."""
    groups: dict[tuple[str, ...], int] = {}
    for node in tree.nodes:
        if node.step.unit == "discharge":
            groups.setdefault(
                tuple(sorted(name for name in node.step.accounts if name in accounts)), len(groups)
            )
    return groups


def eligible(population: Population, filters: list[Filter], *, households: bool) -> BoolArray:
    """Units that fit all filters."""
    count = population.households if households else population.persons
    fit = np.ones(count, dtype=np.bool_)
    for where in filters:
        if not where.is_empty():
            fit &= population.select_households(where) if households else population.select(where)
    return fit
