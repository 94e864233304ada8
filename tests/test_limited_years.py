"""Binding years settled many at once: limits shared out over many years, chunks of any paths, waves."""

from __future__ import annotations

import numpy as np
import pytest
from area_cases import area
from conftest import build
from hypothesis import given
from hypothesis import strategies as st
from test_determinism import assert_same_bits

from fangpinbao import aggregate
from fangpinbao.core.run import most_years
from fangpinbao.engine import Engine, simulate
from fangpinbao.limit_shares import share_first_come, share_pro_rata
from fangpinbao.rounding import largest_remainder

PATHS = np.array([0, 1, 5, 6, 8, 13, 18, 23, 24, 25, 26, 27, 40, 45, 50])
"""Neighbours that share a screening word, and others whose lanes follow each other though their words differ."""
LIMIT = {"programmes": {"base": {"aggregate": {"limit": 120_000, "rule": "pro_rata"}}}}


@given(
    st.lists(st.tuples(st.integers(0, 3), st.sampled_from([1, 2, 3, 7, 100, 12_345])), min_size=1, max_size=60),
    st.sampled_from([1, 10**12]),
    st.floats(0, 1),
)  # fmt: skip
def test_many_years_share_like_each_alone(claims: list[tuple[int, int]], scale: int, share: float) -> None:
    year, fen = (np.array(column, dtype=np.int64) for column in zip(*claims, strict=True))
    amounts, ids = fen * scale, np.random.default_rng(1).permutation(len(fen)).astype(np.uint64)
    limit = int(share * min(int(amounts[year == y].sum()) for y in set(year.tolist())))
    shared = share_pro_rata(amounts, year, limit, ids)
    by_day = share_first_come(amounts, limit, np.zeros(len(fen)), ids, year)
    for y in set(year.tolist()):
        mine = year == y
        assert shared[mine].tolist() == largest_remainder(amounts[mine], limit, ids[mine]).tolist()
        left, expected = limit, {}
        for k in sorted(np.flatnonzero(mine).tolist(), key=lambda k: ids[k]):
            expected[k] = min(int(amounts[k]), left)
            left -= expected[k]
        assert by_day[mine].tolist() == [expected[k] for k in np.flatnonzero(mine)]


@pytest.mark.parametrize("scenario", [build(), area()], ids=["village", "area"])
def test_a_chunk_of_any_paths_is_its_years(scenario) -> None:
    engine = Engine(scenario, seed=5, block_persons=100)
    chunk = engine.paths(PATHS)
    for block in engine.blocks:
        assert most_years(engine.cells, block) >= len(PATHS)
        together = engine.run_block(block, chunk, len(PATHS))
        part = engine.run_block(block, chunk.part(3, 9), 6)
        for k, path in enumerate(PATHS.tolist()):
            alone = engine.run_block(block, engine.years(path, path + 1), 1)
            for name in ("columns", "ground_up", "credit", "events"):
                mine = getattr(alone, name)[0]
                assert np.array_equal(getattr(together, name)[k], mine), (path, name)
                assert not 3 <= k < 9 or np.array_equal(getattr(part, name)[k - 3], mine)
            assert np.array_equal(together.step_sums[:, k], alone.step_sums[:, 0])


@pytest.mark.parametrize("years", [1, 3, 256])
@pytest.mark.parametrize("claims", [1, 40, 250_000])
@pytest.mark.parametrize("memory", [1, 16_000_000])
def test_waves_and_parts_change_no_bit(monkeypatch, years: int, claims: int, memory: int) -> None:
    reference = simulate(build(**LIMIT), 14, threads=1, block_persons=120, by_household=True)
    assert len(reference.limited_years["base"]) > 5
    monkeypatch.setattr(aggregate, "_WAVE_YEARS", years)
    monkeypatch.setattr(aggregate, "_WAVE_CLAIMS", claims)
    monkeypatch.setattr(aggregate, "_BATCH_BYTES", memory)
    again = simulate(build(**LIMIT), 14, threads=2, block_persons=120, by_household=True)
    assert_same_bits(reference, again)
