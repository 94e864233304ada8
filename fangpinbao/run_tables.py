"""The tables of a run: the three questions first, for every programme side by side, then what lies behind."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from fangpinbao import yearly
from fangpinbao.detection import funnels_of_run
from fangpinbao.files import count_by_status
from fangpinbao.financing_tables import financing_table
from fangpinbao.measures import MEASURES
from fangpinbao.outcomes import Outcomes
from fangpinbao.payers import ALL_COSTS, COST_KINDS, HOUSEHOLD, payer_label, relief_of_cost
from fangpinbao.records import Figure, group_label, line_label
from fangpinbao.relief_tables import entry_table, money_tables
from fangpinbao.risk import precision_line
from fangpinbao.risk_tables import funnel_class_table, funnel_table
from fangpinbao.scenario.vocabulary import LINES
from fangpinbao.tables import (
    MISSING,
    PLAIN,
    Lang,
    Titled,
    cell,
    new_table,
    records_table,
    row_label,
    say,
    unit_label,
)

__all__ = ["RunTables"]

_PREMIUM = (
    ("insured", "value"),
    ("pure_premium_per_insured", "mean"),
    ("pure_premium_per_resident", "mean"),
    ("gross_premium_per_insured", "mean"),
    ("agreed_premium_per_insured", "value"),
    ("loss_ratio", "mean"),
)
_PAYOUT = (("payout", "mean"), ("payout", "p95"), ("payout", "p99"), ("payout", "tvar_99"))
_POVERTY = (
    ("households_prevented", "mean"),
    ("households_prevented_return", "mean"),
    ("households_prevented_entry", "mean"),
    ("persons_prevented", "mean"),
    ("households_lifted", "mean"),
    ("households_induced", "mean"),
    ("households_still_poor", "mean"),
    ("gap_closed", "mean"),
    ("cost_per_prevented", "ratio"),
)
_BURDEN = (
    ("households_catastrophic", "mean"),
    ("households_catastrophic_avoided", "mean"),
    ("public_cost", "mean"),
)
_COVERAGE = ("payout", "claims", "mean_claim", "pure_premium_per_insured")
_HEADLINES = ("households_prevented", "pure_premium_per_insured", "payout")
_CLASS = ("insured", "pure_premium_per_insured")
_CLASS_LINE = ("households_prevented", "households_still_poor")
_USES = ("prevented", "lifted", "still_poor", "already_poor", "never_at_risk")


@dataclass(frozen=True)
class RunTables:
    """The tables of one run in one language.

    Attributes
    ----------
    figures
        ``fangpinbao.figures.all_figures`` of the outcomes.
    """

    outcomes: Outcomes
    figures: Sequence[Figure]
    lang: Lang = "en"

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_key", {figure.key: figure for figure in self.figures})

    def say(self, en: str, zh: str) -> str:
        """Choose the language."""
        return say(self.lang, en, zh)

    def find(
        self,
        programme: str,
        measure: str,
        statistic: str = "mean",
        *,
        coverage: str | None = None,
        group: str | None = None,
        line: str | None = None,
    ) -> Figure | None:
        """Return a figure by its key, or None; a mean may stand under ``ratio`` or ``value``."""
        by_key: dict[tuple[str | None, ...], Figure] = self.__dict__["_by_key"]
        for name in dict.fromkeys((statistic, *(("ratio", "value") if statistic == "mean" else ()))):
            found = by_key.get((programme, coverage, group, line, measure, name))
            if found is not None:
                return found
        return None

    @property
    def programmes(self) -> list[str]:
        """Programmes other than ``none``."""
        return [name for name in self.outcomes.programmes if name != "none"]

    @property
    def rules(self) -> list[str]:
        """Programmes that are public rules: nobody insures, so there is no payout or premium."""
        return [name for name in self.programmes if yearly.is_rules(self.outcomes, name)]

    @property
    def insurance(self) -> list[str]:
        """Programmes that are insurance."""
        return [name for name in self.programmes if name not in self.rules]

    @property
    def lines(self) -> tuple[str, ...]:
        """Lines of the scenario."""
        return LINES if self.outcomes.scenario.lines is not None else ()

    def programme_label(self, name: str) -> str:
        """Label of a programme, with its name."""
        if name == "none":
            return self.say("none", "无方案")
        label = self.outcomes.scenario.programmes[name].label
        return name if label is None else label.in_language(self.lang)

    def step_label(self, programme: str, step: str) -> str:
        """Label of a coverage or public layer."""
        scenario = self.outcomes.scenario
        table = scenario.layers.get(step)
        if table is None and programme in scenario.programmes:
            table = scenario.programmes[programme].coverages.get(step)
        return step if table is None or table.label is None else table.label.in_language(self.lang)

    def payer_label(self, payer: str) -> str:
        """Label of who bears a cost."""
        return payer_label(self.outcomes, payer, self.lang)

    def line_label(self, line: str) -> str:
        """Label of a line with its amount."""
        lines = self.outcomes.scenario.lines
        amount = getattr(lines, f"{line}_line")
        name = self.say(f"{line} line", "贫困线" if line == "poverty" else "监测线")
        return self.say(f"{name}, {amount:,.0f} yuan a head", f"{name}，人均 {amount:,.0f} 元")

    # --- the parts of the page --------------------------------------------------------------------------

    def heading(self) -> Text:
        """What was run."""
        outcomes, people = self.outcomes, self.outcomes.compiled.population
        title = outcomes.scenario.title.in_language(self.lang)
        persons, households = f"{people.persons:,}", f"{people.households:,}"
        strata = "" if outcomes.years.is_plain else self.say(", weighted by stratum", "（按层加权）")
        about = self.say(
            f"{persons} persons in {households} households, {outcomes.n_years:,} simulated years{strata}, seed "
            f"{outcomes.seed}; each figure ± its standard error",
            f"{households} 户 {persons} 人，模拟 {outcomes.n_years:,} 年{strata}，种子 {outcomes.seed}；"
            "每个数字 ± 标准误",
        )
        return Text.assemble((title, "bold"), "\n", about)

    def first(self, most: int = 4) -> list[Titled]:
        """Premium, payout and poverty for every programme, at most so many side by side; rules by themselves."""
        groups = [
            names[start : start + most]
            for names in (self.insurance, self.rules)
            for start in range(0, len(names), most)
        ]
        return [*(self._first(group) for group in groups), *money_tables(self)]

    def _first(self, names: list[str]) -> Titled:
        table = new_table(["", self.say("unit", "单位"), *map(self.programme_label, names)], names=2)
        if names[0] in self.rules:
            self._burden(table, names)
            title = self.say("What households bear, poverty", "农户负担、防贫")
        else:
            self._premium(table, names)
            title = self.say("Premium, payout, poverty", "保费、赔款、防贫")
        for line in self.lines:
            question = self.say("Whom does it keep from poverty?", "防住了多少贫困？")
            self._rows(table, names, f"{question} ({self.line_label(line)})", _POVERTY, line)
        return Titled(title, table)

    def _premium(self, table: Table, names: list[str]) -> None:
        self._rows(table, names, self.say("What must it cost?", "保费应为多少？"), _PREMIUM)
        self._rows(table, names, self.say("What does it pay in a year?", "一年赔多少？"), _PAYOUT)
        worst = [f"{self.outcomes.yuan_by_year(name).max():,.0f}" for name in names]
        years = f"{self.outcomes.n_years:,}"
        label = self.say(f"worst of {years} simulated years", f"{years} 个模拟年中最高")
        table.add_row("  " + label, self.say("yuan", "元"), *worst)

    def _burden(self, table: Table, names: list[str]) -> None:
        """What households bear under public rules, and what these cost the public."""
        table.add_section()
        table.add_row(Text(self.say("What do households bear?", "农户负担多少？"), style="bold"))
        for kind in (*COST_KINDS, ALL_COSTS):
            found = [self.find(name, f"{kind}_borne", group=HOUSEHOLD) for name in names]
            if any(one is not None for one in found):
                measure = MEASURES[f"{kind}_borne"]
                label = f"  {measure.label(self.lang)}: {self._bearer(kind, HOUSEHOLD)}"
                cells = [cell(one, self.lang) for one in found]
                table.add_row(label, unit_label(measure.unit, self.lang), *cells)
        self._rows(table, names, None, _BURDEN)

    def _rows(
        self,
        table: Table,
        names: list[str],
        title: str | None,
        rows: Iterable[tuple[str, str]],
        line: str | None = None,
    ) -> None:
        """Add a section; a row that is nothing for all programmes is left out unless it is a headline."""
        if title is not None:
            table.add_section()
            table.add_row(Text(title, style="bold"))
        for measure, statistic in rows:
            found = [self.find(name, measure, statistic, line=line) for name in names]
            nothing = statistic in PLAIN and all(one is None or one.value == 0.0 for one in found)
            if nothing and measure not in _HEADLINES:
                continue
            unit = unit_label(MEASURES[measure].unit, self.lang)
            cells = [cell(one, self.lang) for one in found]
            table.add_row("  " + row_label(measure, statistic, self.lang), unit, *cells)

    def coverages(self) -> Titled:
        """What each coverage pays."""
        labels = [MEASURES[name].label(self.lang) for name in _COVERAGE]
        heads = [self.say("programme", "保险方案"), self.say("coverage", "保障责任"), *labels]
        table = new_table([*heads, row_label("payout", "p95", self.lang)], names=2)
        for name in self.insurance:
            for coverage in self.outcomes.scenario.programmes[name].coverages:
                found = [self.find(name, measure, coverage=coverage) for measure in _COVERAGE]
                found.append(self.find(name, "payout", "p95", coverage=coverage))
                cells = [cell(one, self.lang) for one in found]
                table.add_row(self.programme_label(name), self.step_label(name, coverage), *cells)
            table.add_section()
        return Titled(self.say("Coverages (yuan a year)", "保障责任（元/年）"), table)

    def classes(self) -> Titled | None:
        """Who is paid and kept from poverty, by class."""
        if not self.lines or not self.insurance or len(self.outcomes.groups) < 2:
            return None
        columns: list[tuple[str, str | None]] = [(measure, None) for measure in _CLASS]
        columns += [(measure, line) for line in self.lines for measure in _CLASS_LINE]
        heads = [self.say("programme", "保险方案"), self.say("class", "类别")]
        for measure, line in columns:
            label = MEASURES[measure].label(self.lang)
            heads.append(label if line is None else f"{label} ({line_label(line, self.lang)})")
        table = new_table(heads, names=2)
        for name in self.insurance:
            for group in self.outcomes.groups:
                found = [self.find(name, measure, group=group, line=line) for measure, line in columns]
                cells = [cell(one, self.lang) for one in found]
                table.add_row(self.programme_label(name), group_label(group, self.lang), *cells)
            table.add_section()
        return Titled(self.say("By class of household", "按住户类别"), table)

    def uses(self) -> list[Titled]:
        """To whom the payout goes, at each line."""
        groups = []
        for line in self.lines:
            table = new_table(["", *map(self.programme_label, self.insurance)])
            for measure in (*(f"payout_use_{use}" for use in _USES), "payout_above_line"):
                found = [self.find(name, measure, line=line) for name in self.insurance]
                if measure == "payout_above_line":
                    table.add_section()
                table.add_row(MEASURES[measure].label(self.lang), *map(self._with_share, found))
            title = self.say("Where the payout goes, yuan a year", "赔款用途，元/年")
            groups.append(Titled(f"{title} ({self.line_label(line)})", table))
        return groups

    def _with_share(self, figure: Figure | None) -> str:
        whole = None if figure is None or figure.programme is None else self.find(figure.programme, "payout")
        shown = cell(figure, self.lang)
        return f"{shown} ({figure.value / whole.value:.0%})" if figure and whole and whole.value else shown

    def funnels(self) -> Titled | None:
        """How programmes with a detection design find, check and pay their families."""
        found = funnels_of_run(self.outcomes)
        return funnel_table(found, self.lang) if found else None

    def layers(self, most: int = 6) -> list[Titled]:
        """What each public layer pays, and what the programmes displace; so many programmes a table."""
        scenario, names = self.outcomes.scenario, self.programmes
        has_relief = bool(scenario.relief) or yearly.has_own_relief(self.outcomes)
        if not scenario.layers and not has_relief:
            return []
        groups = [names[start : start + most] for start in range(0, max(len(names), 1), most)]
        return [self._layers(group, has_relief) for group in groups]

    def _layers(self, names: list[str], has_relief: bool) -> Titled:
        scenario = self.outcomes.scenario
        heads = ["", self.say("without a programme", "无方案"), *map(self.programme_label, names)]
        table = new_table(heads)
        rows = [
            (self.step_label("none", layer), self.find("none", "layer_payment", coverage=layer), layer)
            for layer in scenario.layers
        ]
        for label, paid, layer in rows:
            changes = [_whole_fen(self.find(name, "public_layers_change", coverage=layer)) for name in names]
            table.add_row(label, *(cell(one, self.lang) for one in (paid, *changes)))
        rules = [name for name in names if name in self.rules]
        steps = [step for name in rules for step in scenario.programmes[name].coverages]
        for step in dict.fromkeys(steps):
            changes = [self.find(one, "public_layers_change", coverage=f"{one}.{step}") for one in names]
            if any(change is not None for change in changes):
                owner = next(name for name in rules if step in scenario.programmes[name].coverages)
                cells = [cell(one, self.lang) for one in changes]
                table.add_row(self.step_label(owner, step), MISSING, *cells)
        if has_relief:
            found = [self.find("none", "relief"), *(self.find(name, "relief_change") for name in names)]
            table.add_row(MEASURES["relief"].label(self.lang), *(cell(one, self.lang) for one in found))
        title = self.say(
            "Public payments and how the programmes change them, yuan a year",
            "公共保障支付及各方案带来的变化，元/年",
        )
        return Titled(title, table)

    def bearers(self, most: int = 4) -> list[Titled]:
        """Who bears each kind of cost, without a programme and with each; so many programmes a table."""
        names = ["none", *self.programmes]
        groups = [names[start : start + most] for start in range(0, len(names), most)]
        return [table for table in map(self._bearers, groups) if table is not None]

    def _bearers(self, names: list[str]) -> Titled | None:
        table = new_table(["", *map(self.programme_label, names)])
        for kind in (*COST_KINDS, ALL_COSTS):
            payers = list(
                dict.fromkeys(
                    one.group for one in self.figures if one.measure == f"{kind}_borne" and one.group
                )
            )
            if not payers:
                continue
            table.add_section()
            table.add_row(Text(MEASURES[f"{kind}_borne"].label(self.lang), style="bold"))
            for payer in payers:
                amounts = [self.find(name, f"{kind}_borne", group=payer) for name in names]
                shares = [self.find(name, f"{kind}_borne_share", group=payer) for name in names]
                cells = [
                    f"{cell(amount, self.lang)} ({share.value:.1%})" if share else cell(amount, self.lang)
                    for amount, share in zip(amounts, shares, strict=True)
                ]
                table.add_row("  " + self._bearer(kind, payer), *cells)
        if not table.rows:
            return None
        return Titled(self.say("Who bears each yuan, yuan a year", "每一元由谁承担，元/年"), table)

    def _bearer(self, kind: str, payer: str) -> str:
        """Label of a payer; relief that pays cost borne knows no kinds of cost, so it is not taken off each."""
        label = self.payer_label(payer)
        if kind == ALL_COSTS or payer != HOUSEHOLD or relief_of_cost(self.outcomes) is None:
            return label
        return self.say(f"{label}, relief not taken off", f"{label}（未扣救助）")

    def precision(self) -> Text:
        """How many years an error of 1% would need."""
        lines = [
            f"{self.programme_label(name)}: {precision_line(self.outcomes, name, self.lang)}"
            for name in self.programmes
        ]
        return Text("\n".join(lines))

    def sources(self) -> Text:
        """Where the numbers come from."""
        counts = count_by_status(self.outcomes.scenario)
        official, published, assumed = counts["official"], counts["published"], counts["assumed"]
        lean = self.say("; every headline above leans on assumed numbers.", "；以上主要结果均依赖假设数。")
        return Text(
            self.say(
                f"Numbers of the scenario: {official} official, {published} published, {assumed} assumed",
                f"参数来源：官方 {official} 个，公开 {published} 个，假设 {assumed} 个",
            )
            + (lean if assumed else self.say(".", "。"))
        )

    def details(self) -> Iterator[RenderableType]:
        """Everything behind the first table, in order."""
        tables = (self.coverages(), self.classes(), *self.uses()) if self.insurance else ()
        found = (financing_table(self), self.funnels(), funnel_class_table(self), entry_table(self))
        behind = (*found, *self.layers(), *self.bearers(), records_table(self.outcomes.scenario, self.lang))
        yield from (table for table in (*tables, *behind) if table is not None)

    def footer(self) -> Group:
        """Precision and sources, and what ``—`` means."""
        dash = self.say(
            f"{MISSING}: does not apply, or too few years to tell its error",
            f"{MISSING}：不适用，或模拟年数不足以估计误差",
        )
        parts = [self.precision()] if self.programmes else []
        return Group(*parts, self.sources(), Text(dash, style="dim"))


def _whole_fen(figure: Figure | None) -> Figure | None:
    """Return 0 for a change of less than a fen a year: rounding that moves from one layer to the next."""
    if figure is None or figure.value is None or abs(figure.value) >= 0.01:
        return figure
    return replace(figure, value=0.0, standard_error=0.0)
