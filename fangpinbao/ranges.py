"""Parameter doubt about the headline: the pure premium while one assumed number moves over its range.

Every run has the same seed, so the same households are struck by the same events, and the ratio of two runs
is far more certain than either: a few years suffice.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import islice, zip_longest
from typing import TYPE_CHECKING, Any

import numpy as np

from fangpinbao import yearly
from fangpinbao.catastrophe.exposure import CellMap
from fangpinbao.catastrophe.hazard import sources_of
from fangpinbao.engine import simulate
from fangpinbao.errors import InputError
from fangpinbao.scenario import Number, Scenario
from fangpinbao.scenario.load import parse_path

if TYPE_CHECKING:
    from fangpinbao.outcomes import Outcomes
    from fangpinbao.population import Population

__all__ = ["HeadlineRange", "headline_ranges", "numbers_with_ranges"]

MOST_PERILS = 3
MOST_TERMS = 3
MOST_CATASTROPHES = 10
_FADES_WITHIN_KM = 30.0
_NO_PART_OF_PURE_PREMIUM = (".loading.", ".premium_per_insured", ".household_share", ".administration")
_NO_PART_OF_AN_EVENT = (".premium", ".observed", ".tiers", ".declared_from", ".warning_levels")
# How much more, or less, than in proportion a number acts on the mean payout: rough, and only used to choose.
_REPLACED = ("take_up", "paid_within_year")  # by a detection design
_OF_DAYS = {"delay_days", "days", "payment_days"}  # move when money comes, not whether
_FORCE = {
    "sigma": 3.0, "alpha": 3.0, "shape": 3.0, "size": 0.3, "b_value": 5.0, "largest": 5.0, "between_share": 0.3,
    "disabled_per_death": 0.3, "burned_per_death": 0.02, "burned_among_disabled": 0.02,
    "threshold": 0.3, "missed": 0.05, "wrong": 0.05, "refused": 0.02, "wrongly_passes": 0.01,
}  # fmt: skip


@dataclass(frozen=True)
class HeadlineRange:
    """The pure premium per insured, by programme, at both ends of a number's range.

    Attributes
    ----------
    years
        Simulated years of each of the two runs.
    at_low, at_high
        Yuan per insured by programme, of those that the number moves.
    """

    place: str
    value: float
    low: float
    high: float
    years: int
    at_low: Mapping[str, float]
    at_high: Mapping[str, float]

    def record(self) -> dict[str, Any]:
        """Return the record of ``results.json``."""
        premiums = {
            name: {"at_low": self.at_low[name], "at_high": self.at_high[name]} for name in self.at_low
        }
        return {
            "place": self.place, "value": self.value, "low": self.low, "high": self.high, "years": self.years,
            "pure_premium_per_insured": premiums,
        }  # fmt: skip


def numbers_with_ranges(outcomes: Outcomes) -> list[Number]:
    """Choose assumed numbers with a range that should move the pure premium most, in the scenario's order.

    Numbers of perils and of terms are ranked by the relative width of the range (of the chance of a channel by the
    width itself) times the share of the payout that they govern; each programme gets at least one place where it
    has such a number. Where catastrophes strike, numbers of these and of the contracts paid are ranked by the width, of
    seismic zones by how many earthquakes they send near the townships as well.
    """
    scenario = outcomes.scenario
    found = [
        number
        for number in scenario.numbers
        if number.range is not None
        and number.status == "assumed"
        and isinstance(number.value, int | float)
        and number.range[0] < number.range[1]
        and not any(part in number.place for part in _NO_PART_OF_PURE_PREMIUM)
    ]
    weights = {number.place: _influence(number, outcomes) for number in found}

    def ranked(prefix: str | tuple[str, ...], most: int) -> list[Number]:
        mine = [number for number in found if number.place.startswith(prefix) and weights[number.place] > 0]
        order = sorted(mine, key=lambda number: -weights[number.place])
        return list(islice((number for number in order if _ends(scenario, number) is not None), most))

    most = MOST_PERILS + MOST_TERMS
    perils = ranked("perils.", most)
    insurance = [name for name in scenario.programmes if not yearly.is_rules(outcomes, name)]
    by_programme = [
        ranked((f"programmes.{name}.", f"detection.{scenario.programmes[name].detection}."), most)
        for name in insurance
    ]
    turns = [number for turn in zip_longest(*by_programme) for number in turn if number is not None]
    most_terms = max(MOST_TERMS, len(by_programme), most - len(perils))
    most_perils = max(MOST_PERILS, most - len(turns))
    kept = {number.place for number in (*perils[:most_perils], *turns[:most_terms])}
    kept |= {number.place for number in ranked("catastrophe.", MOST_CATASTROPHES)}
    return [number for number in found if number.place in kept]


def _influence(number: Number, outcomes: Outcomes) -> float:
    """Width of the range, relative but for chances, times the share of payouts that the number governs."""
    assert number.range is not None
    width = (number.range[1] - number.range[0]) / (abs(number.value) or 1.0)
    table, name, *rest = parse_path(number.place)
    force = _FORCE.get(str(rest[-1]), 1.0) if rest else 1.0
    sums, nodes = outcomes.sums, outcomes.compiled.tree.nodes
    if table == "perils":
        peril = outcomes.scenario.perils[str(name)]
        books = [peril.books[int(rest[1])]] if rest[:1] == ["books"] else peril.books
        credit = sums.batch_credit.sum(axis=(0, 1))
        accounts = {outcomes.accounts.index(booking.account) for booking in books}
        governed, whole = sum(float(credit[a]) for a in accounts), float(credit.sum())
    elif table == "detection":
        if (
            rest[0] == "channels" and rest[-1] == "chance"
        ):  # what a channel finds more is no multiple of its chance
            width = number.range[1] - number.range[0]
        used = any(one.detection == name for one in outcomes.scenario.programmes.values())
        governed, whole = (float(used and not _OF_DAYS & set(map(str, rest))), 1.0)
    elif table == "programmes":
        if outcomes.scenario.programmes[str(name)].detection is not None and rest[-1] in _REPLACED:
            return 0.0
        paid = {
            node.name: float(sums.step_paid[:, node.index].sum()) for node in nodes if node.programme == name
        }
        whole = sum(paid.values())
        governed = paid.get(f"{name}.{rest[1]}", 0.0) if rest[:1] == ["coverages"] else whole
    else:
        return width * force * _part_of_zone(number.place, outcomes.scenario)
    return width * force * governed / whole if whole else 0.0


def _part_of_zone(place: str, scenario: Scenario) -> float:
    """Share of the earthquakes near the townships that a zone's number is about; 1 for other numbers, 0 elsewhere.

    A zone counts by its rate, falling with the distance of its axis from the middle of the townships.
    """
    if not _strikes(place, scenario):
        return 0.0
    table = scenario.catastrophe
    _, is_zone, rest = place.partition(".zones.")
    if table is None or table.earthquake is None or not is_zone:
        return 1.0
    cells, townships = CellMap.of(table), scenario.population.townships
    named = [name for name in townships if name in cells.names] if isinstance(townships, list) else []
    mine = np.isin(cells.names, named or list(cells.names))
    middle = complex(cells.east[mine].mean(), cells.north[mine].mean())
    parts = {}
    for (name, zone), source in zip(table.earthquake.zones.items(), sources_of(table, cells), strict=True):
        start, along = complex(*source.start), complex(*source.end) - complex(*source.start)
        share = min(max(((middle - start) / along).real, 0.0), 1.0)
        parts[name] = zone.events_per_year * math.exp(-abs(middle - start - share * along) / _FADES_WITHIN_KM)
    return parts[rest.partition(".")[0]] / (sum(parts.values()) or 1.0)


def _strikes(place: str, scenario: Scenario) -> bool:
    """Whether a number is of a catastrophe that strikes households, or of a contract that pays them for it."""
    causes = {peril.events_from for peril in scenario.perils.values()} - {None}
    coverages = [one for programme in scenario.programmes.values() for one in programme.coverages.values()]
    parts = [
        "catastrophe.earthquake." if name == "earthquake" else f"catastrophe.perils.{name}."
        for name in causes
    ]
    parts += [f"catastrophe.contracts.{one.contract}." for one in coverages if one.contract is not None]
    return place.startswith(tuple(parts)) and not any(part in place for part in _NO_PART_OF_AN_EVENT)


def headline_ranges(
    scenario: Scenario,
    years: int,
    seed: int,
    *,
    headline: Mapping[str, float] | None = None,
    population: Population | None = None,
    threads: int | None = None,
    progress: Callable[[float], None] | None = None,
) -> list[HeadlineRange]:
    """Run the scenario with each number of ``numbers_with_ranges`` at its low and high end.

    Parameters
    ----------
    years
        Simulated years of each run.
    headline
        Pure premium per insured by programme from a longer run; the ends are this times the ratio of short
        runs. Absent: the short run's own.
    population
        Absent: the scenario's.
    progress
        Called with the share done.
    """
    has_premium = any(programme.kind == "insurance" for programme in scenario.programmes.values())
    if not has_premium or all(number.range is None for number in scenario.numbers):
        return []
    base = simulate(scenario, years, seed, threads=threads, population=population)
    people = base.compiled.population
    here = _premiums(base)
    found = []
    numbers = numbers_with_ranges(base)
    for done, number in enumerate(numbers):
        if progress is not None:
            progress(done / len(numbers))
        ends = _ends(scenario, number)
        assert ends is not None
        assert number.range is not None
        low, high = (
            here
            if end is scenario
            else _premiums(simulate(end, years, seed, threads=threads, population=people))
            for end in ends
        )
        moved = [name for name in here if low[name] != here[name] or high[name] != here[name]]
        scale = {name: _ratio((headline or here).get(name, here[name]), here[name]) for name in moved}
        at_low, at_high = ({name: end[name] * scale[name] for name in moved} for end in (low, high))
        found.append(HeadlineRange(number.place, float(number.value), *number.range, years, at_low, at_high))
    return found


def _ends(scenario: Scenario, number: Number) -> tuple[Scenario, Scenario] | None:
    """Return the scenario at both ends of a number's range; None where other numbers forbid an end."""
    assert number.range is not None
    is_whole = isinstance(number.value, int)
    try:
        low, high = (
            scenario
            if end == number.value
            else scenario.replace(number.place, int(end) if is_whole and end == int(end) else end)
            for end in number.range
        )
    except InputError:
        return None
    return low, high


def _ratio(above: float, below: float) -> float:
    return above / below if below else 1.0


def _premiums(outcomes: Outcomes) -> dict[str, float]:
    premiums = {}
    for p, name in enumerate(outcomes.programmes):
        insured = int(outcomes.compiled.insured[p].sum())
        if insured and not yearly.is_rules(outcomes, name):
            payout = yearly.insurer_payout(outcomes, name) / 100.0
            premiums[name] = float(np.average(payout, weights=outcomes.years.weight)) / insured
    return premiums
