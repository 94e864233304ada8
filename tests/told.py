"""Four households in two years, told by hand instead of simulated."""

from __future__ import annotations

import numpy as np
import pandas as pd
from conftest import build

from fangpinbao.household_years import HouseholdYears
from fangpinbao.population import Population

CHILD, ADULT = (8, "primary"), (40, "none")
# id, class, income a head, lifted out, ages
PEOPLE = [
    ("a", "unstable_lifted", 4_999.99, True, [ADULT, CHILD]),
    ("b", "unstable_lifted", 5_000.00, True, [ADULT]),
    ("c", "marginal", 3_500.00, False, [ADULT, ADULT]),
    ("d", "general", 9_000.00, False, [ADULT]),
]
# What each bore in two years, yuan: (lost, spending)
BORNE = {
    "a": [(0, 0), (0, 10_000)],
    "b": [(1_000.01, 0), (0, 0)],
    "c": [(0, 0), (0, 0)],
    "d": [(0, 5_000.01), (0, 9_000)],
}


def people() -> Population:
    rows = []
    for household, label, income, lifted, members in PEOPLE:
        for number, (age, stage) in enumerate(members):
            rows.append(
                {
                    "person_id": f"{household}{number}",
                    "household_id": household,
                    "township": "t",
                    "class": label,
                    "age": age + number,
                    "sex": "male",
                    "schooling": stage,
                    "enrolled": True,
                    "lifted_out": lifted,
                    "dibao": household == "c",
                    "tekun": False,
                    "income_per_head": income,
                    "consumption_per_head": income,
                }
            )
    return Population.from_frame(pd.DataFrame(rows))


def table(**risk: object) -> HouseholdYears:
    """Two years under "none" told by hand; ``risk`` are tables of the scenario under that key."""
    scenario = build(risk=risk)
    population = people()
    ids = population.household_id.astype("U").tolist()
    size = population.household_size
    start = np.round(population.income_per_head * size * 100).astype(np.int64)

    def told(part: int) -> np.ndarray:
        return np.array(
            [[round(100 * BORNE[h][year][part]) for h in ids] for year in range(2)], dtype=np.int64
        )

    lost, spending = told(0), told(1)
    zero, none = np.zeros_like(lost), start - lost - spending
    lines = np.array([4_000_00 * size, 5_000_00 * size])
    return HouseholdYears(
        scenario, population, 1, ("none",), size, start, lines, lost, spending, spending, none, zero,
        np.zeros_like(lost), zero[None], zero[None], none[None], np.zeros((1, len(ids)), dtype=np.int64),
    )  # fmt: skip
