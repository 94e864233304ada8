"""The command line: exit codes, refusals with every problem on stderr, and tables in both languages."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import jsonschema
import pytest
from typer.testing import CliRunner, Result

from fangpinbao.cli import app
from fangpinbao.engine import population_of
from fangpinbao.population import Population
from fangpinbao.roster import read_roster, write_roster
from fangpinbao.scenario import load_scenario

SMALL = Path(__file__).parent / "data_cli" / "small.toml"


def call(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], env={"COLUMNS": "140"})


def start(*arguments: object, cwd: Path, **options: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "fangpinbao", *map(str, arguments)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "encoding": "utf-8"}
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8"}
    return subprocess.Popen(command, cwd=cwd, env=environment, **pipes, **options)  # type: ignore[call-overload,no-any-return]


def is_refused(result: Result) -> bool:
    return result.exit_code == 2 and not result.stdout and "Traceback" not in result.stderr


# --- run -----------------------------------------------------------------------------------------------


@pytest.mark.smoke
def test_run_prints_the_three_questions_for_every_programme(tmp_path: Path) -> None:
    result = call("run", SMALL, "--years", 20, "--threads", 1, "--out", tmp_path / "out")
    text = result.stdout

    assert result.exit_code == 0, result.stderr
    assert result.stderr == ""
    for words in ("What must it cost?", "What does it pay in a year?", "Whom does it keep from poverty?"):
        assert words in text
    assert re.search(r"pure premium per insured +yuan per insured +[\d.]+ ± [\d.]+ +[\d.]+", text)
    assert "poverty line, 4,000 yuan a head" in text
    assert "monitoring line, 5,000 yuan a head" in text
    assert re.search(r"base: pure premium [\d.]+ yuan, between [\d.]+ and [\d.]+ over these ranges", text)
    assert re.search(
        r"between rosters \(standard deviation\) +unit +\n +pure premium per insured +yuan per", text
    )
    assert "between rosters: over 8 populations made from the same margins, 20 years each" in text
    assert re.search(r"Numbers of the scenario: \d+ official, 1 published, \d+ assumed; every headline", text)
    assert (
        json.loads((tmp_path / "out" / "results.json").read_text(encoding="utf-8"))["provenance"]["years"]
        == 20
    )


def test_run_in_chinese_aligns_and_says_all_in_chinese() -> None:
    result = call("run", SMALL, "--years", 20, "--threads", 1, "--lang", "zh", "--no-ranges", "--variance")
    text = result.stdout

    assert result.exit_code == 0, result.stderr
    for words in (
        "小县",
        "保费应为多少？",
        "一年赔多少？",
        "防住了多少贫困？",
        "贫困线",
        "监测线",
        "参数来源：官方",
        "年度赔款方差的来源",
    ):
        assert words in text
    assert not re.search(r"[a-z]{3,} [a-z]{3,} [a-z]{3,}", text)


def test_run_quietly_prints_nothing_and_is_the_same_again(tmp_path: Path) -> None:
    folders = [tmp_path / "a", tmp_path / "b"]
    for folder, threads in zip(folders, (1, 2), strict=True):
        options = (
            "--years",
            15,
            "--seed",
            3,
            "--threads",
            threads,
            "--quiet",
            "--set",
            "lines.monitoring_line=5200",
        )
        result = call("run", SMALL, *options, "--out", folder)
        assert (result.exit_code, result.output) == (0, "")
    first, second = ({path.name: path.read_bytes() for path in folder.iterdir()} for folder in folders)
    document = json.loads(first["results.json"])

    assert first == second
    assert document["provenance"]["seed"] == 3
    assert document["provenance"]["scenario"]["changes"] == {"lines.monitoring_line": 5200}
    assert document["ranges"]
    assert document["roster_doubt"]["rosters"] == 8


def test_progress_goes_to_stderr_only_when_asked_for() -> None:
    result = call("run", SMALL, "--years", 8, "--no-ranges", "--quiet", "--progress")
    assert result.output == ""
    result = call("run", SMALL, "--years", 8, "--no-ranges", "--progress")
    assert result.stderr.endswith("100%\n")
    assert "%\n" not in result.stdout


# --- refusals ------------------------------------------------------------------------------------------


def test_a_scenario_with_ten_mistakes_is_refused_with_all_of_them(tmp_path: Path) -> None:
    from test_messages import MISTAKES, edited

    file = tmp_path / "county.toml"
    file.write_text(edited(*MISTAKES), encoding="utf-8")
    result = call("run", file, "--out", tmp_path / "out")
    lines = result.stderr.splitlines()

    assert is_refused(result)
    assert lines[0] == f"{file} has {len(MISTAKES)} problems"
    assert sorted(line.split(". ", 1)[1] for line in lines[1:]) == sorted(message for *_, message in MISTAKES)
    assert list(tmp_path.iterdir()) == [file]


def test_a_broken_roster_is_refused_by_row_and_column(tmp_path: Path) -> None:
    write_roster(
        population_of(load_scenario(SMALL).replace("population.persons", 20)), tmp_path / "people.csv"
    )
    rows = (tmp_path / "people.csv").read_text(encoding="utf-8-sig").splitlines()
    header = rows[0].split(",")
    for row, column, value in ((3, "age", "old"), (5, "sex", "x"), (7, "income_per_head", "-5")):
        cells = rows[row - 1].split(",")
        cells[header.index(column)] = value
        rows[row - 1] = ",".join(cells)
    (tmp_path / "people.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    text = SMALL.read_text(encoding="utf-8")
    cut = text.index("[population]"), text.index("[perils.inpatient]")
    scenario = tmp_path / "county.toml"
    roster = '[population]\nfile = "people.csv"\n\n'
    scenario.write_text(text[: cut[0]] + roster + text[cut[1] :], encoding="utf-8")

    for command in (("run", scenario), ("check", scenario)):
        result = call(*command)
        assert is_refused(result)
        assert "row 3, column age = 'old' is not" in result.stderr
        assert "row 5, column sex = 'x' is not" in result.stderr
        assert "row 7, column income_per_head = '-5' is not" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("run", "zhongnin-2020"), r"Did you mean zhongning-2020\?"),
        (("run", SMALL, "--set", "programmes.base.premium=1"), r"Did you mean programmes.base.premium_per_insured\?"),
        (("run", SMALL, "--set", "nonsense"), r"--set has 1 problem\n 1\. nonsense is not PATH=VALUE"),
        (("run", SMALL, "--set", "perils.fire[3].books=1"), r"perils.fire"),
        (("run", SMALL, "--lang", "fr"), r"--lang = 'fr' is not one of en, zh"),
        (("check", SMALL, "--set", "programmes.base.premium_per_insured=many"), r"= 'many' is not a number"),
        (("compare", SMALL, "base", "caped"), r"caped is not one of none, base, capped"),
        (("explain", SMALL, "--path", 0, "--household", "x"), r"household = 'x' is not in the population"),
        (("population", SMALL, "--out", "nowhere/people.csv"), r"The folder nowhere does not exist"),
    ],
)  # fmt: skip
def test_a_wrong_request_is_refused(arguments: tuple[object, ...], says: str) -> None:
    result = call(*arguments)

    assert is_refused(result), result.output
    assert re.search(says, result.stderr), result.stderr


def test_a_foreign_folder_is_refused_before_the_run(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    result = call("run", SMALL, "--out", tmp_path)

    assert is_refused(result)
    assert "already holds other files (mine.txt)" in result.stderr


def test_a_wrong_option_is_refused_by_the_parser() -> None:
    for arguments in (("run", SMALL, "--yeers", 5), ("run", SMALL, "--years", 0), ("run",), ("walk",)):
        result = call(*arguments)
        assert result.exit_code == 2
        assert "Traceback" not in result.output


def test_anything_else_is_one_clear_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise RuntimeError("the disk\nis full")

    monkeypatch.setattr(sys.modules["fangpinbao.engine"], "simulate", fail)
    result = call("run", SMALL)
    assert (result.exit_code, result.stdout, result.stderr) == (
        1,
        "",
        "fangpinbao: RuntimeError: the disk is full\n",
    )

    monkeypatch.setenv("FANGPINBAO_DEBUG", "1")
    assert isinstance(call("run", SMALL).exception, RuntimeError)


def test_ctrl_c_leaves_nothing(tmp_path: Path) -> None:
    options = ("--years", 2_000_000, "--threads", 2, "--out", "out", "--progress")
    heeds_signals = {
        "preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)
    }  # a background job may not
    process = start("run", SMALL, *options, cwd=tmp_path, **heeds_signals)
    assert process.stderr is not None
    process.stderr.readline()  # the first progress, so that the simulation runs
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)

    assert process.returncode == 130
    assert "interrupted, nothing is left behind" in errors
    assert "Traceback" not in errors
    assert list(tmp_path.iterdir()) == []


def test_a_reader_who_leaves_early_sees_no_traceback(tmp_path: Path) -> None:
    process = start("schema", cwd=tmp_path)
    assert process.stdout is not None
    process.stdout.read(10)
    process.stdout.close()
    assert process.stderr is not None

    assert "Traceback" not in process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=60) in (0, 1)


# --- the other commands --------------------------------------------------------------------------------


def test_check_says_what_a_scenario_holds() -> None:
    result = call("check", SMALL)

    assert result.exit_code == 0, result.stderr
    assert re.search(r"population: 500 persons in \d+ households", result.stdout)
    assert "programme base: illness, education, disaster, death" in result.stdout
    assert re.search(r"numbers: \d+ official, 1 published, \d+ assumed; 4 with a range", result.stdout)
    assert result.stdout.endswith("no problems\n")


def test_schema_is_valid_and_accepts_the_scenario() -> None:
    import tomllib

    scenario_schema = json.loads(call("schema").stdout)
    jsonschema.Draft202012Validator.check_schema(scenario_schema)
    jsonschema.Draft202012Validator(scenario_schema).validate(
        tomllib.loads(SMALL.read_text(encoding="utf-8"))
    )

    assert json.loads(call("schema", "--results").stdout)["title"].startswith("Results of a fangpinbao run")


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_compare_prints_paired_differences(lang: str) -> None:
    result = call("compare", SMALL, "base", "capped", "--years", 20, "--threads", 1, "--lang", lang)

    assert result.exit_code == 0, result.stderr
    title = {"en": "base minus capped, paired year by year", "zh": "防贫保 减 限额方案，逐年配对"}[lang]
    assert title in result.stdout
    assert re.search(r"±", result.stdout)


def test_population_writes_a_roster_that_gives_the_same_people(tmp_path: Path) -> None:
    for name in ("people.csv", "people.parquet"):
        result = call("population", SMALL, "--out", tmp_path / name, "--set", "population.persons=60")
        people: Population = read_roster(tmp_path / name)

        assert result.exit_code == 0, result.stderr
        assert people.persons == 60
        assert people.identical_to(population_of(load_scenario(SMALL).replace("population.persons", 60)))
        assert re.search(r"all +\d+ +60 ", result.stdout)
    again = call("population", SMALL, "--out", tmp_path / "people.csv")
    assert is_refused(again)
    assert "exists already" in again.stderr
    assert call("population", SMALL, "--out", tmp_path / "people.csv", "--force").exit_code == 0


def test_explain_prints_the_page() -> None:
    result = call("explain", SMALL, "--path", 2, "--programme", "base", "--lang", "en")

    assert result.exit_code == 0, result.stderr
    assert "What was paid, in order (yuan)" in result.stdout
    assert re.search(r"poverty line [\d,.]+: ", result.stdout)


def test_the_shipped_scenarios_are_listed_and_valid() -> None:
    lines = call("scenarios").stdout.splitlines()
    names = [line.split()[0] for line in lines]

    assert "zhongning-2020" in names
    for name in names:
        assert load_scenario(name).name


def test_help_is_quick_and_imports_nothing_heavy(tmp_path: Path) -> None:
    heavy = ("numpy", "pandas", "numba", "pydantic", "rich")
    code = f"import sys, fangpinbao.cli; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "[]"
    assert "explain" in call("--help").stdout
