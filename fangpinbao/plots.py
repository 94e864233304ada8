"""Pictures of outcomes, one function each; matplotlib is imported only when one is drawn.

Every figure shown carries the error of its simulation. Chinese labels are set in a font that has the glyphs (see
``fangpinbao.plot_style``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fangpinbao._typing import BoolArray, Float64Array
from fangpinbao.columns import CAUSES
from fangpinbao.estimators import Estimate, from_batches, mean, quantiles, ratio, share, tail_value
from fangpinbao.outcomes import Outcomes
from fangpinbao.plot_bars import Row, draw_bars, draw_legend, number_of
from fangpinbao.plot_style import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    RULE,
    beside,
    family,
    note,
    plain_axes,
    style,
    titles,
)
from fangpinbao.plot_words import WORDS, Lang, Line, unit_of
from fangpinbao.records import group_label, line_label
from fangpinbao.rounding import format_estimate

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_payout_distribution", "plot_prevented"]

_BODY, _BAD, _WORST = "#8fbbdd", ORANGE, "#c8500a"


def plot_payout_distribution(
    outcomes: Outcomes, programme: str, *, lang: Lang = "en", ax: Axes | None = None
) -> Axes:
    """Draw the distribution of a programme's yearly payout, with its tail and what was agreed.

    Above a histogram of the simulated years stand the mean, the 95th and 99th percentile and the TVaR at 99%,
    each with the 95% interval of its simulation error, and the agreed premium and the aggregate limit where
    the programme has them, with the share of years that exceed them.

    Parameters
    ----------
    outcomes
        Outcomes of a run.
    programme
        Name of a programme that pays.
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
    ValueError
        If the programme is ``none``.
    MissingExtraError
        If a Chinese font is needed and there is none.
    """
    payouts = outcomes.yuan_by_year(programme)
    _refuse_none(programme)
    words, years = WORDS[lang], outcomes.years
    idle = payouts == 0.0
    p95, p99 = quantiles(payouts, years, (0.95, 0.99), "yuan")
    marks = [
        _Mark(words["mean"], mean(payouts, years, "yuan"), BLUE),
        _Mark(words["p95"], p95, _BAD),
        _Mark(words["p99"], p99, _WORST),
        _Mark(words["tvar_99"], tail_value(payouts, years, 0.99, "yuan"), _WORST),
    ]
    marks += _agreed(outcomes, programme, payouts, words)
    marks.sort(key=lambda mark: mark.value)
    largest = max(*(mark.value for mark in marks), float(payouts.max()))
    scale, unit = unit_of(largest, lang)
    title = words["payout_title"].format(programme=_programme_label(outcomes, programme, lang))
    subtitle = words["payout_subtitle"].format(
        place=_place(outcomes, lang), insured=_insured(outcomes, programme), years=outcomes.n_years,
        idle=words["idle"].format(share=f"{100 * float(years.weight[idle].sum()):.3g}%") if idle.any() else "",
    )  # fmt: skip
    with style(lang, title + subtitle):
        axes = plain_axes(ax, 8.6, 3.6 + 0.36 * len(marks))
        titles(axes, title, subtitle)
        ends = _ends(payouts[~idle], marks)
        top = _draw_histogram(axes, payouts, years.weight, ends, [number_of(p95), number_of(p99)], scale)
        _draw_marks(axes, marks, scale, top, unit, words)
        beyond = int((payouts > ends[1]).sum())
        if beyond:
            shown = f"{100 * float(years.weight[payouts > ends[1]].sum()):.2g}%"
            text = words["beyond" if years.is_plain else "beyond_share"].format(
                count=beyond, share=shown, largest=f"{float(payouts.max()) / scale:,.4g}"
            )
            axes.text(
                0.995, 0.03, text, transform=axes.transAxes, ha="right", va="bottom", color=GREY, fontsize=8.5
            )  # fmt: skip
        axes.set_xlabel(words["payout_axis"].format(unit=unit), fontfamily=family())
        note(axes, words["payout_note"] + _assumed(outcomes, words))
    return axes


def plot_prevented(
    outcomes: Outcomes, programme: str, *, line: Line = "poverty", lang: Lang = "en", ax: Axes | None = None
) -> Axes:
    """Draw who is kept from poverty by a programme: households a year by class and by main cause.

    Households lifted out before (kept from falling back) and all others (kept from falling in) stand apart.
    Error bars are 95% intervals, their errors from the spread of the run's batches of years.

    Parameters
    ----------
    outcomes
        Outcomes of a run of a scenario with poverty lines.
    programme
        Name of a programme that pays.
    line
        ``poverty`` or ``monitoring``.
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
    ValueError
        If the programme is ``none`` or the scenario has no lines.
    MissingExtraError
        If a Chinese font is needed and there is none.
    """
    outcomes.index(programme)
    _refuse_none(programme)
    lines = outcomes.scenario.lines
    if lines is None:
        raise ValueError(f"scenario {outcomes.scenario.name!r} has no [lines], so nobody is counted as poor.")
    words = WORDS[lang]
    classes, causes = (
        _prevented_by_class(outcomes, programme, line, lang),
        _by_cause(outcomes, programme, line, lang),
    )
    prevented = _prevented_by_year(outcomes, programme, line)
    at_risk = prevented + outcomes.column(programme, "households_still_poor", line)
    saved = ratio(prevented, at_risk, outcomes.years, "share")
    title = words["prevented_title"].format(
        programme=_programme_label(outcomes, programme, lang), line=line_label(line, lang)
    )
    subtitle = words["prevented_subtitle"].format(
        place=_place(outcomes, lang),
        prevented=format_estimate(mean(prevented, outcomes.years, ""), lang),
        line=line_label(line, lang),
        amount=lines.poverty_line if line == "poverty" else lines.monitoring_line,
        share=format_estimate(saved, lang) if saved.value is None else f"{100 * saved.value:.2g}%",
    )
    with style(lang, title + subtitle):
        axes = plain_axes(ax, 8.6, 2.5 + 0.33 * (len(classes) + len(causes)))
        titles(axes, title, subtitle)
        draw_bars(axes, [(words["by_class"], classes), (words["by_cause"], causes)], lang)
        draw_legend(axes, words)
        axes.set_xlabel(words["prevented_axis"], fontfamily=family())
        note(axes, words["prevented_note"].format(years=outcomes.n_years) + _assumed(outcomes, words))
    return axes


@dataclass(frozen=True)
class _Mark:
    """A figure with its error on the payout axis, and a remark."""

    label: str
    estimate: Estimate
    colour: str
    remark: str = ""

    @property
    def value(self) -> float:
        return number_of(self.estimate)


def _refuse_none(programme: str) -> None:
    if programme == "none":
        raise ValueError(
            'programme "none" insures nobody and pays nothing. Name a programme of the scenario.'
        )


def _programme_label(outcomes: Outcomes, programme: str, lang: Lang) -> str:
    label = outcomes.scenario.programmes[programme].label
    return programme if label is None else label.in_language(lang)


def _place(outcomes: Outcomes, lang: Lang) -> str:
    return outcomes.scenario.title.in_language(lang)


def _assumed(outcomes: Outcomes, words: dict[str, str]) -> str:
    """Return a line that says how much of the scenario is assumed, if anything is."""
    numbers = outcomes.scenario.numbers
    assumed = sum(number.status == "assumed" for number in numbers)
    return "\n" + words["assumed"].format(assumed=assumed, numbers=len(numbers)) if assumed else ""


def _insured(outcomes: Outcomes, programme: str) -> int:
    return int(outcomes.compiled.insured[outcomes.index(programme)].sum())


def _agreed(outcomes: Outcomes, programme: str, payouts: Float64Array, words: dict[str, str]) -> list[_Mark]:
    """Return what was agreed for a year: the premium and the aggregate limit, where there is one."""
    terms, agreed = outcomes.scenario.programmes[programme], []
    if terms.premium_per_insured is not None:
        premium = terms.premium_per_insured * _insured(outcomes, programme)
        agreed.append(("premium", premium, _how_often(payouts > premium, "exceeded", outcomes, words)))
    if terms.aggregate is not None:
        limit = terms.aggregate.limit
        if terms.aggregate.rule == "topped_up":
            often = _how_often(payouts > limit, "exceeded", outcomes, words)
        else:
            binds = np.zeros(outcomes.n_years, dtype=np.bool_)
            binds[outcomes.limited_years.get(programme, [])] = True
            often = _how_often(binds, "reached", outcomes, words)
        agreed.append(("limit", limit, often))
    return [
        _Mark(words[name], Estimate.known(amount, "yuan", "input"), RULE, often)
        for name, amount, often in agreed
    ]


def _how_often(flags: BoolArray, verb: str, outcomes: Outcomes, words: dict[str, str]) -> str:
    years = outcomes.n_years
    if not flags.any():
        return words[f"{verb}_never"].format(years=years)
    if flags.all():
        return words[f"{verb}_always"].format(years=years)
    percent = share(flags, outcomes.years).scaled(100.0, "")
    return words[verb].format(share=format_estimate(percent) + "%")


def _ends(payouts: Float64Array, marks: Sequence[_Mark]) -> tuple[float, float]:
    """Return the ends of the payout axis: no zero far away, and no year far beyond the tail's mean."""
    lowest = min(*(mark.value for mark in marks), float(payouts.min(initial=np.inf)))
    marked = max(mark.estimate.upper or mark.value for mark in marks)
    largest = float(payouts.max(initial=0.0))
    right = max(marked, largest) * 1.02 if largest <= 1.5 * marked else marked * 1.15
    right = right or 1.0
    return (0.0 if lowest < 0.3 * right else lowest - 0.04 * (right - lowest)), right


def _draw_histogram(
    axes: Axes,
    payouts: Float64Array,
    weights: Float64Array,
    ends: tuple[float, float],
    levels: Sequence[float],
    scale: float,
) -> float:
    """Draw the share of years per bar, coloured by the part of the tail; return the height of the tallest."""
    years, weights, payouts = payouts.size, weights[payouts != 0.0], payouts[payouts != 0.0]
    p95, p99 = levels
    parts = [payouts <= p95, (payouts > p95) & (payouts <= p99), payouts > p99]
    first, last = float(payouts.min(initial=ends[1])), min(float(payouts.max(initial=0.0)), ends[1])
    if not first < last:  # one amount, or none
        first, last = ends
    edges = np.linspace(first, last, 1 + int(np.clip(np.sqrt(years), 20, 60)))
    counts = np.array([np.histogram(payouts[part], edges, weights=weights[part])[0] for part in parts])
    edges /= scale
    base = np.zeros(edges.size - 1)
    for heights, colour in zip(counts, (_BODY, _BAD, _WORST), strict=True):
        axes.bar(
            edges[:-1], heights, np.diff(edges), bottom=base, align="edge",
            color=colour, edgecolor="white", linewidth=0.5, zorder=2,
        )  # fmt: skip
        base += heights
    axes.set_xlim(ends[0] / scale, ends[1] / scale)
    return float(base.max()) or 1.0


def _draw_marks(
    axes: Axes, marks: Sequence[_Mark], scale: float, top: float, unit: str, words: dict[str, str]
) -> None:
    """Draw one row per figure above the histogram: name at the left, value with error at the right."""
    from matplotlib.ticker import MaxNLocator

    step = 0.17 * top
    heights = [step * (1.45 if mark.remark else 1.0) for mark in marks]
    rows = [top * 1.08 + sum(heights[:number]) + height / 2 for number, height in enumerate(heights)]
    for mark, y in zip(marks, rows, strict=True):
        estimate, x = mark.estimate, mark.value / scale
        axes.plot([x, x], [0.0, y], color=mark.colour, lw=0.8, ls=(0, (3, 3)), zorder=1)
        lower = mark.value if estimate.lower is None else estimate.lower
        upper = mark.value if estimate.upper is None else estimate.upper
        axes.plot(
            [lower / scale, upper / scale], [y, y],
            color=mark.colour, lw=7, alpha=0.45, solid_capstyle="butt", zorder=3,
        )  # fmt: skip
        axes.plot([x], [y], "D", ms=5.5, color=mark.colour, mec="white", mew=0.8, zorder=4, clip_on=False)
        known = estimate.standard_error is not None or estimate.method != "simulated"
        value = format_estimate(estimate.scaled(1.0 / scale, "")) if known else f"{x:.3g}"
        beside(axes, y, value if known else words["few_years"].format(value=value))
    ticks = [tick for tick in MaxNLocator(3).tick_values(0.0, top) if 0.0 <= tick <= top]
    shares = [f"{100 * tick:.3g}%" for tick in ticks]
    shares[-1] = words["of_years"].format(share=shares[-1])
    names = [f"{mark.label}\n{mark.remark}".rstrip() for mark in marks]
    axes.set_yticks([*ticks, *rows], [*shares, *names])
    for label in axes.get_yticklabels()[: len(ticks)]:
        label.set(color=GREY, fontsize=8.5)
    end = top * 1.08 + sum(heights)
    axes.set_ylim(0.0, end + 0.8 * step)
    beside(axes, end + 0.4 * step, unit, colour=GREY)


def _prevented_by_year(outcomes: Outcomes, programme: str, line: Line) -> Float64Array:
    columns = [
        outcomes.column(programme, f"households_prevented_{kind}", line) for kind in ("return", "entry")
    ]
    total: Float64Array = (columns[0] + columns[1]).astype(np.float64)
    return total


def _prevented_by_class(outcomes: Outcomes, programme: str, line: Line, lang: Lang) -> list[Row]:
    """Two bars per class, of lifted-out and of other households; a class without any of a kind has one."""
    rows = []
    sums = {
        kind: outcomes.batches(programme, f"households_prevented_{kind}", line)
        for kind in ("return", "entry")
    }
    for g, group in enumerate(outcomes.groups):
        label = group_label(group, lang)
        kinds = [kind for kind in sums if sums[kind][:, g].any()] or ["entry"]
        for kind in kinds:
            estimate = from_batches(sums[kind][:, g], outcomes.batch_years, "", **outcomes.batch_design)
            rows.append(Row(label, estimate, BLUE if kind == "return" else ORANGE))
            label = ""
    return rows


def _by_cause(outcomes: Outcomes, programme: str, line: Line, lang: Lang) -> list[Row]:
    """One bar per cause that has any, largest first."""
    rows = []
    for cause in CAUSES:
        sums = outcomes.batches(programme, f"households_prevented_{cause}", line).sum(axis=1)
        if sums.any():
            estimate = from_batches(sums, outcomes.batch_years, "", **outcomes.batch_design)
            rows.append(Row(group_label(cause, lang), estimate, GREEN))
    return sorted(rows, key=lambda row: -number_of(row.estimate))
