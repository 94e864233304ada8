"""Grouped jackknife over simulated years: the error of a figure that is no mean, quantile or ratio.

Wolter, Introduction to Variance Estimation, 2nd ed. 2007, section 4.2: with G groups, the variance is
``(G - 1) / G * sum_g (figure without group g - figure)^2``.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from fangpinbao._typing import Float64Array, Int64Array
from fangpinbao.estimate import Years

__all__ = ["GROUPS", "jackknife_error", "replicate_histograms"]

GROUPS: Final = 100


def replicate_histograms(
    cell: Int64Array, cells: int, years: Years, values: Float64Array | None = None
) -> Float64Array:
    """Weighted histograms of all years, then of all but each group of years.

    Parameters
    ----------
    cell : int64 array, shape (years,)
        Cell of each year, 0 to cells - 1.
    values : float array, shape (years,), optional
        Summed in each cell, times the weight; absent: the chance of the cell.

    Returns
    -------
    float array, shape (1 + groups, cells)
        Without groups where a stratum has a single year, since nothing then tells the error.
    """
    amounts = np.ones(years.n) if values is None else values
    strata, per_year = years.counts.size, years.probabilities / years.counts
    place = years.stratum_of * cells + cell
    whole = np.bincount(place, amounts, strata * cells).reshape(strata, cells)
    each = years.years_a_path
    if int(years.counts.min()) < 2 * each:
        return (per_year @ whole)[None, :]
    groups = min(GROUPS, years.n // each)
    rows = np.empty((1 + groups, cells))
    rows[0] = per_year @ whole
    # Dealt by turns through the strata, one after another, so that small strata do not all sit in one group.
    # Years of one path stay together.
    order = np.argsort(years.stratum_of[::each], kind="stable")
    for g in range(groups):
        mine = (order[g::groups, None] * each + np.arange(each)).ravel()
        out = np.bincount(place[mine], amounts[mine], strata * cells).reshape(strata, cells)
        left = years.counts - np.bincount(years.stratum_of[mine], minlength=strata)
        factor = years.counts / np.maximum(left, 1)
        rows[1 + g] = (per_year * factor) @ (whole - out)
    return rows


def jackknife_error(replicates: Float64Array) -> float | None:
    """Jackknife error of a figure from its value and its replicates; None where there are none."""
    groups = replicates.size - 1
    if groups < 2:
        return None
    return math.sqrt((groups - 1) / groups * float(np.sum((replicates[1:] - replicates[0]) ** 2)))
