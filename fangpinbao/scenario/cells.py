"""Cells of a region and the people in them, as tables of a scenario."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated

from pydantic import Field

from fangpinbao.errors import Problem
from fangpinbao.scenario.base import Count, Label, Name, NonNegative, Positive, Share, Table, rule

__all__ = ["ByHour", "ByMonth", "Cells", "Exposure", "Visitors"]

Longitude = Annotated[float, Field(strict=True, ge=-180, le=180, json_schema_extra={"unit": "degrees"})]
Latitude = Annotated[float, Field(strict=True, ge=-85, le=85, json_schema_extra={"unit": "degrees"})]
ByMonth = Annotated[list[NonNegative], Field(min_length=12, max_length=12, description="January to December")]
ByHour = Annotated[list[NonNegative], Field(min_length=24, max_length=24, description="0:00 to 23:00")]


class Cells(Table):
    """Townships or grid cells, as columns of equal length."""

    names: Annotated[list[str], Field(min_length=1)]
    counties: Annotated[list[str] | None, Field(description="county of each cell, for readers")] = None
    longitude: list[Longitude]
    latitude: list[Latitude]
    residents: Annotated[list[Positive], Field(description="relative; scaled to exposure.residents")]
    county_residents: Annotated[
        dict[str, Positive] | None,
        Field(description="relative residents of each county; residents then spread within it"),
    ] = None
    urban: Annotated[list[Share], Field(description="share of people in engineered buildings")]
    susceptibility: Annotated[
        dict[Name, list[NonNegative]],
        Field(description="named relative weights of cells: where perils strike, where visitors stay"),
    ] = {}

    @rule
    def _columns_pair(self) -> Iterator[Problem]:
        for name in ("longitude", "latitude", "residents", "urban", "counties"):
            yield from self._of_equal_length(name, getattr(self, name, None))

    @rule
    def _susceptibility_pairs(self) -> Iterator[Problem]:
        for name, values in self.susceptibility.items():
            yield from self._of_equal_length(f"susceptibility.{name}", values)

    def _of_equal_length(self, name: str, values: Sequence[object] | None) -> Iterator[Problem]:
        count = len(self.names)
        if values is not None and len(values) != count:
            yield Problem(name, f"has {len(values)} entries for {count} cells. Pair them.")

    @rule
    def _counties(self) -> Iterator[Problem]:
        if self.county_residents is not None and set(self.county_residents) != set(self.counties or []):
            yield Problem(
                "county_residents",
                "must name every county of the cells, and no other. Align it with counties.",
            )

    @rule
    def _names_differ(self) -> Iterator[Problem]:
        for name in sorted({name for name in self.names if self.names.count(name) > 1}):
            yield Problem("names", f"has {name!r} more than once. Name each cell once.")

    @rule
    def _susceptible_somewhere(self) -> Iterator[Problem]:
        for name, values in self.susceptibility.items():
            if sum(values) <= 0:
                yield Problem(
                    f"susceptibility.{name}", "is zero for all cells. Raise one, or drop the column."
                )


class Visitors(Table):
    """People beside the residents: students, workers, tourists."""

    label: Label | None = None
    persons: Annotated[NonNegative, Field(description="present on an average day of a month of factor 1")]
    where: Annotated[Name | None, Field(description="susceptibility column; absent: as residents")] = None
    months: Annotated[ByMonth | None, Field(description="factors by month")] = None


class Exposure(Table):
    """Who may be hit."""

    residents: Count
    visitors: dict[Name, Visitors] = {}
    indoors: Annotated[ByHour | None, Field(description="share of people indoors by hour of the day")] = None
    persons_per_household: Positive = 2.65

    @rule
    def _shares(self) -> Iterator[Problem]:
        if self.indoors is not None and not (0 < sum(self.indoors) < 24 and max(self.indoors) <= 1):
            yield Problem("indoors", "must be shares between 0 and 1, neither all 0 nor all 1. Correct them.")
