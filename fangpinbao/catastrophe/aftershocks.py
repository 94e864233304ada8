"""Aftershocks: events that follow the drawn earthquakes, near them and soon.

Reasenberg and Jones, Earthquake hazard after a mainshock in California, Science 243, 1989: the modified Omori law in
time, Gutenberg-Richter in magnitude, cut off at the main shock's. They lie along the strike of the main shock's zone,
evenly over the length of its rupture, ``10^(-2.44 + 0.59 M)`` km (Wells and Coppersmith 1994, all slip types).

Keys: word of the main shock -> number of the aftershock -> what is drawn of it, as for any event. So main shocks and
everything else stay as they are without aftershocks.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from fangpinbao._typing import Float64Array
from fangpinbao.catastrophe.draw import (
    COMMON,
    DAY,
    FACTOR,
    HOUR,
    PLACE,
    SIZE,
    Events,
    count_quantile,
    epicentres,
    felt,
    main_sources,
    uniforms,
)
from fangpinbao.catastrophe.exposure import DAYS, CellMap, Season
from fangpinbao.catastrophe.hazard import EventClass, Source
from fangpinbao.core.distributions import AmountLaw
from fangpinbao.core.streams import GOLDEN, mix_array
from fangpinbao.scenario.aftershocks import MOST_AFTERSHOCKS, Aftershocks
from fangpinbao.scenario.catastrophe import Earthquake

__all__ = ["aftershocks_of", "expected_aftershocks", "omori_days"]

_NUMBER = 10  # uniform of the main shock that gives how many follow
_AFTER = np.uint64(1 << 30)  # apart from the main shock's own draws, its cells and its households
_BITS = 10
_CLASS_SHIFT, _CLASSES = 26, 32


def expected_aftershocks(terms: Aftershocks, magnitudes: Float64Array) -> Float64Array:
    """Return the expected aftershocks of main shocks within the days followed, up to the main shock's magnitude."""
    over = np.maximum(magnitudes - terms.smallest, 0.0)
    days = (terms.c ** (1.0 - terms.p) - (terms.days + terms.c) ** (1.0 - terms.p)) / (terms.p - 1.0)
    return np.asarray(10.0 ** (terms.a + terms.b * over) * (1.0 - 10.0 ** (-terms.b * over)) * days)


def omori_days(terms: Aftershocks, u: Float64Array) -> Float64Array:
    """Return days after the main shock at uniforms: the law of one aftershock's time."""
    power = 1.0 - terms.p
    first, last = terms.c**power, (terms.days + terms.c) ** power
    return np.asarray((first + u * (last - first)) ** (1.0 / power) - terms.c)


def aftershocks_of(
    main: Events,
    one: EventClass,
    table: Earthquake,
    cells: CellMap,
    season: Season,
    sources: tuple[Source, ...],
    factor: AmountLaw | None,
    term_years: int,
) -> Events:
    """Draw what follows a batch of main shocks; parameters as of ``draw_events``.

    What would come after the path's last year is left out.
    """
    terms = table.aftershocks
    assert terms is not None
    counts = count_quantile(uniforms(main.word, _NUMBER), None, expected_aftershocks(terms, main.size))
    counts = np.minimum(counts, MOST_AFTERSHOCKS)
    of = np.repeat(np.arange(len(main)), counts)
    number = np.arange(of.size) - np.repeat(np.cumsum(counts) - counts, counts)
    with np.errstate(over="ignore"):
        words = mix_array(main.word[of] + (_AFTER + number.astype(np.uint64)) * GOLDEN)
    day = (
        main.day[of]
        + main.year[of] * DAYS
        + np.floor(omori_days(terms, uniforms(words, DAY))).astype(np.int64)
    )
    kept = np.flatnonzero(day < term_years * DAYS)
    of, number, words, day = of[kept], number[kept], words[kept], day[kept]
    # survival between 1 at the smallest and 10^(-b (M - smallest)) at the main shock's own magnitude
    least = 10.0 ** (-terms.b * (main.size[of] - terms.smallest))
    sizes = terms.smallest - np.log10(least + (1.0 - least) * uniforms(words, SIZE)) / terms.b
    source_of = main_sources(one, main.word)[of]
    east, north = (place[of] for place in epicentres(sources, main_sources(one, main.word), main.word))
    strikes = np.array([source.strike for source in sources])[source_of]
    along = 10.0 ** (-2.44 + 0.59 * main.size[of]) * (uniforms(words, PLACE) - 0.5)
    hits = felt(
        table, cells, sources, source_of, sizes, east + along * np.sin(strikes), north + along * np.cos(strikes),
        words, uniforms(words, COMMON),
    )  # fmt: skip
    factors = np.ones(of.size) if factor is None else factor.quantile_from_survival(uniforms(words, FACTOR))
    # ids: the class moves on by half of the classes, and the numbers of main shock and aftershock share its bits
    shifted = (main.id[of] & ~((1 << 20) - 1)) + (_CLASSES << _CLASS_SHIFT)
    ids = shifted | ((main.id[of] & ((1 << 20) - 1)) << _BITS) | number
    return replace(
        main, path=main.path[of], year=day // DAYS, day=day % DAYS, hour=season.hours(uniforms(words, HOUR)),
        size=sizes, factor=factors, word=words, id=ids, event_start=hits[0], cells=hits[1], intensities=hits[2],
    )  # fmt: skip
