"""The library of shipped scenarios: a list with a line each, and a scenario of one's own from one of them."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import tomllib
from pathlib import Path
from typing import Any, Literal

from rich.cells import cell_len, set_cell_size

from fangpinbao.errors import InputError, Problem
from fangpinbao.scenario import load_scenario, scenario_names, scenario_path
from fangpinbao.scenario.load import resolve_document

__all__ = ["listing", "start_scenario"]

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,59}")
_KEYS = ("place", "calendar_year")
_DATA_FILES = (("population", "file"), ("catastrophe", "catalogue", "file"))


def listing(lang: Literal["en", "zh"]) -> list[str]:
    """Return one line for each shipped scenario: name, year, place and title; textbook problems come last."""
    names = sorted(scenario_names(), key=lambda name: ("/" in name, name))
    heads = [_head(scenario_path(name)) for name in names]
    titles = [_in_language(head.get("title", ""), lang) for head in heads]
    columns = [names, *([str(head.get(key, "")) for head in heads] for key in reversed(_KEYS))]
    widths = [max(map(cell_len, column)) for column in columns]
    return [
        "  ".join([*map(set_cell_size, cells, widths), title]).rstrip()
        for *cells, title in zip(*columns, titles, strict=True)
    ]


def _in_language(title: Any, lang: str) -> str:
    return str(title.get(lang, "")) if isinstance(title, dict) else str(title)


def _head(file: Path) -> dict[str, Any]:
    """Return the first keys of a file, those it leaves out taken from what it extends."""
    head = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    bases = head.get("extends", [])
    for base in [bases] if isinstance(bases, str) else bases:
        below = file.parent / (base if str(base).endswith(".toml") else f"{base}.toml")
        if below.is_file() and any(key not in head for key in _KEYS):
            head = {**{key: value for key, value in _head(below).items() if key in _KEYS}, **head}
    return head


def start_scenario(name: str, place: str, folder: Path) -> Path:
    """Write ``NAME.toml``: the text of another scenario under a new name and title, ready to be changed.

    Parameters
    ----------
    name
        Of the new scenario: letters, digits, ``_`` and ``-``.
    place
        A shipped scenario or template, or a file.
    folder
        Where to write.

    Returns
    -------
    Path
        The file, which loads.

    Raises
    ------
    InputError
        If the name cannot be one, the file exists, or the result would not load there.
    """
    target = folder / f"{name}.toml"
    if not _NAME.fullmatch(name):
        message = "is not a name. Begin with a letter; use letters, digits, _ and -."
        raise InputError("the request", [Problem("NAME", f"= {name!r} {message}")])
    if name in scenario_names():
        message = "is the name of a shipped scenario. Choose another, so that they cannot be mixed up."
        raise InputError("the request", [Problem("NAME", f"= {name!r} {message}")])
    if target.exists():
        raise InputError(str(target), [Problem("", "exists already. Choose another name.")])
    source = scenario_path(place)
    brought = _bring_files(source, folder)
    text = _renamed(source.read_text(encoding="utf-8-sig"), name, source.stem)
    handle, temporary = tempfile.mkstemp(prefix=f".{name}.", suffix=".toml", dir=folder)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        try:
            load_scenario(temporary)
        except InputError as error:
            raise InputError(f"{place}, taken to {folder.resolve()},", error.problems) from None
        os.chmod(temporary, 0o644)
        os.replace(temporary, target)
    finally:
        Path(temporary).unlink(missing_ok=True)
        if not target.exists():
            _take_back(brought, folder)
    return target


def _bring_files(source: Path, folder: Path) -> list[Path]:
    """Copy the data files that a scenario or what it extends names (roster, event catalogue) beside the new one.

    Files that are there stay as they are; returns those copied.
    """
    document, brought = resolve_document(source), []
    for path in _DATA_FILES:
        value: Any = document
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        if isinstance(value, str) and not Path(value).is_absolute():
            there = folder / value
            if (source.parent / value).is_file() and not there.exists():
                there.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source.parent / value, there)
                brought.append(there)
    return brought


def _take_back(brought: list[Path], folder: Path) -> None:
    """Remove copied files, and the folders that they leave empty."""
    for file in brought:
        file.unlink(missing_ok=True)
        if file.parent != folder and not any(file.parent.iterdir()):
            file.parent.rmdir()


def _renamed(text: str, name: str, place: str) -> str:
    """Return a scenario's text under another name and title; whatever it extends stays as it is."""
    lines = text.splitlines()
    first_table = next((n for n, line in enumerate(lines) if line.lstrip().startswith("[")), len(lines))
    title = f'title = {{ en = "{name}, from {place}", zh = "{name}（源自 {place}）" }}'
    wanted = {"name": f'name = "{name}"', "title": title}
    for n, line in enumerate(lines[:first_table]):
        lines[n] = wanted.pop(line.partition("=")[0].strip(), line)
    lines[:0] = wanted.values()  # those that the file takes from what it extends
    note = f"# {name}: started from {place}. Change what is yours, and say where each number is from."
    return "\n".join([note, "#", *lines]) + "\n"
