"""Every shipped scenario loads, runs, and says where each of its numbers is from."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from fangpinbao.engine import simulate
from fangpinbao.population import Population
from fangpinbao.scenario import Number, Scenario, load_scenario
from fangpinbao.scenario.vocabulary import LINES
from fangpinbao.synthesis import synthesise

SCENARIOS = Path(__file__).resolve().parents[1] / "scenarios"
SHIPPED = sorted(file.stem for file in SCENARIOS.glob("*.toml"))
# Contracts of a region have no households; tests/test_catastrophe_yinchuan.py runs them.
OF_HOUSEHOLDS = [name for name in SHIPPED if load_scenario(name).is_of_households]
YEARS = 20
STRATIFIED = 100  # rare events on purpose

ZHONGNING_OFFICIAL = {
    "population.persons": 20_000,
    "programmes.base.coverages.illness.limit": 100_000,
    "programmes.base.coverages.education.limit": 5_000,
    "programmes.base.coverages.disaster.limit": 30_000,
    "lines.dibao_standard": 4_560,
}
PUBLISHED_DESIGNS = {
    "lines.poverty_line": 4_000,
    "programmes.wei.premium_per_insured": 50,
    "programmes.wei.coverages.illness.income_test.per_head_below": 1.5 * 4_000,
    "programmes.nanzhang.premium_per_insured": 50,
    "programmes.nanzhang.coverages.illness.deductible": 5_000,
    "programmes.nanzhang.coverages.illness.bands[0].rate": 0.3,
    "programmes.nanzhang.coverages.illness.bands[3].rate": 0.9,
    "programmes.laiyuan.coverages.illness.deductible": 18_000,
}


@pytest.fixture(scope="module")
def zhongning() -> Scenario:
    return load_scenario("zhongning-2020")


def numbers(scenario: Scenario) -> dict[str, Number]:
    return {number.place: number for number in scenario.numbers}


def test_something_is_shipped() -> None:
    assert {"zhongning-2020", "zhongning-2020-variants", "rural-general-2020"} <= set(OF_HOUSEHOLDS)
    assert {"yinchuan-2018", "yinchuan-2019"} <= set(SHIPPED) - set(OF_HOUSEHOLDS)


@pytest.mark.parametrize("name", OF_HOUSEHOLDS)
def test_runs(name: str) -> None:
    scenario = load_scenario(name)
    assert scenario.name == name
    outcomes = simulate(scenario, YEARS if scenario.catastrophe is None else STRATIFIED)
    for programme, terms in scenario.programmes.items():
        for coverage, step_terms in terms.coverages.items():
            step = outcomes.steps.index(f"{programme}.{coverage}")
            withdrawn = step_terms.rate == 0 and not step_terms.variants  # its last year has come
            paid = outcomes.sums.step_paid[:, step].sum()
            assert (paid == 0) if withdrawn else (paid > 0), f"{programme}.{coverage} pays {paid} fen"
        for line in LINES if terms.kind == "insurance" else ():
            before = outcomes.column("none", "households_still_poor", line)
            assert (outcomes.column(programme, "households_still_poor", line) <= before).all()


@pytest.mark.parametrize("name", SHIPPED)
def test_every_number_has_a_source(name: str) -> None:
    scenario = load_scenario(name)
    without = [number.place for number in scenario.numbers if number.source not in scenario.sources]
    assert without == []
    wrong = [n.place for n in scenario.numbers if n.source and n.status != scenario.sources[n.source].status]
    assert wrong == []


@pytest.mark.parametrize("name", SHIPPED)
def test_every_source_is_used(name: str) -> None:
    scenario = load_scenario(name)
    used = {number.source for number in scenario.numbers}
    own = set(scenario.sources)
    # Cited beside the numbers they bound, in notes; no number is taken from them unchanged. The poverty line of
    # 2020 comes with a part, and places of another year or template replace it.
    cited = {
        "resident_scheme",
        "hohhot_2020",
        "handan_press",
        "qingyang_wage",
        "poverty_line_2020",
        "zhang_1986",
        "lightning_1997",
    }
    assert own - used <= cited


@pytest.mark.parametrize(("place", "value"), ZHONGNING_OFFICIAL.items())
def test_official_facts_of_zhongning(zhongning: Scenario, place: str, value: float) -> None:
    number = numbers(zhongning)[place]
    assert (number.value, number.status, number.source) == (value, "official", "ningxia_2020")


@pytest.mark.parametrize(("place", "value"), PUBLISHED_DESIGNS.items())
def test_published_terms(zhongning: Scenario, place: str, value: float) -> None:
    number = numbers(zhongning)[place]
    assert (number.value, number.status) == (value, "published")


def test_nothing_else_of_the_county_is_official(zhongning: Scenario) -> None:
    """What the document does not state must not look as if it did."""
    official = {n.place for n in zhongning.numbers if n.status == "official"}
    assert official == set(ZHONGNING_OFFICIAL)


def test_routing_of_causes_to_rules(zhongning: Scenario) -> None:
    coverages = zhongning.programmes["base"].coverages
    rules = {name: set(coverage.accounts) for name, coverage in coverages.items()}
    assert {"medical_cost", "accident_medical_cost", "disaster_medical_cost"} <= rules["illness"]
    assert rules["disaster"] == {"property_loss", "accident_property_loss"}
    assert rules["education"] == {"education_cost"}
    units = {name: coverage.unit for name, coverage in coverages.items()}
    assert units == {"illness": "person_year", "education": "person_year", "disaster": "household_year"}


def test_assumed_terms_have_ranges(zhongning: Scenario) -> None:
    """The terms of Zhongning that the document leaves open carry the range they may lie in."""
    ranged = {n.place for n in zhongning.numbers if n.range is not None}
    for coverage in ("illness", "education", "disaster"):
        place = f"programmes.base.coverages.{coverage}"
        for term in ("deductible", "take_up", "income_test.per_head_below"):
            assert f"{place}.{term}" in ranged


def test_the_insured_list(zhongning: Scenario) -> None:
    population: Population = synthesise(zhongning.population)
    assert population.persons == 20_000
    assert len(population.township_names) == 12
    assert population.persons / population.households == pytest.approx(3.15, abs=0.05)


def test_few_events_a_person(zhongning: Scenario) -> None:
    """Simulation time goes with events: a list of 20,000 must stay cheap."""
    outcomes = simulate(zhongning, YEARS)
    assert outcomes.sums.events.mean(axis=0).sum() / 20_000 < 0.33


def test_variants_leave_the_county_as_it_is(zhongning: Scenario) -> None:
    variants = load_scenario("zhongning-2020-variants")
    assert variants.population == zhongning.population
    assert variants.perils == zhongning.perils
    assert {name: variants.programmes[name] for name in zhongning.programmes} == zhongning.programmes


def test_both_programmes_of_the_joint_scenario_are_those_alone(zhongning: Scenario) -> None:
    joint = load_scenario("ningxia-joint")
    assert list(joint.programmes) == ["base", "catastrophe", "both"]
    base, both = joint.programmes["base"], joint.programmes["both"]
    assert base == zhongning.programmes["base"]
    # Notes and labels apart, the coverages of both are those of the two.
    alone = base.coverages | joint.programmes["catastrophe"].coverages
    for name, coverage in both.coverages.items():
        apart = {"note", "label", "source"}
        assert coverage.model_dump(exclude=apart) == alone[name].model_dump(exclude=apart)
    assert set(both.coverages) == set(alone)
    assert joint.population.classes == zhongning.population.classes
    assert joint.layers == zhongning.layers
    replaced = {"flood"}
    assert {n: p for n, p in joint.perils.items() if n in zhongning.perils and n not in replaced} == {
        n: p for n, p in zhongning.perils.items() if n not in replaced
    }


def test_cited_figures_are_complete() -> None:
    with (SCENARIOS / "sources" / "figures.csv").open(encoding="utf-8", newline="") as file:
        rows: list[dict[str, Any]] = list(csv.DictReader(file))
    assert rows
    for column in ("key", "value", "unit", "year", "place", "source_title", "source_address", "confidence"):
        assert all(row[column] for row in rows), column
