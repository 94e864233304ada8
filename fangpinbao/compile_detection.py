"""Turns detection designs into tables: who is on a list, the channels, chances and days of each case.

A case is a programme that names a detection design. A household's case is one: its costs are found, checked and
paid together, whatever coverages pay for them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from fangpinbao._typing import BoolArray, Float64Array, Uint8Array
from fangpinbao.before_year import BeforeYear
from fangpinbao.columns import FUNNEL_COLUMNS
from fangpinbao.core import layout as at
from fangpinbao.core.streams import decision_key, uniforms_for
from fangpinbao.population import Population
from fangpinbao.scenario import Scenario
from fangpinbao.scenario.laws import AmountLaw
from fangpinbao.scenario.risk import Detection

__all__ = ["Cases", "listed"]

_FEN = 100


@dataclass(frozen=True)
class Cases:
    """Programmes whose families must be found.

    Attributes
    ----------
    programmes
        Their names, in the order of the scenario; a case is a position here.
    designs
        Design of each.
    channels
        Names of all their channels: designs that share a name share its draws.
    """

    programmes: tuple[str, ...]
    designs: tuple[Detection, ...]
    channels: tuple[str, ...]

    @classmethod
    def of(cls, scenario: Scenario) -> Cases:
        """List the programmes that name a design."""
        found = {
            name: scenario.detection[programme.detection]
            for name, programme in scenario.programmes.items()
            if programme.detection is not None
        }
        channels = dict.fromkeys(name for design in found.values() for name in design.channels)
        return cls(tuple(found), tuple(found.values()), tuple(channels))

    @property
    def shape(self) -> tuple[int, int]:
        """Cases and columns of their funnel."""
        return (len(self.programmes), len(self.columns))

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the funnel; none where there is no case."""
        if not self.programmes:
            return ()
        return (*FUNNEL_COLUMNS, *(f"funnel_found_by_{name}" for name in self.channels))

    @property
    def decisions(self) -> tuple[str, ...]:
        """Names of the draws, in the order of ``detection_key``; see ``fangpinbao.core.layout``."""
        if not self.programmes:
            return ()
        own = ("verification", "verification/days", "refusal", "payment/days")
        of_channels = [f"channel/{name}{of}" for name in self.channels for of in ("", "/delay")]
        return tuple(f"detection/{name}" for name in (*own, *of_channels))

    def index(self, programme: str) -> int:
        """Case of a programme, -1 where its families need not be found."""
        return self.programmes.index(programme) if programme in self.programmes else -1

    def reads(self, scenario: Scenario, accounts: Sequence[str]) -> Uint8Array:
        """Return [cases, accounts]: 1 where some coverage of the programme reads the account."""
        table = np.zeros((len(self.programmes), len(accounts)), dtype=np.uint8)
        for row, name in zip(table, self.programmes, strict=True):
            for step in scenario.programmes[name].coverages.values():
                row[[accounts.index(one) for one in step.accounts if one in accounts]] = 1
        return table

    def tables(
        self, scenario: Scenario, table_of: Callable[[AmountLaw], int]
    ) -> tuple[Float64Array, Float64Array]:
        """Return the tables ``case`` and ``channel``; ``table_of`` gives the quantile table of a law."""
        case = np.zeros((len(self.programmes), at.CASE_WIDTH))
        channels: list[tuple[float, float, float]] = []
        programmes = ["none", *scenario.programmes]
        for row, name, design in zip(case, self.programmes, self.designs, strict=True):
            row[at.CASE_PROGRAMME], row[at.CASE_CHANNELS] = programmes.index(name), len(channels)
            for channel, terms in design.channels.items():
                draw = at.DRAW_CHANNELS + 2 * self.channels.index(channel)
                channels.append((terms.chance, table_of(terms.delay_days), draw))
            check = design.verification
            row[at.CASE_CHANNELS_END] = len(channels)
            row[at.CASE_THRESHOLD] = round(design.threshold * _FEN)
            times = design.threshold_times_income
            row[at.CASE_TIMES_INCOME] = -1.0 if times is None else times
            row[at.CASE_PASSES], row[at.CASE_WRONGLY_PASSES] = check.passes, check.wrongly_passes
            row[at.CASE_REFUSED] = design.refused
            row[at.CASE_CHECK_DAYS] = table_of(check.days)
            row[at.CASE_PAYMENT_DAYS] = table_of(design.payment_days)
        return case, np.array(channels, dtype=np.float64).reshape(-1, at.CHANNEL_WIDTH)

    def standing(
        self, scenario: Scenario, population: Population, tests: Sequence[float | None]
    ) -> Uint8Array:
        """Return [cases + gates, households]: on the list; registered income below each gate's test.

        ``tests`` are the gates' tests of moment ``before_year``, yuan a head, None without.
        """
        if not self.programmes:
            return np.zeros((0, 0), dtype=np.uint8)
        before = BeforeYear.of(scenario, population)
        rows = [listed(design, scenario, before) for design in self.designs]
        everybody = np.ones(population.households, dtype=np.bool_)
        rows += [everybody if test is None else population.income_per_head < test for test in tests]
        return np.array(rows, dtype=np.uint8)


def listed(design: Detection, scenario: Scenario, before: BeforeYear) -> BoolArray:
    """Return who is on the list [households]: everybody, where the design has none."""
    named, people = design.named_list, before.population
    if named is None:
        return np.ones(people.households, dtype=np.bool_)
    belongs = people.select_households(named.where)
    if named.rules is not None:
        by_rules = np.zeros(people.households, dtype=np.bool_)
        for group in scenario.risk.rules[named.rules].groups.values():
            if not group.needs_the_year():
                by_rules |= before.fits_all(group)
        belongs = belongs & by_rules
    uniform = uniforms_for(decision_key(scenario.population.seed, "detection/list"), people.household_key)
    on_it: BoolArray = np.where(belongs, uniform >= named.missed, uniform < named.wrong)
    return on_it
