"""Poverty measures of the whole engine against closed forms of the lognormal law, within 4 standard errors."""

from __future__ import annotations

import math

import numpy as np
import pytest
from closed_form_cases import FIXED_POINT, scenario_of
from scipy import stats

from fangpinbao.engine import simulate
from fangpinbao.outcomes import Outcomes
from fangpinbao.scenario import Scenario

MEDIAN, SIGMA, LINES = 6000.0, 0.5, {"poverty": 4000.0, "monitoring": 5000.0}
SIZES = [1, 2, 3, 2, 1]


def lognormal_put(strike: float, order: int) -> float:
    """E[((strike - Y)+)^order] of lognormal income; order 0 is the share below."""
    mu, a = math.log(MEDIAN), (math.log(strike / MEDIAN)) / SIGMA
    below = [math.exp(k * mu + (k * SIGMA) ** 2 / 2) * stats.norm.cdf(a - k * SIGMA) for k in range(3)]
    if order == 0:
        return float(below[0])
    if order == 1:
        return float(strike * below[0] - below[1])
    return float(strike**2 * below[0] - 2 * strike * below[1] + below[2])


def poverty_scenario(cost: float, chance: float = 1.0) -> Scenario:
    """Households with lognormal income whose members each bear ``cost``, all or (nearly) none of them."""
    return scenario_of(
        lines={
            "poverty_line": LINES["poverty"],
            "monitoring_line": LINES["monitoring"],
            "resource": "income_minus_rigid",
        },
        population={
            "persons": 30_000,
            "seed": 11,
            "classes": {
                "general": {
                    "share": 1.0,
                    "household_size": SIZES,
                    "age": {"from": [0, 15, 60], "values": [0.2, 0.6, 0.2]},
                    "income_per_head": {"law": "lognormal", "median": MEDIAN, "sigma": SIGMA},
                }
            },
        },
        perils={
            "illness": {
                "exposed": "person",
                "frequency": {"law": "bernoulli", "probability": chance},
                "books": [{"account": "medical_cost", "amount": {"law": "constant", "amount": cost}}],
            }
        },
        programmes={"half": {"coverages": {"illness": {"accounts": ["medical_cost"], "rate": 0.5}}}},
    )


def measured(out: Outcomes, programme: str, line: str, order: int) -> float:
    """FGT of an order, person-weighted, of the first year."""
    persons = out.compiled.population.persons
    if order:
        return float(out.column(programme, f"fgt{order}_fp", line)[0]) / FIXED_POINT / persons

    def count(name: str) -> int:
        return int(out.column(programme, f"persons_{name}", line)[0])

    poor = count("already_poor") - count("lifted") + count("still_poor") + count("induced")
    return poor / persons


def on_roster(out: Outcomes, line: float, order: int, cost: float) -> tuple[float, float]:
    """The measure on the incomes of the roster, and its sampling error over rosters."""
    population = out.compiled.population
    size = population.household_size.astype(float)
    gap = np.clip((line - (population.income_per_head - cost)) / line, 0, 1)
    each = (gap > 0).astype(float) if order == 0 else gap**order
    value = float(size @ each / size.sum())
    return value, math.sqrt(float(np.sum((size * (each - value)) ** 2))) / float(size.sum())


@pytest.mark.parametrize("order", [0, 1, 2])
@pytest.mark.parametrize("line", LINES)
def test_poverty_without_shocks_is_lognormal(line: str, order: int) -> None:
    out = simulate(poverty_scenario(1000.0, chance=0.0), 2, 1)
    z = LINES[line]
    for programme in ("none", "half"):
        found = measured(out, programme, line, order)
        exact, error = on_roster(out, z, order, 0.0)
        assert found == pytest.approx(exact, rel=1e-8)
        assert abs(found - lognormal_put(z, order) / z**order) < 4 * error


@pytest.mark.parametrize(("programme", "borne"), [("none", 1200.0), ("half", 600.0)])
@pytest.mark.parametrize("line", LINES)
def test_a_cost_to_everybody_shifts_the_lognormal(line: str, programme: str, borne: float) -> None:
    out = simulate(poverty_scenario(1200.0), 1, 1)
    z = LINES[line]
    # Gaps stop at the line itself: a resource below 0 counts as 0.
    first = (lognormal_put(z + borne, 1) - lognormal_put(borne, 1)) / z
    for order, truth in ((0, lognormal_put(z + borne, 0)), (1, first)):
        found = measured(out, programme, line, order)
        exact, error = on_roster(out, z, order, borne)
        assert found == pytest.approx(exact, rel=1e-8)
        assert abs(found - truth) < 4 * error
    gap = float(out.column(programme, "gap_fen", line)[0]) / 100
    population = out.compiled.population
    short = np.maximum(z - (population.income_per_head - borne), 0) * population.household_size
    assert gap == pytest.approx(float(short.sum()), rel=1e-9)
