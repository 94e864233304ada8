"""Aftershocks: how many, how large and when by numerical integrals of the published rate; the hours clause acts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import integrate, stats

from fangpinbao.catastrophe.aftershocks import expected_aftershocks
from fangpinbao.catastrophe.draw import Events
from fangpinbao.catastrophe.model import CatastropheModel
from fangpinbao.catastrophe.outcomes import simulate_catastrophe
from fangpinbao.errors import InputError
from fangpinbao.scenario import Scenario, load_scenario
from fangpinbao.scenario.aftershocks import Aftershocks
from tests.catastrophe_cases import contract, quake, scenario

GENERIC = {"a": -1.67, "b": 0.91, "c": 0.05, "p": 1.08, "days": 60, "smallest": 5.0}
TERMS = Aftershocks.model_validate(GENERIC)
PATHS = np.arange(1_500)


def region(aftershocks: dict[str, Any] | None = None, **changes: Any) -> Scenario:
    one = quake(**({} if aftershocks is None else {"aftershocks": aftershocks}))
    for zone in one["zones"].values():
        zone["events_per_year"] = 1.0
    return scenario(perils=None, earthquake=one, contracts={"base": contract(["earthquake"])}, **changes)


def batches(one: Scenario, paths: np.ndarray = PATHS) -> list[Events]:
    return list(CatastropheModel(one, 4).draw(paths))


@pytest.fixture(scope="module")
def pair() -> tuple[Events, Events]:
    main, after = batches(region(GENERIC))
    return main, after


def rate(t: float, m: float, magnitude: float) -> float:
    """Aftershocks a day of magnitude m and more."""
    return float(10 ** (-1.67 + 0.91 * (magnitude - m)) * (t + 0.05) ** -1.08)


def test_the_expected_number_is_the_integral_of_the_rate() -> None:
    for magnitude in (5.0, 5.7, 6.5, 8.0):
        above = [integrate.quad(rate, 0, 60, (m, magnitude), epsabs=1e-12)[0] for m in (5.0, magnitude)]
        found = expected_aftershocks(TERMS, np.array([magnitude]))[0]
        assert found == pytest.approx(above[0] - above[1], rel=1e-8, abs=1e-12)


def test_as_many_as_expected_within_the_year(pair: tuple[Events, Events]) -> None:
    main, after = pair
    whole = integrate.quad(rate, 0, 60, (5.0, 5.0))[0]
    within = {
        day: integrate.quad(rate, 0, min(60, 365 - day), (5.0, 5.0))[0] / whole
        for day in set(main.day.tolist())
    }
    expected = sum(
        expected_aftershocks(TERMS, main.size[e : e + 1])[0] * within[int(main.day[e])]
        for e in range(len(main))
    )
    assert expected > 500
    assert abs(len(after) - expected) < 4 * np.sqrt(expected)


def test_times_and_magnitudes(pair: tuple[Events, Events]) -> None:
    main, after = pair
    count = {key: n for key, n in zip(*np.unique(main.path, return_counts=True), strict=True)}
    # Where a path has one earthquake, it is known whose aftershocks these are.
    lone = np.array([count.get(path, 0) == 1 for path in after.path])
    of = {int(path): e for e, path in enumerate(main.path)}
    parent = np.array([of[int(path)] for path in after.path[lone]])
    early = main.day[parent] <= 304  # all of its days lie within the year
    waited = (after.day[lone] - main.day[parent])[early]
    assert waited.min() >= 0
    assert waited.max() < 60
    steps = np.array([integrate.quad(rate, 0, day + 1, (5.0, 5.0))[0] for day in range(60)])
    chances = np.diff(np.concatenate(([0.0], steps / steps[-1])))
    groups = [slice(0, 1), slice(1, 3), slice(3, 10), slice(10, 60)]
    seen = np.bincount(waited, minlength=60)
    observed = [seen[part].sum() for part in groups]
    expected = np.array([chances[part].sum() for part in groups]) * waited.size
    assert stats.chisquare(observed, expected).pvalue > 1e-4
    magnitude = main.size[parent]
    assert (after.size[lone] <= magnitude).all()
    assert after.size.min() >= 5.0
    whole = 1 - 10 ** (-0.91 * (magnitude - 5.0))
    uniform = (1 - 10 ** (-0.91 * (after.size[lone] - 5.0))) / whole
    assert stats.kstest(uniform, "uniform").pvalue > 1e-4


def test_main_shocks_stay_and_ids_are_unique(pair: tuple[Events, Events]) -> None:
    (alone,) = batches(region())
    for name in ("path", "day", "size", "word", "id", "cells", "intensities"):
        assert np.array_equal(getattr(alone, name), getattr(pair[0], name))
    ids = np.concatenate([pair[0].id, pair[1].id])
    assert np.unique(ids).size == ids.size
    halves = [batches(region(GENERIC), part)[1] for part in (PATHS[:700], PATHS[700:])]
    for name in ("path", "day", "hour", "size", "factor", "id", "intensities"):
        assert np.array_equal(
            np.concatenate([getattr(half, name) for half in halves]), getattr(pair[1], name)
        )


def test_a_term_carries_them_over_the_new_year() -> None:
    (main, after) = batches(region(GENERIC, term_years=2), PATHS[:600])
    parents = set(zip(main.path.tolist(), main.year.tolist(), strict=True))
    late = [
        (path, year) for path, year in zip(after.path.tolist(), after.year.tolist(), strict=True) if year == 1
    ]
    assert late
    assert any((path, 1) not in parents for path, _ in late)


def test_the_hours_clause_acts() -> None:
    """With 72 hours a main shock and its first aftershocks are one occurrence, and share the limit per event."""
    limited = {"per_event": 2_000_000.0, "hours_clause": {"earthquake": 72.0}}
    contracts = {
        "apart": contract(["earthquake"], per_event=2_000_000.0),
        "together": contract(["earthquake"], **limited),
    }
    one = region(GENERIC)
    document = one.document
    document["catastrophe"]["contracts"] = contracts
    document["catastrophe"]["exposure"]["residents"] = 1_000_000
    outcomes = simulate_catastrophe(Scenario.from_document(document), 2_000, 4)
    apart, together = (outcomes.paid[:, k] for k in (0, 1))
    assert (together <= apart).all()
    harm = outcomes.harm
    by_hand = np.zeros(len(harm), dtype=np.int64)
    room: dict[tuple[int, int], int] = {}
    first: dict[int, int] = {}
    for e in range(len(harm)):
        path, day = int(harm.path[e]), int(harm.day[e])
        if path not in first or day - first[path] >= 3:
            first[path] = day
        key = (path, first[path])
        by_hand[e] = min(int(harm.gross[e, 1]), room.get(key, 200_000_000))
        room[key] = room.get(key, 200_000_000) - int(by_hand[e])
    assert np.array_equal(by_hand, together)
    assert together.sum() < 0.99 * apart.sum()


def test_a_decay_of_one_is_refused() -> None:
    with pytest.raises(InputError, match=r"earthquake\.aftershocks\.p = 1 is too near 1"):
        region({**GENERIC, "p": 1.0})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        # 10^(a + b 3.5) (1 - 10^(-b 3.5)) days: 32.7 x 8.09 = 265 at M 8.5, ten times as many at a = -0.67
        ({"a": -0.67}, "give a main shock of magnitude 8.5 2,6"),
        ({"smallest": 8.5}, "aftershocks.smallest = 8.5, but no earthquake is larger than 8.5"),
    ],
)
def test_more_than_can_be_followed_is_refused(changes: dict[str, float], message: str) -> None:
    """Beyond 1,023 the rest would be cut off in silence; above the largest magnitude none would ever come."""
    shocks = {"a": -1.67, "b": 0.91, "c": 0.05, "p": 1.08, "smallest": 5.0}
    one = load_scenario("yinchuan-2019")
    assert one.replace("catastrophe.earthquake.aftershocks", shocks).catastrophe is not None
    with pytest.raises(InputError) as caught:
        one.replace("catastrophe.earthquake.aftershocks", shocks | changes)
    assert message in str(caught.value)
