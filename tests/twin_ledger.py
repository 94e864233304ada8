"""The ledger of the plain-Python twin: what one household's stack pays, step by step, in exact fractions."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from fractions import Fraction
from math import floor
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from twin import Twin

KINDS_PAID_BACK = ("medical", "education", "income", "points")


def fen(yuan) -> Fraction:
    """Fen of a decimal number of yuan, exactly as it was written."""
    return Fraction(repr(float(yuan))) * 100


def half_up(amount) -> int:
    return floor(amount + Fraction(1, 2))


def pays(terms, x: Fraction) -> Fraction:
    """What a set of terms pays for an amount."""
    if terms.scale is not None:
        reached = [step.pays for step in terms.scale if x >= fen(step.points)]
        return fen(reached[-1]) if reached else Fraction(0)
    if terms.fixed_sum is not None:
        return fen(terms.fixed_sum) if x >= 1 else Fraction(0)
    if x < fen(terms.franchise):
        return Fraction(0)
    if terms.bands is not None:
        y, lower = Fraction(0), fen(terms.deductible)
        for band in terms.bands:
            upper = x if band.up_to is None else min(x, fen(band.up_to))
            y += fen(band.rate) / 100 * max(upper - lower, 0)
            lower = max(lower, upper)
        return y if terms.limit is None else min(y, fen(terms.limit))
    y = x
    order = terms.order or []
    for step in (*order, *(name for name in ("deductible", "share", "cap") if name not in order)):
        if step == "deductible":
            y = max(y - fen(terms.deductible), Fraction(0))
        elif step == "share" and terms.rate is not None:
            y *= fen(terms.rate) / 100
        elif step == "cap" and terms.limit is not None:
            y = min(y, fen(terms.limit))
    return y


def shared_out(total: int, weights: dict, rank) -> dict:
    """Largest remainder, ties by stable key, the household last."""
    whole = sum(weights.values())
    quota = {unit: total * weight / whole for unit, weight in weights.items()}
    part = {unit: floor(share) for unit, share in quota.items()}
    first = sorted(quota, key=lambda unit: (part[unit] - quota[unit], unit is None, rank(unit)))
    for unit in first[: total - sum(part.values())]:
        part[unit] += 1
    return part


@dataclass
class Event:
    unit: int | None
    account: str
    count: int
    parts: dict
    day: int
    hit: int = 0  # the same for all costs of one person in one event


class Ledger:
    """What one household still bears as the steps of one stack pay."""

    def __init__(self, twin: Twin, h: int, costs: dict, events: list[Event], is_real: bool = True) -> None:
        self.twin, self.h, self.events = twin, h, events
        self.is_real = is_real  # else only asks who would be paid
        self.first, self.left = dict(costs), dict(costs)
        self.paid = defaultdict(Fraction)  # cumulative payment by unit, not rounded
        self.used = defaultdict(Fraction)  # of shared limits, by limit and whom or what it holds for
        self.members = range(*twin.population.household_start[h : h + 2])

    def cells(self, step, units) -> list:
        def in_base(cell):
            return cell[0] is None or step.base == "all" or (cell[2] == "in") == (step.base == "in_scope")

        return [cell for cell in self.left if cell[0] in units and cell[1] in step.accounts and in_base(cell)]

    def settle(self, step, insured, is_open: bool) -> list[tuple[int, Fraction]]:
        """Run one step; returns each payment with the part of it that repairs the year's resources."""
        twin, kind = self.twin, self.twin.kind
        household = step.unit == "household_year" or any(
            twin.level[name] == "household" for name in step.accounts
        )
        groups = [[*self.members, None]] if household else [[person] for person in self.members]
        is_points = all(kind[name] == "points" for name in step.accounts)
        shared = self.shared_by(step)
        if shared is not None and is_points:
            return self.within(shared, step, insured, is_open)
        pay, due = [], []
        for units in groups:
            x = sum((self.left[cell] for cell in self.cells(step, units)), Fraction(0))
            terms = twin.terms_for(step, insured, self.h if household else units[0], household)
            y = self.payment(step, terms, units, x) if terms is not None and is_open else Fraction(0)
            pay.append(y if is_points else max(min(y, x), Fraction(0)))
            due.append(x)
        if step.per_household is not None and sum(pay) > 0:
            limited = pays(step.per_household, sum(pay))
            if limited < sum(pay) and household:
                pay = [limited]
            elif limited < sum(pay):
                parts = shared_out(half_up(limited), dict(enumerate(pay)), lambda i: twin.key(groups[i][0]))
                pay = [Fraction(parts[i]) for i in range(len(pay))]
        payments = []
        for units, y, x in zip(groups, pay, due, strict=True):
            if x == 0:
                continue
            cells = self.cells(step, units)
            repairs = sum(self.left[cell] * twin.weight[kind[cell[1]]] for cell in cells) / x
            before = dict(self.paid)
            paid = self.book(units, cells, y, is_points)
            allowed = self.allowed(step, None if household else units[0], paid)
            if allowed != paid and twin.is_before_a_layer(step):  # what is cut is left to the layers behind
                self.paid, y = defaultdict(Fraction, before), Fraction(allowed)
                assert self.book(units, cells, y, is_points) == allowed
            payments.append((allowed, repairs))
            if shared is not None:
                self.used[id(shared), None if household else units[0]] += payments[-1][0]
            if not is_points:
                for cell in cells:
                    self.left[cell] *= 1 - y / x
        return [(paid, repairs) for paid, repairs in payments if paid]

    def allowed(self, step, person: int | None, paid: int) -> int:
        """What a limit over all allows of a payment; without one it is noted as a claim, with its day."""
        twin, unit = self.twin, (id(step), person, self.h)
        if not self.is_real or id(step) not in twin.limited:
            return paid
        if id(step) in twin.cut:
            return twin.cut[id(step)].get(unit, 0)
        if paid:
            days = [
                e.day
                for e in self.events
                if e.account in step.accounts and (person is None or e.unit == person)
            ]
            twin.claims[unit] = (paid, max(days, default=0))
        return paid

    def shared_by(self, step):
        """The limit that a coverage shares, if any."""
        for programme in self.twin.scenario.programmes.values():
            for shared in programme.shared_limits.values():
                if any(programme.coverages[name] is step for name in shared.coverages):
                    return shared
        return None

    def within(self, shared, step, insured, is_open: bool) -> list[tuple[int, int]]:
        """Fixed sums, person by person and event by event, as long as the shared limit lasts."""
        payments, limit = [], fen(shared.limit)
        for person in sorted(self.members, key=self.twin.key):
            terms = self.twin.terms_for(step, insured, person, False) if is_open else None
            total, sums = 0, Counter()
            for e in self.events:
                if e.unit == person and e.account in step.accounts and e.day >= step.waiting_days and terms:
                    sums[e.hit if shared.per == "event" else 0] += pays(
                        terms, Fraction(sum(e.parts.values()))
                    )
            for hit, own in sums.items():
                whose = None if shared.per == "household_year" else (person, hit) if hit else person
                before = self.used[id(shared), whose]
                total += half_up(min(before + own, limit)) - half_up(min(before, limit))
                self.used[id(shared), whose] += own
            total = self.allowed(step, person, total)
            payments += [(total, 1)] if total else []
        return payments

    def payment(self, step, terms, units, x: Fraction) -> Fraction:
        is_points = all(self.twin.kind[name] == "points" for name in step.accounts)
        per_event = terms if step.unit == "event" or is_points else step.per_event
        count = 1
        if step.unit == "discharge":
            count = max(
                sum(e.count for e in self.events if e.unit in units and e.account in step.accounts), 1
            )
        if per_event is not None:
            x = sum((pays(per_event, left) for left in self.event_amounts(step, units)), Fraction(0))
        return x if per_event is terms else count * pays(terms, x / count)

    def event_amounts(self, step, units):
        """What is left of each event the step reads: earlier payments are credited in proportion."""
        cells = self.cells(step, units)
        for e in self.events:
            keys = {part: (e.unit, e.account, part) for part in e.parts}
            shares = [
                e.parts[part] * self.left[cell] / self.first[cell]
                for part, cell in keys.items()
                if cell in cells and e.parts[part]
            ]
            if e.unit in units and e.account in step.accounts and e.day >= step.waiting_days:
                yield sum(shares, Fraction(0))

    def book(self, units, cells, y: Fraction, is_points: bool) -> int:
        """Round: a unit's cumulative payment once; a household's payment is shared out in whole fen."""
        if is_points:
            return half_up(y)
        if len({cell[0] for cell in cells} - {None}) == 0 or len(units) == 1:
            unit = units[0] if len(units) == 1 else None
            before = self.paid[unit]
            self.paid[unit] += y
            return half_up(before + y) - half_up(before)
        weights = defaultdict(Fraction)
        for cell in cells:
            weights[cell[0]] += self.left[cell]
        for unit, part in shared_out(half_up(y), weights, self.twin.key).items():
            self.paid[unit] += part
        return half_up(y)

    def borne(self, *kinds: str) -> int:
        """What the household bears of the costs of some kinds: persons' and its own."""
        total = 0
        for unit in (*self.members, None):
            mine = [cell for cell in self.left if cell[0] == unit and self.twin.kind[cell[1]] in kinds]
            cost = int(sum(self.first[cell] for cell in mine))
            left = sum((self.left[cell] for cell in mine), Fraction(0))
            if unit is None:
                total += cost - half_up(cost - left)
            elif mine:
                total += self.spent(unit) if len(kinds) > 1 else min(self.spent(unit), half_up(left))
        return total

    def spent(self, person: int) -> int:
        """What a person bears of all costs: cost less the rounded cumulative payment."""
        mine = [cell for cell in self.first if cell[0] == person and self.twin.kind[cell[1]] != "points"]
        return int(sum(self.first[cell] for cell in mine)) - half_up(self.paid[person])
