"""Keyed streams: published answers, one function in three forms, uniform and independent draws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from fangpinbao._jit import kernel
from fangpinbao.aggregate import year_events
from fangpinbao.core.streams import (
    decision_key,
    mix64,
    mix_array,
    mix_int,
    splitmix64,
    survival_of,
    uniforms_for,
    words_for,
    year_keys,
)
from fangpinbao.engine import Engine
from fangpinbao.scenario import load_scenario

WORDS = st.integers(0, 2**64 - 1)


@kernel
def _mixed(word):
    return mix64(word)


@pytest.mark.smoke
def test_published_answers() -> None:
    # Output of the reference implementation (Vigna, splitmix64.c) for the seed 1234567.
    assert [splitmix64(1234567, position) for position in range(1, 6)] == [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]


@pytest.mark.nojit
@pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")
@settings(derandomize=True, deadline=None, max_examples=200)
@given(WORDS)
def test_compiled_plain_and_vector_forms_agree(word: int) -> None:
    assert int(_mixed(np.uint64(word))) == mix_int(word)
    assert int(mix_array(np.array([word], dtype=np.uint64))[0]) == mix_int(word)


@settings(derandomize=True, deadline=None)
@given(WORDS, WORDS)
def test_mixing_is_one_to_one(one: int, other: int) -> None:
    assert (mix_int(one) == mix_int(other)) == (one == other)


def test_keys_differ_by_seed_decision_path_and_year() -> None:
    keys = {
        decision_key(seed, name) for seed in range(50) for name in ("peril/a", "peril/b", "take-up", "year/a")
    }
    assert len(keys) == 200
    path, year = np.meshgrid(np.arange(300), np.arange(10))
    assert np.unique(year_keys(decision_key(1, "peril/a"), path.ravel(), year.ravel())).size == 3000


def test_a_position_of_the_stream_is_a_word_of_an_id() -> None:
    key = decision_key(3, "x")
    ids = np.arange(1, 20, dtype=np.uint64)
    assert words_for(key, ids).tolist() == [splitmix64(key, position) for position in range(1, 20)]
    assert not np.intersect1d(words_for(key, ids), words_for(key, ids, k=1)).size


def test_survival_stays_inside_the_unit_interval() -> None:
    ends = survival_of(np.array([0, 2**64 - 1], dtype=np.uint64))
    assert ends.tolist() == [2.0**-53, 1 - 2.0**-53]


def _uniforms(decision: str, year: int, n: int = 200_000) -> np.ndarray:
    key = int(year_keys(decision_key(11, decision), np.array([year]), np.array([0]))[0])
    return uniforms_for(key, np.arange(n, dtype=np.uint64))


@pytest.mark.parametrize("decision", ["peril/illness", "take-up"])
def test_uniform(decision: str) -> None:
    for year in range(3):
        counts = np.histogram(_uniforms(decision, year), bins=256, range=(0, 1))[0]
        assert stats.chisquare(counts).pvalue > 1e-4


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("peril/illness", 0), ("peril/illness", 1)),
        (("peril/illness", 0), ("peril/accident", 0)),
        (("peril/illness", 5), ("take-up", 6)),
    ],
)
def test_independent_between_decisions_and_years(one: tuple[str, int], other: tuple[str, int]) -> None:
    table = np.histogram2d(_uniforms(*one), _uniforms(*other), bins=16, range=[[0, 1], [0, 1]])[0]
    assert stats.chisquare(table.ravel()).pvalue > 1e-4


def test_neighbouring_ids_are_independent() -> None:
    draws = _uniforms("peril/illness", 0)
    table = np.histogram2d(draws[:-1:2], draws[1::2], bins=16, range=[[0, 1], [0, 1]])[0]
    assert stats.chisquare(table.ravel()).pvalue > 1e-4


def test_who_is_struck_follows_the_formulas_of_the_methods_page() -> None:
    """Plain integers from the published generator, without the engine's kernels."""
    engine = Engine(load_scenario("zhongning-2020").replace("population.persons", 400), seed=5)
    golden, mask = 0x9E3779B97F4A7C15, (1 << 64) - 1
    q = engine.hazard.names.index("accident_injury")
    units = slice(engine.hazard.unit_start[q], engine.hazard.unit_start[q + 1])
    keys = engine.population.person_key[engine.hazard.unit_of[units]].tolist()
    key = decision_key(5, "peril/accident_injury")
    found = 0
    for path in range(40, 60):
        chunk = engine.years(path, path + 1)
        start, strata, counts = chunk.rate[q]
        assert counts == 1
        tail = chunk.tail[start + chunk.tail_row[0, q] * strata + engine.hazard.unit_stratum[units]]
        year = mix_int(mix_int(key + (path // 4 + 1) * golden) + golden)
        struck = {}
        for person, (identity, chance) in enumerate(zip(keys, tail.tolist(), strict=True)):
            word = mix_int(year + identity * golden)
            drawn = mix_int(word + (path % 4 + 1) * golden)
            high, low = word >> (48 - 16 * (path % 4)) & 0xFFFF, mix_int(drawn ^ 0x2545F4914F6CDD1D) >> 48
            if (high << 16 | low) < chance:
                struck[person] = mix_int(drawn + golden)
        seen = {}
        for events in year_events(engine, 0, chunk):
            mine = (events["peril"] == q) & (events["person"] >= 0)
            seen |= dict(zip(events["person"][mine].tolist(), events["word"][mine].tolist(), strict=True))
        assert seen == {person: word & mask for person, word in struck.items()}
        found += len(seen)
    assert found > 20
