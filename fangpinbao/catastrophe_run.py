"""One run of a scenario's catastrophe contracts from the command line: simulate, print, write."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from fangpinbao.catastrophe.figures import catastrophe_figures, premium_of
from fangpinbao.catastrophe.outcomes import CatastropheOutcomes, simulate_catastrophe
from fangpinbao.catastrophe_files import write_catastrophe
from fangpinbao.catastrophe_finance import Finance, finance
from fangpinbao.catastrophe_ranges import PayoutRange, payout_ranges
from fangpinbao.catastrophe_tables import CatastropheTables, payout_range_table
from fangpinbao.finance_ranges import FinanceRange, finance_range_table, finance_ranges
from fangpinbao.finance_tables import finance_tables
from fangpinbao.replay import NO_LAW_OF_A_YEAR, is_replay
from fangpinbao.scenario import Scenario
from fangpinbao.tables import Lang, print_all

__all__ = ["finances_of", "run_catastrophe"]

_RANGE_YEARS = 2_000
Progress = Callable[[], AbstractContextManager[Callable[[float], None] | None]]


def finances_of(
    outcomes: CatastropheOutcomes, contracts: Sequence[str] | None = None
) -> tuple[dict[str, Finance], str | None]:
    """Return the financial side of contracts (default: all), and why there is none where terms are given.

    Its figures are those of single years, also where a path is a term of several; their errors are then by term. They
    say nothing where every year replays the one year of a catalogue.
    """
    table = outcomes.model.table
    if not (table.reinsurance or table.pool or table.fund or "loading" in table.model_fields_set):
        return {}, None
    if is_replay(outcomes.scenario):
        return {}, f"reinsurance, pool and fund: {NO_LAW_OF_A_YEAR}"
    return {
        name: finance(
            outcomes.event_losses(name), outcomes.single_years, table,
            premium=premium_of(outcomes, name), contract=name,
        )
        for name in (outcomes.contracts if contracts is None else contracts)
    }, None  # fmt: skip


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
    # The tables are those of the first contract; the files hold the figures of all.
    first = outcomes.contracts[:1]
    finances, reason = ({}, None) if quiet and out is None else finances_of(outcomes, None if out else first)
    if not quiet and finances:
        label = tables.contract_label(first[0])
        if outcomes.term_years > 1:
            label += tables.say(
                f" (single years of terms of {outcomes.term_years}, errors by term)",
                f"（{outcomes.term_years} 年期中的单年，误差按期计）",
            )
        console.print(Text(f"{tables.say('Who bears the losses of', '损失由谁承担')}: {label}", style="bold"))
        print_all(console, finance_tables(finances[first[0]], lang))
        console.file.flush()
    found: list[PayoutRange | FinanceRange] = []
    if ranges and (not quiet or out is not None):
        headline = {name: figures.one("payout", name, "mean").value for name in outcomes.contracts}
        few = min(outcomes.n_paths, _RANGE_YEARS)
        with progress() as report:
            moved = payout_ranges(scenario, few, outcomes.seed, headline, threads=threads, progress=report)
        if not quiet and moved:
            print_all(console, [payout_range_table(moved, headline, tables)])
        found += moved
        if finances:
            here, terms = finance_ranges(outcomes, first[0])
            if not quiet and terms:
                print_all(console, [finance_range_table(here, terms, outcomes.model.table, lang)])
            found += terms
    if not quiet:
        left_out = [
            *figures.notes,
            *(note for name in first if name in finances for note in finances[name].figures.notes),
        ]
        for note in left_out + ([reason] if reason else []):
            console.print(f"{tables.say('left out', '未列出')}: {note}")
        console.print(tables.footer())
    if out is None:
        return None
    return write_catastrophe(out, outcomes, figures, finances, ranges=found, changes=changes)
