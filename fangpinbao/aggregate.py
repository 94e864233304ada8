"""Limits over all units in a year: binding years are settled again, many at once, with what the limit allows.

A first pass collects every claim of these years as it would be without the limit, a second one pays what the limit
allows each. Years are taken in waves, so that memory is bounded.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from fangpinbao._typing import Float64Array, Int64Array, Uint64Array
from fangpinbao.columns import PAYOUT
from fangpinbao.core import layout as at
from fangpinbao.core.run import LIMITED, draw, most_years
from fangpinbao.core.streams import mix_array
from fangpinbao.core.structures import Block, Chunk, Outputs
from fangpinbao.limit_shares import share_first_come, share_pro_rata, sum_by_year
from fangpinbao.workers import Workers

if TYPE_CHECKING:
    from fangpinbao.engine import Engine
    from fangpinbao.outcomes import Sums

__all__ = ["allowed_in", "apply_aggregate_limits", "days_of", "share_first_come", "year_events"]

_WAVE_YEARS = 256
_WAVE_CLAIMS = 250_000
_BATCH_BYTES = 16_000_000
"""Most years, and about the most claims, whose claims are held at a time; memory of a batch's payments by unit."""


@dataclass(frozen=True)
class _Limited:
    """A coverage under a limit over all that cuts."""

    programme: int
    position: int  # among the coverages of its programme
    step: int
    case: int  # the detection design by which it is paid, -1: none
    by_day: bool


@dataclass(frozen=True)
class _Claims:
    """What coverages would pay without the limit: which one, in which year, to whom: a person, then a household."""

    limited: Int64Array
    year: Int64Array
    unit: Int64Array
    fen: Int64Array
    day: Float64Array

    @classmethod
    def joined(cls, parts: Sequence[_Claims]) -> _Claims:
        return cls(*(np.concatenate([getattr(part, one.name) for part in parts]) for one in fields(cls)))

    def part(self, chosen: slice | np.ndarray) -> _Claims:
        return _Claims(*(getattr(self, one.name)[chosen] for one in fields(self)))


def apply_aggregate_limits(engine: Engine, sums: Sums, workers: Workers) -> dict[str, Int64Array]:
    """Replace the binding years in ``sums``; returns them by programme."""
    binding: dict[str, Int64Array] = {}
    limits: dict[int, int] = {}
    for p, name in enumerate(engine.compiled.tree.programmes[1:], start=1):
        aggregate = engine.scenario.programmes[name].aggregate
        if aggregate is None:
            continue
        limit = round(aggregate.limit * 100)
        binding[name] = np.flatnonzero(sums.columns[p, :, PAYOUT] > limit)
        if aggregate.rule != "topped_up":
            limits[p] = limit
    years = np.unique(
        np.concatenate(
            [np.zeros(0, dtype=np.int64), *(binding[engine.compiled.tree.programmes[p]] for p in limits)]
        )
    )
    steps = [one.step for one in _limited(engine, limits)]
    for wave in _waves(years, sums.step_claims[years][:, steps].sum(axis=1)):
        _settle_again(engine, sums, wave, limits, workers)
    return binding


def _waves(years: Int64Array, claims: Int64Array) -> Iterator[Int64Array]:
    """Cut years into runs with a bounded number of claims."""
    first, held = 0, 0
    for k, count in enumerate(claims.tolist()):
        if k > first and (held + count > _WAVE_CLAIMS or k - first >= _WAVE_YEARS):
            yield years[first:k]
            first, held = k, 0
        held += count
    if len(years):
        yield years[first:]


def _limited(engine: Engine, limits: dict[int, int]) -> list[_Limited]:
    """Coverages under limits that cut, in order."""
    found = []
    tree, cases = engine.compiled.tree, engine.compiled.cases
    for p in limits:
        name = tree.programmes[p]
        aggregate = engine.scenario.programmes[name].aggregate
        by_day = aggregate is not None and aggregate.rule == "first_come"
        steps = [s for s in tree.members[p] if tree.nodes[s].programme]
        found += [_Limited(p, k, s, cases.index(name), by_day) for k, s in enumerate(steps)]
    return found


def _settle_again(
    engine: Engine, sums: Sums, years: Int64Array, limits: dict[int, int], workers: Workers
) -> None:
    """Add to the sums what the limits change of years."""
    chunk, limited = engine.paths(years), _limited(engine, limits)
    by_household, lock = sums.by_household.shape[1] > 0, threading.Lock()
    few = -(-len(years) // workers.threads) if len(engine.blocks) < workers.threads else len(years)
    parts = [
        (block, low, min(low + step, len(years)))
        for block in engine.blocks
        for step in [min(_years_at_once(engine, block), few)]
        for low in range(0, len(years), step)
    ]

    def collect(part: tuple[Block, int, int]) -> tuple[Outputs, _Claims]:
        block, low, high = part
        out, claims = _collect(engine, block, chunk.part(low, high), high - low, limited, by_household)
        claims.year[:] += low
        return out, claims

    def replace(item: tuple[tuple[Block, int, int], tuple[Outputs, _Claims], Int64Array]) -> None:
        (block, low, high), (before, claims), shared = item
        allowed = _by_unit(engine, block, high - low, limited, binds[:, low:high], claims, shared, low)
        out = engine.run_block(
            block,
            chunk.part(low, high),
            high - low,
            allowed=allowed,
            by_household=by_household,
            settle=LIMITED,
        )
        for after, taken_off in zip(_sums_of(out), _sums_of(before), strict=True):
            after -= taken_off
        with lock:
            sums.add(out, years[low:high], block)

    found = list(workers.map(collect, parts))
    binds, shared = _share(
        engine, _Claims.joined([claims for _, claims in found]), len(years), limited, limits
    )
    ends = np.cumsum([len(claims.fen) for _, claims in found])[:-1]
    for _ in workers.map(replace, zip(parts, found, np.split(shared, ends), strict=True)):
        pass


def _sums_of(out: Outputs) -> tuple[Int64Array, ...]:
    """Return what is added up of a task's sums."""
    return (
        out.columns, out.step_sums, out.ground_up, out.credit, out.events, out.funnel, out.by_household,
    )  # fmt: skip


def _years_at_once(engine: Engine, block: Block) -> int:
    """Years of a block that make one batch and whose payments by unit do not take much memory."""
    a_year = 8 * len(engine.compiled.stacks.step) * (block.persons + block.households)
    return max(min(most_years(engine.cells, block), _BATCH_BYTES // a_year), 1)


def _collect(
    engine: Engine, block: Block, chunk: Chunk, years: int, limited: list[_Limited], by_household: bool
) -> tuple[Outputs, _Claims]:
    """Settle years of a block without limits; returns their sums and all claims of limited coverages."""
    from fangpinbao.core.limited import places_of

    out = engine.run_block(
        block, chunk, years, collect=True, by_household=by_household, settle=LIMITED
    )  # fmt: skip
    days = _claim_days(engine, block, years, limited)
    parts, units = [], block.persons + block.households
    n_persons = engine.population.persons
    for k, one in enumerate(limited):
        found = places_of(out.collected[one.step])
        year, unit = np.divmod(found, units)
        is_person = unit < block.persons
        parts.append(
            _Claims(
                limited=np.full(len(found), k),
                year=year,
                unit=np.where(is_person, block.first_person, n_persons + block.first - block.persons) + unit,
                fen=out.collected[one.step].reshape(-1)[found],
                day=days[k].reshape(-1)[found] if one.by_day else np.zeros(len(found)),
            )
        )
    nothing = np.zeros((0, 0, 0), dtype=np.int64)  # a view would keep all of it
    return out._replace(collected=nothing), _Claims.joined(parts)


def _claim_days(engine: Engine, block: Block, years: int, limited: list[_Limited]) -> list[Float64Array]:
    """Day [years, units] by which first come is decided, for each coverage; empty where it is not.

    That is the day of a unit's last event that the coverage reads, certain costs on day 0; with a detection design the
    day on which the household is paid, after day 365 the payments of later years. The scratch still holds the years.
    """
    work, stacks = engine.work(), engine.compiled.stacks
    days = [np.zeros((0, 0)) for _ in limited]
    plain = [k for k, one in enumerate(limited) if one.by_day and one.case < 0]
    if plain:
        from fangpinbao.core.limited import days_of_units

        reads = stacks.reads_account[[limited[k].step for k in plain]]
        last = days_of_units(work, block, years, reads)
        for j, k in enumerate(plain):
            days[k] = last[j].astype(np.float64)
    slots, cases = int(work.sizes[3]), stacks.n_cases
    home, year = (work.slot[row, :slots].astype(np.int64) for row in (at.SLOT_HOUSEHOLD, at.SLOT_YEAR))
    for k, one in enumerate(limited):
        if one.by_day and one.case >= 0:
            of_home = np.full((years, block.households), np.inf)
            of_home[year, home] = work.days[cases + one.case, :slots] + work.days[one.case, :slots]
            days[k] = np.concatenate([of_home[:, block.home.astype(np.int64)], of_home], axis=1)
    return days


def _share(
    engine: Engine, claims: _Claims, years: int, limited: list[_Limited], limits: dict[int, int]
) -> tuple[np.ndarray, Int64Array]:
    """Share each programme's limit out in the years in which it binds.

    Returns
    -------
    binds : bool array, shape (limited coverages, years)
    shared : int64 array, shape (claims,)
        What each claim is allowed.
    """
    people = engine.compiled.people
    keys = np.concatenate([people.person_key, engine.population.household_key])
    binds, shared = np.zeros((len(limited), years), dtype=np.bool_), claims.fen.copy()
    programme = np.array([one.programme for one in limited], dtype=np.int64)
    position = np.array([one.position for one in limited], dtype=np.uint64)
    for p, limit in limits.items():
        mine = np.flatnonzero(programme[claims.limited] == p)
        over = sum_by_year(claims.fen[mine], claims.year[mine], years) > limit
        binds[programme == p] = over
        mine = mine[over[claims.year[mine]]]
        cut = claims.part(mine)
        if limited[int(np.flatnonzero(programme == p)[0])].by_day:
            shared[mine] = share_first_come(cut.fen, limit, cut.day, keys[cut.unit], cut.year)
        else:
            with np.errstate(over="ignore"):
                ids = mix_array(keys[cut.unit] + position[cut.limited])
            shared[mine] = share_pro_rata(cut.fen, cut.year, limit, ids)
    return binds, shared


def _by_unit(
    engine: Engine,
    block: Block,
    years: int,
    limited: list[_Limited],
    binds: np.ndarray,
    claims: _Claims,
    shared: Int64Array,
    low: int = 0,
) -> Int64Array:
    """[step, years, units] 1 + what each unit of a block is allowed; 0 where no limit binds."""
    units = block.persons + block.households
    allowed = np.zeros((len(engine.compiled.stacks.step), years, units), dtype=np.int64)
    leaves_cut = engine.compiled.stacks.step[[one.step for one in limited], at.LEAVES_CUT] == 1
    opens = {one.programme for one, leaves in zip(limited, leaves_cut, strict=True) if leaves}
    for one, in_years in zip(limited, binds, strict=True):
        if one.programme in opens:  # more is left than without the limit, also to those who had no claim
            allowed[one.step, in_years] = 1
    is_bound = binds[claims.limited, claims.year - low]
    cut, fen = claims.part(is_bound), shared[is_bound]
    n_persons = engine.population.persons
    unit = np.where(
        cut.unit < n_persons,
        cut.unit - block.first_person,
        cut.unit - n_persons - block.first + block.persons,
    )
    steps = np.array([one.step for one in limited], dtype=np.int64)
    allowed[steps[cut.limited], cut.year - low, unit] = 1 + fen
    return allowed


def allowed_in(engine: Engine, path: int, limits: dict[int, int]) -> list[Int64Array]:
    """Return what limits (fen, by programme) allow in one simulated year, by block: as ``Outputs.allowed``."""
    chunk, limited = engine.years(path, path + 1), _limited(engine, limits)
    found = [_collect(engine, block, chunk, 1, limited, False)[1] for block in engine.blocks]
    binds, shared = _share(engine, _Claims.joined(found), 1, limited, limits)
    ends = np.cumsum([len(one.fen) for one in found])[:-1]
    return [
        _by_unit(engine, block, 1, limited, binds, claims, mine)
        for block, claims, mine in zip(engine.blocks, found, np.split(shared, ends), strict=True)
    ]


def days_of(words: Uint64Array) -> Int64Array:
    """Day of the year, 0 to 364, of events with these words."""
    mixed = mix_array(words ^ np.uint64(0x5851F42D4C957F2D)) >> np.uint64(32)
    days: Int64Array = ((mixed * np.uint64(365)) >> np.uint64(32)).astype(np.int64)
    return days


def year_events(
    engine: Engine, y: int, chunk: Chunk, blocks: Sequence[int] | None = None
) -> list[dict[str, np.ndarray]]:
    """Events of year ``y`` of a chunk, block by block, as columns."""
    found = []
    perils = engine.hazard.perils
    for number, block in enumerate(engine.blocks):
        if blocks is not None and number not in blocks:
            continue
        while True:
            work = engine.work()
            work.threshold_row[:] = -1
            runs = draw(perils, chunk, work, engine.outputs(y + 1, block), block, engine.base(block), y, 1)
            if runs >= 0:
                break
            engine.work(max(-runs, 2 * work.capacity))
        n = int(work.run[at.RUN_END, runs - 1]) if runs else 0
        each = np.repeat(np.arange(runs), work.run[at.RUN_END, :runs] - work.run[at.RUN_FIRST, :runs])
        of_person = work.run[at.RUN_PERSON, each] == 1
        unit = work.event[at.EV_UNIT, :n].astype(np.int64)
        person = work.row[at.ROW_PERSON, np.where(of_person, unit, 0)].astype(np.int64)
        home = np.where(of_person, block.home[np.where(of_person, person, 0)], unit)
        found.append(
            {
                "peril": work.run[at.RUN_PERIL, each],
                "account": work.event[at.EV_ACCOUNT, :n].astype(np.int64),
                "person": np.where(of_person, person + block.first_person, -1),
                "household": home + block.first,
                "count": work.event[at.EV_COUNT, :n].astype(np.int64),
                "amount": work.money[0, :n].copy(),
                "scope": work.money[1, :n].copy(),
                "word": work.word[:n].copy(),
            }
        )
    return found
