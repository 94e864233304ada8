"""The arrays of a compiled scenario, grouped; packed tables are described in ``fangpinbao.core.layout``.

``n`` are persons and ``h`` households of a block, ``q`` perils, ``b`` bookings, ``a`` accounts, ``c``
components (what the layers tell apart), ``s`` steps of stacks, ``p`` programmes (0 is "none"), ``y`` years of
a chunk. Money is in fen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from fangpinbao._typing import Float64Array, Int64Array, Uint8Array, Uint32Array, Uint64Array
from fangpinbao.core import layout as at
from fangpinbao.core.relief import THIS_YEAR
from fangpinbao.core.screen import PATHS_A_WORD

__all__ = [
    "MOST_YEARS",
    "AreaEvents",
    "Base",
    "Block",
    "Chunk",
    "Outputs",
    "Perils",
    "Stacks",
    "Struck",
    "Work",
]

MOST_YEARS = 512
"""Most years of a batch."""


class Perils(NamedTuple):
    """What can happen: bookings, the laws of amounts, and how families are found."""

    peril: Int64Array  # [q, PERIL_WIDTH]
    booking: Int64Array  # [b, BOOKING_WIDTH]
    scope_share: Float64Array  # [b] constant in-scope share, or -1: drawn
    quantile: Float64Array  # [(intercept, slope), tables, cells]
    atom_start: Int64Array  # [step laws + 1]
    atom: Float64Array  # [(amounts, falling; cumulative probability from the top), atoms]
    harm: Int64Array  # [b, HARM_WIDTH]
    case: Float64Array  # [cases, CASE_WIDTH] programmes whose families must be found
    channel: Float64Array  # [channels of all cases, CHANNEL_WIDTH]


class Stacks(NamedTuple):
    """What pays: steps of all stacks as one tree, shared prefixes once."""

    n_none: int  # steps of the stack "none", which come first
    n_person: int  # components [0, n_person) are persons', the rest households'
    account: Int64Array  # [ACCOUNT_WIDTH, a]
    component_kind: Int64Array  # [c]
    none_buffer: Int64Array  # [c] buffer of the component after the stack "none"
    none_cum: Int64Array  # [2] buffers of the cumulative payment after "none": persons', households'
    kind_loss: Float64Array  # [5] effect of a yuan lost on resources, by account kind
    step: Int64Array  # [s, STEP_WIDTH]
    step_terms: (
        Float64Array  # [.., s] share in time, floor of the terms, weight; weight by kind; shared limit
    )
    effect: Int64Array  # [s, p] +1 in p and not in none, -1 in none and not in p, else 0
    read: Int64Array  # [s, c] buffer that holds component c before the step, -1 not read
    write: Int64Array  # [s, c] buffer after it, -1 not needed
    reads_account: Int64Array  # [s, a] 1
    hinge: Float64Array  # [(at, bend, jump), sets, hinges, variants]
    hinge_count: Int64Array  # [sets, 2] number of hinges; 1 where some jump
    gate_terms: Float64Array  # [gates, 2, 4] of income, lost income, rigid spending; line, fen per head
    gate_take_up: Int64Array  # [gates] chance x 2^32
    gate_case: Int64Array  # [gates] case whose coverages have the gate, -1: none
    n_cases: int
    case_reads: Uint8Array  # [cases, a] 1 where some coverage of the case reads the account
    relief_on_rigid: int  # 1: resources net of rigid spending are topped up
    relief_counts: int  # 1: insurance benefits count as income
    has_lines: int
    is_plain: bool  # all steps are plain, and no programme changes a step of "none"
    payable_reads: Int64Array  # [sets, c] distinct costs of persons that coverages read
    payable_floor: Float64Array  # [sets] the least of their terms; only where is_plain
    runs: tuple[tuple[int, int, bool], ...]  # runs of steps: first, last, plain
    count_groups: int  # sets of accounts whose events are counted as discharges
    person_buffers: int
    household_buffers: int
    relief: Int64Array  # [e, RELIEF_WIDTH] relief that programmes pay; [0, .] if none
    relief_terms: Float64Array  # [e, RELIEF_TERMS]
    phase: Float64Array  # [e, months]


class AreaEvents(NamedTuple):
    """Townships hit by catastrophes in the years of a chunk, and what any such event does.

    ``k`` are contracts.
    """

    start: Int64Array  # [years + 1] rows of each year
    place: Int64Array  # [(peril, township, day), rows]
    chance: Float64Array  # [(a dwelling is damaged, a person is a casualty, is injured besides), rows]
    share: Float64Array  # [1 + k, rows]: of a dwelling's value lost; of its benefits that each contract pays
    key: Uint64Array  # [rows] the event's
    kinds: Float64Array  # [q, 44] chance of the kinds of casualty up to each, given a casualty
    benefits: Float64Array  # [k, 44] fen, see fangpinbao.core.catastrophe


class Struck:
    """Scratch: who is struck by catastrophes."""

    def __init__(self, capacity: int, cells: int) -> None:
        self.hit: Uint32Array = np.zeros(
            (4, capacity), dtype=np.uint32
        )  # unit, year, row of area events, kind of harm
        self.word: Uint64Array = np.zeros(capacity, dtype=np.uint64)
        self.mark: Uint8Array = np.zeros(cells, dtype=np.uint8)  # by year and person


class Chunk(NamedTuple):
    """The years of one task: keys, rates, township events."""

    rate: Int64Array  # [q, 3] first entry in tail, strata, largest number of events
    tail: Uint32Array  # P(N >= k) x 2^32 by [row, stratum, k]
    tail_row: Int64Array  # [y, q]
    screen_key: Uint64Array  # [y, q], the same for four paths
    lane: Int64Array  # [y] which 16 bits of a screening word are the path's
    take_up_key: Uint64Array  # [y]
    detection_key: Uint64Array  # [y, draws of detection]; none where there is no case
    event_start: Int64Array  # [y+1]
    catalogue: Int64Array  # [3, township events] peril, township, share x 2^32
    catalogue_key: Uint64Array  # [township events]
    relief_key: Uint64Array  # [e, y] take-up and periods of relief
    past: tuple[Any, ...] = ()  # chunks of the years before, the nearest first, where loans are paid back
    areas: AreaEvents | None = None  # townships hit by catastrophes

    def part(self, low: int, high: int) -> Chunk:
        """Return years ``low`` to ``high`` of this chunk as one of their own."""
        areas = self.areas
        return self._replace(
            tail_row=self.tail_row[low:high],
            screen_key=self.screen_key[low:high],
            lane=self.lane[low:high],
            take_up_key=self.take_up_key[low:high],
            detection_key=self.detection_key[low:high],
            event_start=self.event_start[low : high + 1],
            relief_key=np.ascontiguousarray(self.relief_key[:, low:high]),
            past=tuple(chunk.part(low, high) for chunk in self.past),
            areas=None if areas is None else areas._replace(start=areas.start[low : high + 1]),
        )


class Base(NamedTuple):
    """A block's year without events: what is added to every year, and what touched households take off."""

    home: Int64Array  # [BASE_HOME_WIDTH, h]
    person: Int64Array  # [BASE_PAID + s, n]; [., 0] without certain costs
    person_pays: Int64Array  # [s] 1 where ``person`` is paid
    change: Int64Array  # [p, CHANGE_WIDTH, h]
    step: Int64Array  # [(paid, claims), s, h]
    step_has: Int64Array  # [s] 1 where a household is paid
    paid: bool  # some step pays a household
    touched: bool  # a programme makes a difference to some household
    columns: Int64Array  # [p, N_COLUMNS] of one year
    step_sums: Int64Array  # [(paid, claims), s] of one year
    by_household: Int64Array  # [p, h, 3] of one year
    always: Int64Array  # households whose payments without events can change by chance
    insured: Int64Array  # households paid by a coverage without events
    row_homes: Int64Array  # households whose members with certain costs need rows
    all_homes: Int64Array  # households with certain costs of members


class Block(NamedTuple):
    """Households of one class, their members, and the units of each peril among them; all local positions."""

    first: int  # household
    last: int
    first_person: int
    persons: int
    households: int
    group: int
    home: Uint32Array  # [n] household
    member_start: Int64Array  # [h+1]
    person_word: Uint64Array  # [n] stable key x golden ratio
    person_key: Uint64Array  # [n]
    household_word: Uint64Array  # [h]
    township_start: Int64Array  # [townships+1]
    household: Int64Array  # [HOUSEHOLD_WIDTH, h]
    relief_rate: Float64Array  # [h] take-up x share in time
    own_premium: Int64Array  # [p, h]
    relief_due: Int64Array  # [(due, cap), e, h]
    standing: Uint8Array  # [cases + gates, h] on the list; passes the test before the year; or [0, 0]
    base: Float64Array  # [c, n] certain cost of persons by component; [c, 0] if none
    base_any: Int64Array  # [c] 1 where somebody has a certain cost
    has_base: Uint8Array  # [n]; [0] if none
    household_base: Float64Array  # [c, h] certain cost of households; [c, 0] if none
    choice_person: Uint8Array  # [rows, n] schedule variant
    choice_household: Uint8Array  # [rows, h]
    present: Int64Array  # [s] a bit for each variant that occurs
    person_scale: Float64Array  # [scales, n]
    household_scale: Float64Array  # [scales, h]
    unit_start: Int64Array  # [q+1] into the unit arrays
    unit_of: Uint32Array  # [units] person or household
    unit_word: Uint64Array  # [units] stable key x golden ratio
    unit_stratum: Int64Array  # [units] row of the tail table


class Outputs(NamedTuple):
    """Integer sums of one task, without what every year has in common (``Base``)."""

    columns: Int64Array  # [y, p, N_COLUMNS]
    step_sums: Int64Array  # [(paid fen, claims), y, s]
    ground_up: Int64Array  # [y, a] fen (points x 100)
    credit: Int64Array  # [y, s, a] coverage payments by the account they are credited to
    events: Int64Array  # [y, q]
    funnel: Int64Array  # [y, cases, FUNNEL_CHANNELS + names of channels]
    collected: Int64Array  # [s, y, block persons + block households] payments of one batch; or [s, 0, .]
    allowed: Int64Array  # the same: 1 + what limits over all allow, 0: as settled; or [s, 0, .]
    by_household: Int64Array  # [p, h, 3] payout, poor years avoided at both lines; or [p, 0, 3]


@dataclass
class Work:
    """Scratch of one thread for blocks of up to a size, a few years at a time."""

    persons: int
    households: int
    cells: int  # persons x years of a batch, at the most
    capacity: int  # hits of one peril; half the events
    stacks: Stacks
    perils: Perils
    n_programmes: int

    def __post_init__(self) -> None:
        def ints(*shape: int) -> Int64Array:
            return np.zeros(shape, dtype=np.int64)

        def floats(*shape: int) -> Float64Array:
            return np.zeros(shape)

        def uints(*shape: int) -> Uint32Array:
            return np.zeros(shape, dtype=np.uint32)

        stacks, region, rows = self.stacks, self.capacity, self.cells
        n_perils, n_bookings = len(self.perils.peril), len(self.perils.booking)
        kinds = max(int((self.perils.peril[:, at.EXPOSED] == 0).sum()), 1)
        stride = (self.persons + 7) // 8 * 8 + 64
        wide = (
            max(rows, self.households) + 8 * MOST_YEARS + 64
        )  # with what rounding a year's cells up to 8 adds
        many = 2 * region
        self.region = region
        # drawing
        self.words = np.zeros((kinds, stride), dtype=np.uint64)
        self.masks = np.zeros((kinds, PATHS_A_WORD * stride), dtype=np.uint8)
        self.marks = np.zeros(PATHS_A_WORD * stride, dtype=np.uint8)
        self.threshold = np.zeros((kinds, stride), dtype=np.uint64)
        self.threshold_row = ints(kinds, PATHS_A_WORD) - 1
        self.home_words = np.zeros(wide, dtype=np.uint64)
        self.mask = np.zeros(wide, dtype=np.uint8)
        self.place, self.active, self.listed, self.times = (
            uints(wide),
            uints(wide),
            uints(rows + 8),
            uints(stride),
        )
        self.home_mark, self.home_payable = (np.zeros(wide, dtype=np.uint8) for _ in range(2))
        self.hit = uints(3, (kinds + 1) * region)
        self.hit_word = np.zeros((kinds + 1) * region, dtype=np.uint64)
        self.segment = ints(3, n_perils * (MOST_YEARS + 1))  # a peril's of all years, or of each
        self.event, self.money = uints(at.EVENT_WIDTH, many), floats(2, many)
        self.run = ints(at.RUN_WIDTH, n_bookings * (MOST_YEARS + 2) + 2)  # catastrophes add one a booking
        self.word = np.zeros(many, dtype=np.uint64)
        self.draw = floats(2, many)
        # settling
        self.row, self.slot = uints(at.ROW_WIDTH, rows), uints(at.SLOT_WIDTH, rows)
        self.cell, self.spent = uints(at.CELL_WIDTH, wide), ints(2, wide)
        self.first_of_year = ints(2, MOST_YEARS + 1)
        self.row_count = floats(stacks.count_groups, rows)
        self.buffer, self.held = floats(stacks.person_buffers, rows), floats(stacks.household_buffers, rows)
        self.scratch, self.variant = floats(5, rows + 8), np.zeros(rows + 8, dtype=np.uint8)
        self.one, self.paid, self.paid_home = floats(3, 1), ints(rows), ints(rows)
        self.gate_open = np.zeros((max(len(stacks.gate_take_up), 1), rows), dtype=np.uint8)
        self.reached = uints(stacks.n_cases, rows)
        self.days = floats(2 * stacks.n_cases, rows)
        self.total = ints(at.TOTAL_WIDTH, rows)
        self.change = ints(rows, self.n_programmes, at.CHANGE_WIDTH)
        self.sizes = ints(4)  # hits of households, segments, places in the table of changes, slots
        self.costs, self.term = floats(7), ints(at.TERM_WIDTH, self.households + 8)
        self.struck: Struck | None = None  # made where catastrophes strike
        self.runs = 0  # of events, of the last batch
        self.book, self.mode = ints(0, 0, 0), THIS_YEAR  # loans by year and household, see ``core.relief``
