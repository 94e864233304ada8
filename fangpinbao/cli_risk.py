"""Commands on single households and on who is at risk: family, classify, funnel, relief."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fangpinbao.cli_base import (
    Lang,
    LangOption,
    ScenarioArgument,
    SeedOption,
    SetOption,
    YearsOption,
    app,
    guarded,
    make_console,
    progress_bar,
    read_changes,
    read_language,
)

if TYPE_CHECKING:
    from fangpinbao.risk_ranges import Moved
    from fangpinbao.scenario import Scenario

__all__ = ["classify", "family", "funnel", "relief"]

WithOption = Annotated[
    list[str] | None,
    typer.Option("--with", metavar="PART", help="a part laid over the scenario; may be given several times"),
]
RangesOption = Annotated[bool, typer.Option(help="move assumed numbers over their ranges")]
JsonOption = Annotated[Path | None, typer.Option("--json", help="also write the figures to this file")]
MOST_YEARS = 50
_PICTURES = (".png", ".svg", ".pdf", ".jpg")
RELIEF_YEARS, _RANGE_YEARS = 1_000, 50


def _open(
    scenario: str, parts: list[str] | None, settings: list[str] | None, years: int | None, lang: str
) -> tuple[Lang, Scenario, int]:
    """Return the language, the scenario, and the years of a run that keeps every household: few, unless asked."""
    from fangpinbao.scenario.load import load_with

    language, changes = read_language(lang), read_changes(settings)
    loaded = load_with(scenario, parts or [])
    loaded = loaded.replace_all(changes) if changes else loaded
    return language, loaded, min(loaded.simulation.years, MOST_YEARS) if years is None else years


def _write(
    json: Path | None, kind: str, things: Sequence[Any], loaded: Scenario, years: int, seed: int | None
) -> None:
    if json is not None:
        from fangpinbao.risk_records import write_records

        write_records(json, kind, things, loaded, years, loaded.simulation.seed if seed is None else seed)


def _show_ranges(wanted: bool, rows: Callable[[], list[Moved]], lang: Lang) -> None:
    from fangpinbao.risk_tables import moved_table
    from fangpinbao.tables import print_all

    found = rows() if wanted else []
    if found:
        print_all(make_console(), [moved_table(found, lang)])


@app.command()
@guarded
def family(
    file: Annotated[
        str | None, typer.Argument(help="a family file, or a shipped one; absent: list the shipped ones")
    ] = None,
    programme: Annotated[str | None, typer.Option(help="(default: all that the file expects)")] = None,
    household: Annotated[str | None, typer.Option(help="its id (default: all that the file expects)")] = None,
    lang: LangOption = "en",
) -> None:
    """Settle a worked family, explain it, and compare it with the arithmetic of its file."""
    from fangpinbao.errors import FangpinbaoError
    from fangpinbao.families import SettledFamily
    from fangpinbao.scenario.family import family_names, load_family

    language = read_language(lang)
    if file is None:
        for name in family_names():
            typer.echo(f"{name:42} {load_family(name).tables.sentence.in_language(language)}")
        return
    settled = SettledFamily(load_family(file))
    expected = settled.family.tables.expected
    asked = [(one.programme, one.household) for one in expected]
    if programme is not None or household is not None:
        asked = [(programme or expected[0].programme, household)]
    for one, who in dict.fromkeys(asked):
        typer.echo(f"{settled.explain(one, who, language)}\n")
    found = settled.differences()
    if found:
        raise FangpinbaoError("the arithmetic of the file differs: " + "; ".join(map(str, found)))
    agrees = f"{len(expected)} expectations of the file are met to the fen"
    typer.echo(f"与文件中 {len(expected)} 组手工计算结果一致，分毫不差" if language == "zh" else agrees)


@app.command()
@guarded
def classify(
    scenario: ScenarioArgument,
    rules: Annotated[str | None, typer.Option(help="a rule set (default: all of the scenario)")] = None,
    rosters: Annotated[int, typer.Option(min=0, help="rosters re-made for their spread; 0: none")] = 5,
    parts: WithOption = None,
    years: YearsOption = None,
    seed: SeedOption = None,
    ranges: RangesOption = True,
    json: JsonOption = None,
    lang: LangOption = "en",
    settings: SetOption = None,
) -> None:
    """Find who is at risk by rules that do not see the class, and print the confusion table."""
    from fangpinbao.at_risk import Facts, roster_spread
    from fangpinbao.at_risk import classify as classified
    from fangpinbao.errors import InputError, Problem
    from fangpinbao.household_years import settle_households
    from fangpinbao.risk_ranges import ranges_of_rules
    from fangpinbao.risk_tables import classification_tables
    from fangpinbao.tables import print_all

    language, loaded, asked = _open(scenario, parts, settings, years, lang)
    names = list(loaded.risk.rules) if rules is None else [rules]
    if not names:
        cure = "Lay a part over it, e.g. --with parts/risk-hohhot-2020."
        raise InputError(
            scenario, [Problem("risk.rules", f"are missing, so there is nothing to classify by. {cure}")]
        )
    facts = Facts.of(settle_households(loaded, asked, seed=seed))
    found = [classified(facts, name) for name in names]
    spread = roster_spread(loaded, names, min(asked, 10), rosters, seed=seed)
    for one in found:
        print_all(make_console(), classification_tables(one, language, spread.get(one.rules)))
    _show_ranges(ranges, lambda: ranges_of_rules(facts, names), language)
    _write(json, "classification", found, loaded, asked, seed)


def _check_picture(file: Path | None) -> None:
    """Refuse a picture that could not be written, before anything is computed."""
    from fangpinbao.errors import InputError, Problem

    problems = []
    if file is not None and file.suffix.lower() not in _PICTURES:
        problems.append(Problem("", f"has no ending of a picture. Write one of {', '.join(_PICTURES)}."))
    if file is not None and not file.parent.is_dir():
        problems.append(Problem("", f"The folder {file.parent} does not exist. Make it first."))
    if problems:
        raise InputError(str(file), problems)


@app.command()
@guarded
def funnel(
    scenario: ScenarioArgument,
    design: Annotated[list[str] | None, typer.Option(help="a detection design (default: all)")] = None,
    parts: WithOption = None,
    years: YearsOption = None,
    seed: SeedOption = None,
    picture: Annotated[Path | None, typer.Option(help="draw the first design's funnel to this file")] = None,
    ranges: RangesOption = True,
    json: JsonOption = None,
    lang: LangOption = "en",
    settings: SetOption = None,
) -> None:
    """Follow households in need from alert to payout under the scenario's detection designs."""
    from fangpinbao.detection import funnel as funnels_of
    from fangpinbao.risk_ranges import ranges_of_funnels
    from fangpinbao.risk_tables import funnel_table
    from fangpinbao.tables import print_all

    language, loaded, _ = _open(scenario, parts, settings, years, lang)
    _check_picture(picture)
    asked = loaded.simulation.years if years is None else years
    with progress_bar(False, False, language) as report:
        funnels = funnels_of(loaded, asked, seed=seed, designs=design, progress=report)
    print_all(make_console(), [funnel_table(funnels, language)])
    names = [one.design for one in funnels]
    few = min(asked, max(asked // 20, 100))
    _show_ranges(ranges, lambda: ranges_of_funnels(loaded, few, names, seed=seed), language)
    _write(json, "funnel", funnels, loaded, asked, seed)
    if picture is not None:
        import matplotlib

        matplotlib.use("Agg")
        from matplotlib import pyplot

        from fangpinbao.plot_funnel import plot_funnel

        plot_funnel(funnels[0], lang=language)
        pyplot.savefig(picture, dpi=150)
        typer.echo(f"图已写入 {picture}" if language == "zh" else f"picture written to {picture}")


@app.command()
@guarded
def relief(
    scenario: ScenarioArgument,
    programme: Annotated[
        str | None, typer.Option(help="insurance to compare with (default: the first)")
    ] = None,
    design: Annotated[
        list[str] | None, typer.Option(help="a programme of relief alone (default: all)")
    ] = None,
    same_money: Annotated[bool, typer.Option(help="scale designs to the programme's mean payout")] = True,
    parts: WithOption = None,
    years: YearsOption = None,
    seed: SeedOption = None,
    ranges: RangesOption = True,
    json: JsonOption = None,
    lang: LangOption = "en",
    settings: SetOption = None,
) -> None:
    """Set programmes of relief against an insurance programme, for the same money and on the same years."""
    from fangpinbao.engine import population_of
    from fangpinbao.relief_money import relief_for_the_same_money
    from fangpinbao.risk_ranges import ranges_of_relief
    from fangpinbao.risk_tables import relief_tables
    from fangpinbao.tables import print_all

    language, loaded, _ = _open(scenario, parts, settings, years, lang)
    asked = min(loaded.simulation.years, RELIEF_YEARS) if years is None else years
    people = population_of(loaded)
    figures = relief_for_the_same_money(
        loaded,
        asked,
        programme=programme,
        designs=design,
        seed=seed,
        same_money=same_money,
        population=people,
    )
    print_all(make_console(), relief_tables(figures, language))
    names = [one.design for one in figures[1:]]

    def moved() -> list[Moved]:
        first, few = figures[0].design, min(asked, _RANGE_YEARS)
        return ranges_of_relief(
            loaded, names, first, few, seed=seed, same_money=same_money, population=people
        )

    _show_ranges(ranges, moved, language)
    _write(json, "relief", figures, loaded, asked, seed)
