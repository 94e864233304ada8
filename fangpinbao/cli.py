"""The command line: run, check, schema, compare, population, explain, scenarios, new, warmup; more in ``cli_risk``.

Exit codes: 0 success; 2 refused input, every problem on stderr; 130 after Ctrl-C, which leaves nothing; 1
anything else, in one clear line (``FANGPINBAO_DEBUG=1`` shows the traceback). Heavy modules are imported
inside the commands, so that ``--help`` is quick.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

import fangpinbao.cli_risk  # noqa: F401  (registers its commands)
from fangpinbao.cli_base import (
    LangOption,
    ProgressOption,
    QuietOption,
    ScenarioArgument,
    SeedOption,
    SetOption,
    ThreadsOption,
    YearsOption,
    app,
    guarded,
    load,
    main,
    make_console,
    progress_bar,
    read_language,
    simulate_with_progress,
)

__all__ = ["app", "main"]


@app.command()
@guarded
def run(
    scenario: ScenarioArgument,
    years: YearsOption = None,
    seed: SeedOption = None,
    threads: ThreadsOption = None,
    out: Annotated[Path | None, typer.Option(help="write results to this folder")] = None,
    lang: LangOption = "en",
    settings: SetOption = None,
    ranges: Annotated[
        bool, typer.Option(help="move assumed numbers over their ranges, re-make the people")
    ] = True,
    variance: Annotated[bool, typer.Option("--variance", help="split the variance of the payout")] = False,
    quiet: QuietOption = False,
    progress: ProgressOption = False,
) -> None:
    """Simulate a scenario and print its tables."""
    language = read_language(lang)
    loaded, changes = load(scenario, settings)
    if out is not None:
        from fangpinbao.files import check_directory

        check_directory(out)

    def contracts(folder: Path | None) -> Path | None:
        from fangpinbao.catastrophe_run import run_catastrophe

        return run_catastrophe(
            loaded, make_console(), language, years=years, seed=seed, threads=threads, out=folder, ranges=ranges,
            quiet=quiet, changes=changes, progress=lambda: progress_bar(quiet, progress, language),
        )  # fmt: skip

    if not loaded.is_of_households:
        written = contracts(out)
        if written is not None and not quiet:
            typer.echo(f"结果已写入 {written}" if language == "zh" else f"results written to {written}")
        return
    outcomes = simulate_with_progress(
        loaded, years, seed, threads, quiet=quiet, always=progress, lang=language
    )
    from fangpinbao.figures import all_figures

    figures = all_figures(outcomes)
    from fangpinbao.run_tables import RunTables
    from fangpinbao.tables import print_all, range_table, variance_table

    tables, console = RunTables(outcomes, figures, language), make_console()
    if not quiet:
        print_all(console, [tables.heading(), *tables.first(4 if console.width >= 120 else 2)])
        sys.stdout.flush()
    found, headline, doubt = [], {}, None
    if ranges and (not quiet or out is not None):
        from fangpinbao.doubt import roster_doubt
        from fangpinbao.ranges import headline_ranges

        premiums = {name: tables.find(name, "pure_premium_per_insured") for name in tables.programmes}
        headline = {name: premium.value for name, premium in premiums.items() if premium is not None}
        few, seed = min(outcomes.n_years, max(outcomes.n_years // 20, 100)), outcomes.seed
        people = outcomes.compiled.population
        with progress_bar(quiet, False, language) as report:
            found = headline_ranges(
                loaded, few, seed, headline=headline, population=people, threads=threads, progress=report
            )
        with progress_bar(quiet, False, language) as report:
            doubt = roster_doubt(loaded, few, seed, threads=threads, progress=report)
    if variance:
        from fangpinbao.variance import variance_split

        people = outcomes.compiled.population
        split = variance_split(loaded, outcomes.n_years, outcomes.seed, population=people, threads=threads)
        figures = figures + split
    if not quiet:
        if found or doubt is not None:
            print_all(console, [range_table(found, headline, tables.programme_label, language, doubt)])
        print_all(console, tables.details())
        if variance:
            print_all(console, [variance_table(figures, loaded, language)])
        console.print(tables.footer())
    if out is not None:
        from fangpinbao.files import REGION, write_results

        written = write_results(out, outcomes, figures, ranges=found, changes=changes, doubt=doubt)
        if loaded.catastrophe is not None:
            contracts(out / REGION)
        if not quiet:
            typer.echo(f"结果已写入 {written}" if language == "zh" else f"results written to {written}")
    elif loaded.catastrophe is not None and not quiet:
        contracts(None)


@app.command()
@guarded
def check(scenario: ScenarioArgument, settings: SetOption = None) -> None:
    """Read a scenario and its roster; list every problem, or say that there is none."""
    from fangpinbao.summary import summary

    loaded, _ = load(scenario, settings)
    typer.echo("\n".join(summary(loaded)))
    typer.echo("no problems")


@app.command()
@guarded
def schema(
    results: Annotated[bool, typer.Option("--results", help="that of results.json instead")] = False,
) -> None:
    """Print the JSON Schema of scenario files."""
    import json

    from fangpinbao.files import results_schema
    from fangpinbao.scenario import scenario_schema

    document = results_schema() if results else scenario_schema()
    typer.echo(json.dumps(document, ensure_ascii=False, indent=2))


@app.command()
@guarded
def compare(
    scenario: ScenarioArgument,
    a: Annotated[str, typer.Argument(help="a programme")],
    b: Annotated[str, typer.Argument(help="another one, or none")] = "none",
    years: YearsOption = None,
    seed: SeedOption = None,
    threads: ThreadsOption = None,
    lang: LangOption = "en",
    settings: SetOption = None,
    progress: ProgressOption = False,
) -> None:
    """Print the differences of two programmes, paired year by year."""
    from fangpinbao.errors import InputError, Problem

    language = read_language(lang)
    loaded, _ = load(scenario, settings)
    names = ["none", *loaded.programmes]
    problems = [Problem(name, f"is not one of {', '.join(names)}.") for name in (a, b) if name not in names]
    if problems:
        raise InputError("the request", problems)
    outcomes = simulate_with_progress(
        loaded, years, seed, threads, quiet=False, always=progress, lang=language
    )
    from fangpinbao.comparison import compare as differences
    from fangpinbao.run_tables import RunTables
    from fangpinbao.tables import difference_table, print_all

    tables = RunTables(outcomes, [], language)
    labels = (tables.programme_label(a), tables.programme_label(b))
    found = difference_table(differences(outcomes, a, b), *labels, language, tables.payer_label)
    print_all(make_console(), [tables.heading(), found])


@app.command()
@guarded
def population(
    scenario: ScenarioArgument,
    out: Annotated[Path, typer.Option(help="roster to write: .csv or .parquet")],
    settings: SetOption = None,
    lang: LangOption = "en",
    force: Annotated[bool, typer.Option("--force", help="replace the file if it exists")] = False,
) -> None:
    """Write the scenario's people to a roster file and print their margins."""
    from fangpinbao.engine import population_of
    from fangpinbao.errors import InputError, Problem
    from fangpinbao.roster import write_roster
    from fangpinbao.tables import margins_table

    language = read_language(lang)
    loaded, _ = load(scenario, settings)
    if out.exists() and not force:
        raise InputError(str(out), [Problem("", "exists already. Choose another name, or give --force.")])
    if not out.parent.is_dir():
        raise InputError(str(out), [Problem("", f"The folder {out.parent} does not exist. Make it first.")])
    people = population_of(loaded)
    write_roster(people, out)
    make_console().print(margins_table(people, language))
    typer.echo(f"roster written to {out}")


@app.command()
@guarded
def explain(
    scenario: ScenarioArgument,
    path: Annotated[int, typer.Option(help="simulated year, counted from 0")],
    household: Annotated[str | None, typer.Option(help="its id (default: the first one paid)")] = None,
    programme: Annotated[str | None, typer.Option(help="(default: the first)")] = None,
    seed: SeedOption = None,
    lang: LangOption = "en",
    settings: SetOption = None,
) -> None:
    """Explain one household's year, yuan by yuan."""
    from fangpinbao.explain import explain as explained

    language = read_language(lang)
    loaded, _ = load(scenario, settings)
    typer.echo(str(explained(loaded, path, household, programme, seed=seed, lang=language)))


@app.command()
@guarded
def scenarios(lang: LangOption = "en") -> None:
    """List the shipped scenarios."""
    from fangpinbao.library import listing

    for line in listing(read_language(lang)):
        typer.echo(line)


@app.command()
@guarded
def new(
    name: Annotated[str, typer.Argument(help="of the new scenario; NAME.toml is written here")],
    place: Annotated[str, typer.Option("--from", help="a shipped scenario or a file")] = "county-template",
) -> None:
    """Start a scenario of your own from a shipped place or template."""
    from fangpinbao.library import start_scenario

    file = start_scenario(name, place, Path())
    typer.echo(f"{file} written. Change it, then: fangpinbao check {file}")


@app.command()
@guarded
def warmup() -> None:
    """Compile the kernels once, so that later runs start at once."""
    import time

    from fangpinbao.engine import simulate
    from fangpinbao.scenario import load_scenario

    start = time.perf_counter()
    simulate(load_scenario("zhongning-2020").replace("population.persons", 500), 2, 1, threads=1)
    simulate(load_scenario("textbook/nested-terms").replace("simulation.years", 2), 2, 1, threads=1)
    typer.echo(f"ready after {time.perf_counter() - start:.1f} s")
