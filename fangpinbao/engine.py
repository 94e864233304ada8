"""Runs a compiled scenario: blocks of households x chunks of years over threads, then aggregate limits."""

from __future__ import annotations

import os
import threading
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from fangpinbao._typing import Int64Array
from fangpinbao.aggregate import apply_aggregate_limits
from fangpinbao.blocks import cut_blocks, empty_base, set_slack, takes_base_by_person
from fangpinbao.columns import CLAIMS, N_COLUMNS, RELIEF
from fangpinbao.compile import Compiled, compile_scenario
from fangpinbao.core.layout import BASE_PAID, BASE_TOUCHED, CASE, GATE, INSURANCE
from fangpinbao.core.relief import THIS_YEAR
from fangpinbao.core.run import ORDINARY, run_base, run_years
from fangpinbao.core.structures import Base, Block, Chunk, Outputs, Work
from fangpinbao.errors import check_request
from fangpinbao.hazard import Hazard, Salts
from fangpinbao.loans import due_of_loans, lenders, no_loans, years_of_loans
from fangpinbao.outcomes import Outcomes, Sums
from fangpinbao.people import population_of
from fangpinbao.population import Population
from fangpinbao.scenario import Scenario
from fangpinbao.workers import Workers

if TYPE_CHECKING:
    from fangpinbao.catastrophe.area_source import AreaSource

__all__ = ["Engine", "population_of", "simulate"]

BLOCK_PERSONS = 10_000
CHUNK_YEARS = 256
BATCH_CELLS = 120_000
"""Persons x years settled at once: enough to spread the cost of a call, few enough for one core's cache."""


class Engine:
    """A scenario over a population, compiled, cut into blocks; runs any years.

    Parameters
    ----------
    block_persons
        Aim for persons per block; changes speed, never a bit of the results.
    stratified
        Draw years in the strata of the catastrophe's tiers, where catastrophes strike households.
    is_past
        Whether only the loans of years before are asked for.
    """

    def __init__(
        self,
        scenario: Scenario,
        population: Population | None = None,
        *,
        seed: int = 1,
        salts: Salts | None = None,
        block_persons: int = BLOCK_PERSONS,
        stratified: bool = True,
        is_past: bool = False,
    ) -> None:
        self.scenario, self.seed, self.block_persons = scenario, seed, block_persons
        self.given_population = population
        self.recipe_id = uuid.uuid4().hex  # names the engine on the workers of a cluster
        self.population = (population if population is not None else population_of(scenario)).by_class()
        self.salts = salts or Salts()
        self.compiled: Compiled = compile_scenario(scenario, self.population, seed)
        self.hazard = Hazard(scenario, self.population, seed)
        self.blocks = list(cut_blocks(self.compiled, self.hazard, block_persons))
        self.stratified = stratified
        self.areas = self._areas(stratified)
        self.cells = max(
            [BATCH_CELLS, *(block.persons for block in self.blocks)]
        )  # persons x years of a batch
        self._bases: dict[int, Base] = {}
        self._local = threading.local()
        self.lender: Engine | None = None  # of the years before, where loans are paid back
        if years_of_loans(scenario) and not is_past:
            self.lender = Engine(
                lenders(scenario),
                self.population,
                seed=seed,
                salts=salts,
                block_persons=block_persons,
                is_past=True,
            )

    def _areas(self, stratified: bool) -> AreaSource | None:
        """The catastrophes that strike households, where some do."""
        if all(peril.events_from is None for peril in self.scenario.perils.values()):
            return None
        from fangpinbao.catastrophe.area_source import AreaSource

        salts = self.salts
        return AreaSource(
            self.scenario, self.population, self.seed, stratified=stratified, year_salt=salts.township,
            own_salt=salts.own,
        )  # fmt: skip

    def work(self, capacity: int = 0) -> Work:
        """Scratch of this thread, grown where a larger event list is needed."""
        work: Work | None = getattr(self._local, "work", None)
        if work is None or work.capacity < capacity:
            persons, cells = max(block.persons for block in self.blocks), self.cells
            households = max(block.households for block in self.blocks)
            work = Work(
                persons=persons,
                households=households,
                cells=cells,
                capacity=max(capacity, cells + 4_096),
                stacks=self.compiled.stacks,
                perils=self.hazard.perils,
                n_programmes=len(self.compiled.tree.programmes),
            )
            self._local.work = work
        return work

    def outputs(
        self, years: int, block: Block, *, collect: bool = False, by_household: bool = False
    ) -> Outputs:
        """Zeroed sums of a block for a number of years."""
        compiled = self.compiled
        n_steps, n_programmes = len(compiled.stacks.step), len(compiled.tree.programmes)
        n_accounts = len(compiled.accounts)
        return Outputs(
            columns=np.zeros((years, n_programmes, N_COLUMNS), dtype=np.int64),
            step_sums=np.zeros((2, years, n_steps), dtype=np.int64),
            ground_up=np.zeros((years, n_accounts), dtype=np.int64),
            credit=np.zeros((years, n_steps, n_accounts), dtype=np.int64),
            events=np.zeros((years, len(self.hazard.names)), dtype=np.int64),
            funnel=np.zeros((years, *compiled.cases.shape), dtype=np.int64),
            collected=np.zeros(
                (n_steps, years if collect else 0, block.persons + block.households), dtype=np.int64
            ),
            allowed=np.zeros((n_steps, 0, 0), dtype=np.int64),
            by_household=np.zeros((n_programmes, block.households if by_household else 0, 3), dtype=np.int64),
        )

    def base(self, block: Block) -> Base:
        """Settle the block's year without events, once."""
        known = self._bases.get(block.first)
        if known is not None:
            return known
        base, out = self.settle_base(block)
        self._finish(out)
        stacks = self.compiled.stacks
        paid = base.step[0] != 0
        gate, insurance = stacks.step[:, GATE], stacks.step[:, INSURANCE] == 1
        by_chance = np.zeros(len(gate), dtype=np.bool_)
        by_chance[gate >= 0] = stacks.gate_take_up[gate[gate >= 0]] < 1 << 32
        relief = [row.row for row in self.compiled.relief]
        by_chance[relief] = self.compiled.relief_by_chance
        insurance[relief] = True
        by_chance |= stacks.step[:, CASE] >= 0
        set_slack(self.compiled, block, base, self.work())
        base.columns[:] = out.columns[0]
        base.step_sums[:] = out.step_sums[:, 0]
        base = base._replace(
            person_pays=(base.person[BASE_PAID:] != 0).any(axis=1).astype(np.int64),
            step_has=paid.any(axis=1).astype(np.int64),
            paid=bool(paid.any()),
            touched=bool(base.home[BASE_TOUCHED].any()),
            always=np.flatnonzero(paid[by_chance].any(axis=0)),
            insured=np.flatnonzero(paid[insurance].any(axis=0)),
        )
        self._bases[block.first] = base
        return base

    def settle_base(self, block: Block) -> tuple[Base, Outputs]:
        """Settle the block's year without events in the scratch of this thread."""
        base, out = empty_base(self.compiled, block), self.outputs(1, block, collect=True)
        run_base(
            self.hazard.perils,
            self.compiled.stacks,
            self.years(0, 1),
            self.work(),
            out,
            block,
            base,
            takes_base_by_person(self.compiled),
        )
        return base, out

    def run_block(
        self,
        block: Block,
        chunk: Chunk,
        years: int,
        *,
        by_household: bool = False,
        collect: bool = False,
        allowed: Int64Array | None = None,
        settle: int = ORDINARY,
        book: Int64Array | None = None,
        mode: int = THIS_YEAR,
    ) -> Outputs:
        """Simulate one block for the years of a chunk.

        With ``collect`` the sums hold each unit's payments, which ``allowed`` limits; the years then make one batch.
        ``settle`` says who is settled, see ``fangpinbao.core.run``. The sums leave out what every year has in common:
        see ``base``. ``book`` and ``mode`` are of years before (``fangpinbao.loans``); absent: what falls due of
        earlier loans is found first.
        """
        if book is None:
            lender = self.lender
            book = no_loans() if lender is None else due_of_loans(lender, block, chunk.past, years)
        base = self.base(block)
        out = self.outputs(years, block, collect=collect, by_household=by_household)
        if allowed is not None:
            out = out._replace(allowed=allowed)
        work = self.work()
        while True:
            work.threshold_row[:] = -1
            work.book, work.mode = book, mode
            needed = -run_years(
                self.hazard.perils,
                self.compiled.stacks,
                chunk,
                work,
                out,
                block,
                base,
                0,
                years,
                settle=settle,
            )
            work.book, work.mode = no_loans(), THIS_YEAR
            if needed <= 0:
                break
            work = self.work(max(needed, 2 * work.capacity))
            for sums in (*out[:6], out.by_household):
                sums[:] = 0
        self._finish(out)
        return out

    def _finish(self, out: Outputs) -> None:
        """Add "none" to the programmes, counted as differences from it; count claims and relief of their own."""
        tree = self.compiled.tree
        out.columns[:, 1:] += out.columns[:, :1]
        for p, member in enumerate(tree.members):
            coverages = [s for s in member if tree.nodes[s].payer_kind == "insurer"]
            out.columns[:, p, CLAIMS] = out.step_sums[1][:, coverages].sum(axis=1)
        for row in self.compiled.relief:
            if row.part != "late":  # which is within what is paid
                sign = 1 if row.part == "paid" else -1
                p = tree.programmes.index(row.programme)
                out.columns[:, p, RELIEF] += sign * out.step_sums[0][:, row.row]

    def years(self, low: int, high: int) -> Chunk:
        """Keys, rates and township events of paths ``low`` to ``high`` of a one-year run."""
        return self.paths(np.arange(low, high, dtype=np.int64))

    def paths(self, path: Int64Array) -> Chunk:
        """Return the same for any paths in rising order."""
        chunk = self.hazard.chunk(path, np.zeros_like(path), self.salts)
        if self.areas is not None:
            chunk = chunk._replace(areas=self.areas.of(path))
        if self.lender is None:
            return chunk
        hazard, before = self.lender.hazard, range(1, years_of_loans(self.scenario) + 1)
        past = tuple(hazard.chunk(path, np.full_like(path, -k), self.salts) for k in before)
        return chunk._replace(past=past)

    def _run_on(
        self, client: Any, spans: list[tuple[int, int]], sums: Sums, progress: Callable[[float], None] | None
    ) -> None:
        """Let a client's workers simulate the spans; they get the recipe of this engine, not its arrays."""
        from fangpinbao.cluster import run_spans

        made_of = (self.scenario, self.given_population)
        options = {"seed": self.seed, "salts": self.salts, "block_persons": self.block_persons}
        recipe = (self.recipe_id, made_of, {**options, "stratified": self.stratified})
        of_group = {block.group: block for block in self.blocks}

        def add(found: dict[int, Outputs], low: int) -> None:
            for group, out in found.items():
                sums.add(out, low, of_group[group])

        run_spans(client, _sums_of_span, recipe, spans, add, progress)

    def run(
        self,
        years: int,
        *,
        threads: int | None = None,
        progress: Callable[[float], None] | None = None,
        by_household: bool = False,
        chunk_years: int | None = None,
        client: Any = None,
    ) -> Outcomes:
        """Simulate paths 0 to ``years`` and return their outcomes; see ``simulate``."""
        if client is not None and by_household:
            raise ValueError("by_household is kept on one machine only. Leave client out, or by_household.")
        design = None if self.areas is None else self.areas.years(years)
        if design is not None and by_household:
            raise ValueError(
                "by_household adds years up, but these weigh unequally. Leave catastrophe.tiers out."
            )
        workers = threads or os.cpu_count() or 1
        spread = -(-years // (4 * workers)) if len(self.blocks) < 4 * workers else CHUNK_YEARS
        step = chunk_years or max(min(CHUNK_YEARS, spread), 1)
        sums = Sums.empty(self.compiled, self.hazard.names, years, by_household=by_household, design=design)
        adding, opening = threading.Lock(), threading.Lock()
        spans = [(low, min(low + step, years)) for low in range(0, years, step)]
        total = len(spans) * len(self.blocks)
        done = 0
        chunks: dict[int, Chunk] = {}
        left = {low: len(self.blocks) for low, _ in spans}

        def task(item: tuple[int, int, Block]) -> None:
            nonlocal done
            low, high, block = item
            with opening:
                if low not in chunks:
                    chunks[low] = self.years(low, high)
                chunk = chunks[low]
            out = self.run_block(block, chunk, high - low, by_household=by_household)
            with adding:
                sums.add(out, low, block)
                left[low] -= 1
                if left[low] == 0:
                    del chunks[low]
                done += 1
                if progress is not None:
                    progress(done / total)

        items = [(low, high, block) for low, high in spans for block in self.blocks]
        with Workers(workers) as crew:
            if client is not None:
                self._run_on(client, spans, sums, progress)
            else:
                for _ in crew.map(task, items):
                    pass
            for block in self.blocks:
                sums.add_base(self.base(block), block)
            sums.add_certain(self.compiled)
            limited = apply_aggregate_limits(self, sums, crew)
        return Outcomes(self.compiled, self.hazard.names, sums, limited, design)


_Recipe = tuple[str, tuple[Scenario, Population | None], dict[str, Any]]
_engines: dict[str, Engine] = {}  # on a worker of a cluster: the last ones asked for
_MOST_ENGINES = 2


def _sums_of_span(recipe: _Recipe, span: tuple[int, int]) -> dict[int, Outputs]:
    """Simulate all blocks for some years on a worker, which makes the engine itself; one sum for each class."""
    name, made_of, options = recipe
    if name not in _engines:
        while len(_engines) >= _MOST_ENGINES:
            _engines.pop(next(iter(_engines)))
        _engines[name] = Engine(*made_of, **options)
    engine, (low, high) = _engines[name], span
    chunk = engine.years(low, high)
    sums: dict[int, Outputs] = {}
    for block in engine.blocks:
        out = engine.run_block(block, chunk, high - low)
        if block.group in sums:
            for mine, more in zip(sums[block.group][:6], out[:6], strict=True):
                mine += more
        else:
            sums[block.group] = out
    return sums


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
    client: Any = None,
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
    client
        A ``dask.distributed.Client`` whose workers simulate the years (extra ``cluster``); aggregate limits are
        applied here. The same bits as without it.

    Returns
    -------
    Outcomes
        Yearly and grouped sums with provenance.
    """
    check_request(years=years, seed=seed, threads=threads, block_persons=block_persons)
    run_seed = scenario.simulation.seed if seed is None else seed
    engine = Engine(scenario, population, seed=run_seed, block_persons=block_persons)
    return engine.run(
        scenario.simulation.years if years is None else years,
        threads=threads,
        progress=progress,
        by_household=by_household,
        chunk_years=chunk_years,
        client=client,
    )
