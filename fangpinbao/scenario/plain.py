"""Looking into a plain document, whatever a hand has written there: tables, lists, and names that lead nowhere."""

from __future__ import annotations

import datetime
from difflib import get_close_matches
from typing import Any

from fangpinbao.errors import Problem

__all__ = ["Document", "as_written", "list_at", "table_at", "tables_at", "unknown"]

Document = dict[str, Any]
_SHOWN_DIGITS = 40


def as_written(value: Any) -> str:
    """Write a value as it stands in the file, where that differs from Python: true, 2020-04-01."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, int) and abs(value) >= 10**_SHOWN_DIGITS:
        digits = str(value)
        return f"{digits[:8]}... ({len(digits)} digits)"
    if isinstance(value, list):
        return f"[{', '.join(map(as_written, value))}]"
    return "{ ... }" if isinstance(value, dict) else repr(value)


def table_at(node: Any, key: str) -> Document:
    """Return the table under a key; empty where there is none."""
    value = node.get(key) if isinstance(node, dict) else None
    return value if isinstance(value, dict) else {}


def tables_at(node: Any, key: str) -> dict[str, Document]:
    """Return the tables of the table under a key; whatever else stands there is left out."""
    return {name: table for name, table in table_at(node, key).items() if isinstance(table, dict)}


def list_at(node: Any, key: str) -> list[Any]:
    """Return the list under a key; empty where there is none."""
    value = node.get(key) if isinstance(node, dict) else None
    return value if isinstance(value, list) else []


def unknown(place: str, value: Any, known: list[str], what: str) -> Problem:
    """Return the problem of a name that is not ``what`` it should be, with the nearest that is."""
    near = get_close_matches(str(value), known, n=1, cutoff=0.55)
    listed = f"Known: {', '.join(known)}." if known else "None is declared."
    return Problem(
        place, f"= {as_written(value)} is not {what}. {f'Did you mean {near[0]}?' if near else listed}"
    )
