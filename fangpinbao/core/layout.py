"""Positions in the packed integer tables that kernels take.

A kernel argument costs compile time (a named tuple of sixty arrays a second of it), so columns of one kind
travel as the rows of one matrix; these constants name the rows.
"""

from __future__ import annotations

from typing import Final

# peril[q, .]
EXPOSED: Final = 0  # 0 person, 1 household, 2 township
PER_YEAR: Final = 1  # 1: one amount for the year
BOOK_START: Final = 2
BOOK_END: Final = 3
PERIL_WIDTH: Final = 4

# rate[q, .] of a chunk
TAIL_START: Final = 0
TAIL_STRATA: Final = 1
TAIL_COUNTS: Final = 2

# booking[b, .]
ACCOUNT: Final = 0
ON_HOUSEHOLD: Final = 1
CHANCE: Final = 2  # x 2^32
TABLE: Final = 3  # row of the quantile tables, or -1 - step law
SCALE: Final = 4  # row of the scale factors, -1: 1
SCOPE_TABLE: Final = 5
COUNTS: Final = 6  # 1: its events count as discharges
BOOKING_WIDTH: Final = 7

# event[., e]
EV_ACCOUNT: Final = 0
EV_PERSON: Final = 1  # -1: the household
EV_HOUSEHOLD: Final = 2
EV_COUNT: Final = 3
EV_NEXT: Final = 4
EV_YEAR: Final = 5
EV_PERIL: Final = 6
EV_SLOT: Final = 7
EV_ROW: Final = 8  # -1: the household
EVENT_WIDTH: Final = 9

# hit[., i]
HIT_UNIT: Final = 0
HIT_COUNT: Final = 1
HIT_YEAR: Final = 2

# household[h, .]
GROUP: Final = 0
SIZE: Final = 1
INCOME_START: Final = 2  # resource W0: registered income (or assets), fen
LINE: Final = 3  # and 4: size x line, fen
LIFTED_OUT: Final = 5
CATASTROPHIC_FROM: Final = 6
RELIEF_STANDARD: Final = 7
INCOME_TESTED: Final = 8  # registered income of the household, fen
HOUSEHOLD_WIDTH: Final = 9

# account[., a]
INSIDE: Final = 0  # component of the in-scope part
OUTSIDE: Final = 1
KIND: Final = 2
CAUSE: Final = 3
COUNT_GROUP: Final = 4  # which count of discharges its events belong to, -1 none
ACCOUNT_WIDTH: Final = 5

# kinds of accounts
MEDICAL: Final = 0
EDUCATION: Final = 1
STOCK: Final = 2
INCOME: Final = 3
POINTS: Final = 4

# step[s, .]
LEVEL: Final = 0  # 0 person, 1 household
IS_POINTS: Final = 1
DISCHARGE: Final = 2
EVENT_SET: Final = 3
UNIT_SET: Final = 4
HOUSEHOLD_SET: Final = 5
VARIANTS: Final = 6
GATE: Final = 7
WAITING: Final = 8
STEP_KIND: Final = 9  # kind of the accounts read, -1 mixed
INSURANCE: Final = 10
CUM_IN: Final = 11
CUM_OUT: Final = 12
HOUSEHOLD_CUM_IN: Final = 13
HOUSEHOLD_CUM_OUT: Final = 14
STEP_WIDTH: Final = 15

# row[., r]
ROW_PERSON: Final = 0
ROW_SLOT: Final = 1
ROW_NEXT: Final = 2
ROW_VARIANT: Final = 3
ROW_PAID: Final = 4
ROW_WIDTH: Final = 5

# slot[., s]
SLOT_HOUSEHOLD: Final = 0
SLOT_YEAR: Final = 1
SLOT_EVENT: Final = 2
SLOT_ROW: Final = 3
RESOURCE: Final = 4  # U, fen
SPENDING: Final = 5
MEDICAL_SPENDING: Final = 6
LOST: Final = 7
RELIEF_PAID: Final = 8
SLOT_VARIANT: Final = 9
SLOT_GROUP: Final = 10
SLOT_WIDTH: Final = 11

# change[., p, slot] and base_change[., p, h]
ADJUST: Final = 0  # I - U, before own premium
MEDICAL_ADJUST: Final = 1
BENEFIT: Final = 2
FIXED: Final = 3
LATE: Final = 4
TOUCHED: Final = 5
RELIEF_CHANGE: Final = 6
CHANGE_WIDTH: Final = 7

# base[h, .] of a block
BASE_RESOURCE: Final = 0
BASE_MEDICAL: Final = 1
BASE_RELIEF: Final = 2
BASE_TOUCHED: Final = 3
BASE_WIDTH: Final = 4
