"""Terms of a catastrophe contract, by hand: shared limits, triggers, hours clause, limits in date order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fangpinbao.catastrophe.contracts import benefits_of, cut_by_occurrence, cut_in_date_order, occurrences
from fangpinbao.catastrophe.outcomes import CatastropheOutcomes, simulate_catastrophe
from fangpinbao.core.catastrophe import FIRST_BOTH, FIRST_DEGREE, FIRST_GRADE
from fangpinbao.scenario import Scenario
from fangpinbao.scenario.catastrophe import Contract
from tests.catastrophe_cases import contract, document, scenario, storm


def test_death_disability_and_burns_of_one_person_share_the_limit() -> None:
    one = Contract(
        perils=["a"], per_person=50_000.0, death_share=1.0,
        disability_scale=[1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1], burn_scale=[1.0, 0.5, 0.1],
    )  # fmt: skip
    benefits = benefits_of(one)
    assert benefits[0] == 5_000_000  # fen
    assert benefits[FIRST_GRADE : FIRST_GRADE + 10].tolist() == [500_000 * k for k in range(10, 0, -1)]
    assert benefits[FIRST_DEGREE : FIRST_DEGREE + 3].tolist() == [5_000_000, 2_500_000, 500_000]
    # Grade 6 is 50%: with a medium burn of 50% the limit is just reached; grade 5 (60%) would exceed it.
    both = benefits[FIRST_BOTH:].reshape(10, 3)
    assert both[5, 1] == 5_000_000
    assert both[4, 1] == 5_000_000
    assert both[9].tolist() == [5_000_000, 3_000_000, 1_000_000]
    assert benefits.max() == 5_000_000


def test_a_limit_is_used_up_in_date_order() -> None:
    """Two years, limit 100: 60, then 40 of 70, then nothing; the next year begins anew."""
    owed = np.array([60, 70, 20, 30, 80])
    year = np.array([0, 0, 0, 4, 4])
    assert cut_in_date_order(owed, year, 100).tolist() == [60, 40, 0, 30, 70]
    assert cut_in_date_order(owed[:0], year[:0], 100).tolist() == []


@pytest.mark.parametrize(
    ("hours", "expected"),
    [(72.0, [0, 1, 0, 2, 2, 3]), (73.0, [0, 1, 0, 0, 2, 3]), (24.0, [0, 1, 2, 3, 4, 5])],
)
def test_events_within_the_hours_are_one_occurrence(hours: float, expected: list[int]) -> None:
    """Peril 7 on days 10, 12, 13 and 14 of one year, peril 5 between them, and peril 7 a year later.

    72 hours after the start of day 10 is the start of day 13, which is no more within; day 14 then joins it.
    """
    row = np.array([0, 0, 0, 0, 0, 1])
    day = np.array([10, 11, 12, 13, 14, 10])
    peril = np.array([7, 5, 7, 7, 7, 7])
    assert occurrences(row, day, peril, {7: hours}).tolist() == expected
    assert occurrences(row, day, peril, {}).tolist() == [0, 1, 2, 3, 4, 5]


def test_an_occurrence_shares_the_limit_per_event() -> None:
    owed = np.array([80, 10, 50, 30])
    assert cut_by_occurrence(owed, np.array([0, 1, 0, 0]), 100).tolist() == [80, 10, 20, 0]


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 200)), max_size=30),
    st.integers(0, 400),
)
def test_limits_equal_a_slow_ledger(events: list[tuple[int, int]], limit: int) -> None:
    """Whatever the events: each period has an account that is paid from until it is empty."""
    events = sorted(events, key=lambda event: event[0])
    period = np.array([one for one, _ in events], dtype=np.int64)
    owed = np.array([amount for _, amount in events], dtype=np.int64)
    left: dict[int, int] = {}
    expected = []
    for one, amount in events:
        paid = min(amount, left.get(one, limit))
        left[one] = left.get(one, limit) - paid
        expected.append(paid)
    assert cut_in_date_order(owed, period, limit).tolist() == expected
    assert cut_by_occurrence(owed, period, limit).tolist() == expected


# --- whole runs of a file of events --------------------------------------------------------------------

# A replay of three years: event, year, day, size, loss in yuan.
HISTORY = [
    ("a", 1, 5, 3.0, 300), ("b", 1, 6, 9.0, 500), ("c", 1, 200, 5.0, 400),
    ("d", 2, 1, 6.0, 900), ("e", 3, 300, 8.0, 100),
]  # fmt: skip


def replay(folder: Path, years: int = 3, **terms: Any) -> CatastropheOutcomes:
    rows = [f"{name},storm,{year},{day},{size},east,{loss}" for name, year, day, size, loss in HISTORY]
    text = "\n".join(["event,peril,year,day,size,cell,loss", *rows])
    (folder / "history.csv").write_text(text, encoding="utf-8")
    term_years = terms.pop("term_years", 1)
    peril = storm(warning_levels={"yellow": 4.0, "red": 8.0}, declared_from=6.0)
    tables = {
        "term_years": term_years,
        "perils": {"storm": peril, "other": storm()},
        "catalogue": {"file": "history.csv", "years": 3},
        "contracts": {"base": contract(terms.pop("perils", ["storm"]), **terms)},
    }
    one = Scenario.from_document(document(**tables), file=folder / "small.toml")
    return simulate_catastrophe(one, years)


def paid(outcomes: CatastropheOutcomes) -> list[int]:
    """Yuan of events a to e."""
    return (outcomes.paid[:, 0] // 100).tolist()


def test_a_history_is_replayed_as_it_was(tmp_path: Path) -> None:
    outcomes = replay(tmp_path)
    assert paid(outcomes) == [300, 500, 400, 900, 100]
    assert outcomes.harm.path.tolist() == [0, 0, 0, 1, 2]
    assert outcomes.harm.day.tolist() == [4, 5, 199, 0, 299]
    assert outcomes.yuan_by_path("base").tolist() == [1200, 900, 100]


def test_a_history_is_replayed_over_and_over(tmp_path: Path) -> None:
    assert replay(tmp_path, 7).yuan_by_path("base").tolist() == [1200, 900, 100, 1200, 900, 100, 1200]


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        ({"cumulative": 1000.0}, [300, 500, 200, 900, 100]),
        ({"cumulative": 0.0}, [0, 0, 0, 0, 0]),
        ({"per_event": 450.0}, [300, 450, 400, 450, 100]),
        ({"per_event": 450.0, "hours_clause": {"storm": 48.0}}, [300, 150, 400, 450, 100]),
        ({"per_event": 450.0, "cumulative": 500.0}, [300, 200, 0, 450, 100]),
        ({"triggers": {"storm": {"size": 6.0}}}, [0, 500, 0, 900, 100]),
        ({"triggers": {"storm": {"warning": "yellow"}}}, [0, 500, 400, 900, 100]),
        ({"triggers": {"storm": {"warning": "orange"}}}, None),
        ({"triggers": {"storm": {"warning": "red"}}}, [0, 500, 0, 0, 100]),
        ({"triggers": {"storm": {"declared": True}}}, [0, 500, 0, 900, 100]),
        ({"triggers": {"storm": {"size": 6.0}}, "hours_clause": {"storm": 48.0}}, [300, 500, 0, 900, 100]),
        ({"triggers": {"storm": {"warning": "red", "declared": True}}}, [0, 500, 0, 900, 100]),
        ({"triggers": {"storm": {"deaths": 1}}}, [0, 0, 0, 0, 0]),
    ],
)
def test_terms_on_a_history(terms: dict[str, Any], expected: list[int] | None, tmp_path: Path) -> None:
    if expected is None:  # the peril gives no size for an orange warning
        with pytest.raises(ValueError, match="gives no size for it"):
            replay(tmp_path, **terms)
        return
    assert paid(replay(tmp_path, **terms)) == expected


def test_a_limit_for_the_term_runs_through_its_years(tmp_path: Path) -> None:
    """One path is a term of three years; its limit of 1,500 ends in the second year."""
    outcomes = replay(tmp_path, 1, term_years=3, cumulative=1500.0, cumulative_over="term")
    assert paid(outcomes) == [300, 500, 400, 300, 0]
    assert outcomes.event_losses("base").by_year().tolist() == [120_000, 30_000, 0]
    yearly = replay(tmp_path, 1, term_years=3, cumulative=1000.0)
    assert paid(yearly) == [300, 500, 200, 900, 100]


def test_a_contract_pays_only_its_perils(tmp_path: Path) -> None:
    outcomes = replay(tmp_path, perils=["other"])
    assert paid(outcomes) == [0, 0, 0, 0, 0]
    assert len(outcomes.event_losses("base")) == 0


def test_a_trigger_counts_the_dead_of_an_occurrence(tmp_path: Path) -> None:
    """Events a day apart kill all 400 and all 300 of a cell, a later one 200; the trigger asks for 500."""
    rows = "a,storm,1,10,north,1\nb,storm,1,11,south,1\nc,storm,1,200,east,1\n"
    (tmp_path / "e.csv").write_text("event,peril,year,day,cell,intensity\n" + rows, encoding="utf-8")
    casualties = {"deaths": {"law": "points", "at": [0.5], "rates": [1.0]}, "most": 1.0}
    need = {"storm": {"deaths": 500}}
    tables = {
        "perils": {"storm": storm(casualties=casualties)},
        "catalogue": {"file": "e.csv", "years": 1},
        "contracts": {
            "alone": contract(["storm"], triggers=need),
            "together": contract(["storm"], triggers=need, hours_clause={"storm": 48.0}),
        },
    }
    one = Scenario.from_document(document(1000, **tables), file=tmp_path / "s.toml")
    outcomes = simulate_catastrophe(one, 1)
    assert outcomes.harm.deaths.tolist() == [400, 300, 200]
    assert (outcomes.paid[:, 0] > 0).tolist() == [False, False, False]
    assert (outcomes.paid[:, 1] > 0).tolist() == [True, True, False]


@pytest.mark.parametrize(
    ("hours", "expected"),
    [(None, [0, 0]), ({"storm": 72.0}, [100_000, 0]), ({"storm": 24.0}, [0, 0])],
)
def test_an_event_without_a_casualty_pulls_the_trigger_of_its_occurrence(
    hours: dict[str, float] | None, expected: list[int], tmp_path: Path
) -> None:
    """Size 6.5 hurts nobody on day 10; 5.0 costs 100,000 on day 11 and on day 200. The trigger asks for 6."""
    rows = "a,storm,1,10,6.5,north,0\nb,storm,1,11,5.0,north,100000\nc,storm,1,200,5.0,north,100000\n"
    (tmp_path / "e.csv").write_text("event,peril,year,day,size,cell,loss\n" + rows, encoding="utf-8")
    terms: dict[str, Any] = {"triggers": {"storm": {"size": 6.0}}, "hours_clause": hours or {}}
    tables = {
        "catalogue": {"file": "e.csv", "years": 1},
        "contracts": {"base": contract(["storm"], **terms)},
    }
    one = Scenario.from_document(document(**tables), file=tmp_path / "s.toml")
    outcomes = simulate_catastrophe(one, 1)
    assert paid(outcomes) == expected
    assert outcomes.events_by_peril[0, 0] == 3


def test_settlement_with_an_hours_clause_equals_a_slow_sum() -> None:
    """Drawn storms, most of them harmless: occurrence by occurrence over all events, in plain Python."""
    peril = storm(
        frequency={"law": "poisson", "events_per_year": 30.0},
        size={"law": "uniform", "low": 0.0, "high": 1.0},
        casualties={"deaths": {"law": "points", "at": [0.0, 1.0], "rates": [1e-5, 1e-4]}},
    )
    terms = {"triggers": {"storm": {"size": 0.9}}, "hours_clause": {"storm": 96.0}, "per_event": 60_000.0}
    one = scenario(perils={"storm": peril}, contracts={"base": contract(["storm"], **terms)})
    outcomes = simulate_catastrophe(one, 40, 3)
    (events,) = outcomes.model.draw(np.arange(40))
    harm = outcomes.model.harm(events)
    expected: dict[tuple[int, int], int] = {}
    for path in range(40):
        mine = [e for e in range(len(harm)) if harm.path[e] == path]
        mine.sort(key=lambda e: (harm.day[e], harm.id[e]))
        while mine:
            group = [e for e in mine if harm.day[e] < harm.day[mine[0]] + 4]
            mine = mine[len(group) :]
            left = 6_000_000 if max(harm.size[e] for e in group) >= 0.9 else 0
            for e in group:
                due = int(min(harm.gross[e, 0], left))
                left -= due
                if harm.casualties[e]:
                    expected[path, int(harm.id[e])] = due
    found = dict(
        zip(
            zip(outcomes.harm.path.tolist(), outcomes.harm.id.tolist(), strict=True),
            outcomes.paid[:, 0].tolist(),
            strict=True,
        )
    )
    assert found == expected
    assert 0 < sum(value > 0 for value in expected.values()) < len(expected) < len(harm)
