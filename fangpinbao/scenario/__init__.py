"""Scenario files: frozen, validated models and the sources of their numbers."""

from fangpinbao.scenario.load import Number, Scenario, load_scenario, scenario_names, scenario_path
from fangpinbao.scenario.schema import scenario_schema

__all__ = ["Number", "Scenario", "load_scenario", "scenario_names", "scenario_path", "scenario_schema"]
