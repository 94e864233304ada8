"""Catastrophes among households: who is struck, what is booked and when, by hand and by a slow plain version."""

# ruff: noqa: E501  (one booking to a line)

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from area_cases import BOOKS, ONE, TOWNSHIPS, area
from test_determinism import assert_same_bits, drawn
from test_twin import differences

from fangpinbao.aggregate import days_of, year_events
from fangpinbao.catastrophe.outcomes import simulate_catastrophe
from fangpinbao.core.area_events import dated, grade_of, unmix64
from fangpinbao.core.events import day_of
from fangpinbao.core.streams import mix64, mix_int
from fangpinbao.engine import Engine, population_of, simulate
from fangpinbao.explain import explain
from fangpinbao.population import Population
from fangpinbao.scenario import Scenario
from fangpinbao.variance import variance_split
from tests.catastrophe_twin import Twin, sub_word, uniform

MASK = (1 << 64) - 1
GOLDEN = 0x9E3779B97F4A7C15


# --- words and grades ------------------------------------------------------------------------------------


@pytest.mark.nojit
def test_a_dated_word_tells_its_day() -> None:
    rng = np.random.default_rng(5)
    with np.errstate(over="ignore"):
        for day in range(365):
            for word in rng.integers(0, 2**64, 5, dtype=np.uint64):
                assert day_of(np.uint64(dated(word, day))) == day
        words = rng.integers(0, 2**64, 200, dtype=np.uint64)
        assert all(unmix64(np.uint64(mix64(word))) == word for word in words)
        # The word keeps the randomness of what it was made of: days apart, nothing is repeated.
        assert len({int(dated(word, 100)) for word in words}) == len(words)


@pytest.mark.nojit
def test_grades_of_the_kinds_of_casualty() -> None:
    grades = [int(grade_of(kind)) for kind in range(45)]
    assert grades[0] == 11
    assert grades[1:11] == list(range(1, 11))
    assert grades[11:14] == [0, 0, 0]
    assert grades[14:44] == [g for g in range(1, 11) for _ in range(3)]
    assert grades[44] == 0


# --- the same events, household by household ---------------------------------------------------------------


class Recorder(Twin):
    """The plain-Python catastrophe, which notes the chance and the intensity of each cell hit."""

    def harm(self, event: Any, peril: Any, word: int, c: int, intensity: float) -> None:
        table = peril.casualties
        more = table.disabled_per_death + table.burned_per_death
        chance = self.rate(table.deaths, intensity) * table.rural_factor * self.factor(peril, word)
        event.counts[0] = 1  # kept
        vars(event).setdefault("hits", []).append((c, word, min(chance * (1 + more), table.most), intensity))


def probabilities(table: Any) -> list[float]:
    """Chances of the kinds: dead; ten grades; three degrees alone; grade and degree."""
    whole = 1 + table.disabled_per_death + table.burned_per_death
    disabled = [table.disabled_per_death / whole * g / sum(table.grades) for g in table.grades]
    degrees = [d / sum(table.burn_degrees) for d in table.burn_degrees]
    also = table.burned_among_disabled
    both = [one * also * d for one in disabled for d in degrees]
    alone = [table.burned_per_death / whole * d for d in degrees]
    return [1 / whole, *(one * (1 - also) for one in disabled), *alone, *both]


def struck_by_hand(scenario: Scenario, people: Population, seed: int, path: int) -> Counter[tuple[Any, ...]]:
    """Who is struck in a year, from the keys and laws as documented: (day, household, person, kind)."""
    twin, found = Recorder(scenario, seed), Counter[tuple[Any, ...]]()
    peril = scenario.catastrophe.perils["storm"]  # type: ignore[union-attr]
    kinds = probabilities(peril.casualties)
    for event in twin.year(path):
        for c, word, casualty, intensity in vars(event)["hits"]:
            if c >= len(TOWNSHIPS):
                continue
            hit, loss = (twin.rate(curve, intensity) for curve in (peril.damage.hit, peril.damage.loss))
            dead = casualty * kinds[0]
            injured = min(dead * peril.damage.injured_per_death, 1 - casualty)
            key = sub_word(word, 1 << 40)
            homes = mix_int(key ^ 0x9FB21C651E98DF25)
            town = people.township_names.index(TOWNSHIPS[c])
            for h in np.flatnonzero(people.township_of == town).tolist():
                if uniform(sub_word(homes, int(people.household_key[h]))) < hit:
                    found[event.day, h, None, "damaged", round(loss, 9)] += 1
                for i in range(*people.household_start[h : h + 2]):
                    mine = sub_word(key, int(people.person_key[i]))
                    u = uniform(mine)
                    if u < casualty:
                        v, below, kind = uniform(sub_word(mine, 3)), 0.0, -1
                        while v >= below:
                            kind += 1
                            below += kinds[kind]
                        found[event.day, h, i, kind, None] += 1
                    elif u < casualty + injured:
                        found[event.day, h, i, "injured", None] += 1
    return found


def noting(kind: list[str], account: str, **more: Any) -> dict[str, Any]:
    return {"account": account, "harm": kind, "amount": ONE, **more}


def test_the_same_people_as_a_slow_plain_version() -> None:
    """Bookings that tell who was harmed how; every grade and degree has a benefit of its own."""
    books = [
        noting(["damaged"], "property_loss", times="share_lost", amount={"law": "constant", "amount": 1e7}),
        noting(["injured"], "disaster_medical_cost"),
        noting(["dead", "disabled", "burned"], "owed", times="benefit", contract="region"),
        noting(["dead", "disabled"], "death_or_disability", times="grade"),
    ]
    terms = {
        "perils": ["storm"], "per_person": 1_000_000, "death_share": 1.0, "cumulative": None,
        "disability_scale": [0.31, 0.32, 0.33, 0.34, 0.35, 0.36, 0.37, 0.38, 0.39, 0.40],
        "burn_scale": [0.04, 0.02, 0.01],
    }  # fmt: skip
    one = area(perils={"storm": {"books": books}}, catastrophe={"contracts": {"region": terms}})
    benefit = {0: 100_000_000}
    for g in range(10):
        benefit[1 + g] = 31_000_000 + g * 1_000_000
    for d, sum_ in enumerate((4_000_000, 2_000_000, 1_000_000)):
        benefit[11 + d] = sum_
        for g in range(10):
            benefit[14 + 3 * g + d] = benefit[1 + g] + sum_
    engine, seen = Engine(one, seed=7, block_persons=70), Counter[Any]()
    for path in range(40):
        expected: Counter[tuple[Any, ...]] = Counter()
        for (day, h, i, kind, loss), n in struck_by_hand(one, engine.population, 7, path).items():
            seen[kind] += n
            if kind == "damaged":
                expected[day, h, -1, "property_loss", math.floor(1e9 * loss + 0.5)] += n
            elif kind == "injured":
                expected[day, h, i, "disaster_medical_cost", 100] += n
            else:
                expected[day, h, i, "owed", benefit[kind]] += n
                if grade_of(kind):
                    expected[day, h, i, "death_or_disability", 100 * int(grade_of(kind))] += n
        found: Counter[tuple[Any, ...]] = Counter()
        storm = engine.hazard.names.index("storm")
        for events in year_events(engine, 0, engine.years(path, path + 1)):
            for e in np.flatnonzero(events["peril"] == storm):
                account = engine.compiled.accounts[events["account"][e]]
                day, amount = int(days_of(events["word"][e : e + 1])[0]), int(events["amount"][e])
                found[day, int(events["household"][e]), int(events["person"][e]), account, amount] += 1
        assert found == expected
    assert seen["damaged"] > 100
    assert seen["injured"] > 20
    assert len([kind for kind in seen if isinstance(kind, int)]) > 24


def test_the_settlement_equals_the_twin() -> None:
    """Every column of every year: damage, injuries, lost income, fixed sums and all other perils together."""
    many = area(catastrophe={"perils": {"storm": {"frequency": {"law": "poisson", "events_per_year": 3.0}}}})
    assert not differences(many, years=6)


# --- by hand -----------------------------------------------------------------------------------------------


def certain(tmp_path: Path, rows: str, contract: dict[str, Any] | None = None, **tables: Any) -> Scenario:
    """Storms of a file that kill everybody and take three tenths of every dwelling of 40,000 yuan."""
    (tmp_path / "events.csv").write_text("event,peril,year,cell,intensity,day\n" + rows, encoding="utf-8")
    storm = {
        "casualties": {
            "deaths": {"law": "points", "at": [1.0], "rates": [1.0]}, "most": 1.0, "event_factor": None,
            "disabled_per_death": 0.0, "burned_per_death": 0.0, "burned_among_disabled": 0.0,
        },
        "damage": {
            "hit": {"law": "points", "at": [1.0], "rates": [1.0]}, "loss": {"law": "points", "at": [1.0], "rates": [0.3]},
            "injured_per_death": 0.0,
        },
    }  # fmt: skip
    books = [{**book, "amount": {"law": "constant", "amount": 40_000}} if book["account"] == "property_loss" else book for book in BOOKS]  # fmt: skip
    catastrophe = {
        "perils": {"storm": storm},
        "catalogue": {"file": "events.csv", "years": 2},
        "contracts": {"region": contract or {}},
    }
    return area(catastrophe, tmp_path / "s.toml", **({"perils": {"storm": {"books": books}}} | tables))


def test_a_storm_that_kills_everybody_is_paid_to_the_fen(tmp_path: Path) -> None:
    one = certain(tmp_path, "a,storm,1,township_2,1.5,10\n")
    people = population_of(one).by_class()
    mine = people.township_of == people.township_names.index("township_2")
    homes, members = int(mine.sum()), int(people.household_size[mine].sum())
    outcomes = simulate(one, 2, 7)
    paid = outcomes.column("region", "payout_fen")
    # cells [1, 2, 1, 36] of 2,400 residents: 120 live in township_2, who owe 6 of the 9 million
    assert paid.tolist() == [members * 5_000_000, 0]
    loss = outcomes.sums.ground_up[:, outcomes.accounts.index("property_loss")]
    flood = simulate(one.replace("perils.storm.books[0].amount.amount", 0), 2, 7).sums.ground_up
    assert (loss - flood[:, outcomes.accounts.index("property_loss")]).tolist() == [homes * 1_200_000, 0]
    assert outcomes.sums.events[:, outcomes.perils.index("storm")].tolist() == [homes + members, 0]
    regional = simulate_catastrophe(one, 2, 7)
    assert regional.harm.deaths.tolist() == [120]
    assert regional.paid_by_path("region").tolist() == [600_000_000, 0]


def test_a_storm_that_kills_nobody(tmp_path: Path) -> None:
    one = certain(tmp_path, "a,storm,1,township_2,0.5,10\n")  # below where the curves begin
    outcomes = simulate(one, 2, 7)
    assert outcomes.column("region", "payout_fen").tolist() == [0, 0]
    assert outcomes.sums.events[:, outcomes.perils.index("storm")].tolist() == [0, 0]


def test_the_regional_limit_is_used_up_in_date_order(tmp_path: Path) -> None:
    """9 million: the storm of day 10 takes 6, that of day 200 gets 3 of its 6, that of day 300 nothing."""
    rows = "late,storm,1,township_2,1.5,300\nb,storm,1,township_2,1.5,200\na,storm,1,township_2,1.5,10\n"
    one = certain(tmp_path, rows)
    people = population_of(one).by_class()
    mine = people.township_of == people.township_names.index("township_2")
    members = int(people.household_size[mine].sum())
    engine = Engine(one, seed=7)
    areas = engine.years(0, 1).areas
    assert areas is not None
    shares = dict(zip((areas.place[2] + 1).tolist(), areas.share[1].tolist(), strict=True))
    assert shares == {10: 1.0, 200: 0.5, 300: 0.0}
    assert engine.run(1).column("region", "payout_fen").tolist() == [members * 7_500_000]


def test_an_event_without_regional_casualties(tmp_path: Path) -> None:
    """It is paid in full, unless its trigger is not met, or the limit has been used up before it."""
    rows = "a,storm,1,township_1,0.5,10\nb,storm,1,elsewhere,1.5,200\nc,storm,1,township_1,0.5,300\n"
    shares = {}
    for trigger in ({}, {"triggers": {"storm": {"size": 1.0}}}):
        one = certain(tmp_path, rows, {"cumulative": 100_000_000, **trigger})
        areas = Engine(one, seed=7).years(0, 1).areas
        assert areas is not None
        shares[not trigger] = areas.share[1].tolist()
    assert shares == {True: [1.0, 0.0], False: [0.0, 0.0]}  # 2,160 dead elsewhere use up 100 of 108 million


def test_a_limit_of_the_programme_sees_one_day(tmp_path: Path) -> None:
    """First come: what the storm of day 10 books comes before that of day 200, for every household."""
    rows = "b,storm,1,township_1,1.5,200\na,storm,1,township_3,1.5,10\n"
    people = population_of(certain(tmp_path, rows))
    names = [people.township_names[town] for town in people.township_of]
    first = names.count("township_3")
    coverages = {"property": {"accounts": ["property_loss"], "unit": "household_year", "rate": 1.0}}
    limit = {"limit": 12_000 * (first + 1), "rule": "first_come"}
    no_flood = {"frequency": {"law": "bernoulli", "probability": 0.0}}
    one = certain(
        tmp_path, rows,
        programmes={"base": None, "both": None, "property": {"coverages": coverages, "aggregate": limit}},
    ).replace("perils.flood.frequency", no_flood["frequency"])  # fmt: skip
    run = simulate(one, 1, 7, by_household=True)
    paid = run.by_household.set_index(["programme", "household_id"]).loc["property"]["payout_fen"]
    of_home = dict(zip(people.household_id, names, strict=True))
    by_town: Counter[str] = Counter()
    for name, fen in paid.items():
        by_town[of_home[name]] += fen
    assert by_town == {"township_1": 1_200_000, "township_2": 0, "township_3": 1_200_000 * first}


# --- the same bits -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("threads", "block", "chunk"), [(2, 6_000, None), (1, 1, 3), (2, 37, 1), (1, 10_000, 5)]
)
def test_threads_blocks_and_chunks(threads: int, block: int, chunk: int | None) -> None:
    limited = area(programmes={"both": {"aggregate": {"limit": 150_000, "rule": "first_come"}}})
    reference = simulate(limited, 14, threads=1)
    assert_same_bits(
        reference, simulate(limited, 14, threads=threads, block_persons=block, chunk_years=chunk)
    )


def test_other_perils_programmes_and_people_change_no_draw() -> None:
    before = drawn(area(), years=12)
    assert sum(before["storm"].values()) > 20
    without = area(perils={"flood": None, "fire": None}, programmes={"base": None})
    assert drawn(without, years=12)["storm"] == before["storm"]
    frame = population_of(area()).to_frame()
    some = Population.from_frame(frame[frame["household_id"].astype(str).str[-1] < "6"])
    alone = Engine(area(), some)
    every = Engine(area())
    for y in range(12):
        kept = {str(name) for name in some.household_id}
        columns = []
        for engine in (alone, every):
            found = Counter[tuple[Any, ...]]()
            for events in year_events(engine, 0, engine.years(y, y + 1)):
                for e in range(len(events["peril"])):
                    name = str(engine.population.household_id[events["household"][e]])
                    if name in kept:
                        found[name, events["peril"][e], events["account"][e], events["amount"][e]] += 1
            columns.append(found)
        assert columns[0] == columns[1]


def test_where_leaves_the_others_as_they_were() -> None:
    """A filter on the peril takes households out, and changes nothing for those that stay."""
    people = population_of(area())
    kept = set(
        people.household_id[
            people.select_households(area(perils={"storm": {"where": {"dibao": True}}}).perils["storm"].where)
        ].astype(str)
    )
    before = drawn(area(), years=12)["storm"]
    after = drawn(area(perils={"storm": {"where": {"dibao": True}}}), years=12)["storm"]
    assert after
    assert after == Counter({key: n for key, n in before.items() if str(key[3]) in kept})


def test_a_higher_rate_and_a_contract_only_add() -> None:
    more = {"perils": {"storm": {"frequency": {"law": "poisson", "events_per_year": 1.8}}}}
    free = {"contracts": {"region": {"cumulative": None}}}
    before = drawn(area(catastrophe=free), years=10, counts=False)["storm"]
    after = drawn(area(catastrophe=more | free), years=10, counts=False)["storm"]
    assert before < after
    other = {"contracts": {"region": {"cumulative": 1.0}}}
    assert {key[:4] for key in drawn(area(catastrophe=other), years=10)["storm"]} == {
        key[:4] for key in before
    }


def test_variance_has_the_storm_in_its_township_part() -> None:
    split = variance_split(area(programmes={"base": None}), 400, 7, programme="region")
    of = {part: split.one(f"payout_variance_{part}", "region", "share_of_variance").value for part in ("own", "township", "year")}  # fmt: skip
    assert of["township"] > 0.5
    assert abs(sum(of.values()) - 1) < 1e-9


# --- for readers ------------------------------------------------------------------------------------------


def test_explain_names_the_day_and_what_is_owed() -> None:
    one = area(catastrophe={"perils": {"storm": {"frequency": {"law": "poisson", "events_per_year": 4.0}}}})
    page = explain(one, 1, programme="region", seed=7)
    (paid,) = [payment for payment in page.payments if payment.step == "region.casualties"][:1]
    owed = [event for event in page.events if event.account == "owed" and event.person == paid.person]
    assert sum(event.amount_fen for event in owed) == paid.paid_fen
    regional = simulate_catastrophe(one, 2, 7, stratified=False)
    days = set((regional.harm.day[regional.harm.path == 1] + 1).tolist())
    assert {event.day for event in page.events if event.peril == "storm"} <= days
    assert f"owed by the region: owed {owed[0].amount_fen / 100:,.2f}" in str(page)
