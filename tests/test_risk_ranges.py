"""One assumed number at a time: the same figures as when the scenario says so from the start."""

from __future__ import annotations

import pytest
from conftest import build

from fangpinbao.at_risk import NOBODY, Facts, classify
from fangpinbao.detection import funnel
from fangpinbao.engine import simulate
from fangpinbao.household_years import settle_households
from fangpinbao.ranges import headline_ranges
from fangpinbao.relief_money import relief_for_the_same_money
from fangpinbao.risk_ranges import ranges_of_funnels, ranges_of_relief, ranges_of_rules
from fangpinbao.scenario import Scenario

YEARS, SEED = 8, 3
TABLES = {
    "risk": {
        "attributes": {"ill": {"chance": {"value": 0.2, "range": [0.1, 0.4]}}},
        "rules": {
            "place": {
                "groups": {
                    "g": {"has": ["ill"], "income_per_head_below": {"value": 6_000, "range": [5_000, 8_000]}}
                }
            }
        },
    },
    "detection": {
        "open": {"channels": {"visits": {"chance": {"value": 0.5, "range": [0.2, 0.9]}}}, "threshold": 1_000}
    },
    "programmes": {
        "top_up": {
            "kind": "rules",
            "relief": {"gap": {"base": "gap", "standard": {"value": 5_000, "range": [4_000, 6_000]}}},
        }
    },
}


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return build(**TABLES)


def test_persons_at_risk_at_both_ends(scenario: Scenario) -> None:
    facts = Facts.of(settle_households(scenario, YEARS, seed=SEED))
    rows = ranges_of_rules(facts, ["place"])
    places = ["risk.attributes.ill.chance", "risk.rules.place.groups.g.income_per_head_below"]
    assert [row.place for row in rows] == places
    for row in rows:
        for end, headline in ((row.low, row.at_low), (row.high, row.at_high)):
            other = Facts.of(settle_households(scenario.replace(row.place, end), YEARS, seed=SEED))
            nobody = classify(other, "place").groups[-1]
            assert nobody.name == NOBODY
            assert headline["persons at risk"].value == other.table.population.persons - nobody.persons.value
        assert row.at_low["persons at risk"].value < row.at_high["persons at risk"].value


def test_funnels_at_both_ends(scenario: Scenario) -> None:
    rows = ranges_of_funnels(scenario, YEARS, ["open"], seed=SEED)
    assert [row.place for row in rows] == ["detection.open.channels.visits.chance"]
    (row,) = rows
    for end, headline in ((row.low, row.at_low), (row.high, row.at_high)):
        (again,) = funnel(scenario.replace(row.place, end), YEARS, seed=SEED)
        assert headline["paid in the end"] == again.payout
        assert headline["kept above the poverty line"] == again.prevented["poverty"]
    assert row.at_low["paid in the end"].value < row.at_high["paid in the end"].value


def test_relief_at_both_ends(scenario: Scenario) -> None:
    (row,) = ranges_of_relief(scenario, ["top_up"], "base", YEARS, seed=SEED)
    for end, headline in ((row.low, row.at_low), (row.high, row.at_high)):
        _, again = relief_for_the_same_money(scenario.replace(row.place, end), YEARS, seed=SEED)
        assert dict(headline) == {
            f"net less insurance, {line} line": less for line, less in again.less.items()
        }


def test_a_run_moves_the_numbers_of_designs_that_find_families() -> None:
    """Chances move the premium, and take-up no longer; days move nobody's payment out of the premium."""
    design = {
        "threshold": {"value": 1_000, "range": [500, 9_000]},
        "channels": {
            "visits": {
                "chance": {"value": 0.5, "range": [0.2, 0.9]},
                "delay_days": {"law": "uniform", "low": 0, "high": {"value": 50, "range": [20, 90]}},
            }
        },
    }
    coverage = {"illness": {"take_up": {"value": 0.8, "range": [0.1, 1.0]}}}
    found = build(
        detection={"open": design, "idle": design},
        programmes={"base": {"detection": "open", "coverages": coverage}},
    )
    rows = headline_ranges(found, 4, SEED, headline={"base": 1.0})
    assert [row.place for row in rows] == [
        "detection.open.threshold",
        "detection.open.channels.visits.chance",
    ]
    chance = rows[1]
    assert chance.at_low["base"] < 1.0 < chance.at_high["base"]
    ends = [
        simulate(found.replace(chance.place, end), 4, SEED).yuan_by_year("base").mean() for end in (0.2, 0.9)
    ]
    assert chance.at_high["base"] / chance.at_low["base"] == pytest.approx(ends[1] / ends[0])


def test_a_run_moves_none_of_them(scenario: Scenario) -> None:
    places = [row.place for row in headline_ranges(scenario, 4, SEED, headline={"base": 1.0})]
    assert not [place for place in places if place.startswith(("risk.", "detection.", "programmes.top_up."))]
