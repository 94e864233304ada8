"""Amounts of fen divided by fixed shares, exactly: carriers of a pool, reinsurers of a contract."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from fangpinbao._typing import Int64Array
from fangpinbao.scenario.reinsurance import PARTS

__all__ = ["divide", "part_of"]

_MOST = (2**63 - 1) // (2 * PARTS) - 1


def divide(amounts: Int64Array, shares: Mapping[str, float]) -> Int64Array:
    """Divide each amount by shares that sum to 1, by largest remainder; ties go to the share listed first.

    Parameters
    ----------
    amounts : int64 array, shape (n,)
        Fen, nonnegative.
    shares
        In whole parts of a million, summing to 1.

    Returns
    -------
    int64 array, shape (n, number of shares)
        Rows sum to the amounts exactly; each entry lies within one fen of amount x share.

    Raises
    ------
    ValueError
        If the shares do not sum to 1, or an amount is negative or above 46 billion yuan.
    """
    parts = np.array([round(share * PARTS) for share in shares.values()], dtype=np.int64)
    if parts.size == 0 or int(parts.sum()) != PARTS or int(parts.min()) < 0:
        raise ValueError(f"shares {dict(shares)} must be nonnegative and sum to 1.")
    numbers = _checked(amounts)
    divided: Int64Array = np.zeros((numbers.size, parts.size), dtype=np.int64)
    paid = np.flatnonzero(numbers)
    quotas, remainders = np.divmod(numbers[paid, None] * parts, PARTS)
    left_over = numbers[paid] - quotas.sum(axis=1)
    # Rank of each remainder within its row, largest first, ties in listed order.
    order = np.argsort(-remainders, axis=1, kind="stable")
    ranks = np.empty_like(order)
    np.put_along_axis(ranks, order, np.arange(parts.size)[None, :], axis=1)
    divided[paid] = quotas + (ranks < left_over[:, None])
    return divided


def part_of(amounts: Int64Array, share: float) -> Int64Array:
    """Return amount x share in fen, each rounded half up, in integers.

    Raises
    ------
    ValueError
        If an amount is negative or above 46 billion yuan.
    """
    rounded: Int64Array = (2 * _checked(amounts) * round(share * PARTS) + PARTS) // (2 * PARTS)
    return rounded


def _checked(amounts: Int64Array) -> Int64Array:
    numbers = np.asarray(amounts)
    if numbers.dtype != np.int64 or numbers.ndim != 1:
        raise ValueError(
            f"amounts are {numbers.dtype} of shape {numbers.shape}; they must be int64, one row."
        )
    if numbers.size and (int(numbers.min()) < 0 or int(numbers.max()) > _MOST):
        raise ValueError(f"amounts must lie between 0 and {_MOST} fen.")
    return numbers
