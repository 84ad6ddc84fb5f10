"""Let Tune take an actor that Ray's memory monitor has killed for one that has died.

Ray 2.60 raises an error of its own for it, `OutOfMemoryError`, which Tune does not know: it would
end the whole study (`RayActorManager._actor_task_failed`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ray.air.execution._internal.actor_manager import RayActorManager
from ray.exceptions import OutOfMemoryError, RayActorError


@contextmanager
def starved_actors_die() -> Iterator[None]:
    """Have it so inside; of what the monitor says, the first of its many lines is kept."""
    failed = RayActorManager._actor_task_failed

    def told(manager: RayActorManager, tracked_actor_task: Any, exception: Exception) -> None:
        if isinstance(exception, OutOfMemoryError):
            exception = RayActorError(error_msg=str(exception).partition("\n")[0])
        failed(manager, tracked_actor_task, exception)

    RayActorManager._actor_task_failed = told
    try:
        yield
    finally:
        RayActorManager._actor_task_failed = failed
