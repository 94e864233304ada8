"""What a new user may type wrongly: every refusal names place, value, rule and cure, with exit status 2."""

# ruff: noqa: E501  (the messages are long and stand whole)

import copy
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from refused import told_by, told_of_file
from typer.testing import CliRunner

import fangpinbao as fp
from fangpinbao.cli import app
from fangpinbao.errors import InputError
from fangpinbao.scenario import Scenario, load_scenario

SMALL = (Path(__file__).parent / "data_cli" / "small.toml").read_text(encoding="utf-8")


def with_values(changes: dict[str, Any]) -> dict[str, Any]:
    """Return the small county with the values at some dotted paths changed."""
    document = tomllib.loads(SMALL)
    for path, value in changes.items():
        *tables, last = [int(step) if step.isdigit() else step for step in path.split(".")]
        node: Any = document
        for step in tables:
            node = node[step]
        node[last] = value
    return document


def refusals(document: dict[str, Any]) -> list[str]:
    """Problems of a document."""
    return told_by(lambda: Scenario.from_document(document))


LAW = "perils.accident.books.0.amount"
TOO_HEAVY = "but amounts are held up to 4.61e+16 (2^62 fen). Give it a lighter tail, or a lower scale."
CUT_OFF = TOO_HEAVY.replace("a lower scale", "income_to")
LARGE: list[tuple[dict[str, Any], str]] = [
    ({LAW: {"law": "discrete", "values": [1e300], "probabilities": [1]}}, "perils.accident.books[0].amount.values[0] = 1e+300 must be at most 1e11. Lower it."),
    ({"perils.inpatient.books.0.in_scope_share.concentration": 1e30}, "perils.inpatient.books[0].in_scope_share.concentration = 1e+30 must be at most 1e6. Lower it."),
    ({"lines.monitoring_line": 1e18}, "lines.monitoring_line = 1e+18 must be at most 1e11. Lower it."),
    ({LAW: {"law": "lognormal", "mean": 1e300, "sigma": 1.0}}, "perils.accident.books[0].amount.mean = 1e+300 must be at most 1e11. Lower it."),
    # Largest of a Pareto II law: theta (2^(53 / alpha) - 1), of a lognormal one: exp(mu + 8.209536 sigma).
    ({LAW: {"law": "pareto", "alpha": 0.9, "theta": 1.0}}, f"perils.accident.books[0].amount is a law (pareto) that can draw up to 5.34e+17, {TOO_HEAVY}"),
    ({LAW: {"law": "lognormal", "mu": 0.0, "sigma": 10.0}}, f"perils.accident.books[0].amount is a law (lognormal) that can draw up to 4.5e+35, {TOO_HEAVY}"),
    ({LAW: {"law": "lognormal", "mu": 1e6, "sigma": 1.0}}, f"perils.accident.books[0].amount is a law (lognormal) that can draw up to inf, {TOO_HEAVY}"),
    ({"population.classes.marginal.income_per_head.sigma": 100.0}, f"population.classes.marginal.income_per_head is a law (lognormal) that can draw up to inf, {CUT_OFF}"),
    ({LAW: {"law": "spliced", "threshold": 9e3, "tail_weight": 0.1, "body": {"law": "lognormal", "mu": 8.0, "sigma": 100.0}, "tail": {"law": "exponential", "mean": 9e3}}}, f"perils.accident.books[0].amount is a law (spliced) that can draw up to inf, {TOO_HEAVY}"),
    ({"population.persons": 10**11}, "population.persons = 100000000000 must be at most 20_000_000. Lower it."),
    ({"population.townships": 10**9}, "population.townships = 1000000000 must be at most 100_000. Lower it."),
    ({"simulation.years": 10**12}, "simulation.years = 1000000000000 must be at most 10_000_000. Lower it."),
    ({"simulation.seed": 2**64}, "simulation.seed = 18446744073709551616 must be at most 9_223_372_036_854_775_807. Lower it."),
    ({"perils.flood.frequency.events_per_year": 2000}, "perils.flood.frequency.events_per_year = 2000 must be at most 365. Lower it."),
    ({"perils.flood.frequency": {"law": "negative_binomial", "events_per_year": 300, "size": 0.01}}, "perils.flood.frequency.size = 0.01 lets a year have more than 10_000 events. Raise it, or lower the mean."),
    ({"perils.inpatient.factors": {"sex": {"male": 1e9}}}, "perils.inpatient.frequency reaches 2e+08 events a year where its factors and year factors are largest; at most 10_000 can be drawn. Lower it, or narrow the factors."),
    ({"perils.accident.books.0.amount": {"law": "constant", "amount": 1e6}, "perils.accident.books.0.factors": {"sex": {"male": 1e11}}}, "perils.accident.books[0].amount can reach 1e+17 yuan with the largest factors, but amounts are held up to 4.61e+16 (2^62 fen). Give it a lighter tail, or lower the factors."),
    ({"perils.accident.books.0.amount": {"law": "constant", "amount": 1e11}, "population.persons": 1_000_000}, "perils.accident.books[0].amount comes to as much as 4e+09 yuan a person and year, too much for 1000000 persons: a year is held up to 1e+13 yuan. Lower it to 1e+07 yuan a person, or take fewer."),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "says"), LARGE, ids=[says[:50] for _, says in LARGE])
def test_what_does_not_fit_into_exact_money_or_memory_is_refused(changes: dict[str, Any], says: str) -> None:
    assert refusals(with_values(changes)) == [says]


def test_the_largest_amounts_that_pass_are_paid_without_overflow() -> None:
    """The bound of a single amount, 1e11 yuan or 1e13 fen, paid whole to each of 60 persons."""
    document = with_values(
        {
            "population.persons": 60,
            "perils.accident.frequency.probability": 1.0,
            LAW: {"law": "constant", "amount": 1e11},
            "programmes": {
                "all": {"coverages": {"costs": {"accounts": ["accident_medical_cost"], "rate": 1.0}}}
            },
        }
    )
    del document["layers"]
    document["population"].pop("townships")
    outcomes = fp.simulate(Scenario.from_document(document), years=3, seed=1, threads=1)
    payouts = outcomes.by_year.query("programme == 'all'")["payout_fen"].to_numpy()

    assert np.array_equal(payouts, np.full(3, 60 * 10**13))


def test_a_heavy_income_that_is_cut_off_above_is_taken() -> None:
    heavy = {
        "population.classes.marginal.income_per_head.sigma": 30.0,
        "population.classes.marginal.income_to": 50_000,
    }

    assert Scenario.from_document(with_values(heavy)).population.classes["marginal"].income_to == 50_000


def test_all_that_is_too_large_is_named_at_once() -> None:
    changes: dict[str, Any] = {}
    for one, _ in (LARGE[1], LARGE[2], LARGE[7], LARGE[9], LARGE[10], LARGE[13]):
        changes |= copy.deepcopy(one)

    assert len(refusals(with_values(changes))) == 6


WRITTEN = [
    ("deductible = 400", "deductible = ４００", "is not valid TOML: Invalid value (at line 93, column 14), in `deductible = ４００`. Type 4 in place of the full-width ４."),
    ('status = "official"', "status = “official”", 'is not valid TOML: Invalid value (at line 12, column 10), in `status = “official”`. Type " in place of the full-width “.'),
    ("[1, 2, 3, 2, 1]", "[1，2]", "is not valid TOML: Unclosed array (at line 33, column 20), in `household_size = [1，2]`. Type , in place of the full-width ，."),
    ("limit = 20_000", "limit = 20,000", "is not valid TOML: Expected newline or end of document after a statement (at line 117, column 11), in `limit = 20,000`. Write numbers without commas: 20000 or 20_000."),
    ("[programmes.capped]", "[programmes.防贫]", "is not valid TOML: Invalid initial character for a key part (at line 141, column 13), in `[programmes.防贫]`. Names are letters, digits, _ and -; put a Chinese name into label."),
    ("deductible = 400", "起付线 = 400", "is not valid TOML: Invalid statement (at line 93, column 1), in `起付线 = 400`. Names are letters, digits, _ and -; put a Chinese name into label."),
    ("rate = 0.7", "rate = 70%", "is not valid TOML: Expected newline or end of document after a statement (at line 94, column 10), in `rate = 70%`. Write a share as a number: 0.7 for 70%."),
    ("years = 40", "years = 40\nyears = 50", "is not valid TOML: Cannot overwrite a value (at line 8, column 11), in `years = 50`. It stands in the file twice: keep one."),
    ("deductible = 400", "deductible = " + "9" * 5000, "is not valid TOML: 99999999... (at line 93) is a number of 5000 digits. Shorten it."),
    ("deductible = 400", "deductible = " + "9" * 400, "layers.basic.deductible = 99999999... (400 digits) is too large for a number. Lower it."),
    ("deductible = 400", "deductible = " + "[" * 5000, "is not valid TOML: lists or tables stand too deep within each other. Check the brackets."),
    ("deductible = 400", "deductible = true", "layers.basic.deductible = true is not a number. Write it without quotes or units."),
    ("year = 2020", "year = 2020-04-01", "sources.rule.year = 2020-04-01 is neither a text in quotes nor a whole number. Write one of them."),
    ("format = 1", "format = true", "format = true is not a format this version reads. Write format = 1."),
    ('source = "press"', 'source = ["press"]', "lines.poverty_line.source = ['press'] is not a text. Put one in quotes."),
    ("[sources.rule]", "[[sources.rule]]", "sources.rule is not a table. Write { ... } or a [table]."),
    ("range = [0.1, 0.3]", "range = [0.1, inf]", "perils.inpatient.frequency.events_per_year.range = [0.1, inf] must be [low, high] around the value 0.2. Correct it."),
    ('zh = "小县"', 'zh = "小\\n县"', "title.zh = '小\\n县' holds the control character '\\n'. Write it in one line, without it."),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "says"), WRITTEN, ids=[new[:25] for _, new, _ in WRITTEN])
def test_what_is_written_wrongly_is_quoted_with_its_cure(
    old: str, new: str, says: str, tmp_path: Path
) -> None:
    assert old in SMALL
    assert told_of_file(SMALL.replace(old, new, 1), tmp_path) == [says]


def test_every_broken_part_of_what_is_extended_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text("format = = 1", encoding="utf-8")
    (tmp_path / "gbk.toml").write_bytes(SMALL.encode("gbk"))
    (tmp_path / "on.toml").write_text('extends = "nowhere"', encoding="utf-8")
    extends = 'extends = ["bad", "gbk", "gone", 5, "on"]\nwithout = 5\n'

    assert told_of_file(extends + SMALL, tmp_path) == [
        'extends[3] = 5 is not a text. Write e.g. extends = "zhongning-2020".',
        'without = 5 is not a text. Write e.g. without = "perils.flood".',
        "extends = 'bad', which is not valid TOML: Invalid value (at line 1, column 10), in `format = = 1`. Correct it.",
        "extends = 'gbk', which is not UTF-8 text: invalid continuation byte. Save it as UTF-8.",
        "extends = 'gone' is neither a file beside county.toml nor a shipped scenario. Name one, e.g. zhongning-2020.",
        "extends = 'on', whose extends = 'nowhere' is neither a file beside on.toml nor a shipped scenario. Name one, e.g. zhongning-2020.",
    ]


@pytest.mark.parametrize("line", ["extends = 5", "extends = { a = 1 }", "without = [[]]", "extends = true"])
def test_keys_that_hold_no_text_are_refused(line: str, tmp_path: Path) -> None:
    (problem,) = told_of_file(f"{line}\n{SMALL}", tmp_path)

    assert "is not a text. Write e.g." in problem


def test_an_unknown_scenario_points_to_the_list_of_scenarios() -> None:
    with pytest.raises(InputError) as caught:
        load_scenario("nowhere")

    assert str(caught.value.problems[0]) == (
        "is neither a file nor a shipped scenario. Check the path; `fangpinbao scenarios` lists what is shipped."
    )


def refused_command(*arguments: str) -> list[str]:
    """Lines on stderr of a command that is refused with exit status 2."""
    result = CliRunner().invoke(app, list(arguments), env={"COLUMNS": "200"})

    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.stderr
    return result.stderr.splitlines()


COUNTY = str(Path(__file__).parent / "data_cli" / "small.toml")


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (
            "9" * 5000,
            "population.persons = 99999999... (5000 characters) is too long for a value. Shorten it.",
        ),
        (
            "[" * 3000,
            "population.persons = [[[[[[[[... (3000 characters) is too long for a value. Shorten it.",
        ),
        ("5\nx = 4", "is not PATH=VALUE. Write e.g. programmes.base.premium_per_insured=120."),
        ("1e11", "population.persons = 100000000000.0 is not a whole number."),
        ("5000000000", "population.persons = 5000000000 must be at most 20_000_000. Lower it."),
    ],
    ids=["digits", "brackets", "lines", "float", "many"],
)
def test_a_setting_that_cannot_be_is_refused(value: str, says: str) -> None:
    assert says in "\n".join(refused_command("run", COUNTY, "--set", f"population.persons={value}"))


@pytest.mark.parametrize(
    "options", [("--years", "1000000000000"), ("--seed", str(2**70)), ("--years", "0"), ("--lang", "xx")]
)
def test_options_beyond_their_bounds_are_refused(options: tuple[str, str]) -> None:
    assert options[0] in "\n".join(refused_command("compare", COUNTY, "base", "none", *options))


def test_a_picture_that_cannot_be_written_is_refused_before_the_run() -> None:
    lines = refused_command("funnel", "zhongning-2020-detection", "--picture", "nowhere/funnel.doc")

    assert lines[1:] == [
        " 1. has no ending of a picture. Write one of .png, .svg, .pdf, .jpg.",
        " 2. The folder nowhere does not exist. Make it first.",
    ]


def test_explain_names_every_wrong_option() -> None:
    lines = refused_command("explain", COUNTY, "--path", str(10**30), "--programme", "bas")

    assert lines[1:] == [
        " 1. programme = 'bas' is not one of none, base, capped.",
        f" 2. path = {10**30} must be at most {2**62}. Lower it.",
    ]


def test_every_part_that_is_missing_is_named() -> None:
    lines = refused_command("classify", COUNTY, "--with", "nowhere", "--with", "neither")

    assert [line[4:22] for line in lines[1:]] == ["nowhere is neither", "neither is neither"]


def test_an_empty_family_speaks_of_its_own_tables_only(tmp_path: Path) -> None:
    file = tmp_path / "story.toml"
    file.write_text("", encoding="utf-8")
    lines = refused_command("family", str(file))

    assert [line[4:] for line in lines[1:]] == [
        f"{name} is missing. Add it."
        for name in ("events", "expected", "format", "households", "sentence", "source")
    ]


HEAD = "person_id,household_id,township,class,age,sex,schooling,enrolled,lifted_out,dibao,tekun,income_per_head,consumption_per_head"
GOOD = "1,1,a,marginal,40,male,none,true,false,false,false,5000,5000"


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([GOOD.replace("5000,5000", "1e18,5000")], "row 2, column income_per_head = '1e18' is not a number of yuan from 0 to 1e11, without thousands separators."),
        ([GOOD.replace("5000,5000", "5000,nan")], "row 2, column consumption_per_head = 'nan' is not a number of yuan"),
        ([GOOD.replace("5000,5000", "-1,5000")], "row 2, column income_per_head = '-1' is not a number of yuan"),
        ([GOOD, GOOD], "row 3, column person_id = '1' already stands in row 2. Give each person one row and id."),
        ([GOOD.replace(",40,", ",400,")], "row 2, column age = '400' is not a whole number from 0 to 120."),
    ],
    ids=["huge", "nan", "negative", "twice", "age"],
)  # fmt: skip
def test_a_broken_roster_is_refused_by_row_and_column(rows: list[str], says: str, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text("\n".join([HEAD, *rows]), encoding="utf-8")
    head, rest = SMALL.split("[population]")[0], SMALL[SMALL.index("[perils.inpatient]") :]
    file = tmp_path / "county.toml"
    file.write_text(f'{head}[population]\nfile = "people.csv"\n{rest}', encoding="utf-8")

    assert says in "\n".join(refused_command("run", str(file), "--years", "2"))


def test_bounds_hold_for_regional_catastrophes_too() -> None:
    zone = "catastrophe.earthquake.zones.yinchuan_graben.events_per_year"
    changes = {
        zone: 1e6,
        "catastrophe.tiers[0].share_of_years": 1e-300,
        "catastrophe.exposure.residents": 10**12,
    }
    with pytest.raises(InputError) as caught:
        load_scenario("yinchuan-2019").replace_all(changes)

    assert [str(problem) for problem in caught.value.problems] == [
        "catastrophe.earthquake.zones.yinchuan_graben.events_per_year = 1000000.0 must be at most 365. Lower it.",
        "catastrophe.exposure.residents = 1000000000000 must be at most 1_000_000_000. Lower it.",
        "catastrophe.tiers[0].share_of_years = 1e-300 must be at least 0.0001. Raise it.",
    ]


def test_a_peril_of_a_region_that_never_strikes_is_drawn_without_a_warning() -> None:
    never = load_scenario("yinchuan-2019").replace(
        "catastrophe.perils.rainstorm.frequency.events_per_year", 0.0
    )
    figures = fp.catastrophe_figures(fp.simulate_catastrophe(never, years=40, seed=1))

    assert figures.one("payout", "base", "mean", group="rainstorm").value == 0.0
    assert figures.one("payout", "base", "mean", group="flood").standard_error is not None


def test_a_chance_that_factors_raise_above_one_stays_a_chance() -> None:
    document = with_values({"perils.accident.factors": {"sex": {"male": 1e9}}})

    assert Scenario.from_document(document).perils["accident"].factors.sex == {"male": 1e9}


@pytest.mark.parametrize("value", ["二〇二〇", "2020", 2020.0, True])
def test_whole_numbers_are_written_as_such(value: Any) -> None:
    changes = {"calendar_year": value, "programmes.base.coverages.illness.waiting_days": value}
    found = refusals(with_values(changes))

    assert len(found) == 2
    assert all("is not a whole number. Write it without" in one for one in found)
