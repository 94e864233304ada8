"""Events read from a file: somebody else's catalogue, or what happened.

One row for each event and cell it hits:

============  ==================================================================================
``event``     name of the event
``peril``     a peril of the scenario
``rate``      events a year; or ``year``, 1 to ``catalogue.years``, in which it happens
``cell``      a cell of the scenario
``intensity``  in the cell, in the unit of the peril's curves; or ``loss``, yuan
``day``       optional, 1 to 365 from the start of the simulated year; absent: drawn
``hour``      optional, 0 to 23; absent: drawn
``size``      optional, for triggers; absent: the event's highest intensity
============  ==================================================================================
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fangpinbao._typing import Float64Array, Int64Array, Uint64Array
from fangpinbao.catastrophe.draw import (
    DAY,
    FACTOR,
    HOUR,
    PART,
    Events,
    count_quantile,
    event_ids,
    event_words,
    uniforms,
)  # fmt: skip
from fangpinbao.catastrophe.exposure import DAYS, CellMap, Season
from fangpinbao.core.distributions import AmountLaw
from fangpinbao.core.streams import decision_key, mix_array, survival_of, year_keys
from fangpinbao.errors import InputError, Problem

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["EventFile", "read_event_file"]

_EVENT_COLUMNS = ("peril", "rate", "year", "day", "hour", "size")
_COLUMNS = ("event", *_EVENT_COLUMNS, "cell", "intensity", "loss")


@dataclass(frozen=True, eq=False)
class EventFile:
    """The events of a file.

    Attributes
    ----------
    peril : shape (n,)
        Index of the peril of each event.
    rate, year : shape (n,) or None
        Events a year, or the year (0 = the first) in which it happens.
    day, hour : shape (n,)
        -1: drawn.
    label : shape (n,)
        Digest of the event's name, part of its key.
    years
        Years the file covers, where it has years.
    """

    names: tuple[str, ...]
    peril: Int64Array
    rate: Float64Array | None
    year: Int64Array | None
    day: Int64Array
    hour: Int64Array
    size: Float64Array
    label: Uint64Array
    event_start: Int64Array
    cells: Int64Array
    intensities: Float64Array
    losses: Float64Array | None
    years: int

    def draw(
        self,
        peril: int,
        index: int,
        season: Season,
        factor: AmountLaw | None,
        paths: Int64Array,
        seed: int,
        term_years: int,
    ) -> Events:
        """Draw (by rate) or replay (by year) the file's events of one peril in the given paths."""
        mine = np.flatnonzero(self.peril == peril)
        path = np.repeat(paths, term_years)
        year = np.tile(np.arange(term_years), paths.size)
        key = decision_key(seed, f"catastrophe/catalogue/{peril}")
        if self.rate is not None:
            rates = self.rate[mine]
            means = np.full(path.size, rates.sum())
            counts = count_quantile(survival_of(year_keys(key, path, year)), None, means)
            of_path = np.repeat(np.arange(path.size), counts)
            number = np.arange(of_path.size) - np.repeat(np.cumsum(counts) - counts, counts)
            words = event_words(key, path[of_path], year[of_path], number)
            ends = np.cumsum(rates / rates.sum())
            which = mine[np.minimum(np.searchsorted(ends, uniforms(words, PART)), mine.size - 1)]
        else:
            assert self.year is not None
            row = (path * term_years + year) % self.years
            order = mine[np.argsort(self.year[mine], kind="stable")]
            first = np.searchsorted(self.year[order], row, side="left")
            counts = np.searchsorted(self.year[order], row, side="right") - first
            of_path = np.repeat(np.arange(path.size), counts)
            number = np.arange(of_path.size) - np.repeat(np.cumsum(counts) - counts, counts)
            which = order[first[of_path] + number]
            words = mix_array(year_keys(key, path[of_path], year[of_path]) ^ self.label[which])
        day = np.where(self.day[which] >= 0, self.day[which], season.days(uniforms(words, DAY)))
        hour = np.where(self.hour[which] >= 0, self.hour[which], season.hours(uniforms(words, HOUR)))
        factors = (
            np.ones(which.size) if factor is None else factor.quantile_from_survival(uniforms(words, FACTOR))
        )
        lengths = np.diff(self.event_start)[which]
        start = np.concatenate(([0], np.cumsum(lengths)))
        hit = np.arange(start[-1]) + np.repeat(self.event_start[which] - start[:-1], lengths)
        return Events(
            peril, path[of_path], year[of_path], day, hour, self.size[which], factors, words,
            event_ids(path[of_path], index, year[of_path], number), start, self.cells[hit], self.intensities[hit],
            None if self.losses is None else self.losses[hit],
        )  # fmt: skip


def read_event_file(path: Path, perils: tuple[str, ...], cells: CellMap, years: int | None) -> EventFile:
    """Read events from CSV or Parquet.

    Raises
    ------
    InputError
        With every problem of the file, each by its row (1 is the first row of data).
    """
    import pandas as pd

    try:
        if path.suffix == ".parquet":
            frame = pd.read_parquet(path)
        else:
            frame = pd.read_csv(path, dtype={"event": str, "peril": str, "cell": str}, encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise InputError(str(path), [Problem("", f"cannot be read: {error}. Give CSV or Parquet.")]) from None
    problems = _column_problems(frame, years)
    if problems:
        raise InputError(str(path), problems)
    for name in ("event", "peril", "cell"):
        frame[name] = frame[name].astype(str)
    problems = _cell_problems(frame, perils, cells, years)
    if problems:
        raise InputError(str(path), problems)
    return _compiled(frame, perils, cells, years or 1)


def _column_problems(frame: pd.DataFrame, years: int | None) -> list[Problem]:
    found = set(frame.columns)
    problems = [
        Problem(f"column {name}", f"is read by nothing. Known: {', '.join(_COLUMNS)}.")
        for name in sorted(map(str, found - set(_COLUMNS)))
    ]
    problems += [
        Problem(f"column {name}", "is missing. Add it.")
        for name in ("event", "peril", "cell")
        if name not in found
    ]
    for pair in (("rate", "year"), ("intensity", "loss")):
        if len(found & set(pair)) != 1:
            problems.append(Problem("", f"needs exactly one of the columns {pair[0]} and {pair[1]}."))
    if "year" in found and years is None:
        problems.append(Problem("column year", "needs catalogue.years, the years the file covers. Add it."))
    if not problems and frame.empty:
        problems.append(Problem("", "has no rows. Add events."))
    return problems


def _cell_problems(
    frame: pd.DataFrame, perils: tuple[str, ...], cells: CellMap, years: int | None
) -> list[Problem]:
    import pandas as pd

    problems = []

    def refuse(bad: pd.Series, column: str, rule: str) -> None:
        rows = np.flatnonzero(bad.to_numpy())
        for row in rows[:5]:
            value = frame[column].iloc[row]
            shown = repr(value) if isinstance(value, str) else f"{value:g}"
            problems.append(Problem(f"row {row + 1}, {column}", f"= {shown} {rule}"))
        if rows.size > 5:
            problems.append(Problem(column, f"has {rows.size - 5} more rows with this problem."))

    refuse(~frame["peril"].isin(perils), "peril", f"is not a peril of the scenario ({', '.join(perils)}).")
    refuse(~frame["cell"].isin(cells.names), "cell", "is not a cell of the scenario.")
    refuse(frame.duplicated(["event", "cell"]), "cell", "stands twice for this event. Keep one row.")
    limits = {
        "rate": (0.0, 1000.0), "year": (1, years or 1), "day": (1, DAYS), "hour": (0, 23), "size": (0.0, np.inf),
        "intensity": (0.0, np.inf), "loss": (0.0, 9e12),
    }  # fmt: skip
    for column, (low, high) in limits.items():
        if column not in frame:
            continue
        numbers = pd.to_numeric(frame[column], errors="coerce")
        good = numbers.between(low, high) & np.isfinite(numbers)
        if column in ("year", "day", "hour"):
            good &= numbers == numbers.round()
        if column in ("day", "hour", "size"):
            good |= frame[column].isna()
        refuse(~good, column, f"must be a number from {low:g} to {high:g}.")
        frame[column] = numbers
    for column in _EVENT_COLUMNS:
        if column in frame:
            differs = frame.groupby("event")[column].transform("nunique", dropna=False) > 1
            refuse(differs, column, "differs between the rows of this event. An event has one.")
    return problems


def _compiled(frame: pd.DataFrame, perils: tuple[str, ...], cells: CellMap, years: int) -> EventFile:
    codes, names = frame["event"].factorize()
    order = np.argsort(codes, kind="stable")
    counts = np.bincount(codes)
    start = np.concatenate(([0], np.cumsum(counts)))
    rows = frame.iloc[order].reset_index(drop=True)
    first = rows.iloc[start[:-1]]
    of_hit = "intensity" if "intensity" in rows else "loss"
    strengths = rows[of_hit].to_numpy(dtype=np.float64)
    highest = np.maximum.reduceat(strengths, start[:-1])
    size = first["size"].to_numpy(dtype=np.float64) if "size" in first else np.full(len(names), np.nan)

    def whole(column: str, shift: int) -> Int64Array:
        if column not in first:
            return np.full(len(names), -1, dtype=np.int64)
        return (first[column] - shift).fillna(-1).to_numpy(dtype=np.int64)

    labels = [hashlib.blake2b(str(name).encode(), digest_size=8).digest() for name in names]
    return EventFile(
        tuple(map(str, names)),
        np.array([perils.index(name) for name in first["peril"]], dtype=np.int64),
        first["rate"].to_numpy(dtype=np.float64) if "rate" in first else None,
        whole("year", 1) if "year" in first else None,
        whole("day", 1),
        whole("hour", 0),
        np.where(np.isnan(size), highest, size),
        np.array([int.from_bytes(label, "little") for label in labels], dtype=np.uint64),
        start,
        np.array([cells.names.index(name) for name in rows["cell"]], dtype=np.int64),
        strengths if of_hit == "intensity" else np.zeros(strengths.size),
        strengths if of_hit == "loss" else None,
        years,
    )
