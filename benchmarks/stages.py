"""Where fangpinbao's time goes: time spent in each kernel of ``fangpinbao.core.run`` on one thread.

Timing a kernel from Python costs about 0.2 microseconds a call, which batches of some thousand events hide.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from fangpinbao.core import run as core_run


@contextmanager
def timed_kernels() -> Iterator[dict[str, float]]:
    """Within it, collect seconds by kernel."""
    seconds: dict[str, float] = {}
    kernels = {name: value for name, value in vars(core_run).items() if hasattr(value, "py_func")}

    def timed(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            start = time.perf_counter()
            try:
                return function(*arguments)
            finally:
                seconds[name] = seconds.get(name, 0.0) + time.perf_counter() - start

        return call

    for name, function in kernels.items():
        setattr(core_run, name, timed(name, function))
    try:
        yield seconds
    finally:
        for name, function in kernels.items():
            setattr(core_run, name, function)
