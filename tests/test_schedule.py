"""Payout schedules: composition against direct formulas, hinges against the exact schedule, rounding."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twin_ledger import pays

from fangpinbao.compiled import schedule_of
from fangpinbao.core.schedule import EPSILON, Schedule, half_up
from fangpinbao.scenario.terms import Terms

quick = settings(derandomize=True, deadline=None, max_examples=150)
YUAN = st.integers(0, 5_000_000).map(lambda cents: cents / 100)
SHARE = st.integers(0, 10_000).map(lambda parts: parts / 10_000)
FEN = st.integers(0, 10**9)


@st.composite
def all_terms(draw) -> Terms:
    """Terms of every form that a scenario accepts."""
    form = draw(st.sampled_from(["plain", "order", "bands", "scale", "fixed"]))
    deductible = draw(YUAN)
    table: dict = {"deductible": deductible}
    if form == "scale":
        points = sorted(draw(st.sets(st.integers(0, 11), min_size=1, max_size=4)))
        return Terms(scale=[{"points": float(p), "pays": draw(YUAN)} for p in points])
    if form == "fixed":
        return Terms(fixed_sum=draw(YUAN))
    if form == "bands":
        ends = sorted(draw(st.sets(st.integers(1, 5_000_000), min_size=1, max_size=4)))
        bands = [{"rate": draw(SHARE), "up_to": round(deductible + end / 100, 2)} for end in ends]
        if draw(st.booleans()):
            bands.append({"rate": draw(SHARE)})
        table["bands"] = bands
    elif draw(st.booleans()):
        table["rate"] = draw(SHARE)
    if draw(st.booleans()):
        table["limit"] = draw(YUAN)
    if draw(st.booleans()):
        table["franchise"] = round(deductible + draw(YUAN) + 0.01, 2)
    if form == "order":
        names = ["deductible", "share", "cap"]
        table["order"] = draw(st.permutations(names))[: draw(st.integers(1, 3))]
    return Terms(**table)


@quick
@given(all_terms(), FEN)
def test_compiled_terms_are_the_declared_ones(terms: Terms, x: int) -> None:
    assert schedule_of(terms)(Fraction(x)) == pays(terms, Fraction(x))
    for start in schedule_of(terms).starts:  # where mistakes would hide
        for near in (start, max(start - 1, Fraction(0)), start + 1):
            assert schedule_of(terms)(near) == pays(terms, near)


@quick
@given(FEN, st.integers(0, 10**8), st.fractions(0, 1, max_denominator=10_000), st.integers(0, 10**8))
def test_composition(x: int, deductible: int, share: Fraction, cap: int) -> None:
    everything, d, c = Schedule.everything(), Fraction(deductible), Fraction(cap)
    assert everything.less(d).times(share).at_most(c)(x) == min(share * max(x - d, 0), c)
    assert everything.at_most(c).less(d).times(share)(x) == share * max(min(x, c) - d, 0)
    assert everything.times(share).less(d).at_most(c)(x) == min(max(share * x - d, 0), c)
    assert everything.less(d).only_from(c)(x) == (max(x - d, 0) if x >= c else 0)
    assert Schedule.nothing().less(d).times(share)(x) == 0


def _hinged(schedule: Schedule, amounts: list[float]) -> np.ndarray:
    """The sum of hinges and jumps that the kernels evaluate."""
    at, bend, jump = (np.asarray(column)[:, None] for column in schedule.hinges())
    over = np.array(amounts) - at
    return (bend * np.maximum(over, 0) + jump * (over >= -EPSILON)).sum(axis=0)


@pytest.mark.nojit
@settings(derandomize=True, deadline=None, max_examples=60)
@given(all_terms(), FEN)
def test_hinges_reproduce_the_schedule(terms: Terms, x: int) -> None:
    schedule = schedule_of(terms)
    # Whole fen, as jumps are guarded by a millionth of a fen.
    amounts = [x, *(int(start) + shift for start in schedule.starts for shift in (0, 1))]
    expected = [float(schedule(Fraction(amount))) for amount in amounts]
    assert _hinged(schedule, [float(amount) for amount in amounts]) == pytest.approx(
        expected, rel=1e-12, abs=1e-6
    )


@quick
@given(all_terms(), FEN, st.integers(0, 10**6))
def test_a_larger_loss_never_pays_less_without_a_falling_scale(terms: Terms, x: int, more: int) -> None:
    if terms.scale is None:
        schedule = schedule_of(terms)
        assert schedule(Fraction(x + more)) >= schedule(Fraction(x)) >= 0
        if terms.fixed_sum is None:
            assert schedule(Fraction(x)) <= x


@pytest.mark.smoke
@pytest.mark.nojit
def test_ties_go_up_and_noise_does_not_decide() -> None:
    assert [half_up(amount) for amount in (0.5, 1.5, 2.5, 0.49, 0.0)] == [1, 2, 3, 0, 0]
    assert half_up(0.5 - EPSILON / 2) == 1
    assert half_up(0.5 - 2 * EPSILON) == 0
    # 0.735 of 100 fen is 73.5; as floats it can come out a hair below.
    assert all(half_up(0.735 * fen) == (735 * fen + 500) // 1000 for fen in range(0, 10**6, 100))


@settings(derandomize=True, deadline=None, max_examples=300)
@given(st.integers(0, 10**10), st.integers(0, 10_000))
def test_half_up_is_exact_for_decimal_shares(fen: int, parts: int) -> None:
    assert int(half_up(fen * (parts / 10_000))) == (fen * parts + 5_000) // 10_000


def test_a_jump_starts_at_its_amount() -> None:
    schedule = Schedule.steps([(Fraction(100), Fraction(5)), (Fraction(1100), Fraction(9))])
    assert _hinged(schedule, [99.0, 100.0, 1099.0, 1100.0, 5000.0]).tolist() == [0, 5, 5, 9, 9]
