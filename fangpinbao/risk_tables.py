"""Tables on who is at risk and who is found, in English and Chinese."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from rich.console import Group as Lines
from rich.text import Text

from fangpinbao.at_risk import NOBODY, Classification
from fangpinbao.detection import Funnel, kept_label
from fangpinbao.estimate import Estimate
from fangpinbao.funnel_figures import BY_CLASS, STAGES
from fangpinbao.measures import MEASURES
from fangpinbao.records import group_label, line_label
from fangpinbao.relief_money import DesignFigures
from fangpinbao.risk_ranges import Moved
from fangpinbao.scenario.vocabulary import CLASS_LABELS, LINES
from fangpinbao.tables import MISSING, Lang, Titled, cell, new_table, say

if TYPE_CHECKING:
    from fangpinbao.run_tables import RunTables

__all__ = ["classification_tables", "funnel_class_table", "funnel_table", "moved_table", "relief_tables"]


def classification_tables(
    found: Classification, lang: Lang, spread: Mapping[str, float] | None = None
) -> list[Lines | Titled]:
    """Return the confusion table of a rule set, and its counts beside published ones.

    ``spread`` is the standard deviation of each group's persons between rosters.
    """
    zh = lang == "zh"
    tables: list[Lines | Titled] = [_confusion(found, lang, spread or {})]
    groups = [g for g in found.groups if g.published_share is not None or g.published_new_share is not None]
    if groups:
        table = new_table(
            [
                say(lang, "group", "类别"),
                say(lang, "of 10,000", "每万"),
                say(lang, "published", "公布"),
                say(lang, "ratio", "倍数"),
                say(lang, "new a year, of 10,000", "每万年新增"),
                say(lang, "published", "公布"),
                say(lang, "ratio", "倍数"),
            ]
        )
        for group in groups:
            table.add_row(
                group.label[zh],
                shown(_times(group.share, 1e4)) if group.published_share is not None else MISSING,
                _plain(group.published_share),
                shown(group.miss),
                shown(_times(group.new_share, 1e4)) if group.published_new_share is not None else MISSING,
                _plain(group.published_new_share),
                shown(group.new_miss),
            )
        title = say(
            lang,
            "Beside published counts (a miss is reported, not tuned away)",
            "与公布数对照（差距如实列示，不作调整）",
        )
        tables.append(Titled(title, table))
    return tables


def _confusion(found: Classification, lang: Lang, spread: Mapping[str, float]) -> Lines:
    zh = lang == "zh"
    classes = list(found.of_class)
    heads = [
        say(lang, "group by rule", "按规则"),
        say(lang, "known", "判定时点"),
        say(lang, "households", "户数"),
    ]
    heads += [CLASS_LABELS[name][zh] for name in classes]
    heads += [say(lang, "all persons", "合计人数"), say(lang, "between rosters", "名册间差异")]
    table = new_table([*heads, say(lang, "of them right", "其中正确")], names=2)
    for group in found.groups:
        when = say(lang, "in the year", "年内") if group.needs_the_year else say(lang, "before it", "年前")
        when = "" if group.name == NOBODY else when
        table.add_row(
            group.label[zh],
            when,
            shown(group.households),
            *(shown(group.by_class[name]) for name in classes),
            shown(group.persons),
            f"{float(f'{spread[group.name]:.2g}'):,.0f}" if group.name in spread else MISSING,
            shown(_times(found.right.get(group.name), 100.0), "%"),
        )
    table.add_section()
    totals = [f"{found.of_class[name]:,}" for name in classes]
    table.add_row(say(lang, "all", "合计"), "", f"{found.households:,}", *totals, f"{found.persons:,}")
    cells = [shown(_times(found.found.get(name), 100.0), "%") for name in classes]
    table.add_row(say(lang, "found by the group meant", "被对应类别找到"), "", "", *cells)
    title = say(
        lang,
        f"{found.label[0]}: persons by rule and class, a mean year of {found.years}",
        f"{found.label[1]}：按规则与实际类别的人数，{found.years} 个模拟年平均",
    )
    return Lines(Titled(title, table), Text())


def funnel_table(funnels: Sequence[Funnel], lang: Lang) -> Titled:
    """Return the alert-to-payout funnels of several designs, or programmes of a run, side by side."""
    zh = lang == "zh"
    heads = ["", say(lang, "unit", "单位"), *(one.label[zh] for one in funnels)]
    table = new_table(heads, names=2)
    households = say(lang, "households", "户")

    def add(label: str, unit: str, cells: Iterable[str]) -> None:
        table.add_row(label, unit, *cells)

    for stage, label in STAGES.items():
        add(label[zh], households, (_stage(one, stage) for one in funnels))
    for line in LINES:
        if any(one.prevented for one in funnels):
            add(kept_label(line, lang), households, (shown(one.prevented.get(line)) for one in funnels))
        if any(one.prevented_if_found for one in funnels):
            found = ((one.prevented_if_found or {}).get(line) for one in funnels)
            add(
                "  " + say(lang, "... if all were found at once", "……全部即时获赔时"),
                households,
                map(shown, found),
            )
    table.add_section()
    channels = {name: label for one in funnels for name, (label, _) in one.by_channel.items()}
    for name, names in channels.items():
        found = (one.by_channel[name][1] if name in one.by_channel else None for one in funnels)
        add(say(lang, f"found by {names[0]}", f"经{names[1]}发现"), households, map(shown, found))
    add(
        say(lang, "paid, though a test fails", "不符合条件而获赔"),
        households,
        (shown(one.wrong) for one in funnels),
    )
    table.add_section()
    for of, unit, label in _MONEY:
        if any(getattr(one, of) is not None for one in funnels):
            add(label[zh], unit[zh], (shown(getattr(one, of)) for one in funnels))
    title = say(
        lang,
        f"From alert to payout, a mean year of {funnels[0].years:,}; in brackets the share of the stage before",
        f"从预警到赔付，{funnels[0].years:,} 个模拟年平均；括号内为占上一环节的比例",
    )
    notes = {
        note: [one.label[zh] for one in funnels if note in one.notes] for of in funnels for note in of.notes
    }
    joint, colon = say(lang, ", ", "、"), say(lang, ": ", "：")
    lines = [f"{joint.join(labels)}{colon}{note[zh]}" for note, labels in notes.items()]
    return Titled("\n".join([title, *lines]), table)


_MOVED = {
    "persons at risk": "有风险人数",
    "paid in the end": "最终赔款",
    "kept above the poverty line": "保持在贫困线之上",
    "net less insurance, poverty line": "净户数减保险（贫困线）",
    "net less insurance, monitoring line": "净户数减保险（监测线）",
}


def moved_table(rows: Sequence[Moved], lang: Lang) -> Titled:
    """Return how headline figures move as one assumed number at a time moves over its range."""
    names = list(dict.fromkeys(name for row in rows for name in row.at_low))
    heads = [
        say(lang, "assumed number", "假设数"),
        say(lang, "of", "所属"),
        say(lang, "low .. high", "低 .. 高"),
    ]
    table = new_table([*heads, *(say(lang, name, _MOVED[name]) for name in names)], names=3)
    for row in rows:
        ends = (f"{shown(row.at_low.get(name))} .. {shown(row.at_high.get(name))}" for name in names)
        before, within, number = row.place.partition(f".{row.subject}.")
        of, number = (before + within.rstrip("."), number) if within else (row.subject, row.place)
        table.add_row(number, of, f"{row.low:,g} .. {row.high:,g}", *ends)
    years = next((one.years for row in rows for one in row.at_low.values()), 0)
    title = say(
        lang,
        f"As one assumed number at a time moves over its range, {years:,} years",
        f"逐一改变假设数时的变化，{years:,} 个模拟年",
    )
    return Titled(title, table)


_YUAN = ("yuan", "元")
_MONEY = (
    ("due_payout", _YUAN, ("would be paid if all were found", "全部被发现时的赔款")),
    ("payout", _YUAN, ("paid in the end", "最终赔款")),
    ("late", _YUAN, ("of it after the year", "其中次年到账")),
    ("wrong_payout", _YUAN, ("of it though a test fails", "其中不符合条件者")),
    ("mean_delay", ("days", "天"), ("from last event to payment", "末次事件至到账")),
    ("take_up", ("", ""), ("equals take-up of", "相当于获赔概率")),
    ("paid_within_year", ("", ""), ("equals share in time of", "相当于当年到账比例")),
)


def relief_tables(figures: Sequence[DesignFigures], lang: Lang) -> list[Titled]:
    """Return what designs cost and how they are scaled, and what they do at both lines."""
    zh = lang == "zh"
    heads = (
        ("", ""), ("own cost, yuan", "自身成本（元）"), ("take-up times", "申领率倍数"),
        ("payments times", "金额倍数"), ("paid, yuan", "支出（元）"), ("of it late", "其中次年到账"),
        ("loans that came back", "收回贷款"), ("payments of relief", "受助户次"),
        ("households paid by insurance", "获保险赔付户数"),
    )  # fmt: skip
    money = new_table([say(lang, *head) for head in heads])
    for one in figures:
        served, raised = f"{one.served:.3g}", f"{one.raised:.3g}"
        cells = (one.cost, one.late, one.repaid, one.payments, one.households_paid)
        money.add_row(one.label[zh], shown(one.own_cost), served, raised, *map(shown, cells))
    tables = [Titled(say(lang, "Money of a mean year", "年均资金"), money)]
    columns = (
        ("", ""), ("prevented", "防止返贫致贫"), ("lifted", "帮助脱贫"), ("induced", "致贫"),
        ("gap closed, yuan", "缩小贫困距（元）"), ("yuan per household", "每户成本（元）"),
        ("net, less insurance", "净户数，减保险"),
    )  # fmt: skip
    for line in LINES:
        table = new_table([say(lang, *head) for head in columns])
        for one in figures:
            of = (one.prevented, one.lifted, one.induced, one.gap_closed, one.cost_per_prevented, one.less)
            table.add_row(one.label[zh], *(shown(each[line]) for each in of))
        tables.append(
            Titled(
                say(
                    lang,
                    f"Households a year, {line_label(line, lang)}",
                    f"年均户数，{line_label(line, lang)}",
                ),
                table,
            )
        )
    return tables


def _stage(one: Funnel, stage: str) -> str:
    share = one.kept.get(stage)
    text = shown(one.households[stage])
    return text if share is None or share.value is None else f"{text} ({share.value:.0%})"


def shown(estimate: Estimate | None, suffix: str = "") -> str:
    """An estimate without its unit, or a dash."""
    if estimate is None or estimate.value is None:
        return MISSING
    if not estimate.standard_error and estimate.value != round(estimate.value):
        return (
            f"{estimate.value:,.0f}" if abs(estimate.value) >= 1_000 else f"{estimate.value:.3g}"
        ) + suffix
    return f"{estimate.scaled(1.0, '')}{suffix}"


def _times(estimate: Estimate | None, factor: float) -> Estimate | None:
    return None if estimate is None or estimate.value is None else estimate.scaled(factor, "")


def _plain(share: float | None) -> str:
    return MISSING if share is None else f"{share * 1e4:.3g}"


def funnel_class_table(shown: RunTables) -> Titled | None:
    """Return who is due, paid, paid in time and wrongly paid, by class; None without a detection design."""
    names, groups = shown.outcomes.compiled.cases.programmes, shown.outcomes.groups
    if not names or len(groups) < 2:
        return None
    heads = [shown.say("programme", "保险方案"), shown.say("class", "类别")]
    table = new_table([*heads, *(MEASURES[measure].label(shown.lang) for measure in BY_CLASS)], names=2)
    for name in names:
        for group in groups:
            found = [shown.find(name, measure, group=group) for measure in BY_CLASS]
            cells = [cell(one, shown.lang) for one in found]
            table.add_row(shown.programme_label(name), group_label(group, shown.lang), *cells)
        table.add_section()
    title = shown.say("Who is found, by class of household, households a year", "各类住户被发现情况，户/年")
    return Titled(title, table)
