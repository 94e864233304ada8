"""Draws the pictures of the README from the main scenario: python tools/readme_picture.py.

The seed is fixed, so the same version draws the same figures. The Chinese picture needs the extra `report`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import matplotlib
from matplotlib import pyplot

import fangpinbao as fp
from fangpinbao.plots import plot_payout_distribution

SCENARIO, PROGRAMME, YEARS, SEED = "zhongning-2020", "base", 10_000, 1
FOLDER = Path(__file__).resolve().parents[1] / "docs" / "images"


def main() -> None:
    """Write docs/images/zhongning-payout.png and zhongning-payout-zh.png."""
    matplotlib.use("Agg")
    outcomes = fp.simulate(fp.load_scenario(SCENARIO), years=YEARS, seed=SEED)
    FOLDER.mkdir(parents=True, exist_ok=True)
    languages: tuple[tuple[Literal["en", "zh"], str], ...] = (("en", ""), ("zh", "-zh"))
    for lang, suffix in languages:
        plot_payout_distribution(outcomes, PROGRAMME, lang=lang)
        path = FOLDER / f"zhongning-payout{suffix}.png"
        # No version of matplotlib in the file: it would change where the picture does not.
        pyplot.savefig(path, dpi=150, facecolor="white", metadata={"Software": None})
        print(path)


if __name__ == "__main__":
    main()
