"""Horizontal bars in sections, each with its error and its number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fangpinbao.estimators import Estimate
from fangpinbao.plot_style import BLUE, INK, ORANGE, beside, weight
from fangpinbao.plot_words import Lang
from fangpinbao.rounding import format_estimate

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Row", "draw_bars", "draw_legend", "number_of"]


@dataclass(frozen=True)
class Row:
    """A bar: its label (empty: the label of the bar before), the estimate, its colour."""

    label: str
    estimate: Estimate
    colour: str


def number_of(estimate: Estimate) -> float:
    """Return the value of an estimate that has one."""
    assert estimate.value is not None
    return estimate.value


def draw_bars(axes: Axes, sections: Sequence[tuple[str, Sequence[Row]]], lang: Lang) -> None:
    """Draw sections of horizontal bars, from the top down, each under its heading."""
    ticks, labels, y = [], [], 0.0
    for heading, rows in sections:
        axes.annotate(
            heading, (0.0, y), (-6, 0), xycoords=axes.get_yaxis_transform(), textcoords="offset points",
            ha="right", va="center", fontweight=weight(), color=INK,
        )  # fmt: skip
        for row in rows:
            y -= 1.0 if row.label else 0.82
            _draw_bar(axes, y, row, lang)
            if row.label:
                ticks.append(y)
                labels.append(row.label)
        y -= 1.5
    axes.set_yticks(ticks, labels)
    axes.set_ylim(y + 0.8, 0.6)
    largest = max(
        (row.estimate.upper or number_of(row.estimate) for _, rows in sections for row in rows), default=0.0
    )
    axes.set_xlim(0.0, 1.04 * largest or 1.0)


def _draw_bar(axes: Axes, y: float, row: Row, lang: Lang) -> None:
    value, error = number_of(row.estimate), row.estimate
    axes.barh(y, value, 0.72, color=row.colour, zorder=2)
    if error.lower is not None and error.upper is not None and error.standard_error:
        reach = [[value - error.lower], [error.upper - value]]
        axes.errorbar(value, y, xerr=reach, color=INK, elinewidth=1.2, capsize=3, capthick=1.2, zorder=3)
    beside(axes, y, format_estimate(error, lang))


def draw_legend(axes: Axes, words: dict[str, str]) -> None:
    """Name the colours of the classes in the row of their heading, where no bar can be."""
    from matplotlib.patches import Patch

    kinds = (("return", BLUE), ("entry", ORANGE))
    handles = [Patch(color=colour, label=words[kind]) for kind, colour in kinds]
    axes.legend(
        handles=handles, loc="center left", ncols=2,
        frameon=False, handlelength=1.0, handleheight=0.9, fontsize=9, borderaxespad=0.0, columnspacing=1.5,
        bbox_to_anchor=(0.0, 0.0), bbox_transform=axes.get_yaxis_transform(),
    )  # fmt: skip
