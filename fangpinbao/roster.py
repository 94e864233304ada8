"""Roster files: a population read from, and written to, CSV or Parquet (columns in ``docs/roster.md``)."""

from __future__ import annotations

import csv
import io
import os
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from fangpinbao._typing import Int64Array
from fangpinbao.errors import InputError, Problem
from fangpinbao.population import Population
from fangpinbao.roster_columns import MOST_PROBLEMS, RosterError

__all__ = ["read_roster", "write_roster"]

_ENDINGS = (".csv", ".parquet")


def read_roster(path: str | os.PathLike[str]) -> Population:
    """Read a roster, one row a person; ``.csv`` (UTF-8, else GB18030) or ``.parquet`` by the name's ending.

    Raises
    ------
    InputError
        Naming every problem by row and column. A row of a CSV file is its line (the header is line 1), of a
        Parquet file its number counted from 1.
    """
    path = Path(path)
    ending = _ending(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise InputError(str(path), [Problem("", f"The file cannot be read: {reason}.")]) from None
    if ending == ".csv":
        return _population_of_csv(content, str(path))
    try:
        table = pd.read_parquet(io.BytesIO(content))
    except (ValueError, OSError) as error:
        message = f"This is not a Parquet file ({str(error).splitlines()[0]}). Write it again, or use CSV."
        raise InputError(str(path), [Problem("", message)]) from None
    return Population.from_frame(table, subject=str(path))


def write_roster(population: Population, path: str | os.PathLike[str]) -> None:
    """Write a roster that ``read_roster`` reads back exactly; the file appears complete or not at all.

    CSV is UTF-8 with a byte order mark, so that spreadsheets show Chinese names.
    """
    path = Path(path)
    ending = _ending(path)
    table = population.to_frame()
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=ending, dir=path.parent)
    os.close(handle)
    try:
        if ending == ".csv":
            for name in table.columns[table.dtypes == np.bool_]:
                table[name] = np.where(table[name], "true", "false")
            table.to_csv(temporary, index=False, encoding="utf-8-sig", lineterminator="\n")
        else:
            table.to_parquet(temporary, index=False)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    finally:
        Path(temporary).unlink(missing_ok=True)


def _ending(path: Path) -> str:
    ending = path.suffix.lower()
    if ending not in _ENDINGS:
        message = f"A roster's name must end in {' or '.join(_ENDINGS)}. Rename or convert it."
        raise InputError(str(path), [Problem("", message)])
    return ending


def _population_of_csv(content: bytes, subject: str) -> Population:
    table, lines, broken = _read_csv(content, subject)
    try:
        population = Population.from_frame(table, rows=lines, subject=subject)
    except RosterError as error:
        problems = [*broken, *error.problems][:MOST_PROBLEMS]
        raise RosterError(subject, problems, len(broken) + error.count) from None
    if broken:
        raise RosterError(subject, broken[:MOST_PROBLEMS], len(broken))
    return population


def _read_csv(content: bytes, subject: str) -> tuple[pd.DataFrame, Int64Array, list[Problem]]:
    """Return the cells as text, the line of each row, and what is broken; blank lines are skipped."""
    reader = csv.reader(io.StringIO(_decoded(content, subject), newline=""), strict=True)
    header: list[str] = []
    records: list[list[str]] = []
    lines: list[int] = []
    broken: list[Problem] = []
    end_of_last = 0
    try:
        for record in reader:
            line, end_of_last = end_of_last + 1, reader.line_num
            if not "".join(record).strip():
                continue
            if not header:
                header = [cell.strip() for cell in record]
            elif len(record) == len(header):
                records.append(record)
                lines.append(line)
            else:
                message = (
                    f"has {len(record)} cells where the header has {len(header)}. Mend it, or quote cells."
                )
                broken.append(Problem(f"row {line}", message))
    except csv.Error as error:
        broken.append(Problem(f"row {end_of_last + 1}", f"is not valid CSV ({error}). Check its quotes."))
    if not header:
        broken = broken or [Problem("", "The file is empty. Its first line must name the columns.")]
        raise RosterError(subject, broken)
    if len(header) == 1 and ("\t" in header[0] or ";" in header[0]):
        message = "has no commas. Save the table as CSV with commas between the cells."
        raise RosterError(subject, [Problem("row 1", message)])
    cells = list(zip(*records, strict=True)) if records else [()] * len(header)
    columns = [pd.Series(column, dtype=object) for column in cells]
    return pd.concat(columns, axis=1, keys=header), np.array(lines, dtype=np.int64), broken


def _decoded(content: bytes, subject: str) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise InputError(subject, [Problem("", "The text is neither UTF-8 nor GB18030. Save it as UTF-8.")])
