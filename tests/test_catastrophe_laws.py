"""Simulated catastrophes against closed forms: counts, sizes, exceedance, layers, common shocks, strata."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from fangpinbao import estimators
from fangpinbao.catastrophe.draw import count_quantile
from fangpinbao.catastrophe.exposure import Season
from fangpinbao.catastrophe.hazard import event_classes, magnitude_at, survival_of_magnitude
from fangpinbao.catastrophe.model import CatastropheModel
from fangpinbao.catastrophe.outcomes import CatastropheOutcomes, simulate_catastrophe
from fangpinbao.catastrophe.strata import Strata
from fangpinbao.scenario import Scenario
from fangpinbao.scenario.laws import NegativeBinomial
from tests.catastrophe_cases import contract, document, quake, scenario, storm

TIERS = [
    {"peril": "earthquake", "zones": ["near"], "from_size": 7.0, "share_of_years": 0.3},
    {"peril": "earthquake", "from_size": 6.0, "share_of_years": 0.3},
]


def quakes(**tables: Any) -> Scenario:
    """Earthquakes alone, 100,000 residents."""
    base: dict[str, Any] = {
        "perils": None,
        "earthquake": quake(),
        "contracts": {"base": contract(["earthquake"])},
    }
    return scenario(100_000, **(base | tables))


def near(estimate: estimators.Estimate, expected: float) -> bool:
    """Within four of its own standard errors."""
    assert estimate.value is not None
    assert estimate.standard_error is not None
    return abs(estimate.value - expected) <= 4 * estimate.standard_error


# --- counts, sizes, dates ------------------------------------------------------------------------------


@pytest.mark.parametrize("mean", [1e-4, 0.3, 2.0, 25.0, 39.9, 40.0, 120.0, 2_000.0])
def test_numbers_have_the_poisson_law(mean: float) -> None:
    u = (np.arange(2000) + 0.5) / 2000
    found = count_quantile(u, None, np.full(u.size, mean))
    assert (found == stats.poisson.ppf(u, mean)).all()


def test_numbers_have_the_negative_binomial_law() -> None:
    law = NegativeBinomial(law="negative_binomial", events_per_year=3.0, size=0.7)
    u = (np.arange(2000) + 0.5) / 2000
    found = count_quantile(u, law, np.full(u.size, 3.0))
    assert (found == stats.nbinom.ppf(u, 0.7, 0.7 / 3.7)).all()


def test_large_and_small_means_side_by_side() -> None:
    """Each mean has its own law, also where the chance of no event is below the smallest number."""
    means = np.tile([0.5, 300.0, 5.0, 1_000.0], 500)
    u = np.repeat((np.arange(500) + 0.5) / 500, 4)
    assert (count_quantile(u, None, means) == stats.poisson.ppf(u, means)).all()
    law = NegativeBinomial(law="negative_binomial", events_per_year=1.0, size=0.7)
    assert (count_quantile(u, law, means) == stats.nbinom.ppf(u, 0.7, 0.7 / (0.7 + means))).all()


def test_magnitudes_are_gutenberg_richter_between_two_ends() -> None:
    """b = 0.9 between 5 and 8: by hand, (10^-0.9 - 10^-2.7) / (1 - 10^-2.7) exceed 6."""
    table = quakes().catastrophe
    assert table is not None
    assert table.earthquake is not None
    zone = table.earthquake.zones["near"]
    expected = (10**-0.9 - 10**-2.7) / (1 - 10**-2.7)
    assert survival_of_magnitude(zone, 6.0) == pytest.approx(expected, rel=1e-12)
    assert survival_of_magnitude(zone, 4.0) == 1.0
    assert survival_of_magnitude(zone, 8.0) == pytest.approx(0.0, abs=1e-15)
    ends = np.array([5.0]), np.array([8.0]), np.array([0.9])
    assert magnitude_at(np.array([expected]), *ends) == pytest.approx([6.0], rel=1e-12)


def test_simulated_magnitudes_and_places() -> None:
    model = CatastropheModel(quakes(), 3)
    (events,) = model.draw(np.arange(50_000))
    # Rates of 0.1 and 0.3 a year: 20,000 earthquakes, error 141.
    assert abs(len(events) - 20_000) < 4 * math.sqrt(20_000)
    table = model.table.earthquake
    assert table is not None
    expected = 0.25 * survival_of_magnitude(table.zones["near"], 6.5) + 0.75 * survival_of_magnitude(
        table.zones["far"], 6.5
    )
    share = float((events.size > 6.5).mean())
    assert abs(share - expected) < 4 * math.sqrt(expected / len(events))
    assert events.size.min() > 5.0
    assert events.size.max() < 8.0


def test_seasons_follow_their_months() -> None:
    """Years that begin in December: its 31 days come first."""
    months = [0.0] * 12
    months[11], months[6] = 3.0, 1.0  # December, July
    season = Season.of(months, None, 12)
    u = (np.arange(4000) + 0.5) / 4000
    days = season.days(u)
    assert (days[u < 0.75] < 31).all()
    july = days[u > 0.75]
    assert july.min() == 31 + 31 + 28 + 31 + 30 + 31 + 30  # December to June
    assert july.max() == july.min() + 30
    assert set(season.month_of_day[days].tolist()) == {11, 6}


# --- exceedance, layers, common shocks -----------------------------------------------------------------

EVENTS = [
    ("small", 0.5, 1_000_000),
    ("middle", 0.1, 5_000_000),
    ("large", 0.02, 20_000_000),
    ("huge", 0.005, 80_000_000),
]


@pytest.fixture(scope="module")
def event_set(tmp_path_factory: pytest.TempPathFactory) -> CatastropheOutcomes:
    """Four events with a rate and a loss each, read from a file; unlimited, and limited to 6 million a year."""
    folder = tmp_path_factory.mktemp("events")
    rows = "".join(
        f"{name},storm,{rate},{cell},{loss / 2}\n"
        for name, rate, loss in EVENTS
        for cell in ("north", "south")
    )
    (folder / "events.csv").write_text("event,peril,rate,cell,loss\n" + rows, encoding="utf-8")
    tables = {
        "catalogue": {"file": "events.csv"},
        "contracts": {
            "whole": contract(["storm"]),
            "layer": contract(["storm"], cumulative=6_000_000),
            "each": contract(["storm"], per_event=4_000_000),
        },
    }
    one = Scenario.from_document(document(**tables), file=folder / "small.toml")
    return simulate_catastrophe(one, 100_000, threads=2)


def aggregate_law() -> np.ndarray:
    """Distribution of the year's total in millions, by the discrete Fourier transform of the compound sum."""
    severity = np.zeros(4096)
    rate = sum(rate for _, rate, _ in EVENTS)
    for _, one, loss in EVENTS:
        severity[loss // 1_000_000] += one / rate
    return np.fft.ifft(np.exp(rate * (np.fft.fft(severity) - 1.0))).real


def test_occurrence_exceedance_is_poisson(event_set: CatastropheOutcomes) -> None:
    """P(largest event above x) = 1 - exp(-rate of events above x)."""
    largest = event_set.event_losses("whole").largest_by_year() / 100.0
    for loss in (0, 1_000_000, 5_000_000, 20_000_000):
        rate = sum(one for _, one, amount in EVENTS if amount > loss)
        assert near(estimators.share(largest > loss, event_set.years), -math.expm1(-rate))


def test_aggregate_exceedance_is_the_compound_law(event_set: CatastropheOutcomes) -> None:
    total, law = event_set.yuan_by_path("whole"), aggregate_law()
    for millions in (0, 2, 10, 40, 100):
        expected = float(law[millions + 1 :].sum())
        assert near(estimators.share(total > millions * 1e6, event_set.years), expected)


def test_a_cumulative_limit_has_the_layers_mean(event_set: CatastropheOutcomes) -> None:
    law = aggregate_law()
    expected = 1e6 * float(np.minimum(np.arange(law.size), 6) @ law)
    assert near(estimators.mean(event_set.yuan_by_path("layer"), event_set.years, "yuan"), expected)
    whole = event_set.paid_by_path("whole")
    assert (event_set.paid_by_path("layer") == np.minimum(whole, 600_000_000)).all()


def test_a_limit_per_event_has_the_limited_mean(event_set: CatastropheOutcomes) -> None:
    expected = sum(rate * min(loss, 4_000_000) for _, rate, loss in EVENTS)
    assert near(estimators.mean(event_set.yuan_by_path("each"), event_set.years, "yuan"), expected)


@pytest.mark.parametrize("cv", [0.0, 1.5])
def test_the_spread_of_a_common_shock(cv: float) -> None:
    """All 40,000 people share the event's factor F with mean 1 and the given cv; p = 0.001 for each.

    Given F the dead are binomial, so E X = n p, Var X = n p - n p^2 (1 + cv^2) + (n p cv)^2, and the sum of a
    Poisson number of events has the variance rate x E X^2. The factor is gamma; the cap of 0.9 is never met.
    """
    n, p, rate = 40_000, 1e-3, 0.8
    casualties = {"deaths": {"law": "points", "at": [0.5], "rates": [p]}}
    if cv:
        casualties["event_factor"] = {"law": "gamma", "mean": 1.0, "cv": cv}
    one = scenario(n, perils={"storm": storm(casualties=casualties)})
    outcomes = simulate_catastrophe(one, 40_000, threads=2)
    dead = outcomes.by_path(outcomes.harm.deaths)
    variance = n * p - n * p**2 * (1 + cv**2) + (n * p * cv) ** 2
    assert near(estimators.mean(dead, outcomes.years, "persons"), rate * n * p)
    expected = math.sqrt(rate * (variance + (n * p) ** 2))
    assert near(estimators.standard_deviation(dead, outcomes.years, "persons"), expected)
    independent = math.sqrt(rate * (n * p + (n * p) ** 2))
    assert (expected > 1.3 * independent) == (cv > 0)


def test_cells_of_one_event_are_correlated() -> None:
    """Dead of two cells in one event: cov = n1 n2 (p cv)^2, from the common factor alone."""
    p, cv = 1e-3, 0.8
    factor = {"law": "gamma", "mean": 1.0, "cv": cv}
    casualties = {"deaths": {"law": "points", "at": [0.5], "rates": [p]}, "event_factor": factor}
    model = CatastropheModel(scenario(100_000, perils={"storm": storm(casualties=casualties)}), 4)
    (events,) = model.draw(np.arange(20_000))
    by_cell = model.harm(events, by_cell=True).deaths.reshape(len(events), 4)
    n = model.cells.residents
    expected = n[0] * n[1] * (p * cv) ** 2
    products = (by_cell[:, 0] - n[0] * p) * (by_cell[:, 1] - n[1] * p)
    assert abs(products.mean() - expected) < 4 * products.std() / math.sqrt(len(events))


# --- strata --------------------------------------------------------------------------------------------


def test_the_chance_of_each_stratum() -> None:
    """Two independent Poisson tiers: near earthquakes of 7 and more; all of 6 and more that are not these."""
    one = quakes(tiers=TIERS)
    assert one.catastrophe is not None
    assert one.catastrophe.earthquake is not None
    zones = one.catastrophe.earthquake.zones
    first = 0.1 * survival_of_magnitude(zones["near"], 7.0)
    second = (
        0.1 * survival_of_magnitude(zones["near"], 6.0)
        - first
        + 0.3 * survival_of_magnitude(zones["far"], 6.0)
    )
    strata = Strata.of(one.catastrophe, event_classes(one.catastrophe))
    none = math.exp(-first - second)
    expected = [1 - math.exp(-first), math.exp(-first) - none, none]
    assert strata.probabilities == pytest.approx(expected, rel=1e-12)


def test_paths_hold_their_strata_in_the_given_shares() -> None:
    one = quakes(tiers=TIERS)
    assert one.catastrophe is not None
    strata = Strata.of(one.catastrophe, event_classes(one.catastrophe))
    some, more = strata.stratum_of(np.arange(300)), strata.stratum_of(np.arange(5000))
    assert (more[:300] == some).all()
    # Multiples of the golden ratio: each count is right to a few.
    assert np.bincount(more) == pytest.approx([1500, 1500, 2000], abs=5)


def test_every_path_keeps_the_promise_of_its_stratum() -> None:
    model = CatastropheModel(quakes(tiers=TIERS), 8)
    assert model.strata is not None
    paths = np.arange(4000)
    stratum = model.strata.stratum_of(paths)
    largest, near_seven = np.zeros(4000), np.zeros(4000, dtype=bool)
    for events, one in zip(model.draw(paths), model.classes, strict=True):
        np.maximum.at(largest, events.path, events.size)
        near_seven[events.path] |= one.tier == 0
        if one.tier == 0:
            assert events.size.min() >= 7.0
    assert (near_seven == (stratum == 0)).all()
    assert (largest[stratum == 1] >= 6.0).all()
    assert (largest[stratum == 2] < 6.0).all()


@pytest.mark.slow
def test_stratified_years_are_unbiased_and_surer() -> None:
    """Mean, chance of a claim and the 1-in-200 year agree with plain years; the tail's error is far smaller."""
    one = quakes(tiers=TIERS)
    plain = simulate_catastrophe(quakes(), 200_000, 11, threads=2)
    strata = simulate_catastrophe(one, 40_000, 12, threads=2)
    pairs = [
        [estimators.mean(run.yuan_by_path("base"), run.years, "yuan") for run in (plain, strata)],
        [
            estimators.standard_deviation(run.yuan_by_path("base"), run.years, "yuan")
            for run in (plain, strata)
        ],
        [estimators.share(run.paid_by_path("base") > 0, run.years) for run in (plain, strata)],
        [estimators.quantile(run.yuan_by_path("base"), run.years, 0.995, "yuan") for run in (plain, strata)],
        [
            estimators.tail_value(run.yuan_by_path("base"), run.years, 0.995, "yuan")
            for run in (plain, strata)
        ],
    ]
    for a, b in pairs:
        assert a.value is not None
        assert b.value is not None
        assert a.standard_error
        assert b.standard_error
        assert abs(a.value - b.value) < 4 * math.hypot(a.standard_error, b.standard_error)
    plain_tail, strata_tail = pairs[-1]
    gain = (plain_tail.standard_error / strata_tail.standard_error) ** 2 * plain.n_paths / strata.n_paths
    assert gain > 10  # as many plain years would be needed


def test_plain_years_on_request() -> None:
    one = quakes(tiers=TIERS)
    assert simulate_catastrophe(one, 200, stratified=False).years.is_plain
    assert not simulate_catastrophe(one, 200).years.is_plain


def test_a_file_of_events_is_not_stratified(tmp_path: Path) -> None:
    (tmp_path / "e.csv").write_text("event,peril,rate,cell,loss\na,earthquake,1,north,5\n", encoding="utf-8")
    tables = {
        "perils": None,
        "earthquake": quake(),
        "contracts": {"base": contract(["earthquake"])},
        "tiers": TIERS,
    }
    one = Scenario.from_document(document(**tables, catalogue={"file": "e.csv"}), file=tmp_path / "s.toml")
    assert simulate_catastrophe(one, 100).years.is_plain


@pytest.mark.parametrize(("local", "between"), [(1.0, 0.5), (0.0, 0.5), (0.5, 0.2)])
def test_the_scatter_of_intensity(local: float, between: float) -> None:
    """One earthquake of one size beside one cell: sigma^2 (b + local^2 (1 - b)) around the relation's value."""
    shaken = quake(local_scatter=local, smallest_intensity=0.1)
    zone = shaken["zones"]["near"]
    point = {"smallest": 6.0, "largest": 6.0001, "width_km": 1e-6, "end": [106.1, 38.2001]}
    shaken["zones"] = {"near": zone | point | {"events_per_year": 1.0}}
    shaken["attenuation"]["rock"]["between_share"] = between
    (events,) = CatastropheModel(quakes(earthquake=shaken), 6).draw(np.arange(20_000))
    x = events.intensities[events.cells == 0]
    assert x.size == len(events)
    sigma = 0.5 * math.sqrt(between + local**2 * (1 - between))
    # The error of a standard deviation of n normal draws is sigma / sqrt(2 n).
    assert abs(x.std() - sigma) < 4 * sigma / math.sqrt(2 * x.size) + 1e-4
    cells = CatastropheModel(quakes(earthquake=shaken), 6)
    along = cells.cells.north[0] - cells.sources[0].start[1]
    across = cells.cells.east[0] - cells.sources[0].start[0]
    near_value = 5.7123 + 1.3626 * 6 - 4.2903 * math.log10(math.hypot(along, across) + 25)
    assert abs(x.mean() - near_value) < 0.3  # between the axes; the axes themselves are tested elsewhere
