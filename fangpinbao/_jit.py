"""The only importer of numba.

Kernels are compiled with the numpy error model (zero division does not branch, so loops can be
vectorised), without the GIL, and cached. numba's cache key does not see an edit in a callee that lives in
another file, so the cache folder is keyed by a digest of all core sources.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

_Function = TypeVar("_Function", bound=Callable[..., Any])


def _cache_dir() -> str:
    digest = hashlib.sha256()
    for path in sorted((Path(__file__).parent / "core").glob("*.py")):
        digest.update(path.read_bytes())
    for name in ("columns.py", "_jit.py"):
        digest.update((Path(__file__).parent / name).read_bytes())
    base = os.environ.get("FANGPINBAO_CACHE_DIR") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache"), "fangpinbao"
    )
    return os.path.join(base, f"{digest.hexdigest()[:16]}-py{sys.version_info[0]}{sys.version_info[1]}")


CACHE_DIR = _cache_dir()
os.environ["NUMBA_CACHE_DIR"] = CACHE_DIR

import numba  # noqa: E402

numba.config.CACHE_DIR = CACHE_DIR
JIT_IS_ON = not numba.config.DISABLE_JIT


_OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy", "no_cfunc_wrapper": True}


def kernel(function: _Function) -> _Function:
    """Compile a kernel: cached, without the GIL, IEEE arithmetic."""
    compiled: _Function = numba.njit(**_OPTIONS)(function)
    return compiled


def inlined(function: _Function) -> _Function:
    """Compile a leaf that is folded into every caller."""
    compiled: _Function = numba.njit(**_OPTIONS, forceinline=True)(function)
    return compiled
