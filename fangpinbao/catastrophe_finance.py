"""All financial figures of event losses at once: curves, price, reinsurance, pool and fund."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from fangpinbao.estimators import Years
from fangpinbao.event_losses import EventLosses
from fangpinbao.exceedance import (
    RETURN_PERIODS,
    loss_figures,
    pool_figures,
    price_figures,
    reinsurance_figures,
)
from fangpinbao.fund import fund_figures
from fangpinbao.records import Figures
from fangpinbao.reinsurance import Reinsured, by_year, reinsure
from fangpinbao.scenario.reinsurance import FinancialTerms

__all__ = ["Finance", "Perspective", "finance"]

Perspective = Literal["gross", "ceded", "net"]


@dataclass(frozen=True)
class Finance:
    """Losses before and after reinsurance, what the pool keeps of the premium, and all figures.

    ``programmes`` are the names of ``gross``, ``ceded`` and ``net`` in the figures. ``pool_premium`` is the
    premium less reinsurance premiums, plus commissions; reinstatement premiums, which differ from year to
    year, are in the figures.
    """

    programmes: dict[Perspective, str]
    reinsured: Reinsured
    pool_premium: float
    figures: Figures


def finance(
    losses: EventLosses,
    years: Years,
    terms: FinancialTerms | None = None,
    *,
    premium: float | None = None,
    return_periods: Iterable[float] = RETURN_PERIODS,
    contract: str = "",
) -> Finance:
    """Return every figure of the financial side; ``programme`` is ``gross``, ``ceded`` or ``net``.

    Parameters
    ----------
    losses, years
        What the insurance pays, event by event, and the sampling design of the years.
    terms
        Reinsurance contracts, pool of carriers, fund, and loading of the technical premium.
    premium
        Yuan a year for the insurance; absent: nothing is said about its price.
    return_periods
        Years of the curves, each above one.
    contract
        Of several insurance contracts in one result: ``programme`` is then ``contract/gross`` and so on.

    Raises
    ------
    ValueError
        If losses and years differ in number, or contracts are out of order.
    """
    perspectives: tuple[Perspective, ...] = ("gross", "ceded", "net")
    programmes = {one: f"{contract}/{one}" if contract else one for one in perspectives}
    gross, ceded, net = (programmes[one] for one in perspectives)
    financial, periods = terms or FinancialTerms(), tuple(return_periods)
    reinsured = reinsure(losses, financial.reinsurance)
    figures = loss_figures(losses, years, gross, return_periods=periods)
    if premium:
        loading = financial.loading
        figures += price_figures(
            losses, years, premium, gross,
            expense_share=loading.expense_share, risk_share_of_sd=loading.risk_share_of_sd,
        )  # fmt: skip
    gross_premium = premium or 0.0
    if financial.reinsurance:
        figures += loss_figures(reinsured.ceded, years, ceded, return_periods=periods, by_peril=False)
        figures += loss_figures(reinsured.net, years, net, return_periods=periods)
        figures += reinsurance_figures(reinsured, years, gross_premium, ceded)
    kept = gross_premium - sum(
        cession.premium(gross_premium) - cession.commission(gross_premium) for cession in reinsured.cessions
    )
    if financial.pool is not None:
        figures += pool_figures(reinsured.net, years, financial.pool.carriers, kept, net)
    fund = financial.fund
    if fund is not None:
        borne = losses if fund.covers == "gross" else reinsured.net
        figures += fund_figures(
            by_year(borne.loss, borne), years, fund, gross_premium, programmes[fund.covers]
        )
    return Finance(programmes, reinsured, kept, figures)
