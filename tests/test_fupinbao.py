"""扶贫保: worked families by hand, orders of the stack, and fits to the record."""

from __future__ import annotations

from functools import cache

import pytest
from place_cases import PERSONS, family, medical, paid, points, scenario_of

from fangpinbao.engine import simulate
from fangpinbao.errors import InputError
from fangpinbao.outcomes import Outcomes
from fangpinbao.record_fits import fits, products
from fangpinbao.yearly import mean

# --- 扶贫保 ------------------------------------------------------------------------------------------------


def test_supplement_for_a_person_outside_dibao() -> None:
    """60,000, 48,000 in scope. Basic 0.735 x 47,600 = 34,986; critical 0.6 x (13,014 - 8,000) = 3,008.40.

    10,005.60 in scope and 12,000 outside remain: the supplement pays 0.5 x (22,005.60 - 5,000) = 8,502.80.
    """
    run = family("ningxia-fupinbao-2020", medical(60_000, 0.8))
    expected = {"basic": 34_986.0, "critical_illness": 3_008.4, "supplement": 8_502.8}
    for programme in ("medical", "medical_after_assistance", "fupinbao"):
        assert paid(run, programme) == pytest.approx(expected, abs=1e-9)


def test_supplement_displaces_assistance_where_it_comes_first() -> None:
    """The same person in 低保: critical 0.65 x (13,014 - 4,000) = 5,859.10; left 7,154.90 in scope, 12,000 outside.

    First the supplement: 0.5 x (19,154.90 - 5,000) = 7,077.45, which takes both parts down in proportion, to
    7,154.90 x 12,077.45 / 19,154.90 = 4,511.2915 in scope; assistance 0.7 of it = 3,157.90. First assistance:
    0.7 x 7,154.90 = 5,008.43, then 0.5 x (14,146.47 - 5,000) = 4,573.24. So 1,850.53 of assistance is displaced.
    """
    run = family("ningxia-fupinbao-2020", medical(60_000, 0.8), {"dibao": 1.0})
    before = {"basic": 34_986.0, "critical_illness": 5_859.1}
    first = {**before, "supplement": 7_077.45, "assistance": 3_157.90}
    after = {**before, "assistance": 5_008.43, "supplement": 4_573.24}
    assert paid(run, "medical") == pytest.approx(first, abs=0.011)
    assert paid(run, "medical_after_assistance") == pytest.approx(after, abs=0.011)
    displaced = mean(run, "medical", "public_layers_change").value
    assert displaced == pytest.approx(-1_850.53 * PERSONS, abs=0.02 * PERSONS)
    assert mean(run, "medical_after_assistance", "public_layers_change").value == 0


@pytest.mark.parametrize(
    ("grade", "pays"), [(1, 18_000), (2, 16_200), (5, 10_800), (9, 3_600), (10, 1_800), (11, 18_000)]
)
def test_household_accident_pays_by_grade(grade: int, pays: float) -> None:
    """The linear scale of 18,000: grade 1 in full, a tenth less for each grade, 11 is death."""
    run = family("ningxia-fupinbao-2020", [points(grade)])
    assert paid(run, "household_accident") == {"accident_death": pays}


def test_household_accident_pays_medical_cost() -> None:
    """0.8 x (6,000 - 100) = 4,720; of 30,000 the limit of 13,600."""
    for cost, pays in ((6_000, 4_720.0), (30_000, 13_600.0)):
        booking = {"account": "accident_medical_cost", "amount": {"law": "constant", "amount": cost}}
        run = family("ningxia-fupinbao-2020", [{**booking, "in_scope_share": 0.0}])
        assert paid(run, "household_accident")["accident_medical"] == pays


def test_a_borrowers_benefit_goes_to_the_lender_first() -> None:
    """Death with 40,000 owed of 44,786 insured: 40,000 to the lender, 4,786 to the family."""
    loan = {"account": "loan_due", "amount": {"law": "constant", "amount": 40_000}}
    run = family("ningxia-fupinbao-2020", [points(11), loan], {"holder_tags": {"borrower": 1.0}})
    assert paid(run, "borrower") == {"loan_repaid": 40_000, "to_family": 4_786}
    gap = {name: run.column(name, "gap_fen", "poverty")[0] for name in ("none", "borrower")}
    assert gap["none"] - gap["borrower"] == 44_786 * 100 * PERSONS


def test_who_borrows_nothing_is_paid_nothing_as_a_borrower() -> None:
    run = family("ningxia-fupinbao-2020", [points(11)])
    assert paid(run, "borrower") == {}


def test_three_dead_sheep() -> None:
    """3 x 900 lost, 3 x 540 paid."""
    loss = {"account": "sheep_loss", "amount": {"law": "constant", "amount": 2_700}}
    run = family("ningxia-fupinbao-2020", [loss], {"tags": {"sheep": 1.0}})
    assert paid(run, "agriculture") == {"sheep": 3 * 540}


# --- fits to the record ------------------------------------------------------------------------------------


@cache
def fupinbao() -> Outcomes:
    return simulate(scenario_of("ningxia-fupinbao-2020"), 60)


NAMES = ("medical", "household_accident", "borrower", "agriculture")


def test_every_fit_meets_the_record() -> None:
    record = scenario_of("ningxia-fupinbao-2020").records["claims_of_all_four"].value
    found = products(fupinbao(), NAMES)
    claims = {one.name: float(one.claims.value or 0.0) for one in found}
    ways = fits(found, record)
    assert len(ways) == 1 + 2 * len(NAMES)  # all alike; each alone beside the others, and instead of them
    for way in ways:
        factor = float(way.factor.value or 0.0)
        others = 0.0 if way.others == "nothing" else sum(v for k, v in claims.items() if k != way.product)
        mine = sum(claims.values()) if way.product is None else claims[way.product]
        total = factor * mine + (0.0 if way.product is None else others)
        assert total == pytest.approx(record, rel=1e-9)
        assert way.factor.standard_error is not None


def test_costs_are_per_unit_of_the_simulated_list() -> None:
    run = fupinbao()
    people, found = run.compiled.population, {one.name: one for one in products(run, NAMES)}
    payout = {name: run.yuan_by_year(name).mean() for name in NAMES}
    words = people.to_frame()["tags"].str.split(";")
    borrowers = sum("borrower" in cell for cell in words)
    first = people.household_start[:-1]
    keeps = {tag: sum(tag in words[i] for i in first) for tag in ("sheep", "cattle", "potatoes", "wolfberry")}
    sums = {"sheep": 20 * 540, "cattle": 3 * 6_000, "potatoes": 8 * 600, "wolfberry": 2 * 3_600}
    simulated = {
        "medical": people.persons,
        "household_accident": people.persons,
        "borrower": borrowers,
        "agriculture": sum(keeps[tag] * sums[tag] for tag in sums),
    }
    for name, count in simulated.items():
        assert found[name].simulated == count
        assert found[name].cost.value == pytest.approx(payout[name] / count)
    # 3.2亿 over 306.16万 person-times is 104.5, a figure derived from the document
    assert found["medical"].at_most(320_000_000) == pytest.approx(104.5, abs=0.05)


def test_mean_cover_is_that_of_the_record() -> None:
    for name in ("medical", "household_accident", "borrower"):
        programme = scenario_of("ningxia-fupinbao-2020").programmes[name]
        record, exposures = programme.ever_insured, [c.exposure for c in programme.coverages.values()]
        (each,) = [exposure.sum_each for exposure in exposures if exposure is not None]
        assert record.sum_insured / record.times == pytest.approx(each, abs=0.5)  # the file holds whole yuan


def test_a_product_without_a_record_is_refused() -> None:
    with pytest.raises(InputError, match=r"programmes\.fupinbao\.ever_insured is missing"):
        products(fupinbao(), ["fupinbao"])


def test_financing_of_2020() -> None:
    place = scenario_of("ningxia-fupinbao-2020")
    shares = place.programmes["fupinbao"]
    fiscal = 1 - shares.household_share - shares.other_share
    assert fiscal == pytest.approx(place.records["fiscal_share_of_premium"].value)
