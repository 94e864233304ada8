"""How long Yinchuan's catastrophe contracts take: ``python -m benchmarks.catastrophe`` from the repository's root.

Times 100,000 years of 2.25 million residents and their visitors, warm, on one and two threads, then the parts of
a run on one thread, and says what the strata save. ``docs/catastrophe.md`` quotes it.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.timing import Quiet
from fangpinbao import estimators
from fangpinbao.catastrophe.figures import catastrophe_figures
from fangpinbao.catastrophe.model import CatastropheModel
from fangpinbao.catastrophe.outcomes import CHUNK_PATHS, Harm, settle, simulate_catastrophe
from fangpinbao.scenario import Scenario, load_scenario

YEARS = 100_000
WANTED = 5.0  # seconds, warm, on two threads


def timed(function: Callable[[], Any]) -> tuple[float, float]:
    """Return seconds on the clock, and of all processors used."""
    wall, cpu = time.perf_counter(), time.process_time()
    function()
    return time.perf_counter() - wall, time.process_time() - cpu


def whole_runs(scenario: Scenario, years: int, repetitions: int) -> None:
    """Time whole runs on two threads and on one; the processors' time is what a busy machine cannot spoil."""
    simulate_catastrophe(scenario, 500)  # compile
    with Quiet() as quiet:
        for threads in (2, 1):
            found = [
                timed(lambda t=threads: simulate_catastrophe(scenario, years, threads=t))
                for _ in range(repetitions)
            ]
            wall, cpu = (statistics.median(column) for column in zip(*found, strict=True))
            best = min(found)[0]
            print(
                f"{years:,} years, {threads} thread(s): {wall:.2f} s, best {best:.2f} s, processors {cpu:.2f} s"
            )
            if threads == 2 and years == YEARS:
                print(f"  wanted: {WANTED:.0f} s; {'met' if wall < WANTED else 'missed'}")
    print(f"  other processes kept {quiet.others:.2f} cores busy meanwhile")


def parts(scenario: Scenario, years: int) -> dict[str, float]:
    """Return seconds of the parts of a run on one thread."""
    model = CatastropheModel(scenario, 1)
    seconds = dict.fromkeys(
        ("events and the cells they hit", "casualties and what is owed", "limits and triggers"), 0.0
    )
    found = []
    for first in range(0, years, CHUNK_PATHS):
        paths = np.arange(first, min(first + CHUNK_PATHS, years))
        start = time.process_time()
        batches = list(model.draw(paths))
        middle = time.process_time()
        found += [harm.take(np.flatnonzero(harm.casualties)) for harm in map(model.harm, batches)]
        seconds["events and the cells they hit"] += middle - start
        seconds["casualties and what is owed"] += time.process_time() - middle
    start = time.process_time()
    joined = Harm.join(found)
    for name in model.contracts:
        settle(model, joined, name)
    seconds["limits and triggers"] = time.process_time() - start
    return seconds


def saving(scenario: Scenario, years: int) -> None:
    """Print the errors of stratified and plain years, and how many plain years would do as well."""
    rows = []
    runs = [simulate_catastrophe(scenario, years, stratified=stratified) for stratified in (True, False)]
    for name, estimate in {
        "mean payout": lambda x, y: estimators.mean(x, y, "yuan"),
        "once in 200 years": lambda x, y: estimators.quantile(x, y, 0.995, "yuan"),
        "once in 1,000 years": lambda x, y: estimators.quantile(x, y, 0.999, "yuan"),
        "TVaR 99.5%": lambda x, y: estimators.tail_value(x, y, 0.995, "yuan"),
    }.items():
        first, second = (estimate(run.yuan_by_path("base"), run.years) for run in runs)
        ratio = (second.standard_error / first.standard_error) ** 2 if first.standard_error else float("nan")
        rows.append((name, str(first), str(second), f"{ratio:.1f}"))
    print(f"\n{years:,} years: stratified, plain, and how many times as many plain years were needed")
    for row in rows:
        print("  " + " | ".join(row))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--years", type=int, default=YEARS)
    parser.add_argument("--repetitions", type=int, default=3)
    options = parser.parse_args()
    scenario = load_scenario("yinchuan-2019")
    whole_runs(scenario, options.years, options.repetitions)
    outcomes = simulate_catastrophe(scenario, options.years)
    print(f"figures: {timed(lambda: catastrophe_figures(outcomes))[0]:.2f} s")
    for name, seconds in parts(scenario, options.years).items():
        print(f"  {name}: {seconds:.2f} s of one processor")
    saving(scenario, options.years)


if __name__ == "__main__":
    main()
