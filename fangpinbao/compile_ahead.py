"""Compiles the kernels of a fresh installation in two processes at once, each a half.

``python -m fangpinbao.compile_ahead`` is the second process. Compiled kernels meet in the cache folder, from which
each process loads what the other has compiled; both give the same code. What a scenario needs beyond these is
compiled when it is called.
"""

from __future__ import annotations

import gc
import subprocess
import sys
from pathlib import Path

from fangpinbao._jit import CACHE_DIR, JIT_IS_ON

__all__ = ["compile_if_cold"]

_LAST_KERNEL = "count.take_off_base_steps-*.nbi"


def compile_if_cold() -> None:
    """Compile the kernels that every run needs, where the cache is empty; a second process does half of it."""
    if not JIT_IS_ON or any(Path(CACHE_DIR).glob(f"**/{_LAST_KERNEL}")):
        return
    try:
        other = subprocess.Popen(
            [sys.executable, "-m", "fangpinbao.compile_ahead"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    except OSError:  # it only saves time
        return
    try:
        _compile_half(0)
        other.wait()
    finally:
        other.terminate()
        other.wait()


def _compile_half(half: int) -> None:
    """Compile on a handful of people. The garbage collector would take an eighth of the time to find nothing."""
    from fangpinbao.blocks import empty_base
    from fangpinbao.core.run import compile_half
    from fangpinbao.engine import Engine
    from fangpinbao.scenario import load_scenario

    was_on = gc.isenabled()
    gc.disable()
    try:
        engine = Engine(load_scenario("zhongning-2020").replace("population.persons", 50))
        block = engine.blocks[0]
        base, out = empty_base(engine.compiled, block), engine.outputs(1, block, collect=True)
        compile_half(
            engine.hazard.perils,
            engine.compiled.stacks,
            engine.years(0, 1),
            engine.work(),
            out,
            block,
            base,
            half,
        )
    finally:
        if was_on:
            gc.enable()


if __name__ == "__main__":
    _compile_half(1)
