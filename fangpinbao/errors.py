"""Errors a user can act on: each problem names the place, the value, the rule and the cure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral

__all__ = [
    "MOST_SEED",
    "MOST_YEARS",
    "FangpinbaoError",
    "InputError",
    "MissingExtraError",
    "Problem",
    "check_request",
]


class FangpinbaoError(Exception):
    """Base of every error this package raises on purpose."""


@dataclass(frozen=True, order=True)
class Problem:
    """One fault of the input.

    Attributes
    ----------
    place
        Where it stands: a dotted path of the scenario, or row and column of a roster.
    message
        The value, the rule it breaks and the cure, in one or two sentences.
    """

    place: str
    message: str

    def __str__(self) -> str:
        return f"{self.place} {self.message}" if self.place else self.message


class InputError(FangpinbaoError, ValueError):
    """A refused input; carries every problem found, not only the first."""

    def __init__(self, subject: str, problems: Sequence[Problem]) -> None:
        self.subject = subject
        self.problems = tuple(problems)
        super().__init__(str(self))

    def __str__(self) -> str:
        count = len(self.problems)
        head = f"{self.subject} has {count} problem{'' if count == 1 else 's'}"
        lines = [f"{number:>2}. {problem}" for number, problem in enumerate(self.problems, start=1)]
        return "\n".join([head, *lines])


class MissingExtraError(FangpinbaoError, ImportError):
    """A feature needs an optional dependency that is not installed."""

    def __init__(self, feature: str, extra: str) -> None:
        super().__init__(f"{feature} needs more packages: pip install 'fangpinbao[{extra}]'")


MOST_SEED = 2**63 - 1
"""Keys are made of 64 bits."""
MOST_YEARS = 10_000_000
"""Years of a run: their sums are held in memory."""


def check_request(*, seed: object, **counts: object) -> None:
    """Refuse a seed or a count (years, threads ...) that is no whole number in its range; None is the default.

    Raises
    ------
    InputError
        Naming every wrong one: counts are at least 1, years at most `MOST_YEARS`, a seed is from 0 to `MOST_SEED`.
    """
    problems = []
    for name, value in {**counts, "seed": seed}.items():
        least, most = int(name != "seed"), MOST_YEARS if name == "years" else MOST_SEED
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, Integral):
            problems.append(Problem(name, f"= {value!r} is not a whole number. Write one without a point."))
        elif int(value) < least:
            problems.append(Problem(name, f"= {value} must be at least {least}. Raise it."))
        elif int(value) > most:
            problems.append(Problem(name, f"= {value} must be at most {most}. Lower it."))
    if problems:
        raise InputError("the request", problems)
