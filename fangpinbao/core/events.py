"""Draws the events of one block of households in a few years.

One function serves the simulator, the plain-Python twin, ``explain`` and audits. A draw is keyed by the
peril's name, the path, the year of path and the unit's stable id, so neither order nor company matters.

Units are screened by words that four paths share; see ``fangpinbao.core.screen``.
"""

from __future__ import annotations

import numpy as np

from fangpinbao._jit import inlined, kernel
from fangpinbao.core import layout as at
from fangpinbao.core.schedule import half_up
from fangpinbao.core.streams import GOLDEN, mix64

__all__ = ["book_events", "day_of", "first_at_least", "strike_homes", "where_set"]

TWO_32 = 1 << 32
_S32 = np.uint64(32)
_S16 = np.uint64(16)
_S48 = np.uint64(48)
_S12 = np.uint64(12)
_LOW_16 = np.uint64(0xFFFF)
_FOUR = np.uint64(4)
_ONE = np.uint64(1)
_CELL_SHIFT = 45  # 52 mantissa bits less 7: 128 cells an octave
_FIRST_CELL = (1023 - 53) << 7  # cell of v = 2^-53
_SCOPE = np.uint64(1)
_CHANCE = np.uint64(2)
_DAY = np.uint64(0x5851F42D4C957F2D)
_LOW_HALF = np.uint64(0x2545F4914F6CDD1D)
_DAYS = np.uint64(365)


@inlined
def _survival(word):
    return (np.float64(word >> _S12) + 0.5) * 2.0**-52


@inlined
def day_of(word):
    """Day of the year, 0 to 364, of the event with this word."""
    return np.int64(((mix64(word ^ _DAY) >> _S32) * _DAYS) >> _S32)


@inlined
def where_set(mask, n, places):
    """Write to ``places`` the positions below ``n`` at which ``mask`` is 1 (not 0); returns their number.

    ``mask`` has room for the next multiple of 8, which is cleared.
    """
    padded = (n + 7) // 8 * 8
    for j in range(n, padded):
        mask[j] = 0
    eights = mask[:padded].view(np.uint64)
    count = np.uint32(0)
    for i in range(padded // 8):
        if eights[i] != np.uint64(0):
            for j in range(8 * i, 8 * i + 8):
                places[count] = j
                count += np.uint32(mask[j])
    return np.int64(count)


@kernel
def strike_homes(
    first_year, years, households, persons, peril, rate, tail, tail_row, screen_key, lane, unit_start, unit_of,
    unit_word,
    unit_stratum, event_start, catalogue, catalogue_key, township_start, household_word, member_start, words, mask,
    place,
    hit, hit_word, segment, sizes, home_mark, events,
):
    """List the households that household perils and township events strike, and mark them.

    ``catalogue`` is (peril, township, share x 2^32).
    Fills ``hit`` and ``hit_word``, one segment (peril, first, last) a peril of households, and a peril of townships
    and year at the most, and writes the numbers of hits and segments to ``sizes``. Returns 0, or the capacity that is
    needed where they do not fit.
    """
    m, n_segments = np.int64(0), np.int64(0)
    for q in range(peril.shape[0]):
        low, n = unit_start[q], unit_start[q + 1] - unit_start[q]
        if peril[q, at.EXPOSED] != 1 or n == 0:
            continue
        before = m
        unit, stratum, keys = unit_of[low : low + n], unit_stratum[low : low + n], unit_word[low : low + n]
        counts = rate[q, at.TAIL_COUNTS]
        per_year = peril[q, at.PER_YEAR] == 1
        known_key = screen_key[first_year, q]
        for y in range(years):
            key = screen_key[first_year + y, q]
            start = rate[q, at.TAIL_START] + tail_row[first_year + y, q] * rate[q, at.TAIL_STRATA] * counts
            if y == 0 or key != known_key:
                for j in range(n):
                    words[j] = mix64(key + keys[j])
                known_key = key
            shift = _S48 - _S16 * np.uint64(lane[first_year + y])
            if rate[q, at.TAIL_STRATA] == 1:
                high = np.uint64(tail[start] >> np.uint32(16))
                for j in range(n):
                    mask[j] = ((words[j] >> shift) & _LOW_16) <= high
            else:
                for j in range(n):
                    high = np.uint64(tail[start + stratum[j] * counts] >> np.uint32(16))
                    mask[j] = ((words[j] >> shift) & _LOW_16) <= high
            hits = where_set(mask, n, place)
            if m + hits * counts + 8 > hit_word.shape[0]:
                return 2 * (m + hits * counts + 8)
            own = GOLDEN * (np.uint64(lane[first_year + y]) + _ONE)
            for i in range(hits):
                j = place[i]
                drawn = mix64(words[j] + own)
                number = ((words[j] >> shift) & _LOW_16) << _S16 | (mix64(drawn ^ _LOW_HALF) >> _S48)
                tails_from = start + stratum[j] * counts
                k = np.int64(0)
                while k < counts and number < np.uint64(tail[tails_from + k]):
                    k += 1
                for e in range(min(k, np.int64(1)) if per_year else k):
                    hit[at.HIT_UNIT, m], hit[at.HIT_YEAR, m] = unit[j], y
                    hit[at.HIT_COUNT, m] = k if per_year else np.int64(1)
                    hit_word[m] = mix64(drawn + np.uint64(e + 1) * GOLDEN)
                    m += 1
        segment[0, n_segments], segment[1, n_segments], segment[2, n_segments] = q, before, m
        n_segments += 1
    for y in range(years):
        for e in range(event_start[first_year + y], event_start[first_year + y + 1]):
            q, township = catalogue[0, e], catalogue[1, e]
            low, n = township_start[township], township_start[township + 1] - township_start[township]
            if n == 0:
                continue
            if m + n + 8 > hit_word.shape[0]:
                return 2 * (m + n + 8)
            share, key = np.uint64(catalogue[2, e]), catalogue_key[e]
            homes = household_word[low : low + n]
            for j in range(n):
                words[j] = mix64(key + homes[j])
            for j in range(n):
                mask[j] = (words[j] >> _S32) < share
            before, everyone = m, unit_start[q + 1] - unit_start[q] == households
            for i in range(where_set(mask, n, place)):
                h = low + np.int64(place[i])
                if everyone or _is_among(unit_of, unit_start[q], unit_start[q + 1], h):
                    hit[at.HIT_UNIT, m], hit[at.HIT_YEAR, m], hit[at.HIT_COUNT, m] = h, y, 1
                    hit_word[m] = mix64(words[place[i]] + GOLDEN)
                    m += 1
            if n_segments == 0 or segment[0, n_segments - 1] != q:  # events of a peril that follow each other are one
                segment[0, n_segments], segment[1, n_segments] = q, before
                n_segments += 1
            segment[2, n_segments - 1] = m
    width = (households + 7) // 8 * 8
    for g in range(n_segments):
        q = segment[0, g]
        for i in range(segment[1, g], segment[2, g]):
            h, y = np.int64(hit[at.HIT_UNIT, i]), np.int64(hit[at.HIT_YEAR, i])
            events[first_year + y, q] += 1
            home_mark[y * width + h] = 1
    sizes[0], sizes[1] = m, n_segments
    return np.int64(0)


@inlined
def _draw_amounts(table, survival, amount, m, quantile, atom_start, atom):
    if table >= 0:
        bits = survival[:m].view(np.int64)
        intercept, slope = quantile[0, table], quantile[1, table]
        for i in range(m):
            cell = np.uint64((bits[i] >> _CELL_SHIFT) - _FIRST_CELL)
            amount[i] = intercept[cell] + slope[cell] * survival[i]
    else:
        low, high = atom_start[-1 - table], atom_start[-table]
        for i in range(m):
            k = low
            while k < high - 1 and survival[i] >= atom[1, k]:
                k += 1
            amount[i] = atom[0, k]


@kernel
def book_events(
    segments, segment, peril, booking, scope_share, hit, hit_word, event, run, money, word, draw,
    quantile, atom_start, atom, person_scale, household_scale, member_start, home, person_word, row, first_of_year,
):
    """Book the struck units to accounts: fills ``event``, ``run``, ``money`` (amount, in-scope part), ``word``.

    Returns the number of runs, or the negative capacity that is needed.
    """
    end, runs = np.int64(0), np.int64(0)
    survival, amount, person = draw[0], draw[1], row[at.ROW_PERSON]
    for g in range(segments):
        q, low, high = segment[0, g], segment[1, g], segment[2, g]
        if low == high:
            continue
        per_person = peril[q, at.EXPOSED] == 0
        for b in range(peril[q, at.BOOK_START], peril[q, at.BOOK_END]):
            local = np.uint64(b - peril[q, at.BOOK_START]) * _FOUR + _ONE
            to_household = booking[b, at.ON_HOUSEHOLD] == 1
            start = end
            n = start
            if n + high - low + 8 > word.shape[0] or runs + 1 >= run.shape[1]:
                return -2 * (word.shape[0] + high - low)
            if not per_person and not to_household:  # each member of the household
                for i in range(low, high):
                    h, y = hit[at.HIT_UNIT, i], hit[at.HIT_YEAR, i]
                    size = member_start[h + 1] - member_start[h]
                    if n + size + 8 > word.shape[0]:
                        return -2 * word.shape[0]
                    first = first_at_least(person, first_of_year[0, y], first_of_year[0, y + 1], member_start[h])
                    for k in range(size):
                        event[at.EV_UNIT, n] = first + k
                        event[at.EV_YEAR, n] = y
                        event[at.EV_COUNT, n] = 1
                        word[n] = mix64(hit_word[i] + person_word[member_start[h] + k])
                        n += 1
            else:
                n += high - low
                struck, booked = hit[:, low:high], event[:, start:n]
                words, mine = hit_word[low:high], word[start:n]
                for i in range(high - low):
                    booked[at.EV_UNIT, i] = struck[at.HIT_UNIT, i]
                for i in range(high - low):
                    booked[at.EV_YEAR, i] = struck[at.HIT_YEAR, i]
                for i in range(high - low):
                    booked[at.EV_COUNT, i] = struck[at.HIT_COUNT, i]
                for i in range(high - low):
                    mine[i] = words[i]
            if booking[b, at.CHANCE] < TWO_32:
                chance = np.uint64(booking[b, at.CHANCE])
                kept = start
                for i in range(start, n):
                    mine = word[i]
                    word[kept] = mine
                    event[at.EV_UNIT, kept] = event[at.EV_UNIT, i]
                    event[at.EV_YEAR, kept] = event[at.EV_YEAR, i]
                    event[at.EV_COUNT, kept] = event[at.EV_COUNT, i]
                    kept += (mix64(mine + (local + _CHANCE) * GOLDEN) >> _S32) < chance
                n = kept
            count = n - start
            share = scope_share[b]
            whole, inside = money[0, start:n], money[1, start:n]
            units = event[at.EV_UNIT, start:n]
            for turn in range(1 if share >= 0.0 else 2):  # the amount, then a drawn in-scope share
                purpose = local if turn == 0 else local + _SCOPE
                words = word[start:n]
                for i in range(count):
                    survival[i] = _survival(mix64(words[i] + purpose * GOLDEN))
                _draw_amounts(
                    booking[b, at.TABLE if turn == 0 else at.SCOPE_TABLE], survival, amount, count, quantile,
                    atom_start, atom,
                )
                if turn == 1:
                    for i in range(count):
                        inside[i] = half_up(whole[i] * min(amount[i], 1.0))
                    break
                scale = booking[b, at.SCALE]
                if scale >= 0 and (per_person or not to_household):
                    for i in range(count):
                        amount[i] *= person_scale[scale, person[units[i]]]
                elif scale >= 0:
                    for i in range(count):
                        amount[i] *= household_scale[scale, units[i]]
                for i in range(count):
                    whole[i] = half_up(100.0 * amount[i])
                    inside[i] = half_up(half_up(100.0 * amount[i]) * share)
            if to_household and per_person:
                for i in range(count):
                    units[i] = home[person[units[i]]]
            booked = event[:, start:n]
            for i in range(count):
                booked[at.EV_ACCOUNT, i] = booking[b, at.ACCOUNT]
            for i in range(count):
                booked[at.EV_COUNT, i] *= np.uint32(booking[b, at.COUNTS])
            run[at.RUN_FIRST, runs], run[at.RUN_END, runs] = start, n
            run[at.RUN_BOOKING, runs], run[at.RUN_PERIL, runs] = b, q
            run[at.RUN_PERSON, runs] = np.int64(not to_household)
            runs += 1
            end = n
    return runs


@kernel
def first_at_least(rising, first, last, value):
    """Position of the first number from ``value`` on among those between two positions, which rise; else the last."""
    low, high = first, last
    while low < high:
        middle = (low + high) // 2
        if rising[middle] < value:
            low = middle + 1
        else:
            high = middle
    return low


@kernel
def _is_among(sorted_units, start, stop, unit):
    place = first_at_least(sorted_units, start, stop, unit)
    return place < stop and sorted_units[place] == unit
