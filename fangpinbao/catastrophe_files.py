"""Writes a run of catastrophe contracts to a folder: complete or not at all, like any other run.

``results.json``, ``by_year.parquet``, ``events.parquet`` (events with a casualty), ``scenario.json``,
``numbers.csv`` and, where the scenario says who bears the losses, ``open-results/``: exchange tables of the
first contract.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fangpinbao.catastrophe.outcomes import CatastropheOutcomes
from fangpinbao.catastrophe_finance import Finance
from fangpinbao.catastrophe_ranges import PayoutRange
from fangpinbao.exchange import write_open_results
from fangpinbao.files import EVENTS, OPEN_RESULTS, document_of, provenance_of, write_folder
from fangpinbao.finance_ranges import FinanceRange
from fangpinbao.records import Figure

__all__ = ["catastrophe_document", "write_catastrophe"]


def catastrophe_document(
    outcomes: CatastropheOutcomes,
    figures: Sequence[Figure],
    ranges: Sequence[PayoutRange | FinanceRange] = (),
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
    finances: Mapping[str, Finance] | None = None,
    *,
    ranges: Sequence[PayoutRange | FinanceRange] = (),
    changes: Mapping[str, Any] | None = None,
) -> Path:
    """Write a run's results to a folder that is new, empty, or holds an earlier result.

    Parameters
    ----------
    finances
        Financial side by contract: its figures join `figures`; losses of the first contract are written as
        exchange tables (gross, net of and paid by reinsurance), with numbers of periods for years.

    Raises
    ------
    InputError
        If the folder holds anything else.
    """
    finances = finances or {}
    everything = [*figures, *(figure for one in finances.values() for figure in one.figures)]
    document = catastrophe_document(outcomes, everything, ranges, changes)
    with write_folder(directory, document, outcomes.scenario) as folder:
        outcomes.by_year.to_parquet(folder / "by_year.parquet", index=False)
        outcomes.by_event.to_parquet(folder / EVENTS, index=False)
        for contract in outcomes.contracts[:1]:
            if contract not in finances:
                continue
            reinsured = finances[contract].reinsured
            losses = {"il": reinsured.gross}
            if reinsured.cessions:
                losses |= {"ri": reinsured.net, "rl": reinsured.ceded}
            write_open_results(
                folder / OPEN_RESULTS, losses, outcomes.single_years, name=f"{outcomes.scenario.name} {contract}",
                first_month=outcomes.model.table.first_month,
            )  # fmt: skip
    return Path(directory).resolve()
