"""Count laws against scipy.stats and the properties that common random numbers rest on."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from fangpinbao.core.counts import (
    TAIL_CUTOFF,
    Bernoulli,
    CountKind,
    NegativeBinomial,
    Poisson,
    count_from_uniform,
    tail_probabilities,
)


def reference(kind: str, mean: float, size: float):
    if kind == "poisson":
        return stats.poisson(mean)
    return stats.nbinom(size, size / (size + mean))


CASES = [("poisson", mean, math.inf) for mean in (1e-6, 0.15, 1.3, 40.0, 700.0, 5000.0)] + [
    ("negative_binomial", mean, size)
    for mean, size in (
        (1e-4, 0.1),
        (0.15, 0.5),
        (1.3, 1.0),
        (40.0, 3.0),
        (1.0, 0.05),
        (5000.0, 20.0),
        (5000.0, 1e6),
    )
]


@pytest.mark.parametrize(("kind", "mean", "size"), CASES)
def test_tails_agree_with_scipy_and_end_at_the_cutoff(kind, mean, size):
    tail = tail_probabilities(kind, mean, size)
    law = reference(kind, mean, size)
    k = np.arange(1, tail.size + 1)
    np.testing.assert_allclose(tail, law.sf(k - 1), rtol=1e-8)
    assert law.sf(tail.size) < TAIL_CUTOFF
    assert tail.size == 1 or tail[-1] >= TAIL_CUTOFF
    assert np.all(np.diff(tail) <= 0.0)
    # E[N] is the sum of the tails, E[N(N + 1)] the sum of 2 k times the tails.
    assert float(tail.sum()) == pytest.approx(mean, rel=1e-4)


@pytest.mark.parametrize(
    ("law", "mean", "variance"),
    [
        (Bernoulli(0.3), 0.3, 0.21),
        (Poisson(2.5), 2.5, 2.5),
        (NegativeBinomial(2.5, 0.5), 2.5, 15.0),
        (NegativeBinomial(0.0, 2.0), 0.0, 0.0),
    ],
)
def test_moments(law, mean, variance):
    assert (law.mean(), law.variance()) == pytest.approx((mean, variance))
    tail = law.tail_probabilities()
    k = np.arange(1, tail.size + 1)
    second = float((tail * (2 * k - 1)).sum())
    assert (float(tail.sum()), second - float(tail.sum()) ** 2) == pytest.approx((mean, variance), abs=1e-6)


def test_geometric_law_in_closed_form():
    # A negative binomial law of size 1 is geometric: P(N >= k) = (m / (1 + m))**k.
    tail = tail_probabilities("negative_binomial", 0.6, 1.0, kmax=8)
    np.testing.assert_allclose(tail, 0.375 ** np.arange(1, 9), rtol=1e-12)


def test_shapes_and_clipping():
    means = np.array([[0.0, 0.5, 1.7], [0.2, 1.0, 3.0]])
    np.testing.assert_array_equal(
        tail_probabilities(CountKind.BERNOULLI, means)[..., 0], np.minimum(means, 1.0)
    )
    assert tail_probabilities("bernoulli", means).shape == (2, 3, 1)
    assert tail_probabilities("poisson", means, kmax=4).shape == (2, 3, 4)
    tails = tail_probabilities("poisson", means)
    assert tails.shape == (2, 3, tail_probabilities("poisson", 3.0).size)
    np.testing.assert_array_equal(tails[0, 0], 0.0)
    assert tail_probabilities("poisson", 0.0).shape == tail_probabilities("poisson", 1e-12).shape == (1,)


def test_counts_are_the_quantiles_of_the_law():
    law = NegativeBinomial(3.0, 0.7)
    u = (np.arange(4000) + 0.5) / 4000.0
    counts = count_from_uniform(law.tail_probabilities(), u)
    np.testing.assert_array_equal(counts, reference("negative_binomial", 3.0, 0.7).isf(u))
    assert count_from_uniform(Bernoulli(0.25).tail_probabilities(), [0.0, 0.2499, 0.25, 0.9]).tolist() == [
        1,
        1,
        0,
        0,
    ]
    assert count_from_uniform(np.array([0.5, 0.5, 0.1]), [0.5, 0.4, 0.1, 0.05]).tolist() == [0, 2, 2, 3]


@settings(derandomize=True, max_examples=200, deadline=None)
@given(
    kind=st.sampled_from(list(CountKind)),
    mean=st.floats(0.0, 60.0),
    factor=st.floats(1.0, 3.0),
    size=st.floats(0.05, 50.0),
    u=st.lists(st.floats(0.0, 1.0, exclude_max=True), min_size=1, max_size=20),
)
def test_a_higher_mean_only_adds_events(kind, mean, factor, size, u):
    tails = tail_probabilities(kind, [mean, mean * factor], size)
    before, after = (count_from_uniform(row, u) for row in tails)
    assert np.all(after >= before)
    assert np.all(
        count_from_uniform(tails[0], np.sort(u)[::-1])[1:]
        >= count_from_uniform(tails[0], np.sort(u)[::-1])[:-1]
    )


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Bernoulli(1.1), "probability = 1.1"),
        (lambda: Poisson(-1.0), "expected = -1.0"),
        (lambda: NegativeBinomial(math.inf, 1.0), "expected = inf"),
        (lambda: NegativeBinomial(1.0, 0.0), "size = 0.0"),
        (lambda: tail_probabilities("poisson", [1.0, math.nan]), "means must be finite"),
        (lambda: tail_probabilities("poisson", 1.0, kmax=0), "kmax = 0"),
        (lambda: tail_probabilities("negative_binomial", 1.0), "size = inf"),
        (lambda: tail_probabilities("geometric", 1.0), "geometric"),
    ],
)
def test_refusals(make, text):
    with pytest.raises(ValueError, match=text):
        make()
