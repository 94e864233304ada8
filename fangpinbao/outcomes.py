"""What a run leaves behind: integer sums by year and by group, as data frames, with provenance."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from fangpinbao._typing import Float64Array, Int64Array
from fangpinbao.columns import (
    FIRST_LINE_COLUMN,
    LINE_COLUMNS,
    N_COLUMNS,
    N_LINE_COLUMNS,
    OWN_PREMIUM,
    PAYOUT,
    YEAR_COLUMNS,
    column,
    line_column,
)
from fangpinbao.compile import Compiled
from fangpinbao.core.structures import Base, Block, Outputs
from fangpinbao.estimators import Years
from fangpinbao.scenario.vocabulary import LINES

if TYPE_CHECKING:
    import pandas as pd

    from fangpinbao.scenario import Scenario

__all__ = ["BATCHES", "Outcomes", "Sums"]

BATCHES = 200
_RELIEF_KINDS = {"paid": "relief", "late": "relief paid late", "repaid": "loan paid back"}


@dataclass
class Sums:
    """Integer sums of a run; addition of blocks commutes, so no order can matter.

    Attributes
    ----------
    columns
        [programme, year, column]; see ``fangpinbao.columns``.
    batch_columns
        [batch, programme, group, column] over 200 fixed batches of years.
    step_paid, step_claims
        [year, step]; ``batch_step`` is [batch, step, group, (paid, claims)].
    ground_up
        [year, account]; ``batch_ground_up`` is [batch, account, group].
    batch_credit
        [batch, step, account]: coverage payments by the account they are credited to.
    funnel
        [year, case, column]; cases are the programmes with a detection design, see ``Compiled.cases``;
        ``batch_funnel`` is [batch, case, group, column].
    """

    years: int
    batch_of_year: Int64Array
    columns: Int64Array
    batch_columns: Int64Array
    step_paid: Int64Array
    step_claims: Int64Array
    batch_step: Int64Array
    ground_up: Int64Array
    batch_ground_up: Int64Array
    batch_credit: Int64Array
    events: Int64Array
    funnel: Int64Array
    batch_funnel: Int64Array
    by_household: Int64Array

    @classmethod
    def empty(
        cls,
        compiled: Compiled,
        perils: tuple[str, ...],
        years: int,
        *,
        by_household: bool,
        design: Years | None = None,
    ) -> Sums:
        """Zeroed sums; ``design`` gives the strata of years that weigh unequally."""
        n_programmes, n_groups = len(compiled.tree.programmes), len(compiled.groups)
        n_steps, n_accounts = len(compiled.stacks.step), len(compiled.accounts)
        batch_of_year = _batches(years, design)
        batches = int(batch_of_year.max()) + 1

        def zeros(*shape: int) -> Int64Array:
            return np.zeros(shape, dtype=np.int64)

        return cls(
            years=years,
            batch_of_year=batch_of_year,
            columns=zeros(n_programmes, years, N_COLUMNS),
            batch_columns=zeros(batches, n_programmes, n_groups, N_COLUMNS),
            step_paid=zeros(years, n_steps),
            step_claims=zeros(years, n_steps),
            batch_step=zeros(batches, n_steps, n_groups, 2),
            ground_up=zeros(years, n_accounts),
            batch_ground_up=zeros(batches, n_accounts, n_groups),
            batch_credit=zeros(batches, n_steps, n_accounts),
            events=zeros(years, len(perils)),
            funnel=zeros(years, *compiled.cases.shape),
            batch_funnel=zeros(batches, compiled.cases.shape[0], n_groups, compiled.cases.shape[1]),
            by_household=zeros(n_programmes, compiled.population.households if by_household else 0, 3),
        )

    def add(self, out: Outputs, years: int | Int64Array, block: Block) -> None:
        """Add the sums of a block for the years from a first one on, or for those listed."""
        g = block.group
        span = slice(years, years + out.columns.shape[0]) if isinstance(years, int) else years
        self.columns[:, span] += out.columns.transpose(1, 0, 2)
        self.step_paid[span] += out.step_sums[0]
        self.step_claims[span] += out.step_sums[1]
        self.ground_up[span] += out.ground_up
        self.events[span] += out.events
        self.funnel[span] += out.funnel
        if self.by_household.shape[1]:
            self.by_household[:, block.first : block.last] += out.by_household
        batches, order = self.batch_of_year[span], None
        if (np.diff(batches) < 0).any():  # strata take turns
            order = np.argsort(batches, kind="stable")
            batches = batches[order]
        edges = np.flatnonzero(np.diff(batches, prepend=-1))
        chosen = batches[edges]

        def batched(values: Int64Array) -> Int64Array:
            summed: Int64Array = np.add.reduceat(values if order is None else values[order], edges, axis=0)
            return summed

        self.batch_columns[chosen, :, g] += batched(out.columns)
        self.batch_step[chosen, :, g, 0] += batched(out.step_sums[0])
        self.batch_step[chosen, :, g, 1] += batched(out.step_sums[1])
        self.batch_ground_up[chosen, :, g] += batched(out.ground_up)
        self.batch_credit[chosen] += batched(out.credit)
        self.batch_funnel[chosen, :, g] += batched(out.funnel)

    def add_base(self, base: Base, block: Block) -> None:
        """Add a block's year without events to every year."""
        counts, g = np.bincount(self.batch_of_year, minlength=len(self.batch_columns)), block.group
        self.columns += base.columns[:, None, :]
        self.step_paid += base.step_sums[0]
        self.step_claims += base.step_sums[1]
        if self.by_household.shape[1]:
            self.by_household[:, block.first : block.last] += self.years * base.by_household
        self.batch_columns[:, :, g] += counts[:, None, None] * base.columns
        for k in range(2):
            self.batch_step[:, :, g, k] += counts[:, None] * base.step_sums[k]

    def add_certain(self, compiled: Compiled) -> None:
        """Add the costs that come every year without an event."""
        self.ground_up += compiled.certain.sum(axis=1)
        counts = np.bincount(self.batch_of_year, minlength=len(self.batch_columns))
        self.batch_ground_up += counts[:, None, None] * compiled.certain


def _batches(years: int, design: Years | None) -> Int64Array:
    """Number of the batch of each year: fixed runs of years, within a stratum where there are several."""
    if design is None or design.is_plain:
        batches = min(BATCHES, years)
        return np.arange(years, dtype=np.int64) * batches // years
    found, first = np.zeros(years, dtype=np.int64), 0
    for stratum, count in enumerate(design.counts.tolist()):
        batches = min(max(BATCHES * count // years, BATCHES // 10), count)
        found[design.stratum_of == stratum] = first + np.arange(count) * batches // count
        first += batches
    return found


class Outcomes:
    """Outcomes of a run: one row per programme, path and calendar year, and sums by group.

    Attributes
    ----------
    programmes, groups, accounts, steps, perils
        Names behind the indices; programme 0 is ``none``; groups are household classes.
    sums
        The integer sums.
    limited_years
        By programme, the years in which its aggregate limit cut payments.
    """

    def __init__(
        self,
        compiled: Compiled,
        perils: tuple[str, ...],
        sums: Sums,
        limited_years: dict[str, Int64Array],
        design: Years | None = None,
    ) -> None:
        self.compiled = compiled
        self.sums = sums
        self.perils = perils
        self.programmes = tuple(compiled.tree.programmes)
        self.groups = compiled.groups
        self.accounts = compiled.accounts
        self.steps = tuple(node.name for node in compiled.tree.nodes)
        self.limited_years = limited_years
        self._design = design

    @property
    def scenario(self) -> Scenario:
        """The scenario that was run."""
        return self.compiled.scenario

    @property
    def seed(self) -> int:
        """Seed of the run."""
        return self.compiled.seed

    @property
    def n_years(self) -> int:
        """Number of simulated years."""
        return self.sums.years

    @cached_property
    def years(self) -> Years:
        """Stratum and weight of each simulated year."""
        return Years.equal(self.n_years) if self._design is None else self._design

    @cached_property
    def batch_years(self) -> Int64Array:
        """Number of years in each batch."""
        counts: Int64Array = np.bincount(self.sums.batch_of_year)
        return counts

    @cached_property
    def batch_design(self) -> dict[str, np.ndarray]:
        """Weight and stratum of each batch, as ``estimators.from_batches`` takes them; empty in a plain run."""
        if self.years.is_plain:
            return {}
        batch = self.sums.batch_of_year
        first = np.unique(batch, return_index=True)[1]
        return {"weights": np.bincount(batch, self.years.weight), "stratum": self.years.stratum_of[first]}

    def index(self, programme: str) -> int:
        """Index of a programme.

        Raises
        ------
        KeyError
            Naming the programmes there are.
        """
        if programme not in self.programmes:
            raise KeyError(f"no programme {programme!r}; there are {', '.join(self.programmes)}")
        return self.programmes.index(programme)

    def column(self, programme: str, name: str, line: str | None = None) -> Int64Array:
        """Yearly values [years] of a column of ``fangpinbao.columns``, for a line where it has one."""
        position = column(name) if line is None else line_column(name, LINES.index(line))
        values: Int64Array = self.sums.columns[self.index(programme), :, position]
        return values

    def funnel_column(self, programme: str, name: str) -> Int64Array:
        """Yearly values [years] of a column of the funnel of a programme with a detection design.

        Raises
        ------
        KeyError
            If the programme has none, or there is no such column.
        """
        cases = self.compiled.cases
        if programme not in cases.programmes or name not in cases.columns:
            raise KeyError(
                f"no column {name!r} of {programme!r}; {', '.join(cases.programmes)} have a funnel"
            )
        values: Int64Array = self.sums.funnel[:, cases.index(programme), cases.columns.index(name)]
        return values

    def batches(self, programme: str, name: str, line: str | None = None) -> Int64Array:
        """Sums [batches, groups] of a column."""
        position = column(name) if line is None else line_column(name, LINES.index(line))
        values: Int64Array = self.sums.batch_columns[:, self.index(programme), :, position]
        return values

    def stack(self, programme: str) -> list[int]:
        """Indices of the steps of a programme's stack, in order."""
        return self.compiled.tree.members[self.index(programme)]

    def paid_by_public_layers(self, programme: str) -> Int64Array:
        """Yearly payments [years] of all public layers, and public steps of rules, under a programme, fen."""
        nodes = self.compiled.tree.nodes
        public = [s for s in self.stack(programme) if nodes[s].payer_kind == "public"]
        paid: Int64Array = self.sums.step_paid[:, public].sum(axis=1)
        return paid

    def surplus_over_limit(self, programme: str) -> Int64Array:
        """Yearly payout [years] above a limit that government tops up, fen."""
        aggregate = self.scenario.programmes[programme].aggregate
        payout = self.column(programme, "payout_fen")
        if aggregate is None or aggregate.rule != "topped_up":
            return np.zeros_like(payout)
        return np.maximum(payout - round(aggregate.limit * 100), 0)

    @cached_property
    def by_year(self) -> pd.DataFrame:
        """One row per (programme, path, calendar_year): stratum, weight, money in fen, counts.

        With detection designs also the columns of the funnel, null for programmes without one.
        """
        import pandas as pd

        n_programmes, n_years = len(self.programmes), self.n_years
        data: dict[str, object] = {
            "programme": pd.Categorical.from_codes(
                np.repeat(np.arange(n_programmes), n_years), pd.Index(self.programmes)
            ),
            "path": np.tile(np.arange(n_years, dtype=np.int64), n_programmes),
            "calendar_year": np.full(n_programmes * n_years, self.scenario.calendar_year, dtype=np.int64),
            "stratum": np.tile(self.years.stratum.astype(np.int64), n_programmes),
            "weight": np.tile(self.years.weight, n_programmes),
        }
        values = self.sums.columns.reshape(n_programmes * n_years, N_COLUMNS)
        for position, name in enumerate(YEAR_COLUMNS):
            data[name] = values[:, position]
        data["public_layers_fen"] = np.concatenate(
            [self.paid_by_public_layers(name) for name in self.programmes]
        )
        if self.scenario.lines is not None:
            for number, line in enumerate(LINES):
                for position, name in enumerate(LINE_COLUMNS):
                    data[f"{line}_{name}"] = values[:, FIRST_LINE_COLUMN + number * N_LINE_COLUMNS + position]
        cases = self.compiled.cases
        for position, name in enumerate(cases.columns):
            found = np.zeros((n_programmes, n_years), dtype=np.int64)
            for case, programme in enumerate(cases.programmes):
                found[self.index(programme)] = self.sums.funnel[:, case, position]
            has_none = [programme not in cases.programmes for programme in self.programmes]
            data[name] = pd.arrays.IntegerArray(found.ravel(), np.repeat(has_none, n_years))
        return pd.DataFrame(data)

    @cached_property
    def by_year_coverage(self) -> pd.DataFrame:
        """One row per (programme, path, calendar_year, step): money paid in fen and number of claims.

        ``kind`` is ``insurance`` for coverages of a contract, else whose payment a step is: ``public``, ``hospital``,
        or ``household`` (its own share, set aside); relief of programmes is told apart by what it is.
        """
        import pandas as pd

        rows: list[tuple[str, str, str, int]] = []
        for programme in self.programmes:
            for s in self.stack(programme):
                node = self.compiled.tree.nodes[s]
                kind = "insurance" if node.payer_kind == "insurer" else node.payer_kind
                rows.append((programme, node.name.split(".")[-1], kind, s))
            for own in self.compiled.relief:
                if own.programme == programme:
                    rows.append((programme, own.entry, _RELIEF_KINDS[own.part], own.row))
        frames = [
            pd.DataFrame(
                {
                    "programme": programme,
                    "path": np.arange(self.n_years, dtype=np.int64),
                    "calendar_year": self.scenario.calendar_year,
                    "coverage": name,
                    "kind": kind,
                    "paid_fen": self.sums.step_paid[:, s],
                    "claims": self.sums.step_claims[:, s],
                }
            )
            for programme, name, kind, s in rows
        ]
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()

    @cached_property
    def by_group(self) -> pd.DataFrame:
        """One row per (programme, class, batch of years): sums over the batch of the columns of ``by_year``."""
        import pandas as pd

        batches = self.batch_years.size
        keys = (self.programmes, self.groups, range(batches))
        data = pd.MultiIndex.from_product(keys, names=("programme", "group", "batch")).to_frame(index=False)
        data["years"] = self.batch_years[data["batch"]]
        data["weight"] = np.bincount(self.sums.batch_of_year, self.years.weight)[data["batch"]]
        values = self.sums.batch_columns.transpose(1, 2, 0, 3).reshape(len(data), N_COLUMNS)
        lines = () if self.scenario.lines is None else LINES
        names = [*YEAR_COLUMNS, *(f"{line}_{name}" for line in lines for name in LINE_COLUMNS)]
        return data.join(pd.DataFrame(values[:, : len(names)], columns=names))

    @cached_property
    def by_household(self) -> pd.DataFrame:
        """Sums over the run by programme and household: payout, and poor years avoided at both lines.

        Raises
        ------
        ValueError
            If the run did not keep them.
        """
        import pandas as pd

        sums = self.sums.by_household
        if sums.shape[1] == 0:
            raise ValueError("this run kept no sums by household; simulate(..., by_household=True)")
        population = self.compiled.population
        n_programmes = len(self.programmes)
        return pd.DataFrame(
            {
                "programme": np.repeat(self.programmes, population.households),
                "household_id": np.tile(population.household_id, n_programmes),
                "payout_fen": sums[:, :, 0].ravel(),
                "poor_years_avoided_poverty": sums[:, :, 1].ravel(),
                "poor_years_avoided_monitoring": sums[:, :, 2].ravel(),
            }
        )

    def yuan_by_year(self, programme: str) -> Float64Array:
        """Insurance payout [years] in yuan."""
        payout: Float64Array = self.sums.columns[self.index(programme), :, PAYOUT] / 100.0
        return payout

    def own_premium(self, programme: str) -> float:
        """Premium households pay themselves, yuan a year."""
        return float(self.sums.columns[self.index(programme), 0, OWN_PREMIUM]) / 100.0
