"""Tags: words of one's own on people, drawn by household, read from rosters, used by filters."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from conftest import build

from fangpinbao.engine import population_of, simulate
from fangpinbao.errors import InputError
from fangpinbao.population import Population
from fangpinbao.roster import read_roster, write_roster
from fangpinbao.scenario.terms import Filter

CLASSES = {
    "unstable_lifted": {"tags": {"apples": 0.4}, "holder_tags": {"borrower": 0.5}},
    "marginal": {"tags": {"sheep": 1.0}},
}


@pytest.fixture(scope="module")
def village() -> Population:
    return population_of(build(population={"persons": 6000, "classes": CLASSES}))


def bearers(people: Population, tag: str) -> np.ndarray:
    """Persons with the tag, by another way than the filter: the words of the table."""
    return people.to_frame()["tags"].map(lambda cell: tag in cell.split(";")).to_numpy()


def test_a_tag_is_borne_by_all_members_and_a_holder_tag_by_one_adult(village: Population) -> None:
    apples, borrower = bearers(village, "apples"), bearers(village, "borrower")
    by_household = np.add.reduceat(apples, village.household_start[:-1])
    assert set((by_household / village.household_size).tolist()) == {0.0, 1.0}
    assert np.add.reduceat(borrower, village.household_start[:-1]).max() == 1
    assert village.age[borrower].min() >= 18


@pytest.mark.parametrize(
    ("tag", "code", "share"),
    [("apples", 0, 0.4), ("borrower", 0, 0.5), ("sheep", 1, 1.0), ("apples", 1, 0.0)],
)
def test_shares_are_those_of_households(village: Population, tag: str, code: int, share: float) -> None:
    mine = village.household_class == code
    has = village.select_households(Filter(tags=[tag]))[mine]
    assert abs(has.mean() - share) <= 4 * np.sqrt(share * (1 - share) / mine.sum())


def test_tags_do_not_move_other_draws() -> None:
    plain = population_of(build())
    tagged = population_of(build(population={"classes": CLASSES}))
    assert plain.tags is None
    assert not hasattr(plain.to_frame(), "tags")
    assert plain.to_frame().equals(tagged.to_frame().drop(columns="tags"))


def test_filters(village: Population) -> None:
    apples, borrower = bearers(village, "apples"), bearers(village, "borrower")
    assert (village.select(Filter(tags=["apples"])) == apples).all()
    assert (village.select(Filter(tags=["apples", "borrower"])) == (apples | borrower)).all()
    assert (village.select(Filter(without_tags=["borrower"])) == ~borrower).all()
    assert (village.select(Filter(tags=["apples"], without_tags=["borrower"])) == (apples & ~borrower)).all()
    assert not village.select(Filter(tags=["unknown"])).any()


def test_a_household_is_without_a_tag_only_if_no_member_bears_it(village: Population) -> None:
    borrower = np.logical_or.reduceat(bearers(village, "borrower"), village.household_start[:-1])
    assert (village.select_households(Filter(without_tags=["borrower"])) == ~borrower).all()
    assert (village.select_households(Filter(tags=["borrower"])) == borrower).all()


def test_conditions_on_persons_must_meet_in_one_member(village: Population) -> None:
    """A borrower of 60 or more, not a borrower and somebody of 60 or more."""
    both = bearers(village, "borrower") & (village.age >= 60)
    expected = np.logical_or.reduceat(both, village.household_start[:-1])
    assert (village.select_households(Filter(tags=["borrower"], age_from=60)) == expected).all()


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_roster_keeps_tags(village: Population, tmp_path: Path, ending: str) -> None:
    file = tmp_path / f"people.{ending}"
    write_roster(village, file)
    assert read_roster(file).identical_to(village)


def test_a_roster_names_its_own_tags_in_any_order() -> None:
    table = population_of(build(population={"persons": 12})).to_frame()
    table["tags"] = ["单亲"] + ["a ; b", "b;a;"] + [""] * (len(table) - 3)
    with pytest.raises(InputError, match=r"row 1, column tags = '单亲' is not names with ; between them"):
        Population.from_frame(table)
    table["tags"] = ["b", "a ; b", "b;a;"] + [""] * (len(table) - 3)
    people = Population.from_frame(table)
    assert people.tag_names == ("a", "b")
    assert sorted(people.to_frame()["tags"])[-3:] == ["a;b", "a;b", "b"]


def test_mistakes_are_refused_together() -> None:
    with pytest.raises(InputError) as refused:
        build(
            population={"classes": {"marginal": {"tags": {"sheep": 0.1}, "holder_tags": {"sheep": 0.2}}}},
            perils={"fire": {"where": {"tags": ["sheeep"], "without_tags": ["goats"]}}},
        )
    text = str(refused.value)
    assert "population.classes.marginal.holder_tags repeats sheep of tags. Keep one of the two." in text
    assert "perils.fire.where.tags[0] = 'sheeep' is not a tag of any class. Did you mean sheep?" in text
    assert "perils.fire.where.without_tags[0] = 'goats' is not a tag of any class." in text


def test_exposure_and_cover_follow_tags() -> None:
    """Fires of tagged households only; a coverage where the peril cannot strike pays nothing."""
    fire = {"where": {"tags": ["apples"]}, "frequency": {"law": "bernoulli", "probability": 1.0}}
    terms = {"accounts": ["accident_property_loss"], "unit": "household_year", "rate": 0.5}
    scenario = build(
        population={"classes": CLASSES},
        perils={"fire": fire},
        programmes={
            "base": None,
            "with": {"coverages": {"fire": {**terms, "where": {"tags": ["apples"]}}}},
            "without": {"coverages": {"fire": {**terms, "where": {"without_tags": ["apples"]}}}},
        },
    )
    outcomes = simulate(scenario, 3)
    struck = population_of(scenario).select_households(Filter(tags=["apples"])).sum()
    assert (outcomes.sums.events[:, list(outcomes.perils).index("fire")] == struck).all()
    assert outcomes.column("with", "payout_fen").min() > 0
    assert outcomes.column("without", "payout_fen").max() == 0
