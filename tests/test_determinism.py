"""A draw depends on its key alone: not on threads, blocks, order, company or programmes."""

from __future__ import annotations

from collections import Counter
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import build

from fangpinbao.aggregate import year_events
from fangpinbao.engine import Engine, population_of, simulate
from fangpinbao.errors import InputError
from fangpinbao.outcomes import Outcomes
from fangpinbao.population import Population
from fangpinbao.scenario import load_scenario

YEARS = 14
ROOT = Path(__file__).resolve().parents[1]
LIMITED = {"programmes": {"base": {"aggregate": {"limit": 250_000, "rule": "pro_rata"}}}}


def assert_same_bits(one: Outcomes, other: Outcomes) -> None:
    pd.testing.assert_frame_equal(one.by_year, other.by_year, check_exact=True)
    for field in fields(one.sums):
        mine, its = getattr(one.sums, field.name), getattr(other.sums, field.name)
        assert np.array_equal(mine, its), field.name


@pytest.fixture(scope="module")
def reference() -> Outcomes:
    return simulate(build(**LIMITED), YEARS, threads=1)


@pytest.mark.parametrize(
    ("threads", "block_persons", "chunk_years"),
    [(2, 6_000, None), (1, 1, 3), (2, 37, 1), (2, 100, 250), (1, 10_000, 5)],
)
def test_threads_blocks_and_chunks(reference: Outcomes, threads, block_persons, chunk_years) -> None:
    again = simulate(
        build(**LIMITED),
        YEARS,
        threads=threads,
        block_persons=block_persons,
        chunk_years=chunk_years,
    )
    assert_same_bits(reference, again)


def test_more_township_events_than_a_batch_has_households() -> None:
    """Tens of thousands of events in one batch of years, most of which strike nobody."""
    scenario = load_scenario("zhongning-2020").replace_all(
        {"population.persons": 600, "population.townships": 300, "programmes": {}}
    )
    floods = scenario.replace("perils.flood.frequency.events_per_year", 8)
    assert_same_bits(simulate(floods, 64, threads=1), simulate(floods, 64, threads=1, chunk_years=4))


@pytest.mark.smoke
def test_the_same_run_twice_and_another_seed(reference: Outcomes) -> None:
    assert_same_bits(reference, simulate(build(**LIMITED), YEARS, threads=2))
    other = simulate(build(**LIMITED), YEARS, seed=8)
    assert not np.array_equal(reference.sums.columns, other.sums.columns)


def test_fewer_years_are_the_first_of_more(reference: Outcomes) -> None:
    assert np.array_equal(simulate(build(**LIMITED), 5).sums.columns, reference.sums.columns[:, :5])


def test_a_shuffled_roster(reference: Outcomes) -> None:
    rows = population_of(build()).to_frame()
    shuffled = Population.from_frame(rows.sample(frac=1, random_state=5))
    assert_same_bits(reference, simulate(build(**LIMITED), YEARS, population=shuffled))


def test_an_extended_roster_leaves_the_others_as_they_were() -> None:
    scenario = build()
    rows = population_of(scenario).to_frame()
    more = population_of(build(population={"seed": 99, "persons": 150})).to_frame()
    more["person_id"] = "new " + more["person_id"].astype(str)
    more["household_id"] = "new " + more["household_id"].astype(str)
    for name in ("person_id", "household_id"):
        rows[name] = "old " + rows[name].astype(str)
    small = Population.from_frame(rows)
    large = Population.from_frame(pd.concat([rows, more]).sample(frac=1, random_state=1))
    keys = ["programme", "household_id"]
    runs = [
        simulate(scenario, YEARS, population=p, by_household=True).by_household.set_index(keys)
        for p in (small, large)
    ]
    assert len(runs[1]) > len(runs[0])
    assert runs[0].to_numpy().any()
    pd.testing.assert_frame_equal(runs[0], runs[1].loc[runs[0].index])


def drawn(scenario, years: int = 4, *, counts: bool = True) -> dict[str, Counter]:
    """Events by peril, as (year, account, person id, household id, amount, in-scope part, word)."""
    engine = Engine(scenario, block_persons=100)
    found: dict[str, Counter] = {name: Counter() for name in scenario.perils}
    for y in range(years):
        for events in year_events(engine, 0, engine.years(y, y + 1)):
            for i, q in enumerate(events["peril"]):
                person, household = events["person"][i], events["household"][i]
                who = engine.population.person_id[person] if person >= 0 else None
                where = engine.population.household_id[household]
                count = events["count"][i] if counts else 0
                money = (events["amount"][i], events["scope"][i], events["word"][i])
                account = engine.compiled.accounts[events["account"][i]]
                found[engine.hazard.names[q]][(y, account, who, where, count, *money)] += 1
    return found


def test_another_peril_changes_no_draw() -> None:
    hail = {
        "exposed": "township",
        "frequency": {"law": "poisson", "events_per_year": 2},
        "share_hit": 0.2,
        "books": [{"account": "crop_loss", "amount": {"law": "exponential", "mean": 800}}],
    }
    before, after = drawn(build()), drawn(build(perils={"a_hail": hail}))
    assert after.pop("a_hail")
    assert before == after


def test_the_order_of_perils_changes_no_draw() -> None:
    document = build().document
    document["perils"] = dict(reversed(document["perils"].items()))
    assert drawn(type(build()).from_document(document)) == drawn(build())


@pytest.mark.parametrize(
    ("peril", "change"),
    [
        ("inpatient", {"frequency": {"law": "poisson", "events_per_year": 0.7}}),
        ("accident", {"frequency": {"law": "negative_binomial", "events_per_year": 0.4, "size": 1.5}}),
        ("fire", {"frequency": {"law": "bernoulli", "probability": 0.3}}),
        ("flood", {"frequency": {"law": "poisson", "events_per_year": 2.0}}),
        ("school_extra", {"factors": {"sex": {"female": 2.0}}}),
        ("flood", {"share_hit": {"law": "beta", "mean": 0.6, "concentration": 2}}),
    ],
)
def test_a_higher_probability_only_adds_events(peril: str, change: dict) -> None:
    before = drawn(build(), counts=False)
    after = drawn(build(perils={peril: change}), counts=False)
    assert before[peril] < after[peril]
    assert {name: after[name] for name in after if name != peril} == {
        name: before[name] for name in before if name != peril
    }


def test_a_larger_amount_strikes_the_same_people() -> None:
    larger = {"books": [{"account": "accident_property_loss", "amount": {"law": "constant", "amount": 77}}]}
    before, after = drawn(build()), drawn(build(perils={"fire": larger}))
    assert {key[:4] for key in before["fire"]} == {key[:4] for key in after["fire"]}
    assert {key[5] for key in after["fire"]} == {7700}


def test_programmes_do_not_change_each_other() -> None:
    illness = {"accounts": ["medical_cost"], "rate": 0.7, "take_up": 0.5}
    first = {"coverages": {"x": illness}, "stack": ["basic", "x", "critical", "assistance"]}
    both, alone = build(programmes={"a": first}), build(programmes={"base": None, "a": first})
    without = build()
    runs = {name: simulate(s, YEARS) for name, s in (("both", both), ("alone", alone), ("without", without))}
    for name, others in (("none", ("alone", "without")), ("a", ("alone",)), ("base", ("without",))):
        mine = runs["both"].sums.columns[runs["both"].index(name)]
        for other in others:
            its = runs[other].sums.columns[runs[other].index(name)]
            assert np.array_equal(mine, its), (name, other)
    assert np.array_equal(runs["both"].sums.ground_up, runs["without"].sums.ground_up)


@pytest.mark.parametrize("gate", [{"take_up": 0.5}, {"income_test": {"per_head_below": 6000}}])
def test_public_layers_cannot_depend_on_what_follows_them(gate: dict) -> None:
    with pytest.raises(InputError, match=r"layers\.assistance\.(take_up|income_test)"):
        build(layers={"assistance": gate})


def test_claims_are_counted() -> None:
    outcomes = simulate(build(), 5)
    steps = [s for s in outcomes.stack("base") if outcomes.compiled.tree.nodes[s].programme]
    assert np.array_equal(outcomes.column("base", "claims"), outcomes.sums.step_claims[:, steps].sum(axis=1))


@pytest.mark.parametrize("name", ["benchmarks/problem.toml", "zhongning-2020"])
def test_leaving_out_households_that_cannot_matter_changes_no_bit(name: str) -> None:
    """Households within their slack get no slot; settling all that are touched must give the same sums."""
    scenario = load_scenario(ROOT / name if "/" in name else name).replace("population.persons", 1_500)
    lean, full = Engine(scenario), Engine(scenario)
    assert lean.compiled.stacks.is_plain
    full.compiled = replace(full.compiled, stacks=full.compiled.stacks._replace(is_plain=False))
    one, other = (engine.run(40, threads=1, by_household=True) for engine in (lean, full))
    assert one.sums.columns[1:].any()
    assert_same_bits(one, other)
