"""The rule of studies that name none: every trial runs to its end."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from joulefront.spec import Stopping
from joulefront.stopping.curve import Curve


def never(
    curve: Curve,
    others: Sequence[Curve],
    finished: NDArray[np.float64],
    settings: Stopping,
) -> bool:
    """Return False."""
    return False
