"""Field types and the table base shared by all scenario models.

Units live here: a field's type says whether it is yuan, a share, a count or years.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    ValidationInfo,
    model_validator,
)
from pydantic_core import PydanticCustomError

from fangpinbao.errors import MOST_SEED
from fangpinbao.scenario.rules import UnknownFieldError, check_rules, rule

__all__ = [
    "MOST_PERSONS",
    "MOST_TOWNSHIPS",
    "MOST_YUAN",
    "Chance",
    "Count",
    "Label",
    "Name",
    "NonNegative",
    "Positive",
    "PositiveYuan",
    "Seed",
    "Share",
    "Table",
    "Whole",
    "YesNo",
    "Yuan",
    "YuanInAll",
    "refuse",
    "rule",
]


def _number(unit: str, **limits: Any) -> Any:
    return Field(strict=True, allow_inf_nan=False, json_schema_extra={"unit": unit}, **limits)


MOST_YUAN = 1e11
"""Largest single amount, or other number: 1e13 fen. 900 of them stay below 2**53, up to which float64 holds every fen;
``fangpinbao.scenario.bounds`` looks at what is drawn, and at sums over people."""
MOST_PERSONS = 20_000_000
"""Persons of a scenario: their columns take a few GB."""
MOST_TOWNSHIPS = 100_000
_MOST_OF_A_PERSON = 1e7
"""Yuan that a contract pays a person: a thousand million people then stay within int64 fen."""

Yuan = Annotated[float, _number("yuan", ge=0, le=MOST_YUAN)]
YuanInAll = Annotated[float, _number("yuan", ge=0, le=1e15)]
PositiveYuan = Annotated[float, _number("yuan", gt=0, le=_MOST_OF_A_PERSON)]
Share = Annotated[float, _number("share", ge=0, le=1)]
Chance = Annotated[float, _number("probability", ge=0, le=1)]
Positive = Annotated[float, _number("number", gt=0, le=MOST_YUAN)]
NonNegative = Annotated[float, _number("number", ge=0, le=MOST_YUAN)]
Whole = Annotated[int, Field(strict=True)]
Count = Annotated[int, Field(strict=True, ge=1, le=1_000_000_000, json_schema_extra={"unit": "count"})]
Seed = Annotated[int, Field(strict=True, ge=0, le=MOST_SEED)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]*$", max_length=60)]


class Table(BaseModel):
    """A table of a scenario file: frozen, refuses unknown keys, may name its source.

    Its methods marked as ``rule`` are checked on the fields that are valid. The context of the validation is a
    dict that collects the tables read, or None.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, protected_namespaces=())

    source: Annotated[str | None, Field(description="id of the source of this table's numbers")] = None
    note: Annotated[str | None, Field(description="free text: why this number, what it leaves out")] = None

    @model_validator(mode="wrap")
    @classmethod
    def _check_rules(cls, data: Any, handler: ModelWrapValidatorHandler[Self], info: ValidationInfo) -> Self:
        return check_rules(cls, data, handler, info.context)

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            if name in type(self).model_fields:
                raise UnknownFieldError(name)
            return super().__getattr__(name)


def _printable(text: str) -> str:
    control = next((sign for sign in text if unicodedata.category(sign) == "Cc"), None)
    if control is not None:
        refuse(f"= {text!r} holds the control character {control!r}. Write it in one line, without it.")
    return text


Text = Annotated[str, AfterValidator(_printable)]


class LabelTable(BaseModel):
    """A name for readers, in both languages."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    en: Text
    zh: Text

    def in_language(self, lang: str) -> str:
        """Return the text in ``lang`` (``en`` or ``zh``)."""
        return self.zh if lang == "zh" else self.en


def _label(value: Any) -> Any:
    return {"en": value, "zh": value} if isinstance(value, str) else value


Label = Annotated[LabelTable, BeforeValidator(_label, json_schema_input_type=str | LabelTable)]
YesNo = Annotated[bool, Field(strict=True)]


def refuse(message: str, place: str = "") -> NoReturn:
    """Refuse the value of one field inside its validator; ``place`` is appended to its path."""
    raise PydanticCustomError("rule", "{message}", {"message": message, "place": place})
