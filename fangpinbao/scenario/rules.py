"""Rules between the fields of a table, checked on whatever fields are valid, so that nothing is reported late.

A rule is a method that yields problems, with places within its table. Where a field is wrong or missing, a rule
that reads it is silent from there on; every other rule still speaks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, Field, TypeAdapter, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from fangpinbao.errors import Problem

__all__ = ["UnknownFieldError", "check_rules", "rule", "rules_of", "validation_error"]

Rule = Callable[[Any], Iterator[Problem]]
Model = TypeVar("Model", bound=BaseModel)
# The tables read so far, by the id of the raw table, which is kept so that no other gets its id.
Read = dict[int, tuple[Any, BaseModel]]

_MARK = "_is_rule"


class UnknownFieldError(AttributeError):
    """A rule reads a field that is wrong or missing."""


def rule(check: Rule) -> Rule:
    """Mark a method of a table as a rule."""
    setattr(check, _MARK, True)
    return check


@cache
def rules_of(model: type[BaseModel]) -> tuple[Rule, ...]:
    """Return the rules of a model, those of its bases first."""
    found: dict[str, Rule] = {}
    for owner in reversed(model.__mro__):
        found |= {name: check for name, check in vars(owner).items() if hasattr(check, _MARK)}
    return tuple(found.values())


def check_rules(model: type[Model], data: Any, validate: Callable[[Any], Model], read: Read | None) -> Model:
    """Validate the fields of a table, then check its rules on those that are valid.

    Parameters
    ----------
    model
        The table's model.
    data
        The raw table.
    validate
        Validates the fields alone.
    read
        The tables within this one, which are known although a field of theirs is wrong; the table is added.

    Raises
    ------
    ValidationError
        With the wrong fields and the broken rules.
    """
    if isinstance(data, model):
        return validate(data)
    lines: list[InitErrorDetails] = []
    # A rule may stumble over what another table within this one has been refused for.
    stumbles: tuple[type[Exception], ...] = ()
    try:
        table = validate(data)
    except ValidationError as error:
        if not isinstance(data, Mapping):
            raise
        lines = [_line_again(entry) for entry in error.errors(include_url=False)]
        table = _valid_part(model, data, error, read or {})
        stumbles = (UnknownFieldError, ValueError, AssertionError)
    if read is not None:
        read[id(data)] = (data, table)
    for check in rules_of(model):
        try:
            for problem in check(table):
                lines.append(_line(problem, data))  # one by one: what a rule says before it stumbles stands
        except stumbles:
            continue
    if lines:
        raise validation_error(model, lines)
    return table


def validation_error(model: type[BaseModel], lines: list[InitErrorDetails]) -> ValidationError:
    """Return the error that carries these findings."""
    return ValidationError.from_exception_data(model.__name__, lines)


def _line(problem: Problem, data: Any) -> InitErrorDetails:
    context = {"message": problem.message, "place": problem.place}
    return InitErrorDetails(
        type=PydanticCustomError("rule", "{message}", context), loc=(), input=data, ctx=context
    )


def _line_again(entry: Any) -> InitErrorDetails:
    """Return a finding of pydantic's as it was given to it."""
    context = entry.get("ctx", {})
    kind = PydanticCustomError("rule", "{message}", context) if entry["type"] == "rule" else entry["type"]
    return InitErrorDetails(type=kind, loc=entry["loc"], input=entry["input"], ctx=context)


def _valid_part(model: type[Model], data: Mapping[str, Any], error: ValidationError, read: Read) -> Model:
    """Return the table with its valid fields; reading another raises ``UnknownFieldError``."""
    findings: dict[Any, bool] = {}
    for entry in error.errors(include_url=False):
        first, *inner = entry["loc"] or ("",)
        findings[first] = findings.get(first, True) and bool(inner)
    known: dict[str, Any] = {}
    unknown: list[str] = []
    for name, field in model.model_fields.items():
        alias = field.alias or name
        key = alias if alias in data or alias in findings else name
        if key not in findings:
            if key in data:
                known[name] = _adapter(model, name).validate_python(data[key])
        elif findings[key] and (part := _tables_in(data.get(key), read)) is not None:
            known[name] = part
        else:
            unknown.append(name)
    given = {name for name, field in model.model_fields.items() if name in data or field.alias in data}
    table = model.model_construct(given, **known)
    for name in unknown:
        table.__dict__.pop(name, None)
    return table


@cache
def _adapter(model: type[BaseModel], name: str) -> TypeAdapter[Any]:
    field = model.model_fields[name]
    limits = [*field.metadata, *([Field(discriminator=field.discriminator)] if field.discriminator else [])]
    annotation: Any = Annotated[(field.annotation, *limits)] if limits else field.annotation
    return TypeAdapter(annotation)


def _tables_in(raw: Any, read: Read) -> Any:
    """Return a table, or a list or dict of tables, as far as they are valid; None for anything else."""
    if id(raw) in read:
        return read[id(raw)][1]
    if isinstance(raw, dict):
        parts = {key: _tables_in(value, read) for key, value in raw.items()}
        return None if not parts or None in parts.values() else parts
    if isinstance(raw, list):
        items = [_tables_in(value, read) for value in raw]
        return None if not items or None in items else items
    return None
