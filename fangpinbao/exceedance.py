"""Figures of event losses: AAL, exceedance by event and by year, tails, price, and who bears what.

Every figure is an estimate over simulated years with its standard error, strata and weights included. The
occurrence curve (OEP) is that of a year's largest event, the aggregate curve (AEP) that of its total; the PML
at T years is the OEP there. A loss of 0 at a return period says that less than 1 year in T has an event.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from fangpinbao import estimators
from fangpinbao._typing import Float64Array, Int64Array
from fangpinbao.estimators import Estimate, Years
from fangpinbao.event_losses import EventLosses
from fangpinbao.records import Figures, Gathering
from fangpinbao.reinsurance import Cession, Reinsured, by_year, largest_by_year
from fangpinbao.shares import divide

__all__ = [
    "LEVELS",
    "RETURN_PERIODS",
    "ExceedanceCurves",
    "exceedance_curves",
    "loss_figures",
    "pool_figures",
    "price_figures",
    "reinsurance_figures",
]

RETURN_PERIODS: Final = (2, 5, 10, 20, 50, 100, 200, 250, 500, 1000)
LEVELS: Final = (0.95, 0.99, 0.995)


@dataclass(frozen=True)
class ExceedanceCurves:
    """Both curves in yuan by return period, each point with its error."""

    oep: dict[float, Estimate]
    aep: dict[float, Estimate]
    years: int


def exceedance_curves(
    losses: EventLosses, years: Years, return_periods: Iterable[float] = RETURN_PERIODS
) -> ExceedanceCurves:
    """Return the OEP and AEP curves.

    Raises
    ------
    ValueError
        If `years` and the losses differ in number, or a return period is not above one year.
    """
    periods = tuple(return_periods)
    total, largest = (_yuan(column) for column in _year_columns(losses, years))
    return ExceedanceCurves(
        estimators.exceedance_curve(largest, years, periods, "yuan"),
        estimators.exceedance_curve(total, years, periods, "yuan"),
        years.n,
    )


def loss_figures(
    losses: EventLosses,
    years: Years,
    programme: str = "gross",
    *,
    return_periods: Iterable[float] = RETURN_PERIODS,
    levels: Iterable[float] = LEVELS,
    by_peril: bool = True,
) -> Figures:
    """Return AAL, sd, OEP, AEP, VaR and TVaR, how often there is a loss, and the mean by peril.

    Parameters
    ----------
    losses
        Of any perspective: before or after reinsurance, or what one contract pays.
    years
        Sampling design, one entry a year.
    programme
        Name of the perspective in the figures.
    return_periods
        Years, each above one.
    levels
        Of VaR and TVaR, at most five decimals.
    by_peril
        Whether the mean and the share of years with a loss are given by peril, too.
    """
    gathering, periods, shares = Gathering(), tuple(return_periods), tuple(levels)
    for measure, column in zip(
        ("year_loss", "largest_event_loss"), _year_columns(losses, years), strict=True
    ):
        yuan = _yuan(column)
        gathering.add(measure, "mean", estimators.mean(yuan, years, "yuan"), programme)
        gathering.add(measure, "sd", estimators.standard_deviation(yuan, years, "yuan"), programme)
        for period, estimate in estimators.exceedance_curve(yuan, years, periods, "yuan").items():
            gathering.add(measure, f"return_period_{_digits(period)}", estimate, programme)
        quantiles = estimators.quantiles(yuan, years, shares, "yuan")
        tails = estimators.tail_values(yuan, years, shares, "yuan")
        for level, quantile, tail in zip(shares, quantiles, tails, strict=True):
            digits = _digits(round(100.0 * level, 3))
            gathering.add(measure, f"p{digits}", quantile, programme)
            gathering.add(measure, f"tvar_{digits}", tail, programme)
    hits = by_year((losses.loss > 0).astype(np.int64), losses)
    gathering.add("loss_events", "mean", estimators.mean(hits, years, "events"), programme)
    gathering.add("years_with_loss", "share", estimators.share(hits > 0, years), programme)
    for index, peril in enumerate(losses.perils if by_peril else ()):
        of_peril = by_year(np.where(losses.peril == index, losses.loss, 0), losses)
        _mean_yuan(gathering, "year_loss", of_peril, years, programme, group=peril)
        often = estimators.share(of_peril > 0, years)
        gathering.add("years_with_loss", "share", often, programme, group=peril)
    return gathering.figures()


def price_figures(
    losses: EventLosses,
    years: Years,
    premium: float,
    programme: str = "gross",
    *,
    expense_share: float = 0.0,
    risk_share_of_sd: float = 0.0,
) -> Figures:
    """Judge an agreed premium: expected loss ratio, years that exceed it, technical premium, adequacy.

    Parameters
    ----------
    losses, years
        What the premium must pay for.
    premium
        Yuan a year.
    expense_share
        Share of the gross premium that expenses, tax and the like take, below 1.
    risk_share_of_sd
        Risk loading in standard deviations of the year's loss.

    Raises
    ------
    ValueError
        If the premium is not positive or a loading out of range.
    """
    if not (premium > 0.0 and 0.0 <= expense_share < 1.0 and risk_share_of_sd >= 0.0):
        raise ValueError(
            f"premium = {premium}, expense_share = {expense_share}, risk_share_of_sd = {risk_share_of_sd}: "
            "the premium must be positive, the expense share in [0, 1), the risk loading not negative."
        )
    gathering = Gathering()
    loss = _yuan(_year_columns(losses, years)[0])
    technical = _technical_premium(loss, years, expense_share, risk_share_of_sd)
    gathering.known("agreed_premium", premium, programme)
    ratio = estimators.mean(loss, years, "yuan").scaled(1.0 / premium, "ratio")
    gathering.add("loss_ratio", "ratio", ratio, programme)
    gathering.add("payout_over_premium", "share", estimators.share(loss > premium, years), programme)
    gathering.add("technical_premium", "mean", estimators.mean(technical, years, "yuan"), programme)
    adequacy = estimators.ratio(np.full(years.n, premium), technical, years, "ratio")
    gathering.add("premium_adequacy", "ratio", adequacy, programme)
    return gathering.figures()


def reinsurance_figures(
    reinsured: Reinsured, years: Years, gross_premium: float = 0.0, programme: str = "ceded"
) -> Figures:
    """Return, for each contract, what it pays and costs, attachment and exhaustion, and each reinsurer's loss.

    A reinsurer's loss stands by contract, and over all contracts (``coverage`` None) with its TVaR.

    Parameters
    ----------
    reinsured
        Of :func:`fangpinbao.reinsurance.reinsure`.
    years
        Sampling design.
    gross_premium
        Yuan a year of the insurance, of which a quota share takes its part.
    """
    gathering = Gathering()
    by_reinsurer: dict[str, Int64Array] = {}
    for cession in reinsured.cessions:
        name = cession.contract.name
        _costs(gathering, cession, reinsured.gross, years, gross_premium, programme)
        flags = {
            "layer_attached": cession.attached,
            "layer_event_limit_reached": cession.event_limit_reached
            if cession.contract.limit is not None and cession.contract.kind != "stop_loss"
            else None,
            "layer_exhausted": None if cession.contract.most_per_year is None else cession.exhausted,
        }
        for measure, flag in flags.items():
            if flag is not None:
                gathering.add(measure, "share", estimators.share(flag, years), programme, coverage=name)
        for reinsurer, amounts in cession.by_reinsurer.items():
            loss = by_year(amounts, reinsured.gross)
            _mean_yuan(gathering, "ceded_loss", loss, years, programme, coverage=name, group=reinsurer)
            by_reinsurer[reinsurer] = by_reinsurer.get(reinsurer, np.zeros_like(loss)) + loss
    for reinsurer, loss in by_reinsurer.items():
        _mean_yuan(gathering, "ceded_loss", loss, years, programme, group=reinsurer)
        tail = estimators.tail_value(_yuan(loss), years, 0.99, "yuan")
        gathering.add("ceded_loss", "tvar_99", tail, programme, group=reinsurer)
    return gathering.figures()


def pool_figures(
    losses: EventLosses,
    years: Years,
    carriers: Mapping[str, float],
    premium: float = 0.0,
    programme: str = "net",
    *,
    level: float = 0.99,
) -> Figures:
    """Return each carrier's mean loss, its TVaR, and its premium; the carriers' fen sum to the pool's.

    Parameters
    ----------
    losses, years
        What the pool bears: before or after common reinsurance.
    carriers
        Shares that sum to 1, in whole parts of a million.
    premium
        Yuan a year that the pool receives, net of what it cedes.
    level
        Of the TVaR.
    """
    gathering = Gathering()
    columns = divide(losses.loss, carriers)
    for index, (carrier, share) in enumerate(carriers.items()):
        loss = by_year(columns[:, index], losses)
        _mean_yuan(gathering, "carrier_loss", loss, years, programme, group=carrier)
        tail = estimators.tail_value(_yuan(loss), years, level, "yuan")
        statistic = f"tvar_{_digits(round(100.0 * level, 3))}"
        gathering.add("carrier_loss", statistic, tail, programme, group=carrier)
        known = Estimate.known(premium * share, "yuan")
        gathering.add("carrier_premium", "value", known, programme, group=carrier)
    return gathering.figures()


def _costs(
    gathering: Gathering,
    cession: Cession,
    losses: EventLosses,
    years: Years,
    gross_premium: float,
    programme: str,
) -> None:
    contract = cession.contract
    loss = by_year(cession.ceded, losses)
    _mean_yuan(gathering, "ceded_loss", loss, years, programme, coverage=contract.name)
    tail = estimators.tail_value(_yuan(loss), years, 0.99, "yuan")
    gathering.add("ceded_loss", "tvar_99", tail, programme, coverage=contract.name)
    if contract.limit is not None and contract.premium:
        on_line = Estimate.known(contract.premium / contract.limit, "ratio", "input")
        gathering.add("rate_on_line", "value", on_line, programme, coverage=contract.name)
    paid_back = by_year(cession.reinstatement_premium, losses)
    if contract.reinstatements:
        _mean_yuan(gathering, "reinstatement_premium", paid_back, years, programme, coverage=contract.name)
    if contract.cession is not None and not gross_premium:
        gathering.note(f"{programme} / {contract.name}: ceded_premium, reinsurance_cost: no premium is given")
        return
    premium, commission = cession.premium(gross_premium), cession.commission(gross_premium)
    known = {"ceded_premium": premium, **({"ceding_commission": commission} if commission else {})}
    for measure, amount in known.items():
        estimate = Estimate.known(amount, "yuan")
        gathering.add(measure, "value", estimate, programme, coverage=contract.name)
    cost = premium - commission + _yuan(paid_back - loss)
    estimate = estimators.mean(cost, years, "yuan")
    gathering.add("reinsurance_cost", "mean", estimate, programme, coverage=contract.name)


def _technical_premium(
    loss: Float64Array, years: Years, expense_share: float, risk_share_of_sd: float
) -> Float64Array:
    """Return a column whose mean is the premium, the standard deviation entering by its influence function."""
    spread = estimators.standard_deviation(loss, years, "yuan").value
    column = loss
    if risk_share_of_sd > 0.0 and spread:
        squares = (loss - _centre(loss, years)) ** 2
        influence = (squares - _centre(squares, years)) / (2.0 * spread)
        column = loss + risk_share_of_sd * (spread + influence)
    return column / (1.0 - expense_share)


def _centre(column: Float64Array, years: Years) -> float:
    centre = estimators.mean(column, years, "yuan").value
    assert centre is not None
    return centre


def _mean_yuan(
    gathering: Gathering,
    measure: str,
    fen_by_year: Int64Array,
    years: Years,
    programme: str,
    *,
    coverage: str | None = None,
    group: str | None = None,
) -> None:
    estimate = estimators.mean(fen_by_year, years, "fen").scaled(0.01, "yuan")
    gathering.add(measure, "mean", estimate, programme, coverage=coverage, group=group)


def _year_columns(losses: EventLosses, years: Years) -> tuple[Int64Array, Int64Array]:
    """Return the total and the largest event of each year, in fen."""
    if years.n != losses.paths:
        raise ValueError(f"losses of {losses.paths} years do not fit a design of {years.n} years.")
    return by_year(losses.loss, losses), largest_by_year(losses.loss, losses)


def _yuan(amounts: Int64Array) -> Float64Array:
    yuan: Float64Array = amounts / 100.0
    return yuan


def _digits(number: float) -> str:
    return f"{number:g}".replace(".", "_")
