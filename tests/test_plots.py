"""Pictures: what they say, that nothing is cut off, and that Chinese is drawn with real glyphs."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib
import matplotlib.figure
import pytest
from matplotlib import pyplot
from pictures import cut_off, drawn

from fangpinbao import plot_style
from fangpinbao.engine import simulate
from fangpinbao.errors import MissingExtraError
from fangpinbao.outcomes import Outcomes
from fangpinbao.plots import plot_payout_distribution, plot_prevented
from fangpinbao.scenario import Scenario

matplotlib.use("Agg")

VILLAGE = tomllib.loads((Path(__file__).parent / "data" / "village.toml").read_text(encoding="utf-8"))


def run(years: int, title: object) -> Outcomes:
    return simulate(Scenario.from_document({**VILLAGE, "title": title}), years, 1, threads=1)


@pytest.fixture(autouse=True)
def _close() -> Iterator[None]:
    yield
    pyplot.close("all")


@pytest.fixture(scope="session")
def outcomes() -> Outcomes:
    return run(300, {"en": "A village", "zh": "某村"})


@pytest.fixture(scope="session")
def programme(outcomes: Outcomes) -> str:
    return outcomes.programmes[1]


@pytest.fixture
def chinese() -> None:
    """The development extra brings a Chinese font: without one these tests must fail, not hide."""
    plot_style.chinese_font()


def test_the_payout_figure_names_its_figures_and_units(outcomes: Outcomes, programme: str) -> None:
    axes = plot_payout_distribution(outcomes, programme)
    text = drawn(axes)
    for words in ("mean", "(p95)", "(p99)", "(TVaR)", "yuan", "300 simulated years", "±"):
        assert words in text
    mean = outcomes.yuan_by_year(programme).mean()
    assert f"{mean / 1000:.0f}" in text.replace(",", "") or f"{mean / 1e6:.1f}" in text
    assert not cut_off(axes)


def test_the_bars_hold_every_year(outcomes: Outcomes, programme: str) -> None:
    axes = plot_payout_distribution(outcomes, programme)
    drawn_share = sum(bar.get_height() for bar in axes.patches)
    paying = (outcomes.yuan_by_year(programme) > 0).mean()
    assert drawn_share == pytest.approx(paying)


def test_the_agreed_premium_is_drawn_with_the_years_above_it(outcomes: Outcomes, programme: str) -> None:
    scenario = outcomes.scenario.replace(f"programmes.{programme}.premium_per_insured", 0.01)
    text = drawn(plot_payout_distribution(simulate(scenario, 20, 1, threads=1), programme))
    assert "agreed premium\nexceeded in" in text
    assert "too few years" in text  # twenty years say nothing about one in a hundred


@pytest.mark.parametrize("line", ["poverty", "monitoring"])
def test_the_prevented_figure_adds_up(outcomes: Outcomes, programme: str, line: Any) -> None:
    axes = plot_prevented(outcomes, programme, line=line)
    text = drawn(axes)
    for words in ("By class", "By main cause", f"{line} line", "households a year", "±"):
        assert words in text
    kinds = [outcomes.column(programme, f"households_prevented_{kind}", line) for kind in ("return", "entry")]
    prevented = float(sum(kinds).mean())
    # Classes add up to all that were kept from poverty, and so do causes.
    assert sum(bar.get_width() for bar in axes.patches) == pytest.approx(2.0 * prevented)
    assert prevented > 0.0
    assert not cut_off(axes)


@pytest.mark.usefixtures("chinese")
def test_chinese_figures_have_glyphs_and_no_english(outcomes: Outcomes, programme: str) -> None:
    payout = drawn(plot_payout_distribution(outcomes, programme, lang="zh"))
    for words in ("某村", "均值", "百年一遇", "尾部均值", "参保", "年度赔付额"):
        assert words in payout
    prevented = drawn(plot_prevented(outcomes, programme, lang="zh"))
    for words in ("某村", "防止返贫", "防止致贫", "贫困线", "疾病", "户/年"):
        assert words in prevented
    for word in ("year", "mean", "yuan", "household"):
        assert word not in payout + prevented
    assert not cut_off(plot_payout_distribution(outcomes, programme, lang="zh"))
    assert not cut_off(plot_prevented(outcomes, programme, lang="zh"))


@pytest.mark.usefixtures("chinese")
def test_an_axes_of_the_caller_gets_the_font_too(outcomes: Outcomes, programme: str) -> None:
    figure, (above, below) = pyplot.subplots(2, 1, figsize=(9, 11), layout="constrained")
    assert plot_payout_distribution(outcomes, programme, lang="zh", ax=above) is above
    assert plot_prevented(outcomes, programme, lang="zh", ax=below) is below
    figure.canvas.draw()


def test_a_chinese_label_in_an_english_figure_needs_the_font_too(monkeypatch: pytest.MonkeyPatch) -> None:
    outcomes = run(20, "某村")
    monkeypatch.setattr(plot_style, "_known_families", lambda: iter(()))
    monkeypatch.setattr(plot_style, "find_spec", lambda name: None)
    plot_style.chinese_font.cache_clear()
    try:
        with pytest.raises(MissingExtraError, match=r"^[^\n]*pip install 'fangpinbao\[report\]'$"):
            plot_payout_distribution(outcomes, outcomes.programmes[1])
    finally:
        plot_style.chinese_font.cache_clear()


def test_the_readers_settings_stay_as_they_were(outcomes: Outcomes, programme: str) -> None:
    before = dict(matplotlib.rcParams)
    plot_payout_distribution(outcomes, programme)
    plot_prevented(outcomes, programme)
    assert dict(matplotlib.rcParams) == before


def test_what_cannot_be_drawn_is_refused(outcomes: Outcomes, programme: str) -> None:
    for plot in (plot_payout_distribution, plot_prevented):
        with pytest.raises(ValueError, match="pays nothing"):
            plot(outcomes, "none")
        with pytest.raises(KeyError, match="no programme 'basis'"):
            plot(outcomes, "basis")


def test_long_lines_break_but_never_before_a_stop() -> None:
    lines = plot_style._wrapped("保" * 41 + "，" + "险" * 5 + " word" * 30).split("\n")
    assert len(lines) > 1
    assert not any(line[0] in "，。；：）" for line in lines)


def test_importing_the_module_loads_no_matplotlib() -> None:
    code = "import sys, fangpinbao.plots; sys.exit('matplotlib' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
