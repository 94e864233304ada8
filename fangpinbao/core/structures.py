"""The arrays of a compiled scenario, grouped; packed tables are described in ``fangpinbao.core.layout``.

``n`` are persons, ``h`` households, ``q`` perils, ``b`` bookings, ``a`` accounts, ``c`` components (what
the layers tell apart), ``s`` steps of stacks, ``p`` programmes (0 is "none"), ``g`` groups, ``y`` years of a
chunk. Money is in fen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from fangpinbao._typing import (
    BoolArray,
    Float64Array,
    Int32Array,
    Int64Array,
    Uint8Array,
    Uint32Array,
    Uint64Array,
)
from fangpinbao.core import layout as at

__all__ = ["Block", "Chunk", "Outputs", "People", "Perils", "Stacks", "Work"]


class People(NamedTuple):
    """Columns of the population."""

    household_start: Int64Array  # [h+1] first person
    household_of: Int32Array  # [n]
    person_word: Uint64Array  # [n] stable key x golden ratio
    person_key: Uint64Array  # [n] stable key, for ties
    household_word: Uint64Array  # [h]
    township_start: Int64Array  # [townships+1] first household
    household: Int64Array  # [h, HOUSEHOLD_WIDTH]: one cache line each
    relief_rate: Float64Array  # [h] take-up x share in time
    own_premium: Int64Array  # [p, h]
    base: Float64Array  # [c, n] certain cost of persons by component; [c, 0] if none
    base_any: Int64Array  # [c] 1 where somebody has a certain cost
    has_base: BoolArray  # [n]
    household_base: Float64Array  # [c, h] certain cost of households by component; [c, 0] if none


class Perils(NamedTuple):
    """What can happen: exposed units and bookings."""

    peril: Int64Array  # [q, PERIL_WIDTH]
    unit_start: Int64Array  # [q+1] into the unit arrays
    unit_of: Int32Array  # [units] person or household
    unit_word: Uint64Array  # [units] stable key x golden ratio
    unit_stratum: Int32Array  # [units] row of the tail table
    booking: Int64Array  # [b, BOOKING_WIDTH]
    scope_share: Float64Array  # [b] constant in-scope share, or -1: drawn
    intercept: Float64Array  # [tables, cells]
    slope: Float64Array
    atom_start: Int64Array  # [step laws + 1]
    atom: Float64Array  # amounts, falling
    atom_survival: Float64Array  # cumulative probability from the top
    person_scale: Float64Array  # [scales, n]
    household_scale: Float64Array  # [scales, h]


class Stacks(NamedTuple):
    """What pays: steps of all stacks as one tree, shared prefixes once."""

    n_none: int  # steps of the stack "none", which come first
    n_person: int  # components [0, n_person) are persons', the rest households'
    account: Int64Array  # [ACCOUNT_WIDTH, a]
    component_kind: Int64Array  # [c]
    none_buffer: Int64Array  # [c] buffer of the component after the stack "none"
    none_cum: Int64Array  # [2] buffers of the cumulative payment after "none": persons', households'
    kind_loss: Float64Array  # [5] effect of a yuan lost on resources, by account kind
    kind_weight: Float64Array  # [5] effect of a yuan paid
    step: Int64Array  # [s, STEP_WIDTH]
    in_time: Float64Array  # [s] share paid within the year
    effect: Int64Array  # [s, p] +1 in p and not in none, -1 in none and not in p, else 0
    read: Int64Array  # [s, c] buffer that holds component c before the step, -1 not read
    write: Int64Array  # [s, c] buffer after it, -1 not needed
    reads_account: Int64Array  # [s, a] 1
    variant_person: Uint8Array  # [rows, n] schedule variant
    variant_household: Uint8Array  # [rows, h]
    hinge_at: Float64Array  # [sets, hinges, variants]
    hinge_bend: Float64Array
    hinge_jump: Float64Array
    hinge_count: Int64Array  # [sets, 2] number of hinges; 1 where some jump
    hinge_floor: Float64Array  # [sets] amount up to which nobody is paid
    gate_terms: Float64Array  # [gates, 2, 4] of income, lost income, rigid spending; line, fen per head
    gate_take_up: Int64Array  # [gates] chance x 2^32
    relief_on_rigid: int  # 1: resources net of rigid spending are topped up
    relief_counts: int  # 1: insurance benefits count as income
    has_lines: int
    runs: tuple[tuple[int, int, bool], ...]  # runs of steps: first, last, plain
    count_groups: int  # sets of accounts whose events are counted as discharges
    person_buffers: int
    household_buffers: int


class Chunk(NamedTuple):
    """The years of one task: keys, rates, township events."""

    rate: Int64Array  # [q, 3] first entry in tail, strata, largest number of events
    tail: Uint32Array  # P(N >= k) x 2^32 by [row, stratum, k]
    tail_row: Int64Array  # [y, q]
    screen_key: Uint64Array  # [y, q]
    take_up_key: Uint64Array  # [y]
    event_start: Int64Array  # [y+1]
    catalogue: Int64Array  # [3, township events] peril, township, share x 2^32
    catalogue_key: Uint64Array  # [township events]


class Block(NamedTuple):
    """Households of one task and the units of each peril among them."""

    first: int
    last: int
    persons: int
    unit_low: Int64Array  # [q]
    unit_high: Int64Array


class Outputs(NamedTuple):
    """Integer sums of one task."""

    columns: Int64Array  # [y, p, g, N_COLUMNS]
    step_paid: Int64Array  # [y, s, g] fen
    step_claims: Int64Array  # [y, s, g]
    ground_up: Int64Array  # [y, a, g] fen (points x 100)
    credit: Int64Array  # [y, s, a] coverage payments by the account they are credited to
    events: Int64Array  # [y, q]
    collected: Int64Array  # [s, block persons + block households] payments of a replayed year, or [s, 0]
    allowed: Int64Array  # the same: payments allowed by an aggregate limit, -1: as settled; or [s, 0]
    by_household: Int64Array  # [p, h, 3] payout, poor years avoided at both lines; or [p, 0, 3]


@dataclass
class Work:
    """Scratch of one thread, for blocks up to a size, a few years at a time."""

    block_persons: int
    block_households: int
    batch_years: int
    capacity: int
    units: int
    people: People
    perils: Perils
    stacks: Stacks

    def __post_init__(self) -> None:
        def ints(*shape: int) -> Int64Array:
            return np.zeros(shape, dtype=np.int64)

        n_programmes, n_steps = self.people.own_premium.shape[0], max(len(self.stacks.in_time), 1)
        rows = self.batch_years * self.block_persons
        slots = self.batch_years * self.block_households
        wide, many = max(rows, slots), self.capacity
        n_perils = len(self.perils.peril)
        self.mask = np.zeros((self.units + 15) // 8 * 8, dtype=np.uint8)
        self.threshold = np.zeros((n_perils, self.units), dtype=np.uint32)
        self.threshold_row = ints(n_perils) - 1
        self.hit_unit = ints(self.units + 16)
        self.hit = ints(3, many)
        self.hit_word = np.zeros(many, dtype=np.uint64)
        self.survival, self.amount = np.zeros(many), np.zeros(many)
        self.event, self.money = ints(at.EVENT_WIDTH, many), np.zeros((2, many))
        self.word = np.zeros(many, dtype=np.uint64)
        self.segment = ints(3, n_perils + 1_024)
        self.row_of = ints(rows) - 1
        self.slot_of = ints(slots) - 1
        self.row, self.slot = ints(at.ROW_WIDTH, rows), ints(at.SLOT_WIDTH, slots)
        self.row_count = np.zeros((self.stacks.count_groups, rows))
        self.always = ints(0)  # households settled every year, because chance or a limit changes their base
        self.buffer = np.zeros((self.stacks.person_buffers, rows))
        self.held = np.zeros((self.stacks.household_buffers, slots))
        self.x, self.z, self.pay, self.spare = (np.zeros(wide) for _ in range(4))
        self.variant, self.active, self.one = ints(wide), ints(wide + 8), np.zeros((2, 1))
        self.gate_open = np.zeros((max(len(self.stacks.gate_take_up), 1), slots), dtype=np.uint8)
        self.touched = ints(slots)
        self.change = ints(at.CHANGE_WIDTH, n_programmes, slots)
        self.base_slot = ints(self.block_households, at.BASE_WIDTH)
        self.base_change = ints(at.CHANGE_WIDTH, n_programmes, self.block_households)
        self.base_step = ints(n_steps, 2, self.block_households)
        self.step_has_base = ints(n_steps)
        self.sizes, self.costs = ints(2), np.zeros(7)
        self.term = ints(2 + 4 * n_programmes, 7)
