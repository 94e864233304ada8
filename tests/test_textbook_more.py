"""Textbook problems that are not shipped: numerical integration and sums of probabilities by scipy.

One run holds them all: each has an account, a peril and a programme of its own.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy import integrate, stats

from fangpinbao.engine import simulate
from fangpinbao.outcomes import Outcomes
from fangpinbao.scenario import Scenario

PERSONS, YEARS = 400, 1500


@dataclass(frozen=True)
class Problem:
    """``events`` a person-year times the mean of ``pays`` over an amount with survival ``beyond``."""

    frequency: dict
    amount: dict
    terms: dict
    events: float
    beyond: Callable[[float], float]
    pays: Callable[[float], float]
    kinks: tuple[float, ...]

    def mean(self) -> float:
        """Mean of a person-year: pays(X) is piecewise linear, so its mean is a sum of integrals of survival."""
        edges = (0.0, *self.kinks, np.inf)
        total = self.pays(0.0)
        for low, high in itertools.pairwise(edges):
            top = high if np.isfinite(high) else low + 1.0
            span = (top - low) * 1e-9  # inside the piece, so that a jump does not belong to it
            start, end = self.pays(low + span), self.pays(top - span)
            slope = (end - start) / (top - low - 2 * span)
            if abs(slope) > 1e-6:
                total += slope * integrate.quad(self.beyond, low, high, epsabs=0, epsrel=1e-6, limit=500)[0]
            if low > 0:
                total += (start - self.pays(low - (low * 1e-9))) * self.beyond(low)
        return self.events * total


def poisson(rate: float) -> dict:
    return {"law": "poisson", "events_per_year": rate}


def spliced_beyond(x: float) -> float:
    body, tail = stats.lognorm(0.8, scale=3000), stats.lomax(2.2, scale=9000)
    if x < 10_000:
        return 1 - 0.9 * body.cdf(x) / body.cdf(10_000)
    return 0.1 * tail.sf(x) / tail.sf(10_000)


def in_order(order: tuple[str, ...]) -> Callable[[float], float]:
    steps = {
        "deductible": lambda x: max(x - 4000, 0.0),
        "share": lambda x: 0.8 * x,
        "cap": lambda x: min(x, 9000.0),
    }

    def pays(x: float) -> float:
        for step in order:
            x = steps[step](x)
        return x

    return pays


def bands(x: float) -> float:
    return 0.5 * np.clip(x - 2000, 0, 6000) + 0.7 * np.clip(x - 8000, 0, 12_000) + 0.9 * max(x - 20_000, 0)


EXPONENTIAL = stats.expon(scale=8000)
PROBLEMS = {
    "pareto_excess": Problem(
        poisson(0.3), {"law": "pareto", "alpha": 2.5, "theta": 20_000},
        {"unit": "event", "deductible": 30_000, "limit": 50_000},
        0.3, stats.lomax(2.5, scale=20_000).sf, lambda x: np.clip(x - 30_000, 0, 50_000), (30_000, 80_000),
    ),
    "gamma_negative_binomial": Problem(
        {"law": "negative_binomial", "events_per_year": 0.3, "size": 0.4},
        {"law": "gamma", "shape": 0.7, "scale": 8000},
        {"unit": "event", "deductible": 2000, "limit": 10_000},
        0.3, stats.gamma(0.7, scale=8000).sf, lambda x: np.clip(x - 2000, 0, 10_000), (2000, 12_000),
    ),
    "weibull_coinsurance": Problem(
        poisson(0.2), {"law": "weibull", "shape": 0.6, "scale": 5000},
        {"unit": "event", "deductible": 1000, "rate": 0.75, "limit": 9000},
        0.2, stats.weibull_min(0.6, scale=5000).sf, lambda x: np.clip(0.75 * (x - 1000), 0, 9000), (1000, 13_000),
    ),
    "burr_franchise": Problem(
        poisson(0.2), {"law": "burr", "alpha": 2, "gamma": 1.5, "theta": 10_000},
        {"unit": "event", "franchise": 6000, "limit": 25_000},
        0.2, stats.burr12(1.5, 2, scale=10_000).sf, lambda x: min(x, 25_000) * (x >= 6000), (6000, 25_000),
    ),
    "mixture_lognormal_pareto": Problem(
        {"law": "bernoulli", "probability": 0.25},
        {"law": "mixture", "parts": [
            {"weight": 3, "of": {"law": "lognormal", "median": 2000, "sigma": 0.9}},
            {"weight": 1, "of": {"law": "pareto", "alpha": 3, "theta": 30_000}},
        ]},
        {"unit": "person_year", "deductible": 5000, "limit": 40_000},
        0.25, lambda x: 0.75 * stats.lognorm(0.9, scale=2000).sf(x) + 0.25 * stats.lomax(3, scale=30_000).sf(x),
        lambda x: np.clip(x - 5000, 0, 40_000), (5000, 45_000),
    ),
    "spliced_bands": Problem(
        {"law": "bernoulli", "probability": 0.4},
        {"law": "spliced", "threshold": 10_000, "tail_weight": 0.1,
         "body": {"law": "lognormal", "median": 3000, "sigma": 0.8},
         "tail": {"law": "pareto", "alpha": 2.2, "theta": 9000}},
        {"unit": "person_year", "deductible": 2000,
         "bands": [{"rate": 0.5, "up_to": 8000}, {"rate": 0.7, "up_to": 20_000}, {"rate": 0.9}]},
        0.4, spliced_beyond, bands, (2000, 8000, 10_000, 20_000),
    ),
    "heavy_pareto": Problem(  # an infinite variance; its largest draw is 3e16 yuan
        poisson(0.2), {"law": "pareto", "alpha": 1.2, "theta": 2000},
        {"unit": "event", "deductible": 5000, "limit": 50_000},
        0.2, stats.lomax(1.2, scale=2000).sf, lambda x: np.clip(x - 5000, 0, 50_000), (5000, 55_000),
    ),
    "single_parameter": Problem(
        poisson(0.2), {"law": "single_parameter_pareto", "alpha": 2.4, "theta": 3000},
        {"unit": "event", "deductible": 4000, "limit": 60_000},
        0.2, stats.pareto(2.4, scale=3000).sf, lambda x: np.clip(x - 4000, 0, 60_000), (3000, 4000, 64_000),
    ),
} | {
    "_".join(order): Problem(
        poisson(0.2), {"law": "exponential", "mean": 8000},
        {"unit": "event", "deductible": 4000, "rate": 0.8, "limit": 9000, "order": list(order)},
        0.2, EXPONENTIAL.sf, in_order(order),
        tuple(sorted({4000.0, 5000.0, 9000.0, 11_250.0, 13_000.0, 15_250.0, 16_250.0, 15_000.0})),
    )
    for order in itertools.permutations(("deductible", "share", "cap"))
}  # fmt: skip


def table(frequency: dict, amount: dict, name: str) -> tuple[dict, dict]:
    account = {"level": "person", "kind": "medical", "label": {"en": name, "zh": name}}
    peril = {
        "exposed": "person",
        "frequency": frequency,
        "books": [{"account": name, "amount": amount}],
    }
    return account, peril


@cache
def run() -> Outcomes:
    document: dict = {
        "format": 1,
        "name": "more-textbook",
        "title": {"en": "textbook problems", "zh": "教科书问题"},
        "population": {"persons": PERSONS},
        "accounts": {},
        "perils": {},
        "programmes": {},
    }
    for name, problem in PROBLEMS.items():
        document["accounts"][name], document["perils"][name] = table(problem.frequency, problem.amount, name)
        document["programmes"][name] = {"coverages": {"only": {"accounts": [name], **problem.terms}}}
    document["accounts"]["nest"], document["perils"]["nest"] = table(
        poisson(0.2), {"law": "discrete", "values": [1, 2, 5], "probabilities": [0.5, 0.3, 0.2]}, "nest"
    )
    nested = {"accounts": ["nest"], "per_event": {"deductible": 1, "limit": 3}, "deductible": 1, "limit": 4}
    document["programmes"]["nest_free"] = {"coverages": {"only": nested}}
    document["programmes"]["nest"] = {
        "coverages": {"only": nested},
        "aggregate": {"limit": NEST_LIMIT, "rule": "pro_rata"},
    }
    document["accounts"]["group"], document["perils"]["group"] = table(
        poisson(20 / PERSONS), {"law": "exponential", "mean": 1000}, "group"
    )
    for rule in ("pro_rata", "first_come"):
        document["programmes"][f"group_{rule}"] = {
            "coverages": {"only": {"accounts": ["group"], "unit": "event"}},
            "aggregate": {"limit": GROUP_LIMIT, "rule": rule},
        }
    return simulate(Scenario.from_document(document), years=YEARS, seed=29, threads=1)


NEST_LIMIT, GROUP_LIMIT = 25, 22_000


def test_every_law_and_order_meets_its_integral():
    for name, problem in PROBLEMS.items():
        paid = run().yuan_by_year(name)
        found, error = paid.mean(), paid.std(ddof=1) / YEARS**0.5
        expected = PERSONS * problem.mean()
        assert 0 < error < 0.03 * expected, name
        assert abs(found - expected) < 4 * error, (name, found, expected, error)


def nested_person() -> np.ndarray:
    """Law of a person's yearly payment, by summing over the number of events (at most 20)."""
    event = np.zeros(4)  # 1, 2, 5 pay 0, 1, 3
    event[[0, 1, 3]] = 0.5, 0.3, 0.2
    paid, power = np.zeros(5), np.ones(1)
    for n in range(21):
        total = np.clip(np.arange(power.size) - 1, 0, 4)
        paid += stats.poisson(0.2).pmf(n) * np.bincount(total, weights=power, minlength=5)
        power = np.convolve(power, event)
    return paid


def test_event_then_year_then_pro_rata_aggregate_meets_the_convolution():
    person, group = nested_person(), np.ones(1)
    for _ in range(PERSONS):
        group = np.convolve(group, person)[:400]
    for name, limit in (("nest_free", np.inf), ("nest", NEST_LIMIT)):
        payments = np.minimum(np.arange(group.size), limit)
        mean = float(group @ payments)
        sd = float(group @ (payments - mean) ** 2) ** 0.5
        paid = run().yuan_by_year(name)
        assert abs(paid.mean() - mean) < 4 * sd / YEARS**0.5, (name, paid.mean(), mean)
    cut = float(group[NEST_LIMIT + 1 :].sum())
    seen = (run().yuan_by_year("nest_free") > NEST_LIMIT).mean()
    assert 0.05 < cut < 0.95
    assert abs(seen - cut) < 4 * (cut * (1 - cut) / YEARS) ** 0.5


def test_aggregate_limit_on_exponentials_meets_the_gamma_sum():
    counts = np.arange(1, 100)
    beyond = stats.gamma(counts, scale=1000).sf(GROUP_LIMIT)
    below = counts * 1000 * stats.gamma(counts + 1, scale=1000).cdf(GROUP_LIMIT)
    mean = float(stats.poisson(20).pmf(counts) @ (below + GROUP_LIMIT * beyond))
    for rule in ("pro_rata", "first_come"):
        paid = run().yuan_by_year(f"group_{rule}")
        assert paid.max() == GROUP_LIMIT
        assert abs(paid.mean() - mean) < 4 * paid.std(ddof=1) / YEARS**0.5
