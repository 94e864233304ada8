"""Turns the relief that programmes pay into tables: entries, what each household is due at most, periods, loans."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, Literal

import numpy as np

from fangpinbao._typing import BoolArray, Float64Array, Int64Array
from fangpinbao.attributes import persons_with
from fangpinbao.compiled import FEN, eligible
from fangpinbao.core import layout as at
from fangpinbao.core.schedule import exact
from fangpinbao.population import Population
from fangpinbao.scenario import Scenario
from fangpinbao.scenario.relief import Period, ReliefEntry
from fangpinbao.scenario.terms import Filter, IncomeTest, SpendingTest

__all__ = ["Part", "ReliefRow", "ReliefTables", "compile_relief", "phase_shares"]

Part = Literal["paid", "late", "repaid"]
GateOf = Callable[[IncomeTest | None, SpendingTest | None, float], int]
_BASES: Final = ("gap", "borne", "heads")
_ONS: Final = ("income", "income_minus_rigid", "resources")
_TWO_32: Final = 1 << 32
_LEAST: Final = 1e-12  # a chance below it is none, and is not divided by
_NO_CAP: Final = np.iinfo(np.int64).max // 4


@dataclass(frozen=True)
class ReliefRow:
    """A row of the sums by step that belongs to an entry: what it pays, what of it is late, what comes back."""

    row: int
    programme: str
    entry: str
    part: Part
    table: ReliefEntry


@dataclass(frozen=True)
class ReliefTables:
    """Entries of all programmes, programme by programme, as the kernel takes them.

    Attributes
    ----------
    entries
        [e, RELIEF_WIDTH], see ``fangpinbao.core.layout``; ``terms`` [e, RELIEF_TERMS]; ``phase`` [e, months].
    due
        [2, e, h] what a household is due and the most of the base that counts, fen.
    by_chance
        [rows] of the sums whose payments without events change from year to year.
    """

    entries: Int64Array
    terms: Float64Array
    phase: Float64Array
    due: Int64Array
    rows: tuple[ReliefRow, ...]
    by_chance: BoolArray


def phase_shares(period: Period) -> list[Fraction]:
    """Return the share of a year's relief that a period pays within the year, by the month it begins in.

    The first of ``months + 11`` began ``months - 1`` months before the year, the last begins in December.
    """
    shares = []
    for start in range(1 - period.months, 12):
        inside = range(max(start, 0), min(start + period.months, 12))
        weights = [Fraction(period.months - (month - start), period.months) for month in inside]
        shares.append(sum(weights, Fraction(0)) / 12 if period.falling else Fraction(len(inside), 12))
    return shares


def compile_relief(
    scenario: Scenario, population: Population, first_row: int, gate_of: GateOf
) -> ReliefTables:
    """Compile the entries; their rows of the sums begin at ``first_row``; ``gate_of`` numbers their tests."""
    found = [
        (p, name, entry, table)
        for p, (name, programme) in enumerate(scenario.programmes.items(), start=1)
        for entry, table in programme.relief.items()
    ]
    entries = np.zeros((len(found), at.RELIEF_WIDTH), dtype=np.int64)
    terms = np.zeros((len(found), at.RELIEF_TERMS))
    shares = [phase_shares(table.period) if table.period else [] for *_, table in found]
    phase = np.zeros((len(found), max(map(len, shares), default=0)))
    due = np.zeros((2, len(found), population.households), dtype=np.int64)
    rows: list[ReliefRow] = []
    loans = 0
    for e, (p, name, entry, table) in enumerate(found):
        parts: dict[Part, bool] = {
            "paid": True, "late": table.paid_within_year < 1, "repaid": table.loan is not None
        }  # fmt: skip
        row_of = {part: -1 for part in parts}
        for part in (part for part, given in parts.items() if given):
            row_of[part] = first_row + len(rows)
            rows.append(ReliefRow(row_of[part], name, entry, part, table))
        entries[e, at.RELIEF_PROGRAMME] = p
        columns = (at.RELIEF_ROW, at.RELIEF_LATE_ROW, at.RELIEF_REPAID_ROW)
        entries[e, columns] = [row_of["paid"], row_of["late"], row_of["repaid"]]
        entries[e, at.RELIEF_BASE] = _BASES.index(table.base)
        entries[e, at.RELIEF_ON] = _ONS.index(table.on or "income_minus_rigid")
        entries[e, at.RELIEF_COUNTS] = table.benefits_count
        entries[e, at.RELIEF_GATE] = gate_of(table.income_test, table.spending_test, 1.0)
        entries[e, at.RELIEF_PHASES] = len(shares[e])
        entries[e, at.RELIEF_LOAN] = loans if table.loan else -1
        loans += table.loan is not None
        terms[e, at.RELIEF_RATE], terms[e, at.RELIEF_IN_TIME] = table.rate, table.paid_within_year
        terms[e, at.RELIEF_TAKE_UP] = round(table.take_up * _TWO_32)
        if table.period is not None:
            terms[e, at.RELIEF_PHASE] = max(table.period.begun_a_year / 12, _LEAST) * _TWO_32
            terms[e, at.RELIEF_TAKE_UP] *= table.period.begun_a_year > 0
        phase[e, : len(shares[e])] = [float(share) for share in shares[e]]
        due[:, e] = _due(scenario, population, table)
    by_chance = np.array(
        [row.part == "paid" and (row.table.take_up < 1 or row.table.period is not None) for row in rows],
        dtype=np.bool_,
    )
    return ReliefTables(entries, terms, phase, due, tuple(rows), by_chance)


def _due(scenario: Scenario, population: Population, table: ReliefEntry) -> Int64Array:
    """Give [2, h] what each household is due and its cap, fen; a cap of 0 where it cannot be paid."""
    size = population.household_size.astype(np.int64)
    filters = [table.where]
    if table.income_test is not None and table.income_test.moment == "before_year":
        filters.append(Filter(income_per_head_below=table.income_test.per_head_below))
    fit = eligible(population, filters, households=True)
    standard = table.standard
    if standard is None and scenario.lines is not None:
        standard = scenario.lines.dibao_standard
    base = np.zeros_like(size)
    if table.base == "gap":
        base = _times(standard or 0.0, size)
    elif table.base == "heads":
        counted = population.select(table.counted or Filter())
        if table.person_has is not None:
            counted = counted & persons_with(scenario, population, table.person_has)
        heads = np.bincount(population.household_of[counted], minlength=population.households)
        base = _times(standard or 0.0, heads.astype(np.int64), exact(table.months) / 12)
    cap = np.full_like(size, _NO_CAP)
    if table.cap is not None:
        cap = np.minimum(cap, _times(table.cap, np.ones_like(size)))
    if table.cap_per_head is not None:
        cap = np.minimum(cap, _times(table.cap_per_head, size))
    return np.array([base, np.where(fit, cap, 0)])


def _times(yuan: float, heads: Int64Array, share: Fraction = Fraction(1)) -> Int64Array:
    """Return yuan times heads times a share in whole fen, half-up, exactly."""
    each = exact(yuan) * FEN * share
    by_heads = [int(each * count + Fraction(1, 2)) for count in range(int(heads.max(initial=0)) + 1)]
    return np.array(by_heads, dtype=np.int64)[heads]
