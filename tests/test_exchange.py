"""Exchange tables: the standard's columns and types, and numbers worked out by hand."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from fangpinbao.errors import InputError
from fangpinbao.estimators import Years
from fangpinbao.event_losses import EventLosses
from fangpinbao.exchange import COLUMNS, open_results, write_open_results

# Copied from the standard (OasisLMF/ODS_OpenResultsData, commit 763e9d4): Schema/ORD_Data_Types.csv, and the
# columns it leaves out from Schema/ORD_Table_Examples.csv; version 1 by the notes of ORD_List_of_Fields.csv.
ORD = {
    "melt": "EventId,SummaryId,SampleType,EventRate,ChanceOfLoss,MeanLoss,SDLoss,SDLossInd,SDLossCor,MaxLoss,"
    "FootprintExposure,FootprintNumLocs,MeanImpactedExposure,MeanImpactedNumLocs,MaxImpactedExposure,"
    "MaxImpactedNumLocs",
    "splt": "Period,PeriodWeight,EventId,Year,Month,Day,Hour,Minute,SummaryId,SampleId,Loss,ImpactedExposure,"
    "ImpactedNumLocs",
    "alt": "SummaryId,LossMethod,SampleType,MeanLoss,SDLoss,SourceExposure,SourceNumLocs",
    "ept": "SummaryId,EPMethod,EPType,ReturnPeriod,Loss",
    "periods": "Period,PeriodWeight",
    "events": "EventId,EventDescription,EventRate",
}
ORD_1 = ORD | {
    "alt": "SummaryId,SampleType,MeanLoss,SDLoss,SourceExposure,SourceNumLocs",
    "ept": "SummaryId,EPCalc,EPType,ReturnPeriod,Loss",
}
THIRTY_TWO_BITS = {
    "EventId",
    "SummaryId",
    "SampleType",
    "SampleId",
    "Period",
    "Year",
    "Month",
    "Day",
    "EPCalc",
}

# Event 7 (rain) in years 1 and 3 of four, event 9 (quake) in year 3; a rain of no loss in year 4.
LOSSES = EventLosses(
    4, np.array([0, 2, 2, 3]), np.array([0, 58, 364, 59]), np.array([7, 7, 9, 7]), np.array([0, 0, 1, 0]),
    np.array([1000, 3000, 50_000, 0]), ("rain", "quake"),
)  # fmt: skip
YEARS = Years.equal(4)


def rows(table: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = table.to_pylist()
    return [{name: value for name, value in row.items() if value is not None} for row in found]


@pytest.mark.parametrize(("version", "standard"), [(1, ORD_1), (2, ORD)])
def test_the_columns_are_those_of_the_standard(version: Any, standard: dict[str, str]) -> None:
    assert {name: ",".join(columns) for name, columns in COLUMNS[version].items()} == standard
    tables = open_results(LOSSES, YEARS, version=version)
    for name, columns in standard.items():
        assert ",".join(tables[name].column_names) == columns
        for field in tables[name].schema:
            if field.name in THIRTY_TWO_BITS:
                assert field.type == pa.int32()
            elif field.name in ("LossMethod", "EPMethod", "EventDescription"):
                assert field.type == pa.string()
    assert tables["ept"].schema.field("EPType").type == (pa.int32() if version == 1 else pa.string())
    assert tables["ept_error"].column_names == [
        *standard["ept"].split(","), "StandardError", "Lower", "Upper"
    ]  # fmt: skip


def test_the_year_loss_table_is_the_events_with_dates() -> None:
    table = open_results(LOSSES, YEARS, calendar_year=2019, first_month=12)["splt"]
    common = {"PeriodWeight": 0.25, "SampleId": 1}
    # The year begins on 1 December 2019: day 58 is 28 January, day 364 is 30 November.
    expected = [
        {"Period": 1, "EventId": 7, "Year": 2019, "Month": 12, "Day": 1, "Loss": 10.0},
        {"Period": 3, "EventId": 7, "Year": 2020, "Month": 1, "Day": 28, "Loss": 30.0},
        {"Period": 3, "EventId": 9, "Year": 2020, "Month": 11, "Day": 30, "Loss": 500.0},
    ]
    own = [2, 2, 3]
    pairs = [
        ({**row, **common, "SummaryId": 1}, {**row, **common, "SummaryId": s})
        for row, s in zip(expected, own, strict=True)
    ]
    assert rows(table) == [row for pair in pairs for row in pair]
    plain = rows(open_results(LOSSES, YEARS)["splt"])
    assert [(row["Year"], row["Month"], row["Day"]) for row in plain[::2]] == [
        (1, 1, 1),
        (3, 2, 28),
        (3, 12, 31),
    ]


def test_the_event_loss_table_has_rates_and_moments() -> None:
    table = rows(open_results(LOSSES, YEARS)["melt"])
    # Event 7: 3 times in 4 years, losses 10, 30, 0: mean 40/3, sd sqrt((100/9 + 2500/9 + 1600/9) / 2).
    rain = {"EventId": 7, "SampleType": 2, "EventRate": 0.75, "ChanceOfLoss": 2 / 3, "MaxLoss": 30.0}
    quake = {
        "EventId": 9,
        "SampleType": 2,
        "EventRate": 0.25,
        "ChanceOfLoss": 1.0,
        "MaxLoss": 500.0,
        "MeanLoss": 500.0,
    }
    assert [row["SummaryId"] for row in table] == [1, 1, 2, 3]
    for row in (table[0], table[2]):
        assert row.pop("MeanLoss") == pytest.approx(40 / 3)
        assert row.pop("SDLoss") == pytest.approx(math.sqrt(4200 / 9 / 2))
        assert row.pop("SummaryId") in (1, 2)
        assert row == pytest.approx(rain)
    for row in (table[1], table[3]):
        assert row.pop("SummaryId") in (1, 3)
        assert row == quake


def test_the_average_and_exceedance_tables() -> None:
    tables = open_results(LOSSES, YEARS, return_periods=(2, 4))
    whole, rain, quake = rows(tables["alt"])
    assert (whole["SummaryId"], rain["SummaryId"], quake["SummaryId"]) == (1, 2, 3)
    assert (whole["MeanLoss"], rain["MeanLoss"], quake["MeanLoss"]) == (135.0, 10.0, 125.0)
    assert quake["SDLoss"] == pytest.approx(250.0)  # 500 in one of four years
    assert {row["LossMethod"] for row in (whole, rain, quake)} == {"STOC"}
    # Years 10, 0, 530, 0; largest events 10, 0, 500, 0. F(0) = 1/2, F(10) = 3/4.
    points = {
        (row["SummaryId"], row["EPType"], row["ReturnPeriod"]): row["Loss"] for row in rows(tables["ept"])
    }
    assert [points[1, "AEP", t] for t in (2.0, 4.0)] == [0.0, 10.0]
    assert [points[1, "TVAR_AEP", t] for t in (2.0, 4.0)] == [270.0, 530.0]
    assert [points[1, "TVAR_OEP", t] for t in (2.0, 4.0)] == [255.0, 500.0]
    assert len(points) == 3 * 4 * 2
    first = rows(open_results(LOSSES, YEARS, version=1, return_periods=(2, 4))["ept"])
    assert {(row["EPCalc"], row["EPType"]) for row in first} == {(2, kind) for kind in (1, 2, 3, 4)}
    assert {row["Loss"] for row in first if row["EPType"] == 4 and row["SummaryId"] == 1} == {270.0, 530.0}


def test_weights_of_strata_are_those_of_the_periods() -> None:
    years = Years.stratified([0, 1, 1, 0], {0: 0.9, 1: 0.1})
    tables = open_results(LOSSES, years)
    assert tables["periods"]["PeriodWeight"].to_pylist() == pytest.approx([0.45, 0.05, 0.05, 0.45])
    rates = dict(
        zip(tables["events"]["EventId"].to_pylist(), tables["events"]["EventRate"].to_pylist(), strict=True)
    )
    assert rates == pytest.approx({7: 0.95, 9: 0.05})
    assert tables["alt"]["MeanLoss"].to_pylist()[0] == pytest.approx(0.45 * 10 + 0.05 * 530)


def test_ids_beyond_32_bits_are_numbered_and_described() -> None:
    large = EventLosses(
        2,
        np.array([0, 1]),
        np.array([0, 0]),
        np.array([2**40, 5]),
        np.array([0, 0]),
        np.array([1, 1]),
        ("rain",),
    )
    tables = open_results(large, Years.equal(2))
    assert tables["events"]["EventId"].to_pylist() == [1, 2]
    assert tables["events"]["EventDescription"].to_pylist() == ["rain 5", f"rain {2**40}"]
    assert sorted(tables["splt"]["EventId"].to_pylist()) == [1, 1, 2, 2]


def test_files_hold_the_tables_and_the_metadata(tmp_path: Path) -> None:
    folder = write_open_results(tmp_path / "ord", {"il": LOSSES, "ri": LOSSES}, YEARS, name="yinchuan")
    tables = open_results(LOSSES, YEARS)
    names = {
        f"{code}_{table}.{kind}" for code in ("il", "ri") for table in tables for kind in ("csv", "parquet")
    }
    assert {path.name for path in folder.iterdir()} == {*names, "results_metadata.json"}
    assert list(tmp_path.iterdir()) == [folder]
    for name, table in tables.items():
        assert pyarrow.parquet.read_table(folder / f"il_{name}.parquet").equals(table)
        text = (folder / f"il_{name}.csv").read_text(encoding="utf-8")
        read = list(csv.DictReader(text.splitlines()))
        assert text.splitlines()[0] == ",".join(table.column_names)
        assert [row[table.column_names[0]] for row in read] == [str(v) for v in table.column(0).to_pylist()]
    metadata = json.loads((folder / "results_metadata.json").read_text(encoding="utf-8"))
    assert {"model_supplier_id", "model_name_id", "output_sets"} <= set(
        metadata
    )  # what the standard requires
    assert [one["perspective_code"] for one in metadata["output_sets"]] == ["il", "ri"]
    assert metadata["event_set"]["event_occurrence_max_periods"] == 4
    with pytest.raises(InputError, match="not an empty folder"):
        write_open_results(folder, {"il": LOSSES}, YEARS)
    with pytest.raises(ValueError, match="letters and digits"):
        write_open_results(tmp_path / "other", {"../il": LOSSES}, YEARS)
    assert list(tmp_path.iterdir()) == [folder]


def test_no_event_at_all_and_wrong_input() -> None:
    none = np.zeros(0, dtype=np.int64)
    tables = open_results(EventLosses(4, none, none, none, none, none, ("rain",)), YEARS)
    assert (tables["melt"].num_rows, tables["splt"].num_rows, tables["periods"].num_rows) == (0, 0, 4)
    assert set(tables["ept"]["Loss"].to_pylist()) == {0.0}
    with pytest.raises(ValueError, match="do not fit"):
        open_results(LOSSES, Years.equal(5))
    with pytest.raises(ValueError, match="first_month"):
        open_results(LOSSES, YEARS, first_month=13)
    with pytest.raises(ValueError, match="exceed one year"):
        open_results(LOSSES, YEARS, return_periods=(1,))
