"""The village of ``tests/data`` under a catastrophe of the region around it."""

# ruff: noqa: E501  (one booking to a line)

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from conftest import DATA, merged

from fangpinbao.scenario import Scenario

TOWNSHIPS = ["township_1", "township_2", "township_3"]
CELLS = {
    "names": [*TOWNSHIPS, "elsewhere"],
    "longitude": [106.2, 106.3, 106.2, 106.8],
    "latitude": [38.6, 38.5, 38.4, 38.5],
    "residents": [1, 2, 1, 36],
    "urban": [0.0, 0.0, 0.0, 0.0],
}
STORM = {
    "frequency": {"law": "poisson", "events_per_year": 0.9},
    "size": {"law": "uniform", "low": 0.4, "high": 2.0},
    "footprint": {"radius_km": {"law": "exponential", "mean": 25.0}, "edge": 0.5},
    "casualties": {
        "deaths": {"law": "points", "at": [0.3, 2.0], "rates": [0.002, 0.2]},
        "disabled_per_death": 1.0, "burned_per_death": 0.5, "burned_among_disabled": 0.4,
        "grades": [1, 1, 2, 2, 3, 3, 4, 4, 5, 5], "burn_degrees": [1, 2, 3],
        "event_factor": {"law": "gamma", "mean": 1.0, "cv": 0.7}, "most": 0.8,
    },
    "damage": {
        "hit": {"law": "points", "at": [0.3, 2.0], "rates": [0.1, 0.9]},
        "loss": {"law": "points", "at": [0.3, 2.0], "rates": [0.05, 0.6]},
        "injured_per_death": 1.5,
    },
}  # fmt: skip
ONE = {"law": "constant", "amount": 1}
BOOKS: list[dict[str, Any]] = [
    {"account": "property_loss", "harm": ["damaged"], "times": "share_lost", "amount": {"law": "lognormal", "mean": 40000, "sigma": 0.6}},
    {"account": "disaster_medical_cost", "harm": ["disabled", "burned", "injured"], "amount": {"law": "lognormal", "mean": 6000, "sigma": 1.0}, "in_scope_share": {"law": "beta", "mean": 0.8, "concentration": 10}},
    {"account": "income_loss", "harm": ["dead", "disabled"], "chance": 0.7, "times": "household_income", "amount": {"law": "uniform", "low": 0.0, "high": 0.4}, "factors": {"age": {"from": [0, 18], "values": [0, 1]}}},
    {"account": "death_or_disability", "harm": ["dead", "disabled"], "times": "grade", "amount": ONE},
    {"account": "owed", "harm": ["dead", "disabled", "burned"], "times": "benefit", "contract": "region", "amount": ONE},
]  # fmt: skip
PERIL = {"exposed": "township", "events_from": "storm", "books": BOOKS}
CONTRACT = {
    "perils": ["storm"], "per_person": 50_000, "burn_scale": [1.0, 0.5, 0.1], "cumulative": 9_000_000,
}  # fmt: skip


def area(catastrophe: dict[str, Any] | None = None, file: Path | None = None, **tables: Any) -> Scenario:
    """The village with a regional storm, a contract on it, and programmes with one, the other and both.

    ``catastrophe`` and ``tables`` are laid over; ``None`` takes a key out.
    """
    both = {"accounts": ["owed"], "contract": "region"}
    village = tomllib.loads((DATA / "village.toml").read_text("utf-8"))
    plain = {
        "accounts": {"owed": {"level": "person", "kind": "points", "label": "owed by the region"}},
        "perils": {"storm": PERIL},
        "programmes": {
            "region": {"coverages": {"casualties": both}},
            "both": {"coverages": {
                "illness": {"accounts": ["medical_cost", "disaster_medical_cost"], "deductible": 1000, "rate": 0.6},
                "property": {"accounts": ["property_loss"], "unit": "household_year", "deductible": 2000, "rate": 0.5},
                "casualties": both,
            }},
        },
        "catastrophe": merged({
            "cells": CELLS, "exposure": {"residents": 2400}, "perils": {"storm": STORM}, "contracts": {"region": CONTRACT},
        }, catastrophe or {}),
    }  # fmt: skip
    return Scenario.from_document(merged(merged(village, plain), tables), file=file)
