"""Who pays the premium of each programme: government, households, others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fangpinbao.measures import MEASURES
from fangpinbao.tables import MISSING, Titled, cell, new_table

if TYPE_CHECKING:
    from fangpinbao.run_tables import RunTables

__all__ = ["financing_table"]

_CHINESE: Final = {"household": "农户自缴", "other money": "其他资金", "government": "财政资金"}


def financing_table(shown: RunTables) -> Titled | None:
    """Return each payer's share of the premium, and its yuan a year where a premium is agreed.

    None where one payer pays all of every programme.
    """
    payers = list(
        dict.fromkeys(
            one.group for one in shown.figures if one.measure == "premium_financed_share" and one.group
        )
    )
    if len(payers) < 2:
        return None
    heads = [shown.say(payer, _CHINESE.get(payer, payer)) for payer in payers]
    table = new_table([shown.say("programme", "方案"), *heads])
    financed = {one.programme for one in shown.figures if one.measure == "premium_financed_share"}
    for name in (name for name in shown.programmes if name in financed):
        cells = []
        for payer in payers:
            share = shown.find(name, "premium_financed_share", group=payer)
            amount = shown.find(name, "premium_financed", group=payer)
            part = MISSING if share is None or share.value is None else f"{share.value:.1%}"
            cells.append(part if amount is None else f"{cell(amount, shown.lang)} ({part})")
        table.add_row(shown.programme_label(name), *cells)
    label = MEASURES["premium_financed"].label(shown.lang)
    return Titled(shown.say(f"{label.capitalize()}, yuan a year", f"{label}，元/年"), table)
