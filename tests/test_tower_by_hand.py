"""A whole reinsurance tower over eight years, a fund over two, and Yinchuan's contracts on told events: all by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fangpinbao.catastrophe.outcomes import simulate_catastrophe
from fangpinbao.estimators import Years
from fangpinbao.fund import fund_outlook
from fangpinbao.reinsurance import reinsure
from fangpinbao.scenario.load import load_scenario
from fangpinbao.scenario.reinsurance import CatastropheFund, FinancialTerms
from tests.test_reinsurance import events

SCENARIOS = Path(__file__).resolve().parents[1] / "scenarios"

# Quota share 25%; then 10m xs 5m (3m a year borne first, reinstated at 100% and 50%, pro rata of time) and 20m xs
# 15m (not reinstated) beside it; then 6m xs 8m of the year's total, nine tenths placed.
TOWER = FinancialTerms.model_validate(
    {
        "reinsurance": [
            {"name": "quota", "kind": "quota_share", "inuring": 1, "cession": 0.25},
            {
                "name": "low", "kind": "excess_of_loss", "inuring": 2, "attachment": 5e6, "limit": 10e6,
                "annual_deductible": 3e6, "reinstatements": [1.0, 0.5], "pro_rata_time": True, "premium": 800_000,
            },
            {
                "name": "high", "kind": "excess_of_loss", "inuring": 2, "attachment": 15e6, "limit": 20e6,
                "reinstatements": [], "premium": 300_000,
            },
            {"name": "stop", "kind": "stop_loss", "inuring": 3, "attachment": 8e6, "limit": 6e6, "placed": 0.9},
        ]
    }
).reinsurance  # fmt: skip

# year, day, then in millions: gross; quota, low, high, stop; net. Last, what reinstating the low layer costs in yuan.
LEDGER: list[tuple[int, int, float, float, float, float, float, float, float]] = [
    # 1: below everything.
    (1, 10, 4.0, 1.0, 0.0, 0.0, 0.0, 3.0, 0.0),
    # 2: 15 after the quota fills the low layer, which pays 10 - 3, just misses the high one; 8 just misses the stop.
    (2, 0, 20.0, 5.0, 7.0, 0.0, 0.0, 8.0, 560_000.0),
    # 3: 36: 7 and all 20 are paid; 9 - 8 = 1, of which 0.9. Day 73: four fifths of the year are left.
    (3, 73, 48.0, 12.0, 7.0, 20.0, 0.9, 8.1, 448_000.0),
    # 4: the low layer owes 4, 11, 21 in all, less 3: 1, 8, 18; the rest comes to 8, 13, 18, the stop to 0, 5, 6.
    (4, 0, 12.0, 3.0, 1.0, 0.0, 0.0, 8.0, 80_000.0),
    (4, 146, 16.0, 4.0, 7.0, 0.0, 4.5, 0.5, 336_000.0),
    (4, 219, 40.0, 10.0, 10.0, 15.0, 0.9, 4.1, 192_000.0),
    # 5: the low layer's three limits and the high one's only limit run out, the stop's 6 on the second event.
    (5, 0, 40.0, 10.0, 7.0, 15.0, 0.0, 8.0, 560_000.0),
    (5, 73, 40.0, 10.0, 10.0, 5.0, 5.4, 9.6, 416_000.0),
    (5, 146, 40.0, 10.0, 10.0, 0.0, 0.0, 20.0, 72_000.0),
    (5, 219, 40.0, 10.0, 3.0, 0.0, 0.0, 27.0, 0.0),
    # 6: two on the last day: 560,000 / 365 and (0.3 + 0.7 x 0.5) x 800,000 / 365.
    (6, 364, 20.0, 5.0, 7.0, 0.0, 0.0, 8.0, 1_534.25),
    (6, 364, 20.0, 5.0, 10.0, 0.0, 4.5, 0.5, 1_424.66),
    # 7: two fen more than in year 2: the quota takes half a fen rounded up, the high layer the other one.
    (7, 0, 20.000_000_02, 5.000_000_01, 7.0, 0.000_000_01, 0.0, 8.0, 560_000.0),
]  # fmt: skip


def test_a_tower_over_eight_years_in_date_order() -> None:
    fen = [[round(amount * 1e8) for amount in row[2:8]] for row in LEDGER]
    told = events(*((row[0], row[1], loss[0]) for row, loss in zip(LEDGER, fen, strict=True)), paths=8)
    result = reinsure(told, TOWER)
    ceded = [cession.ceded.tolist() for cession in result.cessions]
    assert [*map(list, zip(*ceded, result.net.loss.tolist(), strict=True))] == [loss[1:] for loss in fen]
    assert [sum(loss[1:]) for loss in fen] == told.loss.tolist()
    quota, low, high, stop = result.cessions
    assert low.reinstatement_premium.tolist() == [round(row[8] * 100) for row in LEDGER]
    assert not high.reinstatement_premium.any()
    years = {cession.contract.name: np.flatnonzero(cession.exhausted).tolist() for cession in result.cessions}
    assert years == {"quota": [], "low": [5], "high": [3, 5], "stop": [4, 5]}
    assert np.flatnonzero(low.attached).tolist() == [2, 3, 4, 5, 6, 7]
    assert np.flatnonzero(stop.attached).tolist() == [3, 4, 5, 6]
    assert quota.premium(2_250_000.0) == 562_500.0


def test_a_fund_over_two_years_by_its_four_paths() -> None:
    """Every other year costs 2m: 1m at first, 1m a year (0.4m and 30% of a premium of 2m), 10% interest.

    After a year 2.2 without a claim, 0.2 with one; after two 3.52, 1.52, 1.32, and 0 with a shortfall of 2 - 1.32.
    One year needs (b + 1) x 1.1 >= 2; two need ((b + 1) x 1.1 - 2 + 1) x 1.1 >= 2.
    """
    # Balances lie on 65,536 cells of at most 4m (two claims) and are rounded by half a step, opening, money in hand
    # and claim: after a year 0.5 x 1.1 + 0.5 + 0.5 = 1.55 steps, after two 1.55 x 1.1 + 1 = 2.705. The capital is the
    # smallest balance that does, a step more, and a step a year is worth 1 / 1.1 and (1.1 + 1) / 1.21 before interest.
    step = 4e6 / 65_536
    loss = np.where(np.arange(1000) % 2 == 1, 250_000_000, 0)
    terms = CatastropheFund(
        initial=1e6, contribution=400_000.0, premium_share=0.3, interest=0.1, attachment=500_000.0, horizon=2
    )
    outlook = fund_outlook(loss, Years.equal(1000), terms, 2e6)
    assert outlook.ruin[1].value == 0.0
    assert outlook.ruin[2].value == pytest.approx(0.25)
    assert outlook.balance[1].value == pytest.approx(1_200_000, abs=1.55 * step)
    assert outlook.balance[2].value == pytest.approx((3.52e6 + 1.52e6 + 1.32e6) / 4, abs=2.705 * step)
    assert outlook.shortfall.value == pytest.approx(0.25 * 680_000 / 2, abs=0.25 * 2.705 * step / 2)
    assert outlook.capital[1, 0.99].value == pytest.approx(2 / 1.1 * 1e6 - 1e6, abs=(1 + 1 / 1.1) * step)
    assert outlook.capital[2, 0.995].value == pytest.approx(
        (2 / 1.1 - 0.1) / 1.1 * 1e6, abs=(1 + 2.1 / 1.21) * step
    )


# year, day, peril, size, loss in millions; then what each contract pays, in millions.
TOLD: list[tuple[int, int, str, float, float, float, float]] = [
    # M 4.9 does not pull the trigger of M 5, M 5.0 does.
    (1, 10, "earthquake", 4.9, 1.0, 1.0, 0.0),
    (1, 40, "earthquake", 5.0, 2.0, 2.0, 2.0),
    # A storm a little short of red pays under "no trigger" alone, and uses up its 800 before the year's end.
    (2, 20, "earthquake", 6.5, 500.0, 500.0, 500.0),
    (2, 120, "windstorm", 0.0, 400.0, 300.0, 0.0),
    (2, 300, "earthquake", 6.0, 350.0, 0.0, 300.0),
    # Just the limit; a new year has a new one.
    (3, 1, "earthquake", 7.0, 800.0, 800.0, 800.0),
    (3, 365, "earthquake", 7.0, 0.01, 0.0, 0.0),
    # Three days apart are two occurrences of 72 hours, which changes nothing without a limit per event.
    (4, 50, "earthquake", 5.5, 600.0, 600.0, 600.0),
    (4, 53, "earthquake", 4.5, 600.0, 200.0, 0.0),
    # Two days apart they are one: the shock of M 4.5 is paid with the one of M 5.5.
    (5, 50, "earthquake", 5.5, 100.0, 100.0, 100.0),
    (5, 52, "earthquake", 4.5, 50.0, 50.0, 50.0),
]  # fmt: skip


def test_yinchuan_2019_on_told_events(tmp_path: Path) -> None:
    """Official terms of 2019: 800 million, used up in date order; triggers and 72 hours as the file assumes them."""
    rows = [f"{k},{peril},{year},{day},{size},习岗镇,{loss * 1e6:.0f}"
            for k, (year, day, peril, size, loss, *_) in enumerate(TOLD)]  # fmt: skip
    text = "\n".join(["event,peril,year,day,size,cell,loss", *rows])
    (tmp_path / "told.csv").write_text(text, encoding="utf-8")
    (tmp_path / "told.toml").write_text(
        f'''format = 1
name = "told"
extends = "{SCENARIOS / "yinchuan-2019.toml"}"
without = ["catastrophe.tiers"]

[catastrophe.catalogue]
source = "contract_assumed"
file = "told.csv"
years = 5
''',
        encoding="utf-8",
    )
    outcomes = simulate_catastrophe(load_scenario(tmp_path / "told.toml"), 5)
    for column, name in enumerate(("base", "triggered"), start=5):
        losses = outcomes.event_losses(name)
        found = zip(losses.path.tolist(), losses.day.tolist(), losses.loss.tolist(), strict=True)
        told = [(row[0] - 1, row[1] - 1, round(row[column] * 1e8)) for row in TOLD]
        assert sorted(row for row in found if row[2]) == [row for row in told if row[2]], name
