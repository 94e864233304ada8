"""Figures on risk, detection and relief as plain records, for programs that read them."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import fangpinbao
from fangpinbao.errors import InputError, Problem
from fangpinbao.estimate import Estimate
from fangpinbao.scenario import Scenario

__all__ = ["as_record", "write_records"]

_OF_ESTIMATE = ("value", "standard_error", "lower", "upper", "unit", "years", "method")


def as_record(thing: Any) -> Any:
    """Return dataclasses, mappings and sequences as dictionaries and lists; an estimate with its error."""
    if isinstance(thing, Estimate):
        record: dict[str, Any] = {name: getattr(thing, name) for name in _OF_ESTIMATE}
        return record | ({"note": thing.note} if thing.note else {})
    if dataclasses.is_dataclass(thing) and not isinstance(thing, type):
        return {field.name: as_record(getattr(thing, field.name)) for field in dataclasses.fields(thing)}
    if isinstance(thing, Mapping):
        return {str(key): as_record(value) for key, value in thing.items()}
    if isinstance(thing, list | tuple):
        return [as_record(value) for value in thing]
    return thing


def write_records(
    path: Path, kind: str, things: Sequence[Any], scenario: Scenario, years: int, seed: int
) -> None:
    """Write records to a JSON file with the scenario's digest, years and seed.

    Raises
    ------
    InputError
        If the folder does not exist.
    """
    if not path.parent.is_dir():
        raise InputError(str(path), [Problem("", f"The folder {path.parent} does not exist. Make it first.")])
    document = {
        "format": 1,
        "kind": kind,
        "provenance": {
            "scenario": scenario.name,
            "digest": scenario.digest,
            "version": fangpinbao.__version__,
            "years": years,
            "seed": seed,
        },
        "records": [as_record(thing) for thing in things],
    }
    path.write_text(
        json.dumps(document, ensure_ascii=False, indent=2, allow_nan=False) + "\n", encoding="utf-8"
    )
