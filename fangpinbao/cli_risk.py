"""Commands on single households and on who is at risk: family."""

from __future__ import annotations

from typing import Annotated

import typer

from fangpinbao.cli import LangOption, _guarded, _language, app

__all__ = ["family"]


@app.command()
@_guarded
def family(
    file: Annotated[str, typer.Argument(help="a family file, or a shipped one, e.g. families/late-payment")],
    programme: Annotated[str | None, typer.Option(help="(default: all that the file expects)")] = None,
    household: Annotated[str | None, typer.Option(help="its id (default: all that the file expects)")] = None,
    lang: LangOption = "en",
) -> None:
    """Settle a worked family, explain it, and compare it with the arithmetic of its file."""
    from fangpinbao.errors import FangpinbaoError
    from fangpinbao.families import SettledFamily
    from fangpinbao.scenario.family import load_family

    language = _language(lang)
    settled = SettledFamily(load_family(file))
    expected = settled.family.tables.expected
    asked = [(one.programme, one.household) for one in expected]
    if programme is not None or household is not None:
        asked = [(programme or expected[0].programme, household)]
    for one, who in dict.fromkeys(asked):
        typer.echo(f"{settled.explain(one, who, language)}\n")
    found = settled.differences()
    if found:
        raise FangpinbaoError("the arithmetic of the file differs: " + "; ".join(map(str, found)))
    agrees = f"{len(expected)} expectations of the file are met to the fen"
    typer.echo(f"与文件中 {len(expected)} 组手工计算结果一致，分毫不差" if language == "zh" else agrees)
