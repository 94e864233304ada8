"""Reads scenario files, resolves ``extends``, changes single values, and keeps where each number is from."""

from __future__ import annotations

import copy
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import PrivateAttr, ValidationError

from fangpinbao.errors import InputError, Problem
from fangpinbao.scenario.bounds import bound_problems
from fangpinbao.scenario.checks import cross_check
from fangpinbao.scenario.likeness import fill_likenesses, without_repeats
from fangpinbao.scenario.messages import problems_of
from fangpinbao.scenario.models import ScenarioModel
from fangpinbao.scenario.plain import as_written
from fangpinbao.scenario.provenance import (
    CHANGED,
    UNSOURCED,
    Number,
    is_plain_number,
    is_sourced,
    strip_provenance,
)
from fangpinbao.scenario.reading import read_toml

__all__ = [
    "Number",
    "Scenario",
    "load_scenario",
    "load_with",
    "resolve_document",
    "scenario_names",
    "scenario_path",
]

Document = dict[str, Any]
FORMAT = 1


class Scenario(ScenarioModel):
    """A validated scenario, frozen; remembers its text and the sources of its numbers."""

    _document: Document = PrivateAttr(default_factory=dict)
    _numbers: tuple[Number, ...] = PrivateAttr(default=())
    _file: Path | None = PrivateAttr(default=None)

    @classmethod
    def from_document(
        cls, document: Mapping[str, Any], *, file: Path | None = None, subject: str | None = None
    ) -> Scenario:
        """Validate a document (nested dicts as read from TOML) into a scenario.

        Raises
        ------
        InputError
            With every problem found.
        """
        annotated = copy.deepcopy(dict(document))
        name = subject or (str(file) if file else str(annotated.get("name", "scenario")))
        _refuse_unknown_format(annotated, name)
        plain, numbers, problems = strip_provenance(annotated)
        likenesses, unlike = fill_likenesses(plain)
        problems += unlike
        try:
            scenario = cls.model_validate(plain, context={})
        except ValidationError as error:
            problems += problems_of(error, plain)
            scenario = None
        problems += cross_check(plain, file.parent if file else Path())
        if scenario is not None:
            problems += bound_problems(scenario)
        if problems or scenario is None:
            raise InputError(name, without_repeats(problems, likenesses))
        scenario._document = annotated
        scenario._numbers = numbers
        scenario._file = file
        return scenario

    @property
    def file(self) -> Path | None:
        """The file this scenario was read from."""
        return self._file

    @property
    def document(self) -> Document:
        """A copy of the resolved document, with sources and ranges."""
        return copy.deepcopy(self._document)

    @property
    def numbers(self) -> tuple[Number, ...]:
        """Every number with its source and status."""
        return self._numbers

    @property
    def is_of_households(self) -> bool:
        """Whether there are households to simulate; a catastrophe contract alone needs none."""
        return "population" in self.model_fields_set

    @property
    def digest(self) -> str:
        """SHA-256 of the resolved document."""
        text = json.dumps(self._document, sort_keys=True, ensure_ascii=False, default=str)
        return hashlib.sha256(text.encode()).hexdigest()

    def replace(self, path: str, value: Any) -> Scenario:
        """Return a scenario with the value at a dotted path changed, e.g. ``perils.fire.factors``.

        The changed number is recorded as assumed, set by the caller.

        Raises
        ------
        InputError
            If the path does not lead into the document or the result is not a valid scenario.
        """
        return self.replace_all({path: value})

    def replace_all(self, changes: Mapping[str, Any]) -> Scenario:
        """Return a scenario with several values changed at once."""
        document = copy.deepcopy(self._document)
        problems = [problem for path, value in changes.items() for problem in _assign(document, path, value)]
        if problems:
            raise InputError(f"the change of {self.name}", problems)
        return Scenario.from_document(document, file=self._file)


def load_scenario(path: str | Path) -> Scenario:
    """Read a scenario from a TOML file, or a shipped one by name.

    Raises
    ------
    InputError
        Listing every problem of the file and of those it extends.
    """
    file = scenario_path(path)
    return Scenario.from_document(_resolve(file, ()), file=file, subject=str(path))


def load_with(path: str | Path, parts: Sequence[str | Path]) -> Scenario:
    """Read a scenario and lay parts over it, as if it extended them last.

    Raises
    ------
    InputError
        Listing every problem of the result.
    """
    file = scenario_path(path)
    document = _resolve(file, ())
    subject = " with ".join([str(path), *map(str, parts)])
    problems: list[Problem] = []
    for part in parts:
        try:
            _lay_over(document, _resolve(scenario_path(part), ()))
        except InputError as error:
            problems += [Problem(str(part), str(problem)) for problem in error.problems]
    if problems:
        raise InputError(subject, problems)
    return Scenario.from_document(document, file=file, subject=subject)


def resolve_document(file: Path) -> Document:
    """Read a TOML file and lay it over the scenarios it extends; nothing is validated.

    Raises
    ------
    InputError
        If a file is no TOML, or what it extends is not found.
    """
    return _resolve(file, ())


def _shipped_folder() -> Path:
    package = Path(__file__).resolve().parent.parent
    inside = package / "_scenarios"
    return inside if inside.is_dir() else package.parent / "scenarios"


def scenario_names() -> list[str]:
    """Names of the shipped scenarios, as ``load_scenario`` takes them."""
    folder = _shipped_folder()
    files = sorted([*folder.glob("*.toml"), *folder.glob("textbook/*.toml")])
    return [str(file.relative_to(folder).with_suffix("")) for file in files]


def scenario_path(path: str | Path) -> Path:
    """Find a scenario: a file, or the name of a shipped one."""
    file = Path(path)
    if file.is_file():
        return file
    text = str(path).removesuffix(".toml")
    for name in (text, text.removeprefix("scenarios/")):
        shipped = _shipped_folder() / f"{name}.toml"
        if shipped.is_file():
            return shipped
    from difflib import get_close_matches

    near = get_close_matches(text.removeprefix("scenarios/"), scenario_names(), n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    cure = "Check the path; `fangpinbao scenarios` lists what is shipped."
    raise InputError(str(path), [Problem("", f"is neither a file nor a shipped scenario.{hint} {cure}")])


def _refuse_unknown_format(document: Mapping[str, Any], subject: str) -> None:
    version = document.get("format", FORMAT)
    if type(version) is not int or version != FORMAT:
        reason = f"= {as_written(version)} is not a format this version reads. Write format = {FORMAT}."
        raise InputError(subject, [Problem("format", reason)])


def _resolve(file: Path, seen: tuple[Path, ...]) -> Document:
    """Read a file and lay it over those it extends; numbers laid over lose the source beneath."""
    if file.resolve() in seen:
        chain = " -> ".join(path.name for path in (*seen, file))
        raise InputError(str(file), [Problem("extends", f"goes round in a circle: {chain}. Break it.")])
    document = read_toml(file)
    _refuse_unknown_format(document, str(file))  # each by itself: what lies over it may say another
    problems: list[Problem] = []
    bases = _texts(document.pop("extends", []), "extends", "zhongning-2020", problems)
    without = _texts(document.pop("without", []), "without", "perils.flood", problems)
    merged: Document = {}
    for base in bases:
        name = base if base.endswith(".toml") else f"{base}.toml"
        places = [folder / name for folder in (file.parent, _shipped_folder())]
        base_file = next((place for place in places if place.is_file()), None)
        if base_file is None:
            reason = f"= {base!r} is neither a file beside {file.name} nor a shipped scenario. "
            reason += "Name one, e.g. zhongning-2020."
            problems.append(Problem("extends", reason))
            continue
        try:
            _lay_over(merged, _resolve(base_file, (*seen, file.resolve())))
        except InputError as error:
            for inner in error.problems:
                link = f"whose {inner.place} {inner.message}" if inner.place else f"which {inner.message}"
                problems.append(Problem("extends", f"= {base!r}, {link}"))
    if problems:
        raise InputError(str(file), problems)
    _take_out(merged, without, file)
    _lay_over(merged, document)
    return merged


def _texts(given: Any, key: str, example: str, problems: list[Problem]) -> list[str]:
    """Return the texts that a key holds, one or a list; add what is none to the problems."""
    items = given if isinstance(given, list) else [given]
    for index, item in enumerate(items):
        if not isinstance(item, str):
            place = f"{key}[{index}]" if isinstance(given, list) else key
            reason = f'= {as_written(item)} is not a text. Write e.g. {key} = "{example}".'
            problems.append(Problem(place, reason))
    return [item for item in items if isinstance(item, str)]


def _take_out(below: Document, paths: list[str], file: Path) -> None:
    """Take tables or keys that a file does not want out of what it extends."""
    problems = []
    for path in paths:
        *tables, last = [str(step) for step in parse_path(path)] or [""]
        node: Any = below
        for step in tables:
            node = node.get(step) if isinstance(node, dict) else None
        if not isinstance(node, dict) or last not in node:
            problems.append(
                Problem("without", f"= {path!r} is nothing that this file extends. Check the path.")
            )
        else:
            del node[last]
    if problems:
        raise InputError(str(file), problems)


def _lay_over(below: Document, above: Document) -> None:
    for key, value in above.items():
        old = below.get(key)
        if isinstance(old, dict) and isinstance(value, dict) and not _is_other_law(old, value):
            if is_sourced(old) or is_sourced(value):
                below[key] = value
            else:
                _lay_over(old, value)
        elif key in below and "source" not in above and is_plain_number(value) and "source" in below:
            below[key] = {"value": value, "source": CHANGED}
        else:
            below[key] = value


def _is_other_law(old: Document, new: Document) -> bool:
    return "law" in new and "law" in old


_TOKEN = re.compile(r"([^.\[\]]+)|\[(\d+)\]")


def parse_path(path: str) -> list[str | int]:
    """Split ``a.b[0].c`` into its steps."""
    return [name if name else int(index) for name, index in _TOKEN.findall(path)]


def _assign(document: Document, path: str, value: Any) -> list[Problem]:
    steps = parse_path(path)
    if not steps:
        return [Problem(path, "names no place. Write e.g. programmes.base.premium_per_insured.")]
    node: Any = document
    for number, step in enumerate(steps[:-1]):
        here = path if number == 0 else ".".join(map(str, steps[:number]))
        if isinstance(node, list) and isinstance(step, int) and step < len(node):
            node = node[step]
        elif isinstance(node, dict) and isinstance(step, str):
            node = node.setdefault(step, {})
        else:
            return [Problem(path, f"does not exist: {here} has no {step}. Check the path against the file.")]
    last = steps[-1]
    if isinstance(node, list) and isinstance(last, int) and last < len(node):
        node[last] = value
    elif isinstance(node, dict) and isinstance(last, str):
        is_sourced = is_plain_number(value) and steps[0] not in UNSOURCED
        node[last] = {"value": value, "source": CHANGED} if is_sourced else value
    else:
        return [Problem(path, "does not exist. Check the path against the file.")]
    return []
