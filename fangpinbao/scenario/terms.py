"""Payout terms: what a layer or coverage pays for an amount, at which level, to whom.

Every set of terms becomes one piecewise linear schedule (``fangpinbao.core.schedule``).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from fangpinbao.scenario.base import (
    Chance,
    Label,
    Name,
    NonNegative,
    Positive,
    Share,
    Table,
    YesNo,
    Yuan,
    refuse,
)
from fangpinbao.scenario.vocabulary import HouseholdClass, Stage

__all__ = [
    "AggregateLimit",
    "Band",
    "Coverage",
    "Exposure",
    "Filter",
    "IncomeTest",
    "Loading",
    "PayerKind",
    "ScaleStep",
    "SpendingTest",
    "Terms",
    "TopUp",
    "Variant",
]


class Filter(Table):
    """Which persons or households are meant; an empty filter means all. Conditions must all hold."""

    classes: Annotated[list[HouseholdClass] | None, Field(min_length=1)] = None
    townships: Annotated[list[str] | None, Field(min_length=1)] = None
    age_from: Annotated[int | None, Field(ge=0, le=120, description="youngest age in years")] = None
    age_to: Annotated[int | None, Field(ge=0, le=120, description="oldest age in years, included")] = None
    sex: Literal["male", "female"] | None = None
    schooling: Annotated[list[Stage] | None, Field(min_length=1)] = None
    enrolled: Annotated[YesNo | None, Field(description="enrolled in the basic medical scheme")] = None
    lifted_out: Annotated[YesNo | None, Field(description="household was lifted out of poverty")] = None
    dibao: YesNo | None = None
    tekun: YesNo | None = None
    income_per_head_below: Annotated[
        Yuan | None, Field(description="registered income per head, tested before the year")
    ] = None
    income_per_head_from: Annotated[
        Yuan | None, Field(description="registered income per head, this or more")
    ] = None
    tags: Annotated[list[Name] | None, Field(min_length=1, description="bears any of these tags")] = None
    without_tags: Annotated[
        list[Name] | None, Field(min_length=1, description="bears none of these tags; no member does")
    ] = None

    @model_validator(mode="after")
    def _ages(self) -> Filter:
        if self.age_from is not None and self.age_to is not None and self.age_from > self.age_to:
            refuse(
                f"= {self.age_from} is above age_to ({self.age_to}), so nobody fits. Swap them.", "age_from"
            )
        below, at_least = self.income_per_head_below, self.income_per_head_from
        if below is not None and at_least is not None and at_least >= below:
            refuse(
                f"= {at_least:g} is not below income_per_head_below ({below:g}), so nobody fits. Swap them.",
                "income_per_head_from",
            )
        return self

    def is_empty(self) -> bool:
        """Return whether every unit fits."""
        return all(
            getattr(self, name) is None for name in Filter.model_fields if name not in ("source", "note")
        )


class Band(Table):
    """A band of the amount above the deductible's start, up to ``up_to`` (absent: no end), at a rate."""

    rate: Share
    up_to: Yuan | None = None


class ScaleStep(Table):
    """A fixed sum from a number of points on (death or disability grade, 11 = death)."""

    points: NonNegative
    pays: Yuan


Order = Literal["deductible", "share", "cap"]


class Terms(Table):
    """A payout as a function of one amount x.

    By default ``deductible``, then bands or ``rate`` on the rest, then ``limit`` on the payment.
    ``order`` lists another sequence: with ``["cap", "deductible", "share"]`` the limit caps the loss first
    (a maximum covered loss). Bands are in terms of the whole amount x, and the part of x below the
    deductible is never paid. Below the franchise (the warning line) nothing is paid; from it on, the terms
    apply to the whole amount.
    """

    deductible: Yuan = 0.0
    franchise: Annotated[Yuan, Field(description="nothing is paid unless the amount reaches it")] = 0.0
    rate: Share | None = None
    bands: Annotated[list[Band] | None, Field(min_length=1)] = None
    limit: Annotated[Yuan | None, Field(description="most that is paid per unit")] = None
    order: Annotated[list[Order] | None, Field(min_length=1, max_length=3)] = None
    scale: Annotated[list[ScaleStep] | None, Field(min_length=1, description="fixed sums by points")] = None
    fixed_sum: Annotated[Yuan | None, Field(description="paid whole when anything happens at all")] = None

    @model_validator(mode="after")
    def _consistent(self) -> Terms:
        if self.rate is not None and self.bands is not None:
            refuse("gives both rate and bands; one of them would be ignored. Keep one.")
        if self.franchise and self.deductible >= self.franchise:
            refuse(
                f"= {self.franchise:g} lies at or below the deductible ({self.deductible:g} yuan), so it has no "
                "effect. Raise it, or drop it.",
                "franchise",
            )
        if self.bands is not None:
            self._check_bands(self.bands)
        if self.order is not None:
            if self.bands is not None:
                refuse(
                    "gives bands and an order; an order is for deductible, rate and limit. Drop one.", "order"
                )
            if len(set(self.order)) != len(self.order):
                refuse(f"= {self.order} names a step twice. Name each once.", "order")
        if self.fixed_sum is not None or self.scale is not None:
            graded = ("deductible", "franchise", "rate", "bands", "limit", "order")
            given = [name for name in graded if getattr(self, name)]
            if given or (self.fixed_sum is not None and self.scale is not None):
                other = given[0] if given else "scale"
                name = "fixed_sum" if self.fixed_sum is not None else "scale"
                refuse(f"is paid whole, so {other} beside it has no effect. Drop one of them.", name)
        if self.scale is not None:
            points = [step.points for step in self.scale]
            if points != sorted(set(points)):
                refuse("must list its points in rising order, each once. Sort them.", "scale")
        return self

    def _check_bands(self, bands: list[Band]) -> None:
        lower = 0.0
        for number, band in enumerate(bands):
            last = number == len(bands) - 1
            if band.up_to is None:
                if not last:
                    refuse(
                        "has no up_to but is not the last band. Give it an end, or move it to the end.",
                        f"bands[{number}]",
                    )
                continue
            if band.up_to <= self.deductible:
                refuse(
                    f"= {band.up_to:g} lies at or below the deductible ({self.deductible:g} yuan), so that band "
                    "can never pay. Raise it, or lower the deductible.",
                    f"bands[{number}].up_to",
                )
            if band.up_to <= lower:
                refuse(
                    f"= {band.up_to:g} does not lie above the band before it ({lower:g} yuan). "
                    "List the bands from low to high.",
                    f"bands[{number}].up_to",
                )
            lower = band.up_to


class Variant(Terms):
    """Other terms for some of the units; the first variant whose filter fits applies."""

    where: Filter


class IncomeTest(Table):
    """Pays only where income per head lies below a line.

    ``after_shock`` tests income less lost income and the out-of-pocket cost in the stack "none";
    ``before_year`` tests the registered income.
    """

    per_head_below: Yuan
    moment: Literal["before_year", "after_shock"] = "after_shock"


class SpendingTest(Table):
    """Pays only where the year's rigid spending in the stack "none" exceeds a multiple of income."""

    times_income: NonNegative = 1.0


class Loading(Table):
    """What is added to the pure premium."""

    expense_share: Annotated[Share, Field(description="of the gross premium")] = 0.0
    risk_share_of_sd: Annotated[NonNegative, Field(description="of the payout's standard deviation")] = 0.0


class AggregateLimit(Table):
    """A limit over all units in a year, and what happens when it binds."""

    limit: Yuan
    rule: Literal["pro_rata", "first_come", "topped_up"]


Unit = Literal["event", "discharge", "person_year", "household_year"]
PayerKind = Literal["public", "insurer", "hospital", "household"]


class Exposure(Table):
    """What a coverage counts its insured by: a person, a loan, a sheep.

    ``each`` and ``sum_each`` say what one insured person or household of the simulated list stands for, so
    that a payout becomes a claims cost per unit or per yuan insured. They move nothing.
    """

    unit: Annotated[Label, Field(description="what is insured")]
    counted: Annotated[
        Literal["persons", "households"], Field(description="what of the simulated list is counted")
    ] = "persons"
    where: Annotated[Filter, Field(description="whose units are insured, of those the programme insures")] = (
        Filter()
    )
    each: Annotated[Positive, Field(description="units of each counted person or household")] = 1.0
    sum_each: Annotated[Yuan | None, Field(description="sum insured of one unit")] = None


class Coverage(Terms):
    """A step of a stack: a public layer or a coverage of a programme.

    ``accounts`` are read together: what remains of them after the steps before is summed per ``unit`` and
    the payment is credited back in proportion. ``per_event``, then the terms of the table itself, then
    ``per_household`` are nested: each works on the payment of the one before. A discharge is an equal part
    of the person's medical cost of the year: with n discharges of cost x in all, n times the terms of x / n.
    """

    label: Label | None = None
    payer: Annotated[Label | None, Field(description="who pays")] = None
    payer_kind: Annotated[
        PayerKind | None,
        Field(
            description="kind of the payer; absent: public for layers and public rules, insurer for coverages; "
            "household marks the household's own share ahead of later steps and pays nothing"
        ),
    ] = None
    exposure: Annotated[Exposure | None, Field(description="what the product is counted by")] = None
    accounts: Annotated[list[Name], Field(min_length=1)]
    base: Annotated[
        Literal["all", "in_scope", "out_of_scope"],
        Field(description="whole cost, or the part within or outside the basic scheme's catalogue"),
    ] = "all"
    unit: Annotated[Unit, Field(description="what one deductible and limit stands for")] = "person_year"
    where: Annotated[Filter, Field(description="who can be paid")] = Filter()
    variants: list[Variant] = []
    per_event: Annotated[Terms | None, Field(description="terms on each single event, before the others")] = (
        None
    )
    per_household: Annotated[Terms | None, Field(description="terms on the household's total")] = None
    income_test: IncomeTest | None = None
    spending_test: SpendingTest | None = None
    take_up: Annotated[Chance, Field(description="chance a household that could be paid is paid")] = 1.0
    waiting_days: Annotated[int, Field(ge=0, le=365, description="events of the first days do not count")] = 0
    paid_within_year: Annotated[
        Share, Field(description="share of the payment that comes within the year")
    ] = 1.0

    @model_validator(mode="after")
    def _nested(self) -> Coverage:
        if self.unit == "event" and self.per_event is not None:
            refuse('repeats unit = "event". Put the terms in one place.', "per_event")
        if self.variants and self.unit == "event":
            refuse(
                'cannot stand beside unit = "event": one set of terms applies to every event. '
                "Make one coverage for each group, with its own where.",
                "variants",
            )
        if self.waiting_days and self.per_event is None and self.unit != "event":
            refuse(
                f'= {self.waiting_days} needs terms per event (unit = "event" or a per_event table), '
                "because only events have a date. Add per_event = { rate = 1.0 }.",
                "waiting_days",
            )
        if self.payer_kind == "household" and self.paid_within_year > 0:
            refuse(
                f"= {self.paid_within_year:g} would count the household's own share as help. Write 0.",
                "paid_within_year",
            )
        return self


class TopUp(Table):
    """低保-like relief: tops a household's resources up to a standard per head."""

    label: Label | None = None
    payer: Label | None = None
    standard: Annotated[Yuan | None, Field(description="yuan per head; absent: the dibao standard")] = None
    where: Filter = Filter(dibao=True)
    on: Annotated[
        Literal["income", "income_minus_rigid"], Field(description="what is compared with the standard")
    ] = "income_minus_rigid"
    benefits_count: Annotated[YesNo, Field(description="insurance benefits count as income")] = False
    take_up: Chance = 1.0
    paid_within_year: Share = 1.0
