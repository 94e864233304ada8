"""The default medical model against published figures, on rural people at large.

``python tests/test_reality.py`` prints the table of ``docs/medical-model.md``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pytest

from fangpinbao._typing import BoolArray, Float64Array
from fangpinbao.aggregate import year_events
from fangpinbao.core.structures import Chunk
from fangpinbao.engine import Engine
from fangpinbao.scenario import load_scenario

YEARS = 60
FUNDS = ("basic", "basic_outpatient", "critical_illness")
SMALL_USERS = 0.55  # share of persons with any medical cost in a year, small outpatient visits included
SMALL_USER_COST = 240.0


@dataclass(frozen=True)
class Figure:
    """A ratio of yearly sums, with its error over years."""

    value: float
    error: float

    @classmethod
    def of(cls, above: Float64Array, below: Float64Array | float) -> Figure:
        """Ratio of means; the error by linearisation."""
        below = np.broadcast_to(np.asarray(below, dtype=np.float64), above.shape)
        ratio = float(above.sum() / below.sum())
        spread = float(np.std(above - ratio * below, ddof=1))
        return cls(ratio, spread / math.sqrt(len(above)) / float(below.mean()))


@dataclass(frozen=True)
class Check:
    """A published band for a figure of the model."""

    label: str
    low: float
    high: float
    source: str


CHECKS = {
    "discharges": Check("discharges per enrollee-year", 0.151, 0.166, "resident scheme 2019-2022"),
    "cost": Check("cost per discharge, yuan", 7_049, 8_129, "resident scheme 2019-2022"),
    "basic_share": Check("in-scope inpatient cost paid by the basic fund", 0.66, 0.70, "0.68 in 2023"),
    "fund_share": Check("settled cost paid by all funds", 0.51, 0.55, "0.53 in 2023"),
    "catastrophic": Check("households with catastrophic spending", 0.109, 0.183, "rural, 2018, definition B"),
}


def measure(years: int = YEARS, seed: int = 1) -> dict[str, Figure]:
    """Simulate ``rural-general-2020`` and return every figure by name."""
    engine = Engine(load_scenario("rural-general-2020"), seed=seed)
    outcomes = engine.run(years)
    accounts = list(outcomes.accounts)
    enrolled: BoolArray = engine.population.enrolled
    n_enrolled = float(enrolled.sum())
    chunk = engine.years(0, years)
    found = [_drawn(engine, y, chunk, accounts, enrolled) for y in range(years)]
    drawn = {name: np.array([year[name] for year in found]) for name in found[0]}
    paid = dict(zip(outcomes.steps, outcomes.sums.step_paid.T / 100.0, strict=True))
    funds = sum((paid[name] for name in FUNDS), np.zeros(years))
    ground_up = outcomes.sums.ground_up / 100.0
    medical = [accounts.index(name) for name in ("medical_cost", "outpatient_cost", "medicine_cost")]
    persons, households = float(engine.population.persons), float(engine.population.households)
    settled = drawn["cost"] + drawn["outpatient"]
    return {
        "discharges": Figure.of(drawn["discharges"], n_enrolled),
        "cost": Figure.of(drawn["cost"], drawn["discharges"]),
        "basic_share": Figure.of(paid["basic"], drawn["in_scope"]),
        "fund_share": Figure.of(funds, settled),
        "catastrophic": Figure.of(outcomes.column("none", "households_catastrophic") / 1.0, households),
        "patients": Figure.of(drawn["patients"], n_enrolled),
        "outpatient": Figure.of(drawn["outpatient"], n_enrolled),
        "critical_illness": Figure.of(paid["critical_illness"], n_enrolled),
        "oop": Figure.of(ground_up[:, medical].sum(axis=1) - funds - paid["assistance"], persons),
        "top_tenth_of_inpatients": Figure.of(drawn["top_tenth"], drawn["cost"]),
        "top_twentieth_of_users": Figure.of(
            drawn["top_twentieth"],
            settled + SMALL_USER_COST * np.maximum(SMALL_USERS * n_enrolled - drawn["users"], 0.0),
        ),
    }


def _drawn(
    engine: Engine, y: int, chunk: Chunk, accounts: list[str], enrolled: BoolArray
) -> dict[str, float]:
    """Sums over the events of enrolled persons in one year, in yuan."""
    inpatient, outpatient = accounts.index("medical_cost"), accounts.index("outpatient_cost")
    cost, by_person = [], np.zeros(len(enrolled))
    discharges, in_scope, total_outpatient = 0.0, 0.0, 0.0
    for events in year_events(engine, y, chunk):
        own = events["person"] >= 0
        own[own] = enrolled[events["person"][own]]
        ill, visits = own & (events["account"] == inpatient), own & (events["account"] == outpatient)
        discharges += float(events["count"][ill].sum())
        in_scope += float(events["scope"][ill].sum()) / 100.0
        total_outpatient += float(events["amount"][visits].sum()) / 100.0
        cost.append(events["amount"][ill] / 100.0)
        for chosen in (ill, visits):
            np.add.at(by_person, events["person"][chosen], events["amount"][chosen] / 100.0)
    yearly = np.sort(np.concatenate(cost))[::-1]
    ranked = np.sort(by_person)[::-1]
    return {
        "discharges": discharges,
        "patients": float(len(yearly)),
        "cost": float(yearly.sum()),
        "in_scope": in_scope,
        "outpatient": total_outpatient,
        "top_tenth": float(yearly[: len(yearly) // 10].sum()),
        "users": float((by_person > 0).sum()),
        "top_twentieth": float(ranked[: int(0.05 * SMALL_USERS * enrolled.sum())].sum()),
    }


@pytest.fixture(scope="module")
def figures() -> dict[str, Figure]:
    return measure()


@pytest.mark.parametrize("name", CHECKS)
def test_meets_published_band(figures: dict[str, Figure], name: str) -> None:
    figure, check = figures[name], CHECKS[name]
    assert check.low <= figure.value <= check.high
    assert figure.error < 0.1 * (check.high - check.low), "too few years to say"


def test_discharges_per_patient_are_those_assumed(figures: dict[str, Figure]) -> None:
    assert figures["discharges"].value / figures["patients"].value == pytest.approx(1.30, abs=0.03)


def test_top_of_the_cost_distribution_is_still_too_light(figures: dict[str, Figure]) -> None:
    """Published: the top 5% of users take 68%. Fails when the model comes to meet it: then say so in docs."""
    assert 0.50 < figures["top_twentieth_of_users"].value < 0.65


if __name__ == "__main__":
    for name, figure in measure(years=400).items():
        check = CHECKS.get(name)
        band = f"{check.low:g} to {check.high:g} ({check.source})" if check else "-"
        print(f"{check.label if check else name:50}  {figure.value:10.4f} +- {figure.error:.4f}  {band}")
