"""Who bears the losses of a catastrophe run: reinsurance, pool and fund read the events, on the command line too."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from fangpinbao import estimators
from fangpinbao.catastrophe.figures import catastrophe_figures
from fangpinbao.catastrophe.outcomes import simulate_catastrophe
from fangpinbao.catastrophe_files import write_catastrophe
from fangpinbao.catastrophe_run import finances_of
from fangpinbao.cli import app
from fangpinbao.errors import InputError
from fangpinbao.files import results_schema
from fangpinbao.finance_tables import finance_tables
from fangpinbao.scenario import Scenario, load_scenario
from tests.catastrophe_cases import contract, document, scenario

LAYER: dict[str, Any] = {
    "name": "layer", "kind": "excess_of_loss", "inuring": 1, "attachment": 200_000, "limit": 300_000,
    "annual_limit": 300_000, "premium": 10_000,
}  # fmt: skip
POOL = {"carriers": {"lead": 0.5, "second": 0.3, "third": 0.2}}


def terms(**tables: Any) -> Scenario:
    """A storm of 1 in 1,000 dead on 10,000 residents: about ten dead, 500,000 yuan an event."""
    contracts = {"base": contract(["storm"], premium=500_000), "half": contract(["storm"], per_person=25_000)}
    return scenario(contracts=contracts, **tables)


def test_the_layer_by_hand_on_the_events_of_the_run() -> None:
    outcomes = simulate_catastrophe(terms(reinsurance=[LAYER], pool=POOL), 3000, 5)
    finances, reason = finances_of(outcomes)
    assert (list(finances), reason) == (["base", "half"], None)
    for name, one in finances.items():
        losses = outcomes.event_losses(name)
        expected = [0] * outcomes.n_paths
        for path, loss in zip(losses.path.tolist(), losses.loss.tolist(), strict=True):
            due = min(max(loss - 20_000_000, 0), 30_000_000)
            expected[path] += min(due, 30_000_000 - expected[path])
        assert one.reinsured.ceded.by_year().tolist() == expected
        assert max(expected) > 0
        ceded = one.figures.one("year_loss", f"{name}/ceded", "mean")
        assert ceded.value == pytest.approx(np.mean(expected) / 100)
        carriers = one.figures.select(programme=f"{name}/net", measure="carrier_loss", statistic="mean")
        net = one.figures.one("year_loss", f"{name}/net", "mean").value
        shares = {figure.group: figure.value / net for figure in carriers}
        assert shares == pytest.approx(POOL["carriers"], rel=1e-6)


def test_both_halves_of_a_stratified_run_agree() -> None:
    outcomes = simulate_catastrophe(load_scenario("yinchuan-2019"), 4000, threads=2)
    figures, finances = catastrophe_figures(outcomes), finances_of(outcomes, ["base"])[0]
    assert list(finances) == ["base"]
    for statistic in ("mean", "return_period_100"):
        theirs = finances["base"].figures.one("year_loss", "base/gross", statistic)
        mine = figures.one("payout", "base", statistic)
        assert (theirs.value, theirs.standard_error) == pytest.approx((mine.value, mine.standard_error))
    ratio = finances["base"].figures.one("loss_ratio", "base/gross").value
    assert ratio == pytest.approx(figures.one("loss_ratio", "base").value)


def test_it_is_left_out_where_nobody_is_named_who_bears_it() -> None:
    document = load_scenario("yinchuan-2018").document
    del document["catastrophe"]["pool"]
    assert finances_of(simulate_catastrophe(Scenario.from_document(document), 300)) == ({}, None)


def test_the_pool_of_2018_bears_all_of_it_among_ten() -> None:
    outcomes = simulate_catastrophe(load_scenario("yinchuan-2018"), 2000, threads=2)
    one = finances_of(outcomes, ["base"])[0]["base"]
    carriers = one.figures.select(programme="base/net", measure="carrier_loss", statistic="mean")
    assert len(carriers) == 10  # official
    whole = one.figures.one("year_loss", "base/gross", "mean").value
    assert sum(figure.value for figure in carriers) == pytest.approx(whole)


def test_it_is_left_out_where_years_are_not_independent() -> None:
    finances, reason = finances_of(simulate_catastrophe(load_scenario("yinchuan-1739"), 300))
    assert finances == {}
    assert "replays the same year" in (reason or "")
    result = CliRunner().invoke(app, ["run", "yinchuan-1739", "--years", "300", "--no-ranges"])
    assert result.exit_code == 0, result.output
    assert "Who bears the losses" not in result.output
    assert "left out: reinsurance, pool and fund" in result.output


def test_of_a_term_every_year_counts() -> None:
    """Means and their errors are those of the contracts' table; quantiles those of single years, errors by term."""
    outcomes = simulate_catastrophe(load_scenario("yinchuan-2019-term"), 6_000)
    finances, reason = finances_of(outcomes, ["base"])
    assert reason is None
    figures, whole = finances["base"].figures, catastrophe_figures(outcomes)
    for peril in (None, "earthquake", "flood"):
        mine = figures.one("year_loss", "base/gross", "mean", group=peril)
        theirs = whole.one("payout", "base", "mean", group=peril)
        assert (mine.value, mine.standard_error) == pytest.approx((theirs.value, theirs.standard_error))
    paid, weight = outcomes.event_losses("base").by_year() / 100, np.repeat(outcomes.years.weight / 3, 3)
    order = np.argsort(paid)
    for period in (100, 1000):
        at = np.searchsorted(np.cumsum(weight[order]), 1 - 1 / period - 1e-12)
        found = figures.one("year_loss", "base/gross", f"return_period_{period}").value
        assert found == pytest.approx(paid[order][at])
    often = figures.one("years_with_loss", "base/gross", "share")
    share = (paid > 0).reshape(-1, 3).mean(axis=1)
    by_term = estimators.mean(share, outcomes.years, "share")
    assert (often.value, often.standard_error) == pytest.approx((by_term.value, by_term.standard_error))
    wide, arguments = {"COLUMNS": "200"}, ["run", "yinchuan-2019-term", "--years", "300", "--no-ranges"]
    result = CliRunner().invoke(app, arguments, env=wide)
    assert result.exit_code == 0, result.output
    assert "no trigger (single years of terms of 3, errors by term)" in result.output
    assert "once in 50 terms" in result.output
    assert "terms that use up the cumulative limit" in result.output
    result = CliRunner().invoke(app, [*arguments, "--lang", "zh"], env=wide)
    assert "50期一遇" in result.output
    assert "累计限额用尽期数占比" in result.output


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_command_line(lang: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    arguments = ["run", "yinchuan-2019", "--years", "1500", "--lang", lang, "--out", str(out), "--no-ranges"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    for words in {
        "en": (
            "Who bears the losses of: no trigger",
            "Reinsurance, in inuring order",
            "Catastrophe fund, instead of the pool",
        ),
        "zh": ("损失由谁承担: 无触发条件", "再保险（按赔付顺序）", "巨灾基金（替代共保体"),
    }[lang]:
        assert words in result.output
    document_ = json.loads((out / "results.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(results_schema()).validate(document_)
    programmes = {figure["programme"] for figure in document_["figures"]}
    assert {"base/gross", "base/ceded", "base/net", "triggered/net", "five_grades/net"} <= programmes
    tables = out / "open-results"
    by_year = pd.read_parquet(out / "by_year.parquet").query("programme == 'base'")
    written = {
        code: pd.read_csv(tables / f"{code}_splt.csv").query("SummaryId == 1") for code in ("il", "ri", "rl")
    }
    paid = {code: round(100 * table["Loss"].sum()) for code, table in written.items()}
    assert paid["il"] == by_year["payout_fen"].sum() == paid["ri"] + paid["rl"]
    assert pd.read_csv(tables / "il_periods.csv")["PeriodWeight"].sum() == pytest.approx(1.0)
    assert json.loads((tables / "results_metadata.json").read_text(encoding="utf-8"))
    again = CliRunner().invoke(app, [*arguments, "--quiet"])
    assert again.exit_code == 0, again.output
    assert (tables / "il_splt.csv").is_file()


def test_without_such_terms_nothing_is_added(tmp_path: Path) -> None:
    outcomes = simulate_catastrophe(terms(), 50)
    finances, reason = finances_of(outcomes)
    assert (finances, reason) == ({}, None)
    folder = write_catastrophe(tmp_path / "out", outcomes, catastrophe_figures(outcomes), finances)
    assert not (folder / "open-results").exists()


def test_a_mistake_is_named_by_its_place_in_the_scenario() -> None:
    wrong = document(reinsurance=[LAYER | {"limit": None}], pool={"carriers": {"lead": 0.9}})
    del wrong["catastrophe"]["reinsurance"][0]["limit"]
    with pytest.raises(InputError) as caught:
        Scenario.from_document(wrong)
    told = str(caught.value)
    assert "catastrophe.reinsurance[0].limit" in told
    assert "catastrophe.pool.carriers have shares that sum to 0.9, not 1" in told


def test_what_a_missing_premium_leaves_out_is_said(tmp_path: Path) -> None:
    """A quota share of a contract whose premium is unknown has a loss, but no price."""
    quota = {"name": "quota", "kind": "quota_share", "inuring": 1, "cession": 0.4}
    (tmp_path / "s.toml").write_text(_as_toml(quota), encoding="utf-8")
    result = CliRunner().invoke(app, ["run", str(tmp_path / "s.toml"), "--years", "200", "--no-ranges"])
    assert result.exit_code == 0, result.output
    assert "left out: base/ceded / quota: ceded_premium" in result.output


def _as_toml(quota: dict[str, Any]) -> str:
    page = (Path(__file__).resolve().parents[1] / "docs" / "catastrophe.md").read_text(encoding="utf-8")
    text = page.split("```toml\n")[1].split("```")[0]
    lines = [
        line for line in text.splitlines() if not line.startswith(("premium =", "premium_per_resident ="))
    ]
    terms_ = [f"{key} = {json.dumps(value)}" for key, value in quota.items()]
    return "\n".join([*lines, "[[catastrophe.reinsurance]]", *terms_, ""])


def test_fund_and_pool_are_alternatives() -> None:
    """Each bears the whole net loss: the table of the fund says so, unless there is no pool."""
    fund = {"initial": 1e9, "covers": "net"}
    for pool, expected in ((POOL, "Catastrophe fund, instead of the pool"), (None, "Catastrophe fund")):
        tables = {"reinsurance": [LAYER], "fund": fund, **({} if pool is None else {"pool": pool})}
        outcomes = simulate_catastrophe(terms(**tables), 1_000, 5)
        one = finances_of(outcomes, ["base"])[0]["base"]
        title = finance_tables(one)[-1].title
        assert title.startswith(expected)
        assert ("instead" in title) == (pool is not None)
