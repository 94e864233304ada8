"""Simulates and judges anti-poverty insurance.

>>> import fangpinbao as fp
>>> scenario = fp.load_scenario("zhongning-2020")  # doctest: +SKIP
>>> outcomes = fp.simulate(scenario, years=10_000, seed=1)  # doctest: +SKIP
>>> fp.price(outcomes)  # doctest: +SKIP

Names are imported when they are first used, so the import itself does no work.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fangpinbao.catastrophe.figures import catastrophe_figures
    from fangpinbao.catastrophe.outcomes import CatastropheOutcomes, simulate_catastrophe
    from fangpinbao.comparison import compare
    from fangpinbao.engine import population_of, simulate
    from fangpinbao.errors import FangpinbaoError, InputError, MissingExtraError
    from fangpinbao.estimators import Estimate, Years
    from fangpinbao.event_losses import EventLosses
    from fangpinbao.figures import Figure, Figures, all_figures
    from fangpinbao.outcomes import Outcomes
    from fangpinbao.population import Population
    from fangpinbao.poverty_measures import poverty
    from fangpinbao.pricing import price
    from fangpinbao.risk import precision_line, tail_risk, years_for_one_percent
    from fangpinbao.roster import read_roster, write_roster
    from fangpinbao.rounding import format_estimate
    from fangpinbao.scenario import Scenario, load_scenario, scenario_names, scenario_schema
    from fangpinbao.variance import variance_split

__version__ = "0.1.0"

__all__ = [
    "CatastropheOutcomes",
    "Estimate",
    "EventLosses",
    "FangpinbaoError",
    "Figure",
    "Figures",
    "InputError",
    "MissingExtraError",
    "Outcomes",
    "Population",
    "Scenario",
    "Years",
    "__version__",
    "all_figures",
    "catastrophe_figures",
    "compare",
    "format_estimate",
    "load_scenario",
    "population_of",
    "poverty",
    "precision_line",
    "price",
    "read_roster",
    "scenario_names",
    "scenario_schema",
    "simulate",
    "simulate_catastrophe",
    "tail_risk",
    "variance_split",
    "write_roster",
    "years_for_one_percent",
]

_HOME = {
    "CatastropheOutcomes": "catastrophe.outcomes",
    "Estimate": "estimators",
    "EventLosses": "event_losses",
    "FangpinbaoError": "errors",
    "Figure": "figures",
    "Figures": "figures",
    "InputError": "errors",
    "MissingExtraError": "errors",
    "Outcomes": "outcomes",
    "Population": "population",
    "Scenario": "scenario",
    "Years": "estimators",
    "all_figures": "figures",
    "catastrophe_figures": "catastrophe.figures",
    "compare": "comparison",
    "format_estimate": "rounding",
    "load_scenario": "scenario",
    "population_of": "engine",
    "poverty": "poverty_measures",
    "precision_line": "risk",
    "price": "pricing",
    "read_roster": "roster",
    "scenario_names": "scenario",
    "scenario_schema": "scenario",
    "simulate": "engine",
    "simulate_catastrophe": "catastrophe.outcomes",
    "tail_risk": "risk",
    "variance_split": "variance",
    "write_roster": "roster",
    "years_for_one_percent": "risk",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
