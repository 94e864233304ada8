"""Events of a catastrophe among households: who is struck of a township that it hits, and what is booked.

A catastrophe is drawn once for the region, with the cells it hits (``fangpinbao.catastrophe``). A row here is an
event in a township. It damages each dwelling, and makes a casualty of each member, independently given the event:
a share of households that stood for a member's chance would put casualties together in few households.

Keys: event -> stable id of the household or member -> number of the draw. The township, other units, programmes and
the number of rows are no part of it.

The day is that of the event. A word tells its own day (``fangpinbao.core.events.day_of``), so each booking gets a word
of the right day, by inverting the mixing function; whatever reads days needs to know nothing of catastrophes.
"""

from __future__ import annotations

import numpy as np

from fangpinbao._jit import inlined, kernel
from fangpinbao.core import layout as at
from fangpinbao.core.catastrophe import DEGREES, FIRST_BOTH, FIRST_DEGREE, GRADES, N_BENEFITS
from fangpinbao.core.events import (
    _CHANCE,
    _DAY,
    _FOUR,
    _ONE,
    _SCOPE,
    TWO_32,
    _draw_amounts,
    _is_among,
    first_at_least,
)
from fangpinbao.core.schedule import half_up
from fangpinbao.core.streams import GOLDEN, mix64

__all__ = ["book_areas", "dated", "grade_of", "strike_areas"]

INJURED = N_BENEFITS  # kinds below are casualties, as columns of benefits in fangpinbao.core.catastrophe
DAMAGED = INJURED + 1

_S12, _S32 = np.uint64(12), np.uint64(32)
_S27, _S30, _S31, _S54, _S60, _S62 = (np.uint64(n) for n in (27, 30, 31, 54, 60, 62))
_LOW = np.uint64(0xFFFF_FFFF)
_BACK_1 = np.uint64(pow(0xBF58476D1CE4E5B9, -1, 1 << 64))
_BACK_2 = np.uint64(pow(0x94D049BB133111EB, -1, 1 << 64))
_HOME = np.uint64(0x9FB21C651E98DF25)  # a household and a person of one key draw apart
_KIND = np.uint64(3)
_DEATH = np.int64(GRADES + 1)  # points of a death


@inlined
def _uniform(word):
    return (np.float64(word >> _S12) + 0.5) * 2.0**-52


@inlined
def unmix64(word):
    """The word that ``streams.mix64`` turns into this one."""
    word = (word ^ (word >> _S31) ^ (word >> _S62)) * _BACK_2
    word = (word ^ (word >> _S27) ^ (word >> _S54)) * _BACK_1
    return word ^ (word >> _S30) ^ (word >> _S60)


@inlined
def dated(word, day):
    """A word made of this one that ``day_of`` puts on a day, 0 to 364."""
    first = (np.uint64(day) * np.uint64(TWO_32) + np.uint64(364)) // np.uint64(365)
    after = (np.uint64(day + 1) * np.uint64(TWO_32) + np.uint64(364)) // np.uint64(365)
    mixed = mix64(word)
    high = first + (((mixed >> _S32) * (after - first)) >> _S32)
    return unmix64((high << _S32) | (mixed & _LOW)) ^ _DAY


@inlined
def grade_of(kind):
    """Points of a kind of casualty: disability grade 1 to 10, 11 for death, 0 for burns and injuries."""
    if kind == 0:
        return _DEATH
    if kind < FIRST_DEGREE:
        return np.int64(kind)
    if kind >= FIRST_BOTH and kind < N_BENEFITS:
        return np.int64((kind - FIRST_BOTH) // DEGREES + 1)
    return np.int64(0)


@inlined
def _harm_of(kind):
    if kind == DAMAGED:
        return np.int64(at.DAMAGED)
    if kind == INJURED:
        return np.int64(at.INJURED)
    if kind == 0:
        return np.int64(at.DEAD)
    return np.int64(at.BURNED) if FIRST_DEGREE <= kind < FIRST_BOTH else np.int64(at.DISABLED)


@kernel
def strike_areas(
    first_year, years, persons, households, start, place, chance, key, kinds, unit_start, unit_of,
    township_start, household_word, member_start, person_word, struck, struck_word, home_mark, person_mark,
    events,
):
    """List the dwellings damaged and the persons harmed, and mark them.

    Returns their number, or minus the capacity that is needed.
    """
    stride, width = (persons + 7) // 8 * 8, (households + 7) // 8 * 8
    m = np.int64(0)
    for y in range(years):
        for e in range(start[first_year + y], start[first_year + y + 1]):
            q, township = place[0, e], place[1, e]
            first, last = township_start[township], township_start[township + 1]
            if first == last:
                continue
            needed = m + (last - first) + member_start[last] - member_start[first]
            if needed > struck_word.shape[0]:
                return -2 * needed
            damaged, casualty, harmed = chance[0, e], chance[1, e], chance[1, e] + chance[2, e]
            if damaged > 0.0:
                own = mix64(key[e] ^ _HOME)
                for h in range(first, last):
                    word = mix64(own + household_word[h])
                    if _uniform(word) < damaged and _is_among(unit_of, unit_start[q], unit_start[q + 1], h):
                        struck[0, m], struck[1, m], struck[2, m], struck[3, m] = h, y, e, DAMAGED
                        struck_word[m] = mix64(word + GOLDEN)
                        home_mark[y * width + h] = 1
                        m += 1
            if harmed <= 0.0:
                continue
            for h in range(first, last):
                for i in range(member_start[h], member_start[h + 1]):
                    word = mix64(key[e] + person_word[i])
                    u = _uniform(word)
                    if u < harmed and _is_among(unit_of, unit_start[q], unit_start[q + 1], h):
                        kind = np.int64(INJURED)
                        if u < casualty:
                            v = _uniform(mix64(word + _KIND * GOLDEN))
                            kind = np.int64(0)
                            while kind < N_BENEFITS - 1 and v >= kinds[q, kind]:
                                kind += 1
                        struck[0, m], struck[1, m], struck[2, m], struck[3, m] = i, y, e, kind
                        struck_word[m] = mix64(word + GOLDEN)
                        person_mark[y * stride + i] = 1
                        m += 1
    for j in range(m):
        events[first_year + np.int64(struck[1, j]), place[0, struck[2, j]]] += 1
    return m


@kernel
def book_areas(
    n_struck, runs, peril, booking, harm, scope_share, struck, struck_word, place, share, benefits, event, run,
    money, word, draw, quantile, atom_start, atom, person_scale, household_scale, home, row, first_of_year,
):
    """Book those struck to accounts, behind the events that ``book_events`` has made; arguments as there.

    Returns the number of runs, or the negative capacity that is needed.
    """
    end = run[at.RUN_END, runs - 1] if runs > 0 else np.int64(0)
    survival, amount = draw[0], draw[1]
    for q in range(peril.shape[0]):
        if peril[q, at.EXPOSED] != at.AREA:
            continue
        for b in range(peril[q, at.BOOK_START], peril[q, at.BOOK_END]):
            local = np.uint64(b - peril[q, at.BOOK_START]) * _FOUR + _ONE
            to_household = booking[b, at.ON_HOUSEHOLD] == 1
            of_dwellings = harm[b, at.HARM_SET] == at.DAMAGED
            chance, n = np.uint64(booking[b, at.CHANCE]), end
            if n + n_struck + 8 > word.shape[0] or runs + 1 >= run.shape[1]:
                return -2 * (word.shape[0] + n_struck)
            for j in range(n_struck):
                mine = struck_word[j]
                if place[0, struck[2, j]] != q or harm[b, at.HARM_SET] & _harm_of(struck[3, j]) == 0:
                    continue
                if (mix64(mine + (local + _CHANCE) * GOLDEN) >> _S32) >= chance:
                    continue
                event[at.EV_NEXT, n] = j  # until the event is chained
                word[n] = mine
                n += 1
            count = n - end
            whole, inside, of = money[0, end:n], money[1, end:n], event[at.EV_NEXT, end:n]
            scope = scope_share[b]
            for turn in range(1 if scope >= 0.0 else 2):  # the amount, then a drawn in-scope share
                purpose = local if turn == 0 else local + _SCOPE
                for i in range(count):
                    survival[i] = _uniform(mix64(word[end + i] + purpose * GOLDEN))
                _draw_amounts(
                    booking[b, at.TABLE if turn == 0 else at.SCOPE_TABLE], survival, amount, count, quantile,
                    atom_start, atom,
                )
                if turn == 1:
                    for i in range(count):
                        inside[i] = half_up(whole[i] * min(amount[i], 1.0))
                    break
                scale, times = booking[b, at.SCALE], harm[b, at.HARM_TIMES]
                for i in range(count):
                    j = of[i]
                    unit, kind, e = struck[0, j], struck[3, j], struck[2, j]
                    factor = 1.0
                    if scale >= 0:
                        factor = household_scale[scale, unit] if of_dwellings else person_scale[scale, unit]
                    if times == at.BY_GRADE:
                        factor *= grade_of(kind)
                    elif times == at.BY_SHARE_LOST:
                        factor *= share[0, e]
                    elif times == at.BY_BENEFIT:
                        k = harm[b, at.HARM_CONTRACT]
                        factor *= 0.01 * benefits[k, kind] * share[1 + k, e]
                    whole[i] = half_up(100.0 * amount[i] * factor)
                    inside[i] = half_up(whole[i] * scope)
            for i in range(count):
                j = of[i]
                unit, y = np.int64(struck[0, j]), np.int64(struck[1, j])
                event[at.EV_YEAR, end + i] = y
                if of_dwellings:
                    event[at.EV_UNIT, end + i] = unit
                elif to_household:
                    event[at.EV_UNIT, end + i] = home[unit]
                else:
                    event[at.EV_UNIT, end + i] = first_at_least(
                        row[at.ROW_PERSON], first_of_year[0, y], first_of_year[0, y + 1], unit
                    )
                event[at.EV_COUNT, end + i] = booking[b, at.COUNTS]
                event[at.EV_ACCOUNT, end + i] = booking[b, at.ACCOUNT]
                word[end + i] = dated(word[end + i], place[2, struck[2, j]])
            run[at.RUN_FIRST, runs], run[at.RUN_END, runs] = end, n
            run[at.RUN_BOOKING, runs], run[at.RUN_PERIL, runs] = b, q
            run[at.RUN_PERSON, runs] = np.int64(not to_household)
            runs += 1
            end = n
    return runs
