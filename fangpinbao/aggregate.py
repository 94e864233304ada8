"""Limits over all units in a year: binding years are settled again with what the limit allows."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

from fangpinbao._typing import Float64Array, Int64Array, Uint64Array
from fangpinbao.columns import PAYOUT
from fangpinbao.core import layout as at
from fangpinbao.core.run import draw
from fangpinbao.core.streams import mix_array
from fangpinbao.core.structures import Block, Chunk, Outputs
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
            for block, out in zip(engine.blocks, before, strict=True):
                sums.add(out, year, block, -1)
            for block, out in zip(engine.blocks, after, strict=True):
                sums.add(out, year, block)
    return binding


class _YearPayments:
    """All coverage payments of one year, by step and unit, over all blocks."""

    def __init__(self, engine: Engine, year: int, by_household: bool) -> None:
        self.by_household = by_household
        self.engine, self.chunk = engine, engine.years(year, year + 1)
        self.outputs: list[Outputs] = []
        self.persons: list[Int64Array] = []
        self.households: list[Int64Array] = []
        self._payment_days: list[Float64Array] = []  # [cases, households] of each block
        for block in engine.blocks:
            out = engine.run_block(block, self.chunk, 1, collect=True, by_household=by_household)
            self.persons.append(out.collected[:, : block.persons])
            self.households.append(out.collected[:, block.persons :])
            self.outputs.append(out)
            self._payment_days.append(_payment_days(engine, block))

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
                case = engine.compiled.cases.index(engine.compiled.tree.programmes[p])
                day = np.concatenate(
                    [
                        (self._last_day(s) if case < 0 else self._payment_day(case))[unit]
                        for s, unit in zip(steps, units, strict=True)
                    ]
                )
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

    def _payment_day(self, case: int) -> Float64Array:
        """Day on which each unit is paid, as its household is found; after day 365, later years' payments."""
        of_home = np.concatenate([days[case] for days in self._payment_days])
        home = self.engine.compiled.people.household_of
        return np.concatenate([of_home[home], of_home])

    def settle(self, allowed: Int64Array) -> list[Outputs]:
        """Settle the year again with the allowed payments."""
        engine = self.engine
        return [
            engine.run_block(
                block, self.chunk, 1, allowed=of_block(allowed, block, engine), by_household=self.by_household
            )
            for block in engine.blocks
        ]


def _payment_days(engine: Engine, block: Block) -> Float64Array:
    """Days [cases, households] of payment in the one year that the block has just been settled for."""
    cases, work = engine.compiled.cases, engine.work()
    days = np.full((len(cases.programmes), block.households), np.inf)
    if cases.programmes:
        slots = int(work.sizes[3])
        homes = work.slot[at.SLOT_HOUSEHOLD, :slots].astype(np.int64)
        n = len(cases.programmes)
        days[:, homes] = work.days[n:, :slots] + work.days[:n, :slots]
    return days


def of_block(all_units: Int64Array, block: Block, engine: Engine) -> Int64Array:
    """Return a block's part of [step, persons + households]."""
    n_persons = engine.population.persons
    persons = all_units[:, block.first_person : block.first_person + block.persons]
    households = all_units[:, n_persons + block.first : n_persons + block.last]
    return np.concatenate([persons, households], axis=1)


def share_first_come(
    amounts: Int64Array, limit: int, day: Int64Array | Float64Array, ids: Uint64Array
) -> Int64Array:
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
    perils = engine.hazard.perils
    for number, block in enumerate(engine.blocks):
        if blocks is not None and number not in blocks:
            continue
        while True:
            work = engine.work()
            work.threshold_row[:] = -1
            runs = draw(perils, chunk, work, engine.outputs(y + 1, block), block, engine.base(block), y, 1)
            if runs >= 0:
                break
            engine.work(max(-runs, 2 * work.capacity))
        n = int(work.run[at.RUN_END, runs - 1]) if runs else 0
        each = np.repeat(np.arange(runs), work.run[at.RUN_END, :runs] - work.run[at.RUN_FIRST, :runs])
        of_person = work.run[at.RUN_PERSON, each] == 1
        unit = work.event[at.EV_UNIT, :n].astype(np.int64)
        person = work.row[at.ROW_PERSON, np.where(of_person, unit, 0)].astype(np.int64)
        home = np.where(of_person, block.home[np.where(of_person, person, 0)], unit)
        found.append(
            {
                "peril": work.run[at.RUN_PERIL, each],
                "account": work.event[at.EV_ACCOUNT, :n].astype(np.int64),
                "person": np.where(of_person, person + block.first_person, -1),
                "household": home + block.first,
                "count": work.event[at.EV_COUNT, :n].astype(np.int64),
                "amount": work.money[0, :n].copy(),
                "scope": work.money[1, :n].copy(),
                "word": work.word[:n].copy(),
            }
        )
    return found
