"""Results in a folder: complete or not at all, valid by their schema, the same bytes on a rerun."""

import csv
import json
from pathlib import Path
from typing import Any

import jsonschema
import pandas as pd
import pytest

from fangpinbao.doubt import RosterDoubt, RosterSpread
from fangpinbao.engine import simulate
from fangpinbao.errors import InputError
from fangpinbao.figures import Figures, all_figures
from fangpinbao.files import FIELDS, FILES, check_directory, results_document, results_schema, write_results
from fangpinbao.outcomes import Outcomes
from fangpinbao.ranges import HeadlineRange, headline_ranges, numbers_with_ranges
from fangpinbao.scenario import load_scenario

SMALL = Path(__file__).parent / "data_cli" / "small.toml"
YEARS = 40


@pytest.fixture(scope="module")
def outcomes() -> Outcomes:
    return simulate(load_scenario(SMALL), YEARS, threads=1)


@pytest.fixture(scope="module")
def figures(outcomes: Outcomes) -> Figures:
    return all_figures(outcomes)


@pytest.fixture(scope="module")
def ranges(outcomes: Outcomes) -> list[HeadlineRange]:
    return headline_ranges(outcomes.scenario, 10, 7, population=outcomes.compiled.population, threads=1)


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


# --- what is written -----------------------------------------------------------------------------------


@pytest.mark.smoke
def test_results_are_valid_by_their_schema(
    outcomes: Outcomes, figures: Figures, ranges: list[HeadlineRange], tmp_path: Path
) -> None:
    jsonschema.Draft202012Validator.check_schema(results_schema())
    doubt = RosterDoubt(8, 100, (RosterSpread("base", "poverty", "gap_closed", 12.5, "yuan"),))
    folder = write_results(
        tmp_path / "out", outcomes, figures, ranges=ranges, changes={"a.b": [1, 2.5]}, doubt=doubt
    )
    document = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(results_schema()).validate(document)

    assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)
    assert list(tmp_path.iterdir()) == [folder]
    assert len(document["figures"]) == len(figures) > 100
    assert document["figures"][0] == {name: getattr(figures[0], name) for name in FIELDS}
    assert document["provenance"]["scenario"]["changes"] == {"a.b": [1, 2.5]}
    spread = {"programme": "base", "line": "poverty", "measure": "gap_closed", "standard_deviation": 12.5}
    assert document["roster_doubt"] == {"rosters": 8, "years": 100, "spreads": [{**spread, "unit": "yuan"}]}


def test_the_schema_refuses_what_is_no_result(outcomes: Outcomes, figures: Figures) -> None:
    validator = jsonschema.Draft202012Validator(results_schema())
    document = json.loads(json.dumps(results_document(outcomes, figures)))
    assert validator.is_valid(document)
    spoiled: list[Any] = [
        {**document, "format": 2},
        {**document, "figures": [{**document["figures"][0], "value": "1"}]},
        {**document, "figures": [{**document["figures"][0], "extra": 1}]},
        {**document, "provenance": {"seed": 1}},
        {**document, "roster_doubt": {"rosters": 8}},
        {name: value for name, value in document.items() if name != "roster_doubt"},
    ]

    assert not any(map(validator.is_valid, spoiled))


def test_a_rerun_writes_the_same_bytes(outcomes: Outcomes, figures: Figures, tmp_path: Path) -> None:
    first = bytes_of(write_results(tmp_path / "first", outcomes, figures))
    again = simulate(load_scenario(SMALL), YEARS, threads=2)
    second = bytes_of(write_results(tmp_path / "second", again, all_figures(again)))

    assert first == second
    for name in ("results.json", "scenario.json", "numbers.csv"):
        assert str(tmp_path).encode() not in first[name]


def test_the_tables_hold_the_yearly_results(outcomes: Outcomes, figures: Figures, tmp_path: Path) -> None:
    folder = write_results(tmp_path / "out", outcomes, figures)
    by_year = pd.read_parquet(folder / "by_year.parquet")
    coverage = pd.read_parquet(folder / "by_year_coverage.parquet")

    assert list(by_year.columns[:5]) == ["programme", "path", "calendar_year", "stratum", "weight"]
    assert len(by_year) == 3 * YEARS
    assert by_year["payout_fen"].dtype == "int64"
    for name in ("base", "capped"):
        paid = coverage[(coverage["programme"] == name) & (coverage["kind"] == "insurance")]
        mine = by_year[by_year["programme"] == name].set_index("path")["payout_fen"]
        assert (paid.groupby("path")["paid_fen"].sum() == mine).all()


def test_every_number_stands_with_its_source(outcomes: Outcomes, figures: Figures, tmp_path: Path) -> None:
    folder = write_results(tmp_path / "out", outcomes, figures)
    with (folder / "numbers.csv").open(encoding="utf-8-sig", newline="") as handle:
        rows = {row["place"]: row for row in csv.DictReader(handle)}
    counts = json.loads((folder / "results.json").read_text(encoding="utf-8"))["provenance"]["numbers"]

    assert len(rows) == len(outcomes.scenario.numbers)
    assert rows["lines.dibao_standard"]["title"] == "A county rule"
    assert rows["lines.dibao_standard"]["status"] == "official"
    assert (rows["layers.basic.rate"]["status"], rows["lines.monitoring_line"]["status"]) == (
        "official",
        "assumed",
    )
    deductible = rows["programmes.base.coverages.illness.deductible"]
    assert (deductible["value"], deductible["low"], deductible["high"]) == ("3000", "1000.0", "8000.0")
    assert counts == {
        status: sum(row["status"] == status for row in rows.values())
        for status in ("official", "published", "assumed")
    }


def test_the_resolved_scenario_can_be_loaded_again(
    outcomes: Outcomes, figures: Figures, tmp_path: Path
) -> None:
    folder = write_results(tmp_path / "out", outcomes, figures)
    document = json.loads((folder / "scenario.json").read_text(encoding="utf-8"))

    assert type(outcomes.scenario).from_document(document).digest == outcomes.scenario.digest


# --- where it is written -------------------------------------------------------------------------------


def test_an_earlier_result_is_replaced(outcomes: Outcomes, figures: Figures, tmp_path: Path) -> None:
    target = tmp_path / "a" / "b"
    write_results(target, outcomes, figures)
    (target / "numbers.csv").write_text("old", encoding="utf-8")
    write_results(target, outcomes, figures)

    assert (target / "numbers.csv").read_text(encoding="utf-8-sig").startswith("place,")
    assert list(target.parent.iterdir()) == [target]


def test_an_empty_folder_is_filled(outcomes: Outcomes, figures: Figures, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    assert (write_results(tmp_path / "out", outcomes, figures) / "results.json").is_file()


def test_a_foreign_folder_is_refused_and_left_alone(
    outcomes: Outcomes, figures: Figures, tmp_path: Path
) -> None:
    folder = tmp_path / "thesis"
    folder.mkdir()
    (folder / "chapter.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(
        InputError, match=r"thesis has 1 problem\n 1\. already holds other files \(chapter.txt\)"
    ):
        write_results(folder, outcomes, figures)

    assert bytes_of(folder) == {"chapter.txt": b"mine"}


@pytest.mark.parametrize(
    "content", ["{}", "no json", '{"format": 1, "provenance": {"created_by": "another"}}']
)
def test_results_of_another_program_are_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "results.json").write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match="already holds other files"):
        check_directory(tmp_path)


def test_notes_put_beside_an_earlier_result_are_not_lost(
    outcomes: Outcomes, figures: Figures, tmp_path: Path
) -> None:
    folder = write_results(tmp_path / "out", outcomes, figures)
    (folder / "notes.md").write_text("mine", encoding="utf-8")
    with pytest.raises(InputError, match=r"other files \(notes.md\)"):
        check_directory(folder)


def test_a_file_in_the_way_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "out"
    file.write_text("mine", encoding="utf-8")
    with pytest.raises(InputError, match="is a file, not a folder"):
        check_directory(file)
    with pytest.raises(InputError, match="lies below a file"):
        check_directory(file / "deeper")


@pytest.mark.parametrize("earlier", [False, True])
def test_an_interruption_leaves_what_was_there(
    outcomes: Outcomes, figures: Figures, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, earlier: bool
) -> None:
    target = tmp_path / "out"
    before = bytes_of(write_results(target, outcomes, figures)) if earlier else None

    def interrupt(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(pd.DataFrame, "to_parquet", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_results(target, outcomes, figures)

    assert list(tmp_path.iterdir()) == ([target] if earlier else [])
    assert not earlier or bytes_of(target) == before


# --- ranges --------------------------------------------------------------------------------------------


def test_ranges_move_the_pure_premium_the_way_the_terms_say(
    outcomes: Outcomes, ranges: list[HeadlineRange]
) -> None:
    by_place = {one.place: one for one in ranges}
    deductible = by_place["programmes.base.coverages.illness.deductible"]
    frequency = by_place["perils.inpatient.frequency.events_per_year"]

    assert list(by_place) == [number.place for number in numbers_with_ranges(outcomes)]
    assert "programmes.base.loading.expense_share" not in by_place
    assert list(deductible.at_low) == ["base"]
    assert deductible.at_low["base"] > deductible.at_high["base"]
    assert set(frequency.at_low) == {"base", "capped"}
    assert frequency.at_low["base"] < frequency.at_high["base"]


def test_ranges_keep_to_the_headline_of_a_longer_run(outcomes: Outcomes, ranges: list[HeadlineRange]) -> None:
    people = outcomes.compiled.population
    doubled = {name: 2 * simulate_premium(outcomes, name) for name in ("base", "capped")}
    longer = headline_ranges(outcomes.scenario, 10, 7, headline=doubled, population=people, threads=1)
    short = simulate(outcomes.scenario, 10, 7, threads=1, population=people)
    times = doubled["base"] / simulate_premium(short, "base")

    for one, other in zip(longer, ranges, strict=True):
        assert one.at_low["base"] == pytest.approx(times * other.at_low["base"])


def simulate_premium(outcomes: Outcomes, programme: str) -> float:
    insured = outcomes.compiled.insured[outcomes.index(programme)].sum()
    return float(outcomes.yuan_by_year(programme).mean() / insured)
