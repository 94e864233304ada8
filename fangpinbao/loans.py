"""What falls due of the loans of earlier years: the years before each simulated year are simulated for it.

The year of path -k stands for k years before; like every year, it is a function of its key. So each path brings its
own past, and simulated years stay independent of each other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fangpinbao._typing import Int64Array
from fangpinbao.core.relief import PAST_YEAR
from fangpinbao.core.structures import Block, Chunk
from fangpinbao.scenario import Scenario

if TYPE_CHECKING:
    from fangpinbao.engine import Engine

__all__ = ["due_of_loans", "lenders", "no_loans", "part_due", "years_of_loans"]


def years_of_loans(scenario: Scenario) -> int:
    """Return how many years back the longest loan reaches; 0 without loans."""
    entries = [entry for programme in scenario.programmes.values() for entry in programme.relief.values()]
    return max((entry.loan.years for entry in entries if entry.loan is not None), default=0)


def lenders(scenario: Scenario) -> Scenario:
    """Return the scenario with the programmes that lend alone: all that a year before needs."""
    programmes = scenario.programmes.items()
    lending = {
        name: programme
        for name, programme in programmes
        if any(entry.loan is not None for entry in programme.relief.values())
    }
    return scenario.model_copy(update={"programmes": lending})


def no_loans() -> Int64Array:
    """Return an empty book."""
    return np.zeros((0, 0, 0), dtype=np.int64)


def part_due(lent: Int64Array, repaid: float, years: int, k: int) -> Int64Array:
    """Return what falls due ``k`` years after lending, fen: parts of whole fen that sum to what is repaid."""
    if k > years:
        return np.zeros_like(lent)
    whole = np.floor(lent * repaid + 0.500001)
    upto, before = (np.floor(whole * (j / years) + 0.500001) for j in (k, k - 1))
    due: Int64Array = (upto - before).astype(np.int64)
    return due


def due_of_loans(lender: Engine, block: Block, past: tuple[Chunk, ...], years: int) -> Int64Array:
    """Return what each household owes in each year of a chunk: [loans, years, households], fen.

    ``lender`` is the engine of the programmes that lend, over the same blocks; ``past`` are its chunks, the nearest
    year first. A household that a year before does not touch borrows as in the year without events.
    """
    loans = [row for row in lender.compiled.relief if row.part == "repaid"]
    paid = {(row.programme, row.entry): row.row for row in lender.compiled.relief if row.part == "paid"}
    (mine,) = (one for one in lender.blocks if one.first == block.first)
    base = lender.base(mine)
    always = np.array([base.step[0, paid[row.programme, row.entry]] for row in loans])
    owed = np.zeros((len(loans), years, block.households), dtype=np.int64)
    for k, chunk in enumerate(past, start=1):
        book = np.repeat(always[:, None, :], years, axis=1)
        lender.run_block(mine, chunk, years, book=book, mode=PAST_YEAR)
        for row, lent, due in zip(loans, book, owed, strict=True):
            assert row.table.loan is not None
            due += part_due(lent, row.table.loan.repaid, row.table.loan.years, k)
    return owed
