"""How pictures look: fonts (Chinese ones too, so that no chart shows empty boxes), titles, small print."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from fangpinbao.errors import MissingExtraError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "BLUE",
    "FAINT",
    "GREEN",
    "GREY",
    "INK",
    "ORANGE",
    "RULE",
    "beside",
    "chinese_font",
    "family",
    "note",
    "plain_axes",
    "style",
    "titles",
    "weight",
]

INK, GREY, FAINT = "#222222", "#5f6670", "#d5d9de"
RULE = "#333333"
# Of Okabe and Ito's palette, safe for colour-blind readers.
BLUE, ORANGE, GREEN = "#0072b2", "#e69f00", "#009e73"

FAMILIES = (
    "Noto Sans SC",
    "Noto Sans CJK SC",
    "Source Han Sans SC",
    "Source Han Sans CN",
    "PingFang SC",
    "Hiragino Sans GB",
    "Microsoft YaHei",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "Droid Sans Fallback",
    "DengXian",
    "SimHei",
    "Heiti SC",
    "STHeiti",
    "Arial Unicode MS",
    # Of a collection of faces older versions of matplotlib see the first only; it has the glyphs too.
    "Noto Sans CJK JP",
    "Noto Serif CJK SC",
    "SimSun",
    "Songti SC",
)
"""Families looked for, best first."""

_PACKAGE, _FILE = "pylopdf_fonts_zh_cn", "NotoSansSC-Regular.otf"
_FILE_NAMES = re.compile(
    r"cjk|notosanssc|sourcehan|wqy|simhei|simsun|msyh|deng|pingfang|heiti|droidsansfallback", re.I
)
_CHINESE = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef]")
# Characters of the labels; a font without one of them would not do.
_SAMPLE = "防贫保险脱低返致赔付额区间（），：元"


def _has_chinese(text: str) -> bool:
    """Return whether a text needs a Chinese font."""
    return _CHINESE.search(text) is not None


@cache
def chinese_font() -> str:
    """Name of a font family with Chinese glyphs that matplotlib knows.

    The font of the extra ``report`` (Noto Sans SC, under the SIL Open Font License) comes first, so that
    pictures look alike on every machine; then the fonts of the system, by name.

    Raises
    ------
    MissingExtraError
        If there is none; a chart full of empty boxes helps nobody.
    """
    from matplotlib.font_manager import fontManager

    spec = find_spec(_PACKAGE)
    for folder in (spec.submodule_search_locations or []) if spec is not None else []:
        fontManager.addfont(Path(folder, _FILE))
    for family in _known_families():
        if _has_glyphs(family):
            return family
    raise MissingExtraError("A chart with Chinese labels, without a Chinese font on this machine,", "report")


def _known_families() -> Iterator[str]:
    """Families of ``FAMILIES`` in matplotlib's list, then those its list was too old to hold."""
    from matplotlib.font_manager import findSystemFonts, fontManager

    listed = {entry.name for entry in fontManager.ttflist}
    yield from (family for family in FAMILIES if family in listed)
    known_files = {Path(entry.fname) for entry in fontManager.ttflist}
    for path in findSystemFonts():
        if _FILE_NAMES.search(Path(path).name) and Path(path) not in known_files:
            try:
                fontManager.addfont(path)
            except (OSError, RuntimeError):  # a format that matplotlib cannot read
                continue
    added = {entry.name for entry in fontManager.ttflist} - listed
    yield from (family for family in FAMILIES if family in added)


def _has_glyphs(family: str) -> bool:
    from matplotlib.font_manager import FontProperties, findfont, get_font

    font = get_font(findfont(FontProperties(family=[family]), fallback_to_default=False))
    return all(font.get_char_index(ord(letter)) for letter in _SAMPLE)


def beside(axes: Axes, y: float, text: str, *, colour: str = INK) -> None:
    """Write at the right of the axes, at a height in data units."""
    axes.annotate(
        text, (1.0, y), (6, 0), xycoords=axes.get_yaxis_transform(), textcoords="offset points",
        ha="left", va="center_baseline", color=colour, annotation_clip=False,
    )  # fmt: skip


def titles(axes: Axes, title: str, subtitle: str) -> None:
    """Write the title and, in grey below it, what a reader must know, wrapped."""
    subtitle = _wrapped(subtitle)
    lines = 1 + subtitle.count("\n")
    font = {"fontsize": 14, "fontweight": weight(), "fontfamily": family(), "color": INK}
    axes.set_title(title, font, loc="left", pad=14.0 + 15.0 * lines)
    axes.annotate(
        subtitle, (0.0, 1.0), (0, 8), xycoords="axes fraction", textcoords="offset points",
        ha="left", va="bottom", color=GREY, fontsize=10, linespacing=1.3,
    )  # fmt: skip


def _wrapped(text: str, width: int = 84) -> str:
    """Break lines at spaces, or between Chinese characters (two columns wide) but not before a stop."""
    lines = []
    for paragraph in text.split("\n"):
        line, used = "", 0
        for word in re.findall(r"[\u2e80-\uffef][，。；：）、]*|[^\s\u2e80-\uffef]+\s*|\s+", paragraph):
            columns = sum(1 + _has_chinese(letter) for letter in word)
            if used + len(word.rstrip()) > width and line:
                lines.append(line.rstrip())
                line, used = "", 0
            line, used = line + word, used + columns
        lines.append(line.rstrip())
    return "\n".join(lines)


def note(axes: Axes, text: str) -> None:
    """Write small print below the axes."""
    axes.annotate(
        text, (0.0, 0.0), (0, -38), xycoords="axes fraction", textcoords="offset points",
        ha="left", va="top", color=GREY, fontsize=8.5,
    )  # fmt: skip


def plain_axes(ax: Axes | None, width: float, height: float) -> Axes:
    """Strip the axes of frame and ticks; without axes make a figure, its size in inches."""
    from matplotlib import pyplot
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    margins = ConstrainedLayoutEngine(w_pad=0.14, h_pad=0.14)
    axes = ax if ax is not None else pyplot.subplots(figsize=(width, height), layout=margins)[1]
    axes.grid(axis="x", color=FAINT, lw=0.6, zorder=0)
    axes.set_axisbelow(True)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(GREY)
    axes.tick_params(axis="y", length=0, labelfontfamily=family())
    axes.tick_params(axis="x", color=GREY, labelcolor=GREY, labelfontfamily=family())
    return axes


def weight() -> str:
    """Headings are bold, except in a Chinese font: the usual one has no bold face."""
    from matplotlib import rcParams

    return str(rcParams["axes.titleweight"])


def family() -> list[str]:
    """Font families of what is being drawn."""
    from matplotlib import rcParams

    families: list[str] = rcParams["font.family"]
    return families


@contextmanager
def style(lang: Literal["en", "zh"], texts: str) -> Iterator[None]:
    """Set fonts for what is drawn inside: one with Chinese glyphs where a label needs them."""
    from matplotlib import rc, rcParams

    needs_chinese = lang == "zh" or _has_chinese(texts)
    # Not rc_context: it would also undo what a notebook's backend sets when the first figure loads it.
    families, size = rcParams["font.family"], rcParams["font.size"]
    heading = rcParams["axes.titleweight"]
    rc("font", family=[chinese_font(), "DejaVu Sans"] if needs_chinese else ["DejaVu Sans"], size=10)
    rc("axes", titleweight="normal" if needs_chinese else "bold")
    try:
        yield
    finally:
        rc("font", family=families, size=size)
        rc("axes", titleweight=heading)
