"""The benchmarks: ``python -m benchmarks.run`` from the repository's root.

Quick by default (within two minutes); ``--full`` repeats more and runs everything at its stated size.
``docs/performance.md`` says what is compared.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import agreement, numpy_version
from benchmarks.problem import problem
from benchmarks.stages import timed_kernels
from benchmarks.timing import MILLION, MOST_YEARS, ROOT, THREADS, Bench, Quiet, millions, table, timed
from fangpinbao.engine import Engine, population_of, simulate
from fangpinbao.scenario import load_scenario

ZHONGNING = ROOT / "scenarios" / "zhongning-2020.toml"


# --- the parts ---------------------------------------------------------------------------------------------


def speed(bench: Bench) -> None:
    """Time fangpinbao and numpy in turns, so that both meet the same machine."""
    problem = numpy_version.Problem.of(bench.scenario, bench.population)
    totals = numpy_version.Problem.of(bench.scenario, bench.population, same_figures=False)
    processes = numpy_version.Processes(problem, THREADS)

    engine = Engine(bench.scenario, bench.population, seed=1)  # prepared like the numpy problem

    def ours(threads: int) -> Callable[[int], Any]:
        return lambda years: engine.run(years, threads=threads)

    runs: dict[str, Callable[[int], Any]] = {
        "fangpinbao, 2 threads": ours(THREADS),
        "numpy, 2 threads": lambda years: numpy_version.simulate(problem, years, 1, THREADS),
        "fangpinbao, 1 thread": ours(1),
        "numpy, 1 thread": lambda years: numpy_version.simulate(problem, years, 1, 1),
        "numpy, 2 processes": lambda years: processes.simulate(years, 1),
        "numpy, totals only, 2 threads": lambda years: numpy_version.simulate(totals, years, 1, THREADS),
    }
    persons = bench.population.persons
    years = dict.fromkeys(runs, 40)
    for _ in range(2):  # the first run also warms up; the second finds the number of years
        for name, run in runs.items():
            pilot = years[name] * persons / timed(lambda run=run, name=name: run(years[name]))
            years[name] = bench.years(pilot, persons, bench.seconds)
    found: dict[str, list[float]] = {name: [] for name in runs}
    with Quiet() as quiet:
        for _ in range(bench.repetitions):
            for name, run in runs.items():
                seconds = timed(lambda run=run, name=name: run(years[name]))
                found[name].append(years[name] * persons / seconds)
    processes.pool.shutdown()
    median = {name: statistics.median(values) for name, values in found.items()}
    reference = max(("numpy, 1 thread", "numpy, 2 threads"), key=lambda name: median[name])
    ratios = sorted(
        mine / theirs for mine, theirs in zip(found["fangpinbao, 2 threads"], found[reference], strict=True)
    )
    ratio = statistics.median(ratios)
    bench.speed = median["fangpinbao, 2 threads"]
    bench.results["speed"] = {
        "persons": persons,
        "years": years,
        "person_years_per_second": found,
        "median": median,
        "reference": reference,
        "ratio": ratio,
        "ratio_range": [ratios[0], ratios[-1]],
        "ratio_to_totals_only": bench.speed / median["numpy, totals only, 2 threads"],
        "ratio_to_processes": bench.speed / median["numpy, 2 processes"],
        "other_busy_cores": quiet.others,
    }
    rows = [
        (
            name,
            millions(median[name]),
            millions(min(found[name])),
            millions(max(found[name])),
            f"{years[name]:,}",
        )
        for name in runs
    ]
    table(
        f"Speed at {persons:,} persons, million person-years a second, {bench.repetitions} runs in turns",
        ("", "median", "lowest", "highest", "years a run"),
        rows,
    )
    print(
        f"  ratio to {reference} (the faster of 1 and 2 threads): "
        f"{ratio:.2f} [{ratios[0]:.2f}, {ratios[-1]:.2f}]"
    )
    print(f"  ratio to numpy that gives totals only: {bench.results['speed']['ratio_to_totals_only']:.2f}")
    print(f"  ratio to numpy on 2 processes: {bench.results['speed']['ratio_to_processes']:.2f}")
    print(f"  other processes kept {quiet.others:.2f} of {os.cpu_count()} cores busy meanwhile")
    if quiet.others > 0.1:
        print("  NOT A QUIET MACHINE: these figures say little.")


def stages(bench: Bench) -> None:
    """Time the kernels of a run on one thread, when they are loaded and the year without events is settled."""
    years = bench.years(bench.speed / 2, bench.population.persons, 2 * bench.seconds, least=1_000)
    engine = Engine(bench.scenario, bench.population, seed=1)
    engine.run(20, threads=1)
    with timed_kernels() as seconds:
        whole = timed(lambda: engine.run(years, threads=1))
    person_years = years * bench.population.persons
    seconds = {**seconds, "set-up, sums and the rest": whole - sum(seconds.values())}
    bench.results["stages"] = {name: 1e9 * s / person_years for name, s in seconds.items()}
    rows = [
        (name, f"{100 * s / whole:.1f}%", f"{1e9 * s / person_years:.3f}")
        for name, s in sorted(seconds.items(), key=lambda pair: -pair[1])
    ]
    table(f"Where the time goes, 1 thread, {years:,} years", ("kernel", "share", "ns a person-year"), rows)


def agree(bench: Bench) -> None:
    """Check that both versions compute the same."""
    problem = numpy_version.Problem.of(bench.scenario, bench.population)
    persons = bench.population.persons
    ours_years = bench.years(bench.speed, persons, 4 * bench.seconds, least=400)
    their_years = bench.years(30 * MILLION, persons, 6 * bench.seconds, least=400)
    outcomes = simulate(bench.scenario, ours_years, 2, population=bench.population, threads=THREADS)
    found = agreement.compare(outcomes, numpy_version.simulate(problem, their_years, 3, THREADS))
    farthest = max(abs(one.errors) for one in found)
    limited = len(outcomes.limited_years["base"])
    bench.results["agreement"] = {
        "years": [ours_years, their_years],
        "farthest": farthest,
        "agrees": farthest < agreement.FARTHEST,
        "years_limited": limited,
        "means": {one.name: one._asdict() for one in found},
    }
    rows = [(one.name, f"{one.ours:,.1f}", f"{one.numpy:,.1f}", f"{one.errors:+.2f}") for one in found]
    table(
        f"Agreement, means a year over {ours_years:,} and {their_years:,} years",
        ("yuan or households", "fangpinbao", "numpy", "standard errors apart"),
        rows,
    )
    verdict = "agrees" if farthest < agreement.FARTHEST else "DOES NOT AGREE"
    print(f"  {verdict}: farthest {farthest:.2f}, allowed {agreement.FARTHEST:g} combined standard errors")
    print(f"  the aggregate limit bound in {limited} of {ours_years:,} years")


def zhongning(bench: Bench) -> None:
    """Time 10,000 years of the main scenario, warm."""
    if not ZHONGNING.is_file():
        print(f"\nMain scenario: skipped, there is no {ZHONGNING.relative_to(ROOT)}.")
        return
    scenario = load_scenario(ZHONGNING)
    population = population_of(scenario)
    pilot = 100
    simulate(scenario, pilot, 1, population=population, threads=THREADS)
    rough = timed(lambda: simulate(scenario, pilot, 1, population=population, threads=THREADS)) / pilot
    years = MOST_YEARS if bench.full else int(min(MOST_YEARS, max(20 * bench.seconds / rough, pilot)))
    times = [
        timed(lambda: simulate(scenario, years, 1, population=population, threads=THREADS))
        for _ in range(bench.repetitions if years * rough < 5 else 1)
    ]
    seconds = statistics.median(times)
    bench.results["zhongning"] = {"years": years, "persons": population.persons, "seconds": times}
    print(
        f"\nMain scenario, {population.persons:,} persons, {years:,} years, 2 threads, warm: {seconds:.2f} s"
    )
    if years < MOST_YEARS:
        print("  (fewer years than 10,000 to keep this quick; --full runs all)")


def linearity(bench: Bench) -> None:
    """Person-years a second by size and by years."""
    sizes = [20_000, 70_000, 200_000, *([2_000_000] if bench.full else [])]
    rows, by_persons, by_years = [], {}, {}
    for persons in sizes:
        scenario = problem(persons)
        made = time.perf_counter()
        population = population_of(scenario)
        made = time.perf_counter() - made
        years = bench.years(bench.speed, persons, 2 * bench.seconds, least=4)
        engine = Engine(scenario, population, seed=1)
        limited = len(engine.run(years, threads=THREADS).limited_years["base"])  # settled twice
        times = [timed(lambda e=engine, n=years: e.run(n, threads=THREADS)) for _ in range(3)]
        by_persons[persons] = persons * years / statistics.median(times)
        rows.append(
            (f"{persons:,}", f"{years:,}", millions(by_persons[persons]), f"{limited}", f"{made:.2f}")
        )
    table(
        "By persons", ("persons", "years", "million a second", "years limited", "population made in s"), rows
    )
    rows = []
    persons = 20_000
    scenario = bench.scenario.replace("population.persons", persons)
    engine = Engine(scenario, seed=1)
    for years in (250, 1_000, 4_000, 10_000):
        if not bench.full and persons * years / bench.speed > 12 * bench.seconds:
            print(f"  {years:,} years left out to keep this quick; --full runs them")
            continue
        times = [timed(lambda n=years: engine.run(n, threads=THREADS)) for _ in range(3)]
        by_years[years] = persons * years / statistics.median(times)
        rows.append((f"{years:,}", f"{persons:,}", millions(by_years[years])))
    table("By years", ("years", "persons", "million a second"), rows)
    bench.results["linearity"] = {"by_persons": by_persons, "by_years": by_years}


def limited(bench: Bench) -> None:
    """What years cost in which the aggregate limit binds: runs with it and runs with it topped up, in turns."""
    rows, found = [], []
    for persons, years in ((20_000, 1_000), *([(20_000, 4_000)] if bench.full else []), (2_000, 1_000)):
        scenario = problem(persons)
        population = population_of(scenario)
        with_limit = Engine(scenario, population, seed=1)
        without = Engine(scenario.replace("programmes.base.aggregate.rule", "topped_up"), population, seed=1)
        binding = len(with_limit.run(years, threads=THREADS).limited_years["base"])
        for threads in (1, THREADS):
            pairs = [
                [
                    timed(lambda e=engine, n=years, t=threads: e.run(n, threads=t))
                    for engine in (with_limit, without)
                ]
                for _ in range(bench.repetitions + 1)
            ][1:]  # the first one warms up
            cut, plain = (statistics.median(times) for times in zip(*pairs, strict=True))
            more = (cut - plain) / binding / (plain / years)
            found.append(
                {"persons": persons, "years": years, "threads": threads, "binding": binding, "more": more}
            )
            speeds = (millions(persons * years / seconds) for seconds in (cut, plain))
            rows.append((f"{persons:,}", f"{years:,}", str(threads), str(binding), *speeds, f"{more:.1f}"))
    header = (
        "persons",
        "years",
        "threads",
        "limited",
        "million a second",
        "topped up",
        "more a limited year",
    )
    table("Years in which the aggregate limit binds; what one costs more, in ordinary years", header, rows)
    bench.results["limited"] = found


def memory(bench: Bench) -> None:
    """Peak memory of 100,000 persons x 10,000 years in a fresh process."""
    persons = 100_000
    years = MOST_YEARS if bench.full else bench.years(bench.speed, persons, 20 * bench.seconds, least=250)
    output = subprocess.run(
        [sys.executable, "-m", "benchmarks.memory", str(persons), str(years)],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    found = json.loads(output)
    bench.results["memory"] = {"persons": persons, "years": years, **found}
    print(
        f"\nPeak memory, {persons:,} persons x {years:,} years, 2 threads: "
        f"{found['run'] - found['imports']:.0f} MB above the imports ({found['imports']:.0f} MB), "
        f"{found['seconds']:.1f} s"
    )
    if years < MOST_YEARS:
        print("  (fewer years than 10,000 to keep this quick; --full runs all)")


LAST_ROW = "public cost per household"  # of the first table, once for each line


def first_table(bench: Bench) -> None:
    """Time from process start to the first table of 1,000 years, and to the end, with an empty cache and warm."""
    folder = tempfile.mkdtemp(prefix="fangpinbao-cache-")
    environment = {**os.environ, "FANGPINBAO_CACHE_DIR": folder, "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "fangpinbao", "run", str(ZHONGNING), "--years", "1000"]

    def start() -> tuple[float, float]:
        rows, first, begun = 0, math.nan, time.perf_counter()
        with subprocess.Popen(
            command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            for line in process.stdout:
                rows += LAST_ROW in line
                if rows == 2 and math.isnan(first):
                    first = time.perf_counter() - begun
            error = process.communicate()[1]
        if process.returncode or math.isnan(first):
            raise RuntimeError(f"the command printed no first table: {error[-300:]}")
        return first, time.perf_counter() - begun

    try:
        empty, warm = start(), [start() for _ in range(5)]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    bench.results["first_table"] = {"scenario": ZHONGNING.name, "empty_cache": empty, "warm": warm}
    table(
        f"Process start to the first table, and to the end with ranges ({ZHONGNING.name}, 1,000 years), seconds",
        ("", "first table", "end"),
        [
            ("empty cache", f"{empty[0]:.1f}", f"{empty[1]:.1f}"),
            ("warm, median of 5", *(f"{statistics.median(times):.2f}" for times in zip(*warm, strict=True))),
        ],
    )


PARTS: dict[str, Callable[[Bench], None]] = {
    "speed": speed,
    "stages": stages,
    "agreement": agree,
    "zhongning": zhongning,
    "linearity": linearity,
    "memory": memory,
    "limited": limited,
    "first-table": first_table,
}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__)
    parser.add_argument("--full", action="store_true", help="everything at its stated size, more repetitions")
    parser.add_argument("--json", type=Path, help="also write all figures to this file")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="some parts only")
    parser.add_argument("--persons", type=int, default=70_000)
    parser.add_argument("--seconds", type=float, help="aim for one timed run (0.5; with --full 2)")
    parser.add_argument("--repetitions", type=int, help="of each timed run (5; with --full 11)")
    options = parser.parse_args(arguments)
    bench = Bench(
        full=options.full,
        persons=options.persons,
        seconds=options.seconds or (2.0 if options.full else 0.5),
        repetitions=options.repetitions or (11 if options.full else 5),
    )
    began = time.perf_counter()
    bench.results["machine"] = {
        "processor": processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "load_average": os.getloadavg(),
    }
    print(", ".join(f"{key} {value}" for key, value in bench.results["machine"].items()))
    for name in PARTS:
        if name in options.only:
            PARTS[name](bench)
    bench.results["seconds"] = time.perf_counter() - began
    print(f"\nAll of this took {bench.results['seconds']:.0f} s.")
    if options.json is not None:
        options.json.write_text(json.dumps(bench.results, indent=1) + "\n", encoding="utf-8")
    return 0 if bench.results.get("agreement", {}).get("agrees", True) else 1


def processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


if __name__ == "__main__":
    raise SystemExit(main())
