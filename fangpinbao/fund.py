"""A catastrophe fund over years: balance, chance of ruin, shortfall, and the capital that is enough.

Years are independent with the law of the simulated years (weights included). The recursion of the balance

    available = (balance + contribution) * (1 + interest);  claim = min(max(loss - attachment, 0), limit)
    balance'  = min(max(available - claim, 0), ceiling);    ruin where claim > available

is solved for that law on a grid of balances, backward for the chance of ruin from every opening balance, and
forward for the law of the balance; so every simulated year serves in every year of the horizon, and strata
keep their weights. Balances rounded down with claims rounded up, and the reverse, bracket the chance of ruin:
the width is the error of the grid and is added to the interval. After ruin somebody else pays the shortfall
and the fund goes on from zero.

The simulation error is that of the years: a jackknife over 100 fixed groups of years, dealt within strata.
Quantiles (also the capital, a quantile of what the fund needs) take it at their level and read it back
through the curve (Woodruff). What rounding to the grid can do is added to error and interval of each amount.

References
----------
De Vylder and Goovaerts, Recursive calculation of finite-time ruin probabilities, Insurance: Mathematics and
Economics 7, 1988. Wolter, Introduction to Variance Estimation, 2nd ed. 2007, chapter 4 (grouped jackknife).
Woodruff, Confidence intervals for medians, JASA 47, 1952.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np

from fangpinbao._typing import Float64Array, Int64Array
from fangpinbao.balance_grid import BalanceGrid, Rounding, backward, forward
from fangpinbao.estimators import (
    NOTE_FEW_YEARS_ABOVE,
    NOTE_FEW_YEARS_BELOW,
    NOTE_LONE_YEAR,
    Z_95,
    Estimate,
    Years,
)
from fangpinbao.jackknife import jackknife_error, replicate_histograms
from fangpinbao.records import Figures, Gathering
from fangpinbao.reinsurance import fen
from fangpinbao.scenario.reinsurance import CatastropheFund

__all__ = [
    "CAPITAL_LEVELS",
    "FundOutlook",
    "chance_of_ruin",
    "claims_on_fund",
    "fund_figures",
    "fund_outlook",
]

CAPITAL_LEVELS: Final = (0.99, 0.995)
_FINE, _COARSE = 2**16, 2**11
_SHOWN: Final = (1, 2, 5, 10, 20, 50, 100)
_BALANCE_LEVELS: Final = (0.05, 0.5)
NOTE_CEILING = "no opening balance up to the ceiling is enough"


@dataclass(frozen=True)
class FundOutlook:
    """What becomes of a fund.

    Attributes
    ----------
    ruin
        Chance, by number of years t from 1 to the horizon, that a claim exceeds the balance within t years.
    balance
        Mean balance in yuan at the end of year t, for some t.
    balance_quantiles
        Of the balance at the end of year t, by (t, level).
    shortfall
        Mean yuan a year that the fund cannot pay, over the horizon.
    capital
        Opening balance in yuan with which the fund pays everything within t years, by (t, level).
    """

    ruin: dict[int, Estimate]
    balance: dict[int, Estimate]
    balance_quantiles: dict[tuple[int, float], Estimate]
    shortfall: Estimate
    capital: dict[tuple[int, float], Estimate]


def claims_on_fund(losses: Int64Array, fund: CatastropheFund) -> Int64Array:
    """Return the part of each year's loss that the fund is asked for, in fen."""
    limit = None if fund.limit is None else fen(fund.limit)
    claims: Int64Array = np.clip(losses - fen(fund.attachment), 0, limit)
    return claims


def fund_figures(
    losses: Int64Array, years: Years, fund: CatastropheFund, premium: float = 0.0, programme: str = "net"
) -> Figures:
    """Return the outlook of a fund as figures; ``group`` names the year or the span of years.

    Parameters
    ----------
    losses : int64 array, shape (years,)
        Fen of each simulated year, before or after reinsurance as `fund.covers` says.
    years
        Sampling design.
    premium
        Yuan a year, of which the fund's share is paid in.
    """
    outlook, gathering = fund_outlook(losses, years, fund, premium), Gathering()
    for t, estimate in outlook.ruin.items():
        if t in _SHOWN or t == fund.horizon:
            gathering.add("fund_ruin", "share", estimate, programme, group=f"within_{t}_years")
    for t, estimate in outlook.balance.items():
        gathering.add("fund_balance", "mean", estimate, programme, group=f"year_{t}")
    for (t, level), estimate in outlook.balance_quantiles.items():
        gathering.add("fund_balance", f"p{100 * level:g}", estimate, programme, group=f"year_{t}")
    gathering.add("fund_shortfall", "mean", outlook.shortfall, programme)
    for (t, level), estimate in outlook.capital.items():
        statistic = f"p{100 * level:g}".replace(".", "_")
        gathering.add("fund_capital", statistic, estimate, programme, group=f"within_{t}_years")
    return gathering.figures()


def fund_outlook(
    losses: Int64Array,
    years: Years,
    fund: CatastropheFund,
    premium: float = 0.0,
    *,
    levels: Iterable[float] = CAPITAL_LEVELS,
) -> FundOutlook:
    """Return balance, ruin, shortfall and capital of a fund; parameters as for :func:`fund_figures`.

    Raises
    ------
    ValueError
        If losses and years differ in number, or a loss is negative.
    """
    loss = np.asarray(losses, dtype=np.int64)
    if loss.shape != (years.n,) or int(loss.min()) < 0:
        raise ValueError(f"losses of shape {loss.shape} must be nonnegative fen of each of {years.n} years.")
    claims, shares = claims_on_fund(loss, fund), tuple(levels)
    paid_in = fen(fund.contribution + fund.premium_share * premium)
    ruin = _ruin(claims, years, fund, paid_in)
    capital = _capital(claims, years, fund, paid_in, shares)
    balance, quantiles, shortfall = _balance(claims, years, fund, paid_in)
    return FundOutlook(ruin, balance, quantiles, shortfall, capital)


def chance_of_ruin(losses: Int64Array, years: Years, fund: CatastropheFund, premium: float = 0.0) -> float:
    """Return the chance of ruin within the horizon alone, as :func:`fund_outlook` does but without its error."""
    claims, paid_in = claims_on_fund(losses, fund), fen(fund.contribution + fund.premium_share * premium)
    top = max(_reachable(fund, paid_in), 1)
    grid = BalanceGrid.over(top, _FINE, fund, paid_in, "near", int(claims.max()))
    *_, last = backward(grid, _law(grid, claims, years), fund.horizon)
    return float(last[0, grid.index(fen(fund.initial))])


def _law(grid: BalanceGrid, claims: Int64Array, years: Years) -> Float64Array:
    """Law of a year's claim in cells of the grid, one row."""
    law = np.bincount(grid.cell_of(claims), years.weight, grid.claim_cells)
    return np.asarray(law, dtype=np.float64)[None, :]


def _ruin(claims: Int64Array, years: Years, fund: CatastropheFund, paid_in: int) -> dict[int, Estimate]:
    """Chance of ruin from the fund's own opening balance, on a grid of the balances it can reach."""
    horizon, start = fund.horizon, fen(fund.initial)
    top, largest = max(_reachable(fund, paid_in), 1), int(claims.max())
    sides: tuple[Rounding, ...] = ("bold", "near", "safe")
    fine = []
    for rounding in sides:
        grid = BalanceGrid.over(top, _FINE, fund, paid_in, rounding, largest)
        at = grid.index(start)
        fine.append([float(curve[0, at]) for curve in backward(grid, _law(grid, claims, years), horizon)])
    grid = BalanceGrid.over(top, _COARSE, fund, paid_in, "near", largest)
    laws = replicate_histograms(grid.cell_of(claims), grid.claim_cells, years)
    errors = [jackknife_error(curve[:, grid.index(start)]) for curve in backward(grid, laws, horizon)]
    return {
        t: _never(years, t, high) if value < 1e-12 else _chance(value, low, high, error, years)
        for t, (low, value, high, error) in enumerate(zip(*fine, errors, strict=True), start=1)
    }


def _capital(
    claims: Int64Array, years: Years, fund: CatastropheFund, paid_in: int, levels: tuple[float, ...]
) -> dict[tuple[int, float], Estimate]:
    """Opening balances that are enough for one year and for the horizon, at each level."""
    horizon, largest = fund.horizon, int(claims.max())
    spans = sorted({1, horizon})
    if largest == 0:
        return {(t, level): _no_capital(years, t, level) for t in spans for level in levels}

    def curves_on(grid: BalanceGrid, laws: Float64Array) -> dict[int, Float64Array]:
        return {t: curve for t, curve in enumerate(backward(grid, laws, horizon), start=1) if t in spans}

    # No claims exceed a balance of `horizon` of the largest; smaller balances are tried first, for a finer grid.
    enough, top = horizon * largest, 2 * largest
    if fund.ceiling is not None:
        enough = top = fen(fund.ceiling)
    while True:
        grid = BalanceGrid.over(top, _FINE, fund, paid_in, "near", largest)
        curves = {t: curve[0] for t, curve in curves_on(grid, _law(grid, claims, years)).items()}
        if top >= enough or all(_smallest(curves[horizon], 1.0 - level) is not None for level in levels):
            break
        top = min(enough, 2 * top)
    coarse = BalanceGrid.over(top, _COARSE, fund, paid_in, "near", largest)
    spread = curves_on(coarse, replicate_histograms(coarse.cell_of(claims), coarse.claim_cells, years))
    capital = {}
    for t in spans:
        for level in levels:
            at = _smallest(curves[t], 1.0 - level)
            if at is None and fund.ceiling is not None:
                capital[t, level] = Estimate(None, None, None, None, "yuan", years.n, note=NOTE_CEILING)
                continue
            error = None if at is None else jackknife_error(spread[t][:, coarse.index(at * grid.step)])
            capital[t, level] = _read_back(curves[t], 1.0 - level, at, error, grid, t, years)
    return capital


def _no_capital(years: Years, t: int, level: float) -> Estimate:
    """No claim was simulated: nothing is needed, if the years are many enough to say so."""
    upper = 0.0 if 3.0 * t * float(np.max(years.weight)) <= 1.0 - level else None
    return Estimate(
        0.0, upper, 0.0, upper, "yuan", years.n, note="" if upper == 0.0 else NOTE_FEW_YEARS_ABOVE
    )


def _never(years: Years, t: int, high: float) -> Estimate:
    """Bound a chance of which no year shows any: the rule of three for each year, and what rounding hides."""
    bound = min(1.0, 3.0 * t * float(np.max(years.weight)) + high)
    text = f"{3 * t}/{years.n}" if years.is_plain and high < 1e-12 else f"{bound:.2g}"
    note = f"in 0 of {years.n} years; the chance of ruin within {t} is at most {text}"
    return Estimate(0.0, bound / (2.0 * Z_95), 0.0, bound, "share", years.n, note=note)


def _chance(value: float, low: float, high: float, error: float | None, years: Years) -> Estimate:
    if error is None:
        return Estimate(value, None, None, None, "share", years.n, note=NOTE_LONE_YEAR)
    lower = min(low, value) - Z_95 * error
    upper = max(high, value) + Z_95 * error
    return Estimate(value, error, max(0.0, lower), min(1.0, upper), "share", years.n)


def _smallest(chances: Float64Array, most: float) -> int | None:
    """Position of the smallest balance whose chance of ruin is at most `most`; None beyond the grid."""
    fits = chances <= most + 1e-12
    return int(np.argmax(fits)) if fits.any() else None


def _read_back(
    chances: Float64Array,
    most: float,
    at: int | None,
    error: float | None,
    grid: BalanceGrid,
    t: int,
    years: Years,
) -> Estimate:
    if at is None:
        return Estimate(None, None, None, None, "yuan", years.n, note=NOTE_FEW_YEARS_ABOVE)
    if error is None:
        return Estimate(at * grid.step / 100.0, None, None, None, "yuan", years.n, note=NOTE_LONE_YEAR)
    reach = Z_95 * error
    low = _smallest(chances, most + reach)
    high = _smallest(chances, most - reach) if most - reach > 0.0 else None
    # An opening balance that is off grows like any other: its own error does not carry interest.
    return _between(at, low, high, grid.step, grid.error_after(t, 0.0), years)


def _between(
    at: int, low: int | None, high: int | None, step: int, grid_error: float, years: Years
) -> Estimate:
    """Return a quantile with the interval read off the curve, widened by what rounding can do."""
    notes = [NOTE_FEW_YEARS_BELOW] * (low is None) + [NOTE_FEW_YEARS_ABOVE] * (high is None)
    value = at * step / 100.0
    lower = None if low is None else max(0.0, low * step / 100.0 - grid_error)
    upper = None if high is None else high * step / 100.0 + grid_error
    error = None if lower is None or upper is None else (upper - lower) / (2.0 * Z_95)
    return Estimate(value, error, lower, upper, "yuan", years.n, note="; ".join(notes))


def _reachable(fund: CatastropheFund, paid_in: int) -> int:
    """Return the balance after the horizon without a claim: the largest there can be."""
    balance, largest = float(fen(fund.initial)), float(fen(fund.initial))
    for _ in range(fund.horizon):
        balance = (balance + paid_in) * (1.0 + fund.interest)
        if fund.ceiling is not None:
            balance = min(balance, float(fen(fund.ceiling)))
        largest = max(largest, balance)
    return math.ceil(largest)


def _balance(
    claims: Int64Array, years: Years, fund: CatastropheFund, paid_in: int
) -> tuple[dict[int, Estimate], dict[tuple[int, float], Estimate], Estimate]:
    """Mean and quantiles of the balance at the end of some years, and the mean shortfall of a year."""
    top, start, largest = max(_reachable(fund, paid_in), 1), fen(fund.initial), int(claims.max())
    shown = {t for t in (*_SHOWN, fund.horizon) if t <= fund.horizon}
    grid = BalanceGrid.over(top, _FINE, fund, paid_in, "near", largest)
    rough = BalanceGrid.over(top, _COARSE, fund, paid_in, "near", largest)
    laws = replicate_histograms(rough.cell_of(claims), rough.claim_cells, years)
    fine = forward(
        grid,
        _law(grid, claims, years),
        _mean_beyond(grid, claims, years)[:1],
        grid.index(start),
        fund.horizon,
    )
    coarse = forward(rough, laws, _mean_beyond(rough, claims, years), rough.index(start), fund.horizon)
    mean, quantiles, unpaid, unpaid_rows = {}, {}, 0.0, np.zeros(laws.shape[0])
    for t, ((law, short), (rows, short_rows)) in enumerate(zip(fine, coarse, strict=True), start=1):
        unpaid += float(short[0]) * grid.step / 100.0
        unpaid_rows = unpaid_rows + short_rows * rough.step / 100.0
        if t not in shown:
            continue
        grid_error = grid.error_after(t, fund.interest)
        value = float(law[0] @ (grid.step * np.arange(law.shape[1]))) / 100.0
        error = jackknife_error(rows @ (rough.step * np.arange(rows.shape[1])) / 100.0)
        mean[t] = _estimate(value, error, grid_error, years)
        cumulative, rough_cumulative = np.cumsum(law[0]), np.cumsum(rows, axis=1)
        for level in _BALANCE_LEVELS:
            at = _place(cumulative, level)
            assert at is not None
            error = jackknife_error(rough_cumulative[:, rough.index(at * grid.step)])
            if error is None:
                quantiles[t, level] = _estimate(at * grid.step / 100.0, None, 0.0, years)
                continue
            reach = Z_95 * error
            low, high = (_place(cumulative, level + sign * reach) for sign in (-1.0, 1.0))
            quantiles[t, level] = _between(at, low, high, grid.step, grid_error, years)
    # A shortfall is off by no more than the balance, and only in years whose claim exceeds what comes in.
    often = float(np.sum(years.weight[claims > paid_in]))
    grid_error = grid.error_after(fund.horizon, fund.interest) * often
    error = jackknife_error(unpaid_rows / fund.horizon)
    return mean, quantiles, _estimate(unpaid / fund.horizon, error, grid_error, years)


def _mean_beyond(grid: BalanceGrid, claims: Int64Array, years: Years) -> Float64Array:
    """Mean of the claims in the last cell, times their chance, in steps, per replicate."""
    last = grid.cell_of(claims) == grid.claim_cells - 1
    values = np.where(last, claims / grid.step, 0.0)
    return replicate_histograms(np.zeros(years.n, dtype=np.int64), 1, years, values)[:, 0]


def _estimate(value: float, error: float | None, grid_error: float, years: Years) -> Estimate:
    """Return a mean with its error, which holds what rounding can do."""
    if error is None:
        return Estimate(value, None, None, None, "yuan", years.n, note=NOTE_LONE_YEAR)
    half = Z_95 * error + grid_error
    return Estimate(value, half / Z_95, max(0.0, value - half), value + half, "yuan", years.n)


def _place(cumulative: Float64Array, level: float) -> int | None:
    if not 0.0 < level < 1.0:
        return None
    return min(int(np.searchsorted(cumulative, level - 1e-12)), cumulative.size - 1)
