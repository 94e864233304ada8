"""Two programmes side by side: differences paired year by year, since both met the same events."""

from __future__ import annotations

import numpy as np

from fangpinbao import estimators, yearly
from fangpinbao.outcomes import Outcomes
from fangpinbao.payers import ALL_COSTS, COST_KINDS, borne_by_year, relief_of_cost
from fangpinbao.records import Figures, Gathering

__all__ = ["compare"]


def compare(outcomes: Outcomes, a: str, b: str = "none") -> Figures:
    """Return the mean paired differences ``a`` minus ``b`` of all yearly measures, at both lines.

    Parameters
    ----------
    outcomes
        A run that settled both programmes.
    a, b
        Programmes, or ``none``.

    Returns
    -------
    Figures
        With ``programme`` "a - b" and statistic ``difference``; the error is that of the difference, which
        is mostly far below those of the two figures.

    Raises
    ------
    KeyError
        If there is no such programme.
    """
    gathering, name = Gathering(), f"{a} - {b}"
    for programme in (a, b):
        outcomes.index(programme)
    left_out = yearly.OF_PAYOUT if any(yearly.is_rules(outcomes, p) for p in (a, b)) else frozenset()
    if not yearly.has_own_relief(outcomes):
        left_out = left_out | yearly.OF_OWN_RELIEF
    for measure in yearly.YEAR_MEASURES:
        if not measure.endswith("_change") and measure not in left_out:
            gathering.add(measure, "difference", yearly.mean(outcomes, a, measure, minus=b), name)
    _borne(gathering, outcomes, a, b, name)
    _money(gathering, outcomes, a, b, name)
    _funnels(gathering, outcomes, a, b, name)
    for line in yearly.lines_of(outcomes):
        for measure in (one for one in yearly.LINE_MEASURES if one not in left_out):
            gathering.add(measure, "difference", yearly.mean(outcomes, a, measure, line, b), name, line=line)
    return gathering.figures()


def _funnels(gathering: Gathering, outcomes: Outcomes, a: str, b: str, name: str) -> None:
    """Compare who is found, where both programmes have a detection design."""
    if not {a, b} <= set(outcomes.compiled.cases.programmes):
        return
    for stage in ("due", "listed", "alerted", "found", "approved", "accepted", "in_time", "wrong"):
        mine, other = (outcomes.funnel_column(one, f"funnel_{stage}") for one in (a, b))
        difference = estimators.difference(mine, other, outcomes.years, "households")
        gathering.add(f"funnel_{stage}", "difference", difference, name)


def _borne(gathering: Gathering, outcomes: Outcomes, a: str, b: str, name: str) -> None:
    """Compare what each payer bears of each kind of cost."""
    nothing = np.zeros(outcomes.n_years, dtype=np.int64)
    together = [] if relief_of_cost(outcomes) is None else [ALL_COSTS]
    for kind in (*COST_KINDS, *together):
        mine, other = (borne_by_year(outcomes, programme, kind) for programme in (a, b))
        if mine is None or other is None:
            continue
        payers = dict.fromkeys((*other, *mine))
        for payer in payers if len(payers) > 1 else ():
            first, second = mine.get(payer, nothing), other.get(payer, nothing)
            if first.any() or second.any():
                estimate = estimators.difference(first, second, outcomes.years, "fen").scaled(0.01, "yuan")
                gathering.add(f"{kind}_borne", "difference", estimate, name, group=payer)


def _money(gathering: Gathering, outcomes: Outcomes, a: str, b: str, name: str) -> None:
    """Compare the insurer's payout per insured, and the public cost; "none" costs nothing."""
    heads = [float(yearly.insured(outcomes, programme).sum()) for programme in (a, b)]
    if all(heads) and not any(yearly.is_rules(outcomes, programme) for programme in (a, b)):
        mine, other = (yearly.insurer_payout(outcomes, p) / h for p, h in zip((a, b), heads, strict=True))
        estimate = estimators.difference(mine, other, outcomes.years, "fen").scaled(0.01, "yuan per insured")
        gathering.add("pure_premium_per_insured", "difference", estimate, name)
    costs = [0.0 if p == "none" else yearly.public_cost(outcomes, p) for p in (a, b)]
    if costs[0] is None or costs[1] is None:
        gathering.note(f"{name}: public_cost: expenses take the whole premium")
        return
    cost = np.broadcast_to(costs[0] - costs[1], (outcomes.n_years,))
    estimate = estimators.mean(cost, outcomes.years, "fen").scaled(0.01, "yuan")
    gathering.add("public_cost", "difference", estimate, name)
