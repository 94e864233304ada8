"""Two programmes side by side: differences paired year by year, since both met the same events."""

from __future__ import annotations

import numpy as np

from fangpinbao import estimators, yearly
from fangpinbao.outcomes import Outcomes
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
    for measure in yearly.YEAR_MEASURES:
        if not measure.endswith("_change"):
            gathering.add(measure, "difference", yearly.mean(outcomes, a, measure, minus=b), name)
    _money(gathering, outcomes, a, b, name)
    for line in yearly.lines_of(outcomes):
        for measure in yearly.LINE_MEASURES:
            gathering.add(measure, "difference", yearly.mean(outcomes, a, measure, line, b), name, line=line)
    return gathering.figures()


def _money(gathering: Gathering, outcomes: Outcomes, a: str, b: str, name: str) -> None:
    """Compare the insurer's payout per insured, and the public cost; "none" costs nothing."""
    heads = [float(yearly.insured(outcomes, programme).sum()) for programme in (a, b)]
    if all(heads):
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
