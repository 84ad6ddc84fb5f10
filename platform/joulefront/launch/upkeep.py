"""What keeps a study small while it runs: compaction by rule, and checkpoints kept by rule.

Not here: how either is done (`joulefront.store`). Compaction runs in a thread of its own, so that
no trial waits for it; segments stay, and are read from where the last generation ends.

Kept are the checkpoints of trials that have not ended, of configurations that are not fully
measured, of the front's members and so of the best in each objective (of infeasible ones while
there are no others), and of the trials that ended since the last look. Where replicates race for
the front, the next rank is kept too: it may come to the front when means change.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any, Self

import numpy as np

from joulefront.errors import StoreReadError, StoreWriteError
from joulefront.front import non_dominated_ranks
from joulefront.launch.agenda import Agenda
from joulefront.launch.observations import is_feasible, is_measured, mean_objectives
from joulefront.launch.plan import Configuration
from joulefront.launch.recorder import Recorder
from joulefront.store import StudyStore, checkpointed_trials, drop_checkpoints
from joulefront.trial.messages import Event

PERIOD_SECONDS = 60.0
"""From one look at the store to the next."""

_LEAST_BYTES = 8 << 20  # of segments that no generation covers, for a new one
_LEAST_SHARE = 0.25  # the same, of what is covered: work stays in proportion to growth
_ENDED = ("complete", "pruned", "failed")


class Upkeep:
    """Looks after one study while its driver runs; `with` it, and call it at every step.

    Args:
        store: The study.
        agenda: Its plan.
        recorder: Writes down what was compacted.
        clock: Seconds that pass.
    """

    def __init__(
        self,
        store: StudyStore,
        agenda: Agenda,
        recorder: Recorder,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store, self._agenda, self._recorder = store, agenda, recorder
        self._clock = clock
        self._looked = clock()
        self._ended: set[str] = set()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="upkeep")
        self._compaction: Future[dict[str, Any]] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._pool.shutdown()
        if error is None:
            self._note()
            self._drop_checkpoints()

    def __call__(self) -> None:
        """Look at the store if it is time."""
        self._note()
        if self._clock() - self._looked < PERIOD_SECONDS:
            return
        self._looked = self._clock()
        self._drop_checkpoints()
        if self._compaction is None and self._is_due():
            self._compaction = self._pool.submit(_compact, self._store)

    def _is_due(self) -> bool:
        covered, uncovered = self._store.segment_bytes()
        return uncovered >= max(_LEAST_BYTES, _LEAST_SHARE * covered)

    def _note(self) -> None:
        """Write down what a compaction that is done has done; one that failed comes again."""
        if self._compaction is None or not self._compaction.done():
            return
        done, self._compaction = self._compaction, None
        try:
            details = done.result()
        except (StoreReadError, StoreWriteError) as error:
            details = {"failure": str(error)}
        self._recorder.events(None, [Event(kind="compaction", details=details)])

    def _drop_checkpoints(self) -> None:
        stored = checkpointed_trials(self._store.uri)
        if not stored:
            return
        ended = {trial.trial_id for trial in self._agenda.trials() if trial.state in _ENDED}
        kept = self._kept() | (ended - self._ended)
        self._ended = ended
        for trial_id in stored:
            if trial_id in ended - kept:
                drop_checkpoints(self._store.uri, trial_id)

    def _kept(self) -> set[str]:
        """Trials of members, and of configurations that may become some once they are measured."""
        spec = self._agenda.spec
        measured: list[Configuration] = []
        unknown: list[Configuration] = []
        for configuration in self._agenda.configurations:
            (measured if is_measured(configuration, spec) else unknown).append(configuration)
        chosen = [one for one in measured if is_feasible(one)] or measured
        if chosen:
            points = np.array([mean_objectives(configuration, spec) for configuration in chosen])
            last = 1 if spec.replicates.allocate == "front" else 0
            near = non_dominated_ranks(points) <= last
            chosen = [one for one, is_near in zip(chosen, near, strict=True) if is_near]
        return {
            trial.trial_id
            for configuration in (*chosen, *unknown)
            for trial in configuration.trials
            if trial.state not in ("pruned", "failed")
        }


def _compact(store: StudyStore) -> dict[str, Any]:
    began = time.monotonic()
    opened = StudyStore.open(store.uri)
    opened.compact()
    return {"seconds": time.monotonic() - began, "damage": opened.damage()}
