"""One run of a scenario's catastrophe contracts from the command line: simulate, print, write."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from rich.console import Console

from fangpinbao.catastrophe.figures import catastrophe_figures
from fangpinbao.catastrophe.outcomes import simulate_catastrophe
from fangpinbao.catastrophe_files import write_catastrophe
from fangpinbao.catastrophe_ranges import payout_ranges
from fangpinbao.catastrophe_tables import CatastropheTables, payout_range_table
from fangpinbao.scenario import Scenario
from fangpinbao.tables import Lang, print_all

__all__ = ["run_catastrophe"]

_RANGE_YEARS = 2_000
Progress = Callable[[], AbstractContextManager[Callable[[float], None] | None]]


def run_catastrophe(
    scenario: Scenario,
    console: Console,
    lang: Lang,
    *,
    years: int | None,
    seed: int | None,
    threads: int | None,
    out: Path | None,
    ranges: bool,
    quiet: bool,
    changes: Mapping[str, Any],
    progress: Progress,
) -> Path | None:
    """Simulate, print the tables unless `quiet`, and write to `out`; return the folder written."""
    with progress() as report:
        outcomes = simulate_catastrophe(scenario, years, seed, threads=threads, progress=report)
    figures = catastrophe_figures(outcomes)
    tables = CatastropheTables(outcomes, figures, lang)
    if not quiet:
        print_all(console, [tables.heading(), tables.first(), *tables.details()])
        console.file.flush()
    found = []
    if ranges and (not quiet or out is not None):
        headline = {name: figures.one("payout", name, "mean").value for name in outcomes.contracts}
        few = min(outcomes.n_paths, _RANGE_YEARS)
        with progress() as report:
            found = payout_ranges(scenario, few, outcomes.seed, headline, threads=threads, progress=report)
        if not quiet and found:
            print_all(console, [payout_range_table(found, headline, tables)])
    if not quiet:
        for note in figures.notes:
            console.print(f"{tables.say('left out', '未列出')}: {note}")
        console.print(tables.footer())
    if out is None:
        return None
    return write_catastrophe(out, outcomes, figures, ranges=found, changes=changes)
