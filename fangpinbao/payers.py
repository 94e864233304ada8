"""Who bears each yuan of a cost: the household, each fund, the hospital, the insurer.

What a step pays falls on its payer; what no step pays falls on the household. Fixed sums for death and
disability are transfers and bear no cost.
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

__all__ = ["COST_KINDS", "HOUSEHOLD", "borne", "borne_by_year", "payer_label"]

Lang = Literal["en", "zh"]
COST_KINDS: Final = ("medical", "education", "stock", "income")
HOUSEHOLD: Final = "household"
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
    named = dict([_DEFAULTS["household"], *(_payer(outcomes, s) for s in range(len(outcomes.steps)))])
    return named.get(payer, payer) if lang == "zh" else payer


def borne_by_year(outcomes: Outcomes, programme: str, kind: str) -> dict[str, Int64Array] | None:
    """Return [years], fen, that each payer bears of a kind of cost; they sum to the cost exactly.

    None where a step pays this kind together with another, so that its payment cannot be told apart.
    """
    table = account_table(outcomes.scenario)
    of_kind = {name: account.kind for name, account in table.items()}
    mine = [a for a, name in enumerate(outcomes.accounts) if of_kind[name] == kind]
    left = outcomes.sums.ground_up[:, mine].sum(axis=1)
    found: dict[str, Int64Array] = {HOUSEHOLD: left}
    for s in outcomes.stack(programme):
        read = {of_kind[name] for name in outcomes.compiled.tree.nodes[s].step.accounts if name in of_kind}
        if kind not in read:
            continue
        if len(read) > 1:
            return None
        paid, (payer, _) = outcomes.sums.step_paid[:, s], _payer(outcomes, s)
        if payer != HOUSEHOLD:
            found[payer] = found.get(payer, np.zeros_like(paid)) + paid
            found[HOUSEHOLD] = found[HOUSEHOLD] - paid
    return found


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
        kinds of cost that some step pays.

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
    return [kind for kind in COST_KINDS if kind in kinds]
