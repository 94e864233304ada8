"""Small catastrophe scenarios whose answers can be worked out by hand."""

from __future__ import annotations

from typing import Any

from fangpinbao.scenario import Scenario

CELLS = {
    "names": ["north", "south", "east", "west"],
    "longitude": [106.2, 106.2, 106.4, 106.0],
    "latitude": [38.6, 38.4, 38.5, 38.5],
    "residents": [4, 3, 2, 1],
    "urban": [0.5, 0.5, 0.0, 1.0],
    "susceptibility": {"hills": [0, 0, 1, 3]},
}


def storm(**changes: Any) -> dict[str, Any]:
    """A peril that strikes all cells with the same chance for everybody."""
    return {
        "frequency": {"law": "poisson", "events_per_year": 0.8},
        "size": {"law": "constant", "amount": 1.0},
        "footprint": {"radius_km": {"law": "constant", "amount": 500.0}},
        "casualties": {"deaths": {"law": "points", "at": [0.5], "rates": [1e-3]}},
        **changes,
    }


def quake(**changes: Any) -> dict[str, Any]:
    axis = {"constant": 5.7123, "magnitude": 1.3626, "distance": 4.2903, "offset_km": 25.0}
    short = {"constant": 3.6588, "magnitude": 1.3626, "distance": 3.5406, "offset_km": 13.0}
    return {
        "zones": {
            "near": {
                "events_per_year": 0.1, "smallest": 5.0, "largest": 8.0, "b_value": 0.9, "start": [106.1, 38.2],
                "end": [106.3, 38.8], "width_km": 30.0, "attenuation": "rock",
            },
            "far": {
                "events_per_year": 0.3, "smallest": 5.0, "largest": 7.5, "b_value": 1.0, "start": [104.0, 37.0],
                "end": [105.0, 37.5], "width_km": 60.0, "attenuation": "rock",
            },
        },
        "attenuation": {"rock": {"long": axis, "short": short, "sigma": 0.5, "between_share": 0.5}},
        "casualties": {
            "deaths": {"law": "lognormal_curve", "theta": 10.3, "beta": 0.1},
            "disabled_per_death": 0.5, "burned_per_death": 0.1, "burned_among_disabled": 0.2,
            "grades": [1, 1, 2, 2, 3, 3, 4, 4, 5, 5], "burn_degrees": [1, 2, 3],
            "event_factor": {"law": "gamma", "mean": 1.0, "cv": 0.5},
        },
        **changes,
    }  # fmt: skip


def contract(perils: list[str], **changes: Any) -> dict[str, Any]:
    return {"perils": perils, "per_person": 50_000, **changes}


def document(residents: int = 10_000, **tables: Any) -> dict[str, Any]:
    """A scenario with one storm and one contract; ``tables`` replace tables of ``catastrophe``."""
    catastrophe = {
        "cells": CELLS,
        "exposure": {"residents": residents},
        "perils": {"storm": storm()},
        "contracts": {"base": contract(["storm"])},
        **tables,
    }
    return {
        "format": 1, "name": "small", "title": "small", "simulation": {"years": 1000, "seed": 5},
        "catastrophe": {key: value for key, value in catastrophe.items() if value is not None},
    }  # fmt: skip


def scenario(residents: int = 10_000, **tables: Any) -> Scenario:
    return Scenario.from_document(document(residents, **tables))
