"""Closed word lists of the domain: classes, stages, accounts. Each is declared here and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

__all__ = [
    "ACCOUNTS",
    "ADULT_AGE",
    "CLASSES",
    "CLASS_LABELS",
    "LINES",
    "MEMBERS_OF_A_HOUSEHOLD",
    "SCHOOL_ENROLMENT",
    "STAGES",
    "STAGE_LABELS",
    "Account",
    "HouseholdClass",
    "Kind",
    "Level",
    "Stage",
]

HouseholdClass = Literal["unstable_lifted", "marginal", "other_low_income", "general"]
CLASSES: tuple[str, ...] = get_args(HouseholdClass)
CLASS_LABELS = {
    "unstable_lifted": ("unstable lifted-out", "脱贫不稳定"),
    "marginal": ("marginal", "边缘易致贫"),
    "other_low_income": ("other low income", "其他低收入"),
    "general": ("general", "一般农户"),
    "all": ("all", "全部"),
}

Stage = Literal["none", "preschool", "primary", "junior", "senior_general", "senior_vocational", "higher"]
STAGES: tuple[str, ...] = get_args(Stage)
STAGE_LABELS = {
    "none": ("not at school", "不在学"),
    "preschool": ("preschool", "学前"),
    "primary": ("primary", "小学"),
    "junior": ("junior secondary", "初中"),
    "senior_general": ("senior secondary", "普通高中"),
    "senior_vocational": ("vocational secondary", "中职"),
    "higher": ("higher education", "高等教育"),
}

ADULT_AGE = 18
MEMBERS_OF_A_HOUSEHOLD = 100  # person id = household id * this + the member's number, from 1

# Share at school of those of the ages above (assumed, after national gross ratios of 2020: preschool 0.85,
# senior secondary 0.91, higher 0.54; the last counts students of all ages and falls short in poor counties).
SCHOOL_ENROLMENT: dict[str, float] = {
    "preschool": 0.85,
    "primary": 1.0,
    "junior": 1.0,
    "senior_general": 0.55,
    "senior_vocational": 0.36,
    "higher": 0.40,
}

LINES: tuple[str, ...] = ("poverty", "monitoring")

Level = Literal["person", "household"]
Kind = Literal["medical", "education", "stock", "income", "points"]


@dataclass(frozen=True)
class Account:
    """A named yearly amount of a person or household.

    ``kind`` says what it does to a household's resources: ``medical`` and ``education`` are rigid spending,
    ``income`` is lost earnings or crops, ``stock`` is property (only the repair that falls due within the
    year counts), ``points`` is a grade of death or disability and no money at all.
    """

    level: Level
    kind: Kind
    en: str
    zh: str


ACCOUNTS: dict[str, Account] = {
    "medical_cost": Account("person", "medical", "illness", "疾病"),
    "outpatient_cost": Account("person", "medical", "outpatient care", "门诊慢病"),
    "accident_medical_cost": Account("person", "medical", "accident (medical)", "意外医疗"),
    "disaster_medical_cost": Account("person", "medical", "disaster injury", "灾害受伤"),
    "education_cost": Account("person", "education", "schooling", "就学"),
    "property_loss": Account("household", "stock", "disaster (property)", "灾害财产"),
    "accident_property_loss": Account("household", "stock", "accident (property)", "意外财产"),
    "crop_loss": Account("household", "income", "crop loss", "农业损失"),
    "income_loss": Account("household", "income", "lost income", "收入减少"),
    "medicine_cost": Account("household", "medical", "self-bought medicine", "自购药品"),
    "death_or_disability": Account("person", "points", "death or disability", "身故伤残"),
}
