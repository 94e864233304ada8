"""Claims of several products known only in sum: what that sum allows each product to cost.

A record R of claims over many policy years, with the units q_i (or sums) that product i ever insured, fixes only
sum_i q_i c_i = R for the costs c_i per unit. Any split of R fits, so nothing here is a prediction: the module says how
the simulated costs lie to that plane, and where the plane cuts the axes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from fangpinbao import estimators, yearly
from fangpinbao._typing import Float64Array
from fangpinbao.compiled import eligible
from fangpinbao.errors import InputError, Problem
from fangpinbao.estimate import Estimate, Years
from fangpinbao.outcomes import Outcomes
from fangpinbao.scenario.models import Programme

__all__ = ["Fit", "Product", "fits", "products"]


@dataclass(frozen=True)
class Product:
    """One product against its record.

    Attributes
    ----------
    basis
        What the record counts: units insured (``times``) or yuan insured (``sum_insured``).
    insured
        The record: units or yuan over all policy years.
    simulated
        Units or yuan that the simulated list insures in a year.
    cost
        Simulated claims per unit, or per yuan insured.
    claims
        What that cost would make of the whole record, yuan.
    by_year
        The same by simulated year, shape (years,).
    """

    name: str
    basis: Literal["times", "sum_insured"]
    insured: float
    simulated: float
    cost: Estimate
    claims: Estimate
    by_year: Float64Array
    years: Years

    def at_most(self, record: float) -> float:
        """Return the cost per unit or yuan insured if all recorded claims were this product's."""
        return record / self.insured


@dataclass(frozen=True)
class Fit:
    """A way to meet the record: ``factor`` on the simulated cost of ``product``, the others as said.

    ``others`` is ``simulated`` where they keep their simulated cost, ``nothing`` where all recorded claims are
    this product's, ``alike`` (product None) where all costs have the same factor.
    """

    product: str | None
    others: Literal["simulated", "nothing", "alike"]
    factor: Estimate


def products(outcomes: Outcomes, names: Sequence[str]) -> list[Product]:
    """Return the products' simulated claims costs beside what they ever insured.

    Parameters
    ----------
    outcomes
        A run of a scenario whose programmes ``names`` have ``ever_insured`` and coverages with ``exposure``.

    Raises
    ------
    InputError
        If a programme has no record, or no exposure to set it against.
    KeyError
        If there is no such programme.
    """
    return [_product(outcomes, name) for name in names]


def _product(outcomes: Outcomes, name: str) -> Product:
    outcomes.index(name)
    programme, place = outcomes.scenario.programmes[name], f"programmes.{name}"
    record = programme.ever_insured
    if record is None or (record.times is None and record.sum_insured is None):
        raise InputError(
            "the scenario", [Problem(f"{place}.ever_insured", "is missing. Add times or a sum.")]
        )
    basis: Literal["times", "sum_insured"] = "sum_insured" if record.times is None else "times"
    insured = record.sum_insured if record.times is None else record.times
    simulated = _simulated(outcomes, programme, basis)
    if not insured or not simulated:
        message = f"insures nothing by {basis}. Give its coverages an exposure, with sum_each for sums."
        raise InputError("the scenario", [Problem(place, message)])
    payout, years = yearly.insurer_payout(outcomes, name) / 100.0, outcomes.years
    unit = "yuan per unit" if basis == "times" else "yuan per yuan insured"
    by_year = payout * (insured / simulated)
    return Product(
        name, basis, insured, simulated, estimators.mean(payout, years, "yuan").scaled(1 / simulated, unit),
        estimators.mean(by_year, years, "yuan"), by_year, years,
    )  # fmt: skip


def _simulated(outcomes: Outcomes, programme: Programme, basis: str) -> float:
    """Count units, or yuan insured, of the simulated list; coverages without exposure share another's."""
    people, total = outcomes.compiled.population, 0.0
    for coverage in programme.coverages.values():
        exposure = coverage.exposure
        if exposure is not None:
            filters = [programme.insured, exposure.where]
            fit = eligible(people, filters, households=exposure.counted == "households")
            each = exposure.each * (1.0 if basis == "times" else exposure.sum_each or 0.0)
            total += float(fit.sum()) * each
    return total


def fits(found: Sequence[Product], record: float) -> list[Fit]:
    """Return ways to meet recorded claims of all products together.

    All costs alike; each product moving alone while the others keep their simulated cost (a factor below zero
    says that the others alone exceed the record); each product making all claims.

    Parameters
    ----------
    record
        Recorded claims of all products together, yuan.
    """
    years, whole = found[0].years, np.sum([one.by_year for one in found], axis=0)
    constant = np.full(whole.shape, record)
    ways = [Fit(None, "alike", estimators.ratio(constant, whole, years, "ratio"))]
    for one in found:
        rest = constant - (whole - one.by_year)
        ways.append(Fit(one.name, "simulated", estimators.ratio(rest, one.by_year, years, "ratio")))
    for one in found:
        ways.append(Fit(one.name, "nothing", estimators.ratio(constant, one.by_year, years, "ratio")))
    return ways
