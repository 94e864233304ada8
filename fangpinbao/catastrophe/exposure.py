"""Cells on a plane in kilometres, and the people in them by month and hour."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fangpinbao._typing import Float64Array, Int64Array
from fangpinbao.scenario.catastrophe import Catastrophe

__all__ = ["DAYS", "CellMap", "Season", "months_to_days"]

DAYS = 365
_KM_PER_DEGREE = 111.195  # of a sphere of 6371 km
_DAYS_OF = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])


def _split(weights: Float64Array, total: int) -> Int64Array:
    """Split a whole number in proportion to weights, so that the parts sum to it; ties to the first."""
    exact = weights / weights.sum() * total
    parts: Int64Array = np.floor(exact).astype(np.int64)
    order = np.argsort(-(exact - parts), kind="stable")
    parts[order[: total - int(parts.sum())]] += 1
    return parts


@dataclass(frozen=True, eq=False)
class CellMap:
    """The cells of a region.

    Attributes
    ----------
    east, north : shape (cells,)
        Kilometres from the mean of the cells (equirectangular: within 0.2% over 200 km).
    distances : shape (cells, cells)
    residents : shape (cells,)
    people : shape (12, cells)
        Residents and visitors by month, January first.
    urban : shape (cells,)
    """

    names: tuple[str, ...]
    east: Float64Array
    north: Float64Array
    distances: Float64Array
    residents: Int64Array
    people: Int64Array
    urban: Float64Array
    susceptibility: dict[str, Float64Array]
    origin: tuple[float, float]

    @classmethod
    def of(cls, table: Catastrophe) -> CellMap:
        """Compile the cells and the exposure of a scenario."""
        cells = table.cells
        longitude, latitude = np.array(cells.longitude), np.array(cells.latitude)
        origin = (float(longitude.mean()), float(latitude.mean()))
        east, north = _plane(longitude, latitude, origin)
        weights = np.array(cells.residents, dtype=np.float64)
        for county, total in (cells.county_residents or {}).items():
            inside = np.array([name == county for name in cells.counties or []])
            weights[inside] *= total / weights[inside].sum()
        residents = _split(weights, table.exposure.residents)
        sites = {name: np.array(values, dtype=np.float64) for name, values in cells.susceptibility.items()}
        people = np.repeat(residents[None, :], 12, axis=0)
        for visitors in table.exposure.visitors.values():
            where = sites[visitors.where] if visitors.where is not None else weights
            for month, factor in enumerate(visitors.months or [1.0] * 12):
                people[month] += _split(where, round(visitors.persons * factor))
        distances = np.hypot(east[:, None] - east[None, :], north[:, None] - north[None, :])
        return cls(
            tuple(cells.names),
            east,
            north,
            distances,
            residents,
            people,
            np.array(cells.urban),
            sites,
            origin,
        )

    def plane(self, place: list[float]) -> tuple[float, float]:
        """Return kilometres east and north of a place given as [longitude, latitude]."""
        east, north = _plane(np.array(place[:1]), np.array(place[1:]), self.origin)
        return float(east[0]), float(north[0])

    def weights(self, column: str | None) -> Float64Array:
        """Return the weights of a susceptibility column; of the residents without one."""
        return self.susceptibility[column] if column is not None else self.residents.astype(np.float64)

    @property
    def mean_people(self) -> float:
        """People present on average over a year."""
        return float(np.average(self.people.sum(axis=1), weights=_DAYS_OF))


def _plane(
    longitude: Float64Array, latitude: Float64Array, origin: tuple[float, float]
) -> tuple[Float64Array, Float64Array]:
    east = (longitude - origin[0]) * _KM_PER_DEGREE * np.cos(np.radians(origin[1]))
    return east, (latitude - origin[1]) * _KM_PER_DEGREE


@dataclass(frozen=True, eq=False)
class Season:
    """Days and hours at which a peril strikes, in a year that begins with a given month.

    Attributes
    ----------
    cumulative_days : shape (365,)
        Chance that an event comes by the end of each day.
    month_of_day : shape (365,)
        0 = January.
    cumulative_hours : shape (24,)
    """

    cumulative_days: Float64Array
    month_of_day: Int64Array
    cumulative_hours: Float64Array

    @classmethod
    def of(cls, months: list[float] | None, hours: list[float] | None, first_month: int) -> Season:
        """Spread monthly frequencies evenly over the days of each month."""
        order = (np.arange(12) + first_month - 1) % 12
        month_of_day = np.repeat(order, _DAYS_OF[order])
        by_month = np.array(months if months is not None else _DAYS_OF, dtype=np.float64)
        days = (by_month / _DAYS_OF)[month_of_day]
        by_hour = np.array(hours if hours is not None else [1.0] * 24)
        cumulative_days = np.cumsum(days / days.sum())
        cumulative_hours = np.cumsum(by_hour / by_hour.sum())
        cumulative_days[-1] = cumulative_hours[-1] = 1.0
        return cls(cumulative_days, month_of_day, cumulative_hours)

    def days(self, u: Float64Array) -> Int64Array:
        """Return days 0 to 364 at uniforms."""
        return np.searchsorted(self.cumulative_days, u, side="left").astype(np.int64)

    def hours(self, u: Float64Array) -> Int64Array:
        """Return hours 0 to 23 at uniforms."""
        return np.searchsorted(self.cumulative_hours, u, side="left").astype(np.int64)


def months_to_days(first_month: int, months: int) -> int:
    """Return the days of so many months from the start of a year that begins with ``first_month``."""
    return int(_DAYS_OF[(np.arange(months) + first_month - 1) % 12].sum())
