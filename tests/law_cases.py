"""Laws of every kind with their counterparts in scipy, and moments by numerical integration."""

from __future__ import annotations

import itertools
import math

import numpy as np
from scipy import integrate, stats

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
