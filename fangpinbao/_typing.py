"""Array types used across the package."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Float64Array = NDArray[np.float64]
Int64Array = NDArray[np.int64]
Int32Array = NDArray[np.int32]
Int16Array = NDArray[np.int16]
Uint64Array = NDArray[np.uint64]
Uint32Array = NDArray[np.uint32]
Uint8Array = NDArray[np.uint8]
BoolArray = NDArray[np.bool_]
