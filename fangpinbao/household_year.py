"""One household's settled year, read from the engine's own scratch."""

from __future__ import annotations

import numpy as np

from fangpinbao._typing import Int64Array
from fangpinbao.aggregate import allowed_in, days_of, year_events
from fangpinbao.compiled import Node
from fangpinbao.core import layout as at
from fangpinbao.core.run import EVERYBODY
from fangpinbao.core.structures import Outputs
from fangpinbao.engine import Engine

__all__ = ["HouseholdYear", "first_paid"]

_FEN = 100


def first_paid(engine: Engine, path: int, p: int) -> int:
    """First household the programme paid after an event; else the first it paid, or struck, or at all."""
    tree, people = engine.compiled.tree, engine.compiled.people
    steps = [s for s in tree.members[p] if tree.nodes[s].programme is not None]
    steps += [
        row.row
        for row in engine.compiled.relief
        if row.programme == tree.programmes[p] and row.part == "paid"
    ]
    chunk = engine.years(path, path + 1)
    found: list[tuple[int, int]] = []
    for number, block in enumerate(engine.blocks):
        struck = set(year_events(engine, 0, chunk, [number])[0]["household"].tolist())
        out = engine.run_block(block, chunk, 1, collect=True, settle=EVERYBODY)
        payments: Int64Array = out.collected[steps, 0]
        persons = np.flatnonzero(payments[:, : block.persons].any(axis=0))
        owners = people.household_of[persons + block.first_person]
        homes = np.flatnonzero(payments[:, block.persons :].any(axis=0)) + block.first
        paid = {*owners.tolist(), *homes.tolist()}
        for rank, households in enumerate((paid & struck, paid, struck)):
            found += [(rank, min(households))] if households else []
        if paid & struck:
            break
    return min(found)[1] if found else 0


class HouseholdYear:
    """One household's settled year, read from the engine's scratch."""

    def __init__(self, engine: Engine, path: int, h: int, p: int) -> None:
        self.engine, self.path, self.h, self.p = engine, path, h, p
        self.compiled = engine.compiled
        self.people, self.stacks = engine.compiled.people, engine.compiled.stacks
        self.number = next(n for n, block in enumerate(engine.blocks) if block.first <= h < block.last)
        self.block = engine.blocks[self.number]
        self.chunk = engine.years(path, path + 1)
        self.events = year_events(engine, 0, self.chunk, [self.number])[0]
        self.work = engine.work()
        self.mine = 0
        self.free = self._settle(None)
        allowed = self._allowed()
        self.paid = self.free if allowed is None else self._settle(allowed)
        rows = range(*self.work.slot[at.SLOT_ROW : at.SLOT_ROWS_END + 1, self.mine].tolist())
        self.row_of = {self.block.first_person + int(self.work.row[at.ROW_PERSON, r]): r for r in rows}

    def _settle(self, allowed: Int64Array | None) -> Int64Array:
        """Settle the block's year; finds the household's slot in the scratch that the engine leaves."""
        out: Outputs = self.engine.run_block(
            self.block, self.chunk, 1, collect=True, allowed=allowed, settle=EVERYBODY
        )
        self.work = self.engine.work()
        block, slots = self.block, int(self.work.sizes[3])
        found = np.flatnonzero(self.work.slot[at.SLOT_HOUSEHOLD, :slots] == self.h - block.first)
        if found.size:
            self.mine = int(found[0])
        else:  # nothing happened to it: the year without events
            out = self.engine.settle_base(block)[1]
            self.mine = self.h - block.first
        return out.collected[:, 0]

    def _allowed(self) -> Int64Array | None:
        """What the programme's limit over all leaves to this block's units; None where it does not speak."""
        programme = self.engine.scenario.programmes.get(self.compiled.tree.programmes[self.p])
        if programme is None or programme.aggregate is None or programme.aggregate.rule == "topped_up":
            return None
        limit = round(programme.aggregate.limit * _FEN)
        return allowed_in(self.engine, self.path, {self.p: limit})[self.number]

    @property
    def members(self) -> range:
        """Indices of the household's persons."""
        return range(int(self.people.household_start[self.h]), int(self.people.household_start[self.h + 1]))

    def total(self, row: int) -> int:
        """Sum of the household's year, fen: see ``fangpinbao.core.layout``."""
        return int(self.work.total[row, self.mine])

    def of_household(self, column: int) -> int:
        """Entry of the household's row in the compiled table."""
        return int(self.people.household[column, self.h])

    def change(self, row: int) -> int:
        """What the programme changes for the household."""
        if self.p == 0:
            return 0
        k = int(self.work.slot[at.SLOT_CHANGE, self.mine]) - 1
        return int(self.work.change[k, self.p, row]) if k >= 0 else 0

    def column_of(self, person: int | None) -> int:
        """Column of a unit among the collected payments."""
        if person is None:
            return self.block.persons + self.h - self.block.first
        return person - self.block.first_person

    def left(self, s: int, component: int, person: int | None) -> float:
        """What is left of a component before step ``s``, fen."""
        source = int(self.stacks.read[s, component])
        if source < 0:
            return 0.0
        if person is None:
            return float(self.work.held[source, self.mine])
        return float(self.work.buffer[source, self.row_of[person]]) if person in self.row_of else 0.0

    def amount(self, s: int, person: int | None) -> float:
        """The amount step ``s`` works on, fen (points x 100)."""
        n, n_all = self.stacks.n_person, len(self.stacks.component_kind)
        if person is not None:
            return sum(self.left(s, c, person) for c in range(n))
        own = sum(self.left(s, c, None) for c in range(n, n_all))
        return own + sum(self.left(s, c, member) for member in self.members for c in range(n))

    def event_amounts(self, node: Node, person: int | None) -> list[float]:
        """What is left of each of a unit's events that the step reads and that is past the waiting time."""
        s, events, stacks, amounts = node.index, self.events, self.stacks, []
        for e in np.flatnonzero(events["household"] == self.h):
            owner = int(events["person"][e])
            owner_or_none = owner if owner >= 0 else None
            a, day = events["account"][e], days_of(events["word"][e : e + 1])[0]
            if stacks.reads_account[s, a] == 0 or day < node.step.waiting_days:
                continue
            if person is not None and owner_or_none != person:
                continue
            scope = float(events["scope"][e])
            whole = 0.0
            for row, part in ((at.INSIDE, scope), (at.OUTSIDE, float(events["amount"][e]) - scope)):
                c = int(stacks.account[row, a])
                if part > 0 and stacks.read[s, c] >= 0:
                    whole += part * self.left(s, c, owner_or_none) / self._start(c, owner_or_none)
            amounts.append(whole)
        return amounts

    def _start(self, component: int, person: int | None) -> float:
        if person is None:
            return float(self.work.held[component - self.stacks.n_person, self.mine])
        return float(self.work.buffer[component, self.row_of[person]])

    def discharges(self, s: int, person: int) -> int:
        """Number of discharges the step divides a person's amount by; at least 1."""
        counts = int(self.stacks.step[s, at.DISCHARGE])
        if counts < 0 or person not in self.row_of:
            return 1
        return max(int(self.work.row_count[counts, self.row_of[person]]), 1)

    def variant(self, s: int, person: int | None) -> int:
        """Which terms of the step speak: 0 none, 1 its own, then its variants."""
        row = int(self.stacks.step[s, at.VARIANTS])
        if row == 0:
            return 1
        if person is None:
            return int(self.people.choice_household[row - 1, self.h])
        return int(self.people.choice_person[row - 1, person])

    def cut(self) -> int:
        """Relief that exists anyway and that benefits replace, where they count as income."""
        adjust, relief = self.change(at.ADJUST), self.total(at.RELIEF_PAID)
        if self.stacks.relief_counts == 1 and relief > 0 and adjust > 0:
            return min(int(np.floor(adjust * self.people.relief_rate[self.h] + 0.500001)), relief)
        return 0

    def insured_resource(self) -> int:
        """Resource I: U, the change, own relief, less own premium and relief that benefits replace."""
        own = int(self.people.own_premium[self.p, self.h])
        change = self.change(at.ADJUST) + self.change(at.AID)
        return self.total(at.RESOURCE) + change - own - self.cut()
