"""Worked families: households with given costs under a scenario's terms, and the payments expected of it.

A family file is a scenario of which the people and the perils are replaced by ``households`` and ``events``;
everything else (``extends``, lines, layers, relief, programmes, sources) is written as in any scenario.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from fangpinbao.errors import InputError, Problem
from fangpinbao.scenario.base import Count, Label, Name, NonNegative, Table, YesNo, Yuan
from fangpinbao.scenario.load import Scenario, resolve_document, scenario_path
from fangpinbao.scenario.messages import problems_of
from fangpinbao.scenario.plain import list_at, table_at, tables_at
from fangpinbao.scenario.vocabulary import ACCOUNTS, HouseholdClass, Stage

__all__ = [
    "Expected",
    "ExpectedPayment",
    "Family",
    "FamilyEvent",
    "FamilyHousehold",
    "FamilyPerson",
    "FamilyTables",
    "family_names",
    "load_family",
]

Outcome = Literal[
    "already_poor", "lifted", "never_at_risk", "induced", "prevented_return", "prevented_entry", "still_poor"
]
Signed = Annotated[float, Field(strict=True, allow_inf_nan=False, json_schema_extra={"unit": "yuan"})]
_OWN = ("sentence", "source", "households", "events", "expected")


class FamilyPerson(Table):
    """A member; age and sex (and schooling, enrolment) must tell members of a household apart."""

    id: Name
    age: Annotated[int, Field(strict=True, ge=0, le=120)]
    sex: Literal["male", "female"]
    schooling: Stage = "none"
    enrolled: Annotated[YesNo, Field(description="in the basic medical scheme")] = True


class FamilyHousehold(Table):
    """A household of the story."""

    id: Name
    class_: Annotated[HouseholdClass, Field(alias="class")]
    income_per_head: Annotated[Yuan, Field(description="registered, a year")]
    lifted_out: YesNo = False
    dibao: YesNo = False
    tekun: YesNo = False
    persons: Annotated[list[FamilyPerson], Field(min_length=1)]


class FamilyEvent(Table):
    """A cost that happened; days count from 1, and only their order and the waiting time matter."""

    label: Annotated[Label, Field(description="what happened")]
    household: Name
    person: Annotated[Name | None, Field(description="absent: the household's own")] = None
    account: Name
    amount: Annotated[NonNegative, Field(description="yuan, or points of death or disability")]
    in_scope: Annotated[Yuan | None, Field(description="within the catalogue; absent: all")] = None
    day: Annotated[int, Field(strict=True, ge=1, le=365)] = 1
    discharges: Annotated[Count, Field(le=100)] = 1


class ExpectedPayment(Table):
    """What a step pays to a person (absent: the household)."""

    step: Annotated[str, Field(description="a public layer or coverage of the stack")]
    person: Name | None = None
    pays: Yuan


class Expected(Table):
    """What hand arithmetic says of a household under a programme; a step that is not named pays nothing."""

    programme: Annotated[Name, Field(description="or none: the stack without a programme")]
    household: Annotated[Name | None, Field(description="absent: the only one")] = None
    payments: list[ExpectedPayment] = []
    borne: Annotated[Yuan, Field(description="what the household bears in the end")]
    without: Annotated[Signed | None, Field(description="resources without the programme")] = None
    insured: Annotated[Signed | None, Field(description="resources under the programme")] = None
    classes: dict[Literal["poverty", "monitoring"], Outcome] = {}
    says: Annotated[list[Label], Field(description="words that the page must hold")] = []


class FamilyTables(BaseModel):
    """The tables of a family file that are not a scenario's."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sentence: Annotated[Label, Field(description="the story in one sentence")]
    source: Annotated[str, Field(description="where the rules are from, and what of them is assumed")]
    households: Annotated[list[FamilyHousehold], Field(min_length=1)]
    events: Annotated[list[FamilyEvent], Field(min_length=1)]
    expected: Annotated[list[Expected], Field(min_length=1)]


@dataclass(frozen=True)
class Family:
    """A validated family file.

    Attributes
    ----------
    name
        The file's name without ending.
    tables
        Households, events and expected payments.
    scenario
        The terms, with one certain peril for each event (``perils_of`` lists them by event).
    perils_of
        Names of the perils of each event: one a discharge.
    """

    name: str
    tables: FamilyTables
    scenario: Scenario
    perils_of: tuple[tuple[str, ...], ...]


def load_family(path: str | Path) -> Family:
    """Read a family file, or a shipped one by name (``families/late-payment``).

    Raises
    ------
    InputError
        With every problem of the family's own tables and of its terms.
    """
    file = scenario_path(path)
    document = resolve_document(file)
    own = {key: document.pop(key) for key in _OWN if key in document}
    problems: list[Problem] = []
    tables = None
    try:
        tables = FamilyTables.model_validate(own, context={})
    except ValidationError as error:
        problems += problems_of(error, own, FamilyTables)
    else:
        problems += _problems(tables, document)
    perils, names = _perils(tables) if tables is not None and not problems else ({}, ())
    terms = _terms(document, own, perils, file.stem)
    scenario = None
    try:
        scenario = Scenario.from_document(terms, file=file, subject=str(path))
    except InputError as error:
        ours = [problem for problem in error.problems if problem.place.startswith("perils.nothing")]
        problems += [problem for problem in error.problems if problem not in ours]
        if ours and not problems:  # the peril that stands in for what never happens
            problems.append(
                Problem("programmes", "read no account, so no payment can be told. Name accounts.")
            )
    if problems or tables is None or scenario is None:
        raise InputError(str(path), sorted(set(problems)))
    return Family(file.stem, tables, scenario, names)


def _terms(
    document: dict[str, Any], own: dict[str, Any], perils: dict[str, Any], name: str
) -> dict[str, Any]:
    """Return the scenario that a family's terms and perils make; its households are townships of their own."""
    terms = copy.deepcopy(document)
    for key in ("certain_costs", "year_factors"):
        terms.pop(key, None)
    terms["perils"] = {**perils, "nothing": _nothing(terms)}
    households = [one for one in list_at(own, "households") if isinstance(one, dict)]
    persons = sum(len(list_at(one, "persons")) for one in households)
    terms["population"] = {
        "persons": max(persons, 1),
        "townships": [str(one.get("id")) for one in households] or 1,
    }
    terms.setdefault("name", name)
    terms.setdefault("title", own["sentence"] if perils else name)
    return terms


def family_names() -> list[str]:
    """Names of the shipped families, as ``load_family`` takes them."""
    folder = scenario_path("families/late-payment").parent
    return [f"families/{file.stem}" for file in sorted(folder.glob("*.toml"))]


def _problems(tables: FamilyTables, terms: dict[str, Any]) -> Iterator[Problem]:
    households = {household.id: household for household in tables.households}
    if len(households) < len(tables.households):
        yield Problem("households", "has two households of the same id. Rename one.")
    people = [person.id for household in tables.households for person in household.persons]
    if len(set(people)) < len(people):
        yield Problem("households", "has two persons of the same id. Rename one.")
    for h, household in enumerate(tables.households):
        seen: set[tuple[Any, ...]] = set()
        for p, person in enumerate(household.persons):
            if _marks(person) in seen:
                yield Problem(
                    f"households[{h}].persons[{p}]",
                    f"{person.id} has the age, sex, schooling and enrolment of another member, so no term could "
                    "tell them apart. Make one a year older.",
                )
            seen.add(_marks(person))
    own_accounts = tables_at(terms, "accounts")
    for e, event in enumerate(tables.events):
        place = f"events[{e}]"
        mine = households.get(event.household)
        if mine is None:
            yield Problem(
                f"{place}.household", f"= {event.household!r} is not one of {', '.join(households)}."
            )
        elif event.person is not None and event.person not in [person.id for person in mine.persons]:
            yield Problem(f"{place}.person", f"= {event.person!r} does not live in {event.household}.")
        level = (
            ACCOUNTS[event.account].level
            if event.account in ACCOUNTS
            else own_accounts.get(event.account, {}).get("level")
        )
        if level is None:
            yield Problem(f"{place}.account", f"= {event.account!r} is not an account.")
        elif (level == "person") != (event.person is not None):
            cure = "Name the person." if level == "person" else "Drop the person."
            yield Problem(
                f"{place}.person", f"does not fit: {event.account} is an account of a {level}. {cure}"
            )
        if event.in_scope is not None and event.in_scope > event.amount:
            yield Problem(
                f"{place}.in_scope", f"= {event.in_scope:g} is above the amount ({event.amount:g}). Lower it."
            )
    programmes = ["none", *table_at(terms, "programmes")]
    for k, expected in enumerate(tables.expected):
        place = f"expected[{k}]"
        if expected.programme not in programmes:
            yield Problem(
                f"{place}.programme", f"= {expected.programme!r} is not one of {', '.join(programmes)}."
            )
        if expected.household is None and len(households) > 1:
            yield Problem(f"{place}.household", "is missing, and there is more than one household. Name it.")
        elif expected.household is not None and expected.household not in households:
            yield Problem(
                f"{place}.household", f"= {expected.household!r} is not one of {', '.join(households)}."
            )
        for i, payment in enumerate(expected.payments):
            if payment.person is not None and payment.person not in people:
                yield Problem(f"{place}.payments[{i}].person", f"= {payment.person!r} is not a person here.")


def _marks(person: FamilyPerson) -> tuple[Any, ...]:
    return (person.age, person.sex, person.schooling, person.enrolled)


def _perils(tables: FamilyTables) -> tuple[dict[str, Any], tuple[tuple[str, ...], ...]]:
    """One peril for each discharge of each event, certain to strike its person or household alone."""
    persons = {person.id: person for household in tables.households for person in household.persons}
    perils: dict[str, Any] = {}
    names: list[tuple[str, ...]] = []
    for e, event in enumerate(tables.events):
        where: dict[str, Any] = {"townships": [event.household]}
        if event.person is not None:
            person = persons[event.person]
            where |= {"age_from": person.age, "age_to": person.age, "sex": person.sex}
            where |= {"schooling": [person.schooling], "enrolled": person.enrolled}
        scope = event.amount if event.in_scope is None else event.in_scope
        mine = []
        for k in range(event.discharges):
            name = f"event_{e + 1}" + (f"_{k + 1}" if event.discharges > 1 else "")
            amount, inside = (_part(whole, k, event.discharges) for whole in (event.amount, scope))
            perils[name] = {
                "label": event.label.model_dump(),
                "exposed": "household" if event.person is None else "person",
                "where": where,
                "frequency": {"law": "bernoulli", "probability": 1.0},
                "books": [
                    {
                        "account": event.account,
                        "amount": {"law": "constant", "amount": amount},
                        "in_scope_share": inside / amount if amount else 1.0,
                    }
                ],
            }
            mine.append(name)
        names.append(tuple(mine))
    return perils, tuple(names)


def _part(yuan: float, k: int, parts: int) -> float:
    """Part ``k`` of an amount cut into whole fen as equal as can be, the larger ones first."""
    fen = round(yuan * 100)
    return (fen // parts + (k < fen % parts)) / 100


def _nothing(terms: dict[str, Any]) -> dict[str, Any]:
    """A peril that never strikes and books to every account read, so that every term stands in the stack."""
    steps = list(tables_at(terms, "layers").values())
    for programme in tables_at(terms, "programmes").values():
        steps += tables_at(programme, "coverages").values()
    read = sorted({str(account) for step in steps for account in list_at(step, "accounts")})
    never = {"law": "bernoulli", "probability": 0.0}
    books = [{"account": account, "amount": {"law": "constant", "amount": 0.0}} for account in read]
    return {"exposed": "person", "frequency": never, "books": books}
