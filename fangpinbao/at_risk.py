"""Who is at risk: rules as data find groups without seeing the class, which then judges them.

What a rule finds is compared with the class of the households (confusion table) and with what a document
counts; a miss is reported, never tuned away.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from fangpinbao import estimators
from fangpinbao._typing import BoolArray, Int64Array
from fangpinbao.before_year import BeforeYear
from fangpinbao.errors import InputError, Problem
from fangpinbao.estimate import Estimate
from fangpinbao.household_years import HouseholdYears, settle_households
from fangpinbao.population import Population
from fangpinbao.scenario import Scenario
from fangpinbao.scenario.risk import Group, RuleSet, Signs
from fangpinbao.scenario.vocabulary import CLASSES

__all__ = ["NOBODY", "Classification", "Facts", "GroupFigures", "classify", "roster_spread"]

NOBODY = "no group"
_FEN = 100


@dataclass(frozen=True)
class Facts:
    """What rules may look at.

    Attributes
    ----------
    table
        Households in simulated years.
    before
        What is known of them before the year.
    """

    table: HouseholdYears
    before: BeforeYear

    @classmethod
    def of(cls, table: HouseholdYears) -> Facts:
        """Draw the attributes of the table's scenario."""
        return cls(table, BeforeYear.of(table.scenario, table.population))

    @property
    def persons_with(self) -> Mapping[str, BoolArray]:
        """[persons] of each attribute with a chance."""
        return self.before.persons_with

    def fits(self, signs: Signs) -> BoolArray:
        """Return where all signs hold: [households], or [years, households] if they need the year."""
        table, people = self.table, self.table.population
        fit = self.before.fits(signs)
        spent = table.spending + table.repairs
        if signs.after_shock_per_head_below is not None:
            left = table.income - table.lost - spent
            fit = fit & (left < np.round(signs.after_shock_per_head_below * _FEN) * table.size)
        if signs.spending_times_income_above is not None:
            fit = fit & (spent > signs.spending_times_income_above * table.income)
        if signs.income_drop_above is not None:
            fit = fit & (table.lost > signs.income_drop_above * table.income)
        if signs.any_of is not None:
            either: BoolArray = np.zeros(people.households, dtype=np.bool_)
            for one in signs.any_of:
                either = either | self.fits(one)
            fit = fit & either
        return fit


@dataclass(frozen=True)
class GroupFigures:
    """What a group of a rule set finds, in a mean year.

    Attributes
    ----------
    households, persons
        Found; of these ``new_households`` and ``new_persons`` fit no group before the year's costs.
    by_class
        Persons by household class: a row of the confusion table.
    share, published_share
        Persons in the group of all persons: here, and as the document counts; ``miss`` is their ratio.
    new_share, published_new_share
        The same of those newly identified in the year: households of all households where the document counts
        households (all of its households are its persons divided by the mean size here), else persons.
    """

    name: str
    label: tuple[str, str]
    meant: tuple[str, ...]
    needs_the_year: bool
    households: Estimate
    persons: Estimate
    new_households: Estimate
    new_persons: Estimate
    by_class: Mapping[str, Estimate]
    share: Estimate
    published_share: float | None
    miss: Estimate | None
    new_share: Estimate
    published_new_share: float | None
    new_miss: Estimate | None


@dataclass(frozen=True)
class Classification:
    """A rule set over a population.

    Attributes
    ----------
    groups
        In the order of the rules; a household counts in the first that it fits. The last is ``NOBODY``.
    of_class
        Persons of each class.
    found
        By class that a group is meant to find: share of its persons that such a group finds (recall).
    right
        By group with a ``meant``: share of its persons that are of such a class (precision).
    """

    rules: str
    label: tuple[str, str]
    years: int
    persons: int
    households: int
    groups: tuple[GroupFigures, ...]
    of_class: Mapping[str, int]
    found: Mapping[str, Estimate]
    right: Mapping[str, Estimate]


def classify(facts: Facts, rules: str) -> Classification:
    """Put every household of every year into the first group of a rule set that it fits.

    Raises
    ------
    InputError
        If there is no such rule set.
    """
    table = facts.table
    scenario, people = table.scenario, table.population
    known = scenario.risk.rules
    if rules not in known:
        message = f"= {rules!r} is not one of {', '.join(known) or 'none: the scenario has no [risk.rules]'}."
        raise InputError("the request", [Problem("rules", message)])
    rule_set = known[rules]
    group_of, known_before = _groups_of(facts, rule_set)
    counting = _Counting(scenario, table, group_of, known_before, rule_set.residents)
    groups = [counting.group(k, name, group) for k, (name, group) in enumerate(rule_set.groups.items())]
    groups.append(counting.group(len(groups), NOBODY, Group()))
    size = table.size
    of_class = {
        name: int(size[people.household_class == code].sum())
        for code, name in enumerate(CLASSES)
        if (people.household_class == code).any()
    }
    return Classification(
        rules=rules,
        label=_labels(rule_set.label, rules),
        years=len(table.without),
        persons=people.persons,
        households=people.households,
        groups=tuple(groups),
        of_class=of_class,
        found=counting.found(rule_set.groups),
        right=counting.right(rule_set.groups),
    )


def roster_spread(
    scenario: Scenario, rules: list[str], years: int, rosters: int, *, seed: int | None = None
) -> dict[str, dict[str, float]]:
    """Return by rule set and group the standard deviation of its persons between re-made rosters.

    Each roster is made from the same margins with another seed, its attributes too; the simulation error of
    ``years`` years, which all rosters live through, is taken off (``estimators.spread_between``). Empty for a roster
    that was read, or fewer than two rosters.
    """
    if rosters < 2 or scenario.population.file is not None:
        return {}
    found: dict[tuple[str, str], list[Int64Array]] = {}
    for number in range(1, rosters + 1):
        other = scenario.replace("population.seed", scenario.population.seed + number)
        facts = Facts.of(settle_households(other, years, seed=seed))
        for name in rules:
            group_of, _ = _groups_of(facts, other.risk.rules[name])
            for k, group in enumerate((*other.risk.rules[name].groups, NOBODY)):
                found.setdefault((name, group), []).append((group_of == k) @ facts.table.size)
    spread: dict[str, dict[str, float]] = {}
    for (name, group), persons in found.items():
        spread.setdefault(name, {})[group] = estimators.spread_between(persons)
    return spread


def _groups_of(facts: Facts, rule_set: RuleSet) -> tuple[Int64Array, BoolArray]:
    """Return the first group that each household fits [years, households], and who fits one before the year."""
    shape = facts.table.without.shape
    group_of = np.full(shape, len(rule_set.groups), dtype=np.int64)
    known_before = np.zeros(shape[1], dtype=np.bool_)
    for k, group in reversed(list(enumerate(rule_set.groups.values()))):
        fit = facts.fits(group)
        group_of[np.broadcast_to(fit, shape)] = k
        if fit.ndim == 1:
            known_before |= fit
    return group_of, known_before


class _Counting:
    def __init__(
        self,
        scenario: Scenario,
        table: HouseholdYears,
        group_of: Int64Array,
        known_before: BoolArray,
        residents: float | None,
    ) -> None:
        self.scenario, self.table, self.group_of = scenario, table, group_of
        self.is_new = ~known_before
        self.residents = residents
        self.people: Population = table.population

    def mean(self, chosen: BoolArray, weights: Int64Array | None, unit: str) -> Estimate:
        """Mean over years of the households chosen [years, households], or of their persons."""
        weight = np.ones(self.people.households, dtype=np.int64) if weights is None else weights
        return estimators.mean(chosen @ weight, self.table.years, unit)

    def group(self, k: int, name: str, group: Group) -> GroupFigures:
        mine, size = self.group_of == k, self.table.size
        new = mine & self.is_new
        households, persons = self.mean(mine, None, "households"), self.mean(mine, size, "persons")
        new_households, new_persons = self.mean(new, None, "households"), self.mean(new, size, "persons")
        share = persons.scaled(1.0 / self.people.persons, "share")
        published = group.published if group.published and self.residents else None
        residents = self.residents or 1.0
        published_share = published.persons / residents if published and published.persons else None
        new_share, published_new = new_households.scaled(1.0 / self.people.households, "share"), None
        if published and published.new_households:
            published_new = (
                published.new_households * self.people.persons / self.people.households / residents
            )
        elif published and published.new_persons:
            new_share = new_persons.scaled(1.0 / self.people.persons, "share")
            published_new = published.new_persons / residents
        return GroupFigures(
            name=name,
            label=_labels(group.label, name),
            meant=tuple(group.meant or ()),
            needs_the_year=group.needs_the_year(),
            households=households,
            persons=persons,
            new_households=new_households,
            new_persons=new_persons,
            by_class={
                label: self.mean(mine & (self.people.household_class == code), size, "persons")
                for code, label in enumerate(CLASSES)
                if (self.people.household_class == code).any()
            },
            share=share,
            published_share=published_share,
            miss=None if published_share is None else share.scaled(1.0 / published_share, "ratio"),
            new_share=new_share,
            published_new_share=published_new,
            new_miss=None if published_new is None else new_share.scaled(1.0 / published_new, "ratio"),
        )

    def found(self, groups: Mapping[str, Group]) -> dict[str, Estimate]:
        shares: dict[str, Estimate] = {}
        for label in dict.fromkeys(one for group in groups.values() for one in group.meant or []):
            of_class = self.people.household_class == CLASSES.index(label)
            whole = int(self.table.size[of_class].sum())
            right = [k for k, group in enumerate(groups.values()) if label in (group.meant or [])]
            if whole:
                hit = np.isin(self.group_of, right) & of_class
                shares[label] = self.mean(hit, self.table.size, "persons").scaled(1.0 / whole, "share")
        return shares

    def right(self, groups: Mapping[str, Group]) -> dict[str, Estimate]:
        shares: dict[str, Estimate] = {}
        for k, (name, group) in enumerate(groups.items()):
            if group.meant:
                meant = np.isin(self.people.household_class, [CLASSES.index(one) for one in group.meant])
                mine = self.group_of == k
                right, whole = (mine & meant) @ self.table.size, mine @ self.table.size
                shares[name] = estimators.ratio(right, whole, self.table.years, "share")
        return shares


def _labels(label: object, name: str) -> tuple[str, str]:
    if name == NOBODY:
        return (NOBODY, "不属于任何类")
    return (getattr(label, "en", name), getattr(label, "zh", name))
