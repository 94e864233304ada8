"""Every figure of the source documents that bears on a scenario stands in one, as official.

A row is a fact, the scenario that holds it, and the key there. Facts of the catastrophe contracts stand with those.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from fangpinbao.scenario import Number, Scenario, load_scenario
from fangpinbao.scenario.load import parse_path

Row = tuple[str, str, str, Any]

ZHONGNING = "zhongning-2020"
FUPINBAO = "ningxia-fupinbao-2020"
NINGXIA = "ningxia-medical-2020"
HOHHOT = "hohhot-2020"
GANSU = "gansu-2017"
QINGYANG = "qingyang-medical-2020"
AGRICULTURE = "qingyang-agriculture-2020"
CHANGDE = "changde-2021"

FACTS: list[Row] = [
    # 宁扶贫办函〔2020〕15号: 防贫保 of Zhongning
    ("about 20,000 people are covered", ZHONGNING, "population.persons", 20_000),
    ("因病: at most 100,000 a person-year", ZHONGNING, "programmes.base.coverages.illness.limit", 100_000),
    ("因学: at most 5,000", ZHONGNING, "programmes.base.coverages.education.limit", 5_000),
    ("因灾: at most 30,000", ZHONGNING, "programmes.base.coverages.disaster.limit", 30_000),
    ("rural 低保 standard of Ningxia 4,560", ZHONGNING, "lines.dibao_standard", 4_560),
    # 扶贫保
    ("大病补充: 306.16万 person-times", FUPINBAO, "programmes.medical.ever_insured.times", 3_061_600),
    ("大病补充: 3,095.34亿", FUPINBAO, "programmes.medical.ever_insured.sum_insured", 309_534_000_000),
    ("家庭意外: 308.56万", FUPINBAO, "programmes.household_accident.ever_insured.times", 3_085_600),
    ("家庭意外: 975.24亿", FUPINBAO, "programmes.household_accident.ever_insured.sum_insured", 97_524_000_000),
    ("借款人意外: 14.23万 person-times", FUPINBAO, "programmes.borrower.ever_insured.times", 142_300),
    ("借款人意外: 63.73亿", FUPINBAO, "programmes.borrower.ever_insured.sum_insured", 6_373_000_000),
    ("特色农业: 86.77亿", FUPINBAO, "programmes.agriculture.ever_insured.sum_insured", 8_677_000_000),
    ("3.2亿 paid by all four", FUPINBAO, "records.claims_of_all_four.value", 320_000_000),
    ("fiscal share of 2020 65%", FUPINBAO, "records.fiscal_share_of_premium.value", 0.65),
    ("at least 40% of income from farming", FUPINBAO, "records.farm_share_of_income.value", 0.40),
    # Ningxia, context
    ("1.47万 脱贫不稳定", NINGXIA, "records.unstable_persons.value", 14_700),
    ("2.58万 边缘易致贫", NINGXIA, "records.marginal_persons.value", 25_800),
    ("低保 standard 4,560", NINGXIA, "lines.dibao_standard", 4_560),
    ("raised by 760", NINGXIA, "records.dibao_standard_raised_by.value", 760),
    ("medical cost of the poor: at least 90%", NINGXIA, "records.reimbursed_share.value", 0.90),
    ("treated: at least 99%", NINGXIA, "records.treated_share.value", 0.99),
    ("医保参保率100%", NINGXIA, "population.classes.other_low_income.enrolled", 1.0),
    ("the same of the monitored", NINGXIA, "population.classes.unstable_lifted.enrolled", 1.0),
    ("exit from 低保 within 12 months", NINGXIA, "records.dibao_exit_above_standard.value", 12),
    ("once employed within 18 months", NINGXIA, "records.dibao_exit_employed.value", 18),
    ("7.7万 person-times of 临时救助", NINGXIA, "records.temporary_assistance.value", 77_000),
    ("15.8万 of disability subsidies", NINGXIA, "records.disability_subsidies.value", 158_000),
    ("1,446 dangerous houses rebuilt", NINGXIA, "records.houses_rebuilt.value", 1_446),
    ("1.88万 not yet lifted out", NINGXIA, "records.not_yet_lifted.value", 18_800),
    ("1.2万 of them in 低保", NINGXIA, "records.not_yet_lifted_in_dibao.value", 12_000),
    ("that is 64%", NINGXIA, "records.not_yet_lifted_in_dibao_share.value", 0.64),
    ("544.4亿 since 2013", NINGXIA, "records.fiscal_funds_since_2013.value", 54_440_000_000),
    # 呼扶组发〔2020〕6号
    ("the line of 5,000", HOHHOT, "lines.monitoring_line", 5_000),
    ("university grant 10,000", HOHHOT, "programmes.university_grant.coverages.grant.limit", 10_000),
    ("低保 at most 10% more", HOHHOT, "records.dibao_raised_at_most.value", 0.10),
    ("four groups are protected", HOHHOT, "records.protected_groups.value", 4),
    # Gansu, about 2017
    ("compliant self-pay within 3,000", GANSU, "programmes.self_pay_ceiling.coverages.ceiling.deductible", 3_000),
    ("the same in all rules", GANSU, "programmes.all_rules.coverages.ceiling.deductible", 3_000),
    ("大病保险 paid at most 50,000 before", GANSU, "layers.critical_illness.limit", 50_000),
    ("the same where only the deductible falls", GANSU, "programmes.deductible_3000.coverages.critical.limit", 50_000),
    ("the same where outpatient care joins", GANSU, "programmes.outpatient_joins.coverages.critical.limit", 50_000),
    ("大病保险 funding 30 before", GANSU, "records.critical_funding_before.value", 30),
    ("and 55 after", GANSU, "records.critical_funding_after.value", 55),
    ("25 from the basic fund", GANSU, "records.critical_funding_from_basic_fund.value", 25),
    ("special treatment of 9 diseases", GANSU, "records.special_diseases_before.value", 9),
    ("then of 50", GANSU, "records.special_diseases_after.value", 50),
    ("stable income above 3,500", GANSU, "lines.monitoring_line", 3_500),
    ("loans of up to 50,000", GANSU, "records.loan_limit.value", 50_000),
    ("for up to 3 years", GANSU, "records.loan_term.value", 3),
    ("Qingyang's 低保 standard before", GANSU, "lines.dibao_standard", 3_300),
    # Qingyang, 2020
    ("two classes: 22,137 persons", QINGYANG, "population.persons", 22_137),
    ("5,846 households", QINGYANG, "records.monitored_households.value", 5_846),
    ("脱贫不稳定: 2,082 households", QINGYANG, "records.unstable_households.value", 2_082),
    ("8,611 persons", QINGYANG, "records.unstable_persons.value", 8_611),
    ("as a share of the list", QINGYANG, "population.classes.unstable_lifted.share", 0.388987),
    ("边缘易致贫: 3,764 households", QINGYANG, "records.marginal_households.value", 3_764),
    ("13,526 persons", QINGYANG, "records.marginal_persons.value", 13_526),
    ("as a share of the list", QINGYANG, "population.classes.marginal.share", 0.611013),
    ("new in 2020: 17 households", QINGYANG, "records.new_unstable_households.value", 17),
    ("54 persons", QINGYANG, "records.new_unstable_persons.value", 54),
    ("and 22 households", QINGYANG, "records.new_marginal_households.value", 22),
    ("168 persons, as printed", QINGYANG, "records.new_marginal_persons.value", 168),
    ("at least 85% of in-scope inpatient cost", QINGYANG, "records.inscope_inpatient_share.value", 0.85),
    ("低保 standard 3,300 before", QINGYANG, "records.dibao_standard_before.value", 3_300),
    ("4,428 after", QINGYANG, "lines.dibao_standard", 4_428),
    ("5.51万 households in 低保", QINGYANG, "records.dibao_households.value", 55_100),
    ("16.54万 persons", QINGYANG, "records.dibao_persons.value", 165_400),
    ("7,739 households in 特困", QINGYANG, "records.tekun_households.value", 7_739),
    ("9,305 persons", QINGYANG, "records.tekun_persons.value", 9_305),
    ("318 households endangered by disaster", QINGYANG, "records.houses_endangered_by_disaster.value", 318),
    ("wage 1,730 a month in 2015", QINGYANG, "records.wage_2015.value", 1_730),
    ("2,560 in 2020", QINGYANG, "records.wage_2020.value", 2_560),
    # Qingyang's agricultural insurance
    ("25 products", AGRICULTURE, "records.products.value", 25),
    ("in 3 classes", AGRICULTURE, "records.product_classes.value", 3),
    ("premium signed 1.45亿", AGRICULTURE, "records.premium_signed.value", 145_000_000),
    ("claims paid 6,886.8万", AGRICULTURE, "records.claims_paid.value", 68_868_000),
    ("that is 47.5%", AGRICULTURE, "records.claims_over_premium.value", 0.475),
    ("the same people", AGRICULTURE, "population.persons", 22_137),
    ("their shares", AGRICULTURE, "population.classes.unstable_lifted.share", 0.388987),
    ("their shares", AGRICULTURE, "population.classes.marginal.share", 0.611013),
    ("低保 standard 4,428", AGRICULTURE, "lines.dibao_standard", 4_428),
    ("Ningxia's farm share", AGRICULTURE, "records.farm_share_of_income.value", 0.40),
    # Changde, 2021-04-13
    ("five years of transition", CHANGDE, "records.transition_years.value", 5),
    ("contribution of 特困 in full", CHANGDE, "programmes.system.coverages.subsidy_tekun.rate", 1.0),
    ("the same", CHANGDE, "programmes.subsidies.coverages.subsidy_tekun.rate", 1.0),
]  # fmt: skip

SHARED = {  # official numbers that come with a part and stand in FACTS under another scenario
    FUPINBAO: {
        "lines.dibao_standard",
        "population.classes.other_low_income.enrolled",
        "population.classes.unstable_lifted.enrolled",
    },
}

RULES: list[Row] = [  # rules without a number of their own
    ("意外 property loss under the disaster rule", ZHONGNING, "programmes.base.coverages.disaster.accounts",
     ["property_loss", "accident_property_loss"]),
    ("out-of-scope cost is the hospital's", GANSU, "programmes.all_rules.coverages.hospital.payer_kind", "hospital"),
    ("the 50,000 ceiling is dropped", GANSU, "programmes.all_rules.coverages.critical.limit", None),
    ("chronic outpatient care joins 大病保险", GANSU, "programmes.all_rules.coverages.critical.accounts",
     ["medical_cost", "outpatient_cost", "accident_medical_cost", "disaster_medical_cost"]),
    ("settled in the order of the list", GANSU, "programmes.all_rules.stack",
     ["basic_more", "basic_outpatient", "critical", "assistance", "ceiling", "hospital"]),
    ("扶贫保 stands before 医疗救助", FUPINBAO, "programmes.medical.stack",
     ["basic", "basic_outpatient", "critical_illness", "supplement", "assistance"]),
    ("特困 people are tilted to", CHANGDE, "programmes.tilt.coverages.critical_tilted.variants[0].where.tekun", True),
    ("低保 people are tilted to", CHANGDE, "programmes.tilt.coverages.critical_tilted.variants[1].where.dibao", True),
    ("返贫致贫 people are tilted to", CHANGDE, "programmes.tilt.coverages.critical_tilted.variants[2].where.tags",
     ["returned_poor"]),
]  # fmt: skip


@cache
def loaded(name: str) -> Scenario:
    return load_scenario(name)


@cache
def numbers(name: str) -> dict[str, Number]:
    return {number.place: number for number in loaded(name).numbers}


def ids(rows: list[Row]) -> list[str]:
    return [f"{scenario}: {fact}" for fact, scenario, _, _ in rows]


@pytest.mark.parametrize(("fact", "scenario", "key", "value"), FACTS, ids=ids(FACTS))
def test_fact_stands_in_the_scenario(fact: str, scenario: str, key: str, value: float) -> None:
    number = numbers(scenario)[key]
    assert (number.value, number.status) == (value, "official"), fact


@pytest.mark.parametrize(("fact", "scenario", "key", "value"), RULES, ids=ids(RULES))
def test_rule_stands_in_the_scenario(fact: str, scenario: str, key: str, value: object) -> None:
    node: Any = loaded(scenario)
    for step in parse_path(key):
        node = node[step] if isinstance(node, dict | list) else getattr(node, str(step))
    assert node == value, fact


@pytest.mark.parametrize("name", sorted({row[1] for row in FACTS}))
def test_nothing_else_looks_official(name: str) -> None:
    """What no document states must not look as if one did."""
    listed = {key for _, scenario, key, _ in FACTS if scenario == name} | SHARED.get(name, set())
    official = {number.place for number in numbers(name).values() if number.status == "official"}
    assert official == listed


@pytest.mark.parametrize("year", range(2021, 2026))
def test_the_transition_has_a_scenario_a_year(year: int) -> None:
    scenario = loaded(f"changde-{year}")
    assert scenario.calendar_year == year


def test_terms_of_the_transition_are_withdrawn_step_by_step() -> None:
    rates = {"subsidy_lifted": [], "crisis_terms": []}
    for year in range(2021, 2026):
        coverages = loaded(f"changde-{year}").programmes["system"].coverages
        for name, found in rates.items():
            found.append(coverages[name].rate)
    for found in rates.values():
        assert found == sorted(found, reverse=True)
        assert found[-1] == 0.0
