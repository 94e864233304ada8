"""The tables of a run of catastrophe contracts: price, tail and claims side by side, then perils and doubt."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rich.console import RenderableType
from rich.text import Text

from fangpinbao.catastrophe.figures import RETURN_PERIODS
from fangpinbao.catastrophe.outcomes import CatastropheOutcomes
from fangpinbao.catastrophe_ranges import PayoutRange
from fangpinbao.files import count_by_status
from fangpinbao.measures import MEASURES
from fangpinbao.records import Figures
from fangpinbao.scenario.base import LabelTable
from fangpinbao.scenario.catastrophe import Tier
from fangpinbao.tables import (
    MISSING,
    Lang,
    Titled,
    cell,
    new_table,
    records_table,
    row_label,
    say,
    unit_label,
)

__all__ = ["CatastropheTables", "payout_range_table"]

_MOST_RANGES = 10


@dataclass(frozen=True)
class CatastropheTables:
    """The tables of one run in one language."""

    outcomes: CatastropheOutcomes
    figures: Figures
    lang: Lang = "en"

    def say(self, en: str, zh: str) -> str:
        """Choose the language."""
        return say(self.lang, en, zh)

    def contract_label(self, name: str) -> str:
        """Label of a contract."""
        return _label(self.outcomes.model.contracts[name].label, name, self.lang)

    def peril_label(self, name: str) -> str:
        """Label of a peril."""
        table = self.outcomes.model.tables[self.outcomes.perils.index(name)]
        return _label(table.label, name, self.lang)

    def _cell(self, contract: str | None, measure: str, statistic: str, group: str | None = None) -> str:
        found = self.figures.select(programme=contract, measure=measure, statistic=statistic, group=group)
        return cell(found[0] if found else None, self.lang)

    def heading(self) -> Text:
        """What was run."""
        outcomes = self.outcomes
        title = outcomes.scenario.title.in_language(self.lang)
        residents, people = outcomes.model.table.exposure.residents, outcomes.model.cells.mean_people
        term = outcomes.term_years
        each = "" if term == 1 else self.say(f" of {term} years", f"（每期 {term} 年）")
        about = self.say(
            f"{residents:,} residents and {people - residents:,.0f} visitors on average in "
            f"{len(outcomes.model.cells.names)} cells, {outcomes.n_paths:,} simulated "
            f"{'years' if term == 1 else 'terms'}{each}, seed {outcomes.seed}; each figure ± its standard error",
            f"常住 {residents:,} 人，平均流动人口 {people - residents:,.0f} 人，"
            f"{len(outcomes.model.cells.names)} 个单元，"
            f"模拟 {outcomes.n_paths:,} {'年' if term == 1 else '期'}{each}，种子 {outcomes.seed}；每个数字 ± 标准误",
        )
        return Text.assemble((title, "bold"), "\n", about)

    def first(self) -> Titled:
        """Price, tail and claims of every contract."""
        names = self.outcomes.contracts
        table = new_table(["", self.say("unit", "单位"), *map(self.contract_label, names)], names=2)
        tail = "payout" if self.outcomes.term_years == 1 else "term_payout"

        def section(title: str, rows: Sequence[tuple[str, str, str | None]]) -> None:
            table.add_section()
            table.add_row(Text(title, style="bold"))
            for measure, statistic, group in rows:
                cells = [self._cell(name, measure, statistic, group) for name in names]
                if all(text == MISSING for text in cells):
                    continue
                label = row_label(measure, statistic, self.lang)
                if measure == "cumulative_limit_used_up":
                    label = self._used_up()
                if group is not None:
                    months = group.removeprefix("first_").removesuffix("_months")
                    label += self.say(f", first {months} months", f"，前 {months} 个月")
                table.add_row("  " + label, unit_label(MEASURES[measure].unit, self.lang), *cells)

        section(
            self.say("Is the premium dear or cheap?", "保费贵还是便宜？"),
            [
                ("payout", "mean", None),
                ("pure_premium_per_resident", "mean", None),
                ("agreed_premium", "value", None),
                ("loss_ratio", "mean", None),
            ],
        )
        periods = [(tail, f"return_period_{period}", None) for period in RETURN_PERIODS]
        section(
            self.say("How bad can it get?", "最坏会怎样？"),
            [
                *periods,
                (tail, "tvar_99", None),
                (tail, "tvar_99_9", None),
                ("cumulative_limit", "value", None),
                ("cumulative_limit_used_up", "share", None),
            ],
        )
        groups = dict.fromkeys(figure.group for figure in self.figures if figure.measure == "claims_observed")
        section(
            self.say("Is it plausible that nothing was paid?", "至今无赔付是否合理？"),
            [
                ("no_claim", "share", None),
                *(
                    row
                    for group in groups
                    for row in (("no_claim", "share", group), ("claims_observed", "value", group))
                ),
            ],
        )
        return Titled(self.say("Contracts", "保险合同"), table)

    def _used_up(self) -> str:
        if self.outcomes.term_years == 1:
            return self.say("years that use up the cumulative limit", "累计限额用尽年份占比")
        return self.say("terms that use up the cumulative limit", "累计限额用尽期数占比")

    def perils(self) -> Titled:
        """Events, casualties and payout by peril, of a year."""
        names = self.outcomes.contracts
        heads = [self.say("peril", "灾种"), *(MEASURES[name].label(self.lang) for name in ("events", "dead"))]
        heads.append(MEASURES["dead_per_million"].label(self.lang))
        heads += [
            self.say(f"payout, {self.contract_label(name)}", f"赔款：{self.contract_label(name)}")
            for name in names
        ]
        table = new_table(heads)
        for peril in (*self.outcomes.perils, None):
            if peril is None:
                table.add_section()
            cells = [
                self._cell(None, measure, "mean", peril) for measure in ("events", "dead", "dead_per_million")
            ]
            cells += [self._cell(name, "payout", "mean", peril) for name in names]
            table.add_row(self.say("all", "合计") if peril is None else self.peril_label(peril), *cells)
        return Titled(self.say("By peril, a year", "按灾种（年均）"), table)

    def strata(self) -> Titled | None:
        """How the simulated years were chosen."""
        strata = self.outcomes.model.strata
        if strata is None:
            return None
        table = new_table(
            [
                self.say("stratum of years", "年份分层"),
                self.say("chance", "概率"),
                self.say("simulated", "模拟数"),
            ]
        )
        labels = [self._tier_label(tier) for tier in self.outcomes.model.table.tiers]
        counts = self.outcomes.years.counts
        for label, chance, count in zip(
            [*labels, self.say("none of these", "均无")], strata.probabilities, counts, strict=True
        ):
            table.add_row(label, f"{chance:.4%}", f"{count:,}")
        return Titled(
            self.say("Simulated years, weighted by their chance", "分层模拟年（按概率加权）"), table
        )

    def _tier_label(self, tier: Tier) -> str:
        earthquake = self.outcomes.model.table.earthquake
        zones = []
        for name in tier.zones or []:
            assert earthquake is not None
            zones.append(_label(earthquake.zones[name].label, name, self.lang))
        where = self.say(f" ({', '.join(zones)})", f"（{'、'.join(zones)}）") if zones else ""
        peril = self.peril_label(tier.peril)
        return self.say(f"{peril} of {tier.from_size:g} or more{where}", f"{peril}≥{tier.from_size:g}{where}")

    def details(self) -> Iterator[RenderableType]:
        """Everything behind the first table."""
        yield self.perils()
        strata = self.strata()
        if strata is not None:
            yield strata
        scenario = self.outcomes.scenario
        records = (
            None if scenario.is_of_households else records_table(scenario, self.lang)
        )  # shown with households
        if records is not None:
            yield records

    def footer(self) -> Text:
        """Sources, and what a dash means."""
        counts = count_by_status(self.outcomes.scenario)
        official, published, assumed = counts["official"], counts["published"], counts["assumed"]
        return Text(
            self.say(
                f"Numbers of the scenario: {official} official, {published} published, {assumed} assumed; every "
                f"figure above leans on assumed numbers. {MISSING}: does not apply, or too few years to tell its error",
                f"参数来源：官方 {official} 个，公开 {published} 个，假设 {assumed} 个；以上结果均依赖假设数。"
                f"{MISSING}：不适用，或模拟年数不足以估计误差",
            )
        )


def payout_range_table(
    ranges: Sequence[PayoutRange], headline: Mapping[str, float], tables: CatastropheTables
) -> Titled:
    """The numbers that move the mean payout most."""
    names = tables.outcomes.contracts
    table = new_table(
        [
            tables.say("assumed number", "假设数"),
            tables.say("low .. high", "低 .. 高"),
            *map(tables.contract_label, names),
        ],
        names=2,
    )
    for one in ranges[:_MOST_RANGES]:
        ends = [f"{one.at_low[name]:,.0f} .. {one.at_high[name]:,.0f}" for name in names]
        table.add_row(one.place.removeprefix("catastrophe."), f"{one.low:,g} .. {one.high:,g}", *ends)
    table.add_section()
    table.add_row(tables.say("as assumed", "基准"), "", *(f"{headline[name]:,.0f}" for name in names))
    title = tables.say(
        "Mean payout (yuan a year) as one assumed number at a time moves over its range",
        "逐一改变假设数时的年均赔款（元）",
    )
    return Titled(title, table)


def _label(label: LabelTable | None, name: str, lang: Lang) -> str:
    return name if label is None else label.in_language(lang)
