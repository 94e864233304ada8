"""Populations: keys come from ids alone, margins are met, selection follows the filter."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from fangpinbao.core.streams import GOLDEN, mix_int
from fangpinbao.population import Population, stable_keys
from fangpinbao.scenario import models, vocabulary
from fangpinbao.scenario.terms import Filter
from fangpinbao.scenario.vocabulary import CLASSES, STAGES
from fangpinbao.synthesis import SCHOOL_AGES, synthesise

MASK = (1 << 64) - 1
PERSON_SALT = 0x243F6A8885A308D3
FROZEN = ["0xbf045e7a19c494d8", "0x7abd51f8bdd5bf94"]  # persons "1" and "张三", by key_by_hand
AGE_STARTS, AGE_SHARES, AGE_END = [0, 6, 18, 60], [0.08, 0.17, 0.55, 0.20], 90
MARGINS = {
    "share": 0.25,
    "household_size": [0.15, 0.25, 0.3, 0.2, 0.1],
    "age": {"from": AGE_STARTS, "values": AGE_SHARES},
    "age_end": AGE_END,
    "female_share": 0.48,
    "income_per_head": {"law": "lognormal", "median": 6000.0, "sigma": 0.5},
    "income_from": 3000.0,
    "income_to": 15000.0,
    "lifted_out": 0.9,
    "dibao": 0.3,
    "tekun": 0.05,
    "enrolled": 0.97,
}


def model(persons=40_000, seed=7, **changes):
    margins = MARGINS | changes
    others = margins | {"share": 1 - margins["share"], "lifted_out": 0.0}
    return models.Population(
        persons=persons,
        seed=seed,
        townships=["恩和镇", "大战场镇", "鸣沙镇"],
        township_shares=[5.0, 3.0, 2.0],
        classes={"unstable_lifted": margins, "marginal": others},
    )


def textbook(persons):
    return models.Population(persons=persons)


@pytest.fixture(scope="module")
def county():
    return synthesise(model())


def within_four_errors(count, n, share):
    return abs(count - n * share) <= 4 * np.sqrt(n * share * (1 - share)) + 1e-9


def key_by_hand(text, salt):
    """The documented folding, one character pair at a time."""
    points = [ord(character) for character in text] + [0] * (len(text) % 2)
    key = salt
    for low, high in zip(points[::2], points[1::2], strict=True):
        key = mix_int(((key ^ (low | high << 32)) + int(GOLDEN)) & MASK)
    return key


@settings(derandomize=True, deadline=None)
@given(st.lists(st.text(st.characters(exclude_characters="\0", codec="utf-8"), min_size=1), min_size=1))
def test_a_key_is_the_documented_function_of_the_text(ids):
    keys = stable_keys(np.array(ids, dtype=object), "person")
    assert keys.tolist() == [key_by_hand(text, PERSON_SALT) for text in ids]


@settings(derandomize=True, deadline=None)
@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1))
def test_an_integer_and_its_text_share_a_key(ids):
    numbers = stable_keys(np.array(ids, dtype=np.int64), "household")
    assert numbers.tolist() == stable_keys([str(number) for number in ids], "household").tolist()


def test_keys_are_frozen_and_differ_by_unit():
    assert [hex(key) for key in stable_keys(["1", "张三"], "person")] == FROZEN
    assert len({int(stable_keys([7], unit)[0]) for unit in ("person", "household", "township")}) == 3
    many = stable_keys(np.arange(200_000), "person")
    assert np.unique(many).size == many.size
    assert abs((many >> np.uint64(63)).mean() - 0.5) < 4 * 0.5 / np.sqrt(many.size)


def test_columns_are_sorted_contiguous_and_read_only(county):
    assert np.all(np.diff(county.household_of) >= 0)
    assert np.all(np.diff(county.township_of) >= 0)
    assert np.all(county.township_key[1:] > county.township_key[:-1])
    assert np.array_equal(np.bincount(county.household_of), county.household_size)
    same_household = np.diff(county.household_of) == 0
    assert np.all((county.person_key[1:] > county.person_key[:-1])[same_household])
    same_township = np.diff(county.township_of) == 0
    assert np.all((county.household_key[1:] > county.household_key[:-1])[same_township])
    with pytest.raises(ValueError, match="read-only"):
        county.age[0] = 3


def test_margins_are_met(county):
    assert county.persons == 40_000
    class_of = county.household_class[county.household_of]
    assert np.count_nonzero(class_of == CLASSES.index("unstable_lifted")) == 10_000
    assert np.count_nonzero(class_of == CLASSES.index("marginal")) == 30_000
    assert within_four_errors(county.female.sum(), county.persons, 0.48)
    assert within_four_errors(county.enrolled.sum(), county.persons, 0.97)
    lifted = county.household_class == 0
    assert within_four_errors(county.lifted_out[lifted].sum(), lifted.sum(), 0.9)
    assert not county.lifted_out[~lifted].any()
    assert within_four_errors(county.dibao.sum(), county.households, 0.3)
    assert within_four_errors(county.tekun.sum(), county.households, 0.05)
    assert not np.any(county.dibao & county.tekun)
    for size, share in enumerate(MARGINS["household_size"], start=1):
        assert within_four_errors(np.sum(county.household_size == size), county.households, share)
    for name, share in zip(("恩和镇", "大战场镇", "鸣沙镇"), (0.5, 0.3, 0.2), strict=True):
        there = county.township_of == county.township_names.index(name)
        assert within_four_errors(there.sum(), county.households, share)


def test_ages_meet_the_margin_and_every_household_has_an_adult(county):
    ends = [*AGE_STARTS[1:], AGE_END]
    for start, end, share in zip(AGE_STARTS, ends, AGE_SHARES, strict=True):
        assert within_four_errors(np.sum((county.age >= start) & (county.age < end)), county.persons, share)
    assert county.age.max() == AGE_END - 1
    assert county.select_households(Filter(age_from=18)).all()
    # uniform within a band
    working = county.age[(county.age >= 18) & (county.age < 60)]
    assert abs(working.mean() - 38.5) < 4 * np.sqrt((42**2 - 1) / 12 / working.size)


def test_where_households_are_too_small_children_fall_short():
    population = synthesise(model(20_000, household_size=[0.9, 0.1]))
    # Every second member is a child: 0.1 of 1.1 persons a household, below the margin of 0.25.
    assert within_four_errors(np.sum(population.age < 18), population.persons, 0.1 / 1.1)
    assert synthesise(model(500, household_size=[1.0])).age.min() >= 18


def test_schooling_follows_age(county):
    for stage, ages in SCHOOL_AGES.items():
        of_age = (county.age >= ages.start) & (county.age < ages.stop)
        at_stage = county.schooling == STAGES.index(stage)
        assert not np.any(at_stage & ~of_age)
        assert within_four_errors(np.sum(at_stage), of_age.sum(), vocabulary.SCHOOL_ENROLMENT[stage])
    fewer = synthesise(model(2000).model_copy(update={"school_enrolment": {"primary": 0.0}}))
    assert not np.any(fewer.schooling == STAGES.index("primary"))


def test_income_is_the_law_between_its_bounds(county):
    incomes = county.income_per_head
    assert incomes.min() >= 3000
    assert incomes.max() <= 15000
    assert np.array_equal(incomes, np.round(incomes, 2))
    assert np.array_equal(incomes, county.consumption_per_head)
    # P(X < 6000 | 3000 <= X <= 15000) of lognormal(median 6000, sigma 0.5): (Phi(0) - Phi(-1.386294))
    # / (Phi(1.832581) - Phi(-1.386294)), normal table: Phi(-1.386294) = 0.082828, Phi(1.832581) = 0.966568.
    share = (0.5 - 0.082828) / (0.966568 - 0.082828)
    assert within_four_errors(np.sum(incomes < 6000), incomes.size, share)


def test_consumption_ranks_with_income_and_assets_may_be_given():
    population = synthesise(
        model(
            3000,
            consumption_per_head={"law": "lognormal", "median": 5000.0, "sigma": 0.3},
            assets={"law": "exponential", "mean": 50_000.0},
        )
    )
    order = np.argsort(population.income_per_head, kind="stable")
    assert np.all(np.diff(population.consumption_per_head[order]) >= 0)
    assert population.assets is not None
    assert abs(population.assets.mean() - 50_000) < 4 * 50_000 / np.sqrt(population.households)
    assert abs(np.corrcoef(population.assets, population.income_per_head)[0, 1]) < 0.15


def test_an_atom_on_the_bound_stays():
    law = {"law": "discrete", "values": [1000.0, 3000.0, 9000.0], "probabilities": [0.5, 0.25, 0.25]}
    incomes = synthesise(model(5000, income_per_head=law, income_to=9000.0)).income_per_head
    assert set(incomes) == {3000.0, 9000.0}
    assert within_four_errors(np.sum(incomes == 3000), incomes.size, 0.5)


def test_synthesis_depends_on_its_seed_only():
    assert synthesise(model(3000)).identical_to(synthesise(model(3000)))
    other = synthesise(model(3000, seed=8))
    assert not np.array_equal(other.household_size, synthesise(model(3000)).household_size)


@settings(derandomize=True, deadline=None, max_examples=20)
@given(st.integers(1, 400), st.integers(0, 400))
def test_a_larger_total_extends_a_smaller_one(persons, more):
    small, large = synthesise(model(persons)), synthesise(model(persons + more))
    assert small.persons == persons
    a, b = (population.to_frame().set_index("person_id") for population in (small, large))
    common = a.index.intersection(b.index)
    pd.testing.assert_frame_equal(a.loc[common], b.loc[common])
    assert len(common) >= persons - 2  # rounding of the class totals may move a person or two


def test_every_subset_of_margins_is_one_total():
    for persons in (1, 2, 3, 17, 101):
        assert synthesise(model(persons)).persons == persons
    assert synthesise(model(1000, share=0.0)).households == np.sum(
        synthesise(model(1000, share=0.0)).household_class == 1
    )


def test_a_textbook_population_is_like_persons():
    population = synthesise(textbook(250))
    assert (population.persons, population.households) == (250, 250)
    assert population.township_names == ("all",)
    assert set(population.age) == {40}
    assert population.enrolled.all()
    assert not population.income_per_head.any()
    assert {CLASSES[code] for code in population.household_class} == {"general"}
    assert np.isin(synthesise(textbook(100)).person_key, population.person_key).all()
    numbered = synthesise(models.Population(persons=300, townships=3))
    assert sorted(numbered.township_names) == ["township_1", "township_2", "township_3"]


def test_contradicting_margins_are_refused_together():
    wrong = {"dibao": 0.7, "tekun": 0.6, "age_end": 60, "income_from": 20_000.0, "household_size": [0.0]}
    margins = {name: MARGINS | wrong | {"share": 0.5} for name in ("unstable_lifted", "marginal")}
    schooling = {"senior_general": 0.8, "none": 0.1}
    with pytest.raises(ValidationError) as refusal:
        models.Population(persons=10, classes=margins, school_enrolment=schooling)
    places = [(error["loc"], error["ctx"]["place"]) for error in refusal.value.errors()]
    assert places == [
        *[
            (("classes", name), place)
            for name in ("unstable_lifted", "marginal")
            for place in ("", "household_size", "age_end", "income_to")
        ],
        ((), "school_enrolment.none"),
        ((), "school_enrolment"),
    ]
    with pytest.raises(ValidationError, match="leaves no adult"):
        model(10, age={"from": [0, 18], "values": [1.0, 0.0]})
    with pytest.raises(ValidationError, match="never falls between"):
        model(10, income_per_head={"law": "constant", "amount": 2000.0})


def test_a_frame_and_back_is_the_same(county):
    assert Population.from_frame(county.to_frame()).identical_to(county)


def test_the_order_of_rows_and_columns_does_not_matter():
    population = synthesise(model(2000))
    shuffled = population.to_frame().sample(frac=1.0, random_state=np.random.default_rng(5))
    assert Population.from_frame(shuffled[shuffled.columns[::-1]]).identical_to(population)
    text = shuffled.astype({"person_id": str, "household_id": str})
    assert Population.from_frame(text).identical_to(population)


FAMILIES = pd.DataFrame(
    {
        "person_id": ["a1", "a2", "b1", "c1"],
        "household_id": ["a", "a", "b", "c"],
        "township": ["east", "east", "west", "west"],
        "class": ["marginal", "marginal", "general", "unstable_lifted"],
        "age": [45, 16, 70, 30],
        "sex": ["female", "male", "female", "male"],
        "schooling": ["none", "senior_general", "none", "none"],
        "enrolled": [False, True, True, True],
        "lifted_out": [False, False, False, True],
        "dibao": [True, True, False, False],
        "tekun": [False, False, False, False],
        "income_per_head": [5000.0, 5000.0, 9000.0, 6000.0],
        "consumption_per_head": [4000.0, 4000.0, 9000.0, 5000.0],
    }
)


@pytest.mark.parametrize(
    ("where", "persons", "households"),
    [
        ({}, "a1 a2 b1 c1", "a b c"),
        ({"classes": ["marginal", "general"]}, "a1 a2 b1", "a b"),
        ({"townships": ["west"]}, "b1 c1", "b c"),
        ({"age_from": 16, "age_to": 30}, "a2 c1", "a c"),
        ({"sex": "female"}, "a1 b1", "a b"),
        ({"schooling": ["senior_general"]}, "a2", "a"),
        ({"enrolled": False}, "a1", "a"),
        ({"enrolled": False, "age_to": 20}, "", ""),  # no one member meets both
        ({"lifted_out": True}, "c1", "c"),
        ({"dibao": False, "tekun": False}, "b1 c1", "b c"),
        ({"income_per_head_below": 6000.0}, "a1 a2", "a"),  # strictly below
        ({"income_per_head_below": 7000.0, "sex": "male"}, "a2 c1", "a c"),
    ],
)
def test_a_filter_selects(where, persons, households):
    population = Population.from_frame(FAMILIES)
    chosen = population.person_id[population.select(Filter(**where))]
    assert sorted(chosen) == persons.split()
    chosen = population.household_id[population.select_households(Filter(**where))]
    assert sorted(chosen) == households.split()


def test_an_extended_roster_leaves_the_others_as_they_were():
    before = Population.from_frame(FAMILIES[FAMILIES["household_id"] != "b"])
    after = Population.from_frame(FAMILIES)
    stay = np.isin(after.person_id, before.person_id)
    assert np.array_equal(after.person_key[stay], before.person_key)
    stay = np.isin(after.household_id, before.household_id)
    assert np.array_equal(after.household_key[stay], before.household_key)
