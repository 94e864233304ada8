"""Worked families settled by the engine, explained as any household, and set against hand arithmetic.

Nothing of the settlement is here: a family's events become perils that strike with certainty, so the engine,
its tests and its page of explanation are those of every run. Only the day of an event cannot be given to the
engine, because it is drawn; a simulated year is chosen in which the days fall in the order of the file, and the
last one that a programme reads on its day where a detection design counts from it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pandas as pd

from fangpinbao.aggregate import days_of, year_events
from fangpinbao.engine import Engine
from fangpinbao.errors import FangpinbaoError, InputError, Problem
from fangpinbao.explain import Event, Explanation, _Page
from fangpinbao.household_year import HouseholdYear
from fangpinbao.population import Population
from fangpinbao.reasons import money
from fangpinbao.scenario import Scenario
from fangpinbao.scenario.family import Expected, Family
from fangpinbao.scenario.vocabulary import ACCOUNTS

__all__ = ["Difference", "SettledFamily"]

_FEN = 100
_PATHS = 20_000


@dataclass(frozen=True)
class Difference:
    """A figure of a family that hand arithmetic and the engine do not share."""

    programme: str
    household: str
    what: str
    expected: str
    settled: str

    def __str__(self) -> str:
        return f"{self.programme}, household {self.household}, {self.what}: {self.settled}, by hand {self.expected}"


class SettledFamily:
    """A family under its terms.

    Parameters
    ----------
    family
        A loaded family file.

    Raises
    ------
    FangpinbaoError
        If no simulated year has the events in the order of the file.
    """

    def __init__(self, family: Family) -> None:
        self.family = family
        self.engine = Engine(family.scenario, _population(family), seed=0)
        self.event_of = {name: e for e, names in enumerate(family.perils_of) for name in names}
        self.path = self._path()

    @property
    def programmes(self) -> list[str]:
        """Programmes of the terms; ``none`` first."""
        return list(self.engine.compiled.tree.programmes)

    def explain(self, programme: str, household: str | None = None, lang: str = "en") -> Explanation:
        """Explain what the household (absent: the first) was paid, on the page that every household gets.

        Raises
        ------
        InputError
            If there is no such programme or household.
        """
        if programme not in self.programmes:
            message = f"= {programme!r} is not one of {', '.join(self.programmes)}."
            raise InputError("the request", [Problem("programme", message)])
        ids = self.engine.population.household_id.astype("U").tolist()
        wanted = self.family.tables.households[0].id if household is None else household
        if wanted not in ids:
            message = f"= {wanted!r} is not one of {', '.join(sorted(ids))}."
            raise InputError("the request", [Problem("household", message)])
        year = HouseholdYear(self.engine, self.path, ids.index(wanted), self.programmes.index(programme))
        return _FamilyPage(year, lang, self).explanation()

    def differences(self) -> list[Difference]:
        """Every expected payment, cost borne, resource, class or word that the engine does not reproduce."""
        return [difference for expected in self.family.tables.expected for difference in self._of(expected)]

    def _of(self, expected: Expected) -> Iterator[Difference]:
        household = expected.household or self.family.tables.households[0].id
        page = self.explain(expected.programme, household)

        def differ(what: str, by_hand: str, settled: str) -> Iterator[Difference]:
            if by_hand != settled:
                yield Difference(expected.programme, household, what, by_hand, settled)

        paid = {(payment.step.split(".")[-1], payment.person): payment.paid_fen for payment in page.payments}
        by_hand = {(one.step, one.person): round(one.pays * _FEN) for one in expected.payments}
        for step, person in dict.fromkeys((*by_hand, *paid)):
            mine, its = by_hand.get((step, person), 0), paid.get((step, person), 0)
            yield from differ(f"{step} to {person or 'the household'}", money(mine), money(its))
        yield from differ("borne", money(round(expected.borne * _FEN)), money(self.borne(page)))
        for what, yuan, fen in (
            ("resources without", expected.without, page.without_fen),
            ("resources insured", expected.insured, page.insured_fen),
        ):
            if yuan is not None:
                yield from differ(what, money(round(yuan * _FEN)), money(fen))
        for line, outcome in expected.classes.items():
            yield from differ(f"class at the {line} line", outcome, page.classes.get(line, "no line"))
        for words in expected.says:
            for lang, text in (("en", words.en), ("zh", words.zh)):
                shown = page if lang == "en" else self.explain(expected.programme, household, lang)
                if text not in str(shown):
                    yield Difference(
                        expected.programme, household, f"words ({lang})", text, "not on the page"
                    )

    def borne(self, page: Explanation) -> int:
        """What the household bears of its money costs on a page, fen; fixed sums and relief do not lower it.

        Nor does the own share that a step sets aside.
        """
        own = {name: table.kind for name, table in self.family.scenario.accounts.items()}
        kind = {name: account.kind for name, account in ACCOUNTS.items()} | own
        cost = sum(event.amount_fen for event in page.events if kind[event.account] != "points")
        nodes = {node.name: node for node in self.engine.compiled.tree.nodes}
        costs = [one for one in page.payments if not one.is_relief and not nodes[one.step].is_points]
        return cost - sum(one.paid_fen for one in costs if nodes[one.step].payer_kind != "household")

    # --- the year in which the days fall as told -----------------------------------------------------------

    def _path(self) -> int:
        told, waits = self._told_days(), _waiting_days(self.family.scenario)
        counted = self._counted()
        if len(set(told.values())) < 2 and not waits and not counted:
            return 0
        for path in range(_PATHS):
            drawn: dict[str, int] = {}
            for events in year_events(self.engine, 0, self.engine.years(path, path + 1)):
                names = [self.engine.hazard.names[q] for q in events["peril"].tolist()]
                drawn.update(zip(names, (days_of(events["word"]) + 1).tolist(), strict=True))
            if _same_order(told, drawn, waits) and all(
                max(drawn[name] for name in names) == max(told[name] for name in names) for names in counted
            ):
                return path
        raise FangpinbaoError(
            f"{self.family.name}: no simulated year of {_PATHS} has the events in the order of their days."
        )

    def _counted(self) -> list[list[str]]:
        """Events from the last of which days to payment are counted, by detection design."""
        compiled, events = self.engine.compiled, self.family.tables.events
        account = {name: compiled.accounts.index(events[e].account) for name, e in self.event_of.items()}
        by_case = [[name for name in account if reads[account[name]]] for reads in compiled.stacks.case_reads]
        return [names for names in by_case if names]

    def _told_days(self) -> dict[str, int]:
        days = [event.day for event in self.family.tables.events]
        return {name: days[e] for name, e in self.event_of.items()}


class _FamilyPage(_Page):
    """The page of a family, with the days as told."""

    def __init__(self, year: HouseholdYear, lang: str, settled: SettledFamily) -> None:
        super().__init__(year, lang)
        self.settled = settled

    def _events(self) -> Iterator[Event]:
        told = self.settled._told_days()
        yield from sorted(
            (replace(event, day=told[event.peril]) for event in super()._events()),
            key=lambda event: event.day or 0,
        )

    def _head(self, programme: str, household: str) -> Iterator[str]:
        yield self.settled.family.tables.sentence.in_language(self.lang)
        _, *rest = super()._head(programme, household)
        yield self.say(f"Household {household} under {programme}", f"住户 {household}，方案 {programme}")
        yield from rest


def _waiting_days(scenario: Scenario) -> list[int]:
    steps = [step for programme in scenario.programmes.values() for step in programme.coverages.values()]
    return sorted({step.waiting_days for step in (*steps, *scenario.layers.values()) if step.waiting_days})


def _same_order(told: dict[str, int], drawn: dict[str, int], waits: list[int]) -> bool:
    """Whether drawn days have the strict order of those told, and lie on the same side of each waiting time."""
    names = sorted(told, key=lambda name: told[name])
    for wait in waits:  # day 1 is the first: the first ``wait`` days do not count
        if any((told[name] <= wait) != (drawn[name] <= wait) for name in names):
            return False
    return all(
        drawn[before] < drawn[after] for before in names for after in names if told[before] < told[after]
    )


def _population(family: Family) -> Population:
    rows = [
        {
            "person_id": person.id,
            "household_id": household.id,
            "township": household.id,
            "class": household.class_,
            "age": person.age,
            "sex": person.sex,
            "schooling": person.schooling,
            "enrolled": person.enrolled,
            "lifted_out": household.lifted_out,
            "dibao": household.dibao,
            "tekun": household.tekun,
            "income_per_head": household.income_per_head,
            "consumption_per_head": household.income_per_head,
        }
        for household in family.tables.households
        for person in household.persons
    ]
    return Population.from_frame(pd.DataFrame(rows), subject=family.name)
