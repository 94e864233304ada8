"""Parameter doubt of figures on risk, detection and relief: one assumed number at a time over its range.

Numbers of rules lie behind the engine: its years are settled once, and only what follows is done again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from fangpinbao.at_risk import NOBODY, Facts, classify
from fangpinbao.detection import Trial, run_trials, trials_of
from fangpinbao.estimate import Estimate
from fangpinbao.population import Population
from fangpinbao.relief_money import relief_for_the_same_money
from fangpinbao.scenario import Number, Scenario

__all__ = ["Moved", "ranges_of_funnels", "ranges_of_relief", "ranges_of_rules"]

Headline = Mapping[str, Estimate]


@dataclass(frozen=True)
class Moved:
    """Headline figures, by name, with a number at both ends of its range.

    Attributes
    ----------
    place
        Of the number in the scenario.
    subject
        Rule set or design that it is shown for.
    """

    place: str
    subject: str
    low: float
    high: float
    at_low: Headline
    at_high: Headline


def ranges_of_rules(facts: Facts, rules: list[str]) -> list[Moved]:
    """Persons in any group of a rule set, as its numbers and those of the attributes move."""

    def headline(scenario: Scenario, name: str) -> Headline:
        moved = Facts.of(replace(facts.table, scenario=scenario))
        found = classify(moved, name)
        nobody = next(group.persons for group in found.groups if group.name == NOBODY)
        value = found.persons - (nobody.value or 0.0)
        error = nobody.standard_error
        at_risk = Estimate(value, error, None, None, "persons", found.years)
        return {"persons at risk": at_risk}

    rows: list[Moved] = []
    for name in rules:
        used = {
            attribute
            for group in facts.table.scenario.risk.rules[name].groups.values()
            for _, attribute in group.attributes()
        }
        places = (f"risk.rules.{name}.groups.", *(f"risk.attributes.{one}." for one in sorted(used)))
        rows += _moved(facts.table.scenario, places, name, lambda s, one=name: headline(s, one))  # type: ignore[misc]
    return rows


def ranges_of_funnels(
    scenario: Scenario, years: int, designs: list[str], *, seed: int | None = None
) -> list[Moved]:
    """Money paid and households kept above the poverty line, as the numbers of a design move.

    Every end is a programme of its own, so that all of them meet the same years in as few runs as can be.
    """
    trials: list[Trial] = []
    ends: list[tuple[Number, str]] = []
    for one in trials_of(scenario, designs):
        for number in scenario.numbers:
            if number.range is not None and number.place.startswith(f"detection.{one.design}."):
                ends.append((number, one.design))
                for end in number.range:
                    trials += trials_of(scenario.replace(number.place, end), [one.design])
    found = [
        {"paid in the end": tried.payout}
        | ({"kept above the poverty line": tried.prevented["poverty"]} if tried.prevented else {})
        for tried in run_trials(scenario, trials, years, seed=seed)
    ]
    return [
        Moved(number.place, design, *(number.range or (0.0, 0.0)), *found[2 * k : 2 * k + 2])
        for k, (number, design) in enumerate(ends)
    ]


def ranges_of_relief(
    scenario: Scenario,
    designs: list[str],
    programme: str,
    years: int,
    *,
    seed: int | None = None,
    same_money: bool = True,
    population: Population | None = None,
) -> list[Moved]:
    """Net households less those of the insurance at both lines, as the numbers of a design move."""
    rows: list[Moved] = []
    for name in designs:

        def headline(moved: Scenario, name: str = name) -> Headline:
            _, one = relief_for_the_same_money(
                moved, years, programme=programme, designs=[name], seed=seed, same_money=same_money,
                population=population,
            )  # fmt: skip
            return {f"net less insurance, {line} line": less for line, less in one.less.items()}

        rows += _moved(scenario, (f"programmes.{name}.relief.",), name, headline)
    return rows


def _moved(
    scenario: Scenario, places: tuple[str, ...], subject: str, headline: Callable[[Scenario], Headline]
) -> list[Moved]:
    rows = []
    for number in scenario.numbers:
        if number.range is None or not number.place.startswith(places):
            continue
        low, high = number.range
        ends = [headline(scenario.replace(number.place, end)) for end in (low, high)]
        rows.append(Moved(number.place, subject, low, high, *ends))
    return rows
