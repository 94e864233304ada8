"""Limits over all units that cut, where coverages stand before public layers: what can be settled exactly.

The year's claims are presented as they would be without the limit. In the settled year each coverage pays what its
claim is allowed, and the public layers behind it pay on what is then left. The programme pays the limit to the fen
if no coverage can then pay less than its claim. That holds, with any nondecreasing terms of the layers, where

- coverages before a layer that reads their costs have yearly terms and read the same costs, one behind the other:
  what the first ones are not allowed is left to the next, and terms never pay less for more;
- coverages behind the layers read costs that no public layer reads: nothing before them has changed these, and what
  is left of them is whole fen.
"""

from __future__ import annotations

from collections.abc import Iterator

from fangpinbao.errors import Problem
from fangpinbao.scenario.plain import Document, list_at, table_at, tables_at

__all__ = ["limit_problems"]

_Accounts = dict[str, tuple[str, str]]
_Parts = frozenset[tuple[str, str]]


def limit_problems(document: Document, accounts: _Accounts) -> Iterator[Problem]:
    """Yield what cannot be settled exactly where a limit cuts before public layers; ``accounts`` are (level, kind)."""
    layers = tables_at(document, "layers")
    for name, programme in tables_at(document, "programmes").items():
        if table_at(programme, "aggregate").get("rule") not in ("pro_rata", "first_come"):
            continue
        coverages = tables_at(programme, "coverages")
        known = {**layers, **coverages}
        stack = [
            (str(step), _parts(known[str(step)], accounts))
            for step in list_at(programme, "stack")
            if step in known
        ]
        ahead = [
            k
            for k, (step, mine) in enumerate(stack)
            if step in coverages and any(other in layers and mine & parts for other, parts in stack[k + 1 :])
        ]
        if ahead:
            yield from _of_programme(f"programmes.{name}", programme, stack, ahead, set(layers), accounts)


def _of_programme(
    place: str,
    programme: Document,
    stack: list[tuple[str, _Parts]],
    ahead: list[int],
    layers: set[str],
    accounts: _Accounts,
) -> Iterator[Problem]:
    coverages = tables_at(programme, "coverages")
    rule = table_at(programme, "aggregate")["rule"]
    cuts = f'while the aggregate limit is "{rule}"'
    first, costs = stack[ahead[0]]
    cut_from = next(
        k for k, (step, parts) in enumerate(stack) if k > ahead[0] and step in layers and parts & costs
    )
    layer = stack[cut_from][0]
    public: _Parts = frozenset().union(*(parts for step, parts in stack if step in layers))
    for k, (step, mine) in enumerate(stack):
        if step not in coverages or k < ahead[0] or not mine:
            continue
        if not mine & public:
            behind = [other for other, _ in stack[k + 1 :] if other in layers]
            if behind:
                yield Problem(
                    f"{place}.stack",
                    f"puts {step} between {first}, which the aggregate limit can cut, and the public layer "
                    f"{behind[-1]}. No layer reads its costs: put it behind {behind[-1]}, where it pays the same.",
                )
            continue
        inside = f"{place}.coverages.{step}"
        if k > cut_from:
            yield Problem(
                f"{place}.stack",
                f"puts {step} behind the public layer {layer}, which pays more where {first} before it is cut, {cuts}: "
                f"{step} could then not pay what it is allowed. Put it before {layer}, or top the limit up.",
            )
        elif k not in ahead or mine != costs:
            yield Problem(
                f"{place}.stack",
                f"puts {step} beside {first} before the public layer {layer} {cuts}, but they read different costs. "
                "Let both read the same accounts and base, or put one of them in a programme of its own.",
            )
        if k in ahead:
            yield from _terms(inside, coverages[step], layer, cuts, accounts)
            for shared_name, shared in tables_at(programme, "shared_limits").items():
                if step in list_at(shared, "coverages"):
                    yield Problem(
                        f"{place}.shared_limits.{shared_name}.coverages",
                        f"name {step}, which stands before the public layer {layer} {cuts}. Leave it out.",
                    )


def _terms(place: str, step: Document, layer: str, cuts: str, accounts: _Accounts) -> Iterator[Problem]:
    """Only yearly terms of one person, or of a household's own accounts, can be cut before a layer."""
    reason = f"cannot stand before the public layer {layer} {cuts}"
    cure = "Give the coverage yearly terms, put it behind the layers, or top the limit up."
    levels = {accounts[str(one)][0] for one in list_at(step, "accounts") if str(one) in accounts}
    if step.get("unit") == "event":
        yield Problem(f"{place}.unit", f'= "event" {reason}. {cure}')
    elif step.get("unit") == "household_year" and "person" in levels:
        yield Problem(f"{place}.unit", f'= "household_year" over costs of persons {reason}. {cure}')
    for key in ("per_event", "per_household"):
        if step.get(key):
            yield Problem(f"{place}.{key}", f"{reason}. {cure}")


def _parts(step: Document, accounts: _Accounts) -> _Parts:
    """Costs that a step reads: accounts, in and out of scope where they are persons'. Points are no costs."""
    parts: set[tuple[str, str]] = set()
    sides = {"in_scope": ("in",), "out_of_scope": ("out",)}.get(str(step.get("base")), ("in", "out"))
    for account in (str(one) for one in list_at(step, "accounts")):
        level, kind = accounts.get(account, ("person", ""))
        if kind != "points":
            parts.update((account, side) for side in (sides if level == "person" else ("in", "out")))
    return frozenset(parts)
