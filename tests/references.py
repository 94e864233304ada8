"""Reference figures of the shipped scenarios: ``scenarios/references.csv``, met by every later run within errors.

``python tests/references.py`` writes the file again (some minutes): after a change that is meant to move figures.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from fangpinbao.catastrophe.figures import catastrophe_figures
from fangpinbao.catastrophe.outcomes import simulate_catastrophe
from fangpinbao.engine import simulate
from fangpinbao.figures import all_figures
from fangpinbao.payers import HOUSEHOLD
from fangpinbao.records import Figure, Figures
from fangpinbao.scenario import Scenario, load_scenario

SCENARIOS = Path(__file__).resolve().parents[1] / "scenarios"
FILE = SCENARIOS / "references.csv"
NAMES = sorted(file.stem for file in SCENARIOS.glob("*.toml"))
YEARS = 2_000
FIELDS = (
    "scenario", "programme", "group", "line", "measure", "statistic", "value", "standard_error", "unit", "years",
    "seed",
)  # fmt: skip
_OF_INSURANCE = ("pure_premium_per_insured", "payout", "public_cost")
_OF_ALL = ("households_catastrophic", "medical_borne", "education_borne", "income_borne")
_CATASTROPHE_YEARS = 50
_OF_CATASTROPHES = ("payout", "term_payout")
_AT_LINES = ("households_prevented", "households_still_poor", "poverty_gap")


@dataclass(frozen=True)
class Reference:
    """A stored figure with its standard error, and the run it came from."""

    scenario: str
    programme: str
    group: str | None
    line: str | None
    measure: str
    statistic: str
    value: float
    standard_error: float
    unit: str
    years: int
    seed: int

    def distance(self, figure: Figure) -> float:
        """Return how many of its standard errors the difference to an independent figure is.

        Few years may show nothing of what is rare, and no error either: theirs is then at least the stored one,
        which falls with the root of the years. Figures that do not vary between years are the same up to rounding,
        or infinitely far apart.
        """
        own = self.standard_error * math.sqrt(self.years / (figure.years or self.years))
        error = math.hypot(self.standard_error, max(figure.standard_error or 0.0, own))
        gap = abs(figure.value - self.value)
        if error <= 1e-9 * abs(self.value):
            return 0.0 if gap <= 1e-9 * abs(self.value) else math.inf
        return gap / error


def reference_figures(scenario: Scenario, years: int, seed: int) -> Figures:
    """Simulate and return the figures that are kept as references; catastrophes are rare and take more years."""
    if not scenario.is_of_households:
        outcomes = simulate_catastrophe(scenario, years * _CATASTROPHE_YEARS, seed)
        return Figures(figure for figure in catastrophe_figures(outcomes) if _is_kept_of_catastrophe(figure))
    figures = all_figures(simulate(scenario, years, seed))
    return Figures(figure for figure in figures if figure.coverage is None and _is_kept(figure))


def _is_kept(figure: Figure) -> bool:
    if figure.statistic not in ("mean", "ratio") or figure.method != "simulated":
        return False
    if figure.measure.endswith("_borne"):
        return figure.group == HOUSEHOLD and figure.measure in _OF_ALL
    kept = (*_OF_INSURANCE, *_OF_ALL, *(_AT_LINES if figure.line else ()))
    return figure.group is None and figure.measure in kept


def _is_kept_of_catastrophe(figure: Figure) -> bool:
    has_error = figure.standard_error is not None and figure.standard_error > 0
    is_whole = bool(figure.programme) and figure.group is None and figure.coverage is None
    return figure.statistic == "mean" and has_error and is_whole and figure.measure in _OF_CATASTROPHES


def write_references(file: Path, names: Iterable[str], years: int) -> None:
    """Write the references of scenarios by name, each run with its own seed."""
    with file.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(FIELDS)
        for name in names:
            scenario = load_scenario(name)
            seed = scenario.simulation.seed
            for figure in reference_figures(scenario, years, seed):
                value, error = f"{figure.value:.10g}", f"{figure.standard_error or 0.0:.4g}"
                key = (name, figure.programme, figure.group or "", figure.line or "")
                writer.writerow(
                    [*key, figure.measure, figure.statistic, value, error, figure.unit, figure.years, seed]
                )


def read_references(file: Path) -> list[Reference]:
    """Read stored references."""
    with file.open(encoding="utf-8", newline="") as handle:
        return [
            Reference(
                row["scenario"],
                row["programme"],
                row["group"] or None,
                row["line"] or None,
                row["measure"],
                row["statistic"],
                float(row["value"]),
                float(row["standard_error"]),
                row["unit"],
                int(row["years"]),
                int(row["seed"]),
            )
            for row in csv.DictReader(handle)
        ]


if __name__ == "__main__":
    write_references(FILE, NAMES, YEARS)
