"""What a scenario holds, in a few lines: the answer of ``fangpinbao check``.

Rosters, event files and tiers are read and compiled, so that their problems are found as well.
"""

from __future__ import annotations

from fangpinbao.catastrophe.area_source import refuse_losses
from fangpinbao.catastrophe.model import CatastropheModel
from fangpinbao.engine import population_of
from fangpinbao.files import count_by_status
from fangpinbao.scenario import Scenario

__all__ = ["summary"]


def summary(scenario: Scenario) -> list[str]:
    """Return the lines.

    Raises
    ------
    InputError
        With every problem of a roster or an event file.
    """
    lines = [f"{scenario.name}: {scenario.title.en} / {scenario.title.zh}"]
    if scenario.is_of_households:
        people = population_of(scenario)
        lines.append(f"  population: {people.persons:,} persons in {people.households:,} households")
        lines.append(f"  perils: {', '.join(scenario.perils)}")
        lines.append(f"  public layers: {', '.join(scenario.layers) or 'none'}")
    if scenario.catastrophe is not None:
        model = CatastropheModel(scenario, scenario.simulation.seed)
        refuse_losses(scenario, model)
        lines += _of_catastrophe(model)
    for name, programme in scenario.programmes.items():
        relief = [f"relief {entry}" for entry in programme.relief]
        lines.append(f"  programme {name}: {', '.join([*programme.coverages, *relief])}")
        if relief and programme.detection is not None:
            lines.append(
                f"    note: {programme.detection} finds families for the coverages alone; relief is paid by "
                "its own take_up and paid_within_year, found or not"
            )
    with_range = sum(number.range is not None for number in scenario.numbers)
    by_status = ", ".join(f"{count} {status}" for status, count in count_by_status(scenario).items())
    lines.append(f"  numbers: {by_status}; {with_range} with a range")
    return lines


def _of_catastrophe(model: CatastropheModel) -> list[str]:
    people = model.cells.people.sum(axis=1)
    lines = [
        f"  cells: {len(model.cells.names)}, {model.table.exposure.residents:,} residents, with visitors "
        f"{people.min():,} to {people.max():,} people",
        f"  catastrophe perils: {', '.join(model.perils)}",
    ]
    if model.file is not None:
        lines.append(f"  events of a file: {len(model.file.names):,}")
    if model.strata is not None:
        chances = ", ".join(f"{chance:.3%}" for chance in model.strata.probabilities)
        lines.append(f"  strata of years: {chances}")
    return lines + [f"  contract {name}: {', '.join(one.perils)}" for name, one in model.contracts.items()]
