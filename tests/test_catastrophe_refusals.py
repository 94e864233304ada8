"""Wrong event files and catastrophe tables get one clear message each: place, value, rule and cure."""

# ruff: noqa: E501  (the messages are long and stand whole)

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fangpinbao.catastrophe.outcomes import simulate_catastrophe
from fangpinbao.engine import population_of
from fangpinbao.errors import InputError
from fangpinbao.scenario import Scenario
from tests.catastrophe_cases import CELLS, contract, document, quake, scenario, storm

WRONG_FILES = [
    ("event,peril,rate,cell,loss\na,strom,0.1,north,5\n", "row 1, peril = 'strom' is not a peril of the scenario (storm)."),
    ("event,peril,rate,cell,loss\na,storm,0.1,nroth,5\n", "row 1, cell = 'nroth' is not a cell of the scenario."),
    ("event,peril,rate,cell,loss\na,storm,-1,north,5\n", "row 1, rate = -1 must be a number from 0 to 1000."),
    ("event,peril,rate,cell,loss\na,storm,1,north,5\na,storm,1,north,6\n", "row 2, cell = 'north' stands twice for this event. Keep one row."),
    ("event,peril,rate,cell,loss\na,storm,1,north,5\na,storm,2,south,6\n", "row 1, rate = 1 differs between the rows of this event. An event has one."),
    ("event,peril,rate,cell\na,storm,1,north\n", "needs exactly one of the columns intensity and loss."),
    ("event,peril,rate,cell,loss,depth\na,storm,1,north,5,1\n", "column depth is read by nothing."),
    ("event,peril,year,cell,loss\na,storm,1,north,5\n", "column year needs catalogue.years"),
    ("event,peril,rate,cell,loss,day\na,storm,1,north,5,0\n", "must be a number from 1 to 365."),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message"), WRONG_FILES, ids=[message[:30] for _, message in WRONG_FILES])
def test_a_wrong_file_is_refused_by_row(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "e.csv").write_text(text, encoding="utf-8")
    one = Scenario.from_document(document(catalogue={"file": "e.csv"}), file=tmp_path / "s.toml")
    with pytest.raises(InputError) as caught:
        simulate_catastrophe(one, 10)
    assert message in str(caught.value)


MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({"contracts": {"base": contract(["strom"])}}, "catastrophe.contracts.base.perils[0] = 'strom' is not a peril. Did you mean storm?"),
    ({"perils": {"storm": storm(footprint={"centre": "hill", "radius_km": {"law": "constant", "amount": 1.0}})}}, "catastrophe.perils.storm.footprint.centre = 'hill' is not a susceptibility column of the cells. Did you mean hills?"),
    ({"contracts": {"base": contract(["storm"], triggers={"storm": {}})}}, "catastrophe.contracts.base.triggers.storm has no condition. Give size, intensity, warning, declared or deaths."),
    ({"contracts": {"base": contract(["storm"], triggers={"storm": {"declared": True}})}}, "catastrophe.contracts.base.triggers.storm.declared has no size from which a disaster is declared. Add declared_from to the peril."),
    ({"contracts": {"base": contract(["storm"], cumulative=1.0, cumulative_over="term")}}, 'catastrophe.contracts.base.cumulative_over = "term", but catastrophe.term_years is 1. Give the years of the term, or write "year".'),
    ({"contracts": {"base": contract(["storm"], premium=1.0, premium_per_resident=1.0)}}, "catastrophe.contracts.base.premium stands beside premium_per_resident. Keep one."),
    ({"perils": None, "contracts": {"base": contract(["storm"])}}, "catastrophe.perils is missing, and catastrophe.earthquake too, so nothing ever happens. Add one."),
    ({"contracts": {"base": contract(["storm"], hours_clause={"storm": 72.0})}}, "catastrophe.contracts.base.hours_clause.storm has no effect: the contract has neither a limit per event nor a trigger for this peril. Add one of them, or drop it."),
    ({"cells": CELLS | {"urban": [0.5]}}, "catastrophe.cells.urban has 1 entries for 4 cells. Pair them."),
    ({"perils": {"storm": storm(casualties={"deaths": {"law": "points", "at": [2.0, 1.0], "rates": [0.1, 0.2]}})}}, "catastrophe.perils.storm.casualties.deaths.at = [2.0, 1.0] must rise. Sort the intensities."),
    ({"perils": {"storm": storm(casualties={"deaths": {"law": "point", "at": [2.0], "rates": [0.1]}})}}, "catastrophe.perils.storm.casualties.deaths.law = 'point' is not a known law. Did you mean points?"),
    ({"perils": {"storm": storm(casualties={"deaths": {"law": "points", "at": [0.5], "rates": [0.1]}, "exposed": "indoors"})}}, "catastrophe.perils.storm.casualties.exposed = 'indoors' needs the share of people indoors by hour. Add catastrophe.exposure.indoors."),
    ({"perils": {"storm": storm(casualties={"deaths": {"law": "points", "at": [0.5], "rates": [0.1]}, "event_factor": {"law": "exponential", "mean": 2.0}})}}, "catastrophe.perils.storm.casualties.event_factor has the mean 2; it must be 1, so that it adds spread and no level. Change its parameters."),
    ({"tiers": [{"peril": "storm", "from_size": 0.5, "share_of_years": 0.97}]}, "catastrophe.tiers take 0.97 of the years; at most 0.95, so that other years remain. Lower share_of_years."),
    ({"perils": {"storm": storm(frequency={"law": "bernoulli", "probability": 0.5})}, "tiers": [{"peril": "storm", "from_size": 0.5, "share_of_years": 0.3}]}, "catastrophe.tiers[0].peril = 'storm' is no plain Poisson process, so the chance of its years is not known in advance. Use a poisson frequency without year_factor, or drop the tier."),
    ({"catalogue": {"file": "none.csv"}}, "catastrophe.catalogue.file = 'none.csv' does not exist beside the scenario. Correct the path."),
    ({"contracts": {"base": contract(["storm"]) | {"per_person": 0}}}, "catastrophe.contracts.base.per_person = 0 must be above 0. Raise it."),
    ({"term_yeras": 3}, "catastrophe.term_yeras is read by nothing. Did you mean catastrophe.term_years?"),
]  # fmt: skip


@pytest.mark.parametrize(("tables", "message"), MISTAKES, ids=[message[12:50] for _, message in MISTAKES])
def test_a_mistake_gets_one_message(tables: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        scenario(**tables)
    assert [str(problem) for problem in caught.value.problems] == [message]


def test_a_tier_without_events_and_too_few_years_are_refused() -> None:
    tiers = [{"peril": "earthquake", "from_size": 8.5, "share_of_years": 0.3}]
    tables = {"perils": None, "earthquake": quake(), "contracts": {"base": contract(["earthquake"])}}
    with pytest.raises(InputError, match=r"tiers\[0\].from_size = 8.5 leaves no event"):
        simulate_catastrophe(scenario(**tables, tiers=tiers), 100)
    with pytest.raises(InputError, match="too few for the 2 strata"):
        simulate_catastrophe(scenario(**tables, tiers=[tiers[0] | {"from_size": 7.0}]), 3)


def test_a_scenario_without_households_says_so() -> None:
    with pytest.raises(InputError, match="no households, only catastrophe contracts"):
        population_of(scenario())
    village = Scenario.from_document(document() | {"catastrophe": None, "population": {"persons": 10}})
    with pytest.raises(InputError, match="no catastrophe insurance"):
        simulate_catastrophe(village, 10)
