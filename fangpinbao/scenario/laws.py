"""Laws of amounts and counts as tables of a scenario; each converts to its core counterpart.

What a law can draw at most must be money that can be held: see :func:`largest_draw`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, TypeVar

import numpy as np
from pydantic import AfterValidator, Field

from fangpinbao.core import distributions as core
from fangpinbao.core.counts import TAIL_CUTOFF
from fangpinbao.core.tables import SMALLEST_SURVIVAL
from fangpinbao.errors import Problem
from fangpinbao.scenario.base import NonNegative, Positive, Share, Table, refuse, rule

__all__ = [
    "MOST_DRAWN",
    "MOST_EVENTS",
    "AmountLaw",
    "AnyAmountLaw",
    "EventsPerYear",
    "FrequencyLaw",
    "ShareLaw",
    "largest_draw",
    "to_core",
    "too_large",
]

MOST_DRAWN = 2.0**62 / 100
"""Yuan: 2**62 fen, half of what int64 holds. Every fen is exact up to 2**53 fen (9e13 yuan), which only a tail reaches
that is never drawn in practice; a bound there would refuse Pareto laws that actuaries use (alpha 1.5, mean 10,000)."""
_MOST_A_YEAR = 365.0
MOST_EVENTS = 10_000
"""Events of a peril in a year."""


class _Law(Table):
    def core(self) -> core.AmountLaw:
        raise TypeError(type(self).__name__)


class Constant(_Law):
    """Always the same amount."""

    law: Literal["constant"]
    amount: NonNegative

    def core(self) -> core.AmountLaw:
        return core.Constant(self.amount)


class Uniform(_Law):
    """Uniform between two amounts."""

    law: Literal["uniform"]
    low: NonNegative
    high: Positive

    @rule
    def _ordered(self) -> Iterator[Problem]:
        if self.low >= self.high:
            yield Problem("low", f"= {self.low:g} must lie below high ({self.high:g}). Swap or widen them.")

    def core(self) -> core.AmountLaw:
        return core.Uniform(self.low, self.high)


class Exponential(_Law):
    """Exponential with the given mean."""

    law: Literal["exponential"]
    mean: Positive

    def core(self) -> core.AmountLaw:
        return core.Exponential(self.mean)


class Lognormal(_Law):
    """Lognormal, given by sigma and one of mean, median or mu (of the log)."""

    law: Literal["lognormal"]
    sigma: Positive
    mean: Positive | None = None
    median: Positive | None = None
    mu: Annotated[float, Field(strict=True, allow_inf_nan=False)] | None = None

    @rule
    def _one_location(self) -> Iterator[Problem]:
        given = [name for name in ("mean", "median", "mu") if getattr(self, name) is not None]
        if len(given) != 1:
            cure = "Keep one" if given else "Give one"
            yield Problem("", f"needs exactly one of mean, median and mu; {len(given)} are given. {cure}.")

    def core(self) -> core.AmountLaw:
        import math

        if self.mean is not None:
            return core.Lognormal.from_mean(self.mean, self.sigma)
        mu = self.mu if self.mu is not None else math.log(self.median or 1.0)
        return core.Lognormal(mu, self.sigma)


class Gamma(_Law):
    """Gamma, given by shape and scale, or by mean and coefficient of variation (cv)."""

    law: Literal["gamma"]
    shape: Positive | None = None
    scale: Positive | None = None
    mean: Positive | None = None
    cv: Positive | None = None

    @rule
    def _one_form(self) -> Iterator[Problem]:
        if (self.shape is None) != (self.scale is None) or (self.mean is None) != (self.cv is None):
            yield Problem("", "needs either shape and scale, or mean and cv. Give one complete pair.")
        elif (self.shape is None) == (self.mean is None):
            yield Problem("", "needs exactly one of the pairs shape, scale and mean, cv. Keep one.")

    def core(self) -> core.AmountLaw:
        if self.shape is not None and self.scale is not None:
            return core.Gamma(self.shape, self.scale)
        assert self.mean is not None
        assert self.cv is not None
        return core.Gamma.from_mean(self.mean, self.cv)


class Weibull(_Law):
    """Weibull with survival exp(-(x / scale)^shape)."""

    law: Literal["weibull"]
    shape: Positive
    scale: Positive

    def core(self) -> core.AmountLaw:
        return core.Weibull(self.shape, self.scale)


class Pareto(_Law):
    """Pareto II (Lomax): survival (1 + x / theta)^-alpha."""

    law: Literal["pareto", "lomax"]
    alpha: Positive
    theta: Positive

    def core(self) -> core.AmountLaw:
        return core.Lomax(self.alpha, self.theta)


class SingleParameterPareto(_Law):
    """Pareto I: survival (theta / x)^alpha above theta."""

    law: Literal["single_parameter_pareto"]
    alpha: Positive
    theta: Positive

    def core(self) -> core.AmountLaw:
        return core.SingleParameterPareto(self.alpha, self.theta)


class Burr(_Law):
    """Burr XII: survival (1 + (x / theta)^gamma)^-alpha."""

    law: Literal["burr"]
    alpha: Positive
    gamma: Positive
    theta: Positive

    def core(self) -> core.AmountLaw:
        return core.Burr(self.alpha, self.gamma, self.theta)


class Beta(_Law):
    """Beta on 0..1, by mean and concentration (a + b)."""

    law: Literal["beta"]
    mean: Annotated[float, Field(strict=True, gt=0, lt=1)]
    concentration: Annotated[Positive, Field(le=1e6)]

    def core(self) -> core.AmountLaw:
        return core.Beta.from_mean(self.mean, self.concentration)


class Discrete(_Law):
    """Finitely many amounts with their probabilities."""

    law: Literal["discrete"]
    values: Annotated[list[NonNegative], Field(min_length=1)]
    probabilities: Annotated[list[Share], Field(min_length=1)]

    @rule
    def _paired(self) -> Iterator[Problem]:
        count, partners = len(self.values), len(self.probabilities)
        if count != partners:
            yield Problem("", f"has {count} values but {partners} probabilities. Pair them.")

    @rule
    def _sums_to_one(self) -> Iterator[Problem]:
        total = sum(self.probabilities)
        if abs(total - 1) > 1e-9:
            yield Problem("probabilities", f"sums to {total:.10g}, not 1. Adjust the probabilities.")

    def core(self) -> core.AmountLaw:
        return core.Discrete(tuple(self.values), tuple(self.probabilities))


class Empirical(_Law):
    """Observed amounts, interpolated between order statistics."""

    law: Literal["empirical"]
    values: Annotated[list[NonNegative], Field(min_length=2)]
    weights: list[Positive] | None = None

    @rule
    def _paired(self) -> Iterator[Problem]:
        if self.weights is not None and len(self.weights) != len(self.values):
            yield Problem("", f"has {len(self.values)} values but {len(self.weights)} weights. Pair them.")

    def core(self) -> core.AmountLaw:
        weights = self.weights if self.weights is not None else [1.0] * len(self.values)
        return core.Empirical(tuple(self.values), tuple(weights))


class Part(Table):
    """One part of a mixture."""

    weight: Positive
    of: AnyAmountLaw


class Mixture(_Law):
    """A mixture; weights are scaled to sum to 1."""

    law: Literal["mixture"]
    parts: Annotated[list[Part], Field(min_length=2)]

    def core(self) -> core.AmountLaw:
        total = sum(part.weight for part in self.parts)
        weights = tuple(part.weight / total for part in self.parts)
        return core.Mixture(weights, tuple(part.of.core() for part in self.parts))


class Spliced(_Law):
    """A body law below the threshold and a tail law above it, with the tail's weight."""

    law: Literal["spliced"]
    body: AnyAmountLaw
    tail: AnyAmountLaw
    threshold: Positive
    tail_weight: Annotated[float, Field(strict=True, gt=0, lt=1)]

    @rule
    def _body_reaches_below(self) -> Iterator[Problem]:
        if not float(self.body.core().cdf(self.threshold)) > 0.0:
            yield Problem("threshold", f"= {self.threshold:g} lies below every amount of the body. Raise it.")

    @rule
    def _tail_reaches_above(self) -> Iterator[Problem]:
        if not float(self.tail.core().survival(self.threshold)) > 0.0:
            yield Problem("threshold", f"= {self.threshold:g} is never exceeded by the tail. Lower it.")

    def core(self) -> core.AmountLaw:
        return core.Spliced(self.body.core(), self.tail.core(), self.threshold, self.tail_weight)


AnyAmountLaw = Annotated[
    Constant
    | Uniform
    | Exponential
    | Lognormal
    | Gamma
    | Weibull
    | Pareto
    | SingleParameterPareto
    | Burr
    | Beta
    | Discrete
    | Empirical
    | Mixture
    | Spliced,
    Field(discriminator="law"),
]
LawTable = TypeVar("LawTable", bound=_Law)


def largest_draw(law: _Law) -> float:
    """Return the largest amount that a law can draw, at a survival of 2**-53; inf where none can be computed."""
    with np.errstate(all="ignore"):
        try:
            core_law = law.core()
            most = float(core_law.quantile_from_survival(SMALLEST_SURVIVAL))
            core_law.limited_expected_value(most)  # as the law's table needs it
        except (ArithmeticError, ValueError):
            return float("inf")
    return most


def too_large(law: _Law) -> str:
    """Say in a message that a law draws amounts that cannot be held."""
    name = law.law  # type: ignore[attr-defined]
    return (
        f"is a law ({name}) that can draw up to {largest_draw(law):.3g}, but amounts are held up to "
        f"{MOST_DRAWN:.3g} (2^62 fen)."
    )


def _bounded(law: LawTable) -> LawTable:
    most = largest_draw(law)
    if not 0.0 <= most <= MOST_DRAWN:
        refuse(f"{too_large(law)} Give it a lighter tail, or a lower scale.")
    return law


AmountLaw = Annotated[AnyAmountLaw, AfterValidator(_bounded)]
ShareLaw = Annotated[Constant | Beta | Uniform | Discrete, Field(discriminator="law")]


class Bernoulli(Table):
    """At most one event a year."""

    law: Literal["bernoulli"]
    probability: Share

    @property
    def mean(self) -> float:
        """Expected events a year."""
        return self.probability


EventsPerYear = Annotated[NonNegative, Field(le=_MOST_A_YEAR, description="at most one a day")]


class Poisson(Table):
    """Poisson number of events a year."""

    law: Literal["poisson"]
    events_per_year: EventsPerYear

    @property
    def mean(self) -> float:
        """Expected events a year."""
        return self.events_per_year


class NegativeBinomial(Table):
    """Negative binomial number of events: variance mean + mean^2 / size."""

    law: Literal["negative_binomial"]
    events_per_year: EventsPerYear
    size: Positive

    @rule
    def _countable(self) -> Iterator[Problem]:
        from scipy.special import betainc

        mean, size = self.events_per_year, self.size
        if betainc(MOST_EVENTS + 1, size, mean / (mean + size)) >= TAIL_CUTOFF:
            yield Problem(
                "size",
                f"= {size:g} lets a year have more than {MOST_EVENTS:_} events. Raise it, or lower the mean.",
            )

    @property
    def mean(self) -> float:
        """Expected events a year."""
        return self.events_per_year


FrequencyLaw = Annotated[Bernoulli | Poisson | NegativeBinomial, Field(discriminator="law")]

for _model in (Part, Mixture, Spliced):
    _model.model_rebuild()


def to_core(law: AmountLaw) -> core.AmountLaw:
    """Return the core law a scenario table describes."""
    return law.core()
