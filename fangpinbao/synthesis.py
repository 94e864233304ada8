"""A population made from margins: every attribute is a keyed draw of (seed, decision, household or person).

Household ``k`` of a class has the same members and attributes however many persons are asked for, except the
last household of each class, which is cut so that the class holds its number of persons exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fangpinbao._typing import BoolArray, Float64Array, Int64Array, Uint8Array, Uint64Array
from fangpinbao.core.streams import decision_key, uniforms_for
from fangpinbao.errors import InputError, Problem
from fangpinbao.population import Population, stable_keys
from fangpinbao.scenario import models
from fangpinbao.scenario.vocabulary import CLASSES, STAGES

__all__ = ["SCHOOL_AGES", "SCHOOL_ENROLMENT", "synthesise"]

ADULT_AGE = 18
HOUSEHOLDS_OF_A_CLASS = 100_000_000  # household id = (class number) * this + its number, from 1
MEMBERS_OF_A_HOUSEHOLD = 100  # person id = household id * this + the member's number, from 1

SCHOOL_AGES: Mapping[str, range] = {
    "preschool": range(3, 6),
    "primary": range(6, 12),
    "junior": range(12, 15),
    "senior_general": range(15, 18),
    "senior_vocational": range(15, 18),
    "higher": range(18, 22),
}
# Share at school of those of the ages above (assumed, after national gross ratios of 2020: preschool 0.85,
# senior secondary 0.91, higher 0.54; the last counts students of all ages and falls short in poor counties).
SCHOOL_ENROLMENT: Mapping[str, float] = {
    "preschool": 0.85,
    "primary": 1.0,
    "junior": 1.0,
    "senior_general": 0.55,
    "senior_vocational": 0.36,
    "higher": 0.40,
}


def synthesise(model: models.Population) -> Population:
    """Return the population that a scenario's margins describe.

    Without classes it is a textbook population: one-person households of class "general", men of 40,
    enrolled, without income. Raises ``InputError`` where margins contradict each other.
    """
    if model.persons is None:
        reason = (
            "is missing: this scenario has no households, only catastrophe contracts. Use fangpinbao run."
        )
        raise InputError("the scenario", [Problem("population", reason)])
    _refuse_contradictions(model)
    draws = _Draws(model.seed)
    shares = _school_shares(model)
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
    above_low, above_high = _survival_bounds(margins)
    incomes = _to_fen(law.quantile_from_survival(above_high + uniforms * (above_low - above_high)))
    return np.clip(incomes, margins.income_from, margins.income_to)


def _survival_bounds(margins: models.ClassMargins) -> tuple[float, float]:
    """Return P(X >= income_from) and P(X > income_to)."""
    law = margins.income_per_head.core()
    low, high = margins.income_from, margins.income_to
    above_low = float(law.survival(np.nextafter(low, 0.0))) if low > 0 else 1.0
    return above_low, 0.0 if high is None else float(law.survival(high))


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


def _school_shares(model: models.Population) -> dict[str, float]:
    shares = dict(SCHOOL_ENROLMENT)
    for stage, share in model.school_enrolment.items():
        shares[stage] = share
    return shares


def _refuse_contradictions(model: models.Population) -> None:
    """Refuse margins that no household can meet, all at once."""
    problems: list[Problem] = []

    def refuse(place: str, message: str) -> None:
        problems.append(Problem(f"population.{place}", message))

    shares = _school_shares(model)
    if "none" in model.school_enrolment:
        refuse("school_enrolment.none", "is no stage of schooling: it is who remains. Remove it.")
    seniors = shares["senior_general"] + shares["senior_vocational"]
    if seniors > 1.0 + 1e-12:
        refuse("school_enrolment", f"has senior_general and senior_vocational sum to {seniors:g}. Lower one.")
    with_assets = [name for name, margins in model.classes.items() if margins.assets is not None]
    for name, margins in model.classes.items():
        place = f"classes.{name}"
        if with_assets and margins.assets is None:
            refuse(f"{place}.assets", f"is missing while {with_assets[0]} has it. Give all classes a law.")
        if margins.dibao + margins.tekun > 1.0 + 1e-12:
            total = margins.dibao + margins.tekun
            refuse(place, f"has dibao and tekun, which exclude each other, sum to {total:g}. Lower one.")
        _refuse_sizes_and_ages(place, margins, refuse)
        low, high = margins.income_from, margins.income_to
        if high is not None and high < low:
            refuse(f"{place}.income_to", f"= {high:g} lies below income_from ({low:g}). Swap them.")
        else:
            above_low, above_high = _survival_bounds(margins)
            if above_low - above_high <= 1e-12:
                refuse(
                    f"{place}.income_per_head", "never falls between income_from and income_to. Widen them."
                )
    if problems:
        raise InputError("the scenario", problems)


def _refuse_sizes_and_ages(
    place: str, margins: models.ClassMargins, refuse: Callable[[str, str], None]
) -> None:
    sizes, ages = margins.household_size, margins.age
    if not any(sizes) or len(sizes) >= MEMBERS_OF_A_HOUSEHOLD:
        most = MEMBERS_OF_A_HOUSEHOLD - 1
        refuse(
            f"{place}.household_size",
            f"= {sizes} must hold a positive number for a size of at most {most}. Correct it.",
        )
    if margins.age_end <= ages.from_[-1]:
        refuse(
            f"{place}.age_end",
            f"= {margins.age_end} must lie above the last band ({ages.from_[-1]}). Raise it.",
        )
    elif not any(_ends_above(margins)):
        refuse(
            f"{place}.age",
            f"leaves no adult ({ADULT_AGE} or older) to lead a household. Add a band with adults.",
        )


def _ends_above(margins: models.ClassMargins) -> list[bool]:
    """Return for each age band whether it holds adults."""
    ends = [*margins.age.from_[1:], margins.age_end]
    return [end > ADULT_AGE and value > 0 for end, value in zip(ends, margins.age.values, strict=True)]
