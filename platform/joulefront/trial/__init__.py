"""What runs on a worker, and what a trainable sees of the platform.

A trainable imports from here and nowhere else. Importing this package loads neither Ray nor
torch; only `_ray.py` and `_meter.py` import Ray, and only the launcher imports those.
"""

from __future__ import annotations

from joulefront.errors import DataError, ObjectiveError, SplitError, TrainableError
from joulefront.trial.assignment import Assignment, Place
from joulefront.trial.context import Sink, TrialContext
from joulefront.trial.objectives import objective_values
from joulefront.trial.runner import run_trial

__all__ = [
    "Assignment",
    "DataError",
    "ObjectiveError",
    "Place",
    "Sink",
    "SplitError",
    "TrainableError",
    "TrialContext",
    "objective_values",
    "run_trial",
]
