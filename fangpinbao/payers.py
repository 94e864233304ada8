"""Who bears each yuan of a cost: the household, each fund, the hospital, the insurer.

What a step pays falls on its payer; what no step pays falls on the household. Fixed sums for death and
disability are transfers and bear no cost. Relief that pays cost borne looks at all kinds of cost together, so it stands
beside the household in their sum alone.
"""

from __future__ import annotations

from typing import Final, Literal

import numpy as np

from fangpinbao import estimators, yearly
from fangpinbao._typing import Int64Array
from fangpinbao.compiled import account_table
from fangpinbao.outcomes import Outcomes
from fangpinbao.records import Figures, Gathering
from fangpinbao.scenario.terms import PayerKind

__all__ = [
    "ALL_COSTS", "COST_KINDS", "HOUSEHOLD", "RELIEF", "borne", "borne_by_year", "payer_label", "relief_of_cost",
]  # fmt: skip

Lang = Literal["en", "zh"]
COST_KINDS: Final = ("medical", "education", "stock", "income")
ALL_COSTS: Final = "cost"
"""All kinds together: ``cost_borne``."""
HOUSEHOLD: Final = "household"
RELIEF: Final = "relief"
_DEFAULTS: Final[dict[PayerKind, tuple[str, str]]] = {
    "public": ("public money", "公共资金"),
    "insurer": ("insurer", "保险公司"),
    "hospital": ("hospital", "医疗机构"),
    "household": (HOUSEHOLD, "农户"),
}


def _payer(outcomes: Outcomes, s: int) -> tuple[str, str]:
    """Return the English and Chinese name of who pays a step; the English one is the figures' group."""
    kind, named = yearly.payer_kind(outcomes, s), outcomes.compiled.tree.nodes[s].step.payer
    return _DEFAULTS[kind] if named is None or kind == "household" else (named.en, named.zh)


def payer_label(outcomes: Outcomes, payer: str, lang: Lang) -> str:
    """Return the label of a payer, a group of the measures ``*_borne``."""
    named = dict(
        [_DEFAULTS["household"], (RELIEF, "救助"), *(_payer(outcomes, s) for s in range(len(outcomes.steps)))]
    )
    return named.get(payer, payer) if lang == "zh" else payer


def borne_by_year(outcomes: Outcomes, programme: str, kind: str) -> dict[str, Int64Array] | None:
    """Return [years], fen, that each payer bears of a kind of cost; they sum to the cost exactly.

    None where a step pays this kind together with another, so that its payment cannot be told apart. With
    ``ALL_COSTS`` all kinds together, with what relief bears of them (paid, less loans that came back).
    """
    table = account_table(outcomes.scenario)
    of_kind = {name: account.kind for name, account in table.items()}
    kinds = set(COST_KINDS) if kind == ALL_COSTS else {kind}
    mine = [a for a, name in enumerate(outcomes.accounts) if of_kind[name] in kinds]
    left = outcomes.sums.ground_up[:, mine].sum(axis=1)
    found: dict[str, Int64Array] = {HOUSEHOLD: left}
    for s in outcomes.stack(programme):
        read = {of_kind[name] for name in outcomes.compiled.tree.nodes[s].step.accounts if name in of_kind}
        if not kinds & read:
            continue
        if read - kinds:
            return None
        paid, (payer, _) = outcomes.sums.step_paid[:, s], _payer(outcomes, s)
        if payer != HOUSEHOLD:
            found[payer] = found.get(payer, np.zeros_like(paid)) + paid
            found[HOUSEHOLD] = found[HOUSEHOLD] - paid
    relief = relief_of_cost(outcomes, programme) if kind == ALL_COSTS else None
    if relief is not None:
        found[RELIEF], found[HOUSEHOLD] = relief, found[HOUSEHOLD] - relief
    return found


def relief_of_cost(outcomes: Outcomes, programme: str | None = None) -> Int64Array | None:
    """Return [years], fen, that a programme's (absent: any) relief bears of households' cost; None: it has none."""
    rows = [row for row in outcomes.compiled.relief if row.table.base == "borne" and row.part != "late"]
    rows = [row for row in rows if programme in (None, row.programme)]
    if not rows:
        return None
    signs = np.array([-1 if row.part == "repaid" else 1 for row in rows], dtype=np.int64)
    paid: Int64Array = outcomes.sums.step_paid[:, [row.row for row in rows]] @ signs
    return paid


def borne(outcomes: Outcomes, programme: str | None = None) -> Figures:
    """Return what each payer bears of each kind of cost, in yuan a year and as a share of the cost.

    Parameters
    ----------
    outcomes
        A run.
    programme
        Its name; absent: all programmes, with ``none``.

    Returns
    -------
    Figures
        Measures ``medical_borne``, ``medical_borne_share`` and so on, by payer (field ``group``), of the
        kinds of cost that some step pays; ``cost_borne`` of all kinds together where relief pays cost borne.

    Raises
    ------
    KeyError
        If there is no such programme.
    """
    gathering, years = Gathering(), outcomes.years
    for name in yearly.chosen(outcomes, programme):
        limit = outcomes.scenario.programmes[name].aggregate if name != "none" else None
        if limit is not None and limit.rule == "topped_up":
            gathering.note(f"{name}: what government tops up stands with the insurer in *_borne")
        if relief_of_cost(outcomes, name) is not None:
            gathering.note(
                f"{name}: *_borne of one kind: relief is not taken off the household; see cost_borne"
            )
        for kind in _paid_kinds(outcomes):
            by_payer = borne_by_year(outcomes, name, kind)
            if by_payer is None:
                gathering.note(f"{name}: {kind}_borne: a step pays this and another kind of cost together")
                continue
            cost = sum(by_payer.values(), np.zeros(outcomes.n_years, dtype=np.int64))
            for payer, series in by_payer.items():
                mean = estimators.mean(series, years, "fen").scaled(0.01, "yuan")
                gathering.add(f"{kind}_borne", "mean", mean, name, group=payer)
                share = estimators.ratio(series, cost, years, "ratio")
                gathering.add(f"{kind}_borne_share", "ratio", share, name, group=payer)
    return gathering.figures()


def _paid_kinds(outcomes: Outcomes) -> list[str]:
    table = account_table(outcomes.scenario)
    read = {name for node in outcomes.compiled.tree.nodes for name in node.step.accounts if name in table}
    kinds = {table[name].kind for name in read}
    together = [] if relief_of_cost(outcomes) is None else [ALL_COSTS]
    return [*(kind for kind in COST_KINDS if kind in kinds), *together]
