"""Roster doubt about the headline: how far it moves between populations made from the same margins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from fangpinbao import yearly
from fangpinbao._typing import Float64Array
from fangpinbao.engine import simulate
from fangpinbao.estimate import Years
from fangpinbao.estimators import spread_between
from fangpinbao.measures import MEASURES
from fangpinbao.synthesis import synthesise

if TYPE_CHECKING:
    from fangpinbao.outcomes import Outcomes
    from fangpinbao.scenario import Scenario
    from fangpinbao.scenario.models import Population

__all__ = ["HEADLINES", "ROSTERS", "RosterDoubt", "RosterSpread", "roster_doubt"]

ROSTERS = 8
HEADLINES = (
    ("pure_premium_per_insured", None),
    ("payout", None),
    ("households_prevented", "poverty"),
    ("gap_closed", "poverty"),
)


@dataclass(frozen=True)
class RosterSpread:
    """Standard deviation of a programme's mean yearly figure between rosters, without simulation error."""

    programme: str
    line: str | None
    measure: str
    standard_deviation: float
    unit: str


@dataclass(frozen=True)
class RosterDoubt:
    """The spread of the headline figures between rosters.

    Attributes
    ----------
    rosters
        Populations that were made.
    years
        Simulated years of each.
    spreads
        By programme and figure.
    """

    rosters: int
    years: int
    spreads: tuple[RosterSpread, ...]

    def of(self, programme: str, measure: str) -> RosterSpread | None:
        """Return the spread of one figure, or None."""
        found = (one for one in self.spreads if (one.programme, one.measure) == (programme, measure))
        return next(found, None)

    def record(self) -> dict[str, Any]:
        """Return the record of ``results.json``."""
        return asdict(self) | {"spreads": [asdict(one) for one in self.spreads]}


def roster_doubt(
    scenario: Scenario,
    years: int,
    seed: int,
    rosters: int = ROSTERS,
    *,
    threads: int | None = None,
    progress: Callable[[float], None] | None = None,
) -> RosterDoubt | None:
    """Run the scenario on populations made with the seeds ``population.seed`` + 1 to + ``rosters``.

    Every run has the same simulation seed, so that nothing but the roster changes: the years of a flood or of
    a costly hospital are the same for all.

    Parameters
    ----------
    years
        Simulated years of each run.
    rosters
        Populations to make, at least 2.
    progress
        Called with the share done.

    Returns
    -------
    RosterDoubt or None
        None where no roster is drawn, as it comes from a file or all persons are alike, and where a single
        year would show no simulation error to take off.
    """
    if rosters < 2:
        raise ValueError(f"a spread needs two rosters, not {rosters}")
    model = scenario.population
    if not _is_drawn(model) or years < 2:
        return None
    runs: dict[tuple[str, str, str | None], list[Float64Array]] = {}
    design = Years.equal(years)
    for number in range(1, rosters + 1):
        people = synthesise(model.model_copy(update={"seed": model.seed + number}))
        outcomes = simulate(scenario, years, seed, threads=threads, population=people)
        design = outcomes.years
        for programme in scenario.programmes:
            for measure, line in HEADLINES:
                values = _by_year(outcomes, programme, measure, line)
                if values is not None:
                    runs.setdefault((programme, measure, line), []).append(values)
        if progress is not None:
            progress(number / rosters)
    spreads = [
        RosterSpread(programme, line, measure, spread_between(values, design), MEASURES[measure].unit)
        for (programme, measure, line), values in runs.items()
        if len(values) == rosters
    ]
    return RosterDoubt(rosters, years, tuple(spreads))


def _is_drawn(model: Population) -> bool:
    townships = model.townships if isinstance(model.townships, int) else len(model.townships)
    return model.file is None and (bool(model.classes) or townships > 1)


def _by_year(outcomes: Outcomes, programme: str, measure: str, line: str | None) -> Float64Array | None:
    """Return [years] of a figure in its unit; None where the run has none."""
    if line is not None and line not in yearly.lines_of(outcomes):
        return None
    if measure in ("pure_premium_per_insured", *yearly.OF_PAYOUT) and yearly.is_rules(outcomes, programme):
        return None
    if measure == "pure_premium_per_insured":
        insured = int(yearly.insured(outcomes, programme).sum())
        return yearly.insurer_payout(outcomes, programme) / (100.0 * insured) if insured else None
    values = yearly.values(outcomes, programme, measure, line)
    if values is None:
        return None
    return values / (100.0 if MEASURES[measure].unit == "yuan" else 1.0)
