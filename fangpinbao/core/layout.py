"""Positions in the packed tables that kernels take.

A kernel argument costs compile time (about 45 ms an array), so columns of one kind travel as the rows of one
matrix; these constants name the rows. Persons and households of a block are counted from the block's first,
years from the batch's first.
"""

from __future__ import annotations

from typing import Final

# peril[q, .]
EXPOSED: Final = 0  # 0 person, 1 household, 2 township, AREA
PER_YEAR: Final = 1  # 1: one amount for the year
BOOK_START: Final = 2
BOOK_END: Final = 3
HITS_MEMBERS: Final = 4  # 1: books costs of persons to the members of a household
PERIL_WIDTH: Final = 5

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

AREA: Final = 3  # a township that a catastrophe hits

# harm[b, .]: bookings of catastrophes, see fangpinbao.core.area_events
HARM_SET: Final = 0  # bits of the kinds of harm that are booked; 0: not a catastrophe's
HARM_TIMES: Final = 1  # what multiplies the amount
HARM_CONTRACT: Final = 2  # contract whose benefit multiplies it
HARM_WIDTH: Final = 3
# bits of HARM_SET; burned: and not disabled; damaged: a dwelling
DEAD: Final = 1
DISABLED: Final = 2
BURNED: Final = 4
INJURED: Final = 8
DAMAGED: Final = 16
HARMS: Final = {"dead": DEAD, "disabled": DISABLED, "burned": BURNED, "injured": INJURED, "damaged": DAMAGED}
# values of HARM_TIMES
BY_GRADE: Final = 1
BY_SHARE_LOST: Final = 2
BY_BENEFIT: Final = 3
TIMES: Final = {"grade": BY_GRADE, "share_lost": BY_SHARE_LOST, "benefit": BY_BENEFIT}

# hit[., i], unsigned: who is struck
HIT_UNIT: Final = 0  # row of a person, or household
HIT_YEAR: Final = 1
HIT_COUNT: Final = 2

# event[., e], unsigned
EV_UNIT: Final = 0  # row of a person, or household of a run on households
EV_YEAR: Final = 1
EV_COUNT: Final = 2
EV_NEXT: Final = 3  # next event of the same row, or of the same slot's household; NOBODY ends
EV_ACCOUNT: Final = 4
EVENT_WIDTH: Final = 5
NOBODY: Final = 0xFFFF_FFFF

# run[., g]: events that one booking made of one segment of hits
RUN_FIRST: Final = 0
RUN_END: Final = 1
RUN_BOOKING: Final = 2
RUN_PERIL: Final = 3
RUN_PERSON: Final = 4  # 1: units are rows of persons
RUN_WIDTH: Final = 5

# household[., h]
SIZE: Final = 0
INCOME_START: Final = 1  # resource W0: registered income (or assets), fen
LINE: Final = 2  # and 3: size x line, fen
LIFTED_OUT: Final = 4
CATASTROPHIC_FROM: Final = 5
RELIEF_STANDARD: Final = 6
INCOME_TESTED: Final = 7  # registered income of the household, fen
HOUSEHOLD_WIDTH: Final = 8

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
CUM_READ: Final = 15  # 1: a later step starts from the cumulative payment behind this one
SHARED_PER: Final = 16  # fixed sums that share a limit: what it holds for; 0: none is shared
SHARED_BEFORE: Final = 17  # the step before it that uses up the same limit, -1 none
CASE: Final = 18  # designed programme whose families must be found, -1: paid by chance (take-up) alone
REIMBURSES: Final = 19  # 1: pays costs of the household; 0: a fixed sum, or sets its own cost aside
LEAVES_CUT: Final = 20  # 1: what a limit over all cuts off is left to the public layers behind it
STEP_WIDTH: Final = 21
PER_EVENT: Final = 1
PER_PERSON: Final = 2
PER_HOUSEHOLD: Final = 3

# row[., r], unsigned: a person in a year
ROW_PERSON: Final = 0
ROW_CELL: Final = 1  # year x stride of households + household
ROW_EVENT: Final = 2  # its last event
ROW_WIDTH: Final = 3

# cell[., year x stride + household], unsigned, and spent[., the same], fen
CELL_ROWS_END: Final = 0  # 1 + its last row; 0: no member is struck
CELL_SLOT: Final = 1  # NOBODY: what happened cannot matter for a programme or a line
CELL_ROWS_START: Final = 2  # its first row, where any member is struck
CELL_WIDTH: Final = 3
CELL_SPENDING: Final = 0  # of members, beyond the year without events
CELL_MEDICAL: Final = 1

# slot[., s], unsigned: a household in a year that is settled on its own; rows of a slot lie side by side
SLOT_HOUSEHOLD: Final = 0
SLOT_YEAR: Final = 1
SLOT_EVENT: Final = 2  # last event of the household itself
SLOT_ROW: Final = 3
SLOT_ROWS_END: Final = 4
SLOT_CHANGE: Final = 5  # 1 + its place in the table of changes; 0: no programme makes a difference
SLOT_DUE: Final = 6  # a bit for each case whose terms would pay it; only where there are cases
SLOT_LATE: Final = 7  # a bit for each case whose payment comes after the year; likewise
SLOT_WIDTH: Final = 8

# total[., s], fen
RESOURCE: Final = 0  # U
SPENDING: Final = 1
MEDICAL_SPENDING: Final = 2
LOST: Final = 3
RELIEF_PAID: Final = 4
TOTAL_WIDTH: Final = 5

# change[k, p, .] and base_change[p, ., h]
ADJUST: Final = 0  # I - U, before own premium; of the base: after it
MEDICAL_ADJUST: Final = 1
BENEFIT: Final = 2
FIXED: Final = 3
LATE: Final = 4
TOUCHED: Final = 5
AID: Final = 6  # of a year: what the programme's own relief does for resources, less loans paid back
RELIEF_CHANGE: Final = 6  # of the base: relief that exists anyway, beside "none"
LATER: Final = 7  # of costs reimbursed: what they would add to ADJUST if all of it came in time
CHANGE_WIDTH: Final = 8

# base_home[., h]: the year without events
BASE_RESOURCE: Final = 0
BASE_MEDICAL: Final = 1
BASE_RELIEF: Final = 2
BASE_SPENDING: Final = 3  # of the persons' accounts
BASE_PERSONS_MEDICAL: Final = 4
BASE_TOUCHED: Final = 5  # 1: a programme makes a difference without any event
BASE_ROWS: Final = 6  # 1: certain costs can be paid by a programme, so members with such costs get rows
SAFE_FROM: Final = 7  # a resource from here on changes no count of any line
BASE_SCHOOLING: Final = 8  # out-of-pocket cost of certain schooling
SPENDING_SLACK: Final = 9  # spending of members beyond the base, up to which nothing changes for it
MEDICAL_SLACK: Final = 10  # the same of medical spending
GATE_SLACK: Final = 11  # and up to which no test of moment "after_shock" is passed
BASE_LINES: Final = 12  # and the next ones: what it adds to each line's sums, see LINE_SUMS
LINE_SUMS: Final = 5  # never at risk, poor, gap, FGT1, FGT2
BASE_HOME_WIDTH: Final = BASE_LINES + 2 * LINE_SUMS

# base_person[., i], fen
BASE_COST: Final = 0  # out-of-pocket under "none"
BASE_PERSON_MEDICAL: Final = 1
BASE_EDUCATION: Final = 2  # out-of-pocket cost of schooling
BASE_PAID: Final = 3  # and the next ones: paid by each step of "none"

# term[., j]: what a programme makes of a household in a year, and the first rows of ``household``
TERM_U: Final = 0
TERM_I: Final = 1
TERM_BENEFIT: Final = 2
TERM_FIXED: Final = 3
TERM_HOUSEHOLD: Final = 4  # SIZE to LIFTED_OUT
TERM_WIDTH: Final = TERM_HOUSEHOLD + LIFTED_OUT + 1

# relief[e, .]: an entry of a programme
RELIEF_PROGRAMME: Final = 0
RELIEF_ROW: Final = 1  # among the steps, of what it pays
RELIEF_LATE_ROW: Final = 2  # of the part that comes after the year, -1 none
RELIEF_REPAID_ROW: Final = 3  # of what comes back of its loans, -1 none
RELIEF_BASE: Final = 4  # 0 gap, 1 cost borne, 2 heads
RELIEF_ON: Final = 5  # of a gap: 0 income, 1 income less rigid spending, 2 resources
RELIEF_COUNTS: Final = 6  # 1: insurance benefits lower the gap
RELIEF_GATE: Final = 7
RELIEF_PHASES: Final = 8  # months in which a period that touches the year can begin; 0: no period
RELIEF_LOAN: Final = 9  # row of the book of loans, -1 none
RELIEF_WIDTH: Final = 10
GAP_BASE: Final = 0
BORNE_BASE: Final = 1
HEADS_BASE: Final = 2
ON_INCOME: Final = 0
ON_NET_INCOME: Final = 1
ON_RESOURCES: Final = 2

# relief_terms[e, .]
RELIEF_RATE: Final = 0
RELIEF_IN_TIME: Final = 1
RELIEF_TAKE_UP: Final = 2  # x 2^32
RELIEF_PHASE: Final = 3  # chance that a period begins in a month, x 2^32
RELIEF_TERMS: Final = 4

# relief_due[., e, h], fen
DUE_BASE: Final = 0  # standard of the household, or what its heads are due; 0 for cost borne
DUE_CAP: Final = 1  # most of the base that counts; 0: not for this household

# case[d, .]: a programme whose families are found by a detection design
CASE_PROGRAMME: Final = 0
CASE_CHANNELS: Final = 1  # first of its channels; the next one is the end
CASE_CHANNELS_END: Final = 2
CASE_THRESHOLD: Final = 3  # fen of spending and repairs that raise the alert
CASE_PASSES: Final = 4  # chances of the check: of a claim that is due, and of one whose test fails
CASE_WRONGLY_PASSES: Final = 5
CASE_REFUSED: Final = 6
CASE_CHECK_DAYS: Final = 7  # tables of amounts, as TABLE of a booking
CASE_PAYMENT_DAYS: Final = 8
CASE_TIMES_INCOME: Final = 9  # of registered income, above which they raise it too; -1: any
CASE_WIDTH: Final = 10

# channel[k, .]
CHANNEL_CHANCE: Final = 0
CHANNEL_DAYS: Final = 1  # table of amounts
CHANNEL_DRAW: Final = 2  # column of detection_key of its chance; the next one is of its days
CHANNEL_WIDTH: Final = 3

# detection_key[y, .], before those of channels
DRAW_CHECK: Final = 0
DRAW_CHECK_DAYS: Final = 1
DRAW_REFUSAL: Final = 2
DRAW_PAYMENT_DAYS: Final = 3
DRAW_CHANNELS: Final = 4

# standing[., h], bits: first a row for each case, 1 on the list; then for each gate, 1 passes its test before the year

# gate_open of a case, bits
GATE_DUE: Final = 1  # the tests are passed
GATE_PAID: Final = 2  # what the terms pay is paid

# reached[d, s]: how far a household that is due gets
REACHED_STAGE: Final = 7  # mask of the last stage, see fangpinbao.columns
REACHED_CHANNELS: Final = 3  # shift: from here on a bit for each name of a channel that finds it
