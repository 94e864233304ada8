"""Facts of the source documents on risk, guarantees and relief: each stands in a file, under a key, as official."""

# ruff: noqa: E501  (the table stands whole)

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from fangpinbao.scenario import Number, load_scenario
from fangpinbao.scenario.family import load_family
from fangpinbao.scenario.load import load_with

FAMILIES = Path(__file__).resolve().parents[1] / "scenarios" / "families"

# document, fact, file, key, value
FACTS = [
    ("hohhot-2020", "line of groups 1 and 2", "at-risk-2020", "risk.rules.hohhot.groups.unstable.income_per_head_below", 5_000),
    ("hohhot-2020", "line of groups 1 and 2", "at-risk-2020", "risk.rules.hohhot.groups.low_income.income_per_head_below", 5_000),
    ("hohhot-2020", "university grant", "relief", "programmes.student_grant.relief.grant.standard", 10_000),
    ("hohhot-2020", "dibao uplift", "relief", "programmes.dibao_uplift.relief.uplift.rate", 0.10),
    ("ningxia-2020", "monitored, unstable", "at-risk-2020", "risk.rules.ningxia.groups.unstable.published.persons", 14_700),
    ("ningxia-2020", "monitored, marginal", "at-risk-2020", "risk.rules.ningxia.groups.marginal.published.persons", 25_800),
    ("ningxia-2020", "dibao standard", "relief", "programmes.top_up_all.relief.top_up.standard", 4_560),
    ("qingyang-2020", "monitored, unstable", "at-risk-2020", "risk.rules.qingyang.groups.unstable.published.persons", 8_611),
    ("qingyang-2020", "monitored, unstable", "at-risk-2020", "risk.rules.qingyang.groups.unstable.published.households", 2_082),
    ("qingyang-2020", "monitored, marginal", "at-risk-2020", "risk.rules.qingyang.groups.marginal.published.persons", 13_526),
    ("qingyang-2020", "monitored, marginal", "at-risk-2020", "risk.rules.qingyang.groups.marginal.published.households", 3_764),
    ("qingyang-2020", "newly identified", "at-risk-2020", "risk.rules.qingyang.groups.new_unstable.published.new_households", 17),
    ("qingyang-2020", "newly identified", "at-risk-2020", "risk.rules.qingyang.groups.new_unstable.published.new_persons", 54),
    ("qingyang-2020", "newly identified", "at-risk-2020", "risk.rules.qingyang.groups.new_marginal.published.new_households", 22),
    ("qingyang-2020", "newly identified", "at-risk-2020", "risk.rules.qingyang.groups.new_marginal.published.new_persons", 168),
    ("qingyang-2020", "dibao standard", "relief", "programmes.top_up_all_4428.relief.top_up.standard", 4_428),
    ("gansu-2017", "stable income", "at-risk-2020", "risk.rules.gansu.groups.registered_again.income_per_head_at_most", 3_500),
    ("gansu-2017", "stable income", "at-risk-2020", "risk.rules.gansu.groups.fixed_singly.income_per_head_above", 3_500),
    ("gansu-2017", "loans", "relief", "programmes.loan.relief.loan.cap", 50_000),
    ("gansu-2017", "loans", "relief", "programmes.loan.relief.loan.loan.years", 3),
    ("ningxia-2020", "exit from dibao", "relief", "programmes.exit_12.relief.exit.period.months", 12),
    ("ningxia-2020", "exit once employed", "relief", "programmes.exit_18.relief.exit.period.months", 18),
    ("gansu-2017", "self-pay ceiling", "gansu-after", "layers.ceiling.deductible", 3_000),
    ("gansu-2017", "hospital bears the rest", "gansu-after", "layers.hospital.rate", 1.0),
    ("gansu-2017", "old ceiling", "gansu-before", "layers.critical_illness.limit", 50_000),
    ("ningxia-2020", "dibao standard", "late-payment", "lines.dibao_standard", 4_560),
    ("hohhot-2020", "line", "late-payment", "lines.monitoring_line", 5_000),
]  # fmt: skip


@cache
def numbers(file: str) -> dict[str, Number]:
    if file == "relief":
        scenario = load_with("zhongning-2020", ["parts/relief-designs-2020"])
    elif file == "at-risk-2020":
        scenario = load_scenario(file)
    else:
        scenario = load_family(FAMILIES / f"{file}.toml").scenario
    return {number.place: number for number in scenario.numbers}


@pytest.mark.parametrize(("document", "fact", "file", "key", "value"), FACTS)
def test_a_fact_stands_in_a_file(document: str, fact: str, file: str, key: str, value: float) -> None:
    number = numbers(file)[key]
    assert number.value == value, fact
    assert (number.source, number.status) == (document.replace("-", "_"), "official")


@pytest.mark.parametrize("file", sorted(FAMILIES.glob("*.toml")), ids=lambda file: file.stem)
def test_every_term_of_a_family_has_a_source(file: Path) -> None:
    scenario = load_family(file).scenario
    told = ("perils.", "population.")  # the story itself
    without = [
        n.place for n in scenario.numbers if n.source not in scenario.sources and not n.place.startswith(told)
    ]
    assert [place for place in without if not place.endswith(CHOSEN)] == []


# Set by a family file to tell its story, not taken from anywhere.
CHOSEN = ("take_up",)


@pytest.mark.parametrize(
    "part", ["detection-2020", "relief-designs-2020", "risk-hohhot-2020", "risk-qingyang-2020"]
)
def test_every_number_of_a_part_has_a_source(part: str) -> None:
    scenario = load_with("zhongning-2020", [f"parts/{part}"])
    tables = ("risk.", "detection.")
    mine = [n for n in scenario.numbers if n.place.startswith(tables) or ".relief." in n.place]
    assert mine
    assert [n.place for n in mine if n.source not in scenario.sources] == []
