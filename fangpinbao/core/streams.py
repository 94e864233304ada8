"""Keyed random words: a draw is a pure function of its key, never of a state or an order.

The word for position ``n`` of a stream is output ``n`` of SplitMix64 started at the stream's key (Steele,
Lea & Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014; mixing function: Stafford's
variant 13). Keys are built by chaining the same mixing function over (seed, decision, path, year).
"""

from __future__ import annotations

import hashlib

import numpy as np

from fangpinbao._jit import inlined
from fangpinbao._typing import Float64Array, Uint64Array

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MULTIPLIER_1 = np.uint64(0xBF58476D1CE4E5B9)
_MULTIPLIER_2 = np.uint64(0x94D049BB133111EB)
_S30 = np.uint64(30)
_S27 = np.uint64(27)
_S31 = np.uint64(31)
_MASK = (1 << 64) - 1


@inlined
def mix64(word: np.uint64) -> np.uint64:
    """Stafford's variant 13 of the 64-bit finaliser: a bijection of 64-bit words."""
    word = (word ^ (word >> _S30)) * _MULTIPLIER_1
    word = (word ^ (word >> _S27)) * _MULTIPLIER_2
    return word ^ (word >> _S31)


def mix_int(word: int) -> int:
    """Return ``mix64`` of a Python integer, without numba or numpy."""
    word &= _MASK
    word = ((word ^ (word >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    word = ((word ^ (word >> 27)) * 0x94D049BB133111EB) & _MASK
    return word ^ (word >> 31)


def splitmix64(key: int, position: int) -> int:
    """Output ``position`` (counted from 1) of SplitMix64 seeded with ``key``."""
    return mix_int(key + position * int(GOLDEN))


def decision_key(seed: int, decision: str) -> int:
    """Key of a named decision under a seed, the same on every machine."""
    digest = hashlib.blake2b(decision.encode(), digest_size=8).digest()
    return mix_int(mix_int(seed * int(GOLDEN) + 1) ^ int.from_bytes(digest, "little"))


def year_keys(key: int, path: np.ndarray, year_of_path: np.ndarray) -> Uint64Array:
    """Keys of a decision for arrays of paths and years of path; shape as ``path``."""
    with np.errstate(over="ignore"):
        word = mix_array(np.uint64(key) + (path.astype(np.uint64) + np.uint64(1)) * GOLDEN)
        return mix_array(word + (year_of_path.astype(np.uint64) + np.uint64(1)) * GOLDEN)


def mix_array(words: Uint64Array) -> Uint64Array:
    """``mix64`` of an array."""
    with np.errstate(over="ignore"):
        words = (words ^ (words >> _S30)) * _MULTIPLIER_1
        words = (words ^ (words >> _S27)) * _MULTIPLIER_2
        return words ^ (words >> _S31)


def words_for(key: int, ids: Uint64Array, k: int = 0) -> Uint64Array:
    """Words of a decision for stable ids; ``k`` numbers several draws of the same decision."""
    with np.errstate(over="ignore"):
        words = mix_array(np.uint64(key) + ids * GOLDEN)
        return words if k == 0 else mix_array(words + np.uint64(k) * GOLDEN)


def survival_of(words: Uint64Array) -> Float64Array:
    """52-bit survival ``v = 1 - u`` in (0, 1), as amounts are drawn: quantile at ``1 - v``."""
    return ((words >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52


def uniforms_for(key: int, ids: Uint64Array, k: int = 0) -> Float64Array:
    """Uniforms in (0, 1) of a decision for stable ids."""
    return survival_of(words_for(key, ids, k))
