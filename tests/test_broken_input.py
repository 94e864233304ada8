"""What a new user may type wrongly: every refusal names place, value, rule and cure, with exit status 2."""

# ruff: noqa: E501  (the messages are long and stand whole)

import copy
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fangpinbao as fp
from fangpinbao.errors import InputError
from fangpinbao.scenario import Scenario

SMALL = (Path(__file__).parent / "data_cli" / "small.toml").read_text(encoding="utf-8")


def with_values(changes: dict[str, Any]) -> dict[str, Any]:
    """Return the small county with the values at some dotted paths changed."""
    document = tomllib.loads(SMALL)
    for path, value in changes.items():
        *tables, last = [int(step) if step.isdigit() else step for step in path.split(".")]
        node: Any = document
        for step in tables:
            node = node[step]
        node[last] = value
    return document


def refusals(document: dict[str, Any]) -> list[str]:
    """Problems of a document."""
    with pytest.raises(InputError) as caught:
        Scenario.from_document(document)
    return [str(problem) for problem in caught.value.problems]


LAW = "perils.accident.books.0.amount"
TOO_HEAVY = (
    "but amounts are held exactly up to 9.01e+13 (2^53 fen). Give it a lighter tail, or a lower scale."
)
CUT_OFF = TOO_HEAVY.replace("a lower scale", "income_to")
LARGE: list[tuple[dict[str, Any], str]] = [
    ({LAW: {"law": "discrete", "values": [1e300], "probabilities": [1]}}, "perils.accident.books[0].amount.values[0] = 1e+300 must be at most 1e11. Lower it."),
    ({"perils.inpatient.books.0.in_scope_share.concentration": 1e30}, "perils.inpatient.books[0].in_scope_share.concentration = 1e+30 must be at most 1e6. Lower it."),
    ({"lines.monitoring_line": 1e18}, "lines.monitoring_line = 1e+18 must be at most 1e11. Lower it."),
    ({LAW: {"law": "lognormal", "mean": 1e300, "sigma": 1.0}}, "perils.accident.books[0].amount.mean = 1e+300 must be at most 1e11. Lower it."),
    # Largest of a Pareto II law: theta (2^(53 / alpha) - 1), of a lognormal one: exp(mu + 8.209536 sigma).
    ({LAW: {"law": "pareto", "alpha": 1.0, "theta": 1.0}}, f"perils.accident.books[0].amount is a law (pareto) that can draw up to 9.01e+15, {TOO_HEAVY}"),
    ({LAW: {"law": "lognormal", "mu": 0.0, "sigma": 10.0}}, f"perils.accident.books[0].amount is a law (lognormal) that can draw up to 4.5e+35, {TOO_HEAVY}"),
    ({LAW: {"law": "lognormal", "mu": 1e6, "sigma": 1.0}}, f"perils.accident.books[0].amount is a law (lognormal) that can draw up to inf, {TOO_HEAVY}"),
    ({"population.classes.marginal.income_per_head.sigma": 100.0}, f"population.classes.marginal.income_per_head is a law (lognormal) that can draw up to inf, {CUT_OFF}"),
    ({"population.persons": 10**11}, "population.persons = 100000000000 must be at most 20_000_000. Lower it."),
    ({"population.townships": 10**9}, "population.townships = 1000000000 must be at most 100_000. Lower it."),
    ({"simulation.years": 10**12}, "simulation.years = 1000000000000 must be at most 10_000_000. Lower it."),
    ({"simulation.seed": 2**64}, "simulation.seed = 18446744073709551616 must be at most 9_223_372_036_854_775_807. Lower it."),
    ({"perils.flood.frequency.events_per_year": 2000}, "perils.flood.frequency.events_per_year = 2000 must be at most 365. Lower it."),
    ({"perils.flood.frequency": {"law": "negative_binomial", "events_per_year": 300, "size": 0.01}}, "perils.flood.frequency.size = 0.01 lets a year have more than 10_000 events. Raise it, or lower the mean."),
    ({"perils.accident.factors": {"sex": {"male": 1e9}}}, "perils.accident.frequency reaches 4e+07 events a year where its factors and year factors are largest; at most 10000 can be drawn. Lower it, or narrow the factors."),
    ({"perils.accident.books.0.amount": {"law": "constant", "amount": 1e6}, "perils.accident.books.0.factors": {"sex": {"male": 1e9}}}, "perils.accident.books[0].amount can reach 1e+15 yuan with the largest factors, but amounts are held exactly up to 9.01e+13 (2^53 fen). Give it a lighter tail, or lower the factors."),
    ({"perils.accident.books.0.amount": {"law": "constant", "amount": 1e11}, "population.persons": 1_000_000}, "perils.accident.books[0].amount comes to as much as 4e+09 yuan a person and year, too much for 1000000 persons: a year is held up to 1e+13 yuan. Lower it to 1e+07 yuan a person, or take fewer."),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "says"), LARGE, ids=[says[:50] for _, says in LARGE])
def test_what_does_not_fit_into_exact_money_or_memory_is_refused(changes: dict[str, Any], says: str) -> None:
    assert refusals(with_values(changes)) == [says]


def test_the_largest_amounts_that_pass_are_paid_without_overflow() -> None:
    """Half the bound of a single amount, paid whole: each payment is positive and no more than the cost."""
    document = with_values(
        {
            "population.persons": 60,
            "perils.accident.frequency.probability": 1.0,
            LAW: {"law": "constant", "amount": 1e11},
            "programmes": {
                "all": {"coverages": {"costs": {"accounts": ["accident_medical_cost"], "rate": 1.0}}}
            },
        }
    )
    del document["layers"]
    document["population"].pop("townships")
    outcomes = fp.simulate(Scenario.from_document(document), years=3, seed=1, threads=1)
    payouts = outcomes.by_year.query("programme == 'all'")["payout_fen"].to_numpy()

    assert np.array_equal(payouts, np.full(3, 60 * 10**13))


def test_a_heavy_income_that_is_cut_off_above_is_taken() -> None:
    heavy = {
        "population.classes.marginal.income_per_head.sigma": 30.0,
        "population.classes.marginal.income_to": 50_000,
    }

    assert Scenario.from_document(with_values(heavy)).population.classes["marginal"].income_to == 50_000


def test_all_that_is_too_large_is_named_at_once() -> None:
    changes: dict[str, Any] = {}
    for one, _ in (LARGE[1], LARGE[2], LARGE[7], LARGE[8], LARGE[9], LARGE[12]):
        changes |= copy.deepcopy(one)

    assert len(refusals(with_values(changes))) == 6
