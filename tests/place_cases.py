"""Worked families under a shipped programme: a hundred persons who live alone and meet the same cost for certain."""

from __future__ import annotations

from functools import cache
from typing import Any

from fangpinbao.engine import simulate
from fangpinbao.outcomes import Outcomes
from fangpinbao.scenario import Scenario, load_scenario

PERSONS = 100
MEDICAL = ("medical_cost", "accident_medical_cost", "disaster_medical_cost")
ALONE: dict[str, Any] = {
    "share": 1.0,
    "household_size": [1],
    "age": {"from": [0, 30], "values": [0.0, 1.0]},
    "age_end": 40,
    "income_per_head": {"law": "constant", "amount": 10_000},
}


@cache
def scenario_of(name: str) -> Scenario:
    return load_scenario(name)


def family(name: str, bookings: list[dict[str, Any]], people: dict[str, Any] | None = None) -> Outcomes:
    """Run a place's layers and programmes on people who all suffer the given bookings once a year."""
    place = scenario_of(name)
    every = place.population.classes.values()
    names = {tag for margins in every for tag in (*margins.tags, *margins.holder_tags)}
    margins = {**ALONE, **(people or {})}
    unborne = dict.fromkeys(sorted(names - set(margins.get("holder_tags", {}))), 0.0)
    margins["tags"] = {**unborne, **margins.get("tags", {})}
    document = place.document
    document["population"] = {"persons": PERSONS, "classes": {"other_low_income": margins}}
    document["perils"] = {
        "event": {
            "exposed": "person",
            "frequency": {"law": "bernoulli", "probability": 1.0},
            "books": bookings,
        }
    }
    document["certain_costs"] = {}
    booked = {booking["account"] for booking in bookings}

    def reading(steps: dict[str, Any]) -> dict[str, Any]:
        return {name: step for name, step in steps.items() if booked & set(step["accounts"])}

    document["layers"] = reading(document["layers"])
    for programme in document["programmes"].values():
        programme["coverages"] = reading(programme["coverages"])
        kept = {*document["layers"], *programme["coverages"]}
        for name, shared in list(programme.get("shared_limits", {}).items()):
            shared["coverages"] = [step for step in shared["coverages"] if step in programme["coverages"]]
            if not shared["coverages"]:
                del programme["shared_limits"][name]
        if "stack" in programme:
            programme["stack"] = [step for step in programme["stack"] if step in kept]
    document["programmes"] = {name: one for name, one in document["programmes"].items() if one["coverages"]}
    document["lines"] = {"poverty_line": 10**6, "monitoring_line": 10**6, "resource": "income_minus_rigid"}
    document["relief"] = {}
    return simulate(Scenario.from_document(document), 1)


def medical(cost: float, scope: float) -> list[dict[str, Any]]:
    law = {"law": "constant", "amount": cost}
    return [{"account": "medical_cost", "amount": law, "in_scope_share": scope}]


def points(grade: int) -> dict[str, Any]:
    return {"account": "death_or_disability", "amount": {"law": "constant", "amount": grade}}


def paid(outcomes: Outcomes, programme: str) -> dict[str, float]:
    """Yuan that each step of a programme pays a person; steps that pay nothing are left out."""
    names = {
        outcomes.steps[s].split(".")[-1]: outcomes.sums.step_paid[0, s] for s in outcomes.stack(programme)
    }
    return {name: fen / (100.0 * PERSONS) for name, fen in names.items() if fen}
