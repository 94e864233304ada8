"""Figures as records that scripts can rely on."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from conftest import build
from figure_cases import plain

from fangpinbao import yearly
from fangpinbao.comparison import compare
from fangpinbao.engine import simulate
from fangpinbao.figures import all_figures, group_label, label, line_label
from fangpinbao.measures import MEASURES, as_markdown, statistic_label
from fangpinbao.outcomes import Outcomes
from fangpinbao.poverty_measures import poverty
from fangpinbao.records import Figure, Figures
from fangpinbao.scenario.vocabulary import LINES

FIELDS = [
    "programme", "coverage", "group", "line", "measure", "statistic", "value", "standard_error", "lower",
    "upper", "unit", "years", "method", "label",
]  # fmt: skip


@pytest.fixture(scope="module")
def figures(village: Outcomes) -> Figures:
    return all_figures(village)


def test_records_are_those_of_the_contract(figures: Figures) -> None:
    text = json.dumps(figures.to_records(), allow_nan=False, ensure_ascii=False)
    records = json.loads(text)
    assert len(records) == len(figures) > 200
    keys = set()
    for record, figure in zip(records, figures, strict=True):
        assert list(record) == FIELDS
        assert (record["standard_error"] is None) == (record["method"] != "simulated")
        assert record["measure"] in MEASURES
        assert record["unit"] == MEASURES[record["measure"]].unit
        assert record["line"] in (None, *LINES)
        assert record["label"] == label(figure)
        keys.add(figure.key)
    assert len(keys) == len(records)
    assert list(figures.to_frame().columns) == FIELDS


def test_the_measures_of_the_contract_are_there(figures: Figures) -> None:
    names = ("already_poor", "lifted", "never_at_risk", "induced", "prevented", "still_poor")
    contract = {
        *("payout", "pure_premium_per_insured", "claims", "mean_claim", "layer_payment", "gap_closed"),
        *(f"{unit}_{name}" for unit in ("households", "persons") for name in names),
        *(f"payout_use_{n}" for n in ("prevented", "lifted", "already_poor", "still_poor", "never_at_risk")),
    }
    assert contract <= {figure.measure for figure in figures}
    assert "pure_premium_per_resident" in MEASURES
    found = {figure.statistic for figure in figures.select(measure="payout", programme="base")}
    assert {"mean", "sd", "p50", "p90", "p95", "p99", "tvar_95", "tvar_99"} <= found
    made = {*yearly.YEAR_MEASURES, *yearly.LINE_MEASURES}
    assert made <= set(MEASURES)


@pytest.mark.parametrize("years", [1, 2, 7])
def test_few_years_leave_figures_out_and_never_break(years: int) -> None:
    outcomes = simulate(build(), years=years, seed=1, threads=1)
    found = all_figures(outcomes) + compare(outcomes, "base")
    json.dumps(found.to_records(), allow_nan=False)
    assert any("payout, 99% quantile" in note for note in found.notes)
    assert (years == 1) == (not found.select(measure="payout", statistic="mean"))


def test_a_scenario_lines_has_no_poverty() -> None:
    found = poverty(simulate(plain(), years=20, seed=1, threads=1))
    assert len(found) == 0
    assert found.notes == ("poverty: the scenario has no lines",)


def test_a_measure_that_never_varies_has_no_error(figures: Figures, village: Outcomes) -> None:
    for group in (None, *village.groups):
        figure = figures.one("households_already_poor", "base", line="poverty", group=group)
        assert (figure.standard_error, figure.lower, figure.upper) == (0.0, figure.value, figure.value)


def test_searching(figures: Figures) -> None:
    assert figures.one("payout", "base").statistic == "mean"
    assert (
        len(figures.select(programme="base", measure="payout", statistic="mean", coverage=None, group=None))
        == 1
    )
    assert figures[0] in figures
    assert isinstance(figures[:3], Figures)
    assert (figures + figures) == figures
    assert repr(figures[:2]).startswith("Figures(2")
    with pytest.raises(KeyError, match="Did you mean 'payout'"):
        figures.one("payuot", "base")
    with pytest.raises(KeyError, match="line in"):
        figures.one("households_prevented", "base")
    with pytest.raises(KeyError, match="2 figures fit"):
        figures.one("public_layers")
    with pytest.raises(TypeError, match="Did you mean 'programme'"):
        figures.select(program="base")
    page = figures._repr_html_()
    assert page.startswith("<table>")
    assert "and " in page
    assert "left out:" in page


def test_a_figure_refuses_what_results_must_not_hold() -> None:
    rest: dict[str, Any] = dict.fromkeys(["coverage", "group", "line", "lower", "upper"])
    rest |= {
        "programme": "base",
        "measure": "payout",
        "statistic": "mean",
        "unit": "yuan",
        "years": 1,
        "label": "",
    }
    with pytest.raises(ValueError, match="not finite"):
        Figure(value=math.nan, standard_error=1.0, method="simulated", **rest)
    with pytest.raises(ValueError, match="must have a standard error"):
        Figure(value=1.0, standard_error=None, method="simulated", **rest)
    with pytest.raises(AttributeError):
        Figure(value=1.0, standard_error=None, method="input", **rest).value = 2.0  # type: ignore[misc]


def test_labels(figures: Figures) -> None:
    assert label(figures.one("payout", "base", "p99")) == "insurance payout, 99% quantile"
    assert label(figures.one("payout", "base", "tvar_95"), "zh") == "赔款，95% 尾部均值"
    assert statistic_label("p99_5", "zh") == "99.5% 分位数"
    assert statistic_label("return_period_100") == "once in 100 years"
    assert (group_label("marginal", "zh"), group_label("somewhere")) == ("边缘易致贫", "somewhere")
    assert line_label("monitoring", "zh") == "监测线"
    for figure in figures:
        assert label(figure, "zh") != label(figure, "en")


def test_the_page_lists_every_measure() -> None:
    page = Path(__file__).resolve().parents[1] / "docs" / "figures.md"
    assert page.read_text(encoding="utf-8").endswith(as_markdown())
