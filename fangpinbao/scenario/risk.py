"""Who is at risk, how families are found, and relief beside insurance: tables of a scenario.

Rules look at income, cost, guarantees and the register. They cannot name a household class: the class is the
label that a rule is judged by.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from fangpinbao.errors import Problem
from fangpinbao.scenario.base import (
    Chance,
    Count,
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
from fangpinbao.scenario.laws import AmountLaw, Constant, ShareLaw
from fangpinbao.scenario.terms import Filter
from fangpinbao.scenario.vocabulary import HouseholdClass

__all__ = [
    "Attribute",
    "Channel",
    "Detection",
    "Group",
    "NamedList",
    "Published",
    "Risk",
    "RuleSet",
    "Signs",
    "Verification",
]


class Attribute(Table):
    """A fact that the roster does not hold, drawn once for each person, or a share for each household."""

    label: Label | None = None
    level: Annotated[
        Literal["person", "household"], Field(description="whose chance it is; a household's is its members'")
    ] = "person"
    where: Annotated[Filter, Field(description="persons who can have it")] = Filter()
    chance: Annotated[Chance | None, Field(description="chance that such a person has it")] = None
    share: Annotated[ShareLaw | None, Field(description="a share of the household, such as subsidies")] = None

    @rule
    def _one_kind(self) -> Iterator[Problem]:
        if (self.chance is None) == (self.share is None):
            yield Problem("", "needs exactly one of chance and share. Keep one.")


class Signs(Table):
    """Signs of risk; all that are given must hold. An empty table fits every household."""

    lifted_out: Annotated[YesNo | None, Field(description="on the register of lifted-out households")] = None
    dibao: YesNo | None = None
    tekun: YesNo | None = None
    income_per_head_below: Annotated[Yuan | None, Field(description="registered income, strictly below")] = (
        None
    )
    income_per_head_at_most: Yuan | None = None
    income_per_head_above: Annotated[Yuan | None, Field(description="registered income, strictly above")] = (
        None
    )
    has: Annotated[list[Name] | None, Field(min_length=1, description="a member has each of these")] = None
    has_none_of: Annotated[list[Name] | None, Field(min_length=1)] = None
    share_above: Annotated[dict[Name, Share] | None, Field(description="shares strictly above")] = None
    after_shock_per_head_below: Annotated[
        Yuan | None,
        Field(description="registered income less the year's lost income, rigid spending and repairs"),
    ] = None
    spending_times_income_above: Annotated[
        NonNegative | None, Field(description="the year's rigid spending and repairs over last year's income")
    ] = None
    income_drop_above: Annotated[Share | None, Field(description="lost income over registered income")] = None
    any_of: Annotated[list[Signs] | None, Field(min_length=1, description="at least one of these fits")] = (
        None
    )

    def needs_the_year(self) -> bool:
        """Whether a sign is known only after the year's costs."""
        own = (self.after_shock_per_head_below, self.spending_times_income_above, self.income_drop_above)
        return any(sign is not None for sign in own) or any(one.needs_the_year() for one in self.any_of or [])

    def attributes(self) -> Iterator[tuple[str, str]]:
        """Yield (key, attribute) of every attribute named, here and below."""
        for key in ("has", "has_none_of"):
            yield from ((key, name) for name in getattr(self, key) or [])
        yield from (("share_above", name) for name in self.share_above or {})
        for one in self.any_of or []:
            yield from one.attributes()


class Published(Table):
    """What a document counts in a group; only compared, never tuned to."""

    households: Count | None = None
    persons: Count | None = None
    new_households: Annotated[Count | None, Field(description="newly identified in the year")] = None
    new_persons: Count | None = None


class Group(Signs):
    """A group of households at risk, by its signs."""

    label: Label | None = None
    meant: Annotated[
        list[HouseholdClass] | None,
        Field(min_length=1, description="classes it should find; used to judge it, never to find"),
    ] = None
    published: Published | None = None


class RuleSet(Table):
    """A place's rules; a household belongs to the first group that it fits."""

    label: Label | None = None
    groups: Annotated[dict[Name, Group], Field(min_length=1)]
    residents: Annotated[
        Positive | None, Field(description="rural persons that the published counts are of")
    ] = None


class Risk(Table):
    """Rules that say who is at risk, and the facts they look at beside the roster."""

    attributes: dict[Name, Attribute] = {}
    rules: dict[Name, RuleSet] = {}


class Channel(Table):
    """A way to be found: visits, the family's own application, data matching."""

    label: Label | None = None
    chance: Annotated[Chance, Field(description="chance that it finds a household in need")]
    delay_days: Annotated[AmountLaw, Field(description="days from the last insured event to being found")] = (
        Constant(law="constant", amount=0.0)
    )


class NamedList(Table):
    """A list drawn up before the year; who is not on it cannot be paid."""

    where: Annotated[Filter, Field(description="households that belong on it")] = Filter()
    rules: Annotated[
        Name | None, Field(description="a rule set whose signs known before the year draw it up")
    ] = None
    missed: Annotated[Share, Field(description="of those who belong, left out")] = 0.0
    wrong: Annotated[Share, Field(description="of the others, put on it all the same")] = 0.0


class Verification(Table):
    """The check of a case that was found."""

    days: Annotated[AmountLaw, Field(description="days it takes")] = Constant(law="constant", amount=0.0)
    passes: Annotated[Share, Field(description="of cases that the terms would pay")] = 1.0
    wrongly_passes: Annotated[Share, Field(description="of cases that fail the tests of the terms")] = 0.0


class Detection(Table):
    """How a programme's families are found, checked and paid; replaces ``take_up`` and ``paid_within_year``."""

    label: Label | None = None
    like: Annotated[
        Name | None, Field(description="another design, which this one is like but for what stands here")
    ] = None
    programme: Annotated[
        Name | None,
        Field(description="that the funnel tries it on; absent: the one that names it, or the first"),
    ] = None
    named_list: Annotated[
        NamedList | None, Field(description="absent: nobody is listed, anybody can be found")
    ] = None
    threshold: Annotated[Yuan, Field(description="alert: rigid spending and repairs of the year, from")] = 0.0
    threshold_times_income: Annotated[
        NonNegative | None, Field(description="alert: and above so many times last year's income")
    ] = None
    channels: Annotated[dict[Name, Channel], Field(min_length=1)]
    verification: Verification = Verification()
    refused: Annotated[Share, Field(description="of approved families, who decline")] = 0.0
    payment_days: Annotated[AmountLaw, Field(description="days from approval to payment")] = Constant(
        law="constant", amount=0.0
    )
