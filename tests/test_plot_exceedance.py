"""The picture of exceedance curves: what it says, nothing cut off, real glyphs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import matplotlib
import numpy as np
import pytest
from matplotlib import pyplot
from pictures import cut_off, drawn

from fangpinbao import plot_style
from fangpinbao.estimators import Estimate, Years
from fangpinbao.event_losses import EventLosses
from fangpinbao.exceedance import ExceedanceCurves, exceedance_curves
from fangpinbao.plot_exceedance import plot_exceedance

matplotlib.use("Agg")


@pytest.fixture(autouse=True)
def _close() -> Iterator[None]:
    yield
    pyplot.close("all")


@pytest.fixture(scope="module")
def curves() -> ExceedanceCurves:
    rng = np.random.default_rng(91)
    count = 1500
    path = np.sort(rng.integers(0, 3000, count))
    loss = np.round(1e8 * rng.pareto(1.5, count)).astype(np.int64)
    zeros = np.zeros(count, dtype=np.int64)
    losses = EventLosses(3000, path, zeros, np.arange(count), zeros, loss, ("quake",))
    return exceedance_curves(losses, Years.equal(3000), (2, 5, 10, 50, 100, 500, 2000))


def test_it_draws_the_points_and_their_intervals(curves: ExceedanceCurves) -> None:
    axes = plot_exceedance(curves, amounts={"limit": 8e8})
    text = drawn(axes)
    for words in ("OEP", "AEP", "return period, years", "3,000 simulated years", "limit", "million yuan"):
        assert words in text
    lines = {line.get_label(): line for line in axes.get_lines()}
    oep = [point for point in curves.oep.values() if point.upper is not None]
    assert 0 < len(oep) < len(curves.oep)  # at 2,000 years of 3,000 there is no upper end
    assert lines["largest event (OEP)"].get_ydata() == pytest.approx([p.value / 1e6 for p in oep])
    assert len(axes.collections) == 2
    assert not cut_off(axes)


def test_chinese_has_glyphs_and_no_english(curves: ExceedanceCurves) -> None:
    plot_style.chinese_font()
    axes = plot_exceedance(
        curves, title="银川市巨灾保险", subtitle="示例", amounts={"累计赔偿限额": 8e8}, lang="zh"
    )
    text = drawn(axes)
    for words in ("银川市巨灾保险", "重现期", "模拟 3,000 年", "累计赔偿限额 80,000", "万元"):
        assert words in text
    assert "year" not in text
    assert not cut_off(axes)


def test_axes_of_the_caller_and_the_readers_settings(curves: ExceedanceCurves) -> None:
    before = dict(matplotlib.rcParams)
    _, ax = pyplot.subplots(layout="constrained")
    assert plot_exceedance(curves, ax=ax) is ax
    assert dict(matplotlib.rcParams) == before


def test_small_losses_below_a_large_limit_can_be_read(curves: ExceedanceCurves) -> None:
    """Losses of 0.1 to 800 million: each decade has room; losses of one size keep a linear axis."""
    few = {2: 0.0, 10: 1e5, 100: 1e6, 500: 5e7}
    points = {t: Estimate(x, x / 10, 0.8 * x, 1.2 * x, "yuan", 3000) for t, x in few.items()}
    axes = plot_exceedance(ExceedanceCurves(points, points, 3000), amounts={"limit": 8e8})
    assert axes.get_yscale() == "symlog"
    low, high = axes.get_ylim()
    place = [
        axes.transAxes.inverted().transform(axes.transData.transform((10, y)))[1] for y in (0.0, 0.1, 1.0)
    ]
    assert (low, high) == (0.0, pytest.approx(1200.0))
    assert place[1] - place[0] > 0.05
    assert place[2] - place[1] > 0.1
    assert not cut_off(axes)
    flat = {t: Estimate(x, x / 10, 0.8 * x, 1.2 * x, "yuan", 3000) for t, x in {2: 1e6, 10: 5e6}.items()}
    assert plot_exceedance(ExceedanceCurves(flat, flat, 3000)).get_yscale() == "linear"


def test_importing_the_module_loads_no_matplotlib() -> None:
    code = "import sys, fangpinbao.plot_exceedance; sys.exit('matplotlib' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
