"""Where each number of a scenario is from: tables ``{ value, source, range }`` and sources that tables hand down."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from fangpinbao.errors import Problem
from fangpinbao.scenario.plain import as_written

__all__ = ["CHANGED", "UNSOURCED", "Number", "Source", "is_plain_number", "is_sourced", "strip_provenance"]

Document = dict[str, Any]
CHANGED = "changed"
"""The source of a number that a caller, or a file laid over others, has set."""
_MOST_IN_RANGE = 1e15
_SOURCED_KEYS = {"value", "source", "range", "note"}
UNSOURCED = {"format", "calendar_year", "name", "title", "place", "note", "sources", "simulation"}


class Source(BaseModel):
    """Where numbers come from."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str
    status: Literal["official", "published", "assumed"]
    address: str | None = None
    year: str | int | None = None
    note: str | None = None


@dataclass(frozen=True)
class Number:
    """One number of a scenario and where it comes from.

    Attributes
    ----------
    place
        Dotted path in the file.
    value
        The number, or the list of numbers.
    source
        Source id, or None where none is named.
    status
        ``official``, ``published`` or ``assumed``; a number without a source is assumed.
    range
        Plausible lower and upper value, where the scenario gives one.
    """

    place: str
    value: Any
    source: str | None
    status: str
    range: tuple[float, float] | None = None
    note: str | None = None


def is_sourced(value: Any) -> bool:
    """Return whether a value is a table that gives a number with where it is from."""
    return isinstance(value, dict) and "value" in value and set(value) <= _SOURCED_KEYS


def is_plain_number(value: Any) -> bool:
    """Return whether a value is a number, or a list of numbers."""
    if isinstance(value, list):
        return bool(value) and all(is_plain_number(item) for item in value)
    return isinstance(value, int | float) and not isinstance(value, bool)


def strip_provenance(document: Document) -> tuple[Document, tuple[Number, ...], list[Problem]]:
    """Replace ``{ value, source, range }`` by the value; list every number with its source."""
    sources = document.get("sources", {})
    sources = sources if isinstance(sources, dict) else {}
    problems: list[Problem] = []

    def status_of(source: str | None, place: str) -> str:
        if source is None or source == CHANGED:
            return "assumed"
        entry = sources.get(source)
        if not isinstance(entry, dict):
            from difflib import get_close_matches

            if source in sources:
                return "assumed"  # that it is no table is said of itself
            near = get_close_matches(source, list(sources), n=1)
            hint = f" Did you mean {near[0]}?" if near else " Add it under [sources]."
            problems.append(Problem(place, f"= {source!r} names no source of this file.{hint}"))
            return "assumed"
        return str(entry.get("status", "assumed"))

    def walk(node: Any, place: str, source: str | None) -> tuple[Any, Iterator[Number]]:
        if isinstance(node, dict):
            if is_sourced(node):
                own = node.get("source", source)
                for key in ("source", "note"):
                    if not isinstance(node.get(key, ""), str):
                        reason = f"= {as_written(node[key])} is not a text. Put one in quotes."
                        problems.append(Problem(f"{place}.{key}", reason))
                own = own if isinstance(own, str) else None
                number = Number(
                    place, node["value"], own, status_of(own, f"{place}.source"), None, node.get("note")
                )
                if "range" in node:
                    number = _with_range(number, node["range"], place, problems)
                return node["value"], iter([number])
            own = node.get("source")
            inner = own if isinstance(own, str) else source
            if isinstance(own, str):
                status_of(own, f"{place}.source" if place else "source")
            plain: Document = {}
            found: list[Number] = []
            for key, value in node.items():
                inside = f"{place}.{key}" if place else str(key)
                if not place and key in UNSOURCED:
                    plain[key] = value
                    continue
                plain[key], more = walk(value, inside, inner)
                found.extend(more)
            return plain, iter(found)
        if isinstance(node, list) and not is_plain_number(node):
            pairs = [walk(item, f"{place}[{index}]", source) for index, item in enumerate(node)]
            return [value for value, _ in pairs], iter([number for _, more in pairs for number in more])
        if is_plain_number(node):
            known = source is None or source == CHANGED or isinstance(sources.get(source), dict)
            status = status_of(source, place) if known else "assumed"
            return node, iter([Number(place, node, source, status)])
        return node, iter(())

    plain, numbers = walk(document, "", None)
    return plain, tuple(numbers), problems


def _with_range(number: Number, given: Any, place: str, problems: list[Problem]) -> Number:
    if (
        not (isinstance(given, list) and len(given) == 2 and is_plain_number(given))
        or any(isinstance(end, list) or not abs(end) <= _MOST_IN_RANGE for end in given)
        or given[0] > given[1]
        or (
            is_plain_number(number.value)
            and not isinstance(number.value, list)
            and not given[0] <= number.value <= given[1]
        )
    ):
        problems.append(
            Problem(
                f"{place}.range",
                f"= {as_written(given)} must be [low, high] around the value {as_written(number.value)}. Correct it.",
            )
        )
        return number
    return replace(number, range=(float(given[0]), float(given[1])))
