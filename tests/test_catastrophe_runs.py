"""Runs of catastrophe contracts: the same bits, keys that know no contract, files of events, the command line."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pandas as pd
import pytest
from scipy import stats
from typer.testing import CliRunner

from fangpinbao.catastrophe.event_file import read_event_file
from fangpinbao.catastrophe.exposure import CellMap
from fangpinbao.catastrophe.figures import catastrophe_figures
from fangpinbao.catastrophe.households import household_impacts
from fangpinbao.catastrophe.model import CatastropheModel
from fangpinbao.catastrophe.outcomes import CatastropheOutcomes, simulate_catastrophe
from fangpinbao.catastrophe_files import write_catastrophe
from fangpinbao.cli import app
from fangpinbao.event_losses import EventLosses
from fangpinbao.files import results_schema
from fangpinbao.scenario import Scenario, load_scenario
from tests.catastrophe_cases import CELLS, contract, document, quake, scenario, storm


def same(a: CatastropheOutcomes, b: CatastropheOutcomes) -> bool:
    names = ("path", "day", "peril", "size", "id", "counts", "gross")
    return all(np.array_equal(getattr(a.harm, name), getattr(b.harm, name)) for name in names)


@pytest.fixture(scope="module")
def quakes_and_storms() -> Scenario:
    contracts = {"base": contract(["storm", "earthquake"], cumulative=20_000_000, premium=100_000)}
    return scenario(100_000, earthquake=quake(), contracts=contracts)


@pytest.fixture(scope="module")
def outcomes(quakes_and_storms: Scenario) -> CatastropheOutcomes:
    return simulate_catastrophe(quakes_and_storms, 12_000, 3, threads=2)


# --- keys ----------------------------------------------------------------------------------------------


def test_threads_do_not_matter(quakes_and_storms: Scenario, outcomes: CatastropheOutcomes) -> None:
    alone = simulate_catastrophe(quakes_and_storms, 12_000, 3, threads=1)
    assert same(alone, outcomes)
    assert np.array_equal(alone.paid, outcomes.paid)


def test_fewer_years_are_the_first_of_more(
    quakes_and_storms: Scenario, outcomes: CatastropheOutcomes
) -> None:
    fewer = simulate_catastrophe(quakes_and_storms, 700, 3)
    first = outcomes.harm.path < 700
    assert np.array_equal(fewer.harm.counts, outcomes.harm.counts[first])


def test_a_contract_is_no_part_of_a_key(quakes_and_storms: Scenario, outcomes: CatastropheOutcomes) -> None:
    more = {"base": contract(["storm"], per_person=1), "other": contract(["earthquake"])}
    other = simulate_catastrophe(scenario(100_000, earthquake=quake(), contracts=more), 12_000, 3, threads=2)
    assert np.array_equal(other.harm.counts, outcomes.harm.counts)


def test_a_peril_does_not_disturb_the_others(outcomes: CatastropheOutcomes) -> None:
    more = {"aaa": storm(), "storm": storm()}
    terms = {"base": contract(["storm"])}
    other = simulate_catastrophe(scenario(100_000, earthquake=quake(), perils=more, contracts=terms), 1000, 3)
    for peril in ("storm", "earthquake"):
        mine = (outcomes.harm.peril == outcomes.perils.index(peril)) & (outcomes.harm.path < 1000)
        theirs = other.harm.peril == other.perils.index(peril)
        assert np.array_equal(outcomes.harm.counts[mine], other.harm.counts[theirs])


def test_a_higher_rate_only_adds_events() -> None:
    def ids(rate: float) -> set[int]:
        frequency = {"law": "poisson", "events_per_year": rate}
        one = scenario(200_000, perils={"storm": storm(frequency=frequency)})
        return set(simulate_catastrophe(one, 500).harm.id.tolist())

    assert ids(0.5) < ids(0.9)


def test_a_seed_is_another_world(quakes_and_storms: Scenario, outcomes: CatastropheOutcomes) -> None:
    assert not same(simulate_catastrophe(quakes_and_storms, 12_000, 4, threads=2), outcomes)


# --- what is kept --------------------------------------------------------------------------------------


def test_tables_agree_with_each_other(outcomes: CatastropheOutcomes) -> None:
    losses = outcomes.event_losses("base")
    assert isinstance(losses, EventLosses)
    assert losses.perils == ("earthquake", "storm")
    assert np.array_equal(losses.by_year(), outcomes.paid_by_path("base"))
    by_year, by_event = outcomes.by_year, outcomes.by_event
    assert by_year["payout_fen"].tolist() == outcomes.paid_by_path("base").tolist()
    assert by_event["base_paid_fen"].sum() == by_year["payout_fen"].sum()
    assert by_event["dead"].sum() == by_year["dead"].sum()
    assert by_year["weight"].sum() == pytest.approx(1.0)
    assert (by_event["base_paid_fen"] <= by_event["base_owed_fen"]).all()
    assert by_year["payout_fen"].max() == 2_000_000_000
    assert losses.event.size == np.unique(losses.event).size


def test_losses_that_are_out_of_order_are_refused() -> None:
    column = np.array([1, 0])
    with pytest.raises(ValueError, match="sorted"):
        EventLosses(2, column, column, column, column, column, ("a",))
    with pytest.raises(ValueError, match="rows"):
        EventLosses(1, np.array([0, 1]), column, column, column, column, ("a",))


def test_figures_are_those_of_the_tables(outcomes: CatastropheOutcomes) -> None:
    figures = catastrophe_figures(outcomes)
    payout = outcomes.yuan_by_path("base")
    mean = figures.one("payout", "base", "mean")
    assert mean.value == pytest.approx(payout.mean())
    assert mean.standard_error == pytest.approx(payout.std(ddof=1) / np.sqrt(payout.size))
    assert figures.one("loss_ratio", "base").value == pytest.approx(payout.mean() / 100_000)
    parts = figures.select(programme="base", measure="payout", group={"storm", "earthquake"})
    assert sum(part.value for part in parts) == pytest.approx(mean.value)
    assert figures.one("no_claim", "base").value == pytest.approx((payout == 0).mean())
    assert (
        figures.one("payout", "base", "return_period_200").value
        == np.sort(payout)[int(0.995 * payout.size) - 1]
    )
    used_up = figures.one("cumulative_limit_used_up", "base").value
    assert used_up == pytest.approx((payout >= 20_000_000).mean())


def test_a_window_counts_its_months_only(tmp_path: Path) -> None:
    """Years begin in December; ten months end on 30 September, day 303 (counted from 0)."""
    rows = [
        "event,peril,year,day,cell,loss",
        "last,storm,1,304,north,5",
        "after,storm,2,305,north,5",
        "first,storm,3,1,north,5",
    ]
    (tmp_path / "e.csv").write_text("\n".join(rows), encoding="utf-8")
    terms = contract(["storm"], observed={"months": 10, "claims": 0})
    tables: dict[str, Any] = {
        "first_month": 12,
        "catalogue": {"file": "e.csv", "years": 4},
        "contracts": {"base": terms},
    }
    one = Scenario.from_document(document(**tables), file=tmp_path / "s.toml")
    figures = catastrophe_figures(simulate_catastrophe(one, 4))
    assert figures.one("no_claim", "base", group="first_10_months").value == 0.5  # years 2 and 4
    assert figures.one("no_claim", "base").value == 0.25


def test_visitors_and_hours() -> None:
    indoors = [1.0] * 12 + [0.5] * 12
    visitors = {"guests": {"persons": 100, "where": "hills", "months": [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]}}
    one = scenario(1000, exposure={"residents": 1000, "visitors": visitors, "indoors": indoors})
    assert one.catastrophe is not None
    cells = CellMap.of(one.catastrophe)
    assert cells.people[1].tolist() == [400, 300, 200, 100]
    assert cells.people[0].tolist() == [400, 300, 225, 175]
    assert cells.people[11].tolist() == [400, 300, 250, 250]
    assert cells.mean_people == pytest.approx(1000 + 31 * (100 + 200) / 365)
    outside = storm(
        casualties={"deaths": {"law": "points", "at": [0.5], "rates": [0.01]}, "exposed": "outdoors"}
    )
    model = CatastropheModel(
        scenario(1000, exposure={"residents": 1000, "indoors": indoors}, perils={"storm": outside}), 1
    )
    # Outdoors 0 by night and 0.5 by day: twice the mean rate by day, nobody by night.
    assert model.vulnerability[0].by_hour.tolist() == [0.0] * 12 + [2.0] * 12


def test_impacts_on_households() -> None:
    damage = {
        "hit": {"law": "points", "at": [0.5], "rates": [0.25]}, "loss": {"law": "points", "at": [0.5], "rates": [0.1]},
        "injured_per_death": 4.0,
    }  # fmt: skip
    casualties = {"deaths": {"law": "points", "at": [0.5], "rates": [0.01]}, "disabled_per_death": 1.0}
    model = CatastropheModel(scenario(perils={"storm": storm(damage=damage, casualties=casualties)}), 2)
    (events,) = model.draw(np.arange(50))
    impacts = household_impacts(model, events)
    assert impacts.cell.tolist() == [0, 1, 2, 3] * len(events)
    assert impacts.event_of.tolist() == np.repeat(np.arange(len(events)), 4).tolist()
    for name, expected in (
        ("share_hit", 0.25),
        ("loss_share", 0.1),
        ("death_chance", 0.01),
        ("casualty_chance", 0.02),
        ("injury_chance", 0.04),
    ):
        assert getattr(impacts, name) == pytest.approx(np.full(impacts.cell.size, expected)), name


def test_county_totals_spread_over_their_cells() -> None:
    cells = CELLS | {"counties": ["a", "a", "b", "b"], "county_residents": {"a": 1, "b": 3}}
    one = scenario(4000, cells=cells)
    assert one.catastrophe is not None
    assert CellMap.of(one.catastrophe).residents.tolist() == [571, 429, 2000, 1000]


# --- events of a file ----------------------------------------------------------------------------------


def test_intensities_of_a_file_meet_the_vulnerability(tmp_path: Path) -> None:
    """A catalogue with the storm's own rate and intensity has the storm's law of deaths."""
    rows = "".join(f"s,storm,0.8,{cell},1.0\n" for cell in CELLS["names"])
    (tmp_path / "e.csv").write_text("event,peril,rate,cell,intensity\n" + rows, encoding="utf-8")
    one = Scenario.from_document(document(100_000, catalogue={"file": "e.csv"}), file=tmp_path / "s.toml")
    outcomes = simulate_catastrophe(one, 20_000, threads=2)
    dead = outcomes.by_path(outcomes.harm.deaths)
    expected = 0.8 * 100_000 * 1e-3
    assert abs(dead.mean() - expected) < 4 * dead.std() / np.sqrt(dead.size)


def test_parquet_and_csv_are_read_alike(tmp_path: Path) -> None:
    columns = {
        "event": ["a", "a", "b"], "peril": "storm", "rate": [0.1, 0.1, 0.2], "cell": ["north", "south", "east"],
        "intensity": [1.0, 2.0, 3.0], "size": [None, None, 9.0],
    }  # fmt: skip
    frame = pd.DataFrame(columns)
    frame.to_csv(tmp_path / "e.csv", index=False)
    frame.to_parquet(tmp_path / "e.parquet")
    table = scenario().catastrophe
    assert table is not None
    cells = CellMap.of(table)
    found = [read_event_file(tmp_path / name, ("storm",), cells, None) for name in ("e.csv", "e.parquet")]
    for one in found:
        assert one.names == ("a", "b")
        assert one.size.tolist() == [2.0, 9.0]
        assert one.cells.tolist() == [0, 1, 2]
        assert one.rate is not None
        assert one.rate.tolist() == [0.1, 0.2]


# --- files and commands --------------------------------------------------------------------------------


def test_results_are_written_and_valid(outcomes: CatastropheOutcomes, tmp_path: Path) -> None:
    figures = catastrophe_figures(outcomes)
    folder = write_catastrophe(tmp_path / "out", outcomes, figures)
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["by_year.parquet", "events.parquet", "numbers.csv", "results.json", "scenario.json"]
    result = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(results_schema()).validate(result)
    assert result["provenance"]["programmes"] == ["base"]
    again = {path.name: path.read_bytes() for path in folder.iterdir()}
    write_catastrophe(folder, outcomes, figures)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == again
    assert (
        pd.read_parquet(folder / "by_year.parquet")["payout_fen"].sum() == outcomes.paid_by_path("base").sum()
    )


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_command_line(lang: str, tmp_path: Path) -> None:
    runner = CliRunner(env={"COLUMNS": "140"})
    out = tmp_path / "out"
    result = runner.invoke(
        app, ["run", "yinchuan-2018", "--years", "400", "--lang", lang, "--out", str(out), "--no-ranges"]
    )
    assert result.exit_code == 0, result.output
    assert ("How bad can it get?" if lang == "en" else "最坏会怎样？") in result.output
    assert "±" in result.output
    assert (out / "events.parquet").is_file()
    checked = runner.invoke(app, ["check", "yinchuan-2018"])
    assert "no problems" in checked.output
    assert "51, 2,250,000 residents" in checked.output


def test_ranges_of_the_payout(tmp_path: Path) -> None:
    """Deaths are in proportion to the rate, so the mean payout is as well, but for the numbers drawn."""
    rate = {"value": 0.8, "range": [0.4, 1.6]}
    one = storm(frequency={"law": "poisson", "events_per_year": rate})
    file = tmp_path / "s.json"
    scenario_ = Scenario.from_document(document(100_000, perils={"storm": one}), file=file)
    from fangpinbao.catastrophe_ranges import payout_ranges

    (found,) = payout_ranges(scenario_, 4000, 1, {"base": 1000.0}, threads=1)
    assert found.place == "catastrophe.perils.storm.frequency.events_per_year"
    # 4,000 Poisson years: the ratio of two means is known to about 3%.
    assert found.at_low["base"] == pytest.approx(500.0, rel=0.15)
    assert found.at_high["base"] == pytest.approx(2000.0, rel=0.15)
    record = {"place": found.place, "value": 0.8, "low": 0.4, "high": 1.6, "years": 4000}
    assert {key: found.record()[key] for key in record} == record


def test_households_and_contracts_in_one_scenario(tmp_path: Path) -> None:
    """Both are shown; their events are not joined."""
    village = """
format = 1
name = "both"
title = "both"
extends = "yinchuan-2018"
simulation = { years = 300, seed = 1 }
population = { persons = 50 }
[perils.fire]
exposed = "household"
frequency = { law = "bernoulli", probability = 0.1 }
books = [{ account = "property_loss", amount = { law = "constant", amount = 1_000 } }]
[programmes.village.coverages.fire]
accounts = ["property_loss"]
unit = "household_year"
"""
    (tmp_path / "both.toml").write_text(village, encoding="utf-8")
    result = CliRunner().invoke(
        app, ["run", str(tmp_path / "both.toml"), "--no-ranges"], env={"COLUMNS": "140"}
    )
    assert result.exit_code == 0, result.output
    assert "What must it cost?" in result.output
    assert "Is the premium dear or cheap?" in result.output


def test_the_scenario_of_the_page(tmp_path: Path) -> None:
    page = (Path(__file__).resolve().parents[1] / "docs" / "catastrophe.md").read_text(encoding="utf-8")
    text, households = re.findall(r"```toml\n(.*?)```", page, flags=re.DOTALL)
    (tmp_path / "two-towns.toml").write_text(text, encoding="utf-8")
    one = load_scenario(tmp_path / "two-towns.toml")
    outcomes = simulate_catastrophe(one)
    assert outcomes.paid_by_path("base").max() > 0
    # Great floods: 0.5 a year, above 2.5 m with the chance of a lognormal.
    great = 0.5 * stats.norm.sf(np.log(2.5 / 0.6) / 0.7)
    assert outcomes.years.probabilities == pytest.approx([1 - np.exp(-great), np.exp(-great)], rel=1e-9)
    # The part about households fits the joint scenario, key by key.
    joint = load_scenario("ningxia-joint").document
    joint["perils"]["earthquake"]["books"] = tomllib.loads(households)["perils"]["earthquake"]["books"]
    Scenario.from_document(joint)
