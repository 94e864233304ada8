"""Tables of relief that programmes pay: entry by entry, and what a yuan of public money does beside insurance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fangpinbao import yearly
from fangpinbao.measures import MEASURES
from fangpinbao.tables import MISSING, Titled, cell, new_table, unit_label

if TYPE_CHECKING:
    from fangpinbao.run_tables import RunTables

__all__ = ["entry_table", "money_tables"]

_ENTRY: Final = ("own_relief", "own_relief_payments", "own_relief_late", "loans_repaid")
_AT_LINE: Final = ("households_net_prevented", "net_prevented_per_million", "cost_per_prevented", "gap_closed",
                   "gap_closed_per_yuan")  # fmt: skip


def _heads(shown: RunTables, measures: tuple[str, ...]) -> list[str]:
    heads = []
    for name in measures:
        unit = unit_label(MEASURES[name].unit, shown.lang)
        plain = unit in ("", "households", "户", "payments", "户次") or "per" in unit or "/" in unit
        label = MEASURES[name].label(shown.lang)
        heads.append(label if plain else shown.say(f"{label}, {unit}", f"{label}（{unit}）"))
    return heads


def money_tables(shown: RunTables) -> list[Titled]:
    """Return public cost and what it does for each programme, at both lines; none without relief of programmes."""
    if not yearly.has_own_relief(shown.outcomes):
        return []
    found = []
    for line in shown.lines:
        table = new_table([shown.say("programme", "方案"), *_heads(shown, ("public_cost", *_AT_LINE))])
        for name in shown.programmes:
            figures = [shown.find(name, "public_cost")]
            figures += [shown.find(name, measure, line=line) for measure in _AT_LINE]
            table.add_row(shown.programme_label(name), *(cell(one, shown.lang) for one in figures))
        title = shown.say("What public money does, a year", "财政资金的效果（年均）")
        found.append(Titled(f"{title} ({shown.line_label(line)})", table))
    return found


def entry_table(shown: RunTables) -> Titled | None:
    """Return what each entry of relief pays, how often, too late, and what comes back of loans."""
    scenario = shown.outcomes.scenario
    parts = {row.part for row in shown.outcomes.compiled.relief}
    if not parts:
        return None
    late, repaid = "late" in parts, "repaid" in parts
    measures = (*_ENTRY[:2], *(_ENTRY[2:3] if late else ()), *(_ENTRY[3:] if repaid else ()))
    heads = [shown.say("programme", "方案"), shown.say("relief", "救助")]
    table = new_table([*heads, *_heads(shown, measures)], names=2)
    for name in shown.programmes:
        for entry, terms in scenario.programmes[name].relief.items():
            label = entry if terms.label is None else terms.label.in_language(shown.lang)
            found = [shown.find(name, measure, coverage=entry) for measure in measures]
            cells = [MISSING if one is None else cell(one, shown.lang) for one in found]
            table.add_row(shown.programme_label(name), label, *cells)
    return Titled(shown.say("Relief paid by programmes, a year", "各方案的救助支出（年均）"), table)
