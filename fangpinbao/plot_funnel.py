"""The alert-to-payout funnel as a picture, of a design or of a programme in a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fangpinbao.detection import Funnel, kept_label
from fangpinbao.estimators import Z_95
from fangpinbao.funnel_figures import STAGES
from fangpinbao.plot_style import BLUE, GREEN, GREY, INK, beside, note, plain_axes, style, titles
from fangpinbao.rounding import format_estimate
from fangpinbao.tables import Lang, say

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_funnel"]


def plot_funnel(funnel: Funnel, *, lang: Lang = "en", ax: Axes | None = None) -> Axes:
    """Draw how many households of a mean year reach each stage from alert to payout, with simulation errors.

    Parameters
    ----------
    funnel
        Funnel of a design (``fangpinbao.detection.funnel``), or of a programme of a run (``funnel_of``).
    lang
        Language of the labels; ``zh`` needs a Chinese font.
    ax
        Where to draw; absent: a new figure.

    Raises
    ------
    MissingExtraError
        If a Chinese font is needed and there is none.
    """
    zh = lang == "zh"
    rows = [
        (STAGES[stage][zh], one, funnel.kept.get(stage), BLUE) for stage, one in funnel.households.items()
    ]
    for line, one in funnel.prevented.items():
        rows.append((kept_label(line, lang), one, None, GREEN))
    with style(lang, "".join(funnel.label)):
        axes = plain_axes(ax, 9.0, 5.2)
        places = list(range(len(rows)))[::-1]
        for place, (_, estimate, share, colour) in zip(places, rows, strict=True):
            value, error = estimate.value or 0.0, estimate.standard_error or 0.0
            axes.barh(place, value, height=0.62, color=colour)
            axes.plot([value - Z_95 * error, value + Z_95 * error], [place, place], color=INK, lw=1.4)
            of = "" if share is None or share.value is None else f"  ({share.value:.0%})"
            beside(axes, place, f"{format_estimate(estimate.scaled(1.0, ''), lang)}{of}")
        axes.set_yticks(places, [label for label, *_ in rows])
        axes.set_xlim(left=0.0)
        axes.set_xlabel(say(lang, "households a year", "户/年"), color=GREY)
        titles(
            axes,
            say(lang, f"From alert to payout: {funnel.label[0]}", f"从预警到赔付：{funnel.label[1]}"),
            say(
                lang,
                "Households whose claim is due, by the stage they reach; in brackets the share of the stage before",
                "符合赔付条件的住户所到达的环节；括号内为占上一环节的比例",
            ),
        )
        note(
            axes,
            say(
                lang,
                f"{funnel.years:,} simulated years; bars with 95% intervals of the simulation error",
                f"{funnel.years:,} 个模拟年；短线为模拟误差的 95% 区间",
            )
            + "".join(f"\n{of[zh]}" for of in funnel.notes if not funnel.prevented),
        )
    return axes
