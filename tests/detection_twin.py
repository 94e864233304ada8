"""How families are found, for the plain-Python twin: one household, one year, one programme at a time.

Nothing of the package's detection code is used: only the scenario as declared, the laws of days and the mixing
function of keyed draws.
"""

from __future__ import annotations

import numpy as np

from fangpinbao.core.streams import GOLDEN, decision_key, mix_int

STAGES = ("due", "listed", "alerted", "found", "approved", "accepted", "in_time")


def of_year(key: int, path: int) -> int:
    """Key of a decision in the first year of a path."""
    return mix_int(mix_int(key + (path + 1) * int(GOLDEN)) + int(GOLDEN))


def as_uniform(word: int) -> float:
    return ((word >> 12) + 0.5) / 2**52


class Finding:
    """Draws of one simulated year."""

    def __init__(self, twin, seed: int, path: int) -> None:
        self.twin, self.seed, self.path = twin, seed, path

    def uniform(self, h: int, decision: str) -> float:
        word = mix_int(int(self.twin.population.household_key[h]) * int(GOLDEN))
        key = of_year(decision_key(self.seed, f"detection/{decision}"), self.path)
        return as_uniform(mix_int(key + word))

    def days(self, h: int, decision: str, law) -> float:
        return float(law.core().quantile_from_survival(np.array([self.uniform(h, decision)]))[0])

    def is_listed(self, design, h: int) -> bool:
        named, twin = design.named_list, self.twin
        if named is None:
            return True
        assert named.rules is None, "the twin knows lists by class only"
        key = decision_key(twin.scenario.population.seed, "detection/list")
        drawn = as_uniform(mix_int(key + int(twin.population.household_key[h]) * int(GOLDEN)))
        return drawn >= named.missed if twin.fits(named.where, h, True) else drawn < named.wrong

    def case(self, programme, h: int, events, spent: int, income: int) -> Case:
        design = self.twin.scenario.detection[programme.detection]
        return Case(self, programme, design, h, events, spent, income)


class Case:
    """What becomes of a household's claim, whatever it is."""

    def __init__(self, finding: Finding, programme, design, h: int, events, spent: int, income: int) -> None:
        self.steps = {id(step) for step in programme.coverages.values()}
        self.by = {
            name: finding.days(h, f"channel/{name}/delay", channel.delay_days)
            for name, channel in design.channels.items()
            if finding.uniform(h, f"channel/{name}") < channel.chance
        }
        self.in_reach = finding.is_listed(design, h)
        times = design.threshold_times_income
        is_alert = spent >= round(design.threshold * 100) and (times is None or spent > times * income)
        self.reached = [self.in_reach, self.in_reach and is_alert]
        self.reached.append(self.reached[-1] and bool(self.by))
        check = design.verification
        luck, declines = (
            finding.uniform(h, "verification"),
            finding.uniform(h, "refusal") < design.refused,
        )
        self.is_paid = self.reached[-1] and luck < check.passes and not declines
        self.is_wrongly_paid = self.reached[-1] and luck < check.wrongly_passes and not declines
        self.reached += [self.reached[-1] and luck < check.passes, self.is_paid]
        self.after = (
            min(self.by.values(), default=np.inf)
            + finding.days(h, "verification/days", check.days)
            + finding.days(h, "payment/days", design.payment_days)
        )
        reads = {name for step in programme.coverages.values() for name in step.accounts}
        self.last = max((e.day for e in events if e.account in reads), default=0)
        self.is_late = self.last + self.after >= 365
        self.reached.append(self.is_paid and not self.is_late)

    def due_gate(self, passes):
        """A gate of coverages that lets everybody be found who passes the tests."""
        return lambda step: id(step) not in self.steps or passes(step)

    def gate(self, passes):
        """A gate for coverages; public layers of the stack stay open."""

        def opens(step) -> bool:
            if id(step) not in self.steps:
                return True
            return self.is_paid if passes(step) else self.is_wrongly_paid

        return opens

    def count(self, add, due: bool, benefit: int) -> None:
        if due:
            for stage, reached in zip(STAGES, (True, *self.reached), strict=True):
                add[f"funnel_{stage}"] += reached
            for name in self.by:
                add[f"funnel_found_by_{name}"] += self.reached[1]
        elif benefit:
            add["funnel_wrong"] += 1
            add["funnel_wrong_fen"] += benefit
        if benefit:
            add["funnel_days_thousandths"] += int(np.floor(1_000 * self.after + 0.5))
