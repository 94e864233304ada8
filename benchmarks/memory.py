"""Peak memory of one run: ``python -m benchmarks.memory PERSONS YEARS`` prints megabytes and seconds as JSON.

``imports`` is the peak after everything is imported, ``run`` the peak at the end.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path


def peak() -> float:
    """Return this process's peak resident memory in megabytes (2^20 bytes).

    Linux hands ``ru_maxrss`` on from the parent process, so the high-water mark in /proc is read first.
    """
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024
    except (OSError, StopIteration):
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20


def main() -> None:
    persons, years = int(sys.argv[1]), int(sys.argv[2])
    from benchmarks.problem import problem
    from fangpinbao.engine import simulate

    imports = peak()
    start = time.perf_counter()
    outcomes = simulate(problem(persons), years, 1, threads=2)
    seconds = time.perf_counter() - start
    assert outcomes.n_years == years
    print(json.dumps({"imports": imports, "run": peak(), "seconds": seconds}))


if __name__ == "__main__":
    main()
