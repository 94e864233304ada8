"""Every measure and statistic of the results, declared once: name, unit, meaning, label in both languages.

``docs/figures.md`` holds the tables that ``as_markdown`` writes; a test compares them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from fangpinbao.loss_measures import LOSS_MEASURES

__all__ = ["MEASURES", "STATISTICS", "Measure", "as_markdown", "statistic_label"]


@dataclass(frozen=True)
class Measure:
    """A quantity of one simulated year, or a ratio of such.

    Attributes
    ----------
    unit
        In English words, as figures carry it.
    by
        What the figure is also given by, beside the programme: ``coverage``, ``layer``, ``class`` (of the
        household), ``account``, ``cause``, ``payer``, ``peril``, ``months``, ``channel`` or ``stage`` (these eight
        in the field ``group``), ``line``.
    meaning
        One sentence.
    """

    name: str
    unit: str
    en: str
    zh: str
    meaning: str
    by: tuple[str, ...] = ()

    def label(self, lang: str = "en") -> str:
        """Return the label in ``lang`` (``en`` or ``zh``)."""
        return self.zh if lang == "zh" else self.en


def _both(
    name: str, en: str, zh: str, meaning: str, by: tuple[str, ...] = ("line", "class")
) -> list[Measure]:
    """Households and persons of one kind."""
    return [
        Measure(f"households_{name}", "households", f"households {en}", f"{zh}（户）", meaning, by),
        Measure(
            f"persons_{name}",
            "persons",
            f"persons {en}",
            f"{zh}（人）",
            "Members of the households above.",
            by,
        ),
    ]


_LINE, _LINE_CLASS = ("line",), ("line", "class")
_U = "the stack without a programme"

_PRICING = [
    Measure(
        "payout", "yuan", "insurance payout", "赔款", "Paid by the coverages, before a top-up by government.",
        ("coverage", "class", "peril"),
    ),
    Measure("claims", "claims", "paid claims", "赔付件数",
            "Units (persons, households) paid by a coverage in a year.",
            ("coverage", "class")),
    Measure("mean_claim", "yuan per claim", "mean claim", "件均赔款", "Payout over claims.", ("coverage",
            "class")),
    Measure("households_paid", "households", "households paid", "获赔户数",
            "Households with any payout in the year.",
            ("class",)),
    Measure("insured", "persons", "insured persons", "参保人数", "Persons the programme insures.",
            ("class",)),
    Measure("pure_premium_per_insured", "yuan per insured", "pure premium per insured", "人均纯保费",
            "Insurer's payout over insured persons; of a coverage or class: its payout before a top-up.",
            ("coverage", "class")),
    Measure("pure_premium_per_resident", "yuan per resident", "pure premium per resident", "居民人均纯保费",
            "Insurer's payout over the residents of the place."),
    Measure("insurer_payout", "yuan", "insurer's payout", "保险人赔款",
            "Payout less what government tops up above an aggregate limit."),
    Measure("topped_up", "yuan", "topped up by government", "财政兜底支出",
            "Payout above an aggregate limit whose rule is topped_up."),
    Measure("gross_premium", "yuan", "gross premium", "毛保费",
            "(Insurer's mean payout + risk loading in standard deviations) / (1 - expense share)."),
    Measure("gross_premium_per_insured", "yuan per insured", "gross premium per insured", "人均毛保费",
            "Gross premium over insured persons."),
    Measure("agreed_premium", "yuan", "agreed premium", "约定保费",
            "Agreed premium per insured times insured persons."),
    Measure("agreed_premium_per_insured", "yuan per insured", "agreed premium per insured", "人均约定保费",
            "As the scenario gives it."),
    Measure("loss_ratio", "ratio", "expected loss ratio", "预期赔付率",
            "Insurer's mean payout over the agreed premium."),
    Measure("payout_over_premium", "share", "years with payout above premium", "赔款超保费年份占比",
            "Share of years in which the insurer pays more than the agreed premium."),
    Measure("own_premium", "yuan", "premium paid by households", "农户自缴保费",
            "Households' share of the agreed premium."),
    Measure("aggregate_limit", "yuan", "aggregate limit", "年累计限额", "As the scenario gives it."),
    Measure("aggregate_limit_binds", "share", "years in which the aggregate limit binds",
            "累计限额触发年份占比",
            "Share of years in which payments before the limit exceed it."),
    Measure("late_payment", "yuan", "paid after the year", "跨年赔款",
            "Part of the payout that comes too late to help."),
    Measure("fixed_sums", "yuan", "fixed sums", "定额给付",
            "Fixed sums for death and disability within the payout, in time."),
    Measure("payout_by_account", "yuan", "payout by account", "按致贫因素的赔款",
            "Payout credited to accounts in proportion to covered cost; `certain`: cost without an event.",
            ("account",)),
    Measure("layer_payment", "yuan", "paid by a public layer", "公共保障支付",
            "Paid by a public layer of the stack.",
            ("layer",)),
    Measure("public_layers", "yuan", "paid by all public layers", "公共保障合计支付",
            "Sum of the public layers of the stack."),
    Measure("public_layers_change", "yuan", "change of public payments", "公共保障支付变化（挤出为负）",
            f"Public layers under the programme less those under {_U}; negative where it displaces them.",
            ("layer",)),
    Measure("relief", "yuan", "relief", "低保补差等救助",
            "Relief that exists anyway and the programme's own, less loans that came back."),
    Measure("relief_change", "yuan", "change of relief", "救助支出变化",
            f"Relief under the programme less that under {_U}."),
    Measure("own_relief", "yuan", "relief paid by the programme", "方案救助支出",
            "Paid by the programme's own relief, loans included; by entry in the field `coverage`.",
            ("coverage", "class")),
    Measure("own_relief_payments", "payments", "payments of relief", "方案救助户次",
            "Households paid, each entry of relief counted by itself.", ("coverage",)),
    Measure("own_relief_late", "yuan", "relief paid after the year", "跨年救助支出",
            "Part of the programme's own relief that comes too late to help.", ("coverage", "class")),
    Measure("loans_repaid", "yuan", "loans that came back", "当年收回贷款",
            "Paid back in the year by borrowers of earlier years.", ("coverage", "class")),
    Measure("public_cost", "yuan", "public cost of the programme", "财政总成本",
            "Premium (agreed, else gross) less households' and others' shares, top-up, administration, change of "
            "public payments and relief; public rules have no premium."),
]  # fmt: skip

_COSTS = {
    "medical": ("medical cost", "医疗费用"),
    "education": ("schooling and other rigid spending", "就学等刚性支出"),
    "stock": ("property loss", "财产损失"),
    "income": ("crop and income loss", "农业与收入损失"),
    "cost": ("cost of all kinds", "各类费用与损失合计"),
}


def _borne(kind: str) -> list[Measure]:
    """What each payer bears of one kind of cost."""
    en, zh = _COSTS[kind]
    meaning = f"What one payer bears of {en}; `household`: what no step pays."
    if kind == "cost":
        meaning = (
            f"{meaning[:-1]} and no relief bears; `relief`: entries on cost borne, less loans that came back."
        )
    whole = f"The same over all {en}, a ratio of means."
    return [
        Measure(f"{kind}_borne", "yuan", f"{en} borne", f"{zh}承担额", meaning, ("payer",)),
        Measure(f"{kind}_borne_share", "ratio", f"{en} borne, share", f"{zh}承担比例", whole, ("payer",)),
    ]


_BORNE = [measure for kind in _COSTS for measure in _borne(kind)] + [
    Measure("premium_financed", "yuan", "premium paid by", "保费出资额",
            "What households, other money and government pay of the agreed premium.", ("payer",)),
    Measure("premium_financed_share", "ratio", "premium paid by, share", "保费出资比例",
            "Their shares of the premium, as the scenario gives them.", ("payer",)),
]  # fmt: skip

_FUNNEL = [
    Measure("funnel_due", "households", "claims due", "符合赔付条件",
            "Households that the terms would pay if all were found; of a programme with a detection design.",
            ("class",)),
    Measure("funnel_listed", "households", "of them on the list", "其中在名单内", "Of those due: on the list."),
    Measure("funnel_alerted", "households", "of them with an alert", "其中触发预警",
            "Of those listed: spending and repairs reach the design's threshold."),
    Measure("funnel_found", "households", "of them found", "其中被发现",
            "Of those alerted: found by some channel, or by the one named.", ("channel",)),
    Measure("funnel_approved", "households", "of them approved", "其中通过核定", "Of those found: pass the check."),
    Measure("funnel_accepted", "households", "of them accepting", "其中接受救助",
            "Of those approved: do not decline; these are paid.", ("class",)),
    Measure("funnel_in_time", "households", "of them paid within the year", "其中当年到账",
            "Of those accepting: paid before day 365.", ("class",)),
    Measure("funnel_kept", "share", "share of the stage before", "占上一环节比例",
            "Households of the stage named over those of the stage before.", ("stage",)),
    Measure("funnel_wrong", "households", "households paid though a test fails", "不符合条件而获赔",
            "Paid by coverages whose tests they fail, and by no other.", ("class",)),
    Measure("funnel_wrong_payout", "yuan", "paid to them", "不符合条件者所获赔款",
            "Paid, in time or late, to households that are not due."),
    Measure("funnel_days", "days", "days from last event to payment", "末次事件至到账天数",
            "Over households paid; of events that coverages read; certain cost counts from the first day of the year."),
]  # fmt: skip

_RISK = [
    Measure("budget", "yuan", "budget", "预算", "The amount asked about."),
    Measure("payout_over_budget", "share", "years with payout above budget", "赔款超预算年份占比",
            "Share of years in which the payout exceeds the budget."),
    Measure("excess_over_budget", "yuan", "payout above budget", "超预算金额",
            "Part of the payout above the budget, zero in other years."),
    Measure("payout_variance", "yuan^2", "variance of the payout", "赔款方差",
            "Variance of a year's payout."),
    Measure("payout_variance_own", "yuan^2", "variance from single households", "赔款方差：个体部分",
            "Expected variance given the year factors and the township events."),
    Measure("payout_variance_township", "yuan^2", "variance from townships", "赔款方差：乡镇部分",
            "What township events add beyond the year factors."),
    Measure("payout_variance_year", "yuan^2", "variance from the year", "赔款方差：年度部分",
            "Variance of the expected payout given the year factors."),
    *(Measure(*declared) for declared in LOSS_MEASURES),
]  # fmt: skip

_POVERTY = [
    *_both("already_poor", "already poor", "原已贫困", "W0 < Z: poor before any booked account.",
            (*_LINE_CLASS,)),
    *_both("lifted", "lifted", "帮助脱贫", "Of the already poor: U < Z and I >= Z."),
    *_both("never_at_risk", "never at risk", "无致贫风险", "W0 >= Z and U >= Z."),
    *_both("induced", "induced", "保费致贫",
           "U >= Z and I < Z: poor only because of what they pay under the programme (premium, loans)."),
    *_both("prevented", "kept from poverty", "防止致贫返贫", "W0 >= Z, U < Z, I >= Z: the head number."),
    *_both("prevented_return", "kept from falling back", "防止返贫",
            "Of the prevented, those once lifted out."),
    *_both("prevented_entry", "kept from falling in", "防止致贫", "Of the prevented, all others."),
    *_both("still_poor", "still poor", "仍然贫困", "W0 >= Z, U < Z, I < Z."),
    *_both("relieved", "relieved", "得到缓解", "Of the still poor, those with a benefit."),
    *_both("net_prevented", "kept from poverty, net", "净减贫",
           "Prevented + lifted - induced: the fall of the headcount."),
    *_both("poor", "poor", "贫困", "Headcount: resources under the stack below the line.", _LINE),
    Measure("households_prevented_by_cause", "households", "households kept from poverty, by cause",
            "防止致贫返贫（按致贫因素，户）", "By the cause that costs the household most.", ("line",
            "cause")),
    Measure("households_prevented_without_fixed_sums", "households",
            "households kept from poverty without fixed sums", "防止致贫返贫（不计定额给付，户）",
            "Prevented even without the fixed sums for death and disability.", _LINE_CLASS),
    Measure("households_prevented_by_fixed_sums", "households", "households kept from poverty by fixed sums",
            "防止致贫返贫（因定额给付，户）", "Prevented only because of the fixed sums.", _LINE),
    Measure("poverty_gap", "yuan", "poverty gap", "贫困距",
            "Money missing to the line, summed over households.", _LINE),
    Measure("gap_closed", "yuan", "poverty gap closed", "缩小的贫困距",
            f"Gap under {_U} less that under the programme.", _LINE_CLASS),
    Measure("fgt0", "share", "poverty headcount ratio (FGT0)", "贫困发生率 (FGT0)",
            "Poor persons over persons.", _LINE),
    Measure("fgt1", "share", "poverty gap index (FGT1)", "贫困距指数 (FGT1)",
            "Mean relative gap over persons; a gap counts as at most the line.", _LINE),
    Measure("fgt2", "share", "squared poverty gap (FGT2)", "平方贫困距指数 (FGT2)",
            "Mean squared relative gap over persons.", _LINE),
    *(
        Measure(f"fgt{k}_reduction", "share", f"reduction of FGT{k}", f"FGT{k} 下降",
                f"FGT{k} under {_U} less that under the programme.", _LINE_CLASS)
        for k in range(3)
    ),
    Measure("payout_use_prevented", "yuan", "payout to those kept from poverty", "赔款用途：防止致贫返贫",
            "Payout to households prevented.", _LINE),
    Measure("payout_use_lifted", "yuan", "payout to those lifted", "赔款用途：帮助脱贫",
            "Payout to households lifted.", _LINE),
    Measure("payout_use_already_poor", "yuan", "payout to the already poor", "赔款用途：原已贫困",
            "Payout to households already poor and not lifted.", _LINE),
    Measure("payout_use_still_poor", "yuan", "payout to the still poor", "赔款用途：仍然贫困",
            "Payout to households still poor.", _LINE),
    Measure("payout_use_never_at_risk", "yuan", "payout to those never at risk", "赔款用途：无致贫风险",
            "Payout to households never at risk.", _LINE),
    Measure("payout_above_line", "yuan", "payout above the line", "线上赔款",
            "Part of each benefit that ends above the line.", _LINE),
    Measure("cost_per_prevented", "yuan per household", "public cost per household net kept from poverty",
            "每净减贫一户的财政成本", "Mean public cost over mean net prevented households.", _LINE),
    Measure("net_prevented_per_million", "households per million yuan",
            "households net kept from poverty per million yuan", "每百万元财政成本净减贫户数",
            "Mean net prevented households over mean public cost in million yuan.", _LINE),
    Measure("gap_closed_per_yuan", "ratio", "poverty gap closed per yuan", "每元财政成本缩小的贫困距",
            "Mean poverty gap closed over mean public cost.", _LINE),
    Measure("payout_per_prevented", "yuan per household", "payout per household kept from poverty",
            "每防止一户的赔款", "Mean payout over mean prevented households (gross of lifted and induced).",
            _LINE),
    Measure("households_catastrophic", "households", "households with catastrophic medical spending",
            "灾难性医疗支出（户）", "Medical out-of-pocket cost at or above the share of capacity to pay.",
            ("class",)),
    Measure("households_catastrophic_avoided", "households", "catastrophic spending avoided",
            "避免的灾难性医疗支出（户）", f"Such households under {_U} less those under the programme."),
]  # fmt: skip

_CATASTROPHE = [
    Measure("term_payout", "yuan", "payout of a term", "保险期间赔款",
            "Paid by a catastrophe contract in a term of several years."),
    Measure("no_claim", "share", "years without a claim", "无赔付年份占比",
            "Share of years (of a term, the first) without a payment; `first_M_months`: within so many months.",
            ("months",)),
    Measure("claims_observed", "claims", "claims observed", "实际赔付件数",
            "What is known to have been paid in the first months of the contract.", ("months",)),
    Measure("cumulative_limit", "yuan", "cumulative limit", "累计赔偿限额", "As the scenario gives it."),
    Measure("cumulative_limit_used_up", "share", "years (terms) that use up the cumulative limit",
            "累计限额用尽的年份（期）占比",
            "Share of years (terms) in which payments reach the cumulative limit."),
    Measure("events", "events", "events", "灾害事件数", "Events of a catastrophe peril, with and without casualties.",
            ("peril",)),
    Measure("dead", "persons", "dead", "死亡人数", "Killed by catastrophe perils.", ("peril",)),
    Measure("casualties", "persons", "dead, disabled and burned", "伤亡人数",
            "Killed, disabled or burned by catastrophe perils.", ("peril",)),
    Measure("dead_per_million", "persons per million", "dead per million people", "每百万人死亡人数",
            "Dead over the residents and visitors present on average.", ("peril",)),
    Measure("people_present", "persons", "people present", "在场人数", "Residents and visitors, mean over the year."),
]  # fmt: skip

MEASURES: Final[dict[str, Measure]] = {
    measure.name: measure for measure in (*_PRICING, *_BORNE, *_POVERTY, *_FUNNEL, *_RISK, *_CATASTROPHE)
}

STATISTICS: Final[dict[str, tuple[str, str, str]]] = {
    "mean": ("mean", "年均", "mean over simulated years; standard error over years"),
    "sd": ("standard deviation", "标准差", "spread of the years around their mean"),
    "pXX": ("quantile", "分位数", "quantile of the years, `p99_5` at 99.5%; order-statistic interval"),
    "tvar_XX": ("TVaR", "尾部均值", "mean of the quantiles above the level, `tvar_99` above 99%"),
    "return_period_T": ("once in T years", "T年一遇",
    "quantile at 1 - 1/T: the exceedance curve of the year's total; of `term_payout` once in T terms"),
    "ratio": ("ratio of means", "均值之比",
    "ratio of two expectations; not defined where the denominator is near zero"),
    "share": ("share of years", "年份占比", "share of years with an event; Wilson's interval"),
    "value": ("value", "取值", "an input, not simulated; no error"),
    "difference": ("mean difference", "年均差值",
    "mean of the paired yearly difference; programme is `a - b`"),
    "variance": ("variance", "方差", "variance or part of it"),
    "share_of_variance": ("share of variance", "方差占比", "part over the whole variance"),
}  # fmt: skip


def statistic_label(statistic: str, lang: str = "en", measure: str = "") -> str:
    """Return the label of a statistic, such as ``99.5% quantile`` for ``p99_5``; the law of a term has terms for years.

    Raises
    ------
    KeyError
        If there is no such statistic.
    """
    chinese = lang == "zh"
    found = re.fullmatch(r"(p|tvar_|return_period_)(\d+(?:_\d+)?)", statistic)
    if found is None:
        return STATISTICS[statistic][1 if chinese else 0]
    kind, level = found[1], found[2].replace("_", ".")
    if kind == "return_period_":
        of_terms = measure == "term_payout"
        if chinese:
            return f"{level}{'期' if of_terms else '年'}一遇"
        return f"once in {level} {'terms' if of_terms else 'years'}"
    if kind == "tvar_":
        return f"{level}% 尾部均值" if chinese else f"TVaR {level}%"
    return f"{level}% 分位数" if chinese else f"{level}% quantile"


def as_markdown() -> str:
    """Return the tables of measures and statistics for the documentation."""
    lines = ["| measure | unit | also by | 中文 | meaning |", "| --- | --- | --- | --- | --- |"]
    for measure in MEASURES.values():
        by = ", ".join(measure.by)
        lines.append(f"| `{measure.name}` | {measure.unit} | {by} | {measure.zh} | {measure.meaning} |")
    lines += ["", "| statistic | 中文 | meaning |", "| --- | --- | --- |"]
    lines += [f"| `{name}` | {zh} | {meaning} |" for name, (_, zh, meaning) in STATISTICS.items()]
    return "\n".join(lines) + "\n"
