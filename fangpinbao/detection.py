"""From alert to payout: who of those in need is found, checked and paid, and when.

The engine settles a programme with everybody found (take-up 1) and once more without its tests. Detection then
decides, household by household and year by year, what of this is paid and what of it in time. All draws are
keyed by (seed, decision, path, household): designs that name the same channel share its draws, so that a higher
chance only adds households, and a shorter delay only moves payments forward.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from fangpinbao import estimators
from fangpinbao._typing import BoolArray, Float64Array, Int64Array
from fangpinbao.at_risk import Facts
from fangpinbao.core.streams import decision_key, uniforms_for
from fangpinbao.errors import InputError, Problem
from fangpinbao.estimate import Estimate
from fangpinbao.household_years import HouseholdYears, settle_households
from fangpinbao.scenario import Scenario
from fangpinbao.scenario.laws import AmountLaw
from fangpinbao.scenario.risk import Detection
from fangpinbao.scenario.vocabulary import LINES

__all__ = [
    "STAGES",
    "Funnel",
    "Paid",
    "found_facts",
    "funnel",
    "funnel_of",
    "paid_by",
    "with_everybody_found",
]

FOUND, UNTESTED = "found", "untested"
DAYS = 365
_FEN = 0.01

STAGES: Mapping[str, tuple[str, str]] = {
    "due": ("the terms would pay", "符合赔付条件"),
    "listed": ("on the list", "在名单内"),
    "alerted": ("cost reaches the alert", "支出触发预警"),
    "discovered": ("found by some channel", "被发现"),
    "approved": ("approved", "通过核定"),
    "accepted": ("accepts", "接受救助"),
    "in_time": ("paid within the year", "当年到账"),
    "prevented_poverty": ("kept above the poverty line", "保持在贫困线之上"),
    "prevented_monitoring": ("kept above the monitoring line", "保持在监测线之上"),
}
"""Stages of the funnel, each a part of the one before but for the last two, which are parts of ``in_time``."""


@dataclass(frozen=True)
class Paid:
    """What detection makes of a programme, household by household.

    Attributes
    ----------
    stages
        [years, households] by stage: whether a household whose claim is due reaches it.
    wrong
        [years, households] paid although the tests of the terms fail.
    benefit, in_time
        [years, households] fen paid in the end, and within the year.
    insured
        [years, households] resources with what came in time (I).
    delay
        [years, households] days from the last event to payment, where paid.
    """

    stages: Mapping[str, BoolArray]
    wrong: BoolArray
    benefit: Int64Array
    in_time: Int64Array
    insured: Int64Array
    delay: Float64Array


@dataclass(frozen=True)
class Funnel:
    """The alert-to-payout funnel of a design in a mean year.

    Attributes
    ----------
    households
        By stage, of those whose claim is due.
    kept
        By stage after the first, share of the stage before that reaches it.
    by_channel
        Households due, listed and alerted that each channel finds (some are found by several).
    wrong
        Households paid although a test fails.
    payout, late, wrong_payout, due_payout
        Yuan: paid in the end; of it after the year; of it to ``wrong``; what would be paid if all were found.
    take_up, paid_within_year
        Equivalents for the terms of a coverage: paid of due (without ``wrong``), and in time of paid.
    prevented
        Households by line, kept above it by what came in time; ``prevented_if_found`` if all were found at once.
    """

    design: str
    label: tuple[str, str]
    years: int
    households: Mapping[str, Estimate]
    kept: Mapping[str, Estimate]
    by_channel: Mapping[str, tuple[tuple[str, str], Estimate]]
    wrong: Estimate
    payout: Estimate
    late: Estimate
    wrong_payout: Estimate
    due_payout: Estimate
    take_up: Estimate
    paid_within_year: Estimate
    mean_delay: Estimate
    prevented: Mapping[str, Estimate]
    prevented_if_found: Mapping[str, Estimate]


def with_everybody_found(scenario: Scenario, programme: str | None = None) -> Scenario:
    """Return the scenario with two programmes: ``found`` (take-up 1, paid at once) and ``untested`` (no tests).

    Raises
    ------
    InputError
        If there is no such programme, or it has a limit over all, which would need the year's order of payment.
    """
    names = list(scenario.programmes)
    name = names[0] if programme is None and names else programme
    if name is None or name not in names:
        message = f"= {name!r} is not one of {', '.join(names) or 'none: there is no programme'}."
        raise InputError("the request", [Problem("programme", message)])
    aggregate = scenario.programmes[name].aggregate
    if aggregate is not None and aggregate.rule != "topped_up":
        reason = f'has rule "{aggregate.rule}", under which nobody is found yet. Use "topped_up", or drop it.'
        raise InputError(scenario.name, [Problem(f"programmes.{name}.aggregate", reason)])
    document = scenario.document
    kept: dict[str, Any] = {}
    for new, dropped in ((FOUND, _FOUND), (UNTESTED, (*_FOUND, "income_test", "spending_test"))):
        table = dict(document["programmes"][name])
        table.pop("detection", None)
        table["coverages"] = {
            coverage: {key: value for key, value in terms.items() if key not in dropped}
            for coverage, terms in table["coverages"].items()
        }
        kept[new] = table
    document["programmes"] = kept
    document.pop("detection", None)
    document.pop("relief_designs", None)
    return Scenario.from_document(document, file=scenario.file)


_FOUND = ("take_up", "paid_within_year")


def paid_by(design: Detection, facts: Facts) -> Paid:
    """Follow every household and year through a design; ``facts`` are of ``with_everybody_found``."""
    table = facts.table
    found, untested = table.index(FOUND), table.index(UNTESTED)
    due = table.benefit[found] > 0
    claims = table.benefit[untested] > 0  # whoever can knock at the door, due or not
    reach = {"due": claims, "listed": claims & listed(design, facts)}
    spent = table.spending + table.repairs
    reach["alerted"] = reach["listed"] & (spent >= round(design.threshold / _FEN))
    delays = np.full(due.shape, np.inf)
    for name, channel in design.channels.items():
        hit = table.uniforms(f"detection/channel/{name}") < channel.chance
        delays = np.where(
            hit,
            np.minimum(delays, _amounts(table, f"detection/channel/{name}/delay", channel.delay_days)),
            delays,
        )
    reach["discovered"] = reach["alerted"] & np.isfinite(delays)
    check = design.verification
    chance = np.where(due, check.passes, check.wrongly_passes)
    reach["approved"] = reach["discovered"] & (table.uniforms("detection/verification") < chance)
    reach["accepted"] = reach["approved"] & ~(table.uniforms("detection/refusal") < design.refused)
    days = delays + _amounts(table, "detection/verification/days", check.days)
    days += _amounts(table, "detection/payment/days", design.payment_days)
    pay_day = np.maximum(table.last_day, 0) + days
    paid = reach["accepted"]
    reach["in_time"] = paid & (pay_day < DAYS)
    full = np.where(due, table.benefit[found], table.benefit[untested])
    unpaid = table.without - table.own_premium[found]
    settled = np.where(due, table.insured[found], table.insured[untested])
    insured = np.where(reach["in_time"], settled, unpaid)
    stages = {name: mask & due for name, mask in reach.items()}
    for k, line in enumerate(LINES):
        at_risk = (table.start >= table.lines[k]) & (table.without < table.lines[k])
        stages[f"prevented_{line}"] = stages["in_time"] & at_risk & (insured >= table.lines[k])
    return Paid(
        stages={name: stages[name] for name in STAGES},
        wrong=paid & ~due,
        benefit=np.where(paid, full, 0),
        in_time=np.where(reach["in_time"], full, 0),
        insured=insured,
        delay=np.where(paid, days, 0.0),
    )


def listed(design: Detection, facts: Facts) -> BoolArray:
    """Return who is on the list [households]: everybody, where the design has none."""
    table, named = facts.table, design.named_list
    people = table.population
    if named is None:
        return np.ones(people.households, dtype=np.bool_)
    belongs = people.select_households(named.where)
    if named.rules is not None:
        groups = table.scenario.risk.rules[named.rules].groups.values()
        by_rules = np.zeros(people.households, dtype=np.bool_)
        for group in groups:
            if not group.needs_the_year():
                by_rules |= facts.fits(group)
        belongs = belongs & by_rules
    seed = table.scenario.population.seed
    uniform = uniforms_for(decision_key(seed, "detection/list"), people.household_key)
    on_it: BoolArray = np.where(belongs, uniform >= named.missed, uniform < named.wrong)
    return on_it


def funnel(
    scenario: Scenario, years: int, *, seed: int | None = None, designs: list[str] | None = None
) -> list[Funnel]:
    """Return the funnel of each detection design of a scenario; all meet the same years.

    Raises
    ------
    InputError
        If there is no design, or no such one.
    """
    known = list(scenario.detection)
    chosen = known if designs is None else designs
    if not known:
        cure = "Add one, or lay a part over the scenario, e.g. --with parts/detection-2020."
        raise InputError(scenario.name, [Problem("detection", f"has no design. {cure}")])
    problems = [
        Problem("design", f"= {name!r} is not one of {', '.join(known)}.")
        for name in chosen
        if name not in known
    ]
    if problems:
        raise InputError("the request", problems)
    facts_of = found_facts(scenario, years, seed=seed, designs=chosen)
    return [
        funnel_of(name, scenario.detection[name], facts_of[scenario.detection[name].programme])
        for name in chosen
    ]


def found_facts(
    scenario: Scenario, years: int, *, seed: int | None = None, designs: list[str] | None = None
) -> dict[str | None, Facts]:
    """Settle, by the programme that designs name, the years with everybody found."""
    names = list(scenario.detection) if designs is None else designs
    facts: dict[str | None, Facts] = {}
    for programme in dict.fromkeys(scenario.detection[name].programme for name in names):
        base = with_everybody_found(scenario, programme)
        facts[programme] = Facts.of(settle_households(base, years, seed=seed))
    return facts


def funnel_of(name: str, design: Detection, facts: Facts) -> Funnel:
    """Return the funnel of a design; ``facts`` are of ``with_everybody_found``."""
    table, paid = facts.table, paid_by(design, facts)
    years = table.years

    def count(mask: BoolArray) -> Int64Array:
        total: Int64Array = mask.sum(axis=1)
        return total

    def yuan(fen: Int64Array) -> Estimate:
        return estimators.mean(fen.sum(axis=1), years, "fen").scaled(_FEN, "yuan")

    counts = {stage: count(mask) for stage, mask in paid.stages.items()}
    order = list(STAGES)
    kept = {
        stage: estimators.ratio(counts[stage], counts[_before(stage)], years, "share") for stage in order[1:]
    }
    found = table.index(FOUND)
    due = table.benefit[found]
    wrongly = np.where(paid.wrong, paid.benefit, 0)
    right = paid.benefit - wrongly
    right_in_time = np.where(paid.wrong, 0, paid.in_time)
    if_found = {}
    for k, line in enumerate(LINES):
        at_risk = (table.start >= table.lines[k]) & (table.without < table.lines[k])
        if_found[line] = estimators.mean(
            count(at_risk & (table.insured[found] >= table.lines[k])), years, "households"
        )
    channels = {}
    for channel, terms in design.channels.items():
        hit = paid.stages["alerted"] & (table.uniforms(f"detection/channel/{channel}") < terms.chance)
        label = (terms.label.en, terms.label.zh) if terms.label else (channel, channel)
        channels[channel] = (label, estimators.mean(count(hit), years, "households"))
    claims_paid = count(paid.benefit > 0)
    return Funnel(
        design=name,
        label=(design.label.en, design.label.zh) if design.label else (name, name),
        years=years.n,
        households={stage: estimators.mean(counts[stage], years, "households") for stage in order},
        kept=kept,
        by_channel=channels,
        wrong=estimators.mean(count(paid.wrong), years, "households"),
        payout=yuan(paid.benefit),
        late=yuan(paid.benefit - paid.in_time),
        wrong_payout=yuan(wrongly),
        due_payout=yuan(due),
        take_up=estimators.ratio(right.sum(axis=1), due.sum(axis=1), years, "share"),
        paid_within_year=estimators.ratio(right_in_time.sum(axis=1), right.sum(axis=1), years, "share"),
        mean_delay=estimators.ratio(paid.delay.sum(axis=1), claims_paid, years, "days"),
        prevented={line: estimators.mean(counts[f"prevented_{line}"], years, "households") for line in LINES},
        prevented_if_found=if_found,
    )


def _before(stage: str) -> str:
    """Return the stage that a stage is a part of."""
    if stage.startswith("prevented"):
        return "in_time"
    order = list(STAGES)
    return order[order.index(stage) - 1]


def _amounts(table: HouseholdYears, decision: str, law: AmountLaw) -> Float64Array:
    """Keyed amounts of a law, [years, households]."""
    amounts = np.asarray(law.core().quantile_from_survival(table.uniforms(decision)), dtype=np.float64)
    return np.broadcast_to(amounts, table.without.shape).copy()
