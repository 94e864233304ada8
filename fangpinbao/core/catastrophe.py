"""Kernels of regional catastrophes: which cells an event hits, and how many people of a cell it harms.

Every draw is keyed by the event's word (seed, peril, year, number) and the cell: no contract, no other cell
and no other event is part of it.

References
----------
Wichura, Algorithm AS 241, Applied Statistics 37, 1988 (normal quantile, routine PPND16).
Cornish and Fisher, Revue de l'Institut International de Statistique 5, 1937 (expansion of a quantile).
"""

from __future__ import annotations

import math

import numpy as np

from fangpinbao._jit import inlined, kernel
from fangpinbao._typing import Float64Array, Int64Array, Uint64Array
from fangpinbao.core.streams import GOLDEN, mix64

GRADES = 10
DEGREES = 3
# Columns of casualties: dead, disabled by grade 1 to 10, burned and not disabled by degree, and of the
# disabled those who are burned as well.
DEAD = 0
FIRST_GRADE = 1
FIRST_DEGREE = FIRST_GRADE + GRADES
ALSO_BURNED = FIRST_DEGREE + DEGREES
N_COUNTS = ALSO_BURNED + 1
# Columns of benefits: the first 14 as above, then grade x degree for the disabled who are burned as well.
FIRST_BOTH = FIRST_DEGREE + DEGREES
N_BENEFITS = FIRST_BOTH + GRADES * DEGREES

INVERSION_BELOW = 40.0
"""Mean up to which binomials are inverted exactly; above, by a Cornish-Fisher expansion."""

_CELL = np.uint64(1 << 20)  # apart from the numbers of an event's own draws
_S12 = np.uint64(12)
_LN10 = math.log(10.0)


# Coefficients of AS 241, the highest power first.
_MIDDLE_TOP = (
    2509.0809287301226727, 33430.575583588128105, 67265.770927008700853, 45921.953931549871457,
    13731.693765509461125, 1971.5909503065514427, 133.14166789178437745, 3.387132872796366608,
)  # fmt: skip
_MIDDLE_LOW = (
    5226.495278852854561, 28729.085735721942674, 39307.89580009271061, 21213.794301586595867,
    5394.1960214247511077, 687.1870074920579083, 42.313330701600911252, 1.0,
)  # fmt: skip
_OUTER_TOP = (
    7.7454501427834140764e-4, 0.0227238449892691845833, 0.24178072517745061177, 1.27045825245236838258,
    3.64784832476320460504, 5.7694972214606914055, 4.6303378461565452959, 1.42343711074968357734,
)  # fmt: skip
_OUTER_LOW = (
    1.05075007164441684324e-9, 5.475938084995344946e-4, 0.0151986665636164571966, 0.14810397642748007459,
    0.68976733498510000455, 1.6763848301838038494, 2.05319162663775882187, 1.0,
)  # fmt: skip
_FAR_TOP = (
    2.01033439929228813265e-7, 2.71155556874348757815e-5, 0.0012426609473880784386, 0.026532189526576123093,
    0.29656057182850489123, 1.7848265399172913358, 5.4637849111641143699, 6.6579046435011037772,
)  # fmt: skip
_FAR_LOW = (
    2.04426310338993978564e-15, 1.4215117583164458887e-7, 1.8463183175100546818e-5, 7.868691311456132591e-4,
    0.0148753612908506148525, 0.13692988092273580531, 0.59983220655588793769, 1.0,
)  # fmt: skip


@inlined
def uniform(word: np.uint64) -> float:
    """Return a uniform in (0, 1) with 52 bits."""
    return (float(word >> _S12) + 0.5) * 2.0**-52


@inlined
def cell_word(event_word: np.uint64, cell: int) -> np.uint64:
    """Return the word of an event in a cell."""
    return mix64(event_word + (np.uint64(cell) + _CELL) * GOLDEN)


@inlined
def draw(word: np.uint64, number: int) -> float:
    """Return uniform ``number`` (from 1) of a word."""
    return uniform(mix64(word + np.uint64(number) * GOLDEN))


@inlined
def horner(coefficients: tuple[float, ...], x: float) -> float:
    """Return a polynomial, coefficients of the highest power first."""
    value = 0.0
    for coefficient in coefficients:
        value = value * x + coefficient
    return value


@kernel
def normal_quantile(p: float) -> float:
    """Return the standard normal quantile, AS 241 (relative error about 1e-16)."""
    q = p - 0.5
    if abs(q) <= 0.425:
        r = 0.180625 - q * q
        return q * horner(_MIDDLE_TOP, r) / horner(_MIDDLE_LOW, r)
    r = math.sqrt(-math.log(p if q < 0.0 else 1.0 - p))
    if r <= 5.0:
        value = horner(_OUTER_TOP, r - 1.6) / horner(_OUTER_LOW, r - 1.6)
    else:
        value = horner(_FAR_TOP, r - 5.0) / horner(_FAR_LOW, r - 5.0)
    return -value if q < 0.0 else value


@kernel
def _lower_binomial_quantile(u: float, n: int, p: float) -> int:
    """Return the quantile for p of at most one half."""
    mean = n * p
    if mean < INVERSION_BELOW:
        chance = math.exp(n * math.log1p(-p))
        below, k, odds = chance, 0, p / (1.0 - p)
        while u > below and k < n:
            chance *= (n - k) / (k + 1.0) * odds
            k += 1
            below += chance
            if chance < 1e-18 and k > mean:
                break
        return k
    sd = math.sqrt(mean * (1.0 - p))
    skewness = (1.0 - 2.0 * p) / sd
    kurtosis = (1.0 - 6.0 * p * (1.0 - p)) / (sd * sd)
    z = normal_quantile(u)
    z2 = z * z
    shifted = (
        z
        + skewness * (z2 - 1.0) / 6.0
        + kurtosis * z * (z2 - 3.0) / 24.0
        - skewness * skewness * z * (2.0 * z2 - 5.0) / 36.0
    )
    # Rounding to whole numbers adds 1/12 to the variance (Sheppard), so the rounded value has that less.
    value = mean + sd * shifted * math.sqrt(1.0 - 1.0 / (12.0 * sd * sd))
    return int(min(max(math.floor(value + 0.5), 0.0), float(n)))


@kernel
def binomial_quantile(u: float, n: int, p: float) -> int:
    """Return the smallest k with P(Bin(n, p) <= k) >= u.

    Exact by summing probabilities up to a mean of `INVERSION_BELOW`; above, a Cornish-Fisher expansion to
    the fourth cumulant, whose distribution differs from the binomial by less than 1e-4 at every point.
    """
    if n <= 0 or p <= 0.0:
        return 0
    if p >= 1.0:
        return n
    if p > 0.5:
        return n - _lower_binomial_quantile(1.0 - u, n, 1.0 - p)
    return _lower_binomial_quantile(u, n, p)


@kernel
def circle_counts(
    centres: Int64Array, radii: Float64Array, distances: Float64Array, counts: Int64Array
) -> None:
    """Count the cells within each event's radius of its centre, the centre itself always.

    Shapes: centres, radii, counts (e,); distances (cells, cells), km.
    """
    for e in range(centres.size):
        found = 0
        for c in range(distances.shape[0]):
            found += c == centres[e] or distances[centres[e], c] <= radii[e]
        counts[e] = found


@kernel
def circle_cells(
    centres: Int64Array,
    radii: Float64Array,
    sizes: Float64Array,
    edge: float,
    distances: Float64Array,
    event_start: Int64Array,
    cells: Int64Array,
    intensities: Float64Array,
) -> None:
    """Fill the cells hit and their intensity: the size at the centre, `edge` times it at the rim."""
    for e in range(centres.size):
        at = event_start[e]
        for c in range(distances.shape[0]):
            far = distances[centres[e], c]
            if c == centres[e] or far <= radii[e]:
                share = far / radii[e] if c != centres[e] else 0.0
                cells[at] = c
                intensities[at] = sizes[e] * (1.0 - (1.0 - edge) * share)
                at += 1


@kernel
def ellipse_intensity(
    along: float, across: float, magnitude: float, long: Float64Array, short: Float64Array
) -> float:
    """Return the intensity whose isoseismal, an ellipse, runs through a site.

    Parameters
    ----------
    along, across
        Kilometres from the epicentre along and across the strike.
    long, short
        Constant, factor of magnitude, factor of lg(R + R0) and R0 of each axis: the semi-axis at intensity I
        is ``10^((constant + factor M - I) / distance) - R0``.
    """
    far = math.hypot(along, across)
    top = long[0] + long[1] * magnitude - long[2] * math.log10(far + long[3])
    bottom = short[0] + short[1] * magnitude - short[2] * math.log10(far + short[3])
    if far == 0.0:
        return float(max(top, bottom))
    high, low = max(top, bottom), min(top, bottom)
    long_rate, short_rate = _LN10 / long[2], _LN10 / short[2]
    x = 0.5 * (low + high)
    for _ in range(60):  # Newton's method within a bracket; the ellipse shrinks as intensity rises
        a_shifted = math.exp((long[0] + long[1] * magnitude - x) * long_rate)
        b_shifted = math.exp((short[0] + short[1] * magnitude - x) * short_rate)
        a, b = a_shifted - long[3], b_shifted - short[3]
        if a <= 0.0 or b <= 0.0:
            high = x
            x = 0.5 * (low + high)
            continue
        u, v = along / a, across / b
        outside = u * u + v * v - 1.0
        if outside > 0.0:
            high = x
        else:
            low = x
        slope = 2.0 * (u * u * long_rate * a_shifted / a + v * v * short_rate * b_shifted / b)
        step = outside / slope
        if abs(step) < 1e-9:
            return float(x - step)
        x -= step
        if not low < x < high:
            x = 0.5 * (low + high)
    return float(x)


@kernel
def shake(
    east: Float64Array,
    north: Float64Array,
    magnitudes: Float64Array,
    common: Float64Array,
    relation_of: Int64Array,
    strikes: Float64Array,
    words: Uint64Array,
    cell_east: Float64Array,
    cell_north: Float64Array,
    longs: Float64Array,
    shorts: Float64Array,
    within: Float64Array,
    least: float,
    intensities: Float64Array,
) -> None:
    """Fill the intensity of each earthquake in each cell, where it is at least `least`.

    Shapes: events (e,): epicentre in km, magnitude, scatter common to the event, attenuation, strike in
    radians clockwise from north, word. Attenuations (a, 4) and (a,): axes and scatter within an event.
    Result (e, cells), zero where a cell is not hit.
    """
    for e in range(east.size):
        r = relation_of[e]
        level = longs[r, 0] + longs[r, 1] * magnitudes[e] + common[e]
        # Beyond five standard deviations within the event, 3e-7 of the cells are missed. The long axis bounds.
        reach = math.exp((level + 5.0 * within[r] - least) / longs[r, 2] * _LN10) - longs[r, 3]
        if reach <= 0.0:
            continue
        sine, cosine = math.sin(strikes[e]), math.cos(strikes[e])
        for c in range(cell_east.size):
            dx, dy = cell_east[c] - east[e], cell_north[c] - north[e]
            square = dx * dx + dy * dy
            if square > reach * reach:
                continue
            scatter = within[r] * normal_quantile(draw(cell_word(words[e], c), 1)) if within[r] > 0.0 else 0.0
            if level - longs[r, 2] * math.log10(math.sqrt(square) + longs[r, 3]) + scatter < least:
                continue
            along, across = dx * sine + dy * cosine, dx * cosine - dy * sine
            x = ellipse_intensity(along, across, magnitudes[e], longs[r], shorts[r]) + common[e] + scatter
            if x >= least:
                intensities[e, c] = x


@kernel
def count_casualties(
    event_start: Int64Array,
    cells: Int64Array,
    chances: Float64Array,
    words: Uint64Array,
    months: Int64Array,
    perils: Int64Array,
    people: Int64Array,
    dead_shares: Float64Array,
    disabled_shares: Float64Array,
    grades: Float64Array,
    degrees: Float64Array,
    also_burned: Float64Array,
    benefits: Int64Array,
    counts: Int64Array,
    gross: Int64Array,
) -> None:
    """Draw the casualties of each event cell by cell, and what each contract owes before its limits.

    A cell's casualties are binomial over its people, then split by conditional binomials, so that all counts
    together are multinomial.

    Parameters
    ----------
    event_start : shape (e + 1,)
        Slices of `cells` and `chances`.
    chances : shape (hits,)
        Chance that a person of the cell is a casualty of any kind.
    words, months, perils : shape (e,)
        Key, month (0 = January) and peril of each event.
    people : shape (12, cells)
    dead_shares, disabled_shares, also_burned : shape (perils,)
        Share of the casualties killed; of the others, disabled; of the disabled, burned as well.
    grades, degrees : shapes (perils, 10) and (perils, 3)
        Chance of each grade (degree) given none before it.
    benefits : shape (contracts, N_BENEFITS)
        Fen a person.
    counts, gross : shapes (e, N_COUNTS) and (e, contracts)
        Results, added to.
    """
    for e in range(words.size):
        q = perils[e]
        for hit in range(event_start[e], event_start[e + 1]):
            word = cell_word(words[e], cells[hit])
            u, n = draw(word, 2), people[months[e], cells[hit]]
            if u <= 1.0 - n * chances[hit]:  # at most (1 - chance)^n, so nobody: spares the logarithm
                continue
            total = binomial_quantile(u, n, chances[hit])
            if total == 0:
                continue
            dead = binomial_quantile(draw(word, 3), total, dead_shares[q])
            disabled = binomial_quantile(draw(word, 4), total - dead, disabled_shares[q])
            counts[e, DEAD] += dead
            for k in range(benefits.shape[0]):
                gross[e, k] += dead * benefits[k, DEAD]
            left = disabled
            for g in range(GRADES):
                if left == 0:
                    break
                found = binomial_quantile(draw(word, 10 + g), left, grades[q, g])
                left -= found
                if found == 0:
                    continue
                burned = binomial_quantile(draw(word, 20 + g), found, also_burned[q])
                counts[e, FIRST_GRADE + g] += found
                counts[e, ALSO_BURNED] += burned
                for k in range(benefits.shape[0]):
                    gross[e, k] += (found - burned) * benefits[k, FIRST_GRADE + g]
                for d in range(DEGREES):
                    part = binomial_quantile(draw(word, 40 + DEGREES * g + d), burned, degrees[q, d])
                    burned -= part
                    for k in range(benefits.shape[0]):
                        gross[e, k] += part * benefits[k, FIRST_BOTH + DEGREES * g + d]
            left = total - dead - disabled
            for d in range(DEGREES):
                part = binomial_quantile(draw(word, 30 + d), left, degrees[q, d])
                left -= part
                counts[e, FIRST_DEGREE + d] += part
                for k in range(benefits.shape[0]):
                    gross[e, k] += part * benefits[k, FIRST_DEGREE + d]
