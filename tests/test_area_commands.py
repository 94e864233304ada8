"""The joint scenario on the command line, and what its ranges move."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pandas as pd
import pytest
from typer.testing import CliRunner

from fangpinbao.catastrophe.outcomes import simulate_catastrophe
from fangpinbao.cli import app
from fangpinbao.engine import simulate
from fangpinbao.files import results_schema
from fangpinbao.ranges import numbers_with_ranges
from fangpinbao.scenario import load_scenario


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        (
            "en",
            ("60 simulated years, weighted by stratum", "catastrophe cover", "What must it cost?", "region"),
        ),
        ("zh", ("模拟 60 年（按层加权）", "巨灾保险", "两者并行", "全区")),
    ],
)
def test_the_command_line(lang: str, words: tuple[str, ...]) -> None:
    few = ["--set", "population.persons=400", "--lang", lang, "--years", "60"]
    result = CliRunner().invoke(app, ["run", "ningxia-joint", "--no-ranges", *few], env={"COLUMNS": "140"})
    assert result.exit_code == 0, result.output
    for word in words:
        assert word in result.output
    result = CliRunner().invoke(app, ["compare", "ningxia-joint", "both", "base", *few])
    assert result.exit_code == 0, result.output
    result = CliRunner().invoke(app, ["run", "ningxia-joint", "--no-ranges", "--years", "20"])
    assert result.exit_code == 2
    assert "= 20 are too few for the 5 strata of this scenario. Give at least 60." in result.stderr


def test_the_region_is_written_beside_the_households(tmp_path: Path) -> None:
    """A folder in the folder: its figures and events are those of the contract, path by path."""
    out = tmp_path / "out"
    few = [
        "--set",
        "population.persons=400",
        "--years",
        "60",
        "--seed",
        "7",
        "--no-ranges",
        "--out",
        str(out),
    ]
    for quiet in ([], ["--quiet"]):  # the second run replaces the first
        result = CliRunner().invoke(app, ["run", "ningxia-joint", *few, *quiet])
        assert result.exit_code == 0, result.output
        written = json.loads((out / "region" / "results.json").read_text(encoding="utf-8"))
        jsonschema.validate(written, results_schema())
        regional = simulate_catastrophe(load_scenario("ningxia-joint"), 60, 7)
        names = regional.contracts
        means = {
            f["programme"]: f["value"]
            for f in written["figures"]
            if (f["measure"], f["statistic"], f["group"]) == ("payout", "mean", None)
        }
        assert means == {
            name: pytest.approx(regional.years.weight @ regional.yuan_by_path(name)) for name in names
        }
        events = pd.read_parquet(out / "region" / "events.parquet")
        assert events["path"].tolist() == regional.harm.path.tolist()
        assert (out / "results.json").is_file()


def test_ranges_move_what_the_catastrophe_pays() -> None:
    outcomes = simulate(load_scenario("ningxia-joint").replace("population.persons", 400), 60)
    places = [number.place for number in numbers_with_ranges(outcomes)]
    of_catastrophes = [place for place in places if place.startswith("catastrophe.")]
    assert "catastrophe.contracts.region.per_person" in of_catastrophes
    assert "catastrophe.earthquake.casualties.rural_factor" in of_catastrophes
    assert len(of_catastrophes) == 10
    assert any(place.startswith("perils.") for place in places)
    # Nothing of that kind where catastrophes strike no household.
    other = simulate(load_scenario("zhongning-2020").replace("population.persons", 400), 10)
    assert not [n.place for n in numbers_with_ranges(other) if n.place.startswith("catastrophe.")]
