"""The kernels of catastrophes against scipy and against the equations they solve."""

import math

import numpy as np
import pytest
from scipy import special, stats

from fangpinbao.core.catastrophe import (
    FIRST_BOTH,
    FIRST_DEGREE,
    FIRST_GRADE,
    N_BENEFITS,
    N_COUNTS,
    binomial_quantile,
    cell_word,
    count_casualties,
    draw,
    ellipse_intensity,
    normal_quantile,
)  # fmt: skip
from fangpinbao.core.streams import mix_int

LONG = np.array([5.7123, 1.3626, 4.2903, 25.0])
SHORT = np.array([3.6588, 1.3626, 3.5406, 13.0])
MASK = (1 << 64) - 1
GOLDEN = 0x9E3779B97F4A7C15


@pytest.mark.nojit
def test_normal_quantile() -> None:
    p = np.concatenate(
        [10.0 ** -np.arange(1.0, 16.0, 0.5), np.linspace(0.001, 0.999, 333), 1 - 10.0 ** -np.arange(1.0, 9.0)]
    )
    found = np.array([normal_quantile(x) for x in p])
    assert found == pytest.approx(special.ndtri(p), rel=1e-13, abs=1e-15)


@pytest.mark.nojit
@pytest.mark.parametrize(("n", "p"), [(7, 0.4), (40, 0.97), (30, 0.03), (300_000, 1e-6)])
def test_small_means_are_inverted_exactly(n: int, p: float) -> None:
    """The quantile is the smallest k with F(k) >= u, at points away from the jumps of F."""
    u = (np.arange(500) + 0.5) / 500
    expected = stats.binom.ppf(u, n, p)
    jumps = stats.binom.cdf(expected, n, p)
    clear = np.abs(jumps - u) > 1e-9
    found = np.array([binomial_quantile(x, n, p) for x in u])
    assert (found[clear] == expected[clear]).all()


@pytest.mark.parametrize(
    ("n", "p"), [(81, 0.5), (200, 0.21), (500, 0.08), (100_000, 0.00041), (200_000, 0.37), (1000, 0.955)]
)
def test_large_means_have_the_binomial_law(n: int, p: float) -> None:
    """20,000 midpoints resolve F to 2.5e-5; the expansion itself may be off by 1e-4."""
    u = (np.arange(20_000) + 0.5) / 20_000
    found = np.sort([binomial_quantile(x, n, p) for x in u])
    k = np.arange(found[0], found[-1] + 1)
    simulated = np.searchsorted(found, k, side="right") / u.size
    assert np.max(np.abs(simulated - stats.binom.cdf(k, n, p))) < 1e-4 + 2.5e-5


@pytest.mark.nojit
def test_binomial_at_its_ends() -> None:
    assert [
        binomial_quantile(0.5, 0, 0.5),
        binomial_quantile(0.5, 9, 0.0),
        binomial_quantile(0.5, 9, 1.0),
    ] == [0, 0, 9]
    assert binomial_quantile(1 - 2.0**-53, 10, 0.5) == 10
    assert binomial_quantile(2.0**-53, 100_000, 0.5) > 48_000


@pytest.mark.nojit
@pytest.mark.parametrize("far", [0.0, 3.0, 50.0, 180.0])
def test_intensity_on_the_axes_is_the_relation_itself(far: float) -> None:
    along = 5.7123 + 1.3626 * 7.0 - 4.2903 * math.log10(far + 25.0)
    across = 3.6588 + 1.3626 * 7.0 - 3.5406 * math.log10(far + 13.0)
    assert ellipse_intensity(far, 0.0, 7.0, LONG, SHORT) == pytest.approx(along, abs=2e-4)
    assert ellipse_intensity(0.0, far, 7.0, LONG, SHORT) == pytest.approx(across, abs=2e-4)


@pytest.mark.nojit
@pytest.mark.parametrize(("along", "across"), [(10.0, 5.0), (-30.0, 40.0), (2.0, -90.0)])
def test_a_site_lies_on_its_isoseismal(along: float, across: float) -> None:
    intensity = ellipse_intensity(along, across, 7.5, LONG, SHORT)
    a = 10 ** ((5.7123 + 1.3626 * 7.5 - intensity) / 4.2903) - 25.0
    b = 10 ** ((3.6588 + 1.3626 * 7.5 - intensity) / 3.5406) - 13.0
    assert (along / a) ** 2 + (across / b) ** 2 == pytest.approx(1.0, abs=1e-7)


@pytest.mark.nojit
def test_words_of_cells_are_the_published_mixing() -> None:
    word = 0x0123456789ABCDEF
    with np.errstate(over="ignore"):
        found = int(cell_word(np.uint64(word), 7))
        assert found == mix_int((word + ((1 << 20) + 7) * GOLDEN) & MASK)
        assert draw(np.uint64(found), 3) == ((mix_int((found + 3 * GOLDEN) & MASK) >> 12) + 0.5) * 2.0**-52


def one_cell(events: int, people: int, chance: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Casualties of many events in one cell: counts, fen owed by kind, and the benefits."""
    rng = np.random.default_rng(12)
    grades = np.array([[0.1, 0.2, 0, 0, 0, 0, 0, 0, 0, 1.0]])
    benefits = np.arange(1, N_BENEFITS + 1, dtype=np.int64)[None, :] * 100
    counts = np.zeros((events, N_COUNTS), dtype=np.int64)
    gross = np.zeros((events, 1), dtype=np.int64)
    with np.errstate(over="ignore"):  # meant, where the kernel runs as plain Python
        count_casualties(
            np.arange(events + 1), np.zeros(events, dtype=np.int64), np.full(events, chance),
            rng.integers(0, 2**63, events, dtype=np.uint64), np.zeros(events, dtype=np.int64),
            np.zeros(events, dtype=np.int64), np.full((12, 1), people), np.array([0.5]), np.array([0.8]), grades,
            np.array([[0.25, 0.5, 1.0]]), np.array([0.3]), benefits, counts, gross,
        )  # fmt: skip
    return counts, gross[:, 0], benefits[0]


def test_casualties_are_multinomial() -> None:
    """Means and covariances of n people with fixed chances; 20,000 events."""
    events, people, chance = 20_000, 400, 0.05
    counts, _, _ = one_cell(events, people, chance)
    disabled = chance * 0.5 * 0.8
    grade = disabled * np.array([0.1, 0.9 * 0.2, 0, 0, 0, 0, 0, 0, 0, 0.72])
    burned = chance * 0.5 * 0.2 * np.array([0.25, 0.375, 0.375])
    chances = np.concatenate(([chance * 0.5], grade, burned))
    kinds = counts[:, :-1].astype(float)
    error = np.sqrt(people * chances * (1 - chances) / events)
    assert (np.abs(kinds.mean(axis=0) - people * chances) <= 4 * error + 1e-12).all()
    # cov(X_i, X_j) = -n p_i p_j; the error of a sample covariance is about sqrt((v_i v_j + c^2) / events).
    for i, j in [(0, 1), (0, 10), (10, 11), (1, 13)]:
        p, q = chances[i], chances[j]
        expected = -people * p * q
        spread = math.sqrt((people * p * (1 - p) * people * q * (1 - q) + expected**2) / events)
        assert abs(np.cov(kinds[:, i], kinds[:, j])[0, 1] - expected) < 4 * spread
    also = counts[:, -1].mean()
    assert abs(also - people * disabled * 0.3) < 4 * math.sqrt(people * disabled * 0.3 / events)


@pytest.mark.nojit
def test_what_is_owed_follows_from_the_counts() -> None:
    """Where nobody is both disabled and burned, owed is counts times benefits, to the fen."""
    counts, owed, benefits = one_cell(60, 300, 0.04)
    alone = counts[:, -1] == 0
    assert alone.any()
    assert (owed[alone] == counts[alone][:, :FIRST_BOTH] @ benefits[:FIRST_BOTH]).all()
    # Those burned as well are paid as such: each of them by one of the benefits of his grade and a degree.
    both = ~alone
    least = counts[both][:, :FIRST_BOTH] @ benefits[:FIRST_BOTH]
    assert (owed[both] > least).all()
    assert FIRST_GRADE < FIRST_DEGREE < FIRST_BOTH
