"""Turns pydantic's findings into problems in the house's words: place, value, rule, cure."""

from __future__ import annotations

import types
import typing
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ValidationError

from fangpinbao.errors import Problem
from fangpinbao.scenario.models import ScenarioModel
from fangpinbao.scenario.plain import as_written

__all__ = ["place_of", "problems_of"]


def problems_of(
    error: ValidationError, document: dict[str, Any], root: type[BaseModel] = ScenarioModel
) -> list[Problem]:
    """Return one problem per finding, with paths as written in the file; ``root`` is the document's model."""
    entries = error.errors(include_url=False)
    kinds: dict[str, list[str]] = {}
    for entry in entries:
        if entry["type"] in _BRANCHES:
            kinds.setdefault(place_of(_steps(entry["loc"], document)), []).append(entry["type"])
    found: dict[Problem, None] = {}
    for entry in entries:
        place = place_of(_steps(entry["loc"], document))
        names = list(dict.fromkeys(_BRANCHES[kind] for kind in kinds.get(place, [])))
        if (
            entry["type"] in _BRANCHES and len(names) > 1
        ):  # a value that may be of several kinds is none of them
            either = f"= {as_written(entry['input'])} is neither {' nor '.join(names)}. Write one of them."
            found[Problem(place, either)] = None
        else:
            found[_problem(entry, document, root)] = None
    return list(found)


_BRANCHES = {
    "string_type": "a text in quotes",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "list_type": "a list",
}


def place_of(steps: list[str | int]) -> str:
    """Write steps as a dotted path with indices in brackets."""
    text = ""
    for step in steps:
        text += f"[{step}]" if isinstance(step, int) else (f".{step}" if text else str(step))
    return text


def _steps(loc: tuple[int | str, ...], document: Any) -> list[str | int]:
    """Drop the tags that pydantic inserts for the branches of a union."""
    steps: list[str | int] = []
    node: Any = document
    for number, step in enumerate(loc):
        is_last = number == len(loc) - 1
        if isinstance(node, dict):
            if step in node:
                node = node[step]
            elif not is_last or step in (node.get("law"), "[key]"):
                continue
            else:
                node = None
        elif isinstance(node, list) and isinstance(step, int) and step < len(node):
            node = node[step]
        elif node is not None:
            continue
        steps.append(step)
    return steps


def _models_in(annotation: Any, tag: str | None) -> list[Any]:
    """Return the alternatives a value of this annotation can be, with containers opened one level."""
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        return _models_in(typing.get_args(annotation)[0], tag)
    if origin in (typing.Union, types.UnionType):
        found = [model for arg in typing.get_args(annotation) for model in _models_in(arg, tag)]
        if tag is not None:
            fitting = [model for model in found if _has_tag(model, tag)]
            return fitting or found
        return found
    return [annotation]


def _has_tag(model: Any, tag: str) -> bool:
    if not (isinstance(model, type) and issubclass(model, BaseModel) and "law" in model.model_fields):
        return False
    return tag in typing.get_args(model.model_fields["law"].annotation)


def fields_at(steps: list[str | int], document: Any, root: type[BaseModel] = ScenarioModel) -> list[str]:
    """Return the keys that the table at ``steps`` can have."""
    alternatives: list[Any] = [root]
    node: Any = document
    for step in steps:
        node = _part(node, step)
        tag = node.get("law") if isinstance(node, dict) else None
        found: list[Any] = []
        for alternative in alternatives:
            origin = typing.get_origin(alternative)
            if origin in (dict, list, tuple):
                found += _models_in(typing.get_args(alternative)[-1], tag)
            elif isinstance(alternative, type) and issubclass(alternative, BaseModel):
                for name, field in alternative.model_fields.items():
                    if step in (name, field.alias):
                        found += _models_in(field.annotation, tag)
        alternatives = found
    names: list[str] = []
    for alternative in alternatives:
        if isinstance(alternative, type) and issubclass(alternative, BaseModel):
            names += [field.alias or name for name, field in alternative.model_fields.items()]
    return names


def _part(node: Any, step: str | int) -> Any:
    """Return what a table or list has at ``step``; None where it has nothing."""
    if isinstance(node, dict):
        return node.get(step)
    return node[step] if isinstance(node, list) and isinstance(step, int) and step < len(node) else None


def _nearest(word: str, words: list[str]) -> str | None:
    near = get_close_matches(word, words, n=1, cutoff=0.55)
    longer = [one for one in words if len(word) >= 4 and one.startswith(word)]
    return near[0] if near else longer[0] if longer else None


def _meant(steps: list[str | int], document: dict[str, Any]) -> str | None:
    """Return the table that somebody may have meant who named an unfinished one: a coverage, a programme, a peril.

    A programme is only taken for a misspelt one if it holds nothing but the coverage in question.
    """
    is_coverage = len(steps) >= 5 and steps[2] == "coverages"
    for at in (3, 1) if is_coverage else (1,):
        named: Any = document
        for step in steps[:at]:
            named = _part(named, step)
        if not isinstance(named, dict) or at >= len(steps) - 1:
            continue
        if is_coverage and at == 1 and len(_part(named, steps[1]) or {}) > 1:
            continue
        near = _nearest(str(steps[at]), [key for key in named if key != steps[at]])
        if near:
            return place_of([*steps[:at], near])
    return None


def _problem(entry: Any, document: dict[str, Any], root: type[BaseModel]) -> Problem:
    kind, context = entry["type"], entry.get("ctx", {})
    steps = _steps(entry["loc"], document)
    place, value = place_of(steps), entry["input"]
    shown = "" if isinstance(value, dict | list) else f"= {as_written(value)} "
    if kind == "rule":
        inner = context["place"]
        dot = "" if not place or inner.startswith("[") else "."
        return Problem(f"{place}{dot}{inner}" if inner else place, context["message"])
    if kind == "extra_forbidden":
        known = fields_at(steps[:-1], document, root)
        near = _nearest(str(steps[-1]), known)
        where = place_of([*steps[:-1], near]) if near else ""
        cure = f"Did you mean {where}?" if near else f"Known here: {', '.join(known)}."
        return Problem(place, f"is read by nothing. {cure}")
    if kind == "missing":
        near = _meant(steps, document)
        hint = f", or did you mean {near}?" if near else "."
        return Problem(place, f"is missing. Add it{hint}")
    if kind in ("union_tag_not_found", "union_tag_invalid"):
        tags = str(context.get("expected_tags", "")).replace("'", "")
        given = context.get("tag")
        if given is None and isinstance(value, dict):
            return Problem(f"{place}.law", f"is missing. Choose one of {tags or 'the laws in the handbook'}.")
        near = _nearest(str(given), [tag.strip() for tag in tags.split(",")])
        cure = f"Did you mean {near}?" if near else f"Choose one of {tags}."
        return Problem(f"{place}.law", f"= {given!r} is not a known law. {cure}")
    if kind == "literal_error":
        expected = [word.strip(" '") for word in str(context["expected"]).replace(" or ", ", ").split(",")]
        near = _nearest(str(value), expected)
        if "[key]" in entry["loc"]:
            place, shown = (
                place_of(steps[:-1] if steps and steps[-1] == value else steps),
                f"has {value!r}, which ",
            )
        cure = f"Did you mean {near}?" if near else f"Choose one of {context['expected']}."
        return Problem(place, f"{shown}is not known here. {cure}")
    if kind == "float_type" and isinstance(value, int) and not isinstance(value, bool):
        return Problem(place, f"{shown}is too large for a number. Lower it.")
    return Problem(place, shown + _rule(kind, context, entry["msg"]))


def _rule(kind: str, context: dict[str, Any], message: str) -> str:
    comparisons = {
        "greater_than": ("gt", "must be above {}. Raise it."),
        "greater_than_equal": ("ge", "must be at least {}. Raise it."),
        "less_than": ("lt", "must be below {}. Lower it."),
        "less_than_equal": ("le", "must be at most {}. Lower it."),
    }
    if kind in comparisons:
        key, text = comparisons[kind]
        return text.format(_bound(context[key]))
    fixed = {
        "float_type": "is not a number. Write it without quotes or units.",
        "int_type": "is not a whole number. Write it without quotes, units or a decimal point.",
        "int_from_float": "is not a whole number. Write it without a decimal point.",
        "finite_number": "is not a finite number. Give a number.",
        "string_type": "is not a text. Put it in quotes.",
        "bool_type": "is neither true nor false. Write true or false, without quotes.",
        "bool_parsing": "is neither true nor false. Write true or false, without quotes.",
        "list_type": "is not a list. Write [ ... ].",
        "dict_type": "is not a table. Write { ... } or a [table].",
        "model_type": "is not a table. Write { ... } or a [table].",
        "model_attributes_type": "is not a table. Write { ... } or a [table].",
        "string_pattern_mismatch": "is not a name. Begin with a letter; use letters, digits, _ and -.",
    }
    if kind in fixed:
        return fixed[kind]
    if kind == "too_short":
        return f"is too short: at least {context['min_length']} needed. Add entries, or drop the key."
    return message.rstrip(".") + ". Correct it."


def _bound(number: float) -> str:
    """Write a bound as a scenario may: 20_000_000, 1e11."""
    return (
        f"{number:g}".replace("e+0", "e").replace("e+", "e") if isinstance(number, float) else f"{number:_}"
    )
