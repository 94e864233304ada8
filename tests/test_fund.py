"""The fund against exact recursions by hand, an independent simulation, and laws; its errors by replication."""

from __future__ import annotations

import math
from fractions import Fraction
from functools import cache

import numpy as np
import pytest

from fangpinbao import fund as fund_module
from fangpinbao.estimators import Years
from fangpinbao.fund import NOTE_CEILING, claims_on_fund, fund_figures, fund_outlook
from fangpinbao.jackknife import jackknife_error, replicate_histograms
from fangpinbao.scenario.reinsurance import CatastropheFund

YUAN = 100


def fund(**terms: float | int | str) -> CatastropheFund:
    return CatastropheFund.model_validate(terms)


@cache
def ruin_by_hand(chance: Fraction, claim: int, paid_in: int, balance: int, years: int) -> Fraction:
    """Chance that a claim, of one size and with one chance a year, ever exceeds the money."""
    if years == 0:
        return Fraction(0)
    money = balance + paid_in
    fails = Fraction(1) if claim > money else ruin_by_hand(chance, claim, paid_in, money - claim, years - 1)
    return chance * fails + (1 - chance) * ruin_by_hand(chance, claim, paid_in, money, years - 1)


# One year in ten costs 10; the fund opens with 5 and gets 1 a year.
TENTH = np.where(np.arange(1000) % 10 == 3, 10 * YUAN, 0)


def test_ruin_is_that_of_the_recursion_by_hand() -> None:
    outlook = fund_outlook(TENTH, Years.equal(1000), fund(initial=5.0, contribution=1.0, horizon=12))
    for years, estimate in outlook.ruin.items():
        assert estimate.value == pytest.approx(
            float(ruin_by_hand(Fraction(1, 10), 10, 1, 5, years)), abs=1e-9
        )
    # Four years without a claim bring 9, the fifth 10: within 4 years, ruin is the chance of any claim.
    assert outlook.ruin[4].value == pytest.approx(1 - 0.9**4)
    assert outlook.ruin[5].value == pytest.approx(1 - 0.9**4)


def test_capital_is_the_smallest_balance_that_the_recursion_finds_enough() -> None:
    capital = fund_outlook(TENTH, Years.equal(1000), fund(contribution=1.0, horizon=12)).capital
    for (years, level), estimate in capital.items():
        enough = (
            b
            for b in range(200)
            if ruin_by_hand(Fraction(1, 10), 10, 1, b, years) <= Fraction(str(1 - level))
        )
        assert estimate.value == pytest.approx(next(enough), abs=0.011)


def test_the_mean_balance_is_what_came_in_less_what_was_paid() -> None:
    """Without interest and ceiling: E[balance after T] = initial + T (contribution - claim + shortfall)."""
    outlook = fund_outlook(TENTH, Years.equal(1000), fund(initial=5.0, contribution=1.0, horizon=12))
    assert outlook.shortfall.value is not None
    expected = 5.0 + 12 * (1.0 - 1.0 + outlook.shortfall.value)
    assert outlook.balance[12].value == pytest.approx(expected, rel=1e-9)
    # One year: 6 without a claim, 0 with one, of which 4 are unpaid.
    assert outlook.balance[1].value == pytest.approx(0.9 * 6)
    assert outlook.balance_quantiles[1, 0.5].value == pytest.approx(6.0)
    assert outlook.balance_quantiles[1, 0.05].value == pytest.approx(0.0)


def heavy_losses(n: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng([71, seed])
    loss = 1e6 * rng.pareto(1.6, n) * (rng.random(n) < 0.3)
    return np.round(YUAN * loss).astype(np.int64)


HEAVY = fund(
    initial=1e6, contribution=2e5, premium_share=0.2, interest=0.03, attachment=1e5, limit=2e7, ceiling=4e6,
    horizon=20,
)  # fmt: skip


def test_an_independent_simulation_agrees() -> None:
    losses = heavy_losses(20_000, 1)
    outlook = fund_outlook(losses, Years.equal(20_000), HEAVY, premium=5e5)
    rng, paths = np.random.default_rng(72), 100_000
    balance, ruined, unpaid = np.full(paths, 1e6), np.zeros(paths, bool), np.zeros(paths)
    for year in range(1, 21):
        drawn = losses[rng.integers(0, losses.size, paths)] / YUAN
        claim = np.clip(drawn - 1e5, 0.0, 2e7)
        money = (balance + 2e5 + 0.2 * 5e5) * 1.03
        ruined |= claim > money
        unpaid += np.maximum(claim - money, 0.0)
        balance = np.clip(money - claim, 0.0, 4e6)
        if year in outlook.balance:
            share, error = ruined.mean(), ruined.std() / math.sqrt(paths)
            grid = (outlook.ruin[year].upper or 0.0) - (outlook.ruin[year].lower or 0.0)
            grid -= 2 * 1.959964 * (outlook.ruin[year].standard_error or 0.0)
            assert grid < 0.001
            assert abs(outlook.ruin[year].value - share) < 4 * error + grid
            error = balance.std() / math.sqrt(paths)
            assert abs(outlook.balance[year].value - balance.mean()) < 4 * error + 200
            for level in (0.05, 0.5):
                at = outlook.balance_quantiles[year, level].value
                reach = 4 * math.sqrt(level * (1 - level) / paths)
                # A grid of 4m / 2^15 = 122 yuan, rounded once a year.
                assert (balance <= at - 2500).mean() <= level + reach
                assert (balance <= at + 2500).mean() >= level - reach
    mean, error = unpaid.mean() / 20, unpaid.std() / 20 / math.sqrt(paths)
    assert abs(outlook.shortfall.value - mean) < 4 * error + 20


def test_strata_and_weights_give_the_law_they_stand_for() -> None:
    """All bad years in a stratum of chance 0.02 that holds half of the years."""
    losses = np.concatenate([np.zeros(500), np.full(500, 10 * YUAN)]).astype(np.int64)
    years = Years.stratified(np.repeat([0, 1], 500), {0: 0.98, 1: 0.02})
    outlook = fund_outlook(losses, years, fund(initial=5.0, contribution=1.0, horizon=8))
    for t, estimate in outlook.ruin.items():
        assert estimate.value == pytest.approx(float(ruin_by_hand(Fraction(1, 50), 10, 1, 5, t)), abs=1e-9)
        assert estimate.standard_error == pytest.approx(0.0, abs=1e-12)  # no spread within either stratum


def test_errors_are_those_of_replications(monkeypatch: pytest.MonkeyPatch) -> None:
    """Over 120 samples of 600 years: the spread of each figure, and how often the interval holds the truth."""
    monkeypatch.setattr(fund_module, "_FINE", 2**12)
    monkeypatch.setattr(fund_module, "_COARSE", 2**9)
    terms = fund(initial=2e6, contribution=3e5, horizon=5, limit=1e7)

    def figures(losses: np.ndarray) -> dict[str, tuple[float, float, float, float]]:
        outlook = fund_outlook(losses, Years.equal(losses.size), terms, levels=(0.9,))
        found = {
            "ruin 1": outlook.ruin[1],
            "ruin 5": outlook.ruin[5],
            "balance": outlook.balance[5],
            "median": outlook.balance_quantiles[5, 0.5],
            "shortfall": outlook.shortfall,
            "capital": outlook.capital[5, 0.9],
        }
        return {name: (e.value, e.standard_error, e.lower, e.upper) for name, e in found.items()}

    truth = figures(heavy_losses(400_000, 2))
    samples = [figures(heavy_losses(600, 100 + k)) for k in range(120)]
    for name, (true, *_) in truth.items():
        values, errors, lower, upper = np.array([sample[name] for sample in samples], dtype=float).T
        spread = values.std(ddof=1)
        # A spread of 120 is known to 6.5%, the mean of their errors better; skewed figures need more.
        assert errors.mean() == pytest.approx(spread, rel=0.25), name
        assert ((lower <= true) & (true <= upper)).sum() >= 104, name  # 95% of 120 less 4 binomial errors
        assert abs(values.mean() - true) < 4 * spread / math.sqrt(120) + 0.01 * abs(true), name


def replicate_means(values: np.ndarray, years: Years) -> np.ndarray:
    return replicate_histograms(np.zeros(years.n, dtype=np.int64), 1, years, values)[:, 0]


def test_the_jackknife_gives_the_textbook_error_of_a_mean() -> None:
    rng = np.random.default_rng(5)
    values, years = rng.normal(size=1000), Years.equal(1000)
    error = jackknife_error(replicate_means(values, years))
    # A hundred groups know the error to 1 / sqrt(2 x 99) = 7%.
    assert error == pytest.approx(values.std(ddof=1) / math.sqrt(1000), rel=4 * 0.07)
    stratified = Years.stratified(np.repeat([0, 1], [700, 300]), {0: 0.9, 1: 0.1})
    assert replicate_means(np.ones(1000), stratified) == pytest.approx(1.0)
    parts = [0.9**2 * values[:700].var(ddof=1) / 700, 0.1**2 * values[700:].var(ddof=1) / 300]
    error = jackknife_error(replicate_means(values, stratified))
    assert error == pytest.approx(math.sqrt(sum(parts)), rel=4 * 0.07)
    # As many groups as years: delete-one, which is exact.
    error = jackknife_error(replicate_means(values[:20], Years.equal(20)))
    assert error == pytest.approx(values[:20].std(ddof=1) / math.sqrt(20))
    assert jackknife_error(replicate_means(values[:1], Years.equal(1))) is None


def test_more_money_is_safer_and_a_longer_look_riskier() -> None:
    losses, years = heavy_losses(5000, 3), Years.equal(5000)
    small = fund_outlook(losses, years, fund(initial=1e6, contribution=1e5, horizon=8))
    large = fund_outlook(losses, years, fund(initial=3e6, contribution=1e5, horizon=8))
    chances = [small.ruin[t].value for t in range(1, 9)]
    assert chances == sorted(chances)
    assert all(large.ruin[t].value < small.ruin[t].value for t in range(1, 9))
    assert large.shortfall.value < small.shortfall.value
    needed = small.capital
    assert needed[1, 0.99].value < needed[1, 0.995].value
    assert needed[1, 0.99].value < needed[8, 0.99].value
    assert needed == large.capital  # what is needed does not depend on what there is


def test_the_layer_of_the_fund() -> None:
    losses = np.array([0, 5, 20, 300], dtype=np.int64) * YUAN
    terms = fund(initial=1.0, attachment=10.0, limit=50.0)
    assert claims_on_fund(losses, terms).tolist() == [0, 0, 10 * YUAN, 50 * YUAN]


def test_a_year_never_seen_is_no_year_that_cannot_be() -> None:
    years = Years.equal(200)
    outlook = fund_outlook(np.zeros(200, dtype=np.int64), years, fund(initial=1.0, horizon=10))
    assert (outlook.ruin[10].value, outlook.ruin[10].upper) == (0.0, 30 / 200)
    assert str(outlook.ruin[10]) == "in 0 of 200 years; the chance of ruin within 10 is at most 30/200"
    assert outlook.capital[1, 0.99].upper is None
    figures = fund_figures(np.zeros(200, dtype=np.int64), years, fund(initial=1.0, horizon=10))
    assert any("fund_capital" in note for note in figures.notes)


def test_a_ceiling_below_what_is_needed_is_named() -> None:
    outlook = fund_outlook(TENTH, Years.equal(1000), fund(initial=5.0, ceiling=6.0, horizon=3))
    assert outlook.capital[3, 0.99].value is None
    assert outlook.capital[3, 0.99].note == NOTE_CEILING
    assert outlook.balance[3].value <= 6.0


def test_a_lone_year_has_no_error_and_wrong_losses_are_refused() -> None:
    outlook = fund_outlook(np.array([7], dtype=np.int64), Years.equal(1), fund(initial=1.0, horizon=2))
    assert outlook.balance[1].standard_error is outlook.shortfall.standard_error is None
    for losses in (np.array([1, 2]), np.array([-1])):
        with pytest.raises(ValueError, match="nonnegative fen"):
            fund_outlook(losses, Years.equal(1), fund(initial=1.0))


def test_figures_carry_span_error_and_label() -> None:
    figures = fund_figures(TENTH, Years.equal(1000), fund(initial=5.0, contribution=1.0, horizon=10))
    ruin = figures.one("fund_ruin", group="within_10_years")
    assert (ruin.programme, ruin.unit, ruin.statistic) == ("net", "share", "share")
    assert ruin.standard_error is not None
    assert figures.one("fund_capital", statistic="p99_5", group="within_1_years").unit == "yuan"
    assert (
        figures.one("fund_balance", group="year_10").lower
        < figures.one("fund_balance", group="year_10").value
    )
