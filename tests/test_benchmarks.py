"""The benchmark problem is what its page says, and its numpy version computes the same as the simulator."""

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks import agreement, numpy_version, run
from benchmarks.problem import PROBLEM
from fangpinbao.engine import population_of, simulate
from fangpinbao.population import Population
from fangpinbao.scenario import Scenario, load_scenario

PERSONS = 10_000


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    # A tight limit, so that the years in which it binds are compared too.
    limit = {"programmes.base.aggregate.limit": 1_250_000.0}
    return load_scenario(PROBLEM).replace_all({"population.persons": PERSONS, **limit})


@pytest.fixture(scope="module")
def population(scenario: Scenario) -> Population:
    return population_of(scenario)


def test_the_problem_is_what_its_page_says() -> None:
    scenario = load_scenario(PROBLEM)
    population = population_of(scenario)
    assert population.persons == 70_000
    assert population.households == pytest.approx(20_000, rel=0.02)
    problem = numpy_version.Problem.of(scenario, population)
    events = sum(p * len(who) for p, who in [*problem.illness, *problem.accident])
    assert events / population.persons == pytest.approx(0.14, rel=0.02)
    assert len(scenario.layers) == 3
    assert len(scenario.programmes) == 1


def test_both_versions_agree_within_four_standard_errors(scenario: Scenario, population: Population) -> None:
    outcomes = simulate(scenario, 300, 11, population=population)
    problem = numpy_version.Problem.of(scenario, population)
    found = agreement.compare(outcomes, numpy_version.simulate(problem, 1_500, 12, 2))
    assert len(found) == len(problem.columns) - 1  # one is kept by batch of years
    assert 0 < len(outcomes.limited_years["base"]) < 150
    apart = {one.name: one for one in found if abs(one.errors) >= agreement.FARTHEST}
    assert apart == {}


def test_the_comparison_sees_a_difference(scenario: Scenario, population: Population) -> None:
    outcomes = simulate(scenario, 100, 11, population=population)
    changed = scenario.replace("perils.illness.books[0].amount.mean", 10_300)
    sums = numpy_version.simulate(numpy_version.Problem.of(changed, population), 500, 12, 1)
    errors = {one.name: abs(one.errors) for one in agreement.compare(outcomes, sums)}
    assert errors["illness_cost"] > agreement.FARTHEST


def test_threads_and_batches_do_not_matter_to_the_numpy_version(
    scenario: Scenario, population: Population
) -> None:
    problem = numpy_version.Problem.of(scenario, population)
    one, two = (numpy_version.simulate(problem, 70, 5, threads) for threads in (1, 2))
    assert np.array_equal(one, two)
    assert np.isfinite(one).all()


def test_strikes_have_the_asked_probability() -> None:
    rng = np.random.default_rng(3)
    counts = [len(numpy_version.strikes(rng, 0.1, 1_000)) for _ in range(2_000)]
    assert np.mean(counts) == pytest.approx(100, abs=4 * np.sqrt(90 / 2_000))
    assert np.var(counts) == pytest.approx(90, rel=0.15)
    position = numpy_version.strikes(rng, 0.3, 500)
    assert (np.diff(position) > 0).all()
    assert 0 <= position[0] <= position[-1] < 500


def test_the_benchmark_prints_and_writes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "out.json"
    small = ["--persons", "5000", "--seconds", "0.02", "--repetitions", "2"]
    assert run.main([*small, "--only", "agreement", "stages", "--json", str(file)]) == 0
    written = json.loads(file.read_text(encoding="utf-8"))
    assert written["agreement"]["agrees"]
    assert sum(written["stages"].values()) > 0
    assert "Where the time goes" in capsys.readouterr().out
