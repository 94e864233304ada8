"""What is known of households before the year: the register, facts drawn beside it, and signs of risk on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from fangpinbao._typing import BoolArray, Float64Array
from fangpinbao.attributes import persons_with, shares_of
from fangpinbao.population import Population
from fangpinbao.scenario import Scenario
from fangpinbao.scenario.risk import Signs

__all__ = ["BeforeYear"]


@dataclass(frozen=True)
class BeforeYear:
    """Households as a rule may see them before the year.

    Attributes
    ----------
    persons_with
        [persons] of each attribute with a chance.
    shares
        [households] of each attribute with a share.
    """

    population: Population
    persons_with: Mapping[str, BoolArray]
    shares: Mapping[str, Float64Array]

    @classmethod
    def of(cls, scenario: Scenario, people: Population) -> BeforeYear:
        """Draw the scenario's attributes, keyed by the population's seed and the attribute's name."""
        persons: dict[str, BoolArray] = {}
        shares: dict[str, Float64Array] = {}
        for name, attribute in scenario.risk.attributes.items():
            if attribute.share is not None:
                shares[name] = shares_of(scenario, people, name)
            else:
                persons[name] = persons_with(scenario, people, name)
        return cls(people, persons, shares)

    def has(self, name: str) -> BoolArray:
        """Return for each household whether a member has the attribute."""
        starts = self.population.household_start[:-1]
        found: BoolArray = np.logical_or.reduceat(self.persons_with[name], starts)
        return found

    def fits(self, signs: Signs) -> BoolArray:
        """Return [households] where all signs that are known before the year hold; ``any_of`` is left out."""
        people = self.population
        fit: BoolArray = np.ones(people.households, dtype=np.bool_)
        for name in ("lifted_out", "dibao", "tekun"):
            wanted = getattr(signs, name)
            if wanted is not None:
                fit = fit & (getattr(people, name) == wanted)
        income = people.income_per_head
        if signs.income_per_head_below is not None:
            fit = fit & (income < signs.income_per_head_below)
        if signs.income_per_head_at_most is not None:
            fit = fit & (income <= signs.income_per_head_at_most)
        if signs.income_per_head_above is not None:
            fit = fit & (income > signs.income_per_head_above)
        for name in signs.has or []:
            fit = fit & self.has(name)
        for name in signs.has_none_of or []:
            fit = fit & ~self.has(name)
        for name, least in (signs.share_above or {}).items():
            fit = fit & (self.shares[name] > least)
        return fit

    def fits_all(self, signs: Signs) -> BoolArray:
        """Return [households] where the signs hold, of which none needs the year."""
        fit = self.fits(signs)
        if signs.any_of is not None:
            either: BoolArray = np.zeros(self.population.households, dtype=np.bool_)
            for one in signs.any_of:
                either = either | self.fits_all(one)
            fit = fit & either
        return fit
