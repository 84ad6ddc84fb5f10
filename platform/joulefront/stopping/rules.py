"""Whether a trial ends at its latest report: what holds for every rule, and which rules there are.

Nothing is kept between calls: the answer is a pure function of the curves.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from joulefront.spec import Stopping
from joulefront.stopping.curve import Curve

RULES = {
    "dominated": "joulefront.stopping.dominated:dominated",
    "never": "joulefront.stopping.never:never",
    "successive_halving": "joulefront.stopping.successive_halving:successive_halving",
}


class Rule(Protocol):
    """Whether to end the trial of `curve` now."""

    def __call__(
        self,
        curve: Curve,
        others: Sequence[Curve],
        finished: NDArray[np.float64],
        settings: Stopping,
    ) -> bool:
        """Answer for the latest report; arguments as `should_stop` got them."""


def should_stop(
    curve: Curve,
    others: Sequence[Curve],
    finished: NDArray[np.float64],
    settings: Stopping,
) -> bool:
    """Whether the study's rule ends the trial of `curve` at its latest report.

    Args:
        curve: Of a running trial.
        others: Every other trial's that has reported, in whatever state, in the order of their
            proposals: a rule may look at the last few hundred only, and their order tells nothing.
        finished: Shape (k, m): objectives of the fully measured feasible configurations.
        settings: The study's.

    Returns:
        False before epoch `settings.min_epochs`, from the trial's last epoch on, and while
        nothing has finished, whatever the rule says.
    """
    return should_stop_by(load_rule(RULES[settings.rule]), curve, others, finished, settings)


def should_stop_by(
    rule: Rule,
    curve: Curve,
    others: Sequence[Curve],
    finished: NDArray[np.float64],
    settings: Stopping,
) -> bool:
    """Do what `should_stop` does with a rule that need not be registered."""
    epoch = int(curve.epochs[-1]) if len(curve.epochs) else 0
    if epoch < max(settings.min_epochs, 1) or len(finished) == 0:
        return False
    if curve.final_epoch is not None and epoch >= curve.final_epoch:
        return False
    return rule(curve, others, finished, settings)


def load_rule(reference: str) -> Rule:
    """Import a rule by its "module:Object"."""
    module, _, attribute = reference.partition(":")
    rule: Rule = getattr(importlib.import_module(module), attribute)
    return rule
