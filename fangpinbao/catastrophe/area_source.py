"""What the events of a catastrophe do to the townships of a population: rows for the household engine.

The events, their days and intensities are those of the region's own run (``simulate_catastrophe``) with the same
seed, path by path. From them come, township by township, the chances of
``fangpinbao.catastrophe.households``, and, event by event, the share of its benefits that each contract pays after
triggers, hours clause and limits.

That share is the region's: its casualties are drawn cell by cell over all people of the region, and the contract's
limits are used up by all of them in date order. A county's list is too small to use a regional limit up, and its
members are paid in the proportion that everybody is. Who is harmed on the list is drawn apart from the region's
casualties, given the same event.
"""

from __future__ import annotations

import numpy as np

from fangpinbao._typing import Float64Array, Int64Array, Uint64Array
from fangpinbao.catastrophe.contracts import fen
from fangpinbao.catastrophe.draw import Events
from fangpinbao.catastrophe.households import household_impacts
from fangpinbao.catastrophe.model import CatastropheModel, Harm
from fangpinbao.catastrophe.outcomes import answered, settle
from fangpinbao.core.catastrophe import DEGREES, FIRST_BOTH, FIRST_DEGREE, FIRST_GRADE, GRADES, N_BENEFITS
from fangpinbao.core.streams import GOLDEN, mix_array, mix_int
from fangpinbao.core.structures import AreaEvents
from fangpinbao.errors import InputError, Problem
from fangpinbao.estimate import Years
from fangpinbao.population import Population
from fangpinbao.scenario import Scenario
from fangpinbao.scenario.area_rules import unmatched_townships

__all__ = ["AreaSource", "kinds_of_casualty"]

_HOUSEHOLDS = np.uint64(1 << 40)  # apart from the draws of the event and of its cells


def refuse_losses(scenario: Scenario, model: CatastropheModel) -> None:
    """Raise InputError where a file of losses is to strike households."""
    struck = any(peril.events_from is not None for peril in scenario.perils.values())
    if struck and model.file is not None and model.file.losses is not None:
        reason = (
            "gives losses, but what an event does to households follows from its intensity. "
            "Give a column intensity."
        )
        raise InputError(scenario.name, [Problem("catastrophe.catalogue.file", reason)])


class AreaSource:
    """The catastrophes that strike a scenario's households.

    Parameters
    ----------
    stratified
        Draw years in the strata of the catastrophe's tiers, as ``simulate_catastrophe`` does.
    year_salt, own_salt
        Replicates of the events, and of what they do to whom; 0: those of the seed. See ``hazard.Salts``.

    Raises
    ------
    InputError
        If a township of the population is no cell, or an event file gives losses, which have no intensity.
    """

    def __init__(
        self,
        scenario: Scenario,
        population: Population,
        seed: int,
        *,
        stratified: bool = True,
        year_salt: int = 0,
        own_salt: int = 0,
    ) -> None:
        salted = seed if year_salt == 0 else mix_int(seed ^ mix_int(year_salt)) >> 1
        self.model = model = CatastropheModel(scenario, salted, stratified=stratified)
        self.own_salt = own_salt
        names = [str(name) for name in population.township_names]
        reason = unmatched_townships(names, list(model.cells.names))
        if reason is not None:
            raise InputError(scenario.name, [Problem("population.townships", reason)])
        refuse_losses(scenario, model)
        self.township_of = np.full(len(model.cells.names), -1, dtype=np.int64)
        self.township_of[[model.cells.names.index(name) for name in names]] = np.arange(len(names))
        self.struck_by: dict[int, list[int]] = {}
        self.kinds = np.ones((len(scenario.perils), N_BENEFITS))
        for q, peril in enumerate(scenario.perils.values()):
            if peril.events_from is not None:
                cause = model.perils.index(peril.events_from)
                self.struck_by.setdefault(cause, []).append(q)
                self.kinds[q] = np.cumsum(kinds_of_casualty(model, cause))
        books = [booking for peril in scenario.perils.values() for booking in peril.books]
        self.is_owed = any(booking.contract is not None for booking in books)

    def years(self, n: int) -> Years | None:
        """Return the strata and weights of ``n`` years; None where all weigh alike.

        Raises
        ------
        InputError
            If they are too few for the strata.
        """
        return None if self.model.strata is None else self.model.strata.years(n)

    def of(self, paths: Int64Array) -> AreaEvents:
        """Return the townships hit in paths, which are in rising order, in order of path and event."""
        n = len(self.model.contracts)
        parts: list[tuple[Int64Array, Float64Array, Float64Array, Uint64Array]] = []
        batches = list(self.model.draw(paths))
        shares = self._shares(batches) if self.is_owed else [np.ones((len(events), n)) for events in batches]
        for events, share in zip(batches, shares, strict=True):
            for q in self.struck_by.get(events.peril, []):
                parts.append(self._rows(events, share, q, paths))
        wide = (
            np.zeros((5, 0), dtype=np.int64),
            np.zeros((3, 0)),
            np.zeros((1 + n, 0)),
            np.zeros(0, dtype=np.uint64),
        )
        places, chances, paid, keys = (
            np.concatenate([empty, *(part[k] for part in parts)], axis=-1) for k, empty in enumerate(wide)
        )
        order = np.lexsort((places[1], places[0], places[4], places[3]))
        return AreaEvents(
            start=np.searchsorted(places[3, order], np.arange(len(paths) + 1)).astype(np.int64),
            place=np.ascontiguousarray(places[:3, order]),
            chance=np.ascontiguousarray(chances[:, order]),
            share=np.ascontiguousarray(paid[:, order]),
            key=keys[order],
            kinds=self.kinds,
            benefits=self.model.benefits.astype(np.float64),
        )

    def _rows(
        self, events: Events, share: Float64Array, q: int, paths: Int64Array
    ) -> tuple[Int64Array, Float64Array, Float64Array, Uint64Array]:
        impacts = household_impacts(self.model, events)
        mine = np.flatnonzero(self.township_of[impacts.cell] >= 0)
        event = impacts.event_of[mine]
        place = np.array(
            [
                np.full(mine.size, q),
                self.township_of[impacts.cell[mine]],
                events.day[event],
                np.searchsorted(paths, events.path[event]),
                events.id[event],
            ],
            dtype=np.int64,
        )
        chance = np.array(
            [impacts.share_hit[mine], impacts.casualty_chance[mine], impacts.injury_chance[mine]]
        )
        with np.errstate(over="ignore"):
            key = mix_array(events.word[event] + _HOUSEHOLDS * GOLDEN)
            if self.own_salt:
                key = mix_array(key + np.uint64(self.own_salt))
        return place, chance, np.concatenate([impacts.loss_share[None, mine], share[event].T]), key

    def _shares(self, batches: list[Events]) -> list[Float64Array]:
        """Return the share of its benefits that each contract pays for each event, shapes (e, contracts).

        An event without a casualty in the whole region is paid in full where it is covered, would be triggered, and
        comes before the cumulative limit is used up.
        """
        harms = [self.model.harm(events) for events in batches]
        share = [np.zeros((len(events), len(self.model.contracts))) for events in batches]
        if not sum(len(harm) for harm in harms):
            return share
        of_batch = np.repeat(np.arange(len(harms)), [len(harm) for harm in harms])
        within = np.concatenate([np.arange(len(harm)) for harm in harms])
        columns = {
            name: np.concatenate([getattr(harm, name) for harm in harms])
            for name in Harm.__dataclass_fields__
        }
        everything = Harm(**columns)
        order = np.lexsort((everything.id, everything.day, everything.year, everything.path))
        everything, of_batch, within = everything.take(order), of_batch[order], within[order]
        kept = np.flatnonzero(everything.is_harmful | self.model.in_occurrences[everything.peril])
        harm = everything.take(kept)
        found = np.zeros(everything.gross.shape)
        for k, name in enumerate(self.model.contracts):
            paid = np.zeros(len(everything), dtype=np.int64)
            paid[kept] = settle(self.model, harm, name)
            owed = everything.gross[:, k]
            would = self._would_pay(everything, name, paid)
            found[:, k] = np.divide(paid, owed, out=would, where=owed > 0)
        for b, mine in enumerate(share):
            mine[within[of_batch == b]] = found[of_batch == b]
        return share

    def _would_pay(self, harm: Harm, name: str, paid: Int64Array) -> Float64Array:
        """Return 1 for each event that is covered, would be triggered, and finds the cumulative limit not used up."""
        contract = self.model.contracts[name]
        would = answered(self.model, harm, name)[0].astype(np.float64)
        if contract.cumulative is not None:
            total = np.cumsum(paid)
            starts = np.searchsorted(harm.path, harm.path, side="left")
            used = total - paid - (total - paid)[starts]
            would[used >= fen(contract.cumulative)] = 0.0
        return would


def kinds_of_casualty(model: CatastropheModel, peril: int) -> Float64Array:
    """Return the chance of each kind of casualty given that a person is one, shape (N_BENEFITS,).

    The product of the conditional chances by which ``core.catastrophe.count_casualties`` splits a cell's casualties:
    killed or not, disabled or not, grade, burned as well or not, degree.
    """
    splits = model.splits
    dead, disabled, also = splits.dead_shares[peril], splits.disabled_shares[peril], splits.also_burned[peril]
    grades, degrees = _from_conditional(splits.grades[peril]), _from_conditional(splits.degrees[peril])
    chance = np.zeros(N_BENEFITS)
    chance[0] = dead
    for g in range(GRADES):
        of_grade = (1.0 - dead) * disabled * grades[g]
        chance[FIRST_GRADE + g] = of_grade * (1.0 - also)
        for d in range(DEGREES):
            chance[FIRST_BOTH + DEGREES * g + d] = of_grade * also * degrees[d]
    for d in range(DEGREES):
        chance[FIRST_DEGREE + d] = (1.0 - dead) * (1.0 - disabled) * degrees[d]
    return chance


def _from_conditional(chances: Float64Array) -> Float64Array:
    """Return the chance of each class, from those given none before it."""
    left = np.concatenate(([1.0], np.cumprod(1.0 - chances)[:-1]))
    return np.asarray(left * chances)
