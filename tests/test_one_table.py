"""A peril or coverage of a known form is one table in a scenario file and nothing else."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np

import fangpinbao as fp

SMALL = Path(__file__).parent / "data_cli" / "small.toml"

PERIL = """
[perils.snake_bite]
label = { en = "snake bite", zh = "蛇咬伤" }
exposed = "person"
where = { age_from = 15 }
frequency = { law = "negative_binomial", events_per_year = 0.05, size = 2.0 }
books = [{ account = "accident_medical_cost", amount = { law = "weibull", shape = 0.8, scale = 3_000 } }]
"""
COVERAGE = """
[programmes.base.coverages.bites]
accounts = ["accident_medical_cost"]
deductible = 1_000
rate = 0.6
limit = 10_000
"""


def run(tmp_path: Path, *tables: str) -> fp.Outcomes:
    """Run the small scenario with tables added in a file of its own that extends it."""
    (tmp_path / "small.toml").write_text(SMALL.read_text(encoding="utf-8"), encoding="utf-8")
    own = tmp_path / "own.toml"
    own.write_text('extends = "small"\nname = "own"\n' + "".join(tables), encoding="utf-8")
    assert set(tomllib.loads(own.read_text(encoding="utf-8"))) <= {"extends", "name", "perils", "programmes"}
    return fp.simulate(fp.load_scenario(own), years=40, seed=3)


def test_a_peril_is_one_table(tmp_path: Path) -> None:
    before, after = run(tmp_path), run(tmp_path, PERIL)
    account = after.accounts.index("accident_medical_cost")
    assert after.perils == (*before.perils, "snake_bite")
    more = (
        after.sums.ground_up[:, account]
        - before.sums.ground_up[:, before.accounts.index("accident_medical_cost")]
    )
    assert np.all(more >= 0)
    assert more.sum() > 0
    others = [k for k in range(len(after.accounts)) if k != account]
    assert np.array_equal(after.sums.ground_up[:, others], before.sums.ground_up[:, others])


def test_a_coverage_is_one_table(tmp_path: Path) -> None:
    before, after = run(tmp_path, PERIL), run(tmp_path, PERIL, COVERAGE)
    step = after.steps.index("base.bites")
    assert after.sums.step_paid[:, step].sum() > 0
    change = after.column("base", "payout_fen") - before.column("base", "payout_fen")
    assert np.array_equal(change, after.sums.step_paid[:, step])
    assert any(figure.coverage == "bites" for figure in fp.price(after, "base"))
