"""Columns of a persons table: declared once, read cell by cell, every problem named by row and column."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fangpinbao._typing import BoolArray, Int64Array, Uint64Array
from fangpinbao.errors import InputError, Problem
from fangpinbao.scenario.base import MOST_YUAN
from fangpinbao.scenario.vocabulary import CLASS_LABELS, CLASSES, STAGE_LABELS, STAGES

__all__ = ["COLUMNS", "Column", "RosterError", "read_columns", "tag_bits", "tag_words"]

LONGEST_ID = 64
MOST_PROBLEMS = 50
MOST_TAGS = 64
_WHOLE = re.compile(r"-?[1-9][0-9]{0,17}|0")
_TAG = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,59}")
_AGE = re.compile(r"[0-9]{1,3}(\.0+)?")


class RosterError(InputError):
    """A refused roster: ``count`` problems, of which ``problems`` holds the first few by row."""

    def __init__(self, subject: str, problems: Sequence[Problem], count: int | None = None) -> None:
        self.count = len(problems) if count is None else count
        super().__init__(subject, problems)

    def __str__(self) -> str:
        more = self.count - len(self.problems)
        head = f"{self.subject} has {self.count} problem{'' if self.count == 1 else 's'}"
        lines = [f"{number:>2}. {problem}" for number, problem in enumerate(self.problems, start=1)]
        return "\n".join([head, *lines, *([f"and {more} more, not spelled out."] if more else [])])


@dataclass(frozen=True)
class Column:
    """A column of the persons table.

    Attributes
    ----------
    level
        Whether the value is the person's own or must be the same for all members of a household.
    kind
        How a cell is read: an id, a name, an age, a word of a closed list, yuan, or tags.
    rule
        What a cell must be, as it stands in an error after "is not".
    words
        The words a cell may hold and the code each stands for.
    """

    name: str
    level: Literal["person", "household"]
    kind: Literal["id", "name", "age", "word", "yuan", "tags"]
    rule: str
    words: Mapping[str, int] | None = None
    required: bool = True


_FLAGS = {"true": 1, "false": 0, "1": 1, "0": 0, "是": 1, "否": 0}
_SEXES = {"male": 0, "female": 1, "男": 0, "女": 1}
_CLASSES = {word: code for code, name in enumerate(CLASSES) for word in (name, CLASS_LABELS[name][1])}
_STAGES = {word: code for code, name in enumerate(STAGES) for word in (name, STAGE_LABELS[name][1])}
_ID_RULE = f"an id of 1 to {LONGEST_ID} characters"
_FLAG_RULE = "true or false (1 or 0, 是 or 否)"
_YUAN_RULE = f"a number of yuan from 0 to {MOST_YUAN:.0e}, without thousands separators".replace("e+", "e")

COLUMNS: tuple[Column, ...] = (
    Column("person_id", "person", "id", _ID_RULE),
    Column("household_id", "person", "id", _ID_RULE),
    Column("township", "household", "name", f"a name of 1 to {LONGEST_ID} characters"),
    Column("class", "household", "word", "a household class", _CLASSES),
    Column("age", "person", "age", "a whole number from 0 to 120"),
    Column("sex", "person", "word", "male or female (男 or 女)", _SEXES),
    Column("schooling", "person", "word", "a stage of schooling", _STAGES),
    Column("enrolled", "person", "word", _FLAG_RULE, _FLAGS),
    Column("lifted_out", "household", "word", _FLAG_RULE, _FLAGS),
    Column("dibao", "household", "word", _FLAG_RULE, _FLAGS),
    Column("tekun", "household", "word", _FLAG_RULE, _FLAGS),
    Column("income_per_head", "household", "yuan", _YUAN_RULE),
    Column("consumption_per_head", "household", "yuan", _YUAN_RULE),
    Column("assets", "household", "yuan", _YUAN_RULE, required=False),
    Column("tags", "person", "tags", "names with ; between them, or nothing", required=False),
)
_LISTS = {"class": CLASSES, "schooling": STAGES}


def read_columns(
    table: pd.DataFrame, rows: Int64Array, subject: str
) -> tuple[dict[str, NDArray[Any]], NDArray[np.intp], NDArray[np.intp]]:
    """Return the columns as codes and numbers, the household of each row, and each household's first row.

    ``rows`` are the row numbers that errors name. ``RosterError`` lists every problem.
    """
    faults = _Faults(subject, rows)
    faults.refuse_names([str(name) for name in table.columns])
    if not len(table):
        raise RosterError(subject, [Problem("", "The table has no usable row. Give at least one person.")])
    values: dict[str, NDArray[Any]] = {}
    fine: dict[str, BoolArray] = {}
    for column in COLUMNS:
        if column.name in table.columns:
            values[column.name], fine[column.name] = _read(column, table[column.name])
            faults.refuse_cells(column, table[column.name], ~fine[column.name])

    household_of, first = _groups(values["household_id"])
    person_of, first_row = _groups(values["person_id"])
    repeats = fine["person_id"] & (first_row[person_of] != np.arange(len(table)))
    faults.refuse_repeats(table["person_id"], repeats, first_row[person_of])
    same = first[household_of]
    for column in COLUMNS:
        if column.level == "household" and column.name in values:
            known = fine[column.name] & fine[column.name][same] & fine["household_id"]
            differs = known & (values[column.name] != values[column.name][same])
            faults.refuse_differences(column, table[column.name], differs, same)
    faults.raise_if_any()
    return values, household_of, first


class _Faults:
    """Problems of one table, at most ``MOST_PROBLEMS`` a check, ordered by row and column at the end."""

    def __init__(self, subject: str, rows: Int64Array) -> None:
        self.subject, self.rows = subject, rows
        self.count = 0
        self.found: list[tuple[int, int, Problem]] = []

    def refuse_names(self, names: Sequence[str]) -> None:
        """Refuse a table with missing, unknown or repeated columns, before any cell is read."""
        known = [column.name for column in COLUMNS]
        missing = [column.name for column in COLUMNS if column.required and column.name not in names]
        unknown = [name for name in dict.fromkeys(names) if name not in known]
        problems = []
        for name in missing:
            near = difflib.get_close_matches(name, unknown, n=1)
            cure = f"Rename column {near[0]!r} to it." if near else "Add it."
            problems.append(Problem(f"column {name}", f"is missing. {cure}"))
        for name in unknown:
            near = difflib.get_close_matches(name, known, n=1)
            cure = f"Did you mean {near[0]}?" if near else f"Remove it; the columns are {', '.join(known)}."
            problems.append(Problem(f"column {_shown(name)}", f"is read by nothing. {cure}"))
        for name in known:
            if names.count(name) > 1:
                problems.append(Problem(f"column {name}", f"stands {names.count(name)} times. Keep one."))
        if problems:
            raise RosterError(self.subject, problems)

    def refuse_cells(self, column: Column, cells: pd.Series[Any], refused: BoolArray) -> None:
        """Refuse cells that are not what the column's rule says."""
        for index in self._first(refused):
            value = cells.iloc[index]
            shown = "is empty; it must be" if _text(value) == "" else f"= {_shown(value)} is not"
            self._add(index, column.name, f"{shown} {column.rule}. {_cure(column, value)}")

    def refuse_repeats(self, cells: pd.Series[Any], refused: BoolArray, first: NDArray[np.intp]) -> None:
        """Refuse person ids that stand in an earlier row already."""
        for index in self._first(refused):
            message = f"= {_shown(cells.iloc[index])} already stands in row {self.rows[first[index]]}."
            self._add(index, "person_id", f"{message} Give each person one row and id.")

    def refuse_differences(
        self, column: Column, cells: pd.Series[Any], refused: BoolArray, first: NDArray[np.intp]
    ) -> None:
        """Refuse household values that differ from those of the household's first row."""
        for index in self._first(refused):
            row, value = self.rows[first[index]], _shown(cells.iloc[first[index]])
            message = f"= {_shown(cells.iloc[index])} differs from row {row} of the same household ({value})."
            self._add(index, column.name, f"{message} Give all its members the same value.")

    def raise_if_any(self) -> None:
        """Raise all problems found, the first ones spelled out."""
        if self.count:
            problems = [fault[2] for fault in sorted(self.found, key=lambda fault: fault[:2])]
            raise RosterError(self.subject, problems[:MOST_PROBLEMS], self.count)

    def _first(self, refused: BoolArray) -> list[int]:
        self.count += int(np.count_nonzero(refused))
        return [int(index) for index in np.flatnonzero(refused)[:MOST_PROBLEMS]]

    def _add(self, index: int, name: str, message: str) -> None:
        place = [column.name for column in COLUMNS].index(name)
        self.found.append((index, place, Problem(f"row {self.rows[index]}, column {name}", message)))


def _read(column: Column, cells: pd.Series[Any]) -> tuple[NDArray[Any], BoolArray]:
    """Return a column's values and where they are fine; a refused cell holds a filler."""
    if column.kind == "id" or column.kind == "name":
        return _read_ids(cells, as_integers=column.kind == "id")
    if column.kind == "yuan":
        yuan = np.array([_yuan(value) for value in cells.tolist()], dtype=np.float64)
        return yuan, ~np.isnan(yuan)
    if column.kind == "tags":
        return _read_tags(cells)
    codes, uniques = pd.factorize(cells.to_numpy(dtype=object), use_na_sentinel=False)
    meanings = np.array([_code(column, value) for value in uniques], dtype=np.int64)
    return meanings[codes], meanings[codes] >= 0


def _read_ids(cells: pd.Series[Any], *, as_integers: bool) -> tuple[NDArray[Any], BoolArray]:
    """Return ids, as integers where all are whole numbers in their shortest form, else as strings."""
    if as_integers and isinstance(cells.dtype, np.dtype) and cells.dtype.kind == "i":
        return cells.to_numpy(dtype=np.int64), np.ones(len(cells), dtype=np.bool_)
    texts = [_text(value) for value in cells.tolist()]
    fine = np.array([0 < len(text) <= LONGEST_ID and "\0" not in text for text in texts], dtype=np.bool_)
    if as_integers and all(_WHOLE.fullmatch(text) for text in texts):
        return np.array([int(text) for text in texts], dtype=np.int64), fine
    return np.array(texts, dtype=object), fine


def _read_tags(cells: pd.Series[Any]) -> tuple[NDArray[Any], BoolArray]:
    """Return each cell's tags, sorted, with ``;`` between them, and where the cell is fine."""
    words = [[word.strip() for word in _text(value).split(";") if word.strip()] for value in cells.tolist()]
    fine = np.array([all(_TAG.fullmatch(word) for word in cell) for cell in words], dtype=np.bool_)
    return np.array([";".join(sorted(set(cell))) for cell in words], dtype=object), fine


def tag_bits(cells: NDArray[Any]) -> tuple[Uint64Array, tuple[str, ...]]:
    """Return tags as bits, and the name of each bit.

    Parameters
    ----------
    cells
        One text a person, its tags with ``;`` between them.
    """
    codes, uniques = pd.factorize(cells)
    names = tuple(sorted({word for cell in uniques for word in cell.split(";") if word}))
    if len(names) > MOST_TAGS:
        message = f"holds {len(names)} different tags; at most {MOST_TAGS} are possible. Drop some."
        raise InputError("the persons table", [Problem("column tags", message)])
    bits = [sum(1 << names.index(word) for word in cell.split(";") if word) for cell in uniques]
    return np.array(bits, dtype=np.uint64)[codes], names


def tag_words(tags: Uint64Array, names: Sequence[str]) -> NDArray[Any]:
    """Return each person's tags as a text, the inverse of ``tag_bits``."""
    found, codes = np.unique(tags, return_inverse=True)
    words = [";".join(name for k, name in enumerate(names) if (int(bits) >> k) & 1) for bits in found]
    texts: NDArray[Any] = np.array(words, dtype=object)[codes]
    return texts


def _groups(ids: NDArray[Any]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return each row's group among equal ids, and the groups' first rows."""
    codes, _ = pd.factorize(ids)
    first = np.full(int(codes.max()) + 1, codes.size, dtype=np.intp)
    np.minimum.at(first, codes, np.arange(codes.size))
    return codes, first


def _text(value: Any) -> str:
    """Return a cell as text: stripped, whole floats without a point, nothing for a missing value."""
    if value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def _code(column: Column, value: Any) -> int:
    """Return the number a cell stands for, or -1."""
    text = _text(value)
    if column.words is not None:
        return column.words.get(text.lower(), -1)
    age = int(float(text)) if _AGE.fullmatch(text) else -1
    return age if age <= 120 else -1


def _yuan(value: Any) -> float:
    """Return a cell's yuan, or not-a-number where it is none."""
    if isinstance(value, bool) or (isinstance(value, str) and "_" in value):
        return math.nan
    try:
        number = float(value)
    except (TypeError, ValueError):
        return math.nan
    return number if 0 <= number <= MOST_YUAN else math.nan


def _shown(value: Any) -> str:
    text = _text(value)
    return repr(text if len(text) <= 40 else text[:37] + "...")


def _cure(column: Column, value: Any) -> str:
    if column.name in _LISTS:
        near = difflib.get_close_matches(_text(value), list(column.words or ()), n=1)
        return f"Did you mean {near[0]!r}?" if near else f"Use one of {', '.join(_LISTS[column.name])}."
    return "Correct the cell."
