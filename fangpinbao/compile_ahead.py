"""Compiles half of the kernels in a second process, while the first run of a fresh installation does the other half.

``python -m fangpinbao.compile_ahead`` is that process. Compiled kernels meet in the cache folder, so whatever one
process has finished the other loads; both give the same code.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from fangpinbao._jit import CACHE_DIR, JIT_IS_ON

__all__ = ["start_if_cold"]

_LAST_KERNEL = "count.take_off_base_steps-*.nbi"


def start_if_cold() -> subprocess.Popen[bytes] | None:
    """Start the second process where the cache is empty; returns it, or None where nothing is to be compiled."""
    if not JIT_IS_ON or any(Path(CACHE_DIR).glob(f"**/{_LAST_KERNEL}")):
        return None
    try:
        return subprocess.Popen(
            [sys.executable, "-m", "fangpinbao.compile_ahead"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    except OSError:  # it only saves time
        return None


def main() -> None:
    """Compile what a batch needs late, on a handful of people."""
    from fangpinbao.blocks import empty_base
    from fangpinbao.core.run import compile_ahead
    from fangpinbao.engine import Engine
    from fangpinbao.scenario import load_scenario

    engine = Engine(load_scenario("zhongning-2020").replace("population.persons", 50))
    block = engine.blocks[0]
    base, out = empty_base(engine.compiled, block), engine.outputs(1, block, collect=True)
    compile_ahead(
        engine.hazard.perils, engine.compiled.stacks, engine.years(0, 1), engine.work(), out, block, base
    )


if __name__ == "__main__":
    main()
