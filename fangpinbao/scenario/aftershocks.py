"""Aftershocks of the simulated earthquakes, as a table of a scenario."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from fangpinbao.scenario.base import Positive, Table, refuse

__all__ = ["Aftershocks"]


def _not_one(p: float) -> float:
    if abs(p - 1.0) < 1e-3:
        refuse(f"= {p:g} is too near 1 for the closed form of the rate. Write 0.99 or 1.01.")
    return p


class Aftershocks(Table):
    """Earthquakes that follow a main shock of magnitude M, by Reasenberg and Jones (Science 243, 1989).

    Those of magnitude m and more come at the rate ``10^(a + b (M - m)) (t + c)^-p`` a day, t days after the main shock.
    """

    a: Annotated[float, Field(strict=True, ge=-5, le=1, description="productivity")]
    b: Annotated[Positive, Field(description="Gutenberg-Richter slope of the aftershocks")]
    c: Annotated[Positive, Field(description="days")]
    p: Annotated[Positive, AfterValidator(_not_one), Field(description="decay; not 1")]
    days: Annotated[int, Field(ge=1, le=3650, description="days for which they are followed")] = 365
    smallest: Annotated[Positive, Field(description="magnitude from which they are simulated")] = 5.0
