"""Simulates a scenario's catastrophe contracts and holds what came of it."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fangpinbao._typing import BoolArray, Float64Array, Int64Array
from fangpinbao.catastrophe.contracts import (
    NO_LIMIT,
    cut_by_occurrence,
    cut_in_date_order,
    fen,
    occurrences,
    triggered,
)  # fmt: skip
from fangpinbao.catastrophe.model import CatastropheModel, Harm
from fangpinbao.errors import check_request
from fangpinbao.estimate import Years
from fangpinbao.event_losses import EventLosses
from fangpinbao.scenario import Scenario

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CatastropheOutcomes", "answered", "settle", "simulate_catastrophe"]

CHUNK_PATHS = 10_000


@dataclass(frozen=True, eq=False)
class CatastropheOutcomes:
    """What a run of a scenario's catastrophe contracts came to.

    Attributes
    ----------
    years : Years
        Sampling design of the paths; a path is a term of ``term_years`` years, mostly one.
    harm : Harm
        Events with a casualty (or a loss from a file), sorted by path, year, day and id.
    paid : int array, shape (e, contracts)
        Fen each contract pays for each event, after trigger, hours clause and limits.
    events_by_peril : int array, shape (paths, perils)
        Events of each path, with and without casualties.
    """

    scenario: Scenario
    model: CatastropheModel
    seed: int
    years: Years
    harm: Harm
    paid: Int64Array
    events_by_peril: Int64Array

    @property
    def n_paths(self) -> int:
        """Simulated paths."""
        return self.years.n

    @property
    def term_years(self) -> int:
        """Years of a path."""
        return self.model.table.term_years

    @property
    def contracts(self) -> tuple[str, ...]:
        """Names of the contracts."""
        return tuple(self.model.contracts)

    @property
    def perils(self) -> tuple[str, ...]:
        """Names of the perils."""
        return self.model.perils

    def column(self, contract: str) -> int:
        """Return the column of a contract."""
        return self.contracts.index(contract)

    def paid_by_path(self, contract: str, peril: str | None = None) -> Int64Array:
        """Return fen a contract pays in each path, of all perils or one; shape (paths,)."""
        paid = self.paid[:, self.column(contract)]
        return self.by_path(paid, peril)

    def by_path(self, values: Int64Array, peril: str | None = None) -> Int64Array:
        """Sum whole numbers of events by path; shape (paths,)."""
        if peril is not None:
            values = np.where(self.harm.peril == self.perils.index(peril), values, 0)
        total = np.zeros(self.n_paths, dtype=np.int64)
        np.add.at(total, self.harm.path, values)
        return total

    def yuan_by_path(self, contract: str) -> Float64Array:
        """Return yuan a contract pays in each path."""
        return np.asarray(self.paid_by_path(contract) / 100.0)

    @property
    def single_years(self) -> Years:
        """Sampling design of the rows of ``event_losses``: years of a term are not independent."""
        return self.years.of_terms(self.term_years)

    def event_losses(self, contract: str) -> EventLosses:
        """Return the dated losses of a contract; a row is a year, those of a term follow each other."""
        paid = self.paid[:, self.column(contract)]
        with_loss = np.flatnonzero(paid > 0)
        harm, terms = self.harm.take(with_loss), self.term_years
        return EventLosses(
            self.n_paths * terms, harm.path * terms + harm.year, harm.day, harm.id, harm.peril, paid[with_loss],
            self.perils,
        )  # fmt: skip

    @property
    def by_year(self) -> pd.DataFrame:
        """One row for each contract and path: stratum, weight, payout, paid events, casualties."""
        import pandas as pd

        frames = []
        for contract in self.contracts:
            paid = self.paid[:, self.column(contract)]
            frames.append(
                pd.DataFrame(
                    {
                        "programme": contract,
                        "path": np.arange(self.n_paths),
                        "calendar_year": self.scenario.calendar_year,
                        "stratum": self.years.stratum,
                        "weight": self.years.weight,
                        "payout_fen": self.paid_by_path(contract),
                        "events_paid": self.by_path((paid > 0).astype(np.int64)),
                        "dead": self.by_path(self.harm.deaths),
                        "casualties": self.by_path(self.harm.casualties),
                    }
                )
            )
        return pd.concat(frames, ignore_index=True)

    @property
    def by_event(self) -> pd.DataFrame:
        """One row for each event with a casualty: when, what, how large, and what each contract pays."""
        import pandas as pd

        harm = self.harm
        columns = {
            "path": harm.path, "year_of_path": harm.year, "day": harm.day, "event": harm.id,
            "peril": np.array(self.perils, dtype=object)[harm.peril], "size": harm.size,
            "highest_intensity": harm.intensity, "dead": harm.deaths, "casualties": harm.casualties,
        }  # fmt: skip
        owed = {f"{name}_owed_fen": harm.gross[:, k] for k, name in enumerate(self.contracts)}
        paid = {f"{name}_paid_fen": self.paid[:, k] for k, name in enumerate(self.contracts)}
        return pd.DataFrame({**columns, **owed, **paid})


def simulate_catastrophe(
    scenario: Scenario,
    years: int | None = None,
    seed: int | None = None,
    *,
    threads: int | None = None,
    stratified: bool = True,
    progress: Callable[[float], None] | None = None,
) -> CatastropheOutcomes:
    """Simulate the catastrophe contracts of a scenario.

    Parameters
    ----------
    scenario
        With a table ``catastrophe``.
    years
        Simulated paths (terms of ``term_years`` years); default: the scenario's.
    seed
        Of every draw; default: the scenario's.
    threads
        Default: all cores. The results are the same bits for any number.
    stratified
        Draw paths in the strata of the scenario's tiers; without, all alike.
    progress
        Called with the share done.

    Raises
    ------
    InputError
        If the scenario has no such table, its event file is wrong, or the paths are too few for the strata.
    """
    check_request(years=years, seed=seed, threads=threads)
    n = years if years is not None else scenario.simulation.years
    chosen = seed if seed is not None else scenario.simulation.seed
    model = CatastropheModel(scenario, chosen, stratified=stratified)
    design = Years.equal(n) if model.strata is None else model.strata.years(n)
    chunks = [np.arange(first, min(first + CHUNK_PATHS, n)) for first in range(0, n, CHUNK_PATHS)]
    events_by_peril = np.zeros((n, len(model.perils)), dtype=np.int64)

    def work(paths: Int64Array) -> Harm:
        parts = []
        for events in model.draw(paths):
            events_by_peril[:, events.peril] += np.bincount(events.path, minlength=n)
            harm = model.harm(events)
            parts.append(harm.take(np.flatnonzero(harm.is_harmful | model.in_occurrences[harm.peril])))
        return Harm.join(parts)

    workers = max(1, min(threads or os.cpu_count() or 1, len(chunks)))
    found = []
    with ThreadPoolExecutor(workers) as pool:
        for done, harm in enumerate(pool.map(work, chunks), start=1):
            found.append(harm)
            if progress is not None:
                progress(done / len(chunks))
    harm = Harm.join(found)
    paid = np.stack([settle(model, harm, name) for name in model.contracts], axis=1)
    if not harm.is_harmful.all():  # events without casualties have opened occurrences and pulled triggers
        kept = np.flatnonzero(harm.is_harmful)
        harm, paid = harm.take(kept), paid[kept]
    return CatastropheOutcomes(scenario, model, chosen, design, harm, paid, events_by_peril)


def settle(model: CatastropheModel, harm: Harm, name: str) -> Int64Array:
    """Return what a contract pays for each event: covered, triggered, cut by occurrence, then in date order.

    Of the perils of an hours clause the events must be all, also those without a casualty.
    """
    contract = model.contracts[name]
    answers, occurrence = answered(model, harm, name)
    owed = np.where(answers, harm.gross[:, list(model.contracts).index(name)], 0)
    if contract.per_event is not None:
        owed = cut_by_occurrence(owed, occurrence, fen(contract.per_event))
    period = harm.path if contract.cumulative_over == "term" else _year_row(model, harm)
    return cut_in_date_order(
        owed, period, NO_LIMIT if contract.cumulative is None else fen(contract.cumulative)
    )


def answered(model: CatastropheModel, harm: Harm, name: str) -> tuple[BoolArray, Int64Array]:
    """Return which events a contract covers and its triggers let through, and the occurrence of each.

    Triggers look at the occurrence: its largest size and intensity, all its dead.
    """
    contract = model.contracts[name]
    hours = {model.perils.index(peril): float(span) for peril, span in contract.hours_clause.items()}
    occurrence = occurrences(_year_row(model, harm), harm.day, harm.peril, hours)
    size, intensity, deaths = _of_occurrence(harm, occurrence)
    answers = np.ones(len(harm), dtype=np.bool_)
    for q, peril in enumerate(model.perils):
        mine = harm.peril == q
        if peril not in contract.perils:
            answers[mine] = False
        elif peril in contract.triggers:
            met = triggered(contract.triggers[peril], model.tables[q], size, intensity, deaths)
            answers[mine & ~met] = False
    return answers, occurrence


def _year_row(model: CatastropheModel, harm: Harm) -> Int64Array:
    return np.asarray(harm.path * model.table.term_years + harm.year)


def _of_occurrence(harm: Harm, occurrence: Int64Array) -> tuple[Float64Array, Float64Array, Int64Array]:
    """Return, for each event, the largest size and intensity and the dead of its occurrence."""
    count = int(occurrence.max()) + 1 if occurrence.size else 0
    size, intensity = np.zeros(count), np.zeros(count)
    deaths = np.zeros(count, dtype=np.int64)
    np.maximum.at(size, occurrence, harm.size)
    np.maximum.at(intensity, occurrence, harm.intensity)
    np.add.at(deaths, occurrence, harm.deaths)
    return size[occurrence], intensity[occurrence], deaths[occurrence]
