"""Years drawn in strata: each path knows beforehand which tier of events it must hold.

A stratum is the set of paths whose most severe tier with an event is a given one (tiers in the order of the
scenario), or none. Tiers are independent Poisson processes, so with L the expected events of a tier in a term

    P(stratum k) = exp(-L_1 - ... - L_(k-1)) (1 - exp(-L_k)),    P(none) = exp(-sum of all L).

Within stratum k the number of events of tier k is Poisson without its zero, of the tiers before it zero, and
of all others as always: the figures of a stratified run have the expectation of a plain one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from fangpinbao._typing import Float64Array, Int64Array
from fangpinbao.catastrophe.hazard import EventClass
from fangpinbao.errors import InputError, Problem
from fangpinbao.estimate import Years
from fangpinbao.scenario.catastrophe import Catastrophe

__all__ = ["Strata"]

_GOLDEN_RATIO = (math.sqrt(5.0) - 1.0) / 2.0


@dataclass(frozen=True, eq=False)
class Strata:
    """The strata of a scenario's tiers; number ``len(tiers)`` holds the years without any.

    Attributes
    ----------
    expected : shape (tiers,)
        Expected events of each tier in a term.
    shares : shape (tiers + 1,)
        Shares of the simulated paths.
    """

    expected: Float64Array
    shares: Float64Array

    @classmethod
    def of(cls, table: Catastrophe, classes: tuple[EventClass, ...]) -> Strata:
        """Return the strata of a scenario; without tiers there is one."""
        tiers = [one for one in classes if one.tier >= 0]
        shares = [tier.share_of_years for tier in table.tiers]
        return cls(
            np.array([one.rate * table.term_years for one in tiers]), np.array([*shares, 1.0 - sum(shares)])
        )

    @property
    def probabilities(self) -> Float64Array:
        """Chance of each stratum, shape (tiers + 1,)."""
        before = np.concatenate(([0.0], np.cumsum(self.expected)))
        inside = -np.expm1(-self.expected)
        return np.exp(-before) * np.concatenate((inside, [1.0]))

    def stratum_of(self, paths: Int64Array) -> Int64Array:
        """Return the stratum of each path, whatever the number of paths.

        Multiples of the golden ratio fill [0, 1) evenly, so that every run of paths holds every stratum
        nearly in its share.
        """
        position = np.mod((paths + 0.5) * _GOLDEN_RATIO, 1.0)
        ends = np.cumsum(self.shares)
        found: Int64Array = np.searchsorted(ends, position, side="right").astype(np.int64)
        return np.minimum(found, len(ends) - 1)

    def years(self, n: int) -> Years:
        """Return the design of ``n`` paths.

        Raises
        ------
        InputError
            If a stratum would have fewer than two.
        """
        stratum = self.stratum_of(np.arange(n))
        counts = np.bincount(stratum, minlength=self.shares.size)
        if counts.min() < 2:
            least = math.ceil(3.0 / float(self.shares.min()))
            reason = f"= {n} are too few for the {self.shares.size} strata of this scenario. Give at least {least}."
            raise InputError("the request", [Problem("years", reason)])
        return Years(stratum, (self.probabilities / counts)[stratum])
