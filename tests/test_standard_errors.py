"""Standard errors by replication: 95% intervals must cover the closed form in 178 to 199 of 200 seeds.

Households of a township suffer together, so an error taken over households would be several times too small.
178 to 199 is what a true 95% interval keeps to with a chance of 99.98%; the seeds are 0 to 199, whatever they
give.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pytest
from scipy import stats

from fangpinbao import estimators
from fangpinbao.engine import population_of, simulate
from fangpinbao.estimators import Estimate
from fangpinbao.outcomes import Outcomes
from fangpinbao.scenario import Scenario
from fangpinbao.scenario.vocabulary import CLASSES

pytestmark = pytest.mark.slow

SEEDS, YEARS = range(200), 400
PERSONS, TOWNSHIPS = 240, 4
ILLNESS_RATE, ILLNESS_MEAN, MARGINAL_FACTOR = 0.5, 4000.0, 1.5
FLOOD_RATE, SHARE_HIT, PROPERTY_MEDIAN, PROPERTY_SIGMA = 0.8, 0.2, 3000.0, 0.9


def scenario() -> Scenario:
    """Two classes, four townships, illness by person, floods by township, two programmes."""
    margins = {
        "household_size": [1, 1, 1],
        "age": {"from": [0], "values": [1.0]},
        "income_per_head": {"law": "constant", "amount": 5000.0},
    }

    def coverages(deductible: float, rate: float) -> dict[str, object]:
        return {
            "illness": {
                "accounts": ["medical_cost"],
                "unit": "event",
                "deductible": deductible,
                "limit": 10_000.0,
                "rate": rate,
            },
            "property": {
                "accounts": ["property_loss"],
                "unit": "event",
                "deductible": deductible,
                "rate": rate,
            },
        }

    return Scenario.from_document(
        {
            "format": 1,
            "name": "replication",
            "title": "replication",
            "population": {
                "persons": PERSONS,
                "townships": TOWNSHIPS,
                "seed": 5,
                "classes": {
                    "marginal": margins | {"share": 0.25},
                    "general": margins | {"share": 0.75},
                },
            },
            "perils": {
                "illness": {
                    "exposed": "person",
                    "frequency": {"law": "poisson", "events_per_year": ILLNESS_RATE},
                    "factors": {"classes": {"marginal": MARGINAL_FACTOR}},
                    "books": [
                        {"account": "medical_cost", "amount": {"law": "exponential", "mean": ILLNESS_MEAN}}
                    ],
                },
                "flood": {
                    "exposed": "township",
                    "frequency": {"law": "poisson", "events_per_year": FLOOD_RATE},
                    "share_hit": {"law": "beta", "mean": SHARE_HIT, "concentration": 4.0},
                    "books": [
                        {
                            "account": "property_loss",
                            "amount": {
                                "law": "lognormal",
                                "median": PROPERTY_MEDIAN,
                                "sigma": PROPERTY_SIGMA,
                            },
                        }
                    ],
                },
            },
            "programmes": {
                "lean": {"coverages": coverages(3000.0, 0.6)},
                "rich": {"coverages": coverages(1000.0, 0.8)},
            },
        }
    )


def illness_payment(deductible: float, rate: float) -> float:
    """Mean of min(rate (X - d)+, 10,000) of an exponential cost."""
    top = deductible + 10_000.0 / rate
    return rate * ILLNESS_MEAN * (math.exp(-deductible / ILLNESS_MEAN) - math.exp(-top / ILLNESS_MEAN))


def property_payment(deductible: float, rate: float) -> float:
    """Mean of rate (X - d)+ of a lognormal loss (Black and Scholes)."""
    a = math.log(PROPERTY_MEDIAN / deductible) / PROPERTY_SIGMA
    mean = PROPERTY_MEDIAN * math.exp(PROPERTY_SIGMA**2 / 2)
    return rate * float(mean * stats.norm.cdf(a + PROPERTY_SIGMA) - deductible * stats.norm.cdf(a))


@dataclass(frozen=True)
class Truth:
    """Payout of a programme by group, from the roster's numbers of persons and households."""

    persons: dict[str, int]
    households: dict[str, int]

    def of(self, group: str, deductible: float, rate: float) -> float:
        factor = MARGINAL_FACTOR if group == "marginal" else 1.0
        illness = self.persons[group] * ILLNESS_RATE * factor * illness_payment(deductible, rate)
        floods = self.households[group] * FLOOD_RATE * SHARE_HIT * property_payment(deductible, rate)
        return illness + floods

    def whole(self, deductible: float, rate: float) -> float:
        return sum(self.of(group, deductible, rate) for group in self.persons)


@pytest.fixture(scope="module")
def runs() -> list[Outcomes]:
    model = scenario()
    people = population_of(model)
    return [simulate(model, YEARS, seed, population=people, threads=1) for seed in SEEDS]


@pytest.fixture(scope="module")
def truth() -> Truth:
    people = population_of(scenario())
    of_persons = people.household_class[people.household_of]
    groups = ("marginal", "general")
    return Truth(
        {name: int((of_persons == CLASSES.index(name)).sum()) for name in groups},
        {name: int((people.household_class == CLASSES.index(name)).sum()) for name in groups},
    )


def assert_covers(found: list[Estimate], value: float) -> None:
    covered = sum(estimate.lower <= value <= estimate.upper for estimate in found)
    assert 178 <= covered <= 199, f"{covered} of {len(found)} intervals cover {value}"
    # The errors are also right on average, and the figures are not biased.
    values = np.array([estimate.value for estimate in found])
    errors = np.array([estimate.standard_error for estimate in found])
    assert abs(values.mean() - value) < 4 * values.std(ddof=1) / math.sqrt(len(values))
    spread = math.sqrt(float(np.mean(errors**2))) / values.std(ddof=1)
    assert abs(spread - 1) < 4 / math.sqrt(2 * len(values))


def test_mean_payout(runs: list[Outcomes], truth: Truth) -> None:
    found = [estimators.mean(out.yuan_by_year("lean"), out.years, "yuan") for out in runs]
    assert_covers(found, truth.whole(3000.0, 0.6))


def test_paired_difference_of_two_programmes(runs: list[Outcomes], truth: Truth) -> None:
    found = [
        estimators.difference(out.yuan_by_year("rich"), out.yuan_by_year("lean"), out.years, "yuan")
        for out in runs
    ]
    assert_covers(found, truth.whole(1000.0, 0.8) - truth.whole(3000.0, 0.6))
    # Pairing is worth something: the same without it has a larger error.
    apart = [
        math.hypot(
            *(estimators.mean(out.yuan_by_year(p), out.years, "").standard_error for p in ("rich", "lean"))
        )
        for out in runs
    ]
    assert np.mean([estimate.standard_error for estimate in found]) < 0.6 * np.mean(apart)


@pytest.mark.parametrize("group", ["marginal", "general"])
def test_group_figure_from_batches(runs: list[Outcomes], truth: Truth, group: str) -> None:
    found = [
        estimators.from_batches(
            out.batches("lean", "payout_fen")[:, out.groups.index(group)] / 100, out.batch_years, "yuan"
        )
        for out in runs
    ]
    assert len(runs[0].batch_years) == 200
    assert_covers(found, truth.of(group, 3000.0, 0.6))


def test_cost_per_claim_as_a_ratio(runs: list[Outcomes], truth: Truth) -> None:
    step = runs[0].steps.index("lean.illness")
    found = [
        estimators.ratio(out.sums.step_paid[:, step] / 100, out.sums.step_claims[:, step], out.years, "yuan")
        for out in runs
    ]
    assert all(estimate.value > 0 for estimate in found)
    spread = np.std([estimate.value for estimate in found], ddof=1)
    error = math.sqrt(float(np.mean([estimate.standard_error**2 for estimate in found])))
    assert abs(error / spread - 1) < 4 / math.sqrt(2 * len(found))


def test_standard_deviation_and_tail_of_the_year(runs: list[Outcomes]) -> None:
    """No closed form is needed: the error must match the spread over seeds."""
    for figure in (
        lambda out: estimators.standard_deviation(out.yuan_by_year("lean"), out.years, "yuan"),
        lambda out: estimators.tail_value(out.yuan_by_year("lean"), out.years, 0.9, "yuan"),
    ):
        found = [figure(out) for out in runs]
        spread = np.std([estimate.value for estimate in found], ddof=1)
        error = math.sqrt(float(np.mean([estimate.standard_error**2 for estimate in found])))
        assert 0.8 < error / spread < 1.25
