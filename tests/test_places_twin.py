"""The places' stacks against the plain-Python twin, on a few of their people: equal to the fen in every column."""

from __future__ import annotations

import pytest
from test_twin import differences

from fangpinbao.compiled import account_table
from fangpinbao.scenario import Scenario, load_scenario

NAMES = (
    "gansu-2017",
    "ningxia-fupinbao-2020",
    "ningxia-medical-2020",
    "qingyang-agriculture-2020",
    "qingyang-medical-2020",
    "changde-2021",
    "hohhot-2020",
)


def small(name: str) -> Scenario:
    """A few of the people, and layers that read only what is booked: the twin knows no other account."""
    scenario = load_scenario(name)
    booked = account_table(scenario)
    read = {
        f"layers.{layer}.accounts": [account for account in terms.accounts if account in booked]
        for layer, terms in scenario.layers.items()
    }
    return scenario.replace_all({**read, "population.persons": 300})


@pytest.mark.parametrize("name", NAMES)
def test_engine_and_twin_agree(name: str) -> None:
    assert differences(small(name), years=2, seed=3) == []
