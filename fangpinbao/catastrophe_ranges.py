"""Parameter doubt about a catastrophe contract: its mean payout while one assumed number moves over its range.

All runs have the same seed and the same strata, so the same years are met by the same events.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fangpinbao import estimators
from fangpinbao.catastrophe.outcomes import simulate_catastrophe
from fangpinbao.errors import InputError
from fangpinbao.scenario import Number, Scenario

__all__ = ["PayoutRange", "payout_ranges"]

_NOT_OF_THE_PAYOUT = (
    ".premium", ".observed", ".damage.", ".tiers", ".reinsurance[", ".pool.", ".fund.", ".loading.",
)  # fmt: skip


@dataclass(frozen=True)
class PayoutRange:
    """The mean yearly payout of each contract, in yuan, at both ends of a number's range."""

    place: str
    value: float
    low: float
    high: float
    years: int
    at_low: Mapping[str, float]
    at_high: Mapping[str, float]

    @property
    def width(self) -> float:
        """How far the payout of any contract moves, in yuan."""
        return max((abs(self.at_high[name] - self.at_low[name]) for name in self.at_low), default=0.0)

    def record(self) -> dict[str, Any]:
        """Return the record of ``results.json``."""
        ends = {name: {"at_low": self.at_low[name], "at_high": self.at_high[name]} for name in self.at_low}
        return {
            "place": self.place, "value": self.value, "low": self.low, "high": self.high, "years": self.years,
            "mean_payout": ends,
        }  # fmt: skip


def payout_ranges(
    scenario: Scenario,
    years: int,
    seed: int,
    headline: Mapping[str, float],
    *,
    threads: int | None = None,
    progress: Callable[[float], None] | None = None,
) -> list[PayoutRange]:
    """Run the scenario with each assumed number that has a range at its low and high end.

    Parameters
    ----------
    years
        Simulated years of each run.
    headline
        Mean payout by contract of the main run; the ends are this times the ratio of short runs.

    Returns
    -------
    list
        One for each number, from the one that moves the payout most.
    """
    here = _means(scenario, years, seed, threads)
    numbers = [number for number in scenario.numbers if _counts(number)]
    found = []
    for done, number in enumerate(numbers):
        if progress is not None:
            progress(done / len(numbers))
        assert number.range is not None
        try:
            ends = [scenario.replace(number.place, end) for end in number.range]
        except InputError:  # other numbers forbid an end of the range
            continue
        low, high = (_means(end, years, seed, threads) for end in ends)
        scale = {name: headline[name] / here[name] if here[name] else 1.0 for name in here}
        at_low, at_high = ({name: end[name] * scale[name] for name in here} for end in (low, high))
        found.append(PayoutRange(number.place, float(number.value), *number.range, years, at_low, at_high))
    return sorted(found, key=lambda one: -one.width)


def _counts(number: Number) -> bool:
    return (
        number.range is not None
        and number.status == "assumed"
        and number.place.startswith("catastrophe.")
        and isinstance(number.value, int | float)
        and not any(part in number.place for part in _NOT_OF_THE_PAYOUT)
    )


def _means(scenario: Scenario, years: int, seed: int, threads: int | None) -> dict[str, float]:
    outcomes = simulate_catastrophe(scenario, years, seed, threads=threads)
    means = {}
    for name in outcomes.contracts:
        estimate = estimators.mean(outcomes.yuan_by_path(name) / outcomes.term_years, outcomes.years, "yuan")
        means[name] = estimate.value or 0.0
    return means
