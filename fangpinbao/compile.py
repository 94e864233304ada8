"""Turns a scenario and a population into the arrays of the engine: the only place where names become indices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fangpinbao._typing import BoolArray, Float64Array, Int64Array
from fangpinbao.compile_detection import Cases
from fangpinbao.compile_relief import ReliefRow
from fangpinbao.compile_steps import compile_steps
from fangpinbao.compiled import (
    FEN,
    Components,
    Node,
    People,
    StackTree,
    account_table,
    eligible,
)
from fangpinbao.core import layout as at
from fangpinbao.core.streams import GOLDEN, decision_key, survival_of, words_for
from fangpinbao.core.structures import Stacks
from fangpinbao.population import Population
from fangpinbao.scenario import Scenario
from fangpinbao.scenario.vocabulary import CLASSES, STAGES, Account

__all__ = ["Compiled", "compile_scenario"]


@dataclass(frozen=True)
class Compiled:
    """A scenario ready to run: arrays for the kernels and the names behind their indices."""

    scenario: Scenario
    population: Population
    people: People
    stacks: Stacks
    tree: StackTree
    accounts: tuple[str, ...]
    groups: tuple[str, ...]
    insured: Int64Array
    """[p, g] insured persons."""
    persons: Int64Array
    """[g] persons; ``households`` and ``certain`` [a, g] (fen a year) likewise."""
    households: Int64Array
    certain: Int64Array
    relief: tuple[ReliefRow, ...]
    """Rows of the sums by step that belong to relief of programmes; ``relief_by_chance`` says which change by year."""
    relief_by_chance: BoolArray
    cases: Cases
    seed: int


def compile_scenario(scenario: Scenario, population: Population, seed: int) -> Compiled:
    """Compile; raises nothing of its own for a validated scenario."""
    accounts = account_table(scenario)
    tree = StackTree.of(scenario)
    level = np.array([_level(node, accounts) for node in tree.nodes] or [0], dtype=np.int64)
    components = Components.of(accounts, tree)
    cases = Cases.of(scenario)
    stacks, choice_person, choice_household, relief, tests = compile_steps(
        scenario, population, accounts, tree, components, level, cases
    )
    classes = sorted(set(population.household_class.tolist()))
    group_of_class = np.zeros(len(CLASSES), dtype=np.int64)
    group_of_class[classes] = np.arange(len(classes))
    group = group_of_class[population.household_class]
    people, certain = _people(scenario, population, accounts, components, group, len(classes))
    insured = np.zeros((len(tree.programmes), len(classes)), dtype=np.int64)
    group_of_person = group[population.household_of]
    for p, name in enumerate(tree.programmes[1:], start=1):
        fit = eligible(population, [scenario.programmes[name].insured], households=False)
        insured[p] = np.bincount(group_of_person[fit], minlength=len(classes))
    people = replace(
        people,
        own_premium=_own_premium(scenario, population, tree),
        standing=cases.standing(scenario, population, tests),
        choice_person=choice_person,
        choice_household=choice_household,
        relief_due=relief.due,
    )
    return Compiled(
        scenario=scenario,
        population=population,
        people=people,
        stacks=stacks,
        tree=tree,
        accounts=tuple(accounts),
        groups=tuple(CLASSES[k] for k in classes),
        insured=insured,
        persons=np.bincount(group_of_person, minlength=len(classes)),
        households=np.bincount(group, minlength=len(classes)),
        certain=certain,
        relief=relief.rows,
        relief_by_chance=relief.by_chance,
        cases=cases,
        seed=seed,
    )


def _level(node: Node, accounts: dict[str, Account]) -> int:
    levels = {accounts[name].level for name in node.step.accounts if name in accounts}
    return 1 if node.step.unit == "household_year" or "household" in levels else 0


def _fen(yuan: ArrayLike) -> Int64Array:
    fen: Int64Array = np.floor(np.asarray(yuan, dtype=np.float64) * FEN + 0.500001).astype(np.int64)
    return fen


def _people(
    scenario: Scenario,
    population: Population,
    accounts: dict[str, Account],
    components: Components,
    group: Int64Array,
    n_groups: int,
) -> tuple[People, Int64Array]:
    size = population.household_size.astype(np.int64)
    lines, n_households = scenario.lines, population.households
    line = np.zeros((2, n_households), dtype=np.int64)
    start = _fen(population.income_per_head * size)
    catastrophic = np.full(n_households, np.iinfo(np.int64).max // 4)
    if lines is not None:
        line[0], line[1] = _fen(lines.poverty_line * size), _fen(lines.monitoring_line * size)
        if lines.resource == "assets":
            assert population.assets is not None
            start = _fen(population.assets)
        share = lines.catastrophic_share
        capacity = population.consumption_per_head * size * (1 - lines.food_share)
        catastrophic = np.maximum(_fen(capacity * share / (1 - share)), 1)
    standard, rate = np.zeros(n_households, dtype=np.int64), np.zeros(n_households)
    open_to = np.ones(n_households, dtype=np.bool_)
    for relief in scenario.relief.values():
        assert lines is not None
        fit = eligible(population, [relief.where], households=True) & open_to
        per_head = relief.standard if relief.standard is not None else lines.dibao_standard or 0.0
        standard[fit] = _fen(per_head * size[fit])
        rate[fit] = relief.take_up * relief.paid_within_year
        open_to &= ~fit
    household = np.zeros((at.HOUSEHOLD_WIDTH, n_households), dtype=np.int64)
    household[at.SIZE], household[at.INCOME_START] = size, start
    household[at.LINE : at.LINE + 2] = line
    household[at.LIFTED_OUT], household[at.CATASTROPHIC_FROM] = population.lifted_out, catastrophic
    household[at.RELIEF_STANDARD] = standard
    household[at.INCOME_TESTED] = _fen(population.income_per_head * size)
    base, has_base, household_base, certain = _certain(
        scenario, population, accounts, components, group, n_groups
    )
    with np.errstate(over="ignore"):
        people = People(
            household_start=np.ascontiguousarray(population.household_start, dtype=np.int64),
            household_of=np.ascontiguousarray(population.household_of, dtype=np.int32),
            person_word=population.person_key * GOLDEN,
            person_key=np.array(population.person_key),
            household_word=population.household_key * GOLDEN,
            household=household,
            group=group,
            relief_rate=rate,
            own_premium=np.zeros((1, n_households), dtype=np.int64),
            relief_due=np.zeros((2, 0, n_households), dtype=np.int64),
            standing=np.zeros((0, 0), dtype=np.uint8),
            base=base,
            has_base=has_base,
            household_base=household_base,
            choice_person=np.zeros((1, 0), dtype=np.uint8),
            choice_household=np.zeros((1, 0), dtype=np.uint8),
        )
    return people, certain


def _own_premium(scenario: Scenario, population: Population, tree: StackTree) -> Int64Array:
    own = np.zeros((len(tree.programmes), population.households), dtype=np.int64)
    for p, name in enumerate(tree.programmes[1:], start=1):
        programme = scenario.programmes[name]
        each = (programme.premium_per_insured or 0.0) * programme.household_share
        if each > 0:
            fit = eligible(population, [programme.insured], households=False)
            heads = np.bincount(population.household_of[fit], minlength=population.households)
            own[p] = _fen(each * heads)
    return own


def _certain(
    scenario: Scenario,
    population: Population,
    accounts: dict[str, Account],
    components: Components,
    group: Int64Array,
    n_groups: int,
) -> tuple[Float64Array, BoolArray, Float64Array, Int64Array]:
    """Certain costs by component and their sums by account and group."""
    names = list(accounts)
    n_components = len(components.kinds)
    person = np.zeros((n_components, population.persons))
    household = np.zeros((n_components, population.households))
    sums = np.zeros((len(names), n_groups), dtype=np.int64)
    for name, cost in scenario.certain_costs.items():
        a = names.index(cost.account)
        of_household = accounts[cost.account].level == "household"
        fit = eligible(population, [cost.where], households=of_household)
        keys = population.household_key if of_household else population.person_key
        if cost.by_schooling is not None:
            by_name: Mapping[Any, float] = cost.by_schooling
            by_stage = np.array([by_name.get(stage, 0.0) for stage in STAGES])
            amounts = by_stage[population.schooling]
            if of_household:
                amounts = np.bincount(
                    population.household_of, weights=amounts, minlength=population.households
                )
        else:
            assert cost.amount is not None
            key = decision_key(scenario.population.seed, f"certain/{name}")
            amounts = cost.amount.core().quantile_from_survival(survival_of(words_for(key, keys)))
        fen = np.where(fit, _fen(amounts), 0)
        scope = np.floor(fen * cost.in_scope_share + 0.500001)
        target = household if of_household else person
        target[components.inside[a]] += scope
        target[components.outside[a]] += fen - scope
        groups = group if of_household else group[population.household_of]
        for g in range(n_groups):
            sums[a, g] += int(fen[groups == g].sum())
    has_base: BoolArray = np.asarray(person.any(axis=0))
    empty = np.zeros((n_components, 0))
    return (
        person if has_base.any() else empty,
        has_base,
        household if household.any() else empty,
        sums,
    )
