"""The figures of catastrophe contracts: price, tail, claims, casualties, each with its error over paths."""

from __future__ import annotations

from typing import Final

import numpy as np

from fangpinbao import estimators
from fangpinbao._typing import Float64Array, Int64Array
from fangpinbao.catastrophe.contracts import fen
from fangpinbao.catastrophe.exposure import months_to_days
from fangpinbao.catastrophe.outcomes import CatastropheOutcomes
from fangpinbao.estimators import Estimate
from fangpinbao.records import Figures, Gathering
from fangpinbao.replay import without_law_of_a_year

__all__ = ["RETURN_PERIODS", "catastrophe_figures", "premium_of"]

RETURN_PERIODS: Final = (10, 20, 50, 100, 200, 500, 1000)
LEVELS: Final = (0.99, 0.995, 0.999)


def premium_of(outcomes: CatastropheOutcomes, contract: str) -> float | None:
    """Return the premium of a contract in yuan a year, or None where none is known."""
    terms = outcomes.model.contracts[contract]
    if terms.premium_per_resident is not None:
        return terms.premium_per_resident * outcomes.model.table.exposure.residents
    return terms.premium


def catastrophe_figures(outcomes: CatastropheOutcomes) -> Figures:
    """Return every figure of a run of catastrophe contracts.

    Means are a year's, whatever the term. Where a term has several years, quantiles, tails and shares are
    those of terms, under the measures that say so.
    """
    gathering = Gathering()
    for contract in outcomes.contracts:
        _price(gathering, outcomes, contract)
        _tail(gathering, outcomes, contract)
        _claims(gathering, outcomes, contract)
        for peril in outcomes.model.contracts[contract].perils:
            estimate = _yearly(outcomes, outcomes.paid_by_path(contract, peril) / 100.0, "yuan")
            gathering.add("payout", "mean", estimate, contract, group=peril)
    _casualties(gathering, outcomes)
    return without_law_of_a_year(gathering.figures(), outcomes.scenario)


def _yearly(outcomes: CatastropheOutcomes, by_path: Float64Array | Int64Array, unit: str) -> Estimate:
    return estimators.mean(np.asarray(by_path) / outcomes.term_years, outcomes.years, unit)


def _price(gathering: Gathering, outcomes: CatastropheOutcomes, contract: str) -> None:
    payout = _yearly(outcomes, outcomes.yuan_by_path(contract), "yuan")
    residents = outcomes.model.table.exposure.residents
    gathering.add("payout", "mean", payout, contract)
    each = payout.scaled(1.0 / residents, "yuan per resident")
    gathering.add("pure_premium_per_resident", "mean", each, contract)
    premium = premium_of(outcomes, contract)
    if premium is None:
        gathering.note(f"{contract}: loss_ratio: no premium is given")
        return
    gathering.known("agreed_premium", premium, contract)
    if premium > 0.0:
        gathering.add("loss_ratio", "mean", payout.scaled(1.0 / premium, "ratio"), contract)


def _tail(gathering: Gathering, outcomes: CatastropheOutcomes, contract: str) -> None:
    payout, years = outcomes.yuan_by_path(contract), outcomes.years
    measure = "payout" if outcomes.term_years == 1 else "term_payout"
    gathering.add(measure, "sd", estimators.standard_deviation(payout, years, "yuan"), contract)
    for period, estimate in estimators.exceedance_curve(payout, years, RETURN_PERIODS, "yuan").items():
        gathering.add(measure, f"return_period_{period:g}", estimate, contract)
    quantiles = estimators.quantiles(payout, years, LEVELS, "yuan")
    tails = estimators.tail_values(payout, years, LEVELS, "yuan")
    for level, quantile, tail in zip(LEVELS, quantiles, tails, strict=True):
        digits = f"{100.0 * level:g}".replace(".", "_")
        gathering.add(measure, f"p{digits}", quantile, contract)
        gathering.add(measure, f"tvar_{digits}", tail, contract)


def _claims(gathering: Gathering, outcomes: CatastropheOutcomes, contract: str) -> None:
    terms, years = outcomes.model.contracts[contract], outcomes.years
    paid = outcomes.paid[:, outcomes.column(contract)] > 0
    is_first_year = outcomes.harm.year == 0
    quiet = outcomes.by_path((paid & is_first_year).astype(np.int64)) == 0
    gathering.add("no_claim", "share", estimators.share(quiet, years), contract)
    if terms.observed is not None:
        days = months_to_days(outcomes.model.table.first_month, terms.observed.months)
        within = paid & is_first_year & (outcomes.harm.day < days)
        quiet = outcomes.by_path(within.astype(np.int64)) == 0
        group = f"first_{terms.observed.months}_months"
        gathering.add("no_claim", "share", estimators.share(quiet, years), contract, group=group)
        gathering.known("claims_observed", terms.observed.claims, contract, group=group)
    if terms.cumulative is not None:
        limit = fen(terms.cumulative)
        by_path = outcomes.paid_by_path(contract)
        if terms.cumulative_over == "year" and outcomes.term_years > 1:
            rows = outcomes.event_losses(contract).by_year().reshape(outcomes.n_paths, outcomes.term_years)
            used_up = (rows >= limit).any(axis=1)
        else:
            used_up = by_path >= limit
        gathering.known("cumulative_limit", terms.cumulative, contract)
        gathering.add("cumulative_limit_used_up", "share", estimators.share(used_up, years), contract)


def _casualties(gathering: Gathering, outcomes: CatastropheOutcomes) -> None:
    """Events, dead and casualties by peril: of the hazard, whatever a contract covers."""
    people = outcomes.model.cells.mean_people
    for peril in (None, *outcomes.perils):
        counts = outcomes.events_by_peril
        events = counts.sum(axis=1) if peril is None else counts[:, outcomes.perils.index(peril)]
        gathering.add("events", "mean", _yearly(outcomes, events, "events"), None, group=peril)
        dead = outcomes.by_path(outcomes.harm.deaths, peril)
        harmed = outcomes.by_path(outcomes.harm.casualties, peril)
        deaths = _yearly(outcomes, dead, "persons")
        gathering.add("dead", "mean", deaths, None, group=peril)
        gathering.add("casualties", "mean", _yearly(outcomes, harmed, "persons"), None, group=peril)
        per_million = deaths.scaled(1e6 / people, "persons per million")
        gathering.add("dead_per_million", "mean", per_million, None, group=peril)
    gathering.add("people_present", "value", Estimate.known(people, "persons", "input"), None)
