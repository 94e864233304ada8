"""Roster files: exact round trips, and every mistake named by row and column."""

import numpy as np
import pandas as pd
import pytest

from fangpinbao.errors import InputError
from fangpinbao.population import Population
from fangpinbao.roster import read_roster, write_roster
from fangpinbao.scenario import models
from fangpinbao.scenario.vocabulary import CLASSES, STAGES
from fangpinbao.synthesis import synthesise

HEADER = (
    "person_id,household_id,township,class,age,sex,schooling,enrolled,"
    "lifted_out,dibao,tekun,income_per_head,consumption_per_head"
)
GOOD = [
    "p1,h1,恩和镇,marginal,45,female,none,true,false,true,false,5000,4500",
    "p2,h1,恩和镇,边缘易致贫,16,男,普通高中,是,否,是,否,5000.00,4500",
    "p3,h2,鸣沙镇,unstable_lifted,70,male,none,1,1,0,0,6100.5,6000",
]


def write(path, lines, header=HEADER, encoding="utf-8", end="\n"):
    path.write_bytes((end.join([header, *lines]) + end).encode(encoding))
    return path


def problems_of(path):
    with pytest.raises(InputError) as refusal:
        read_roster(path)
    return [str(problem) for problem in refusal.value.problems]


def county(with_assets=False):
    margins = {
        "share": 1.0,
        "household_size": [0.2, 0.5, 0.3],
        "age": {"from": [0, 18, 60], "values": [0.2, 0.6, 0.2]},
        "income_per_head": {"law": "lognormal", "median": 6000.0, "sigma": 0.5},
        "dibao": 0.3,
    }
    if with_assets:
        margins["assets"] = {"law": "exponential", "mean": 30_000.0}
    return synthesise(
        models.Population(persons=1500, townships=["恩和镇", "鸣沙镇"], classes={"marginal": margins})
    )


@pytest.mark.parametrize("ending", ["csv", "parquet", "CSV"])
@pytest.mark.parametrize("with_assets", [False, True])
def test_a_written_roster_reads_back_exactly(tmp_path, ending, with_assets):
    population = county(with_assets)
    write_roster(population, tmp_path / f"roster.{ending}")
    assert read_roster(tmp_path / f"roster.{ending}").identical_to(population)
    assert [path.name for path in tmp_path.iterdir()] == [f"roster.{ending}"]


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_incomes_that_are_not_round_and_textual_ids_survive(tmp_path, ending):
    frame = county().to_frame()
    frame["income_per_head"] = frame["income_per_head"] / 3
    frame["household_id"] = "户" + frame["household_id"].astype(str)
    frame["person_id"] = "00" + frame["person_id"].astype(str)
    population = Population.from_frame(frame)
    write_roster(population, tmp_path / f"roster.{ending}")
    assert read_roster(tmp_path / f"roster.{ending}").identical_to(population)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_chinese_words_and_encodings_are_read(tmp_path, encoding, end):
    population = read_roster(write(tmp_path / "roster.csv", GOOD, encoding=encoding, end=end))
    assert sorted(population.township_names) == ["恩和镇", "鸣沙镇"]
    place = population.person_id.tolist().index("p2")
    assert CLASSES[population.household_class[population.household_of[place]]] == "marginal"
    assert STAGES[population.schooling[place]] == "senior_general"
    assert (population.age[place], population.female[place], population.enrolled[place]) == (16, False, True)
    assert sorted(population.income_per_head) == [5000.0, 6100.5]


def test_spaces_blank_lines_and_column_order_do_not_matter(tmp_path):
    plain = read_roster(write(tmp_path / "plain.csv", GOOD))
    names = HEADER.split(",")[::-1]
    lines = [" , ".join(line.split(",")[::-1]) for line in GOOD]
    loose = write(tmp_path / "loose.csv", [lines[2], "", *lines[:2], ",,"], header=" ,".join(names))
    assert read_roster(loose).identical_to(plain)


def test_whole_number_ids_have_the_same_keys_as_integers(tmp_path):
    lines = [line.replace("p", "1").replace("h", "2") for line in GOOD]
    population = read_roster(write(tmp_path / "roster.csv", lines, encoding="utf-8"))
    assert population.person_id.dtype == np.int64
    mixed = read_roster(write(tmp_path / "mixed.csv", [*lines, GOOD[2].replace("h2", "x")]))
    assert set(population.person_key) < set(mixed.person_key)


def test_every_mistake_is_named_by_row_and_column(tmp_path):
    lines = [
        *GOOD,
        "p4,h3,恩和镇,marginl,abc,male,none,true,false,false,false,5000,4500",
        "p5,h4,恩和镇,marginal,130,fem,primry,maybe,false,false,false,-1,4500",
        "p1,h5,恩和镇,general,30,male,none,true,false,false,false,5000,nan",
        '"p6",h6,"a\nb",general,30,male,none,true,false,false,false,"5,000",4500',
        "p7,h1,鸣沙镇,marginal,45,female,none,true,false,false,false,5000,4500",
        "p8,h7,恩和镇,general,30,male,none,true,false,false,false,5000",
        ",h8,,general,30.5,male,none,true,false,false,false,5000,1e999",
    ]
    money = "a number of yuan from 0 to 1e11, without thousands separators. Correct the cell."
    flag = "true or false (1 or 0, 是 or 否). Correct the cell."
    age = "a whole number from 0 to 120. Correct the cell."
    assert problems_of(write(tmp_path / "roster.csv", lines)) == [
        "row 11 has 12 cells where the header has 13. Mend it, or quote cells.",
        "row 5, column class = 'marginl' is not a household class. Did you mean 'marginal'?",
        f"row 5, column age = 'abc' is not {age}",
        f"row 6, column age = '130' is not {age}",
        "row 6, column sex = 'fem' is not male or female (男 or 女). Correct the cell.",
        "row 6, column schooling = 'primry' is not a stage of schooling. Did you mean 'primary'?",
        f"row 6, column enrolled = 'maybe' is not {flag}",
        f"row 6, column income_per_head = '-1' is not {money}",
        "row 7, column person_id = 'p1' already stands in row 2. Give each person one row and id.",
        f"row 7, column consumption_per_head = 'nan' is not {money}",
        f"row 8, column income_per_head = '5,000' is not {money}",
        "row 10, column township = '鸣沙镇' differs from row 2 of the same household ('恩和镇'). "
        "Give all its members the same value.",
        "row 10, column dibao = 'false' differs from row 2 of the same household ('true'). "
        "Give all its members the same value.",
        "row 12, column person_id is empty; it must be an id of 1 to 64 characters. Correct the cell.",
        "row 12, column township is empty; it must be a name of 1 to 64 characters. Correct the cell.",
        f"row 12, column age = '30.5' is not {age}",
        f"row 12, column consumption_per_head = '1e999' is not {money}",
    ]


def test_columns_are_refused_with_the_nearest_name(tmp_path):
    header = HEADER.replace("income_per_head", "incom_per_head").replace("tekun,", "").replace("sex", "age")
    assert problems_of(write(tmp_path / "roster.csv", GOOD[:1], header=header + ",Assets")) == [
        "column sex is missing. Add it.",
        "column tekun is missing. Add it.",
        "column income_per_head is missing. Rename column 'incom_per_head' to it.",
        "column 'incom_per_head' is read by nothing. Did you mean income_per_head?",
        "column 'Assets' is read by nothing. Did you mean assets?",
        "column age stands 2 times. Keep one.",
    ]


def test_only_the_first_problems_are_spelled_out(tmp_path):
    lines = [f"p{n},h{n},恩和镇,general,x,male,y,true,false,false,false,5,5" for n in range(100)]
    with pytest.raises(InputError) as refusal:
        read_roster(write(tmp_path / "roster.csv", lines))
    text = str(refusal.value).splitlines()
    assert text[0].endswith("roster.csv has 200 problems")
    assert text[1].startswith(" 1. row 2, column age = 'x'")
    assert text[50].startswith("50. row 26, column schooling = 'y'")
    assert text[51] == "and 150 more, not spelled out."
    assert len(text) == 52


def test_parquet_rows_count_from_one(tmp_path):
    frame = county().to_frame()
    frame["age"] = frame["age"].astype("float64")
    frame.loc[4, "age"] = np.nan
    frame.loc[6, "age"] = 1.5
    frame["enrolled"] = frame["enrolled"].astype("int64")
    frame.to_parquet(tmp_path / "roster.parquet", index=False)
    assert problems_of(tmp_path / "roster.parquet") == [
        "row 5, column age is empty; it must be a whole number from 0 to 120. Correct the cell.",
        "row 7, column age = '1.5' is not a whole number from 0 to 120. Correct the cell.",
    ]


def test_other_forms_of_parquet_columns_are_read(tmp_path):
    population = county(with_assets=True)
    frame = population.to_frame().astype(
        {"class": "category", "age": "float64", "enrolled": "int8", "dibao": str}
    )
    frame["person_id"] = frame["person_id"].astype("float64")
    frame.to_parquet(tmp_path / "roster.parquet", index=False)
    assert read_roster(tmp_path / "roster.parquet").identical_to(population)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("roster.xlsx", b"", "must end in .csv or .parquet"),
        ("roster.csv", b"", "The file is empty"),
        ("roster.csv", HEADER.encode(), "has no usable row"),
        ("roster.csv", HEADER.replace(",", "\t").encode(), "has no commas"),
        ("roster.csv", (HEADER + '\np1,"h1').encode(), "row 2 is not valid CSV"),
        ("roster.csv", b"\xff\xfe\x00", "neither UTF-8 nor GB18030"),
        ("roster.parquet", b"PAR?", "not a Parquet file"),
    ],
)
def test_a_file_that_is_no_roster_is_refused(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_roster(tmp_path / name)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(InputError, match="cannot be read: No such file"):
        read_roster(tmp_path / "nowhere.csv")


def test_long_cells_are_cut(tmp_path):
    lines = [GOOD[2].replace("p3", "x" * 70)]
    shown = "x" * 37 + "..."
    assert problems_of(write(tmp_path / "roster.csv", lines)) == [
        f"row 2, column person_id = '{shown}' is not an id of 1 to 64 characters. Correct the cell."
    ]


def test_an_unfinished_file_is_not_left_behind(tmp_path, monkeypatch):
    def fail(*_args, **_kwargs):
        raise OSError("disk full")

    monkeypatch.setattr(pd.DataFrame, "to_csv", fail)
    with pytest.raises(OSError, match="disk full"):
        write_roster(county(), tmp_path / "roster.csv")
    assert not list(tmp_path.iterdir())
