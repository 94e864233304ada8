"""The scenario: the one place where a parameter is declared (type, unit, range, meaning)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from fangpinbao.scenario.base import Count, Label, Name, NonNegative, Positive, Share, Table, Yuan, refuse
from fangpinbao.scenario.catastrophe import Catastrophe
from fangpinbao.scenario.laws import AmountLaw, Beta, Constant, Discrete, FrequencyLaw, ShareLaw, Uniform
from fangpinbao.scenario.risk import Detection, ReliefDesign, Risk
from fangpinbao.scenario.terms import AggregateLimit, Coverage, Filter, Loading, TopUp
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

Status = Literal["official", "published", "assumed"]


class Source(BaseModel):
    """Where numbers come from."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str
    status: Status
    address: str | None = None
    year: str | int | None = None
    note: str | None = None


class AgeBands(Table):
    """A step function of age: ``values[i]`` from age ``from[i]`` to the next."""

    from_: Annotated[list[Annotated[int, Field(ge=0, le=120)]], Field(alias="from", min_length=1)]
    values: Annotated[list[NonNegative], Field(min_length=1)]

    @model_validator(mode="after")
    def _rising(self) -> AgeBands:
        if self.from_[0] != 0 or self.from_ != sorted(set(self.from_)):
            refuse(f"= {self.from_} must start at 0 and rise. Sort the ages.", "from")
        if len(self.from_) != len(self.values):
            refuse(f"has {len(self.from_)} ages but {len(self.values)} values. Pair them.")
        return self


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

Times = Literal["income_per_head", "household_income", "consumption_per_head", "assets"]


class Booking(Table):
    """What an event costs: an amount booked to an account.

    A person account booked by a household or township peril is booked for each member of a household that
    is hit, each with ``chance``. A household account booked by a person peril is booked to the person's
    household.
    """

    account: Name
    amount: Annotated[AmountLaw, Field(description="yuan; a multiple if times is given; points for points")]
    chance: Annotated[Share, Field(description="chance that the event costs this at all")] = 1.0
    times: Annotated[Times | None, Field(description="the amount is a multiple of this column")] = None
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
    frequency: FrequencyLaw
    factors: Factors = Factors()
    year_factors: list[Name] = []
    amount_per: Annotated[
        Literal["event", "year"],
        Field(description="one amount per event, or one for the year whatever the number of events"),
    ] = "event"
    share_hit: Annotated[SharedPart | None, Field(description="share of a township's households hit")] = None
    books: Annotated[list[Booking], Field(min_length=1)]

    @model_validator(mode="after")
    def _townships(self) -> Peril:
        if (self.exposed == "township") != (self.share_hit is not None):
            if self.share_hit is None:
                refuse(
                    'is missing; a township\'s event needs it. Add e.g. { law = "constant", amount = 0.1 }.',
                    "share_hit",
                )
            refuse(
                f'only has a meaning where exposed = "township", not "{self.exposed}". Drop it.', "share_hit"
            )
        if self.exposed == "township" and self.amount_per == "year":
            refuse('= "year" is for persons and households. Use amount_per = "event".', "amount_per")
        return self


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

    @model_validator(mode="after")
    def _one_amount(self) -> CertainCost:
        if (self.amount is None) == (self.by_schooling is None):
            refuse("needs exactly one of amount and by_schooling. Keep one.")
        return self


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


class ClassMargins(Table):
    """How households of one class are made up."""

    share: Annotated[Share, Field(description="share of persons")]
    household_size: Annotated[
        list[NonNegative],
        Field(min_length=1, description="relative frequency of households by size 1, 2, ..."),
    ]
    age: AgeBands
    age_end: Annotated[int, Field(ge=1, le=120, description="end of the last age band")] = 95
    female_share: Share = 0.49
    income_per_head: AmountLaw
    income_from: Annotated[Yuan, Field(description="lower end: the law is cut off below")] = 0.0
    income_to: Annotated[Yuan | None, Field(description="upper end: the law is cut off above")] = None
    consumption_per_head: Annotated[AmountLaw | None, Field(description="absent: equals income")] = None
    assets: Annotated[AmountLaw | None, Field(description="yuan per household")] = None
    lifted_out: Share = 0.0
    dibao: Share = 0.0
    tekun: Share = 0.0
    enrolled: Share = 1.0
    tags: Annotated[
        dict[Name, Share], Field(description="words of one's own on all members: share of households")
    ] = {}
    holder_tags: Annotated[
        dict[Name, Share], Field(description="likewise, on the first adult only: share of households")
    ] = {}

    @model_validator(mode="after")
    def _one_bearer(self) -> ClassMargins:
        both = sorted(set(self.tags) & set(self.holder_tags))
        if both:
            refuse(f"repeats {', '.join(both)} of tags. Keep one of the two.", "holder_tags")
        return self


class Population(Table):
    """Who is simulated: read from a roster, or made from margins."""

    file: Annotated[str | None, Field(description="CSV or Parquet roster; beside the scenario file")] = None
    persons: Annotated[Count | None, Field(description="persons to synthesise")] = None
    seed: Annotated[int, Field(ge=0, description="seed of the synthesis, apart from the simulation's")] = 0
    townships: Annotated[list[str] | int, Field(description="names, or how many")] = 1
    township_shares: list[Positive] | None = None
    classes: dict[HouseholdClass, ClassMargins] = {}
    school_enrolment: Annotated[
        dict[Stage, Share], Field(description="share at school by stage, of those of its ages")
    ] = {}
    residents: Annotated[
        Count | None, Field(description="residents of the place, for premium per resident")
    ] = None

    @model_validator(mode="after")
    def _file_or_margins(self) -> Population:
        if self.file is not None and (self.persons is not None or self.classes):
            refuse("gives both file and margins (persons, classes). Keep one.")
        if self.file is None and self.persons is None:
            refuse("names neither a roster file nor the number of persons. Give one.")
        if self.classes:
            total = sum(margins.share for margins in self.classes.values())
            if abs(total - 1) > 1e-6:
                refuse(f"have shares that sum to {total:g}, not 1. Adjust them.", "classes")
        tags = {tag for margins in self.classes.values() for tag in (*margins.tags, *margins.holder_tags)}
        if len(tags) > 64:
            refuse(f"name {len(tags)} different tags; at most 64 are possible. Drop some.", "classes")
        if isinstance(self.townships, list) and not self.townships:
            refuse("is empty. Name at least one township.", "townships")
        count = self.townships if isinstance(self.townships, int) else len(self.townships)
        if count < 1:
            refuse(f"= {count} must be at least 1.", "townships")
        if self.township_shares is not None and len(self.township_shares) != count:
            refuse(
                f"has {len(self.township_shares)} entries for {count} townships. Pair them.",
                "township_shares",
            )
        return self


class Record(Table):
    """A published figure of the place that no number is fitted to; it stands beside the results."""

    label: Label
    value: Annotated[float, Field(strict=True, allow_inf_nan=False)]
    unit: Annotated[str, Field(description="in words: yuan, households, ratio")]


class EverInsured(Table):
    """What a product insured over all its policy years, as published: records, not inputs of the simulation."""

    times: Annotated[NonNegative | None, Field(description="units insured, summed over policy years")] = None
    sum_insured: Annotated[Yuan | None, Field(description="sums insured, summed over policy years")] = None


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
    coverages: Annotated[dict[Name, Coverage], Field(min_length=1)]
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

    @model_validator(mode="after")
    def _whole(self) -> Programme:
        if self.household_share + self.other_share > 1 + 1e-9:
            total = self.household_share + self.other_share
            refuse(f"and household_share sum to {total:g}, above 1. Lower one.", "other_share")
        if self.kind == "rules":
            for name in ("premium_per_insured", "household_share", "other_share", "aggregate", "detection"):
                if getattr(self, name):
                    refuse('belongs to an insurance contract, not to kind = "rules". Drop one.', name)
        fit = ("public", "hospital", "household") if self.kind == "rules" else ("insurer",)
        for name, coverage in self.coverages.items():
            if coverage.payer_kind not in (None, *fit):
                refuse(
                    f'= "{coverage.payer_kind}" does not fit kind = "{self.kind}", so nobody would count what it pays. '
                    f"Write {' or '.join(fit)}, or drop it.",
                    f"coverages.{name}.payer_kind",
                )
        return self


class Simulation(Table):
    """Defaults of a run."""

    years: Count = 10_000
    seed: Annotated[int, Field(ge=0)] = 1


class AccountTable(Table):
    """An account beside the built-in ones."""

    level: Level
    kind: Literal["medical", "education", "stock", "income", "points"]
    label: Label

    @model_validator(mode="after")
    def _fits_level(self) -> AccountTable:
        allowed = ("medical", "education", "points") if self.level == "person" else (
            "medical", "education", "stock", "income"
        )  # fmt: skip
        if self.kind not in allowed:
            refuse(f'= "{self.kind}" is not for a {self.level}. Choose one of {", ".join(allowed)}.', "kind")
        return self


class ScenarioModel(BaseModel):
    """A whole scenario file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal[1]
    name: Name
    title: Label
    place: str | None = None
    calendar_year: Annotated[int, Field(ge=1990, le=2100)] = 2020
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
    relief_designs: dict[Name, ReliefDesign] = {}
    catastrophe: Catastrophe | None = None
