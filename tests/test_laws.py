"""Laws that hold whatever the terms: money is conserved, payments are monotone, classes add up."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from conftest import build, merged
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from fangpinbao.columns import CAUSES
from fangpinbao.engine import simulate
from fangpinbao.outcomes import Outcomes
from fangpinbao.population import Population
from fangpinbao.scenario.vocabulary import ACCOUNTS

# Without shrinking, which would run a failing case hundreds of times.
laws = settings(derandomize=True, deadline=None, max_examples=25, phases=[Phase.explicit, Phase.generate])
MEDICAL = ["medical_cost", "accident_medical_cost", "disaster_medical_cost"]
FAMILY = Population.from_frame(
    pd.DataFrame(
        {
            "person_id": [1, 2, 3],
            "household_id": 1,
            "township": "here",
            "class": "marginal",
            "age": [70, 40, 20],
            "sex": ["male", "female", "female"],
            "schooling": ["none", "none", "higher"],
            "enrolled": [True, False, True],
            "lifted_out": False,
            "dibao": True,
            "tekun": False,
            "income_per_head": 9000.0,
            "consumption_per_head": 9000.0,
        }
    )
)


def family_scenario(seed: int, **tables):
    """One unlucky household of three; a line so high that the gap tells its resource to the fen."""
    often = {"law": "poisson", "events_per_year": 0.8}
    changed = {
        "lines": {
            "poverty_line": 1e7,
            "monitoring_line": 1e7,
            "dibao_standard": 0,
            "dwelling_repair_share": 1.0,
        },
        "simulation": {"seed": seed},
        "perils": {
            name: {"frequency": often} for name in ("inpatient", "accident", "flood", "fire", "school_extra")
        },
    }
    return build(**merged(changed, tables))


def resources(outcomes: Outcomes, programme: str) -> np.ndarray:
    """Resource I of the only household in every year, fen."""
    return 3 * 10**9 - outcomes.column(programme, "gap_fen", "poverty")


def paid(outcomes: Outcomes, programme: str, steps: list[str] | None = None) -> np.ndarray:
    names = [outcomes.steps[s].split(".")[-1] for s in outcomes.stack(programme)]
    chosen = [
        s for s, name in zip(outcomes.stack(programme), names, strict=True) if steps is None or name in steps
    ]
    return outcomes.sums.step_paid[:, chosen].sum(axis=1)


def costs(outcomes: Outcomes, accounts: list[str] | None = None) -> np.ndarray:
    names = accounts or [name for name in outcomes.accounts if ACCOUNTS[name].kind != "points"]
    return outcomes.sums.ground_up[:, [outcomes.accounts.index(name) for name in names]].sum(axis=1)


@st.composite
def coverage(draw, unit: str | None = None) -> dict:
    """An indemnity coverage over medical costs with random terms."""
    unit = unit or draw(st.sampled_from(["person_year", "event", "discharge"]))
    table: dict = {
        "accounts": MEDICAL,
        "unit": unit,
        "base": draw(st.sampled_from(["all", "in_scope", "out_of_scope"])),
    }
    table["deductible"] = draw(st.integers(0, 300_000)) / 100
    if draw(st.booleans()):
        ends = sorted(draw(st.sets(st.integers(300_001, 3_000_000), min_size=1, max_size=3)))
        shares = [draw(st.integers(0, 1000)) / 1000 for _ in range(len(ends) + 1)]
        table["bands"] = [
            {"rate": share, "up_to": end / 100} for share, end in zip(shares, ends, strict=False)
        ] + [{"rate": shares[-1]}]
    else:
        table["rate"] = draw(st.integers(0, 1000)) / 1000
    if draw(st.booleans()):
        table["limit"] = draw(st.integers(0, 2_000_000)) / 100
    if draw(st.booleans()):
        table["per_household"] = {"limit": draw(st.integers(0, 2_000_000)) / 100}
    if unit != "event" and draw(st.booleans()):
        table["per_event"] = {"rate": draw(st.integers(0, 1000)) / 1000}
    return table


@laws
@given(st.data())
def test_money_is_conserved_to_the_fen(data) -> None:
    coverages = {name: data.draw(coverage()) for name in ("x", "y")}
    stack = data.draw(st.permutations(["basic", "critical", "assistance", "x", "y"]))
    programme = {"coverages": coverages, "stack": stack}
    scenario = family_scenario(data.draw(st.integers(0, 999)), programmes={"base": None, "p": programme})
    outcomes = simulate(scenario, 40, threads=1, population=FAMILY)
    start = 3 * 900_000
    for name in outcomes.programmes:
        payments = paid(outcomes, name)
        borne = costs(outcomes) - payments - outcomes.column(name, "relief_fen")
        assert np.array_equal(start - resources(outcomes, name), borne)
        assert np.all(outcomes.sums.step_paid[:, outcomes.stack(name)] >= 0)
        assert np.all(payments <= costs(outcomes, MEDICAL))
    assert np.array_equal(outcomes.column("p", "payout_fen"), paid(outcomes, "p", ["x", "y"]))


@pytest.mark.smoke
def test_a_stack_that_pays_all_leaves_nothing() -> None:
    everything = {"accounts": MEDICAL, "rate": 1.0}
    scenario = family_scenario(3, programmes={"base": None, "p": {"coverages": {"x": everything}}})
    outcomes = simulate(scenario, 200, threads=1, population=FAMILY)
    assert np.array_equal(paid(outcomes, "p"), costs(outcomes, MEDICAL))


@pytest.mark.parametrize(
    "layer",
    [
        {"accounts": MEDICAL, "unit": "household_year", "rate": 1.0},
        {"accounts": MEDICAL, "unit": "household_year", "rate": 0.5},
    ],
    ids=["whole", "half"],
)
def test_households_bear_no_less_than_nothing(layer: dict) -> None:
    half = {"accounts": MEDICAL, "rate": 0.5}
    programme = {"coverages": {"x": half, "y": layer}, "stack": ["x", "y"]}
    outcomes = simulate(family_scenario(3, programmes={"base": None, "p": programme}), 300, population=FAMILY)
    assert np.all(paid(outcomes, "p") <= costs(outcomes, MEDICAL))


@pytest.mark.parametrize(
    ("account", "kind"),
    [("property_loss", "stock"), ("income_loss", "income")],
)
def test_public_layers_of_households_conserve_money(account: str, kind: str) -> None:
    layer = {"accounts": [account], "unit": "household_year", "rate": 0.5}
    outcomes = simulate(family_scenario(3, layers={"public": layer}), 100, population=FAMILY)
    borne = 3 * 900_000 - resources(outcomes, "none") + outcomes.column("none", "relief_fen")
    assert np.array_equal(borne, costs(outcomes) - paid(outcomes, "none"))


def _payouts(terms: dict, seed: int, **tables) -> np.ndarray:
    """Payout in each of 60 years of one household, so that it is comparable year by year."""
    scenario = family_scenario(seed, programmes={"base": None, "p": {"coverages": {"x": terms}}}, **tables)
    return simulate(scenario, 60, threads=1, population=FAMILY).column("p", "payout_fen")


def _shifted(terms: dict, what: str, change: float) -> dict:
    """Worse terms for the household."""
    if what == "deductible":
        return {**terms, "deductible": terms["deductible"] + change}
    if what == "rate":
        if "bands" in terms:
            return {
                **terms,
                "bands": [{**band, "rate": band["rate"] * change / 2999} for band in terms["bands"]],
            }
        return {**terms, "rate": terms["rate"] * change / 2999}
    if what == "limit":
        return {**terms, "limit": max(terms.get("limit", 50_000) - change, 0)}
    return {**terms, "per_household": {"limit": change}}


@laws
@given(st.data())
def test_worse_terms_never_pay_more(data) -> None:
    terms = data.draw(coverage())
    terms.pop("per_household", None)
    what = data.draw(st.sampled_from(["deductible", "rate", "limit", "per_household"]))
    change = data.draw(st.integers(0, 299_900)) / 100
    if what == "deductible" and "bands" in terms:
        terms["bands"] = terms["bands"][-1:]
    seed = data.draw(st.integers(0, 999))
    # A fen a person: cumulative rounding starts from what earlier layers left of a fen.
    assert np.all(_payouts(_shifted(terms, what, change), seed) <= _payouts(terms, seed) + 3)


@laws
@given(st.data())
def test_a_larger_loss_never_pays_less(data) -> None:
    behind_layers = data.draw(st.booleans())
    terms, seed = (
        data.draw(coverage("person_year" if behind_layers else None)),
        data.draw(st.integers(0, 999)),
    )
    layers = {"basic": None, "critical": None, "assistance": None}
    if behind_layers:
        # Terms per event are left out: what a layer pays for one event's cost is credited to all of them.
        terms.pop("per_event", None)
        layers = {"basic": None, "critical": {"variants": []}, "assistance": {}}
    mean = data.draw(st.integers(1000, 20_000))
    sizes = [
        {
            "inpatient": {
                "books": [
                    {"account": "medical_cost", "amount": {"law": "lognormal", "mean": m, "sigma": 1.0}}
                ]
            }
        }
        for m in (mean, mean * 1.5)
    ]
    often = {"frequency": {"law": "poisson", "events_per_year": 0.8}}
    small, large = ({"inpatient": {**size["inpatient"], **often}} for size in sizes)
    less = _payouts(terms, seed, perils=small, layers=layers)
    more = _payouts(terms, seed, perils=large, layers=layers)
    assert np.all(less <= more + 3)


VILLAGES = {
    "as it is": {},
    "own premium": {"programmes": {"base": {"premium_per_insured": 150, "household_share": 1.0}}},
    "displaced": {
        "programmes": {
            "base": {
                "stack": ["basic", "illness", "critical", "assistance", "education", "disaster", "death"],
                "premium_per_insured": 60,
                "household_share": 0.5,
            }
        }
    },
    "late": {"programmes": {"base": {"coverages": {"illness": {"paid_within_year": 0.4}}}}},
    "incomes": {"lines": {"resource": "income"}},
    "limited": {"programmes": {"base": {"aggregate": {"limit": 150_000, "rule": "pro_rata"}}}},
}


@pytest.mark.parametrize("tables", VILLAGES.values(), ids=VILLAGES.keys())
def test_classes_add_up(tables: dict) -> None:
    outcomes = simulate(build(**tables), 40)
    for line in ("poverty", "monitoring"):

        def get(name: str, programme: str = "base", line: str = line) -> np.ndarray:
            return outcomes.column(programme, name, line)

        for unit, total in (
            ("households", outcomes.compiled.households),
            ("persons", outcomes.compiled.persons),
        ):
            parts = ("already_poor", "never_at_risk", "prevented_return", "prevented_entry", "still_poor")
            assert np.all(sum(get(f"{unit}_{name}") for name in parts) == total.sum())
            head_u = get(f"{unit}_already_poor", "none") + get(f"{unit}_still_poor", "none")
            # Of those poor before any shock, relief may lift some in U already: count them by their gap.
            prevented = get(f"{unit}_prevented_return") + get(f"{unit}_prevented_entry")
            assert np.all(prevented + get(f"{unit}_still_poor") == get(f"{unit}_still_poor", "none"))
            assert np.all(get(f"{unit}_already_poor") == get(f"{unit}_already_poor", "none"))
            assert np.all(get(f"{unit}_lifted") <= get(f"{unit}_already_poor"))
            assert np.all(get(f"{unit}_induced") <= head_u + get(f"{unit}_never_at_risk"))
            assert np.all(get(f"{unit}_relieved") <= get(f"{unit}_still_poor"))
        uses = ("prevented", "lifted", "already_poor", "still_poor", "never_at_risk")
        assert np.array_equal(
            sum(get(f"payout_use_{use}_fen") for use in uses), outcomes.column("base", "payout_fen")
        )
        assert np.all(get("payout_above_line_fen") <= outcomes.column("base", "payout_fen"))
        by_cause = sum(get(f"households_prevented_{cause}") for cause in CAUSES)
        assert np.array_equal(
            by_cause, get("households_prevented_return") + get("households_prevented_entry")
        )


@pytest.mark.parametrize(
    "tables",
    VILLAGES.values(),
    ids=VILLAGES.keys(),
)
def test_prevented_lifted_induced_are_the_change_of_the_headcount(tables: dict) -> None:
    outcomes = simulate(build(**tables), 40, by_household=True)
    avoided = outcomes.by_household.query("programme == 'base'")
    for line in ("poverty", "monitoring"):
        names = ("prevented_return", "prevented_entry", "lifted")
        net = sum(outcomes.column("base", f"households_{name}", line).sum() for name in names)
        net -= outcomes.column("base", "households_induced", line).sum()
        assert net == avoided[f"poor_years_avoided_{line}"].sum()
    assert avoided["payout_fen"].sum() == outcomes.column("base", "payout_fen").sum()
