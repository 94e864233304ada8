"""Why a step paid what it paid and not more, in words, from its schedule and the engine's tests."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator
from fractions import Fraction

from fangpinbao.compiled import Node, schedule_of
from fangpinbao.core import layout as at
from fangpinbao.core.schedule import Schedule
from fangpinbao.found_reasons import not_paid, when_paid
from fangpinbao.household_year import HouseholdYear
from fangpinbao.scenario.terms import Filter, Terms
from fangpinbao.scenario.vocabulary import CLASS_LABELS, CLASSES, STAGE_LABELS, STAGES

__all__ = ["Reasons", "money", "reasons"]

_FEN = 100


def money(fen: float | Fraction) -> str:
    """Fen as yuan with two decimals, half a fen rounded up as in every payment."""
    whole = math.floor(Fraction(fen) + Fraction(1, 2))
    return f"{'-' if whole < 0 else ''}{abs(whole) // _FEN:,}.{abs(whole) % _FEN:02d}"


def reasons(
    year: HouseholdYear, node: Node, person: int | None, amount: float, paid: int, free: int, lang: str
) -> Iterator[str]:
    """Why a unit got ``paid`` fen of ``amount``; ``free`` is what it gets without an aggregate limit."""
    return Reasons(year, node, person, amount, lang).all(paid, free)


class Reasons:
    """Why one step paid a unit what it paid."""

    def __init__(self, year: HouseholdYear, node: Node, person: int | None, amount: float, lang: str) -> None:
        self.year, self.node, self.person, self.amount, self.lang = year, node, person, amount, lang

    def say(self, en: str, zh: str) -> str:
        """Choose the language."""
        return zh if self.lang == "zh" else en

    def all(self, paid: int, free: int) -> Iterator[str]:
        """Yield every reason; ``free`` is the payment without an aggregate limit."""
        node, year, say = self.node, self.year, self.say
        chosen = year.variant(node.index, self.person)
        if chosen == 0:
            yield from self._not_eligible()
            return
        gate, case = (int(year.stacks.step[node.index, column]) for column in (at.GATE, at.CASE))
        opened = int(year.work.gate_open[gate, year.mine]) if gate >= 0 else 1
        if not opened:
            yield from self._closed()
            return
        terms: Terms = node.step if chosen == 1 else node.step.variants[chosen - 2]
        expected = yield from self._terms(terms)
        if expected > self.amount + 0.5 and not node.is_points:
            yield say("never more than the cost that is left", "不超过剩余费用")
            expected = Fraction(self.amount)
        if year.stacks.step[node.index, at.SHARED_PER] > 0 and free < expected:
            limit = year.stacks.step_terms[4, node.index]
            yield say(
                f"the shared limit of {money(limit)} leaves {money(free)}, after the steps before it",
                f"与前面各项共用限额 {money(limit)}，尚余 {money(free)}",
            )
        if case >= 0 and not opened & at.GATE_PAID:
            if expected >= Fraction(1, 2):
                yield not_paid(year, case, self.lang)
            return
        if case >= 0 and paid and not opened & at.GATE_DUE:
            yield from self._closed()
        if node.step.per_household is not None and free + 1 < expected:
            limit = node.step.per_household.limit
            shown = say("the terms for the whole household", "全户合计的条款")
            shown += (
                say(f" (limit {money(limit * _FEN)})", f"（封顶 {money(limit * _FEN)}）")
                if limit is not None
                else ""
            )
            yield say(f"{shown} bring it down to {money(free)}", f"{shown}降至 {money(free)}")
        if (
            node.step.per_household is None
            and free + 1 < expected
            and year.stacks.step[node.index, at.LEAVES_CUT]
        ):
            yield say(
                f"its claim is {money(free)}, on what the coverages before it leave without the limit for all",
                f"申请 {money(free)}，以无年度总限额时前面各项责任所余费用为准",
            )
        elif self._is_rounded_with_others(free, expected):
            yield say("rounded together with the payments before it", "与前面各项给付合并四舍五入")
        if node.programme is None and paid > free:
            yield say(
                f"without the programme's limit for all it would pay {money(free)}: what the limit cuts is left to it",
                f"若无方案年度总限额，此处支付 {money(free)}：限额所减部分由此处按规定支付",
            )
        if paid < free:
            yield say(
                f"the programme's limit for all brings it down from {money(free)} to {money(paid)}",
                f"方案年度总限额使其由 {money(free)} 降至 {money(paid)}",
            )
        if case >= 0 and paid:
            yield when_paid(year, case, bool(opened & at.GATE_DUE), self.lang)
        elif node.step.paid_within_year < 1 and paid:
            share = node.step.paid_within_year
            yield say(f"{share:.0%} of it comes within the year", f"其中 {share:.0%} 在当年到账")

    def _is_rounded_with_others(self, free: int, expected: Fraction) -> bool:
        """Whether the payment is a fen off its terms because cumulative payments are what is rounded."""
        alone = math.floor(expected + Fraction(1, 2))
        return not self.node.is_points and abs(free - alone) == 1 and self.amount > 0

    # --- tests ------------------------------------------------------------------------------------------

    def _not_eligible(self) -> Iterator[str]:
        year, step, scenario = self.year, self.node.step, self.year.engine.scenario
        filters = [(self.say("not eligible", "不符合条件"), step.where)]
        if self.node.programme is not None:
            insured = scenario.programmes[self.node.programme].insured
            filters.insert(0, (self.say("not insured", "不在参保范围"), insured))
        test = step.income_test
        if test is not None and test.moment == "before_year":
            below = Filter(income_per_head_below=test.per_head_below)
            filters.append((self.say("registered income test failed", "登记收入核查未通过"), below))
        for what, where in filters:
            for name in Filter.model_fields:
                wanted = getattr(where, name)
                if wanted is None or name in ("source", "note"):
                    continue
                if not self._fits(Filter.model_validate({name: wanted})):
                    yield what + self.say(": ", "：") + self._condition(name, wanted)
        if year.variant(self.node.index, self.person) == 0 and self.person is None:
            yield self.say("the household as a whole has no claim", "全户不符合条件")

    def _fits(self, where: Filter) -> bool:
        population = self.year.engine.population
        if self.person is None:
            return bool(population.select_households(where)[self.year.h])
        return bool(population.select(where)[self.person])

    def _condition(self, name: str, wanted: object) -> str:
        people, i, h, say = self.year.engine.population, self.person, self.year.h, self.say
        zh = self.lang == "zh"
        words = (say("no", "否"), say("yes", "是"))
        if name in ("tags", "without_tags") and isinstance(wanted, list):
            need = ", ".join(wanted)
            if name == "tags":
                return say(f"bears none of: {need}", f"不具有标签：{need}")
            return say(f"bears one of: {need}", f"具有标签：{need}")
        if name == "income_per_head_below":
            have = f"{people.income_per_head[h]:,.2f}"
            return say(
                f"registered income a head {have} is not below {wanted:,.2f}",
                f"登记人均收入 {have} 不低于 {wanted:,.2f}",
            )
        if name == "income_per_head_from":
            have = f"{people.income_per_head[h]:,.2f}"
            return say(
                f"registered income a head {have} is below {wanted:,.2f}",
                f"登记人均收入 {have} 低于 {wanted:,.2f}",
            )
        if name == "classes" and isinstance(wanted, list):
            have = CLASS_LABELS[CLASSES[int(people.household_class[h])]][zh]
            need = ", ".join(CLASS_LABELS[one][zh] for one in wanted)
        elif name == "schooling" and isinstance(wanted, list) and i is not None:
            have = STAGE_LABELS[STAGES[int(people.schooling[i])]][zh]
            need = ", ".join(STAGE_LABELS[one][zh] for one in wanted)
        elif name == "townships" and isinstance(wanted, list):
            have, need = people.township_names[int(people.township_of[h])], ", ".join(wanted)
        elif name in ("age_from", "age_to") and i is not None:
            have, need = str(people.age[i]), f"{'>=' if name == 'age_from' else '<='} {wanted}"
        elif name == "enrolled" and i is not None:
            have, need = words[int(people.enrolled[i])], words[wanted is True]
        elif name in ("lifted_out", "dibao", "tekun"):
            have, need = words[int(getattr(people, name)[h])], words[wanted is True]
        elif name == "sex" and i is not None:
            sexes = (say("male", "男"), say("female", "女"))
            have, need = sexes[int(people.female[i])], sexes[wanted == "female"]
        else:
            have, need = say("other", "其他"), str(wanted)
        label = _CONDITIONS.get(name, (name, name))[zh]
        return say(f"{label} is {have}, needed {need}", f"{label}为{have}，要求{need}")

    def _closed(self) -> Iterator[str]:
        year, step, say = self.year, self.node.step, self.say
        start = year.of_household(at.INCOME_TESTED)
        lost, spent = year.total(at.LOST), year.total(at.SPENDING)
        size, failed = len(year.members), False
        after = step.income_test
        if after is not None and after.moment == "after_shock":
            have = start - lost - spent
            if not have < after.per_head_below * _FEN * size:
                failed = True
                each, line = money(have / size), f"{after.per_head_below:,.2f}"
                yield say(
                    f"income test failed: {each} a head after the shock is not below {line}",
                    f"收入核查未通过：灾后人均 {each} 不低于 {line}",
                )
        spending = step.spending_test
        if spending is not None and not spending.times_income * start - spent < 0:
            failed = True
            line = money(spending.times_income * start)
            yield say(
                f"spending test failed: rigid spending {money(spent)} does not exceed {line} "
                f"({spending.times_income:g} x income)",
                f"支出核查未通过：刚性支出 {money(spent)} 未超过 {line}"
                f"（收入的 {spending.times_income:g} 倍）",
            )
        if after is not None and after.moment == "before_year":
            registered = float(year.engine.population.income_per_head[year.h])
            if not registered < after.per_head_below:
                failed = True
                yield say(
                    f"registered income test failed: {registered:,.2f} a head is not below {after.per_head_below:,.2f}",
                    f"登记收入核查未通过：人均 {registered:,.2f} 不低于 {after.per_head_below:,.2f}",
                )
        if not failed:
            yield say(
                f"not taken up: the household could be paid but is not reached (take-up {step.take_up:.0%})",
                f"未申领：符合条件但未获赔（申领率 {step.take_up:.0%}）",
            )

    # --- terms ------------------------------------------------------------------------------------------

    def _terms(self, terms: Terms) -> Generator[str, None, Fraction]:
        """Yield what the schedule does; returns what it pays, fen."""
        node, year, amount = self.node, self.year, Fraction(self.amount)
        if node.step.contract is not None:
            yield self.say(
                f"what contract {node.step.contract} owes for it, cut as for the whole region by trigger and limits",
                f"合同 {node.step.contract} 的应付金额，触发条件与限额按全区同比例适用",
            )
            return amount
        per_event = node.step if node.step.unit == "event" or node.is_points else node.step.per_event
        own = Schedule.everything() if node.step.unit == "event" or node.is_points else schedule_of(terms)
        if per_event is not None:
            amounts = year.event_amounts(node, self.person)
            if node.step.waiting_days:
                days = node.step.waiting_days
                yield self.say(f"events of the first {days} days do not count", f"前 {days} 天内的事件不计")
            schedule, amount = schedule_of(per_event), Fraction(0)
            for one in amounts:
                prefix = (
                    self.say(f"event of {self._shown(one)}: ", f"事件 {self._shown(one)}：")
                    if len(amounts) > 1
                    else ""
                )
                yield from (prefix + piece for piece in self._pieces(schedule, Fraction(one)))
                amount += schedule(Fraction(one))
            if own == Schedule.everything():
                return amount
        if node.step.unit == "discharge" and self.person is not None:
            times = year.discharges(node.index, self.person)
            if times > 1:
                each = amount / times
                yield self.say(
                    f"{times} discharges of {money(each)} on average, each:",
                    f"{times} 次住院，次均 {money(each)}，每次：",
                )
                yield from self._pieces(own, each)
                return own(each) * times
        yield from self._pieces(own, amount)
        return own(amount)

    def _shown(self, amount: float | Fraction) -> str:
        is_grade = self.node.is_points and self.node.step.contract is None
        return f"{float(amount) / _FEN:g}" if is_grade else money(amount)

    def _pieces(self, schedule: Schedule, amount: Fraction) -> Iterator[str]:
        """One line for each segment and jump of the schedule up to the amount."""
        say, before = self.say, Fraction(0)
        if self.node.step.scale is not None:  # which may fall, as grade 1 is the worst
            paid, shown = money(schedule(amount)), self._shown(amount)
            yield say(f"the scale pays {paid} for {shown}", f"按给付表 {shown} 对应 {paid}")
            return
        count = len(schedule.starts)
        for k, (start, value, slope) in enumerate(
            zip(schedule.starts, schedule.values, schedule.slopes, strict=True)
        ):
            if start > amount:
                break
            end = schedule.starts[k + 1] if k + 1 < count else None
            part = (amount if end is None else min(amount, end)) - start
            if value > before and self.node.step.fixed_sum is not None:
                yield say(f"{money(value)} whole, whatever the grade", f"定额给付 {money(value)}，不分等级")
            elif value > before:
                yield say(
                    f"{money(value - before)} on reaching {self._shown(start)}",
                    f"达到 {self._shown(start)} 时支付 {money(value - before)}",
                )
            before = value + slope * part
            if part <= 0:
                continue
            shown = self._shown(part)
            if slope > 0:
                rate = f"{float(slope):.6g}"
                if (amount, slope) != (part, Fraction(1)):
                    yield say(
                        f"{float(slope) * 100:.6g}% of {shown} = {money(slope * part)}",
                        f"{shown} 的 {float(slope) * 100:.6g}% = {money(slope * part)}",
                    )
                else:
                    yield say(f"the whole amount (rate {rate})", f"全额（比例 {rate}）")
            elif k == 0 and end is not None:
                opens = schedule.values[1] > 0
                if amount < end:
                    yield say(
                        f"{shown} does not reach {self._shown(end)}", f"{shown} 未达到 {self._shown(end)}"
                    )
                elif not opens and not self.node.is_points:
                    yield say(f"nothing on the first {shown}", f"起付线以下的 {shown} 不付")
            elif k == 0:
                yield say("these terms pay nothing", "此条款不赔付")
            elif not self.node.is_points:
                yield say(
                    f"limit {money(value)} reached: nothing on the last {shown}",
                    f"已达封顶 {money(value)}：其余 {shown} 不付",
                )


_CONDITIONS = {
    "classes": ("class", "类别"),
    "townships": ("township", "乡镇"),
    "age_from": ("age", "年龄"),
    "age_to": ("age", "年龄"),
    "sex": ("sex", "性别"),
    "schooling": ("schooling", "学段"),
    "enrolled": ("enrolled in the basic scheme", "基本医保参保"),
    "lifted_out": ("lifted out", "脱贫户"),
    "dibao": ("dibao", "低保"),
    "tekun": ("tekun", "特困"),
}
