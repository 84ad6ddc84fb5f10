"""Who ends a trial early, and what ends a study: rules as pure functions of curves. No Ray."""

from __future__ import annotations

from joulefront.stopping.curve import Curve
from joulefront.stopping.ends import End, Progress, end_of_search
from joulefront.stopping.projection import Projection, project
from joulefront.stopping.rules import RULES, Rule, load_rule, should_stop, should_stop_by

__all__ = [
    "RULES",
    "Curve",
    "End",
    "Progress",
    "Projection",
    "Rule",
    "end_of_search",
    "load_rule",
    "project",
    "should_stop",
    "should_stop_by",
]
