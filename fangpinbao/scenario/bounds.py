"""What a scenario draws and pays must be money that can be held, and its sums must fit into int64 fen.

A single amount may reach 2**62 fen (``laws.MOST_DRAWN``). Sums of a year go into int64 fen, at most 9.2e18, and are
added up over batches of years; 1e13 yuan (1e15 fen) expected in a year leave room for thousands of years of a batch.
Every figure here is an upper bound: the largest factor stands for all people.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from fangpinbao.errors import Problem
from fangpinbao.scenario.laws import MOST_DRAWN, MOST_EVENTS, largest_draw
from fangpinbao.scenario.vocabulary import MEMBERS_OF_A_HOUSEHOLD

if TYPE_CHECKING:
    from fangpinbao.scenario.models import Booking, Factors, Peril, Programme, ScenarioModel
    from fangpinbao.scenario.terms import Coverage, Terms

__all__ = ["MOST_A_YEAR", "bound_problems"]

MOST_A_YEAR = 1e13
"""Yuan that a scenario may expect in a year, over all persons."""
_OF_A_ROSTER = 1_000_000
"""Persons that a roster is taken to hold, as it is not read yet."""
_OF_COLUMNS = ("income_per_head", "household_income", "consumption_per_head", "assets")


def bound_problems(scenario: ScenarioModel) -> list[Problem]:
    """Return the problems of a valid scenario whose amounts, events or sums grow beyond what can be held."""
    problems = [*_events(scenario), *_amounts(scenario)]
    return problems or [*_year(scenario)]


def _largest_factor(factors: Factors) -> float:
    """Largest product of the factors that a person or household can have."""
    largest = 1.0
    if factors.age is not None:
        largest *= max(factors.age.values)
    for table in (factors.sex, factors.classes, factors.schooling):
        if table:
            largest *= max(1.0, *table.values())  # who is not named has the factor 1
    return largest


def _events_of(peril: Peril) -> float:
    if peril.frequency is None:
        return 1.0
    events = peril.frequency.mean * _largest_factor(peril.factors)
    return min(events, 1.0) if peril.frequency.law == "bernoulli" else events


def _events(scenario: ScenarioModel) -> Iterator[Problem]:
    for name, peril in scenario.perils.items():
        if peril.frequency is None or peril.frequency.law == "bernoulli":
            continue
        events = _events_of(peril)
        for factor in peril.year_factors:
            if factor in scenario.year_factors:
                events *= max(1.0, largest_draw(scenario.year_factors[factor].amount))
        if events > MOST_EVENTS:
            yield Problem(
                f"perils.{name}.frequency",
                f"reaches {events:.3g} events a year where its factors and year factors are largest; at most "
                f"{MOST_EVENTS:_} can be drawn. Lower it, or narrow the factors.",
            )


def _column(scenario: ScenarioModel, times: str | None) -> tuple[float, float]:
    """Largest and about mean value of the column that a booking is a multiple of; 1e6 yuan where a roster holds it."""
    if times not in _OF_COLUMNS:
        return 1.0, 1.0
    largest, mean = 0.0, 0.0
    for margins in scenario.population.classes.values():
        law = margins.income_per_head
        if times == "consumption_per_head":
            law = margins.consumption_per_head or law
        elif times == "assets":
            law = margins.assets or law
        highest = largest_draw(law)
        if margins.income_to is not None and law is margins.income_per_head:
            highest = min(highest, margins.income_to) if highest == highest else margins.income_to
        try:
            average = law.core().limited_expected_value(highest)
        except ArithmeticError:  # a law cut off above, of a tail beyond all numbers
            average = highest
        largest, mean = max(largest, highest), max(mean, average)
    members = MEMBERS_OF_A_HOUSEHOLD if times == "household_income" else 1
    return (largest * members, mean * members) if scenario.population.classes else (1e6, 1e6)


def _amounts(scenario: ScenarioModel) -> Iterator[Problem]:
    for name, peril in scenario.perils.items():
        for index, booking in enumerate(peril.books):
            factor, (column, _) = _largest_factor(booking.factors), _column(scenario, booking.times)
            most = largest_draw(booking.amount) * factor * column
            if most > MOST_DRAWN:
                times = f" times {booking.times}" if booking.times in _OF_COLUMNS else ""
                yield Problem(
                    f"perils.{name}.books[{index}].amount",
                    f"can reach {most:.3g} yuan with the largest factors{times}, but amounts are held up to "
                    f"{MOST_DRAWN:.3g} (2^62 fen). Give it a lighter tail, or lower the factors.",
                )


def _mean_of(booking: Booking) -> float:
    law = booking.amount.core()
    return booking.chance * law.limited_expected_value(min(largest_draw(booking.amount), MOST_DRAWN))


def _fixed(terms: Terms) -> float:
    return max([terms.fixed_sum or 0.0, *(step.pays for step in terms.scale or [])])


def _year(scenario: ScenarioModel) -> Iterator[Problem]:
    """Whether what all persons may expect to cost and to be paid in a year fits."""
    if "population" not in scenario.model_fields_set:
        return
    persons = scenario.population.persons or _OF_A_ROSTER
    parts: dict[str, float] = {}
    booked: dict[str, float] = {}
    for name, peril in scenario.perils.items():
        events = _events_of(peril)
        for index, booking in enumerate(peril.books):
            factor = _largest_factor(booking.factors) * _column(scenario, booking.times)[1]
            times = 1.0 if peril.amount_per == "year" else events
            parts[f"perils.{name}.books[{index}].amount"] = times * factor * _mean_of(booking)
            booked[booking.account] = booked.get(booking.account, 0.0) + events
    for name, cost in scenario.certain_costs.items():
        amount = cost.amount
        parts[f"certain_costs.{name}"] = (
            amount.core().limited_expected_value(largest_draw(amount))
            if amount is not None
            else max((cost.by_schooling or {}).values(), default=0.0)
        )
    for place, step in _steps(scenario):
        events = sum(booked.get(account, 0.0) for account in step.accounts)
        parts[place] = max(_fixed(terms) for terms in (step, *step.variants)) * events
    for name, programme in scenario.programmes.items():
        parts |= _of_programme(f"programmes.{name}", programme)
    for name, top_up in scenario.relief.items():
        parts[f"relief.{name}.standard"] = top_up.standard or 0.0
    if scenario.lines is not None:
        for line in ("poverty_line", "monitoring_line", "dibao_standard"):
            parts[f"lines.{line}"] = getattr(scenario.lines, line) or 0.0
    for place, each in parts.items():
        if not each * persons <= MOST_A_YEAR:
            people = f"{persons} persons" if scenario.population.persons else "a roster"
            yield Problem(
                place,
                f"comes to as much as {each:.3g} yuan a person and year, too much for {people}: a year is held "
                f"up to {MOST_A_YEAR:g} yuan. Lower it to {MOST_A_YEAR / persons:.3g} yuan a person, or take fewer.",
            )


def _steps(scenario: ScenarioModel) -> Iterator[tuple[str, Coverage]]:
    for name, layer in scenario.layers.items():
        yield f"layers.{name}", layer
    for programme_name, programme in scenario.programmes.items():
        for name, coverage in programme.coverages.items():
            yield f"programmes.{programme_name}.coverages.{name}", coverage


def _of_programme(place: str, programme: Programme) -> dict[str, float]:
    """What a programme moves for a person beside its claims."""
    parts = {f"{place}.premium_per_insured": programme.premium_per_insured or 0.0}
    for name, entry in programme.relief.items():
        if entry.base != "borne":
            standard = (entry.standard or 0.0) * math.ceil(entry.months / 12)
            parts[f"{place}.relief.{name}.standard"] = standard * entry.rate
    return parts
