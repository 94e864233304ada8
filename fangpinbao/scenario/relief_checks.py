"""Checks of the relief that programmes pay, where they need more than one table."""

from __future__ import annotations

from collections.abc import Iterator

from fangpinbao.errors import Problem
from fangpinbao.scenario.plain import Document, tables_at, unknown

__all__ = ["relief_problems"]


def relief_problems(document: Document) -> list[Problem]:
    """Return every name that leads nowhere, and what an entry needs that the scenario has not."""
    problems: list[Problem] = []
    for name, programme in tables_at(document, "programmes").items():
        aggregate = programme.get("aggregate")
        rule = aggregate.get("rule") if isinstance(aggregate, dict) else None
        steps = list(tables_at(programme, "coverages"))
        for entry, table in tables_at(programme, "relief").items():
            place = f"programmes.{name}.relief.{entry}"
            if entry in steps:
                problems.append(Problem(place, "has the name of a coverage. Rename one."))
            if "loan" in table and rule in ("pro_rata", "first_come"):
                problems.append(
                    Problem(
                        f"{place}.loan",
                        f'needs what insurance paid in the years before, and the aggregate limit is "{rule}", to be '
                        "shared out in each of them. Top the limit up, or drop one.",
                    )
                )
            struck = [key for key, peril in tables_at(document, "perils").items() if "events_from" in peril]
            if "loan" in table and struck:
                problems.append(
                    Problem(
                        f"{place}.loan",
                        f"needs the years before, and the catastrophes that strike perils.{struck[0]} are of one year. "
                        "Drop one.",
                    )
                )
            problems += _entry(document, table, place)
    return problems


def _entry(document: Document, table: Document, place: str) -> Iterator[Problem]:
    lines = document.get("lines")
    if not isinstance(lines, dict):
        yield Problem(place, "needs the lines of the place. Add a [lines] table.")
        return
    base, resource = table.get("base"), lines.get("resource")
    if base in ("gap", "heads") and "standard" not in table and "dibao_standard" not in lines:
        yield Problem(f"{place}.standard", "is missing, and lines.dibao_standard too. Give one of them.")
    if base == "borne" and resource == "income":
        yield Problem(
            f"{place}.base",
            '= "borne" pays costs, which lines.resource = "income" does not count. '
            'Compare "income_minus_rigid", or use another base.',
        )
    for key, given in (("on", table.get("on") == "resources"), ("loan", "loan" in table)):
        if given and resource in ("income", "assets"):
            yield Problem(
                f"{place}.{key}",
                f'needs yearly resources net of costs, and lines.resource = "{resource}". '
                'Compare "income_minus_rigid", or drop it.',
            )
    wanted = table.get("person_has")
    attributes = tables_at(document.get("risk"), "attributes")
    if isinstance(wanted, str) and wanted not in attributes:
        yield unknown(f"{place}.person_has", wanted, list(attributes), "an attribute under risk.attributes")
    elif isinstance(wanted, str) and "share" in attributes[wanted]:
        yield Problem(f"{place}.person_has", f"names {wanted}, a share of households. Name a chance.")
