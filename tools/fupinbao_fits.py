"""Print the family of fits to 扶贫保's claims of 3.2亿: the tables of docs/fupinbao.md.

python tools/fupinbao_fits.py [YEARS]
"""

from __future__ import annotations

import sys

from fangpinbao.engine import simulate
from fangpinbao.estimate import Estimate
from fangpinbao.record_fits import fits, products
from fangpinbao.rounding import format_estimate
from fangpinbao.scenario import load_scenario

NAMES = ("medical", "household_accident", "borrower", "agriculture")


def splits(sums: list[float]) -> dict[str, tuple[float, ...]]:
    """Return some splits of the claims over the products, of the infinitely many that fit."""
    rest = sum(sums[1:])
    return {
        "all from the medical product": (1.0, 0.0, 0.0, 0.0),
        "a quarter each": (0.25, 0.25, 0.25, 0.25),
        "half medical, half agriculture": (0.5, 0.0, 0.0, 0.5),
        "half medical, the rest by sums insured": (0.5, *(0.5 * one / rest for one in sums[1:])),
        "by sums insured": tuple(one / sum(sums) for one in sums),
    }


def shown(estimate: Estimate, factor: float = 1.0) -> str:
    """Return a figure with its error, without its unit."""
    return format_estimate(estimate.scaled(factor, ""))


def main(years: int) -> None:
    """Simulate and print."""
    scenario = load_scenario("ningxia-fupinbao-2020")
    record = scenario.records["claims_of_all_four"].value
    found = products(simulate(scenario, years), NAMES)
    ways = fits(found, record)
    print(f"{years:,} simulated years, seed {scenario.simulation.seed}; record {record:,.0f} yuan\n")
    print("| product | ever insured | simulated cost per unit | at most | implied claims, million yuan |")
    print("| --- | --- | --- | --- | --- |")
    for one in found:
        per_yuan = one.basis == "sum_insured"
        factor, digits = (1000.0, "{:,.1f} per 1,000 insured") if per_yuan else (1.0, "{:,.1f}")
        what = f"{one.insured:,.0f} " + ("yuan" if per_yuan else "times")
        cost = shown(one.cost, factor) + (" per 1,000 insured" if per_yuan else "")
        most = digits.format(one.at_most(record) * factor)
        print(f"| {one.name} | {what} | {cost} | {most} | {shown(one.claims, 1e-6)} |")
    print("\n| what moves | the others | factor on its simulated cost |\n| --- | --- | --- |")
    for way in ways:
        print(f"| {way.product or 'all'} | {way.others} | {shown(way.factor)} |")
    print(f"\n| split of the claims | {' | '.join(NAMES)} |\n| --- |{' --- |' * len(NAMES)}")
    records = [scenario.programmes[name].ever_insured for name in NAMES]
    sums = [0.0 if one is None else one.sum_insured or 0.0 for one in records]
    for name, shares in splits(sums).items():
        cells = [f"{share * one.at_most(record):,.4g}" for share, one in zip(shares, found, strict=True)]
        print(f"| {name} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2_000)
