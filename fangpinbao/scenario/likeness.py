"""Programmes that are like another one but for what they say themselves."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from fangpinbao.errors import Problem

__all__ = ["fill_likenesses", "without_repeats"]

Document = dict[str, Any]
_OWN = ("label", "note", "source", "like", "detection", "ever_insured")


def fill_likenesses(document: Document) -> tuple[dict[str, str], list[Problem]]:
    """Lay every programme with ``like`` over the one it names, in place; returns who is like whom, and problems.

    Label, note, source, detection design and published record of the other programme are not taken over.
    """
    programmes = document.get("programmes")
    problems: list[Problem] = []
    likenesses: dict[str, str] = {}
    if not isinstance(programmes, dict):
        return likenesses, problems
    for name, programme in programmes.items():
        other = programme.get("like") if isinstance(programme, dict) else None
        if not isinstance(other, str):
            continue
        place, below = f"programmes.{name}.like", programmes.get(other)
        others = [one for one in programmes if one != name]
        if other == name or not isinstance(below, dict):
            near = get_close_matches(other, others, n=1, cutoff=0.55)
            cure = f"Did you mean {near[0]}?" if near else f"Known: {', '.join(others) or 'none'}."
            problems.append(Problem(place, f"= {other!r} is not another programme. {cure}"))
        elif "like" in below:
            cure = f"Write {below['like']!r}."
            problems.append(Problem(place, f"= {other!r} is itself like another programme. {cure}"))
        else:
            likenesses[name] = other
    for name, other in likenesses.items():
        merged = {key: copy.deepcopy(value) for key, value in programmes[other].items() if key not in _OWN}
        _lay_over(merged, programmes[name])
        programmes[name] = merged
    return likenesses, problems


def without_repeats(problems: Iterable[Problem], likenesses: Mapping[str, str]) -> list[Problem]:
    """Return the problems without those that a programme has only because the one it is like has them."""
    found = set(problems)

    def is_repeat(problem: Problem) -> bool:
        steps = problem.place.split(".", 2)
        if len(steps) < 3 or steps[0] != "programmes" or steps[1] not in likenesses:
            return False
        return Problem(f"programmes.{likenesses[steps[1]]}.{steps[2]}", problem.message) in found

    return sorted(problem for problem in found if not is_repeat(problem))


def _lay_over(below: Document, above: Document) -> None:
    for key, value in above.items():
        old = below.get(key)
        if isinstance(old, dict) and isinstance(value, dict) and "value" not in (*old, *value):
            _lay_over(old, value)
        else:
            below[key] = value
