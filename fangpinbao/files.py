"""Writes a run to a folder: complete or not at all, and the same bytes when it is run again.

``results.json`` (its JSON Schema ships as ``results.schema.json``), ``by_year.parquet``,
``by_year_coverage.parquet``, ``scenario.json`` (the resolved scenario) and ``numbers.csv`` (every number of
the scenario with its source).
"""

from __future__ import annotations

import csv
import json
import math
import os
import platform
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import metadata, resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fangpinbao.errors import InputError, Problem

if TYPE_CHECKING:
    from fangpinbao.doubt import RosterDoubt
    from fangpinbao.figures import Figure
    from fangpinbao.outcomes import Outcomes
    from fangpinbao.ranges import HeadlineRange
    from fangpinbao.scenario import Scenario

__all__ = [
    "EVENTS",
    "FIELDS",
    "FILES",
    "FORMAT",
    "OPEN_RESULTS",
    "REGION",
    "check_directory",
    "document_of",
    "provenance",
    "provenance_of",
    "results_document",
    "results_schema",
    "write_folder",
    "write_results",
]

FORMAT = 1
RESULTS = "results.json"
FILES = (RESULTS, "by_year.parquet", "by_year_coverage.parquet", "scenario.json", "numbers.csv")
EVENTS = "events.parquet"  # of catastrophe contracts
OPEN_RESULTS = "open-results"  # a folder of exchange tables, likewise
REGION = "region"  # a folder: the contracts of the region whose catastrophes strike the households
_OURS = (*FILES, EVENTS, OPEN_RESULTS, REGION)
FIELDS = (
    "programme", "coverage", "group", "line", "measure", "statistic", "value", "standard_error", "lower",
    "upper", "unit", "years", "method", "label",
)  # fmt: skip
_PACKAGES = ("fangpinbao", "numpy", "numba", "scipy", "pandas", "pyarrow", "pydantic")


def results_schema() -> dict[str, Any]:
    """Return the JSON Schema of ``results.json``."""
    text = resources.files("fangpinbao").joinpath("results.schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def provenance(outcomes: Outcomes, changes: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return what is needed to run again: no time, no place, no machine, so that reruns are alike."""
    population = outcomes.compiled.population
    people = {
        "persons": population.persons,
        "households": population.households,
        "roster": outcomes.scenario.population.file is not None,
    }
    return provenance_of(
        outcomes.scenario,
        seed=outcomes.seed,
        years=outcomes.n_years,
        programmes=outcomes.programmes,
        population=people,
        changes=changes,
    )


def provenance_of(
    scenario: Scenario,
    *,
    seed: int,
    years: int,
    programmes: Sequence[str],
    population: Mapping[str, Any],
    changes: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the provenance of any run of a scenario."""
    versions = {"python": platform.python_version(), **{name: _version(name) for name in _PACKAGES}}
    return {
        "created_by": f"fangpinbao {versions['fangpinbao']}",
        "scenario": {
            "name": scenario.name,
            "title": {"en": scenario.title.en, "zh": scenario.title.zh},
            "text": _text(scenario),
            "digest": scenario.digest,
            "changes": {path: _plain(value) for path, value in (changes or {}).items()},
        },
        "versions": versions,
        "seed": seed,
        "years": years,
        "calendar_year": scenario.calendar_year,
        "programmes": list(programmes),
        "population": dict(population),
        "numbers": count_by_status(scenario),
    }


def count_by_status(scenario: Scenario) -> dict[str, int]:
    """Count the scenario's numbers by status."""
    counts = dict.fromkeys(("official", "published", "assumed"), 0)
    for number in scenario.numbers:
        counts[number.status] += 1
    return counts


def _text(scenario: Scenario) -> str | None:
    try:
        return None if scenario.file is None else scenario.file.read_text(encoding="utf-8-sig")
    except OSError:
        return None


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "unknown"


def _plain(value: Any) -> Any:
    """Return plain Python data; refuses what JSON cannot hold."""
    if hasattr(value, "model_dump"):
        return value.model_dump()
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if hasattr(value, "item"):  # a numpy scalar
        value = value.item()
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{value} cannot stand in a file of results.")
        return value + 0.0
    return value if value is None or isinstance(value, str | int | bool) else str(value)


def results_document(
    outcomes: Outcomes,
    figures: Sequence[Figure],
    ranges: Sequence[HeadlineRange] = (),
    changes: Mapping[str, Any] | None = None,
    doubt: RosterDoubt | None = None,
) -> dict[str, Any]:
    """Return the content of ``results.json``."""
    records = [one.record() for one in ranges]
    return document_of(
        provenance(outcomes, changes), figures, records, None if doubt is None else doubt.record()
    )


def document_of(
    provenance: Mapping[str, Any],
    figures: Sequence[Figure],
    ranges: Sequence[Mapping[str, Any]] = (),
    roster_doubt: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the content of ``results.json`` of any run."""
    return {
        "format": FORMAT,
        "provenance": dict(provenance),
        "figures": [{name: _plain(getattr(figure, name)) for name in FIELDS} for figure in figures],
        "ranges": [_plain(one) for one in ranges],
        "roster_doubt": None if roster_doubt is None else _plain(roster_doubt),
    }


def write_results(
    directory: str | os.PathLike[str],
    outcomes: Outcomes,
    figures: Sequence[Figure],
    *,
    ranges: Sequence[HeadlineRange] = (),
    changes: Mapping[str, Any] | None = None,
    doubt: RosterDoubt | None = None,
) -> Path:
    """Write a run's results to a folder that is new, empty, or holds an earlier result.

    Raises
    ------
    InputError
        If the folder holds anything else.
    """
    document = results_document(outcomes, figures, ranges, changes, doubt)
    with write_folder(directory, document, outcomes.scenario) as folder:
        outcomes.by_year.to_parquet(folder / "by_year.parquet", index=False)
        outcomes.by_year_coverage.to_parquet(folder / "by_year_coverage.parquet", index=False)
    return Path(directory).resolve()


@contextmanager
def write_folder(
    directory: str | os.PathLike[str], document: Mapping[str, Any], scenario: Scenario
) -> Iterator[Path]:
    """Give a folder with results.json, scenario.json and numbers.csv, to add tables to; whole or not at all.

    Raises
    ------
    InputError
        If the target holds files that no run wrote.
    """
    with _replacing(check_directory(directory)) as folder:
        _write_json(folder / RESULTS, document)
        _write_json(folder / "scenario.json", _plain(scenario.document))
        _write_numbers(folder / "numbers.csv", scenario)
        yield folder


def check_directory(directory: str | os.PathLike[str]) -> Path:
    """Return the folder, resolved, if results may be written there.

    Raises
    ------
    InputError
        If it is a file or holds files that no run wrote.
    """
    target = Path(directory).resolve()
    if not target.exists():
        if any(parent.exists() and not parent.is_dir() for parent in target.parents):
            raise InputError(
                str(directory), [Problem("", "lies below a file, not a folder. Choose another.")]
            )
        return target
    if not target.is_dir():
        raise InputError(str(directory), [Problem("", "is a file, not a folder. Choose another name.")])
    names = sorted(path.name for path in target.iterdir())
    if not names:
        return target
    foreign = [name for name in names if name not in _OURS]
    if not _is_ours(target / RESULTS) or foreign:
        shown = ", ".join((foreign or names)[:3]) + (", ..." if len(foreign or names) > 3 else "")
        message = (
            f"already holds other files ({shown}), which are not replaced. Choose a new folder, or empty it."
        )
        raise InputError(str(directory), [Problem("", message)])
    return target


def _is_ours(file: Path) -> bool:
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    if not isinstance(document, dict) or not isinstance(document.get("provenance"), dict):
        return False
    made_by = str(document["provenance"].get("created_by", ""))
    return isinstance(document.get("format"), int) and made_by.startswith("fangpinbao ")


@contextmanager
def _replacing(target: Path) -> Iterator[Path]:
    """Give a temporary folder beside the target that takes its place when all is written, or vanishes."""
    target.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    earlier = folder.with_name(folder.name + ".earlier")
    try:
        yield folder
        folder.chmod(0o777 & ~_umask())
        if target.exists():
            target.rename(earlier)
        folder.rename(target)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        if earlier.exists() and not target.exists():
            earlier.rename(target)
        raise
    finally:
        shutil.rmtree(earlier, ignore_errors=True)


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def _write_json(file: Path, document: Any) -> None:
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, indent=1)
    file.write_text(text + "\n", encoding="utf-8", newline="\n")


def _write_numbers(file: Path, scenario: Scenario) -> None:
    """Write every number with its source; a byte order mark lets spreadsheets show Chinese."""
    header = ["place", "value", "low", "high", "status", "source", "title", "address", "year", "note"]
    with file.open("w", encoding="utf-8-sig", newline="") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(header)
        for number in scenario.numbers:
            low, high = number.range or ("", "")
            source = scenario.sources.get(number.source or "")
            about = [source.title, source.address or "", source.year or ""] if source else ["", "", ""]
            value = json.dumps(_plain(number.value))
            writer.writerow(
                [
                    number.place,
                    value,
                    low,
                    high,
                    number.status,
                    number.source or "",
                    *about,
                    number.note or "",
                ]
            )
