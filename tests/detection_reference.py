"""The funnel household by household with numpy: slow, and shares nothing with the engine's detection.

The programme is settled twice by the engine without any detection: with everybody found, and with everybody found
and no test. What a design makes of these two worlds is decided here, from the designs as declared.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from fangpinbao.at_risk import Facts
from fangpinbao.core.streams import decision_key, uniforms_for
from fangpinbao.core.tables import build_quantile_table, build_step_table, evaluate, evaluate_step
from fangpinbao.household_years import HouseholdYears, settle_households
from fangpinbao.scenario import Scenario
from fangpinbao.scenario.risk import Detection

FOUND, UNTESTED = "found", "untested"
STAGES = ("due", "listed", "alerted", "found", "approved", "accepted", "in_time")


@dataclass(frozen=True)
class Paid:
    """By household and year: stages reached by those due, wrong inclusions, fen, resources, days to payment."""

    stages: Mapping[str, np.ndarray]
    wrong: np.ndarray
    benefit: np.ndarray
    in_time: np.ndarray
    insured: np.ndarray
    days: np.ndarray


def two_worlds(scenario: Scenario, years: int, seed: int, programme: str = "base") -> Facts:
    """Settle a programme with everybody found at once, and once more without its tests."""
    document = scenario.document
    kept: dict[str, Any] = {}
    dropped = ("take_up", "paid_within_year")
    for new, without in ((FOUND, dropped), (UNTESTED, (*dropped, "income_test", "spending_test"))):
        table = {key: value for key, value in document["programmes"][programme].items() if key != "detection"}
        table["coverages"] = {
            coverage: {key: value for key, value in terms.items() if key not in without}
            for coverage, terms in table["coverages"].items()
        }
        kept[new] = table
    document["programmes"] = kept
    document.pop("detection", None)
    return Facts.of(settle_households(Scenario.from_document(document), years, seed=seed))


def paid_by(design: Detection, facts: Facts) -> Paid:
    """Follow every household and year through a design; all tests of the programme must be the same."""
    table = facts.table
    found, untested = table.index(FOUND), table.index(UNTESTED)
    due = table.benefit[found] > 0
    claims = table.benefit[untested] > 0  # whoever can knock at the door, due or not
    reach = {"due": claims, "listed": claims & on_list(design, facts)}
    spent = table.spending + table.repairs
    reach["alerted"] = reach["listed"] & (spent >= round(design.threshold * 100))
    if design.threshold_times_income is not None:
        reach["alerted"] &= spent > design.threshold_times_income * table.income
    delays = np.full(due.shape, np.inf)
    for name, channel in design.channels.items():
        hit = table.uniforms(f"detection/channel/{name}") < channel.chance
        days = amounts(table, f"detection/channel/{name}/delay", channel.delay_days)
        delays = np.where(hit, np.minimum(delays, days), delays)
    reach["found"] = reach["alerted"] & np.isfinite(delays)
    check = design.verification
    chance = np.where(due, check.passes, check.wrongly_passes)
    reach["approved"] = reach["found"] & (table.uniforms("detection/verification") < chance)
    reach["accepted"] = reach["approved"] & ~(table.uniforms("detection/refusal") < design.refused)
    days = delays + amounts(table, "detection/verification/days", check.days)
    days = days + amounts(table, "detection/payment/days", design.payment_days)
    paid = reach["accepted"]
    reach["in_time"] = paid & (np.maximum(table.last_day[found], 0) + days < 365)
    full = np.where(due, table.benefit[found], table.benefit[untested])
    unpaid = table.without - table.own_premium[found]
    settled = np.where(due, table.insured[found], table.insured[untested])
    return Paid(
        stages={name: reach[name] & due for name in STAGES},
        wrong=paid & ~due,
        benefit=np.where(paid, full, 0),
        in_time=np.where(reach["in_time"], full, 0),
        insured=np.where(reach["in_time"], settled, unpaid),
        days=np.where(paid, days, 0.0),
    )


def on_list(design: Detection, facts: Facts) -> np.ndarray:
    named, people = design.named_list, facts.table.population
    if named is None:
        return np.ones(people.households, dtype=bool)
    belongs = people.select_households(named.where)
    if named.rules is not None:
        groups = facts.table.scenario.risk.rules[named.rules].groups.values()
        fits = [facts.fits(group) for group in groups if not group.needs_the_year()]
        belongs = belongs & np.any(fits, axis=0)
    uniform = uniforms_for(
        decision_key(facts.table.scenario.population.seed, "detection/list"), people.household_key
    )
    return np.where(belongs, uniform >= named.missed, uniform < named.wrong)


def amounts(table: HouseholdYears, decision: str, law) -> np.ndarray:
    """Keyed amounts of a law by its table, which is the simulated law."""
    core, uniforms = law.core(), table.uniforms(decision)
    if core.is_step:
        return evaluate_step(build_step_table(core), uniforms)
    return evaluate(build_quantile_table(core), uniforms)
