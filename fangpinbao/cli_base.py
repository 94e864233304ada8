"""What all commands share: the application, options, progress, and exit codes for whatever goes wrong."""

from __future__ import annotations

import functools
import gc
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, Literal, ParamSpec, cast

import typer

from fangpinbao.errors import MOST_SEED, MOST_YEARS

if TYPE_CHECKING:
    from rich.console import Console

    from fangpinbao.outcomes import Outcomes
    from fangpinbao.scenario import Scenario

__all__ = [
    "Lang",
    "LangOption",
    "ProgressOption",
    "QuietOption",
    "ScenarioArgument",
    "SeedOption",
    "SetOption",
    "ThreadsOption",
    "YearsOption",
    "app",
    "guarded",
    "load",
    "main",
    "make_console",
    "progress_bar",
    "read_changes",
    "read_language",
    "simulate_with_progress",
]

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
YearsOption = Annotated[
    int | None, typer.Option(min=1, max=MOST_YEARS, help="simulated years (default: the scenario's)")
]
SeedOption = Annotated[
    int | None, typer.Option(min=0, max=MOST_SEED, help="seed of every draw (default: the scenario's)")
]
ThreadsOption = Annotated[int | None, typer.Option(min=1, help="threads (default: all cores)")]
LangOption = Annotated[str, typer.Option(metavar="en|zh", help="language of the tables")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="print no tables and no progress")]
ProgressOption = Annotated[
    bool, typer.Option("--progress", help="show progress even where stderr is no terminal")
]

P = ParamSpec("P")


def main() -> None:
    """Entry point of the command ``fangpinbao``."""
    gc.set_threshold(100_000, 20, 50)  # collecting garbage while modules load takes a tenth of the start
    try:
        app()
    except KeyboardInterrupt:
        _interrupted()


def _interrupted() -> None:
    typer.echo("fangpinbao: interrupted, nothing is left behind", err=True)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(130)  # at once: other threads may be computing or compiling, and nothing of theirs is kept


def guarded(command: Callable[P, None]) -> Callable[P, None]:
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


def read_changes(settings: list[str] | None) -> dict[str, Any]:
    """Parse ``PATH=VALUE``; a value is TOML, else a string."""
    import tomllib

    from fangpinbao.errors import InputError, Problem

    changes: dict[str, Any] = {}
    problems = []
    for setting in settings or []:
        path, equals, text = setting.partition("=")
        path, text = path.strip(), text.strip()
        if not equals or not path or not text or "\n" in text:
            problems.append(
                Problem(setting, "is not PATH=VALUE. Write e.g. programmes.base.premium_per_insured=120.")
            )
            continue
        try:
            changes[path] = tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            changes[path] = text
        except (ValueError, RecursionError):  # a whole number of thousands of digits; brackets without end
            shown = f"{text[:8]}... ({len(text)} characters)"
            problems.append(Problem(path, f"= {shown} is too long for a value. Shorten it."))
    if problems:
        raise InputError("--set", problems)
    return changes


def load(scenario: str, settings: list[str] | None) -> tuple[Scenario, dict[str, Any]]:
    """Load a scenario with the changes of ``--set``; also returns the changes."""
    from fangpinbao.scenario import load_scenario

    changes = read_changes(settings)
    loaded = load_scenario(scenario)
    return (loaded.replace_all(changes) if changes else loaded), changes


def read_language(lang: str) -> Lang:
    """Return a language of the tables; InputError for any other."""
    from fangpinbao.errors import InputError, Problem

    if lang not in ("en", "zh"):
        raise InputError("the request", [Problem("--lang", f"= {lang!r} is not one of en, zh.")])
    return cast(Lang, lang)


def make_console() -> Console:
    """Return the console that tables are printed to."""
    from rich.console import Console

    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else 140
    return Console(width=width, highlight=False)


@contextmanager
def progress_bar(quiet: bool, always: bool, lang: Lang) -> Iterator[Callable[[float], None] | None]:
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


def simulate_with_progress(
    scenario: Scenario,
    years: int | None,
    seed: int | None,
    threads: int | None,
    *,
    quiet: bool,
    always: bool,
    lang: Lang,
) -> Outcomes:
    """Simulate with a progress bar; where nothing is compiled yet, a second process compiles half."""
    from fangpinbao.compile_ahead import compile_if_cold
    from fangpinbao.engine import simulate

    with progress_bar(quiet, always, lang) as progress:
        compile_if_cold()
        return simulate(scenario, years, seed, threads=threads, progress=progress)
