"""What the pictures say, in English and in Chinese, and the units of their axes."""

from __future__ import annotations

from typing import Literal

__all__ = ["WORDS", "Lang", "Line", "unit_of"]

Lang = Literal["en", "zh"]
Line = Literal["poverty", "monitoring"]

WORDS: dict[Lang, dict[str, str]] = {
    "en": {
        "payout_title": "{programme}: payout of a year",
        "payout_subtitle": "{place}\n{insured:,} insured, {years:,} simulated years{idle}",
        "payout_axis": "payout of a year, {unit}",
        "of_years": "{share} of years",
        "payout_note": "Bars: simulated years; orange beyond the 95th percentile, red beyond the 99th.\n"
        "Bands: 95% interval of the simulation; ±: its standard error.",
        "assumed": "{assumed:,} of the scenario's {numbers:,} numbers are assumed.",
        "mean": "mean",
        "p95": "1-in-20 year (p95)",
        "p99": "1-in-100 year (p99)",
        "tvar_99": "mean of the worst 1% (TVaR)",
        "premium": "agreed premium",
        "limit": "aggregate limit",
        "idle": "\n{share} of the years pay nothing and are not drawn",
        "exceeded": "exceeded in {share} of years",
        "exceeded_never": "exceeded in 0 of {years:,} years",
        "exceeded_always": "exceeded in all {years:,} years",
        "reached": "reached in {share} of years",
        "reached_never": "reached in 0 of {years:,} years",
        "reached_always": "reached in all {years:,} years",
        "few_years": "{value} (too few years)",
        "beyond": "{count:,} more years, up to {largest} →",
        "beyond_share": "{share} more of the years, up to {largest} →",
        "prevented_title": "{programme}: households kept above the {line}",
        "prevented_subtitle": "{place}\nOf the households that the year's costs would push below "
        "{amount:,.0f} yuan a head, the payout keeps {prevented} a year at or above it, {share} of them",
        "prevented_axis": "households a year",
        "prevented_note": "Whiskers: 95% interval of the simulation ({years:,} years); "
        "±: its standard error.\nA household counts under its largest cost after the public layers.",
        "by_class": "By class",
        "by_cause": "By main cause",
        "return": "lifted out before: kept from falling back",
        "entry": "others: kept from falling in",
    },
    "zh": {
        "payout_title": "{programme}：年度赔付额的分布",
        "payout_subtitle": "{place}\n参保 {insured:,} 人，模拟 {years:,} 年{idle}",
        "payout_axis": "年度赔付额（{unit}）",
        "of_years": "{share} 的年份",
        "payout_note": "柱：模拟年份的占比；橙色超过95%分位，红色超过99%分位。\n"
        "色带：模拟误差的95%区间；±：标准误。",
        "assumed": "情景的 {numbers:,} 个参数中有 {assumed:,} 个为假设值。",
        "mean": "均值",
        "p95": "二十年一遇（95%分位）",
        "p99": "百年一遇（99%分位）",
        "tvar_99": "最差1%年份的均值（尾部均值）",
        "premium": "约定保费",
        "limit": "年度累计限额",
        "idle": "\n{share} 的年份无赔付，未画出",
        "exceeded": "{share} 的年份超出",
        "exceeded_never": "{years:,} 年中无一年超出",
        "exceeded_always": "{years:,} 年全部超出",
        "reached": "{share} 的年份达到",
        "reached_never": "{years:,} 年中无一年达到",
        "reached_always": "{years:,} 年全部达到",
        "few_years": "{value}（年数不足）",
        "beyond": "另有 {count:,} 年更高，最高 {largest} →",
        "beyond_share": "另有 {share} 的年份更高，最高 {largest} →",
        "prevented_title": "{programme}：哪些农户守住了{line}",
        "prevented_subtitle": "{place}\n当年各项支出会使一些农户落到人均 {amount:,.0f} 元以下，\n"
        "其中每年 {prevented} 户因赔付仍在线上，占这些农户的 {share}",
        "prevented_axis": "户/年",
        "prevented_note": "误差线：模拟误差的95%区间（{years:,} 年）；±：标准误。\n"
        "每户按公共保障报销后最大的一项支出归因。",
        "by_class": "按农户类别",
        "by_cause": "按主要致贫因素",
        "return": "脱贫户：防止返贫",
        "entry": "其他农户：防止致贫",
    },
}

# Units by the size of the largest amount shown: from, yuan, English, Chinese.
_UNITS = {
    "en": (
        (1e9, 1e9, "billion yuan"),
        (1e6, 1e6, "million yuan"),
        (1e3, 1e3, "thousand yuan"),
        (0.0, 1.0, "yuan"),
    ),
    "zh": ((1e9, 1e8, "亿元"), (1e4, 1e4, "万元"), (0.0, 1.0, "元")),
}


def unit_of(largest: float, lang: Lang) -> tuple[float, str]:
    """Return the unit that suits the largest amount shown: yuan in one, and its name."""
    return next((scale, name) for start, scale, name in _UNITS[lang] if largest >= start)
