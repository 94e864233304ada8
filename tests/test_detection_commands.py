"""The command that follows families from alert to payout, its picture, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pytest
from conftest import build
from detection_cases import PART, SEED, SURE, run
from matplotlib import pyplot
from typer.testing import CliRunner

from fangpinbao.cli import app
from fangpinbao.detection import funnels_of_run
from fangpinbao.engine import simulate
from fangpinbao.errors import InputError
from fangpinbao.funnel_figures import STAGES as SHOWN
from fangpinbao.plot_funnel import plot_funnel

matplotlib.use("Agg")


@pytest.fixture(autouse=True)
def _close() -> Iterator[None]:
    yield
    pyplot.close("all")


# ---------------------------------------------------------------- the command and the picture

ZHONGNING = ["zhongning-2020", "--with", "parts/detection-2020", "--set", "population.persons=2000"]


def test_the_command_and_the_picture(tmp_path: Path) -> None:
    line = ["funnel", *ZHONGNING, "--years", "3"]
    for lang, words in (("en", "From alert to payout"), ("zh", "从预警到赔付")):
        picture = tmp_path / f"{lang}.png"
        shown = CliRunner().invoke(app, [*line, "--lang", lang, "--picture", str(picture)])
        assert shown.exit_code == 0, shown.output
        assert words in shown.output
        assert picture.stat().st_size > 10_000
    assert CliRunner().invoke(app, ["funnel", "zhongning-2020"]).exit_code == 2
    assert CliRunner().invoke(app, [*line, "--design", "nobody"]).exit_code == 2


def test_the_figures_are_written_with_their_errors_and_provenance(tmp_path: Path) -> None:
    file = tmp_path / "funnel.json"
    line = ["funnel", *ZHONGNING, "--years", "4", "--seed", "5", "--json", str(file)]
    assert CliRunner().invoke(app, line).exit_code == 0
    written = json.loads(file.read_text(encoding="utf-8"))
    assert (written["format"], written["kind"]) == (1, "funnel")
    assert written["provenance"]["years"] == 4
    assert written["provenance"]["seed"] == 5
    assert len(written["provenance"]["digest"]) == 64
    assert [record["design"] for record in written["records"]] == [
        "named_list",
        "thresholds",
        "application_only",
    ]
    due = written["records"][0]["households"]["due"]
    assert set(due) >= {"value", "standard_error", "lower", "upper", "unit", "years", "method"}
    assert due["standard_error"] > 0
    line[-1] = str(tmp_path / "nowhere" / "funnel.json")
    assert CliRunner().invoke(app, line).exit_code == 2


def test_the_picture_shows_every_stage_of_a_run() -> None:
    (shown,) = funnels_of_run(run(PART["open"], years=10))
    axes = plot_funnel(shown)
    labels = [label.get_text() for label in axes.get_yticklabels()]
    kept = ["kept above the poverty line", "kept above the monitoring line"]
    assert labels == [*(en for en, _ in SHOWN.values()), *kept]
    values = [one.value for one in (*shown.households.values(), *shown.prevented.values())]
    assert [bar.get_width() for bar in axes.patches] == values


# ---------------------------------------------------------------- refusals

MISTAKES = [
    ({"detection": {"x": {"channels": {}}}}, "detection.x.channels is too short"),
    (
        {"detection": {"x": {**SURE, "programme": "bsae"}}},
        "detection.x.programme = 'bsae' is not a programme. Did you mean base?",
    ),
    (
        {
            "detection": {"x": {**SURE, "programme": "r"}},
            "programmes": {
                "r": {"kind": "rules", "relief": {"gap": {"base": "gap", "standard": 5_000}}},
            },
        },
        "detection.x.programme = 'r' is no insurance programme, so there are no claims to find. Write one of base.",
    ),
    (
        {
            "detection": {"x": SURE},
            "programmes": {
                "base": None,
                "r": {"kind": "rules", "relief": {"gap": {"base": "gap", "standard": 5_000}}},
            },
        },
        "detection.x finds families for no insurance programme. Add one, or drop the table.",
    ),
    (
        {"detection": {"x": {**SURE, "named_list": {"rules": "y"}}}},
        "detection.x.named_list.rules = 'y' is not a rule set.",
    ),
    (
        {"detection": {"x": {"channels": {"a": {"chance": 60}}}}},
        "detection.x.channels.a.chance = 60 must be at most 1.",
    ),
    (
        {"detection": {"x": {**SURE, "refusd": 0.1}}},
        "detection.x.refusd is read by nothing. Did you mean detection.x.refused?",
    ),
    (
        {"detection": {"named": SURE}, "programmes": {"base": {"detection": "nmaed"}}},
        "programmes.base.detection = 'nmaed' is not a design under detection. Did you mean named?",
    ),
    (
        {"programmes": {"base": {"detection": "named"}}},
        "programmes.base.detection = 'named' is not a design under detection. None is declared.",
    ),
    (
        {
            "detection": {"named": SURE},
            "programmes": {
                "r": {
                    "kind": "rules",
                    "detection": "named",
                    "coverages": {"x": {"accounts": ["medical_cost"]}},
                }
            },
        },
        'programmes.r.detection belongs to an insurance contract, not to kind = "rules".',
    ),
    (
        {
            "detection": {"named": SURE},
            "programmes": {f"p{k}": {"like": "base", "detection": "named"} for k in range(33)},
        },
        "programmes have 33 with a detection design; at most 32 fit into one run.",
    ),
    (
        {
            "detection": {"d": {"channels": {f"c{k}": {"chance": 0.1} for k in range(30)}}},
            "programmes": {"base": {"detection": "d"}},
        },
        "detection names 30 different channels; at most 29 fit into one run.",
    ),
]


@pytest.mark.parametrize(("tables", "says"), MISTAKES, ids=[says[:50] for _, says in MISTAKES])
def test_a_mistake_is_named(tables: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError) as caught:
        build(**tables)
    assert any(str(problem).startswith(says) for problem in caught.value.problems), str(caught.value)


def test_the_largest_numbers_of_cases_and_channels_run() -> None:
    channels = {f"c{k}": {"chance": 0.1} for k in range(29)}
    others = {f"p{k}": {"like": "base", "detection": "d"} for k in range(31)}
    scenario = build(
        detection={"d": {"channels": channels}}, programmes={"base": {"detection": "d"}, **others}
    )
    outcomes = simulate(scenario, 6, SEED)
    first = outcomes.sums.funnel[:, :1]
    assert np.array_equal(outcomes.sums.funnel, np.broadcast_to(first, outcomes.sums.funnel.shape))
    assert outcomes.funnel_column("p30", "funnel_found_by_c28").sum() > 0
