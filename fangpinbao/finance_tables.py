"""Tables of the financial side of event losses for a terminal: curves, price, reinsurance, pool, fund."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fangpinbao.catastrophe_finance import Finance, Perspective
from fangpinbao.scenario.reinsurance import ReinsuranceContract
from fangpinbao.tables import MISSING, Lang, Titled, cell, new_table, row_label, say, unit_label

__all__ = ["finance_tables"]

_PRICE = (
    ("agreed_premium", "value"),
    ("technical_premium", "mean"),
    ("premium_adequacy", "ratio"),
    ("loss_ratio", "ratio"),
    ("payout_over_premium", "share"),
)
_CONTRACT = (
    ("ceded_premium", "value"),
    ("rate_on_line", "value"),
    ("reinstatement_premium", "mean"),
    ("ceding_commission", "value"),
    ("ceded_loss", "mean"),
    ("ceded_loss", "tvar_99"),
    ("reinsurance_cost", "mean"),
    ("layer_attached", "share"),
    ("layer_event_limit_reached", "share"),
    ("layer_exhausted", "share"),
)
_UNITS = {"layer_attached", "layer_event_limit_reached", "layer_exhausted"}


def finance_tables(finance: Finance, lang: Lang = "en") -> list[Titled]:
    """Return the tables that have anything to say, each figure with its standard error."""
    return [table for table in (*_tables(finance, lang),) if table.table.row_count]


def _tables(finance: Finance, lang: Lang) -> Iterator[Titled]:
    yield _curves(finance, lang)
    yield _price(finance, lang)
    yield _contracts(finance, lang)
    yield _reinsurers(finance, lang)
    carriers = _carriers(finance, lang)
    yield carriers
    yield _fund(finance, lang, carriers.table.row_count > 0)


def _cell(
    finance: Finance,
    lang: Lang,
    perspective: Perspective,
    measure: str,
    statistic: str,
    coverage: str | None = None,
    group: str | None = None,
) -> str:
    found = finance.figures.select(
        programme=finance.programmes[perspective], measure=measure, statistic=statistic, coverage=coverage,
        group=group,
    )  # fmt: skip
    return cell(found[0] if found else None, lang)


def _curves(finance: Finance, lang: Lang) -> Titled:
    """OEP and AEP by return period, before and after reinsurance."""
    columns: list[tuple[Perspective, str, str]] = [
        ("gross", "largest_event_loss", say(lang, "OEP", "单次（OEP）")),
        ("gross", "year_loss", say(lang, "AEP", "全年（AEP）")),
    ]
    if finance.reinsured.cessions:
        columns += [
            ("net", "largest_event_loss", say(lang, "OEP, net", "单次，再保后")),
            ("net", "year_loss", say(lang, "AEP, net", "全年，再保后")),
        ]
    statistics = list(
        dict.fromkeys(
            figure.statistic
            for figure in finance.figures.select(
                programme=finance.programmes["gross"], coverage=None, group=None
            )
            if figure.measure in ("year_loss", "largest_event_loss")
        )
    )
    table = new_table(["", *(label for *_, label in columns)])
    for statistic in statistics:
        name = row_label("year_loss", statistic, lang).split("，" if lang == "zh" else ", ", 1)[-1]
        shown = say(lang, "mean (AAL)", "年均（AAL）") if statistic == "mean" else name
        cells = [_cell(finance, lang, one, measure, statistic) for one, measure, _ in columns]
        table.add_row(shown, *cells)
    title = say(
        lang,
        "Losses in yuan: largest event (OEP, PML) and whole year (AEP)",
        "损失（元）：单次最大（OEP，PML）与全年（AEP）",
    )
    return Titled(title, table)


def _price(finance: Finance, lang: Lang) -> Titled:
    table = new_table(["", say(lang, "unit", "单位"), say(lang, "gross", "再保前")], names=2)
    for measure, statistic in _PRICE:
        text = _cell(finance, lang, "gross", measure, statistic)
        if text != MISSING:
            figure = finance.figures.select(programme=finance.programmes["gross"], measure=measure)[0]
            table.add_row(row_label(measure, statistic, lang), unit_label(figure.unit, lang), text)
    return Titled(say(lang, "Is the premium enough?", "保费是否充足"), table)


def _contracts(finance: Finance, lang: Lang) -> Titled:
    contracts = [cession.contract for cession in finance.reinsured.cessions]
    heads = [_label(contract, lang) for contract in contracts]
    table = new_table(["", say(lang, "unit", "单位"), *heads], names=2)
    for measure, statistic in _CONTRACT:
        cells = [_cell(finance, lang, "ceded", measure, statistic, one.name) for one in contracts]
        if any(text != MISSING for text in cells):
            unit = "" if measure in _UNITS | {"rate_on_line"} else unit_label("yuan", lang)
            table.add_row(row_label(measure, statistic, lang), unit, *cells)
    return Titled(say(lang, "Reinsurance, in inuring order", "再保险（按赔付顺序）"), table)


def _reinsurers(finance: Finance, lang: Lang) -> Titled:
    contracts = [cession.contract for cession in finance.reinsured.cessions]
    names = list(dict.fromkeys(name for contract in contracts for name in contract.reinsurers))
    heads = [*(_label(contract, lang) for contract in contracts), say(lang, "all", "合计")]
    table = new_table(
        [say(lang, "reinsurer", "再保险人"), *heads, say(lang, "all, TVaR 99%", "合计，99% 尾部均值")]
    )
    for name in names:
        cells = [_cell(finance, lang, "ceded", "ceded_loss", "mean", one.name, name) for one in contracts]
        whole = [_cell(finance, lang, "ceded", "ceded_loss", one, None, name) for one in ("mean", "tvar_99")]
        table.add_row(name, *cells, *whole)
    return Titled(say(lang, "Mean loss of a year by reinsurer, yuan", "各再保险人年均赔款（元）"), table)


def _carriers(finance: Finance, lang: Lang) -> Titled:
    table = new_table(
        [
            say(lang, "carrier", "承保人"),
            say(lang, "premium", "保费"),
            say(lang, "mean loss", "年均损失"),
            say(lang, "TVaR 99%", "99% 尾部均值"),
        ]
    )
    net = finance.figures.select(programme=finance.programmes["net"])
    for figure in net.select(measure="carrier_loss", statistic="mean"):
        carrier = figure.group
        cells = [
            _cell(finance, lang, "net", measure, statistic, group=carrier)
            for measure, statistic in (
                ("carrier_premium", "value"),
                ("carrier_loss", "mean"),
                ("carrier_loss", "tvar_99"),
            )
        ]
        table.add_row(str(carrier), *cells)
    return Titled(say(lang, "Co-insurance pool, after reinsurance, yuan", "共保体（再保后，元）"), table)


def _fund(finance: Finance, lang: Lang, has_pool: bool) -> Titled:
    """The fund; where there is a pool, in its place: both bear the whole net loss."""
    table = new_table(
        ["", say(lang, "when", "期间"), say(lang, "unit", "单位"), say(lang, "figure", "数值")], names=3
    )
    measures = ("fund_ruin", "fund_balance", "fund_shortfall", "fund_capital")
    for figure in finance.figures.select(measure=measures):
        table.add_row(
            row_label(figure.measure, figure.statistic, lang), _span(figure.group, lang),
            unit_label(figure.unit, lang), cell(figure, lang),
        )  # fmt: skip
    title = say(lang, "Catastrophe fund", "巨灾基金")
    if has_pool:
        title += say(
            lang,
            ", instead of the pool: either bears this loss, not both",
            "（替代共保体：同一损失由其一承担）",
        )
    return Titled(title, table)


def _span(group: str | None, lang: Lang) -> str:
    number = "".join(re.findall(r"\d+", group or ""))
    if group is None:
        return say(lang, "a year", "每年")
    if group.startswith("within"):
        return say(lang, f"within {number} year{'' if number == '1' else 's'}", f"{number} 年内")
    return say(lang, f"end of year {number}", f"第 {number} 年末")


def _label(contract: ReinsuranceContract, lang: Lang) -> str:
    return contract.name if contract.label is None else contract.label.in_language(lang)
