"""Where the spread of a year's payout comes from: single households, townships, or the year as a whole.

Three runs share some of their draws: B has A's year factors and township events, C only A's year factors.
Given what is shared they are independent, so

    Cov(A, B) = Var(E[payout | year factors, township events]),
    Cov(A, C) = Var(E[payout | year factors]).

The parts are Var(A) - Cov(A, B), Cov(A, B) - Cov(A, C) and Cov(A, C), which sum to the variance.

Where years are drawn in strata of a catastrophe, A and B share the stratum, which is part of the events; C, whose
events are its own, draws them without strata. The covariances are then those of A's weighted years.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from fangpinbao import estimators, yearly
from fangpinbao._typing import Float64Array
from fangpinbao.engine import Engine, population_of
from fangpinbao.errors import check_request
from fangpinbao.estimators import Estimate, Years
from fangpinbao.hazard import Salts
from fangpinbao.outcomes import Outcomes
from fangpinbao.population import Population
from fangpinbao.records import Figures, Gathering
from fangpinbao.scenario import Scenario

__all__ = ["variance_split"]

_SALTS = (Salts(), Salts(own=1), Salts(township=1, own=1))
_SHARES_EVENTS = (True, True, False)


def variance_split(
    scenario: Scenario,
    years: int | None = None,
    seed: int | None = None,
    *,
    programme: str | None = None,
    population: Population | None = None,
    threads: int | None = None,
    progress: Callable[[float], None] | None = None,
) -> Figures:
    """Split the variance of the yearly payout into parts of households, townships and years.

    Parameters
    ----------
    scenario
        A loaded scenario; it is run three times.
    years, seed, population, threads, progress
        As for ``simulate``.
    programme
        Its name; absent: all programmes.

    Returns
    -------
    Figures
        ``payout_variance`` and its parts ``_own``, ``_township`` and ``_year``: yuan squared (statistic
        ``variance``) and as ``share_of_variance``. A part is an estimate and may come out below zero within
        its error; the parts sum to the whole.

    Raises
    ------
    KeyError
        If there is no such programme.
    """
    check_request(years=years, seed=seed, threads=threads)
    if programme is not None and programme not in scenario.programmes:
        raise KeyError(f"no programme {programme!r}; there are {', '.join(scenario.programmes)}")
    people = population if population is not None else population_of(scenario)
    count = scenario.simulation.years if years is None else years
    run_seed = scenario.simulation.seed if seed is None else seed
    runs: list[Outcomes] = []
    for turn, (salts, shares) in enumerate(zip(_SALTS, _SHARES_EVENTS, strict=True)):
        engine = Engine(scenario, people, seed=run_seed, salts=salts, stratified=shares)
        shown = None if progress is None else _part_of(progress, turn)
        runs.append(engine.run(count, threads=threads, progress=shown))
    gathering = Gathering()
    for name in yearly.chosen(runs[0], programme):
        if name != "none" and not yearly.is_rules(runs[0], name):
            a, b, c = (run.yuan_by_year(name) for run in runs)
            _parts(gathering, a, b, c, runs[0].years, name)
    return gathering.figures()


def _part_of(progress: Callable[[float], None], turn: int) -> Callable[[float], None]:
    return lambda done: progress((turn + done) / len(_SALTS))


def _parts(
    gathering: Gathering, a: Float64Array, b: Float64Array, c: Float64Array, years: Years, name: str
) -> None:
    series = {"": a, "_own": a - b, "_township": b - c, "_year": c}
    parts = {part: estimators.covariance(a, other, years, "yuan^2") for part, other in series.items()}
    whole = parts[""].value
    for part, estimate in parts.items():
        gathering.add(f"payout_variance{part}", "variance", estimate, name)
        if part and whole:
            share = _share(a, series[part], whole, estimate, years)
            gathering.add(f"payout_variance{part}", "share_of_variance", share, name)


def _share(a: Float64Array, other: Float64Array, whole: float, part: Estimate, years: Years) -> Estimate:
    """Part over whole with its linearised error."""
    if part.value is None:
        return replace(part, unit="share")
    value = part.value / whole
    deviation, rest = (series - np.average(series, weights=years.weight) for series in (a, other))
    influence = deviation * (rest - value * deviation) / whole
    error = estimators.mean(influence, years, "share").standard_error
    if error is None:
        return replace(part, value=value, unit="share")
    reach = estimators.Z_95 * error
    return Estimate(value, error, value - reach, value + reach, "share", years.n)
