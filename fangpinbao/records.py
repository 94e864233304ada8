"""Figures: one record for each number of the results, and a sequence of them that can be searched."""

from __future__ import annotations

import difflib
import html
import math
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, Literal, overload

from fangpinbao.estimators import Estimate, Method
from fangpinbao.measures import MEASURES, statistic_label
from fangpinbao.rounding import format_estimate
from fangpinbao.scenario.vocabulary import ACCOUNTS, CLASS_LABELS

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Figure", "Figures", "Gathering", "group_label", "label", "line_label"]

Lang = Literal["en", "zh"]
_MOST_ROWS = 200
_LINE_LABELS = {"poverty": ("poverty line", "贫困线"), "monitoring": ("monitoring line", "监测线")}
_GROUP_LABELS = {
    **CLASS_LABELS,
    **{name: (account.en, account.zh) for name, account in ACCOUNTS.items()},
    "certain": ("certain cost", "确定性支出"),
    "illness": ("illness", "疾病"),
    "accident": ("accident", "意外"),
    "disaster": ("disaster", "灾害"),
    "schooling_certain": ("certain schooling cost", "就学（确定性支出）"),
    "schooling_extra": ("extra schooling cost", "就学（额外支出）"),
    "income": ("lost income", "收入减少"),
    "other": ("other", "其他"),
}


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of the results with what it is about; fields that do not apply are None.

    Attributes
    ----------
    programme
        Name, ``none``, or ``a - b`` for a difference.
    coverage
        Name of the coverage or public layer.
    group
        Household class, account, cause or payer.
    line
        ``poverty`` or ``monitoring``.
    measure, statistic
        Names of ``fangpinbao.measures``.
    standard_error
        Of the value; None only where the method is not ``simulated``.
    lower, upper
        95% interval.
    years
        Simulated years behind it.
    method
        ``simulated``, ``exact`` or ``input``.
    label
        English label; ``label(figure, "zh")`` gives the Chinese one.
    """

    programme: str | None
    coverage: str | None
    group: str | None
    line: str | None
    measure: str
    statistic: str
    value: float
    standard_error: float | None
    lower: float | None
    upper: float | None
    unit: str
    years: int | None
    method: Method
    label: str

    def __post_init__(self) -> None:
        numbers = (self.value, self.standard_error, self.lower, self.upper)
        if any(number is not None and not math.isfinite(number) for number in numbers):
            raise ValueError(f"{self.measure} {self.statistic} holds a number that is not finite: {numbers}.")
        if self.standard_error is None and self.method == "simulated":
            raise ValueError(f"{self.measure} {self.statistic} is simulated and must have a standard error.")

    @property
    def key(self) -> tuple[str | None, ...]:
        """What makes a figure unique within results."""
        return (self.programme, self.coverage, self.group, self.line, self.measure, self.statistic)

    @property
    def is_share_of_no_year(self) -> bool:
        """Whether this is a share of years of which none had the event."""
        return self.statistic == "share" and self.method == "simulated" and self.value == 0.0

    @property
    def note(self) -> str:
        """What a reader must know; empty where nothing."""
        if not self.is_share_of_no_year or self.upper is None or not self.years:
            return ""
        is_plain = math.isclose(self.upper, min(1.0, 3.0 / self.years))
        bound = f"3/{self.years}" if is_plain else f"{self.upper:.2g}"
        return f"in 0 of {self.years} years; the chance of such a year is at most {bound}"

    def to_dict(self) -> dict[str, Any]:
        """Return the record as results.json holds it."""
        return asdict(self)

    def __str__(self) -> str:
        return format_estimate(_as_estimate(self))


def _as_estimate(figure: Figure) -> Estimate:
    return Estimate(
        figure.value, figure.standard_error, figure.lower, figure.upper, figure.unit, figure.years or 0,
        figure.method, figure.note,
    )  # fmt: skip


def label(figure: Figure, lang: Lang = "en") -> str:
    """Return the label of a figure: its measure, and its statistic unless it is the mean."""
    text = MEASURES[figure.measure].label(lang)
    if figure.statistic in ("mean", "value", "variance", "ratio", "share"):
        return text
    comma = "，" if lang == "zh" else ", "
    return text + comma + statistic_label(figure.statistic, lang, figure.measure)


def group_label(group: str, lang: Lang = "en") -> str:
    """Return the label of a household class, account or cause; a name without one stands for itself."""
    return _GROUP_LABELS.get(group, (group, group))[1 if lang == "zh" else 0]


def line_label(line: str, lang: Lang = "en") -> str:
    """Return the label of a line."""
    return _LINE_LABELS[line][1 if lang == "zh" else 0]


class Figures(Sequence[Figure]):
    """Figures in order, each with another key; ``notes`` say what was left out and why."""

    def __init__(self, figures: Iterable[Figure] = (), notes: Iterable[str] = ()) -> None:
        unique: dict[tuple[str | None, ...], Figure] = {}
        for figure in figures:
            unique.setdefault(figure.key, figure)
        self._figures = tuple(unique.values())
        self.notes = tuple(dict.fromkeys(notes))

    def __len__(self) -> int:
        return len(self._figures)

    @overload
    def __getitem__(self, index: int) -> Figure: ...

    @overload
    def __getitem__(self, index: slice) -> Figures: ...

    def __getitem__(self, index: int | slice) -> Figure | Figures:
        if isinstance(index, slice):
            return Figures(self._figures[index], self.notes)
        return self._figures[index]

    def __iter__(self) -> Iterator[Figure]:
        return iter(self._figures)

    def __add__(self, other: Figures) -> Figures:
        return Figures((*self, *other), (*self.notes, *other.notes))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Figures) and self._figures == other._figures and self.notes == other.notes

    __hash__ = None  # type: ignore[assignment]

    def select(self, **criteria: str | Collection[str | None] | None) -> Figures:
        """Return the figures whose fields equal the given values, or lie among a collection of them.

        ``group=None`` means figures of no group; a field that is not named may hold anything.
        """
        tests = [(name, _among(value)) for name, value in _known(criteria).items()]
        return Figures(
            (figure for figure in self if all(test(getattr(figure, name)) for name, test in tests)),
            self.notes,
        )

    def one(
        self,
        measure: str,
        programme: str | None = None,
        statistic: str | None = None,
        *,
        coverage: str | None = None,
        group: str | None = None,
        line: str | None = None,
    ) -> Figure:
        """Return the one figure asked for; without a statistic the mean, or the only one there is.

        Raises
        ------
        KeyError
            If there is none or more than one.
        """
        found = list(self.select(measure=measure, coverage=coverage, group=group, line=line))
        if programme is not None:
            found = [figure for figure in found if figure.programme == programme]
        if statistic is not None:
            found = [figure for figure in found if figure.statistic == statistic]
        elif len(found) > 1:
            found = [figure for figure in found if figure.statistic == "mean"] or found
        asked = {
            "measure": measure, "programme": programme, "statistic": statistic,
            "coverage": coverage, "group": group, "line": line,
        }  # fmt: skip
        text = ", ".join(f"{name}={value!r}" for name, value in asked.items() if value is not None)
        if len(found) == 1:
            return found[0]
        if found:
            raise KeyError(f"{len(found)} figures fit {text}; name more of programme, statistic, line")
        raise KeyError(f"no figure fits {text}.{self._hint(measure)}")

    def _hint(self, measure: str) -> str:
        names = list(dict.fromkeys(figure.measure for figure in self))
        if measure not in names:
            near = difflib.get_close_matches(measure, names, n=1)
            return f" Did you mean {near[0]!r}?" if near else ""
        mine = [figure for figure in self if figure.measure == measure]
        columns = {"programme", "statistic", "coverage", "group", "line"}
        found = {
            name: list(dict.fromkeys(getattr(figure, name) for figure in mine)) for name in sorted(columns)
        }
        return " There are " + "; ".join(f"{name} in {values}" for name, values in found.items())

    def to_records(self) -> list[dict[str, Any]]:
        """Return dictionaries as results.json holds them."""
        return [figure.to_dict() for figure in self]

    def to_frame(self) -> pd.DataFrame:
        """Return a table with one row a figure and the fields as columns."""
        import pandas as pd

        return pd.DataFrame(self.to_records(), columns=[field.name for field in fields(Figure)])

    def __repr__(self) -> str:
        notes = f", {len(self.notes)} left out" if self.notes else ""
        return f"Figures({len(self)}{notes})"

    def _repr_html_(self) -> str:
        shown = self._figures[:_MOST_ROWS]
        places = [
            name for name in ("programme", "coverage", "group", "line")
            if any(getattr(figure, name) is not None for figure in shown)
        ]  # fmt: skip
        cells = [
            [*(getattr(figure, name) or "" for name in places), figure.label, str(figure)] for figure in shown
        ]
        head = "".join(f"<th>{name}</th>" for name in (*places, "measure", "figure ± standard error"))
        rows = [
            "<tr>"
            + "".join(f"<td style='text-align:left'>{html.escape(cell)}</td>" for cell in row)
            + "</tr>"
            for row in cells
        ]
        more = len(self) - len(shown)
        below = [f"and {more} more"] * (more > 0) + [f"left out: {note}" for note in self.notes]
        foot = "".join(f"<div><small>{html.escape(line)}</small></div>" for line in below)
        return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>{foot}"


def _known(criteria: dict[str, Any]) -> dict[str, Any]:
    names = [field.name for field in fields(Figure)]
    for name in criteria:
        if name not in names:
            near = difflib.get_close_matches(name, names, n=1)
            raise TypeError(f"a figure has no {name!r}." + (f" Did you mean {near[0]!r}?" if near else ""))
    return criteria


def _among(wanted: Any) -> Callable[[Any], bool]:
    if isinstance(wanted, Collection) and not isinstance(wanted, str):
        values = list(wanted)
        return lambda value: value in values
    return lambda value: bool(value == wanted)


class Gathering:
    """Collects figures; one whose value or error cannot be formed is left out with a note."""

    def __init__(self) -> None:
        self._figures: list[Figure] = []
        self._notes: list[str] = []

    def add(
        self,
        measure: str,
        statistic: str,
        estimate: Estimate,
        programme: str | None,
        *,
        coverage: str | None = None,
        group: str | None = None,
        line: str | None = None,
    ) -> None:
        """Add an estimate as a figure, in the unit of its measure (variances and shares of them aside)."""
        names = [name for name in (programme, coverage, group, line and f"{line} line") if name]
        declared = MEASURES[measure].unit
        unit = "share" if statistic == "share_of_variance" else declared
        value, error = estimate.value, estimate.standard_error
        if value is None or (error is None and estimate.method == "simulated"):
            reason = estimate.note or "its error cannot be formed"
            self.note(
                f"{' / '.join(names)}: {measure}, {statistic_label(statistic, measure=measure)}: {reason}"
            )
            return
        if estimate.unit != unit:
            raise ValueError(f"{measure} is in {unit}, not in {estimate.unit}.")
        figure = Figure(
            programme, coverage, group, line, measure, statistic, float(value), error, estimate.lower,
            estimate.upper, unit, estimate.years or None, estimate.method, "",
        )  # fmt: skip
        object.__setattr__(figure, "label", label(figure))
        self._figures.append(figure)

    def known(self, measure: str, value: float, programme: str, *, group: str | None = None) -> None:
        """Add an input."""
        estimate = Estimate.known(value, MEASURES[measure].unit, "input")
        self.add(measure, "value", estimate, programme, group=group)

    def note(self, text: str) -> None:
        """Say what is left out and why."""
        self._notes.append(text)

    def figures(self) -> Figures:
        """Return what was gathered."""
        return Figures(self._figures, self._notes)
