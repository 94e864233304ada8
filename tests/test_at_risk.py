"""Rules find groups by signs alone: by hand on a few households, and never by the class."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import build
from told import table
from typer.testing import CliRunner

from fangpinbao.at_risk import NOBODY, Facts, classify, roster_spread
from fangpinbao.cli import app
from fangpinbao.errors import InputError
from fangpinbao.estimators import mean
from fangpinbao.household_years import HouseholdYears, settle_households
from fangpinbao.population import Population
from fangpinbao.scenario import load_scenario
from fangpinbao.scenario.load import load_with
from fangpinbao.scenario.risk import Signs


def who(signs: dict, **risk: object) -> list[str]:
    """Households that fit, year by year where the signs need it: ``b0`` is b in year 0."""
    facts = Facts.of(table(**risk))
    fit = facts.fits(Signs.model_validate(signs))
    ids = facts.table.population.household_id.astype("U")
    if fit.ndim == 1:
        return sorted(ids[fit].tolist())
    return sorted(f"{ids[h]}{year}" for year, h in zip(*np.nonzero(fit), strict=True))


BY_HAND = [
    ({}, ["a", "b", "c", "d"]),
    ({"lifted_out": True, "income_per_head_below": 5_000}, ["a"]),
    ({"lifted_out": True, "income_per_head_at_most": 5_000}, ["a", "b"]),
    ({"income_per_head_above": 5_000}, ["d"]),
    ({"income_per_head_at_most": 3_500}, ["c"]),
    ({"dibao": True}, ["c"]),
    ({"has": ["illness"]}, ["a", "b", "c", "d"]),
    ({"has": ["at_school"]}, ["a"]),
    ({"has_none_of": ["at_school"], "lifted_out": True}, ["b"]),
    ({"has": ["nobody"]}, []),
    ({"share_above": {"subsidies": 0.29}}, ["a", "b", "c", "d"]),
    ({"share_above": {"subsidies": 0.3}}, []),
    # a after the second year: (2 x 4,999.99 - 10,000) / 2 < 0; d: 9,000 - 5,000.01 = 3,999.99, then 0
    ({"after_shock_per_head_below": 4_000}, ["a1", "b0", "c0", "c1", "d0", "d1"]),
    # b: 5,000 - 1,000.01 = 3,999.99; c had 3,500 from the start, so only its register line excludes it
    ({"after_shock_per_head_below": 4_000, "income_per_head_above": 4_000}, ["a1", "b0", "d0", "d1"]),
    # a: 10,000 of 9,999.98; d: 9,000 of 9,000 does not exceed
    ({"spending_times_income_above": 1.0}, ["a1"]),
    ({"spending_times_income_above": 0.999}, ["a1", "d1"]),
    ({"spending_times_income_above": 1.2}, []),
    ({"income_drop_above": 0.2}, ["b0"]),
    ({"income_drop_above": 0.201}, []),
    ({"any_of": [{"dibao": True}, {"spending_times_income_above": 1.0}]}, ["a1", "c0", "c1"]),
]
ATTRIBUTES = {
    "illness": {"chance": 1.0},
    "nobody": {"chance": 0.0},
    "at_school": {"chance": 1.0, "where": {"age_to": 14}},
    "subsidies": {"share": {"law": "constant", "amount": 0.3}},
}


@pytest.mark.parametrize(("signs", "expected"), BY_HAND, ids=[str(signs)[:60] for signs, _ in BY_HAND])
def test_signs_by_hand(signs: dict, expected: list[str]) -> None:
    assert who(signs, attributes=ATTRIBUTES) == expected


RULES = {
    "place": {
        "residents": 3_000,
        "groups": {
            "unstable": {
                "lifted_out": True,
                "income_per_head_below": 5_000,
                "meant": ["unstable_lifted"],
                "published": {"persons": 100},
            },
            "poor": {"income_per_head_below": 4_000, "meant": ["marginal"]},
            "spent": {"after_shock_per_head_below": 4_000, "published": {"new_households": 6}},
        },
    }
}


def test_the_confusion_table_by_hand() -> None:
    """Persons: a 2, b 1, c 2, d 1. Years: a unstable; c poor; b spent in year 0, d in both."""
    found = classify(Facts.of(table(rules=RULES)), "place")
    groups = {group.name: group for group in found.groups}
    assert list(groups) == ["unstable", "poor", "spent", NOBODY]
    assert [group.persons.value for group in found.groups] == [2.0, 2.0, 1.5, 0.5]
    assert [group.households.value for group in found.groups] == [1.0, 1.0, 1.5, 0.5]
    assert groups["spent"].new_households.value == 1.5
    assert groups["unstable"].new_households.value == 0.0
    spent = groups["spent"].persons
    assert spent == mean(np.array([2.0, 1.0]), Facts.of(table()).table.years, "persons")
    assert spent.standard_error == 0.5
    assert {name: each.value for name, each in groups["spent"].by_class.items()} == {
        "unstable_lifted": 0.5, "marginal": 0.0, "general": 1.0,
    }  # fmt: skip
    # recall: 2 of 3 unstable persons, 2 of 2 marginal; precision: all
    assert found.found["unstable_lifted"].value == pytest.approx(2 / 3)
    assert found.found["marginal"].value == 1.0
    assert {name: each.value for name, each in found.right.items()} == {"unstable": 1.0, "poor": 1.0}
    # published: 100 of 3,000 persons; here 2 of 6: ten times. New: 6 of 3,000 / (6 / 4) = 2,000 households,
    # here 1.5 of 4: 0.375 / 0.003 = 125
    assert groups["unstable"].miss is not None
    assert groups["unstable"].miss.value == pytest.approx(10.0)
    assert groups["spent"].new_miss is not None
    assert groups["spent"].new_miss.value == pytest.approx(125.0)
    assert groups["poor"].miss is None


def test_the_class_is_never_seen() -> None:
    """Exchanging the labels changes the columns of the confusion table and nothing else."""
    one = table(rules=RULES)
    swapped = {name: getattr(one.population, name) for name in one.population.__dataclass_fields__} | {
        "household_class": np.array([3, 2, 1, 0], dtype=np.uint8)
    }
    other = HouseholdYears(**{**one.__dict__, "population": Population(**swapped)})
    first, second = (classify(Facts.of(each), "place") for each in (one, other))
    assert [group.persons for group in first.groups] == [group.persons for group in second.groups]
    assert first.found != second.found


def test_attributes_are_keyed_draws_of_their_chance() -> None:
    tables = {"attributes": {"ill": {"chance": 0.3}, "unsafe": {"chance": 0.2, "level": "household"}}}
    scenario = build(population={"persons": 4_000}, risk=tables)
    facts = Facts.of(settle_households(scenario, 1))
    n, h = facts.table.population.persons, facts.table.population.households
    assert abs(facts.persons_with["ill"].mean() - 0.3) < 4 * np.sqrt(0.3 * 0.7 / n)
    assert abs(facts.before.has("unsafe").mean() - 0.2) < 4 * np.sqrt(0.2 * 0.8 / h)
    more = Facts.of(settle_households(scenario.replace("risk.attributes.ill.chance", 0.5), 1))
    assert (more.persons_with["ill"] >= facts.persons_with["ill"]).all()


@pytest.mark.smoke
def test_shipped_rules_reproduce_their_stored_figures() -> None:
    """Shares of 10,000 persons with the errors they had when stored (50 years, seed 1)."""
    scenario = load_scenario("at-risk-2020")
    facts = Facts.of(settle_households(scenario, 30, seed=2))
    stored = {
        ("hohhot_warning", "warned"): (172.0, 1.5),
        ("hohhot_warning_1_2", "warned"): (114.0, 1.3),
        ("qingyang", "unstable"): (90.8, 0.0),
        ("qingyang", "new_unstable"): (88.9, 1.4),
        ("baoshan", "sudden"): (665.0, 6.0),
    }
    found = {name: classify(facts, name) for name in scenario.risk.rules}
    for (rules, name), (value, error) in stored.items():
        share = next(group.share for group in found[rules].groups if group.name == name).scaled(1e4, "")
        assert share.value is not None
        spread = np.hypot(share.standard_error or 0.0, error)
        assert abs(share.value - value) <= 4 * spread + 0.05, (rules, name, share.value)
    for one in found.values():
        assert sum(group.persons.value or 0 for group in one.groups) == pytest.approx(one.persons)


def test_the_spread_between_rosters_is_that_of_their_counts() -> None:
    """The law of a static group: each of n households fits with chance p, so persons spread with its size too."""
    tables = {"attributes": {"ill": {"chance": 0.2, "level": "household"}}}
    rules = {"place": {"groups": {"ill": {"has": ["ill"]}}}}
    scenario = build(population={"persons": 3_000}, risk={**tables, "rules": rules})
    rosters = 40
    spread = roster_spread(scenario, ["place"], 1, rosters)["place"]
    size = Facts.of(settle_households(scenario, 1)).table.size
    expected = np.sqrt(0.2 * 0.8 * np.sum(size.astype(float) ** 2))
    assert abs(spread["ill"] / expected - 1) < 4 / np.sqrt(2 * (rosters - 1))
    assert spread["ill"] == pytest.approx(spread[NOBODY])
    assert roster_spread(scenario, ["place"], 1, 0) == {}


def test_a_part_is_laid_over_a_scenario() -> None:
    scenario = load_with("zhongning-2020", ["parts/risk-hohhot-2020"])
    assert list(scenario.risk.rules) == ["hohhot", "hohhot_warning", "hohhot_warning_1_2"]
    assert scenario.name == "zhongning-2020"
    official = {n.place: n for n in scenario.numbers}[
        "risk.rules.hohhot.groups.unstable.income_per_head_below"
    ]
    assert (official.value, official.status) == (5_000, "official")


def test_the_command_prints_both_tables() -> None:
    line = [
        "classify",
        "at-risk-2020",
        "--rules",
        "qingyang",
        "--years",
        "2",
        "--set",
        "population.persons=6000",
    ]
    for lang, words in (("en", "Beside published counts"), ("zh", "与公布数对照")):
        shown = CliRunner().invoke(app, [*line, "--lang", lang])
        assert shown.exit_code == 0, shown.output
        assert words in shown.output
    nothing = CliRunner().invoke(app, ["classify", "zhongning-2020"])
    assert nothing.exit_code == 2
    unknown = CliRunner().invoke(app, [*line[:2], "--rules", "quingyang"])
    assert unknown.exit_code == 2


MISTAKES = [
    ({"rules": {"x": {"groups": {"g": {"has": ["ilness"]}}}}, "attributes": {"illness": {"chance": 0.1}}},
     "risk.rules.x.groups.g.has = 'ilness' is not an attribute under risk.attributes. Did you mean illness?"),
    ({"rules": {"x": {"groups": {"g": {"share_above": {"illness": 0.1}}}}}, "attributes": {"illness": {"chance": 0.1}}},
     "risk.rules.x.groups.g.share_above names illness, which has no share. Use has."),
    ({"rules": {"x": {"groups": {"g": {"classes": ["marginal"]}}}}},
     "risk.rules.x.groups.g.classes is read by nothing."),
    ({"attributes": {"illness": {}}}, "risk.attributes.illness needs exactly one of chance and share. Keep one."),
    ({"rules": {"x": {"groups": {"g": {"any_of": [{"has": ["y"]}]}}}}},
     "risk.rules.x.groups.g.any_of[0].has = 'y' is not an attribute under risk.attributes. None is declared."),
    ({"rules": {"x": {"groups": {"g": {"income_per_head_below": 3_000, "income_per_head_above": 4_000}}}}},
     "risk.rules.x.groups.g.income_per_head_above = 4000 is not below income_per_head_below (3000), so nobody fits."),
]  # fmt: skip


@pytest.mark.parametrize(("risk", "says"), MISTAKES, ids=[says[:50] for _, says in MISTAKES])
def test_a_mistake_is_named(risk: dict, says: str) -> None:
    with pytest.raises(InputError) as caught:
        build(risk=risk)
    assert any(str(problem).startswith(says) for problem in caught.value.problems), str(caught.value)
