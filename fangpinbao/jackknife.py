"""Grouped jackknife over simulated years: the error of a figure that is no mean, quantile or ratio.

Wolter, Introduction to Variance Estimation, 2nd ed. 2007, section 4.2: with G groups, the variance is
``(G - 1) / G * sum_g (figure without group g - figure)^2``.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from fangpinbao._typing import Float64Array
from fangpinbao.estimate import Years

__all__ = ["GROUPS", "jackknife_error", "replicate_weights"]

GROUPS: Final = 100


def replicate_weights(years: Years) -> Float64Array:
    """Weights of all years, then of all but each group of years; shape (1 + groups, years)."""
    weight = np.asarray(years.weight, dtype=np.float64)
    if int(years.counts.min()) < 2:
        return weight[None, :]
    groups = min(GROUPS, years.n)
    order = np.argsort(years.stratum_of, kind="stable")
    first = np.cumsum(years.counts) - years.counts
    rank = np.empty(years.n, dtype=np.int64)
    rank[order] = np.arange(years.n) - first[years.stratum_of[order]]
    # Each stratum begins where the one before stopped, so that small strata do not all sit in the same groups.
    group_of = (rank + first[years.stratum_of]) % groups
    rows = np.empty((1 + groups, years.n))
    rows[0] = weight
    for g in range(groups):
        out = group_of == g
        left_out = np.bincount(years.stratum_of[out], minlength=years.counts.size)
        factor = years.counts / np.maximum(years.counts - left_out, 1)
        rows[1 + g] = np.where(out, 0.0, weight * factor[years.stratum_of])
    return rows


def jackknife_error(replicates: Float64Array) -> float | None:
    """Jackknife error of a figure from its value and its replicates; None where there are none."""
    groups = replicates.size - 1
    if groups < 2:
        return None
    return math.sqrt((groups - 1) / groups * float(np.sum((replicates[1:] - replicates[0]) ** 2)))
