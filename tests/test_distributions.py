"""Amount laws against scipy.stats, closed forms and numerical integration."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from law_cases import (
    ALL_LAWS,
    COMPOSITES,
    CONTINUOUS,
    GRID_V,
    REFERENCES,
    SAMPLE,
    STEPS,
    TINY_V,
    by_name,
    integral_of_survival,
    kinks_of,
)
from scipy import integrate

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
)

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
