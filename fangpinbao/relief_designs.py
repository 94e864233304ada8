"""Relief that is not insurance, set against an insurance programme for the same money, on the same years.

A design pays households by their year under the stack "none" with the relief that exists anyway; the
programme's benefits are replaced by it. Designs are scaled to the programme's mean yearly cost, by serving a
share of the households where a design costs more, by raising its payments where it costs less. All
differences are paired year by year.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from fangpinbao import estimators
from fangpinbao._typing import BoolArray, Float64Array, Int64Array
from fangpinbao.at_risk import Facts
from fangpinbao.errors import InputError, Problem
from fangpinbao.estimate import Estimate
from fangpinbao.household_years import HouseholdYears, settle_households
from fangpinbao.scenario import Scenario
from fangpinbao.scenario.risk import ReliefDesign
from fangpinbao.scenario.vocabulary import LINES

__all__ = ["DesignFigures", "compare_on", "compare_relief", "relief_paid"]

NOTE_LOAN = "not defined: a loan must be paid back, and the years that do so are not simulated"
_FEN = 0.01
_MOST_SCALE = 100.0


@dataclass(frozen=True)
class DesignFigures:
    """A design in a mean year, scaled to the programme's money.

    Attributes
    ----------
    own_cost
        Yuan a year before scaling.
    served, raised
        Share of households served and factor of payments that bring the cost to the programme's.
    cost, late, repaid
        Yuan a year after scaling: paid in all; of it after the year; of it to be paid back (a loan).
    households_paid
        Households a year.
    prevented, lifted, induced, gap_closed, cost_per_prevented
        By line: households (of W0 above the line), households poor before, yuan, and yuan per household net of
        induced ones; the last None for loans, and where the number is within two standard errors of zero.
    less
        By line: net prevented of this design less that of the programme, paired year by year.
    """

    design: str
    label: tuple[str, str]
    own_cost: Estimate
    served: float
    raised: float
    cost: Estimate
    late: Estimate
    repaid: Estimate
    households_paid: Estimate
    prevented: Mapping[str, Estimate]
    lifted: Mapping[str, Estimate]
    induced: Mapping[str, Estimate]
    gap_closed: Mapping[str, Estimate]
    cost_per_prevented: Mapping[str, Estimate]
    less: Mapping[str, Estimate]


def relief_paid(design: ReliefDesign, facts: Facts) -> Int64Array:
    """Return what a design pays [years, households], fen, to everybody it is open to, before take-up."""
    table = facts.table
    people, shape = table.population, table.without.shape
    lines = table.scenario.lines
    assert lines is not None
    standard = design.standard if design.standard is not None else lines.dibao_standard or 0.0
    each = round(standard / _FEN)
    open_to = people.select_households(design.where) & facts.fits(design.when)
    if design.base == "gap":
        amount: Float64Array = np.maximum(each * table.size - table.without, 0).astype(np.float64)
    elif design.base == "borne":
        amount = (table.spending + table.repairs).astype(np.float64)
    else:
        counted = people.select(design.where)
        if design.person_has is not None:
            counted = counted & facts.persons_with[design.person_has]
        heads = np.bincount(people.household_of[counted], minlength=people.households)
        amount = np.broadcast_to(heads * float(each), shape)
    paid = np.floor(amount * (design.rate * design.months / 12.0) + 0.500001)
    if design.limit is not None:
        paid = np.minimum(paid, round(design.limit / _FEN))
    whole: Int64Array = np.where(np.broadcast_to(open_to, shape), paid, 0).astype(np.int64)
    return whole


def compare_relief(
    scenario: Scenario,
    years: int,
    *,
    programme: str | None = None,
    designs: list[str] | None = None,
    seed: int | None = None,
    same_money: bool = True,
) -> list[DesignFigures]:
    """Return the programme and each relief design, on the same years, for the same money.

    Parameters
    ----------
    programme
        Absent: the first. Its money is its mean yearly payout; premiums and expenses are left out on both sides.
    same_money
        False: every design at its own cost.

    Raises
    ------
    InputError
        If there is no such programme or design.
    """
    known, names = scenario.relief_designs, list(scenario.programmes)
    chosen = list(known) if designs is None else designs
    problems = [
        Problem("design", f"= {name!r} is not one of {', '.join(known)}.")
        for name in chosen
        if name not in known
    ]
    if not known:
        cure = "Add one, or lay a part over the scenario, e.g. --with parts/relief-designs-2020."
        problems.append(Problem("relief_designs", f"has no design. {cure}"))
    if not names:
        problems.append(Problem("programmes", "has none, so there is no money to compare with. Add one."))
    chosen_programme = scenario.programmes.get(programme or next(iter(names), ""))
    limit = chosen_programme.aggregate if chosen_programme is not None else None
    if limit is not None and limit.rule != "topped_up":
        reason = f'has rule "{limit.rule}", which is not applied to single households. Use "topped_up", or drop it.'
        problems.append(Problem(f"programmes.{programme or names[0]}.aggregate", reason))
    if problems:
        raise InputError(scenario.name, problems)
    facts = Facts.of(settle_households(scenario, years, seed=seed))
    return compare_on(facts, programme=programme, designs=chosen, same_money=same_money)


def compare_on(
    facts: Facts, *, programme: str | None = None, designs: list[str] | None = None, same_money: bool = True
) -> list[DesignFigures]:
    """Compare on years that are settled already; see :func:`compare_relief`."""
    table, scenario = facts.table, facts.table.scenario
    known, names = scenario.relief_designs, list(scenario.programmes)
    chosen = list(known) if designs is None else designs
    p = table.index(names[0] if programme is None else programme)
    insurance = _Design(
        table, table.benefit[p], table.late[p], np.zeros_like(table.without), table.insured[p]
    )
    name = table.programmes[p]
    label = scenario.programmes[name].label
    labels = (label.en, label.zh) if label else (name, name)
    figures = [insurance.figures(name, labels, insurance.paid, 1.0, 1.0, insurance)]
    money = float(insurance.paid.sum())
    for one in chosen:
        figures.append(_scaled(one, known[one], facts, money if same_money else None, insurance))
    return figures


def _scaled(
    name: str, design: ReliefDesign, facts: Facts, money: float | None, insurance: _Design
) -> DesignFigures:
    table = facts.table
    whole = relief_paid(design, facts)
    uniform = table.uniforms(f"relief/{name}")
    taken = np.where(uniform < design.take_up, whole, 0)
    own = float(taken.sum())
    share = 1.0 if money is None or own == 0.0 else money / own
    served, raised = min(share, 1.0), min(max(share, 1.0), _MOST_SCALE)
    paid = np.where(uniform < design.take_up * served, whole, 0)
    if raised > 1.0:
        paid = np.floor(paid * raised + 0.500001).astype(np.int64)
    in_time = np.floor(paid * design.paid_within_year + 0.500001).astype(np.int64)
    repaid = np.floor(paid * design.repaid + 0.500001).astype(np.int64)
    mine = _Design(table, paid, paid - in_time, repaid, table.without + in_time)
    label = (design.label.en, design.label.zh) if design.label else (name, name)
    return mine.figures(name, label, taken, served, raised, insurance)


@dataclass(frozen=True)
class _Design:
    """Payments and resources of every household and year under a design."""

    table: HouseholdYears
    paid: Int64Array
    late: Int64Array
    repaid: Int64Array
    insured: Int64Array

    def net(self, k: int) -> Int64Array:
        """Households fewer below line ``k``, by year."""
        z = self.table.lines[k]
        fewer: Int64Array = (self.table.without < z).sum(axis=1) - (self.insured < z).sum(axis=1)
        return fewer

    def figures(
        self,
        name: str,
        label: tuple[str, str],
        own: Int64Array,
        served: float,
        raised: float,
        other: _Design,
    ) -> DesignFigures:
        """Figures beside those of ``other``; ``own`` is what the design pays before scaling."""
        table, years = self.table, self.table.years

        def yuan(fen: Int64Array) -> Estimate:
            return estimators.mean(fen.sum(axis=1), years, "fen").scaled(_FEN, "yuan")

        def count(mask: BoolArray) -> Estimate:
            return estimators.mean(mask.sum(axis=1), years, "households")

        prevented, lifted, induced, gap, per, less = {}, {}, {}, {}, {}, {}
        for k, line in enumerate(LINES):
            z = table.lines[k]
            poor, without = self.insured < z, table.without < z
            prevented[line] = count((table.start >= z) & without & ~poor)
            lifted[line] = count((table.start < z) & without & ~poor)
            induced[line] = count(poor & ~without)
            closed = np.maximum(z - table.without, 0) - np.maximum(z - self.insured, 0)
            gap[line] = yuan(closed)
            unit = "yuan per household"
            per[line] = estimators.ratio(self.paid.sum(axis=1), self.net(k), years, unit).scaled(_FEN, unit)
            if self.repaid.any():
                per[line] = Estimate(None, None, None, None, unit, years.n, note=NOTE_LOAN)
            less[line] = estimators.difference(self.net(k), other.net(k), years, "households")
        return DesignFigures(
            design=name,
            label=label,
            own_cost=yuan(own),
            served=served,
            raised=raised,
            cost=yuan(self.paid),
            late=yuan(self.late),
            repaid=yuan(self.repaid),
            households_paid=count(self.paid > 0),
            prevented=prevented,
            lifted=lifted,
            induced=induced,
            gap_closed=gap,
            cost_per_prevented=per,
            less=less,
        )
