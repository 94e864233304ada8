"""Checks of a catastrophe table that need more than one of its tables; on the plain document, like the others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from fangpinbao.errors import Problem
from fangpinbao.scenario.plain import Document, list_at, table_at, tables_at, unknown

__all__ = ["catastrophe_checks"]

_ROOT = "catastrophe"
_MOST_SHARE = 0.95


def catastrophe_checks(document: Document, folder: Path) -> Iterator[Problem]:
    """Yield every problem between the tables of ``catastrophe``; nothing where there is none."""
    table = document.get(_ROOT)
    if not isinstance(table, dict):
        return
    perils = tables_at(table, "perils")
    earthquake = table_at(table, "earthquake")
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
    file = table_at(table, "catalogue").get("file")
    if isinstance(file, str) and not (folder / file).is_file():
        place = f"{_ROOT}.catalogue.file"
        yield Problem(place, f"= {file!r} does not exist beside the scenario. Correct the path.")


def _sites(table: Document, perils: dict[str, Document]) -> Iterator[Problem]:
    columns = list(table_at(table_at(table, "cells"), "susceptibility"))
    asked = {
        f"exposure.visitors.{name}.where": visitors.get("where")
        for name, visitors in tables_at(table_at(table, "exposure"), "visitors").items()
    }
    asked |= {
        f"perils.{name}.footprint.centre": table_at(one, "footprint").get("centre")
        for name, one in perils.items()
    }
    for place, column in asked.items():
        if isinstance(column, str) and column not in columns:
            yield unknown(f"{_ROOT}.{place}", column, columns, "a susceptibility column of the cells")
    indoors = "indoors" in table_at(table, "exposure")
    everything = {f"perils.{name}": one for name, one in perils.items()}
    for place, peril in (everything | {"earthquake": table_at(table, "earthquake")}).items():
        exposed = table_at(peril, "casualties").get("exposed")
        if exposed in ("indoors", "outdoors") and not indoors:
            yield Problem(
                f"{_ROOT}.{place}.casualties.exposed",
                f"= {exposed!r} needs the share of people indoors by hour. Add {_ROOT}.exposure.indoors.",
            )


def _zones(earthquake: Document) -> Iterator[Problem]:
    known = list(tables_at(earthquake, "attenuation"))
    for name, zone in tables_at(earthquake, "zones").items():
        attenuation = zone.get("attenuation")
        if isinstance(attenuation, str) and attenuation not in known:
            place = f"{_ROOT}.earthquake.zones.{name}.attenuation"
            yield unknown(place, attenuation, known, "an attenuation")


def _contracts(
    table: Document, names: list[str], perils: dict[str, Document], earthquake: Document
) -> Iterator[Problem]:
    term = table.get("term_years", 1)
    for name, contract in tables_at(table, "contracts").items():
        place = f"{_ROOT}.contracts.{name}"
        covered = [peril for peril in list_at(contract, "perils") if isinstance(peril, str)]
        for index, peril in enumerate(covered):
            if peril not in names:
                yield unknown(f"{place}.perils[{index}]", peril, names, "a peril")
        for key in ("triggers", "hours_clause"):
            for peril in table_at(contract, key):
                if peril not in covered:
                    yield unknown(f"{place}.{key}", peril, covered, "a peril of this contract")
        for peril, trigger in tables_at(contract, "triggers").items():
            one = earthquake if peril == "earthquake" else perils.get(peril, {})
            level = trigger.get("warning")
            if isinstance(level, str) and level not in table_at(one, "warning_levels"):
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
    zones = list(tables_at(earthquake, "zones"))
    total = 0.0
    for index, tier in enumerate(list_at(table, "tiers")):
        place = f"{_ROOT}.tiers[{index}]"
        peril = tier.get("peril") if isinstance(tier, dict) else None
        if isinstance(peril, str) and peril not in names:
            yield unknown(f"{place}.peril", peril, names, "a peril")
        for number, zone in enumerate(list_at(tier, "zones")):
            if zone not in zones:
                yield unknown(f"{place}.zones[{number}]", zone, zones, "a zone of the earthquakes")
        if list_at(tier, "zones") and peril != "earthquake":
            yield Problem(f"{place}.zones", "are zones of earthquakes. Drop them, or name the earthquake.")
        one = perils.get(str(peril), {})
        if one and (table_at(one, "frequency").get("law") != "poisson" or "year_factor" in one):
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
