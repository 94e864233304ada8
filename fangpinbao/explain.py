"""One household's year, yuan by yuan: what happened, what each step paid, and why not more.

Nothing is computed twice: amounts, payments, tests and resources are read from the engine's own scratch after
it settled that year, so the page and the simulation cannot disagree.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from fangpinbao.aggregate import days_of
from fangpinbao.compiled import Node, account_table
from fangpinbao.core import layout as at
from fangpinbao.engine import Engine
from fangpinbao.errors import InputError, Problem
from fangpinbao.household_year import HouseholdYear, first_paid
from fangpinbao.population import Population
from fangpinbao.reasons import money, reasons
from fangpinbao.relief_reasons import own_relief
from fangpinbao.scenario import Scenario
from fangpinbao.scenario.vocabulary import CLASS_LABELS, CLASSES, LINES, STAGE_LABELS, STAGES

__all__ = ["Event", "Explanation", "Payment", "explain"]

_FEN = 100
_PAYERS = {
    "public": ("public layer", "公共保障"),
    "insurer": ("insurance", "保险"),
    "hospital": ("borne by the hospital", "医疗机构承担"),
    "household": ("the household's own share, not paid to it", "个人负担部分，不是给付"),
}

_MOST_PATH = 2**62


@dataclass(frozen=True)
class Event:
    """Something that cost money (or points of disability); ``day`` is None for what comes every year."""

    day: int | None
    peril: str
    account: str
    person: str | None
    count: int
    amount_fen: int
    scope_fen: int


@dataclass(frozen=True)
class Payment:
    """What a step or relief paid to a person (or the household: None) of an amount, and why not more."""

    step: str
    programme: str | None
    person: str | None
    amount_fen: float
    paid_fen: int
    reasons: tuple[str, ...]
    is_relief: bool = False


@dataclass(frozen=True)
class Explanation:
    """One household's year under a programme; ``str()`` is the page for readers.

    Attributes
    ----------
    before_fen, without_fen, insured_fen
        Resources before the year's costs, after them without the programme, and under it.
    classes
        Class of the household-year by line.
    """

    programme: str
    path: int
    household: str
    events: tuple[Event, ...]
    payments: tuple[Payment, ...]
    before_fen: int
    without_fen: int
    insured_fen: int
    classes: dict[str, str]
    lines: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join(self.lines)


def explain(
    scenario: Scenario,
    path: int,
    household: str | int | None = None,
    programme: str | None = None,
    *,
    seed: int | None = None,
    lang: str = "en",
    population: Population | None = None,
) -> Explanation:
    """Explain a household's year.

    Parameters
    ----------
    path
        The simulated year, counted from 0, as in ``by_year``.
    household
        Its id; absent: the first household the programme paid in that year.
    programme
        Absent: the scenario's first.

    Raises
    ------
    InputError
        If there is no such household, programme or path.
    """
    engine = Engine(scenario, population, seed=scenario.simulation.seed if seed is None else seed)
    programmes = engine.compiled.tree.programmes
    chosen = programme if programme is not None else programmes[min(1, len(programmes) - 1)]
    problems = []
    if chosen not in programmes:
        problems.append(Problem("programme", f"= {chosen!r} is not one of {', '.join(programmes)}."))
    if path < 0:
        problems.append(Problem("path", f"= {path} must be 0 or more."))
    elif path > _MOST_PATH:
        problems.append(Problem("path", f"= {path} must be at most {_MOST_PATH}. Lower it."))
    if problems:
        raise InputError("the request", problems)
    p = programmes.index(chosen)
    h = first_paid(engine, path, p) if household is None else _household(engine.population, str(household))
    return _Page(HouseholdYear(engine, path, h, p), lang).explanation()


def _household(population: Population, name: str) -> int:
    found = np.flatnonzero(population.household_id.astype("U") == name)
    if not found.size:
        ids = population.household_id
        message = f"= {name!r} is not in the population; ids look like {ids[0]} and {ids[-1]}."
        raise InputError("the request", [Problem("household", message)])
    return int(found[0])


class _Page:
    """The page of one year in one language."""

    def __init__(self, year: HouseholdYear, lang: str) -> None:
        self.year, self.lang = year, lang
        self.scenario: Scenario = year.engine.scenario
        self.population = year.engine.population
        self.accounts = account_table(self.scenario)
        self.names = list(self.accounts)
        books = [booking for peril in self.scenario.perils.values() for booking in peril.books]
        self.owed = {booking.account for booking in books if booking.contract is not None}

    def say(self, en: str, zh: str) -> str:
        return zh if self.lang == "zh" else en

    def label(self, table: Any, name: str) -> str:
        label = getattr(table, "label", None)
        return label.in_language(self.lang) if label is not None else name

    def explanation(self) -> Explanation:
        year = self.year
        events, payments = tuple(self._events()), tuple(self._payments())
        start = year.of_household(at.INCOME_START)
        without, insured = year.total(at.RESOURCE), year.insured_resource()
        lifted = bool(self.population.lifted_out[year.h])
        classes = {}
        if self.scenario.lines is not None:
            for k, line in enumerate(LINES):
                z = year.of_household(at.LINE + k)
                classes[line] = _class_of(start, without, insured, z, lifted)
        name = year.compiled.tree.programmes[year.p]
        household = str(self.population.household_id[year.h])
        lines = [*self._head(name, household), *self._event_lines(events), *self._payment_lines(payments)]
        lines += self._resource_lines(start, without, insured, classes)
        return Explanation(
            name, year.path, household, events, payments, start, without, insured, classes, tuple(lines)
        )

    def _head(self, programme: str, household: str) -> Iterator[str]:
        say, people, h = self.say, self.population, self.year.h
        seed = self.year.compiled.seed
        yield say(
            f"Household {household} in simulated year {self.year.path} under {programme} (seed {seed})",
            f"住户 {household}，模拟年 {self.year.path}，方案 {programme}（种子 {seed}）",
        )
        kind = CLASS_LABELS[CLASSES[int(people.household_class[h])]]
        income, yes = float(people.income_per_head[h]), (say("no", "否"), say("yes", "是"))
        town = people.township_names[int(people.township_of[h])]
        yield "  " + say(
            f"township {town}; class {kind[0]}; {len(self.year.members)} persons; registered income "
            f"{income:,.2f} yuan a head; lifted out {yes[int(people.lifted_out[h])]}; "
            f"dibao {yes[int(people.dibao[h])]}",
            f"乡镇 {town}；类别 {kind[1]}；{len(self.year.members)} 人；登记人均收入 {income:,.2f} 元；"
            f"脱贫户 {yes[int(people.lifted_out[h])]}；低保 {yes[int(people.dibao[h])]}",
        )
        for i in self.year.members:
            sex = say("female", "女") if people.female[i] else say("male", "男")
            stage = STAGE_LABELS[STAGES[int(people.schooling[i])]][self.lang == "zh"]
            enrolled = (say("not enrolled", "未参保"), say("enrolled", "参保"))[int(people.enrolled[i])]
            yield "  " + say(
                f"person {people.person_id[i]}: {sex}, {people.age[i]}, {stage}, {enrolled}",
                f"成员 {people.person_id[i]}：{sex}，{people.age[i]} 岁，{stage}，{enrolled}",
            )

    # --- what happened ---------------------------------------------------------------------------------

    def _events(self) -> Iterator[Event]:
        year, ids = self.year, self.population.person_id
        for owner in (*year.members, None):
            table = year.people.base if owner is not None else year.people.household_base
            costs: Any = table[:, owner if owner is not None else year.h] if table.shape[1] else []
            by_accounts: dict[str, list[int]] = {}
            for c in np.flatnonzero(costs):
                inside = [
                    n
                    for a, n in enumerate(self.names)
                    if self._books(n) and year.stacks.account[at.INSIDE, a] == c
                ]
                outside = [
                    n
                    for a, n in enumerate(self.names)
                    if self._books(n) and year.stacks.account[at.OUTSIDE, a] == c
                ]
                sums = by_accounts.setdefault("+".join(inside or outside), [0, 0])
                sums[0] += int(costs[c])
                sums[1] += int(costs[c]) if inside else 0
            for names, (amount, scope) in by_accounts.items():
                yield Event(
                    None, "certain", names, None if owner is None else str(ids[owner]), 1, amount, scope
                )
        found, columns = [], year.events
        for e in np.flatnonzero(columns["household"] == year.h):
            person = int(columns["person"][e])
            found.append(
                Event(
                    int(days_of(columns["word"][e : e + 1])[0]) + 1,
                    year.engine.hazard.names[int(columns["peril"][e])],
                    self.names[int(columns["account"][e])],
                    str(ids[person]) if person >= 0 else None,
                    int(columns["count"][e]),
                    int(columns["amount"][e]),
                    int(columns["scope"][e]),
                )
            )
        yield from sorted(found, key=lambda event: event.day or 0)

    def _books(self, account: str) -> bool:
        return any(cost.account == account for cost in self.scenario.certain_costs.values())

    def _who(self, person: str | None) -> str:
        return (
            self.say("household", "全户")
            if person is None
            else self.say(f"person {person}", f"成员 {person}")
        )

    def _event_lines(self, events: tuple[Event, ...]) -> Iterator[str]:
        say = self.say
        yield say("What happened (yuan)", "发生了什么（元）")
        if not events:
            yield "  " + say("nothing", "无")
        for event in events:
            accounts = [self.accounts[name] for name in event.account.split("+")]
            what = "+".join(say(account.en, account.zh) for account in accounts)
            peril = self.scenario.perils.get(event.peril)
            day = (
                say("every year", "每年")
                if event.day is None
                else say(f"day {event.day}", f"第 {event.day} 天")
            )
            cause = what if peril is None else self.label(peril, event.peril) + say(": ", "：") + what
            if event.account in self.owed:
                shown = say(f"owed {money(event.amount_fen)}", f"应付 {money(event.amount_fen)}")
            elif accounts[0].kind == "points":
                shown = say(f"{event.amount_fen / _FEN:g} points", f"{event.amount_fen / _FEN:g} 级")
            else:
                shown = money(event.amount_fen)
            if accounts[0].kind == "medical":
                scope = money(event.scope_fen)
                shown += say(f", in scope {scope}", f"，目录内 {scope}")
                shown += (
                    say(f", {event.count} discharges", f"，住院 {event.count} 次") if event.count > 1 else ""
                )
            who = self._who(event.person)
            yield "  " + say(f"{day}, {who}, {cause}: {shown}", f"{day}，{who}，{cause}：{shown}")

    # --- what was paid ---------------------------------------------------------------------------------

    def _payments(self) -> Iterator[Payment]:
        year, tree = self.year, self.year.compiled.tree
        ids = self.population.person_id
        for s in tree.members[year.p]:
            node = tree.nodes[s]
            units: list[int | None] = [None] if year.stacks.step[s, at.LEVEL] else list(year.members)
            for unit in units:
                amount, column = year.amount(s, unit), year.column_of(unit)
                paid, free = int(year.paid[s, column]), int(year.free[s, column])
                if amount > 0.5 or paid:
                    why = tuple(reasons(year, node, unit, amount, paid, free, self.lang))
                    person = None if unit is None else str(ids[unit])
                    yield Payment(node.name, node.programme, person, amount, paid, why)
        programme = tree.programmes[year.p]
        for given in own_relief(year, self.lang):
            yield Payment(
                f"{programme}.{given.entry}",
                programme,
                None,
                given.base,
                given.paid,
                given.reasons,
                is_relief=True,
            )

    def _payer(self, node: Node) -> tuple[str, str]:
        """Say who pays a step, in both languages."""
        return _PAYERS[node.payer_kind]

    def _payment_lines(self, payments: tuple[Payment, ...]) -> Iterator[str]:
        say, tree = self.say, self.year.compiled.tree
        yield say("What was paid, in order (yuan)", "赔付与报销，按先后（元）")
        for s in tree.members[self.year.p]:
            node = tree.nodes[s]
            name = self.label(node.step, node.name.split(".")[-1])
            kind = say(*self._payer(node))
            mine = [payment for payment in payments if payment.step == node.name]
            yield "  " + say(f"{name} ({kind})", f"{name}（{kind}）")
            if not mine:
                yield "    " + say("no cost of its kind", "无此类费用")
            for payment in mine:
                base = money(payment.amount_fen)
                if node.is_points and node.step.contract is None:
                    base = say(f"{payment.amount_fen / _FEN:g} points", f"{payment.amount_fen / _FEN:g} 级")
                paid = money(payment.paid_fen)
                who = self._who(payment.person)
                yield "    " + say(f"{who}: of {base} pays {paid}", f"{who}：{base} 中支付 {paid}")
                yield from (f"      - {reason}" for reason in payment.reasons)
        programme = tree.programmes[self.year.p]
        relief = {f"{programme}.{name}": table for name, table in self._own_relief().items()}
        for payment in (one for one in payments if one.is_relief):
            name = self.label(relief[payment.step], payment.step.split(".")[-1])
            yield f"  {name} ({say('relief of the programme', '方案救助')})"
            paid = money(payment.paid_fen)
            who = self._who(None)
            yield "    " + say(f"{who}: pays {paid}", f"{who}：支付 {paid}")
            yield from (f"      - {reason}" for reason in payment.reasons)

    def _own_relief(self) -> dict[str, Any]:
        programme = self.scenario.programmes.get(self.year.compiled.tree.programmes[self.year.p])
        return dict(programme.relief) if programme is not None else {}

    # --- what it meant ---------------------------------------------------------------------------------

    def _resource_lines(
        self, start: int, without: int, insured: int, classes: dict[str, str]
    ) -> Iterator[str]:
        year, say = self.year, self.say
        weight = year.stacks.kind_loss
        lost, spent = round(year.total(at.LOST) * weight[at.INCOME]), year.total(at.SPENDING)
        spent = spent if weight[at.MEDICAL] > 0 else 0
        relief, own = year.total(at.RELIEF_PAID), int(year.people.own_premium[year.p, year.h])
        repair = start - lost - spent + relief - without
        given = list(own_relief(year, self.lang))
        aid, owed = sum(one.in_time for one in given), sum(one.owed for one in given)
        yield say("What it meant (yuan, whole household)", "结果（元，全户）")
        parts = [
            (say("resources before the year's costs", "事前资源"), start),
            (say("income lost", "收入减少"), -lost),
            (say("out-of-pocket without the programme", "无方案时自付"), -spent),
            (say("repairs due", "当年修缮"), -repair),
            (say("relief", "救助"), relief),
            (say("resources without the programme", "无方案时资源"), without),
            (
                say("change by the programme within the year", "方案当年带来的变化"),
                insured - without + own - aid + owed,
            ),
            (say("relief of the programme within the year", "方案救助当年到账"), aid),
            (say("loans of earlier years paid back", "偿还往年贷款"), -owed),
            (say("premium paid by the household", "自缴保费"), -own),
            (say("resources under the programme", "有方案时资源"), insured),
        ]
        always = {0, 5, len(parts) - 1}
        colon = say(": ", "：")
        yield from (
            f"  {name}{colon}{money(fen)}" for k, (name, fen) in enumerate(parts) if fen or k in always
        )
        for k, (line, name) in enumerate(classes.items()):
            z = money(year.of_household(at.LINE + k))
            shown = say(f"{line} line", "贫困线" if line == "poverty" else "监测线")
            yield f"  {shown} {z}{colon}{_CLASS_WORDS[name][self.lang == 'zh']}"


_CLASS_WORDS = {
    "already_poor": ("already poor before the year's costs", "事前已贫困"),
    "lifted": ("already poor, lifted by the programme", "事前贫困，因方案脱贫"),
    "never_at_risk": ("never at risk: not poor without the programme either", "无风险：无方案时也不贫困"),
    "induced": ("made poor by the premium or loans paid back", "因自缴保费或还贷致贫"),
    "prevented_return": ("return to poverty prevented", "防止返贫"),
    "prevented_entry": ("fall into poverty prevented", "防止致贫"),
    "still_poor": ("still poor", "仍贫困"),
}


def _class_of(start: int, without: int, insured: int, z: int, lifted_out: bool) -> str:
    """Class of a household-year, in the order of the domain model."""
    if start < z:
        return "lifted" if without < z <= insured else "already_poor"
    if without >= z:
        return "induced" if insured < z else "never_at_risk"
    if insured >= z:
        return "prevented_return" if lifted_out else "prevented_entry"
    return "still_poor"
