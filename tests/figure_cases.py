"""What tests of figures share: a plain scenario, and outcomes with given yearly sums."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from fangpinbao.columns import column
from fangpinbao.compile import compile_scenario
from fangpinbao.engine import population_of
from fangpinbao.outcomes import Outcomes, Sums
from fangpinbao.records import Figures
from fangpinbao.scenario import Scenario

PLAIN = {
    "format": 1,
    "name": "plain",
    "title": "plain",
    "population": {
        "persons": 400,
        "townships": 4,
        "residents": 10_000,
        "classes": {
            "general": {
                "share": 1.0,
                "household_size": [1],
                "age": {"from": [0], "values": [1]},
                "income_per_head": {"law": "constant", "amount": 6000},
            }
        },
    },
    "perils": {
        "flood": {
            "exposed": "township",
            "frequency": {"law": "bernoulli", "probability": 0.3},
            "share_hit": 0.4,
            "books": [{"account": "property_loss", "amount": {"law": "constant", "amount": 1000}}],
        }
    },
    "programmes": {
        "base": {
            "coverages": {"disaster": {"accounts": ["property_loss"], "unit": "household_year", "rate": 1.0}}
        }
    },
}


def plain(**programme: Any) -> Scenario:
    document = json.loads(json.dumps(PLAIN))
    document["programmes"]["base"].update(programme)
    return Scenario.from_document(document)


def by_hand(scenario: Scenario, payout_fen: list[int], **columns: list[int]) -> Outcomes:
    """Outcomes of one class and one coverage with the given yearly sums of the programme."""
    compiled = compile_scenario(scenario, population_of(scenario), 1)
    sums = Sums.empty(compiled, ("flood",), len(payout_fen), by_household=False)
    for name, values in {"payout_fen": payout_fen, **columns}.items():
        sums.columns[1, :, column(name)] = values
        np.add.at(sums.batch_columns[:, 1, 0, column(name)], sums.batch_of_year, values)
    sums.step_paid[:, 0] = payout_fen
    sums.step_claims[:, 0] = [1, 1, 1, 2] * (len(payout_fen) // 4)
    np.add.at(sums.batch_step[:, 0, 0, 0], sums.batch_of_year, sums.step_paid[:, 0])
    np.add.at(sums.batch_step[:, 0, 0, 1], sums.batch_of_year, sums.step_claims[:, 0])
    sums.batch_credit[:, 0, compiled.accounts.index("property_loss")] = sums.batch_step[:, 0, 0, 0]
    return Outcomes(compiled, ("flood",), sums, {"base": np.array([3])})


def total(figures: Figures) -> float:
    assert len(figures)
    return sum(figure.value for figure in figures)
