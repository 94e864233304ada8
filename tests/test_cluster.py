"""A Dask client's workers give the same bits as threads."""

from __future__ import annotations

import pandas as pd
import pytest
from area_cases import area
from conftest import build

from fangpinbao.engine import Engine, population_of, simulate
from fangpinbao.population import Population

distributed = pytest.importorskip("dask.distributed")


@pytest.fixture(scope="module")
def client():
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=False, dashboard_address="127.0.0.1:0"
        ) as cluster,
        distributed.Client(cluster) as connected,
    ):
        yield connected


def test_the_same_bits_and_progress(client) -> None:
    limited = {"aggregate": {"limit": 250_000, "rule": "pro_rata"}}
    scenario = build(
        programmes={"base": limited, "found": {"like": "base", "detection": "visits"}},
        detection={"visits": {"channels": {"visits": {"chance": 0.6}}}},
    )
    shares: list[float] = []
    alone = simulate(scenario, 14, threads=1)
    together = simulate(scenario, 14, client=client, chunk_years=5, progress=shares.append)
    pd.testing.assert_frame_equal(alone.by_year, together.by_year, check_exact=True)
    assert (alone.sums.batch_columns == together.sums.batch_columns).all()
    assert alone.by_year["funnel_found"].sum() > 0
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_catastrophes_and_strata_go_along(client) -> None:
    tiers = [{"peril": "storm", "from_size": 1.0, "share_of_years": 0.5}]
    scenario = area({"tiers": tiers})
    alone = simulate(scenario, 40, threads=1)
    together = simulate(scenario, 40, client=client, chunk_years=7)
    pd.testing.assert_frame_equal(alone.by_year, together.by_year, check_exact=True)
    assert (alone.sums.batch_columns == together.sums.batch_columns).all()


def test_a_given_population_goes_along(client) -> None:
    scenario = build()
    people = Population.from_frame(population_of(build(population={"seed": 9})).to_frame())
    alone = simulate(scenario, 6, threads=1, population=people)
    together = simulate(scenario, 6, population=people, client=client)
    pd.testing.assert_frame_equal(alone.by_year, together.by_year, check_exact=True)


def test_households_are_not_kept_by_a_cluster(client) -> None:
    with pytest.raises(ValueError, match="by_household"):
        Engine(build()).run(2, client=client, by_household=True)
