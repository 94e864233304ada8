"""Classes, gaps and payout use of a county where every household's year is certain, counted by pandas."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest

from fangpinbao.engine import simulate
from fangpinbao.outcomes import Outcomes
from fangpinbao.population import Population
from fangpinbao.scenario import Scenario

LINES = {"poverty": 4000.0, "monitoring": 5000.0}
COST, DEDUCTIBLE, RATE, LIMIT, PREMIUM, OWN = 900.0, 1500.0, 0.6, 2000.0, 120.0, 0.5
YEARS = 3


@cache
def roster() -> pd.DataFrame:
    """300 households of 1 to 6; one student of four, whose certain cost is 2,600.55, gives two levels of cost."""
    draw = np.random.default_rng(11)
    size = draw.integers(1, 7, 300)
    of = np.repeat(np.arange(300), size)
    first = np.r_[True, np.diff(of) > 0]
    household = pd.DataFrame(
        {
            "household_id": [f"h{k}" for k in range(300)],
            "township": draw.choice(["a", "b"], 300),
            "class": draw.choice(["unstable_lifted", "marginal"], 300),
            "lifted_out": draw.random(300) < 0.5,
            "dibao": False,
            "tekun": False,
            "income_per_head": np.round(draw.uniform(3200, 7500, 300), 2),
            "consumption_per_head": 4000.0,
        }
    )
    people = household.iloc[of].reset_index(drop=True)
    people["person_id"] = [f"p{k}" for k in range(of.size)]
    people["age"] = np.where(first, 45, 17)
    people["sex"] = "female"
    people["schooling"] = np.where(~first & (draw.random(of.size) < 0.25), "senior_general", "none")
    people["enrolled"] = True
    return people


@cache
def run() -> Outcomes:
    label = {"en": "county", "zh": "县"}
    document = {
        "format": 1,
        "name": "certain",
        "title": label,
        "lines": {
            "poverty_line": LINES["poverty"],
            "monitoring_line": LINES["monitoring"],
            "dibao_standard": 4560,
            "resource": "income_minus_rigid",
        },
        "population": {"persons": 1},
        "perils": {
            "illness": {
                "exposed": "person",
                "frequency": {"law": "bernoulli", "probability": 1.0},
                "where": {"age_from": 30},
                "books": [{"account": "medical_cost", "amount": {"law": "constant", "amount": 3 * COST}}],
            },
            "cold": {
                "exposed": "person",
                "frequency": {"law": "bernoulli", "probability": 1.0},
                "books": [{"account": "medical_cost", "amount": {"law": "constant", "amount": COST}}],
            },
        },
        "certain_costs": {"fees": {"account": "education_cost", "by_schooling": {"senior_general": 2600.55}}},
        "programmes": {
            "base": {
                "premium_per_insured": PREMIUM,
                "household_share": OWN,
                "coverages": {
                    "illness": {
                        "accounts": ["medical_cost"],
                        "unit": "person_year",
                        "deductible": DEDUCTIBLE,
                        "rate": RATE,
                        "limit": LIMIT,
                    },
                    "education": {"accounts": ["education_cost"], "unit": "person_year", "rate": 0.5},
                },
            }
        },
    }
    return simulate(
        Scenario.from_document(document),
        years=YEARS,
        seed=1,
        threads=1,
        population=Population.from_frame(roster()),
    )


@cache
def households() -> pd.DataFrame:
    people = roster().assign(
        medical=lambda t: COST + 3 * COST * (t["age"] >= 30),
        fees=lambda t: 2600.55 * (t["schooling"] == "senior_general"),
    )
    people["benefit"] = (RATE * (people["medical"] - DEDUCTIBLE).clip(lower=0)).clip(upper=LIMIT) + np.floor(
        people["fees"] * 50 + 0.5
    ) / 100
    table = people.groupby("household_id").agg(
        n=("person_id", "size"),
        income=("income_per_head", "first"),
        lifted_out=("lifted_out", "first"),
        medical=("medical", "sum"),
        fees=("fees", "sum"),
        benefit=("benefit", "sum"),
    )
    table["W0"] = table["n"] * table["income"]
    table["U"] = table["W0"] - table["medical"] - table["fees"]
    table["I"] = table["U"] + table["benefit"] - table["n"] * PREMIUM * OWN
    return table


@pytest.mark.parametrize("line", LINES)
def test_classes_gaps_and_uses_are_those_that_pandas_counts(line):
    t = households()
    z = t["n"] * LINES[line]
    poor0, poor_u, poor_i = t["W0"] < z, t["U"] < z, t["I"] < z
    kept = ~poor0 & poor_u & ~poor_i
    classes = {
        "already_poor": poor0,
        "lifted": poor0 & poor_u & ~poor_i,
        "never_at_risk": ~poor0 & ~poor_u,
        "induced": ~poor0 & ~poor_u & poor_i,
        "prevented_return": kept & t["lifted_out"],
        "prevented_entry": kept & ~t["lifted_out"],
        "still_poor": ~poor0 & poor_u & poor_i,
    }
    assert all(chosen.any() for name, chosen in classes.items() if name not in ("lifted", "induced"))
    expected = {}
    for name, chosen in classes.items():
        expected[f"households_{name}"] = chosen.sum()
        expected[f"persons_{name}"] = t["n"][chosen].sum()
    uses = {
        "already_poor": classes["already_poor"] & ~classes["lifted"],
        "lifted": classes["lifted"],
        "never_at_risk": classes["never_at_risk"],
        "prevented": kept,
        "still_poor": classes["still_poor"],
    }
    for name, chosen in uses.items():
        expected[f"payout_use_{name}_fen"] = round(100 * t["benefit"][chosen].sum())
    by_year = run().by_year
    base = by_year[by_year["programme"] == "base"]
    assert len(base) == YEARS
    for name, value in expected.items():
        assert (base[f"{line}_{name}"] == value).all(), (name, value, base[f"{line}_{name}"].tolist())
    for programme, world, poor in (("none", t["U"], poor_u), ("base", t["I"], poor_i)):
        rows = by_year[by_year["programme"] == programme]
        assert len(rows) == YEARS
        gap = (z - world).clip(lower=0)
        assert (rows[f"{line}_households_poor"] == poor.sum()).all()
        assert (rows[f"{line}_persons_poor"] == t["n"][poor].sum()).all()
        assert (rows[f"{line}_gap_fen"] == round(100 * gap.sum())).all()
        # Each household's n x share is rounded once to 2^-32 (half a unit); floats add less than another half unit:
        # n x share <= 6 is known to 6 x 2^-52, and 300 of them summed to 300 x 1,800 x 2^-53 = 0.3 units in all.
        for power in (1, 2):
            fgt = float((t["n"] * (gap / z).clip(upper=1) ** power).sum())
            found = rows[f"{line}_fgt{power}_fp"] / 2**32
            assert (abs(found - fgt) < len(t) * 2.0**-32).all(), (programme, power, fgt, found.tolist())


def test_payout_is_the_sum_of_the_benefits():
    expected = round(100 * households()["benefit"].sum())
    assert (run().column("base", "payout_fen") == expected).all()


def test_classes_of_household_add_up_to_the_years():
    by_group, t = run().by_group, households()
    base = by_group[by_group["programme"] == "base"]
    of = roster().groupby("household_id")["class"].first()
    for group in ("unstable_lifted", "marginal"):
        rows = base[base["group"] == group]
        assert rows["years"].sum() == YEARS
        expected = round(100 * t["benefit"][of[t.index] == group].sum())
        assert rows["payout_fen"].sum() == YEARS * expected
    columns = [name for name in run().by_year.columns if name in by_group.columns and name.startswith("mon")]
    by_year = run().by_year
    for programme in ("none", "base"):
        sums = by_group[by_group["programme"] == programme][columns].sum()
        assert sums.equals(by_year[by_year["programme"] == programme][columns].sum()), programme
    assert len(columns) > 30
