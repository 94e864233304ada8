"""The JSON Schema of a scenario file, from the same declarations as the validation."""

from __future__ import annotations

from typing import Any

from fangpinbao.scenario.models import ScenarioModel

__all__ = ["scenario_schema"]

_SOURCED = {
    "type": "object",
    "description": "a number with its source and plausible range",
    "required": ["value"],
    "additionalProperties": False,
    "properties": {
        "value": {},
        "source": {"type": "string"},
        "range": {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2},
        "note": {"type": "string"},
    },
}


def scenario_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of scenario files.

    Every number may also be written as ``{ value, source, range, note }``. Required keys are dropped,
    because a file that extends another holds only its differences.
    """
    schema = ScenarioModel.model_json_schema(by_alias=True)
    relaxed: dict[str, Any] = _relax(schema)
    relaxed["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    relaxed["properties"]["extends"] = {
        "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}],
        "description": "scenario files, beside this one, that this one changes",
    }
    relaxed["properties"]["without"] = {
        **relaxed["properties"]["extends"],
        "description": "dotted paths of tables or keys of those files that this one leaves out",
    }
    relaxed["$defs"]["Sourced"] = _SOURCED
    return relaxed


def _relax(node: Any) -> Any:
    if isinstance(node, list):
        return [_relax(item) for item in node]
    if not isinstance(node, dict):
        return node
    relaxed = {key: _relax(value) for key, value in node.items() if key not in ("required", "discriminator")}
    if relaxed.get("type") in ("number", "integer"):
        return {"anyOf": [relaxed, {"$ref": "#/$defs/Sourced"}]}
    return relaxed
