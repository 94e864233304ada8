"""Digits that the error supports, and shares that lose no fen."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fangpinbao.estimators import Estimate, Years, share
from fangpinbao.rounding import decimals_of_error, format_estimate, largest_remainder, round_to_error


def _ids(*numbers: int) -> np.ndarray:
    return np.array(numbers, dtype=np.uint64)


def _amounts(*numbers: int) -> np.ndarray:
    return np.array(numbers, dtype=np.int64)


@pytest.mark.parametrize(
    ("value", "error", "rounded"),
    [
        # The three examples of the Particle Data Group, Introduction, section 5.3.
        (0.827, 0.119, 0.83),
        (0.827, 0.367, 0.8),
        (0.827, 0.950, 0.8),
        (1234.4, 12.1, 1234.0),
        (1_234_567.0, 45_678.0, 1_230_000.0),
        (1_234_567.0, 35_400.0, 1_235_000.0),
        (99.6, 9.96, 100.0),
        (-0.2, 9.0, 0.0),
        (5.125, 0.0, 5.125),
        (5.125, None, 5.125),
    ],
)
def test_round_to_error(value: float, error: float | None, rounded: float) -> None:
    assert round_to_error(value, error) == rounded


def test_decimals_of_error() -> None:
    assert [decimals_of_error(e) for e in (1.0, 3.54, 3.56, 9.4, 9.6, 10.0, 0.0123, 456.0)] == [
        1,
        1,
        0,
        0,
        0,
        0,
        3,
        -2,
    ]
    for error in (0.0, -1.0, float("inf"), float("nan")):
        with pytest.raises(ValueError):
            decimals_of_error(error)


def _simulated(value: float | None, error: float | None, unit: str) -> Estimate:
    return Estimate(value, error, None, None, unit, 1000)


@pytest.mark.parametrize(
    ("estimate", "english", "chinese"),
    [
        (_simulated(1234.4, 12.1, "yuan"), "1,234 ± 12 yuan", "1,234 ± 12 元"),
        (_simulated(1_234_567.0, 45_678.0, "yuan"), "1,230,000 ± 50,000 yuan", "1,230,000 ± 50,000 元"),
        (_simulated(38.26, 0.98, "households"), "38.3 ± 1.0 households", "38.3 ± 1.0 户"),
        (_simulated(0.01234, 0.00119, "share"), "0.0123 ± 0.0012", "0.0123 ± 0.0012"),
        (_simulated(-0.001, 0.2, "claims"), "0.00 ± 0.20 claims", "0.00 ± 0.20 件"),
        (_simulated(5000.0, 0.0, "persons"), "5,000 persons", "5,000 人"),
        (_simulated(2.5, None, "parsecs"), "2.5 parsecs (error unknown)", "2.5 parsecs（误差未知）"),
        (_simulated(None, None, "yuan"), "not defined", "无定义"),
        (Estimate.known(1234.5, "yuan"), "1,234.5 yuan", "1,234.5 元"),
        (Estimate.known(100.0, "yuan per insured", "input"), "100 yuan per insured", "100 元/参保人"),
        (
            share(np.zeros(500, dtype=bool), Years.equal(500)),
            "in 0 of 500 years; the chance of such a year is at most 3/500",
            "500 年中有 0 年发生；此类年份的概率至多为 3/500",
        ),
    ],
)
def test_format_estimate(estimate: Estimate, english: str, chinese: str) -> None:
    assert format_estimate(estimate) == english
    assert format_estimate(estimate, lang="zh") == chinese


class TestLargestRemainderByHand:
    def test_remainders_decide(self) -> None:
        # Quotas 1.4, 2.1, 3.5 of 7.
        assert largest_remainder(_amounts(14, 21, 35), 7, _ids(1, 2, 3)).tolist() == [1, 2, 4]

    def test_ties_go_to_the_smallest_id(self) -> None:
        assert largest_remainder(_amounts(5, 5, 5), 4, _ids(9, 2**64 - 1, 3)).tolist() == [1, 1, 2]
        assert largest_remainder(_amounts(5, 5, 5), 5, _ids(9, 2**64 - 1, 3)).tolist() == [2, 1, 2]

    def test_zero_amounts_get_nothing(self) -> None:
        assert largest_remainder(_amounts(0, 3, 0, 3), 5, _ids(1, 4, 3, 2)).tolist() == [0, 2, 0, 3]
        assert largest_remainder(_amounts(0, 0), 0, _ids(1, 2)).tolist() == [0, 0]
        assert largest_remainder(_amounts(), 0, _ids()).tolist() == []

    def test_the_whole_sum_returns_the_amounts(self) -> None:
        amounts = _amounts(2**61, 7, 2**62)
        assert largest_remainder(amounts, int(amounts.sum()), _ids(1, 2, 3)).tolist() == amounts.tolist()

    def test_the_input_is_left_alone(self) -> None:
        amounts = _amounts(3, 4)
        largest_remainder(amounts, 7, _ids(1, 2))[0] = 99
        assert amounts.tolist() == [3, 4]

    @pytest.mark.parametrize(
        ("amounts", "total", "ids"),
        [
            (_amounts(1, -1), 1, _ids(1, 2)),
            (_amounts(1, 1), -1, _ids(1, 2)),
            (_amounts(0, 0), 1, _ids(1, 2)),
            (_amounts(), 1, _ids()),
            (_amounts(1, 1), 1, _ids(2, 2)),
            (_amounts(1, 1), 1, _ids(2)),
            (_amounts(1, 1), 2**63, _ids(1, 2)),
            (np.array([1.0, 2.0]), 1, _ids(1, 2)),
        ],
    )
    def test_refusals(self, amounts: np.ndarray, total: int, ids: np.ndarray) -> None:
        with pytest.raises(ValueError):
            largest_remainder(amounts, total, ids)


@st.composite
def shares(draw: st.DrawFn) -> tuple[list[int], int, list[int]]:
    largest = draw(st.sampled_from([3, 1000, 2**31, 2**63 - 1]))
    amounts = draw(st.lists(st.integers(0, largest), min_size=1, max_size=12))
    ids = draw(st.permutations(range(len(amounts))))
    ceiling = min(2 * sum(amounts), 2**63 - 1)
    return amounts, draw(st.integers(0, ceiling)), [2**63 + i if i % 2 else i for i in ids]


@settings(max_examples=400, deadline=None, derandomize=True)
@given(shares())
def test_against_python_integers(case: tuple[list[int], int, list[int]]) -> None:
    amounts, total, ids = case
    result = largest_remainder(_amounts(*amounts), total, _ids(*ids)).tolist()
    assert sum(result) == total
    if total == 0:
        assert not any(result)
        return
    whole = sum(amounts)
    expected = [a * total // whole for a in amounts]
    by_remainder = sorted(range(len(amounts)), key=lambda i: (-(amounts[i] * total % whole), ids[i]))
    for i in by_remainder[: total - sum(expected)]:
        expected[i] += 1
    assert result == expected
    if total <= whole:
        assert all(part <= amount for part, amount in zip(result, amounts, strict=True))


@settings(max_examples=100, deadline=None, derandomize=True)
@given(shares(), st.randoms(use_true_random=False))
def test_the_order_of_entries_does_not_matter(case: tuple[list[int], int, list[int]], random) -> None:
    amounts, total, ids = case
    order = random.sample(range(len(amounts)), len(amounts))
    before = largest_remainder(_amounts(*amounts), total, _ids(*ids))
    after = largest_remainder(_amounts(*[amounts[i] for i in order]), total, _ids(*[ids[i] for i in order]))
    assert after.tolist() == before[order].tolist()


@pytest.mark.parametrize("largest", [1000, 2**45])
def test_a_hundred_thousand_entries(largest: int) -> None:
    rng = np.random.default_rng(5)
    amounts = rng.integers(0, largest, 100_000)
    ids = rng.permutation(100_000).astype(np.uint64)
    total = sum(amounts.tolist()) // 3
    parts = largest_remainder(amounts, total, ids)
    assert sum(parts.tolist()) == total
    assert np.all(parts <= amounts)
    quotas = amounts.astype(np.longdouble) / 3
    assert float(np.max(np.abs(parts - quotas))) < 1.01
