"""Households in the strata of a catastrophe: weighted years tell the same story as plain ones, with less error."""

from __future__ import annotations

import math

import numpy as np
import pytest
from area_cases import area
from test_determinism import assert_same_bits

from fangpinbao import estimators, yearly
from fangpinbao.catastrophe.outcomes import simulate_catastrophe
from fangpinbao.doubt import roster_doubt
from fangpinbao.engine import Engine, simulate
from fangpinbao.errors import InputError
from fangpinbao.estimators import Estimate, Years, spread_between
from fangpinbao.figures import all_figures
from fangpinbao.hazard import Salts
from fangpinbao.outcomes import Outcomes
from fangpinbao.plots import plot_payout_distribution
from fangpinbao.scenario import Scenario
from fangpinbao.variance import variance_split

YEARS = 3_000
RARE = {
    "perils": {"storm": {"frequency": {"law": "poisson", "events_per_year": 0.05}}},
    "tiers": [
        {"peril": "storm", "from_size": 1.5, "share_of_years": 0.4},
        {"peril": "storm", "from_size": 0.6, "share_of_years": 0.2},
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return area(RARE, programmes={"base": None})


@pytest.fixture(scope="module")
def weighted(scenario: Scenario) -> Outcomes:
    return simulate(scenario, YEARS, 5)


@pytest.fixture(scope="module")
def plain(scenario: Scenario) -> Outcomes:
    return Engine(scenario, seed=6, stratified=False).run(4 * YEARS)


def meets(one: Estimate, other: Estimate) -> bool:
    assert one.value is not None
    assert other.value is not None
    error = math.hypot(one.standard_error or 0.0, other.standard_error or 0.0)
    return abs(one.value - other.value) < 4 * error


def test_the_design_is_that_of_the_region(scenario: Scenario, weighted: Outcomes) -> None:
    regional = simulate_catastrophe(scenario, YEARS, 5)
    assert np.array_equal(weighted.years.stratum, regional.years.stratum)
    assert np.array_equal(weighted.years.weight, regional.years.weight)
    assert np.array_equal(weighted.by_year["weight"][:YEARS], regional.years.weight)
    struck = weighted.sums.events[:, weighted.perils.index("storm")] > 0
    assert struck.any()
    assert not (struck & (regional.events_by_peril[:, 0] == 0)).any()


@pytest.mark.parametrize("programme", ["region", "both"])
@pytest.mark.parametrize("measure", ["payout", "claims", "households_prevented", "gap_closed", "fgt2"])
def test_means_agree_with_plain_years(
    weighted: Outcomes, plain: Outcomes, programme: str, measure: str
) -> None:
    line = None if measure in ("payout", "claims") else "poverty"
    found = [yearly.mean(outcomes, programme, measure, line) for outcomes in (weighted, plain)]
    assert meets(*found)


def test_tails_and_classes_agree_with_plain_years(weighted: Outcomes, plain: Outcomes) -> None:
    tails = [
        estimators.tail_value(o.yuan_by_year("region"), o.years, 0.99, "yuan") for o in (weighted, plain)
    ]
    assert meets(*tails)
    for group in weighted.groups:
        assert meets(*(yearly.class_mean(o, "region", "payout")[group] for o in (weighted, plain)))
        assert meets(
            *(yearly.class_ratio(o, "both", "payout", "claims", "yuan")[group] for o in (weighted, plain))
        )


def test_a_rare_storm_is_far_surer(weighted: Outcomes, plain: Outcomes) -> None:
    """Four times as many plain years have a larger error."""
    errors = [yearly.mean(o, "region", "payout").standard_error for o in (weighted, plain)]
    assert errors[0] is not None
    assert errors[1] is not None
    assert errors[0] < 0.8 * errors[1]


def test_classes_add_up_to_the_whole(weighted: Outcomes) -> None:
    for programme in ("region", "both"):
        whole = yearly.mean(weighted, programme, "payout")
        parts = yearly.class_mean(weighted, programme, "payout")
        assert whole.value == pytest.approx(sum(one.value or 0.0 for one in parts.values()), rel=1e-9)
    lifted = weighted.batches("both", "payout_fen").sum(axis=1)
    batched = estimators.from_batches(lifted, weighted.batch_years, "fen", **weighted.batch_design)
    yearly_ = estimators.mean(weighted.column("both", "payout_fen"), weighted.years, "fen")
    assert batched.value == pytest.approx(yearly_.value, rel=1e-9)
    assert batched.standard_error == pytest.approx(yearly_.standard_error, rel=0.3)
    # A ratio of classes is that of their means.
    above, below = (yearly.class_mean(weighted, "both", name) for name in ("payout", "claims"))
    for group, ratio in yearly.class_ratio(weighted, "both", "payout", "claims", "yuan").items():
        assert ratio.value == pytest.approx(above[group].value / below[group].value, rel=1e-9)


@pytest.mark.parametrize(("threads", "block", "chunk"), [(2, 37, 7), (1, 10_000, 250)])
def test_the_same_bits(scenario: Scenario, threads: int, block: int, chunk: int) -> None:
    reference = simulate(scenario, 120, 5, threads=1)
    again = simulate(scenario, 120, 5, threads=threads, block_persons=block, chunk_years=chunk)
    assert_same_bits(reference, again)


def test_figures_doubt_and_picture(scenario: Scenario, weighted: Outcomes) -> None:
    figures = all_figures(weighted)
    assert figures.one("payout", "region", "mean").value == yearly.mean(weighted, "region", "payout").value
    assert roster_doubt(scenario, 60, 5, 2) is not None
    axes = plot_payout_distribution(weighted, "region")
    shares = sum(patch.get_height() for patch in axes.patches)
    idle = weighted.years.weight[weighted.column("region", "payout_fen") == 0].sum()
    assert shares == pytest.approx(1 - idle, abs=0.01)


def test_the_spread_of_rosters_in_strata() -> None:
    """Rosters that differ by known amounts under noise whose variance differs between strata."""
    rng = np.random.default_rng(3)
    design = Years(np.repeat([0, 1], [150, 50]), np.repeat([0.9 / 150, 0.1 / 50], [150, 50]))
    noise = np.where(design.stratum == 0, 1.0, 5.0)
    found = []
    for _ in range(400):
        values = (
            rng.normal(0.0, 2.0, (12, 1)) + rng.normal(0.0, 1.0, (12, 200)) * noise + rng.normal(size=200)
        )
        found.append(spread_between(values, design) ** 2)
    assert abs(np.mean(found) - 4.0) < 4 * np.std(found) / math.sqrt(len(found))


def test_what_strata_cannot_do(scenario: Scenario) -> None:
    with pytest.raises(ValueError, match="by_household adds years up, but these weigh unequally"):
        simulate(scenario, 60, by_household=True)
    with pytest.raises(InputError, match=r"are too few for the 3 strata of this scenario\. Give at least 15"):
        simulate(scenario, 4)


def test_variance_of_a_rare_storm_is_that_of_its_events() -> None:
    """Four replicates of who is harmed by the same events of the same weighted years give the own part."""
    one = area(
        {
            "perils": {"storm": {"frequency": {"law": "poisson", "events_per_year": 0.001}}},
            "tiers": [
                {"peril": "storm", "from_size": 1.2, "share_of_years": 0.5},
                {"peril": "storm", "from_size": 0.4, "share_of_years": 0.4},
            ],
        },
        programmes={"base": None},
    )
    years = 1_500
    split = variance_split(one, years, 5, programme="region")
    runs = [Engine(one, seed=5, salts=Salts(own=k)).run(years) for k in (0, 2, 3, 4)]
    yuan = np.array([run.yuan_by_year("region") for run in runs])
    weight = runs[0].years.weight
    own = float(weight @ yuan.var(axis=0, ddof=1))
    whole = float(np.mean([weight @ (one_run - weight @ one_run) ** 2 for one_run in yuan]))
    found = split.one("payout_variance_own", "region", "share_of_variance")
    assert found.standard_error is not None
    assert abs((found.value or 0.0) - own / whole) < 4 * found.standard_error
    townships = split.one("payout_variance_township", "region", "share_of_variance")
    assert (townships.value or 0.0) > 4 * (townships.standard_error or 0.0)
    year = split.one("payout_variance_year", "region", "share_of_variance")
    assert abs(year.value or 0.0) < max(4 * (year.standard_error or 0.0), 0.01)
    names = [f"payout_variance_{part}" for part in ("own", "township", "year")]
    parts = [split.one(name, "region", "variance").value for name in names]
    assert sum(part or 0.0 for part in parts) == pytest.approx(
        split.one("payout_variance", "region", "variance").value, rel=1e-9
    )
