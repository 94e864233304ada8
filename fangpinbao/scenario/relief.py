"""Relief that a programme pays to households: top-ups, sums by head, cost left to bear, exit periods, loans."""

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
    YesNo,
    Yuan,
    rule,
)
from fangpinbao.scenario.terms import Filter, IncomeTest, SpendingTest

__all__ = ["Loan", "Period", "ReliefEntry"]


class Period(Table):
    """Relief paid for some months from a start that may fall in any month, as in the exit from 低保.

    The run holds one calendar year of a steady state: starts are spread evenly over the months, so that part of
    the households began before the year and part of the months lies behind it.
    """

    months: Annotated[int, Field(strict=True, ge=1, le=60, description="how long each household is paid")]
    begun_a_year: Annotated[Chance, Field(description="chance that a household begins in a year")]
    falling: Annotated[
        YesNo, Field(description="month k of n pays (n - k + 1) / n; else every month pays whole")
    ] = False

    @rule
    def _at_most_one(self) -> Iterator[Problem]:
        chance = self.begun_a_year * (self.months + 11) / 12
        if chance > 1 + 1e-9:
            yield Problem(
                "begun_a_year",
                f"= {self.begun_a_year:g} with {self.months} months puts {chance:.0%} of the households into a period "
                "at some time of a year. Lower one of the two.",
            )


class Loan(Table):
    """What is lent comes back in equal parts in the years after, and lowers the borrowers' resources there."""

    years: Annotated[int, Field(strict=True, ge=1, le=10, description="yearly parts; the first a year later")]
    repaid: Annotated[Share, Field(description="of what is lent; the rest is lost to the lender")] = 1.0


class ReliefEntry(Table):
    """Relief of a programme: ``rate`` times the smaller of a cap and a base, for each household and year.

    Bases: ``gap`` is what is missing to ``standard`` a head, of income after the shock and after relief that is
    paid before; ``borne`` is what the year takes from the household's resources and nobody paid; ``heads`` is
    ``standard`` for each person counted, times ``months`` / 12.
    """

    label: Label | None = None
    base: Literal["gap", "borne", "heads"]
    where: Annotated[Filter, Field(description="households that can be paid")] = Filter()
    standard: Annotated[
        Yuan | None, Field(description="yuan a head and year; absent: the dibao standard")
    ] = None
    on: Annotated[
        Literal["income", "income_minus_rigid", "resources"] | None,
        Field(
            description="what is compared with the standard: income, income net of medical and schooling cost "
            "(absent: this), or resources, which are net of repairs too"
        ),
    ] = None
    benefits_count: Annotated[
        YesNo, Field(description="the programme's insurance benefits count as income and lower the gap")
    ] = False
    counted: Annotated[Filter | None, Field(description="persons counted; absent: all members")] = None
    person_has: Annotated[
        Name | None, Field(description="attribute (risk.attributes) of the persons counted")
    ] = None
    months: Annotated[Positive, Field(le=12, description="months of the standard for each person")] = 12.0
    cap: Annotated[Yuan | None, Field(description="most of the base that counts, for a household")] = None
    cap_per_head: Annotated[Yuan | None, Field(description="the same for each of its members")] = None
    rate: Annotated[NonNegative, Field(le=1000, description="of the base; cost borne is never overpaid")] = (
        1.0
    )
    income_test: IncomeTest | None = None
    spending_test: SpendingTest | None = None
    take_up: Annotated[Chance, Field(description="chance that a household is found and applies")] = 1.0
    paid_within_year: Share = 1.0
    period: Annotated[Period | None, Field(description="paid for some months from any month on")] = None
    loan: Annotated[Loan | None, Field(description="paid back in later years")] = None

    @rule
    def _fits_base(self) -> Iterator[Problem]:
        mine = {
            "gap": ("standard", "on", "benefits_count"),
            "borne": (),
            "heads": ("standard", "counted", "person_has", "months"),
        }
        given = {
            "standard": self.standard is not None,
            "on": self.on is not None,
            "benefits_count": self.benefits_count,
            "counted": self.counted is not None,
            "person_has": self.person_has is not None,
            "months": self.months != 12,
        }
        for name, is_given in given.items():
            if is_given and name not in mine[self.base]:
                fits = " or ".join(f'"{base}"' for base, names in mine.items() if name in names)
                yield Problem(
                    name, f'has no effect where base = "{self.base}". Drop it, or write base = {fits}.'
                )

    @rule
    def _no_period_of_a_loan(self) -> Iterator[Problem]:
        if self.loan is not None and self.period is not None:
            yield Problem("loan", "cannot stand beside a period: what would be owed? Drop one.")

    @rule
    def _no_late_loan(self) -> Iterator[Problem]:
        if self.loan is not None and self.paid_within_year < 1:
            yield Problem(
                "loan",
                f"needs its money within the year, and paid_within_year = {self.paid_within_year:g}: what comes later "
                "would help in no year and still be paid back. Drop one.",
            )
