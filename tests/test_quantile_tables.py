"""Quantile tables against the laws that they stand for."""

from __future__ import annotations

import math

import numpy as np
import pytest
from law_cases import COMPOSITES, SAMPLE, STEPS, TINY_V, by_name

from fangpinbao.core import tables
from fangpinbao.core.distributions import (
    AmountLaw,
    Beta,
    Burr,
    Constant,
    Empirical,
    Exponential,
    Gamma,
    Lognormal,
    Lomax,
    Mixture,
    SingleParameterPareto,
    Uniform,
    Weibull,
)

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
