"""Runs a compiled scenario: blocks of households x chunks of years over threads, then aggregate limits."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from fangpinbao._typing import BoolArray, Int64Array
from fangpinbao.aggregate import apply_aggregate_limits
from fangpinbao.columns import CLAIMS, N_COLUMNS
from fangpinbao.compile import Compiled, compile_scenario
from fangpinbao.core.layout import EXPOSED, GATE, INSURANCE
from fangpinbao.core.run import run_base, run_years
from fangpinbao.core.structures import Block, Chunk, Outputs, Work
from fangpinbao.hazard import Hazard, Salts
from fangpinbao.outcomes import Outcomes, Sums
from fangpinbao.population import Population
from fangpinbao.roster import read_roster
from fangpinbao.scenario import Scenario
from fangpinbao.synthesis import synthesise

__all__ = ["Engine", "population_of", "simulate"]

BLOCK_PERSONS = 6_000
CHUNK_YEARS = 250
BATCH_PERSONS = 48_000


def population_of(scenario: Scenario) -> Population:
    """Return the scenario's population: its roster, or one made from its margins."""
    if scenario.population.file is not None:
        folder = scenario.file.parent if scenario.file is not None else None
        path = folder / scenario.population.file if folder is not None else scenario.population.file
        return read_roster(path)
    return synthesise(scenario.population)


class Engine:
    """A scenario over a population, compiled, cut into blocks; runs any years.

    Parameters
    ----------
    block_persons
        Aim for persons per block; changes speed, never a bit of the results.
    """

    def __init__(
        self,
        scenario: Scenario,
        population: Population | None = None,
        *,
        seed: int = 1,
        salts: Salts | None = None,
        block_persons: int = BLOCK_PERSONS,
    ) -> None:
        self.scenario = scenario
        self.population = population if population is not None else population_of(scenario)
        self.salts = salts or Salts()
        self.compiled: Compiled = compile_scenario(scenario, self.population, seed)
        self.hazard = Hazard(scenario, self.population, seed)
        self.blocks = list(self._blocks(block_persons))
        self._local = threading.local()

    def _blocks(self, block_persons: int) -> Iterator[Block]:
        start = self.compiled.people.household_start
        perils = self.hazard.perils
        first = 0
        while first < self.population.households:
            target = start[first] + max(block_persons, 1)
            last = int(np.searchsorted(start, target, side="right")) - 1
            last = min(max(last, first + 1), self.population.households)
            low, high = [], []
            for q, exposed in enumerate(perils.peril[:, EXPOSED]):
                units = perils.unit_of[perils.unit_start[q] : perils.unit_start[q + 1]]
                ends = (start[first], start[last]) if exposed == 0 else (first, last)
                low.append(perils.unit_start[q] + int(np.searchsorted(units, ends[0])))
                high.append(perils.unit_start[q] + int(np.searchsorted(units, ends[1])))
            yield Block(first, last, int(start[last] - start[first]), np.array(low), np.array(high))
            first = last

    def work(self, capacity: int = 0) -> Work:
        """Scratch of this thread, grown where a larger event list is needed."""
        work: Work | None = getattr(self._local, "work", None)
        if work is None or work.capacity < capacity:
            persons = max(block.persons for block in self.blocks)
            households = max(block.last - block.first for block in self.blocks)
            units = max(int((block.unit_high - block.unit_low).max(initial=0)) for block in self.blocks)
            batch = min(max(BATCH_PERSONS // max(persons, 1), 1), CHUNK_YEARS)
            size = max(capacity, units + 64, 2 * persons * batch + 4_096)
            work = Work(
                persons, households, batch, size, units,
                self.compiled.people, self.hazard.perils, self.compiled.stacks,
            )  # fmt: skip
            self._local.work = work
        return work

    def outputs(self, years: int, *, collect: bool = False, by_household: bool = False) -> Outputs:
        """Zeroed sums for a number of years."""
        compiled = self.compiled
        n_steps, n_groups = max(len(compiled.tree.nodes), 1), len(compiled.groups)
        n_accounts, n_programmes = len(compiled.accounts), len(compiled.tree.programmes)
        work = self.work()
        width = work.block_persons + work.block_households
        households = self.population.households if by_household else 0
        return Outputs(
            columns=np.zeros((years, n_programmes, n_groups, N_COLUMNS), dtype=np.int64),
            step_paid=np.zeros((years, n_steps, n_groups), dtype=np.int64),
            step_claims=np.zeros((years, n_steps, n_groups), dtype=np.int64),
            ground_up=np.zeros((years, n_accounts, n_groups), dtype=np.int64),
            credit=np.zeros((years, n_steps, n_accounts), dtype=np.int64),
            events=np.zeros((years, len(self.hazard.names)), dtype=np.int64),
            collected=np.zeros((n_steps, width if collect else 0), dtype=np.int64),
            allowed=np.zeros((n_steps, 0), dtype=np.int64),
            by_household=np.zeros((n_programmes, households, 3), dtype=np.int64),
        )

    def run_block(
        self,
        block: Block,
        chunk: Chunk,
        years: int,
        *,
        by_household: bool = False,
        collect: bool = False,
        allowed: Int64Array | None = None,
    ) -> Outputs:
        """Simulate one block for the years of a chunk; ``collected`` then holds each unit's payments."""
        compiled, perils = self.compiled, self.hazard.perils
        out = self.outputs(years, by_household=by_household)
        limited = collect or allowed is not None
        work = self._start(block, chunk, out, by_household, limited)
        width = work.block_persons + work.block_households
        n_steps = len(out.collected)
        if collect:
            out = out._replace(collected=np.zeros((n_steps, width), dtype=np.int64))
        if allowed is not None:
            out = out._replace(allowed=allowed)
        low = 0
        while low < years:
            low = run_years(compiled.people, perils, compiled.stacks, chunk, work, out, block, low, years)
            if low < 0:
                low = -low - 1
                self.work(2 * work.capacity)
                work = self._start(block, chunk, None, by_household, limited)
        out.columns[:, 1:] += out.columns[:, :1]  # programmes were counted as differences from "none"
        for p, member in enumerate(compiled.tree.members):
            coverages = [s for s in member if compiled.tree.nodes[s].programme is not None]
            out.columns[:, p, :, CLAIMS] = out.step_claims[:, coverages].sum(axis=1)
        return out

    def _changes_without_events(self, work: Work, block: Block, limited: bool) -> BoolArray:
        """Households paid by a coverage without any event, where take-up or an aggregate limit can change that."""
        stacks = self.compiled.stacks
        gates = stacks.step[:, GATE]
        chance = np.zeros(len(gates), dtype=np.bool_)
        chance[gates >= 0] = stacks.gate_take_up[gates[gates >= 0]] < 1 << 32
        if limited:
            chance |= stacks.step[:, INSURANCE] == 1
        paid = work.base_step[: len(gates), 0, : block.last - block.first]
        changes: BoolArray = (paid[chance[: len(paid)]] != 0).any(axis=0)
        return changes

    def _start(
        self, block: Block, chunk: Chunk, out: Outputs | None, by_household: bool, limited: bool = False
    ) -> Work:
        """Settle the year without events into scratch, and into every year of ``out``."""
        work = self.work()
        work.threshold_row[:] = -1
        base = self.outputs(1, collect=True, by_household=by_household)
        run_base(self.compiled.people, self.compiled.stacks, chunk, work, base, block)
        work.always = block.first + np.flatnonzero(self._changes_without_events(work, block, limited))
        if out is not None:
            out.columns[:] = base.columns
            out.step_paid[:] = base.step_paid
            out.step_claims[:] = base.step_claims
            out.by_household[:] = base.by_household * len(out.columns)
        return work

    def years(self, low: int, high: int) -> Chunk:
        """Keys, rates and township events of paths ``low`` to ``high`` of a one-year run."""
        path = np.arange(low, high, dtype=np.int64)
        return self.hazard.chunk(path, np.zeros_like(path), self.salts)

    def run(
        self,
        years: int,
        *,
        threads: int | None = None,
        progress: Callable[[float], None] | None = None,
        by_household: bool = False,
        chunk_years: int | None = None,
    ) -> Outcomes:
        """Simulate paths 0 to ``years`` and return their outcomes."""
        workers = threads or os.cpu_count() or 1
        spread = -(-years // (4 * workers)) if len(self.blocks) < 4 * workers else CHUNK_YEARS
        step = chunk_years or max(min(CHUNK_YEARS, spread), 1)
        sums = Sums.empty(self.compiled, self.hazard.names, years, by_household=by_household)
        lock = threading.Lock()
        spans = [(low, min(low + step, years)) for low in range(0, years, step)]
        total = len(spans) * len(self.blocks)
        done = 0
        chunks: dict[int, Chunk] = {}
        left = {low: len(self.blocks) for low, _ in spans}

        def task(item: tuple[int, int, Block]) -> None:
            nonlocal done
            low, high, block = item
            with lock:
                if low not in chunks:
                    chunks[low] = self.years(low, high)
                chunk = chunks[low]
            out = self.run_block(block, chunk, high - low, by_household=by_household)
            with lock:
                sums.add(out, low)
                left[low] -= 1
                if left[low] == 0:
                    del chunks[low]
                done += 1
                if progress is not None:
                    progress(done / total)

        items = [(low, high, block) for low, high in spans for block in self.blocks]
        if workers == 1:
            for item in items:
                task(item)
        else:
            with ThreadPoolExecutor(workers) as pool:
                try:
                    for _ in pool.map(task, items):
                        pass
                except BaseException:
                    pool.shutdown(wait=True, cancel_futures=True)
                    raise
        sums.add_certain(self.compiled)
        limited = apply_aggregate_limits(self, sums, workers)
        return Outcomes(self.compiled, self.hazard.names, sums, limited)


def simulate(
    scenario: Scenario,
    years: int | None = None,
    seed: int | None = None,
    *,
    threads: int | None = None,
    population: Population | None = None,
    progress: Callable[[float], None] | None = None,
    by_household: bool = False,
    block_persons: int = BLOCK_PERSONS,
    chunk_years: int | None = None,
) -> Outcomes:
    """Simulate a scenario's programmes, and the stack without any, on the same random events.

    Parameters
    ----------
    scenario
        A loaded scenario.
    years
        Simulated years, each an independent draw of the scenario's calendar year; absent: the scenario's.
    seed
        Seed of every draw; absent: the scenario's.
    threads
        Threads; absent: all cores. Neither this nor ``block_persons`` or ``chunk_years`` changes a bit.
    population
        Households to simulate; absent: the scenario's roster or margins.
    progress
        Called with the share done.
    by_household
        Also keep sums by household.

    Returns
    -------
    Outcomes
        Yearly and grouped sums with provenance.
    """
    run_seed = scenario.simulation.seed if seed is None else seed
    engine = Engine(scenario, population, seed=run_seed, block_persons=block_persons)
    return engine.run(
        scenario.simulation.years if years is None else years,
        threads=threads,
        progress=progress,
        by_household=by_household,
        chunk_years=chunk_years,
    )
