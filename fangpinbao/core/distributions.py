"""Amount laws: the distributions that one cost, loss or share is drawn from.

Every law answers the questions of :class:`AmountLaw`. The simulation never calls a law; it reads the table
that :mod:`fangpinbao.core.tables` makes of it.

References
----------
Klugman, Panjer & Willmot, *Loss Models: From Data to Decisions*, 4th ed., Wiley 2012, Appendix A
("Loss Models" in the laws). Its formulas for ``E[(X ^ d)**k]`` are the laws' ``_limited_moments``.
"""

from __future__ import annotations

from fangpinbao.core.basic_laws import Beta, Gamma, Lognormal, Uniform
from fangpinbao.core.composed_laws import Mixture, Scaled, Spliced
from fangpinbao.core.law import AmountLaw
from fangpinbao.core.survival_laws import Burr, Exponential, Lomax, SingleParameterPareto, Weibull
from fangpinbao.core.value_laws import Constant, Discrete, Empirical

__all__ = [
    "AmountLaw",
    "Beta",
    "Burr",
    "Constant",
    "Discrete",
    "Empirical",
    "Exponential",
    "Gamma",
    "Lognormal",
    "Lomax",
    "Mixture",
    "Scaled",
    "SingleParameterPareto",
    "Spliced",
    "Uniform",
    "Weibull",
]
