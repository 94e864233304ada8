"""The people of a scenario."""

from __future__ import annotations

from fangpinbao.population import Population
from fangpinbao.scenario import Scenario
from fangpinbao.synthesis import synthesise

__all__ = ["population_of"]


def population_of(scenario: Scenario) -> Population:
    """Return the scenario's population: its roster, or one made from its margins."""
    if scenario.population.file is not None:
        from fangpinbao.roster import read_roster  # and pandas with it

        folder = scenario.file.parent if scenario.file is not None else None
        path = folder / scenario.population.file if folder is not None else scenario.population.file
        return read_roster(path)
    return synthesise(scenario.population)
