"""What all benchmarks share: timing, how quiet the machine is, tables."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.problem import problem
from fangpinbao.engine import population_of
from fangpinbao.population import Population
from fangpinbao.scenario import Scenario

ROOT = Path(__file__).resolve().parents[1]
MILLION = 1e6
MOST_YEARS = 10_000
THREADS = 2


@dataclass
class Bench:
    """The problem, how long things may take, and what was measured."""

    full: bool
    persons: int
    seconds: float  # of one timed run
    repetitions: int
    results: dict[str, Any] = field(default_factory=dict)
    speed: float = 5 * MILLION  # person-years a second, a guess until measured

    def __post_init__(self) -> None:
        self.scenario: Scenario = problem(self.persons)
        self.population: Population = population_of(self.scenario)

    def years(self, speed: float, persons: int, seconds: float, least: int = 20) -> int:
        """Years that take about so many seconds."""
        return int(min(max(seconds * speed / persons, least), MOST_YEARS))


def timed(function: Callable[[], Any]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def busy_seconds() -> float:
    """CPU seconds that all processes have used (0 where the system does not say)."""
    try:
        first = Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:]
    except OSError:
        return 0.0
    user, nice, system, _, _, irq, softirq, steal = (int(x) for x in first[:8])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def own_seconds() -> float:
    return sum(os.times()[:4])


class Quiet:
    """Measures how many cores other processes (or another guest of the host) keep busy meanwhile."""

    def __enter__(self) -> Quiet:
        self._start = time.perf_counter(), busy_seconds(), own_seconds()
        return self

    def __exit__(self, *_: object) -> None:
        wall, busy, own = (
            now - then
            for now, then in zip(
                (time.perf_counter(), busy_seconds(), own_seconds()), self._start, strict=True
            )
        )
        self.others = max(busy - own, 0.0) / wall


def table(title: str, header: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    print(f"\n{title}")
    widths = [max(len(row[k]) for row in [header, *rows]) for k in range(len(header))]
    for row in [header, *rows]:
        cells = [row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))]
        print("  " + "  ".join(cells))


def millions(speed: float) -> str:
    return f"{speed / MILLION:,.1f}"
