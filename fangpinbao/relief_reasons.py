"""What a programme's own relief paid to one household, and why not more, in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from fangpinbao.compile_relief import ReliefRow
from fangpinbao.compiled import Node
from fangpinbao.core import layout as at
from fangpinbao.household_year import HouseholdYear
from fangpinbao.reasons import Reasons, money
from fangpinbao.scenario.relief import ReliefEntry

__all__ = ["Given", "own_relief"]

_FEN = 100
_BASES = {
    "gap": ("missing to the standard", "距标准的差额"),
    "borne": ("cost left to bear", "仍需自负的费用"),
    "heads": ("due by heads", "按人头应发"),
}


@dataclass(frozen=True)
class Given:
    """What an entry gave: of a base, fen; of it in time; what the household paid back of earlier loans."""

    entry: str
    table: ReliefEntry
    base: int
    paid: int
    in_time: int
    owed: int
    reasons: tuple[str, ...]


def own_relief(year: HouseholdYear, lang: str) -> Iterator[Given]:
    """Yield the entries of the year's programme in order."""
    programme = year.compiled.tree.programmes[year.p]
    rows = [row for row in year.compiled.relief if row.programme == programme]
    column = year.column_of(None)
    entries = np.flatnonzero(year.stacks.relief[:, at.RELIEF_PROGRAMME] == year.p)
    filled = reimbursed = 0
    for e, paid_row in zip(entries, (row for row in rows if row.part == "paid"), strict=True):
        part = {row.part: int(year.paid[row.row, column]) for row in rows if row.entry == paid_row.entry}
        paid, late = part["paid"], part.get("late", 0)
        words = _Words(year, int(e), paid_row, lang)
        base = words.base(filled, reimbursed)
        filled += paid
        reimbursed += paid if paid_row.table.base == "borne" else 0
        why = tuple(words.why(base, paid, late))
        yield Given(paid_row.entry, paid_row.table, base, paid, paid - late, part.get("repaid", 0), why)


class _Words(Reasons):
    def __init__(self, year: HouseholdYear, e: int, row: ReliefRow, lang: str) -> None:
        node = Node(row.row, f"{row.programme}.{row.entry}", cast(Any, row.table), None, -1, "public")
        super().__init__(year, node, None, 0.0, lang)
        self.e, self.table, self.entry = e, row.table, year.stacks.relief[e]
        self.due, self.cap = (int(amount) for amount in year.people.relief_due[:, e, year.h])

    def base(self, filled: int, reimbursed: int) -> int:
        """What counts before the cap, fen; ``filled`` and ``reimbursed`` by the entries before."""
        year, adjust = self.year, self.year.change(at.ADJUST)
        if self.table.base == "heads":
            return self.due
        if self.table.base == "borne":
            loss = year.of_household(at.INCOME_START) + year.total(at.RELIEF_PAID) - year.total(at.RESOURCE)
            insured = adjust - year.change(at.FIXED) + year.change(at.LATER)
            return max(loss - insured - reimbursed, 0)
        have = year.total(at.RESOURCE)
        if self.table.on != "resources":
            have = year.of_household(at.INCOME_TESTED) - year.total(at.LOST) + year.total(at.RELIEF_PAID)
            have -= year.total(at.SPENDING) if self.table.on != "income" else 0
        return max(self.due - have - filled - (adjust - year.cut() if self.table.benefits_count else 0), 0)

    def why(self, base: int, paid: int, late: int) -> Iterator[str]:
        """Why ``paid`` fen of the base, and not more."""
        table, say = self.table, self.say
        gate = int(self.entry[at.RELIEF_GATE])
        yield say(*_BASES[table.base]) + say(f": {money(base)}", f"：{money(base)}")
        if self.cap == 0:
            yield from self._not_eligible()
            return
        if gate >= 0 and not self.year.work.gate_open[gate, self.year.mine]:
            yield from self._closed()
            return
        if base == 0:
            return
        if base > self.cap:
            yield say(f"at most {money(self.cap)} of it counts", f"其中至多 {money(self.cap)} 计入")
        if paid == 0:
            yield from self._nothing()
            return
        whole = min(base, self.cap)
        if table.rate != 1:
            yield say(f"{table.rate:.6g} of {money(whole)}", f"{money(whole)} 的 {table.rate:.6g}")
        if table.period is not None:
            months = paid / (whole * table.rate) * 12
            yield say(f"{months:.3g} months of the year", f"当年 {months:.3g} 个月")
        if late:
            yield say(
                f"{money(paid - late)} of it comes within the year", f"其中 {money(paid - late)} 当年到账"
            )

    def _nothing(self) -> Iterator[str]:
        table, say = self.table, self.say
        if table.take_up < 1 or table.period is None:
            yield say(
                f"not taken up: the household could be paid but is not reached (take-up {table.take_up:.0%})",
                f"未申领：符合条件但未获助（申领率 {table.take_up:.0%}）",
            )
        if table.period is not None:
            yield say("in no period of relief this year", "当年不在给付期内")
