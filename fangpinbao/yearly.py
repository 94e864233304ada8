"""Values of a measure by simulated year, or by batch of years and household class.

A measure here is a signed sum of columns of the outcomes and of payments of steps, so its sums over years,
batches and classes are integers, and the difference of two programmes is again such a sum.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from fangpinbao import estimators
from fangpinbao._typing import Float64Array, Int64Array
from fangpinbao.columns import CAUSES, FIXED_POINT, LINE_COLUMNS
from fangpinbao.estimators import Estimate, Years
from fangpinbao.measures import MEASURES
from fangpinbao.outcomes import Outcomes
from fangpinbao.scenario.terms import PayerKind
from fangpinbao.scenario.vocabulary import LINES

__all__ = [
    "LINE_MEASURES",
    "OF_OWN_RELIEF",
    "OF_PAYOUT",
    "YEAR_MEASURES",
    "agreed_premium",
    "cause_by_batch",
    "chosen",
    "class_mean",
    "class_ratio",
    "gross_premium",
    "has_own_relief",
    "insured",
    "insurer_payout",
    "is_rules",
    "lines_of",
    "mean",
    "of_batches",
    "payer_kind",
    "public_cost",
    "steps_of",
    "values",
]

StepKind = Literal["insurance", "public", "paid", "late", "repaid"]
"""Coverages, public layers, or what relief of programmes pays, pays late, gets back."""
NOTE_POOR = "relief may lift households that are already poor, and this run did not count the poor"
_FEN = 0.01
_FALL = {
    "households_poor": "households_net_prevented",
    "persons_poor": "persons_net_prevented",
    "fgt0": "persons_net_prevented",
}


@dataclass(frozen=True)
class _Sum:
    """A signed sum of columns and steps; ``against_none`` 1 takes off "none", -1 takes it off from "none"."""

    columns: tuple[tuple[int, str], ...] = ()
    steps: StepKind | None = None
    counts: bool = False
    against_none: Literal[-1, 0, 1] = 0


def _one(name: str, against_none: Literal[-1, 0, 1] = 0) -> _Sum:
    return _Sum(((1, name),), against_none=against_none)


_CLASSES = ("already_poor", "lifted", "never_at_risk", "induced", "prevented_return", "prevented_entry",
            "still_poor", "relieved")  # fmt: skip

OF_PAYOUT = frozenset(
    ("payout", "claims", "households_paid", "late_payment", "fixed_sums", "own_premium", "payout_above_line",
     "households_relieved", "persons_relieved", "households_prevented_without_fixed_sums",
     "households_prevented_by_fixed_sums",
     *(f"payout_use_{use}" for use in ("prevented", "lifted", "already_poor", "still_poor", "never_at_risk")))
)  # fmt: skip
"""Measures of what an insurer pays: public rules have none."""

OF_OWN_RELIEF = frozenset(("own_relief", "own_relief_payments", "own_relief_late", "loans_repaid"))
"""Measures of relief that programmes pay themselves."""

YEAR_MEASURES: dict[str, _Sum] = {
    "payout": _one("payout_fen"),
    "claims": _Sum(steps="insurance", counts=True),
    "households_paid": _one("households_paid"),
    "late_payment": _one("late_fen"),
    "fixed_sums": _one("fixed_sum_fen"),
    "own_premium": _one("own_premium_fen"),
    "public_layers": _Sum(steps="public"),
    "public_layers_change": _Sum(steps="public", against_none=1),
    "relief": _one("relief_fen"),
    "relief_change": _one("relief_fen", against_none=1),
    "own_relief": _Sum(steps="paid"),
    "own_relief_payments": _Sum(steps="paid", counts=True),
    "own_relief_late": _Sum(steps="late"),
    "loans_repaid": _Sum(steps="repaid"),
    "households_catastrophic": _one("households_catastrophic"),
    "households_catastrophic_avoided": _one("households_catastrophic", against_none=-1),
}


def _line_measures() -> dict[str, _Sum]:
    found: dict[str, _Sum] = {}
    for unit in ("households", "persons"):
        for name in _CLASSES:
            found[f"{unit}_{name}"] = _one(f"{unit}_{name}")
        both = ((1, f"{unit}_prevented_return"), (1, f"{unit}_prevented_entry"))
        found[f"{unit}_prevented"] = _Sum(both)
        found[f"{unit}_net_prevented"] = _Sum((*both, (1, f"{unit}_lifted"), (-1, f"{unit}_induced")))
        found[f"{unit}_poor"] = _one(f"{unit}_poor")
    found["households_prevented_without_fixed_sums"] = _one("households_prevented_without_fixed_sums")
    found["households_prevented_by_fixed_sums"] = _Sum(
        (*found["households_prevented"].columns, (-1, "households_prevented_without_fixed_sums"))
    )
    for use in ("prevented", "lifted", "already_poor", "still_poor", "never_at_risk"):
        found[f"payout_use_{use}"] = _one(f"payout_use_{use}_fen")
    found["payout_above_line"] = _one("payout_above_line_fen")
    found["poverty_gap"] = _one("gap_fen")
    found["gap_closed"] = _one("gap_fen", against_none=-1)
    found["fgt0"] = found["persons_poor"]
    found["fgt0_reduction"] = found["persons_net_prevented"]
    for k in (1, 2):
        found[f"fgt{k}"] = _one(f"fgt{k}_fp")
        found[f"fgt{k}_reduction"] = _one(f"fgt{k}_fp", against_none=-1)
    return found


LINE_MEASURES = _line_measures()


def chosen(outcomes: Outcomes, programme: str | None) -> tuple[str, ...]:
    """Return the programme asked for, or all of them; refuses an unknown name."""
    if programme is None:
        return outcomes.programmes
    outcomes.index(programme)
    return (programme,)


def is_rules(outcomes: Outcomes, programme: str) -> bool:
    """Return whether a programme is a set of public rules: it has no insurer, payout or premium."""
    programmes = outcomes.scenario.programmes
    return programme in programmes and programmes[programme].kind == "rules"


def has_own_relief(outcomes: Outcomes, programme: str | None = None) -> bool:
    """Return whether a programme (absent: any) pays relief of its own."""
    return any(programme in (None, row.programme) for row in outcomes.compiled.relief)


def payer_kind(outcomes: Outcomes, s: int) -> PayerKind:
    """Return the kind of the payer of a step."""
    return outcomes.compiled.tree.nodes[s].payer_kind


def steps_of(outcomes: Outcomes, programme: str, kind: StepKind) -> list[int]:
    """Return the rows of the sums of the coverages, the public layers or the relief of a programme.

    Public rules have no coverages; those of their steps that a public payer pays are public layers.
    """
    if kind in ("paid", "late", "repaid"):
        rows = outcomes.compiled.relief
        return [row.row for row in rows if row.programme == programme and row.part == kind]
    payer = "insurer" if kind == "insurance" else "public"
    return [s for s in outcomes.stack(programme) if payer_kind(outcomes, s) == payer]


def insured(outcomes: Outcomes, programme: str) -> Int64Array:
    """Return insured persons [classes]."""
    heads: Int64Array = outcomes.compiled.insured[outcomes.index(programme)]
    return heads


def _poor(outcomes: Outcomes, name: str) -> tuple[tuple[int, str], ...] | None:
    """Return the columns that sum to the poor: None where relief may have lifted some of the already poor.

    Without relief nobody already poor is above the line before the programme pays.
    """
    if name in LINE_COLUMNS:
        return ((1, name),)
    if outcomes.scenario.relief:
        return None
    unit = name.split("_")[0]
    parts = ((1, "already_poor"), (-1, "lifted"), (1, "still_poor"), (1, "induced"))
    return tuple((sign, f"{unit}_{part}") for sign, part in parts)


def _definition(outcomes: Outcomes, measure: str, line: str | None) -> _Sum | None:
    if line is None:
        return YEAR_MEASURES[measure]
    definition = LINE_MEASURES[measure]
    ((_, first), *_) = definition.columns
    if not first.endswith("_poor") or first.endswith(("already_poor", "still_poor")):
        return definition
    columns = _poor(outcomes, first)
    return None if columns is None else replace(definition, columns=columns)


def values(outcomes: Outcomes, programme: str, measure: str, line: str | None = None) -> Int64Array | None:
    """Return [years] of a measure: fen, counts or fixed point; None where the outcomes do not hold it."""
    definition = _definition(outcomes, measure, line)
    if definition is None:
        return None

    def of(name: str) -> Int64Array:
        total = np.zeros(outcomes.n_years, dtype=np.int64)
        for sign, column in definition.columns:
            total += sign * outcomes.column(name, column, line)
        if definition.steps is not None:
            source = outcomes.sums.step_claims if definition.counts else outcomes.sums.step_paid
            total += source[:, steps_of(outcomes, name, definition.steps)].sum(axis=1)
        return total

    if definition.against_none == 0:
        return of(programme)
    return definition.against_none * (of(programme) - of("none"))


def _batches(outcomes: Outcomes, programme: str, measure: str, line: str | None) -> Int64Array | None:
    """Return [batches, classes] of a measure."""
    definition = _definition(outcomes, measure, line)
    if definition is None:
        return None

    def of(name: str) -> Int64Array:
        shape = (len(outcomes.batch_years), len(outcomes.groups))
        total = np.zeros(shape, dtype=np.int64)
        for sign, column in definition.columns:
            total += sign * outcomes.batches(name, column, line)
        if definition.steps is not None:
            steps = steps_of(outcomes, name, definition.steps)
            total += outcomes.sums.batch_step[..., int(definition.counts)][:, steps].sum(axis=1)
        return total

    if definition.against_none == 0:
        return of(programme)
    return definition.against_none * (of(programme) - of("none"))


def _scale(measure: str, persons: int) -> float:
    """Return the factor from the integers to the measure's unit."""
    if measure.startswith("fgt"):
        return 1.0 / persons if measure.startswith("fgt0") else 1.0 / (FIXED_POINT * persons)
    return _FEN if MEASURES[measure].unit == "yuan" else 1.0


def mean(
    outcomes: Outcomes, programme: str, measure: str, line: str | None = None, minus: str | None = None
) -> Estimate:
    """Return the mean of a measure, or of its paired difference to the programme ``minus``.

    Where the poor were not counted, the difference of two headcounts is still known: the net prevented.
    """
    unit = MEASURES[measure].unit
    series = values(outcomes, programme, measure, line)
    if minus is not None:
        sign, name = (1, measure) if series is not None else (-1, _FALL[measure])
        first, second = (values(outcomes, p, name, line) for p in (programme, minus))
        assert first is not None
        assert second is not None
        series = sign * (first - second)
    if series is None:
        return Estimate(None, None, None, None, unit, outcomes.n_years, note=NOTE_POOR)
    estimate = estimators.mean(series, outcomes.years, unit)
    return estimate.scaled(_scale(measure, int(outcomes.compiled.persons.sum())), unit)


def of_batches(outcomes: Outcomes, sums: Int64Array, unit: str) -> Estimate:
    """Return the mean per year of integer batch sums; the same in every year has the error 0."""
    batch_years = outcomes.batch_years
    estimate = estimators.from_batches(sums, batch_years, unit, **outcomes.batch_design)
    if (sums * batch_years[0] == sums[0] * batch_years).all() and estimate.standard_error is not None:
        value = estimate.value
        return replace(estimate, standard_error=0.0, lower=value, upper=value)
    return estimate


def class_mean(
    outcomes: Outcomes, programme: str, measure: str, line: str | None = None
) -> dict[str, Estimate]:
    """Return the mean of a measure for each household class; empty where the outcomes do not hold it."""
    sums = _batches(outcomes, programme, measure, line)
    if sums is None:
        return {}
    found = {}
    for g, group in enumerate(outcomes.groups):
        unit = MEASURES[measure].unit
        estimate = of_batches(outcomes, sums[:, g], unit)
        found[group] = estimate.scaled(_scale(measure, int(outcomes.compiled.persons[g])), unit)
    return found


def class_ratio(outcomes: Outcomes, programme: str, above: str, below: str, unit: str) -> dict[str, Estimate]:
    """Return the ratio of two means for each household class (payout in yuan over claims, say)."""
    over, under = _batches(outcomes, programme, above, None), _batches(outcomes, programme, below, None)
    assert over is not None
    assert under is not None
    batches, scale = _as_years(outcomes)
    found = {}
    for g, group in enumerate(outcomes.groups):
        pair = over[:, g] * scale, under[:, g] * scale
        estimate = estimators.ratio(*pair, batches, unit).scaled(_scale(above, 1), unit)
        found[group] = replace(estimate, years=outcomes.n_years)
    return found


def _as_years(outcomes: Outcomes) -> tuple[Years, Float64Array | int]:
    """Return batches as if each were a year, and the factor of their sums that keeps means those of years."""
    design, sizes = outcomes.batch_design, outcomes.batch_years
    if not design:
        return Years.equal(len(sizes)), 1
    stratum, weights = design["stratum"], design["weights"]
    per_stratum = [np.bincount(stratum, values)[stratum] for values in (weights, sizes, np.ones(len(sizes)))]
    probability, years, batches = per_stratum
    return Years(stratum, probability / batches), batches / years


def cause_by_batch(outcomes: Outcomes, programme: str, line: str) -> dict[str, Int64Array]:
    """Return prevented households [batches] by cause."""
    return {c: outcomes.batches(programme, f"households_prevented_{c}", line).sum(axis=1) for c in CAUSES}


def insurer_payout(outcomes: Outcomes, programme: str) -> Int64Array:
    """Return the payout [years], fen, less what government tops up."""
    payout: Int64Array = outcomes.column(programme, "payout_fen")
    return payout if programme == "none" else payout - outcomes.surplus_over_limit(programme)


def agreed_premium(outcomes: Outcomes, programme: str) -> float | None:
    """Return the agreed premium of all insured, fen a year; None where none is agreed."""
    if programme == "none":
        return None
    each = outcomes.scenario.programmes[programme].premium_per_insured
    return None if each is None else each * 100.0 * float(insured(outcomes, programme).sum())


def gross_premium(outcomes: Outcomes, programme: str) -> Float64Array | None:
    """Return [years], fen, whose mean is the gross premium and whose error of the mean is its error.

    (mean + k sd) / (1 - e): the standard deviation enters by its influence function, so that the spread of
    these values carries the doubt of both. None where expenses take the whole premium.
    """
    loading = outcomes.scenario.programmes[programme].loading
    if loading.expense_share >= 1.0:
        return None
    payout = insurer_payout(outcomes, programme).astype(np.float64)
    series, years = payout, outcomes.years
    spread = estimators.standard_deviation(payout, years, "fen").value
    if loading.risk_share_of_sd > 0.0 and spread:
        squares = (payout - _centre(payout, years)) ** 2
        influence = (squares - _centre(squares, years)) / (2.0 * spread)
        series = payout + loading.risk_share_of_sd * (spread + influence)
    return series / (1.0 - loading.expense_share)


def _centre(series: Float64Array, years: Years) -> float:
    centre = estimators.mean(series, years, "fen").value
    assert centre is not None
    return centre


def public_cost(outcomes: Outcomes, programme: str) -> Float64Array | None:
    """Return public money [years], fen, that the programme costs beside "none".

    Premium (agreed, else gross) less what households and others pay of it, the top-up above a limit,
    government's own administration, and the change of public layers and relief; public rules have no premium.
    None where there is no premium to go by.
    """
    agreed = agreed_premium(outcomes, programme)
    premium: Float64Array | float | None = gross_premium(outcomes, programme) if agreed is None else agreed
    if is_rules(outcomes, programme):
        premium = 0.0
    if premium is None:
        return None
    premium = premium * (1.0 - outcomes.scenario.programmes[programme].other_share)
    changes: Sequence[str] = ("public_layers_change", "relief_change")
    other = sum(c for name in changes if (c := values(outcomes, programme, name)) is not None)
    administration = outcomes.scenario.programmes[programme].administration * 100.0
    own = outcomes.column(programme, "own_premium_fen")
    beside = outcomes.surplus_over_limit(programme) - own + other
    cost: Float64Array = np.asarray(premium + administration + beside, dtype=np.float64)
    return cost


def lines_of(outcomes: Outcomes) -> tuple[str, ...]:
    """Return the lines the run knows: none where the scenario has no lines."""
    return LINES if outcomes.scenario.lines is not None else ()
