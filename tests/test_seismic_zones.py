"""Seismic zones of the shipped scenarios: they hold the earthquakes that their notes name, and what they imply."""

from __future__ import annotations

import math
import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from fangpinbao.catastrophe.exposure import CellMap
from fangpinbao.catastrophe.hazard import Source, sources_of, survival_of_magnitude
from fangpinbao.engine import simulate
from fangpinbao.ranges import numbers_with_ranges
from fangpinbao.scenario import load_scenario
from fangpinbao.scenario.catastrophe import Earthquake

# Epicentres of the historical catalogue: magnitude, longitude, latitude.
RECORDED = {1709: (7.5, 105.3, 37.4), 1739: (8.0, 106.5, 38.9), 1920: (8.5, 105.7, 36.5)}
YEAR = re.compile(r"\b1[5-9]\d\d(?=\D*(?: M \d|, Yinchuan))")
PART = Path(__file__).resolve().parents[1] / "scenarios" / "parts" / "yinchuan-earthquake.toml"


def compiled(name: str) -> tuple[Earthquake, CellMap, dict[str, Source]]:
    table = load_scenario(name).catastrophe
    assert table is not None
    assert table.earthquake is not None
    cells = CellMap.of(table)
    return table.earthquake, cells, dict(zip(table.earthquake.zones, sources_of(table, cells), strict=True))


def along_and_across(source: Source, points: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Positions of points along the zone from its start and across its axis, and its length; km."""
    start, end = np.array(source.start), np.array(source.end)
    length = float(np.hypot(*(end - start)))
    along = (end - start) / length
    across = np.array([-along[1], along[0]])
    return (points - start) @ along, (points - start) @ across, length


def intensity_felt(earthquake: Earthquake, zone: str, magnitude: float, along: float, across: float) -> float:
    """Median intensity at a place: that of the ellipse through it, by bisection."""
    relation = earthquake.attenuation[earthquake.zones[zone].attenuation]
    low, high = 0.0, 15.0
    for _ in range(40):
        middle = (low + high) / 2.0
        semi = [
            10.0 ** ((axis.constant + axis.magnitude * magnitude - middle) / axis.distance) - axis.offset_km
            for axis in (relation.long, relation.short)
        ]
        inside = min(semi) > 0.0 and (along / semi[0]) ** 2 + (across / semi[1]) ** 2 <= 1.0
        low, high = (middle, high) if inside else (low, middle)
    return low


def yearly_rate(name: str, place: tuple[float, float], levels: list[float]) -> np.ndarray:
    """Earthquakes a year with at least these intensities at a place, by a plain sum over zones, places, magnitudes."""
    earthquake, cells, sources = compiled(name)
    here, total = np.array(cells.plane(list(place))), np.zeros(len(levels))
    for zone_name, source in sources.items():
        zone = earthquake.zones[zone_name]
        relation = earthquake.attenuation[zone.attenuation]
        scatter = relation.sigma * math.sqrt(
            relation.between_share + (1.0 - relation.between_share) * earthquake.local_scatter**2
        )
        own, off, length = along_and_across(source, here)
        edges = np.linspace(zone.smallest, zone.largest, 16)
        for low, high in pairwise(edges.tolist()):
            share = survival_of_magnitude(zone, low) - survival_of_magnitude(zone, high)
            for x in (np.arange(16) + 0.5) / 16 * length:
                for y in ((np.arange(5) + 0.5) / 5 - 0.5) * zone.width_km:
                    felt = intensity_felt(
                        earthquake, zone_name, (low + high) / 2, float(own - x), float(off - y)
                    )
                    rate = zone.events_per_year * share / 80.0
                    total += rate * stats.norm.sf((np.array(levels) - felt) / scatter)
    return total


@pytest.mark.parametrize("name", ["yinchuan-2019", "ningxia-joint"])
def test_earthquakes_that_a_zone_names_lie_in_it(name: str) -> None:
    _, cells, sources = compiled(name)
    zones = re.split(r"\[catastrophe\.earthquake\.zones\.", PART.read_text(encoding="utf-8"))[1:]
    named = []
    for text in zones:
        zone = text[: text.index("]")]
        note = re.search(r'^note = ("""(?:.|\n)*?"""|".*?")$', text, re.MULTILINE)
        for year in map(int, YEAR.findall(note.group(1) if note else "")):
            magnitude, longitude, latitude = RECORDED[year]
            source = sources[zone]
            along, across, length = along_and_across(source, np.array(cells.plane([longitude, latitude])))
            assert 0.0 <= along <= length, (year, zone)
            assert abs(across) <= source.zone.width_km / 2.0, (year, zone)
            assert magnitude <= source.zone.largest, (year, zone)
            named.append(year)
    assert sorted(named) == sorted(RECORDED)


def test_the_arc_keeps_its_rate() -> None:
    """0.15 earthquakes of M 5 and more a year in the arc of Haiyuan, Zhongwei and Tongxin, in two zones."""
    earthquake, _, _ = compiled("ningxia-joint")
    arc = [earthquake.zones[name].events_per_year for name in ("zhongwei_haiyuan", "tianjingshan")]
    assert sum(arc) == pytest.approx(0.15)


def test_how_rare_large_earthquakes_of_tianjingshan_are() -> None:
    """Truncated Gutenberg-Richter written out: the fault's rate, b, smallest and largest magnitude by hand."""
    earthquake, _, _ = compiled("ningxia-joint")
    fault, left_out = earthquake.zones["tianjingshan"], 10.0 ** (-0.8 * (7.8 - 5.0))
    for size, years in ((7.0, 1_000), (7.5, 4_700)):  # the years are the words of the zone's note, rounded
        by_hand = 0.05 * (10.0 ** (-0.8 * (size - 5.0)) - left_out) / (1.0 - left_out)
        rate = fault.events_per_year * survival_of_magnitude(fault, size)
        assert rate == pytest.approx(by_hand, rel=1e-9)
        assert round(1.0 / by_hand, -3 if years == 1_000 else -2) == years


def test_zhongning_is_not_spared() -> None:
    """What 1709 did there (8.5 and more at the seat) is rare, and no longer beyond belief.

    By the slow sum: the degree of 475 years rounds to 7.1, as docs/catastrophe.md says, and 8.5 is felt once in some
    ten thousand years, within half an order of magnitude; with the fault outside every zone it was once in 400,000.
    """
    below, above, rare = yearly_rate("ningxia-joint", (105.68, 37.49), [7.05, 7.15, 8.5])
    assert above < 1.0 / 475.0 < below
    assert 10.0**-4.5 < rare < 10.0**-3.5


def test_ranges_of_households_move_the_zone_under_them() -> None:
    """Of all zones the one at Zhongning counts, not the one with most earthquakes."""
    outcomes = simulate(load_scenario("ningxia-joint"), 100, threads=1)
    moved = [number.place for number in numbers_with_ranges(outcomes) if ".zones." in number.place]
    assert "catastrophe.earthquake.zones.tianjingshan.events_per_year" in moved
    assert all("tianjingshan" in place for place in moved)
