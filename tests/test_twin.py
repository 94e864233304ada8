"""The engine against its plain-Python twin, on the same events: equal to the fen in every column."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from conftest import build
from detection_twin import Finding
from twin import Twin
from twin_ledger import Event, fen, half_up

from fangpinbao.aggregate import days_of, year_events
from fangpinbao.columns import CAUSES
from fangpinbao.engine import Engine
from fangpinbao.errors import InputError


def events_of(engine: Engine, chunk) -> dict[int, list[Event]]:
    """Drawn events of a year as the twin reads them, by household."""
    events: dict[int, list[Event]] = {}
    for block in year_events(engine, 0, chunk):
        days = days_of(block["word"])
        for i, h in enumerate(block["household"].tolist()):
            person, amount, scope = (int(block[name][i]) for name in ("person", "amount", "scope"))
            account = engine.compiled.accounts[block["account"][i]]
            parts = {"in": scope, "out": amount - scope}
            unit = person if person >= 0 else None
            count, day, hit = int(block["count"][i]), int(days[i]), int(block["word"][i])
            events.setdefault(h, []).append(Event(unit, account, count, parts, day, hit))
    return events


def relief_keys(scenario, chunk) -> dict[str, int]:
    """Keys of the year by entry of relief."""
    names = [name for programme in scenario.programmes.values() for name in programme.relief]
    return {name: int(chunk.relief_key[e, 0]) for e, name in enumerate(names)}


def owed_of(engine: Engine, twin: Twin, chunk, y: int) -> Counter:
    """What the years before leave to be paid back, by the twin: equal parts of whole fen, the sum exact."""
    owed: Counter = Counter()
    for k in range(1, len(chunk.past) + 1):
        past = engine.hazard.chunk(np.array([y]), np.array([-k]))
        twin.year(events_of(engine, past), int(past.take_up_key[0]), relief_keys(engine.scenario, past))
        for (name, entry, h), lent in twin.lent.items():
            loan = engine.scenario.programmes[name].relief[entry].loan
            if loan is not None and k <= loan.years:
                whole = half_up(lent * fen(loan.repaid) / 100)
                parts = [half_up(Fraction(whole * j, loan.years)) for j in (k, k - 1)]
                owed[name, entry, h] += parts[0] - parts[1]
    return owed


def scenario_has_no_case(scenario, programme: str) -> bool:
    return programme == "none" or scenario.programmes[programme].detection is None


def differences(scenario, years: int = 4, seed: int = 7) -> list[str]:
    """Every figure of every year on which engine and twin disagree."""
    engine = Engine(scenario, seed=seed, block_persons=90)
    outcomes = engine.run(years, threads=1)
    by_year = outcomes.by_year.set_index(["programme", "path"])
    twin, found = Twin(scenario, engine.population), []
    for y in range(years):
        chunk = engine.years(y, y + 1)
        twin.finding = Finding(twin, seed, y)
        owed = owed_of(engine, twin, chunk, y)
        columns, steps = twin.year(
            events_of(engine, chunk), int(chunk.take_up_key[0]), relief_keys(scenario, chunk), owed
        )
        for programme in outcomes.programmes:
            row = by_year.loc[(programme, y)]
            for name in row.index:
                skipped = name.endswith(tuple(f"households_prevented_{cause}" for cause in CAUSES))
                if skipped or name in ("claims", "public_layers_fen", "calendar_year", "stratum", "weight"):
                    continue
                if name.startswith("funnel_") and scenario_has_no_case(scenario, programme):
                    assert pd.isna(row[name])
                    continue
                if row[name] != columns[programme][name]:
                    found.append(
                        f"{y} {programme} {name}: {row[name]} but the twin {columns[programme][name]}"
                    )
            for (_, step), s in zip(twin.stacks[programme], outcomes.stack(programme), strict=True):
                mine = (outcomes.sums.step_paid[y, s], outcomes.sums.step_claims[y, s])
                its = (steps[programme, step, "paid"], steps[programme, step, "claims"])
                if mine != its:
                    found.append(f"{y} {programme} {step}: {mine} but the twin {its}")
        for row in outcomes.compiled.relief:
            mine = (outcomes.sums.step_paid[y, row.row], outcomes.sums.step_claims[y, row.row])
            its = tuple(steps[row.programme, row.entry, row.part, kind] for kind in ("paid", "claims"))
            if mine != its:
                found.append(f"{y} {row.programme} {row.entry} {row.part}: {mine} but the twin {its}")
            if row.table.rate > 0:
                assert outcomes.sums.step_paid[:, row.row].any(), f"{row.entry}, {row.part}: nothing"
    behind_none = outcomes.sums.step_paid[:, outcomes.compiled.tree.n_none :]
    assert np.any(behind_none > 0), "nothing was paid, so nothing was compared"
    return found


MEDICAL = ["medical_cost", "accident_medical_cost", "disaster_medical_cost"]
PROPERTY = ["property_loss", "accident_property_loss"]
ILLNESS = {"accounts": MEDICAL, "rate": 0.6, "deductible": 500}
MEDICINE = {"med": {"account": "medicine_cost", "amount": {"law": "uniform", "low": 100, "high": 2000}}}
SCALE = {"scale": [{"points": 1, "pays": 1000}, {"points": 11, "pays": 20000}]}


def one(coverage: dict, **programme) -> dict:
    """A scenario with one programme of one coverage ``x``."""
    return {"programmes": {"base": None, "p": {"coverages": {"x": coverage}, **programme}}}


def sharing(per: str, limit: float, order: list[str], **more) -> dict:
    """Fires that burn and kill, and a loan that then falls due: coverages that share a limit in the given order."""
    points = {"level": "person", "kind": "points", "label": "burns"}
    bad = {"law": "discrete", "values": [1, 3, 11], "probabilities": [0.3, 0.4, 0.3]}
    fire = {
        "exposed": "person",
        "frequency": {"law": "poisson", "events_per_year": 0.4},
        "books": [
            {"account": "death_or_disability", "chance": 0.7, "amount": bad},
            {"account": "burns", "chance": 0.8, "amount": {"law": "constant", "amount": 2}},
            {"account": "loan_due", "chance": 0.4, "amount": {"law": "uniform", "low": 100, "high": 30_000}},
        ],
    }
    steps = {
        "harm": {"accounts": ["death_or_disability"], **SCALE, **more},
        "burnt": {"accounts": ["burns"], "fixed_sum": 7_000.5, "where": {"age_from": 16}},
        "both": {"accounts": ["death_or_disability", "burns"], "fixed_sum": 900},
        "loan": {"accounts": ["loan_due"], "unit": "household_year", "rate": 0.995, "limit": limit},
    }
    return {
        "accounts": {
            "burns": points,
            "loan_due": {"level": "household", "kind": "income", "label": "loan that falls due"},
        },
        "perils": {"fire": fire},
        **one(
            {},
            coverages={name: steps[name] for name in order},
            shared_limits={"life": {"coverages": order, "limit": limit, "per": per}},
        ),
    }


SHARED = {
    "an event's limit": sharing("event", 22_000, ["harm", "burnt"]),
    "an event's limit, three steps": sharing("event", 7_500, ["both", "burnt", "harm"]),
    "a person's limit": sharing("person_year", 22_000, ["burnt", "harm"]),
    "a person's limit, tests and waiting": sharing(
        "person_year",
        7_300,
        ["harm", "both", "burnt"],
        unit="event",
        waiting_days=120,
        take_up=0.6,
        income_test={"per_head_below": 5_200},
    ),
    "a year's limit of one step": sharing("person_year", 21_000, ["harm"]),
    "a household's limit": sharing("household_year", 23_000, ["burnt", "both", "harm"]),
    "the lender first": sharing("household_year", 20_000, ["loan", "harm", "burnt"]),
}
SAME = {
    "displaced": one(ILLNESS, stack=["basic", "critical", "x", "assistance"]),
    "displaced and reordered": one(ILLNESS, stack=["basic", "assistance", "x", "critical"]),
    "without two public layers": one(ILLNESS, stack=["basic", "x"]),
    "out of scope alone": one(
        {"accounts": MEDICAL, "base": "out_of_scope", "deductible": 100, "rate": 0.6, "limit": 4000}
    ),
    "out of scope by event, before the layers": one(
        {"accounts": MEDICAL, "base": "out_of_scope", "per_event": {"rate": 0.7}, "deductible": 50},
        stack=["x", "basic", "critical", "assistance"],
    ),
    "coverage first": one(ILLNESS, stack=["x", "basic", "critical", "assistance"]),
    "limit by household": one({**ILLNESS, "per_household": {"limit": 2000}}),
    "terms by household": one({**ILLNESS, "per_household": {"deductible": 200, "rate": 0.37}}),
    "three nested": one(
        {
            "accounts": MEDICAL,
            "per_event": {"deductible": 300, "rate": 0.7},
            "limit": 3000,
            "per_household": {"limit": 4000},
        }
    ),
    "waiting": one({"accounts": MEDICAL, "per_event": {"rate": 0.7}, "waiting_days": 90, "limit": 3000}),
    "event": one({"accounts": [*MEDICAL, "education_cost"], "unit": "event", "deductible": 300, "rate": 0.7}),
    "event of the household": one({"accounts": PROPERTY, "unit": "event", "deductible": 500, "rate": 0.5}),
    "discharge": one({"accounts": MEDICAL, "unit": "discharge", "deductible": 300, "rate": 0.7}),
    "household over persons": one(
        {"accounts": MEDICAL, "unit": "household_year", "deductible": 500, "rate": 0.5}
    ),
    "household over all": one(
        {"accounts": [*MEDICAL, "property_loss"], "unit": "household_year", "rate": 0.5}
    ),
    "points by household": one(
        {"accounts": ["death_or_disability"], **SCALE, "per_household": {"limit": 1500}}
    ),
    "late and own premium": one(
        {**ILLNESS, "paid_within_year": 0.63},
        premium_per_insured=80,
        household_share=0.3,
        insured={"age_from": 16},
    ),
    "benefits count": {"relief": {"dibao": {"benefits_count": True, "take_up": 0.9}}},
    "relief on income": {"relief": {"dibao": {"on": "income", "benefits_count": True}}},
    "resource income": {"lines": {"resource": "income"}},
    "spending test": one({**ILLNESS, "spending_test": {"times_income": 0.29}}),
    "before the year, variants": one(
        {
            **ILLNESS,
            "income_test": {"per_head_below": 6000, "moment": "before_year"},
            "variants": [
                {"where": {"age_from": 60}, "rate": 0.9},
                {"where": {"sex": "female"}, "fixed_sum": 300},
            ],
        }
    ),
    "franchise and order": one(
        {
            "accounts": MEDICAL,
            "franchise": 3000,
            "deductible": 500,
            "rate": 0.5,
            "limit": 20000,
            "order": ["cap", "deductible", "share"],
        }
    ),
    "households with a member who": one(
        {
            "accounts": ["property_loss"],
            "unit": "household_year",
            "rate": 0.5,
            "where": {"age_from": 60, "sex": "female"},
        },
        insured={"enrolled": True},
    ),
    "certain costs and take-up": one({"accounts": ["education_cost"], "rate": 0.5, "take_up": 0.5}),
    "certain costs of all": {
        "certain_costs": MEDICINE,
        **one({"accounts": ["medicine_cost", "education_cost"], "unit": "household_year", "rate": 0.5}),
    },
    "public layer of households": {
        "layers": {"family": {"accounts": MEDICAL, "unit": "household_year", "rate": 0.55}}
    },
    "two programmes, one prefix": {
        "programmes": {
            "q": {
                "coverages": {"x": ILLNESS, "y": {**ILLNESS, "rate": 0.9}},
                "stack": ["basic", "x", "critical", "y", "assistance"],
            },
            "r": {"coverages": {"x": ILLNESS}, "stack": ["basic", "x", "critical", "assistance"]},
        }
    },
}
BASE = {
    key: {"assets": {"law": "lognormal", "median": 9000, "sigma": 1.0}}
    for key in ("unstable_lifted", "marginal")
}
# Each with what the engine does instead.
CORNERS = {
    "per_household is not applied to household accounts": one(
        {"accounts": PROPERTY, "unit": "event", "deductible": 500, "per_household": {"limit": 3000}}
    ),
    "per_household is not applied to household_year": one(
        {"accounts": PROPERTY, "unit": "household_year", "rate": 0.8, "per_household": {"limit": 3000}}
    ),
    "event terms of a household's persons land in a wrong household": one(
        {"accounts": MEDICAL, "unit": "household_year", "per_event": {"deductible": 500}, "rate": 0.5}
    ),
    "event terms over persons and household land in a wrong household": one(
        {"accounts": [*MEDICAL, "property_loss"], "unit": "event", "deductible": 500}
    ),
    "points by household_year are capped by the points": one(
        {"accounts": ["death_or_disability"], "unit": "household_year", "fixed_sum": 20000}
    ),
    "variants of event terms work on the payment of the main terms": one(
        {**ILLNESS, "unit": "event", "variants": [{"where": {"dibao": True}, "rate": 0.9, "deductible": 100}]}
    ),
    "variants of a scale work on the payment of the main scale": one(
        {
            "accounts": ["death_or_disability"],
            **SCALE,
            "variants": [
                {
                    "where": {"dibao": True},
                    "scale": [{"points": 1, "pays": 3000}, {"points": 11, "pays": 50000}],
                }
            ],
        }
    ),
    "discharges of accounts are counted that the step does not read": {
        "layers": {"basic": {"accounts": ["medical_cost"]}}
    },
    "a fixed sum on own points accounts never pays": {
        "accounts": {"burns": {"level": "person", "kind": "points", "label": "burns"}},
        "perils": {
            "burn": {
                "exposed": "person",
                "frequency": {"law": "bernoulli", "probability": 0.1},
                "books": [{"account": "burns", "amount": {"law": "constant", "amount": 1}}],
            }
        },
        **one({"accounts": ["burns"], "fixed_sum": 1000}),
    },
    "take-up is not drawn for households without events, household accounts": {
        "certain_costs": {"fees": None, **MEDICINE},
        **one({"accounts": ["medicine_cost"], "unit": "household_year", "rate": 0.5, "take_up": 0.5}),
    },
    "a half fen of a household's account is paid and borne, stock": {
        "layers": {"crop": {"accounts": ["property_loss"], "unit": "household_year", "rate": 0.5}}
    },
    "a half fen of a household's account is paid and borne, income": {
        "layers": {"wages": {"accounts": ["income_loss"], "unit": "household_year", "rate": 0.5}}
    },
    "the first relief's rule is applied to all": {
        "relief": {
            "dibao": None,
            "a": {"on": "income", "where": {"dibao": True}},
            "b": {
                "on": "income_minus_rigid",
                "where": {"dibao": False},
                "standard": 3000,
                "benefits_count": True,
            },
        }
    },
    "income tests and relief look at assets": {
        "lines": {"resource": "assets"},
        "population": {"classes": BASE},
    },
}


@pytest.mark.smoke
def test_the_village() -> None:
    assert differences(build()) == []


@pytest.mark.parametrize("tables", SAME.values(), ids=SAME.keys())
def test_same_to_the_fen(tables: dict) -> None:
    assert differences(build(**tables)) == []


@pytest.mark.parametrize("tables", SHARED.values(), ids=SHARED.keys())
def test_a_shared_limit_to_the_fen(tables: dict) -> None:
    assert differences(build(**tables)) == []


REFUSED = [
    "points by household_year are capped by the points",
    "variants of event terms work on the payment of the main terms",
    "variants of a scale work on the payment of the main scale",
    "the first relief's rule is applied to all",
]


@pytest.mark.parametrize("name", [name for name in CORNERS if name not in REFUSED])
def test_corner(name: str) -> None:
    assert differences(build(**CORNERS[name])) == []


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_settled_is_refused(name: str) -> None:
    with pytest.raises(InputError):
        build(**CORNERS[name])


@pytest.mark.nojit
@pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")
def test_a_hamlet_in_plain_python() -> None:
    hamlet = build(population={"persons": 16, "townships": 1})
    assert differences(hamlet, years=1) == []
