"""Who is simulated: a roster, or the margins from which households are made."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from fangpinbao.errors import Problem
from fangpinbao.scenario.base import (
    MOST_PERSONS,
    MOST_TOWNSHIPS,
    Count,
    Name,
    NonNegative,
    Positive,
    Seed,
    Share,
    Table,
    Whole,
    Yuan,
    rule,
)
from fangpinbao.scenario.laws import MOST_DRAWN, AmountLaw, AnyAmountLaw, largest_draw, too_large
from fangpinbao.scenario.vocabulary import (
    ADULT_AGE,
    MEMBERS_OF_A_HOUSEHOLD,
    SCHOOL_ENROLMENT,
    HouseholdClass,
    Stage,
)

__all__ = ["AgeBands", "ClassMargins", "Population"]


class AgeBands(Table):
    """A step function of age: ``values[i]`` from age ``from[i]`` to the next."""

    from_: Annotated[list[Annotated[Whole, Field(ge=0, le=120)]], Field(alias="from", min_length=1)]
    values: Annotated[list[NonNegative], Field(min_length=1)]

    @rule
    def _rising(self) -> Iterator[Problem]:
        if self.from_[0] != 0 or self.from_ != sorted(set(self.from_)):
            yield Problem("from", f"= {self.from_} must start at 0 and rise. Sort the ages.")

    @rule
    def _paired(self) -> Iterator[Problem]:
        if len(self.from_) != len(self.values):
            yield Problem("", f"has {len(self.from_)} ages but {len(self.values)} values. Pair them.")


class ClassMargins(Table):
    """How households of one class are made up."""

    share: Annotated[Share, Field(description="share of persons")]
    household_size: Annotated[
        list[NonNegative],
        Field(min_length=1, description="relative frequency of households by size 1, 2, ..."),
    ]
    age: AgeBands
    age_end: Annotated[Whole, Field(ge=1, le=120, description="end of the last age band")] = 95
    female_share: Share = 0.49
    income_per_head: AnyAmountLaw
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

    @rule
    def _one_bearer(self) -> Iterator[Problem]:
        both = sorted(set(self.tags) & set(self.holder_tags))
        if both:
            yield Problem("holder_tags", f"repeats {', '.join(both)} of tags. Keep one of the two.")

    @rule
    def _one_guarantee(self) -> Iterator[Problem]:
        total = self.dibao + self.tekun
        if total > 1.0 + 1e-12:
            yield Problem("", f"has dibao and tekun, which exclude each other, sum to {total:g}. Lower one.")

    @rule
    def _sizes(self) -> Iterator[Problem]:
        most = MEMBERS_OF_A_HOUSEHOLD - 1
        if not any(self.household_size) or len(self.household_size) > most:
            yield Problem(
                "household_size",
                f"= {self.household_size} must hold a positive number for a size of at most {most}. Correct it.",
            )

    @rule
    def _adults(self) -> Iterator[Problem]:
        starts = self.age.from_
        if self.age_end <= starts[-1]:
            yield Problem(
                "age_end", f"= {self.age_end} must lie above the last band ({starts[-1]}). Raise it."
            )
            return
        ends = [*starts[1:], self.age_end]
        if not any(end > ADULT_AGE and value > 0 for end, value in zip(ends, self.age.values, strict=False)):
            yield Problem(
                "age", f"leaves no adult ({ADULT_AGE} or older) to lead a household. Add a band with adults."
            )

    @rule
    def _incomes(self) -> Iterator[Problem]:
        low, high = self.income_from, self.income_to
        if high is not None and high < low:
            yield Problem("income_to", f"= {high:g} lies below income_from ({low:g}). Swap them.")
            return
        if high is None and not largest_draw(self.income_per_head) <= MOST_DRAWN:
            message = f"{too_large(self.income_per_head)} Give it a lighter tail, or income_to."
            yield Problem("income_per_head", message)
            return
        above_low, above_high = self.income_survival()
        if above_low - above_high <= 1e-12:
            yield Problem("income_per_head", "never falls between income_from and income_to. Widen them.")

    def income_survival(self) -> tuple[float, float]:
        """Return the chances that the law of incomes gives at least ``income_from``, and more than ``income_to``."""
        law, low, high = self.income_per_head.core(), self.income_from, self.income_to
        above_low = float(law.survival(math.nextafter(low, 0.0))) if low > 0 else 1.0
        return above_low, 0.0 if high is None else float(law.survival(high))


class Population(Table):
    """Who is simulated: read from a roster, or made from margins."""

    file: Annotated[str | None, Field(description="CSV or Parquet roster; beside the scenario file")] = None
    persons: Annotated[Count | None, Field(le=MOST_PERSONS, description="persons to synthesise")] = None
    seed: Annotated[Seed, Field(description="seed of the synthesis, apart from the simulation's")] = 0
    townships: Annotated[list[str] | int, Field(description="names, or how many")] = 1
    township_shares: list[Positive] | None = None
    classes: dict[HouseholdClass, ClassMargins] = {}
    school_enrolment: Annotated[
        dict[Stage, Share], Field(description="share at school by stage, of those of its ages")
    ] = {}
    residents: Annotated[
        Count | None, Field(description="residents of the place, for premium per resident")
    ] = None

    @rule
    def _file_or_margins(self) -> Iterator[Problem]:
        if self.file is not None and (self.persons is not None or self.classes):
            yield Problem("", "gives both file and margins (persons, classes). Keep one.")
        if self.file is None and self.persons is None:
            yield Problem("", "names neither a roster file nor the number of persons. Give one.")

    @rule
    def _shares_sum_to_one(self) -> Iterator[Problem]:
        total = sum(margins.share for margins in self.classes.values())
        if self.classes and abs(total - 1) > 1e-6:
            yield Problem("classes", f"have shares that sum to {total:g}, not 1. Adjust them.")

    @rule
    def _few_tags(self) -> Iterator[Problem]:
        tags = {tag for margins in self.classes.values() for tag in (*margins.tags, *margins.holder_tags)}
        if len(tags) > 64:
            yield Problem("classes", f"name {len(tags)} different tags; at most 64 are possible. Drop some.")

    @rule
    def _townships(self) -> Iterator[Problem]:
        if self.townships == []:
            yield Problem("townships", "is empty. Name at least one township.")
        elif isinstance(self.townships, int) and self.townships < 1:
            yield Problem("townships", f"= {self.townships} must be at least 1. Raise it.")
        count = self.townships if isinstance(self.townships, int) else len(self.townships)
        if count > MOST_TOWNSHIPS:
            given = f"= {count}" if isinstance(self.townships, int) else f"has {count} names;"
            yield Problem("townships", f"{given} must be at most {MOST_TOWNSHIPS:_}. Lower it.")

    @rule
    def _a_share_for_each_township(self) -> Iterator[Problem]:
        count = self.townships if isinstance(self.townships, int) else len(self.townships)
        if self.township_shares is not None and len(self.township_shares) != count:
            yield Problem(
                "township_shares",
                f"has {len(self.township_shares)} entries for {count} townships. Pair them.",
            )

    @rule
    def _assets(self) -> Iterator[Problem]:
        known = [name for name, margins in self.classes.items() if margins.assets is not None]
        for name, margins in self.classes.items():
            if known and margins.assets is None:
                yield Problem(
                    f"classes.{name}.assets", f"is missing while {known[0]} has it. Give all classes a law."
                )

    @rule
    def _schooling(self) -> Iterator[Problem]:
        if "none" in self.school_enrolment:
            yield Problem("school_enrolment.none", "is no stage of schooling: it is who remains. Remove it.")
        shares = self.shares_at_school()
        seniors = shares["senior_general"] + shares["senior_vocational"]
        if seniors > 1.0 + 1e-12:
            yield Problem(
                "school_enrolment",
                f"has senior_general and senior_vocational sum to {seniors:g}. Lower one.",
            )

    def shares_at_school(self) -> dict[str, float]:
        """Return the share at school by stage, of those of its ages."""
        return SCHOOL_ENROLMENT | {str(stage): share for stage, share in self.school_enrolment.items()}
