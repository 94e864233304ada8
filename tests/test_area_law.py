"""The cell engine and the household engine agree in law about the same catalogue of events."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from area_cases import ONE, STORM, area

from fangpinbao.aggregate import year_events
from fangpinbao.catastrophe.outcomes import CatastropheOutcomes, simulate_catastrophe
from fangpinbao.engine import Engine, population_of, simulate
from fangpinbao.outcomes import Outcomes
from fangpinbao.scenario import Scenario

YEARS = 12_000
SEED = 11
GRADES = [f"grade_{g}" for g in range(1, 11)]
KINDS = ["dead", *GRADES, "burned", "everything"]
CATALOGUE = """event,peril,rate,cell,intensity,day
great,storm,0.05,township_1,1.9,100
great,storm,0.05,township_2,1.6,100
great,storm,0.05,township_3,1.2,100
middle,storm,0.2,township_1,1.0,
middle,storm,0.2,township_2,1.3,
small,storm,0.5,township_3,0.7,
"""


def terms(kind: str) -> dict[str, object]:
    """A contract that pays one kind of casualty alone, or all by the usual scale."""
    if kind == "everything":
        return {"perils": ["storm"], "per_person": 50_000, "triggers": {"storm": {"size": 1.0}}}
    scale = [float(kind == grade) for grade in GRADES]
    burns = [float(kind == "burned")] * 3
    return {
        "perils": ["storm"], "per_person": 10_000, "death_share": float(kind == "dead"), "disability_scale": scale,
        "burn_scale": burns,
    }  # fmt: skip


@pytest.fixture(scope="module")
def scenario(tmp_path_factory: pytest.TempPathFactory) -> Scenario:
    """A region that consists of the village, person for person."""
    folder: Path = tmp_path_factory.mktemp("law")
    (folder / "events.csv").write_text(CATALOGUE, encoding="utf-8")
    people = population_of(area())
    counts = {name: 0 for name in people.township_names}
    for town, size in zip(people.township_of, people.household_size, strict=True):
        counts[people.township_names[town]] += int(size)
    books = [
        {"account": kind, "harm": ["dead", "disabled", "burned"], "times": "benefit", "contract": kind, "amount": ONE}
        for kind in KINDS
    ]  # fmt: skip
    others = dict.fromkeys(("inpatient", "accident", "flood", "fire", "school_extra"))
    programmes = {
        kind: {"coverages": {"casualties": {"accounts": [kind], "contract": kind}}} for kind in KINDS
    }
    return area(
        {
            "cells": {
                "names": list(counts), "residents": list(counts.values()), "longitude": [106.2, 106.3, 106.2],
                "latitude": [38.6, 38.5, 38.4], "urban": [0.0, 0.0, 0.0],
            },
            "exposure": {"residents": people.persons},
            "catalogue": {"file": "events.csv"},
            "contracts": {"region": None, **{kind: terms(kind) for kind in KINDS}},
        },
        folder / "s.toml",
        accounts={"owed": None} | {kind: {"level": "person", "kind": "points", "label": kind} for kind in KINDS},
        perils={"storm": {"books": books}, **others},
        programmes={"base": None, "region": None, "both": None, **programmes},
        year_factors=None, certain_costs=None, layers=None, relief=None,
    )  # fmt: skip


@pytest.fixture(scope="module")
def by_cell(scenario: Scenario) -> CatastropheOutcomes:
    return simulate_catastrophe(scenario, YEARS, SEED)


@pytest.fixture(scope="module")
def by_person(scenario: Scenario) -> Outcomes:
    return simulate(scenario, YEARS, SEED)


def within(difference: np.ndarray) -> float:
    """The mean of differences path by path, in its standard errors: the paths share their events."""
    error = difference.std(ddof=1) / np.sqrt(difference.size)
    return float(abs(difference.mean()) / error) if error > 0 else 0.0


@pytest.mark.parametrize("kind", KINDS)
def test_mean_variance_and_chance_of_no_claim(
    by_cell: CatastropheOutcomes, by_person: Outcomes, kind: str
) -> None:
    cell = by_cell.paid_by_path(kind) / 100
    person = by_person.column(kind, "payout_fen") / 100
    assert cell.mean() > 0
    middle = (cell.mean() + person.mean()) / 2
    assert within(person - cell) < 4
    assert within((person - middle) ** 2 - (cell - middle) ** 2) < 4
    assert within((person == 0).astype(float) - (cell == 0)) < 4


def test_casualties_of_one_event_are_correlated(by_person: Outcomes) -> None:
    """The event factor is common to an event: without it the spread of the payouts would be far smaller.

    With N persons, a chance c of death given the event and a factor of variance v: the variance of the number given
    one event is N c (1 - c) + N (N - 1) c^2 v and a little more for the spread of events; here N c is about 10.
    """
    dead = by_person.column("dead", "payout_fen") / 1_000_000
    struck = dead[dead > 0]
    assert struck.var() > 4 * struck.mean()


def test_members_of_a_household_are_harmed_independently_given_the_event(tmp_path: Path) -> None:
    """With one chance c for everybody, both members of a couple are harmed with c squared.

    A share c of households all of whose members are harmed would have the same mean, and c in place of c squared.
    """
    (tmp_path / "e.csv").write_text("event,peril,year,cell,intensity\nx,storm,1,township_2,1.0\n", "utf-8")
    casualties = {**STORM["casualties"], "deaths": {"law": "points", "at": [0.5], "rates": [0.12]}}
    casualties |= {"event_factor": None, "most": 0.9}
    one = area(
        {"perils": {"storm": {"casualties": casualties}}, "catalogue": {"file": "e.csv", "years": 1}},
        tmp_path / "s.toml",
    )
    c = 0.12 * 2.5  # dead, as many disabled, half as many burned
    engine = Engine(one, seed=3)
    people = engine.population
    town = people.township_of == people.township_names.index("township_2")
    couples = np.flatnonzero(town & (people.household_size == 2))
    account = engine.compiled.accounts.index("owed")
    seen = np.zeros(3)
    for path in range(300):
        harmed = np.zeros(people.households)
        for events in year_events(engine, 0, engine.years(path, path + 1)):
            np.add.at(harmed, events["household"][events["account"] == account], 1)
        seen += np.bincount(harmed[couples].astype(int), minlength=3)
    n = seen.sum()
    for number, chance in enumerate(((1 - c) ** 2, 2 * c * (1 - c), c * c)):
        assert abs(seen[number] / n - chance) < 4 * np.sqrt(chance * (1 - chance) / n)
