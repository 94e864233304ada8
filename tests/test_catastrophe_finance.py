"""All figures of the financial side at once: they add up, and the tables show them in both languages."""

from __future__ import annotations

import io
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from fangpinbao.catastrophe_finance import Finance, finance
from fangpinbao.estimators import Years
from fangpinbao.event_losses import EventLosses
from fangpinbao.finance_tables import finance_tables
from fangpinbao.scenario.reinsurance import FinancialTerms

CONTRACTS: list[dict[str, Any]] = [
    {"name": "quota", "kind": "quota_share", "inuring": 1, "cession": 0.3, "commission": 0.25,
     "reinsurers": {"first": 0.6, "second": 0.4}, "label": {"en": "quota share", "zh": "成数分保"}},
    {"name": "layer", "kind": "excess_of_loss", "inuring": 2, "attachment": 1e6, "limit": 9e6, "placed": 0.8,
     "reinstatements": [1.0], "premium": 2e5, "reinsurers": {"first": 1.0}},
]  # fmt: skip
CARRIERS = {"lead": 0.4, "second": 0.3, "third": 0.3}


def losses(seed: int, years: int) -> EventLosses:
    rng = np.random.default_rng([95, seed])
    count = rng.poisson(0.4, years)
    path = np.repeat(np.arange(years), count)
    day = rng.integers(0, 365, path.size)
    order = np.lexsort((day, path))
    loss = np.round(1e7 * rng.pareto(1.4, path.size)).astype(np.int64)
    peril = rng.integers(0, 2, path.size)
    return EventLosses(years, path, day[order], np.arange(path.size), peril, loss, ("rain", "quake"))


@cache
def result() -> Finance:
    return finance(
        losses(1, 4000),
        Years.equal(4000),
        FinancialTerms.model_validate(
            {
                "reinsurance": CONTRACTS,
                "pool": {"carriers": CARRIERS},
                "fund": {"initial": 1e6, "premium_share": 0.2, "horizon": 5},
                "loading": {"expense_share": 0.25},
            }
        ),
        premium=6e5,
    )


def value(measure: str, programme: str, **where: Any) -> float:
    found = result().figures.select(programme=programme, measure=measure, **{"statistic": "mean", **where})
    assert len(found) == 1, (measure, where)
    return found[0].value


def test_gross_is_ceded_and_net_and_the_carriers_share_the_net() -> None:
    gross, ceded, net = (value("year_loss", programme, group=None) for programme in ("gross", "ceded", "net"))
    assert gross == pytest.approx(ceded + net, rel=1e-12)
    contracts = [value("ceded_loss", "ceded", coverage=name, group=None) for name in ("quota", "layer")]
    assert sum(contracts) == pytest.approx(ceded, rel=1e-12)
    reinsurers = [value("ceded_loss", "ceded", coverage=None, group=name) for name in ("first", "second")]
    assert sum(reinsurers) == pytest.approx(ceded, rel=1e-12)
    carriers = [value("carrier_loss", "net", group=name) for name in CARRIERS]
    assert sum(carriers) == pytest.approx(net, rel=1e-12)


def test_the_pool_keeps_the_premium_less_reinsurance_plus_commission() -> None:
    """600,000 - 30% x 0.75 - 80% of 200,000."""
    assert result().pool_premium == pytest.approx(600_000 - 0.3 * 600_000 * 0.75 - 160_000)
    premiums = [value("carrier_premium", "net", group=name, statistic="value") for name in CARRIERS]
    assert sum(premiums) == pytest.approx(result().pool_premium)


def test_every_figure_is_a_record_with_an_error_and_once() -> None:
    figures = result().figures
    records = json.loads(json.dumps(figures.to_records(), allow_nan=False))
    keys = {figure.key for figure in figures}
    assert len(keys) == len(figures) == len(records)
    for figure in figures:
        assert (figure.standard_error is None) == (figure.method != "simulated")
    measures = {figure.measure for figure in figures}
    assert {
        "year_loss",
        "largest_event_loss",
        "technical_premium",
        "reinsurance_cost",
        "carrier_loss",
    } <= measures
    assert {"fund_ruin", "fund_balance", "fund_shortfall", "fund_capital", "layer_attached"} <= measures


def test_a_quota_share_without_a_premium_has_no_price() -> None:
    terms = FinancialTerms.model_validate({"reinsurance": CONTRACTS[:1]})
    figures = finance(losses(2, 300), Years.equal(300), terms).figures
    assert not figures.select(measure=("ceded_premium", "reinsurance_cost"))
    assert "ceded / quota: ceded_premium, reinsurance_cost: no premium is given" in figures.notes


def test_several_contracts_have_names_of_their_own() -> None:
    named = finance(losses(1, 500), Years.equal(500), contract="y2019")
    assert {figure.programme for figure in named.figures} == {"y2019/gross"}
    assert named.reinsured.net.loss is named.reinsured.gross.loss


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        ("en", ("OEP", "AEP, net", "Is the premium enough?", "quota share", "Co-insurance pool", "within 5 years")),
        ("zh", ("单次", "再保后", "保费是否充足", "成数分保", "共保体", "5 年内", "巨灾基金", "所需初始资金")),
    ],
)  # fmt: skip
def test_tables_show_all_of_it(lang: Any, words: tuple[str, ...]) -> None:
    page = io.StringIO()
    tables = finance_tables(result(), lang)
    assert len(tables) == 6
    for table in tables:
        Console(file=page, width=160).print(table)
    text = page.getvalue()
    for word in words:
        assert word in text
    assert "±" in text


def test_without_terms_there_are_curves_only() -> None:
    bare = finance(losses(2, 300), Years.equal(300))
    assert [table.title.split(":")[0] for table in finance_tables(bare)] == ["Losses in yuan"]


def test_the_example_of_the_page_runs(capsys: pytest.CaptureFixture[str]) -> None:
    page = Path(__file__).resolve().parents[1] / "docs" / "reinsurance.md"
    (code,) = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    exec(compile(code, str(page), "exec"), {})  # the project's own page
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == 3
    assert all("±" in line or "in 0 of" in line for line in printed)
