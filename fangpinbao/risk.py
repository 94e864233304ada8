"""Year-to-year risk of the payout: exceedance curve, tail values, chance of running over a budget."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal

import numpy as np

from fangpinbao import estimators, yearly
from fangpinbao.estimators import Estimate
from fangpinbao.outcomes import Outcomes
from fangpinbao.records import Figures, Gathering
from fangpinbao.replay import without_law_of_a_year

__all__ = ["LEVELS", "RETURN_PERIODS", "precision_line", "tail_risk", "years_for_one_percent"]

RETURN_PERIODS: Final = (2, 5, 10, 20, 50, 100, 200)
LEVELS: Final = (0.9, 0.95, 0.99, 0.995)


def tail_risk(
    outcomes: Outcomes,
    programme: str | None = None,
    *,
    budget: float | None = None,
    return_periods: Iterable[int] = RETURN_PERIODS,
    levels: Iterable[float] = LEVELS,
) -> Figures:
    """Return the exceedance curve of the yearly payout, VaR and TVaR, and how often a budget is exceeded.

    Parameters
    ----------
    outcomes
        A run.
    programme
        Its name; absent: all programmes.
    budget
        Yuan a year for the payout; absent: the agreed premium, where there is one.
    return_periods
        Years of the exceedance curve, each above one.
    levels
        Of the quantiles (VaR) and tail values (TVaR), at most five decimals.

    Returns
    -------
    Figures
        Statistics ``return_period_T``, ``pXX`` and ``tvar_XX`` of the measure ``payout``; at every return
        period the value is the total of a year (aggregate exceedance).

    Raises
    ------
    KeyError
        If there is no such programme.
    """
    gathering = Gathering()
    periods, shares = tuple(return_periods), tuple(levels)
    for name in yearly.chosen(outcomes, programme):
        if name == "none" or yearly.is_rules(outcomes, name):
            continue
        payout, years = outcomes.yuan_by_year(name), outcomes.years
        for period, estimate in estimators.exceedance_curve(payout, years, periods, "yuan").items():
            gathering.add("payout", f"return_period_{_digits(period)}", estimate, name)
        quantiles = estimators.quantiles(payout, years, shares, "yuan")
        tails = estimators.tail_values(payout, years, shares, "yuan")
        for level, quantile, tail in zip(shares, quantiles, tails, strict=True):
            digits = _digits(round(100.0 * level, 3))
            gathering.add("payout", f"p{digits}", quantile, name)
            gathering.add("payout", f"tvar_{digits}", tail, name)
        agreed = yearly.agreed_premium(outcomes, name)
        asked = budget if budget is not None else None if agreed is None else agreed / 100.0
        if asked is None:
            gathering.note(f"{name}: payout_over_budget: neither a budget is given nor a premium agreed")
            continue
        gathering.known("budget", asked, name)
        gathering.add("payout_over_budget", "share", estimators.share(payout > asked, years), name)
        excess = np.maximum(payout - asked, 0.0)
        gathering.add("excess_over_budget", "mean", estimators.mean(excess, years, "yuan"), name)
    return without_law_of_a_year(gathering.figures(), outcomes.scenario)


def _digits(number: float) -> str:
    return f"{number:g}".replace(".", "_")


def years_for_one_percent(outcomes: Outcomes, programme: str) -> dict[str, int | None]:
    """Return how many simulated years would bring each main figure's standard error to 1% of its value.

    Keys are ``payout``, ``payout tvar_99`` and, for each line, ``households_prevented LINE``; None where the
    figure is zero or has no error. Public rules have no payout.
    """
    main: dict[str, Estimate] = {}
    if not yearly.is_rules(outcomes, programme):
        tail = estimators.tail_value(outcomes.yuan_by_year(programme), outcomes.years, 0.99, "yuan")
        main = {"payout": yearly.mean(outcomes, programme, "payout"), "payout tvar_99": tail}
    for line in yearly.lines_of(outcomes):
        main[f"households_prevented {line}"] = yearly.mean(outcomes, programme, "households_prevented", line)
    return {name: estimators.years_needed(estimate) for name, estimate in main.items()}


_WORDS = {
    "payout": ("mean payout", "年均赔款"),
    "payout tvar_99": ("TVaR 99%", "99% 尾部均值"),
    "households_prevented poverty": (
        "households kept from poverty (poverty line)",
        "防止致贫返贫户数（贫困线）",
    ),
    "households_prevented monitoring": (
        "households kept from poverty (monitoring line)",
        "防止致贫返贫户数（监测线）",
    ),
}


def precision_line(outcomes: Outcomes, programme: str, lang: Literal["en", "zh"] = "en") -> str:
    """Return one line that says how many years a standard error of 1% would need."""
    chinese = lang == "zh"
    parts = []
    for name, years in years_for_one_percent(outcomes, programme).items():
        words = _WORDS[name][1 if chinese else 0]
        unknown = "无法估计" if chinese else "unknown"
        parts.append(f"{words} {unknown if years is None else f'{years:,}'}")
    if chinese:
        return f"标准误降至 1% 所需模拟年数：{'；'.join(parts)}（本次 {outcomes.n_years:,} 年）"
    return f"Years for a standard error of 1%: {'; '.join(parts)} (this run: {outcomes.n_years:,})"
