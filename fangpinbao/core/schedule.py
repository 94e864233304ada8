"""Payout schedules: nondecreasing piecewise linear functions with jumps, built exactly.

A deductible, bands with rates, a cap, a franchise, a fixed sum and a disability scale are all one thing:
starts ``x_i``, the payment at each start ``y_i`` and the slope behind it. They are composed in exact
fractions and handed to the kernels as hinges and jumps,

    y(x) = sum_k slope_k * max(0, x - at_k) + sum_k jump_k * [x >= at_k].
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from fangpinbao._jit import inlined
from fangpinbao._typing import Float64Array, Int64Array

__all__ = ["EPSILON", "Schedule", "half_up", "hinge_arrays"]

EPSILON = 1e-6
"""Guard in fen: float noise below it cannot turn an exact half, or an exact line, the wrong way."""


@inlined
def half_up(amount: float) -> float:
    """Round fen half-up; an amount within 1e-6 fen below a half counts as that half."""
    rounded: float = np.floor(amount + 0.500001)
    return rounded


def exact(number: float) -> Fraction:
    """Return the short decimal that a float was written as, exactly."""
    return Fraction(repr(float(number)))


@dataclass(frozen=True)
class Schedule:
    """A payment as a function of an amount x >= 0, both in fen.

    Attributes
    ----------
    starts, values, slopes
        Segment ``i`` holds for ``starts[i] <= x < starts[i + 1]`` and pays
        ``values[i] + slopes[i] * (x - starts[i])``; ``starts[0]`` is 0.
    """

    starts: tuple[Fraction, ...]
    values: tuple[Fraction, ...]
    slopes: tuple[Fraction, ...]

    @classmethod
    def nothing(cls) -> Schedule:
        """Pay nothing."""
        return cls((Fraction(0),), (Fraction(0),), (Fraction(0),))

    @classmethod
    def everything(cls) -> Schedule:
        """Pay the whole amount."""
        return cls((Fraction(0),), (Fraction(0),), (Fraction(1),))

    @classmethod
    def steps(cls, points: list[tuple[Fraction, Fraction]]) -> Schedule:
        """Pay ``sum`` from each ``at`` on: a fixed sum or a scale; ``points`` rise in ``at``."""
        starts, values = [Fraction(0)], [Fraction(0)]
        for at, total in points:
            if at == 0:
                values[0] = total
                continue
            starts.append(at)
            values.append(total)
        return cls(tuple(starts), tuple(values), (Fraction(0),) * len(starts))

    def __call__(self, amount: Fraction | int) -> Fraction:
        """Evaluate exactly."""
        index = max(i for i, start in enumerate(self.starts) if start <= amount)
        return self.values[index] + self.slopes[index] * (amount - self.starts[index])

    def less(self, deductible: Fraction) -> Schedule:
        """Take a deductible off the payment: max(0, y - d)."""
        return self._bent(deductible, below=0, above=1)

    def times(self, share: Fraction) -> Schedule:
        """Pay a share."""
        scaled = tuple(value * share for value in self.values)
        return Schedule(self.starts, scaled, tuple(slope * share for slope in self.slopes))

    def at_most(self, cap: Fraction) -> Schedule:
        """Cap the payment: min(y, c)."""
        return self._bent(cap, below=1, above=0)

    def banded(self, bands: list[tuple[Fraction | None, Fraction]], start: Fraction) -> Schedule:
        """Pay band rates on the identity: rate i between the end before it (first: ``start``) and its own."""
        if self != Schedule.everything():
            raise ValueError("bands apply to the whole amount")
        starts, values, slopes = [Fraction(0)], [Fraction(0)], [Fraction(0)]
        lower = start
        for upper, rate in bands:
            paid = values[-1] + slopes[-1] * (lower - starts[-1])
            if lower == 0:
                slopes[0] = rate
            else:
                starts.append(lower)
                values.append(paid)
                slopes.append(rate)
            if upper is None:
                return Schedule(tuple(starts), tuple(values), tuple(slopes))
            lower = upper
        starts.append(lower)
        values.append(values[-1] + slopes[-1] * (lower - starts[-2]))
        slopes.append(Fraction(0))
        return Schedule(tuple(starts), tuple(values), tuple(slopes))

    def only_from(self, line: Fraction) -> Schedule:
        """Pay nothing below a line (franchise); from it on, as before."""
        if line <= 0:
            return self
        kept = [i for i, start in enumerate(self.starts) if start > line]
        starts = (Fraction(0), line, *(self.starts[i] for i in kept))
        index = max(i for i, start in enumerate(self.starts) if start <= line)
        values = (Fraction(0), self(line), *(self.values[i] for i in kept))
        return Schedule(starts, values, (Fraction(0), self.slopes[index], *(self.slopes[i] for i in kept)))

    def _bent(self, level: Fraction, below: int, above: int) -> Schedule:
        """Apply a map of the payment with slopes ``below`` and ``above`` that bends at ``level``."""

        def mapped(value: Fraction) -> Fraction:
            return below * min(value, level) + above * max(value - level, Fraction(0))

        starts: list[Fraction] = []
        values: list[Fraction] = []
        slopes: list[Fraction] = []
        ends = (*self.starts[1:], None)
        for start, end, value, slope in zip(self.starts, ends, self.values, self.slopes, strict=True):
            starts.append(start)
            values.append(mapped(value))
            slopes.append(slope * (below if value < level else above))
            if value < level and slope > 0:
                crossing = start + (level - value) / slope
                if end is None or crossing < end:
                    starts.append(crossing)
                    values.append(mapped(level))
                    slopes.append(slope * above)
        return Schedule(tuple(starts), tuple(values), tuple(slopes))

    def hinges(self) -> tuple[Float64Array, Float64Array, Float64Array]:
        """Return (at, slope change, jump) arrays; their sum form is in the module's docstring."""
        at: list[float] = []
        bend: list[float] = []
        jump: list[float] = []
        slope_before, reached, before = Fraction(0), Fraction(0), Fraction(0)
        for start, value, slope in zip(self.starts, self.values, self.slopes, strict=True):
            reached += slope_before * (start - before)
            if slope != slope_before or value != reached:
                at.append(float(start))
                bend.append(float(slope - slope_before))
                jump.append(float(value - reached))
            slope_before, reached, before = slope, value, start
        return np.array(at), np.array(bend), np.array(jump)


def hinge_arrays(
    schedules: list[list[Schedule]],
) -> tuple[Float64Array, Float64Array, Float64Array, Int64Array, Float64Array]:
    """Pack schedules [set][variant] into padded arrays [set, hinge, variant], and a table of each set.

    The table's columns are the number of hinges and whether the set has jumps.
    The last result gives the amount, by set, up to which every variant pays nothing.
    """
    packed = [[schedule.hinges() for schedule in variants] for variants in schedules]
    n_variants = max((len(variants) for variants in packed), default=1)
    n_hinges = max((len(at) for variants in packed for at, _, _ in variants), default=1) or 1
    shape = (max(len(packed), 1), n_hinges, n_variants)
    at, bend, jump = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    counts = np.zeros((shape[0], 2), dtype=np.int64)
    floor = np.full(shape[0], np.inf)
    for i, variants in enumerate(packed):
        for j, (where, slopes, jumps) in enumerate(variants):
            at[i, : len(where), j] = where
            bend[i, : len(where), j] = slopes
            jump[i, : len(where), j] = jumps
            counts[i, 0] = max(counts[i, 0], len(where))
            counts[i, 1] |= int(bool(jumps.any()))
            if len(where):
                floor[i] = min(floor[i], where[0])
    return at, bend, jump, counts, floor
