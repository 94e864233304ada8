"""Checks of the tables on risk, detection and relief designs that need more than one table."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any

from fangpinbao.errors import Problem

__all__ = ["MOST_CASES", "risk_problems"]

Document = dict[str, Any]
_OF_SHARES = ("share_above",)
MOST_CASES = 32
"""Programmes with a detection design in one run, and names of their channels: bits of a word in the kernels."""
MOST_CHANNELS = 29


def risk_problems(document: Document) -> list[Problem]:
    """Return every name that leads nowhere, and every sign that needs what the scenario has not."""
    risk = _table(document, "risk")
    attributes = _table(risk, "attributes")
    rules = _table(risk, "rules")
    problems: list[Problem] = []
    for name, rule_set in rules.items():
        for group, signs in _table(rule_set, "groups").items():
            problems += _signs(signs, f"risk.rules.{name}.groups.{group}", attributes)
    for name, design in _table(document, "relief_designs").items():
        place = f"relief_designs.{name}"
        problems += _signs(_table(design, "when"), f"{place}.when", attributes)
        wanted = design.get("person_has")
        if isinstance(wanted, str):
            problems += _attribute(wanted, f"{place}.person_has", attributes, "chance")
    programmes = list(_table(document, "programmes"))
    for name, design in _table(document, "detection").items():
        place = f"detection.{name}"
        programme = design.get("programme")
        if isinstance(programme, str) and programme not in programmes:
            problems.append(_unknown(f"{place}.programme", programme, programmes, "a programme"))
        if not programmes:
            problems.append(Problem(place, "finds families for no programme. Add one, or drop the table."))
        listed = _table(design, "named_list").get("rules")
        if isinstance(listed, str) and listed not in rules:
            problems.append(_unknown(f"{place}.named_list.rules", listed, list(rules), "a rule set"))
    problems += _cases(document)
    needs_lines = [key for key in ("detection", "relief_designs") if _table(document, key)]
    if needs_lines and not isinstance(document.get("lines"), dict):
        problems.append(Problem(needs_lines[0], "needs the lines of the place. Add a [lines] table."))
    return problems


def _cases(document: Document) -> Iterator[Problem]:
    """Programmes that name a detection design."""
    designs = _table(document, "detection")
    channels: dict[str, None] = {}
    cases = []
    for name, programme in _table(document, "programmes").items():
        design, place = programme.get("detection"), f"programmes.{name}.detection"
        if not isinstance(design, str):
            continue
        cases.append(name)
        if design not in designs:
            yield _unknown(place, design, list(designs), "a design under detection")
        channels |= dict.fromkeys(_table(designs.get(design), "channels"))
    if len(cases) > MOST_CASES:
        yield Problem(
            "programmes",
            f"have {len(cases)} with a detection design; at most {MOST_CASES} fit into one run. Drop some.",
        )
    if len(channels) > MOST_CHANNELS:
        yield Problem(
            "detection",
            f"names {len(channels)} different channels; at most {MOST_CHANNELS} fit into one run. Share some names.",
        )


def _signs(signs: Document, place: str, attributes: Document) -> Iterator[Problem]:
    for key in ("has", "has_none_of", "share_above"):
        names = signs.get(key)
        kind = "share" if key in _OF_SHARES else "chance"
        for name in names if isinstance(names, list | dict) else []:
            yield from _attribute(name, f"{place}.{key}", attributes, kind)
    below, above = signs.get("income_per_head_below"), signs.get("income_per_head_above")
    if isinstance(below, int | float) and isinstance(above, int | float) and above >= below:
        yield Problem(
            f"{place}.income_per_head_above",
            f"= {above:g} is not below income_per_head_below ({below:g}), so nobody fits. Swap them.",
        )
    alternatives = signs.get("any_of")
    for index, one in enumerate(alternatives if isinstance(alternatives, list) else []):
        if isinstance(one, dict):
            yield from _signs(one, f"{place}.any_of[{index}]", attributes)


def _attribute(name: str, place: str, attributes: Document, kind: str) -> Iterator[Problem]:
    table = attributes.get(name)
    if not isinstance(table, dict):
        yield _unknown(place, name, list(attributes), "an attribute under risk.attributes")
    elif kind not in table and ("share" in table or "chance" in table):
        cure = "Use share_above." if kind == "chance" else "Use has."
        yield Problem(place, f"names {name}, which has no {kind}. {cure}")


def _unknown(place: str, value: str, known: list[str], what: str) -> Problem:
    near = get_close_matches(value, known, n=1, cutoff=0.55)
    listed = f"Known: {', '.join(known)}." if known else "None is declared."
    return Problem(place, f"= {value!r} is not {what}. {f'Did you mean {near[0]}?' if near else listed}")


def _table(node: Any, key: str) -> Document:
    value = node.get(key) if isinstance(node, dict) else None
    return value if isinstance(value, dict) else {}
