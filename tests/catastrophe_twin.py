"""One year of a catastrophe scenario in slow plain Python: an independent reading of the same keys.

Written from the documentation of keys and laws, with integers, ``math`` and sums of probabilities; it shares
only the published mixing function and the scenario's models with the package.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from statistics import NormalDist

from fangpinbao.core.streams import decision_key, mix_int
from fangpinbao.scenario import Scenario

MASK = (1 << 64) - 1
GOLDEN = 0x9E3779B97F4A7C15
CELL = 1 << 20
DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
KM = 111.195


def uniform(word: int) -> float:
    return ((word >> 12) + 0.5) * 2.0**-52


def sub_word(word: int, number: int) -> int:
    return mix_int((word + number * GOLDEN) & MASK)


def year_word(key: int, path: int, year: int) -> int:
    return sub_word(sub_word(key, path + 1), year + 1)


def quantile(u: float, probabilities) -> int:
    below = 0.0
    for k, probability in enumerate(probabilities):
        below += probability
        if below >= u:
            return k
    raise AssertionError("no quantile")


def poisson(mean: float):
    k = 0
    while True:
        yield math.exp(-mean + k * math.log(mean) - math.lgamma(k + 1)) if mean else float(k == 0)
        k += 1


def binomial(n: int, p: float):
    for k in range(n + 1):
        if p in (0.0, 1.0):
            yield float(k == (n if p == 1.0 else 0))
            continue
        log = math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
        yield math.exp(log + k * math.log(p) + (n - k) * math.log1p(-p))


def count(u: float, n: int, p: float) -> int:
    if n == 0 or p <= 0.0:
        return 0
    # A chance above one half is counted from the other end, as the kernel documents.
    return n - quantile(1.0 - u, binomial(n, 1.0 - p)) if p > 0.5 else quantile(u, binomial(n, p))


@dataclass
class TwinEvent:
    peril: str
    day: int
    size: float
    counts: list[int] = field(default_factory=lambda: [0] * 15)
    owed: int = 0
    intensity: float = 0.0


class Twin:
    """A scenario without tiers, visitors, seasons of hours and year factors; one contract."""

    def __init__(self, scenario: Scenario, seed: int) -> None:
        table = scenario.catastrophe
        assert table is not None
        self.table, self.seed = table, seed
        cells = table.cells
        total = sum(cells.residents)
        exact = [table.exposure.residents * r / total for r in cells.residents]
        assert all(x == int(x) for x in exact), "choose residents that split evenly"
        self.people = [int(x) for x in exact]
        self.origin = (sum(cells.longitude) / len(cells.names), sum(cells.latitude) / len(cells.names))
        self.places = [self.plane(x, y) for x, y in zip(cells.longitude, cells.latitude, strict=True)]
        (self.contract,) = table.contracts.values()

    def plane(self, longitude: float, latitude: float) -> tuple[float, float]:
        east = (longitude - self.origin[0]) * KM * math.cos(math.radians(self.origin[1]))
        return east, (latitude - self.origin[1]) * KM

    def day(self, u: float, months: list[float] | None) -> int:
        order = [(self.table.first_month - 1 + i) % 12 for i in range(12)]
        weights = [(months or DAYS)[m] / DAYS[m] for m in order for _ in range(DAYS[m])]
        return quantile(u, [w / sum(weights) for w in weights] + [1e-9])

    def rate(self, curve, x: float) -> float:
        if curve.law == "lognormal_curve":
            return NormalDist().cdf(math.log(x / curve.theta) / curve.beta)
        if x < curve.at[0]:
            return 0.0
        for (x0, r0), (x1, r1) in zip(
            zip(curve.at, curve.rates, strict=True),
            list(zip(curve.at, curve.rates, strict=True))[1:],
            strict=False,
        ):
            if x <= x1:
                share = (x - x0) / (x1 - x0)
                return math.exp((1 - share) * math.log(r0) + share * math.log(r1))
        return curve.rates[-1]

    def year(self, path: int) -> list[TwinEvent]:
        """Every event with a casualty of one year, by day and then as drawn."""
        events = []
        if self.table.earthquake is not None:
            events += self.earthquakes(path)
        for name, peril in self.table.perils.items():
            events += self.storms(path, name, peril)
        return [event for event in events if sum(event.counts[:14])]

    def words(self, path: int, peril: str, mean: float) -> list[int]:
        word = year_word(decision_key(self.seed, f"catastrophe/{peril}/rest"), path, 0)
        return [sub_word(word, n + 1) for n in range(quantile(uniform(word), poisson(mean)))]

    def factor(self, peril, word: int) -> float:
        law = peril.casualties.event_factor
        return 1.0 if law is None else float(law.core().quantile_from_survival(uniform(sub_word(word, 7))))

    def storms(self, path: int, name: str, peril) -> list[TwinEvent]:
        found = []
        centres = self.table.cells.susceptibility.get(peril.footprint.centre or "", None) or self.people
        for word in self.words(path, name, peril.frequency.events_per_year):
            size = float(peril.size.core().quantile_from_survival(uniform(sub_word(word, 2))))
            centre = quantile(uniform(sub_word(word, 5)), [c / sum(centres) for c in centres] + [1e-9])
            radius = float(
                peril.footprint.radius_km.core().quantile_from_survival(uniform(sub_word(word, 6)))
            )
            event = TwinEvent(name, self.day(uniform(sub_word(word, 3)), peril.months), size)
            for c, place in enumerate(self.places):
                far = math.dist(place, self.places[centre])
                if c == centre or far <= radius:
                    share = 0.0 if c == centre else far / radius
                    self.harm(event, peril, word, c, size * (1 - (1 - peril.footprint.edge) * share))
            found.append(event)
        return found

    def earthquakes(self, path: int) -> list[TwinEvent]:
        quake = self.table.earthquake
        zones = list(quake.zones.values())
        total = sum(zone.events_per_year for zone in zones)
        found = []
        for word in self.words(path, "earthquake", total):
            zone = zones[
                quantile(uniform(sub_word(word, 1)), [z.events_per_year / total for z in zones] + [1e-9])
            ]
            beta = zone.b_value * math.log(10)
            whole = 1 - math.exp(-beta * (zone.largest - zone.smallest))
            size = zone.smallest - math.log(1 - whole * (1 - uniform(sub_word(word, 2)))) / beta
            event = TwinEvent("earthquake", self.day(uniform(sub_word(word, 3)), quake.months), size)
            start, end = self.plane(*zone.start), self.plane(*zone.end)
            length = math.dist(start, end)
            ahead = ((end[0] - start[0]) / length, (end[1] - start[1]) / length)
            aside = (ahead[1], -ahead[0])
            along, across = (
                uniform(sub_word(word, 5)) * length,
                zone.width_km * (uniform(sub_word(word, 6)) - 0.5),
            )
            centre = [start[i] + along * ahead[i] + across * aside[i] for i in (0, 1)]
            relation = quake.attenuation[zone.attenuation]
            common = (
                relation.sigma
                * math.sqrt(relation.between_share)
                * NormalDist().inv_cdf(uniform(sub_word(word, 8)))
            )
            for c, place in enumerate(self.places):
                shift = (place[0] - centre[0], place[1] - centre[1])
                x = self.intensity(
                    abs(shift[0] * ahead[0] + shift[1] * ahead[1]),
                    abs(shift[0] * aside[0] + shift[1] * aside[1]),
                    size,
                    relation,
                )
                cell = sub_word(word, CELL + c)
                within = quake.local_scatter * relation.sigma * math.sqrt(1 - relation.between_share)
                x += common + within * NormalDist().inv_cdf(uniform(sub_word(cell, 1)))
                if x >= quake.smallest_intensity:
                    self.harm(event, quake, word, c, x)
            found.append(event)
        return found

    def intensity(self, along: float, across: float, magnitude: float, relation) -> float:
        """Bisect for the isoseismal through the site."""

        def semi_axis(axis, x: float) -> float:
            return 10 ** ((axis.constant + axis.magnitude * magnitude - x) / axis.distance) - axis.offset_km

        low, high = -20.0, 20.0
        for _ in range(200):
            x = (low + high) / 2
            a, b = semi_axis(relation.long, x), semi_axis(relation.short, x)
            if a > 0 and b > 0 and (along / a) ** 2 + (across / b) ** 2 <= 1:
                low = x
            else:
                high = x
        return x

    def harm(self, event: TwinEvent, peril, word: int, c: int, intensity: float) -> None:
        event.intensity = max(event.intensity, intensity)
        table, contract = peril.casualties, self.contract
        urban = self.table.cells.urban[c]
        dead_chance = self.rate(table.deaths, intensity) * (
            urban * table.urban_factor + (1 - urban) * table.rural_factor
        )
        more = table.disabled_per_death + table.burned_per_death
        chance = min(dead_chance * self.factor(peril, word) * (1 + more), table.most)
        cell = sub_word(word, CELL + c)

        def part(number: int, n: int, p: float) -> int:
            return count(uniform(sub_word(cell, number)), n, p)

        total = part(2, self.people[c], chance)
        dead = part(3, total, 1 / (1 + more))
        disabled = part(4, total - dead, table.disabled_per_death / more if more else 0.0)
        limit = contract.per_person * 100
        event.counts[0] += dead
        event.owed += dead * round(min(contract.death_share * limit, limit))
        left, weight = disabled, sum(table.grades)
        for g in range(10):
            found = part(10 + g, left, min(table.grades[g] / weight, 1.0) if g < 9 else 1.0) if left else 0
            left, weight = left - found, weight - table.grades[g]
            burned = part(20 + g, found, table.burned_among_disabled)
            event.counts[1 + g] += found
            event.counts[14] += burned
            event.owed += (found - burned) * round(contract.disability_scale[g] * limit)
            for d, n in enumerate(
                self.by_degree(lambda d, n, p, g=g: part(40 + 3 * g + d, n, p), burned, table)
            ):
                event.owed += n * round(
                    min(contract.disability_scale[g] + contract.burn_scale[d], 1.0) * limit
                )
        for d, n in enumerate(
            self.by_degree(lambda d, n, p: part(30 + d, n, p), total - dead - disabled, table)
        ):
            event.counts[11 + d] += n
            event.owed += n * round(contract.burn_scale[d] * limit)

    def by_degree(self, part, left: int, table) -> list[int]:
        found, weight = [], sum(table.burn_degrees)
        for d in range(3):
            n = part(d, left, table.burn_degrees[d] / weight if d < 2 else 1.0)
            left, weight = left - n, weight - table.burn_degrees[d]
            found.append(n)
        return found
