"""The engine equals a slow plain-Python version event by event, count by count, to the fen."""

from __future__ import annotations

import numpy as np
import pytest

from fangpinbao.catastrophe.outcomes import simulate_catastrophe
from fangpinbao.scenario import Scenario
from tests.catastrophe_cases import contract, quake, scenario, storm
from tests.catastrophe_twin import Twin

SEED = 21
YEARS = 120


def both_perils() -> Scenario:
    hail = storm(
        frequency={"law": "poisson", "events_per_year": 1.3},
        size={"law": "lognormal", "median": 2.0, "sigma": 0.8},
        footprint={"centre": "hills", "radius_km": {"law": "exponential", "mean": 20.0}, "edge": 0.3},
        months=[0, 0, 0, 1, 2, 3, 4, 3, 2, 1, 0, 0],
        casualties={
            "deaths": {"law": "points", "at": [0.5, 2.0, 8.0], "rates": [1e-4, 1e-3, 0.02]},
            "disabled_per_death": 1.5, "burned_per_death": 0.5, "burned_among_disabled": 0.4,
            "grades": [0, 1, 2, 3, 0, 3, 2, 1, 1, 1], "urban_factor": 0.5, "rural_factor": 2.0,
            "event_factor": {"law": "lognormal", "mean": 1.0, "sigma": 0.7},
        },
    )  # fmt: skip
    near = quake(local_scatter=0.6)
    near["zones"]["near"]["events_per_year"] = 2.0  # many, so that few years show everything
    near["casualties"]["deaths"]["theta"] = 9.0
    terms = contract(["earthquake", "hail"], death_share=0.8, burn_scale=[0.9, 0.4, 0.1])
    return scenario(1000, first_month=12, earthquake=near, perils={"hail": hail}, contracts={"base": terms})


@pytest.mark.parametrize("threads", [1, 2])
def test_the_engine_equals_the_twin(threads: int) -> None:
    one = both_perils()
    outcomes, twin = simulate_catastrophe(one, YEARS, SEED, threads=threads), Twin(one, SEED)
    harm = outcomes.harm
    seen = dict.fromkeys(("earthquake", "hail"), 0)
    for path in range(YEARS):
        mine = np.flatnonzero(harm.path == path)
        expected = sorted(twin.year(path), key=lambda event: (event.day, event.peril, event.size))
        found = sorted(mine, key=lambda e: (harm.day[e], outcomes.perils[harm.peril[e]], harm.size[e]))
        assert len(found) == len(expected)
        for e, event in zip(found, expected, strict=True):
            assert outcomes.perils[harm.peril[e]] == event.peril
            assert harm.day[e] == event.day
            assert harm.size[e] == pytest.approx(event.size, rel=1e-9)
            assert harm.intensity[e] == pytest.approx(event.intensity, abs=1e-6)
            assert harm.counts[e].tolist() == event.counts
            assert outcomes.paid[e, 0] == event.owed
            seen[event.peril] += 1
    assert min(seen.values()) > 20
    # Everything happened: death, every grade that can, burns, and both in one person.
    assert (harm.counts.sum(axis=0) > 0).all()
