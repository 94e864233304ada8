"""Facts that the roster does not hold (``risk.attributes``), drawn once for each person or household."""

from __future__ import annotations

import numpy as np

from fangpinbao._typing import BoolArray, Float64Array
from fangpinbao.core.streams import decision_key, survival_of, uniforms_for, words_for
from fangpinbao.population import Population
from fangpinbao.scenario import Scenario

__all__ = ["persons_with", "shares_of"]


def persons_with(scenario: Scenario, people: Population, name: str) -> BoolArray:
    """Return [persons] who have an attribute with a chance; keyed by the population's seed and its name.

    Raises
    ------
    KeyError
        If there is no such attribute.
    """
    attribute = scenario.risk.attributes[name]
    key = decision_key(scenario.population.seed, f"attribute/{name}")
    of_household = attribute.level == "household"
    uniforms = uniforms_for(key, people.household_key if of_household else people.person_key)
    uniforms = uniforms[people.household_of] if of_household else uniforms
    return (uniforms < (attribute.chance or 0.0)) & people.select(attribute.where)


def shares_of(scenario: Scenario, people: Population, name: str) -> Float64Array:
    """Return [households] the share that an attribute with a share gives each."""
    attribute = scenario.risk.attributes[name]
    assert attribute.share is not None
    words = words_for(decision_key(scenario.population.seed, f"attribute/{name}"), people.household_key)
    drawn = np.asarray(attribute.share.core().quantile_from_survival(survival_of(words)))
    return np.clip(drawn, 0.0, 1.0)
