"""What pages quote is what their commands print, and the files and programs that they show work."""

from __future__ import annotations

import contextlib
import io
import re
import sys
import tomllib
from pathlib import Path

import pytest

from fangpinbao.scenario import load_scenario

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([*ROOT.glob("README*.md"), *ROOT.glob("docs/*.md")])


def blocks(page: Path, kind: str) -> list[str]:
    """The fenced blocks of one kind."""
    return re.findall(rf"^```{kind}\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def programs() -> list[tuple[str, str]]:
    """Whole programs in Python, with their page; some of them go on from a roster or from other files."""
    found = [(page.name, block) for page in PAGES for block in blocks(page, "python")]
    return [(name, block) for name, block in found if "import" in block and "people.csv" not in block]


def printed_by(program: str) -> str:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(program, "page", "exec"), {"__name__": "page"})
    return out.getvalue()


def test_both_readmes_hold_a_program() -> None:
    """Without any, the test below would have no case."""
    assert {"README.md", "README.zh-CN.md"} <= {name for name, _ in programs()}


@pytest.mark.parametrize(("page", "program"), programs(), ids=[name for name, _ in programs()])
def test_a_program_of_a_page_runs_and_prints_what_stands_below_it(page: str, program: str) -> None:
    printed = printed_by(program)
    if page.startswith("README"):
        assert f"```text\n{printed}```" in (ROOT / page).read_text(encoding="utf-8")


def test_the_scenarios_that_pages_show_can_be_read(tmp_path: Path) -> None:
    """In the order of the pages: those of the how-to extend the one of the README."""
    names = []
    for page in PAGES:
        for block in blocks(page, "toml"):
            document = tomllib.loads(block)
            if "format" in document and "households" not in document:
                (tmp_path / f"{document['name']}.toml").write_text(block, encoding="utf-8")
                names.append(document["name"])
    assert {"village", "village-frost", "village-rule", "two-towns"} <= set(names)
    for name in names:
        assert load_scenario(tmp_path / f"{name}.toml").name == name


def test_the_page_of_fupinbao_quotes_the_family_of_fits(capsys: pytest.CaptureFixture[str]) -> None:
    sys.path.insert(0, str(ROOT / "tools"))
    try:
        from fupinbao_fits import main
    finally:
        sys.path.remove(str(ROOT / "tools"))
    main(2_000)
    rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| ")]
    page = (ROOT / "docs" / "fupinbao.md").read_text(encoding="utf-8")

    assert len(rows) > 15
    assert [row for row in rows if f"{row}\n" not in page] == []


def test_the_page_of_the_medical_model_quotes_the_checks_on_rural_people() -> None:
    from test_reality import measure

    page = (ROOT / "docs" / "medical-model.md").read_text(encoding="utf-8")
    figures = measure(years=400)
    del figures["patients"]  # no row of the table
    for name, one in figures.items():
        # A whole cell: "0 ± 0" would stand in "0.80 ± 0.01", and an error of zero says nothing.
        errors = {digits: f"{one.error:,.{digits}f}" for digits in range(5)}
        forms = [f"| {one.value:,.{d}f} ± {error} |" for d, error in errors.items() if error.strip("0.")]
        assert any(form in page.replace("*", "") for form in forms), (name, forms)
