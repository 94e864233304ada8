"""What the events of a catastrophe do to households of a cell, for programmes that insure households.

The same event that makes casualties under a catastrophe contract damages dwellings and injures members. This
module says with which chance; the household engine draws who.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fangpinbao._typing import Float64Array, Int64Array
from fangpinbao.catastrophe.draw import Events
from fangpinbao.catastrophe.model import CatastropheModel
from fangpinbao.catastrophe.vulnerability import rates

__all__ = ["HouseholdImpacts", "household_impacts"]


@dataclass(frozen=True, eq=False)
class HouseholdImpacts:
    """For each event and cell hit: chances of a household and of a person.

    Attributes
    ----------
    event_of, cell : shape (hits,)
        Position of the event within its batch, and the cell.
    share_hit : shape (hits,)
        Share of the cell's households whose dwelling is damaged.
    loss_share : shape (hits,)
        Share of the dwelling's value lost where it is damaged.
    death_chance, casualty_chance, injury_chance : shape (hits,)
        Chance that a person is killed; killed, disabled or burned; or treated for an injury besides. The last
        two are disjoint and sum to at most 1.
    """

    event_of: Int64Array
    cell: Int64Array
    share_hit: Float64Array
    loss_share: Float64Array
    death_chance: Float64Array
    casualty_chance: Float64Array
    injury_chance: Float64Array


def household_impacts(model: CatastropheModel, events: Events) -> HouseholdImpacts:
    """Return what a batch of events does to households, cell by cell.

    People's chances carry the event's factor, as casualties do; damage of dwellings follows the intensity
    alone. A peril without a damage table damages nothing and injures nobody beyond its casualties.

    Raises
    ------
    ValueError
        If the events come from a file that gives losses in place of intensities.
    """
    if events.losses is not None:
        raise ValueError("events with losses of a file have no intensity, hence no impact on households.")
    one = model.vulnerability[events.peril]
    casualty = model.casualty_chances(events)
    death = casualty / one.casualties_per_death
    if one.damage is None:
        nothing = np.zeros(casualty.size)
        return HouseholdImpacts(events.event_of_hit, events.cells, nothing, nothing, death, casualty, nothing)
    injury = np.minimum(death * one.damage.injured_per_death, 1.0 - casualty)
    return HouseholdImpacts(
        events.event_of_hit,
        events.cells,
        rates(one.damage.hit, events.intensities),
        rates(one.damage.loss, events.intensities),
        death,
        casualty,
        injury,
    )
