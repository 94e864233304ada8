"""Amount laws against scipy.stats, closed forms and numerical integration; tables against the laws."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from fangpinbao.core import tables
from fangpinbao.core.distributions import (
    AmountLaw,
    Beta,
    Burr,
    Constant,
    Discrete,
    Empirical,
    Exponential,
    Gamma,
    Lognormal,
    Lomax,
    Mixture,
    Scaled,
    SingleParameterPareto,
    Spliced,
    Uniform,
    Weibull,
)

SAMPLE = np.exp(np.random.default_rng(20).normal(8.0, 1.0, 300)).tolist()

REFERENCES = [
    (Uniform(2.0, 5.0), stats.uniform(2.0, 3.0)),
    (Exponential(700.0), stats.expon(scale=700.0)),
    (Lognormal(8.0, 0.5), stats.lognorm(0.5, scale=math.exp(8.0))),
    (Lognormal(8.0, 2.0), stats.lognorm(2.0, scale=math.exp(8.0))),
    (Gamma(0.3, 900.0), stats.gamma(0.3, scale=900.0)),
    (Gamma(5.0, 900.0), stats.gamma(5.0, scale=900.0)),
    (Weibull(0.4, 900.0), stats.weibull_min(0.4, scale=900.0)),
    (Weibull(3.0, 900.0), stats.weibull_min(3.0, scale=900.0)),
    (Lomax(2.5, 3000.0), stats.lomax(2.5, scale=3000.0)),
    (Burr(1.5, 2.0, 3000.0), stats.burr12(2.0, 1.5, scale=3000.0)),
    (Burr(4.0, 0.9, 3000.0), stats.burr12(0.9, 4.0, scale=3000.0)),
    (Beta(0.6, 1.4), stats.beta(0.6, 1.4)),
    (SingleParameterPareto(2.5, 40.0), stats.pareto(2.5, scale=40.0)),
    (Scaled(Gamma(2.0, 3.0), 100.0), stats.gamma(2.0, scale=300.0)),
]
COMPOSITES: list[AmountLaw] = [
    Mixture([0.7, 0.3], [Lognormal.from_mean(2000.0, 1.0), Lomax(2.5, 30_000.0)]),
    Mixture([0.5, 0.3, 0.2], [Gamma(0.3, 100.0), Gamma(2.0, 1000.0), Weibull(1.5, 10_000.0)]),
    Spliced(Lognormal.from_mean(2000.0, 1.0), SingleParameterPareto(2.3, 10_000.0), 10_000.0, 0.03),
    Spliced(Gamma(0.3, 1000.0), Lomax(3.0, 10_000.0), 3000.0, 0.1),
    Spliced(Exponential(100.0), Lognormal(8.0, 1.0), 3000.0, 0.2),
    Scaled(Mixture([0.5, 0.5], [Uniform(1.0, 4.0), Exponential(3.0)]), 100.0),
]
CONTINUOUS = [law for law, _ in REFERENCES] + COMPOSITES
STEPS: list[AmountLaw] = [
    Constant(12.5),
    Discrete([100.0, 0.0, 30.0, 30.0], [0.25, 0.25, 0.3, 0.2]),
    Scaled(Discrete([1.0, 2.0], [0.5, 0.5]), 3.0),
    Mixture([0.4, 0.6], [Constant(5.0), Discrete([5.0, 9.0], [0.5, 0.5])]),
]
ALL_LAWS = [*CONTINUOUS, *STEPS, Empirical(SAMPLE), Empirical([1.0, 5.0, 5.0, 9.0], [1.0, 2.0, 0.0, 0.5])]
TINY_V = 2.0 ** -np.arange(1.0, 54.0)
GRID_V = np.concatenate((TINY_V, np.linspace(0.001, 0.999, 97)))


def by_name(law: object) -> str:
    return type(law).__name__ if isinstance(law, AmountLaw) else ""


def integral_of_survival(law: AmountLaw, limit: float, order: int, kinks: tuple[float, ...] = ()) -> float:
    """E[min(X, limit)**order] = order times the integral of x**(order - 1) S(x), with y = log x."""
    start = math.log(min(limit, law.mean())) - 20.0
    end = math.log(limit) if math.isfinite(limit) else 250.0
    steps = [start + 20.0 * share for share in (0.3, 0.6, 0.8, 0.9, 1.0)]
    cuts = [*steps, *(steps[-1] + step for step in (1.0, 2.0, 4.0, 8.0, 16.0, 40.0)), *map(math.log, kinks)]
    cuts = [start, *sorted(cut for cut in cuts if start < cut < end), end]

    def integrand(y: float) -> float:
        return order * math.exp(order * y) * float(law.survival(math.exp(y)))

    parts = [
        integrate.quad(integrand, a, b, epsrel=1e-9, epsabs=0.0, limit=200)[0]
        for a, b in itertools.pairwise(cuts)
    ]
    return math.fsum(parts) + math.exp(order * start)


def kinks_of(law: AmountLaw) -> tuple[float, ...]:
    if isinstance(law, Spliced):
        return (law.threshold,)
    if isinstance(law, Uniform):
        return (law.low, law.high)
    if isinstance(law, SingleParameterPareto):
        return (law.theta,)
    return (100.0, 400.0) if isinstance(law, Scaled) else ()


# ------------------------------------------------------------------ laws against scipy.stats


@pytest.mark.parametrize(("law", "reference"), REFERENCES, ids=by_name)
def test_moments_and_quantiles_agree_with_scipy(law, reference):
    assert law.mean() == pytest.approx(reference.mean(), rel=1e-12)
    assert law.variance() == pytest.approx(reference.var(), rel=1e-10)
    np.testing.assert_allclose(law.quantile_from_survival(TINY_V), reference.isf(TINY_V), rtol=1e-9)
    np.testing.assert_allclose(law.quantile(GRID_V), reference.ppf(GRID_V), rtol=1e-9)
    amounts = reference.ppf(np.linspace(0.001, 0.999, 50))
    np.testing.assert_allclose(law.survival(amounts), reference.sf(amounts), rtol=1e-10)
    np.testing.assert_allclose(law.cdf(amounts), reference.cdf(amounts), rtol=1e-10)


@pytest.mark.parametrize("law", CONTINUOUS, ids=by_name)
@pytest.mark.parametrize("order", [1, 2])
def test_limited_moments_are_integrals_of_the_survival(law, order):
    for v in (0.97, 0.4, 0.02):
        limit = float(law.quantile_from_survival(v))
        value = law.limited_expected_value(limit) if order == 1 else law.limited_second_moment(limit)
        assert value == pytest.approx(integral_of_survival(law, limit, order, kinks_of(law)), rel=1e-7)


@pytest.mark.parametrize("law", COMPOSITES, ids=by_name)
def test_moments_of_composites_are_integrals_of_the_survival(law):
    mean, second = (integral_of_survival(law, math.inf, order, kinks_of(law)) for order in (1, 2))
    assert law.mean() == pytest.approx(mean, rel=1e-7)
    assert law.variance() == pytest.approx(second - mean**2, rel=1e-6)


@pytest.mark.parametrize("alpha_gamma", [(0.3, 2.0), (0.5, 2.0), (0.4999999, 2.0), (1.0, 2.0), (0.2, 1.0)])
def test_burr_with_infinite_moments_still_has_limited_ones(alpha_gamma):
    law = Burr(*alpha_gamma, 1.0)
    for limit in (0.5, 3.0, 100.0, 1e6):
        cuts = [0.0, 0.25, 0.5, 1.0, 3.0, 10.0, 100.0, 1e3, 1e4, 1e5, 1e6]
        cuts = [cut for cut in cuts if cut < limit] + [limit]
        for order in (1, 2):
            expected = math.fsum(
                integrate.quad(lambda x, k=order: k * x ** (k - 1) * float(law.survival(x)), a, b)[0]
                for a, b in itertools.pairwise(cuts)
            )
            value = law.limited_expected_value(limit) if order == 1 else law.limited_second_moment(limit)
            assert value == pytest.approx(expected, rel=1e-7)


def test_infinite_moments_are_reported_as_infinite():
    assert Lomax(1.0, 5.0).mean() == Burr(0.5, 2.0, 1.0).mean() == math.inf
    assert Lomax(2.0, 5.0).variance() == SingleParameterPareto(1.5, 5.0).variance() == math.inf
    assert Lomax(1.0, 5.0).limited_expected_value(10.0) == pytest.approx(5.0 * math.log(3.0))
    assert Lomax(0.9, 5.0).limited_expected_value(math.inf) == math.inf
    assert Mixture([0.5, 0.5], [Constant(1.0), Lomax(1.0, 5.0)]).mean() == math.inf


def test_closed_forms():
    assert Exponential(10.0).limited_expected_value(10.0) == pytest.approx(10.0 * (1.0 - math.exp(-1.0)))
    assert Uniform(0.0, 4.0).limited_expected_value(1.0) == pytest.approx(1.0 - 1.0 / 8.0)
    # A Pareto excess: E[min(X, d)] = theta / (alpha - 1) (1 - (theta / (d + theta))**(alpha - 1)).
    assert Lomax(3.0, 2000.0).limited_expected_value(2000.0) == pytest.approx(750.0)
    assert SingleParameterPareto(2.0, 10.0).limited_expected_value(20.0) == pytest.approx(15.0)


def test_laws_from_means():
    assert Lognormal.from_mean(9000.0, 1.1).mean() == pytest.approx(9000.0)
    gamma = Gamma.from_mean(300.0, 1.5)
    assert (gamma.mean(), math.sqrt(gamma.variance()) / gamma.mean()) == pytest.approx((300.0, 1.5))
    beta = Beta.from_mean(0.3, 9.0)
    assert (beta.mean(), beta.variance()) == pytest.approx((0.3, 0.021))
    assert Exponential.from_mean(7.0).mean() == 7.0


# ------------------------------------------------------------------ laws of laws, laws of values


def test_splice_keeps_its_parts():
    body, tail = Lognormal(7.0, 1.0), SingleParameterPareto(1.8, 10_000.0)
    law = Spliced(body, tail, 10_000.0, 0.05)
    assert float(law.survival(10_000.0)) == 0.05
    beyond = np.array([10_000.0, 2e4, 1e6])
    np.testing.assert_allclose(law.survival(beyond) / 0.05, tail.survival(beyond))
    within = np.array([10.0, 1e3, 9e3])
    np.testing.assert_allclose(law.cdf(within) / 0.95, body.cdf(within) / body.cdf(10_000.0))


def test_splice_stays_precise_where_the_body_is_cut_far_out():
    # Just above v = tail_weight the body's own survival is e**-40 plus a sliver that 1 - u cannot resolve.
    law = Spliced(Exponential(1.0), Exponential(1.0), 40.0, 0.25)
    step = (0.25 + 1e-14) - 0.25
    expected = -math.log(math.exp(-40.0) + step / 0.75)
    assert float(law.quantile_from_survival(0.25 + 1e-14)) == pytest.approx(expected, rel=1e-12)


def test_mixture_quantile_is_exact_at_atoms_and_gaps():
    law = Mixture([0.25, 0.75], [Constant(5000.0), Exponential(3000.0)])
    v_above, v_from = float(law.survival(5000.0)), float(law.survival(5000.0)) + 0.25
    inside = np.linspace(v_above, v_from, 7, endpoint=False)
    np.testing.assert_array_equal(law.quantile_from_survival(inside), 5000.0)
    gap = Mixture([0.25, 0.75], [Uniform(0.0, 1.0), Uniform(10.0, 11.0)])
    assert float(gap.quantile_from_survival(0.75)) == 1.0
    assert float(gap.quantile_from_survival(0.75 - 1e-12)) == pytest.approx(10.0)


def test_mixture_of_one_law_is_that_law():
    law = Lognormal(8.0, 1.5)
    same = Mixture([0.5, 0.5], [law, law])
    np.testing.assert_allclose(
        same.quantile_from_survival(GRID_V), law.quantile_from_survival(GRID_V), rtol=1e-15
    )


def test_empirical_follows_hazen_and_keeps_the_sample_mean():
    law = Empirical([4.0, 1.0, 2.0, 9.0])
    np.testing.assert_allclose(
        law.quantile([0.0, 0.125, 0.25, 0.375, 0.5, 0.95]), [1.0, 1.0, 1.5, 2.0, 3.0, 9.0]
    )
    assert law.mean() == pytest.approx(4.0)
    assert law.limited_expected_value(3.0) == pytest.approx(integrate_polyline(law, 3.0), rel=1e-9)
    assert Empirical(SAMPLE).mean() == pytest.approx(np.mean(SAMPLE))
    np.testing.assert_allclose(law.survival([0.5, 1.0, 3.0, 9.0]), [1.0, 0.875, 0.5, 0.0])
    weighted = Empirical([10.0, 20.0], [3.0, 1.0])
    assert weighted.mean() == pytest.approx(10.0 * 0.375 + 15.0 * 0.5 + 20.0 * 0.125)


def integrate_polyline(law: AmountLaw, limit: float) -> float:
    u = np.linspace(0.0, 1.0, 80_001)
    return float(np.trapezoid(np.minimum(law.quantile(u), limit), u))


@pytest.mark.parametrize("law", [Empirical(SAMPLE), Empirical([1.0, 5.0, 5.0, 9.0], [1.0, 2.0, 0.3, 0.5])])
def test_empirical_limited_values_are_integrals(law):
    for limit in (0.5, 1.0, 5.0, 7.0, 2500.0, 1e5):
        assert law.limited_expected_value(limit) == pytest.approx(integrate_polyline(law, limit), rel=1e-6)


def test_step_laws():
    law = STEPS[1]
    np.testing.assert_array_equal(law.atoms()[0], [0.0, 30.0, 100.0])
    np.testing.assert_allclose(law.atoms()[1], [0.25, 0.5, 0.25])
    assert law.mean() == pytest.approx(40.0)
    assert law.variance() == pytest.approx(0.25 * 1600.0 + 0.5 * 100.0 + 0.25 * 3600.0)
    assert law.limited_expected_value(50.0) == pytest.approx(27.5)
    np.testing.assert_allclose(law.survival([-1.0, 0.0, 29.0, 30.0, 100.0]), [1.0, 0.75, 0.75, 0.25, 0.0])
    np.testing.assert_array_equal(
        law.quantile_from_survival([0.0, 0.24, 0.25, 0.7, 0.75, 1.0]), [100, 100, 30, 30, 0, 0]
    )
    assert [law.is_step for law in STEPS] == [True] * 4
    assert not Mixture([0.5, 0.5], [Constant(1.0), Exponential(1.0)]).is_step
    np.testing.assert_allclose(STEPS[3].atoms(), [[5.0, 9.0], [0.7, 0.3]])
    with pytest.raises(TypeError, match="Exponential is not a step law"):
        Exponential(1.0).atoms()


# ------------------------------------------------------------------ properties of every law

laws = st.sampled_from(ALL_LAWS)
probabilities = st.floats(min_value=2.0**-53, max_value=1.0 - 2.0**-53)


@settings(derandomize=True, max_examples=200, deadline=None)
@given(law=laws, a=probabilities, b=probabilities)
def test_quantiles_are_monotone_and_mirror_each_other(law, a, b):
    low, high = min(a, b), max(a, b)
    assert float(law.quantile_from_survival(low)) >= float(law.quantile_from_survival(high)) >= 0.0
    assert float(law.quantile(low)) <= float(law.quantile(high))
    if not law.is_step:
        mirrored = float(law.quantile(1.0 - high))
        assert float(law.quantile_from_survival(high)) == pytest.approx(mirrored, rel=1e-6, abs=1e-12)


@settings(derandomize=True, max_examples=200, deadline=None)
@given(law=st.sampled_from(CONTINUOUS), v=probabilities)
def test_survival_of_the_quantile_is_v(law, v):
    amount = law.quantile_from_survival(v)
    relative_spacing = 0.0 if not isinstance(law, Uniform | Beta) else 1e-15  # S is steep at a finite end
    assert float(law.survival(amount)) == pytest.approx(v, rel=1e-9, abs=relative_spacing)


@settings(derandomize=True, max_examples=200, deadline=None)
@given(law=laws, v=st.lists(probabilities, min_size=3, max_size=3))
def test_limited_expected_values_rise_and_are_concave(law, v):
    limits = np.sort(law.quantile_from_survival(v) + np.array([0.0, 0.5, 1.0]))
    values = law.limited_expected_values(limits)
    slack = 1e-9 * values[-1]
    assert np.all(np.diff(values) >= -slack)
    assert np.all(values <= np.minimum(limits, law.mean()) + slack)
    slopes = np.diff(values) * np.diff(limits)[::-1]
    assert slopes[0] >= slopes[1] - slack * (limits[2] - limits[0])
    assert law.limited_expected_value(0.0) == 0.0
    assert law.limited_expected_value(math.inf) == law.mean()


@pytest.mark.parametrize("law", ALL_LAWS, ids=by_name)
def test_arrays_keep_their_shape_and_ends_are_allowed(law):
    v = np.array([[0.0, 0.25, 0.5], [0.75, 0.9, 1.0]])
    assert law.quantile_from_survival(v).shape == law.quantile(v).shape == (2, 3)
    assert law.survival(law.quantile(0.5)).shape == ()
    np.testing.assert_allclose(law.survival([-1.0, np.inf]), [1.0, 0.0])
    np.testing.assert_allclose(law.cdf([-1.0, np.inf]), [0.0, 1.0])


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (
            lambda: Exponential(0.0),
            "Exponential: scale = 0.0 is refused; it must be a finite number greater than 0",
        ),
        (lambda: Lognormal(1.0, -1.0), "sigma = -1.0"),
        (lambda: Lognormal(math.nan, 1.0), "mu = nan"),
        (lambda: Lognormal.from_mean(0.0, 1.0), "mean = 0.0"),
        (lambda: Gamma(math.inf, 1.0), "shape = inf"),
        (lambda: Gamma.from_mean(1.0, 0.0), "cv = 0.0"),
        (lambda: Beta.from_mean(1.0, 3.0), "between 0 and 1"),
        (lambda: Beta.from_mean(0.5, 0.0), "concentration = 0.0"),
        (lambda: Uniform(3.0, 3.0), "greater than low"),
        (lambda: Uniform(-1.0, 3.0), "low = -1.0"),
        (lambda: Constant(-1.0), "value = -1.0"),
        (lambda: Discrete([1.0, 2.0], [0.5, 0.6]), "sum of probabilities"),
        (lambda: Discrete([1.0], [0.5, 0.5]), "as many entries as values"),
        (lambda: Discrete([-1.0], [1.0]), "values = -1.0"),
        (lambda: Empirical([]), "at least one number"),
        (lambda: Empirical([1.0], [0.0]), "greater than 0"),
        (lambda: Empirical([1.0], [1.0, 1.0]), "as many entries"),
        (lambda: Mixture([1.0, 0.0], [Constant(1.0), Constant(2.0)]), "leave out"),
        (lambda: Scaled(Constant(1.0), 0.0), "factor = 0.0"),
        (lambda: Spliced(Exponential(1.0), Exponential(1.0), 1.0, 1.0), "tail_weight = 1.0"),
        (lambda: Spliced(Uniform(5.0, 6.0), Exponential(1.0), 1.0, 0.5), "some amount of the body"),
        (lambda: Spliced(Exponential(1.0), Uniform(0.0, 1.0), 1.0, 0.5), "some amount of the tail"),
        (lambda: Exponential(1.0).quantile(1.5), r"lie in \[0, 1\]"),
        (lambda: Exponential(1.0).limited_expected_value(-1.0), "at least 0"),
        (lambda: Exponential(1.0).survival(math.nan), "NaN"),
    ],
)
def test_refusals(make, text):
    with pytest.raises(ValueError, match=text):
        make()


# ------------------------------------------------------------------ tables

TABLED: list[AmountLaw] = [
    *(Lognormal.from_mean(9000.0, sigma) for sigma in (0.5, 0.9, 1.3, 2.0)),
    *(Lomax(alpha, 8000.0) for alpha in (1.3, 2.0, 4.0)),
    *(SingleParameterPareto(alpha, 8000.0) for alpha in (1.3, 4.0)),
    *(Weibull(shape, 8000.0) for shape in (0.4, 1.0, 3.0)),
    *(Gamma(shape, 8000.0) for shape in (0.3, 1.0, 5.0)),
    Burr(1.5, 2.0, 8000.0),
    Burr(4.0, 0.6, 8000.0),
    Burr(0.9, 1.5, 8000.0),
    Uniform(0.0, 5.0),
    Uniform(3.0, 5.0),
    Beta(0.6, 1.4),
    Beta(5.0, 2.0),
    *COMPOSITES,
    Empirical(SAMPLE),
]
TABLES = [(law, tables.build_quantile_table(law)) for law in TABLED]
RANDOM_BITS = np.random.default_rng(7).integers(0, 2**52, 20_000)
ODD_LAWS = [
    Lognormal(3.0, 1e-9),
    Lognormal(0.0, 4.0),
    Gamma(0.02, 1.0),
    Gamma(1e6, 1.0),
    Beta(0.2, 0.2),
    Constant(7.0),
    Lomax(0.3, 1.0),
    Weibull(20.0, 3.0),
    Uniform(1e6, 1e6 + 1e-6),
    Mixture([0.29, 0.71], [Constant(5000.0), Exponential(3000.0)]),
    Mixture([0.3, 0.7], [Uniform(0.0, 1.0), Uniform(10.0, 11.0)]),
    Empirical([1.0, 1.0, 1.0, 5.0, 9.0], [1.0, 2.0, 3.0, 1.0, 0.5]),
]


def test_cells_follow_the_bits_of_v():
    edges = tables.cell_edges()
    assert edges.shape == (6785,)
    assert (edges[0], edges[1], edges[-1]) == (2.0**-53, 2.0**-53 * (1.0 + 1.0 / 128.0), 1.0)
    np.testing.assert_array_equal(tables.cell_of(edges[:-1]), np.arange(6784))
    np.testing.assert_array_equal(tables.cell_of(np.nextafter(edges[1:], 0.0)), np.arange(6784))
    v = tables.survival_from_bits([0, 1, 2**52 - 1])
    np.testing.assert_array_equal(v, [2.0**-53, 3.0 * 2.0**-53, 1.0 - 2.0**-53])
    for wrong in (2.0**-54, 1.0):
        with pytest.raises(ValueError, match="v must lie"):
            tables.cell_of(wrong)


@pytest.mark.parametrize(("law", "table"), TABLES, ids=by_name)
def test_table_has_the_mean_and_limited_values_of_the_law(law, table):
    assert tables.table_mean(table, law) == pytest.approx(law.mean(), rel=1e-9)
    for u in (*np.linspace(0.01, 0.02, 23), *np.linspace(0.03, 0.99, 25), 0.999, 0.9999, 1.0 - 1e-9):
        limit = float(law.quantile(u))
        value = tables.table_limited_expected_value(table, limit, law)
        assert value == pytest.approx(law.limited_expected_value(limit), rel=1e-4)


@pytest.mark.parametrize(("law", "table"), TABLES, ids=by_name)
def test_table_values_stay_within_one_cell_of_the_quantile(law, table):
    v = np.concatenate((tables.survival_from_bits(RANDOM_BITS), TINY_V))
    cells, edges = tables.cell_of(v), tables.cell_edges()
    amounts = tables.evaluate(table, v)
    highest = law.quantile_from_survival(edges[np.maximum(cells - 1, 0)])
    lowest = law.quantile_from_survival(edges[np.minimum(cells + 2, tables.CELLS)])
    is_inner = cells > 0
    assert np.all(amounts[is_inner] <= highest[is_inner] * (1.0 + 1e-12))
    assert np.all(amounts >= lowest * (1.0 - 1e-12))


def test_table_values_of_smooth_laws_are_their_quantiles():
    v = np.concatenate((tables.survival_from_bits(RANDOM_BITS), TINY_V))
    v = v[v < 0.9]
    for law in (Lognormal(8.0, 1.0), Lomax(2.0, 8000.0), Gamma(2.0, 500.0), Weibull(1.5, 500.0)):
        amounts = tables.evaluate(tables.build_quantile_table(law), v)
        np.testing.assert_allclose(amounts, law.quantile_from_survival(v), rtol=1e-4)


@pytest.mark.parametrize("law", [*TABLED, *ODD_LAWS], ids=by_name)
def test_table_never_rises_with_v_and_is_never_negative(law):
    table = tables.build_quantile_table(law)
    edges = tables.cell_edges()
    # Rounding is monotone within a cell, so its ends and both their neighbours decide.
    v = np.unique(np.concatenate((edges[:-1], np.nextafter(edges[:-1], 1.0), np.nextafter(edges[1:], 0.0))))
    amounts = tables.evaluate(table, np.concatenate((v, np.linspace(0.99, 1.0, 5000, endpoint=False))))
    assert np.all(np.diff(amounts[: v.size]) <= 0.0)
    assert np.all(amounts >= 0.0)
    assert np.all(table.slope <= 0.0)


@pytest.mark.parametrize(("law", "table"), TABLES[::4], ids=by_name)
def test_table_integrals_are_those_of_a_fine_grid(law, table):
    edges = tables.cell_edges()
    fractions = (np.arange(400) + 0.5) / 400.0
    v = edges[:-1, np.newaxis] + np.diff(edges)[:, np.newaxis] * fractions
    amounts = tables.evaluate(table, np.minimum(v, 1.0 - 2.0**-53))
    for limit in (float(law.quantile(0.0123)), float(law.quantile(0.777)), math.inf):
        top = 2.0**-53 * min(float(tables.evaluate(table, 2.0**-53)), limit)
        expected = float(np.diff(edges) @ np.minimum(amounts, limit).mean(axis=1)) + top
        assert tables.table_limited_expected_value(table, limit) == pytest.approx(expected, rel=1e-8)


def test_tables_refuse_what_they_cannot_hold():
    with pytest.raises(ValueError, match="too heavy-tailed"):
        tables.build_quantile_table(Lomax(0.01, 1.0))
    with pytest.raises(ValueError, match="limit must be"):
        tables.table_limited_expected_value(TABLES[0][1], -1.0)
    with pytest.raises(TypeError, match="not a step law"):
        tables.build_step_table(Exponential(1.0))


def test_infinite_means_show_in_the_table_mean():
    law = Lomax(0.9, 10.0)
    table = tables.build_quantile_table(law)
    assert tables.table_mean(table, law) == math.inf
    assert math.isfinite(tables.table_mean(table))


@pytest.mark.parametrize("law", STEPS, ids=by_name)
def test_step_tables_are_the_law(law):
    table = tables.build_step_table(law)
    assert np.all(np.diff(table.values) < 0.0)
    assert np.all(np.diff(table.survival_upper) > 0.0)
    assert table.survival_upper[-1] == 1.0
    v = np.concatenate((tables.survival_from_bits(RANDOM_BITS), TINY_V, [0.0, 0.25, 0.5, 0.75]))
    np.testing.assert_array_equal(tables.evaluate_step(table, v), law.quantile_from_survival(v))
    assert float(table.values @ np.diff(table.survival_upper, prepend=0.0)) == pytest.approx(law.mean())
    with pytest.raises(ValueError, match="v must lie"):
        tables.evaluate_step(table, 1.0)
