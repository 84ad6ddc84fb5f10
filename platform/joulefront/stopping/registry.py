"""The stopping rules by the names that a study file uses."""

from __future__ import annotations

import importlib

from joulefront.stopping.curve import StoppingRule

STOPPING_RULES = {
    "never": "joulefront.stopping.never:never",
}


def load_rule(name: str) -> StoppingRule:
    """Import the rule of that name in `STOPPING_RULES`."""
    module, _, attribute = STOPPING_RULES[name].partition(":")
    rule: StoppingRule = getattr(importlib.import_module(module), attribute)
    return rule
