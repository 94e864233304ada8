"""Why a household was not found, not approved, or paid too late, in words."""

from __future__ import annotations

import math

from fangpinbao import columns as col
from fangpinbao.aggregate import days_of
from fangpinbao.core import layout as at
from fangpinbao.household_year import HouseholdYear

__all__ = ["not_paid", "when_paid"]


def not_paid(year: HouseholdYear, case: int, lang: str) -> str:
    """Say at which stage the claim of a household that is due was lost."""
    design, reached = year.compiled.cases.designs[case], _reached(year, case)
    stage = reached & at.REACHED_STAGE
    if stage < col.STAGE_LISTED:
        return _say(lang, "not found: the household is not on the list", "未被发现：该户不在名单内")
    if stage < col.STAGE_ALERTED:
        spent, line = f"{_spent(year) / 100:,.2f}", f"{design.threshold:,.2f}"
        times, income = design.threshold_times_income, year.of_household(at.INCOME_TESTED)
        if times is not None and not _spent(year) > times * income:
            limit = f"{times * income / 100:,.2f}"
            return _say(
                lang,
                f"not found: spending and repairs of {spent} raise no alert (above {limit}, {times:g} x income)",
                f"未被发现：刚性支出与修缮 {spent} 未超过预警线 {limit}（上年收入的 {times:g} 倍）",
            )
        return _say(
            lang,
            f"not found: spending and repairs of {spent} raise no alert (from {line})",
            f"未被发现：刚性支出与修缮 {spent} 未达预警线 {line}",
        )
    if stage < col.STAGE_FOUND:
        chances = [
            f"{_name(year, case, name, lang)} {terms.chance:.0%}" for name, terms in design.channels.items()
        ]
        return _say(
            lang,
            f"not found by any channel ({', '.join(chances)})",
            f"各渠道均未发现（{'、'.join(chances)}）",
        )
    found = _found_by(year, case, lang)
    if stage < col.STAGE_APPROVED:
        passes = f"{design.verification.passes:.0%}"
        return _say(
            lang,
            f"{found}, but the check turns it down (it passes {passes} of such claims)",
            f"{found}，但核查未通过（此类申请通过率 {passes}）",
        )
    return _say(lang, f"{found} and approved, but the household declines", f"{found}并通过核查，但该户未接受")


def when_paid(year: HouseholdYear, case: int, is_due: bool, lang: str) -> str:
    """Say how a household that is paid was found, and on which day the money comes."""
    found, last = _found_by(year, case, lang), _last_day(year, case)
    days = float(year.work.days[case, year.mine])
    when = math.floor(last + days) + 1
    after, since = f"{days:,.0f}", f"{last + 1}"
    wrong = "" if is_due else _say(lang, "paid although a test fails; ", "虽未通过条件核查仍获赔；")
    if last + days < 365:
        return wrong + _say(
            lang,
            f"{found}; paid {after} days after day {since}, on day {when}",
            f"{found}；第 {since} 天之后 {after} 天到账，即第 {when} 天",
        )
    return wrong + _say(
        lang,
        f"{found}; paid {after} days after day {since}: after the year, so it does not help in it",
        f"{found}；第 {since} 天之后 {after} 天到账，已跨年，当年不起作用",
    )


def _say(lang: str, en: str, zh: str) -> str:
    return zh if lang == "zh" else en


def _reached(year: HouseholdYear, case: int) -> int:
    return int(year.work.reached[case, year.mine])


def _name(year: HouseholdYear, case: int, channel: str, lang: str) -> str:
    label = year.compiled.cases.designs[case].channels[channel].label
    return channel if label is None else label.in_language(lang)


def _found_by(year: HouseholdYear, case: int, lang: str) -> str:
    reached, cases = _reached(year, case), year.compiled.cases
    names = [
        _name(year, case, channel, lang)
        for channel in cases.designs[case].channels
        if reached >> (at.REACHED_CHANNELS + cases.channels.index(channel)) & 1
    ]
    return _say(lang, f"found by {' and '.join(names)}", f"经{'、'.join(names)}发现")


def _spent(year: HouseholdYear) -> int:
    """Rigid spending and repairs of the year, fen: what raises the alert."""
    weight, start = year.stacks.kind_loss, year.of_household(at.INCOME_START)
    lost = math.floor(year.total(at.LOST) * float(weight[at.INCOME]) + 0.5)
    spending = year.total(at.SPENDING)
    counted = spending if weight[at.MEDICAL] > 0 else 0
    repairs = start - lost - counted + year.total(at.RELIEF_PAID) - year.total(at.RESOURCE)
    return spending + repairs


def _last_day(year: HouseholdYear, case: int) -> int:
    """Day of the household's last event that some coverage of the case reads."""
    is_read = year.stacks.case_reads[case][year.events["account"]] == 1
    words = year.events["word"][is_read & (year.events["household"] == year.h)]
    return int(days_of(words).max(initial=0))
