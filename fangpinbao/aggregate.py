"""Limits over all units in a year: binding years are settled again with what the limit allows."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

from fangpinbao._typing import Int64Array, Uint64Array
from fangpinbao.columns import PAYOUT
from fangpinbao.core import layout as at
from fangpinbao.core.run import draw
from fangpinbao.core.streams import mix_array
from fangpinbao.core.structures import Chunk, Outputs
from fangpinbao.rounding import largest_remainder

if TYPE_CHECKING:
    from fangpinbao.engine import Engine
    from fangpinbao.outcomes import Sums

__all__ = ["apply_aggregate_limits", "share_first_come"]


def apply_aggregate_limits(engine: Engine, sums: Sums, workers: int) -> dict[str, Int64Array]:
    """Replace the binding years in ``sums``; returns them by programme."""
    binding: dict[str, Int64Array] = {}
    limits: dict[int, int] = {}
    for p, name in enumerate(engine.compiled.tree.programmes[1:], start=1):
        aggregate = engine.scenario.programmes[name].aggregate
        if aggregate is None:
            continue
        limit = round(aggregate.limit * 100)
        over = np.flatnonzero(sums.columns[p, :, PAYOUT] > limit)
        binding[name] = over
        if aggregate.rule != "topped_up":
            limits[p] = limit
    years = sorted({int(y) for p in limits for y in binding[engine.compiled.tree.programmes[p]]})

    def replay(year: int) -> tuple[int, list[Outputs], list[Outputs]]:
        payments = _YearPayments(engine, year, sums.by_household.shape[1] > 0)
        allowed = payments.allowed(limits)
        return year, payments.outputs, payments.settle(allowed)

    if not years:
        return binding
    with ThreadPoolExecutor(workers) as pool:
        for year, before, after in pool.map(replay, years):
            for out in before:
                sums.add(out, year, -1)
            for out in after:
                sums.add(out, year)
    return binding


class _YearPayments:
    """All coverage payments of one year, by step and unit, over all blocks."""

    def __init__(self, engine: Engine, year: int, by_household: bool) -> None:
        self.by_household = by_household
        self.engine, self.chunk = engine, engine.years(year, year + 1)
        self.outputs: list[Outputs] = []
        self.persons: list[Int64Array] = []
        self.households: list[Int64Array] = []
        for block in engine.blocks:
            out = engine.run_block(block, self.chunk, 1, collect=True, by_household=by_household)
            width = engine.work().block_persons
            self.persons.append(out.collected[:, : block.persons].copy())
            self.households.append(out.collected[:, width : width + block.last - block.first].copy())
            self.outputs.append(out)

    def allowed(self, limits: dict[int, int]) -> Int64Array:
        """[step, persons + households]: what each unit may get; -1 where no limit speaks."""
        engine = self.engine
        paid = np.concatenate([*self.persons, *self.households], axis=1)
        allowed = np.full_like(paid, -1)
        people = engine.compiled.people
        keys = np.concatenate([people.person_key, engine.population.household_key])
        for p, limit in limits.items():
            programme = engine.scenario.programmes[engine.compiled.tree.programmes[p]]
            steps = [s for s in engine.compiled.tree.members[p] if engine.compiled.tree.nodes[s].programme]
            units = [np.flatnonzero(paid[s]) for s in steps]
            amounts = np.concatenate([paid[s, unit] for s, unit in zip(steps, units, strict=True)])
            if amounts.sum() <= limit:
                continue
            ids = np.concatenate([mix_array(keys[unit] + np.uint64(k)) for k, unit in enumerate(units)])
            assert programme.aggregate is not None
            if programme.aggregate.rule == "pro_rata":
                shared = largest_remainder(amounts, limit, ids)
            else:
                day = np.concatenate([self._last_day(s)[unit] for s, unit in zip(steps, units, strict=True)])
                tie = np.concatenate([keys[unit] for unit in units])
                shared = share_first_come(amounts, limit, day, tie)
            start = 0
            for s, unit in zip(steps, units, strict=True):
                allowed[s, unit] = shared[start : start + len(unit)]
                start += len(unit)
        return allowed

    def _last_day(self, s: int) -> Int64Array:
        """Day of each unit's last event that the step reads; certain costs fall on day 0."""
        engine = self.engine
        reads = engine.compiled.stacks.reads_account[s]
        n_persons = engine.population.persons
        last = np.zeros(n_persons + engine.population.households, dtype=np.int64)
        for events in year_events(engine, 0, self.chunk):
            use = reads[events["account"]] == 1
            person, household = events["person"][use], events["household"][use]
            day = days_of(events["word"][use])
            np.maximum.at(last, np.where(person >= 0, person, n_persons + household), day)
            np.maximum.at(last, n_persons + household, day)
        return last

    def settle(self, allowed: Int64Array) -> list[Outputs]:
        """Settle the year again with the allowed payments."""
        engine = self.engine
        n_persons = engine.population.persons
        width = engine.work().block_persons
        outputs, person = [], 0
        for block in engine.blocks:
            mine = np.full((allowed.shape[0], width + engine.work().block_households), -1, dtype=np.int64)
            mine[:, : block.persons] = allowed[:, person : person + block.persons]
            mine[:, width : width + block.last - block.first] = allowed[
                :, n_persons + block.first : n_persons + block.last
            ]
            person += block.persons
            outputs.append(
                engine.run_block(block, self.chunk, 1, allowed=mine, by_household=self.by_household)
            )
        return outputs


def share_first_come(amounts: Int64Array, limit: int, day: Int64Array, ids: Uint64Array) -> Int64Array:
    """Use a limit up in order of day, ties by stable id; the last claim gets what is left."""
    order = np.lexsort((ids, day))
    before = np.concatenate([[0], np.cumsum(amounts[order])[:-1]])
    shared = np.zeros_like(amounts)
    shared[order] = np.clip(limit - before, 0, amounts[order])
    return shared


def days_of(words: Uint64Array) -> Int64Array:
    """Day of the year, 0 to 364, of events with these words."""
    mixed = mix_array(words ^ np.uint64(0x5851F42D4C957F2D)) >> np.uint64(32)
    days: Int64Array = ((mixed * np.uint64(365)) >> np.uint64(32)).astype(np.int64)
    return days


def year_events(
    engine: Engine, y: int, chunk: Chunk, blocks: Sequence[int] | None = None
) -> list[dict[str, np.ndarray]]:
    """Events of year ``y`` of a chunk, block by block, as columns."""
    found = []
    for number, block in enumerate(engine.blocks):
        if blocks is not None and number not in blocks:
            continue
        while True:
            work = engine.work()
            work.threshold_row[:] = -1
            out = engine.outputs(y + 1)
            n = draw(engine.compiled.people, engine.hazard.perils, chunk, work, out, block, y, y + 1)
            if n >= 0:
                break
            engine.work(max(-n, 2 * work.capacity))
        found.append(
            {
                "peril": work.event[at.EV_PERIL, :n].copy(),
                "account": work.event[at.EV_ACCOUNT, :n].copy(),
                "person": work.event[at.EV_PERSON, :n].copy(),
                "household": work.event[at.EV_HOUSEHOLD, :n].copy(),
                "count": work.event[at.EV_COUNT, :n].copy(),
                "amount": work.money[0, :n].copy(),
                "scope": work.money[1, :n].copy(),
                "word": work.word[:n].copy(),
            }
        )
    return found
