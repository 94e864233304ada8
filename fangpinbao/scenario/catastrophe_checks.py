"""Checks of a catastrophe table that need more than one of its tables; on the plain document, like the others."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from fangpinbao.errors import Problem

__all__ = ["catastrophe_checks"]

Document = dict[str, Any]
_ROOT = "catastrophe"
_MOST_SHARE = 0.95


def catastrophe_checks(document: Document, folder: Path) -> Iterator[Problem]:
    """Yield every problem between the tables of ``catastrophe``; nothing where there is none."""
    table = document.get(_ROOT)
    if not isinstance(table, dict):
        return
    perils = _tables(table, "perils")
    earthquake = _table(table, "earthquake")
    names = ["earthquake"] * bool(earthquake) + list(perils)
    if "earthquake" in perils:
        yield Problem(f"{_ROOT}.perils.earthquake", f"has its own table. Write [{_ROOT}.earthquake].")
    if not names:
        yield Problem(
            f"{_ROOT}.perils", f"is missing, and {_ROOT}.earthquake too, so nothing ever happens. Add one."
        )
        return
    yield from _sites(table, perils)
    yield from _zones(earthquake)
    yield from _contracts(table, names, perils, earthquake)
    yield from _tiers(table, names, perils, earthquake)
    file = _table(table, "catalogue").get("file")
    if isinstance(file, str) and not (folder / file).is_file():
        place = f"{_ROOT}.catalogue.file"
        yield Problem(place, f"= {file!r} does not exist beside the scenario. Correct the path.")


def _table(node: Any, key: str) -> Document:
    value = node.get(key) if isinstance(node, dict) else None
    return value if isinstance(value, dict) else {}


def _tables(node: Any, key: str) -> dict[str, Document]:
    return {name: table for name, table in _table(node, key).items() if isinstance(table, dict)}


def _list(node: Any, key: str) -> list[Any]:
    value = node.get(key) if isinstance(node, dict) else None
    return value if isinstance(value, list) else []


def _unknown(place: str, value: Any, known: list[str], what: str) -> Problem:
    near = get_close_matches(str(value), known, n=1, cutoff=0.55)
    cure = (
        f"Did you mean {near[0]}?"
        if near
        else f"Known: {', '.join(known)}."
        if known
        else "None is declared."
    )
    return Problem(place, f"= {value!r} is not {what}. {cure}")


def _sites(table: Document, perils: dict[str, Document]) -> Iterator[Problem]:
    columns = list(_table(_table(table, "cells"), "susceptibility"))
    asked = {
        f"exposure.visitors.{name}.where": visitors.get("where")
        for name, visitors in _tables(_table(table, "exposure"), "visitors").items()
    }
    asked |= {
        f"perils.{name}.footprint.centre": _table(one, "footprint").get("centre")
        for name, one in perils.items()
    }
    for place, column in asked.items():
        if isinstance(column, str) and column not in columns:
            yield _unknown(f"{_ROOT}.{place}", column, columns, "a susceptibility column of the cells")
    indoors = "indoors" in _table(table, "exposure")
    everything = {f"perils.{name}": one for name, one in perils.items()}
    for place, peril in (everything | {"earthquake": _table(table, "earthquake")}).items():
        exposed = _table(peril, "casualties").get("exposed")
        if exposed in ("indoors", "outdoors") and not indoors:
            yield Problem(
                f"{_ROOT}.{place}.casualties.exposed",
                f"= {exposed!r} needs the share of people indoors by hour. Add {_ROOT}.exposure.indoors.",
            )


def _zones(earthquake: Document) -> Iterator[Problem]:
    known = list(_tables(earthquake, "attenuation"))
    for name, zone in _tables(earthquake, "zones").items():
        attenuation = zone.get("attenuation")
        if isinstance(attenuation, str) and attenuation not in known:
            place = f"{_ROOT}.earthquake.zones.{name}.attenuation"
            yield _unknown(place, attenuation, known, "an attenuation")


def _contracts(
    table: Document, names: list[str], perils: dict[str, Document], earthquake: Document
) -> Iterator[Problem]:
    term = table.get("term_years", 1)
    for name, contract in _tables(table, "contracts").items():
        place = f"{_ROOT}.contracts.{name}"
        covered = [peril for peril in _list(contract, "perils") if isinstance(peril, str)]
        for index, peril in enumerate(covered):
            if peril not in names:
                yield _unknown(f"{place}.perils[{index}]", peril, names, "a peril")
        for key in ("triggers", "hours_clause"):
            for peril in _table(contract, key):
                if peril not in covered:
                    yield _unknown(f"{place}.{key}", peril, covered, "a peril of this contract")
        for peril, trigger in _tables(contract, "triggers").items():
            one = earthquake if peril == "earthquake" else perils.get(peril, {})
            level = trigger.get("warning")
            if isinstance(level, str) and level not in _table(one, "warning_levels"):
                yield Problem(
                    f"{place}.triggers.{peril}.warning",
                    f"= {level!r}, but the peril gives no size for it. Add warning_levels.{level} to the peril.",
                )
            if trigger.get("declared") is True and "declared_from" not in one:
                yield Problem(
                    f"{place}.triggers.{peril}.declared",
                    "has no size from which a disaster is declared. Add declared_from to the peril.",
                )
        if contract.get("cumulative_over") == "term" and term == 1:
            yield Problem(
                f"{place}.cumulative_over",
                f'= "term", but {_ROOT}.term_years is 1. Give the years of the term, or write "year".',
            )
        if contract.get("cumulative_over") == "term" and "cumulative" not in contract:
            yield Problem(
                f"{place}.cumulative", "is missing, so cumulative_over has no effect. Add the limit."
            )


def _tiers(
    table: Document, names: list[str], perils: dict[str, Document], earthquake: Document
) -> Iterator[Problem]:
    zones = list(_tables(earthquake, "zones"))
    total = 0.0
    for index, tier in enumerate(_list(table, "tiers")):
        place = f"{_ROOT}.tiers[{index}]"
        peril = tier.get("peril") if isinstance(tier, dict) else None
        if isinstance(peril, str) and peril not in names:
            yield _unknown(f"{place}.peril", peril, names, "a peril")
        for number, zone in enumerate(_list(tier, "zones")):
            if zone not in zones:
                yield _unknown(f"{place}.zones[{number}]", zone, zones, "a zone of the earthquakes")
        if _list(tier, "zones") and peril != "earthquake":
            yield Problem(f"{place}.zones", "are zones of earthquakes. Drop them, or name the earthquake.")
        one = perils.get(str(peril), {})
        if one and (_table(one, "frequency").get("law") != "poisson" or "year_factor" in one):
            yield Problem(
                f"{place}.peril",
                f"= {peril!r} is no plain Poisson process, so the chance of its years is not known in advance. "
                "Use a poisson frequency without year_factor, or drop the tier.",
            )
        share = tier.get("share_of_years") if isinstance(tier, dict) else None
        total += share if isinstance(share, int | float) and not isinstance(share, bool) else 0.0
    if total > _MOST_SHARE:
        yield Problem(
            f"{_ROOT}.tiers",
            f"take {total:g} of the years; at most {_MOST_SHARE:g}, so that other years remain. Lower share_of_years.",
        )
