"""The people of a run: read-only columns of persons, households and townships with stable keys.

A key depends on the id alone, never on a position, so a re-sorted table gives the same ``Population`` and a
longer one leaves the keys of those who stay as they were.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from fangpinbao._typing import BoolArray, Float64Array, Int32Array, Int64Array, Uint8Array, Uint64Array
from fangpinbao.core.streams import GOLDEN, mix_array
from fangpinbao.errors import InputError, Problem
from fangpinbao.scenario.terms import Filter
from fangpinbao.scenario.vocabulary import CLASSES, STAGES

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Population", "stable_keys"]

Unit = Literal["person", "household", "township"]
# One constant a unit, so that person 7 and household 7 do not share a key. Digits of pi after the point.
_SALTS: dict[Unit, int] = {
    "person": 0x243F6A8885A308D3,
    "household": 0x13198A2E03707344,
    "township": 0xA4093822299F31D0,
}
_NOT_OF_UNITS = ("township_names", "township_key", "tag_names")
_BLOCK = 1 << 14  # ids hashed at a time: what fits the processor's cache
_CLASS_CODES = {name: code for code, name in enumerate(CLASSES)}
_STAGE_CODES = {name: code for code, name in enumerate(STAGES)}


def stable_keys(ids: NDArray[Any] | Sequence[Any], unit: Unit) -> Uint64Array:
    """Return one 64-bit key for each id, a function of the id's text and the unit's kind only.

    The text's code points are packed in pairs into 64-bit words ``w`` (the first in the low half) and folded:
    ``h = mix64((h ^ w) + GOLDEN)``, starting at the unit's constant. Integers count as their decimal text.
    """
    array = np.asarray(ids)
    if array.dtype.kind not in "iu":
        array = np.array([str(value) for value in array.tolist()], dtype="U")
        width = array.dtype.itemsize // 4
    else:
        width = max(len(str(end)) for end in (array.min(), array.max())) if array.size else 1
    text_type = np.dtype(f"<U{max(width + width % 2, 2)}")
    keys = np.full(array.size, _SALTS[unit], dtype=np.uint64)
    for start in range(0, array.size, _BLOCK):
        text = np.ascontiguousarray(array[start : start + _BLOCK].astype(text_type))
        block = keys[start : start + _BLOCK]
        words = text.view("<u8").reshape(text.size, -1).astype(np.uint64)
        with np.errstate(over="ignore"):
            for word in words.T:  # a word of zeros is the padding of a shorter id
                block[:] = np.where(word != 0, mix_array((block ^ word) + GOLDEN), block)
    return keys


@dataclass(frozen=True, eq=False)
class Population:
    """Persons sorted by household, households by township; all arrays are read-only.

    Household order is by (township key, household key), person order within it by person key; members of
    household ``h`` are ``household_start[h] : household_start[h + 1]``. Money is yuan.
    """

    person_id: NDArray[Any]
    person_key: Uint64Array
    household_of: Int32Array
    age: NDArray[np.int16]
    female: BoolArray
    schooling: Uint8Array
    enrolled: BoolArray
    household_id: NDArray[Any]
    household_key: Uint64Array
    household_start: Int64Array
    household_class: Uint8Array
    township_of: Int32Array
    lifted_out: BoolArray
    dibao: BoolArray
    tekun: BoolArray
    income_per_head: Float64Array
    consumption_per_head: Float64Array
    assets: Float64Array | None
    township_names: tuple[str, ...]
    township_key: Uint64Array
    tag_names: tuple[str, ...] = ()
    tags: Uint64Array | None = None
    """Bit ``k`` of a person is set where the person bears ``tag_names[k]``; None where there are no tags."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, np.ndarray):
                value.setflags(write=False)

    @property
    def persons(self) -> int:
        """Number of persons."""
        return self.person_key.size

    @property
    def households(self) -> int:
        """Number of households."""
        return self.household_key.size

    @property
    def household_size(self) -> Int64Array:
        """Persons of each household."""
        return np.diff(self.household_start)

    def __repr__(self) -> str:
        counts = f"{self.persons} persons, {self.households} households, {len(self.township_names)} townships"
        return f"Population({counts})"

    def identical_to(self, other: Population) -> bool:
        """Return whether every column holds the same values, types and order."""
        for field in fields(self):
            mine, its = getattr(self, field.name), getattr(other, field.name)
            if isinstance(mine, np.ndarray) and isinstance(its, np.ndarray):
                if mine.dtype != its.dtype or not np.array_equal(mine, its):
                    return False
            elif type(mine) is not type(its) or mine != its:
                return False
        return True

    def select(self, where: Filter) -> BoolArray:
        """Return for each person whether all conditions hold; those on households hold for every member."""
        mask = self._households_fit(where)[self.household_of]
        members, barred = self._members_fit(where), self._bears(where.without_tags)
        mask = mask if members is None else mask & members
        return mask if barred is None else mask & ~barred

    def select_households(self, where: Filter) -> BoolArray:
        """Return for each household whether it fits.

        Conditions on persons (age, sex, schooling, enrolled, tags) hold where any one member meets all of
        them; ``without_tags`` holds where no member bears one.
        """
        mask = self._households_fit(where)
        members = self._members_fit(where)
        for condition, wanted in ((members, True), (self._bears(where.without_tags), False)):
            if condition is not None:
                mask &= np.logical_or.reduceat(condition, self.household_start[:-1]) == wanted
        return mask

    def _bears(self, names: Sequence[str] | None) -> BoolArray | None:
        """Return for each person whether it bears any of the tags; None where none is asked for."""
        if names is None:
            return None
        bits = np.uint64(sum(1 << self.tag_names.index(name) for name in names if name in self.tag_names))
        if self.tags is None:
            return np.zeros(self.persons, dtype=np.bool_)
        bears: BoolArray = (self.tags & bits) != 0
        return bears

    def _members_fit(self, where: Filter) -> BoolArray | None:
        conditions: list[BoolArray] = []
        if where.age_from is not None:
            conditions.append(self.age >= where.age_from)
        if where.age_to is not None:
            conditions.append(self.age <= where.age_to)
        if where.sex is not None:
            conditions.append(self.female == (where.sex == "female"))
        if where.schooling is not None:
            conditions.append(np.isin(self.schooling, [_STAGE_CODES[stage] for stage in where.schooling]))
        if where.enrolled is not None:
            conditions.append(self.enrolled == where.enrolled)
        bears = self._bears(where.tags)
        if bears is not None:
            conditions.append(bears)
        return np.logical_and.reduce(conditions) if conditions else None

    def _households_fit(self, where: Filter) -> BoolArray:
        mask = np.ones(self.households, dtype=np.bool_)
        if where.classes is not None:
            mask &= np.isin(self.household_class, [_CLASS_CODES[name] for name in where.classes])
        if where.townships is not None:
            mask &= np.isin(self.township_names, where.townships)[self.township_of]
        for name in ("lifted_out", "dibao", "tekun"):
            wanted = getattr(where, name)
            if wanted is not None:
                mask &= getattr(self, name) == wanted
        if where.income_per_head_below is not None:
            mask &= self.income_per_head < where.income_per_head_below
        if where.income_per_head_from is not None:
            mask &= self.income_per_head >= where.income_per_head_from
        return mask

    def by_class(self) -> Population:
        """Return the same people with households listed by class, and as before within a class."""
        order = np.argsort(self.household_class, kind="stable")
        if np.array_equal(order, np.arange(self.households)):
            return self
        new_home = _ranks(order)[self.household_of]
        persons = np.argsort(new_home, kind="stable")
        changed: dict[str, Any] = {
            "household_of": new_home[persons].astype(np.int32),
            "household_start": np.concatenate([[0], np.cumsum(self.household_size[order])]).astype(np.int64),
        }
        for name in ("person_id", "person_key", "age", "female", "schooling", "enrolled", "tags"):
            changed[name] = None if getattr(self, name) is None else getattr(self, name)[persons]
        for field in fields(self):
            values = getattr(self, field.name)
            is_of_household = field.name not in changed and field.name not in _NOT_OF_UNITS
            if is_of_household and values is not None:
                changed[field.name] = values[order]
        return replace(self, **changed)

    def to_frame(self) -> pd.DataFrame:
        """Return one row a person, household columns repeated; ``from_frame`` gives the population back."""
        import pandas as pd

        names = np.array(self.township_names, dtype=object)
        of = self.household_of
        columns: dict[str, NDArray[Any]] = {
            "person_id": self.person_id,
            "household_id": self.household_id[of],
            "township": names[self.township_of[of]],
            "class": np.array(CLASSES, dtype=object)[self.household_class[of]],
            "age": self.age,
            "sex": np.array(["male", "female"], dtype=object)[self.female.astype(np.uint8)],
            "schooling": np.array(STAGES, dtype=object)[self.schooling],
            "enrolled": self.enrolled,
        }
        for name in ("lifted_out", "dibao", "tekun", "income_per_head", "consumption_per_head"):
            columns[name] = getattr(self, name)[of]
        if self.assets is not None:
            columns["assets"] = self.assets[of]
        if self.tags is not None:
            from fangpinbao.roster_columns import tag_words

            columns["tags"] = tag_words(self.tags, self.tag_names)
        return pd.DataFrame(columns)

    @classmethod
    def from_frame(
        cls, persons: pd.DataFrame, *, rows: Int64Array | None = None, subject: str = "the persons table"
    ) -> Population:
        """Build a population from one row a person with household columns repeated (see ``roster_columns``).

        Parameters
        ----------
        persons
            The table, in any order of rows and columns. Ids that are all whole numbers become integers.
        rows
            Row number of each row as the reader of an error knows it; absent: counted from 1.
        subject
            What the errors call the table.

        Raises
        ------
        RosterError
            Naming every problem by row and column.
        """
        rows = np.arange(1, len(persons) + 1) if rows is None else rows
        from fangpinbao.roster_columns import read_columns, tag_bits

        columns, household_of, first = read_columns(persons, rows, subject)
        names, township_of = np.unique(columns["township"].astype("U"), return_inverse=True)
        tags, tag_names = tag_bits(columns["tags"]) if "tags" in columns else (None, ())
        return cls.from_columns(
            {
                "person_id": columns["person_id"],
                "age": columns["age"],
                "female": columns["sex"],
                "schooling": columns["schooling"],
                "enrolled": columns["enrolled"],
                **({} if tags is None else {"tags": tags}),
            },
            household_of=household_of,
            households={
                "household_id": columns["household_id"][first],
                "household_class": columns["class"][first],
                "township_of": township_of[first],
                **{name: columns[name][first] for name in ("lifted_out", "dibao", "tekun")},
                **{name: columns[name][first] for name in ("income_per_head", "consumption_per_head")},
                "assets": columns["assets"][first] if "assets" in columns else None,
            },
            township_names=[str(name) for name in names],
            tag_names=tag_names,
        )

    @classmethod
    def from_columns(
        cls,
        persons: Mapping[str, NDArray[Any]],
        *,
        household_of: NDArray[Any],
        households: Mapping[str, NDArray[Any] | None],
        township_names: Sequence[str],
        tag_names: Sequence[str] = (),
    ) -> Population:
        """Sort checked columns, in any order but consistent, into a population.

        ``household_of`` indexes ``households``, whose ``township_of`` indexes ``township_names``; bit ``k`` of
        the optional ``persons["tags"]`` is ``tag_names[k]``; keys are made here. ``InputError`` where two ids
        are the same or share a key.
        """
        keys = {
            "person": stable_keys(persons["person_id"], "person"),
            "household": stable_keys(_given(households, "household_id"), "household"),
            "township": stable_keys(township_names, "township"),
        }
        for unit, unit_keys in keys.items():
            in_order = np.sort(unit_keys)
            if np.any(in_order[1:] == in_order[:-1]):
                raise InputError("the population", [Problem("", f"Two {unit} ids are the same. Rename one.")])
        town_order = np.argsort(keys["township"])
        town_of = _ranks(town_order)[_given(households, "township_of")]
        order = np.lexsort((keys["household"], town_of))
        new_household_of = _ranks(order)[household_of]
        person_order = np.lexsort((keys["person"], new_household_of))
        sizes = np.bincount(new_household_of, minlength=order.size)
        assets = households["assets"]

        def of_person(name: str, dtype: Any) -> Any:
            return persons[name][person_order].astype(dtype)

        def of_household(name: str, dtype: Any) -> Any:
            return _given(households, name)[order].astype(dtype)

        return cls(
            person_id=persons["person_id"][person_order],
            person_key=keys["person"][person_order],
            household_of=new_household_of[person_order].astype(np.int32),
            age=of_person("age", np.int16),
            female=of_person("female", np.bool_),
            schooling=of_person("schooling", np.uint8),
            enrolled=of_person("enrolled", np.bool_),
            household_id=_given(households, "household_id")[order],
            household_key=keys["household"][order],
            household_start=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
            household_class=of_household("household_class", np.uint8),
            township_of=town_of[order].astype(np.int32),
            lifted_out=of_household("lifted_out", np.bool_),
            dibao=of_household("dibao", np.bool_),
            tekun=of_household("tekun", np.bool_),
            income_per_head=of_household("income_per_head", np.float64),
            consumption_per_head=of_household("consumption_per_head", np.float64),
            assets=None if assets is None else assets[order].astype(np.float64),
            township_names=tuple(township_names[index] for index in town_order),
            township_key=keys["township"][town_order],
            tag_names=tuple(tag_names),
            tags=of_person("tags", np.uint64) if tag_names else None,
        )


def _given(columns: Mapping[str, NDArray[Any] | None], name: str) -> NDArray[Any]:
    values = columns[name]
    assert values is not None, name
    return values


def _ranks(order: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the new position of each old one, for an order that lists old positions."""
    ranks = np.empty_like(order)
    ranks[order] = np.arange(order.size)
    return ranks
