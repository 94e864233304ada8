"""Perils of households whose events come from the catastrophe table: what fits together."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from typing import TYPE_CHECKING

from fangpinbao.errors import Problem
from fangpinbao.scenario.plain import Document, list_at, table_at, unknown

if TYPE_CHECKING:
    from fangpinbao.scenario.models import Peril

__all__ = ["area_problems", "beside_catastrophe", "unmatched_townships"]

_TIMES = ("grade", "share_lost", "benefit")
_MOST_NAMES = 15


def beside_catastrophe(peril: Peril) -> Iterator[Problem]:
    """Yield what a catastrophe decides already: how often, whom, with which chance."""
    for name in ("frequency", "share_hit", "year_factors"):
        if getattr(peril, name):
            yield Problem(name, f"is that of {peril.events_from}, from which the events come. Drop it.")
    if peril.factors != type(peril.factors)():
        yield Problem(
            "factors", "cannot change the chances of a catastrophe. Put factors on amounts (books)."
        )
    for name, fit in (("exposed", "township"), ("amount_per", "event")):
        if getattr(peril, name) != fit:
            yield Problem(name, f'must be "{fit}" where events come from a catastrophe. Change it.')


def unmatched_townships(townships: list[str], cells: list[str]) -> str | None:
    """Return what is wrong where a township is no cell; None where all are."""
    missing = sorted(set(townships) - set(cells))
    if not missing:
        return None
    free = [cell for cell in cells if cell not in townships]
    near = get_close_matches(missing[0], free, n=1, cutoff=0.55)
    hint = f" Did you mean {near[0]}?" if near else ""
    return (
        f"has {_listed(missing)}, which no cell of the catastrophe is named after (townships: {_listed(townships)}; "
        f"cells: {_listed(cells)}).{hint} Name townships and cells alike."
    )


def _listed(names: list[str]) -> str:
    more = f", ... ({len(names)} in all)" if len(names) > _MOST_NAMES else ""
    return ", ".join(names[:_MOST_NAMES]) + more


def area_problems(document: Document, accounts: dict[str, tuple[str, str]]) -> Iterator[Problem]:
    """Yield every problem between perils of households, the catastrophes they name and the contracts.

    Parameters
    ----------
    accounts
        Level and kind of each account.
    """
    catastrophe = table_at(document, "catastrophe")
    areas = table_at(catastrophe, "perils") | (
        {"earthquake": catastrophe["earthquake"]} if "earthquake" in catastrophe else {}
    )
    contracts = table_at(catastrophe, "contracts")
    perils = {name: peril for name, peril in table_at(document, "perils").items() if isinstance(peril, dict)}
    strikes = False
    for name, peril in perils.items():
        place, cause = f"perils.{name}", peril.get("events_from")
        if isinstance(cause, str) and cause not in areas:
            yield unknown(f"{place}.events_from", cause, list(areas), "a peril of the catastrophe table")
        strikes |= isinstance(cause, str)
        for index, booking in enumerate(list_at(peril, "books")):
            if isinstance(booking, dict):
                inside, hit = f"{place}.books[{index}]", areas.get(str(cause), {})
                if isinstance(cause, str):
                    yield from _harm(inside, booking, accounts, hit)
                    yield from _benefit(inside, booking, accounts, str(cause), contracts)
                else:
                    yield from _without(inside, booking)
        if isinstance(cause, str) and "aftershocks" in table_at(areas, cause):
            yield Problem(
                f"{place}.events_from",
                f"= {cause!r} has aftershocks: a dwelling hit twice in a year would lose more than its value. Leave "
                f"catastrophe.{cause}.aftershocks out.",
            )
    yield from _owed_twice(perils)
    yield from _coverages(document, perils, contracts)
    if strikes:
        yield from _whole(document, catastrophe)


def _harm(
    place: str, booking: Document, accounts: dict[str, tuple[str, str]], area: Document
) -> Iterator[Problem]:
    harm, times = [str(name) for name in list_at(booking, "harm")], booking.get("times")
    if not harm:
        cure = 'Write e.g. harm = ["dead", "disabled"], or harm = ["damaged"].'
        yield Problem(
            f"{place}.harm", f"is missing: an event of a catastrophe needs to know for whom. {cure}"
        )
        return
    level = accounts.get(str(booking.get("account")), ("", ""))[0]
    if "damaged" in harm and len(set(harm)) > 1:
        yield Problem(f"{place}.harm", "mixes households (damaged) with their members. Make two bookings.")
    elif "damaged" in harm and level == "person":
        account = booking.get("account")
        yield Problem(
            f"{place}.account",
            f"= {account!r} is a person's, but a damaged dwelling is a household's. Name a household account.",
        )
    for name in ("damaged", "injured"):
        if name in harm and area and "damage" not in area:
            yield Problem(
                f"{place}.harm",
                f"names {name}, but the catastrophe has no table damage, so nobody ever is. Add it there.",
            )
    if times == "share_lost" and harm != ["damaged"]:
        yield Problem(f"{place}.times", '= "share_lost" is of dwellings. Write harm = ["damaged"].')
    kind = accounts.get(str(booking.get("account")), ("", "points"))[1]
    if times == "grade" and kind != "points":
        account = booking.get("account")
        yield Problem(
            f"{place}.account", f"= {account!r} is money, not a grade. Book it to an account of kind points."
        )
    if times == "grade" and not set(harm) <= {"dead", "disabled"}:
        yield Problem(f"{place}.harm", "have no grade, but for dead and disabled. Keep these two.")


def _benefit(
    place: str, booking: Document, accounts: dict[str, tuple[str, str]], cause: str, contracts: Document
) -> Iterator[Problem]:
    contract = booking.get("contract")
    if (booking.get("times") == "benefit") != (contract is not None):
        yield Problem(
            f"{place}.contract",
            'and times = "benefit" belong together: what a contract owes. Give both or none.',
        )
        return
    if not isinstance(contract, str):
        return
    if contract not in contracts:
        yield unknown(f"{place}.contract", contract, list(contracts), "a catastrophe contract")
    elif cause not in list_at(contracts[contract], "perils"):
        yield Problem(
            f"{place}.contract",
            f"= {contract!r} does not cover {cause}, so it never owes anything. Add the peril to the contract.",
        )
    if not set(map(str, list_at(booking, "harm"))) <= {"dead", "disabled", "burned"}:
        yield Problem(f"{place}.harm", "are owed no benefit, but for dead, disabled and burned. Keep these.")
    account = str(booking.get("account"))
    if accounts.get(account, ("", "points"))[1] != "points":
        yield Problem(
            f"{place}.account",
            f"= {account!r} is a cost; a fixed sum reimburses none. Book it to an account of kind points.",
        )


def _owed_twice(perils: Document) -> Iterator[Problem]:
    """What a contract owes for one harm of one event is booked once; perils with a filter may divide it."""
    known: dict[tuple[str, str, str], str] = {}
    for name, peril in perils.items():
        owner, books = f"perils.{name}" if peril.get("where") else "all", peril.get("books")
        for index, booking in enumerate(books if isinstance(books, list) else []):
            contract, harms = (
                (booking.get("contract"), booking.get("harm")) if isinstance(booking, dict) else (None, None)
            )
            if not isinstance(contract, str) or not isinstance(harms, list):
                continue
            place = f"perils.{name}.books[{index}]"
            for harm in sorted(set(map(str, harms))):
                first = known.setdefault((f"{owner} {peril.get('events_from')}", contract, harm), place)
                if first != place:
                    yield Problem(
                        f"{place}.harm",
                        f"names {harm}, for which {first} books what {contract!r} owes already. Name it once.",
                    )


def _without(place: str, booking: Document) -> Iterator[Problem]:
    times = booking.get("times")
    given = [key for key in ("harm", "contract") if booking.get(key)]
    for key in [*given, *(["times"] if times in _TIMES else [])]:
        yield Problem(
            f"{place}.{key}",
            f"= {booking[key]!r} means something for a catastrophe only. Drop it, or give the peril events_from.",
        )


def _coverages(document: Document, perils: Document, contracts: Document) -> Iterator[Problem]:
    booked: dict[str, set[str | None]] = {}
    for peril in perils.values():
        for booking in list_at(peril, "books"):
            if isinstance(booking, dict):
                contract = booking.get("contract")
                booked.setdefault(str(booking.get("account")), set()).add(
                    None if contract is None else str(contract)
                )
    steps = {
        f"programmes.{name}.coverages.{key}": coverage
        for name, programme in table_at(document, "programmes").items()
        for key, coverage in table_at(programme, "coverages").items()
    }
    for place, step in (
        steps | {f"layers.{key}": step for key, step in table_at(document, "layers").items()}
    ).items():
        if not isinstance(step, dict):
            continue
        contract = step.get("contract")
        if contract is not None and not isinstance(contract, str):
            continue
        if contract is not None and contract not in contracts:
            yield unknown(f"{place}.contract", contract, list(contracts), "a catastrophe contract")
            continue
        for index, account in enumerate(list_at(step, "accounts")):
            wrong = booked.get(str(account), {contract}) - {contract}
            if wrong and contract is not None:
                yield Problem(
                    f"{place}.accounts[{index}]",
                    f'= {account!r} is not booked with times = "benefit" and contract = {contract!r} throughout. '
                    "Name an account that is.",
                )
            elif wrong:
                owed = sorted(str(name) for name in wrong)[0]
                yield Problem(
                    f"{place}.accounts[{index}]",
                    f"= {account!r} holds what catastrophe.contracts.{owed} owes. Write contract = {owed!r} in "
                    "place of other terms, or name another account.",
                )


def _whole(document: Document, catastrophe: Document) -> Iterator[Problem]:
    term = catastrophe.get("term_years", 1)
    if isinstance(term, int) and term > 1:
        yield Problem(
            "catastrophe.term_years",
            f"= {term}, but households are simulated in single years. Write 1, or give no peril events_from.",
        )
    population, cells = table_at(document, "population"), list_at(table_at(catastrophe, "cells"), "names")
    townships = population.get("townships", 1)
    if "file" in population or not cells or isinstance(townships, bool):
        return
    if isinstance(townships, int):
        townships = (
            ["all"] if townships == 1 else [f"township_{number}" for number in range(1, townships + 1)]
        )
    if isinstance(townships, list):
        reason = unmatched_townships([str(name) for name in townships], [str(name) for name in cells])
        if reason is not None:
            yield Problem("population.townships", reason)
