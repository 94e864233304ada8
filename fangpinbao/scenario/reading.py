"""Reads TOML files; what is no TOML is quoted with its line, and with the cure for what hands often write."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from pathlib import Path
from typing import Any

from fangpinbao.errors import InputError, Problem

__all__ = ["read_toml"]

_MOST_DIGITS = 4300
"""Longest whole number that Python reads."""
_QUOTED = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'[^']*'|#.*")
_SHOWN = 80
# What stands in a line, quoted texts and comments left out, and what to do about it.
_CURES = (
    (re.compile(r"\d,\d{3}\b"), "Write numbers without commas: 20000 or 20_000."),
    (re.compile(r"\d\s*[%％‰]"), "Write a share as a number: 0.7 for 70%."),
    (re.compile(r"=\s*[+-]?0\d"), "Drop the zero that the number begins with."),
    (re.compile(r"=\s*[+-]?\d[\d_.]*\s*[^\W\d_]"), "Write the number alone, without its unit."),
    (re.compile(r"=\s*(?!true\b|false\b|inf\b|nan\b)[^\W\d]"), "Put texts in quotes."),
)


def read_toml(file: Path) -> dict[str, Any]:
    """Read a TOML file.

    Raises
    ------
    InputError
        If it cannot be read, is not UTF-8, or no TOML.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        reason = f"is not UTF-8 text: {error.reason}. Save it as UTF-8."
        raise InputError(str(file), [Problem("", reason)]) from None
    except OSError as error:
        reason = f"cannot be read: {error.strerror}. Check the path and its rights."
        raise InputError(str(file), [Problem("", reason)]) from None
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        reason = _reason(str(error), text)
    except RecursionError:
        reason = "is not valid TOML: lists or tables stand too deep within each other. Check the brackets."
    except ValueError:
        reason = _too_long(text)
    raise InputError(str(file), [Problem("", reason)])


def _reason(message: str, text: str) -> str:
    found = re.search(r"\(at line (\d+), column (\d+)\)", message)
    lines = text.splitlines()
    if found is None or int(found[1]) > len(lines):
        return f"is not valid TOML: {message}. Correct it."
    line, column = lines[int(found[1]) - 1], int(found[2])
    start = max(0, column - _SHOWN // 2)
    shown = "".join(sign if sign.isprintable() else " " for sign in line[start : start + _SHOWN]).strip()
    return f"is not valid TOML: {message}, in `{shown}`. {_cure(line, message)}"


def _cure(line: str, message: str) -> str:
    if "overwrite" in message or "twice" in message:
        return "It stands in the file twice: keep one."
    bare = _QUOTED.sub('""', line)
    wide = next((sign for sign in bare if _is_full_width(sign)), None)
    if wide is not None:
        plain = {"“": '"', "”": '"', "‘": "'", "’": "'", "。": ".", "、": ","}.get(wide)
        plain = plain or unicodedata.normalize("NFKC", wide)
        return f"Type {plain} in place of the full-width {wide}."
    key = bare.split("=")[0]
    if any(ord(sign) > 127 and sign.isalpha() for sign in key):
        return "Names are letters, digits, _ and -; put a Chinese name into label."
    return next((cure for pattern, cure in _CURES if pattern.search(bare)), "Correct it.")


def _is_full_width(sign: str) -> bool:
    return sign in "“”‘’。、【】《》" or unicodedata.east_asian_width(sign) == "F"


def _too_long(text: str) -> str:
    for number, line in enumerate(text.splitlines(), start=1):
        for digits in re.findall(r"[\d_]+", line):
            if len(digits.replace("_", "")) > _MOST_DIGITS:
                shown = f"{digits[:8]}..."
                return f"is not valid TOML: {shown} (at line {number}) is a number of {len(digits)} digits. Shorten it."
    return "is not valid TOML: a number or date cannot be read. Correct it."
