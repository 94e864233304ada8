"""Programmes and detection designs that are like another one but for what they say themselves."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from fangpinbao.errors import Problem

__all__ = ["fill_likenesses", "without_repeats"]

Document = dict[str, Any]
_OWN = ("label", "note", "source", "like")
_TABLES = {
    "programmes": ("programme", (*_OWN, "detection", "ever_insured")),
    "detection": ("design", (*_OWN, "programme")),
}


def fill_likenesses(document: Document) -> tuple[dict[str, str], list[Problem]]:
    """Lay every table with ``like`` over the one it names, in place.

    What belongs to the other alone is not taken over: label, note, source; of a programme its detection design and
    published record; of a design its programme.

    Returns
    -------
    dict, list
        Place of the other table by the place of each that is like it; problems.
    """
    problems: list[Problem] = []
    likenesses: dict[str, str] = {}
    for key, (what, own) in _TABLES.items():
        tables = document.get(key)
        if not isinstance(tables, dict):
            continue
        found: dict[str, str] = {}
        for name, table in tables.items():
            other = table.get("like") if isinstance(table, dict) else None
            if isinstance(other, str):
                problem = _problem(tables, name, other, what)
                if problem is None:
                    found[name] = other
                else:
                    problems.append(Problem(f"{key}.{name}.like", problem))
        for name, other in found.items():
            merged = {
                field: copy.deepcopy(value) for field, value in tables[other].items() if field not in own
            }
            _lay_over(merged, tables[name])
            tables[name] = merged
            likenesses[f"{key}.{name}."] = f"{key}.{other}."
    return likenesses, problems


def _problem(tables: Document, name: str, other: str, what: str) -> str | None:
    below, others = tables.get(other), [one for one in tables if one != name]
    if other == name or not isinstance(below, dict):
        near = get_close_matches(other, others, n=1, cutoff=0.55)
        cure = f"Did you mean {near[0]}?" if near else f"Known: {', '.join(others) or 'none'}."
        return f"= {other!r} is not another {what}. {cure}"
    if "like" in below:
        return f"= {other!r} is itself like another {what}. Write {below['like']!r}."
    return None


def without_repeats(problems: Iterable[Problem], likenesses: Mapping[str, str]) -> list[Problem]:
    """Return the problems without those that a table has only because the one it is like has them."""
    found = set(problems)

    def is_repeat(problem: Problem) -> bool:
        for place, other in likenesses.items():
            if problem.place.startswith(place):
                return Problem(other + problem.place.removeprefix(place), problem.message) in found
        return False

    return sorted(problem for problem in found if not is_repeat(problem))


def _lay_over(below: Document, above: Document) -> None:
    for key, value in above.items():
        old = below.get(key)
        if isinstance(old, dict) and isinstance(value, dict) and not _replaces(old, value):
            _lay_over(old, value)
        else:
            below[key] = value


def _replaces(old: Document, new: Document) -> bool:
    """Whether a table is a number with its source, or another law: then it replaces what was there."""
    return "value" in (*old, *new) or ("law" in new and new["law"] != old.get("law"))
