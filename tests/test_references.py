"""Every shipped scenario meets its stored reference figures, with other years and another seed."""

from __future__ import annotations

from collections import defaultdict

import pytest
from references import FILE, NAMES, Reference, read_references, reference_figures

from fangpinbao.scenario import load_scenario

YEARS, SEED = 40, 2
REFERENCES: dict[str, list[Reference]] = defaultdict(list)
for _reference in read_references(FILE):
    REFERENCES[_reference.scenario].append(_reference)


def test_every_scenario_has_references() -> None:
    assert sorted(REFERENCES) == NAMES
    for name, references in REFERENCES.items():
        programmes = {reference.programme for reference in references}
        scenario = load_scenario(name)
        if scenario.is_of_households:
            assert programmes == {"none", *scenario.programmes}
        else:
            assert scenario.catastrophe is not None
            assert programmes >= {*scenario.catastrophe.contracts}


@pytest.mark.parametrize("name", NAMES)
def test_meets_its_references(name: str) -> None:
    """Independent years: the difference has both errors, and must lie within four of them."""
    figures = {figure.key: figure for figure in reference_figures(load_scenario(name), YEARS, SEED)}
    far = []
    for one in REFERENCES[name]:
        assert one.seed != SEED
        figure = figures[one.programme, None, one.group, one.line, one.measure, one.statistic]
        if one.distance(figure) > 4.0:
            far.append(f"{one}: now {figure}")
    assert far == []
