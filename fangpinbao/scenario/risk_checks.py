"""Checks of the tables on risk and detection that need more than one table."""

from __future__ import annotations

from collections.abc import Iterator

from fangpinbao.errors import Problem
from fangpinbao.scenario.plain import Document, table_at, tables_at, unknown

__all__ = ["MOST_CASES", "risk_problems"]

_OF_SHARES = ("share_above",)
MOST_CASES = 32
"""Programmes with a detection design in one run, and names of their channels: bits of a word in the kernels."""
MOST_CHANNELS = 29


def risk_problems(document: Document) -> list[Problem]:
    """Return every name that leads nowhere, and every sign that needs what the scenario has not."""
    risk = table_at(document, "risk")
    attributes = table_at(risk, "attributes")
    rules = table_at(risk, "rules")
    problems: list[Problem] = []
    for name, rule_set in rules.items():
        for group, signs in tables_at(rule_set, "groups").items():
            problems += _signs(signs, f"risk.rules.{name}.groups.{group}", attributes)
    programmes = tables_at(document, "programmes")
    insurance = [name for name, one in programmes.items() if one.get("kind", "insurance") == "insurance"]
    for name, design in tables_at(document, "detection").items():
        place = f"detection.{name}"
        programme = design.get("programme")
        if isinstance(programme, str) and programme not in programmes:
            problems.append(unknown(f"{place}.programme", programme, list(programmes), "a programme"))
        elif isinstance(programme, str) and programme not in insurance:
            known = f"Write one of {', '.join(insurance)}." if insurance else "Add one."
            reason = f"= {programme!r} is no insurance programme, so there are no claims to find. {known}"
            problems.append(Problem(f"{place}.programme", reason))
        elif not insurance:
            what = "no insurance programme" if programmes else "no programme"
            problems.append(Problem(place, f"finds families for {what}. Add one, or drop the table."))
        listed = table_at(design, "named_list").get("rules")
        if isinstance(listed, str) and listed not in rules:
            problems.append(unknown(f"{place}.named_list.rules", listed, list(rules), "a rule set"))
    problems += _cases(document)
    if table_at(document, "detection") and not isinstance(document.get("lines"), dict):
        problems.append(Problem("detection", "needs the lines of the place. Add a [lines] table."))
    return problems


def _cases(document: Document) -> Iterator[Problem]:
    """Programmes that name a detection design."""
    designs = tables_at(document, "detection")
    channels: dict[str, None] = {}
    cases = []
    for name, programme in tables_at(document, "programmes").items():
        design, place = programme.get("detection"), f"programmes.{name}.detection"
        if not isinstance(design, str):
            continue
        cases.append(name)
        if design not in designs:
            yield unknown(place, design, list(designs), "a design under detection")
        channels |= dict.fromkeys(table_at(designs.get(design), "channels"))
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
