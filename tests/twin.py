"""A plain-Python twin of the engine: one household, one year, one stack at a time, in exact fractions.

It reads the scenario as declared (no compiled schedule) and shares no settlement code with the kernels; only
the selection of persons and the keyed draws are the package's. Money is fen; a *unit* is a person's index or
``None`` for the household itself; a *cell* is ``(unit, account, part)`` with part ``in`` or ``out`` of scope.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from fractions import Fraction
from math import floor

import numpy as np
from twin_ledger import KINDS_PAID_BACK, Event, Ledger, fen, half_up

from fangpinbao.attributes import persons_with
from fangpinbao.compiled import account_table
from fangpinbao.core.streams import GOLDEN, decision_key, mix_int, survival_of, words_for
from fangpinbao.scenario.vocabulary import STAGES


@dataclass
class RelievedYear:
    """What relief looks at: registered income, what the year took of it, relief that exists anyway, U and W0."""

    income: int
    lost: int
    spending: int
    relief: int
    u: int
    start: int


class Twin:
    def __init__(self, scenario, population) -> None:
        self.scenario, self.population = scenario, population
        accounts = account_table(scenario)
        self.kind = {name: account.kind for name, account in accounts.items()}
        self.level = {name: account.level for name, account in accounts.items()}
        lines = scenario.lines
        repair = fen(lines.dwelling_repair_share) / 100 if lines else Fraction(0)
        self.resource = lines.resource if lines else "income_minus_rigid"
        self.weight = {"stock": repair, **dict.fromkeys(KINDS_PAID_BACK, 1)}
        if self.resource != "income_minus_rigid":
            self.weight = dict.fromkeys(self.weight, 0 if self.resource == "income" else 1)
        self.stacks = {"none": [(None, name) for name in scenario.layers]}
        for name, programme in scenario.programmes.items():
            order = programme.stack or [*scenario.layers, *programme.coverages]
            self.stacks[name] = [(name if step in programme.coverages else None, step) for step in order]
        self._fits = {}
        self.finding = None  # how families are found, see ``detection_twin.Finding``
        self.limited = {}  # coverages under a limit over all that cuts: programme and position
        for name, programme in scenario.programmes.items():
            if programme.aggregate is not None and programme.aggregate.rule != "topped_up":
                order = [step for step in self.stacks[name] if step[0]]
                steps = [programme.coverages[step] for _, step in order]
                self.limited |= {id(step): (name, k) for k, step in enumerate(steps)}
        cases = [programme for programme in scenario.programmes.values() if programme.detection is not None]
        self.case_steps = {id(step) for programme in cases for step in programme.coverages.values()}

    def key(self, person: int | None) -> int:
        return 0 if person is None else int(self.population.person_key[person])

    def is_before_a_layer(self, step) -> bool:
        name = self.limited[id(step)][0]
        coverages = self.scenario.programmes[name].coverages
        order = [(owner, coverages[one] if owner else None) for owner, one in self.stacks[name]]
        mine = next(k for k, (_, one) in enumerate(order) if one is step)
        return any(owner is None for owner, _ in order[mine:])

    def shares(self) -> dict:
        """What each limit that binds allows, by coverage and unit: largest remainder, or by day."""
        cut = {}
        for name, programme in self.scenario.programmes.items():
            mine = {unit: claim for unit, claim in self.claims.items() if self.limited[unit[0]][0] == name}
            total = sum(paid for paid, _ in mine.values())
            if (
                programme.aggregate is None
                or not mine
                or total <= (limit := half_up(fen(programme.aggregate.limit)))
            ):
                continue
            key = {unit: self.key(unit[1]) or int(self.population.household_key[unit[2]]) for unit in mine}
            position = {unit: self.limited[unit[0]][1] for unit in mine}
            if programme.aggregate.rule == "pro_rata":
                quota = {unit: Fraction(paid * limit, total) for unit, (paid, _) in mine.items()}
                part = {unit: floor(share) for unit, share in quota.items()}
                tie = {unit: mix_int((key[unit] + position[unit]) % 2**64) for unit in mine}
                order = sorted(mine, key=lambda unit: (part[unit] - quota[unit], tie[unit]))
                for unit in order[: limit - sum(part.values())]:
                    part[unit] += 1
            else:
                part, left = {}, limit
                for unit in sorted(mine, key=lambda unit: (mine[unit][1], key[unit], position[unit])):
                    part[unit] = min(mine[unit][0], left)
                    left -= part[unit]
            for step, owner in self.limited.items():
                if owner[0] == name:
                    cut[step] = {unit: paid for unit, paid in part.items() if unit[0] == step}
        return cut

    def fits(self, where, unit: int, household: bool) -> bool:
        select = self.population.select_households if household else self.population.select
        if (id(where), household) not in self._fits:
            self._fits[id(where), household] = select(where)
        return bool(self._fits[id(where), household][unit])

    def terms_for(self, step, insured, unit: int, household: bool):
        """Terms that apply to a person or household; None where it is not covered."""
        test = step.income_test
        h = unit if household else self.population.household_of[unit]
        tested = test is not None and test.moment == "before_year"
        if tested and id(step) not in self.case_steps and not self.is_below(h, test):
            return None
        if not self.fits(step.where, unit, household) or (
            insured and not self.fits(insured, unit, household)
        ):
            return None
        return next((variant for variant in step.variants if self.fits(variant.where, unit, household)), step)

    def is_below(self, h: int, test) -> bool:
        return bool(self.population.income_per_head[h] < test.per_head_below)

    def certain_costs(self) -> dict:
        """Costs that come without chance, by household and cell."""
        population, costs = self.population, defaultdict(Counter)
        for name, cost in self.scenario.certain_costs.items():
            household = self.level[cost.account] == "household"
            keys = population.household_key if household else population.person_key
            if cost.amount is not None:
                words = words_for(decision_key(self.scenario.population.seed, f"certain/{name}"), keys)
                drawn = cost.amount.core().quantile_from_survival(survival_of(words))
            else:
                drawn = [cost.by_schooling.get(STAGES[stage], 0.0) for stage in population.schooling]
                if household:
                    drawn = np.add.reduceat(drawn, population.household_start[:-1])
            for unit, yuan in enumerate(drawn):
                if self.fits(cost.where, unit, household):
                    amount = half_up(fen(yuan))
                    scope = half_up(amount * fen(cost.in_scope_share) / 100)
                    h = unit if household else int(population.household_of[unit])
                    costs[h][None if household else unit, cost.account, "in"] += scope
                    costs[h][None if household else unit, cost.account, "out"] += amount - scope
        return costs

    def year(
        self,
        events: dict[int, list[Event]],
        take_up_key: int,
        relief_keys: dict | None = None,
        owed: dict | None = None,
    ) -> tuple[dict, dict]:
        """Sums of one year: columns by programme, and (paid, claims) by programme and step.

        ``relief_keys`` by entry; ``owed`` fen due of earlier loans by (programme, entry, household). What is lent is
        kept in ``self.lent`` likewise.
        """
        self.relief_keys, self.owed = relief_keys or {}, owed or {}
        self.claims, self.cut = {}, {}
        found = self.settled(events, take_up_key)
        self.cut = self.shares()
        return self.settled(events, take_up_key) if self.cut else found

    def settled(self, events: dict[int, list[Event]], take_up_key: int) -> tuple[dict, dict]:
        columns, steps, self.lent = {name: Counter() for name in self.stacks}, Counter(), Counter()
        certain = self.certain_costs()
        for h in range(self.population.households):
            costs = Counter(certain[h])
            for e in events.get(h, []):
                for part, amount in e.parts.items():
                    costs[e.unit, e.account, part] += amount
            exact = {cell: Fraction(amount) for cell, amount in costs.items()}
            self.household(h, exact, events.get(h, []), take_up_key, columns, steps)
        return columns, steps

    def household(self, h, costs, events, take_up_key, columns, steps) -> None:
        population, lines = self.population, self.scenario.lines
        size = int(population.household_size[h])
        income = half_up(fen(population.income_per_head[h]) * size)
        worth = half_up(fen(population.assets[h])) if self.resource == "assets" else income
        word = mix_int(take_up_key + int(population.household_key[h]) * int(GOLDEN)) >> 32
        none, changes = Ledger(self, h, costs, events), {}
        self.run("none", none, None, changes, steps)
        lost, medical = none.borne("income"), none.borne("medical")
        spending = none.borne("medical", "education")

        def passes(step) -> bool:
            after = step.income_test is not None and step.income_test.moment == "after_shock"
            if step.income_test is not None and not after and not self.is_below(h, step.income_test):
                return False
            if after and not income - lost - spending < fen(step.income_test.per_head_below) * size:
                return False
            return not step.spending_test or spending > fen(step.spending_test.times_income) / 100 * income

        def is_open(step) -> bool:
            return passes(step) and word < round(step.take_up * 2**32)

        u, repairs = worth - lost, 0
        if self.resource != "income":
            repairs = half_up(none.borne("stock") * self.weight["stock"])
            u -= spending + repairs
        relief, rate, counts = self.relief(h, size, income - lost, spending)
        u += relief
        for name in self.stacks:
            own, insured, topped = 0, u, relief
            if name != "none":
                programme, case, gate = self.scenario.programmes[name], None, is_open
                if programme.detection is not None:
                    case = self.finding.case(programme, h, events, spending + repairs, income)
                    gate = case.gate(passes)
                    self.run(
                        name, Ledger(self, h, costs, events, False), case.due_gate(passes), changes, Counter()
                    )
                    due = changes[name]["benefit"] > 0
                self.run(name, Ledger(self, h, costs, events), gate, changes, steps, case)
                if case is not None:
                    case.count(columns[name], due, changes[name]["benefit"])
                each = fen(programme.premium_per_insured or 0) * fen(programme.household_share) / 100
                members = range(*population.household_start[h : h + 2])
                own = half_up(each * sum(self.fits(programme.insured, person, False) for person in members))
                more = changes[name]["value"] - changes["none"]["value"]
                if counts and more > 0:
                    topped = relief - min(half_up(more * rate), relief)
                insured = u + more - own - (relief - topped)
                state = RelievedYear(income, lost, spending, relief, u, worth)
                aid, net = self.own_relief(name, h, size, state, changes, relief - topped, steps)
                insured, topped = insured + aid, topped + net
            add = columns[name]
            change = Counter(changes[name]) if name != "none" else Counter()
            add["payout_fen"] += change["benefit"]
            add["households_paid"] += change["benefit"] > 0
            add["late_fen"] += change["late"]
            add["fixed_sum_fen"] += change["fixed"]
            add["relief_fen"] += topped
            add["own_premium_fen"] += own
            if lines is not None:
                cut = fen(lines.catastrophic_share) / 100
                capacity = fen(population.consumption_per_head[h]) * size * (1 - fen(lines.food_share) / 100)
                spared = change["medical"] - changes["none"]["medical"] if name != "none" else 0
                limit = max(half_up(capacity * cut / (1 - cut)), 1)
                add["households_catastrophic"] += medical - spared >= limit
                for line in ("poverty", "monitoring"):
                    z = half_up(fen(getattr(lines, f"{line}_line")) * size)
                    benefit, fixed = change["benefit"], change["fixed"]
                    self.classify(add, line, h, size, z, worth, u, insured, benefit, fixed)

    def run(self, name, ledger, is_open, changes, steps, case=None) -> None:
        """Settle a household through a stack and sum up what its payments change."""
        change = changes[name] = Counter()
        for owner, step_name in self.stacks[name]:
            programme = self.scenario.programmes[owner] if owner else None
            step = programme.coverages[step_name] if programme else self.scenario.layers[step_name]
            kinds = {self.kind[account] for account in step.accounts}
            insured = programme.insured if programme else None
            for paid, repairs in ledger.settle(step, insured, is_open is None or is_open(step)):
                in_time = half_up(paid * fen(step.paid_within_year) / 100)
                if case is not None and programme:
                    in_time = 0 if case.is_late else paid
                change["value"] += half_up(in_time * repairs)
                if kinds != {"points"} and step.payer_kind != "household":
                    change["later"] += half_up(paid * repairs) - half_up(in_time * repairs)
                change["medical"] += in_time if kinds == {"medical"} else 0
                if programme and programme.kind == "insurance":
                    change["benefit"] += paid
                    change["late"] += paid - in_time
                    change["fixed"] += in_time if kinds == {"points"} else 0
                steps[name, step_name, "paid"] += paid
                steps[name, step_name, "claims"] += 1

    def own_relief(self, name, h, size, state, changes, cut, steps) -> tuple[int, int]:
        """Relief of a programme: what it does for resources, and what it costs net of loans that come back."""
        aid = net = given = 0  # given: what comes late, too
        benefits = changes[name]["value"] - changes["none"]["value"]
        borne = state.start + state.relief - state.u - (benefits - changes[name]["fixed"])
        borne -= changes[name]["later"] - changes["none"]["later"]
        for entry, table in self.scenario.programmes[name].relief.items():
            base = self.base_of(table, h, size, state, borne, given, benefits - cut)
            if base <= 0 or not self.relief_is_open(table, h, size, state):
                continue
            caps = [base]
            caps += [half_up(fen(table.cap))] if table.cap is not None else []
            caps += [half_up(fen(table.cap_per_head) * size)] if table.cap_per_head is not None else []
            word = mix_int(self.relief_keys[entry] + int(self.population.household_key[h]) * int(GOLDEN))
            if word >> 32 >= round(table.take_up * 2**32):
                continue
            paid = half_up(min(caps) * fen(table.rate) / 100 * self.share_of_year(table.period, word % 2**32))
            paid = min(paid, base) if table.base == "borne" else paid
            if paid == 0:
                continue
            in_time = half_up(paid * fen(table.paid_within_year) / 100)
            aid, net, given = aid + in_time, net + paid, given + paid
            borne -= paid if table.base == "borne" else 0
            self.lent[name, entry, h] += paid
            for part, amount in (("paid", paid), ("late", paid - in_time)):
                steps[name, entry, part, "paid"] += amount
                steps[name, entry, part, "claims"] += amount > 0
        for entry, table in self.scenario.programmes[name].relief.items():
            due = self.owed.get((name, entry, h), 0)
            if table.loan is not None and due:
                aid, net = aid - due, net - due
                steps[name, entry, "repaid", "paid"] += due
                steps[name, entry, "repaid", "claims"] += 1
        return aid, net

    def relief_is_open(self, table, h, size, state) -> bool:
        population, test = self.population, table.income_test
        if not self.fits(table.where, h, True):
            return False
        if test is not None and test.moment == "before_year":
            if population.income_per_head[h] >= test.per_head_below:
                return False
        elif test is not None:
            left = state.income - state.lost - state.spending
            if left >= fen(test.per_head_below) * size:
                return False
        spending = table.spending_test
        return spending is None or state.spending > fen(spending.times_income) / 100 * state.income

    def base_of(self, table, h, size, state, borne, given, benefits) -> int:
        standard = self.scenario.lines.dibao_standard if table.standard is None else table.standard
        if table.base == "borne":
            return borne
        if table.base == "heads":
            members = range(*self.population.household_start[h : h + 2])
            counted = [i for i in members if table.counted is None or self.fits(table.counted, i, False)]
            if table.person_has is not None:
                has = persons_with(self.scenario, self.population, table.person_has)
                counted = [i for i in counted if has[i]]
            return half_up(fen(standard) * len(counted) * fen(table.months) / 1200)
        have = {
            "income": state.income - state.lost + state.relief,
            "income_minus_rigid": state.income - state.lost - state.spending + state.relief,
            "resources": state.u,
        }[table.on or "income_minus_rigid"]
        return half_up(fen(standard) * size) - have - given - (benefits if table.benefits_count else 0)

    def share_of_year(self, period, low: int) -> Fraction:
        """Months of this year in a period that a household may have begun, each with its weight, over 12."""
        if period is None:
            return Fraction(1)
        begun = floor(Fraction(low) / (Fraction(repr(period.begun_a_year)) / 12 * 2**32))
        if begun > period.months + 10:
            return Fraction(0)
        share = Fraction(0)
        for month in range(period.months):  # month 0 of the period, and so on
            if 0 <= begun - (period.months - 1) + month < 12:
                share += Fraction(period.months - month, period.months) if period.falling else 1
        return share / 12

    def relief(self, h, size, income, spending) -> tuple[int, Fraction, bool]:
        """Top-up under every stack: amount, share of each yuan missing, whether benefits count."""
        for top_up in self.scenario.relief.values():
            if self.fits(top_up.where, h, True):
                tested = income - spending if top_up.on == "income_minus_rigid" else income
                standard = self.scenario.lines.dibao_standard if top_up.standard is None else top_up.standard
                rate = fen(top_up.take_up) * fen(top_up.paid_within_year) / 10_000
                missing = max(half_up(fen(standard) * size) - tested, 0)
                return half_up(missing * rate), rate, top_up.benefits_count
        return 0, Fraction(0), False

    def classify(self, add, line, h, size, z, start, u, insured, benefit, fixed) -> None:
        """Classes of domain-model section 4, payout use and gaps."""

        def member(*names: str) -> None:
            for name in names:
                add[f"{line}_households_{name}"] += 1
                add[f"{line}_persons_{name}"] += size

        if start < z:
            lifted = u < z <= insured
            member("already_poor", *(["lifted"] if lifted else []))
            use = "lifted" if lifted else "already_poor"
        elif u >= z:
            member("never_at_risk")
            use = "never_at_risk"
        elif insured >= z:
            member("prevented_return" if self.population.lifted_out[h] else "prevented_entry")
            add[f"{line}_households_prevented_without_fixed_sums"] += insured - fixed >= z
            use = "prevented"
        else:
            member("still_poor", *(["relieved"] if benefit > 0 else []))
            use = "still_poor"
        if insured < z <= u:
            member("induced")
        add[f"{line}_payout_use_{use}_fen"] += benefit
        add[f"{line}_payout_above_line_fen"] += min(benefit, max(insured - z, 0))
        if insured < z:
            ratio = Fraction(min(z - insured, z), z)
            add[f"{line}_households_poor"] += 1
            add[f"{line}_persons_poor"] += size
            add[f"{line}_gap_fen"] += z - insured
            add[f"{line}_fgt1_fp"] += half_up(size * ratio * 2**32)
            add[f"{line}_fgt2_fp"] += half_up(size * ratio**2 * 2**32)
