"""The scenario: the one place where a parameter is declared (type, unit, range, meaning)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from fangpinbao.errors import MOST_YEARS, Problem
from fangpinbao.scenario.area_rules import beside_catastrophe
from fangpinbao.scenario.base import (
    Count,
    Label,
    Name,
    NonNegative,
    Positive,
    Seed,
    Share,
    Table,
    Whole,
    Yuan,
    YuanInAll,
    refuse,
    rule,
)
from fangpinbao.scenario.catastrophe import Catastrophe
from fangpinbao.scenario.laws import AmountLaw, Beta, Constant, Discrete, FrequencyLaw, ShareLaw, Uniform
from fangpinbao.scenario.population import AgeBands, ClassMargins, Population
from fangpinbao.scenario.provenance import Source
from fangpinbao.scenario.relief import ReliefEntry
from fangpinbao.scenario.risk import Detection, Risk
from fangpinbao.scenario.terms import AggregateLimit, Coverage, Filter, Loading, SharedLimit, TopUp
from fangpinbao.scenario.vocabulary import HouseholdClass, Level, Stage

__all__ = [
    "Booking",
    "CertainCost",
    "ClassMargins",
    "EverInsured",
    "Factors",
    "Lines",
    "Peril",
    "Population",
    "Programme",
    "Record",
    "ScenarioModel",
    "Source",
    "YearFactor",
]


class Factors(Table):
    """Multipliers of a probability or amount by the person's or household's attributes (default 1)."""

    age: AgeBands | None = None
    sex: dict[Literal["male", "female"], NonNegative] | None = None
    classes: dict[HouseholdClass, NonNegative] | None = None
    schooling: dict[Stage, NonNegative] | None = None


class YearFactor(Table):
    """A multiplier of rates shared by everybody in a simulated year (an epidemic, a bad year)."""

    label: Label | None = None
    amount: Annotated[AmountLaw, Field(description="law of the multiplier; its mean should be near 1")]


def _as_law(value: Any) -> Any:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return {"law": "constant", "amount": value} if is_number else value


def _at_most_one(law: Constant | Beta | Uniform | Discrete) -> Constant | Beta | Uniform | Discrete:
    largest = {
        "constant": lambda: law.amount,  # type: ignore[union-attr]
        "uniform": lambda: law.high,  # type: ignore[union-attr]
        "discrete": lambda: max(law.values),  # type: ignore[union-attr]
    }.get(law.law, lambda: 1.0)()
    if largest > 1:
        refuse(f"reaches {largest:g}, but a share is at most 1. Lower it (0.8 means 80%).")
    return law


SharedPart = Annotated[
    ShareLaw, BeforeValidator(_as_law, json_schema_input_type=float | ShareLaw), AfterValidator(_at_most_one)
]

Times = Literal[
    "income_per_head", "household_income", "consumption_per_head", "assets", "grade", "share_lost", "benefit"
]
Harm = Literal["dead", "disabled", "burned", "injured", "damaged"]


class Booking(Table):
    """What an event costs: an amount booked to an account.

    A person account booked by a household or township peril is booked for each member of a household that
    is hit, each with ``chance``. A household account booked by a person peril is booked to the person's
    household.

    Where a catastrophe strikes (``events_from``), ``harm`` says whom a booking is for: members who are dead,
    disabled, burned (and not disabled) or treated for an injury, or households whose dwelling is damaged. The amount
    can then be a multiple of the disability grade (11: death), of the share lost of a dwelling's value, or of the
    benefit that a catastrophe contract owes the person, one point a yuan.
    """

    account: Name
    amount: Annotated[AmountLaw, Field(description="yuan; a multiple if times is given; points for points")]
    chance: Annotated[Share, Field(description="chance that the event costs this at all")] = 1.0
    times: Annotated[Times | None, Field(description="the amount is a multiple of this column")] = None
    harm: Annotated[list[Harm], Field(description="of events of a catastrophe: for whom")] = []
    contract: Annotated[Name | None, Field(description="catastrophe contract of the benefit")] = None
    factors: Factors = Factors()
    in_scope_share: Annotated[
        SharedPart, Field(description="share within the basic scheme's catalogue (medical accounts)")
    ] = Constant(law="constant", amount=1.0)


class Peril(Table):
    """A cause of cost: who is exposed, how often it strikes, what it books to which accounts."""

    label: Label | None = None
    exposed: Annotated[
        Literal["person", "household", "township"],
        Field(description="unit the frequency is counted for; a township's event hits a share of households"),
    ]
    where: Filter = Filter()
    frequency: FrequencyLaw | None = None
    events_from: Annotated[
        Name | None, Field(description="catastrophe whose events strike the townships named as its cells")
    ] = None
    factors: Factors = Factors()
    year_factors: list[Name] = []
    amount_per: Annotated[
        Literal["event", "year"],
        Field(description="one amount per event, or one for the year whatever the number of events"),
    ] = "event"
    share_hit: Annotated[SharedPart | None, Field(description="share of a township's households hit")] = None
    books: Annotated[list[Booking], Field(min_length=1)]

    @rule
    def _events(self) -> Iterator[Problem]:
        if self.events_from is not None:
            yield from beside_catastrophe(self)
        elif self.frequency is None:
            yield Problem("frequency", "is missing. Give it, or events_from for the events of a catastrophe.")

    @rule
    def _share_hit(self) -> Iterator[Problem]:
        if self.events_from is not None:
            return
        if self.exposed == "township" and self.share_hit is None:
            yield Problem(
                "share_hit",
                'is missing; a township\'s event needs it. Add e.g. { law = "constant", amount = 0.1 }.',
            )
        if self.share_hit is not None and self.exposed != "township":
            yield Problem(
                "share_hit", f'only has a meaning where exposed = "township", not "{self.exposed}". Drop it.'
            )

    @rule
    def _amounts_of_events(self) -> Iterator[Problem]:
        if self.exposed == "township" and self.amount_per == "year":
            yield Problem("amount_per", '= "year" is for persons and households. Use amount_per = "event".')


class CertainCost(Table):
    """A cost that comes every year, without chance: school fees, self-bought medicine."""

    label: Label | None = None
    account: Name
    where: Filter = Filter()
    amount: Annotated[
        AmountLaw | None, Field(description="yuan a year; drawn once for each person or household")
    ] = None
    by_schooling: Annotated[dict[Stage, NonNegative] | None, Field(description="yuan a year by stage")] = None
    in_scope_share: Share = 1.0

    @rule
    def _one_amount(self) -> Iterator[Problem]:
        if (self.amount is None) == (self.by_schooling is None):
            yield Problem("", "needs exactly one of amount and by_schooling. Keep one.")


class Lines(Table):
    """The four lines of a place, yuan per head and year, and the resource they are compared with."""

    poverty_line: Positive
    monitoring_line: Positive
    dibao_standard: Yuan | None = None
    resource: Literal["income", "income_minus_rigid", "assets"]
    dwelling_repair_share: Annotated[
        Share, Field(description="share of a property loss that must be repaired within the year")
    ] = 0.0
    food_share: Annotated[
        Share, Field(description="share of consumption that is subsistence, for capacity to pay")
    ] = 0.0
    catastrophic_share: Annotated[
        Share, Field(lt=1, description="medical spending is catastrophic from this share of capacity to pay")
    ] = 0.4


class Record(Table):
    """A published figure of the place that no number is fitted to; it stands beside the results."""

    label: Label
    value: Annotated[float, Field(strict=True, allow_inf_nan=False)]
    unit: Annotated[str, Field(description="in words: yuan, households, ratio")]


class EverInsured(Table):
    """What a product insured over all its policy years, as published: records, not inputs of the simulation."""

    times: Annotated[NonNegative | None, Field(description="units insured, summed over policy years")] = None
    sum_insured: Annotated[YuanInAll | None, Field(description="sums insured, summed over policy years")] = (
        None
    )


class Programme(Table):
    """A product or a set of public rules: coverages, in order, on top of or among the public layers.

    With ``kind = "rules"`` the coverages are public layers (or other payers' shares, see ``payer_kind``) that
    replace or add to those of "none": there is no insurer, so no premium, payout or claims are reported, and
    the public cost is the change of what public payers pay.
    """

    label: Label | None = None
    like: Annotated[
        Name | None,
        Field(description="another programme, which this one is like but for what stands here"),
    ] = None
    kind: Annotated[
        Literal["insurance", "rules"], Field(description="an insurance contract, or other public rules")
    ] = "insurance"
    insured: Annotated[Filter, Field(description="who is insured")] = Filter()
    coverages: dict[Name, Coverage] = {}
    relief: Annotated[
        dict[Name, ReliefEntry], Field(description="relief it pays to households, after the stack, in order")
    ] = {}
    stack: Annotated[
        list[Name] | None,
        Field(
            min_length=1, description="order of public layers and coverages; absent: layers, then coverages"
        ),
    ] = None
    premium_per_insured: Annotated[Yuan | None, Field(description="agreed premium a person-year")] = None
    household_share: Annotated[Share, Field(description="share of the premium households pay themselves")] = (
        0.0
    )
    other_share: Annotated[
        Share, Field(description="share of the premium from other than public money or the insured")
    ] = 0.0
    ever_insured: Annotated[EverInsured | None, Field(description="cumulative record of the product")] = None
    aggregate: AggregateLimit | None = None
    shared_limits: Annotated[
        dict[Name, SharedLimit], Field(description="limits that several coverages use up together")
    ] = {}
    detection: Annotated[
        Name | None,
        Field(
            description="the detection design by which its families are found; replaces take_up and "
            "paid_within_year of its coverages"
        ),
    ] = None
    loading: Loading = Loading()
    administration: Annotated[
        Yuan, Field(description="government's own cost a year, outside the premium")
    ] = 0.0

    @rule
    def _pays_something(self) -> Iterator[Problem]:
        if not self.coverages and not (self.relief and self.kind == "rules"):
            yield Problem(
                "coverages",
                'is empty. Add a coverage, or write kind = "rules" where relief alone is paid.'
                if self.relief
                else "is empty. Add a coverage, or relief.",
            )

    @rule
    def _shares_of_the_premium(self) -> Iterator[Problem]:
        total = self.household_share + self.other_share
        if total > 1 + 1e-9:
            yield Problem("other_share", f"and household_share sum to {total:g}, above 1. Lower one.")

    @rule
    def _rules_have_no_contract(self) -> Iterator[Problem]:
        if self.kind == "rules":
            for name in ("premium_per_insured", "household_share", "other_share", "aggregate", "detection"):
                if getattr(self, name):
                    yield Problem(name, 'belongs to an insurance contract, not to kind = "rules". Drop one.')

    @rule
    def _one_shared_limit(self) -> Iterator[Problem]:
        seen: dict[str, str] = {}
        for name, shared in self.shared_limits.items():
            for k, coverage in enumerate(shared.coverages):
                place = f"shared_limits.{name}.coverages[{k}]"
                if coverage not in self.coverages:
                    known = ", ".join(self.coverages)
                    yield Problem(place, f"= {coverage!r} is not a coverage of this programme ({known}).")
                elif coverage in seen:
                    yield Problem(place, f"= {coverage!r} stands in {seen[coverage]} already. Name it once.")
                seen[coverage] = f"shared_limits.{name}"

    @rule
    def _shared_by_fixed_sums(self) -> Iterator[Problem]:
        for name, shared in self.shared_limits.items():
            order = [step for step in self.stack or self.coverages if step in shared.coverages]
            for k, step in enumerate(step for step in order if step in self.coverages):
                coverage = self.coverages[step]
                place, alone = f"coverages.{step}", f"is not possible beside shared_limits.{name}"
                if coverage.scale is not None or coverage.fixed_sum is not None:
                    if coverage.per_household is not None:
                        yield Problem(f"{place}.per_household", f"{alone}. Drop one of them.")
                elif k > 0:
                    yield Problem(
                        place,
                        f"{alone}: it pays for costs, and only the first of the stack may. Put it first.",
                    )
                elif shared.per == "event":
                    yield Problem(
                        place, f"{alone}: it pays for costs, which share no limit of an event. Leave it out."
                    )
                elif coverage.unit != shared.per:
                    yield Problem(
                        f"{place}.unit",
                        f'= "{coverage.unit}" {alone}, which is per {shared.per}. Align them.',
                    )
                elif any(
                    terms.limit is None or terms.limit > shared.limit
                    for terms in (coverage, *coverage.variants)
                ):
                    yield Problem(
                        f"{place}.limit",
                        f"must not be above that of shared_limits.{name} ({shared.limit:g} yuan).",
                    )

    @rule
    def _payers_fit(self) -> Iterator[Problem]:
        fit = ("public", "hospital", "household") if self.kind == "rules" else ("insurer",)
        for name, coverage in self.coverages.items():
            if coverage.payer_kind not in (None, *fit):
                yield Problem(
                    f"coverages.{name}.payer_kind",
                    f'= "{coverage.payer_kind}" does not fit kind = "{self.kind}", so nobody would count what it pays. '
                    f"Write {' or '.join(fit)}, or drop it.",
                )


class Simulation(Table):
    """Defaults of a run."""

    years: Annotated[Count, Field(le=MOST_YEARS)] = 10_000
    seed: Seed = 1


class AccountTable(Table):
    """An account beside the built-in ones."""

    level: Level
    kind: Literal["medical", "education", "stock", "income", "points"]
    label: Label

    @rule
    def _fits_level(self) -> Iterator[Problem]:
        allowed = ("medical", "education", "points") if self.level == "person" else (
            "medical", "education", "stock", "income"
        )  # fmt: skip
        if self.kind not in allowed:
            yield Problem(
                "kind", f'= "{self.kind}" is not for a {self.level}. Choose one of {", ".join(allowed)}.'
            )


class ScenarioModel(BaseModel):
    """A whole scenario file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal[1]
    name: Name
    title: Label
    place: str | None = None
    calendar_year: Annotated[Whole, Field(ge=1990, le=2100)] = 2020
    note: str | None = None
    sources: dict[str, Source] = {}
    simulation: Simulation = Simulation()
    lines: Lines | None = None
    population: Annotated[
        Population,
        Field(
            default_factory=Population.model_construct,
            description="households; a catastrophe contract needs none",
        ),
    ]
    accounts: dict[Name, AccountTable] = {}
    year_factors: dict[Name, YearFactor] = {}
    perils: dict[Name, Peril] = {}
    certain_costs: dict[Name, CertainCost] = {}
    layers: dict[Name, Coverage] = {}
    relief: dict[Name, TopUp] = {}
    programmes: dict[Name, Programme] = {}
    records: Annotated[
        dict[Name, Record], Field(description="published figures of the place that nothing is fitted to")
    ] = {}
    risk: Risk = Risk()
    detection: dict[Name, Detection] = {}
    catastrophe: Catastrophe | None = None
