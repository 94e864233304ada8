"""Assumed terms of reinsurance, fund and price over their ranges: the same losses, other terms."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from fangpinbao.catastrophe.figures import catastrophe_figures, premium_of
from fangpinbao.catastrophe.outcomes import CatastropheOutcomes, simulate_catastrophe
from fangpinbao.catastrophe_files import write_catastrophe
from fangpinbao.catastrophe_finance import finance
from fangpinbao.errors import InputError
from fangpinbao.files import results_schema
from fangpinbao.finance_ranges import finance_headline, finance_range_table, finance_ranges
from fangpinbao.scenario import load_scenario


@pytest.fixture(scope="module")
def outcomes() -> CatastropheOutcomes:
    return simulate_catastrophe(load_scenario("yinchuan-2019"), 2_000, 3)


def test_the_headline_is_that_of_all_figures(outcomes: CatastropheOutcomes) -> None:
    table = outcomes.model.table
    here = finance_headline(outcomes, "base", table)
    premium = premium_of(outcomes, "base")
    whole = finance(outcomes.event_losses("base"), outcomes.years, table, premium=premium).figures
    costs = whole.select(measure="reinsurance_cost", statistic="mean")
    expected = {
        "net_loss": whole.select(programme="net", measure="year_loss", statistic="mean", group=None)[0].value,
        "net_loss_tvar_99": whole.select(programme="net", measure="year_loss", statistic="tvar_99")[0].value,
        "reinsurance_cost": sum(figure.value or 0.0 for figure in costs),
        "technical_premium": whole.one("technical_premium", "gross", "mean").value,
        "fund_ruin": whole.select(measure="fund_ruin", group="within_10_years")[0].value,
    }
    assert len(costs) == 4
    assert here == pytest.approx(expected, rel=1e-9)


def test_ends_by_hand(outcomes: CatastropheOutcomes) -> None:
    here, found = finance_ranges(outcomes, "base")
    by_place = {one.place: one for one in found}
    # Each yuan of a layer's premium is a yuan of cost, and moves nothing else.
    layer = by_place["catastrophe.reinsurance[1].premium"]
    assert set(layer.at_low) == {"reinsurance_cost"}
    assert layer.at_low["reinsurance_cost"] < here["reinsurance_cost"] < layer.at_high["reinsurance_cost"]
    # The loading for expenses divides the premium: (1 - 0.2552) / (1 - e).
    price = by_place["catastrophe.loading.expense_share"]
    assert set(price.at_low) == {"technical_premium"}
    for end, share in (("at_low", 0.15), ("at_high", 0.35)):
        expected = here["technical_premium"] * (1 - 0.2552) / (1 - share)
        assert getattr(price, end)["technical_premium"] == pytest.approx(expected, rel=1e-9)
    # A fund without contributions is ruined sooner; what it is paid in changes no reinsurance.
    fund = by_place["catastrophe.fund.contribution"]
    assert set(fund.at_low) == {"fund_ruin"}
    assert fund.at_low["fund_ruin"] >= here["fund_ruin"] >= fund.at_high["fund_ruin"]
    # A larger cession leaves less.
    cession = by_place["catastrophe.reinsurance[0].cession"]
    assert cession.at_low["net_loss"] > here["net_loss"] > cession.at_high["net_loss"]
    assert "technical_premium" not in cession.at_low


def test_shown_and_written(outcomes: CatastropheOutcomes, tmp_path: Path) -> None:
    here, found = finance_ranges(outcomes, "base")
    shown = finance_range_table(here, found, outcomes.model.table)
    assert shown.table.row_count == len(found) + 1
    assert "quota_share.cession" in list(shown.table.columns[0].cells)
    folder = write_catastrophe(tmp_path / "out", outcomes, catastrophe_figures(outcomes), ranges=found)
    document = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    jsonschema.validate(document, results_schema())
    assert {one["place"] for one in document["ranges"]} == {one.place for one in found}
    assert {one["contract"] for one in document["ranges"]} == {"base"}


def test_without_terms_nothing_is_moved() -> None:
    plain = simulate_catastrophe(load_scenario("yinchuan-2018"), 500, 3)
    assert finance_ranges(plain, "base")[1] == []


def test_no_range_breaks_the_tower(outcomes: CatastropheOutcomes) -> None:
    """Layer 1 ends where layer 2 begins; moved alone, its attachment would open a gap, or overlap and be refused."""
    scenario, moved = outcomes.scenario, []
    for number in scenario.numbers:
        if number.place.startswith("catastrophe.reinsurance[") and number.range is not None:
            moved.append(number.place)
            for end in number.range:
                table = scenario.replace(number.place, end).catastrophe
                assert table is not None
                first, second = (one for one in table.reinsurance if one.kind == "excess_of_loss")
                assert (first.attachment or 0.0) + (first.limit or 0.0) == second.attachment
    assert "catastrophe.reinsurance[0].cession" in moved
    with pytest.raises(InputError, match="layer_1 and layer_2 overlap from 50,000,000 to 60,000,000 yuan"):
        scenario.replace("catastrophe.reinsurance[1].attachment", 20_000_000)
