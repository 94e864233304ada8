"""The benchmark problem at a chosen size: the aggregate limit grows with the persons, so that it seldom binds."""

from __future__ import annotations

from pathlib import Path

from fangpinbao.scenario import Scenario, load_scenario

PROBLEM = Path(__file__).with_name("problem.toml")


def problem(persons: int) -> Scenario:
    """Return the problem for a number of persons."""
    scenario = load_scenario(PROBLEM)
    (name, programme), *_ = scenario.programmes.items()
    assert programme.aggregate is not None
    assert scenario.population.persons is not None
    limit = programme.aggregate.limit * persons / scenario.population.persons
    return scenario.replace_all({"population.persons": persons, f"programmes.{name}.aggregate.limit": limit})
