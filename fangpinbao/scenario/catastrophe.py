"""Regional catastrophe insurance: hazard, vulnerability and contracts, as tables of a scenario."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from fangpinbao.errors import Problem
from fangpinbao.scenario.aftershocks import Aftershocks
from fangpinbao.scenario.base import (
    Count,
    Label,
    Name,
    NonNegative,
    Positive,
    PositiveYuan,
    Share,
    Table,
    Whole,
    YesNo,
    Yuan,
    rule,
)
from fangpinbao.scenario.cells import ByHour, ByMonth, Cells, Exposure
from fangpinbao.scenario.laws import AmountLaw, EventsPerYear, FrequencyLaw
from fangpinbao.scenario.reinsurance import FinancialTerms

__all__ = [
    "AreaPeril",
    "Attenuation",
    "Casualties",
    "Catastrophe",
    "Contract",
    "Curve",
    "Damage",
    "Earthquake",
    "LognormalCurve",
    "PointCurve",
    "Tier",
    "Trigger",
    "Zone",
]

Place = Annotated[list[float], Field(min_length=2, max_length=2, description="[longitude, latitude]")]
Warnings = Literal["blue", "yellow", "orange", "red"]


class LognormalCurve(Table):
    """A rate that rises with intensity x as the lognormal distribution, Phi(ln(x / theta) / beta)."""

    law: Literal["lognormal_curve"]
    theta: Positive
    beta: Positive


class PointCurve(Table):
    """A rate at rising intensities, log-linear between, nothing below the first, flat beyond the last."""

    law: Literal["points"]
    at: Annotated[list[NonNegative], Field(min_length=1)]
    rates: Annotated[list[Annotated[float, Field(strict=True, gt=0, le=1)]], Field(min_length=1)]

    @rule
    def _paired(self) -> Iterator[Problem]:
        if len(self.at) != len(self.rates):
            yield Problem("", f"has {len(self.at)} intensities but {len(self.rates)} rates. Pair them.")

    @rule
    def _rising(self) -> Iterator[Problem]:
        if self.at != sorted(set(self.at)):
            yield Problem("at", f"= {self.at} must rise. Sort the intensities.")


Curve = Annotated[LognormalCurve | PointCurve, Field(discriminator="law")]


class Casualties(Table):
    """How many of the people of a cell are killed, disabled or burned, given its intensity.

    A person is killed with the chance ``deaths`` times the factors; per death so many others are disabled,
    and burned. ``event_factor`` is common to all people of one event.
    """

    deaths: Curve
    disabled_per_death: NonNegative = 0.0
    burned_per_death: Annotated[NonNegative, Field(description="burned without being disabled")] = 0.0
    burned_among_disabled: Annotated[Share, Field(description="share of the disabled burned as well")] = 0.0
    grades: Annotated[
        list[NonNegative],
        Field(min_length=10, max_length=10, description="relative frequency of disability grades 1 to 10"),
    ] = [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]
    burn_degrees: Annotated[
        list[NonNegative], Field(min_length=3, max_length=3, description="of severe, medium, light burns")
    ] = [1, 1, 1]
    event_factor: Annotated[AmountLaw | None, Field(description="common to an event; mean 1")] = None
    urban_factor: Annotated[NonNegative, Field(description="on people in engineered buildings")] = 1.0
    rural_factor: Annotated[NonNegative, Field(description="on all others")] = 1.0
    exposed: Literal["everyone", "indoors", "outdoors"] = "everyone"
    most: Annotated[Share, Field(gt=0, description="highest chance that a person is a casualty")] = 0.9

    @rule
    def _some_grade(self) -> Iterator[Problem]:
        if sum(self.grades) <= 0:
            yield Problem("grades", "has no frequency above zero. Give one.")

    @rule
    def _some_degree(self) -> Iterator[Problem]:
        if sum(self.burn_degrees) <= 0:
            yield Problem("burn_degrees", "has no frequency above zero. Give one.")

    @rule
    def _factor_of_mean_one(self) -> Iterator[Problem]:
        mean = 1.0 if self.event_factor is None else self.event_factor.core().mean()
        if abs(mean - 1) > 0.01:
            yield Problem(
                "event_factor",
                f"has the mean {mean:.4g}; it must be 1, so that it adds spread and no level. "
                "Change its parameters.",
            )


class Damage(Table):
    """What an event does to households of a cell, for programmes that insure households."""

    hit: Annotated[Curve, Field(description="share of households whose dwelling is damaged")]
    loss: Annotated[Curve, Field(description="share of the dwelling's value lost where it is damaged")]
    injured_per_death: Annotated[NonNegative, Field(description="treated for injury, per death")] = 3.0


class WarningLevels(Table):
    """Sizes from which a warning of each level is given."""

    blue: NonNegative | None = None
    yellow: NonNegative | None = None
    orange: NonNegative | None = None
    red: NonNegative | None = None

    @rule
    def _rising(self) -> Iterator[Problem]:
        given = [
            size for name in ("blue", "yellow", "orange", "red") if (size := getattr(self, name)) is not None
        ]
        if given != sorted(set(given)):
            yield Problem("", f"= {given} must rise from blue to red. Sort them.")


class _Peril(Table):
    label: Label | None = None
    months: Annotated[ByMonth | None, Field(description="relative frequency by month; absent: any day")] = (
        None
    )
    hours: Annotated[ByHour | None, Field(description="relative frequency by hour; absent: any hour")] = None
    casualties: Casualties
    damage: Damage | None = None
    warning_levels: WarningLevels | None = None
    declared_from: Annotated[
        NonNegative | None, Field(description="a disaster is declared from this size")
    ] = None

    @rule
    def _some_month(self) -> Iterator[Problem]:
        if self.months is not None and sum(self.months) <= 0:
            yield Problem("months", "is zero throughout. Raise one, or drop it.")

    @rule
    def _some_hour(self) -> Iterator[Problem]:
        if self.hours is not None and sum(self.hours) <= 0:
            yield Problem("hours", "is zero throughout. Raise one, or drop it.")


class Axis(Table):
    """Intensity along one axis: constant + magnitude x M - distance x lg(R + offset_km)."""

    constant: Annotated[float, Field(strict=True)]
    magnitude: Positive
    distance: Positive
    offset_km: Positive


class Attenuation(Table):
    """Elliptic attenuation of intensity, with its scatter."""

    long: Axis
    short: Axis
    sigma: NonNegative
    between_share: Annotated[Share, Field(description="share of the variance common to an event")] = 0.5

    @rule
    def _one_magnitude(self) -> Iterator[Problem]:
        if self.long.magnitude != self.short.magnitude:
            yield Problem("", "differ in magnitude along the axes. Both axes share it.")


class Zone(Table):
    """A seismic source: a band along a line, with a truncated Gutenberg-Richter law of magnitude."""

    label: Label | None = None
    events_per_year: Annotated[EventsPerYear, Field(description="earthquakes from the smallest magnitude on")]
    smallest: Positive
    largest: Positive
    b_value: Positive
    start: Place
    end: Place
    width_km: Positive
    attenuation: Name

    @rule
    def _ordered(self) -> Iterator[Problem]:
        if self.smallest >= self.largest:
            yield Problem(
                "smallest", f"= {self.smallest:g} must lie below the largest ({self.largest:g}). Lower it."
            )

    @rule
    def _has_a_direction(self) -> Iterator[Problem]:
        if self.start == self.end:
            yield Problem("end", "is the start as well, so the zone has no direction. Move it.")


class Earthquake(_Peril):
    """Earthquakes; their size is the magnitude, a cell's intensity is in degrees of the Chinese scale."""

    zones: Annotated[dict[Name, Zone], Field(min_length=1)]
    attenuation: Annotated[dict[Name, Attenuation], Field(min_length=1)]
    local_scatter: Annotated[
        Share,
        Field(
            description="part of the scatter within an event that is drawn; 0 where the fatality curve was fitted "
            "to median intensities, and so contains it"
        ),
    ] = 1.0
    smallest_intensity: Annotated[Positive, Field(description="cells below are not hit")] = 5.5
    aftershocks: Aftershocks | None = None

    @rule
    def _aftershocks(self) -> Iterator[Problem]:
        if self.aftershocks is not None:
            for problem in self.aftershocks.problems(max(zone.largest for zone in self.zones.values())):
                yield Problem(f"aftershocks.{problem.place}".rstrip("."), problem.message)


class Footprint(Table):
    """A circle of cells around a centre."""

    centre: Annotated[Name | None, Field(description="susceptibility column; absent: as residents")] = None
    radius_km: AmountLaw
    edge: Annotated[Share, Field(description="size at the edge over that at the centre, linear between")] = (
        1.0
    )


class AreaPeril(_Peril):
    """A peril that strikes a circle of cells with one size (rain, wind, snow ...)."""

    frequency: FrequencyLaw
    year_factor: Annotated[
        AmountLaw | None, Field(description="multiplier of the rate of a year; mean 1")
    ] = None
    size: AmountLaw
    size_unit: str = ""
    footprint: Footprint

    @rule
    def _factor(self) -> Iterator[Problem]:
        if self.year_factor is not None and self.frequency.law == "bernoulli":
            yield Problem("year_factor", "cannot multiply a bernoulli chance. Use a poisson frequency.")


class CatalogueFile(Table):
    """Events from a file in place of generated ones: a model's catalogue, or what happened."""

    file: Annotated[str, Field(description="CSV or Parquet, beside the scenario file")]
    years: Annotated[Count | None, Field(description="years the file covers, where it has a column year")] = (
        None
    )


class Tier(Table):
    """Years with such an event form a stratum; the first tier that an event fits counts."""

    peril: Name
    zones: Annotated[list[Name] | None, Field(min_length=1, description="earthquakes of these zones")] = None
    from_size: NonNegative
    share_of_years: Annotated[Share, Field(ge=1e-4, lt=1, description="of the simulated years")]


class Trigger(Table):
    """An event counts if one of these conditions is met; absent conditions are not looked at."""

    size: Annotated[NonNegative | None, Field(description="magnitude, or the peril's size")] = None
    intensity: Annotated[NonNegative | None, Field(description="highest intensity of a cell hit")] = None
    warning: Annotated[Warnings | None, Field(description="a warning of at least this level")] = None
    declared: Annotated[YesNo, Field(description="a disaster is declared")] = False
    deaths: Annotated[Count | None, Field(description="dead of the event, all cells")] = None

    @rule
    def _some(self) -> Iterator[Problem]:
        if not self.declared and all(
            getattr(self, name) is None for name in ("size", "intensity", "warning", "deaths")
        ):
            yield Problem("", "has no condition. Give size, intensity, warning, declared or deaths.")


class Observed(Table):
    """What is known to have happened since the contract began."""

    months: Annotated[Whole, Field(ge=1, le=12)]
    claims: Annotated[Whole, Field(ge=0)]


class Contract(Table):
    """A contract that pays fixed sums for death, disability and burns of whoever is in the area."""

    label: Label | None = None
    perils: Annotated[list[Name], Field(min_length=1)]
    per_person: Annotated[
        PositiveYuan, Field(description="limit per person and event, shared by all injuries")
    ]
    death_share: Annotated[Share, Field(description="of per_person")] = 1.0
    disability_scale: Annotated[
        list[Share], Field(min_length=10, max_length=10, description="of per_person, grades 1 to 10")
    ] = [1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1]
    burn_scale: Annotated[
        list[Share], Field(min_length=3, max_length=3, description="of per_person: severe, medium, light")
    ] = [1.0, 0.5, 0.1]
    per_event: Annotated[Yuan | None, Field(description="limit per event, all persons")] = None
    cumulative: Annotated[Yuan | None, Field(description="limit of all events, used up in date order")] = None
    cumulative_over: Literal["year", "term"] = "year"
    hours_clause: Annotated[
        dict[Name, Positive], Field(description="events of a peril within so many hours are one")
    ] = {}
    triggers: dict[Name, Trigger] = {}
    premium: Annotated[Yuan | None, Field(description="yuan a year")] = None
    premium_per_resident: Yuan | None = None
    payer: Label | None = None
    observed: Observed | None = None

    @rule
    def _one_premium(self) -> Iterator[Problem]:
        if self.premium is not None and self.premium_per_resident is not None:
            yield Problem("premium", "stands beside premium_per_resident. Keep one.")

    @rule
    def _hours_have_an_effect(self) -> Iterator[Problem]:
        for peril in self.hours_clause:
            if peril not in self.triggers and self.per_event is None:
                yield Problem(
                    f"hours_clause.{peril}",
                    "has no effect: the contract has neither a limit per event nor a trigger for this peril. "
                    "Add one of them, or drop it.",
                )


class Catastrophe(FinancialTerms):
    """Catastrophe insurance of a region, and who bears its losses."""

    first_month: Annotated[
        Whole, Field(ge=1, le=12, description="month in which a simulated year begins")
    ] = 1
    term_years: Annotated[Whole, Field(ge=1, le=60, description="years of a term, simulated together")] = 1
    cells: Cells
    exposure: Exposure
    earthquake: Earthquake | None = None
    perils: dict[Name, AreaPeril] = {}
    catalogue: CatalogueFile | None = None
    tiers: list[Tier] = []
    contracts: Annotated[dict[Name, Contract], Field(min_length=1)]
