"""The joint scenario on the command line, and what its ranges move."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from fangpinbao.cli import app
from fangpinbao.engine import simulate
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
