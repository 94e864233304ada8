"""A hand-edited scenario with many mistakes gets one clear message for each, all at once."""

# ruff: noqa: E501  (the messages are long and stand whole)

import copy
import re
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import pytest
from refused import told_by, told_of_file

from fangpinbao.errors import InputError, Problem
from fangpinbao.scenario import Scenario, load_scenario

SMALL = (Path(__file__).parent / "data_cli" / "small.toml").read_text(encoding="utf-8")

# What is edited by hand, and what the message must say: place, value, rule and cure.
MISTAKES = [
    ("amount_per =", "amonut_per =", "perils.inpatient.amonut_per is read by nothing. Did you mean perils.inpatient.amount_per?"),
    ("premium_per_insured = 150", 'premium_per_insured = "150 yuan"', "programmes.base.premium_per_insured = '150 yuan' is not a number. Write it without quotes or units."),
    ("deductible = 400\n", "deductible = -400\n", "layers.basic.deductible = -400 must be at least 0. Raise it."),
    ("up_to = 20_000", "up_to = 2_000", "programmes.base.coverages.illness.bands[0].up_to = 2000 lies at or below the deductible (3000 yuan), so that band can never pay. Raise it, or lower the deductible."),
    ('amount = { law = "constant"', 'amount = { law = "constnat"', "perils.inpatient.books[1].amount.law = 'constnat' is not a known law. Did you mean constant?"),
    ('account = "accident_medical_cost"', 'account = "acident_medical_cost"', "perils.accident.books[0].account = 'acident_medical_cost' is not an account. Did you mean accident_medical_cost?"),
    ('source = "press"', 'source = "pres"', "lines.poverty_line.source = 'pres' names no source of this file. Did you mean press?"),
    ("enrolled = 0.8", "enrolled = 80", "population.classes.marginal.enrolled = 80 must be at most 1. Lower it."),
    ("share = 0.6", "share = 0.5", "population.classes have shares that sum to 0.9, not 1. Adjust them."),
    ('[programmes.base]\n', '[programmes.base]\nstack = ["basic", "asistance", "illness", "education", "disaster", "death"]\n', "programmes.base.stack[1] = 'asistance' is not a layer or coverage. Did you mean assistance?"),
    ('rule = "pro_rata"', 'rule = "prorata"', "programmes.capped.aggregate.rule = 'prorata' is not known here. Did you mean pro_rata?"),
    ("years = 40", "years = 0", "simulation.years = 0 must be at least 1. Raise it."),
    ("range = [0.1, 0.3]", "range = [0.3, 0.5]", "perils.inpatient.frequency.events_per_year.range = [0.3, 0.5] must be [low, high] around the value 0.2. Correct it."),
    ("probabilities = [0.2, 0.4, 0.4]", "probabilities = [0.2, 0.4, 0.5]", "perils.accident.books[1].amount.probabilities sums to 1.1, not 1. Adjust the probabilities."),
]  # fmt: skip


def edited(*edits: tuple[str, str, str]) -> str:
    text = SMALL
    for old, new, _ in edits:
        assert text.count(old) >= 1, old
        text = text.replace(old, new, 1)
    return text


@pytest.mark.parametrize("edit", MISTAKES, ids=[message[:40] for *_, message in MISTAKES])
def test_a_mistake_gets_one_message_with_place_value_rule_and_cure(
    edit: tuple[str, str, str], tmp_path: Path
) -> None:
    assert told_of_file(edited(edit), tmp_path) == [edit[2]]


def test_all_mistakes_are_reported_at_once(tmp_path: Path) -> None:
    found = told_of_file(edited(*MISTAKES), tmp_path)

    assert sorted(found) == sorted(message for *_, message in MISTAKES)


def test_the_problems_are_numbered_under_the_name_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "county.toml"
    file.write_text(edited(*MISTAKES[:10]), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load_scenario(file)
    lines = str(caught.value).splitlines()

    assert lines[0] == f"{file} has 10 problems"
    assert [int(re.match(r" *(\d+)\. ", line)[1]) for line in lines[1:]] == list(range(1, 11))


OTHERS = [
    ("[programmes.capped]", '[programmes.base.shared_limits.life]\ncoverages = ["deth"]\nlimit = 5_000\nper = "person_year"\n\n[programmes.capped]', "programmes.base.shared_limits.life.coverages[0] = 'deth' is not a coverage of this programme (illness, education, disaster, death)."),
    ("[programmes.capped]", '[programmes.base.shared_limits.life]\ncoverages = ["death", "death"]\nlimit = 5_000\nper = "person_year"\n\n[programmes.capped]', "programmes.base.shared_limits.life.coverages[1] = 'death' stands in shared_limits.life already. Name it once."),
    ("[programmes.capped]", '[programmes.base.shared_limits.life]\ncoverages = ["disaster", "death"]\nlimit = 5_000\nper = "household_year"\n\n[programmes.capped]', "programmes.base.coverages.disaster.limit must not be above that of shared_limits.life (5000 yuan)."),
    ("[programmes.capped]", '[programmes.base.shared_limits.life]\ncoverages = ["disaster", "death"]\nlimit = 50_000\nper = "event"\n\n[programmes.capped]', "programmes.base.coverages.disaster is not possible beside shared_limits.life: it pays for costs, which share no limit of an event. Leave it out."),
    ("[programmes.capped]", '[programmes.base.shared_limits.life]\ncoverages = ["disaster", "death"]\nlimit = 50_000\nper = "person_year"\n\n[programmes.capped]', 'programmes.base.coverages.disaster.unit = "household_year" is not possible beside shared_limits.life, which is per person_year. Align them.'),
    ("[programmes.capped]", '[programmes.base.shared_limits.life]\ncoverages = ["death", "disaster", "illness"]\nlimit = 50_000\nper = "household_year"\n\n[programmes.capped]', "programmes.base.coverages.disaster is not possible beside shared_limits.life: it pays for costs"),
    ("{ points = 11, pays = 10_000 }]", '{ points = 11, pays = 10_000 }]\nper_household = { limit = 9_000 }\n\n[programmes.base.shared_limits.life]\ncoverages = ["death"]\nlimit = 50_000\nper = "event"', "programmes.base.coverages.death.per_household is not possible beside shared_limits.life. Drop one of them."),
    ('unit = "household_year"\nper_event = { deductible = 2_000 }\n', 'unit = "household_year"\nper_event = { deductible = 2_000 }\n\n[programmes.base.coverages.all]\naccounts = ["medical_cost"]\nunit = "household_year"\nlimit = 100\n\n[programmes.base.shared_limits.life]\ncoverages = ["all"]\nlimit = 50_000\nper = "household_year"\n\n[programmes.base.coverages.rest]\naccounts = ["property_loss"]\nunit = "household_year"\n', "programmes.base.shared_limits.life.coverages name all, which pays a household for members' costs"),
    ("[perils.flood]", "[peril.flood]", "peril is read by nothing. Did you mean perils?"),
    ("format = 1", "format = 2", "format = 2 is not a format this version reads. Write format = 1."),
    ('name = "small"', 'name = "a small county"', "name = 'a small county' is not a name."),
    ("waiting_days = 90\nper_event = { franchise = 1_000 }", "waiting_days = 90", "programmes.capped.coverages.costs.waiting_days = 90 needs terms per event"),
    ('unit = "household_year"\n', "", "programmes.base.coverages.disaster.unit = 'person_year' cannot be applied to household accounts (property_loss). Write unit = \"household_year\"."),
    ("scale = [{ points = 5, pays = 5_000 }, { points = 11, pays = 10_000 }]", "", "programmes.base.coverages.death reads points of death or disability but has no scale or fixed_sum. Add a scale."),
    ('accounts = ["education_cost"]', 'accounts = ["crop_loss"]', "programmes.base.coverages.education.accounts = ['crop_loss'] are booked by no peril or certain cost"),
    ("share_hit = { law = \"beta\", mean = 0.2, concentration = 3 }", "", "perils.flood.share_hit is missing; a township's event needs it."),
    ("persons = 500", "persons = 500.5", "population.persons = 500.5 is not a whole number."),
    ('title = "A newspaper"\n', "", "sources.press.title is missing. Add it."),
    ("accounts = [\"medical_cost\", \"accident_medical_cost\"]\nbase", "accounts = \"medical_cost\"\nbase", "layers.basic.accounts = 'medical_cost' is not a list."),
    ('where = { classes = ["marginal"] }', 'where = { classes = ["margnal"] }', "programmes.base.coverages.education.where.classes[0] = 'margnal' is not known here. Did you mean marginal?"),
]  # fmt: skip


@pytest.mark.parametrize("edit", OTHERS, ids=[message[:40] for *_, message in OTHERS])
def test_other_mistakes_are_named_too(edit: tuple[str, str, str], tmp_path: Path) -> None:
    found = told_of_file(edited(edit), tmp_path)

    assert any(problem.startswith(edit[2]) for problem in found), found
    assert len(found) <= 2, found


# Wrong fields and broken rules in the same tables, as a tired hand would write them.
TIRED = [
    ("persons = 500\n", 'persons = "500"\ntownship_shares = [1.0, 2.0]\n'),
    ("household_size = [1, 2, 3, 2, 1]\n", "household_size = [0]\nage_end = 50\nfemale_share = 49\n"),
    ("dibao = 0.3\n", "dibao = 0.3\ntekun = 0.8\n"),
    ("share = 0.6\n", "share = 0.5\n"),
    ('frequency = { law = "poisson", events_per_year = 0.3 }\nshare_hit', 'frequency = { law = "poison", events_per_year = 0.3 }\nshare_hitt'),
    ("deductible = { value = 3_000, range = [1_000, 8_000] }\n", 'deductible = "3000"\nrate = 0.5\nwaiting_days = 30\n'),
    ("bands = [{ rate = 0.5, up_to = 20_000 }, { rate = 0.8 }]", "bands = [{ rate = 50, up_to = 20_000 }, { up_to = 10_000, rate = 0.8 }]"),
    ("per_household = { limit = 25_000 }", 'per_household = { deductible = 900, franchise = 500, limt = 25_000 }'),
    ("household_share = 0.1", 'household_share = 0.7\nother_share = 0.5\nkind = "insurence"'),
    ('where = { classes = ["marginal"] }', 'where = { classes = ["margnal"], age_from = 60, age_to = 16 }'),
    ("scale = [{ points = 5, pays = 5_000 }, { points = 11, pays = 10_000 }]", "scale = [{ points = 5, pays = -1 }, { points = 1, pays = 10_000 }]\nlimit = 9_000"),
    ("probabilities = [0.2, 0.4, 0.4]", "probabilities = [0.2, 0.4]"),
]  # fmt: skip
TIRED_SAYS = [
    "perils.accident.books[1].amount has 3 values but 2 probabilities. Pair them.",
    "perils.accident.books[1].amount.probabilities sums to 0.6, not 1. Adjust the probabilities.",
    "perils.flood.frequency.law = 'poison' is not a known law. Did you mean poisson?",
    "perils.flood.share_hit is missing; a township's event needs it. Add e.g. { law = \"constant\", amount = 0.1 }.",
    "perils.flood.share_hitt is read by nothing. Did you mean perils.flood.share_hit?",
    "population.classes have shares that sum to 0.9, not 1. Adjust them.",
    "population.classes.unstable_lifted has dibao and tekun, which exclude each other, sum to 1.1. Lower one.",
    "population.classes.unstable_lifted.age_end = 50 must lie above the last band (60). Raise it.",
    "population.classes.unstable_lifted.female_share = 49 must be at most 1. Lower it.",
    "population.classes.unstable_lifted.household_size = [0.0] must hold a positive number for a size of at most 99. Correct it.",
    "population.persons = '500' is not a whole number. Write it without quotes, units or a decimal point.",
    "population.township_shares has 2 entries for 3 townships. Pair them.",
    "programmes.base.coverages.death.scale is paid whole, so limit beside it has no effect. Drop one of them.",
    "programmes.base.coverages.death.scale must list its points in rising order, each once. Sort them.",
    "programmes.base.coverages.death.scale[0].pays = -1 must be at least 0. Raise it.",
    "programmes.base.coverages.education.where.age_from = 60 is above age_to (16), so nobody fits. Swap them.",
    "programmes.base.coverages.education.where.classes[0] = 'margnal' is not known here. Did you mean marginal?",
    "programmes.base.coverages.illness gives both rate and bands; one of them would be ignored. Keep one.",
    "programmes.base.coverages.illness.bands[0].rate = 50 must be at most 1. Lower it.",
    "programmes.base.coverages.illness.bands[1].up_to = 10000 does not lie above the band before it (20000 yuan). List the bands from low to high.",
    "programmes.base.coverages.illness.deductible = '3000' is not a number. Write it without quotes or units.",
    "programmes.base.coverages.illness.per_household.franchise = 500 lies at or below the deductible (900 yuan), so it has no effect. Raise it, or drop it.",
    "programmes.base.coverages.illness.per_household.limt is read by nothing. Did you mean programmes.base.coverages.illness.per_household.limit?",
    "programmes.base.coverages.illness.waiting_days = 30 needs terms per event (unit = \"event\" or a per_event table), because only events have a date. Add per_event = { rate = 1.0 }.",
    "programmes.base.kind = 'insurence' is not known here. Did you mean insurance?",
    "programmes.base.other_share and household_share sum to 1.2, above 1. Lower one.",
]  # fmt: skip


def test_wrong_fields_and_broken_rules_of_one_table_are_reported_together(tmp_path: Path) -> None:
    text = edited(*((old, new, "") for old, new in TIRED))

    assert told_of_file(text, tmp_path) == sorted(TIRED_SAYS)


def test_what_a_rule_finds_before_it_meets_a_wrong_field_stands(tmp_path: Path) -> None:
    old = "bands = [{ rate = 0.5, up_to = 20_000 }, { rate = 0.8 }]"
    new = (
        'bands = [{ rate = 0.5, up_to = 2_000 }, { rate = 0.8, up_to = "all" }, { rate = 0.9, up_to = 100 }]'
    )
    place = "programmes.base.coverages.illness.bands"

    assert told_of_file(edited((old, new, "")), tmp_path) == [
        f"{place}[0].up_to = 2000 lies at or below the deductible (3000 yuan), so that band can never pay. Raise it, or lower the deductible.",
        f"{place}[1].up_to = 'all' is not a number. Write it without quotes or units.",
    ]


@pytest.mark.parametrize(
    ("law", "says"),
    [
        ('law = "spliced", threshold = 10, tail_weight = 0.1, body = { law = "constant", amount = 20 }, tail = { law = "pareto", alpha = 2, theta = 9 }', ".threshold = 10 lies below every amount of the body. Raise it."),
        ('law = "spliced", threshold = 10, tail_weight = 0.1, body = { law = "exponential", mean = 5 }, tail = { law = "uniform", low = 1, high = 9 }', ".threshold = 10 is never exceeded by the tail. Lower it."),
        ('law = "spliced", threshold = 10, tail_weight = 0.1, body = { law = "exponential", mean = 5 }, tail = { law = "uniform", low = 9, high = 1 }', ".tail.low = 9 must lie below high (1). Swap or widen them."),
        ('law = "gamma", shape = 2, mean = 5', " needs either shape and scale, or mean and cv. Give one complete pair."),
        ('law = "lognormal", sigma = 1', " needs exactly one of mean, median and mu; 0 are given. Give one."),
    ],
)  # fmt: skip
def test_a_law_that_cannot_be_is_refused_with_the_scenario(law: str, says: str, tmp_path: Path) -> None:
    edit = ('amount = { law = "lognormal", mean = 8_000, sigma = 1.0 }', f"amount = {{ {law} }}", "")

    assert told_of_file(edited(edit), tmp_path) == [f"perils.flood.books[0].amount{says}"]


def test_text_that_is_no_toml_is_refused_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "county.toml"
    file.write_text(SMALL.replace("format = 1", "format = = 1"), encoding="utf-8")
    with pytest.raises(InputError, match=r"is not valid TOML: .*line 2"):
        load_scenario(file)


def test_an_unknown_scenario_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"neither a file nor a shipped .*Did you mean zhongning-2020\?"):
        load_scenario("zhongnin-2020")


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ("programmes.base.premium", 1, "programmes.base.premium is read by nothing. Did you mean programmes.base.premium_per_insured?"),
        ("programes.base.premium_per_insured", 1, "programes is read by nothing. Did you mean programmes?"),
        ("programmes.base.coverages.illness.bands[5].rate", 0.5, "programmes.base.coverages.illness.bands[5].rate does not exist"),
        ("programmes.base.label.en.x", 1, "programmes.base.label.en.x does not exist"),
        ("simulation.years", "many", "simulation.years = 'many' is not a whole number."),
    ],
)  # fmt: skip
def test_a_change_of_what_does_not_exist_is_refused(path: str, value: object, says: str) -> None:
    scenario = load_scenario(Path(__file__).parent / "data_cli" / "small.toml")
    with pytest.raises(InputError) as caught:
        scenario.replace(path, value)

    assert str(caught.value.problems[0]).startswith(says)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("simulation.years", 5),
        ("calendar_year", 2021),
        ("population.persons", 100),
        ("programmes.base.household_share", 0.2),
    ],
)
def test_numbers_of_any_table_can_be_changed(path: str, value: float) -> None:
    scenario = load_scenario(Path(__file__).parent / "data_cli" / "small.toml").replace(path, value)
    node: object = scenario
    for step in path.split("."):
        node = node[step] if isinstance(node, dict) else getattr(node, step)

    assert node == value


JUNK = [5, -1, "x", [], {}, [[1]], [{"a": 1}], {"law": "x"}, True, 1e400, "unstable_lifted", {"value": 3}]


def places(node: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place of a document."""
    yield from [at] if at else []
    for key, value in (
        node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    ):
        yield from places(value, (*at, key))


def spoilt(document: dict[str, Any], random: Random) -> dict[str, Any]:
    """Put junk at one or a few places."""
    found = copy.deepcopy(document)
    for place in random.sample(list(places(document)), random.choice([1, 2, 6])):
        node: Any = found
        with suppress(KeyError, IndexError, TypeError):  # a place within what is junk already
            for step in place[:-1]:
                node = node[step]
            node[place[-1]] = copy.deepcopy(random.choice(JUNK))
    return found


def refusal_of(document: dict[str, Any]) -> tuple[Problem, ...]:
    """The problems of a document; none where it can be read."""
    try:
        Scenario.from_document(document)
    except InputError as error:
        return error.problems
    return ()


@pytest.mark.parametrize(
    "name",
    [
        "small",
        "at-risk-2020",
        "yinchuan-2019",
        "zhongning-2020-relief",
        "ningxia-joint",
        "zhongning-2020-detection",
    ],
)
def test_whatever_stands_in_a_file_it_is_read_or_refused_in_words(name: str) -> None:
    document = tomllib.loads(SMALL) if name == "small" else load_scenario(name).document
    if name == "small":
        life = {"coverages": ["death"], "limit": 5_000, "per": "event"}
        document["programmes"]["base"]["shared_limits"] = {"life": life}
    random = Random(7)
    found = [refusal_of(spoilt(document, random)) for _ in range(150)]

    assert sum(map(bool, found)) > 120
    assert all(one.place and one.message.endswith((".", "?")) for problems in found for one in problems)


def test_the_format_of_each_file_is_read_by_itself(tmp_path):
    (tmp_path / "later.toml").write_text("format = 2\n", encoding="utf-8")
    assert told_of_file('format = 1\nextends = "later"\n', tmp_path) == [
        "extends = 'later', whose format = 2 is not a format this version reads. Write format = 1."
    ]


@pytest.mark.parametrize("value", ["true", "1.0", '"1"'])
def test_a_format_is_a_whole_number(value, tmp_path):
    (problem,) = told_of_file(edited(("format = 1", f"format = {value}", "")), tmp_path)
    assert problem.startswith("format = ")
    assert problem.endswith("is not a format this version reads. Write format = 1.")


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("programmes.base.coverages.ilness", "programmes.base.coverages.illness"),
        ("programmes.bsae.coverages.illness", "programmes.base"),
    ],
)
def test_a_table_named_wrong_is_told_the_nearest_name(path: str, meant: str):
    scenario = Scenario.from_document(tomllib.loads(SMALL))
    found = told_by(lambda: scenario.replace(f"{path}.deductible", 1))
    assert found == [f"{path}.accounts is missing. Add it, or did you mean {meant}?"]
