"""Payout terms: what a layer or coverage pays for an amount, at which level, to whom.

Every set of terms becomes one piecewise linear schedule (``fangpinbao.core.schedule``).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from fangpinbao.errors import Problem
from fangpinbao.scenario.base import (
    Chance,
    Label,
    Name,
    NonNegative,
    Positive,
    Share,
    Table,
    Whole,
    YesNo,
    Yuan,
    rule,
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
    "SharedLimit",
    "SpendingTest",
    "Terms",
    "TopUp",
    "Variant",
]


class Filter(Table):
    """Which persons or households are meant; an empty filter means all. Conditions must all hold."""

    classes: Annotated[list[HouseholdClass] | None, Field(min_length=1)] = None
    townships: Annotated[list[str] | None, Field(min_length=1)] = None
    age_from: Annotated[Whole | None, Field(ge=0, le=120, description="youngest age in years")] = None
    age_to: Annotated[Whole | None, Field(ge=0, le=120, description="oldest age in years, included")] = None
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

    @rule
    def _ages(self) -> Iterator[Problem]:
        if self.age_from is not None and self.age_to is not None and self.age_from > self.age_to:
            yield Problem(
                "age_from", f"= {self.age_from} is above age_to ({self.age_to}), so nobody fits. Swap them."
            )

    @rule
    def _incomes(self) -> Iterator[Problem]:
        below, at_least = self.income_per_head_below, self.income_per_head_from
        if below is not None and at_least is not None and at_least >= below:
            yield Problem(
                "income_per_head_from",
                f"= {at_least:g} is not below income_per_head_below ({below:g}), so nobody fits. Swap them.",
            )

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

    @rule
    def _one_share(self) -> Iterator[Problem]:
        if self.rate is not None and self.bands is not None:
            yield Problem("", "gives both rate and bands; one of them would be ignored. Keep one.")

    @rule
    def _franchise_matters(self) -> Iterator[Problem]:
        if self.franchise and self.deductible >= self.franchise:
            yield Problem(
                "franchise",
                f"= {self.franchise:g} lies at or below the deductible ({self.deductible:g} yuan), so it has no "
                "effect. Raise it, or drop it.",
            )

    @rule
    def _bands_above_the_deductible(self) -> Iterator[Problem]:
        for number, band in enumerate(self.bands or []):
            if band.up_to is not None and band.up_to <= self.deductible:
                yield Problem(
                    f"bands[{number}].up_to",
                    f"= {band.up_to:g} lies at or below the deductible ({self.deductible:g} yuan), so that band "
                    "can never pay. Raise it, or lower the deductible.",
                )

    @rule
    def _bands_rise(self) -> Iterator[Problem]:
        bands = self.bands or []
        lower = 0.0
        for number, band in enumerate(bands):
            if band.up_to is None:
                if number < len(bands) - 1:
                    yield Problem(
                        f"bands[{number}]",
                        "has no up_to but is not the last band. Give it an end, or move it to the end.",
                    )
                continue
            if number and band.up_to <= lower:
                yield Problem(
                    f"bands[{number}].up_to",
                    f"= {band.up_to:g} does not lie above the band before it ({lower:g} yuan). "
                    "List the bands from low to high.",
                )
            lower = band.up_to

    @rule
    def _order(self) -> Iterator[Problem]:
        if self.order is None:
            return
        if len(set(self.order)) != len(self.order):
            yield Problem("order", f"= {self.order} names a step twice. Name each once.")
        if self.bands is not None:
            yield Problem(
                "order",
                "stands beside bands; an order is for deductible, rate and limit. Drop one of them.",
            )

    @rule
    def _paid_whole(self) -> Iterator[Problem]:
        whole = "fixed_sum" if self.fixed_sum is not None else "scale"
        graded = ("deductible", "franchise", "rate", "bands", "limit", "order")
        others = (*graded, "scale") if whole == "fixed_sum" else graded if self.scale is not None else ()
        for other in others:
            if getattr(self, other, None):
                yield Problem(whole, f"is paid whole, so {other} beside it has no effect. Drop one of them.")

    @rule
    def _scale_rises(self) -> Iterator[Problem]:
        points = [step.points for step in self.scale or []]
        if points != sorted(set(points)):
            yield Problem("scale", "must list its points in rising order, each once. Sort them.")


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


class SharedLimit(Table):
    """A limit that coverages of fixed sums use up together, in the order of the stack.

    ``event`` and ``person_year`` hold for each person. A coverage of costs may come first: its payment, the loan
    repaid to a lender say, is taken off what the fixed sums behind it can pay.
    """

    label: Label | None = None
    coverages: Annotated[list[Name], Field(min_length=1, description="coverages of this programme")]
    limit: Annotated[Yuan, Field(description="most that they pay together")]
    per: Literal["event", "person_year", "household_year"]


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
    contract: Annotated[
        Name | None,
        Field(
            description="pays what this catastrophe contract owes, as booked to the accounts; no other terms"
        ),
    ] = None
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
    waiting_days: Annotated[
        Whole, Field(ge=0, le=365, description="events of the first days do not count")
    ] = 0
    paid_within_year: Annotated[
        Share, Field(description="share of the payment that comes within the year")
    ] = 1.0

    @rule
    def _contract_alone(self) -> Iterator[Problem]:
        if self.contract is not None and (given := self._given_terms()):
            yield Problem(
                "contract",
                f"pays what catastrophe.contracts.{self.contract} owes, so {given[0]} beside it has no place. "
                "Drop one of them.",
            )

    @rule
    def _terms_in_one_place(self) -> Iterator[Problem]:
        if self.unit == "event" and self.per_event is not None:
            yield Problem("per_event", 'repeats unit = "event". Put the terms in one place.')

    @rule
    def _one_set_of_terms_for_events(self) -> Iterator[Problem]:
        if self.unit == "event" and self.variants:
            yield Problem(
                "variants",
                'cannot stand beside unit = "event": one set of terms applies to every event. '
                "Make one coverage for each group, with its own where.",
            )

    @rule
    def _events_have_days(self) -> Iterator[Problem]:
        if self.waiting_days and self.unit != "event" and self.per_event is None:
            yield Problem(
                "waiting_days",
                f'= {self.waiting_days} needs terms per event (unit = "event" or a per_event table), '
                "because only events have a date. Add per_event = { rate = 1.0 }.",
            )

    @rule
    def _own_share_is_no_help(self) -> Iterator[Problem]:
        if self.payer_kind == "household" and self.paid_within_year > 0:
            yield Problem(
                "paid_within_year",
                f"= {self.paid_within_year:g} would count the household's own share as help. Write 0.",
            )

    def _given_terms(self) -> list[str]:
        """Terms of a payout that are given."""
        return [
            name
            for name in (*Terms.model_fields, "variants", "per_event")
            if name not in ("source", "note") and getattr(self, name)
        ]


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
