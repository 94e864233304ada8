"""A scenario's catastrophe table, compiled: draws the events of any paths and counts their casualties."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fangpinbao._typing import BoolArray, Float64Array, Int64Array
from fangpinbao.catastrophe.aftershocks import aftershocks_of
from fangpinbao.catastrophe.contracts import benefits_of, fen
from fangpinbao.catastrophe.draw import Events, draw_events
from fangpinbao.catastrophe.event_file import EventFile, read_event_file
from fangpinbao.catastrophe.exposure import CellMap, Season
from fangpinbao.catastrophe.hazard import EARTHQUAKE, event_classes, sources_of
from fangpinbao.catastrophe.strata import Strata
from fangpinbao.catastrophe.vulnerability import PerilVulnerability, VulnerabilityTables
from fangpinbao.core.catastrophe import DEAD, N_COUNTS, count_casualties
from fangpinbao.errors import InputError, Problem
from fangpinbao.scenario import Scenario
from fangpinbao.scenario.catastrophe import AreaPeril, Catastrophe, Earthquake

__all__ = ["CatastropheModel", "Harm"]


@dataclass(frozen=True, eq=False)
class Harm:
    """Events with the casualties they made.

    Attributes
    ----------
    path, year, day, peril, size, id : shape (e,)
        As of the events drawn.
    intensity : shape (e,)
        Highest of a cell hit.
    counts : shape (e, N_COUNTS)
        Dead, disabled by grade, burned by degree, and the disabled who are burned as well.
    gross : shape (e, contracts)
        Fen that each contract owes before its trigger and limits, whether or not it covers the peril.
    """

    path: Int64Array
    year: Int64Array
    day: Int64Array
    peril: Int64Array
    size: Float64Array
    intensity: Float64Array
    id: Int64Array
    counts: Int64Array
    gross: Int64Array

    def __len__(self) -> int:
        return int(self.path.size)

    @property
    def deaths(self) -> Int64Array:
        """Dead of each event."""
        return np.asarray(self.counts[:, DEAD])

    @property
    def casualties(self) -> Int64Array:
        """Dead, disabled and burned of each event."""
        return np.asarray(self.counts[:, : N_COUNTS - 1].sum(axis=1))

    @property
    def is_harmful(self) -> BoolArray:
        """Whether each event has a casualty, or a loss from a file."""
        return np.asarray((self.casualties > 0) | self.gross.any(axis=1))

    def take(self, index: np.ndarray) -> Harm:
        """Return some of the events, or all in another order."""
        return Harm(*(getattr(self, name)[index] for name in self.__dataclass_fields__))

    @classmethod
    def join(cls, parts: list[Harm]) -> Harm:
        """Put events together, sorted by path, year, day and id."""
        columns = {
            name: np.concatenate([getattr(part, name) for part in parts]) for name in cls.__dataclass_fields__
        }
        joined = cls(**columns)
        return joined.take(np.lexsort((joined.id, joined.day, joined.year, joined.path)))


class CatastropheModel:
    """The compiled model of one scenario and seed.

    Parameters
    ----------
    stratified
        Draw years in the strata of the scenario's tiers; without, all years alike.

    Raises
    ------
    InputError
        If the scenario has no catastrophe table, or its event file or tiers are wrong.
    """

    def __init__(self, scenario: Scenario, seed: int, *, stratified: bool = True) -> None:
        if scenario.catastrophe is None:
            reason = "is missing: this scenario has no catastrophe insurance. Use fangpinbao.simulate."
            raise InputError(scenario.name, [Problem("catastrophe", reason)])
        self.table: Catastrophe = scenario.catastrophe
        self.seed = seed
        self.cells = CellMap.of(self.table)
        tables: dict[str, Earthquake | AreaPeril] = {}
        if self.table.earthquake is not None:
            tables[EARTHQUAKE] = self.table.earthquake
        tables |= self.table.perils
        self.perils: tuple[str, ...] = tuple(tables)
        self.tables = list(tables.values())
        self.seasons = [Season.of(one.months, one.hours, self.table.first_month) for one in self.tables]
        indoors = self.table.exposure.indoors
        self.vulnerability = [
            PerilVulnerability.of(one.casualties, one.damage, self.cells.urban, indoors)
            for one in self.tables
        ]
        self.splits = VulnerabilityTables.of(self.vulnerability)
        self.contracts = self.table.contracts
        self.benefits = np.array([benefits_of(contract) for contract in self.contracts.values()])
        clauses = {peril for contract in self.contracts.values() for peril in contract.hours_clause}
        self.in_occurrences: BoolArray = np.array([peril in clauses for peril in self.perils])
        self.sources = sources_of(self.table, self.cells)
        self.file: EventFile | None = None
        if self.table.catalogue is not None:
            folder = scenario.file.parent if scenario.file is not None else Path()
            path = folder / self.table.catalogue.file
            self.file = read_event_file(path, self.perils, self.cells, self.table.catalogue.years)
        self.classes = () if self.file is not None else event_classes(self.table)
        self.strata = (
            Strata.of(self.table, self.classes) if stratified and self.table.tiers and self.classes else None
        )

    def draw(self, paths: Int64Array) -> Iterator[Events]:
        """Draw the events of paths: one batch for each class of events, with the cells they hit."""
        term = self.table.term_years
        if self.file is not None:
            for peril in np.unique(self.file.peril).tolist():
                factor = self.vulnerability[peril].event_factor
                yield self.file.draw(peril, peril, self.seasons[peril], factor, paths, self.seed, term)
            return
        stratum = None if self.strata is None else self.strata.stratum_of(paths)
        for index, one in enumerate(self.classes):
            q = self.perils.index(one.peril)
            table, season, factor = self.tables[q], self.seasons[q], self.vulnerability[q].event_factor
            events = draw_events(
                one,
                index,
                q,
                table,
                self.cells,
                season,
                self.sources,
                factor,
                paths,
                stratum,
                self.seed,
                term,
            )
            yield events
            if isinstance(table, Earthquake) and table.aftershocks is not None:
                yield aftershocks_of(events, one, table, self.cells, season, self.sources, factor, term)

    def months_of(self, events: Events) -> Int64Array:
        """Return the month (0 = January) of each event."""
        return np.asarray(self.seasons[events.peril].month_of_day[events.day])

    def casualty_chances(self, events: Events) -> Float64Array:
        """Return the chance of being a casualty in each cell hit, shape (hits,)."""
        of_hit = events.event_of_hit
        return self.vulnerability[events.peril].casualty_chances(
            events.intensities, events.cells, events.hour[of_hit], events.factor[of_hit]
        )

    def harm(self, events: Events, *, by_cell: bool = False) -> Harm:
        """Count casualties and what contracts owe; with `by_cell`, one row for each cell hit."""
        chances, start = self.casualty_chances(events), events.event_start
        index = np.arange(len(events))
        highest = np.zeros(len(events))
        if events.cells.size:
            hit = np.flatnonzero(np.diff(start))
            highest[hit] = np.maximum.reduceat(events.intensities, start[hit])
        if by_cell:
            index, start = events.event_of_hit, np.arange(events.cells.size + 1)
        counts = np.zeros((index.size, N_COUNTS), dtype=np.int64)
        gross = np.zeros((index.size, len(self.contracts)), dtype=np.int64)
        if events.losses is not None:
            cents = np.array([fen(loss) for loss in events.losses], dtype=np.int64)
            total = np.add.reduceat(cents, start[:-1]) if cents.size else np.zeros(index.size, dtype=np.int64)
            gross += total[:, None]
        else:
            splits = self.splits
            count_casualties(
                start, events.cells, chances, events.word[index], self.months_of(events)[index],
                np.full(index.size, events.peril), self.cells.people, splits.dead_shares, splits.disabled_shares,
                splits.grades, splits.degrees, splits.also_burned, self.benefits, counts, gross,
            )  # fmt: skip
        return Harm(
            events.path[index], events.year[index], events.day[index], np.full(index.size, events.peril),
            events.size[index], highest[index], events.id[index], counts, gross,
        )  # fmt: skip
