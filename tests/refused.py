"""What a refused file or document says, one text a problem."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fangpinbao.errors import InputError
from fangpinbao.scenario import load_scenario


def told_by(read: Callable[[], object]) -> list[str]:
    """Problems of what must be refused."""
    with pytest.raises(InputError) as caught:
        read()
    return [str(problem) for problem in caught.value.problems]


def told_of_file(
    text: str | bytes, folder: Path, load: Callable[[Path], object] = load_scenario
) -> list[str]:
    """Problems of a file with this text; ``county.toml`` in the folder."""
    file = folder / "county.toml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return told_by(lambda: load(file))
