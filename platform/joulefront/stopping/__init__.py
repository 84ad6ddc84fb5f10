"""Who ends a trial early: rules as pure functions of learning curves. No Ray.

To add a rule: one file with the function, one line in `STOPPING_RULES`, one test file.
"""

from __future__ import annotations

from joulefront.stopping.curve import Curve, StoppingRule
from joulefront.stopping.registry import STOPPING_RULES, load_rule

__all__ = ["STOPPING_RULES", "Curve", "StoppingRule", "load_rule"]
