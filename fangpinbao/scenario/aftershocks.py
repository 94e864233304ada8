"""Aftershocks of the simulated earthquakes, as a table of a scenario."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from fangpinbao.errors import Problem
from fangpinbao.scenario.base import Positive, Table, Whole, refuse

__all__ = ["MOST_AFTERSHOCKS", "Aftershocks"]

MOST_AFTERSHOCKS: Final = 1023  # of one main shock: their number is part of the id


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
    days: Annotated[Whole, Field(ge=1, le=3650, description="days for which they are followed")] = 365
    smallest: Annotated[Positive, Field(description="magnitude from which they are simulated")] = 5.0

    def expected(self, magnitude: float) -> float:
        """Return how many follow a main shock on average, up to its own magnitude."""
        over = max(magnitude - self.smallest, 0.0)
        days = (self.c ** (1.0 - self.p) - (self.days + self.c) ** (1.0 - self.p)) / (self.p - 1.0)
        return float(10.0 ** (self.a + self.b * over) * (1.0 - 10.0 ** (-self.b * over)) * days)

    def problems(self, largest: float) -> Iterator[Problem]:
        """Yield what does not fit the largest magnitude of a main shock."""
        if self.smallest >= largest:
            yield Problem(
                "smallest",
                f"= {self.smallest:g}, but no earthquake is larger than {largest:g}, so none has any. Lower it.",
            )
            return
        mean = self.expected(largest)
        if mean + 6.0 * mean**0.5 > MOST_AFTERSHOCKS:
            yield Problem(
                "",
                f"give a main shock of magnitude {largest:g} {mean:,.0f} aftershocks on average; {MOST_AFTERSHOCKS:,} "
                "are followed at most. Raise smallest, or lower a or b.",
            )
