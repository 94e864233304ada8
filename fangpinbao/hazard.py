"""Compiles perils: who is exposed and how often, amount tables, and the rates and events of single years."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np

from fangpinbao._typing import BoolArray, Float64Array, Int64Array, Uint64Array
from fangpinbao.compile_detection import Cases
from fangpinbao.compiled import StackTree, account_table, discharge_groups, eligible
from fangpinbao.core import layout as at
from fangpinbao.core.counts import tail_probabilities
from fangpinbao.core.screen import PATHS_A_WORD
from fangpinbao.core.streams import (
    GOLDEN,
    decision_key,
    mix_array,
    survival_of,
    year_keys,
)
from fangpinbao.core.structures import Chunk, Perils
from fangpinbao.core.tables import build_quantile_table, build_step_table
from fangpinbao.population import Population
from fangpinbao.scenario import Scenario
from fangpinbao.scenario.laws import AmountLaw, Bernoulli
from fangpinbao.scenario.models import Booking, Factors, Peril
from fangpinbao.scenario.vocabulary import CLASSES, STAGES

__all__ = ["Hazard", "Salts"]

_TWO_32 = float(1 << 32)
_EXPOSED = {"person": 0, "household": 1, "township": 2}
_NEVER = Bernoulli(law="bernoulli", probability=0.0)  # events of catastrophes come from elsewhere


@dataclass(frozen=True)
class Salts:
    """Replicate numbers of the three groups of draws; equal numbers share their draws.

    ``year`` draws are the factors that everybody shares, ``township`` draws are township events, ``own``
    draws are all others. Used to split the variance of a year's payout.
    """

    year: int = 0
    township: int = 0
    own: int = 0


def factor_values(factors: Factors, population: Population, *, persons: bool) -> Float64Array:
    """Product of a table of factors, by person or by household (then age, sex and schooling count as 1)."""
    value = np.ones(population.persons if persons else population.households)
    if factors.classes:
        by_class = np.array([factors.classes.get(name, 1.0) for name in CLASSES])  # type: ignore[call-overload]
        classes = population.household_class
        value *= by_class[classes[population.household_of] if persons else classes]
    if not persons:
        return value
    if factors.age is not None:
        value *= np.array(factors.age.values)[
            np.searchsorted(factors.age.from_, population.age, side="right") - 1
        ]
    if factors.sex:
        value *= np.where(population.female, factors.sex.get("female", 1.0), factors.sex.get("male", 1.0))
    if factors.schooling:
        by_stage = np.array([factors.schooling.get(stage, 1.0) for stage in STAGES])  # type: ignore[call-overload]
        value *= by_stage[population.schooling]
    return value


class Hazard:
    """The perils of a scenario over a population.

    Attributes
    ----------
    perils
        Arrays for the kernels.
    names
        Peril names by index.
    unit_start, unit_of, unit_word, unit_stratum
        Persons or households exposed to each peril, their key times the golden ratio and row of rates.
    person_scale, household_scale
        Factors of amounts [scale, unit].
    """

    def __init__(self, scenario: Scenario, population: Population, seed: int) -> None:
        self.scenario, self.population, self.seed = scenario, population, seed
        self.cases = Cases.of(scenario)
        self.names = tuple(scenario.perils)
        self._tables = _Tables()
        self._units()
        self._books()

    def _exposed(self, peril: Peril) -> tuple[Int64Array, Uint64Array, Float64Array]:
        persons = peril.exposed == "person"
        fit: BoolArray = eligible(self.population, [peril.where], households=not persons)
        keys = self.population.person_key if persons else self.population.household_key
        means = (peril.frequency or _NEVER).mean * factor_values(
            peril.factors, self.population, persons=persons
        )
        if persons:  # every person is a unit: see fangpinbao.core.events.screen_persons
            means, fit = np.where(fit, means, 0.0), np.ones_like(fit)
        elif peril.exposed != "township":
            fit &= means > 0
        chosen = np.flatnonzero(fit)
        return chosen, keys[chosen], means[chosen]

    def _units(self) -> None:
        starts, unit_of, words, strata = [0], [], [], []
        self._means: list[Float64Array] = []
        for peril in self.scenario.perils.values():
            units, keys, means = self._exposed(peril)
            if peril.exposed == "township":
                levels, stratum = (
                    np.array([(peril.frequency or _NEVER).mean]),
                    np.zeros(len(units), dtype=np.int64),
                )
            else:
                levels, stratum = np.unique(means, return_inverse=True)
            self._means.append(levels if len(levels) else np.zeros(1))
            starts.append(starts[-1] + len(units))
            unit_of.append(units)
            words.append(keys * GOLDEN)
            strata.append(stratum.astype(np.int64))
        self.unit_start = np.array(starts, dtype=np.int64)
        self.unit_of = np.concatenate([np.zeros(0, dtype=np.int64), *unit_of])
        self.unit_word = np.concatenate([np.zeros(0, dtype=np.uint64), *words])
        self.unit_stratum = np.concatenate([np.zeros(0, dtype=np.int64), *strata])

    def _books(self) -> None:
        accounts = account_table(self.scenario)
        names = list(accounts)
        book_start, rows = [0], []
        harm: list[tuple[int, int, int]] = []
        person_rows, household_rows = _Rows(), _Rows()
        groups = discharge_groups(StackTree.of(self.scenario), accounts)
        for peril in self.scenario.perils.values():
            counted: set[tuple[str, ...]] = set()
            for booking in peril.books:
                on_household = accounts[booking.account].level == "household"
                persons = peril.exposed == "person" or not on_household
                persons |= bool(booking.harm) and "damaged" not in booking.harm
                scale = factor_values(booking.factors, self.population, persons=persons)
                harm.append(self._harm(booking))
                if booking.times is not None and booking.times not in at.TIMES:
                    column = self._column(booking.times)
                    scale = scale * (column[self.population.household_of] if persons else column)
                group = next((names_ for names_ in groups if booking.account in names_), ())
                counts = group not in counted
                counted.add(group)
                share = booking.in_scope_share
                constant = share.amount if share.law == "constant" else -1.0
                rows.append(
                    (
                        names.index(booking.account),
                        int(on_household),
                        round(booking.chance * _TWO_32),
                        self._tables.add(booking.amount),
                        (person_rows if persons else household_rows).add(scale),
                        constant,
                        0 if constant >= 0 else self._tables.add(share),
                        int(counts),
                    )
                )
            book_start.append(len(rows))
        bookings = np.array([row[:5] + row[6:] for row in rows], dtype=np.int64).reshape(-1, at.BOOKING_WIDTH)
        table = np.zeros((len(self.names), at.PERIL_WIDTH), dtype=np.int64)
        table[:, at.EXPOSED] = [
            at.AREA if p.events_from is not None else _EXPOSED[p.exposed]
            for p in self.scenario.perils.values()
        ]
        table[:, at.PER_YEAR] = [p.amount_per == "year" for p in self.scenario.perils.values()]
        table[:, at.BOOK_START], table[:, at.BOOK_END] = book_start[:-1], book_start[1:]
        table[:, at.HITS_MEMBERS] = [
            p.exposed != "person" and any(accounts[book.account].level == "person" for book in p.books)
            for p in self.scenario.perils.values()
        ]
        tables = self._tables
        case, channel = self.cases.tables(self.scenario, tables.add)
        self.perils = Perils(
            peril=table,
            booking=bookings,
            scope_share=np.array([row[5] for row in rows], dtype=np.float64),
            quantile=np.array([tables.intercepts or [np.zeros(1)], tables.slopes or [np.zeros(1)]]),
            atom_start=np.array(tables.atom_start, dtype=np.int64),
            atom=np.concatenate([np.zeros((2, 0)), *tables.atoms], axis=1),
            harm=np.array(harm, dtype=np.int64).reshape(-1, at.HARM_WIDTH),
            case=case,
            channel=channel,
        )
        self.person_scale = person_rows.array(self.population.persons)
        self.household_scale = household_rows.array(self.population.households)

    def _harm(self, booking: Booking) -> tuple[int, int, int]:
        """Return what a booking of a catastrophe stands for; see ``fangpinbao.core.layout``."""
        contracts = list(self.scenario.catastrophe.contracts) if self.scenario.catastrophe else []
        return (
            sum(at.HARMS[name] for name in set(booking.harm)),
            at.TIMES.get(booking.times or "", 0),
            contracts.index(booking.contract) if booking.contract is not None else 0,
        )

    def _column(self, name: str) -> Float64Array:
        population = self.population
        if name == "income_per_head":
            return population.income_per_head
        if name == "household_income":
            return population.income_per_head * population.household_size
        if name == "consumption_per_head":
            return population.consumption_per_head
        return population.assets if population.assets is not None else np.zeros(population.households)

    def year_factors(
        self, path: Int64Array, year_of_path: Int64Array, salts: Salts
    ) -> dict[str, Float64Array]:
        """Multipliers of each declared year factor, by year."""
        factors = {}
        for name, factor in self.scenario.year_factors.items():
            words = mix_array(year_keys(self._key(f"year/{name}", salts.year), path, year_of_path))
            law = factor.amount.core()
            factors[name] = np.asarray(law.quantile_from_survival(survival_of(words)), dtype=np.float64)
        return factors

    def _key(self, decision: str, salt: int) -> int:
        return decision_key(self.seed, decision if salt == 0 else f"{decision}#{salt}")

    def chunk(self, path: Int64Array, year_of_path: Int64Array, salts: Salts | None = None) -> Chunk:
        """Keys, rates and township events of the given years (arrays of equal length)."""
        salts = salts or Salts()
        factors = self.year_factors(path, year_of_path, salts)
        n_years, n_perils = len(path), len(self.names)
        words, lane = path // PATHS_A_WORD, path % PATHS_A_WORD
        keys = np.zeros((n_years, n_perils), dtype=np.uint64)
        rows = np.zeros((n_years, n_perils), dtype=np.int64)
        tails, starts, strata, counts = [], [0], [], []
        events: list[tuple[Int64Array, ...]] = []
        for q, (name, peril) in enumerate(self.scenario.perils.items()):
            salt = salts.township if peril.exposed == "township" else salts.own
            is_screened = peril.exposed != "township"
            keys[:, q] = year_keys(
                self._key(f"peril/{name}", salt), words if is_screened else path, year_of_path
            )
            multiplier = np.ones(n_years)
            for factor in peril.year_factors:
                multiplier = multiplier * factors[factor]
            levels, rows[:, q] = np.unique(multiplier, return_inverse=True)
            means = self._means[q][None, :] * levels[:, None]
            law = peril.frequency or _NEVER
            tail = np.asarray(tail_probabilities(law.law, means, getattr(law, "size", np.inf)))
            tails.append(np.minimum(np.round(tail * _TWO_32), _TWO_32 - 1).astype(np.uint32).ravel())
            strata.append(tail.shape[1])
            counts.append(tail.shape[2])
            starts.append(starts[-1] + tails[-1].size)
            if peril.share_hit is not None:
                events += self._township_events(q, peril, keys[:, q], tail[rows[:, q], 0, :], salts)
        order, start = self._sorted(events, n_years)
        return Chunk(
            rate=np.array([starts[:-1], strata, counts], dtype=np.int64).T.copy(),
            tail=np.concatenate([np.zeros(0, dtype=np.uint32), *tails]),
            tail_row=rows,
            screen_key=keys,
            lane=lane,
            take_up_key=year_keys(self._key("take-up", salts.own), path, year_of_path),
            detection_key=self._detection_keys(path, year_of_path, salts),
            event_start=start,
            catalogue=np.array([order[1], order[2], order[4]], dtype=np.int64),
            catalogue_key=order[3].view(np.uint64),
            relief_key=self._relief_keys(path, year_of_path, salts),
        )

    def _relief_keys(self, path: Int64Array, year_of_path: Int64Array, salts: Salts) -> Uint64Array:
        """[entries, years] keys of take-up and periods of relief, by the name of the entry."""
        names = [name for programme in self.scenario.programmes.values() for name in programme.relief]
        keys = [year_keys(self._key(f"relief/{name}", salts.own), path, year_of_path) for name in names]
        return np.array(keys, dtype=np.uint64).reshape(len(names), len(path))

    def _detection_keys(self, path: Int64Array, year_of_path: Int64Array, salts: Salts) -> Uint64Array:
        """Keys [year, draw] of how families are found."""
        keys = np.zeros((len(path), len(self.cases.decisions)), dtype=np.uint64)
        for k, decision in enumerate(self.cases.decisions):
            keys[:, k] = year_keys(self._key(decision, salts.own), path, year_of_path)
        return keys

    def _township_events(
        self, q: int, peril: Peril, keys: Uint64Array, tail: Float64Array, salts: Salts
    ) -> list[tuple[Int64Array, ...]]:
        """List (year, peril, township, key, share) of the events of a township peril."""
        assert peril.share_hit is not None
        townships = self.population.township_key
        words = mix_array(keys[:, None] + (townships * GOLDEN)[None, :])
        uniform = (words >> np.uint64(32)).astype(np.float64) / _TWO_32
        number = (uniform[:, :, None] < tail[:, None, :]).sum(axis=2)
        found: list[tuple[Int64Array, ...]] = []
        law = peril.share_hit.core()
        for k in range(int(number.max(initial=0))):
            year, township = np.nonzero(number > k)
            with np.errstate(over="ignore"):
                word = mix_array(words[year, township] + np.uint64(k + 1) * GOLDEN)
            share = np.asarray(law.quantile_from_survival(survival_of(mix_array(word + GOLDEN))))
            key = word if salts.own == 0 else mix_array(word + np.uint64(salts.own))
            found.append(
                (
                    year.astype(np.int64),
                    np.full(len(year), q, dtype=np.int64),
                    township.astype(np.int64),
                    key.view(np.int64),
                    np.round(np.clip(share, 0.0, 1.0) * _TWO_32).astype(np.int64),
                )
            )
        return found

    @staticmethod
    def _sorted(events: list[tuple[Int64Array, ...]], n_years: int) -> tuple[list[np.ndarray], Int64Array]:
        if not events:
            empty = [np.zeros(0, dtype=np.int64) for _ in range(5)]
            return empty, np.zeros(n_years + 1, dtype=np.int64)
        columns = [np.concatenate(parts) for parts in zip(*events, strict=True)]
        order = np.lexsort((columns[3], columns[2], columns[1], columns[0]))
        columns = [column[order] for column in columns]
        start = np.searchsorted(columns[0], np.arange(n_years + 1)).astype(np.int64)
        return columns, start


class _Rows:
    """Distinct rows of scale factors."""

    def __init__(self) -> None:
        self._rows: list[Float64Array] = []

    def add(self, row: Float64Array) -> int:
        """Return the row's index, or -1 where all factors are 1."""
        if (row == 1.0).all():
            return -1
        for index, known in enumerate(self._rows):
            if np.array_equal(known, row):
                return index
        self._rows.append(row)
        return len(self._rows) - 1

    def array(self, width: int) -> Float64Array:
        """Stack the rows."""
        return np.array(self._rows) if self._rows else np.zeros((0, width))


class _Tables:
    """Quantile tables of the distinct laws of a scenario."""

    def __init__(self) -> None:
        self._known: dict[str, int] = {}
        self.intercepts: list[Float64Array] = []
        self.slopes: list[Float64Array] = []
        self.atom_start = [0]
        self.atoms: list[Float64Array] = []

    def add(self, law: AmountLaw) -> int:
        """Return the law's table: its row, or -1 - k for step law k."""
        key = json.dumps(law.model_dump(exclude={"source", "note"}), sort_keys=True)
        if key not in self._known:
            core = law.core()
            if core.is_step:
                table = build_step_table(core)
                self.atoms.append(np.array([table.values, table.survival_upper]))
                self.atom_start.append(self.atom_start[-1] + len(table.values))
                self._known[key] = -len(self.atoms)
            else:
                quantiles = build_quantile_table(core)
                self.intercepts.append(quantiles.intercept)
                self.slopes.append(quantiles.slope)
                self._known[key] = len(self.intercepts) - 1
        return self._known[key]
