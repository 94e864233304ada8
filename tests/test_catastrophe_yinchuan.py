"""The shipped contracts of Yinchuan: official terms, what must hold of their figures, the replay of 1739."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats
from typer.testing import CliRunner

from fangpinbao.catastrophe.figures import catastrophe_figures
from fangpinbao.catastrophe.model import CatastropheModel
from fangpinbao.catastrophe.outcomes import CatastropheOutcomes, simulate_catastrophe
from fangpinbao.cli import app
from fangpinbao.records import Figures
from fangpinbao.scenario import Number, Scenario, load_scenario

SCENARIOS = Path(__file__).resolve().parents[1] / "scenarios"
BASE_2019 = "catastrophe.contracts.base"
OFFICIAL = {
    "yinchuan-2018": {
        f"{BASE_2019}.per_person": 20_000, f"{BASE_2019}.cumulative": 500_000_000, f"{BASE_2019}.premium": 600_000,
        f"{BASE_2019}.observed.claims": 0, "records.insured_people.value": 3_000_000,
        "records.pool_carriers.value": 10,
    },
    "yinchuan-2019": {
        f"{BASE_2019}.per_person": 50_000, f"{BASE_2019}.cumulative": 800_000_000,
        f"{BASE_2019}.premium_per_resident": 1, f"{BASE_2019}.observed.claims": 0,
        "catastrophe.exposure.residents": 2_250_000,
    },
}  # fmt: skip
NAMED = ["earthquake", "rainstorm", "lightning", "snow", "windstorm"]


def numbers(scenario: Scenario) -> dict[str, Number]:
    return {number.place: number for number in scenario.numbers}


@pytest.fixture(scope="module")
def outcomes() -> CatastropheOutcomes:
    return simulate_catastrophe(load_scenario("yinchuan-2019"), 20_000, threads=2)


@pytest.fixture(scope="module")
def figures(outcomes: CatastropheOutcomes) -> Figures:
    return catastrophe_figures(outcomes)


@pytest.mark.parametrize(
    ("name", "place"), [(name, place) for name, facts in OFFICIAL.items() for place in facts]
)
def test_official_terms(name: str, place: str) -> None:
    number = numbers(load_scenario(name))[place]
    assert (number.value, number.status) == (OFFICIAL[name][place], "official")


@pytest.mark.parametrize("name", OFFICIAL)
def test_only_what_the_document_states_is_official(name: str) -> None:
    """Terms of the contracts, the residents, and nothing of hazard or vulnerability."""
    official = {number.place for number in load_scenario(name).numbers if number.status == "official"}
    ends = (
        "per_person",
        "cumulative",
        "premium",
        "premium_per_resident",
        "observed.months",
        "observed.claims",
    )
    others = (
        "catastrophe.exposure.residents",
        *(place for place in OFFICIAL[name] if place.startswith("records.")),
    )
    assert all(place.endswith(ends) or place in others for place in official)


def test_thirteen_perils_of_which_five_are_named() -> None:
    scenario = load_scenario("yinchuan-2019")
    assert scenario.catastrophe is not None
    for contract in scenario.catastrophe.contracts.values():
        assert len(set(contract.perils)) == 13
        assert contract.perils[:5] == NAMED


def test_nearly_three_million_are_there_in_june_and_october() -> None:
    """Residents and the visitors of the file by hand; the document's "over 3 million" were covered in the year."""
    people = CatastropheModel(load_scenario("yinchuan-2018"), 1).cells.people.sum(axis=1)
    june, october, february = (
        2_250_000 + 120_000 * students + 550_000 * workers + 60_000 * tourists
        for students, workers, tourists in ((1, 1, 1.3), (1, 1, 1.3), (0.3, 0.4, 0.5))
    )
    assert people[[5, 9, 1]].tolist() == [june, october, february] == [2_998_000, 2_998_000, 2_536_000]
    assert (people.min(), people.max()) == (february, june)


def test_residents_of_the_six_units_are_those_of_the_census() -> None:
    scenario = load_scenario("yinchuan-2019")
    assert scenario.catastrophe is not None
    cells = scenario.catastrophe.cells
    census = cells.county_residents
    assert census is not None
    assert sum(census.values()) == 2_859_074
    residents = CatastropheModel(scenario, 1).cells.residents
    assert residents.sum() == 2_250_000
    for county, total in census.items():
        mine = residents[[name == county for name in cells.counties or []]].sum()
        assert mine == pytest.approx(total / 2_859_074 * 2_250_000, abs=len(cells.names))


def test_the_graben_has_three_great_earthquakes_in_a_thousand_years() -> None:
    """The published record since 1010: three of M 6.5 and more, one of them near M 8."""
    scenario = load_scenario("yinchuan-2019")
    assert scenario.catastrophe is not None
    assert scenario.catastrophe.earthquake is not None
    zone = scenario.catastrophe.earthquake.zones["yinchuan_graben"]
    share = (10 ** (-0.84 * 1.5) - 10 ** (-0.84 * 3)) / (1 - 10 ** (-0.84 * 3))
    assert 976 * zone.events_per_year * share == pytest.approx(3.0, rel=0.02)


def test_every_month_and_peril_comes(outcomes: CatastropheOutcomes) -> None:
    assert (outcomes.events_by_peril.sum(axis=0) > 0).all()
    assert {outcomes.perils[q] for q in outcomes.harm.peril} == set(outcomes.perils)


def test_a_trigger_only_takes_away(outcomes: CatastropheOutcomes, figures: Figures) -> None:
    base, triggered = (outcomes.paid_by_path(name) for name in ("base", "triggered"))
    assert (triggered <= base).all()
    assert figures.one("no_claim", "triggered").value > figures.one("no_claim", "base").value + 0.2


def test_the_window_is_as_long_as_it_was(figures: Figures) -> None:
    """Ten months hold more years without a claim than twelve, and every figure has an error."""
    for name in ("base", "triggered", "five_grades"):
        ten = figures.one("no_claim", name, group="first_10_months")
        year = figures.one("no_claim", name)
        assert ten.value > year.value
        assert ten.standard_error
    assert all(figure.standard_error is not None for figure in figures if figure.method == "simulated")


def test_the_thousand_year_loss_is_known_to_a_tenth(figures: Figures) -> None:
    """What plain years could not give: 20,000 of them hold 20 that are worse."""
    found = figures.one("payout", "base", "return_period_1000")
    assert found.standard_error is not None
    assert found.standard_error < 0.1 * found.value


def test_deaths_stand_in_proportion_to_national_ones(figures: Figures) -> None:
    """0.61 to 0.69 dead or missing a million and year in China of all natural disasters, 2015 to 2021.

    Dry Yinchuan should have fewer of weather and ground; earthquakes are rare and the margin wide: in the
    twentieth century they killed over 600,000, 6 to 8 a million and year.
    """
    all_perils = figures.one("dead_per_million", None, "mean", group=None)
    earthquake = figures.one("dead_per_million", None, "mean", group="earthquake")
    assert 0.05 < all_perils.value - earthquake.value < 0.65
    assert 2.0 < earthquake.value < 20.0


def test_the_term_costs_no_more_than_its_years() -> None:
    outcomes = simulate_catastrophe(load_scenario("yinchuan-2019-term"), 3000, threads=2)
    assert outcomes.term_years == 3
    assert (outcomes.paid_by_path("per_term") <= outcomes.paid_by_path("base")).all()
    assert outcomes.event_losses("base").paths == 9000
    figures = catastrophe_figures(outcomes)
    mean = figures.one("payout", "base", "mean")
    yearly = outcomes.yuan_by_path("base") / 3
    weights = outcomes.years.weight
    assert mean.value == pytest.approx(float(weights @ yearly))


def test_the_earthquake_of_1739_kills_as_recorded() -> None:
    """With the curve's own buildings, four to five of ten died in the plain of Yinchuan, as the record says.

    Degree X in the city and its villages: PAGER's curve gives Phi(ln(10 / 10.33) / 0.1) = 0.37, times the
    share of people at home at eight in the evening.
    """
    plain = {
        "catastrophe.earthquake.casualties.urban_factor": 1.0,
        "catastrophe.earthquake.casualties.rural_factor": 1.0,
        "catastrophe.earthquake.casualties.event_factor": {"law": "constant", "amount": 1.0},
    }
    scenario = load_scenario("yinchuan-1739").replace_all(plain)
    model = CatastropheModel(scenario, 1)
    (events,) = model.draw(np.arange(1))
    harm = model.harm(events, by_cell=True)
    at_ten = events.intensities == 10.0
    people = model.cells.people[0][events.cells[at_ten]].sum()
    share = harm.deaths[at_ten].sum() / people
    indoors = np.array(scenario.catastrophe.exposure.indoors)  # type: ignore[union-attr]
    expected = stats.norm.cdf(np.log(10 / 10.328811) / 0.100058) * indoors[20] / indoors.mean()
    assert share == pytest.approx(expected, rel=0.01)
    assert 0.35 < share < 0.5


def test_the_earthquake_of_1739_would_use_up_the_limit() -> None:
    outcomes = simulate_catastrophe(load_scenario("yinchuan-1739"), 300, threads=2)
    assert outcomes.events_by_peril.sum(axis=1).tolist() == [1] * 300
    assert (outcomes.harm.day == 33).all()  # 3 January, in a year that begins in December
    used_up = outcomes.paid_by_path("base") == 80_000_000_000
    assert used_up.mean() > 0.9


def test_cited_figures_of_the_catastrophe_scenarios() -> None:
    with (SCENARIOS / "sources" / "figures.csv").open(encoding="utf-8", newline="") as file:
        rows: list[dict[str, Any]] = list(csv.DictReader(file))
    cited = {row["key"]: row["value"] for row in rows}
    assert float(cited["cat.yinchuan.v2.limit_per_person_event"]) == 50_000
    assert float(cited["cat.pager.china.theta"]) == 10.328811
    assert float(cited["population.yinchuan.xingqing"]) == 808_282


def test_the_published_records_stand_beside_the_results() -> None:
    shown = CliRunner().invoke(
        app, ["run", "yinchuan-2018", "--years", "20", "--no-ranges", "--lang", "zh"], env={"COLUMNS": "120"}
    )
    assert shown.exit_code == 0, shown.output
    rows = [line.split() for line in shown.output.splitlines()]
    assert ["覆盖人群（超过）", "人", "3,000,000"] in rows
    assert ["共保体财产保险公司", "家", "10"] in rows
