"""Calls the kernels of ``area_events``, which are loaded where catastrophes strike households, and only there."""

from __future__ import annotations

from fangpinbao.core.structures import AreaEvents, Block, Outputs, Perils, Struck, Work

__all__ = ["book", "strike"]


def strike(areas: AreaEvents, work: Work, out: Outputs, block: Block, low: int, years: int) -> int:
    """Mark who is struck in ``years`` from ``low`` on; returns their number, negative: the capacity needed."""
    from fangpinbao.core.area_events import strike_areas

    if areas.start[low] == areas.start[low + years]:
        return 0
    if work.struck is None:
        work.struck = Struck(work.capacity, len(work.home_mark))
    work.struck.mark[: years * ((block.persons + 7) // 8 * 8)] = 0
    return int(
        strike_areas(
            low, years, block.persons, block.households, areas.start, areas.place, areas.chance, areas.key,
            areas.kinds, block.unit_start, block.unit_of, block.township_start, block.household_word,
            block.member_start, block.person_word, work.struck.hit, work.struck.word, work.home_mark,
            work.struck.mark, out.events,
        )
    )  # fmt: skip


def book(perils: Perils, areas: AreaEvents, work: Work, block: Block, struck: int, runs: int) -> int:
    """Book those struck, behind ``runs`` runs of other events; returns the runs, negative: the capacity needed."""
    from fangpinbao.core.area_events import book_areas

    assert work.struck is not None
    return int(
        book_areas(
            struck, runs, perils.peril, perils.booking, perils.harm, perils.scope_share, work.struck.hit,
            work.struck.word, areas.place, areas.share, areas.benefits, work.event, work.run, work.money, work.word,
            work.draw, perils.quantile, perils.atom_start, perils.atom, block.person_scale, block.household_scale,
            block.home, work.row, work.first_of_year,
        )
    )  # fmt: skip
