"""Small tables for a terminal, in English and Chinese, and how a figure is shown in a cell.

Every simulated figure stands with its standard error and is cut to the digits that the error supports.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
from rich import box
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group, RenderableType
from rich.table import Table
from rich.text import Text

from fangpinbao.doubt import HEADLINES, RosterDoubt
from fangpinbao.estimators import Estimate
from fangpinbao.measures import MEASURES, statistic_label
from fangpinbao.population import Population
from fangpinbao.ranges import HeadlineRange
from fangpinbao.records import Figure, line_label
from fangpinbao.rounding import _CHINESE_UNITS, format_estimate
from fangpinbao.scenario import Scenario
from fangpinbao.scenario.vocabulary import CLASS_LABELS, CLASSES

__all__ = [
    "Lang",
    "Titled",
    "cell",
    "difference_table",
    "margins_table",
    "new_table",
    "print_all",
    "range_table",
    "records_table",
    "row_label",
    "say",
    "unit_label",
    "variance_table",
]

Lang = Literal["en", "zh"]
MISSING = "—"
PLAIN = ("mean", "value", "ratio", "share", "difference")
_VARIANCE = ("payout_variance_own", "payout_variance_township", "payout_variance_year")


def say(lang: Lang, en: str, zh: str) -> str:
    """Choose the language."""
    return zh if lang == "zh" else en


def unit_label(unit: str, lang: Lang) -> str:
    """Return a unit in a language; empty for plain numbers."""
    if unit in ("", "1", "ratio", "share"):
        return ""
    return _CHINESE_UNITS.get(unit, unit) if lang == "zh" else unit


def cell(figure: Figure | None, lang: Lang) -> str:
    """Return a figure with its standard error, without its unit."""
    if figure is None:
        return MISSING
    estimate = Estimate(
        figure.value, figure.standard_error, figure.lower, figure.upper, "", figure.years or 0, figure.method,
        figure.note,
    )  # fmt: skip
    return format_estimate(estimate, lang)


def row_label(measure: str, statistic: str, lang: Lang) -> str:
    """Return the label of a row: the measure, and its statistic unless it is the mean."""
    text = MEASURES[measure].label(lang)
    if statistic in PLAIN:
        return text
    return text + say(lang, ", ", "，") + statistic_label(statistic, lang, measure)


def new_table(columns: Iterable[str], names: int = 1) -> Table:
    """Return an empty table whose first ``names`` columns are text and the others figures."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for position, name in enumerate(columns):
        table.add_column(name, justify="left" if position < names else "right", overflow="fold")
    return table


class Titled:
    """A table under its title; where there is room, no figure is broken over two lines."""

    def __init__(self, title: str, table: Table) -> None:
        self.title, self.table = title, table

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        """Render the title and the table."""
        yield Text(self.title, style="bold")
        columns = self.table.columns
        cells = [max((cell_len(str(entry)) for entry in column.cells), default=0) for column in columns]
        heads = [[cell_len(word) for word in str(column.header).split()] or [0] for column in columns]
        least = [max(cell, *words) for cell, words in zip(cells, heads, strict=True)]
        wanted = [max(cell, sum(words) + len(words) - 1) for cell, words in zip(cells, heads, strict=True)]
        room = options.max_width - 3 * len(columns)
        if sum(least) <= room < sum(wanted):  # let headers break, not figures
            for column, width, most in zip(columns, least, wanted, strict=True):
                column.width = width + min(most - width, (room - sum(least)) // len(columns))
        yield self.table


def range_table(
    ranges: Sequence[HeadlineRange],
    headline: Mapping[str, float],
    label: Callable[[str], str],
    lang: Lang,
    doubt: RosterDoubt | None = None,
) -> Group:
    """How the pure premium moves over the ranges of single assumed numbers, and figures between rosters."""
    if not ranges and doubt is not None:
        return _rosters_alone(doubt, label, lang)
    moved = [name for name in headline if any(name in one.at_low for one in ranges)]
    doubted = [] if doubt is None else [one.programme for one in doubt.spreads]
    names = list(dict.fromkeys([*(name for name in headline if name in {*moved, *doubted}), *doubted]))
    heads = [say(lang, "assumed number", "假设数"), say(lang, "low .. high", "低 .. 高")]
    table = new_table([*heads, *map(label, names)], names=2)
    for one in ranges:
        ends = [
            f"{_short(one.at_low[name])} .. {_short(one.at_high[name])}" if name in one.at_low else MISSING
            for name in names
        ]
        table.add_row(one.place, f"{one.low:,g} .. {one.high:,g}", *ends)
    lines = []
    if doubt is not None:
        table.add_section()
        table.add_row(Text(_between(lang), style="bold"), say(lang, "unit", "单位"))
        _add_spreads(table, doubt, names, lang)
    for name in moved:
        mine = [one for one in ranges if name in one.at_low]
        reached = [headline[name], *(one.at_low[name] for one in mine), *(one.at_high[name] for one in mine)]
        low, high, value = _short(min(reached)), _short(max(reached)), _short(headline[name])
        en = f"{label(name)}: pure premium {value} yuan, between {low} and {high} over these ranges"
        lines.append(
            say(lang, en, f"{label(name)}：人均纯保费 {value} 元，在上述范围内为 {low} 至 {high} 元")
        )
    if doubt is not None:
        lines.append(_about_rosters(doubt, lang))
    title = say(
        lang, "Pure premium per insured (yuan) as one assumed number at a time moves over its range",
        "逐一改变假设数时的人均纯保费（元）",
    )  # fmt: skip
    return Group(Titled(title, table), Text("\n".join(lines)))


def records_table(scenario: Scenario, lang: Lang) -> Titled | None:
    """Return the published figures of the place that nothing is fitted to; None where there are none."""
    if not scenario.records:
        return None
    table = new_table(["", say(lang, "unit", "单位"), say(lang, "record", "记录")], names=2)
    for record in scenario.records.values():
        table.add_row(record.label.in_language(lang), unit_label(record.unit, lang), f"{record.value:,.15g}")
    title = say(
        lang, "Published records of the place; no number is fitted to them", "当地公开记录（参数未据此拟合）"
    )
    return Titled(title, table)


def _between(lang: Lang) -> str:
    return say(lang, "between rosters (standard deviation)", "名册间差异（标准差）")


def _rosters_alone(doubt: RosterDoubt, label: Callable[[str], str], lang: Lang) -> Group:
    names = list(dict.fromkeys(one.programme for one in doubt.spreads))
    table = new_table(["", say(lang, "unit", "单位"), *map(label, names)], names=2)
    _add_spreads(table, doubt, names, lang)
    return Group(Titled(_between(lang), table), Text(_about_rosters(doubt, lang)))


def _add_spreads(table: Table, doubt: RosterDoubt, names: Sequence[str], lang: Lang) -> None:
    """Add a row for each figure; two digits, as a spread of few rosters is not known better."""
    known = {(one.measure, one.line) for one in doubt.spreads}
    for measure, line in (one for one in HEADLINES if one in known):
        found = [doubt.of(name, measure) for name in names]
        spreads = [None if one is None else float(f"{one.standard_deviation:.2g}") for one in found]
        cells = [MISSING if spread is None else _short(spread, 2) for spread in spreads]
        text = MEASURES[measure].label(lang)
        if line is not None:
            text += say(lang, f" ({line_label(line, lang)})", f"（{line_label(line, lang)}）")
        table.add_row("  " + text, unit_label(MEASURES[measure].unit, lang), *cells)


def _about_rosters(doubt: RosterDoubt, lang: Lang) -> str:
    unsure = 1.0 / np.sqrt(2.0 * (doubt.rosters - 1))
    return say(
        lang,
        f"between rosters: over {doubt.rosters} populations made from the same margins, {doubt.years:,} years each, "
        f"simulation error taken off (0: no more than that); uncertain by {unsure:.0%}",
        f"名册间差异：按同一组边际分布重新合成 {doubt.rosters} 份名册，各模拟 {doubt.years:,} 年，"
        f"已扣除模拟误差（0 表示不超出该误差）；其本身的不确定度约 {unsure:.0%}",
    )


def _short(number: float, digits: int = 3) -> str:
    """At least so many digits, without an exponent."""
    if number == 0 or not np.isfinite(number):
        return "0"
    decimals = max(0, digits - 1 - int(np.floor(np.log10(abs(number)))))
    return f"{number:,.{decimals}f}"


def variance_table(figures: Sequence[Figure], scenario: Scenario, lang: Lang) -> Titled:
    """The variance of the yearly payout by where it comes from, in percent."""
    by_key = {(figure.programme, figure.measure, figure.statistic): figure for figure in figures}
    names = [name for name in scenario.programmes if any(figure.programme == name for figure in figures)]
    labels = [scenario.programmes[name].label for name in names]
    shown = [
        name if label is None else label.in_language(lang) for name, label in zip(names, labels, strict=True)
    ]
    table = new_table(["", *shown])
    for measure in _VARIANCE:
        found = [by_key.get((name, measure, "share_of_variance")) for name in names]
        table.add_row(MEASURES[measure].label(lang), *(cell(_percent(one), lang) for one in found))
    title = say(lang, "Where the variance of the yearly payout comes from (%)", "年度赔款方差的来源（%）")
    return Titled(title, table)


def _percent(figure: Figure | None) -> Figure | None:
    if figure is None:
        return None
    return replace(figure, value=100 * figure.value, standard_error=100 * (figure.standard_error or 0.0))


def difference_table(
    figures: Sequence[Figure], a: str, b: str, lang: Lang, group: Callable[[str], str] = str
) -> Titled:
    """Paired differences of two programmes; ``group`` gives the label of a figure's group."""
    table = new_table(["", say(lang, "unit", "单位"), say(lang, "difference", "差值")], names=2)
    last: str | None = None
    for figure in figures:
        if figure.line is not None and figure.line != last:
            last = figure.line
            table.add_section()
            table.add_row(Text(line_label(last, lang), style="bold"))
        label, unit = row_label(figure.measure, figure.statistic, lang), unit_label(figure.unit, lang)
        if figure.group is not None:
            label += f": {group(figure.group)}"
        table.add_row(label, unit, cell(figure, lang))
    return Titled(say(lang, f"{a} minus {b}, paired year by year", f"{a} 减 {b}，逐年配对"), table)


def margins_table(people: Population, lang: Lang) -> Table:
    """Who the people are, by class."""
    heads = (
        ("class", "类别"), ("households", "户数"), ("persons", "人数"), ("mean size", "户均人口"),
        ("income a head", "人均收入"), ("dibao", "低保"), ("enrolled", "参保"), ("aged 60+", "60 岁以上"),
    )  # fmt: skip
    table = new_table([say(lang, *head) for head in heads])
    size, of = people.household_size, people.household_of
    for code in [*np.unique(people.household_class).tolist(), None]:
        mine = np.ones(people.households, dtype=np.bool_) if code is None else people.household_class == code
        members = mine[of]
        income = float(np.average(people.income_per_head[mine], weights=size[mine]))
        table.add_row(
            CLASS_LABELS["all" if code is None else CLASSES[code]][lang == "zh"],
            f"{mine.sum():,}", f"{members.sum():,}", f"{size[mine].mean():.2f}", f"{income:,.0f}",
            f"{people.dibao[mine].mean():.1%}", f"{people.enrolled[members].mean():.1%}",
            f"{(people.age[members] >= 60).mean():.1%}",
        )  # fmt: skip
    return table


def print_all(console: Console, parts: Iterable[RenderableType]) -> None:
    """Print parts with a blank line between."""
    for part in parts:
        console.print(part)
        console.print()
