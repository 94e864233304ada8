"""A modest number of years household by household: what each bore, what was left, what a programme paid.

Figures of a run come from sums (``Outcomes``). Questions that no sum answers, such as who fits a rule or who is
found in time, need the households themselves. This is the only module beside ``household_year`` that reads the
engine's scratch, and nothing is settled twice.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fangpinbao._typing import Float64Array, Int16Array, Int64Array, Uint64Array
from fangpinbao.aggregate import days_of, year_events
from fangpinbao.core import layout as at
from fangpinbao.core.run import EVERYBODY
from fangpinbao.core.streams import decision_key, mix_array, survival_of, words_for, year_keys
from fangpinbao.core.structures import Block
from fangpinbao.engine import Engine
from fangpinbao.errors import InputError, Problem
from fangpinbao.estimators import Years
from fangpinbao.population import Population
from fangpinbao.scenario import Scenario
from fangpinbao.scenario.vocabulary import LINES

__all__ = ["HouseholdYears", "settle_households"]

_FEN = 100
_MOST_CELLS = 50_000_000


@dataclass(frozen=True)
class HouseholdYears:
    """Households in simulated years under the stack "none" and under programmes; money is fen.

    Attributes
    ----------
    size, start
        [households] persons; resources before the year's costs (W0).
    lines
        [lines, households] poverty and monitoring line times persons.
    lost, medical, spending, without
        [years, households] under "none": income lost; medical cost borne; medical and schooling cost borne;
        resources after the year with the relief that exists anyway (U).
    relief
        [years, households] relief within ``without``.
    last_day
        [programmes, years, households] day (0 to 364) of the last event that some coverage of the programme reads,
        under "none" of any event; -1 where there was none.
    benefit, late, insured
        [programmes, years, households] benefit of the programme; the part of it that comes after the year;
        resources under it (I). No limit over all is applied.
    own_premium
        [programmes, households] premium the household pays itself, taken off ``insured``.
    """

    scenario: Scenario
    population: Population
    seed: int
    programmes: tuple[str, ...]
    size: Int64Array
    start: Int64Array
    lines: Int64Array
    lost: Int64Array
    medical: Int64Array
    spending: Int64Array
    without: Int64Array
    relief: Int64Array
    last_day: Int16Array
    benefit: Int64Array
    late: Int64Array
    insured: Int64Array
    own_premium: Int64Array

    @property
    def years(self) -> Years:
        """Sampling design: plain years."""
        return Years.equal(len(self.without))

    @property
    def paths(self) -> Int64Array:
        """Simulated years, counted from 0."""
        return np.arange(len(self.without), dtype=np.int64)

    @property
    def income(self) -> Int64Array:
        """Registered income [households] of the whole household, which is also last year's."""
        return _fen_of(self.population.income_per_head * self.size)

    @property
    def repairs(self) -> Int64Array:
        """Repairs due within the year [years, households]: what neither income nor spending explains."""
        resource = self.scenario.lines.resource if self.scenario.lines else "income_minus_rigid"
        borne = self.lost + (self.spending if resource != "income" else 0)
        due: Int64Array = self.start - borne + self.relief - self.without
        return due

    def words(self, decision: str) -> Uint64Array:
        """Random words [years, households] of a named decision, keyed by seed, decision, path and household."""
        keys = year_keys(decision_key(self.seed, decision), self.paths, np.zeros_like(self.paths))
        with np.errstate(over="ignore"):
            return mix_array(keys[:, None] + words_for(0, self.population.household_key)[None, :])

    def uniforms(self, decision: str) -> Float64Array:
        """Uniforms in (0, 1), [years, households], of a named decision."""
        return survival_of(self.words(decision))

    def index(self, programme: str) -> int:
        """Position of a programme.

        Raises
        ------
        InputError
            If there is none of that name.
        """
        if programme not in self.programmes:
            message = f"= {programme!r} is not one of {', '.join(self.programmes)}."
            raise InputError("the request", [Problem("programme", message)])
        return self.programmes.index(programme)


def settle_households(
    scenario: Scenario, years: int, *, seed: int | None = None, population: Population | None = None
) -> HouseholdYears:
    """Settle paths 0 to ``years`` and keep every household; the paths are those of ``simulate``, but all alike.

    Raises
    ------
    InputError
        If households times years would not fit into memory.
    """
    run_seed = scenario.simulation.seed if seed is None else seed
    engine = Engine(scenario, population, seed=run_seed, stratified=False)
    people = engine.population
    programmes = engine.compiled.tree.programmes
    if years * people.households * max(len(programmes), 2) > _MOST_CELLS:
        most = _MOST_CELLS // (people.households * max(len(programmes), 2))
        message = f"= {years} is too many to keep every household; at most {most} fit here. Lower it."
        raise InputError("the request", [Problem("years", message)])
    shape = (years, people.households)
    none = {name: np.zeros(shape, dtype=np.int64) for name in _OF_NONE}
    last_day = np.full((len(programmes), *shape), -1, dtype=np.int16)
    paid = {
        name: np.zeros((len(programmes), *shape), dtype=np.int64) for name in ("benefit", "late", "insured")
    }
    for number, block in enumerate(engine.blocks):
        _settle_block(engine, number, block, none, paid, last_day)
    table = engine.compiled.people.household
    return HouseholdYears(
        scenario=scenario,
        population=people,
        seed=run_seed,
        programmes=tuple(programmes),
        size=people.household_size,
        start=table[at.INCOME_START].copy(),
        lines=table[at.LINE : at.LINE + len(LINES)].copy(),
        last_day=last_day,
        own_premium=engine.compiled.people.own_premium.copy(),
        **none,
        **paid,
    )


_OF_NONE = {
    "lost": at.LOST,
    "medical": at.MEDICAL_SPENDING,
    "spending": at.SPENDING,
    "without": at.RESOURCE,
    "relief": at.RELIEF_PAID,
}


def _settle_block(
    engine: Engine,
    number: int,
    block: Block,
    none: dict[str, Int64Array],
    paid: dict[str, Int64Array],
    last_day: Int16Array,
) -> None:
    engine.settle_base(block)  # the year without events, which is also that of whoever is not touched
    _read(engine, block, block.households, slice(None), none, paid)
    accounts, programmes = engine.compiled.accounts, engine.scenario.programmes
    reads = np.ones((len(last_day), len(accounts)), dtype=np.bool_)
    for p, name in enumerate(engine.compiled.tree.programmes[1:], start=1):
        read = {one for step in programmes[name].coverages.values() for one in step.accounts}
        reads[p] = [account in read for account in accounts]
    for year in range(last_day.shape[1]):
        chunk = engine.years(year, year + 1)
        events = year_events(engine, 0, chunk, [number])[0]
        days = days_of(events["word"]).astype(np.int16)
        for p, read_by in enumerate(reads):
            mine = read_by[events["account"]]
            np.maximum.at(last_day[p, year], events["household"][mine], days[mine])
        engine.run_block(block, chunk, 1, settle=EVERYBODY)
        _read(engine, block, int(engine.work().sizes[3]), year, none, paid)


def _read(
    engine: Engine,
    block: Block,
    slots: int,
    years: int | slice,
    none: dict[str, Int64Array],
    paid: dict[str, Int64Array],
) -> None:
    """Copy the slots of the scratch into the table."""
    work, people, stacks = engine.work(), engine.compiled.people, engine.compiled.stacks
    households = work.slot[at.SLOT_HOUSEHOLD, :slots].astype(np.int64) + block.first
    for name, row in _OF_NONE.items():
        none[name][years, households] = work.total[row, :slots]
    without, relief = work.total[at.RESOURCE, :slots], work.total[at.RELIEF_PAID, :slots]
    paid["insured"][0][years, households] = without
    changed = work.slot[at.SLOT_CHANGE, :slots].astype(np.int64) - 1
    for p in range(1, len(paid["insured"])):
        change = np.where(changed[:, None] >= 0, work.change[changed, p], 0)
        adjust = change[:, at.ADJUST]
        cut = np.zeros_like(adjust)
        if stacks.relief_counts == 1:
            replaced = np.floor(np.maximum(adjust, 0) * people.relief_rate[households] + 0.500001)
            cut = np.minimum(replaced.astype(np.int64), relief)
        insured = without + adjust - people.own_premium[p, households] - cut + change[:, at.AID]
        paid["insured"][p][years, households] = insured
        paid["benefit"][p][years, households] = change[:, at.BENEFIT]
        paid["late"][p][years, households] = change[:, at.LATE]


def _fen_of(yuan: np.ndarray) -> Int64Array:
    fen: Int64Array = np.floor(yuan * _FEN + 0.500001).astype(np.int64)
    return fen
