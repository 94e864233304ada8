"""Every column of the yearly results, declared once: name, meaning, unit; kernels use the positions.

Money columns are int64 fen, counts are int64, ``*_fp`` are fixed point with unit 2^-32.
"""

from __future__ import annotations

from typing import Final

__all__ = [
    "CAUSES",
    "FIXED_POINT",
    "FUNNEL_COLUMNS",
    "LINE_COLUMNS",
    "N_COLUMNS",
    "N_LINES",
    "YEAR_COLUMNS",
    "column",
    "line_column",
]

FIXED_POINT: Final = 2.0**32
N_LINES: Final = 2

YEAR_COLUMNS: Final[tuple[str, ...]] = (
    "payout_fen",
    "claims",
    "households_paid",
    "late_fen",
    "fixed_sum_fen",
    "relief_fen",
    "own_premium_fen",
    "households_catastrophic",
)
"""Per programme and year, beside the line columns: insurance payout; paid units; households with any
payout; payout that comes after the year; fixed sums within the payout; relief (dibao top-up); premium paid by
households; households whose medical out-of-pocket cost is catastrophic."""

PAYOUT: Final = 0
CLAIMS: Final = 1
HOUSEHOLDS_PAID: Final = 2
LATE: Final = 3
FIXED_SUM: Final = 4
RELIEF: Final = 5
OWN_PREMIUM: Final = 6
CATASTROPHIC: Final = 7
FIRST_LINE_COLUMN: Final = 8

_CLASSES = (
    "already_poor",
    "lifted",
    "never_at_risk",
    "induced",
    "prevented_return",
    "prevented_entry",
    "still_poor",
    "relieved",
)
CAUSES: Final[tuple[str, ...]] = (
    "illness",
    "accident",
    "disaster",
    "schooling_certain",
    "schooling_extra",
    "income",
    "other",
)

LINE_COLUMNS: Final[tuple[str, ...]] = (
    *(f"households_{name}" for name in _CLASSES),
    *(f"persons_{name}" for name in _CLASSES),
    "payout_use_prevented_fen",
    "payout_use_lifted_fen",
    "payout_use_already_poor_fen",
    "payout_use_still_poor_fen",
    "payout_use_never_at_risk_fen",
    "payout_above_line_fen",
    "households_prevented_without_fixed_sums",
    "gap_fen",
    "fgt1_fp",
    "fgt2_fp",
    "households_poor",
    "persons_poor",
    *(f"households_prevented_{name}" for name in CAUSES),
)
"""Per programme, year and line. ``lifted`` is within ``already_poor``, ``induced`` within ``never_at_risk``
and ``relieved`` within ``still_poor``; ``gap_fen`` is the money missing to the line under the programme,
``poor`` all below it."""

ALREADY: Final = 0
LIFTED: Final = 1
NEVER: Final = 2
INDUCED: Final = 3
PREVENTED_RETURN: Final = 4
PREVENTED_ENTRY: Final = 5
STILL: Final = 6
RELIEVED: Final = 7
N_CLASSES: Final = 8
USE_PREVENTED: Final = 16
USE_LIFTED: Final = 17
USE_ALREADY: Final = 18
USE_STILL: Final = 19
USE_NEVER: Final = 20
ABOVE_LINE: Final = 21
WITHOUT_FIXED: Final = 22
GAP: Final = 23
FGT1: Final = 24
FGT2: Final = 25
POOR: Final = 26
POOR_PERSONS: Final = 27
FIRST_CAUSE: Final = 28
N_LINE_COLUMNS: Final = 35
N_COLUMNS: Final = 78

FUNNEL_COLUMNS: Final[tuple[str, ...]] = (
    "funnel_due",
    "funnel_listed",
    "funnel_alerted",
    "funnel_found",
    "funnel_approved",
    "funnel_accepted",
    "funnel_in_time",
    "funnel_wrong",
    "funnel_wrong_fen",
    "funnel_days_thousandths",
)
"""Per programme with a detection design and year, beside one ``funnel_found_by_NAME`` for each channel: households
that the terms would pay, and of these how many get so far; households paid though no test lets them; what these are
paid; days from the last event to payment, summed over households paid, in thousandths of a day."""

FUNNEL_WRONG: Final = 7
FUNNEL_WRONG_FEN: Final = 8
FUNNEL_DAYS: Final = 9
FUNNEL_CHANNELS: Final = 10
STAGE_LISTED, STAGE_ALERTED, STAGE_FOUND, STAGE_APPROVED, STAGE_ACCEPTED, STAGE_IN_TIME = range(1, 7)

if len(FUNNEL_COLUMNS) != FUNNEL_CHANNELS:
    raise RuntimeError("column positions and names of the funnel disagree")
if len(LINE_COLUMNS) != N_LINE_COLUMNS or len(YEAR_COLUMNS) != FIRST_LINE_COLUMN:
    raise RuntimeError("column positions and names disagree")


def column(name: str) -> int:
    """Position of a yearly column."""
    return YEAR_COLUMNS.index(name)


def line_column(name: str, line: int) -> int:
    """Position of a column of line 0 (poverty) or 1 (monitoring)."""
    return FIRST_LINE_COLUMN + line * N_LINE_COLUMNS + LINE_COLUMNS.index(name)
