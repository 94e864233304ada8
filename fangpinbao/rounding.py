"""Figures cut to the digits their error supports, and whole amounts shared out exactly.

Two kinds of rounding that must never be confused: the display of a simulated figure, which drops digits
that are noise, and the division of an amount of money, which loses nothing.
"""

from __future__ import annotations

from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from fangpinbao._typing import Int64Array, Uint64Array

_LARGEST_INT64 = 2**63 - 1
_LOW_64_BITS = 2**64 - 1

# Units are printed as given in English; units that are plain numbers are not printed at all.
_PLAIN_UNITS = frozenset({"", "1", "share", "ratio"})
_CHINESE_UNITS = {
    "yuan": "元",
    "fen": "分",
    "persons": "人",
    "households": "户",
    "claims": "件",
    "insurers": "家",
    "payments": "户次",
    "households per million yuan": "户/百万元",
    "years": "年",
    "events": "次",
    "yuan per year": "元/年",
    "yuan per insured": "元/参保人",
    "yuan per resident": "元/居民",
    "yuan per household": "元/户",
    "yuan per person": "元/人",
    "yuan per claim": "元/件",
    "persons per million": "人/百万人",
}


class Figure(Protocol):
    """What formatting reads of an `Estimate` (which lives a layer above)."""

    @property
    def value(self) -> float | None:
        """The estimate; None where it is not defined."""

    @property
    def standard_error(self) -> float | None:
        """Its standard error; None where there is none."""

    @property
    def unit(self) -> str:
        """Unit in English words."""

    @property
    def years(self) -> int:
        """Number of simulated years."""

    @property
    def method(self) -> str:
        """One of simulated, exact, input."""

    @property
    def note(self) -> str:
        """What a reader must know."""

    @property
    def is_share_of_no_year(self) -> bool:
        """Whether the note is the figure."""


def decimals_of_error(standard_error: float) -> int:
    """Number of decimals to show beside an error; negative where tens or hundreds are cut.

    The convention of the Particle Data Group (Review of Particle Physics, Introduction, section 5.3): look at
    the three leading digits of the error; 100 to 354 keeps two digits, 355 to 949 keeps one, 950 to 999 is
    rounded up to 1000 and keeps two.

    Raises
    ------
    ValueError
        If the error is not a positive finite number.
    """
    if not 0.0 < standard_error < float("inf"):
        raise ValueError(f"standard_error = {standard_error} must be positive and finite.")
    mantissa, exponent = f"{standard_error:.2e}".split("e")
    keeps_two_digits = float(mantissa) < 3.545
    return (1 if keeps_two_digits else 0) - int(exponent)


def round_to_error(value: float, standard_error: float | None) -> float:
    """Cut a value to the digits its standard error supports (see `decimals_of_error`).

    An error of zero or None leaves the value as it is.
    """
    if standard_error is None or standard_error == 0.0:
        return float(value)
    # Adding zero turns -0.0 into 0.0.
    return round(float(value), decimals_of_error(standard_error)) + 0.0


def format_estimate(estimate: Figure, lang: Literal["en", "zh"] = "en") -> str:
    """One line for a figure: ``1,234 ± 12 yuan``, where ± is one standard error.

    A figure that is not defined says so. A simulated figure without an error says so too. A share of years of
    which none had the event prints the bound instead of a misleading zero. A value without error (exact, an
    input, or the same in every year) is printed without ±.
    """
    chinese = lang == "zh"
    if estimate.value is None:
        return "无定义" if chinese else "not defined"
    if estimate.is_share_of_no_year:
        return _no_year_in_chinese(estimate) if chinese else estimate.note
    error = estimate.standard_error
    if error is None or error == 0.0:
        number = _plain_number(estimate.value)
    else:
        decimals = decimals_of_error(error)
        number = f"{_fixed(estimate.value, decimals)} ± {_fixed(error, decimals)}"
    text = number
    if estimate.unit not in _PLAIN_UNITS:
        text += " " + (_CHINESE_UNITS.get(estimate.unit, estimate.unit) if chinese else estimate.unit)
    if error is None and estimate.method == "simulated":
        text += "（误差未知）" if chinese else " (error unknown)"
    return text


def _no_year_in_chinese(estimate: Figure) -> str:
    bound = estimate.note.rsplit(" ", 1)[-1]
    return f"{estimate.years} 年中有 0 年发生；此类年份的概率至多为 {bound}"


def _fixed(number: float, decimals: int) -> str:
    return f"{round(number, decimals) + 0.0:,.{max(decimals, 0)}f}"


def _plain_number(number: float) -> str:
    """Show a number without error: fen where it is large, six digits where it is small, no idle zeros."""
    text = f"{number:,.2f}" if abs(number) >= 1000.0 else f"{number:.6g}"
    return text.rstrip("0").rstrip(".") if "." in text and "e" not in text else text


def largest_remainder(amounts: Int64Array, total: int, ids: Uint64Array) -> Int64Array:
    """Share an integer total in proportion to integer amounts, exactly, by largest remainder (Hamilton).

    Each entry gets the integer part of its quota ``amounts * total / sum(amounts)``; what is left goes, one
    each, to the largest remainders, ties to the smallest id. All arithmetic is on integers, so that the
    result depends on neither order nor machine.

    Parameters
    ----------
    amounts : int64 array, shape (n,)
        Nonnegative, e.g. claims in fen before a limit.
    total : int
        Nonnegative, e.g. the limit in fen.
    ids : uint64 array, shape (n,)
        Stable ids, all different.

    Returns
    -------
    int64 array, shape (n,)
        Sums to `total` exactly. No entry exceeds its amount where ``total <= sum(amounts)``, and an amount of
        zero gets nothing.

    Raises
    ------
    ValueError
        If an amount or the total is negative, ids repeat, or a positive total has nothing to go by.
    """
    numerators = np.asarray(amounts)
    identities = np.asarray(ids)
    total = int(total)
    _check_shares(numerators, total, identities)
    numerators = numerators.astype(np.int64)
    sum_of_amounts = _exact_sum(numerators)
    if total == 0:
        return np.zeros(numerators.shape, dtype=np.int64)
    if sum_of_amounts == 0:
        raise ValueError(f"total = {total} cannot be shared out: every amount is zero.")
    if total == sum_of_amounts:
        return numerators
    if max(int(numerators.max()) * total, sum_of_amounts) <= _LARGEST_INT64:
        parts, remainders = np.divmod(numerators * np.int64(total), np.int64(sum_of_amounts))
        order = _largest_first(remainders, identities, total - _exact_sum(parts))
    else:
        products = numerators.astype(object) * total
        quotients = products // sum_of_amounts
        wide_remainders = products - quotients * sum_of_amounts
        # A remainder can need more than 64 bits: sort by its two halves, largest first.
        high = (wide_remainders >> 64).astype(np.uint64)
        low = (wide_remainders & _LOW_64_BITS).astype(np.uint64)
        order = np.lexsort((identities, ~low, ~high))
        parts = quotients.astype(np.int64)
    left_over = total - _exact_sum(parts)
    parts[order[:left_over]] += 1
    return parts


def _largest_first(remainders: Int64Array, ids: Uint64Array, count: int) -> NDArray[np.intp]:
    """Positions of the ``count`` largest remainders, ties to the smallest id, without sorting the others."""
    if count == 0:
        return np.zeros(0, dtype=np.intp)
    least = np.partition(remainders, remainders.size - count)[remainders.size - count]
    above, ties = np.flatnonzero(remainders > least), np.flatnonzero(remainders == least)
    return np.concatenate([above, ties[np.argsort(ids[ties])][: count - above.size]])


def _check_shares(amounts: Int64Array, total: int, ids: Uint64Array) -> None:
    if amounts.ndim != 1 or amounts.shape != ids.shape:
        raise ValueError(f"amounts {amounts.shape} and ids {ids.shape} must be two columns of one length.")
    if amounts.size and amounts.dtype.kind not in "iu":
        raise ValueError(f"amounts are {amounts.dtype}; they must be integers (fen).")
    if amounts.size and (int(amounts.min()) < 0 or int(amounts.max()) > _LARGEST_INT64):
        raise ValueError("amounts must lie between 0 and the largest int64.")
    if not 0 <= total <= _LARGEST_INT64:
        raise ValueError(f"total = {total} must lie between 0 and the largest int64.")
    ordered = np.sort(ids)
    if (ordered[1:] == ordered[:-1]).any():
        raise ValueError("ids must all differ, since they decide ties.")


def _exact_sum(numbers: Int64Array) -> int:
    """Sum of nonnegative int64 numbers as a Python int, safe where an int64 sum would overflow."""
    high = int(np.sum(numbers >> 32))
    low = int(np.sum(numbers & 0xFFFFFFFF))
    return (high << 32) + low
