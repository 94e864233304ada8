"""What does not fit between households and the catastrophe that strikes them gets one clear message each."""

# ruff: noqa: E501  (the messages are long and stand whole)

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from area_cases import BOOKS, CELLS, ONE, PERIL, STORM, area
from conftest import build

from fangpinbao.engine import Engine, population_of
from fangpinbao.errors import InputError
from fangpinbao.scenario import Scenario, load_scenario
from fangpinbao.summary import summary


def books(**changes: Any) -> dict[str, Any]:
    """The storm with one booking changed: property, medical, income, grade, owed by the key ``at``."""
    at = changes.pop("at")
    changed = [
        {key: value for key, value in {**book, **changes}.items() if value is not None} if k == at else book
        for k, book in enumerate(BOOKS)
    ]
    return {"perils": {"storm": {"books": changed}}}


FLOOD = {"law": "poisson", "events_per_year": 0.5}
MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({"perils": {"storm": {"events_from": "strom"}}}, "perils.storm.events_from = 'strom' is not a peril of the catastrophe table. Did you mean storm?"),
    ({"perils": {"storm": {"frequency": FLOOD}}}, "perils.storm.frequency is that of storm, from which the events come. Drop it."),
    ({"perils": {"storm": {"share_hit": 0.2}}}, "perils.storm.share_hit is that of storm, from which the events come. Drop it."),
    ({"perils": {"storm": {"factors": {"sex": {"male": 2.0}}}}}, "perils.storm.factors cannot change the chances of a catastrophe. Put factors on amounts (books)."),
    ({"perils": {"storm": {"exposed": "household"}}}, 'perils.storm.exposed must be "township" where events come from a catastrophe. Change it.'),
    ({"perils": {"fire": {"frequency": None}}}, "perils.fire.frequency is missing. Give it, or events_from for the events of a catastrophe."),
    (books(at=0, harm=None), "perils.storm.books[0].harm is missing: an event of a catastrophe needs to know for whom."),
    (books(at=0, harm=["damaged", "dead"]), "perils.storm.books[0].harm mixes households (damaged) with their members. Make two bookings."),
    (books(at=1, harm=["damaged"]), "perils.storm.books[1].account = 'disaster_medical_cost' is a person's, but a damaged dwelling is a household's."),
    (books(at=2, times="share_lost"), 'perils.storm.books[2].times = "share_lost" is of dwellings. Write harm = ["damaged"].'),
    (books(at=3, harm=["dead", "burned"]), "perils.storm.books[3].harm have no grade, but for dead and disabled. Keep these two."),
    (books(at=3, account="disaster_medical_cost"), "perils.storm.books[3].account = 'disaster_medical_cost' is money, not a grade. Book it to an account of kind points."),
    (books(at=3, times="benefit", contract="region", account="owed"), "perils.storm.books[4].harm names dead, for which perils.storm.books[3] books what 'region' owes already. Name it once."),
    ({"programmes": {"region": {"coverages": {"casualties": {"contract": ["region"]}}}}}, "programmes.region.coverages.casualties.contract"),
    (books(at=4, contract=None), 'perils.storm.books[4].contract and times = "benefit" belong together: what a contract owes. Give both or none.'),
    (books(at=4, contract="regoin"), "perils.storm.books[4].contract = 'regoin' is not a catastrophe contract. Did you mean region?"),
    (books(at=4, harm=["injured"]), "perils.storm.books[4].harm are owed no benefit, but for dead, disabled and burned. Keep these."),
    (books(at=4, account="disaster_medical_cost"), "perils.storm.books[4].account = 'disaster_medical_cost' is a cost; a fixed sum reimburses none. Book it to an account of kind points."),
    ({"catastrophe": {"perils": {"hail": STORM}, "contracts": {"region": {"perils": ["hail"]}}}}, "perils.storm.books[4].contract = 'region' does not cover storm, so it never owes anything. Add the peril to the contract."),
    ({"catastrophe": {"perils": {"storm": {"damage": None}}}}, "perils.storm.books[0].harm names damaged, but the catastrophe has no table damage, so nobody ever is. Add it there."),
    ({"catastrophe": {"term_years": 3}}, "catastrophe.term_years = 3, but households are simulated in single years."),
    ({"catastrophe": {"cells": {**CELLS, "names": ["town_1", "township_2", "township_3", "elsewhere"]}}}, "population.townships has township_1, which no cell of the catastrophe is named after (townships: township_1, township_2, township_3; cells: town_1, township_2, township_3, elsewhere). Did you mean town_1? Name townships and cells alike."),
    ({"programmes": {"region": {"coverages": {"casualties": {"contract": "regio"}}}}}, "programmes.region.coverages.casualties.contract = 'regio' is not a catastrophe contract. Did you mean region?"),
    ({"programmes": {"region": {"coverages": {"casualties": {"rate": 0.5}}}}}, "programmes.region.coverages.casualties.contract pays what catastrophe.contracts.region owes, so rate beside it has no place. Drop one of them."),
    ({"programmes": {"region": {"coverages": {"casualties": {"accounts": ["death_or_disability"]}}}}}, "programmes.region.coverages.casualties.accounts[0] = 'death_or_disability' is not booked with times = \"benefit\" and contract = 'region' throughout. Name an account that is."),
    ({"programmes": {"region": {"coverages": {"casualties": {"contract": None, "fixed_sum": 5}}}}}, "programmes.region.coverages.casualties.accounts[0] = 'owed' holds what catastrophe.contracts.region owes."),
]  # fmt: skip


@pytest.mark.parametrize(("tables", "message"), MISTAKES, ids=[message[:60] for _, message in MISTAKES])
def test_a_mistake_is_refused(tables: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        area(**tables)
    assert message in str(caught.value)


def test_keys_of_catastrophes_elsewhere() -> None:
    fire = {
        "books": [
            {"account": "accident_property_loss", "amount": ONE, "harm": ["damaged"], "times": "share_lost"}
        ]
    }
    with pytest.raises(InputError) as caught:
        build(perils={"fire": fire})
    for key, value in (("harm", "['damaged']"), ("times", "'share_lost'")):
        message = f"perils.fire.books[0].{key} = {value} means something for a catastrophe only."
        assert message in str(caught.value)


def test_without_a_catastrophe_table() -> None:
    with pytest.raises(InputError, match=r"perils\.storm\.events_from = 'storm' is not a peril of the cat"):
        build(
            perils={"storm": PERIL}, accounts={"owed": {"level": "person", "kind": "points", "label": "owed"}}
        )


def test_a_roster_whose_townships_are_no_cells() -> None:
    frame = population_of(area()).to_frame()
    frame["township"] = frame["township"].str.replace("township_2", "上河镇")
    from fangpinbao.population import Population

    with pytest.raises(InputError) as caught:
        Engine(area(), Population.from_frame(pd.DataFrame(frame)))
    assert "population.townships has 上河镇, which no cell" in str(caught.value)


def test_a_file_of_losses_says_nothing_about_households(tmp_path: Path) -> None:
    (tmp_path / "e.csv").write_text("event,peril,rate,cell,loss\na,storm,1,township_1,5\n", encoding="utf-8")
    one: Scenario = area({"catalogue": {"file": "e.csv"}}, tmp_path / "s.toml")
    with pytest.raises(InputError, match="gives losses, but what an event does to households follows from"):
        Engine(one)
    with pytest.raises(InputError, match="gives losses, but what an event does to households follows from"):
        summary(one)


def test_aftershocks_beside_households() -> None:
    """A dwelling hit twice in a year loses more than its value, so sequences are not drawn for households."""
    shocks = {"a": -1.67, "b": 0.91, "c": 0.05, "p": 1.08}
    one = load_scenario("ningxia-joint")
    with pytest.raises(InputError, match=r"perils.earthquake.events_from = 'earthquake' has aftershocks"):
        one.replace("catastrophe.earthquake.aftershocks", shocks)
