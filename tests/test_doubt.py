"""Roster doubt: the spread between populations made from the same margins, and nothing else."""

from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from fangpinbao.doubt import RosterDoubt, RosterSpread, roster_doubt
from fangpinbao.engine import population_of
from fangpinbao.estimators import spread_between
from fangpinbao.ranges import HeadlineRange
from fangpinbao.roster import write_roster
from fangpinbao.scenario import Scenario, load_scenario
from fangpinbao.tables import Lang, range_table

SMALL = Path(__file__).parent / "data_cli" / "small.toml"
YEARS = 40


@pytest.fixture(scope="module")
def small() -> Scenario:
    return load_scenario(SMALL)


@pytest.fixture(scope="module")
def doubt(small: Scenario) -> RosterDoubt:
    return of_size(small, 100)


def of_size(scenario: Scenario, persons: int, threads: int = 1) -> RosterDoubt:
    found = roster_doubt(scenario.replace("population.persons", persons), YEARS, 7, threads=threads)
    assert found is not None
    return found


def premium(doubt: RosterDoubt) -> float:
    spread = doubt.of("base", "pure_premium_per_insured")
    assert spread is not None
    return spread.standard_deviation


def test_a_larger_population_leaves_less_doubt(small: Scenario, doubt: RosterDoubt) -> None:
    """The premium per head is a mean over households: 25 times as many, a fifth of the spread."""
    larger = of_size(small, 2_500)

    assert 0 < premium(larger) < premium(doubt)
    assert premium(doubt) / premium(larger) == pytest.approx(5, rel=0.6)


def test_the_headline_figures_of_each_programme_are_there(doubt: RosterDoubt) -> None:
    figures = [("pure_premium_per_insured", None), ("payout", None)]
    figures += [("households_prevented", "poverty"), ("gap_closed", "poverty")]
    expected = [(name, *figure) for name in ("base", "capped") for figure in figures]

    assert [(one.programme, one.measure, one.line) for one in doubt.spreads] == expected
    assert (doubt.rosters, doubt.years) == (8, YEARS)
    assert doubt.spreads[0].unit == "yuan per insured"


def test_threads_change_no_bit(small: Scenario, doubt: RosterDoubt) -> None:
    assert of_size(small, 100, threads=2) == doubt


def test_the_given_seed_of_the_population_is_where_the_rosters_start(small: Scenario) -> None:
    """Seeds 1 and 2 after seed 0 are not seeds 2 and 3 after seed 1."""
    few = small.replace("population.persons", 60)
    first, second = (
        roster_doubt(few.replace("population.seed", seed), 10, 7, 2, threads=1) for seed in (0, 1)
    )

    assert first != second


def test_a_real_roster_leaves_none(small: Scenario, tmp_path: Path) -> None:
    write_roster(population_of(small.replace("population.persons", 60)), tmp_path / "people.csv")
    text = SMALL.read_text(encoding="utf-8")
    cut = text.index("[population]"), text.index("[perils.inpatient]")
    file = tmp_path / "county.toml"
    file.write_text(
        text[: cut[0]] + '[population]\nfile = "people.csv"\n\n' + text[cut[1] :], encoding="utf-8"
    )

    assert roster_doubt(load_scenario(file), YEARS, 7) is None


def test_persons_who_are_all_alike_leave_none() -> None:
    assert roster_doubt(load_scenario("textbook/nested-terms"), YEARS, 7) is None


def test_a_single_year_leaves_none_and_a_single_roster_is_refused(small: Scenario) -> None:
    assert roster_doubt(small, 1, 7) is None
    with pytest.raises(ValueError, match="needs two rosters, not 1"):
        roster_doubt(small, YEARS, 7, 1)


def test_without_simulation_error_the_spread_is_the_standard_deviation() -> None:
    """Years that are good or bad for all rosters alike move no roster against another."""
    rosters = np.array([3.0, 4.0, 8.0])
    years = np.array([10.0, -2.0, 5.0, 0.0])

    assert spread_between(rosters[:, None] + years) == pytest.approx(np.std(rosters, ddof=1), rel=1e-12)
    assert spread_between(np.zeros((3, 1)) + years) == pytest.approx(0.0, abs=1e-12)


def test_simulation_error_is_taken_off() -> None:
    """Rosters of spread 2 in 25 years with noise 10: noise alone gives their means a spread of 2 too."""
    random = np.random.default_rng(1)
    own = 2.0 * random.standard_normal((4_000, 8, 1))
    noise = 10.0 * random.standard_normal((4_000, 8, 25))
    shared = 30.0 * random.standard_normal((4_000, 1, 25))

    found = np.array([spread_between(values) for values in own + noise + shared])
    raw = np.var((own + noise + shared).mean(axis=2), axis=1, ddof=1)
    assert np.mean(raw) == pytest.approx(8, rel=0.03)
    assert found.min() >= 0
    # Never below zero lifts the mean a little above the true 4.
    assert 4.0 * 0.97 < np.mean(found**2) < 4.0 * 1.1


@pytest.mark.parametrize(
    ("lang", "words"), [("en", "between rosters (standard deviation)"), ("zh", "名册间差异（标准差）")]
)
def test_the_table_shows_it_where_no_number_has_a_range(doubt: RosterDoubt, lang: Lang, words: str) -> None:
    console = Console(width=140)
    with console.capture() as shown:
        console.print(range_table([], {}, str.upper, lang, doubt))
    text = shown.get()

    assert words in text
    assert "BASE" in text
    assert {"en": "yuan per insured", "zh": "元/参保人"}[lang] in text


def test_public_rules_have_a_column_beside_insurance_that_moves() -> None:
    spreads = [
        RosterSpread("rules", "poverty", "households_prevented", 2.0, "households"),
        RosterSpread("base", None, "payout", 5_000.0, "yuan"),
        RosterSpread("base", "poverty", "households_prevented", 3.0, "households"),
    ]
    moved = HeadlineRange("perils.fire.x", 1.0, 0.5, 2.0, 100, {"base": 90.0}, {"base": 120.0})
    console = Console(width=140)
    with console.capture() as shown:
        doubt = RosterDoubt(8, 100, tuple(spreads))
        console.print(range_table([moved], {"base": 100.0}, str.upper, "en", doubt))
    lines = shown.get().splitlines()
    rows = [line.split() for line in lines if "payout" in line or "kept from poverty" in line]

    assert any("BASE" in line and "RULES" in line for line in lines)
    assert [row[-2:] for row in rows] == [["5,000", "—"], ["3.0", "2.0"]]
