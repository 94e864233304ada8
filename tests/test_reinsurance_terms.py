"""Terms of reinsurance, pool and fund: what is refused and how it is said; the shipped part is valid."""

# ruff: noqa: E501  (the messages are long and stand whole)

from __future__ import annotations

import copy
import csv
import tomllib
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from fangpinbao.scenario.messages import problems_of
from fangpinbao.scenario.provenance import strip_provenance
from fangpinbao.scenario.reinsurance import FinancialTerms

SCENARIOS = Path(__file__).resolve().parents[1] / "scenarios"
PART = SCENARIOS / "parts" / "yinchuan-finance.toml"


class File(BaseModel):
    catastrophe: FinancialTerms


QUOTA: dict[str, Any] = {"name": "quota", "kind": "quota_share", "inuring": 1, "cession": 0.4}
LAYER: dict[str, Any] = {
    "name": "layer", "kind": "excess_of_loss", "inuring": 2, "attachment": 10.0, "limit": 20.0,
    "reinstatements": [1.0], "premium": 3.0, "reinsurers": {"a": 0.5, "b": 0.5},
}  # fmt: skip
STOP: dict[str, Any] = {"name": "stop", "kind": "stop_loss", "inuring": 3, "attachment": 15.0, "limit": 15.0}
GOOD: dict[str, Any] = {
    "reinsurance": [QUOTA, LAYER, STOP],
    "pool": {"carriers": {"x": 0.25, "y": 0.75}},
    "fund": {"initial": 5.0, "ceiling": 9.0},
}


def changed(place: str, **keys: Any) -> dict[str, Any]:
    """Lay keys over a table of the good file; None takes a key out."""
    tables = copy.deepcopy(GOOD)
    table = tables["reinsurance"][int(place)] if place.isdigit() else tables[place]
    for key, value in keys.items():
        if value is None:
            del table[key]
        else:
            table[key] = value
    return tables


def problems(tables: dict[str, Any]) -> list[str]:
    document = {"catastrophe": tables}
    with pytest.raises(ValidationError) as caught:
        File.model_validate(document)
    return [str(problem) for problem in problems_of(caught.value, document)]


def test_the_good_file_is_good() -> None:
    tables = File.model_validate({"catastrophe": GOOD}).catastrophe
    assert [contract.most_per_year for contract in tables.reinsurance] == [None, 40.0, 15.0]


MISTAKES = [
    (changed("0", cession=None), "catastrophe.reinsurance[0].cession is missing; quota_share needs it. Add it."),
    (changed("1", attachment=None), "catastrophe.reinsurance[1].attachment is missing; excess_of_loss needs it. Add it."),
    (changed("0", attachment=5.0), "catastrophe.reinsurance[0].attachment means nothing in quota_share. Drop it."),
    (changed("2", reinstatements=[0.0]), "catastrophe.reinsurance[2].reinstatements means nothing in stop_loss. Drop it."),
    (changed("1", annual_limit=40.0), "catastrophe.reinsurance[1].annual_limit stands beside reinstatements, which already limit the year to (1 + their number) x limit. Keep one."),
    (changed("1", reinstatements=[], pro_rata_time=True), "catastrophe.reinsurance[1].pro_rata_time = true prices no reinstatement. List reinstatements, or drop it."),
    (changed("1", premium=None), "catastrophe.reinsurance[1].premium is missing; paid reinstatements are a share of it. Add it."),
    (changed("0", cession=0.0), "catastrophe.reinsurance[0].cession = 0 cedes nothing. Raise it, or drop the contract."),
    (changed("0", cession=1 / 3), "catastrophe.reinsurance[0].cession = 0.3333333333333333 has more than six decimals. Round it, and let the last share take the rest."),
    (changed("0", cession=1.5), "catastrophe.reinsurance[0].cession = 1.5 must be at most 1. Lower it."),
    (changed("1", reinsurers={"a": 0.5, "b": 0.4}), "catastrophe.reinsurance[1].reinsurers have shares that sum to 0.9, not 1. Adjust them."),
    (changed("pool", carriers={"x": 0.25, "y": 0.7}), "catastrophe.pool.carriers have shares that sum to 0.95, not 1. Adjust them."),
    (changed("2", name="layer"), "catastrophe.reinsurance[2].name = 'layer' is the name of an earlier contract. Choose another."),
    (changed("2", inuring=1), "catastrophe.reinsurance[2].inuring = 1 stands after 2. List the contracts in the order in which they pay."),
    (changed("2", inuring=2), "catastrophe.reinsurance of inuring number 2 mix a stop loss on the year with contracts on events. Give the stop loss a number of its own."),
    (changed("0", kind="quota"), "catastrophe.reinsurance[0].kind = 'quota' is not known here. Did you mean quota_share?"),
    (changed("fund", initial=12.0), "catastrophe.fund.initial = 12 lies above the ceiling (9 yuan). Lower it."),
    (changed("fund", initial=None), "catastrophe.fund never has any money. Give initial, contribution or premium_share."),
    (changed("fund", horizon=0), "catastrophe.fund.horizon = 0 must be at least 1. Raise it."),
]  # fmt: skip


@pytest.mark.parametrize(("tables", "says"), MISTAKES, ids=[says[12:60] for _, says in MISTAKES])
def test_a_mistake_gets_place_value_rule_and_cure(tables: dict[str, Any], says: str) -> None:
    assert problems(tables) == [says]


def side_by_side(*contracts: dict[str, Any]) -> dict[str, Any]:
    named = [contract | {"name": f"c{k}", "inuring": 1} for k, contract in enumerate(contracts)]
    return {"reinsurance": named}


def test_contracts_of_one_number_may_not_pay_more_than_the_loss() -> None:
    plain = {key: LAYER[key] for key in ("kind", "attachment", "limit")}
    # 20 xs 10 and 20 xs 20 overlap between 20 and 30: at 40 they pay 20 + 20, no more than the loss, but some twice.
    assert problems(side_by_side(plain, plain | {"attachment": 20.0})) == [
        "catastrophe.reinsurance of inuring number 1: c0 and c1 overlap from 20 to 30 yuan, and would pay that part "
        "of a loss more than once. Move an attachment or a limit, lower what is placed, or give one a higher inuring "
        "number."
    ]
    # Layer on layer, a gap, and halves of one layer are towers.
    File.model_validate({"catastrophe": side_by_side(plain, plain | {"attachment": 30.0})})
    File.model_validate({"catastrophe": side_by_side(plain, plain | {"attachment": 35.0})})
    half = plain | {"placed": 0.5}
    File.model_validate({"catastrophe": side_by_side(half, half)})
    # From 5 on, two layers of 20 pay 40 of 25.
    low = plain | {"attachment": 5.0}
    assert problems(side_by_side(low, low)) == [
        "catastrophe.reinsurance of inuring number 1 (c0, c1) would together pay 40 yuan of a loss of 25. "
        "Lower a share, or give one a higher inuring number."
    ]
    halves = side_by_side(QUOTA | {"cession": 0.6}, QUOTA | {"cession": 0.5})
    assert problems(halves) == [
        "catastrophe.reinsurance of inuring number 1 would together pay 1.1 of a large loss. "
        "Lower a share, or give one a higher inuring number."
    ]
    placed = side_by_side(QUOTA | {"cession": 0.6, "placed": 0.5}, QUOTA | {"cession": 0.5})
    File.model_validate({"catastrophe": placed})


def test_mistakes_of_several_tables_come_together() -> None:
    tables = changed("0", cession=None)
    tables["pool"] = {"carriers": {"x": 0.9}}
    assert len(problems(tables)) == 2


def test_the_shipped_parts_are_valid_and_every_number_has_a_source() -> None:
    document = tomllib.loads(PART.read_text(encoding="utf-8"))
    pool = tomllib.loads((PART.parent / "yinchuan-pool.toml").read_text(encoding="utf-8"))
    document["catastrophe"] |= pool["catastrophe"]
    document["sources"] |= pool["sources"]
    plain, numbers, found = strip_provenance(document)
    assert found == []
    tables = File.model_validate({"catastrophe": plain["catastrophe"]}).catastrophe
    assert [contract.inuring for contract in tables.reinsurance] == [1, 2, 2, 3]
    assert tables.pool is not None
    assert len(tables.pool.carriers) == 10  # official
    assert tables.fund is not None
    assert {number.source for number in numbers} == set(document["sources"])
    published = {number.place: number.value for number in numbers if number.status == "published"}
    assert published == {"catastrophe.fund.initial": 5_000_000, "catastrophe.fund.premium_share": 0.2}


def test_the_part_takes_its_figures_from_the_list() -> None:
    with (SCENARIOS / "sources" / "figures.csv").open(encoding="utf-8", newline="") as file:
        used = ("cat.yinchuan.insurers", "cat.ningbo.", "cat.shaoguan.load.")
        listed = {
            row["key"]: float(row["value"]) for row in csv.DictReader(file) if row["key"].startswith(used)
        }
    assert listed["cat.yinchuan.insurers_in_pool"] == 10
    assert listed["cat.ningbo.fund_initial"] == 5_000_000
    assert listed["cat.ningbo.reserve_share_of_premium"] == 0.2
    loads = [value for key, value in listed.items() if key.startswith("cat.shaoguan.load.")]
    assert sum(loads) == pytest.approx(0.2552)
