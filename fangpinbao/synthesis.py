"""A population made from margins: every attribute is a keyed draw of (seed, decision, household or person).

Household ``k`` of a class has the same members and attributes however many persons are asked for, except the
last household of each class, which is cut so that the class holds its number of persons exactly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fangpinbao._typing import BoolArray, Float64Array, Int64Array, Uint8Array, Uint64Array
from fangpinbao.core.streams import decision_key, uniforms_for
from fangpinbao.errors import InputError, Problem
from fangpinbao.population import Population, stable_keys
from fangpinbao.scenario import models
from fangpinbao.scenario.vocabulary import ADULT_AGE, CLASSES, MEMBERS_OF_A_HOUSEHOLD, STAGES

__all__ = ["SCHOOL_AGES", "synthesise"]

HOUSEHOLDS_OF_A_CLASS = 100_000_000  # household id = (class number) * this + its number, from 1

SCHOOL_AGES: Mapping[str, range] = {
    "preschool": range(3, 6),
    "primary": range(6, 12),
    "junior": range(12, 15),
    "senior_general": range(15, 18),
    "senior_vocational": range(15, 18),
    "higher": range(18, 22),
}


def synthesise(model: models.Population) -> Population:
    """Return the population that a scenario's margins describe.

    Without classes it is a textbook population: one-person households of class "general", men of 40,
    enrolled, without income. Raises ``InputError`` where the scenario has no households.
    """
    if model.persons is None:
        reason = (
            "is missing: this scenario has no households, only catastrophe contracts. Use fangpinbao run."
        )
        raise InputError("the scenario", [Problem("population", reason)])
    draws = _Draws(model.seed)
    shares = model.shares_at_school()
    tags = tag_names(model)
    if model.classes:
        counts = _persons_by_class(model)
        parts = [
            _people_of_class(CLASSES.index(name), model.classes[name], counts[name], shares, tags, draws)
            for name in CLASSES
            if name in model.classes and counts[name]
        ]
    else:
        parts = [_like_persons(model.persons)]
    persons, households, household_of = _joined(parts)
    names = model.townships
    if isinstance(names, int):
        names = ["all"] if names == 1 else [f"township_{number}" for number in range(1, names + 1)]
    weights = np.array(model.township_shares or [1.0] * len(names))
    keys = stable_keys(_column(households, "household_id"), "household")
    households["township_of"] = _place(draws.of("township", keys), weights)
    return Population.from_columns(
        persons, household_of=household_of, households=households, township_names=names, tag_names=tags
    )


_Columns = dict[str, NDArray[Any]]
_OptionalColumns = dict[str, NDArray[Any] | None]


class _Draws:
    """Uniforms in (0, 1) of the decisions of one synthesis."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def of(self, decision: str, keys: Uint64Array) -> Float64Array:
        return uniforms_for(decision_key(self.seed, f"population.{decision}"), keys)


def _people_of_class(
    code: int,
    margins: models.ClassMargins,
    count: int,
    school_shares: Mapping[str, float],
    tags: Sequence[str],
    draws: _Draws,
) -> tuple[_Columns, _OptionalColumns, Int64Array]:
    """Return persons, households and each person's household for the ``count`` persons of one class."""
    household_id, sizes = _households(code, margins, count, draws)
    household_of = np.repeat(np.arange(sizes.size), sizes)
    member = np.arange(count) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    person_id = household_id[household_of] * MEMBERS_OF_A_HOUSEHOLD + member + 1
    keys = stable_keys(person_id, "person")
    ages = _ages(margins, member == 0, draws.of("age", keys))
    persons: _Columns = {
        "person_id": person_id,
        "age": ages,
        "female": draws.of("sex", keys) < margins.female_share,
        "schooling": _stages(ages, school_shares, draws.of("schooling", keys)),
        "enrolled": draws.of("enrolled", keys) < margins.enrolled,
    }
    keys = stable_keys(household_id, "household")
    if tags:
        persons["tags"] = _tags(margins, tags, member == 0, household_of, keys, draws)
    income_draws = draws.of("income", keys)
    guarantee = draws.of("guarantee", keys)  # from both ends: nobody is in dibao and tekun at once
    incomes = _incomes(margins, income_draws)
    spending, assets = margins.consumption_per_head, margins.assets
    households: _OptionalColumns = {
        "household_id": household_id,
        "household_class": np.full(sizes.size, code),
        "lifted_out": draws.of("lifted_out", keys) < margins.lifted_out,
        "tekun": guarantee < margins.tekun,
        "dibao": 1.0 - guarantee < margins.dibao,
        "income_per_head": incomes,
        "consumption_per_head": (
            incomes if spending is None else _to_fen(spending.core().quantile_from_survival(income_draws))
        ),
        "assets": (
            None
            if assets is None
            else _to_fen(assets.core().quantile_from_survival(draws.of("assets", keys)))
        ),
    }
    return persons, households, household_of


def tag_names(model: models.Population) -> tuple[str, ...]:
    """Return the tags that some class of the margins bears, sorted."""
    named = (name for margins in model.classes.values() for name in (*margins.tags, *margins.holder_tags))
    return tuple(sorted(set(named)))


def _tags(
    margins: models.ClassMargins,
    names: Sequence[str],
    leads: BoolArray,
    household_of: Int64Array,
    keys: Uint64Array,
    draws: _Draws,
) -> Uint64Array:
    """Return each person's tags as bits: one draw a household and tag, for all members or the first."""
    bits = np.zeros(leads.size, dtype=np.uint64)
    for k, name in enumerate(names):
        drawn = draws.of(f"tag.{name}", keys)
        for share, bearers in ((margins.tags.get(name), None), (margins.holder_tags.get(name), leads)):
            if share is not None:
                bears = (drawn < share)[household_of]
                bits[bears if bearers is None else bears & bearers] |= np.uint64(1 << k)
    return bits


def _households(
    code: int, margins: models.ClassMargins, count: int, draws: _Draws
) -> tuple[Int64Array, Int64Array]:
    """Return ids and sizes of the households that hold ``count`` persons; the last one is cut to fit."""
    frequencies = np.array(margins.household_size)
    mean_size = float(np.sum(frequencies * np.arange(1, frequencies.size + 1)) / frequencies.sum())
    batch = int(1.02 * count / mean_size) + 100
    while True:
        household_id = (code + 1) * HOUSEHOLDS_OF_A_CLASS + np.arange(1, batch + 1, dtype=np.int64)
        sizes = 1 + _place(draws.of("size", stable_keys(household_id, "household")), frequencies)
        total = np.cumsum(sizes)
        if total[-1] >= count:
            break
        batch *= 2
    needed = int(np.searchsorted(total, count)) + 1
    sizes = sizes[:needed]
    sizes[-1] -= total[needed - 1] - count
    return household_id[:needed], sizes


def _ages(margins: models.ClassMargins, leads: BoolArray, uniforms: Float64Array) -> Int64Array:
    """Return ages: the first member of a household is an adult, the others make up for it.

    With children a share ``q`` of the margin and first members a share ``a = 1 / mean size`` of persons, the
    others are children with probability ``q / (1 - a)``; within children and within adults ages keep the
    margin's proportions. So the margin is met, unless ``q > 1 - a``: then every other member is a child.
    """
    by_age = _age_shares(margins)
    children, adults = by_age.copy(), by_age.copy()
    children[ADULT_AGE:], adults[:ADULT_AGE] = 0.0, 0.0
    frequencies = np.array(margins.household_size)
    lead_share = frequencies.sum() / np.sum(frequencies * np.arange(1, frequencies.size + 1))
    child_share, adult_share = children.sum(), adults.sum()
    others = adults / adult_share
    if child_share > 0:
        weight = min(child_share / (1.0 - lead_share), 1.0) if lead_share < 1.0 else 0.0
        others = (1.0 - weight) * others + weight * children / child_share
    return np.where(leads, _place(uniforms, adults), _place(uniforms, others))


def _age_shares(margins: models.ClassMargins) -> Float64Array:
    """Return the share of persons by year of age: bands with their shares, uniform within a band."""
    starts = np.array(margins.age.from_)
    widths = np.diff(np.append(starts, margins.age_end))
    weights = np.array(margins.age.values)
    by_age: Float64Array = np.repeat(weights / widths, widths)
    by_age /= by_age.sum()
    return by_age


def _stages(ages: Int64Array, shares: Mapping[str, float], uniforms: Float64Array) -> Uint8Array:
    """Return the stage of schooling by age: the stages of an age split [0, 1) in their listed order."""
    stages = np.zeros(ages.size, dtype=np.uint8)
    upper = np.zeros(max(years.stop for years in SCHOOL_AGES.values()) + 1)
    capped = np.minimum(ages, upper.size - 1)
    for stage, years in SCHOOL_AGES.items():
        lower = upper.copy()
        upper[years.start : years.stop] += shares[stage]
        attends = (uniforms >= lower[capped]) & (uniforms < upper[capped])
        stages[attends] = STAGES.index(stage)
    return stages


def _incomes(margins: models.ClassMargins, uniforms: Float64Array) -> Float64Array:
    """Return incomes per head in yuan, whole fen, of the class's law within its bounds."""
    law = margins.income_per_head.core()
    above_low, above_high = margins.income_survival()
    incomes = _to_fen(law.quantile_from_survival(above_high + uniforms * (above_low - above_high)))
    return np.clip(incomes, margins.income_from, margins.income_to)


def _to_fen(yuan: Float64Array) -> Float64Array:
    return np.round(yuan, 2)


def _place(uniforms: Float64Array, weights: Float64Array) -> Int64Array:
    """Return the index of the weight each uniform falls on."""
    ends = np.cumsum(weights)
    last = int(np.flatnonzero(weights)[-1])
    return np.minimum(np.searchsorted(ends / ends[-1], uniforms, side="right"), last)


def _persons_by_class(model: models.Population) -> dict[str, int]:
    """Return whole persons by class: shares of the total by largest remainder, ties in listed order."""
    assert model.persons is not None
    names = [name for name in CLASSES if name in model.classes]
    exact = np.array([model.classes[name].share for name in names])
    exact = exact / exact.sum() * model.persons
    counts = np.floor(exact + 1e-9).astype(np.int64)
    order = np.argsort(-(exact - counts), kind="stable")
    counts[order[: model.persons - int(counts.sum())]] += 1
    return dict(zip(names, counts.tolist(), strict=True))


def _like_persons(count: int) -> tuple[_Columns, _OptionalColumns, Int64Array]:
    """Return the persons of a textbook problem."""
    code = CLASSES.index("general")
    household_id = (code + 1) * HOUSEHOLDS_OF_A_CLASS + np.arange(1, count + 1, dtype=np.int64)
    none, nothing = np.zeros(count, dtype=np.bool_), np.zeros(count)
    persons = {
        "person_id": household_id * MEMBERS_OF_A_HOUSEHOLD + 1,
        "age": np.full(count, 40),
        "female": none,
        "schooling": np.full(count, STAGES.index("none")),
        "enrolled": ~none,
    }
    households: _OptionalColumns = {
        "household_id": household_id,
        "household_class": np.full(count, code),
        "lifted_out": none,
        "dibao": none,
        "tekun": none,
        "income_per_head": nothing,
        "consumption_per_head": nothing,
        "assets": None,
    }
    return persons, households, np.arange(count)


def _joined(
    parts: list[tuple[_Columns, _OptionalColumns, Int64Array]],
) -> tuple[_Columns, _OptionalColumns, Int64Array]:
    """Return the classes' columns one after the other."""
    persons = {name: np.concatenate([part[0][name] for part in parts]) for name in parts[0][0]}
    households: _OptionalColumns = {
        name: None if values is None else np.concatenate([_column(part[1], name) for part in parts])
        for name, values in parts[0][1].items()
    }
    counts = [_column(part[1], "household_id").size for part in parts]
    starts = np.cumsum(counts) - counts
    household_of = np.concatenate([part[2] + start for part, start in zip(parts, starts, strict=True)])
    return persons, households, household_of


def _column(columns: _OptionalColumns, name: str) -> NDArray[Any]:
    values = columns[name]
    assert values is not None, name
    return values
