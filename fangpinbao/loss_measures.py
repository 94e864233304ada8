"""Measures of event losses, reinsurance, pool and fund; ``fangpinbao.measures`` lists them with all others.

In these figures ``programme`` is the perspective (``gross``, ``net``, or a name of the caller's), ``coverage``
the reinsurance contract, and ``group`` a peril, carrier, reinsurer or span of years.
"""

from __future__ import annotations

from typing import Final

__all__ = ["LOSS_MEASURES"]

# Name, unit, English, Chinese, meaning, also by.
LOSS_MEASURES: Final[tuple[tuple[str, str, str, str, str, tuple[str, ...]], ...]] = (
    ("year_loss", "yuan", "loss of a year", "年度损失",
     "All events of a year; its mean is the AAL, its return periods are the AEP curve.", ("peril",)),
    ("largest_event_loss", "yuan", "largest loss of one event in a year", "年内单次事件最大损失",
     "Its return periods are the OEP curve, also called PML.", ("peril",)),
    ("loss_events", "events", "events with a loss", "致损事件数", "Events of a year that cost anything.", ()),
    ("years_with_loss", "share", "years with a loss", "有损失年份占比",
     "Share of years in which an event costs anything.", ("peril",)),
    ("technical_premium", "yuan", "technical premium", "技术保费",
     "(AAL + risk loading in standard deviations of the year's loss) / (1 - expense share).", ()),
    ("premium_adequacy", "ratio", "agreed over technical premium", "保费充足度",
     "Below 1 the agreed premium does not carry loss, risk and expenses.", ()),
    ("ceded_loss", "yuan", "loss paid by reinsurers", "再保险摊回赔款",
     "Paid by a contract, or by one reinsurer of it.", ("contract", "reinsurer")),
    ("ceded_premium", "yuan", "reinsurance premium", "分出保费", "Premium of what is placed, before reinstatements.",
     ("contract",)),
    ("reinstatement_premium", "yuan", "reinstatement premium", "恢复保费", "Paid to buy back limits used up.",
     ("contract",)),
    ("ceding_commission", "yuan", "ceding commission", "分保手续费", "Paid back to the cedant.", ("contract",)),
    ("reinsurance_cost", "yuan", "net cost of reinsurance", "再保险净成本",
     "Premium and reinstatement premium less commission and loss paid: what the cedant gives up a year.",
     ("contract",)),
    ("rate_on_line", "ratio", "rate on line", "费率（保费/限额）", "Premium of the whole contract over its limit.",
     ("contract",)),
    ("layer_attached", "share", "years in which the contract pays", "触发年份占比",
     "Attachment probability.", ("contract",)),
    ("layer_event_limit_reached", "share", "years in which an event fills the limit", "单次限额用尽年份占比",
     "An event reaches attachment + limit.", ("contract",)),
    ("layer_exhausted", "share", "years in which the contract is used up", "年度限额用尽年份占比",
     "Exhaustion probability: nothing is left of the year's limit.", ("contract",)),
    ("carrier_loss", "yuan", "loss borne by a carrier", "承保人承担损失", "A carrier's share of the pool's loss.",
     ("carrier",)),
    ("carrier_premium", "yuan", "premium of a carrier", "承保人保费", "A carrier's share of the pool's premium.",
     ("carrier",)),
    ("fund_balance", "yuan", "balance of the fund", "巨灾基金余额", "At the end of a year.", ("year",)),
    ("fund_ruin", "share", "chance that the fund cannot pay", "基金不足赔付的概率",
     "Chance that a claim exceeds the balance at least once within the years; a fund stands in place of a pool.",
     ("years",)),
    ("fund_shortfall", "yuan", "claims that the fund cannot pay", "基金缺口", "Mean of a year over the horizon.", ()),
    ("fund_capital", "yuan", "opening balance needed", "所需初始资金",
     "With it the fund pays every claim within the years with the given chance.", ("years",)),
)  # fmt: skip
