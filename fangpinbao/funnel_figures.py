"""The alert-to-payout funnel of programmes with a detection design: how many households get how far, and when."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from fangpinbao import estimators, yearly
from fangpinbao._typing import Int64Array
from fangpinbao.estimate import Estimate
from fangpinbao.outcomes import Outcomes
from fangpinbao.records import Figures, Gathering

__all__ = ["BY_CLASS", "STAGES", "funnel_counts", "funnel_estimates", "funnel_figures", "stage_before"]

STAGES: Mapping[str, tuple[str, str]] = {
    "due": ("the terms would pay", "符合赔付条件"),
    "listed": ("on the list", "在名单内"),
    "alerted": ("cost reaches the alert", "支出触发预警"),
    "found": ("found by some channel", "被发现"),
    "approved": ("approved", "通过核定"),
    "accepted": ("accepts", "接受救助"),
    "in_time": ("paid within the year", "当年到账"),
}
"""Stages of the funnel, each a part of the one before."""

BY_CLASS = ("funnel_due", "funnel_accepted", "funnel_in_time", "funnel_wrong")
"""Measures that are also given by class of household."""

_FEN = 0.01


def stage_before(stage: str) -> str:
    """Return the stage that a stage after the first is a part of."""
    order = list(STAGES)
    return order[order.index(stage) - 1]


def funnel_counts(outcomes: Outcomes, programme: str) -> dict[str, Int64Array]:
    """Return by stage the households [years] that reach it, of those whose claim is due."""
    return {stage: outcomes.funnel_column(programme, f"funnel_{stage}") for stage in STAGES}


def funnel_estimates(outcomes: Outcomes, programme: str) -> Iterator[tuple[str, str | None, Estimate]]:
    """Yield (measure, group, estimate) of the funnel of a programme with a detection design."""
    years, counts = outcomes.years, funnel_counts(outcomes, programme)
    for stage, households in counts.items():
        yield f"funnel_{stage}", None, estimators.mean(households, years, "households")
    for stage in list(STAGES)[1:]:
        kept = estimators.ratio(counts[stage], counts[stage_before(stage)], years, "share")
        yield "funnel_kept", stage, kept
    cases = outcomes.compiled.cases
    for channel in cases.designs[cases.index(programme)].channels:
        found = outcomes.funnel_column(programme, f"funnel_found_by_{channel}")
        yield "funnel_found", channel, estimators.mean(found, years, "households")
    sums, columns = outcomes.sums.batch_funnel[:, cases.index(programme)], cases.columns
    for measure in BY_CLASS if len(outcomes.groups) > 1 else ():
        for g, group in enumerate(outcomes.groups):
            of_class = sums[:, g, columns.index(measure)]
            yield measure, group, yearly.of_batches(outcomes, of_class, "households")
    wrong = outcomes.funnel_column(programme, "funnel_wrong")
    yield "funnel_wrong", None, estimators.mean(wrong, years, "households")
    money = outcomes.funnel_column(programme, "funnel_wrong_fen")
    yield "funnel_wrong_payout", None, estimators.mean(money, years, "fen").scaled(_FEN, "yuan")
    days = outcomes.funnel_column(programme, "funnel_days_thousandths")
    paid = outcomes.column(programme, "households_paid")
    yield "funnel_days", None, estimators.ratio(days, paid, years, "days").scaled(0.001, "days")


def funnel_figures(outcomes: Outcomes, programme: str | None = None) -> Figures:
    """Return the funnel of every programme with a detection design.

    Parameters
    ----------
    outcomes
        A run.
    programme
        Its name; absent: all.

    Raises
    ------
    KeyError
        If there is no such programme.
    """
    gathering = Gathering()
    for name in yearly.chosen(outcomes, programme):
        if name not in outcomes.compiled.cases.programmes:
            continue
        for measure, group, estimate in funnel_estimates(outcomes, name):
            statistic = "ratio" if measure in ("funnel_kept", "funnel_days") else "mean"
            gathering.add(measure, statistic, estimate, name, group=group)
    return gathering.figures()
