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

    Where ``like`` is wrong the table that is meant is laid below all the same, so that nothing else is missed.

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
                problem, meant = _problem(tables, name, other, what)
                if problem is not None:
                    problems.append(Problem(f"{key}.{name}.like", problem))
                if meant is not None:
                    found[name] = meant
        for name, other in found.items():
            merged = {
                field: copy.deepcopy(value) for field, value in tables[other].items() if field not in own
            }
            _lay_over(merged, tables[name])
            tables[name] = merged
            likenesses[f"{key}.{name}."] = f"{key}.{other}."
    return likenesses, problems


def _problem(tables: Document, name: str, other: str, what: str) -> tuple[str | None, str | None]:
    """Say what is wrong with ``like``, if anything, and which table is meant, where that can be known."""
    others = [one for one in tables if one != name and isinstance(tables[one], dict)]
    if other not in others:
        free = [one for one in others if "like" not in tables[one]]
        near = get_close_matches(other, free, n=1, cutoff=0.55)
        cure = f"Did you mean {near[0]}?" if near else f"Known: {', '.join(free) or 'none'}."
        return f"= {other!r} is not another {what}. {cure}", near[0] if near else None
    if "like" not in tables[other]:
        return None, other
    chain, last = [name, other], tables[other]["like"]
    while last in others and last not in chain and "like" in tables[last]:
        chain.append(last)
        last = tables[last]["like"]
    start = f"= {other!r} is itself like another {what}."
    if last in chain:
        return f"{start} The chain leads back to {last!r}. Write one of them out.", None
    if last not in others:
        return f"{start} The chain ends at {last!r}, which is no {what}.", None
    return f"{start} Write {last!r}.", last


def without_repeats(problems: Iterable[Problem], likenesses: Mapping[str, str]) -> list[Problem]:
    """Return the problems without those that a table has only because of the one it is like.

    That has them itself; or it is not known, so that whatever is empty or missing may stand in it.
    """
    found = set(problems)
    places = [f"{key}." for key in _TABLES]
    unlike = [
        problem.place.removesuffix("like")
        for problem in found
        if problem.place.startswith(tuple(places))
        and problem.place.count(".") == 2
        and problem.place.endswith(".like")
    ]

    def is_repeat(problem: Problem) -> bool:
        if problem.place.startswith(tuple(unlike)) and problem.message.startswith(("is empty", "is missing")):
            return True
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
