"""Who is kept from poverty, at what cost: household classes, gaps and payout use at both lines."""

from __future__ import annotations

from typing import Final

from fangpinbao import estimators, yearly
from fangpinbao.measures import MEASURES
from fangpinbao.outcomes import Outcomes
from fangpinbao.records import Figures, Gathering
from fangpinbao.replay import without_law_of_a_year

__all__ = ["poverty"]

_OF_NONE: Final = (
    *(f"{unit}_{name}" for unit in ("households", "persons")
      for name in ("already_poor", "never_at_risk", "still_poor", "poor")),
    "poverty_gap", "fgt0", "fgt1", "fgt2",
)  # fmt: skip


def poverty(outcomes: Outcomes, programme: str | None = None) -> Figures:
    """Return household classes, poverty gaps, payout use and costs per household, at both lines.

    Parameters
    ----------
    outcomes
        A run of a scenario with lines.
    programme
        Its name; absent: all, with ``none``, which has the classes and gaps without any programme.

    Returns
    -------
    Figures
        Of both lines; a cost per household kept from poverty is left out, with a note, where the number of
        households is within two standard errors of zero.

    Raises
    ------
    KeyError
        If there is no such programme.
    """
    gathering = Gathering()
    names = yearly.chosen(outcomes, programme)
    if not yearly.lines_of(outcomes):
        gathering.note("poverty: the scenario has no lines")
        return without_law_of_a_year(gathering.figures(), outcomes.scenario)
    for name in names:
        for line in yearly.lines_of(outcomes):
            _levels(gathering, outcomes, name, line)
            if name != "none":
                _causes(gathering, outcomes, name, line)
                _costs(gathering, outcomes, name, line)
        _spending(gathering, outcomes, name)
    if outcomes.scenario.relief:
        gathering.note("head numbers without the relief that exists anyway: not simulated")
    return without_law_of_a_year(gathering.figures(), outcomes.scenario)


def _levels(gathering: Gathering, outcomes: Outcomes, name: str, line: str) -> None:
    measures = _OF_NONE if name == "none" else yearly.LINE_MEASURES
    left_out = yearly.OF_PAYOUT if yearly.is_rules(outcomes, name) else ()
    for measure in (one for one in measures if one not in left_out):
        estimate = yearly.mean(outcomes, name, measure, line)
        if estimate.value is None:
            gathering.note(f"{measure}: {estimate.note}")
            continue
        gathering.add(measure, "mean", estimate, name, line=line)
        if "class" in MEASURES[measure].by:
            for group, each in yearly.class_mean(outcomes, name, measure, line).items():
                gathering.add(measure, "mean", each, name, group=group, line=line)


def _causes(gathering: Gathering, outcomes: Outcomes, name: str, line: str) -> None:
    for cause, sums in yearly.cause_by_batch(outcomes, name, line).items():
        estimate = yearly.of_batches(outcomes, sums, "households")
        gathering.add("households_prevented_by_cause", "mean", estimate, name, group=cause, line=line)


def _costs(gathering: Gathering, outcomes: Outcomes, name: str, line: str) -> None:
    years, unit = outcomes.years, "yuan per household"
    net = yearly.values(outcomes, name, "households_net_prevented", line)
    gross = yearly.values(outcomes, name, "households_prevented", line)
    assert net is not None
    assert gross is not None
    cost = yearly.public_cost(outcomes, name)
    if cost is None:
        gathering.note(f"{name}: public_cost, cost_per_prevented: expenses take the whole premium")
    else:
        each = estimators.cost_for(cost, net, years, unit).scaled(0.01, unit)
        gathering.add("cost_per_prevented", "ratio", each, name, line=line)
        if yearly.has_own_relief(outcomes):
            _for_the_money(gathering, outcomes, name, line)
    if yearly.is_rules(outcomes, name):
        return
    each = estimators.ratio(outcomes.column(name, "payout_fen"), gross, years, unit).scaled(0.01, unit)
    gathering.add("payout_per_prevented", "ratio", each, name, line=line)


def _for_the_money(gathering: Gathering, outcomes: Outcomes, name: str, line: str) -> None:
    """Give what a yuan of public money does, where insurance stands beside relief."""
    cost = yearly.public_cost(outcomes, name)
    assert cost is not None
    for measure, of, scale in (
        ("net_prevented_per_million", "households_net_prevented", 1e8),
        ("gap_closed_per_yuan", "gap_closed", 1.0),
    ):
        series, unit = yearly.values(outcomes, name, of, line), MEASURES[measure].unit
        assert series is not None
        each = estimators.ratio(series, cost, outcomes.years, unit).scaled(scale, unit)
        gathering.add(measure, "ratio", each, name, line=line)


def _spending(gathering: Gathering, outcomes: Outcomes, name: str) -> None:
    measure = "households_catastrophic"
    gathering.add(measure, "mean", yearly.mean(outcomes, name, measure), name)
    for group, estimate in yearly.class_mean(outcomes, name, measure).items():
        gathering.add(measure, "mean", estimate, name, group=group)
    if name == "none":
        return
    avoided = f"{measure}_avoided"
    gathering.add(avoided, "mean", yearly.mean(outcomes, name, avoided), name)
    cost = yearly.public_cost(outcomes, name)
    if cost is not None:
        mean = estimators.mean(cost, outcomes.years, "fen").scaled(0.01, "yuan")
        gathering.add("public_cost", "mean", mean, name)
