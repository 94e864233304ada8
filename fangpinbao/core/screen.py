"""Screens all persons of a block for their perils: who is struck in which year, and the row that gets.

Four paths share a screening word of 64 bits, 16 bits each: the high half of the number that is compared with
the chance of an event. Its low half is only drawn where it decides, so the chance is kept to 2^-32.

The four paths of a word are screened at once. Bytes and thresholds of a person lie side by side in the order in
which the parts of a word lie in memory (little-endian), so that word, thresholds and bytes are compared as they lie.
"""

from __future__ import annotations

import numpy as np

from fangpinbao._jit import kernel
from fangpinbao.core import layout as at
from fangpinbao.core.streams import GOLDEN, mix64

__all__ = ["PATHS_A_WORD", "screen_persons"]

PATHS_A_WORD = 4
_LAST = PATHS_A_WORD - 1
_SOME_TAILS = 4
_S16, _S48 = np.uint64(16), np.uint64(48)
_LOW_16 = np.uint64(0xFFFF)
_ONE = np.uint64(1)
_LOW_HALF = np.uint64(0x2545F4914F6CDD1D)


@kernel
def screen_persons(
    first_year, years, persons, households, peril, rate, tail, tail_row, screen_key, lane, unit_start, unit_word,
    unit_stratum, home, member_start, has_base, base_homes, home_mark, person_mark, words, packed, masks, marks,
    threshold, threshold_row, place, listed, struck, hit, hit_word, region, segment, sizes, events, row,
    first_of_year,
):
    """Give every person who is struck in a year a row, and list the hits of persons' perils by row.

    Members with certain costs of ``base_homes`` get rows too where the household is touched. All persons are
    units of every peril, those who are not exposed with chance 0. ``person_mark`` [year, person] marks those whom
    catastrophes strike; empty: nobody. Hits of the k-th peril of persons start at
    ``(k + 1) x region``; segments are added as in ``strike_homes``. Returns 0, or the capacity that is needed.
    """
    stride, width = (persons + 7) // 8 * 8, (households + 7) // 8 * 8
    rows, n_segments, first_segment = np.int64(0), sizes[1], sizes[1]
    for q in range(peril.shape[0]):
        if peril[q, at.EXPOSED] == 0:
            segment[0, n_segments] = q
            segment[1, n_segments] = (n_segments - first_segment + 1) * region
            segment[2, n_segments] = segment[1, n_segments]
            n_segments += 1
    perils = n_segments - first_segment
    person, cells = row[at.ROW_PERSON], row[at.ROW_CELL]
    word_of = segment[0, first_segment] if perils > 0 else np.int64(0)  # years of one word share all keys
    y = np.int64(0)
    while y < years:
        year, first_lane = first_year + y, lane[first_year + y]
        group = np.int64(1)  # years of this word
        while y + group < years and lane[year + group] == first_lane + group:
            if perils > 0 and screen_key[year + group, word_of] != screen_key[year, word_of]:
                break
            group += 1
        for i in range(4 * persons):
            marks[i] = 0
        for k in range(perils):
            q = segment[0, first_segment + k]
            low, counts, strata = unit_start[q], rate[q, at.TAIL_COUNTS], rate[q, at.TAIL_STRATA]
            highs, mask, key = threshold[k], masks[k], screen_key[year, q]
            keys, stratum = unit_word[low : low + persons], unit_stratum[low : low + persons]
            is_known = True
            for t in range(group):
                is_known = is_known and threshold_row[k, first_lane + t] == tail_row[year + t, q]
            if not is_known:
                for s in range(strata):
                    packed[s] = 0
                for t in range(group):
                    shift = _S48 - _S16 * np.uint64(first_lane + t)
                    start = rate[q, at.TAIL_START] + tail_row[year + t, q] * strata * counts
                    for s in range(strata):
                        packed[s] |= np.uint64(tail[start + s * counts] >> np.uint32(16)) << shift
                for part in range(PATHS_A_WORD):
                    t = part - first_lane
                    threshold_row[k, part] = tail_row[year + t, q] if 0 <= t < group else np.int64(-1)
                for j in range(persons):
                    highs[j] = packed[stratum[j]]
            mine = words[k]
            for j in range(persons):
                mine[j] = mix64(key + keys[j])
            drawn, limits = mine[:persons].view(np.uint16), highs[:persons].view(np.uint16)
            for i in range(4 * persons):
                mask[i] = drawn[i] <= limits[i]
            for i in range(4 * persons):
                marks[i] |= mask[i]
        for g in range(first_segment):  # members of struck households
            if peril[segment[0, g], at.HITS_MEMBERS] == 1:
                for i in range(segment[1, g], segment[2, g]):
                    h, t = np.int64(hit[at.HIT_UNIT, i]), np.int64(hit[at.HIT_YEAR, i]) - y
                    if 0 <= t < group:
                        for j in range(member_start[h], member_start[h + 1]):
                            marks[4 * j + _LAST - (first_lane + t)] = 1
        if person_mark.shape[0] > 0:
            for t in range(group):
                of_part, struck_in = marks[_LAST - (first_lane + t) : 4 * persons : 4], person_mark[(y + t) * stride :]
                for j in range(persons):
                    of_part[j] |= struck_in[j]
        fours = marks[: 4 * persons].view(np.uint32)
        for b in range(base_homes.shape[0]):
            h = base_homes[b]
            touched = np.uint32(0)
            for t in range(group):
                touched |= np.uint32(home_mark[(y + t) * width + h]) << np.uint32(8 * (_LAST - (first_lane + t)))
            for i in range(member_start[h], member_start[h + 1]):
                touched |= fours[i]
            if touched != np.uint32(0):
                for i in range(member_start[h], member_start[h + 1]):
                    fours[i] |= touched * np.uint32(has_base[i])
        for t in range(group):
            part = _LAST - (first_lane + t)
            first_of_year[0, y + t] = rows
            n, of_part = np.uint32(0), marks[part : 4 * persons : 4]
            for j in range(persons):
                place[n] = j
                n += np.uint32(of_part[j])
            if rows + n > row.shape[1]:
                return rows + np.int64(n)
            new_person, new_cell = person[rows : rows + n], cells[rows : rows + n]
            for i in range(n):
                new_person[i] = place[i]
            first_cell = np.uint32((y + t) * width)
            for i in range(n):
                new_cell[i] = first_cell + home[place[i]]
            rows += np.int64(n)
        first_of_year[0, y + group] = rows
        for k in range(perils):
            g = first_segment + k
            q, mask, highs, m = segment[0, g], masks[k], threshold[k].view(np.uint16), segment[2, g]
            counts, mine = rate[q, at.TAIL_COUNTS], words[k]
            stratum = unit_stratum[unit_start[q] : unit_start[q] + persons]
            per_year = peril[q, at.PER_YEAR] == 1
            for t in range(group):
                part = _LAST - (first_lane + t)
                first_row, found = first_of_year[0, y + t], np.uint32(0)
                of_year, of_part = person[first_row : first_of_year[0, y + t + 1]], mask[part : 4 * persons]
                for i in range(of_year.shape[0]):
                    listed[found] = i
                    found += np.uint32(of_part[np.uint32(4) * of_year[i]])
                hits = np.int64(found)
                most = hits if per_year else hits * counts
                if m + most + 8 > segment[1, g] + region:
                    return 2 * region + most
                own, shift = GOLDEN * (np.uint64(first_lane + t) + _ONE), _S48 - _S16 * np.uint64(first_lane + t)
                new_word, new_hit, high_of = hit_word[m : m + hits], hit[:, m : m + hits], highs[part : 4 * persons]
                for i in range(hits):
                    new_word[i] = mine[of_year[listed[i]]]
                tied = np.int64(0)
                for i in range(hits):
                    high = np.uint64(high_of[np.uint32(4) * of_year[listed[i]]])
                    tied += np.int64(((new_word[i] >> shift) & _LOW_16) == high)
                if counts == 1 and tied == 0:
                    for i in range(hits):
                        new_word[i] = mix64(mix64(new_word[i] + own) + GOLDEN)
                    for i in range(hits):
                        new_hit[at.HIT_UNIT, i] = first_row + listed[i]
                    for i in range(hits):
                        new_hit[at.HIT_YEAR, i], new_hit[at.HIT_COUNT, i] = y + t, 1
                    m += hits
                else:
                    start = rate[q, at.TAIL_START] + tail_row[year + t, q] * rate[q, at.TAIL_STRATA] * counts
                    for i in range(hits):  # the whole number, and how often it is struck: few tails at once, then more
                        drawn_own = mix64(new_word[i] + own)
                        packed[i] = ((new_word[i] >> shift) & _LOW_16) << _S16 | (mix64(drawn_own ^ _LOW_HALF) >> _S48)
                        struck[i] = 0
                    some = min(counts, _SOME_TAILS)
                    for k in range(some):
                        for i in range(hits):
                            high = np.uint64(tail[start + k + stratum[of_year[listed[i]]] * counts])
                            struck[i] += np.uint32(packed[i] < high)
                    for i in range(hits):
                        k = np.int64(struck[i])
                        if k == some:
                            tails_from = start + stratum[of_year[listed[i]]] * counts
                            while k < counts and packed[i] < np.uint64(tail[tails_from + k]):
                                k += 1
                            struck[i] = k
                    if per_year:
                        kept = np.uint32(0)
                        for i in range(hits):
                            new_word[kept] = mix64(mix64(new_word[i] + own) + GOLDEN)
                            new_hit[at.HIT_UNIT, kept] = first_row + listed[i]
                            new_hit[at.HIT_YEAR, kept], new_hit[at.HIT_COUNT, kept] = y + t, struck[i]
                            kept += np.uint32(struck[i] != 0)
                        m += np.int64(kept)
                    else:
                        for i in range(hits):
                            drawn_own = mix64(mine[of_year[listed[i]]] + own)
                            for e in range(struck[i]):
                                hit[at.HIT_UNIT, m], hit[at.HIT_YEAR, m] = first_row + listed[i], y + t
                                hit[at.HIT_COUNT, m] = 1
                                hit_word[m] = mix64(drawn_own + np.uint64(e + 1) * GOLDEN)
                                m += 1
                events[year + t, q] += m - segment[2, g]
                segment[2, g] = m
        y += group
    sizes[1] = n_segments
    return np.int64(0)
