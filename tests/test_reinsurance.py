"""Reinsurance: published and hand-worked tables, a slow twin in exact fractions, laws that must hold."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fangpinbao.event_losses import EventLosses
from fangpinbao.reinsurance import Reinsured, by_year, largest_by_year, reinsure
from fangpinbao.scenario.reinsurance import PARTS, ReinsuranceContract
from fangpinbao.shares import divide, part_of

MILLION = 100_000_000  # fen
TEN = {"lead": 0.19, **{f"carrier_{k}": 0.09 for k in range(2, 11)}}


def contract(kind: str, **terms: Any) -> ReinsuranceContract:
    return ReinsuranceContract.model_validate({"name": kind, "kind": kind, "inuring": 1, **terms})


def events(*dated: tuple[int, int, int], paths: int | None = None) -> EventLosses:
    """Events as (year, day, fen), in order."""
    table = np.array(dated, dtype=np.int64).reshape(-1, 3)
    count = table.shape[0]
    return EventLosses(
        paths or int(table[:, 0].max()) + 1, table[:, 0], table[:, 1], np.arange(count),
        np.zeros(count, dtype=np.int64), table[:, 2], ("quake",),
    )  # fmt: skip


def yuan(amounts: np.ndarray) -> list[float]:
    return (amounts / 100).tolist()


# --- published tables --------------------------------------------------------------------------------------


def test_cii_example_5_15_one_reinstatement_used_up_in_date_order() -> None:
    """Chartered Insurance Institute, M97 Reinsurance, study text 2018-19, example 5.15.

    2m xs 2m with one reinstatement; losses of 2.35m, 3m and 4m, and a further 3m.
    """
    layer = contract("excess_of_loss", attachment=2e6, limit=2e6, reinstatements=[0.0])
    losses = events((0, 10, 235_000_000), (0, 20, 3 * MILLION), (0, 30, 4 * MILLION), (0, 40, 3 * MILLION))
    (cession,) = reinsure(losses, [layer]).cessions
    assert yuan(cession.ceded) == [350_000, 1_000_000, 2_000_000, 650_000]
    assert cession.exhausted.tolist() == cession.event_limit_reached.tolist() == [True]


@pytest.mark.parametrize(("premium", "additional"), [(10_000, 5_000), (12_000, 6_000)])
def test_cii_example_5_16_reinstatement_premium(premium: float, additional: float) -> None:
    """The same text, example 5.16: 100,000 xs 100,000, one reinstatement at 100%, a loss of 150,000."""
    layer = contract("excess_of_loss", attachment=1e5, limit=1e5, reinstatements=[1.0], premium=premium)
    (cession,) = reinsure(events((0, 74, 15_000_000)), [layer]).cessions
    assert yuan(cession.ceded) == [50_000]
    assert yuan(cession.reinstatement_premium) == [additional]


# --- hand-worked tables ------------------------------------------------------------------------------------

# 10m xs 10m, premium 1m, reinstatements at 100% and at 50%. Used runs 4, 14, 22, 30 of 30m.
#   day  loss  pays  1st limit  2nd limit  premium pro rata amount        days left  pro rata time
#    31   14     4       4          -      1m x 0.4         = 400,000       334      366,027.397
#   181   25    10       6          4      1m x (0.6 + 0.2) = 800,000       184      403,287.671
#   273   18     8       -          6      1m x 0.5 x 0.6   = 300,000        92       75,616.438
#   300   30     8       -          -                       = 0              65            0
REINSTATED = [
    (31, 14, 4, 400_000.0, 366_027.40),
    (181, 25, 10, 800_000.0, 403_287.67),
    (273, 18, 8, 300_000.0, 75_616.44),
    (300, 30, 8, 0.0, 0.0),
]


@pytest.mark.parametrize("pro_rata_time", [False, True])
def test_reinstatement_premiums_in_date_order(pro_rata_time: bool) -> None:
    layer = contract(
        "excess_of_loss", attachment=10e6, limit=10e6, premium=1e6, reinstatements=[1.0, 0.5],
        pro_rata_time=pro_rata_time,
    )  # fmt: skip
    losses = events(*((0, day, loss * MILLION) for day, loss, *_ in REINSTATED))
    (cession,) = reinsure(losses, [layer]).cessions
    assert yuan(cession.ceded) == [pays * 1e6 for _, _, pays, *_ in REINSTATED]
    assert yuan(cession.reinstatement_premium) == [row[4 if pro_rata_time else 3] for row in REINSTATED]


def test_half_a_placement_pays_and_costs_half() -> None:
    terms = {"attachment": 10e6, "limit": 10e6, "premium": 1e6, "reinstatements": [1.0, 0.5]}
    losses = events(*((0, day, loss * MILLION) for day, loss, *_ in REINSTATED))
    (half,) = reinsure(losses, [contract("excess_of_loss", placed=0.5, **terms)]).cessions
    assert yuan(half.ceded) == [2e6, 5e6, 4e6, 4e6]
    assert yuan(half.reinstatement_premium) == [200_000, 400_000, 150_000, 0]
    assert half.premium(0.0) == 500_000
    assert half.used.sum() == 30 * MILLION


def test_a_quota_share_inures_to_a_layer_and_both_to_a_stop_loss() -> None:
    """Losses 20 and 50, next year 100 (m).

    quota share 40%:           8, 20 | 40       left 12, 30 | 60
    20 xs 10, one limit only:  2, 18 | 20       left 10, 12 | 40     (2 + 18 = 20 used up)
    stop loss 15 xs 15:        0,  7 | 15       left 10,  5 | 25     (year 22: 7 above 15; year 40: 15)
    """
    programme = [
        contract("quota_share", cession=0.4, commission=0.25),
        contract("excess_of_loss", inuring=2, attachment=10e6, limit=20e6, reinstatements=[]),
        contract("stop_loss", inuring=3, attachment=15e6, limit=15e6),
    ]
    result = reinsure(events((0, 3, 20 * MILLION), (0, 9, 50 * MILLION), (1, 0, 100 * MILLION)), programme)
    paid = [(cession.ceded // MILLION).tolist() for cession in result.cessions]
    assert paid == [[8, 20, 40], [2, 18, 20], [0, 7, 15]]
    assert (result.net.loss // MILLION).tolist() == [10, 5, 25]
    assert (result.ceded.loss // MILLION).tolist() == [10, 45, 75]
    quota, layer, stop = result.cessions
    assert (quota.premium(1000.0), quota.commission(1000.0)) == (400.0, 100.0)
    assert layer.exhausted.tolist() == [True, True]
    assert layer.event_limit_reached.tolist() == [True, True]  # 50 - 20 = 30 fills 20 xs 10, too
    assert stop.attached.tolist() == [True, True]
    assert stop.exhausted.tolist() == [False, True]


def test_layers_of_one_number_see_the_same_loss_and_the_next_number_what_is_left() -> None:
    first = contract("excess_of_loss", name="first", attachment=10e6, limit=10e6)
    second = contract("excess_of_loss", name="second", attachment=20e6, limit=30e6)
    losses = events((0, 0, 45 * MILLION))
    tower = reinsure(losses, [first, second])
    assert [cession.ceded[0] // MILLION for cession in tower.cessions] == [10, 25]
    after = reinsure(losses, [first, second.model_copy(update={"inuring": 2})])
    assert [cession.ceded[0] // MILLION for cession in after.cessions] == [10, 15]


def test_an_annual_deductible_is_borne_before_the_layer_pays() -> None:
    """5 xs 5 with 7 borne first in the year, two limits: due 3, 5, 5, 5; used 0, 1, 5, 4 (10 at most)."""
    layer = contract("excess_of_loss", attachment=5e6, limit=5e6, annual_deductible=7e6, reinstatements=[0.0])
    losses = events(*((0, day, loss * MILLION) for day, loss in ((1, 8), (2, 10), (3, 11), (4, 90))))
    (cession,) = reinsure(losses, [layer]).cessions
    assert (cession.ceded // MILLION).tolist() == [0, 1, 5, 4]


def test_a_quota_share_has_its_own_limits() -> None:
    """50%, at most 10 an event and 15 a year: 4, 10, 1, 0."""
    quota = contract("quota_share", cession=0.5, limit=10e6, annual_limit=15e6)
    losses = events(*((0, day, loss * MILLION) for day, loss in ((1, 8), (2, 30), (3, 11), (4, 90))))
    (cession,) = reinsure(losses, [quota]).cessions
    assert (cession.ceded // MILLION).tolist() == [4, 10, 1, 0]


def test_two_halves_of_one_fen_are_paid_once() -> None:
    halves = [contract("quota_share", name=name, cession=0.5) for name in ("first", "second")]
    result = reinsure(events((0, 0, 1)), halves)
    assert [int(cession.ceded[0]) for cession in result.cessions] == [1, 0]
    assert int(result.net.loss[0]) == 0


def test_years_without_events_are_years() -> None:
    losses = events((2, 5, 7), (2, 6, 9), (4, 0, 3), paths=6)
    assert by_year(losses.loss, losses).tolist() == [0, 0, 16, 0, 3, 0]
    assert largest_by_year(losses.loss, losses).tolist() == [0, 0, 9, 0, 3, 0]
    empty = events(paths=2)
    assert by_year(empty.loss, empty).tolist() == [0, 0]
    (cession,) = reinsure(empty, [contract("stop_loss", attachment=1.0, limit=1.0)]).cessions
    assert cession.attached.tolist() == [False, False]


# --- division ----------------------------------------------------------------------------------------------


def test_the_largest_remainder_takes_the_odd_fen_and_ties_go_in_listed_order() -> None:
    # 10 fen: 3.33, 3.33, 3.33 with the last share a little larger: its remainder wins.
    assert divide(np.array([10]), {"a": 0.333333, "b": 0.333333, "c": 0.333334}).tolist() == [[3, 3, 4]]
    assert divide(np.array([1, 3, 0]), {"a": 0.5, "b": 0.5}).tolist() == [[1, 0], [2, 1], [0, 0]]
    assert part_of(np.array([1, 3, 5]), 0.5).tolist() == [1, 2, 3]


@given(st.lists(st.integers(0, 10**12), max_size=20), st.lists(st.integers(1, 50), min_size=1, max_size=12))
def test_division_is_exact_and_near_the_share(amounts: list[int], weights: list[int]) -> None:
    parts = [weight * PARTS // sum(weights) for weight in weights]
    parts[-1] += PARTS - sum(parts)
    shares = {f"carrier_{k}": part / PARTS for k, part in enumerate(parts)}
    divided = divide(np.array(amounts, dtype=np.int64), shares)
    assert divided.sum(axis=1).tolist() == amounts
    for row, amount in zip(divided.tolist(), amounts, strict=True):
        for value, part in zip(row, parts, strict=True):
            assert abs(value - Fraction(amount * part, PARTS)) < 1


@pytest.mark.parametrize(
    ("amounts", "shares", "says"),
    [
        ([1], {"a": 0.5}, "sum to 1"),
        ([1], {}, "sum to 1"),
        ([-1], {"a": 1.0}, "between 0"),
        ([10**13], {"a": 1.0}, "between 0"),
    ],
)
def test_what_cannot_be_divided_is_refused(amounts: list[int], shares: dict[str, float], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        divide(np.array(amounts, dtype=np.int64), shares)


# --- a slow twin in exact fractions ------------------------------------------------------------------------


def half_up(x: Fraction) -> int:
    return (2 * x.numerator + x.denominator) // (2 * x.denominator)


def decimal(x: float) -> Fraction:
    return Fraction(str(x))


def slow(losses: EventLosses, contracts: list[ReinsuranceContract]) -> tuple[list[Any], list[Any], list[int]]:
    """Event by event, contract by contract: ceded, reinstatement premiums, and what is left."""
    ceded = [[0] * losses.loss.size for _ in contracts]
    premiums = [[0] * losses.loss.size for _ in contracts]
    left = losses.loss.tolist()
    for year in range(losses.paths):
        dues = [0] * len(contracts)
        for e in np.flatnonzero(losses.path == year).tolist():
            level, subject = 0, left[e]
            for k, terms in enumerate(contracts):
                if terms.inuring != level:
                    level, subject = terms.inuring, left[e]
                limit = None if terms.limit is None else 100 * decimal(terms.limit)
                if terms.kind == "stop_loss":
                    due, first, most = subject, 100 * decimal(terms.attachment), limit
                else:
                    due = max(subject - 100 * decimal(terms.attachment or 0), 0)
                    due = half_up(Fraction(due) * decimal(terms.cession or 1))
                    due = due if limit is None else min(due, limit)
                    first = 100 * decimal(terms.annual_deductible)
                    most = None if terms.annual_limit is None else 100 * decimal(terms.annual_limit)
                    if terms.reinstatements is not None:
                        most = limit * (1 + len(terms.reinstatements))
                before = max(dues[k] - first, 0)
                dues[k] += due
                after = max(dues[k] - first, 0)
                if most is not None:
                    before, after = min(before, most), min(after, most)
                paid = min(half_up(Fraction(after - before) * decimal(terms.placed)), left[e])
                price = Fraction(0)
                for number, rate in enumerate(terms.reinstatements or []):
                    low, high = number * limit, (number + 1) * limit
                    part = max(min(after, high) - max(before, low), 0)
                    price += decimal(rate) * part / limit
                price *= 100 * decimal(terms.premium) * decimal(terms.placed)
                if terms.pro_rata_time:
                    price *= Fraction(365 - int(losses.day[e]), 365)
                ceded[k][e], premiums[k][e] = paid, half_up(price)
                left[e] -= paid
    return ceded, premiums, left


share = st.integers(1, 100).map(lambda n: n / 100)
amount = st.integers(1, 300).map(float)


@st.composite
def programmes(draw: st.DrawFn) -> list[ReinsuranceContract]:
    contracts: list[ReinsuranceContract] = []
    for level in range(1, draw(st.integers(1, 4)) + 1):
        kind = draw(st.sampled_from(["quota_share", "excess_of_loss", "stop_loss"]))
        terms: dict[str, Any] = {"inuring": level, "name": f"contract_{level}", "placed": draw(share)}
        if kind == "quota_share":
            terms |= {"cession": draw(share), "limit": draw(amount), "annual_limit": draw(amount)}
        else:
            terms |= {"attachment": draw(amount), "limit": draw(amount)}
        if kind == "excess_of_loss":
            prices = draw(st.lists(st.sampled_from([0.0, 0.5, 1.0, 1.25]), max_size=3))
            terms |= {"annual_deductible": draw(amount), "reinstatements": prices, "premium": draw(amount)}
            if prices:
                terms["pro_rata_time"] = draw(st.booleans())
        contracts.append(contract(kind, **terms))
    return contracts


@st.composite
def catalogues(draw: st.DrawFn) -> EventLosses:
    dated = draw(
        st.lists(st.tuples(st.integers(0, 3), st.integers(0, 364), st.integers(0, 60_000)), max_size=25)
    )
    return events(*sorted(dated), paths=5)


@settings(max_examples=150, deadline=None)
@given(catalogues(), programmes())
def test_the_programme_is_that_of_the_slow_twin(
    losses: EventLosses, programme: list[ReinsuranceContract]
) -> None:
    result = reinsure(losses, programme)
    ceded, premiums, left = slow(losses, programme)
    assert [cession.ceded.tolist() for cession in result.cessions] == ceded
    assert [cession.reinstatement_premium.tolist() for cession in result.cessions] == premiums
    assert result.net.loss.tolist() == left


@settings(max_examples=100, deadline=None)
@given(catalogues(), programmes())
def test_laws(losses: EventLosses, programme: list[ReinsuranceContract]) -> None:
    named = [terms.model_copy(update={"reinsurers": {"x": 0.3, "y": 0.7}}) for terms in programme]
    result = reinsure(losses, named)
    # Not a fen is lost between cedant, reinsurers and carriers.
    parts = [result.net.loss, *(cession.ceded for cession in result.cessions)]
    assert np.array_equal(sum(parts), losses.loss)
    assert all((part >= 0).all() and (part <= losses.loss).all() for part in parts)
    for cession in result.cessions:
        by_reinsurer = cession.by_reinsurer
        assert np.array_equal(sum(by_reinsurer.values()), cession.ceded)
        extra = cession.reinstatement_premium_by_reinsurer
        assert np.array_equal(sum(extra.values()), cession.reinstatement_premium)
    assert np.array_equal(divide(result.net.loss, TEN).sum(axis=1), result.net.loss)
    # Never more than the limits.
    for cession in result.cessions:
        terms, yearly = cession.contract, by_year(cession.used, losses)
        if terms.most_per_year is not None:
            assert yearly.max(initial=0) <= round(100 * terms.most_per_year)
            assert np.array_equal(cession.exhausted, yearly == round(100 * terms.most_per_year))
        if terms.limit is not None and terms.kind != "stop_loss":
            assert cession.used.max(initial=0) <= round(100 * terms.limit)
        assert np.array_equal(cession.attached, yearly > 0)


@settings(max_examples=100, deadline=None)
@given(catalogues(), programmes(), st.integers(0, 24), st.integers(1, 10_000))
def test_a_larger_loss_leaves_the_cedant_no_less_and_pays_the_year_no_less(
    losses: EventLosses, programme: list[ReinsuranceContract], which: int, more: int
) -> None:
    if not losses.loss.size:
        return
    larger = losses.loss.copy()
    larger[which % larger.size] += more
    after = EventLosses(
        losses.paths, losses.path, losses.day, losses.event, losses.peril, larger, losses.perils
    )
    first = [programme[0]]  # later contracts see what earlier ones leave, which may fall by a fen of rounding
    small, large = reinsure(losses, first), reinsure(after, first)
    paid = [by_year(result.cessions[0].used, losses) for result in (small, large)]
    assert (paid[1] >= paid[0]).all()
    net = [by_year(result.net.loss, losses) for result in (small, large)]
    assert (net[1] >= net[0] - losses.loss.size).all()


@settings(max_examples=60, deadline=None)
@given(catalogues(), amount, amount, amount)
def test_two_adjacent_layers_are_one(
    losses: EventLosses, attachment: float, first: float, second: float
) -> None:
    """Without limits of the year: l1 xs a and l2 xs (a + l1) pay what (l1 + l2) xs a pays, to the fen."""
    tower = [
        contract("excess_of_loss", name="low", attachment=attachment, limit=first),
        contract("excess_of_loss", name="high", attachment=attachment + first, limit=second),
    ]
    one = contract("excess_of_loss", attachment=attachment, limit=first + second)
    assert np.array_equal(reinsure(losses, tower).net.loss, reinsure(losses, [one]).net.loss)


@settings(max_examples=60, deadline=None)
@given(catalogues(), amount, amount, st.lists(st.sampled_from([0.0, 0.5, 1.0]), max_size=3), st.booleans())
def test_reinstatements_only_add_cover_and_cost_at_most_their_price(
    losses: EventLosses, attachment: float, limit: float, prices: list[float], in_time: bool
) -> None:
    terms = {"attachment": attachment, "limit": limit, "premium": 1000.0}
    (few,) = reinsure(losses, [contract("excess_of_loss", reinstatements=prices, **terms)]).cessions
    (more,) = reinsure(losses, [contract("excess_of_loss", reinstatements=[*prices, 1.0], **terms)]).cessions
    assert (more.ceded >= few.ceded).all()
    assert (more.reinstatement_premium >= few.reinstatement_premium).all()
    # Half a fen of rounding an event.
    most = 100 * 1000 * sum(prices) + 0.5 * losses.loss.size
    assert by_year(few.reinstatement_premium, losses).max(initial=0) <= most
    if prices and in_time:
        timed = contract("excess_of_loss", reinstatements=prices, pro_rata_time=True, **terms)
        (late,) = reinsure(losses, [timed]).cessions
        assert (late.reinstatement_premium <= few.reinstatement_premium).all()
        assert np.array_equal(late.ceded, few.ceded)


def test_what_is_no_catalogue_is_refused() -> None:
    layer = [contract("stop_loss", attachment=1.0, limit=1.0)]
    for dated, says in (
        (((1, 0, 5), (0, 0, 5)), "sorted"),
        (((0, 9, 5), (0, 8, 5)), "sorted"),
        (((0, 365, 5),), "days must"),
        (((0, 0, -5),), "negative"),
        (((3, 0, 1),), "rows of events"),
    ):
        with pytest.raises(ValueError, match=says):
            reinsure(events(*dated, paths=2), layer)
    with pytest.raises(ValueError, match="must not fall"):
        reinsure(events((0, 0, 1)), [contract("stop_loss", inuring=2, attachment=1.0, limit=1.0), *layer])


def test_the_result_is_frozen_pure_and_leaves_the_input_alone() -> None:
    losses = events((0, 0, 50 * MILLION))
    result = reinsure(losses, [contract("quota_share", cession=0.25)])
    assert isinstance(result, Reinsured)
    assert result.gross is losses
    assert losses.loss.tolist() == [50 * MILLION]
