"""Programmes and designs that are like another one: the same as if every table were written out."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from conftest import build

from fangpinbao.engine import simulate
from fangpinbao.errors import InputError

VISITS = {"channels": {"visits": {"chance": 0.5, "delay_days": {"law": "uniform", "low": 0, "high": 90}}}}


def test_a_programme_like_another_is_that_programme() -> None:
    scenario = build(programmes={"twin": {"like": "base"}})
    outcomes = simulate(scenario, 4, 1)
    base, twin = (outcomes.sums.columns[outcomes.index(name)] for name in ("base", "twin"))
    assert np.array_equal(base, twin)


def test_what_stands_in_it_goes_above() -> None:
    own = {"coverages": {"illness": {"take_up": 0.3, "limit": 500}}, "insured": {"dibao": True}}
    short = build(programmes={"twin": {"like": "base", **own}})
    written = copy.deepcopy(short.document["programmes"]["base"])
    written["coverages"]["illness"] |= {"take_up": 0.3, "limit": 500}
    written["insured"]["dibao"] = True
    long = build(programmes={"twin": written})
    assert short.programmes["twin"].coverages == long.programmes["twin"].coverages
    assert short.programmes["twin"].insured == long.programmes["twin"].insured


def test_a_change_of_the_first_reaches_the_other() -> None:
    scenario = build(programmes={"twin": {"like": "base"}})
    changed = scenario.replace("programmes.base.coverages.illness.deductible", 777)
    assert changed.programmes["twin"].coverages["illness"].deductible == 777
    own = scenario.replace("programmes.twin.coverages.illness.deductible", 888)
    assert own.programmes["base"].coverages["illness"].deductible == 1_000
    assert own.programmes["twin"].coverages["illness"].deductible == 888


def test_every_number_is_listed_once() -> None:
    places = [number.place for number in build(programmes={"twin": {"like": "base"}}).numbers]
    assert not [place for place in places if place.startswith("programmes.twin.")]


def test_label_design_and_record_are_not_taken_over() -> None:
    base = {"label": "first", "detection": "open", "ever_insured": {"times": 5}}
    scenario = build(programmes={"base": base, "twin": {"like": "base"}}, detection={"open": VISITS})
    twin = scenario.programmes["twin"]
    assert (twin.label, twin.detection, twin.ever_insured) == (None, None, None)


def test_a_design_may_be_like_another() -> None:
    slow = {"channels": {"visits": {"delay_days": {"law": "constant", "amount": 9}}}}
    scenario = build(
        detection={
            "open": {**VISITS, "programme": "base"},
            "strict": {"like": "open", "threshold": 4_000},
            "slow": {"like": "open", **slow},
        }
    )
    strict, slow_one = scenario.detection["strict"], scenario.detection["slow"]
    assert strict.channels == scenario.detection["open"].channels
    assert (strict.threshold, strict.programme) == (4_000, None)
    assert slow_one.channels["visits"].chance == 0.5
    assert slow_one.channels["visits"].delay_days.law == "constant"


MISTAKES = [
    (
        {"programmes": {"twin": {"like": "bsae"}}},
        "programmes.twin.like = 'bsae' is not another programme. Did you mean base?",
    ),
    ({"programmes": {"twin": {"like": "twin"}}}, "programmes.twin.like = 'twin' is not another programme."),
    (
        {"programmes": {"a": {"like": "base"}, "b": {"like": "a"}}},
        "programmes.b.like = 'a' is itself like another programme. Write 'base'.",
    ),
    (
        {"programmes": {"a": {"like": "base"}, "b": {"like": "a"}, "c": {"like": "b"}}},
        "programmes.c.like = 'b' is itself like another programme. Write 'base'.",
    ),
    (
        {"programmes": {"a": {"like": "b"}, "b": {"like": "a"}}},
        "programmes.a.like = 'b' is itself like another programme. The chain leads back to 'a'.",
    ),
    (
        {"detection": {"a": {"like": "nowhere"}, "b": {"like": "a"}}},
        "detection.b.like = 'a' is itself like another design. The chain ends at 'nowhere', which is no design.",
    ),
    (
        {"programmes": {"a": {"like": "base"}, "b": {"like": "aa"}}},
        "programmes.b.like = 'aa' is not another programme. Known: base.",
    ),
    (
        {"detection": {"a": VISITS, "b": {"like": "c"}}},
        "detection.b.like = 'c' is not another design. Known: a.",
    ),
]


@pytest.mark.parametrize(("tables", "says"), MISTAKES, ids=[says[:40] for _, says in MISTAKES])
def test_a_mistake_is_named(tables: dict, says: str) -> None:
    with pytest.raises(InputError) as caught:
        build(**tables)
    assert any(str(problem).startswith(says) for problem in caught.value.problems), str(caught.value)


@pytest.mark.parametrize(
    ("tables", "places"),
    [
        ({"programmes": {"a": {"like": "base"}, "b": {"like": "a"}}}, ["programmes.b.like"]),
        (
            {"programmes": {"a": {"like": "base"}, "b": {"like": "a"}, "c": {"like": "b"}}},
            ["programmes.b.like", "programmes.c.like"],
        ),
        ({"programmes": {"b": {"like": "bsae"}}}, ["programmes.b.like"]),
        ({"programmes": {"b": {"like": "nowhere"}}}, ["programmes.b.like"]),
        ({"programmes": {"b": {"like": "nowhere", "coverages": {}}}}, ["programmes.b.like"]),
        ({"programmes": {"b": {"like": "b"}}}, ["programmes.b.like"]),
        (
            {"programmes": {"a": {"like": "b"}, "b": {"like": "a"}}},
            ["programmes.a.like", "programmes.b.like"],
        ),
        ({"detection": {"b": {"like": "nowhere"}}}, ["detection.b.like"]),
        (
            {"programmes": {"b": {"like": "nowhere", "administration": -7}}},
            ["programmes.b.administration", "programmes.b.like"],
        ),
        ({"programmes": {"b": {}}}, ["programmes.b.coverages"]),
    ],
)
def test_a_wrong_likeness_brings_no_other_problems(tables: dict, places: list[str]) -> None:
    """What may stand in the table that is meant is not missed; mistakes of the table itself are told beside."""
    with pytest.raises(InputError) as caught:
        build(**tables)
    assert sorted(problem.place for problem in caught.value.problems) == places, str(caught.value)


def test_what_a_message_on_a_chain_says_can_be_written() -> None:
    chain = {"a": {"like": "base"}, "b": {"like": "a"}, "c": {"like": "b"}}
    with pytest.raises(InputError) as caught:
        build(programmes=chain)
    for problem in caught.value.problems:
        name, root = problem.place.split(".")[1], str(problem).rsplit("Write ", 1)[1].strip("'.")
        chain[name]["like"] = root
    assert set(build(programmes=chain).programmes) == {"base", "a", "b", "c"}


def test_a_fault_of_the_first_is_told_once() -> None:
    with pytest.raises(InputError) as caught:
        build(
            programmes={
                "base": {"coverages": {"illness": {"take_up": 7}}},
                "twin": {"like": "base", "coverages": {"education": {"rate": 8}}},
            }
        )
    places = [problem.place for problem in caught.value.problems]
    assert places == ["programmes.base.coverages.illness.take_up", "programmes.twin.coverages.education.rate"]
