"""Draws the events of a chunk of paths: how many, how large, when, and which cells they hit.

Keys: seed and class -> path and year -> number of the event -> what is drawn of it. A class is drawn as a
whole, so its arrays are of one peril.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from fangpinbao._typing import Float64Array, Int64Array, Uint64Array
from fangpinbao.catastrophe.exposure import CellMap, Season
from fangpinbao.catastrophe.hazard import EventClass, Source, magnitude_at
from fangpinbao.core.catastrophe import circle_cells, circle_counts, shake
from fangpinbao.core.distributions import AmountLaw
from fangpinbao.core.streams import GOLDEN, decision_key, mix_array, survival_of, year_keys
from fangpinbao.scenario.catastrophe import AreaPeril, Earthquake
from fangpinbao.scenario.laws import FrequencyLaw, NegativeBinomial

__all__ = [
    "Events",
    "count_quantile",
    "draw_events",
    "epicentres",
    "event_ids",
    "event_words",
    "felt",
    "main_sources",
    "numbers_of",
]

# What is drawn of an event, by the number of its uniform.
PART, SIZE, DAY, HOUR, PLACE, ACROSS, FACTOR, COMMON, YEAR = range(1, 10)
_MOST_EVENTS = 10_000
_SUMMED_BELOW = 40.0
_YEAR_BITS, _CLASS_BITS, _PATH_BITS = 20, 26, 32


@dataclass(frozen=True, eq=False)
class Events:
    """Events of one peril, with the cells they hit.

    Attributes
    ----------
    peril
        Index of the peril.
    path, year, day, hour : shape (e,)
        Path, year of the path, day 0 to 364, hour 0 to 23.
    size, factor : shape (e,)
        Magnitude or the peril's size; factor on the chances of all people.
    word, id : shape (e,)
        Key, and the id shown.
    event_start : shape (e + 1,)
        Slices of the three next.
    cells, intensities : shape (hits,)
    losses : shape (hits,) or None
        Yuan that a file gives in place of an intensity.
    """

    peril: int
    path: Int64Array
    year: Int64Array
    day: Int64Array
    hour: Int64Array
    size: Float64Array
    factor: Float64Array
    word: Uint64Array
    id: Int64Array
    event_start: Int64Array
    cells: Int64Array
    intensities: Float64Array
    losses: Float64Array | None = None

    def __len__(self) -> int:
        return int(self.path.size)

    @property
    def event_of_hit(self) -> Int64Array:
        """Position of the event of each cell hit, shape (hits,)."""
        return np.repeat(np.arange(len(self)), np.diff(self.event_start))


def event_ids(path: Int64Array, class_index: int, year: Int64Array, number: Int64Array) -> Int64Array:
    """Return ids that are unique in a run and the same in every run with the same seed."""
    return (path << _PATH_BITS) | (class_index << _CLASS_BITS) | (year << _YEAR_BITS) | number


def event_words(key: int, path: Int64Array, year: Int64Array, number: Int64Array) -> Uint64Array:
    """Return the keys of events: each is drawn from (seed and class, path, year, number) alone."""
    with np.errstate(over="ignore"):
        return mix_array(year_keys(key, path, year) + (number.astype(np.uint64) + np.uint64(1)) * GOLDEN)


def uniforms(words: Uint64Array, number: int) -> Float64Array:
    """Return uniform ``number`` of each event, in (0, 1)."""
    with np.errstate(over="ignore"):
        return survival_of(mix_array(words + np.uint64(number) * GOLDEN))


def count_quantile(u: Float64Array, law: FrequencyLaw | None, means: Float64Array) -> Int64Array:
    """Return numbers of events at uniforms, for a mean each; Poisson where there is no law.

    The smallest k with P(N <= k) >= u, by summing probabilities; from a mean of `_SUMMED_BELOW` on, where the first of
    them vanish, by scipy's quantile.
    """
    counts = np.zeros(u.size, dtype=np.int64)
    if law is not None and law.law == "bernoulli":
        return (u > 1.0 - means).astype(np.int64)
    size = law.size if isinstance(law, NegativeBinomial) else np.inf
    many = means >= _SUMMED_BELOW
    if many.any():
        from scipy import stats

        large = means[many]
        if np.isfinite(size):
            counts[many] = stats.nbinom.ppf(u[many], size, size / (size + large))
        else:
            counts[many] = stats.poisson.ppf(u[many], large)
        counts[~many] = count_quantile(u[~many], law, means[~many])
        return counts
    odds = means / (size + means) if np.isfinite(size) else means
    chance = (1.0 + means / size) ** -size if np.isfinite(size) else np.exp(-means)
    below, open_ = chance.copy(), np.flatnonzero(u > chance)
    chance, below, odds, wanted = chance[open_], below[open_], odds[open_], u[open_]
    for k in range(1, _MOST_EVENTS):
        if open_.size == 0:
            break
        chance = chance * odds / k * ((size + k - 1.0) if np.isfinite(size) else 1.0)
        below = below + chance
        counts[open_] = k
        more = (wanted > below) & (chance > 1e-18)
        open_, chance, below, odds, wanted = open_[more], chance[more], below[more], odds[more], wanted[more]
    return counts


def numbers_of(
    one: EventClass,
    key: int,
    paths: Int64Array,
    strata: Int64Array | None,
    seed: int,
    term_years: int,
    peril: AreaPeril | None,
) -> Int64Array:
    """Return numbers of events of a class, shape (paths, 1) for a tier and (paths, term_years) for others.

    A tier's events are counted over the term, because its strata are; the rest of a peril year by year.
    """
    if one.tier >= 0:
        u = survival_of(year_keys(key, paths, np.zeros_like(paths)))
        means = np.full(paths.size, one.rate * term_years)
        if strata is None:
            return count_quantile(u, None, means)[:, None]
        none = np.exp(-means)
        u = np.where(strata == one.tier, none + (1.0 - none) * u, u)
        counts = count_quantile(u, None, means)
        # The rounding of u must not lose an event that the stratum promises.
        counts = np.where(strata == one.tier, np.maximum(counts, 1), counts)
        return np.where(strata > one.tier, 0, counts)[:, None]
    by_year = []
    for year in range(term_years):
        years = np.full_like(paths, year)
        means = np.full(paths.size, one.rate)
        if peril is not None and peril.year_factor is not None:
            factor_key = decision_key(seed, f"catastrophe/{one.peril}/year_factor")
            factors = survival_of(year_keys(factor_key, paths, years))
            means = means * peril.year_factor.core().quantile_from_survival(factors)
        u = survival_of(year_keys(key, paths, years))
        by_year.append(count_quantile(u, None if peril is None else peril.frequency, means))
    return np.stack(by_year, axis=1)


def class_key(one: EventClass, seed: int) -> int:
    """Return the key of a class of events."""
    return decision_key(seed, f"catastrophe/{one.peril}/{one.name}")


def draw_events(
    one: EventClass,
    index: int,
    peril_index: int,
    table: Earthquake | AreaPeril,
    cells: CellMap,
    season: Season,
    sources: tuple[Source, ...],
    factor: AmountLaw | None,
    paths: Int64Array,
    strata: Int64Array | None,
    seed: int,
    term_years: int,
) -> Events:
    """Draw all events of a class in the given paths.

    Parameters
    ----------
    index
        Position of the class, part of the ids.
    strata : shape (paths,) or None
        Stratum of each path; None for plain years.
    """
    area = table if isinstance(table, AreaPeril) else None
    key = class_key(one, seed)
    counts = numbers_of(one, key, paths, strata, seed, term_years, area)
    flat = counts.ravel()
    path = np.repeat(np.repeat(paths, counts.shape[1]), flat)
    year = np.repeat(np.tile(np.arange(counts.shape[1]), paths.size), flat)
    number = np.arange(path.size) - np.repeat(np.cumsum(flat) - flat, flat)
    words = event_words(key, path, year, number)
    ids = event_ids(path, index, year, number)
    if one.tier >= 0:
        year = np.minimum((uniforms(words, YEAR) * term_years).astype(np.int64), term_years - 1)
    part_of = _parts_of(one, words)
    low = np.array([part.survival_low for part in one.parts])[part_of]
    high = np.array([part.survival_high for part in one.parts])[part_of]
    survival = low + (high - low) * uniforms(words, SIZE)
    factors = np.ones(path.size) if factor is None else factor.quantile_from_survival(uniforms(words, FACTOR))
    if isinstance(table, AreaPeril):
        sizes = table.size.core().quantile_from_survival(survival)
        hits = _circles(table, cells, words, sizes)
    else:
        source_of = main_sources(one, words)
        sizes, hits = _quakes(table, cells, sources, source_of, survival, words)
    return Events(
        peril_index, path, year, season.days(uniforms(words, DAY)), season.hours(uniforms(words, HOUR)), sizes, factors,
        words, ids, *hits,
    )  # fmt: skip


Hits = tuple[Int64Array, Int64Array, Float64Array]


def _circles(table: AreaPeril, cells: CellMap, words: Uint64Array, sizes: Float64Array) -> Hits:
    weights = cells.weights(table.footprint.centre)
    centres = np.searchsorted(np.cumsum(weights / weights.sum()), uniforms(words, PLACE))
    centres = np.minimum(centres, weights.size - 1).astype(np.int64)
    radii = table.footprint.radius_km.core().quantile_from_survival(uniforms(words, ACROSS))
    counts = np.zeros(words.size, dtype=np.int64)
    circle_counts(centres, radii, cells.distances, counts)
    start = np.concatenate(([0], np.cumsum(counts)))
    hit, intensities = np.zeros(start[-1], dtype=np.int64), np.zeros(start[-1])
    circle_cells(centres, radii, sizes, table.footprint.edge, cells.distances, start, hit, intensities)
    return start, hit, intensities


def _quakes(
    table: Earthquake,
    cells: CellMap,
    sources: tuple[Source, ...],
    source_of: Int64Array,
    survival: Float64Array,
    words: Uint64Array,
) -> tuple[Float64Array, Hits]:
    zones = [source.zone for source in sources]
    smallest = np.array([zone.smallest for zone in zones])[source_of]
    largest = np.array([zone.largest for zone in zones])[source_of]
    sizes = magnitude_at(survival, smallest, largest, np.array([zone.b_value for zone in zones])[source_of])
    east, north = epicentres(sources, source_of, words)
    return sizes, felt(table, cells, sources, source_of, sizes, east, north, words, uniforms(words, COMMON))


def main_sources(one: EventClass, words: Uint64Array) -> Int64Array:
    """Return the source of each event of a class."""
    return np.array([part.source for part in one.parts], dtype=np.int64)[_parts_of(one, words)]


def _parts_of(one: EventClass, words: Uint64Array) -> Int64Array:
    rates = np.array([part.rate for part in one.parts])
    ends = np.cumsum(rates / max(rates.sum(), np.finfo(np.float64).tiny))  # a class of rate 0 has no events
    return np.minimum(np.searchsorted(ends, uniforms(words, PART)), rates.size - 1).astype(np.int64)


def epicentres(
    sources: tuple[Source, ...], source_of: Int64Array, words: Uint64Array
) -> tuple[Float64Array, Float64Array]:
    """Return kilometres east and north of each earthquake, drawn evenly over its zone."""
    starts = np.array([source.start for source in sources])[source_of]
    ends = np.array([source.end for source in sources])[source_of]
    strikes = np.array([source.strike for source in sources])[source_of]
    widths = np.array([source.zone.width_km for source in sources])[source_of]
    at = starts + (ends - starts) * uniforms(words, PLACE)[:, None]
    aside = widths * (uniforms(words, ACROSS) - 0.5)
    return at[:, 0] + aside * np.cos(strikes), at[:, 1] - aside * np.sin(strikes)


def felt(
    table: Earthquake,
    cells: CellMap,
    sources: tuple[Source, ...],
    source_of: Int64Array,
    sizes: Float64Array,
    east: Float64Array,
    north: Float64Array,
    words: Uint64Array,
    common_uniforms: Float64Array,
) -> Hits:
    """Return the cells that earthquakes of these magnitudes and epicentres hit, and their intensities."""
    strikes = np.array([source.strike for source in sources])[source_of]
    relations = list(table.attenuation.values())
    longs, shorts = (
        np.array([
            [axis.constant, axis.magnitude, axis.distance, axis.offset_km]
            for axis in (getattr(relation, name) for relation in relations)
        ])
        for name in ("long", "short")
    )  # fmt: skip
    between = np.array([one.sigma * one.between_share**0.5 for one in relations])
    local = table.local_scatter
    within = np.array([local * one.sigma * (1.0 - one.between_share) ** 0.5 for one in relations])
    relation_of = np.array([source.relation for source in sources], dtype=np.int64)[source_of]
    common = between[relation_of] * special.ndtri(common_uniforms)
    intensities = np.zeros((words.size, len(cells.names)))
    shake(
        east, north, sizes, common, relation_of, strikes, words, cells.east, cells.north, longs, shorts, within,
        table.smallest_intensity, intensities,
    )  # fmt: skip
    hit = intensities > 0.0
    start = np.concatenate(([0], np.cumsum(hit.sum(axis=1))))
    return start, np.nonzero(hit)[1].astype(np.int64), intensities[hit]
