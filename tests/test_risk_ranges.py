"""One assumed number at a time: the same figures as when the scenario says so from the start."""

from __future__ import annotations

import pytest
from conftest import build

from fangpinbao.at_risk import NOBODY, Facts, classify
from fangpinbao.detection import funnel
from fangpinbao.engine import simulate
from fangpinbao.household_years import settle_households
from fangpinbao.ranges import _influence, headline_ranges, numbers_with_ranges
from fangpinbao.relief_money import relief_for_the_same_money
from fangpinbao.risk_ranges import ranges_of_funnels, ranges_of_relief, ranges_of_rules
from fangpinbao.risk_tables import moved_table
from fangpinbao.scenario import Scenario, load_scenario

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


def test_chances_of_channels_are_ranked_by_the_width_of_their_range() -> None:
    """0.1 to 0.7 adds more families than 0.02 to 0.5, though 0.2 is the smaller chance to begin with."""
    channels = {
        "own": {"chance": {"value": 0.2, "range": [0.02, 0.5]}},
        "data": {"chance": {"value": 0.3, "range": [0.1, 0.7]}},
    }
    outcomes = simulate(
        build(detection={"open": {"channels": channels}}, programmes={"base": {"detection": "open"}}), 4, SEED
    )
    numbers = {number.place: number for number in outcomes.scenario.numbers}
    own, data = (numbers[f"detection.open.channels.{name}.chance"] for name in channels)
    assert _influence(data, outcomes) == pytest.approx(0.6)
    assert _influence(own, outcomes) == pytest.approx(0.48)


def test_a_run_shows_the_chance_that_moves_a_design_most() -> None:
    small = load_scenario("zhongning-2020-detection").replace("population.persons", 2_000)
    places = {number.place for number in numbers_with_ranges(simulate(small, 4, SEED))}
    assert "detection.thresholds.channels.data_matching.chance" in places


def test_funnels_of_a_programme_with_relief_move_the_payout_alone(scenario: Scenario) -> None:
    gift = {"coverages": {"x": {"accounts": ["medical_cost"], "rate": 0.5}}}
    gift |= {"relief": {"gap": {"base": "gap", "standard": 6_000}}}
    both = build(**{**TABLES, "programmes": {"base": None, "gift": gift}})
    (row,) = ranges_of_funnels(both, 2, ["open"], seed=SEED)
    assert list(row.at_low) == list(row.at_high) == ["paid in the end"]
    rows = [row, *ranges_of_funnels(scenario, 2, ["open"], seed=SEED)]
    assert next(iter(moved_table(rows, "en").table.columns[4].cells)) == "— .. —"


@pytest.mark.parametrize("name", ["zhongning-2020-detection", "hohhot-2020"])
def test_every_chance_and_day_of_the_shipped_designs_has_a_range(name: str) -> None:
    moved = ("chance", "mean", "high", "passes", "wrongly_passes", "refused")
    numbers = [one for one in load_scenario(name).numbers if one.place.startswith("detection.")]
    mine = [one for one in numbers if one.place.rsplit(".", 1)[1] in moved]
    assert len([one for one in mine if one.place.endswith((".mean", ".high"))]) >= 5
    assert [one.place for one in mine if one.range is None or one.status != "assumed"] == []


def test_days_move_households_kept_and_no_payout() -> None:
    law = {"law": "constant", "amount": {"value": 50, "range": [0, 364]}}
    design = {"channels": {"visits": {"chance": 1.0, "delay_days": law}}}
    (row,) = ranges_of_funnels(build(detection={"open": design}), YEARS, ["open"], seed=SEED)
    assert row.place == "detection.open.channels.visits.delay_days.amount"
    assert row.at_low["paid in the end"] == row.at_high["paid in the end"]
    kept = "kept above the poverty line"
    assert row.at_low[kept].value > row.at_high[kept].value


def test_a_run_moves_none_of_them(scenario: Scenario) -> None:
    places = [row.place for row in headline_ranges(scenario, 4, SEED, headline={"base": 1.0})]
    assert not [place for place in places if place.startswith(("risk.", "detection.", "programmes.top_up."))]
