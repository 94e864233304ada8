"""The library: every shipped scenario has a line, and one of one's own starts from any of them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from fangpinbao.cli import app
from fangpinbao.engine import simulate
from fangpinbao.errors import InputError
from fangpinbao.library import listing, start_scenario
from fangpinbao.scenario import load_scenario, scenario_names

ROOT = Path(__file__).resolve().parents[1]
PLACES = [name for name in scenario_names() if "/" not in name]


def call(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], env={"COLUMNS": "140"})


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_each_scenario_has_one_line(lang: str) -> None:
    lines = listing("zh" if lang == "zh" else "en")
    assert [line.split()[0] for line in lines] == sorted(scenario_names(), key=lambda n: ("/" in n, n))
    by_name = {line.split()[0]: line for line in lines}
    for name in PLACES:
        scenario = load_scenario(name)
        assert scenario.title.in_language(lang) in by_name[name]
        assert str(scenario.calendar_year) in by_name[name]
        assert (scenario.place or "") in by_name[name]


def test_the_command_prints_the_list() -> None:
    result = call("scenarios", "--lang", "zh")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == listing("zh")


@pytest.mark.parametrize("name", scenario_names())
def test_a_scenario_of_ones_own_starts_from_any(name: str, tmp_path: Path) -> None:
    file = start_scenario("mine", name, tmp_path)
    left = {path.name for path in tmp_path.iterdir()}
    brought = {"catalogues"} if name in ("yinchuan-1739", "ningxia-joint-1709") else set()
    assert left == {"mine.toml", *brought}
    mine, theirs = load_scenario(file), load_scenario(name)
    assert mine.name == "mine"
    assert name.rpartition("/")[2] in mine.title.en
    changed = {"name", "title"}
    assert mine.model_dump(exclude=changed) == theirs.model_dump(exclude=changed)
    assert mine.numbers == theirs.numbers


def test_it_runs_after_a_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = call("new", "my-county")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "my-county.toml written" in result.stdout
    text = (tmp_path / "my-county.toml").read_text(encoding="utf-8")
    changed = text.replace("persons = { value = 10_000", "persons = { value = 500")
    (tmp_path / "my-county.toml").write_text(changed, encoding="utf-8")
    assert call("check", "my-county.toml").exit_code == 0
    assert simulate(load_scenario("my-county.toml"), 2).compiled.population.persons == 500


def test_a_scenario_starts_from_a_file_of_the_same_folder(tmp_path: Path) -> None:
    first = start_scenario("first", "county-template", tmp_path)
    second = start_scenario("second", str(first), tmp_path)
    assert load_scenario(second).name == "second"


def test_a_name_that_is_taken_from_another_file_is_replaced_too(tmp_path: Path) -> None:
    (tmp_path / "near.toml").write_text('extends = "county-template"\nplace = "here"\n', encoding="utf-8")
    mine = load_scenario(start_scenario("mine", str(tmp_path / "near.toml"), tmp_path))
    assert (mine.name, mine.title.en, mine.place) == ("mine", "mine, from near", "here")


def test_data_files_come_along_and_leave_with_what_would_not_load(tmp_path: Path) -> None:
    theirs, ours = tmp_path / "theirs", tmp_path / "ours"
    ours.mkdir()
    shutil.copytree(ROOT / "scenarios" / "catalogues", theirs / "catalogues")
    (theirs / "near.toml").write_text('extends = "yinchuan-1739"\n', encoding="utf-8")
    (theirs / "wrong.toml").write_text('extends = "yinchuan-1739"\nplacee = "x"\n', encoding="utf-8")
    with pytest.raises(InputError, match=r"placee is read by nothing. Did you mean place\?"):
        start_scenario("mine", str(theirs / "wrong.toml"), ours)
    assert list(ours.iterdir()) == []
    assert load_scenario(start_scenario("mine", str(theirs / "near.toml"), ours)).name == "mine"
    assert (ours / "catalogues").is_dir()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("my county", "is not a name. Begin with a letter; use letters, digits, _ and -."),
        ("zhongning-2020", "is the name of a shipped scenario. Choose another"),
        ("there", "exists already. Choose another name."),
    ],
)
def test_a_bad_name_is_refused_and_nothing_is_written(name: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "there.toml").write_text("mine", encoding="utf-8")
    with pytest.raises(InputError) as refused:
        start_scenario(name, "county-template", tmp_path)
    assert words in str(refused.value)
    assert [path.name for path in tmp_path.iterdir()] == ["there.toml"]
    assert (tmp_path / "there.toml").read_text(encoding="utf-8") == "mine"


def test_what_would_not_load_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    (tmp_path / "broken.toml").write_text('format = 1\nname = "broken"\ntitle = "b"\n', encoding="utf-8")
    with pytest.raises(InputError, match=r"population is missing"):
        start_scenario("mine", str(tmp_path / "broken.toml"), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["broken.toml"]
    assert call("new", "mine", "--from", "nowhere").exit_code == 2


def test_the_template_asks_for_ten_numbers() -> None:
    """Each is marked in the file; the third share is the rest of the first two."""
    template = load_scenario("county-template")
    asked = {number.place for number in template.numbers if number.source == "county"}
    rest = "population.classes.other_low_income.share"
    assert rest in asked
    assert len(asked - {rest}) == 10
    text = (ROOT / "scenarios" / "county-template.toml").read_text(encoding="utf-8")
    for number in (*range(1, 3), *range(5, 11)):
        assert f"\n# {number}. " in text
    assert "\n# 3, 4. " in text
