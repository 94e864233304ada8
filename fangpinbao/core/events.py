"""Draws the events of one block of households in a few years.

One function serves the simulator, the plain-Python twin, ``explain`` and audits. A draw is keyed by the
peril's name, the path, the year of path and the unit's stable id, so neither order nor company matters.
"""

from __future__ import annotations

import numpy as np

from fangpinbao._jit import inlined, kernel
from fangpinbao.core import layout as at
from fangpinbao.core.schedule import half_up
from fangpinbao.core.streams import GOLDEN, mix64

__all__ = ["book_events", "day_of", "screen_perils", "strike_townships"]

TWO_32 = 1 << 32
_S32 = np.uint64(32)
_S12 = np.uint64(12)
_FOUR = np.uint64(4)
_ONE = np.uint64(1)
_CELL_SHIFT = 45  # 52 mantissa bits less 7: 128 cells an octave
_FIRST_CELL = (1023 - 53) << 7  # cell of v = 2^-53
_SCOPE = np.uint64(1)
_CHANCE = np.uint64(2)
_DAY = np.uint64(0x5851F42D4C957F2D)
_DAYS = np.uint64(365)


@inlined
def _survival(word):
    return (np.float64(word >> _S12) + 0.5) * 2.0**-52


@inlined
def day_of(word):
    """Day of the year, 0 to 364, of the event with this word."""
    return np.int64(((mix64(word ^ _DAY) >> _S32) * _DAYS) >> _S32)


@kernel
def _screen(words, thresholds, mask, key, hit_unit, low):
    """Append to ``hit_unit`` the positions, counted from ``low``, of units with at least one event."""
    n = words.shape[0]
    for j in range(n):
        mask[j] = (mix64(key + words[j]) >> _S32) < np.uint64(thresholds[j])
    padded = (n + 7) // 8 * 8
    for j in range(n, padded):
        mask[j] = 0
    eights = mask[:padded].view(np.uint64)
    hits = 0
    for i in range(padded // 8):
        if eights[i] != np.uint64(0):
            for j in range(8 * i, 8 * i + 8):
                hit_unit[hits] = low + j
                hits += mask[j]
    return hits


@kernel
def screen_perils(
    first_year, last_year, unit_low, unit_high, peril, rate, tail, tail_row, screen_key,
    unit_of, unit_word, unit_stratum, mask, threshold, threshold_row, hit_unit, hit, hit_word, segment, sizes, events,
):
    """List who is struck by persons' and households' perils in years ``first_year`` to ``last_year``.

    Fills ``hit`` and ``hit_word``, one segment (peril, first, last) a peril, and writes the numbers of hits
    and segments to ``sizes``. Returns 0, or the capacity that is needed where they do not fit.
    """
    m, n_segments = np.int64(0), np.int64(0)
    for q in range(peril.shape[0]):
        low, high = unit_low[q], unit_high[q]
        if peril[q, at.EXPOSED] == 2 or low == high:
            continue
        counts, strata = rate[q, at.TAIL_COUNTS], rate[q, at.TAIL_STRATA]
        per_year = peril[q, at.PER_YEAR] == 1
        before = m
        for y in range(first_year, last_year):
            row, key = tail_row[y, q], screen_key[y, q]
            start = rate[q, at.TAIL_START] + row * strata * counts
            if threshold_row[q] != row:
                for j in range(low, high):
                    threshold[q, j - low] = tail[start + unit_stratum[j] * counts]
                threshold_row[q] = row
            hits = _screen(unit_word[low:high], threshold[q], mask, key, hit_unit, low)
            if m + hits * (np.int64(1) if per_year else counts) + 8 > hit_word.shape[0]:
                return 2 * (m + hits * counts + 8)
            year_start = m
            for i in range(hits):
                j = hit_unit[i]
                drawn = mix64(key + unit_word[j])
                n = np.int64(1)
                if counts > 1:
                    base = start + unit_stratum[j] * counts
                    while n < counts and (drawn >> _S32) < np.uint64(tail[base + n]):
                        n += 1
                for e in range(np.int64(1) if per_year else n):
                    hit[at.HIT_UNIT, m] = unit_of[j]
                    hit[at.HIT_COUNT, m] = n if per_year else np.int64(1)
                    hit[at.HIT_YEAR, m] = y
                    hit_word[m] = mix64(drawn + np.uint64(e + 1) * GOLDEN)
                    m += 1
            events[y, q] += m - year_start
        segment[0, n_segments], segment[1, n_segments], segment[2, n_segments] = q, before, m
        n_segments += 1
    sizes[0], sizes[1] = m, n_segments
    return np.int64(0)


@kernel
def strike_townships(
    first_year, last_year, first, last, event_start, catalogue, catalogue_key, township_start, household_word,
    unit_low, unit_high, unit_of, hit, hit_word, segment, sizes, events,
):
    """Add the households hit by township events; ``catalogue`` is (peril, township, share x 2^32).

    Returns 0, or the capacity that is needed.
    """
    m, n_segments = sizes[0], sizes[1]
    for y in range(first_year, last_year):
        for e in range(event_start[y], event_start[y + 1]):
            q, township = catalogue[0, e], catalogue[1, e]
            low, high = max(first, township_start[township]), min(last, township_start[township + 1])
            if low >= high:
                continue
            if m + high - low + 8 > hit_word.shape[0] or n_segments + 1 >= segment.shape[1]:
                return 2 * (m + high - low + 8)
            share, key = np.uint64(catalogue[2, e]), catalogue_key[e]
            before = m
            for h in range(low, high):
                drawn = mix64(key + household_word[h])
                if (drawn >> _S32) < share and _is_among(unit_of, unit_low[q], unit_high[q], h):
                    hit[at.HIT_UNIT, m] = h
                    hit[at.HIT_COUNT, m] = 1
                    hit[at.HIT_YEAR, m] = y
                    hit_word[m] = mix64(drawn + GOLDEN)
                    m += 1
            events[y, q] += m - before
            segment[0, n_segments], segment[1, n_segments], segment[2, n_segments] = q, before, m
            n_segments += 1
    sizes[0], sizes[1] = m, n_segments
    return np.int64(0)


@inlined
def _draw_amounts(table, survival, amount, m, intercepts, slopes, atom_start, atom, atom_survival):
    if table >= 0:
        bits = survival[:m].view(np.int64)
        intercept, slope = intercepts[table], slopes[table]
        for i in range(m):
            cell = np.uint64((bits[i] >> _CELL_SHIFT) - _FIRST_CELL)
            amount[i] = intercept[cell] + slope[cell] * survival[i]
    else:
        low, high = atom_start[-1 - table], atom_start[-table]
        for i in range(m):
            k = low
            while k < high - 1 and survival[i] >= atom_survival[k]:
                k += 1
            amount[i] = atom[k]


@kernel
def book_events(
    segments, segment, peril, booking, scope_share, hit, hit_word, event, money, word, survival, amount,
    intercepts, slopes, atom_start, atom, atom_survival, person_scale, household_scale,
    household_start, household_of, person_word,
):
    """Book the struck units to accounts: fills the event columns, ``money`` (amount, in-scope part) and ``word``.

    Returns the number of events, or the negative capacity that is needed.
    """
    end = np.int64(0)
    for g in range(segments):
        q, low, high = segment[0, g], segment[1, g], segment[2, g]
        per_person = peril[q, at.EXPOSED] == 0
        for b in range(peril[q, at.BOOK_START], peril[q, at.BOOK_END]):
            local = np.uint64(b - peril[q, at.BOOK_START]) * _FOUR + _ONE
            to_household = booking[b, at.ON_HOUSEHOLD] == 1
            start = end
            n = start
            if not per_person and not to_household:  # each member of the household
                for i in range(low, high):
                    h = hit[at.HIT_UNIT, i]
                    if n + household_start[h + 1] - household_start[h] + 8 > word.shape[0]:
                        return -2 * word.shape[0]
                    for person in range(household_start[h], household_start[h + 1]):
                        event[at.EV_PERSON, n] = person
                        event[at.EV_HOUSEHOLD, n] = h
                        event[at.EV_COUNT, n] = 1
                        event[at.EV_YEAR, n] = hit[at.HIT_YEAR, i]
                        word[n] = mix64(hit_word[i] + person_word[person])
                        n += 1
            else:
                n = start + high - low
                if n + 8 > word.shape[0]:
                    return -2 * max(n + 8, word.shape[0])
                if per_person:
                    for i in range(low, high):
                        event[at.EV_PERSON, start + i - low] = hit[at.HIT_UNIT, i]
                        event[at.EV_HOUSEHOLD, start + i - low] = household_of[hit[at.HIT_UNIT, i]]
                else:
                    for i in range(low, high):
                        event[at.EV_PERSON, start + i - low] = -1
                        event[at.EV_HOUSEHOLD, start + i - low] = hit[at.HIT_UNIT, i]
                for i in range(low, high):
                    event[at.EV_COUNT, start + i - low] = hit[at.HIT_COUNT, i]
                    event[at.EV_YEAR, start + i - low] = hit[at.HIT_YEAR, i]
                    word[start + i - low] = hit_word[i]
            if booking[b, at.CHANCE] < TWO_32:
                chance = np.uint64(booking[b, at.CHANCE])
                kept = start
                for i in range(start, n):
                    mine = word[i]
                    word[kept] = mine
                    event[at.EV_PERSON, kept] = event[at.EV_PERSON, i]
                    event[at.EV_HOUSEHOLD, kept] = event[at.EV_HOUSEHOLD, i]
                    event[at.EV_COUNT, kept] = event[at.EV_COUNT, i]
                    event[at.EV_YEAR, kept] = event[at.EV_YEAR, i]
                    kept += (mix64(mine + (local + _CHANCE) * GOLDEN) >> _S32) < chance
                n = kept
            count = n - start
            share = scope_share[b]
            for turn in range(1 if share >= 0.0 else 2):  # the amount, then a drawn in-scope share
                purpose = local if turn == 0 else local + _SCOPE
                for i in range(count):
                    survival[i] = _survival(mix64(word[start + i] + purpose * GOLDEN))
                _draw_amounts(
                    booking[b, at.TABLE if turn == 0 else at.SCOPE_TABLE], survival, amount, count,
                    intercepts, slopes, atom_start, atom, atom_survival,
                )
                if turn == 1:
                    for i in range(count):
                        money[1, start + i] = half_up(money[0, start + i] * min(amount[i], 1.0))
                    break
                row = booking[b, at.SCALE]
                if row >= 0 and (per_person or not to_household):
                    for i in range(count):
                        amount[i] *= person_scale[row, event[at.EV_PERSON, start + i]]
                elif row >= 0:
                    for i in range(count):
                        amount[i] *= household_scale[row, event[at.EV_HOUSEHOLD, start + i]]
                for i in range(count):
                    money[0, start + i] = half_up(100.0 * amount[i])
                    money[1, start + i] = half_up(money[0, start + i] * share)
            for i in range(start, n):
                event[at.EV_COUNT, i] *= booking[b, at.COUNTS]
                event[at.EV_ACCOUNT, i] = booking[b, at.ACCOUNT]
                event[at.EV_PERIL, i] = q
            if to_household:
                for i in range(start, n):
                    event[at.EV_PERSON, i] = -1
            end = n
    return end


@kernel
def _is_among(sorted_units, start, stop, unit):
    low, high = start, stop
    while low < high:
        middle = (low + high) // 2
        if sorted_units[middle] < unit:
            low = middle + 1
        else:
            high = middle
    return low < stop and sorted_units[low] == unit
