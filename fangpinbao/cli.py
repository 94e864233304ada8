"""The command line: run, check, schema, compare, population, explain, scenarios, new, warmup; more in ``cli_risk``.

Exit codes: 0 success; 2 refused input, every problem on stderr; 130 after Ctrl-C, which leaves nothing; 1
anything else, in one clear line (``FANGPINBAO_DEBUG=1`` shows the traceback). Heavy modules are imported
inside the commands, so that ``--help`` is quick.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, ParamSpec, cast

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from fangpinbao.outcomes import Outcomes
    from fangpinbao.scenario import Scenario

__all__ = ["app", "main"]

app = typer.Typer(
    name="fangpinbao",
    help="Prices and judges anti-poverty insurance (防贫保) by simulation.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Lang = Literal["en", "zh"]
ScenarioArgument = Annotated[str, typer.Argument(help="a scenario file, or the name of a shipped scenario")]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="PATH=VALUE", help="change a value; may be given several times"),
]
YearsOption = Annotated[int | None, typer.Option(min=1, help="simulated years (default: the scenario's)")]
SeedOption = Annotated[int | None, typer.Option(min=0, help="seed of every draw (default: the scenario's)")]
ThreadsOption = Annotated[int | None, typer.Option(min=1, help="threads (default: all cores)")]
LangOption = Annotated[str, typer.Option(metavar="en|zh", help="language of the tables")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="print no tables and no progress")]
ProgressOption = Annotated[
    bool, typer.Option("--progress", help="show progress even where stderr is no terminal")
]

P = ParamSpec("P")


def main() -> None:
    """Entry point of the command ``fangpinbao``."""
    try:
        app()
    except KeyboardInterrupt:
        _interrupted()


def _interrupted() -> None:
    typer.echo("fangpinbao: interrupted, nothing is left behind", err=True)
    sys.exit(130)


def _guarded(command: Callable[P, None]) -> Callable[P, None]:
    """Turn whatever goes wrong into an exit code and clear words."""

    @functools.wraps(command)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> None:
        from fangpinbao.errors import FangpinbaoError, InputError

        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="replace")
        try:
            command(*args, **kwargs)
            sys.stdout.flush()
        except InputError as error:
            typer.echo(str(error), err=True)
            raise typer.Exit(2) from None
        except KeyboardInterrupt:
            _interrupted()
        except BrokenPipeError:  # the reader of our output has gone, as with `| head`
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        except typer.Exit:
            raise
        except Exception as error:
            if os.environ.get("FANGPINBAO_DEBUG") == "1":
                raise
            text = " ".join(str(error).split()) or "no message"
            kind = "" if isinstance(error, FangpinbaoError) else f"{type(error).__name__}: "
            typer.echo(f"fangpinbao: {kind}{text}", err=True)
            raise typer.Exit(1) from None

    return wrapper


# --- reading and showing --------------------------------------------------------------------------------


def _changes(settings: list[str] | None) -> dict[str, Any]:
    """Parse ``PATH=VALUE``; a value is TOML, else a string."""
    import tomllib

    from fangpinbao.errors import InputError, Problem

    changes: dict[str, Any] = {}
    problems = []
    for setting in settings or []:
        path, equals, text = setting.partition("=")
        path, text = path.strip(), text.strip()
        if not equals or not path or not text:
            problems.append(
                Problem(setting, "is not PATH=VALUE. Write e.g. programmes.base.premium_per_insured=120.")
            )
            continue
        try:
            changes[path] = tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            changes[path] = text
    if problems:
        raise InputError("--set", problems)
    return changes


def _load(scenario: str, settings: list[str] | None) -> tuple[Scenario, dict[str, Any]]:
    from fangpinbao.scenario import load_scenario

    changes = _changes(settings)
    loaded = load_scenario(scenario)
    return (loaded.replace_all(changes) if changes else loaded), changes


def _language(lang: str) -> Lang:
    from fangpinbao.errors import InputError, Problem

    if lang not in ("en", "zh"):
        raise InputError("the request", [Problem("--lang", f"= {lang!r} is not one of en, zh.")])
    return cast(Lang, lang)


def _console() -> Console:
    from rich.console import Console

    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else 140
    return Console(width=width, highlight=False)


@contextmanager
def _progress(quiet: bool, always: bool, lang: Lang) -> Iterator[Callable[[float], None] | None]:
    """A progress bar on stderr where it is a terminal, plain lines if asked for, else nothing."""
    if quiet or not (always or sys.stderr.isatty()):
        yield None
        return
    if not sys.stderr.isatty():
        shown = [-1]

        def report(done: float) -> None:
            if int(done * 10) > shown[0]:
                shown[0] = int(done * 10)
                typer.echo(f"{shown[0] * 10}%", err=True)

        yield report
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:3.0f}%"))
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("模拟" if lang == "zh" else "simulating", total=1.0)
        yield lambda done: bar.update(task, completed=done)


def _simulate(
    scenario: Scenario,
    years: int | None,
    seed: int | None,
    threads: int | None,
    *,
    quiet: bool,
    always: bool,
    lang: Lang,
) -> Outcomes:
    from fangpinbao.engine import simulate

    with _progress(quiet, always, lang) as progress:
        return simulate(scenario, years, seed, threads=threads, progress=progress)


# --- commands ------------------------------------------------------------------------------------------


@app.command()
@_guarded
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
    language = _language(lang)
    loaded, changes = _load(scenario, settings)
    if out is not None:
        from fangpinbao.files import check_directory

        check_directory(out)

    def contracts(folder: Path | None) -> Path | None:
        from fangpinbao.catastrophe_run import run_catastrophe

        return run_catastrophe(
            loaded, _console(), language, years=years, seed=seed, threads=threads, out=folder, ranges=ranges,
            quiet=quiet, changes=changes, progress=lambda: _progress(quiet, progress, language),
        )  # fmt: skip

    if not loaded.is_of_households:
        written = contracts(out)
        if written is not None and not quiet:
            typer.echo(f"结果已写入 {written}" if language == "zh" else f"results written to {written}")
        return
    outcomes = _simulate(loaded, years, seed, threads, quiet=quiet, always=progress, lang=language)
    from fangpinbao.figures import all_figures

    figures = all_figures(outcomes)
    from fangpinbao.run_tables import RunTables
    from fangpinbao.tables import print_all, range_table, variance_table

    tables, console = RunTables(outcomes, figures, language), _console()
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
        with _progress(quiet, False, language) as report:
            found = headline_ranges(
                loaded, few, seed, headline=headline, population=people, threads=threads, progress=report
            )
        with _progress(quiet, False, language) as report:
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
        if loaded.catastrophe is not None:  # shown, not written: the folder holds one run
            contracts(None)
    if out is not None:
        from fangpinbao.files import write_results

        written = write_results(out, outcomes, figures, ranges=found, changes=changes, doubt=doubt)
        if not quiet:
            typer.echo(f"结果已写入 {written}" if language == "zh" else f"results written to {written}")


@app.command()
@_guarded
def check(scenario: ScenarioArgument, settings: SetOption = None) -> None:
    """Read a scenario and its roster; list every problem, or say that there is none."""
    from fangpinbao.summary import summary

    loaded, _ = _load(scenario, settings)
    typer.echo("\n".join(summary(loaded)))
    typer.echo("no problems")


@app.command()
@_guarded
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
@_guarded
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

    language = _language(lang)
    loaded, _ = _load(scenario, settings)
    names = ["none", *loaded.programmes]
    problems = [Problem(name, f"is not one of {', '.join(names)}.") for name in (a, b) if name not in names]
    if problems:
        raise InputError("the request", problems)
    outcomes = _simulate(loaded, years, seed, threads, quiet=False, always=progress, lang=language)
    from fangpinbao.comparison import compare as differences
    from fangpinbao.run_tables import RunTables
    from fangpinbao.tables import difference_table, print_all

    tables = RunTables(outcomes, [], language)
    labels = (tables.programme_label(a), tables.programme_label(b))
    found = difference_table(differences(outcomes, a, b), *labels, language, tables.payer_label)
    print_all(_console(), [tables.heading(), found])


@app.command()
@_guarded
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

    language = _language(lang)
    loaded, _ = _load(scenario, settings)
    if out.exists() and not force:
        raise InputError(str(out), [Problem("", "exists already. Choose another name, or give --force.")])
    if not out.parent.is_dir():
        raise InputError(str(out), [Problem("", f"The folder {out.parent} does not exist. Make it first.")])
    people = population_of(loaded)
    write_roster(people, out)
    _console().print(margins_table(people, language))
    typer.echo(f"roster written to {out}")


@app.command()
@_guarded
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

    language = _language(lang)
    loaded, _ = _load(scenario, settings)
    typer.echo(str(explained(loaded, path, household, programme, seed=seed, lang=language)))


@app.command()
@_guarded
def scenarios(lang: LangOption = "en") -> None:
    """List the shipped scenarios."""
    from fangpinbao.library import listing

    for line in listing(_language(lang)):
        typer.echo(line)


@app.command()
@_guarded
def new(
    name: Annotated[str, typer.Argument(help="of the new scenario; NAME.toml is written here")],
    place: Annotated[str, typer.Option("--from", help="a shipped scenario or a file")] = "county-template",
) -> None:
    """Start a scenario of your own from a shipped place or template."""
    from fangpinbao.library import start_scenario

    file = start_scenario(name, place, Path())
    typer.echo(f"{file} written. Change it, then: fangpinbao check {file}")


@app.command()
@_guarded
def warmup() -> None:
    """Compile the kernels once, so that later runs start at once."""
    import time

    from fangpinbao.engine import simulate
    from fangpinbao.scenario import load_scenario

    start = time.perf_counter()
    simulate(load_scenario("zhongning-2020").replace("population.persons", 500), 2, 1, threads=1)
    simulate(load_scenario("textbook/nested-terms").replace("simulation.years", 2), 2, 1, threads=1)
    typer.echo(f"ready after {time.perf_counter() - start:.1f} s")


import fangpinbao.cli_risk  # noqa: E402, F401  (registers its commands on the app above)
