"""Replays: where every simulated year is the one year of a catalogue, what needs the law of a year is left out."""

from __future__ import annotations

from typing import Final

from fangpinbao.records import Figure, Figures
from fangpinbao.scenario import Scenario

__all__ = ["NO_LAW_OF_A_YEAR", "is_replay", "without_law_of_a_year"]

NO_LAW_OF_A_YEAR: Final = "every year replays the same year, so there is no law of a year"
_RETURN_PERIOD: Final = "return_period_"
# A year's premium, or what it buys, beside the cost of a replayed event.
_MEASURES: Final = frozenset(
    (
        "loss_ratio",
        "payout_over_premium",
        "cost_per_prevented",
        "net_prevented_per_million",
        "gap_closed_per_yuan",
    )
)


def is_replay(scenario: Scenario) -> bool:
    """Whether each simulated year holds the same events: those of a catalogue of one year."""
    table = scenario.catastrophe
    if table is None or table.catalogue is None or table.catalogue.years != 1:
        return False
    struck = any(peril.events_from is not None for peril in scenario.perils.values())
    return struck or not scenario.is_of_households


def without_law_of_a_year(figures: Figures, scenario: Scenario) -> Figures:
    """Return figures without return periods, loss ratios and costs per household where the scenario is a replay."""
    if not is_replay(scenario):
        return figures
    kept: list[Figure] = []
    left: dict[str, None] = {}
    for figure in figures:
        if figure.statistic.startswith(_RETURN_PERIOD):
            left["return periods"] = None
        elif figure.measure in _MEASURES:
            left[figure.measure] = None
        else:
            kept.append(figure)
    notes = [f"{', '.join(left)}: {NO_LAW_OF_A_YEAR}"] if left else []
    return Figures(kept, (*figures.notes, *notes))
