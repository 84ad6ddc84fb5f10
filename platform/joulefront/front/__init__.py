"""Non-domination and hypervolume: pure functions on arrays, minimised in every column."""

from __future__ import annotations

from joulefront.front.domination import non_dominated
from joulefront.front.hypervolume import hypervolume, hypervolume_history

__all__ = ["hypervolume", "hypervolume_history", "non_dominated"]
