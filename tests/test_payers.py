"""Who bears each yuan: sums are exact, hand-computed cases agree, public rules have no insurer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from conftest import build

from fangpinbao.comparison import compare
from fangpinbao.compiled import account_table
from fangpinbao.engine import simulate
from fangpinbao.errors import InputError
from fangpinbao.explain import explain
from fangpinbao.figures import all_figures
from fangpinbao.financing_tables import financing_table
from fangpinbao.outcomes import Outcomes
from fangpinbao.payers import ALL_COSTS, borne, borne_by_year, payer_label
from fangpinbao.poverty_measures import poverty
from fangpinbao.pricing import price
from fangpinbao.risk import tail_risk
from fangpinbao.run_tables import RunTables
from fangpinbao.scenario import Scenario, load_scenario
from fangpinbao.yearly import OF_PAYOUT

MEDICAL = ["medical_cost", "accident_medical_cost", "disaster_medical_cost"]
FUND = {"en": "fund", "zh": "基金"}
RULES: dict[str, Any] = {
    "layers": {"basic": {"payer": FUND}, "critical": {"payer": FUND}},
    "programmes": {
        "base": None,
        "shop": {"coverages": {"illness": {"accounts": MEDICAL, "rate": 0.5}}},
        "more": {
            "kind": "rules",
            "stack": ["basic_more", "critical", "assistance"],
            "coverages": {
                "basic_more": {"accounts": MEDICAL, "base": "in_scope", "payer": FUND, "rate": 0.9},
            },
        },
        "hospital": {
            "kind": "rules",
            "coverages": {
                "own": {
                    "accounts": MEDICAL,
                    "base": "in_scope",
                    "limit": 3000,
                    "payer_kind": "household",
                    "paid_within_year": 0.0,
                },
                "ceiling": {"accounts": MEDICAL, "base": "in_scope"},
                "clinic": {"accounts": MEDICAL, "payer_kind": "hospital"},
            },
        },
    },
}


def people_with(cost: float, scope: float, **tables: Any) -> Scenario:
    """One hundred persons who live alone, each with the same cost for certain, after Gansu's rules."""
    document = {
        "format": 1,
        "name": "hand",
        "title": "hand",
        "population": {"persons": 100},
        "lines": {"poverty_line": 1, "monitoring_line": 1, "resource": "income_minus_rigid"},
        "perils": {
            "illness": {
                "exposed": "person",
                "frequency": {"law": "bernoulli", "probability": 1.0},
                "books": [
                    {
                        "account": "medical_cost",
                        "amount": {"law": "constant", "amount": cost},
                        "in_scope_share": scope,
                    }
                ],
            }
        },
    }
    return Scenario.from_document({**document, **tables})


@pytest.fixture(scope="module")
def outcomes() -> Outcomes:
    return simulate(build(**RULES), 40)


def test_payers_bear_the_whole_cost_exactly(outcomes: Outcomes) -> None:
    names = list(outcomes.accounts)
    cost = outcomes.sums.ground_up[:, [names.index(name) for name in MEDICAL]].sum(axis=1)
    for programme in outcomes.programmes:
        by_payer = borne_by_year(outcomes, programme, "medical")
        assert by_payer is not None
        assert (sum(by_payer.values()) == cost).all()
        assert all((series >= 0).all() for series in by_payer.values())


def test_the_hand_computed_person() -> None:
    """10,000 yuan, 80% in scope: what each layer of a net of Gansu's kind bears, by hand.

    In scope 8,000: basic 0.75 x (8,000 - 400) = 5,700, left 2,300; critical above 1,000 at 0.6: 0.6 x 1,300 = 780,
    left 1,520; the household bears 500 of it, the safety net 1,020. Out of scope: 2,000, the hospital's.
    """
    read: dict[str, Any] = {"accounts": ["medical_cost"], "base": "in_scope"}
    scenario = people_with(
        10_000,
        0.8,
        layers={
            "basic": {**read, "deductible": 400, "rate": 0.75, "payer": "basic fund"},
            "critical": {**read, "deductible": 1_000, "rate": 0.6, "payer": "critical fund"},
        },
        programmes={
            "net": {
                "kind": "rules",
                "coverages": {
                    "own": {**read, "limit": 500, "payer_kind": "household", "paid_within_year": 0.0},
                    "ceiling": {**read, "payer": "safety net"},
                    "clinic": {"accounts": ["medical_cost"], "payer_kind": "hospital"},
                },
            }
        },
    )
    outcomes = simulate(scenario, 2)
    found = {name: borne_by_year(outcomes, name, "medical") for name in ("none", "net")}
    expected = {
        "none": {"household": 3_520, "basic fund": 5_700, "critical fund": 780},
        "net": {
            "household": 500,
            "basic fund": 5_700,
            "critical fund": 780,
            "safety net": 1_020,
            "hospital": 2_000,
        },
    }
    for name, payers in expected.items():
        by_payer = found[name]
        assert by_payer is not None
        assert {payer: series.tolist() for payer, series in by_payer.items()} == {
            payer: [yuan * 100 * 100] * 2 for payer, yuan in payers.items()
        }
    # the household's own share is no help: what it has left is its income less 500
    gap = {name: outcomes.column(name, "gap_fen", "poverty") for name in ("none", "net")}
    assert (gap["none"] - gap["net"]).tolist() == [(3_520 - 500) * 100 * 100] * 2
    shares = borne(outcomes, "net")
    assert shares.one("medical_borne_share", "net", group="hospital").value == pytest.approx(0.2)
    # ceiling 1,020 and nothing displaced: the public bears that, not what the hospital or the household bears
    assert price(outcomes).one("public_layers_change", "net", coverage=None).value == pytest.approx(102_000)
    assert poverty(outcomes).one("public_cost", "net").value == pytest.approx(102_000)


def test_public_cost_of_rules_is_the_change_of_public_payments(outcomes: Outcomes) -> None:
    nodes, paid = outcomes.compiled.tree.nodes, outcomes.sums.step_paid

    def public(programme: str) -> np.ndarray:
        steps = [
            s for s in outcomes.stack(programme) if nodes[s].name not in ("hospital.own", "hospital.clinic")
        ]
        relief: np.ndarray = outcomes.column(programme, "relief_fen")
        return paid[:, steps].sum(axis=1) + relief

    for programme in ("more", "hospital"):
        change = (public(programme) - public("none")).mean() / 100
        assert poverty(outcomes).one("public_cost", programme).value == pytest.approx(change)


def test_rules_have_no_payout_claims_or_premium(outcomes: Outcomes) -> None:
    figures = all_figures(outcomes)
    for programme in ("more", "hospital"):
        mine = {figure.measure for figure in figures if figure.programme == programme}
        assert not mine & OF_PAYOUT
        assert not any("premium" in name or name in ("loss_ratio", "insured", "mean_claim") for name in mine)
        assert {"households_prevented", "medical_borne", "layer_payment", "public_cost"} <= mine
    assert not tail_risk(outcomes, "more")
    assert figures.one("payout", "shop").value > 0
    names = {figure.measure for figure in compare(outcomes, "more", "shop")}
    assert not names & OF_PAYOUT
    assert {"medical_borne", "public_cost", "households_poor"} <= names


def test_comparison_tells_who_bears_what_differently(outcomes: Outcomes) -> None:
    found = compare(outcomes, "hospital", "none").select(measure="medical_borne")
    by_payer = {figure.group: figure for figure in found}
    assert sum(figure.value for figure in found) == pytest.approx(0.0, abs=1e-6)
    assert by_payer["household"].value < 0 < by_payer["hospital"].value
    error = by_payer["household"].standard_error
    assert error is not None
    assert error < abs(by_payer["household"].value)


def test_a_step_of_two_kinds_of_cost_is_named_not_guessed() -> None:
    family = {"accounts": [*MEDICAL, "property_loss"], "unit": "household_year", "rate": 0.5}
    figures = borne(simulate(build(programmes={"base": None, "mixed": {"coverages": {"family": family}}}), 5))
    assert not figures.select(programme="mixed", measure="medical_borne")
    assert any(
        note.startswith("mixed: medical_borne: a step pays this and another kind") for note in figures.notes
    )
    assert figures.select(programme="none", measure="medical_borne")


HELP = {
    "base": None,
    "shop": {"coverages": {"family": {"accounts": MEDICAL, "rate": 0.5, "paid_within_year": 0.2}},
             "relief": {"rest": {"base": "borne", "rate": 0.4}, "gap": {"base": "gap"}}},
    "loan": {"kind": "rules", "relief": {"lent": {"base": "borne", "loan": {"years": 2, "repaid": 0.9}}}},
}  # fmt: skip


@pytest.fixture(scope="module")
def helped() -> Outcomes:
    return simulate(build(programmes=HELP), 12)


def test_relief_of_cost_stands_beside_the_household(helped: Outcomes) -> None:
    """All payers together bear all costs; relief bears what its entries on cost borne pay, net of loans paid back."""
    of_kinds = [
        a for a, name in enumerate(helped.accounts) if account_table(helped.scenario)[name].kind != "points"
    ]
    cost = helped.sums.ground_up[:, of_kinds].sum(axis=1)
    rows = {(row.entry, row.part): helped.sums.step_paid[:, row.row] for row in helped.compiled.relief}
    relief = {"shop": rows["rest", "paid"], "loan": rows["lent", "paid"] - rows["lent", "repaid"]}
    none = borne_by_year(helped, "none", ALL_COSTS)
    for name, paid in relief.items():
        found = borne_by_year(helped, name, ALL_COSTS)
        assert found is not None
        assert none is not None
        assert found["relief"].tolist() == paid.tolist()
        assert sum(found.values()).tolist() == cost.tolist()
        insurer = found.get("insurer", 0 * paid)
        assert (found["household"] + paid + insurer).tolist() == none["household"].tolist()
    assert "relief" not in none
    figures = borne(helped)
    assert figures.one("cost_borne", "shop", group="relief").value == pytest.approx(
        relief["shop"].mean() / 100
    )
    shares = figures.select(programme="shop", measure="cost_borne_share")
    assert sum(one.value for one in shares) == pytest.approx(1.0)
    assert any(
        note.startswith("shop: *_borne of one kind: relief is not taken off") for note in figures.notes
    )
    found = compare(helped, "shop", "none").select(measure="cost_borne")
    assert {one.group for one in found} >= {"household", "insurer", "relief"}
    assert sum(one.value for one in found) == pytest.approx(0.0, abs=1e-6)


def test_only_relief_that_pays_cost_has_all_costs_together(outcomes: Outcomes) -> None:
    assert not borne(outcomes).select(measure="cost_borne")
    gap = build(programmes={"base": None, "p": {"kind": "rules", "relief": {"gap": {"base": "gap"}}}})
    assert not borne(simulate(gap, 2)).select(measure="cost_borne")


@pytest.mark.parametrize(
    ("lang", "before", "after", "relief"),
    [
        ("en", "household, relief not taken off", "household", "relief"),
        ("zh", "农户（未扣救助）", "农户", "救助"),
    ],
)
def test_the_table_says_what_relief_is_taken_off(
    helped: Outcomes, lang: str, before: str, after: str, relief: str
) -> None:
    shown = RunTables(helped, all_figures(helped), lang)
    heads = [str(head).strip() for table in shown.bearers() for head in table.table.columns[0].cells]
    assert heads.count(before) == 1
    assert heads.index(before) < heads.index(after) < heads.index(relief)


def test_premium_is_financed_as_the_scenario_says() -> None:
    shop = {
        "premium_per_insured": 100,
        "household_share": 0.2,
        "other_share": 0.15,
        "coverages": {"illness": {"accounts": MEDICAL, "rate": 0.5}},
    }
    outcomes = simulate(build(programmes={"base": None, "shop": shop}), 5)
    prices, heads = price(outcomes), outcomes.compiled.population.persons
    paid = {figure.group: figure.value for figure in prices.select(measure="premium_financed")}
    assert paid == pytest.approx(
        {"household": 20.0 * heads, "other money": 15.0 * heads, "government": 65.0 * heads}
    )
    other = price(outcomes).one("public_layers_change", "shop", coverage=None).value
    relief = price(outcomes).one("relief_change", "shop").value
    assert poverty(outcomes).one("public_cost", "shop").value == pytest.approx(65.0 * heads + other + relief)


def test_explain_names_who_pays(outcomes: Outcomes) -> None:
    page = str(explain(outcomes.scenario, 0, programme="hospital"))
    for words in ("basic (public layer)", "own (the household's own share", "clinic (borne by the hospital)"):
        assert words in page
    assert "ceiling (public layer)" in page
    assert "illness (insurance)" in str(explain(outcomes.scenario, 0, programme="shop"))


def test_labels_in_chinese(outcomes: Outcomes) -> None:
    assert payer_label(outcomes, "fund", "zh") == "基金"
    assert payer_label(outcomes, "household", "zh") == "农户"
    assert payer_label(outcomes, "hospital", "zh") == "医疗机构"
    assert payer_label(outcomes, "hospital", "en") == "hospital"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            {"premium_per_insured": 50},
            'premium_per_insured belongs to an insurance contract, not to kind = "rules"',
        ),
        (
            {"coverages": {"own": {"accounts": MEDICAL, "payer_kind": "insurer"}}},
            'coverages.own.payer_kind = "insurer" does not fit kind = "rules"',
        ),
        (
            {"kind": "insurance", "coverages": {"own": {"accounts": MEDICAL, "payer_kind": "hospital"}}},
            'coverages.own.payer_kind = "hospital" does not fit kind = "insurance"',
        ),
        (
            {"coverages": {"own": {"accounts": MEDICAL, "payer_kind": "household"}}},
            "paid_within_year = 1 would count the household's own share as help. Write 0.",
        ),
    ],
)
def test_rules_are_checked(change: dict[str, Any], words: str) -> None:
    rule = {"kind": "rules", "coverages": {"x": {"accounts": MEDICAL, "rate": 0.9}}, **change}
    with pytest.raises(InputError) as refused:
        build(programmes={"base": None, "rule": rule})
    assert words in str(refused.value)


def test_layers_are_public_money() -> None:
    with pytest.raises(
        InputError, match=r"layers\.basic\.payer_kind = 'hospital' is for steps of a programme"
    ):
        build(layers={"basic": {"payer_kind": "hospital"}})


def test_shares_of_a_premium_are_at_most_all() -> None:
    shop = {
        "premium_per_insured": 9, "household_share": 0.7, "other_share": 0.4,
        "coverages": {"x": {"accounts": MEDICAL, "rate": 0.9}},
    }  # fmt: skip
    with pytest.raises(
        InputError, match=r"other_share and household_share sum to 1\.1, above 1\. Lower one\."
    ):
        build(programmes={"base": None, "shop": shop})


def test_the_table_says_who_pays_the_premium() -> None:
    run = simulate(load_scenario("ningxia-fupinbao-2020").replace("population.persons", 500), 5, 1)
    table = financing_table(RunTables(run, all_figures(run)))
    assert table is not None
    headers = [column.header for column in table.table.columns]
    cells = [list(column.cells) for column in table.table.columns]
    assert headers[1:] == ["household", "other money", "government"]
    assert len(cells[0]) == 1  # one programme is financed by several
    assert [cell[0].split(" (")[1] for cell in cells[1:]] == ["20.0%)", "15.0%)", "65.0%)"]
    assert financing_table(RunTables(simulate(build(), 5, 1), {})) is None
