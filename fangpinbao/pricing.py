"""What a programme pays and costs: payout, claims, premiums, public layers, limits."""

from __future__ import annotations

from typing import Final

import numpy as np

from fangpinbao import estimators, yearly
from fangpinbao._typing import Int64Array
from fangpinbao.outcomes import Outcomes
from fangpinbao.records import Figures, Gathering
from fangpinbao.replay import without_law_of_a_year

__all__ = ["QUANTILES", "TAILS", "price"]

QUANTILES: Final[dict[str, float]] = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99, "p99_5": 0.995}
TAILS: Final[dict[str, float]] = {"tvar_95": 0.95, "tvar_99": 0.99}
_COVERAGE_QUANTILES: Final = ("p95", "p99")
_PLAIN: Final = ("households_paid", "late_payment", "fixed_sums", "own_premium")


def price(outcomes: Outcomes, programme: str | None = None) -> Figures:
    """Return payouts, claims, premiums and payments of public layers of one programme, or of all.

    Parameters
    ----------
    outcomes
        A run.
    programme
        Its name; absent: all, with ``none``, which has public layers and relief only.

    Returns
    -------
    Figures
        By coverage, household class and account where the measure has it.

    Raises
    ------
    KeyError
        If there is no such programme.
    """
    gathering = Gathering()
    for name in yearly.chosen(outcomes, programme):
        if name != "none" and not yearly.is_rules(outcomes, name):
            _payout(gathering, outcomes, name)
            _coverages(gathering, outcomes, name)
            _classes(gathering, outcomes, name)
            _accounts(gathering, outcomes, name)
            _premiums(gathering, outcomes, name)
            _limit(gathering, outcomes, name)
        _public(gathering, outcomes, name)
        if yearly.has_own_relief(outcomes, name):
            _own_relief(gathering, outcomes, name)
    return without_law_of_a_year(gathering.figures(), outcomes.scenario)


def _payout(gathering: Gathering, outcomes: Outcomes, name: str) -> None:
    payout, years = outcomes.yuan_by_year(name), outcomes.years
    gathering.add("payout", "mean", yearly.mean(outcomes, name, "payout"), name)
    gathering.add("payout", "sd", estimators.standard_deviation(payout, years, "yuan"), name)
    quantiles = estimators.quantiles(payout, years, QUANTILES.values(), "yuan")
    for statistic, estimate in zip(QUANTILES, quantiles, strict=True):
        gathering.add("payout", statistic, estimate, name)
    tails = estimators.tail_values(payout, years, TAILS.values(), "yuan")
    for statistic, estimate in zip(TAILS, tails, strict=True):
        gathering.add("payout", statistic, estimate, name)
    claims = yearly.values(outcomes, name, "claims")
    assert claims is not None
    gathering.add("claims", "mean", yearly.mean(outcomes, name, "claims"), name)
    gathering.add("mean_claim", "ratio", estimators.ratio(payout, claims, years, "yuan per claim"), name)
    for measure in _PLAIN:
        gathering.add(measure, "mean", yearly.mean(outcomes, name, measure), name)


def _coverages(gathering: Gathering, outcomes: Outcomes, name: str) -> None:
    years, heads = outcomes.years, int(yearly.insured(outcomes, name).sum())
    for s in yearly.steps_of(outcomes, name, "insurance"):
        coverage = outcomes.steps[s].split(".")[-1]
        paid, claims = outcomes.sums.step_paid[:, s], outcomes.sums.step_claims[:, s]
        mean = estimators.mean(paid, years, "fen").scaled(0.01, "yuan")
        gathering.add("payout", "mean", mean, name, coverage=coverage)
        spread = estimators.standard_deviation(paid, years, "fen").scaled(0.01, "yuan")
        gathering.add("payout", "sd", spread, name, coverage=coverage)
        levels = [QUANTILES[statistic] for statistic in _COVERAGE_QUANTILES]
        quantiles = estimators.quantiles(paid, years, levels, "fen")
        for statistic, quantile in zip(_COVERAGE_QUANTILES, quantiles, strict=True):
            gathering.add("payout", statistic, quantile.scaled(0.01, "yuan"), name, coverage=coverage)
        gathering.add("claims", "mean", estimators.mean(claims, years, "claims"), name, coverage=coverage)
        each = estimators.ratio(paid, claims, years, "fen").scaled(0.01, "yuan per claim")
        gathering.add("mean_claim", "ratio", each, name, coverage=coverage)
        if heads:
            premium = mean.scaled(1.0 / heads, "yuan per insured")
            gathering.add("pure_premium_per_insured", "mean", premium, name, coverage=coverage)


def _classes(gathering: Gathering, outcomes: Outcomes, name: str) -> None:
    heads = yearly.insured(outcomes, name)
    for measure in ("payout", "claims", "households_paid"):
        for group, estimate in yearly.class_mean(outcomes, name, measure).items():
            gathering.add(measure, "mean", estimate, name, group=group)
    ratios = yearly.class_ratio(outcomes, name, "payout", "claims", "yuan per claim")
    for group, estimate in ratios.items():
        gathering.add("mean_claim", "ratio", estimate, name, group=group)
    for g, (group, estimate) in enumerate(yearly.class_mean(outcomes, name, "payout").items()):
        gathering.known("insured", float(heads[g]), name, group=group)
        if heads[g]:
            premium = estimate.scaled(1.0 / float(heads[g]), "yuan per insured")
            gathering.add("pure_premium_per_insured", "mean", premium, name, group=group)


def _accounts(gathering: Gathering, outcomes: Outcomes, name: str) -> None:
    """Give the payout by account; what events do not explain is the part of costs that are certain."""
    steps = yearly.steps_of(outcomes, name, "insurance")
    by_account: Int64Array = outcomes.sums.batch_credit[:, steps].sum(axis=1)
    paid: Int64Array = outcomes.sums.batch_step[..., 0][:, steps].sum(axis=(1, 2))
    columns = dict(zip(outcomes.accounts, by_account.T, strict=True))
    columns["certain"] = paid - by_account.sum(axis=1)
    for account, sums in columns.items():
        if sums.any():
            estimate = yearly.of_batches(outcomes, sums, "fen").scaled(0.01, "yuan")
            gathering.add("payout_by_account", "mean", estimate, name, group=account)


def _premiums(gathering: Gathering, outcomes: Outcomes, name: str) -> None:
    years, heads = outcomes.years, int(yearly.insured(outcomes, name).sum())
    payout = yearly.insurer_payout(outcomes, name)
    mean = estimators.mean(payout, years, "fen").scaled(0.01, "yuan")
    gathering.known("insured", float(heads), name)
    gathering.add("insurer_payout", "mean", mean, name)
    residents = outcomes.scenario.population.residents
    if residents:
        premium = mean.scaled(1.0 / residents, "yuan per resident")
        gathering.add("pure_premium_per_resident", "mean", premium, name)
    gross = yearly.gross_premium(outcomes, name)
    if gross is None:
        gathering.note(f"{name}: gross_premium: expenses take the whole premium")
    else:
        whole = estimators.mean(gross, years, "fen").scaled(0.01, "yuan")
        gathering.add("gross_premium", "mean", whole, name)
    if heads:
        pure = mean.scaled(1.0 / heads, "yuan per insured")
        gathering.add("pure_premium_per_insured", "mean", pure, name)
        if gross is not None:
            each = whole.scaled(1.0 / heads, "yuan per insured")
            gathering.add("gross_premium_per_insured", "mean", each, name)
    else:
        gathering.note(f"{name}: premiums per insured: nobody is insured")
    agreed = yearly.agreed_premium(outcomes, name)
    _financing(gathering, outcomes, name, agreed)
    if not agreed:
        gathering.note(f"{name}: loss_ratio, payout_over_premium: no premium is agreed")
        return
    gathering.known("agreed_premium", agreed / 100.0, name)
    gathering.known("agreed_premium_per_insured", agreed / 100.0 / heads, name)
    gathering.add("loss_ratio", "ratio", mean.scaled(100.0 / agreed, "ratio"), name)
    gathering.add("payout_over_premium", "share", estimators.share(payout > agreed, years), name)


def _financing(gathering: Gathering, outcomes: Outcomes, name: str, agreed: float | None) -> None:
    """Give who pays the premium, where it is not government alone."""
    programme = outcomes.scenario.programmes[name]
    shares = {"household": programme.household_share, "other money": programme.other_share}
    if not any(shares.values()):
        return
    shares["government"] = 1.0 - sum(shares.values())
    for payer, share in shares.items():
        gathering.known("premium_financed_share", share, name, group=payer)
        if agreed:
            gathering.known("premium_financed", share * agreed / 100.0, name, group=payer)


def _limit(gathering: Gathering, outcomes: Outcomes, name: str) -> None:
    aggregate = outcomes.scenario.programmes[name].aggregate
    if aggregate is None:
        return
    binds = np.zeros(outcomes.n_years, dtype=np.bool_)
    binds[outcomes.limited_years[name]] = True
    gathering.known("aggregate_limit", aggregate.limit, name)
    gathering.add("aggregate_limit_binds", "share", estimators.share(binds, outcomes.years), name)
    if aggregate.rule == "topped_up":
        surplus = estimators.mean(outcomes.surplus_over_limit(name), outcomes.years, "fen")
        gathering.add("topped_up", "mean", surplus.scaled(0.01, "yuan"), name)


def _public(gathering: Gathering, outcomes: Outcomes, name: str) -> None:
    """Give payments of public layers and relief, and how the programme changes them."""
    paid, years = outcomes.sums.step_paid, outcomes.years
    layers = {outcomes.steps[s]: s for s in yearly.steps_of(outcomes, name, "public")}
    before = {outcomes.steps[s]: s for s in yearly.steps_of(outcomes, "none", "public")}
    for layer, s in layers.items():
        estimate = estimators.mean(paid[:, s], years, "fen").scaled(0.01, "yuan")
        gathering.add("layer_payment", "mean", estimate, name, coverage=layer)
    has_relief = bool(outcomes.scenario.relief) or yearly.has_own_relief(outcomes)
    measures = ["public_layers", *(["relief"] if has_relief else [])]
    for measure in measures:
        gathering.add(measure, "mean", yearly.mean(outcomes, name, measure), name)
    if name == "none":
        return
    for measure in measures:
        gathering.add(f"{measure}_change", "mean", yearly.mean(outcomes, name, f"{measure}_change"), name)
    nothing = np.zeros(outcomes.n_years, dtype=np.int64)
    for layer in dict.fromkeys((*before, *layers)):
        after = paid[:, layers[layer]] if layer in layers else nothing
        change = after - (paid[:, before[layer]] if layer in before else nothing)
        estimate = estimators.mean(change, years, "fen").scaled(0.01, "yuan")
        gathering.add("public_layers_change", "mean", estimate, name, coverage=layer)


def _own_relief(gathering: Gathering, outcomes: Outcomes, name: str) -> None:
    """Give what the programme's own relief pays, by entry and by class; of loans what comes back."""
    paid, payments = outcomes.sums.step_paid, outcomes.sums.step_claims
    mine = [row for row in outcomes.compiled.relief if row.programme == name]
    parts = {row.part for row in mine}
    measures = {"paid": "own_relief", "late": "own_relief_late", "repaid": "loans_repaid"}
    for part, measure in measures.items():
        if part in parts:
            gathering.add(measure, "mean", yearly.mean(outcomes, name, measure), name)
            for group, estimate in yearly.class_mean(outcomes, name, measure).items():
                gathering.add(measure, "mean", estimate, name, group=group)
    gathering.add("own_relief_payments", "mean", yearly.mean(outcomes, name, "own_relief_payments"), name)
    for row in mine:
        each = estimators.mean(paid[:, row.row], outcomes.years, "fen").scaled(0.01, "yuan")
        gathering.add(measures[row.part], "mean", each, name, coverage=row.entry)
        if row.part == "paid":
            count = estimators.mean(payments[:, row.row], outcomes.years, "payments")
            gathering.add("own_relief_payments", "mean", count, name, coverage=row.entry)
