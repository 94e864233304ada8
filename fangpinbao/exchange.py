"""Tables in the columns of the Open Results Data (ORD) standard, as CSV and Parquet.

The standard is kept in the repository OasisLMF/ODS_OpenResultsData; the columns here are those of its tables
``Schema/ORD_Data_Types.csv`` and ``Schema/ORD_List_of_Fields.csv`` as of commit 763e9d4 (ORD 2). Version 1
differs in the exceedance and average loss tables only: integer codes instead of words.

Amounts are yuan. A simulated year is a period; each of its events has one sample. Columns that need exposure
by location, and the hour, are not known to event losses and stay empty. Rows with a loss of zero are left
out, so the weights of all periods stand in a table of their own (``periods``). The standard has no column for
the error of a simulation: the table ``ept_error`` repeats the keys of ``ept`` with error and 95% interval.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from fangpinbao import estimators
from fangpinbao._typing import Float64Array, Int64Array
from fangpinbao.errors import InputError, Problem
from fangpinbao.estimators import Estimate, Years
from fangpinbao.event_losses import EventLosses
from fangpinbao.exceedance import RETURN_PERIODS
from fangpinbao.reinsurance import by_year, largest_by_year

__all__ = ["COLUMNS", "open_results", "write_open_results"]

Version = Literal[1, 2]

# Columns of each table by version; the type of each column stands in _TYPES.
_MELT = (
    "EventId", "SummaryId", "SampleType", "EventRate", "ChanceOfLoss", "MeanLoss", "SDLoss", "SDLossInd",
    "SDLossCor", "MaxLoss", "FootprintExposure", "FootprintNumLocs", "MeanImpactedExposure",
    "MeanImpactedNumLocs", "MaxImpactedExposure", "MaxImpactedNumLocs",
)  # fmt: skip
_SPLT = (
    "Period", "PeriodWeight", "EventId", "Year", "Month", "Day", "Hour", "Minute", "SummaryId", "SampleId",
    "Loss", "ImpactedExposure", "ImpactedNumLocs",
)  # fmt: skip
_ALT = ("SampleType", "MeanLoss", "SDLoss", "SourceExposure", "SourceNumLocs")
_COMMON: dict[str, tuple[str, ...]] = {
    "melt": _MELT,
    "splt": _SPLT,
    "events": ("EventId", "EventDescription", "EventRate"),
    "periods": ("Period", "PeriodWeight"),
}
COLUMNS: Final[dict[Version, dict[str, tuple[str, ...]]]] = {
    1: {
        **_COMMON,
        "alt": ("SummaryId", *_ALT),
        "ept": ("SummaryId", "EPCalc", "EPType", "ReturnPeriod", "Loss"),
    },
    2: {
        **_COMMON,
        "alt": ("SummaryId", "LossMethod", *_ALT),
        "ept": ("SummaryId", "EPMethod", "EPType", "ReturnPeriod", "Loss"),
    },
}
"""The standard's columns by version and table, in its order."""

_INTEGERS = {
    "EventId", "SummaryId", "SampleType", "SampleId", "Period", "Year", "Month", "Day", "Hour", "Minute",
    "FootprintNumLocs", "MeanImpactedNumLocs", "MaxImpactedNumLocs", "ImpactedNumLocs", "SourceNumLocs",
}  # fmt: skip
_TEXTS = {"EPMethod", "LossMethod", "EventDescription"}
_SAMPLED, _ALL_PERILS = 2, 1
# Kind of curve: code of version 1, word of version 2.
_CURVES = {"OEP": (1, "OEP"), "TVAR_OEP": (2, "TVAR_OEP"), "AEP": (3, "AEP"), "TVAR_AEP": (4, "TVAR_AEP")}
_MONTH_ENDS = np.cumsum([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])


def open_results(
    losses: EventLosses,
    years: Years,
    *,
    version: Version = 2,
    return_periods: Iterable[float] = RETURN_PERIODS,
    calendar_year: int | None = None,
    first_month: int = 1,
) -> dict[str, Any]:
    """Return the tables of one perspective as ``pyarrow.Table`` by name.

    Parameters
    ----------
    losses, years
        Event losses and the sampling design of their years.
    version
        Of the standard.
    return_periods
        Years of the exceedance table, each above one.
    calendar_year
        Year of occurrence; absent: the number of the period.
    first_month
        Month in which a simulated year begins.

    Returns
    -------
    dict
        ``melt`` moment event loss table, ``splt`` sample period (year) loss table, ``alt`` average loss
        table, ``ept`` exceedance probability table, ``ept_error``, ``events``, ``periods``. Summary 1 is all
        perils; the others are the perils in order.
    """
    if years.n != losses.paths:
        raise ValueError(f"losses of {losses.paths} years do not fit a design of {years.n} years.")
    ids, event_of = np.unique(losses.event, return_inverse=True)
    # The standard's ids are 32-bit and positive; ours are kept where they fit.
    fits = ids.size == 0 or (int(ids[0]) >= 1 and int(ids[-1]) < 2**31)
    event_ids = ids if fits else np.arange(1, ids.size + 1)
    rates = np.bincount(event_of, years.weight[losses.path], ids.size)
    points, errors = _curves(losses, years, version, tuple(return_periods))
    columns = COLUMNS[version]
    tables = {
        "melt": _melt(losses, years, event_ids, event_of),
        "splt": _splt(losses, years, event_ids[event_of], calendar_year, first_month),
        "alt": _alt(losses, years),
        "ept": points,
        "events": {
            "EventId": event_ids,
            "EventDescription": _descriptions(losses, ids, event_of),
            "EventRate": rates,
        },
        "periods": {"Period": np.arange(1, years.n + 1), "PeriodWeight": years.weight},
    }
    made = {name: _table(values, columns[name], version) for name, values in tables.items()}
    made["ept_error"] = _table(errors, (*columns["ept"], "StandardError", "Lower", "Upper"), version)
    return made


def write_open_results(
    directory: str | os.PathLike[str],
    perspectives: Mapping[str, EventLosses],
    years: Years,
    *,
    name: str = "fangpinbao",
    version: Version = 2,
    formats: Iterable[Literal["csv", "parquet"]] = ("csv", "parquet"),
    **options: Any,
) -> Path:
    """Write the tables of perspectives and a file of metadata into a new or empty folder.

    Parameters
    ----------
    directory
        Written whole or not at all.
    perspectives
        By the standard's codes: ``gul`` ground-up, ``il`` insured, ``ri`` net of reinsurance, ``rl`` paid by
        reinsurers. Files are named ``{code}_{table}.{format}``.
    name
        Of the model, in the metadata.
    options
        Of :func:`open_results`.

    Raises
    ------
    InputError
        If the folder holds files.
    ValueError
        If a code is no plain word, or losses and years differ in number.
    """
    target = Path(directory).resolve()
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise InputError(str(directory), [Problem("", "is not an empty folder. Choose a new one.")])
    target.parent.mkdir(parents=True, exist_ok=True)
    if any(not code.isalnum() for code in perspectives):
        raise ValueError(f"codes of perspectives {list(perspectives)} must be letters and digits.")
    kinds = tuple(formats)
    with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as temporary:
        folder = Path(temporary, "written")
        folder.mkdir()
        for code, losses in perspectives.items():
            for table, data in open_results(losses, years, version=version, **options).items():
                for kind in kinds:
                    _write(data, folder / f"{code}_{table}.{kind}", kind)
        text = json.dumps(_metadata(name, perspectives, years), ensure_ascii=False, indent=1)
        (folder / "results_metadata.json").write_text(text + "\n", encoding="utf-8", newline="\n")
        if target.exists():
            target.rmdir()
        folder.rename(target)
    return target


def _write(data: Any, file: Path, kind: str) -> None:
    if kind == "csv":
        # Texts are codes, but for the names of perils; the header is written bare, as readers expect it.
        quoting = "needed" if "EventDescription" in data.column_names else "none"
        options = pa.csv.WriteOptions(include_header=False, quoting_style=quoting)
        with file.open("wb") as handle:
            handle.write((",".join(data.column_names) + "\n").encode())
            pa.csv.write_csv(data, handle, options)
    else:
        pa.parquet.write_table(data, file)


def _table(values: Mapping[str, Any], columns: tuple[str, ...], version: Version) -> Any:
    """Lay values out in the standard's columns; a column without values is empty."""
    count = len(next(iter(values.values())))
    arrays, fields = [], []
    for column in columns:
        is_word = column in _TEXTS or (column == "EPType" and version == 2)
        is_integer = column in _INTEGERS or column in ("EPCalc", "EPType")
        kind = pa.string() if is_word else pa.int32() if is_integer else pa.float64()
        given = values.get(column)
        if isinstance(given, np.ndarray) and given.dtype == np.float64:
            arrays.append(pa.array(given, kind, mask=np.isnan(given)))
        else:
            arrays.append(pa.nulls(count, kind) if given is None else pa.array(given, kind))
        fields.append(pa.field(column, kind))
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields))


def _melt(losses: EventLosses, years: Years, event_ids: Int64Array, event_of: Int64Array) -> dict[str, Any]:
    """Moments of each event's loss over its occurrences, by the weight of their years; summary 1 and perils."""
    weight, loss = years.weight[losses.path], losses.loss / 100.0
    count = event_ids.size

    def total(values: Float64Array) -> Float64Array:
        return np.bincount(event_of, values, count).astype(np.float64)

    rate = total(weight)
    mean = total(weight * loss) / rate
    occurrences = total(np.ones(loss.size))
    squares = total(weight * (loss - mean[event_of]) ** 2) / rate
    # Unbiased where all weights are alike; one occurrence has no spread.
    spread = np.sqrt(squares * occurrences / np.where(occurrences > 1, occurrences - 1, np.nan))
    largest = np.zeros(count)
    np.maximum.at(largest, event_of, loss)
    chance = total(weight * (loss > 0.0)) / rate
    peril = np.zeros(count, dtype=np.int64)
    peril[event_of] = losses.peril
    summaries = np.concatenate([np.full(count, _ALL_PERILS), peril + 1 + _ALL_PERILS])
    twice = {
        name: np.concatenate([column, column])
        for name, column in {
            "EventId": event_ids, "EventRate": rate, "ChanceOfLoss": chance, "MeanLoss": mean, "SDLoss": spread,
            "MaxLoss": largest,
        }.items()
    }  # fmt: skip
    keep = twice["MaxLoss"] > 0.0
    sampled = np.full(2 * count, _SAMPLED)
    rows = {**twice, "SummaryId": summaries, "SampleType": sampled}
    return {name: column[keep] for name, column in rows.items()}


def _splt(
    losses: EventLosses, years: Years, event_id: Int64Array, calendar_year: int | None, first_month: int
) -> dict[str, Any]:
    month, day, wrapped = _dates(losses.day, first_month)
    period = losses.path + 1
    year = period if calendar_year is None else calendar_year + wrapped
    rows = {
        "Period": period, "PeriodWeight": years.weight[losses.path], "EventId": event_id, "Year": year,
        "Month": month, "Day": day, "SampleId": np.ones(period.size, dtype=np.int64), "Loss": losses.loss / 100.0,
    }  # fmt: skip
    hit = losses.loss > 0
    # An event stands in the summary of all perils and in that of its own.
    rows = {name: np.repeat(column[hit], 2) for name, column in rows.items()}
    own = losses.peril[hit] + 1 + _ALL_PERILS
    rows["SummaryId"] = np.stack([np.full(own.size, _ALL_PERILS), own], axis=1).ravel()
    return rows


def _dates(day: Int64Array, first_month: int) -> tuple[Int64Array, Int64Array, Int64Array]:
    """Return month and day of the month of a year of 365 days, and 1 where the next calendar year began."""
    if not 1 <= first_month <= 12:
        raise ValueError(f"first_month = {first_month} must lie between 1 and 12.")
    start = int(_MONTH_ENDS[first_month - 2]) if first_month > 1 else 0
    place = day + start
    wrapped = place // 365
    place = place % 365
    month = np.searchsorted(_MONTH_ENDS, place, side="right") + 1
    first = np.concatenate([[0], _MONTH_ENDS])[month - 1]
    return month.astype(np.int64), place - first + 1, wrapped


def _by_summary(losses: EventLosses) -> Iterable[tuple[int, Int64Array]]:
    yield _ALL_PERILS, losses.loss
    for index in range(len(losses.perils)):
        yield index + 1 + _ALL_PERILS, np.where(losses.peril == index, losses.loss, 0)


def _alt(losses: EventLosses, years: Years) -> dict[str, Any]:
    rows: dict[str, list[Any]] = {
        name: [] for name in ("SummaryId", "LossMethod", "SampleType", "MeanLoss", "SDLoss")
    }
    for summary, loss in _by_summary(losses):
        yuan = by_year(loss, losses) / 100.0
        rows["SummaryId"].append(summary)
        rows["LossMethod"].append("STOC")
        rows["SampleType"].append(_SAMPLED)
        rows["MeanLoss"].append(estimators.mean(yuan, years, "yuan").value)
        rows["SDLoss"].append(estimators.standard_deviation(yuan, years, "yuan").value)
    return rows


def _curves(
    losses: EventLosses, years: Years, version: Version, periods: tuple[float, ...]
) -> tuple[dict[str, Any], dict[str, Any]]:
    levels = [1.0 - 1.0 / period for period in periods]
    if any(not 0.0 < level < 1.0 for level in levels):
        raise ValueError(f"return periods {list(periods)} must all exceed one year.")
    rows: list[tuple[int, str, float, Estimate]] = []
    for summary, loss in _by_summary(losses):
        for kind, column in (("OEP", largest_by_year(loss, losses)), ("AEP", by_year(loss, losses))):
            yuan = column / 100.0
            curve = estimators.quantiles(yuan, years, levels, "yuan")
            tails = estimators.tail_values(yuan, years, levels, "yuan")
            rows += [(summary, kind, t, point) for t, point in zip(periods, curve, strict=True)]
            rows += [(summary, f"TVAR_{kind}", t, tail) for t, tail in zip(periods, tails, strict=True)]
    points: dict[str, Any] = {
        "SummaryId": [summary for summary, *_ in rows],
        "EPType": [_CURVES[kind][version - 1] for _, kind, *_ in rows],
        "ReturnPeriod": [float(period) for *_, period, _ in rows],
        "Loss": [estimate.value for *_, estimate in rows],
        "EPMethod": ["S_FULL"] * len(rows),
        "EPCalc": [2] * len(rows),
    }
    errors = points | {
        "StandardError": [estimate.standard_error for *_, estimate in rows],
        "Lower": [estimate.lower for *_, estimate in rows],
        "Upper": [estimate.upper for *_, estimate in rows],
    }
    return points, errors


def _descriptions(losses: EventLosses, ids: Int64Array, event_of: Int64Array) -> list[str]:
    peril = np.zeros(ids.size, dtype=np.int64)
    peril[event_of] = losses.peril
    return [f"{losses.perils[p]} {event}" for p, event in zip(peril.tolist(), ids.tolist(), strict=True)]


def _metadata(name: str, perspectives: Mapping[str, EventLosses], years: Years) -> dict[str, Any]:
    """Return what the standard's schema of metadata asks for (results_metadata_schema_v2.json)."""
    flags = ["elt_moment", "plt_sample", "alt_period", "ept_full_uncertainty_aep", "ept_full_uncertainty_oep"]
    sets = []
    for code, losses in perspectives.items():
        summaries = [
            {"id": number, "description": text, "ord_output": dict.fromkeys(flags, True)}
            for number, text in enumerate(("all perils", *losses.perils), start=_ALL_PERILS)
        ]
        sets.append({"perspective_code": code, "summaries": summaries})
    return {
        "version": "2.0.0",
        "model_supplier_id": "fangpinbao",
        "model_name_id": name,
        "currency": ["CNY"],
        "number_of_samples": 1,
        "loss_methods": ["STOC"],
        "ep_methods": ["S_FULL"],
        "event_set": {
            "event_set_id": None,
            "event_set_description": None,
            "event_occurrence_id": None,
            "event_occurrence_description": None,
            "event_occurrence_max_periods": years.n,
        },
        "output_sets": sets,
    }
