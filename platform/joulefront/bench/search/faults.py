"""Known faults, for the mutants of this bench."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from joulefront.launch.proposing import MadeProposal, ProposalRequest
from joulefront.spec import Stopping
from joulefront.stopping import RULES, Curve

_FIRST = 10


def impatient(
    curve: Curve,
    others: Sequence[Curve],
    finished: NDArray[np.float64],
    settings: Stopping,
) -> bool:
    """End whatever is now beyond the median of what finished: a poor start is never forgiven."""
    return bool(curve.objectives[-1, 0] > np.median(finished[:, 0]))


def forgetful(request: ProposalRequest) -> MadeProposal:
    """Propose the first points again and again, as a sampler does that is made anew each time."""
    return replace(request, index=request.index % _FIRST).run()


@contextmanager
def rule_replaced(name: str, fault: str) -> Iterator[None]:
    """Let another function of this module stand for a rule."""
    before = RULES[name]
    RULES[name] = f"{__name__}:{fault}"
    try:
        yield
    finally:
        RULES[name] = before
