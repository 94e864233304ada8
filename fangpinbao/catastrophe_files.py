"""Writes a run of catastrophe contracts to a folder: complete or not at all, like any other run.

``results.json``, ``by_year.parquet``, ``events.parquet`` (events with a casualty), ``scenario.json`` and
``numbers.csv``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fangpinbao.catastrophe.outcomes import CatastropheOutcomes
from fangpinbao.catastrophe_ranges import PayoutRange
from fangpinbao.files import EVENTS, document_of, provenance_of, write_folder
from fangpinbao.records import Figure

__all__ = ["catastrophe_document", "write_catastrophe"]


def catastrophe_document(
    outcomes: CatastropheOutcomes,
    figures: Sequence[Figure],
    ranges: Sequence[PayoutRange] = (),
    changes: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the content of ``results.json``."""
    exposure = outcomes.model.table.exposure
    people = {
        "persons": exposure.residents,
        "households": max(1, round(exposure.residents / exposure.persons_per_household)),
        "roster": False,
    }
    provenance = provenance_of(
        outcomes.scenario,
        seed=outcomes.seed,
        years=outcomes.n_paths,
        programmes=outcomes.contracts,
        population=people,
        changes=changes,
    )
    return document_of(provenance, figures, [one.record() for one in ranges])


def write_catastrophe(
    directory: str | os.PathLike[str],
    outcomes: CatastropheOutcomes,
    figures: Sequence[Figure],
    *,
    ranges: Sequence[PayoutRange] = (),
    changes: Mapping[str, Any] | None = None,
) -> Path:
    """Write a run's results to a folder that is new, empty, or holds an earlier result.

    Raises
    ------
    InputError
        If the folder holds anything else.
    """
    document = catastrophe_document(outcomes, figures, ranges, changes)
    with write_folder(directory, document, outcomes.scenario) as folder:
        outcomes.by_year.to_parquet(folder / "by_year.parquet", index=False)
        outcomes.by_event.to_parquet(folder / EVENTS, index=False)
    return Path(directory).resolve()
