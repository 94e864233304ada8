"""A replay has the same events each year: nothing that needs the law of a year is printed, and the results say so."""

from __future__ import annotations

import pytest

from fangpinbao.catastrophe.figures import catastrophe_figures
from fangpinbao.catastrophe.outcomes import simulate_catastrophe
from fangpinbao.engine import simulate
from fangpinbao.figures import all_figures
from fangpinbao.records import Figures
from fangpinbao.replay import is_replay
from fangpinbao.scenario import load_scenario

REASON = "every year replays the same year, so there is no law of a year"


def needs_a_law(figures: Figures) -> set[str]:
    measures = {"loss_ratio", "payout_over_premium", "cost_per_prevented"}
    found = {figure.statistic for figure in figures if figure.statistic.startswith("return_period_")}
    return found | {figure.measure for figure in figures if figure.measure in measures}


def test_replay_of_contracts() -> None:
    outcomes = simulate_catastrophe(load_scenario("yinchuan-1739"), 50, threads=1)
    figures = catastrophe_figures(outcomes)
    assert not needs_a_law(figures)
    assert any(note == f"loss_ratio, return periods: {REASON}" for note in figures.notes)
    assert figures.one("payout", "base", "mean").value > 0
    assert figures.one("cumulative_limit_used_up", "base").value > 0.5


def test_replay_on_households() -> None:
    figures = all_figures(simulate(load_scenario("ningxia-joint-1709"), 24, threads=1))
    assert not needs_a_law(figures)
    noted = " ".join(note for note in figures.notes if REASON in note)
    for name in ("return periods", "loss_ratio", "cost_per_prevented"):
        assert name in noted
    assert figures.one("households_prevented", "both", "mean", line="poverty").value > 100


@pytest.mark.parametrize("name", ["yinchuan-2019", "zhongning-2020"])
def test_other_runs_keep_them(name: str) -> None:
    scenario = load_scenario(name)
    assert not is_replay(scenario)
    if scenario.is_of_households:
        figures = all_figures(simulate(scenario, 300, threads=1))
    else:
        figures = catastrophe_figures(simulate_catastrophe(scenario, 300, threads=1))
    assert needs_a_law(figures) >= {"loss_ratio", "return_period_10"}
