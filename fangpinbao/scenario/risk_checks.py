"""Checks of the tables on risk, detection and relief designs that need more than one table."""

from __future__ import annotations

from collections.abc import Iterator

from fangpinbao.errors import Problem
from fangpinbao.scenario.plain import Document, table_at, tables_at, unknown

__all__ = ["risk_problems"]

_OF_SHARES = ("share_above",)


def risk_problems(document: Document) -> list[Problem]:
    """Return every name that leads nowhere, and every sign that needs what the scenario has not."""
    risk = table_at(document, "risk")
    attributes = table_at(risk, "attributes")
    rules = table_at(risk, "rules")
    problems: list[Problem] = []
    for name, rule_set in rules.items():
        for group, signs in tables_at(rule_set, "groups").items():
            problems += _signs(signs, f"risk.rules.{name}.groups.{group}", attributes)
    for name, design in table_at(document, "relief_designs").items():
        place = f"relief_designs.{name}"
        problems += _signs(table_at(design, "when"), f"{place}.when", attributes)
        wanted = design.get("person_has")
        if isinstance(wanted, str):
            problems += _attribute(wanted, f"{place}.person_has", attributes, "chance")
    programmes = list(table_at(document, "programmes"))
    for name, design in tables_at(document, "detection").items():
        place = f"detection.{name}"
        programme = design.get("programme")
        if isinstance(programme, str) and programme not in programmes:
            problems.append(unknown(f"{place}.programme", programme, programmes, "a programme"))
        if not programmes:
            problems.append(Problem(place, "finds families for no programme. Add one, or drop the table."))
        listed = table_at(design, "named_list").get("rules")
        if isinstance(listed, str) and listed not in rules:
            problems.append(unknown(f"{place}.named_list.rules", listed, list(rules), "a rule set"))
    needs_lines = [key for key in ("detection", "relief_designs") if table_at(document, key)]
    if needs_lines and not isinstance(document.get("lines"), dict):
        problems.append(Problem(needs_lines[0], "needs the lines of the place. Add a [lines] table."))
    return problems


def _signs(signs: Document, place: str, attributes: Document) -> Iterator[Problem]:
    for key in ("has", "has_none_of", "share_above"):
        names = signs.get(key)
        kind = "share" if key in _OF_SHARES else "chance"
        for name in filter(_is_text, names if isinstance(names, list | dict) else []):
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


def _is_text(name: object) -> bool:
    return isinstance(name, str)


def _attribute(name: str, place: str, attributes: Document, kind: str) -> Iterator[Problem]:
    table = attributes.get(name)
    if not isinstance(table, dict):
        yield unknown(place, name, list(attributes), "an attribute under risk.attributes")
    elif kind not in table and ("share" in table or "chance" in table):
        cure = "Use share_above." if kind == "chance" else "Use has."
        yield Problem(place, f"names {name}, which has no {kind}. {cure}")
