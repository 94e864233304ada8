"""Parameter doubt about who bears catastrophe losses: assumed terms of reinsurance, fund and price over their ranges.

The simulated losses stay as they are; only the terms change. So both ends are as sure as the headline, and their
difference is surer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fangpinbao import estimators
from fangpinbao.catastrophe.figures import premium_of
from fangpinbao.catastrophe.outcomes import CatastropheOutcomes
from fangpinbao.errors import InputError
from fangpinbao.exceedance import price_figures
from fangpinbao.fund import chance_of_ruin
from fangpinbao.reinsurance import by_year, reinsure
from fangpinbao.scenario import Number
from fangpinbao.scenario.reinsurance import FinancialTerms
from fangpinbao.tables import Lang, Titled, new_table, say

__all__ = ["FinanceRange", "finance_headline", "finance_range_table", "finance_ranges"]

_TERMS = ("catastrophe.reinsurance[", "catastrophe.pool.", "catastrophe.fund.", "catastrophe.loading.")
_LABELS = {
    "net_loss": ("net loss, mean", "再保后赔款，年均"),
    "net_loss_tvar_99": ("net loss, TVaR 99%", "再保后赔款，TVaR 99%"),
    "reinsurance_cost": ("cost of reinsurance", "再保险净成本"),
    "technical_premium": ("technical premium", "技术保费"),
    "fund_ruin": ("fund: ruin within its horizon", "基金：期内不足概率"),
}


@dataclass(frozen=True)
class FinanceRange:
    """Figures of a contract's financial side at both ends of a number's range; those it does not move are left out.

    ``net_loss``, its TVaR, ``reinsurance_cost`` (premiums less commissions and recoveries) and ``technical_premium``
    are yuan a year; ``fund_ruin`` is the chance that a claim exceeds the fund within its horizon.
    """

    contract: str
    place: str
    value: float
    low: float
    high: float
    years: int
    at_low: Mapping[str, float]
    at_high: Mapping[str, float]

    def record(self) -> dict[str, Any]:
        """Return the record of ``results.json``."""
        ends = {name: {"at_low": self.at_low[name], "at_high": self.at_high[name]} for name in self.at_low}
        return {
            "contract": self.contract,
            "place": self.place, "value": self.value, "low": self.low, "high": self.high, "years": self.years,
            "finance": ends,
        }  # fmt: skip


def finance_headline(outcomes: CatastropheOutcomes, contract: str, terms: FinancialTerms) -> dict[str, float]:
    """Return what `_LABELS` lists, for a contract's losses under terms; without a premium or fund less of it."""
    losses, years = outcomes.event_losses(contract), outcomes.single_years
    premium = premium_of(outcomes, contract)
    reinsured = reinsure(losses, terms.reinsurance)
    net = by_year(reinsured.net.loss, reinsured.net)
    found: dict[str, float | None] = {}
    if terms.reinsurance:
        found["net_loss"] = estimators.mean(net / 100.0, years, "yuan").value
        found["net_loss_tvar_99"] = estimators.tail_value(net / 100.0, years, 0.99, "yuan").value
    if premium:
        cost = 0.0
        for cession in reinsured.cessions:
            flow = by_year(cession.reinstatement_premium, losses) - by_year(cession.ceded, losses)
            mean = estimators.mean(flow / 100.0, years, "yuan").value
            cost += cession.premium(premium) - cession.commission(premium) + (mean or 0.0)
        if terms.reinsurance:
            found["reinsurance_cost"] = cost
        loading = terms.loading
        price = price_figures(
            losses,
            years,
            premium,
            expense_share=loading.expense_share,
            risk_share_of_sd=loading.risk_share_of_sd,
        )
        found["technical_premium"] = price.one("technical_premium", "gross", "mean").value
    if terms.fund is not None:
        borne = by_year(losses.loss, losses) if terms.fund.covers == "gross" else net
        found["fund_ruin"] = chance_of_ruin(borne, years, terms.fund, premium or 0.0)
    return {name: value for name, value in found.items() if value is not None}


def finance_ranges(
    outcomes: CatastropheOutcomes, contract: str
) -> tuple[dict[str, float], list[FinanceRange]]:
    """Return the headline of a contract, and how each assumed term with a range moves it.

    Terms whose ends other terms forbid, and those that move nothing, are left out.
    """
    here = finance_headline(outcomes, contract, outcomes.model.table)
    found = []
    for number in filter(_counts, outcomes.scenario.numbers):
        assert number.range is not None
        ends = []
        try:
            for end in number.range:
                changed = outcomes.scenario.replace(number.place, end).catastrophe
                assert changed is not None
                ends.append(finance_headline(outcomes, contract, changed))
        except (InputError, ValueError):
            continue
        low, high = ends
        moved = [name for name in here if not low[name] == here[name] == high[name]]
        if moved:
            at_low, at_high = ({name: end[name] for name in moved} for end in (low, high))
            found.append(
                FinanceRange(
                    contract,
                    number.place,
                    float(number.value),
                    *number.range,
                    outcomes.n_paths,
                    at_low,
                    at_high,
                )
            )
    return here, found


def _counts(number: Number) -> bool:
    return (
        number.range is not None
        and number.status == "assumed"
        and number.place.startswith(_TERMS)
        and isinstance(number.value, int | float)
    )


def _named(place: str, terms: FinancialTerms) -> str:
    """Return a place with the name of a reinsurance contract in place of its number."""
    start, bracket, rest = place.partition("[")
    if not bracket:
        return place
    number, _, key = rest.partition("]")
    return f"{start}.{terms.reinsurance[int(number)].name}{key}"


def finance_range_table(
    headline: Mapping[str, float], ranges: Sequence[FinanceRange], terms: FinancialTerms, lang: Lang = "en"
) -> Titled:
    """Return the table of the ranges, in thousand yuan a year; what a term does not move is left empty."""
    names = list(headline)
    heads = [say(lang, *_LABELS[name]) for name in names]
    table = new_table(
        [say(lang, "assumed term", "假设条款"), say(lang, "low .. high", "低 .. 高"), *heads], names=2
    )

    def shown(name: str, value: float) -> str:
        return f"{100 * value:.2f}%" if name == "fund_ruin" else f"{value / 1000:,.0f}"

    for one in ranges:
        cells = [
            f"{shown(name, one.at_low[name])} .. {shown(name, one.at_high[name])}"
            if name in one.at_low
            else ""
            for name in names
        ]
        place = _named(one.place, terms).removeprefix("catastrophe.").removeprefix("reinsurance.")
        table.add_row(place, f"{one.low:,.10g} .. {one.high:,.10g}", *cells)
    table.add_section()
    table.add_row(say(lang, "as assumed", "基准"), "", *(shown(name, headline[name]) for name in names))
    title = say(
        lang,
        "Who bears the losses (thousand yuan a year), as one assumed term at a time moves over its range",
        "逐一改变假设条款时的损失分担（千元/年）",
    )
    return Titled(title, table)
