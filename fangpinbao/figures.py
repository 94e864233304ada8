"""All figures of a run, as results.json holds them."""

from __future__ import annotations

from fangpinbao.funnel_figures import funnel_figures
from fangpinbao.outcomes import Outcomes
from fangpinbao.payers import borne
from fangpinbao.poverty_measures import poverty
from fangpinbao.pricing import price
from fangpinbao.records import Figure, Figures, group_label, label, line_label
from fangpinbao.risk import tail_risk

__all__ = ["Figure", "Figures", "all_figures", "group_label", "label", "line_label"]


def all_figures(outcomes: Outcomes) -> Figures:
    """Return every figure of a run: prices, who bears what, poverty at both lines, who is found, the payout's tail.

    ``notes`` say which figures were left out because their value or error cannot be formed.
    """
    # The prices hold the quantiles and tail values already.
    found = funnel_figures(outcomes)
    return price(outcomes) + borne(outcomes) + poverty(outcomes) + found + tail_risk(outcomes, levels=())
