"""Relief of programmes: the engine against the plain-Python twin to the fen."""

from __future__ import annotations

import pytest
from conftest import build, merged
from test_twin import ILLNESS, MEDICINE, differences

ILL = {"attributes": {"ill": {"chance": 0.3, "where": {"age_from": 40}}}}


def paying(entries: dict, coverages: dict | None = None, **tables) -> dict:
    """A scenario with one programme that pays these entries, with the coverages or alone."""
    kind = {"coverages": coverages} if coverages else {"kind": "rules"}
    return merged({"programmes": {"base": None, "p": {**kind, "relief": entries}}}, tables)


def one(entry: dict, coverages: dict | None = None, **tables) -> dict:
    return paying({"x": entry}, coverages, **tables)


GAP, BORNE, HEADS = ({"base": base} for base in ("gap", "borne", "heads"))
COVER = {"illness": ILLNESS}
SAME = {
    "gap": one(GAP),
    "gap of income": one({**GAP, "on": "income", "where": {"dibao": True}, "rate": 0.37, "standard": 6_000}),
    "gap of resources": one({**GAP, "on": "resources", "standard": 5_000.55}),
    "gap without relief that exists anyway": one(GAP, relief={"dibao": None}),
    "gap beside insurance, benefits do not count": one(GAP, COVER),
    "gap beside insurance, benefits count": one({**GAP, "benefits_count": True}, COVER),
    "gap beside insurance, benefits count twice": one(
        {**GAP, "benefits_count": True}, COVER, relief={"dibao": {"benefits_count": True, "take_up": 0.6}}
    ),
    "gap of income, benefits count": one({**GAP, "on": "income", "benefits_count": True, "standard": 6_000}, COVER),
    "gap found by chance": one({**GAP, "take_up": 0.5, "cap": 3_000.01, "rate": 0.5}),
    "gap after an income test": one({**GAP, "standard": 7_000, "income_test": {"per_head_below": 4_000}}),
    "gap before the year": one(
        {**GAP, "income_test": {"per_head_below": 5_000, "moment": "before_year"},
         "spending_test": {"times_income": 0.1}}
    ),
    "late": one({**GAP, "paid_within_year": 0.63}),
    "borne": one(BORNE),
    "borne beside insurance": one({**BORNE, "rate": 0.7, "cap_per_head": 1_140}, COVER),
    "borne, more than all": one({**BORNE, "rate": 3.0, "cap": 4_000}),
    "borne beside insurance that displaces": paying(
        {"x": {**BORNE, "rate": 0.5, "spending_test": {"times_income": 0.2}}, "y": {**GAP, "benefits_count": True}},
        {"illness": ILLNESS, "death": {"accounts": ["death_or_disability"], "scale": [{"points": 1, "pays": 3_000}]},
         "house": {"accounts": ["property_loss"], "unit": "household_year", "rate": 0.4, "paid_within_year": 0.5}},
        programmes={"p": {"stack": ["illness", "house", "death", "basic", "critical", "assistance"]}},
    ),
    "assets": one({**BORNE, "rate": 0.5}, COVER, lines={"resource": "assets"},
                  population={"classes": {key: {"assets": {"law": "lognormal", "median": 9000, "sigma": 1.0}}
                                          for key in ("unstable_lifted", "marginal")}}),
    "income": one({**GAP, "on": "income"}, COVER, lines={"resource": "income"}),
    "heads": one({**HEADS, "months": 2.5, "where": {"income_per_head_from": 5_000}}),
    "heads counted": one({**HEADS, "counted": {"age_from": 60}, "rate": 0.1, "take_up": 0.3, "where": {"dibao": True}}),
    "heads by attribute": one({**HEADS, "person_has": "ill", "income_test": {"per_head_below": 5_500}}, risk=ILL),
    "heads after spending": one(
        {**HEADS, "months": 3, "spending_test": {"times_income": 0.3}, "take_up": 0.8}, COVER
    ),
    "several entries, in order": paying(
        {"exit": {**HEADS, "rate": 0.2, "where": {"dibao": True}}, "costs": {**BORNE, "cap": 2_000}, "top": GAP,
         "more": {**BORNE, "rate": 0.5}}, COVER,
    ),
    "two programmes, one name": {
        "programmes": {
            "base": {"relief": {"x": {**GAP, "take_up": 0.5}}},
            "q": {"kind": "rules", "relief": {"x": {**GAP, "take_up": 0.5}, "z": {**HEADS, "rate": 0.01}}},
        }
    },
    "certain costs": one({**BORNE, "take_up": 0.5}, certain_costs=MEDICINE),
    "premium of one's own": one(GAP, COVER, programmes={"p": {"premium_per_insured": 80, "household_share": 0.5}}),
    "period of 12 months": one({**HEADS, "rate": 0.5, "period": {"months": 12, "begun_a_year": 0.4}}),
    "period of 18 months, falling": one(
        {**HEADS, "period": {"months": 18, "begun_a_year": 0.3, "falling": True}, "take_up": 0.7}, COVER
    ),
    "period of 1 month on a gap": one({**GAP, "period": {"months": 1, "begun_a_year": 0.9}}),
    "loan": one({**BORNE, "cap": 50_000, "loan": {"years": 3, "repaid": 0.95}}),
    "loan by chance beside insurance": one(
        {**BORNE, "take_up": 0.4, "rate": 0.8, "paid_within_year": 0.9, "loan": {"years": 2},
         "income_test": {"per_head_below": 6_000}}, COVER,
    ),
    "loan on certain costs": one({**BORNE, "loan": {"years": 1, "repaid": 0.5}}, certain_costs=MEDICINE),
    "two loans and a gap": paying(
        {"a": {**BORNE, "rate": 0.3, "loan": {"years": 3}}, "b": {**BORNE, "cap": 1_000, "loan": {"years": 1}},
         "c": GAP},
        COVER,
    ),
}  # fmt: skip


@pytest.mark.parametrize("tables", SAME.values(), ids=SAME.keys())
def test_same_to_the_fen(tables: dict) -> None:
    assert differences(build(**tables)) == []
