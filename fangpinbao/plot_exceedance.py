"""Picture of exceedance curves: the loss of the largest event (OEP) and of the year (AEP) by return period."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from fangpinbao.estimators import Estimate
from fangpinbao.exceedance import ExceedanceCurves
from fangpinbao.plot_style import (
    BLUE,
    FAINT,
    GREY,
    INK,
    ORANGE,
    RULE,
    beside,
    family,
    note,
    plain_axes,
    style,
    titles,
)
from fangpinbao.plot_words import Lang, unit_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_exceedance"]

_MOST_LINEAR = 100.0

_WORDS: dict[Lang, dict[str, str]] = {
    "en": {
        "title": "Loss by return period",
        "subtitle": "{years:,} simulated years",
        "oep": "largest event (OEP)",
        "aep": "whole year (AEP)",
        "axis": "return period, years",
        "loss": "loss, {unit}",
        "note": "Bands: 95% interval of the simulation; dotted: too few years for its upper end.\n"
        "A loss of 0 says that fewer years than one in so many have an event.",
    },
    "zh": {
        "title": "按重现期的损失",
        "subtitle": "模拟 {years:,} 年",
        "oep": "单次事件最大损失（OEP）",
        "aep": "全年累计损失（AEP）",
        "axis": "重现期（年）",
        "loss": "损失（{unit}）",
        "note": "色带：模拟误差的95%区间；虚线段：年数不足，无法给出区间上限。\n"
        "损失为0：有损失的年份少于该重现期一遇。",
    },
}


def plot_exceedance(
    curves: ExceedanceCurves,
    *,
    title: str = "",
    subtitle: str = "",
    amounts: Mapping[str, float] | None = None,
    lang: Lang = "en",
    ax: Axes | None = None,
) -> Axes:
    """Draw both exceedance curves over a logarithmic axis of return periods, with the 95% intervals.

    Losses that span more than two powers of ten are on a logarithmic axis too, linear from zero to the least of them.

    Parameters
    ----------
    curves
        Of :func:`fangpinbao.exceedance.exceedance_curves`.
    title, subtitle
        Of the picture; absent: general words. The number of simulated years is always told.
    amounts
        Amounts in yuan by label, drawn as lines: limits, attachments, a premium, a fund.
    lang
        Language of the labels; ``zh`` needs a Chinese font.
    ax
        Where to draw; absent: a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        The axes drawn on.

    Raises
    ------
    MissingExtraError
        If a Chinese font is needed and there is none.
    """
    words, marks = _WORDS[lang], dict(amounts or {})
    points = [estimate for curve in (curves.oep, curves.aep) for estimate in curve.values()]
    top = max((estimate.upper or estimate.value or 0.0 for estimate in points), default=0.0)
    largest = max(top, *marks.values()) if marks else top
    scale, unit = unit_of(largest, lang)
    below = words["subtitle"].format(years=curves.years)
    below = f"{subtitle}\n{below}" if subtitle else below
    with style(lang, (title or words["title"]) + below + "".join(marks)):
        axes = plain_axes(ax, 8.6, 5.2)
        titles(axes, title or words["title"], below)
        axes.grid(axis="y", color=FAINT, lw=0.6, zorder=0)
        # The year's curve lies on or above the event's: drawn wider, it is seen where both are one.
        for name, curve, colour, width in (
            ("aep", curves.aep, ORANGE, 4.0),
            ("oep", curves.oep, BLUE, 1.6),
        ):
            _draw_curve(axes, curve, scale, colour, words[name], width)
        periods = sorted({*curves.oep, *curves.aep})
        axes.set_xscale("log")
        axes.set_xlim(periods[0], periods[-1])
        _loss_axis(axes, [point / scale for point in _positive(points)], largest / scale)
        axes.set_xticks(_apart(periods), [f"{period:,g}" for period in _apart(periods)])
        axes.minorticks_off()
        for label, amount in marks.items():
            axes.axhline(amount / scale, color=RULE, lw=0.9, ls=(0, (5, 3)), zorder=2)
            shown = f"{amount / scale:,.4g}" if amount < 1e4 * scale else f"{amount / scale:,.0f}"
            beside(axes, amount / scale, f"{label} {shown}")
        axes.legend(
            loc="upper left" if axes.get_yscale() == "linear" else "lower right", facecolor="white", framealpha=0.9,
            edgecolor="none", prop={"family": family(), "size": 9.5},
        )  # fmt: skip
        axes.set_xlabel(words["axis"], fontfamily=family())
        axes.set_ylabel(words["loss"].format(unit=unit), fontfamily=family(), color=INK)
        note(axes, words["note"])
        axes.tick_params(axis="y", labelcolor=GREY)
    return axes


def _positive(points: Sequence[Estimate]) -> list[float]:
    return [point.value for point in points if point.value is not None and point.value > 0.0]


def _loss_axis(axes: Axes, losses: Sequence[float], largest: float) -> None:
    """Scale the axis of losses: logarithmic above zero where they span more than two powers of ten."""
    if not losses or largest <= _MOST_LINEAR * min(losses):
        axes.set_ylim(0.0, 1.06 * largest or 1.0)
        return
    least, most = math.floor(math.log10(min(losses))), math.ceil(math.log10(largest))
    axes.set_yscale("symlog", linthresh=10.0**least, linscale=0.5)
    axes.set_ylim(0.0, 1.5 * largest)
    ticks = [0.0, *(10.0**power for power in range(least, most + 1) if 10.0**power <= 1.5 * largest)]
    axes.set_yticks(ticks, [f"{tick:,g}" if tick < 1e6 else f"{tick:,.0f}" for tick in ticks])


def _draw_curve(
    axes: Axes, curve: Mapping[float, Estimate], scale: float, colour: str, label: str, width: float
) -> None:
    """Draw a curve; where an interval has no upper end it is dotted."""
    rows = [(period, point) for period, point in sorted(curve.items()) if point.value is not None]
    known = [row for row in rows if row[1].lower is not None and row[1].upper is not None]
    for points, line, name in ((rows, ":", None), (known, "o-", label)):
        axes.plot(
            [period for period, _ in points], [(point.value or 0.0) / scale for _, point in points], line,
            ms=2.5 + width, color=colour, lw=width, label=name, zorder=4 if name else 3, clip_on=not name,
        )  # fmt: skip
    axes.fill_between(
        [period for period, _ in known],
        [(point.lower or 0.0) / scale for _, point in known],
        [(point.upper or 0.0) / scale for _, point in known],
        color=colour, alpha=0.22, lw=0, zorder=2,
    )  # fmt: skip


def _apart(ticks: list[float]) -> list[float]:
    """Leave out ticks whose labels would touch on a logarithmic axis."""
    kept: list[float] = []
    for tick in ticks:
        if not kept or tick / kept[-1] > (ticks[-1] / ticks[0]) ** 0.05:
            kept.append(tick)
    return kept
