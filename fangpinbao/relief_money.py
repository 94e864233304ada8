"""Relief beside an insurance programme for the same money, on the same simulated years.

Programmes of relief alone are run once as they are, then again at the cost of the insurance: one that costs more pays
a share of its households, drawn by the key of its take-up, one that costs less pays more by a factor, or reaches more
households where it pays cost borne. Every figure is paired year by year.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from fangpinbao import estimators, yearly
from fangpinbao._typing import Int64Array
from fangpinbao.engine import simulate
from fangpinbao.errors import InputError, Problem
from fangpinbao.estimate import Estimate
from fangpinbao.outcomes import Outcomes
from fangpinbao.population import Population
from fangpinbao.scenario import Scenario
from fangpinbao.scenario.relief import ReliefEntry
from fangpinbao.scenario.vocabulary import LINES

__all__ = ["DesignFigures", "designs_of", "relief_for_the_same_money"]

_FEN: Final = 0.01
_MOST_SCALE: Final = 100.0


@dataclass(frozen=True)
class DesignFigures:
    """A programme in a mean year, at the cost of the insurance it is compared with.

    Attributes
    ----------
    own_cost
        Yuan a year before scaling.
    served, raised
        Factors of take-up and of payments that should bring the cost to the insurance's; where the cost stays below,
        the design cannot use the money.
    cost, late, repaid
        Yuan a year after scaling: payout and relief, with what public layers pay more or less, less loans that came
        back; of it after the year; loans that came back. Premium loadings and administration are left out.
    payments, households_paid
        Of relief, each entry counted by itself; households paid by insurance.
    prevented, lifted, induced, gap_closed, cost_per_prevented
        By line: households (of W0 above the line), households poor before, yuan, and yuan per household net of
        induced ones; the last None where the number is negative or within two standard errors of zero.
    less
        By line: net prevented of this programme less that of the insurance, paired year by year.
    """

    design: str
    label: tuple[str, str]
    own_cost: Estimate
    served: float
    raised: float
    cost: Estimate
    late: Estimate
    repaid: Estimate
    payments: Estimate
    households_paid: Estimate
    prevented: Mapping[str, Estimate]
    lifted: Mapping[str, Estimate]
    induced: Mapping[str, Estimate]
    gap_closed: Mapping[str, Estimate]
    cost_per_prevented: Mapping[str, Estimate]
    less: Mapping[str, Estimate]


def designs_of(scenario: Scenario) -> list[str]:
    """Return the programmes that pay relief and nothing else."""
    programmes = scenario.programmes.items()
    return [name for name, programme in programmes if programme.relief and not programme.coverages]


def relief_for_the_same_money(
    scenario: Scenario,
    years: int,
    *,
    programme: str | None = None,
    designs: list[str] | None = None,
    seed: int | None = None,
    same_money: bool = True,
    threads: int | None = None,
    population: Population | None = None,
) -> list[DesignFigures]:
    """Return the insurance and each programme of relief alone, on the same years, for the same money.

    Parameters
    ----------
    programme
        Absent: the first with coverages. Its money is what it pays in a mean year, and what public layers pay more
        or less for it.
    designs
        Absent: all programmes of relief alone.
    same_money
        False: every design at its own cost.
    population
        Absent: the scenario's.

    Raises
    ------
    InputError
        If there is no such programme or design.
    """
    known = designs_of(scenario)
    insurance = [name for name in scenario.programmes if scenario.programmes[name].coverages]
    chosen = known if designs is None else designs
    first = programme if programme is not None else next(iter(insurance), "")
    problems = [
        Problem("design", f"= {name!r} is not one of {', '.join(known)}.")
        for name in chosen
        if name not in known
    ]
    if not known:
        cure = "Lay a part over the scenario, e.g. --with parts/relief-designs-2020."
        problems.append(Problem("programmes", f"has none that pays relief alone. {cure}"))
    if scenario.lines is None:
        problems.append(Problem("lines", "is missing, so nobody is poor. Add the lines of the place."))
    if not insurance:
        problems.append(
            Problem("programmes", "has no coverage, so there is no money to compare with. Add one.")
        )
    elif first not in insurance:
        problems.append(Problem("programme", f"= {first!r} is not one of {', '.join(insurance)}."))
    if problems:
        raise InputError(scenario.name, problems)
    kept = {name: scenario.programmes[name] for name in (first, *chosen)}
    alone = scenario.model_copy(update={"programmes": kept})
    run: dict[str, Any] = {"years": years, "seed": seed, "threads": threads}
    own = simulate(alone, population=population, **run)
    money = float(_money(own, first).mean())
    shares = {name: _share(own, name, money if same_money else None) for name in chosen}
    scaled = own
    if any(share != 1.0 for share in shares.values()):
        there = own.compiled.population
        scaled = simulate(_scaled(alone, shares), population=there, **run)
    return [_figures(own, scaled, name, first, shares.get(name, 1.0)) for name in (first, *chosen)]


def _money(outcomes: Outcomes, programme: str) -> Int64Array:
    """Return [years], fen: payout, relief and change of public layers, less loans that came back."""
    payout = outcomes.column(programme, "payout_fen")
    if yearly.is_rules(outcomes, programme):
        payout = np.zeros_like(payout)
    changes = [yearly.values(outcomes, programme, f"{part}_change") for part in ("relief", "public_layers")]
    total: Int64Array = payout + sum(change for change in changes if change is not None)
    return total


def _share(outcomes: Outcomes, programme: str, money: float | None) -> float:
    """The money over what a design costs as it is."""
    own = float(_money(outcomes, programme).mean())
    share = 1.0 if money is None or own <= 0.0 or money <= 0.0 else money / own
    return min(share, _MOST_SCALE)


def _factors(entry: ReliefEntry, share: float) -> tuple[float, float]:
    """Factors of an entry's take-up and rate: cost borne is never overpaid, so more money reaches more households."""
    if share <= 1.0:
        return share, 1.0
    if entry.base == "borne":
        return min(share, 1.0 / entry.take_up) if entry.take_up else 1.0, 1.0
    return 1.0, share


def _scaled(scenario: Scenario, shares: Mapping[str, float]) -> Scenario:
    """Return the scenario with the take-up and rate of each design multiplied."""
    programmes = dict(scenario.programmes)
    for name, share in shares.items():
        relief = {}
        for entry, table in programmes[name].relief.items():
            served, raised = _factors(table, share)
            update = {"take_up": table.take_up * served, "rate": table.rate * raised}
            relief[entry] = table.model_copy(update=update)
        programmes[name] = programmes[name].model_copy(update={"relief": relief})
    return scenario.model_copy(update={"programmes": programmes})


def _figures(own: Outcomes, outcomes: Outcomes, name: str, insurance: str, share: float) -> DesignFigures:
    factors = [_factors(entry, share) for entry in own.scenario.programmes[name].relief.values()]
    served, raised = (max((factor[k] for factor in factors), default=1.0) for k in range(2))
    years, cost = outcomes.years, _money(outcomes, name)

    def yuan(series: Int64Array) -> Estimate:
        return estimators.mean(series, years, "fen").scaled(_FEN, "yuan")

    def of(measure: str, line: str | None = None, programme: str = name) -> Int64Array:
        series = yearly.values(outcomes, programme, measure, line)
        assert series is not None
        return series

    def by_line(measure: str) -> dict[str, Estimate]:
        return {line: yearly.mean(outcomes, name, measure, line) for line in LINES}

    late = of("own_relief_late") + (0 if yearly.is_rules(outcomes, name) else of("late_payment"))
    insured = 0 if yearly.is_rules(outcomes, name) else of("households_paid")
    unit, net = "yuan per household", {line: of("households_net_prevented", line) for line in LINES}
    label = outcomes.scenario.programmes[name].label
    return DesignFigures(
        design=name,
        label=(label.en, label.zh) if label else (name, name),
        own_cost=yuan(_money(own, name)),
        served=served,
        raised=raised,
        cost=yuan(cost),
        late=yuan(late),
        repaid=yuan(of("loans_repaid")),
        payments=estimators.mean(of("own_relief_payments"), years, "payments"),
        households_paid=estimators.mean(np.zeros_like(late) + insured, years, "households"),
        prevented=by_line("households_prevented"),
        lifted=by_line("households_lifted"),
        induced=by_line("households_induced"),
        gap_closed=by_line("gap_closed"),
        cost_per_prevented={
            line: estimators.cost_for(cost, net[line], years, unit).scaled(_FEN, unit) for line in LINES
        },
        less={
            line: estimators.difference(
                net[line], of("households_net_prevented", line, insurance), years, "households"
            )
            for line in LINES
        },
    )
