"""One figure with its standard error and interval, and the sampling design of the years behind it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from fangpinbao._typing import Float64Array, Int64Array
from fangpinbao.rounding import format_estimate

__all__ = ["Estimate", "Method", "Years"]

Method = Literal["simulated", "exact", "input"]


@dataclass(frozen=True)
class Estimate:
    """One figure: value, standard error, 95% interval, unit, years behind it, and how it was got."""

    value: float | None
    standard_error: float | None
    lower: float | None
    upper: float | None
    unit: str
    years: int
    method: Method = "simulated"
    note: str = ""

    def __post_init__(self) -> None:
        for name in ("value", "standard_error", "lower", "upper"):
            number = getattr(self, name)
            if number is not None and not math.isfinite(number):
                raise ValueError(f"{name} = {number} of an estimate must be a finite number or None.")

    @classmethod
    def known(cls, value: float, unit: str, method: Method = "exact", note: str = "") -> Estimate:
        """Build a figure that was not simulated: no error, no years."""
        return cls(float(value), None, None, None, unit, 0, method, note)

    @property
    def is_share_of_no_year(self) -> bool:
        """Whether this is a share of years of which none had the event, so that its note is the figure."""
        return self.value == 0.0 and self.note.startswith("in 0 of ")

    def scaled(self, factor: float, unit: str) -> Estimate:
        """Multiply by a known number, such as fen to yuan, or total to per head."""
        value, lower, upper = (
            None if x is None else x * factor for x in (self.value, self.lower, self.upper)
        )
        if factor < 0.0:
            lower, upper = upper, lower
        error = None if self.standard_error is None else self.standard_error * abs(factor)
        return replace(self, value=value, standard_error=error, lower=lower, upper=upper, unit=unit)

    def __str__(self) -> str:
        return format_estimate(self)


@dataclass(frozen=True, eq=False)
class Years:
    """The sampling design of simulated years: the stratum and the weight of each.

    Parameters
    ----------
    stratum : int array, shape (n,)
        Any labels.
    weight : float array, shape (n,)
        Positive, constant within a stratum, summing to 1; the sum within a stratum is its probability.
    years_a_path : int
        Years that follow each other and were drawn as one path, a term of a contract: they are not independent, so
        errors come from the means of paths. Mostly one.
    """

    stratum: Int64Array
    weight: Float64Array
    years_a_path: int = 1
    stratum_of: Int64Array = field(init=False, repr=False)
    counts: Int64Array = field(init=False, repr=False)
    probabilities: Float64Array = field(init=False, repr=False)

    def __post_init__(self) -> None:
        stratum = np.array(self.stratum, dtype=np.int64)
        weight = np.array(self.weight, dtype=np.float64)
        if stratum.ndim != 1 or stratum.shape != weight.shape or stratum.size == 0:
            raise ValueError(
                f"stratum {stratum.shape} and weight {weight.shape} must be columns of one length."
            )
        if not (np.all(weight > 0.0) and abs(float(weight.sum()) - 1.0) < 1e-9):
            raise ValueError("weights of years must be positive and sum to 1.")
        _, first, stratum_of, counts = np.unique(
            stratum, return_index=True, return_inverse=True, return_counts=True
        )
        if not np.allclose(weight, weight[first][stratum_of], rtol=1e-9, atol=0.0):
            raise ValueError("weights of years must be constant within a stratum.")
        paths = stratum_of.reshape(-1, self.years_a_path) if stratum.size % self.years_a_path == 0 else None
        if paths is None or np.any(paths != paths[:, :1]):
            raise ValueError(f"each path must have {self.years_a_path} years, all of one stratum.")
        probabilities = weight[first] * counts
        columns = {
            "stratum": stratum,
            "weight": weight,
            "stratum_of": stratum_of.astype(np.int64),
            "counts": counts.astype(np.int64),
            "probabilities": probabilities / probabilities.sum(),
        }
        for name, column in columns.items():
            column.setflags(write=False)
            object.__setattr__(self, name, column)

    @classmethod
    def equal(cls, n: int) -> Years:
        """Design of a plain run: one stratum, `n` years of weight 1/n."""
        if n < 1:
            raise ValueError(f"n = {n} years; there must be at least one.")
        return cls(np.zeros(n, dtype=np.int64), np.full(n, 1.0 / n))

    @classmethod
    def stratified(cls, stratum: ArrayLike, probability: Mapping[int, float]) -> Years:
        """Design with the given probability of each stratum; every listed stratum must have a year."""
        labels, stratum_of, counts = np.unique(np.asarray(stratum), return_inverse=True, return_counts=True)
        if set(labels.tolist()) != set(probability):
            raise ValueError(
                f"strata with years {labels.tolist()} are not those listed: {sorted(probability)}."
            )
        shares = np.array([probability[label] for label in labels.tolist()], dtype=np.float64)
        return cls(np.asarray(stratum, dtype=np.int64), (shares / counts)[stratum_of])

    @property
    def n(self) -> int:
        """Number of simulated years."""
        return int(self.stratum.size)

    def of_terms(self, years_a_path: int) -> Years:
        """Return the design of every year of paths of so many years, where this is the design of the paths."""
        if years_a_path == 1:
            return self
        weight = np.repeat(self.weight / years_a_path, years_a_path)
        return Years(np.repeat(self.stratum, years_a_path), weight, years_a_path)

    @property
    def is_plain(self) -> bool:
        """Whether there is one stratum only, and years are independent."""
        return self.counts.size == 1 and self.years_a_path == 1
