"""Tables on who is at risk, in English and Chinese."""

from __future__ import annotations

from rich.console import Group as Lines
from rich.text import Text

from fangpinbao.at_risk import NOBODY, Classification
from fangpinbao.estimate import Estimate
from fangpinbao.scenario.vocabulary import CLASS_LABELS
from fangpinbao.tables import MISSING, Lang, Titled, new_table, say

__all__ = ["classification_tables"]


def classification_tables(found: Classification, lang: Lang) -> list[Lines | Titled]:
    """Return the confusion table of a rule set, and its counts beside published ones."""
    zh = lang == "zh"
    tables: list[Lines | Titled] = [_confusion(found, lang)]
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


def _confusion(found: Classification, lang: Lang) -> Lines:
    zh = lang == "zh"
    classes = list(found.of_class)
    heads = [
        say(lang, "group by rule", "按规则"),
        say(lang, "known", "判定时点"),
        say(lang, "households", "户数"),
    ]
    heads += [CLASS_LABELS[name][zh] for name in classes]
    table = new_table(
        [*heads, say(lang, "all persons", "合计人数"), say(lang, "of them right", "其中正确")], names=2
    )
    for group in found.groups:
        when = say(lang, "in the year", "年内") if group.needs_the_year else say(lang, "before it", "年前")
        when = "" if group.name == NOBODY else when
        table.add_row(
            group.label[zh],
            when,
            shown(group.households),
            *(shown(group.by_class[name]) for name in classes),
            shown(group.persons),
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


def shown(estimate: Estimate | None, suffix: str = "") -> str:
    """An estimate without its unit, or a dash."""
    if estimate is None or estimate.value is None:
        return MISSING
    if not estimate.standard_error and estimate.value != round(estimate.value):
        return f"{estimate.value:.3g}{suffix}"
    return f"{estimate.scaled(1.0, '')}{suffix}"


def _times(estimate: Estimate | None, factor: float) -> Estimate | None:
    return None if estimate is None or estimate.value is None else estimate.scaled(factor, "")


def _plain(share: float | None) -> str:
    return MISSING if share is None else f"{share * 1e4:.3g}"
