"""Which events there can be: classes of events with their yearly rate, and the strata of years they make.

A class is a set of events of one peril whose number in a year is drawn together. Tiers of the scenario make
classes of their own, so that years with such an event can be simulated on purpose: the classes of a Poisson
process are independent, hence the chance of each stratum is known exactly.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from fangpinbao._typing import Float64Array
from fangpinbao.catastrophe.exposure import CellMap
from fangpinbao.core.distributions import AmountLaw
from fangpinbao.errors import InputError, Problem
from fangpinbao.scenario.catastrophe import AreaPeril, Catastrophe, Earthquake, Zone

__all__ = [
    "EARTHQUAKE",
    "EventClass",
    "Part",
    "Source",
    "event_classes",
    "magnitude_at",
    "survival_of_magnitude",
]

EARTHQUAKE = "earthquake"


def survival_of_magnitude(zone: Zone, magnitude: float) -> float:
    """Return the share of a zone's earthquakes above a magnitude: Gutenberg-Richter, cut at both ends.

    Cornell and Vanmarcke 1969: ``(e^-b'(m-m0) - e^-b'(m1-m0)) / (1 - e^-b'(m1-m0))``, b' = b ln 10.
    """
    beta = zone.b_value * math.log(10.0)
    whole = -math.expm1(-beta * (zone.largest - zone.smallest))
    inside = min(max(magnitude, zone.smallest), zone.largest)
    return 1.0 + math.expm1(-beta * (inside - zone.smallest)) / whole


def magnitude_at(
    survival: Float64Array, smallest: Float64Array, largest: Float64Array, b: Float64Array
) -> Float64Array:
    """Return the magnitude that a share ``survival`` of a zone's earthquakes exceeds; all of one shape."""
    beta = b * math.log(10.0)
    whole = -np.expm1(-beta * (largest - smallest))
    return smallest - np.log1p(-whole * (1.0 - survival)) / beta


@dataclass(frozen=True)
class Source:
    """A zone on the plane: from a point along the strike, evenly across the width; km and radians."""

    zone: Zone
    start: tuple[float, float]
    end: tuple[float, float]
    relation: int

    @property
    def strike(self) -> float:
        """Direction, clockwise from north."""
        return math.atan2(self.end[0] - self.start[0], self.end[1] - self.start[1])


@dataclass(frozen=True)
class Part:
    """Events of one source (-1: an area peril) whose survival of size lies between two values."""

    source: int
    rate: float
    survival_low: float  # of the largest events of the part
    survival_high: float


@dataclass(frozen=True)
class EventClass:
    """Events of a peril whose number in a year is drawn together.

    Attributes
    ----------
    name
        Part of the key of their draws.
    tier
        Position in the scenario's tiers, or -1.
    """

    peril: str
    name: str
    tier: int
    parts: tuple[Part, ...]

    @property
    def rate(self) -> float:
        """Expected events a year (before a year factor)."""
        return math.fsum(part.rate for part in self.parts)


def sources_of(table: Catastrophe, cells: CellMap) -> tuple[Source, ...]:
    """Return the earthquake sources in the order of the scenario."""
    if table.earthquake is None:
        return ()
    relations = list(table.earthquake.attenuation)
    return tuple(
        Source(zone, cells.plane(zone.start), cells.plane(zone.end), relations.index(zone.attenuation))
        for zone in table.earthquake.zones.values()
    )


def event_classes(table: Catastrophe) -> tuple[EventClass, ...]:
    """Return all classes: those of tiers first, in their order, then the rest of every peril.

    Raises
    ------
    InputError
        If a tier holds no event.
    """
    left: dict[tuple[str, int], float] = {}
    if table.earthquake is not None:
        left = {(EARTHQUAKE, source): 0.0 for source in range(len(table.earthquake.zones))}
    left |= {(name, -1): 0.0 for name in table.perils}
    classes, problems = [], []
    for index, tier in enumerate(table.tiers):
        parts = []
        for peril, source in list(left):
            if peril != tier.peril or not _is_of_zones(table.earthquake, source, tier.zones):
                continue
            survival, rate = _survival_and_rate(table, peril, source, tier.from_size)
            low = left[peril, source]
            if survival > low:
                parts.append(Part(source, rate * (survival - low), low, survival))
                left[peril, source] = survival
        found = EventClass(tier.peril, f"tier_{index}", index, tuple(parts))
        if not found.rate > 0.0:
            reason = f"= {tier.from_size:g} leaves no event to this tier. Lower it, or drop the tier."
            problems.append(Problem(f"catastrophe.tiers[{index}].from_size", reason))
        classes.append(found)
    if problems:
        raise InputError("the tiers", problems)
    for name in ([EARTHQUAKE] if table.earthquake is not None else []) + list(table.perils):
        parts = []
        for (peril, source), low in left.items():
            if peril == name and low < 1.0:
                _, rate = _survival_and_rate(table, peril, source, 0.0)
                parts.append(Part(source, rate * (1.0 - low), low, 1.0))
        if parts:
            classes.append(EventClass(name, "rest", -1, tuple(parts)))
    return tuple(classes)


def _is_of_zones(earthquake: Earthquake | None, source: int, zones: list[str] | None) -> bool:
    if zones is None or source < 0 or earthquake is None:
        return True
    return list(earthquake.zones)[source] in zones


def _survival_and_rate(table: Catastrophe, peril: str, source: int, size: float) -> tuple[float, float]:
    """Return the share of a source's events above a size, and its yearly rate."""
    if source >= 0:
        assert table.earthquake is not None
        zone = list(table.earthquake.zones.values())[source]
        return survival_of_magnitude(zone, size), zone.events_per_year
    one: AreaPeril = table.perils[peril]
    law: AmountLaw = one.size.core()
    return float(law.survival(size)) if size > 0.0 else 1.0, one.frequency.mean
