"""The benchmark problem in vectorised numpy, the way a careful analyst would write it for this one problem.

A few years at a time: strikes of a Bernoulli process by geometric gaps (so only those who are struck are
touched), costs, layers and programme as array formulas over those persons, ``bincount`` to households, then
classes and gaps of all households. Money is float64 yuan. Nothing is taken from fangpinbao but the population
and the numbers of the scenario file.

It comes in two forms: ``totals`` gives yearly totals only; ``same figures`` also what fangpinbao's figures need:
whole fen by the rule of cumulative payments, sums by class of household, Foster-Greer-Thorbecke sums, persons
beside households, the uses of the payout, its credit to accounts, and causes.
"""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from math import log, sqrt
from typing import Any

import numpy as np

CHUNK_YEARS = 32  # years of one task, with one random generator
BATCH_YEARS = 4  # years in one array: with fewer, threads wait for the interpreter; with more, caches spill

YEAR_COLUMNS = (
    "illness_cost",
    "accident_cost",
    "property_loss",
    "basic",
    "critical",
    "assistance",
    "payout",
    "households_paid",
    "catastrophic_none",
    "catastrophic",
)
LINE_COLUMNS = (
    "gap_none",
    "gap",
    "never_at_risk",
    "prevented_return",
    "prevented_entry",
    "still_poor",
    "payout_use_prevented",
)
MORE_LINE_COLUMNS = (
    "fgt1_none",
    "fgt1",
    "fgt2_none",
    "fgt2",
    "poor",
    "persons_still_poor",
    "persons_prevented_entry",
    "payout_use_already_poor",
    "payout_use_still_poor",
    "payout_use_never_at_risk",
    "payout_above_line",
    "prevented_by_accident",
)
LINES = ("poverty", "monitoring")
COLUMNS = (*YEAR_COLUMNS, *(f"{line}_{name}" for line in LINES for name in LINE_COLUMNS))
MORE_COLUMNS = (
    "credit_accident",
    *(f"{line}_{name}" for line in LINES for name in MORE_LINE_COLUMNS),
)
BY_CLASS = (
    "basic",
    "critical",
    "assistance",
    "payout",
    *(f"{line}_{name}" for line in LINES for name in ("prevented", "still_poor", "gap")),
)
"""Sums that the form ``same figures`` also makes by class of household, over all years of a task."""


def lognormal(rng: np.random.Generator, law: Any, count: int) -> np.ndarray:
    """Draw from a lognormal law given by its mean and sigma."""
    draws = rng.standard_normal(count)
    draws *= law.sigma
    draws += log(law.mean) - 0.5 * law.sigma**2
    return np.exp(draws, out=draws)


@dataclass(frozen=True)
class Problem:
    """The benchmark scenario as plain numbers and arrays."""

    scenario: Any
    household_of: np.ndarray
    dibao: np.ndarray  # by person
    illness: list[tuple[float, np.ndarray]]  # probability and the persons who have it
    accident: list[tuple[float, np.ndarray]]
    township_start: np.ndarray
    income: np.ndarray  # by household, yuan a year
    lifted_out: np.ndarray
    catastrophic_from: np.ndarray
    lines: dict[str, np.ndarray]  # by household: persons x line
    size: np.ndarray
    is_class: np.ndarray  # [households, classes] 1 where of the class
    same_figures: bool

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the yearly sums."""
        return (*COLUMNS, *MORE_COLUMNS) if self.same_figures else COLUMNS

    @classmethod
    def of(cls, scenario: Any, population: Any, *, same_figures: bool = True) -> Problem:
        size, lines = population.household_size, scenario.lines
        peril = scenario.perils["illness"]
        ages, factors = peril.factors.age.from_, peril.factors.age.values
        band = np.searchsorted(ages, population.age, side="right") - 1
        capacity = population.consumption_per_head * size * (1 - lines.food_share)
        share = lines.catastrophic_share
        return cls(
            scenario=scenario,
            household_of=population.household_of.astype(np.int64),
            dibao=population.dibao[population.household_of],
            illness=[
                (peril.frequency.probability * factor, np.flatnonzero(band == k))
                for k, factor in enumerate(factors)
            ],
            accident=[(scenario.perils["accident"].frequency.probability, np.arange(population.persons))],
            township_start=np.searchsorted(
                population.township_of, np.arange(len(population.township_names) + 1)
            ),
            income=population.income_per_head * size,
            lifted_out=np.array(population.lifted_out),
            catastrophic_from=capacity * share / (1 - share),
            lines={"poverty": lines.poverty_line * size, "monitoring": lines.monitoring_line * size},
            size=size.astype(np.float64),
            is_class=(population.household_class[:, None] == np.unique(population.household_class)).astype(
                float
            ),
            same_figures=same_figures,
        )


def strikes(rng: np.random.Generator, probability: float, count: int) -> np.ndarray:
    """Return which of ``count`` like units are struck, each with a probability, by geometric gaps."""
    expected = count * probability
    position = np.cumsum(rng.geometric(probability, int(expected + 6 * sqrt(expected)) + 10)) - 1
    while position[-1] < count:
        more = np.cumsum(rng.geometric(probability, 100)) + position[-1]
        position = np.concatenate([position, more])
    return position[: np.searchsorted(position, count)]


def struck_persons(
    rng: np.random.Generator, strata: list[tuple[float, np.ndarray]], years: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return year and person of everybody who is struck."""
    year, person = [], []
    for probability, who in strata:
        mine, place = np.divmod(strikes(rng, probability, years * len(who)), len(who))
        year.append(mine)
        person.append(who[place])
    return np.concatenate(year), np.concatenate(person)


def banded(x: np.ndarray, terms: Any) -> np.ndarray:
    """Pay bands of x above the deductible."""
    paid, low = np.zeros_like(x), terms.deductible
    for band in terms.bands:
        paid += band.rate * (np.clip(x, low, band.up_to) - low)
        low = band.up_to
    return paid


def simulate_years(problem: Problem, rng: np.random.Generator, n_years: int) -> np.ndarray:
    """Simulate years, a few at once; returns sums [years, columns] in the order of ``COLUMNS``."""
    scenario = problem.scenario
    basic_terms, critical_terms = scenario.layers["basic"], scenario.layers["critical"]
    assistance_terms = scenario.layers["assistance"]
    programme = scenario.programmes["base"]
    coverage, aggregate = programme.coverages["medical"], programme.aggregate.limit
    persons, households = len(problem.household_of), len(problem.income)
    result = np.zeros((n_years, len(problem.columns)))
    by_class = {name: np.zeros(problem.is_class.shape[1]) for name in BY_CLASS}
    class_of_person = problem.is_class.argmax(axis=1)[problem.household_of]
    place = np.full(BATCH_YEARS * persons, -1, dtype=np.int32)
    for first in range(0, n_years, BATCH_YEARS):
        years = min(BATCH_YEARS, n_years - first)
        put = {name: result[first : first + years, k] for k, name in enumerate(problem.columns)}

        # Who falls ill or has an accident, and what it costs; both can happen to one person in a year.
        illness, accident = (scenario.perils[name].books[0] for name in ("illness", "accident"))
        ill_year, ill = struck_persons(rng, problem.illness, years)
        hurt_year, hurt = struck_persons(rng, problem.accident, years)
        illness_cost = lognormal(rng, illness.amount, len(ill))
        accident_cost = lognormal(rng, accident.amount, len(hurt))
        put["illness_cost"][:] = np.bincount(ill_year, illness_cost, years)
        put["accident_cost"][:] = np.bincount(hurt_year, accident_cost, years)
        cell = ill_year * persons + ill
        place[cell] = np.arange(len(ill), dtype=np.int32)
        also_ill = place[hurt_year * persons + hurt]
        place[cell] = -1
        alone = also_ill < 0
        both, also_ill = ~alone, also_ill[~alone]
        year, struck = np.concatenate([ill_year, hurt_year[alone]]), np.concatenate([ill, hurt[alone]])
        cost = np.concatenate([illness_cost, accident_cost[alone]])
        illness_share, accident_share = illness.in_scope_share.amount, accident.in_scope_share.amount
        scope = np.concatenate([illness_share * illness_cost, accident_share * accident_cost[alone]])
        cost[also_ill] += accident_cost[both]
        scope[also_ill] += accident_share * accident_cost[both]

        if problem.same_figures:
            cost, scope = whole_fen(cost), whole_fen(scope)
        # Public layers, each on what the one before leaves of the cost in scope; then the programme.
        basic = np.minimum(
            basic_terms.rate * np.maximum(scope - basic_terms.deductible, 0), basic_terms.limit
        )
        scope_left = scope - basic
        critical = banded(scope_left, critical_terms)
        scope_left -= critical
        assisted = np.flatnonzero(problem.dibao[struck])
        assistance = np.minimum(assistance_terms.rate * scope_left[assisted], assistance_terms.limit)
        left = cost - basic - critical
        left[assisted] -= assistance
        if problem.same_figures:  # cumulative payments are rounded once; a layer pays the difference
            upto = whole_fen(basic), whole_fen(basic + critical), whole_fen(cost - left)
            basic, critical, assistance = upto[0], upto[1] - upto[0], (upto[2] - upto[1])[assisted]
            left = cost - upto[2]
        paid = np.minimum(banded(left, coverage), coverage.limit)
        if problem.same_figures:
            paid = whole_fen(paid)
        payout = np.bincount(year, paid, years)
        if payout.max() > aggregate:
            paid *= np.minimum(aggregate / payout, 1)[year]
        put["basic"][:] = np.bincount(year, basic, years)
        put["critical"][:] = np.bincount(year, critical, years)
        put["assistance"][:] = np.bincount(year[assisted], assistance, years)
        put["payout"][:] = np.minimum(payout, aggregate)

        if problem.same_figures:
            by_accident = np.zeros(len(cost))
            by_accident[len(ill) :] = 1.0
            by_accident[also_ill] = accident_cost[both] / cost[also_ill]
            put["credit_accident"][:] = np.bincount(year, paid * by_accident, years)
            kind = class_of_person[struck]
            for name, amount in (("basic", basic), ("critical", critical), ("payout", paid)):
                by_class[name] += np.bincount(kind, amount, len(by_class[name]))
            by_class["assistance"] += np.bincount(kind[assisted], assistance, len(by_class["assistance"]))

        # Households without and with the programme.
        home = year * households + problem.household_of[struck]
        own_cost = np.bincount(home, left, years * households).reshape(years, households)
        benefit = np.bincount(home, paid, years * households).reshape(years, households)
        put["households_paid"][:] = np.count_nonzero(benefit, axis=1)
        put["catastrophic_none"][:] = np.count_nonzero(own_cost >= problem.catastrophic_from, axis=1)
        put["catastrophic"][:] = np.count_nonzero(own_cost - benefit >= problem.catastrophic_from, axis=1)
        without = problem.income - own_cost
        put["property_loss"][:] = flood(problem, rng, without)
        insured = without + benefit
        for name, line in problem.lines.items():
            was_safe = problem.income >= line
            falls, poor = without < line, insured < line
            prevented = falls & ~poor & was_safe
            put[f"{name}_gap_none"][:] = np.maximum(line - without, 0).sum(axis=1)
            put[f"{name}_gap"][:] = np.maximum(line - insured, 0).sum(axis=1)
            put[f"{name}_never_at_risk"][:] = np.count_nonzero(was_safe & ~falls, axis=1)
            put[f"{name}_prevented_return"][:] = np.count_nonzero(prevented & problem.lifted_out, axis=1)
            put[f"{name}_prevented_entry"][:] = np.count_nonzero(prevented & ~problem.lifted_out, axis=1)
            put[f"{name}_still_poor"][:] = np.count_nonzero(was_safe & poor, axis=1)
            put[f"{name}_payout_use_prevented"][:] = np.where(prevented, benefit, 0).sum(axis=1)
            if not problem.same_figures:
                continue
            gap_none, gap, size = np.maximum(line - without, 0), np.maximum(line - insured, 0), problem.size
            for suffix, short in (("_none", gap_none), ("", gap)):
                ratio = np.minimum(short, line) / line
                put[f"{name}_fgt1{suffix}"][:] = ratio @ size
                put[f"{name}_fgt2{suffix}"][:] = (ratio * ratio) @ size
            still = was_safe & poor
            put[f"{name}_poor"][:] = np.count_nonzero(poor, axis=1)
            put[f"{name}_persons_still_poor"][:] = still @ size
            put[f"{name}_persons_prevented_entry"][:] = (prevented & ~problem.lifted_out) @ size
            put[f"{name}_payout_use_already_poor"][:] = np.where(was_safe | (falls & ~poor), 0, benefit).sum(
                axis=1
            )
            put[f"{name}_payout_use_still_poor"][:] = np.where(still, benefit, 0).sum(axis=1)
            put[f"{name}_payout_use_never_at_risk"][:] = np.where(was_safe & ~falls, benefit, 0).sum(axis=1)
            above = np.minimum(benefit, np.maximum(insured - line, 0))
            put[f"{name}_payout_above_line"][:] = above.sum(axis=1)
            accidents = np.bincount(home, left * by_accident, years * households).reshape(years, households)
            is_accident = prevented & (2 * accidents > own_cost)
            put[f"{name}_prevented_by_accident"][:] = np.count_nonzero(is_accident, axis=1)
            for measure, counted in (("prevented", prevented), ("still_poor", still), ("gap", gap)):
                by_class[f"{name}_{measure}"] += (counted.astype(np.float64) @ problem.is_class).sum(axis=0)
    return result


def whole_fen(yuan: np.ndarray) -> np.ndarray:
    """Round yuan half-up to whole fen."""
    return np.floor(yuan * 100 + 0.500001) / 100


def flood(problem: Problem, rng: np.random.Generator, resource: np.ndarray) -> list[float]:
    """Take the repairs after floods from ``resource`` [years, households]; returns the yearly losses."""
    peril = problem.scenario.perils["flood"]
    repair = problem.scenario.lines.dwelling_repair_share
    a = peril.share_hit.mean * peril.share_hit.concentration
    b = peril.share_hit.concentration - a
    lost = [0.0] * len(resource)
    events = rng.poisson(peril.frequency.events_per_year, (len(resource), len(problem.township_start) - 1))
    for year, township in zip(*np.nonzero(events), strict=True):
        for _ in range(events[year, township]):
            start, stop = problem.township_start[township : township + 2]
            hit = start + np.flatnonzero(rng.random(stop - start) < rng.beta(a, b))
            loss = lognormal(rng, peril.books[0].amount, len(hit))
            resource[year, hit] -= repair * loss
            lost[year] += loss.sum()
    return lost


def chunk_of_years(problem: Problem, years: int, seed: int, chunk: int) -> np.ndarray:
    """Simulate one task's years, out of ``years``."""
    rng = np.random.Generator(np.random.SFC64(np.random.SeedSequence(seed, spawn_key=(chunk,))))
    return simulate_years(problem, rng, min(CHUNK_YEARS, years - chunk * CHUNK_YEARS))


def simulate(problem: Problem, years: int, seed: int, threads: int) -> np.ndarray:
    """Simulate years on threads; returns sums [years, columns], whatever the number of threads."""
    with ThreadPoolExecutor(threads) as pool:
        chunks = range(-(-years // CHUNK_YEARS))
        return np.concatenate(
            list(pool.map(lambda chunk: chunk_of_years(problem, years, seed, chunk), chunks))
        )


class Processes:
    """The same on processes instead of threads, started and warmed before any timing."""

    def __init__(self, problem: Problem, workers: int) -> None:
        context = multiprocessing.get_context("spawn")
        self.pool = ProcessPoolExecutor(workers, context, _keep, (problem,))
        self.simulate(2 * workers * CHUNK_YEARS, 1)

    def simulate(self, years: int, seed: int) -> np.ndarray:
        """Simulate years; returns what ``simulate`` returns."""
        chunks = range(-(-years // CHUNK_YEARS))
        return np.concatenate(list(self.pool.map(_kept_chunk, [(years, seed, chunk) for chunk in chunks])))


_kept: list[Problem] = []


def _keep(problem: Problem) -> None:
    _kept[:] = [problem]


def _kept_chunk(task: tuple[int, int, int]) -> np.ndarray:
    return chunk_of_years(_kept[0], *task)
