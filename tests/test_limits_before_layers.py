"""A limit over all that cuts coverages before public layers: the layers pay on what the cut leaves."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from conftest import build, merged
from test_determinism import assert_same_bits
from test_twin import ILLNESS, MEDICAL, PROPERTY, SCALE, differences

from fangpinbao.aggregate import allowed_in, year_events
from fangpinbao.compiled import account_table
from fangpinbao.core import layout as at
from fangpinbao.core.run import EVERYBODY
from fangpinbao.engine import Engine, simulate
from fangpinbao.errors import InputError
from fangpinbao.explain import _Page, explain
from fangpinbao.household_year import HouseholdYear
from fangpinbao.outcomes import Outcomes
from fangpinbao.scenario import Scenario

RULES = ["pro_rata", "first_come"]
BEFORE = ["basic", "critical", "x", "assistance"]


def before(rule: str, limit: float, stack: list[str] | None = None, **coverages: Any) -> dict[str, Any]:
    """A programme of coverages with a limit, in a stack; its twin without a limit is ``free``."""
    steps = coverages or {"x": ILLNESS}
    one = {"coverages": steps, "stack": stack or BEFORE}
    limited = {**one, "aggregate": {"limit": limit, "rule": rule}}
    return {"programmes": {"base": None, "p": limited, "free": one}}


BOTH = {
    "x": {**ILLNESS, "deductible": 2_000, "rate": 0.37, "limit": 9_000.55},
    "y": {**ILLNESS, "deductible": 0, "rate": 0.613},
}
CASES: dict[str, tuple[float, list[str], dict[str, Any], dict[str, Any]]] = {
    "before assistance": (60_000, BEFORE, {"x": ILLNESS}, {}),
    "first of all": (250_000, ["x", "basic", "critical", "assistance"], {"x": ILLNESS}, {}),
    "all of the cost": (300_000, ["x", "basic", "critical", "assistance"], {"x": {"accounts": MEDICAL}}, {}),
    "two behind one another": (150_000, ["basic", "x", "y", "critical", "assistance"], BOTH, {}),
    "nothing is left": (0, BEFORE, {"x": ILLNESS}, {}),
    "in scope alone, by chance and test": (
        20_000,
        ["x", "basic", "critical", "assistance"],
        {"x": {**ILLNESS, "base": "in_scope", "take_up": 0.6, "income_test": {"per_head_below": 5_500},
               "paid_within_year": 0.7}},
        {},
    ),
    "terms by class, discharges": (
        40_000,
        ["x", "basic", "assistance", "critical"],
        {"x": {**ILLNESS, "unit": "discharge", "variants": [{"where": {"dibao": True}, "rate": 0.9, "limit": 4_000}]}},
        {},
    ),
    "other coverages behind": (
        120_000,
        ["basic", "x", "critical", "assistance", "death", "goods", "school"],
        {
            "x": ILLNESS,
            "death": {"accounts": ["death_or_disability"], **SCALE, "per_household": {"limit": 30_000}},
            "goods": {"accounts": PROPERTY, "unit": "event", "deductible": 500, "rate": 0.5},
            "school": {"accounts": ["education_cost"], "unit": "household_year", "rate": 0.313, "take_up": 0.7},
        },
        {},
    ),
    "a household's own accounts": (
        30_000,
        ["basic", "critical", "assistance", "x", "crop"],
        {"x": {"accounts": PROPERTY, "unit": "household_year", "deductible": 200, "rate": 0.77}},
        {"layers": {"crop": {"accounts": ["property_loss"], "unit": "household_year", "rate": 0.5}}},
    ),
    "a layer of the household": (
        60_000,
        ["basic", "critical", "x", "family", "assistance"],
        {"x": ILLNESS},
        {"layers": {"family": {"accounts": MEDICAL, "unit": "household_year", "deductible": 300, "rate": 0.55}}},
    ),
    "a layer by event": (
        60_000,
        ["x", "basic", "critical", "by_event", "assistance"],
        {"x": ILLNESS},
        {"layers": {"by_event": {"accounts": MEDICAL, "unit": "event", "franchise": 800, "rate": 0.31}}},
    ),
    "certain costs": (
        90_000,
        ["x", "basic", "critical", "assistance", "grants"],
        {"x": {"accounts": ["education_cost"], "rate": 0.6}},
        {"layers": {"grants": {"accounts": ["education_cost"], "deductible": 300, "rate": 0.45}}},
    ),
    "relief counts benefits": (
        60_000, BEFORE, {"x": ILLNESS}, {"relief": {"dibao": {"benefits_count": True, "take_up": 0.9}}},
    ),
}  # fmt: skip


def case(name: str, rule: str, persons: int = 240) -> Scenario:
    limit, stack, coverages, more = CASES[name]
    return build(
        **merged(merged({"population": {"persons": persons}}, before(rule, limit, stack, **coverages)), more)
    )


def layers_of(outcomes: Outcomes, programme: str) -> np.ndarray:
    return outcomes.paid_by_public_layers(programme)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("name", CASES)
def test_the_twin_to_the_fen(name: str, rule: str) -> None:
    assert differences(case(name, rule), years=4) == []


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("name", CASES)
def test_the_limit_is_paid_to_the_fen_and_money_is_conserved(name: str, rule: str) -> None:
    outcomes = simulate(case(name, rule, 600), 25, threads=2)
    limit = round(CASES[name][0] * 100)
    free, paid = outcomes.column("free", "payout_fen"), outcomes.column("p", "payout_fen")
    assert np.array_equal(paid, np.minimum(free, limit))
    binds = free > limit
    assert binds.sum() > 12
    assert outcomes.limited_years["p"].tolist() == np.flatnonzero(binds).tolist()
    steps = [s for s in outcomes.stack("p") if outcomes.compiled.tree.nodes[s].programme]
    assert np.array_equal(outcomes.sums.step_paid[:, steps].sum(axis=1), paid)
    public = [layers_of(outcomes, one) for one in ("p", "free")]
    assert np.array_equal(public[0][~binds], public[1][~binds])
    assert (public[0] >= public[1]).all()
    assert (public[0][binds] > public[1][binds]).mean() > 0.5
    assert (public[0] - public[1] <= free - paid).all()


def single_patients(persons: int, limit: float, rule: str = "pro_rata") -> Scenario:
    """Each person lives alone, costs 10,000 and is paid 6,000 by basic insurance; assistance pays half above 1,000."""
    ill = {
        "exposed": "person",
        "frequency": {"law": "bernoulli", "probability": 1.0},
        "books": [
            {"account": "medical_cost", "amount": {"law": "constant", "amount": 10_000}, "in_scope_share": 1}
        ],
    }
    classes = {
        name: {
            "household_size": [1],
            "enrolled": 1.0,
            "dibao": 1.0,
            "income_per_head": {"law": "constant", "amount": 9_000},
        }
        for name in ("unstable_lifted", "marginal")
    }
    read = {"accounts": ["medical_cost"]}
    no_perils = dict.fromkeys(("inpatient", "accident", "flood", "fire", "school_extra"))
    return build(
        population={"persons": persons, "townships": 1, "classes": classes},
        year_factors=None,
        certain_costs=None,
        perils={**no_perils, "ill": ill},
        layers={
            "basic": {**read, "unit": "person_year", "deductible": 0, "rate": 0.6},
            "critical": None,
            "assistance": {**read, "deductible": 1_000, "rate": 0.5, "limit": 90_000},
        },
        **before(rule, limit, ["basic", "x", "assistance"], x={**read, "rate": 0.5}),
    )


def test_four_patients_by_hand() -> None:
    """4,000 is left to each; the coverage claims 2,000, and assistance then pays half of 2,000 - 1,000.

    The limit of 3,200 allows each 800. Assistance pays half of 3,200 - 1,000 = 1,100 in place of 500, without any
    programme half of 4,000 - 1,000 = 1,500. So each bears 2,100 in place of 1,500, without the programme 2,500.
    """
    scenario = single_patients(4, 3_200)
    outcomes = simulate(scenario, 2, by_household=True)
    assert outcomes.column("p", "payout_fen").tolist() == [320_000] * 2
    assert outcomes.column("free", "payout_fen").tolist() == [800_000] * 2
    public = {name: layers_of(outcomes, name).tolist() for name in ("none", "p", "free")}
    assert public == {"none": [3_000_000] * 2, "p": [2_840_000] * 2, "free": [2_600_000] * 2}
    by_home = outcomes.by_household.set_index("programme")["payout_fen"]
    assert by_home.loc["p"].tolist() == [160_000] * 4
    page = explain(scenario, 0, None, "p")
    paid = {payment.step: payment.paid_fen for payment in page.payments}
    assert paid == {"basic": 600_000, "p.x": 80_000, "assistance": 110_000}
    assert page.before_fen - page.without_fen == 250_000
    assert page.before_fen - page.insured_fen == 210_000
    text = str(page)
    assert "the programme's limit for all brings it down from 2,000.00 to 800.00" in text
    assert "without the programme's limit for all it would pay 500.00" in text
    assert "of 3,200.00 pays 1,100.00" in text
    chinese = str(explain(scenario, 0, None, "p", lang="zh"))
    assert "若无方案年度总限额，此处支付 500.00" in chinese


def test_three_patients_share_a_limit_that_three_do_not_divide() -> None:
    """1,000 yuan are 333.34 and twice 333.33; assistance pays half of 2,666.66, and of 2,666.67 rounded half-up."""
    outcomes = simulate(single_patients(3, 1_000), 1, by_household=True)
    by_home = outcomes.by_household.set_index("programme")["payout_fen"]
    assert sorted(by_home.loc["p"]) == [33_333, 33_333, 33_334]
    assert layers_of(outcomes, "p").tolist() == [3 * 600_000 + 133_333 + 2 * 133_334]


def test_first_come_leaves_the_last_ones_to_assistance() -> None:
    """3,000 yuan pay one claim of 2,000 and half of the next; the others bear what they would without the programme."""
    outcomes = simulate(single_patients(4, 3_000, "first_come"), 1, by_household=True)
    assert sorted(outcomes.by_household.set_index("programme")["payout_fen"].loc["p"]) == [
        0,
        0,
        100_000,
        200_000,
    ]
    assert layers_of(outcomes, "p").tolist() == [4 * 600_000 + 50_000 + 100_000 + 2 * 150_000]


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(
    "name", ["before assistance", "two behind one another", "a household's own accounts"]
)
def test_a_lower_limit_pays_less_and_leaves_more_to_public_layers(name: str, rule: str) -> None:
    limit, stack, coverages, more = CASES[name]
    payouts, public = [], []
    for share in (0.0, 0.2, 0.9, 1.0, 2.0, 100.0):
        tables = merged({"population": {"persons": 600}}, before(rule, limit * share, stack, **coverages))
        outcomes = simulate(build(**merged(tables, more)), 15, threads=2)
        payouts.append(outcomes.column("p", "payout_fen"))
        public.append(layers_of(outcomes, "p"))
    assert (np.diff(payouts, axis=0) >= 0).all()
    assert (np.diff(public, axis=0) <= 0).all()
    assert (payouts[-1] > payouts[0]).all()
    assert (public[-1] < public[0]).any()


@pytest.mark.parametrize("rule", RULES)
def test_pages_of_all_households_add_up_to_the_year(rule: str) -> None:
    limit, stack, coverages, _ = CASES["two behind one another"]
    scenario = build(population={"persons": 80}, **before(rule, limit / 6, stack, **coverages))
    engine = Engine(scenario, seed=2, block_persons=50)
    outcomes = engine.run(4, threads=1)
    path, p = int(outcomes.limited_years["p"][0]), outcomes.index("p")
    paid, reasons = Counter[str](), set[str]()
    poor = 0
    for h in range(engine.population.households):
        year = HouseholdYear(engine, path, h, p)
        page = _Page(year, "en").explanation()
        poor += page.insured_fen < year.of_household(at.LINE)
        for payment in page.payments:
            paid[payment.step] += payment.paid_fen
            reasons.update(payment.reasons)
    for s in outcomes.stack("p"):
        assert paid[outcomes.compiled.tree.nodes[s].name] == outcomes.sums.step_paid[path, s]
    assert outcomes.column("p", "households_poor", "poverty")[path] == poor
    for begins in ("without the programme's limit for all it would pay", "its claim is"):
        assert any(reason.startswith(begins) for reason in reasons)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("name", ["two behind one another", "other coverages behind"])
def test_no_household_is_paid_more_than_it_lost(name: str, rule: str) -> None:
    """Payments of each person and household-year in every binding year, against the costs drawn."""
    engine = Engine(case(name, rule, 600), seed=4, block_persons=200)
    p = engine.compiled.tree.programmes.index("p")
    limit = round(CASES[name][0] * 100)
    binding = engine.run(12, threads=1).limited_years["p"]
    stack = [s for s in engine.compiled.tree.members[p] if not engine.compiled.tree.nodes[s].is_points]
    of_persons = [s for s in stack if engine.compiled.stacks.step[s, at.LEVEL] == 0]
    assert len(binding) > 5
    people = engine.compiled.people
    is_cost = engine.compiled.stacks.component_kind != at.POINTS
    for path in binding.tolist():
        chunk, allowed = engine.years(path, path + 1), allowed_in(engine, path, {p: limit})
        for number, block in enumerate(engine.blocks):
            settled = engine.run_block(
                block, chunk, 1, collect=True, allowed=allowed[number], settle=EVERYBODY
            )
            events = year_events(engine, 0, chunk, [number])[0]
            money = np.array([kind != "points" for kind in kinds(engine)])[events["account"]]
            who = slice(block.first_person, block.first_person + block.persons)
            cost = people.base[is_cost][:, who].sum(axis=0)
            own = money & (events["person"] >= 0)
            np.add.at(cost, events["person"][own] - block.first_person, events["amount"][own])
            paid = settled.collected[:, 0]
            assert (paid >= 0).all()
            assert (paid[of_persons, : block.persons].sum(axis=0) <= cost).all()
            of_home = np.bincount(block.home, cost, block.households)
            others = money & (events["person"] < 0)
            np.add.at(of_home, events["household"][others] - block.first, events["amount"][others])
            by_home = np.bincount(block.home, paid[stack, : block.persons].sum(axis=0), block.households)
            # Whole fen below 2^53: exact.
            assert (by_home + paid[stack, block.persons :].sum(axis=0) <= of_home).all()


def kinds(engine: Engine) -> list[str]:
    table = account_table(engine.scenario)
    return [table[name].kind for name in engine.compiled.accounts]


@pytest.mark.parametrize("seed", range(6))
def test_terms_at_random_to_the_fen(seed: int) -> None:
    """Rates near one and odd sums, where rounding could lose a fen, with limits that nearly everything fits into."""
    rng = np.random.default_rng(seed)

    def terms() -> dict[str, Any]:
        return {
            "accounts": MEDICAL,
            "deductible": float(rng.choice([0, 0.55, 333.33])),
            "rate": float(rng.choice([1.0, 0.995, 0.5, 0.333])),
            "limit": float(rng.choice([77.77, 5_000.01, 90_000])),
        }

    layers = {name: {"rate": float(rng.choice([1.0, 0.999, 0.735]))} for name in ("basic", "assistance")}
    cost = {"books": [{"account": "medical_cost", "amount": {"law": "lognormal", "mean": 300, "sigma": 2.0}}]}
    tables = {"layers": layers, "perils": {"inpatient": cost}, "population": {"persons": 300}}
    stack = ["basic", "x", "y", "critical", "assistance"]
    for rule in RULES:
        free = simulate(build(**merged(tables, before(rule, 1e9, stack, x=terms(), y=terms()))), 4)
        limit = float(np.median(free.column("p", "payout_fen"))) / 100 - 0.01
        document = free.scenario.replace("programmes.p.aggregate.limit", round(limit, 2))
        limited = simulate(document, 4)
        expected = np.minimum(free.column("p", "payout_fen"), round(limit * 100))
        assert limited.column("p", "payout_fen").tolist() == expected.tolist()
        assert differences(document, years=2, seed=7) == []


@pytest.mark.parametrize("rule", RULES)
def test_threads_blocks_and_chunks(rule: str) -> None:
    scenario = case("other coverages behind", rule)
    reference = simulate(scenario, 14, threads=1)
    for threads, block, chunk in ((2, 6_000, None), (1, 1, 3), (2, 37, 1)):
        assert_same_bits(
            reference, simulate(scenario, 14, threads=threads, block_persons=block, chunk_years=chunk)
        )


def test_with_a_detection_design_the_limit_is_paid_to_the_fen() -> None:
    scenario = detected(None)
    free = simulate(scenario, 20)
    limit = int(np.median(free.column("p", "payout_fen")))
    for rule in RULES:
        cut = simulate(detected({"limit": limit / 100, "rule": rule}), 20)
        paid = np.minimum(free.column("p", "payout_fen"), limit)
        assert cut.column("p", "payout_fen").tolist() == paid.tolist()
        assert (layers_of(cut, "p") >= layers_of(free, "p")).all()
        assert (layers_of(cut, "p") > layers_of(free, "p")).any()
        assert np.array_equal(cut.sums.funnel[..., :5], free.sums.funnel[..., :5])


def detected(aggregate: dict[str, Any] | None) -> Scenario:
    design = {
        "channels": {"visits": {"chance": 0.7, "delay_days": {"law": "uniform", "low": 0, "high": 300}}}
    }
    one = {"coverages": {"x": ILLNESS}, "stack": BEFORE, "detection": "d"}
    programmes = {"base": None, "p": {**one, **({"aggregate": aggregate} if aggregate else {})}}
    return build(population={"persons": 900}, programmes=programmes, detection={"d": design})


REFUSED = {
    "a coverage behind the layer that reads its costs": (
        {"x": ILLNESS, "y": ILLNESS}, ["x", "basic", "y", "critical", "assistance"],
        "programmes.p.stack puts y behind the public layer basic, which pays more where x before it is cut",
    ),
    "a coverage behind all layers": (
        {"x": ILLNESS, "y": ILLNESS}, ["basic", "critical", "x", "assistance", "y"],
        "programmes.p.stack puts y behind the public layer assistance",
    ),
    "other costs": (
        {"x": ILLNESS, "y": {**ILLNESS, "accounts": ["medical_cost"]}}, ["basic", "critical", "x", "y", "assistance"],
        "programmes.p.stack puts y beside x before the public layer assistance",
    ),
    "costs of its own, between": (
        {"x": ILLNESS, "y": {"accounts": ["education_cost"], "rate": 0.5}},
        ["basic", "x", "y", "critical", "assistance"],
        "programmes.p.stack puts y between x, which the aggregate limit can cut, and the public layer assistance.",
    ),
    "by event": (
        {"x": {**ILLNESS, "unit": "event"}}, BEFORE,
        "programmes.p.coverages.x.unit = \"event\" cannot stand before the public layer assistance",
    ),
    "terms by event": (
        {"x": {**ILLNESS, "per_event": {"deductible": 100}}}, BEFORE,
        "programmes.p.coverages.x.per_event cannot stand before",
    ),
    "terms by household": (
        {"x": {**ILLNESS, "per_household": {"limit": 100}}}, BEFORE,
        "programmes.p.coverages.x.per_household cannot stand before",
    ),
    "a household over its members": (
        {"x": {**ILLNESS, "unit": "household_year"}}, BEFORE,
        "programmes.p.coverages.x.unit = \"household_year\" over costs of persons cannot stand before",
    ),
}  # fmt: skip


@pytest.mark.parametrize("rule", [*RULES, "topped_up"])
@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_settled_exactly_is_refused(name: str, rule: str) -> None:
    coverages, stack, message = REFUSED[name]
    tables = before(rule, 1_000, stack, **coverages)
    if rule == "topped_up":
        build(**tables)
        return
    with pytest.raises(InputError) as caught:
        build(**tables)
    assert len(caught.value.problems) == 1
    assert str(caught.value.problems[0]).startswith(message)


@pytest.mark.nojit
@pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")
def test_a_hamlet_in_plain_python() -> None:
    limit, stack, coverages, _ = CASES["before assistance"]
    tables = before("first_come", limit / 50, stack, **coverages)
    assert differences(build(population={"persons": 16, "townships": 1}, **tables), years=1) == []
