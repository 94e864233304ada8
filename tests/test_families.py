"""Worked families: the engine pays what hand arithmetic says, and the page tells it in both languages.

Every expected number stands in a file under scenarios/families with its arithmetic; none comes from the engine.
"""

# ruff: noqa: E501  (the messages are long and stand whole)

from __future__ import annotations

import re
from pathlib import Path

import pytest
from refused import told_of_file
from typer.testing import CliRunner

from fangpinbao.cli import app
from fangpinbao.errors import InputError
from fangpinbao.families import SettledFamily
from fangpinbao.scenario.family import load_family

FOLDER = Path(__file__).resolve().parents[1] / "scenarios" / "families"
FILES = sorted(FOLDER.glob("*.toml"))
SUBJECTS = {
    "routing": "zhongning-",
    "shared caps": "shared",
    "tilt": "tilt",
    "ceilings": "gansu-",
    "order and displacement": "supplement-",
    "disability scale": "disability-",
    "first-come exhaustion": "fund-",
    "late payment": "late-",
}
NUMBER = re.compile(r"\d[\d,]*\.\d\d")


def test_there_are_families_of_every_subject() -> None:
    names = [file.stem for file in FILES]
    assert len(names) >= 30
    assert {subject for subject, part in SUBJECTS.items() if not any(part in name for name in names)} == set()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_arithmetic_of_the_file_is_met(file: Path) -> None:
    settled = SettledFamily(load_family(file))
    assert settled.differences() == []
    tables = settled.family.tables
    assert any(one.payments or one.programme != "none" for one in tables.expected)
    for one in tables.expected:
        english, chinese = (settled.explain(one.programme, one.household, lang) for lang in ("en", "zh"))
        assert str(english).startswith(tables.sentence.en)
        assert str(chinese).startswith(tables.sentence.zh)
        assert [payment.paid_fen for payment in english.payments] == [
            payment.paid_fen for payment in chinese.payments
        ]
        body = [str(page).partition("\n")[2] for page in (english, chinese)]
        assert sorted(NUMBER.findall(body[0])) == sorted(NUMBER.findall(body[1]))
        assert not re.search(r"[a-z]{4,} [a-z]{2,}", body[1])
        assert all(payment.reasons for payment in english.payments)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_file_shows_its_arithmetic_and_source(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert text.startswith("# ")
    assert len(load_family(file).tables.source) > 10


def test_a_wrong_expectation_is_found(tmp_path: Path) -> None:
    text = (FOLDER / "late-payment.toml").read_text(encoding="utf-8")
    text = text.replace("terms/timing.toml", str(FOLDER / "terms" / "timing.toml"))
    for old, new in (("pays = 7_000", "pays = 7_000.01"), ("borne = 8_000", "borne = 7_999"),
                     ("insured = 6_800", "insured = 6_801"), ('poverty = "still_poor" }', 'poverty = "lifted" }'),
                     ("not taken up", "taken up twice")):  # fmt: skip
        assert old in text
        file = tmp_path / "family.toml"
        file.write_text(text.replace(old, new), encoding="utf-8")
        assert len(SettledFamily(load_family(file)).differences()) == text.count(old)


def test_the_example_of_the_page_is_met(tmp_path: Path) -> None:
    page = (FOLDER.parents[1] / "docs" / "families.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    file = tmp_path / "example.toml"
    file.write_text(
        example.replace("terms/zhongning.toml", str(FOLDER / "terms" / "zhongning.toml")), "utf-8"
    )
    assert SettledFamily(load_family(file)).differences() == []


def test_the_page_lists_every_family() -> None:
    """Names are given whole, or without the first word of the one before (`zhongning-dibao`, `-tekun`)."""
    page = (FOLDER.parents[1] / "docs" / "families.md").read_text(encoding="utf-8")
    listed: set[str] = set()
    for row in re.findall(r"^\|.*\| (.*) \|$", page, re.MULTILINE):
        first = ""
        for name in re.findall(r"`([a-z0-9-]+)`", row):
            first = first if name.startswith("-") else name
            listed.add(first.split("-")[0] + name if name.startswith("-") else name)
    assert {file.stem for file in FILES} <= listed
    assert f"{len(FILES)} ship under" in page


def test_days_are_those_of_the_file() -> None:
    page = SettledFamily(load_family(FOLDER / "waiting-time.toml")).explain("waiting", "A")
    assert [event.day for event in page.events] == [20, 200, 300]


def test_a_fen_of_cumulative_rounding_is_told() -> None:
    """Assistance pays 2,001.52 though 70% of what is left is 2,001.51081: see the file's own arithmetic."""
    settled = SettledFamily(load_family(FOLDER / "supplement-three-bases.toml"))
    for lang, words in (
        ("en", "rounded together with the payments before it"),
        ("zh", "与前面各项给付合并四舍五入"),
    ):
        told = [
            payment.paid_fen
            for payment in settled.explain("three", "A", lang).payments
            if words in payment.reasons
        ]
        assert told == [200_152]


MISTAKES = [
    ('household = "A"\nperson = "A1"', 'household = "X"\nperson = "A1"', "events[0].household = 'X' is not one of A."),
    ('person = "A1"\n', 'person = "A9"\n', "events[0].person = 'A9' does not live in A."),
    ('person = "A1"\naccount', "account", "events[0].person does not fit: medical_cost is an account of a person. Name the person."),
    ("medical_cost", "medicl_cost", "events[0].account = 'medicl_cost' is not an account."),
    ("amount = 8_000", "amount = 8_000\nin_scope = 9_000", "events[0].in_scope = 9000 is above the amount (8000). Lower it."),
    ('programme = "late"', 'programme = "lat"', "expected[1].programme = 'lat' is not one of none, in_time, late,"),
    ("amount = 8_000", "amonut = 8_000", "events[0].amonut is read by nothing. Did you mean events[0].amount?"),
    ('id = "A2", age = 53, sex = "female"', 'id = "A2", age = 55, sex = "male"', "households[0].persons[1] A2 has the age, sex, schooling and enrolment of another member"),
    ('source = "Share', 'sources = "Share', "source is missing. Add it"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "says"), MISTAKES, ids=[says[:40] for *_, says in MISTAKES])
def test_a_mistake_is_named_with_its_place(old: str, new: str, says: str, tmp_path: Path) -> None:
    text = (FOLDER / "late-payment.toml").read_text(encoding="utf-8")
    assert old in text
    text = text.replace("terms/timing.toml", str(FOLDER / "terms" / "timing.toml"))
    told = told_of_file(text.replace(old, new, 1), tmp_path, load_family)
    assert any(problem.startswith(says) for problem in told), told


@pytest.mark.smoke
def test_the_command_explains_and_compares() -> None:
    shown = CliRunner().invoke(app, ["family", "families/late-payment", "--lang", "zh"])
    assert shown.exit_code == 0, shown.output
    assert "赔款足够，但大部分次年才到账。" in shown.output
    assert "与文件中 3 组手工计算结果一致" in shown.output
    one = CliRunner().invoke(app, ["family", "families/late-payment", "--programme", "spending"])
    assert "Household A under spending" in one.output
    listed = CliRunner().invoke(app, ["family"])
    assert [line.split()[0] for line in listed.output.splitlines()] == [
        f"families/{file.stem}" for file in FILES
    ]
    wrong = CliRunner().invoke(app, ["family", "families/late-paiment"])
    assert wrong.exit_code == 2
    unknown = CliRunner().invoke(app, ["family", "families/late-payment", "--programme", "x"])
    assert unknown.exit_code == 2


def test_an_own_share_that_is_set_aside_is_borne(tmp_path: Path) -> None:
    """Of 3,000 the person bears 1,000 first, the hospital the rest: 1,000 is borne."""
    file = tmp_path / "own.toml"
    file.write_text(
        f'format = 1\nextends = "{FOLDER}/terms/lines.toml"\nname = "own"\ntitle = "own"\n'
        'sentence = "A man is in hospital for 3,000."\nsource = "made up for a test"\n'
        '[programmes.rules]\nkind = "rules"\n'
        '[programmes.rules.coverages.own]\naccounts = ["medical_cost"]\nlimit = 1_000\n'
        'payer_kind = "household"\npaid_within_year = 0\n'
        '[programmes.rules.coverages.hospital]\naccounts = ["medical_cost"]\npayer_kind = "hospital"\n'
        '[[households]]\nid = "A"\nclass = "marginal"\nincome_per_head = 5_000\n'
        'persons = [{ id = "A1", age = 40, sex = "male" }]\n'
        '[[events]]\nlabel = "stay"\nhousehold = "A"\nperson = "A1"\naccount = "medical_cost"\namount = 3_000\n'
        '[[expected]]\nprogramme = "rules"\nborne = 1_000\nwithout = 2_000\ninsured = 4_000\n'
        'payments = [{ step = "own", person = "A1", pays = 1_000 }, { step = "hospital", person = "A1", pays = 2_000 }]\n',
        encoding="utf-8",
    )
    assert SettledFamily(load_family(file)).differences() == []


def test_mistakes_of_the_story_and_of_its_terms_come_together(tmp_path: Path) -> None:
    text = (FOLDER / "late-payment.toml").read_text(encoding="utf-8")
    text = text.replace("terms/timing.toml", str(FOLDER / "terms" / "timing.toml"))
    file = tmp_path / "wrong.toml"
    story = text.replace("borne =", "bourne =", 1)
    file.write_text(story + "\n[lines]\npoverty_line = -1\nresourc = 3\n", encoding="utf-8")
    with pytest.raises(InputError) as refused:
        load_family(file)

    assert [problem.place for problem in refused.value.problems] == [
        "expected[0].borne", "expected[0].bourne", "lines.poverty_line", "lines.resourc"
    ]  # fmt: skip
