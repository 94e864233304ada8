"""Whether fangpinbao and the numpy version agree: means of yearly sums, in combined standard errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from benchmarks.numpy_version import COLUMNS, MORE_COLUMNS
from fangpinbao.columns import FIXED_POINT

if TYPE_CHECKING:
    from fangpinbao.outcomes import Outcomes

FARTHEST = 4.0

_STEPS = {"basic": "basic", "critical": "critical", "assistance": "assistance"}
_ACCOUNTS = {
    "illness_cost": "medical_cost",
    "accident_cost": "accident_medical_cost",
    "property_loss": "property_loss",
}
_YEARLY = {
    "payout": ("base", "payout_fen"),
    "households_paid": ("base", "households_paid"),
    "catastrophic_none": ("none", "households_catastrophic"),
    "catastrophic": ("base", "households_catastrophic"),
}
_BY_LINE = {
    "gap_none": ("none", "gap_fen"),
    "gap": ("base", "gap_fen"),
    "never_at_risk": ("base", "households_never_at_risk"),
    "prevented_return": ("base", "households_prevented_return"),
    "prevented_entry": ("base", "households_prevented_entry"),
    "still_poor": ("base", "households_still_poor"),
    "payout_use_prevented": ("base", "payout_use_prevented_fen"),
    "fgt1_none": ("none", "fgt1_fp"),
    "fgt1": ("base", "fgt1_fp"),
    "fgt2_none": ("none", "fgt2_fp"),
    "fgt2": ("base", "fgt2_fp"),
    "poor": ("base", "households_poor"),
    "persons_still_poor": ("base", "persons_still_poor"),
    "persons_prevented_entry": ("base", "persons_prevented_entry"),
    "payout_use_already_poor": ("base", "payout_use_already_poor_fen"),
    "payout_use_still_poor": ("base", "payout_use_still_poor_fen"),
    "payout_use_never_at_risk": ("base", "payout_use_never_at_risk_fen"),
    "payout_above_line": ("base", "payout_above_line_fen"),
    "prevented_by_accident": ("base", "households_prevented_accident"),
}


class Comparison(NamedTuple):
    """Means a year of one sum (yuan or households), and their difference in combined standard errors."""

    name: str
    ours: float
    numpy: float
    errors: float


def yearly(outcomes: Outcomes, name: str) -> np.ndarray:
    """Return fangpinbao's yearly sums of a column of the numpy version."""
    if name in _STEPS:
        return outcomes.sums.step_paid[:, outcomes.steps.index(_STEPS[name])] / 100
    if name in _ACCOUNTS:
        return outcomes.sums.ground_up[:, outcomes.accounts.index(_ACCOUNTS[name])] / 100
    if name in _YEARLY:
        programme, column = _YEARLY[name]
        values = outcomes.column(programme, column)
    else:
        line, _, rest = name.partition("_")
        programme, column = _BY_LINE[rest]
        values = outcomes.column(programme, column, line)
    return values / (100 if column.endswith("_fen") else FIXED_POINT if column.endswith("_fp") else 1)


def compare(outcomes: Outcomes, sums: np.ndarray) -> list[Comparison]:
    """Compare the means of all columns; ``sums`` is [years, columns] of the numpy version."""
    found = []
    for k, name in enumerate((*COLUMNS, *MORE_COLUMNS)):
        if name == "credit_accident":  # kept by batch of years, not by year
            continue
        ours, theirs = yearly(outcomes, name), sums[:, k]
        error = np.sqrt(ours.var(ddof=1) / len(ours) + theirs.var(ddof=1) / len(theirs))
        difference = ours.mean() - theirs.mean()
        errors = (
            difference / error if error > 0 else float(np.sign(difference)) * np.inf if difference else 0.0
        )
        found.append(Comparison(name, float(ours.mean()), float(theirs.mean()), float(errors)))
    return found
