"""What a page says of a household that must be found, against the plain-Python twin of detection."""

from __future__ import annotations

import re

import pytest
from conftest import build
from detection_twin import Finding
from test_detection_twin import DESIGNS
from test_twin import events_of
from twin import Twin

from fangpinbao.engine import Engine
from fangpinbao.explain import explain
from fangpinbao.household_years import settle_households
from fangpinbao.scenario import Scenario

SEED, PATH = 7, 2
TEST = {"income_test": {"per_head_below": 6000}}
WORDS = {
    "listed": "the household is not on the list",
    "alerted": "raise no alert",
    "found": "not found by any channel",
    "approved": "the check turns it down",
    "accepted": "the household declines",
}
CHINESE = {
    "listed": "不在名单内",
    "alerted": "预警线",
    "found": "各渠道均未发现",
    "approved": "核查未通过",
    "accepted": "该户未接受",
}
STRICT = {
    **DESIGNS["open"],
    "threshold": 6_000,
    "named_list": {"where": {"classes": ["marginal"]}, "wrong": 0.4},
    "verification": {"passes": 0.6, "wrongly_passes": 0.6},
    "refused": 0.3,
}


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    names = ("illness", "education", "disaster", "death")
    return build(
        population={"persons": 700},
        detection={"strict": STRICT},
        programmes={"base": {"detection": "strict", "coverages": {name: TEST for name in names}}},
    )


def test_pages_name_the_stage_that_was_not_reached(scenario: Scenario) -> None:
    engine = Engine(scenario, seed=SEED)
    twin = Twin(scenario, engine.population)
    finding = Finding(twin, SEED, PATH)
    events = events_of(engine, engine.years(PATH, PATH + 1))
    table = settle_households(scenario, PATH + 1, seed=SEED)
    base, programme = table.index("base"), scenario.programmes["base"]
    due = settle_households(
        scenario.replace("detection.strict", {"channels": {"visits": {"chance": 1.0}}}), PATH + 1, seed=SEED
    ).benefit[base, PATH]
    seen: dict[str, int] = {}
    for h in range(engine.population.households):
        spent = int((table.spending + table.repairs)[PATH, h])
        if not due[h]:
            continue
        case = finding.case(programme, h, events.get(h, []), spent, int(table.income[h]))
        stage = next((name for name, got in zip(WORDS, case.reached, strict=False) if not got), "paid")
        if seen.get(stage, 0) >= 3:
            continue
        seen[stage] = seen.get(stage, 0) + 1
        household = str(engine.population.household_id[h])
        page, chinese = (
            str(explain(scenario, PATH, household, "base", seed=SEED, lang=lang)) for lang in ("en", "zh")
        )
        if stage != "paid":
            assert WORDS[stage] in page
            assert CHINESE[stage] in chinese
            assert not re.search(r"on day \d|after the year", page)
            continue
        last = case.last
        assert f"paid {case.after:,.0f} days after day {last + 1}" in page
        assert ("after the year" in page) == case.is_late
        assert ("已跨年" in chinese) == case.is_late
        assert f"第 {last + 1} 天之后" in chinese
    assert set(seen) == {*WORDS, "paid"}


def test_a_page_says_that_spending_stays_below_a_multiple_of_income() -> None:
    scenario = build(
        detection={"warned": {"threshold_times_income": 50.0, "channels": {"visits": {"chance": 1.0}}}},
        programmes={"base": {"detection": "warned"}},
    )
    due = settle_households(scenario.replace("detection.warned.threshold_times_income", 0.0), 1, seed=SEED)
    h = int(due.benefit[due.index("base"), 0].argmax())
    household = str(due.population.household_id[h])
    page = str(explain(scenario, 0, household, "base", seed=SEED))
    assert "50 x income" in page
    assert "上年收入的 50 倍" in str(explain(scenario, 0, household, "base", seed=SEED, lang="zh"))


def test_a_page_says_that_a_test_before_the_year_fails() -> None:
    test = {"income_test": {"per_head_below": 100, "moment": "before_year"}}
    lax = {"channels": {"visits": {"chance": 1.0}}, "verification": {"wrongly_passes": 1.0}}
    scenario = build(
        detection={"lax": lax},
        programmes={"base": {"detection": "lax", "coverages": {"illness": test}}},
    )
    table = settle_households(scenario, 1, seed=SEED)
    pages = []
    for h in table.benefit[table.index("base"), 0].argsort()[::-1][:5]:
        household = str(table.population.household_id[h])
        pages.append(str(explain(scenario, 0, household, "base", seed=SEED)))
    assert any(
        "registered income test failed" in page and "paid although a test fails" in page for page in pages
    )
