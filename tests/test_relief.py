"""Relief of programmes: the twin to the fen, laws, steady states by closed forms, figures, refusals."""

from __future__ import annotations

from fractions import Fraction
from io import StringIO

import numpy as np
import pytest
from conftest import build, merged
from rich.console import Console
from test_twin import ILLNESS, MEDICINE, differences

from fangpinbao import yearly
from fangpinbao.comparison import compare
from fangpinbao.compile_relief import phase_shares
from fangpinbao.engine import Engine
from fangpinbao.errors import InputError
from fangpinbao.explain import explain
from fangpinbao.figures import all_figures
from fangpinbao.household_years import settle_households
from fangpinbao.loans import part_due
from fangpinbao.payers import ALL_COSTS, borne_by_year, relief_of_cost
from fangpinbao.run_tables import RunTables
from fangpinbao.scenario.relief import Period
from fangpinbao.tables import print_all

ILL = {"attributes": {"ill": {"chance": 0.3, "where": {"age_from": 40}}}}


def paying(entries: dict, coverages: dict | None = None, **tables) -> dict:
    """A scenario with one programme that pays these entries, with the coverages or alone."""
    kind = {"coverages": coverages} if coverages else {"kind": "rules"}
    return merged({"programmes": {"base": None, "p": {**kind, "relief": entries}}}, tables)


def one(entry: dict, coverages: dict | None = None, **tables) -> dict:
    return paying({"x": entry}, coverages, **tables)


GAP, BORNE, HEADS = ({"base": base} for base in ("gap", "borne", "heads"))
COVER = {"illness": ILLNESS}
SAME = {
    "gap": one(GAP),
    "gap of income": one({**GAP, "on": "income", "where": {"dibao": True}, "rate": 0.37, "standard": 6_000}),
    "gap of resources": one({**GAP, "on": "resources", "standard": 5_000.55}),
    "gap without relief that exists anyway": one(GAP, relief={"dibao": None}),
    "gap beside insurance, benefits do not count": one(GAP, COVER),
    "gap beside insurance, benefits count": one({**GAP, "benefits_count": True}, COVER),
    "gap beside insurance, benefits count twice": one(
        {**GAP, "benefits_count": True}, COVER, relief={"dibao": {"benefits_count": True, "take_up": 0.6}}
    ),
    "gap of income, benefits count": one({**GAP, "on": "income", "benefits_count": True, "standard": 6_000}, COVER),
    "gap found by chance": one({**GAP, "take_up": 0.5, "cap": 3_000.01, "rate": 0.5}),
    "gap after an income test": one({**GAP, "standard": 7_000, "income_test": {"per_head_below": 4_000}}),
    "gap before the year": one(
        {**GAP, "income_test": {"per_head_below": 5_000, "moment": "before_year"},
         "spending_test": {"times_income": 0.1}}
    ),
    "late": one({**GAP, "paid_within_year": 0.63}),
    "borne": one(BORNE),
    "borne beside insurance": one({**BORNE, "rate": 0.7, "cap_per_head": 1_140}, COVER),
    "borne, more than all": one({**BORNE, "rate": 3.0, "cap": 4_000}),
    "borne beside insurance that displaces": paying(
        {"x": {**BORNE, "rate": 0.5, "spending_test": {"times_income": 0.2}}, "y": {**GAP, "benefits_count": True}},
        {"illness": ILLNESS, "death": {"accounts": ["death_or_disability"], "scale": [{"points": 1, "pays": 3_000}]},
         "house": {"accounts": ["property_loss"], "unit": "household_year", "rate": 0.4, "paid_within_year": 0.5}},
        programmes={"p": {"stack": ["illness", "house", "death", "basic", "critical", "assistance"]}},
    ),
    "borne behind insurance that pays late": paying(
        {"x": {**BORNE, "rate": 0.5, "paid_within_year": 0.3}, "y": BORNE},
        {"illness": {**ILLNESS, "paid_within_year": 0.37},
         "death": {"accounts": ["death_or_disability"], "fixed_sum": 3_000, "paid_within_year": 0.5},
         "all": {"accounts": ["property_loss", "medical_cost"], "unit": "household_year", "rate": 0.4,
                 "paid_within_year": 0.11}},
    ),
    "borne behind rules that pay late": one(
        BORNE, {"share": {**ILLNESS, "payer_kind": "household", "paid_within_year": 0.0, "rate": 0.1},
                "fund": {**ILLNESS, "paid_within_year": 0.21}}, programmes={"p": {"kind": "rules"}},
    ),
    "gaps one after the other, late": paying(
        {"x": {**GAP, "rate": 0.6, "paid_within_year": 0.63}, "heads": {**HEADS, "rate": 0.01, "paid_within_year": 0.5},
         "y": {**GAP, "standard": 4_700, "benefits_count": True}}, {"illness": {**ILLNESS, "paid_within_year": 0.4}},
    ),
    "assets": one({**BORNE, "rate": 0.5}, COVER, lines={"resource": "assets"},
                  population={"classes": {key: {"assets": {"law": "lognormal", "median": 9000, "sigma": 1.0}}
                                          for key in ("unstable_lifted", "marginal")}}),
    "income": one({**GAP, "on": "income"}, COVER, lines={"resource": "income"}),
    "heads": one({**HEADS, "months": 2.5, "where": {"income_per_head_from": 5_000}}),
    "heads counted": one({**HEADS, "counted": {"age_from": 60}, "rate": 0.1, "take_up": 0.3, "where": {"dibao": True}}),
    "heads by attribute": one({**HEADS, "person_has": "ill", "income_test": {"per_head_below": 5_500}}, risk=ILL),
    "heads after spending": one(
        {**HEADS, "months": 3, "spending_test": {"times_income": 0.3}, "take_up": 0.8}, COVER
    ),
    "several entries, in order": paying(
        {"exit": {**HEADS, "rate": 0.2, "where": {"dibao": True}}, "costs": {**BORNE, "cap": 2_000}, "top": GAP,
         "more": {**BORNE, "rate": 0.5}}, COVER,
    ),
    "two programmes, one name": {
        "programmes": {
            "base": {"relief": {"x": {**GAP, "take_up": 0.5}}},
            "q": {"kind": "rules", "relief": {"x": {**GAP, "take_up": 0.5}, "z": {**HEADS, "rate": 0.01}}},
        }
    },
    "certain costs": one({**BORNE, "take_up": 0.5}, certain_costs=MEDICINE),
    "premium of one's own": one(GAP, COVER, programmes={"p": {"premium_per_insured": 80, "household_share": 0.5}}),
    "period of 12 months": one({**HEADS, "rate": 0.5, "period": {"months": 12, "begun_a_year": 0.4}}),
    "period of 18 months, falling": one(
        {**HEADS, "period": {"months": 18, "begun_a_year": 0.3, "falling": True}, "take_up": 0.7}, COVER
    ),
    "period of 1 month on a gap": one({**GAP, "period": {"months": 1, "begun_a_year": 0.9}}),
    "loan": one({**BORNE, "cap": 50_000, "loan": {"years": 3, "repaid": 0.95}}),
    "loan by chance beside insurance": one(
        {**BORNE, "take_up": 0.4, "rate": 0.8, "loan": {"years": 2},
         "income_test": {"per_head_below": 6_000}}, COVER,
    ),
    "loan on certain costs": one({**BORNE, "loan": {"years": 1, "repaid": 0.5}}, certain_costs=MEDICINE),
    "two loans and a gap": paying(
        {"a": {**BORNE, "rate": 0.3, "loan": {"years": 3}}, "b": {**BORNE, "cap": 1_000, "loan": {"years": 1}},
         "c": GAP},
        COVER,
    ),
}  # fmt: skip


@pytest.mark.parametrize("tables", SAME.values(), ids=SAME.keys())
def test_same_to_the_fen(tables: dict) -> None:
    assert differences(build(**tables)) == []


# --- laws that hold whatever the numbers -----------------------------------------------------------------

LENDING = paying(
    {
        "costs": {**BORNE, "take_up": 0.5, "loan": {"years": 3, "repaid": 0.9}},
        "exit": {**HEADS, "rate": 0.3, "period": {"months": 18, "begun_a_year": 0.3}},
        "top": {**GAP, "take_up": 0.7, "benefits_count": True},
    },
    COVER,
)


def test_neither_blocks_nor_chunks_nor_threads_change_a_bit() -> None:
    scenario = build(**LENDING)
    first = Engine(scenario, seed=5).run(8, threads=1).sums
    for persons, chunk, threads in ((60, 3, 2), (150, 8, 1), (33, 1, 2)):
        other = (
            Engine(scenario, seed=5, block_persons=persons).run(8, threads=threads, chunk_years=chunk).sums
        )
        for name in ("columns", "step_paid", "step_claims"):
            assert (getattr(first, name) == getattr(other, name)).all(), (name, persons, chunk, threads)
        assert (first.batch_step.sum(axis=2) == other.batch_step.sum(axis=2)).all()


def test_relief_of_one_programme_changes_no_other() -> None:
    """Not a bit of "none" or of an insurance programme moves when another programme pays relief."""
    without, beside = build(), build(programmes={"p": LENDING["programmes"]["p"]})
    first, second = (Engine(one, seed=5).run(6, threads=1) for one in (without, beside))
    for programme in ("none", "base"):
        p, q = first.index(programme), second.index(programme)
        assert (first.sums.columns[p] == second.sums.columns[q]).all()


def test_a_full_top_up_of_resources_leaves_nobody_below_its_standard() -> None:
    scenario = build(**one({**GAP, "on": "resources", "standard": 5_000}))
    outcomes = Engine(scenario, seed=3).run(20, threads=1)
    for line in ("poverty", "monitoring"):
        assert not outcomes.column("p", "households_poor", line).any()
        assert outcomes.column("none", "households_poor", line).all()
        # all money closes gaps to the monitoring line, which is the standard
    closed = outcomes.column("none", "gap_fen", "monitoring") - outcomes.column("p", "gap_fen", "monitoring")
    assert closed.tolist() == outcomes.sums.step_paid[:, outcomes.compiled.relief[0].row].tolist()


def test_a_limit_over_all_that_leaves_nothing_leaves_all_to_relief() -> None:
    """Benefits count, so that relief pays more where the limit has cut the benefits: here, all of them."""
    top_up = {**GAP, "benefits_count": True, "standard": 6_000}
    alone = Engine(build(**one(top_up)), seed=5).run(6, threads=1)
    for rule in ("pro_rata", "first_come"):
        limited = one(top_up, COVER, programmes={"p": {"aggregate": {"limit": 0, "rule": rule}}})
        cut = Engine(build(**limited), seed=5).run(6, threads=1)
        free = Engine(build(**one(top_up, COVER)), seed=5).run(6, threads=1)
        paid = [run.sums.step_paid[:, run.compiled.relief[0].row] for run in (alone, cut, free)]
        assert paid[0].tolist() == paid[1].tolist()
        assert (paid[0] > paid[2]).all()
        assert not cut.column("p", "payout_fen").any()
        assert (alone.column("p", "relief_fen") == cut.column("p", "relief_fen")).all()


def test_no_cost_is_paid_twice_however_late_insurance_pays() -> None:
    """What insurance and relief pay of costs does not depend on when insurance pays, and is all that was borne."""
    paid = []
    for in_time in (1.0, 0.35, 0.0):
        cover = {"illness": {**ILLNESS, "paid_within_year": in_time}}
        tables = one(
            {**BORNE, "rate": 2.0}, cover, lines={"dwelling_repair_share": 1.0}
        )  # all repairs are due
        outcomes = Engine(build(**tables), seed=5).run(20, threads=1)
        relief = relief_of_cost(outcomes, "p")
        assert relief is not None
        left = borne_by_year(outcomes, "p", ALL_COSTS)
        assert left is not None
        assert relief.all()
        assert not left["household"].any()
        paid.append([relief.tolist(), outcomes.column("p", "payout_fen").tolist()])
    assert paid[0] == paid[1] == paid[2]


def test_households_one_by_one_have_the_resources_of_the_sums() -> None:
    scenario, years = build(**LENDING), 5
    table = settle_households(scenario, years, seed=5)
    outcomes = Engine(scenario, seed=5).run(years, threads=1)
    for k, line in enumerate(("poverty", "monitoring")):
        poor = (table.insured[table.index("p")] < table.lines[k]).sum(axis=1)
        assert poor.tolist() == outcomes.column("p", "households_poor", line).tolist()


@pytest.mark.nojit
@pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")
def test_a_hamlet_in_plain_python() -> None:
    hamlet = build(**merged(LENDING, {"population": {"persons": 30, "townships": 1}}))
    assert differences(hamlet, years=1) == []


# --- periods and loans ------------------------------------------------------------------------------------


@pytest.mark.parametrize("months", [1, 5, 12, 18, 36])
def test_months_of_a_period_add_up(months: int) -> None:
    """Each month of a period falls into the year for twelve of the months it can begin in."""
    level, falling = (
        sum(phase_shares(Period(months=months, begun_a_year=0.1, falling=kind))) for kind in (False, True)
    )
    assert level == months
    assert falling == Fraction(months + 1, 2)
    assert len(phase_shares(Period(months=months, begun_a_year=0.1))) == months + 11


@pytest.mark.parametrize(("months", "falling"), [(12, False), (18, False), (18, True)])
def test_an_exit_period_costs_what_a_steady_state_must(months: int, falling: bool) -> None:
    """Little's law: starts a year times months each; falling pays (n + 1) / 2n of the whole."""
    period = {"months": months, "begun_a_year": 0.2, "falling": falling}
    scenario = build(**one({**HEADS, "standard": 1_200, "period": period}))
    outcomes = Engine(scenario, seed=11).run(400, threads=1)
    mean = yearly.mean(outcomes, "p", "own_relief")
    share = (months + 1) / (2 * months) if falling else 1.0
    expected = outcomes.compiled.population.persons * 100 * months * 0.2 * share
    assert abs(mean.value - expected) < 4 * mean.standard_error
    assert mean.standard_error < 0.02 * expected
    assert outcomes.column("p", "relief_fen").std() > 0


def test_parts_of_a_loan_are_whole_fen_and_add_up() -> None:
    lent = np.array([0, 1, 99, 100, 4_100_00, 5_000_000, 33_333_33])
    for years in (1, 2, 3, 7):
        for repaid in (1.0, 0.95, 0.5):
            parts = [part_due(lent, repaid, years, k) for k in range(1, years + 2)]
            assert sum(parts).tolist() == [int(Fraction(str(repaid)) * int(x) + Fraction(1, 2)) for x in lent]
            assert not parts[-1].any()
            assert np.ptp(parts[:-1], axis=0).max() <= 1


def test_in_a_steady_state_what_is_lent_comes_back() -> None:
    """The mean of what falls due is the repaid part of the mean lent; the years are independent draws."""
    scenario = build(**one({**BORNE, "loan": {"years": 3, "repaid": 0.9}, "take_up": 0.6}))
    outcomes = Engine(scenario, seed=11).run(400, threads=1)
    lent, repaid = (yearly.mean(outcomes, "p", name) for name in ("own_relief", "loans_repaid"))
    spread = np.hypot(0.9 * lent.standard_error, repaid.standard_error)
    assert abs(repaid.value - 0.9 * lent.value) < 4 * spread
    assert spread < 0.05 * lent.value
    change = outcomes.column("p", "relief_fen") - outcomes.column("none", "relief_fen")
    rows = {row.part: row.row for row in outcomes.compiled.relief}
    net = outcomes.sums.step_paid[:, rows["paid"]] - outcomes.sums.step_paid[:, rows["repaid"]]
    assert change.tolist() == net.tolist()


# --- figures ----------------------------------------------------------------------------------------------


def test_public_cost_and_figures_of_relief() -> None:
    scenario = build(**merged(LENDING, {"programmes": {"q": {"kind": "rules", "relief": {"gap": GAP}}}}))
    outcomes = Engine(scenario, seed=5).run(60, threads=1)
    figures = all_figures(outcomes)
    paid = figures.one("own_relief", "q", coverage="gap").value
    assert figures.one("public_cost", "q").value == pytest.approx(paid)
    assert figures.one("relief_change", "q").value == pytest.approx(paid)
    by_class = figures.select(programme="q", measure="own_relief", coverage=None)
    assert sum(one.value for one in by_class if one.group) == pytest.approx(paid)
    entries = [figures.one("own_relief", "p", coverage=name).value for name in ("costs", "exit", "top")]
    back = figures.one("loans_repaid", "p", coverage="costs").value
    assert figures.one("own_relief", "p").value == pytest.approx(sum(entries))
    assert figures.one("relief_change", "p").value == pytest.approx(sum(entries) - back)
    premium = figures.one("gross_premium", "p").value
    assert figures.one("public_cost", "p").value == pytest.approx(premium + sum(entries) - back)
    for name in ("p", "q"):
        each = figures.one("cost_per_prevented", name, line="poverty").value
        million = figures.one("net_prevented_per_million", name, line="poverty").value
        assert million == pytest.approx(1e6 / each)
    # 4,560 a head keeps nobody above 5,000, and every yuan closes a gap to it
    assert figures.one("net_prevented_per_million", "q", line="monitoring").value == 0.0
    assert figures.one("gap_closed_per_yuan", "q", line="monitoring").value == pytest.approx(1.0)
    assert "own_relief" in {one.measure for one in compare(outcomes, "p", "q")}
    kinds = outcomes.by_year_coverage.groupby("kind", observed=True)["paid_fen"].sum()
    assert {"relief", "loan paid back"} <= set(kinds.index)
    plain = all_figures(Engine(build(), seed=5).run(6, threads=1))
    assert not plain.select(measure=["own_relief", "net_prevented_per_million"])


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_tables_show_relief_beside_insurance(lang: str) -> None:
    labels = {
        "top": {"label": {"en": "a top-up", "zh": "补差"}},
        "exit": {"label": {"en": "exit", "zh": "渐退"}},
    }
    named = {"p": {"label": {"en": "both", "zh": "两者"}, "relief": labels}}
    for scenario, wanted in ((build(**merged(LENDING, {"programmes": named})), True), (build(), False)):
        outcomes = Engine(scenario, seed=5).run(20, threads=1)
        tables = RunTables(outcomes, all_figures(outcomes), lang)
        console = Console(width=220, record=True, file=StringIO())
        print_all(console, [*tables.first(), *tables.details()])
        shown = console.export_text()
        words = [
            "What public money does",
            "Relief paid by programmes",
            "a top-up",
            "both",
            "loans that came back",
        ]
        if lang == "zh":
            words = ["财政资金的效果", "各方案的救助支出", "补差", "两者", "当年收回贷款"]
        assert [word for word in words if (word in shown) != wanted and word != "补差"] == []


def test_the_page_of_a_household_adds_up() -> None:
    scenario = build(
        **merged(LENDING, {"programmes": {"p": {"premium_per_insured": 40, "household_share": 0.5}}})
    )
    for path in range(4):
        page = explain(scenario, path, programme="p", seed=5)
        numbers = [float(line.split(": ")[-1].replace(",", "")) for line in page.lines if line.startswith("  ")
                   and line.split(":")[0].strip() in PARTS]  # fmt: skip
        assert round(sum(numbers) * 100) == page.insured_fen - page.without_fen
        assert "relief of the programme" in str(page)


PARTS = (
    "change by the programme within the year", "relief of the programme within the year",
    "loans of earlier years paid back", "premium paid by the household",
)  # fmt: skip


# --- what is refused --------------------------------------------------------------------------------------

MISTAKES = [
    ({"x": {**GAP, "person_has": "ill"}}, {}, 'programmes.p.relief.x.person_has has no effect where base = "gap".'),
    ({"x": {**BORNE, "standard": 4_000}}, {}, 'programmes.p.relief.x.standard has no effect where base = "borne".'),
    ({"x": {**HEADS, "on": "income"}}, {}, 'programmes.p.relief.x.on has no effect where base = "heads".'),
    ({"x": {**HEADS, "person_has": "il"}}, {"risk": ILL},
     "programmes.p.relief.x.person_has = 'il' is not an attribute"),
    ({"x": {**HEADS, "months": 18}}, {}, "programmes.p.relief.x.months = 18 must be at most 12."),
    ({"x": {"base": "gaps"}}, {}, "programmes.p.relief.x.base = 'gaps' is not known here. Did you mean gap?"),
    ({"x": {**HEADS, "period": {"months": 18, "begun_a_year": 0.5}}}, {},
     "programmes.p.relief.x.period.begun_a_year = 0.5 with 18 months puts 121% of the households into a period"),
    ({"x": {**HEADS, "period": {"months": 18, "begun_a_year": 0.1}, "loan": {"years": 3}}}, {},
     "programmes.p.relief.x.loan cannot stand beside a period"),
    ({"x": {**BORNE, "paid_within_year": 0.9, "loan": {"years": 3}}}, {},
     "programmes.p.relief.x.loan needs its money within the year, and paid_within_year = 0.9"),
    ({"x": BORNE}, {"lines": {"resource": "income"}},
     'programmes.p.relief.x.base = "borne" pays costs, which lines.resource = "income" does not count.'),
    ({"x": {**GAP, "loan": {"years": 3}}}, {"lines": {"resource": "income"}},
     "programmes.p.relief.x.loan needs yearly resources net of costs"),
    ({"x": GAP}, {"lines": {"dibao_standard": None}, "relief": None},
     "programmes.p.relief.x.standard is missing, and lines.dibao_standard too."),
    ({"x": {**GAP, "where": {"income_per_head_from": 5_000, "income_per_head_below": 5_000}}}, {},
     "programmes.p.relief.x.where.income_per_head_from = 5000 is not below income_per_head_below (5000)"),
]  # fmt: skip


@pytest.mark.parametrize(("entries", "tables", "says"), MISTAKES, ids=[says[:60] for *_, says in MISTAKES])
def test_a_mistake_is_named(entries: dict, tables: dict, says: str) -> None:
    with pytest.raises(InputError) as caught:
        build(**paying(entries, **tables))
    assert any(str(problem).startswith(says) for problem in caught.value.problems), str(caught.value)


def test_a_programme_pays_something() -> None:
    for programme, says in (
        ({"kind": "rules"}, "programmes.p.coverages is empty. Add a coverage, or relief."),
        ({"relief": {"x": GAP}}, 'programmes.p.coverages is empty. Add a coverage, or write kind = "rules"'),
        (
            {"coverages": COVER, "relief": {"illness": GAP}},
            "programmes.p.relief.illness has the name of a coverage.",
        ),
    ):
        with pytest.raises(InputError) as caught:
            build(programmes={"p": programme})
        assert any(str(problem).startswith(says) for problem in caught.value.problems), str(caught.value)


def test_a_loan_beside_a_limit_over_all_is_refused() -> None:
    limited = {"programmes": {"p": {"aggregate": {"limit": 1_000, "rule": "first_come"}}}}
    with pytest.raises(InputError, match="needs what insurance paid in the years before"):
        build(**one({**BORNE, "loan": {"years": 3}}, COVER, **limited))
