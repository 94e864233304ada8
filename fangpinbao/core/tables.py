"""Quantile tables: the only form in which an amount law reaches the simulation.

A draw is 52 random bits k, read as a survival probability v = (k + 0.5) * 2**-52 in [2**-53, 1).
The 53 octaves of v are cut into 128 cells each, equally wide within an octave; so the grid is fine in
the body and geometric in the tail. Inside a cell the amount is ``intercept + slope * v``. The cell
number is a shift of the bits of v (:func:`cell_of`), and one table serves every continuous law.

The table *is* the simulated law. Each cell keeps the exact mean of the law over the cell, so means and
limited expected values at cell edges are those of the law up to rounding; see
:func:`build_quantile_table`. Laws made of atoms have a :class:`StepTable` instead.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from fangpinbao._typing import Float64Array, Int64Array
from fangpinbao.core.distributions import AmountLaw

__all__ = [
    "CELLS",
    "CELLS_PER_OCTAVE",
    "OCTAVES",
    "SMALLEST_SURVIVAL",
    "QuantileTable",
    "StepTable",
    "build_quantile_table",
    "build_step_table",
    "cell_edges",
    "cell_of",
    "evaluate",
    "evaluate_step",
    "survival_from_bits",
    "table_limited_expected_value",
    "table_mean",
]

CELLS_PER_OCTAVE = 128
OCTAVES = 53
CELLS = CELLS_PER_OCTAVE * OCTAVES
SMALLEST_SURVIVAL = 2.0**-OCTAVES

_CELL_SHIFT = 52 - 7
_FIRST_CELL_BITS = int(np.float64(SMALLEST_SURVIVAL).view(np.int64)) >> _CELL_SHIFT

_BODY_OCTAVES = 12
"""Cells with v >= 2**-12 take their mean from limited expected values, the others by Simpson's rule."""

_SLOPE_MARGIN = 2.0**-30
"""Relative flattening of every cell, far above the rounding of ``intercept + slope * v``."""


class QuantileTable(NamedTuple):
    """Amounts of a continuous law as ``intercept[c] + slope[c] * v`` with c = cell_of(v).

    Attributes
    ----------
    intercept, slope : float64 array, shape (6784,)
        In the law's unit; slopes are never positive.
    """

    intercept: Float64Array
    slope: Float64Array


class StepTable(NamedTuple):
    """Amounts of a step law: the first value whose `survival_upper` exceeds v.

    Attributes
    ----------
    values : float64 array, shape (n,)
        Atoms, strictly decreasing.
    survival_upper : float64 array, shape (n,)
        P(X >= value), strictly increasing; the last entry is exactly 1.
    """

    values: Float64Array
    survival_upper: Float64Array


def survival_from_bits(bits: ArrayLike) -> Float64Array:
    """Return v = (k + 0.5) * 2**-52 for k in [0, 2**52); exact in float64."""
    return (np.asarray(bits).astype(np.float64) + 0.5) * 2.0**-52


def cell_edges() -> Float64Array:
    """Return the 6785 edges in v, from 2**-53 up to 1; cell c is [edges[c], edges[c + 1])."""
    bits = (np.arange(CELLS + 1, dtype=np.int64) + _FIRST_CELL_BITS) << _CELL_SHIFT
    return bits.view(np.float64)


def cell_of(v: ArrayLike) -> Int64Array:
    """Return the cell number of each v in [2**-53, 1)."""
    checked = np.asarray(v, dtype=np.float64)
    if not np.all((checked >= SMALLEST_SURVIVAL) & (checked < 1.0)):
        raise ValueError("v must lie in [2**-53, 1).")
    return (checked.view(np.int64) >> _CELL_SHIFT) - _FIRST_CELL_BITS


def build_quantile_table(law: AmountLaw) -> QuantileTable:
    """Return the quantile table of a law.

    The mean of the law over each cell is exact: in the body from limited expected values, since
    the integral of the quantile Q over (v, 1) is E[min(X, Q(v))] - v Q(v); in the tail, where the
    quantile is smooth and that difference would cancel, by Simpson's rule. The slope is the steepest
    that keeps the line between the heights at the two edges. A height lies between the means of the
    two cells that meet there: it is the quantile, less the mean shift of the two chords. So amounts
    never rise with v, never fall below 0, and every cell mean is kept; lines need not meet at edges.

    Under floating rounding: within a cell rounding is monotone. Between cells, and above 0 at v = 1,
    every line is flattened about its centre by 2**-30 of its slope, which is more than the rounding
    of ``intercept + slope * v`` unless a cell is level to within about 1e-7; such a cell, if its
    rounded ends do not fall in order, is made level. Order and sign then hold exactly.

    An atom or a gap of a mixed law (a step law within :class:`~.distributions.Mixture`) is smeared
    over the one cell it starts or ends in.

    Raises
    ------
    ValueError
        Where a quantile down to v = 2**-53 is not a finite number.
    """
    edges = cell_edges()
    heights = law.quantile_from_survival(edges)
    if not np.isfinite(heights).all():
        raise ValueError(
            f"{law!r} is too heavy-tailed to simulate: its amount at v = 2**-53 is not finite. "
            "Use a lighter tail or limit the law."
        )
    heights = np.minimum.accumulate(np.maximum(heights, 0.0))
    means = _cell_means(law, edges, heights)

    # How far the chord lies above the law, on average over each cell; then heights between the means.
    shifts = 0.5 * (heights[:-1] + heights[1:]) - means
    shift_at_edges = 0.5 * (np.concatenate((shifts[:1], shifts)) + np.concatenate((shifts, shifts[-1:])))
    upper = np.concatenate(([math.inf], means))
    lower = np.concatenate((means, [min(float(heights[-1]), float(means[-1]))]))
    nodes = np.clip(heights - shift_at_edges, lower, upper)
    half_falls = np.minimum(nodes[:-1] - means, means - nodes[1:]) * (1.0 - _SLOPE_MARGIN)
    return _ordered_table(edges, means, half_falls)


def _cell_means(law: AmountLaw, edges: Float64Array, heights: Float64Array) -> Float64Array:
    """Mean quantile over each cell, within the heights at its edges and non-increasing."""
    first_body_cell = CELLS - _BODY_OCTAVES * CELLS_PER_OCTAVE
    tail, body = slice(0, first_body_cell + 1), slice(first_body_cell, CELLS + 1)
    middles = law.quantile_from_survival(0.5 * (edges[tail][:-1] + edges[tail][1:]))
    tail_means = (heights[tail][:-1] + 4.0 * middles + heights[tail][1:]) / 6.0
    areas = law.limited_expected_values(heights[body]) - edges[body] * heights[body]
    body_means = -np.diff(areas) / np.diff(edges[body])
    means = np.clip(np.concatenate((tail_means, body_means)), heights[1:], heights[:-1])
    return np.minimum.accumulate(means)


def _ordered_table(edges: Float64Array, means: Float64Array, half_falls: Float64Array) -> QuantileTable:
    """Table with these cell means and half the fall over each cell, level where rounding needs it."""
    slope = -2.0 * half_falls / np.diff(edges)
    intercept = means - slope * (0.5 * (edges[:-1] + edges[1:]))
    last_points = np.nextafter(edges[1:], 0.0)
    while True:
        first = intercept + slope * edges[:-1]
        last = intercept + slope * last_points
        is_wrong = np.concatenate((last[:-1] < first[1:], last[-1:] < 0.0))
        is_wrong[1:] |= is_wrong[:-1].copy()  # level both cells that meet there
        is_wrong &= slope != 0.0
        if not is_wrong.any():
            return QuantileTable(intercept, slope)
        slope = np.where(is_wrong, 0.0, slope)
        intercept = np.where(is_wrong, means, intercept)


def evaluate(table: QuantileTable, v: ArrayLike) -> Float64Array:
    """Return the amounts at survival probabilities v in [2**-53, 1): the reference of the kernel."""
    cells = cell_of(v)
    return table.intercept[cells] + table.slope[cells] * np.asarray(v, dtype=np.float64)


def table_mean(table: QuantileTable, law: AmountLaw | None = None) -> float:
    """Return the mean of the table as a piecewise linear law.

    Below v = 2**-53, where no draw falls, `law` supplies its own remainder (``inf`` for an infinite
    mean); without it the amount there is that of v = 2**-53.
    """
    return table_limited_expected_value(table, math.inf, law)


def table_limited_expected_value(table: QuantileTable, limit: float, law: AmountLaw | None = None) -> float:
    """Return E[min(X, limit)] of the table as a piecewise linear law, exact also inside a cell.

    For `law` see :func:`table_mean`.
    """
    if not limit >= 0.0:
        raise ValueError(f"A limit must be a number of at least 0; got {limit!r}.")
    edges = cell_edges()
    widths = np.diff(edges)
    start = table.intercept + table.slope * edges[:-1]
    end = table.intercept + table.slope * edges[1:]
    capped_start, capped_end = np.minimum(start, limit), np.minimum(end, limit)
    falls = start - end
    # The share of a cell's width on which its line lies above the limit, and amounts equal the limit.
    shares = np.clip((start - capped_start) / np.where(falls > 0.0, falls, 1.0), 0.0, 1.0)
    capped = shares * capped_start + (1.0 - shares) * 0.5 * (capped_start + capped_end)
    return math.fsum(capped * widths) + _remainder(float(start[0]), limit, law)


def _remainder(top: float, limit: float, law: AmountLaw | None) -> float:
    """Integral of min(Q(v), limit) over v in (0, 2**-53)."""
    if law is None:
        return SMALLEST_SURVIVAL * min(top, limit)
    amount = float(law.quantile_from_survival(SMALLEST_SURVIVAL))
    if limit <= amount:
        return SMALLEST_SURVIVAL * limit
    beyond = law.limited_expected_value(limit) - law.limited_expected_value(amount)
    return SMALLEST_SURVIVAL * amount + max(beyond, 0.0)


def build_step_table(law: AmountLaw) -> StepTable:
    """Return the table of a step law (``law.is_step``); TypeError for any other."""
    values, probabilities = law.atoms()
    survival_upper = np.minimum(np.cumsum(probabilities[::-1]), 1.0)
    survival_upper[-1] = 1.0
    return StepTable(np.ascontiguousarray(values[::-1]), survival_upper)


def evaluate_step(table: StepTable, v: ArrayLike) -> Float64Array:
    """Return the first (largest) value whose survival_upper exceeds v, for v in [0, 1)."""
    checked = np.asarray(v, dtype=np.float64)
    if not np.all((checked >= 0.0) & (checked < 1.0)):
        raise ValueError("v must lie in [0, 1).")
    return table.values[np.searchsorted(table.survival_upper, checked, side="right")]
