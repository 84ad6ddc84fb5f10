"""The conductor as Ray Tune sees it: a Searcher, a Callback and a Stopper, all thin.

Tune asks the Searcher for a configuration and gets an assignment; it hands every report to the
scheduler (`joulefront.launch.scheduler`) and tells the Callback that the trial is over.
`TuneConfig` gets no metric and no mode: objectives are the conductor's affair.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ray
from ray import cloudpickle
from ray.exceptions import RayActorError, RayTaskError
from ray.tune import Stopper
from ray.tune.experiment import Trial
from ray.tune.progress_reporter import TrialProgressCallback
from ray.tune.search import Searcher

from joulefront.launch.conductor import Conductor
from joulefront.launch.knocking import Knocking
from joulefront.launch.plan import NodeEnd
from joulefront.launch.prefetch import Prefetcher
from joulefront.trial import Assignment
from joulefront.trial._group_ends import (
    PROCESS_DIED,
    RankLost,
    remove_orphaned_groups,
    stop_group,
)
from joulefront.trial._nodes import node_left
from joulefront.trial.assignment import ASSIGNMENT
from joulefront.trial.memory import is_out_of_memory

_GROUPS_END_SECONDS = 10.0  # for worker groups to end when the study is stopped


class NotPickled:
    """What Tune writes of this object into its own scratch files: nothing.

    Its state is the store's; Tune only needs not to fail when it saves itself.
    """

    def __getstate__(self) -> dict[str, Any]:
        return {}


class StudySearcher(NotPickled, Searcher):
    """Hand out assignments, one for each free slot.

    It answers None only while all slots are taken: Tune takes None on an idle slot as a reason to
    wait for seconds. A proposal that is not ready yet is waited for.

    Tune takes an exception in what it calls for a failure of the trial, or of itself. What is
    raised (a full disk, a bug) is therefore kept in `error`, and the study is stopped.

    Args:
        conductor: Of the study.
        slots: How many trials may run at once now; asked before each is handed out.
        prefetcher: Which the study's agenda has its proposals from.
    """

    def __init__(
        self, conductor: Conductor, slots: Callable[[], int], prefetcher: Prefetcher
    ) -> None:
        super().__init__()
        self._conductor = conductor
        self._slots = slots
        self._prefetcher = prefetcher
        self.running: dict[str, str] = {}
        self.trials: dict[str, Trial] = {}
        self.error: Exception | None = None
        self._began: dict[str, float] = {}
        self._overdue: set[str] = set()
        self._tidied = 0.0

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:
        """Return the configuration of Tune's next trial, None to wait, or that all is done."""
        if len(self.running) >= self._slots():
            return None
        assignment = None
        with self.kept():
            assignment = self._next()
        if assignment is not None:
            self.running[trial_id] = assignment.trial_id
            return {ASSIGNMENT: assignment.to_json()}
        done = self._conductor.finished or self._conductor.stopping
        return Searcher.FINISHED if done and not self.running else None

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """Do nothing: the Callback is told the same with more to go by."""

    def save(self, checkpoint_path: str) -> None:
        """Keep nothing: the store is the study's only state."""

    def restore(self, checkpoint_path: str) -> None:
        """Restore nothing: see `joulefront.launch.restoring`."""

    def release(self, trial_id: str, failure: BaseException | None) -> None:
        """Free the slot of a trial of Tune's that is over, by what it died of if it did."""
        self.trials.pop(trial_id, None)
        ours = self.running.pop(trial_id, None)
        self._began.pop(trial_id, None)
        if trial_id in self._overdue and failure is not None:
            failure = TimeoutError(f"timed out after {self._minutes:g} minutes")
        self._overdue.discard(trial_id)
        if ours is not None:
            with self.kept():
                left = node_left(failure)
                node = NodeEnd(host=left.host, notice=left.notice) if left else None
                reason = _reason(failure) if failure else None
                memory = failure is not None and is_out_of_memory(failure)
                self._conductor.ended(ours, reason, node, out_of_memory=memory)

    def began(self, trial_id: str) -> None:
        """Take in that the process of a trial of Tune's has been given its assignment."""
        self._began[trial_id] = time.monotonic()

    def remove_orphans(self) -> None:
        """Free the cores of worker groups that were killed, once a second."""
        now = time.monotonic()
        if self._conductor.spec.per_trial.workers and now - self._tidied >= 1.0:
            self._tidied = now
            remove_orphaned_groups()

    def end_overdue(self) -> None:
        """Kill the processes of trials that take longer than they may, whatever they do."""
        if self._minutes is None:
            return
        for tune_id, began in list(self._began.items()):
            trial = self.trials.get(tune_id)
            late = time.monotonic() - began > 60.0 * self._minutes
            if trial is None or not late or tune_id in self._overdue:
                continue
            self._overdue.add(tune_id)
            ray.kill(trial.temporary_state.ray_actor)

    @property
    def _minutes(self) -> float | None:
        return self._conductor.spec.per_trial.timeout_minutes

    def release_unstarted(self) -> None:
        """Free the slots of trials whose actor could not be reset: Tune tells nobody of them.

        That is where the trial before has been stopped and does not end. Tune has thrown its
        process away, so that each such trial costs one attempt of one other.
        """
        for tune_id, trial in list(self.trials.items()):
            if trial.status != Trial.ERROR:
                continue
            if tune_id in self._began:
                self.release(tune_id, _error_of(trial))
                continue
            del self.trials[tune_id]
            ours = self.running.pop(tune_id, None)
            if ours is not None:
                with self.kept():
                    self._conductor.unbegun(ours)

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Keep what is raised inside, and stop the study."""
        try:
            yield
        except Exception as error:
            self.error = self.error or error
            self._conductor.stop()

    def _next(self) -> Assignment | None:
        assignment = self._conductor.next_assignment()
        if assignment is not None:
            agenda = self._conductor.agenda
            waiting = agenda.count("queued") > 0
            self._prefetcher.prepare(None if waiting else agenda.proposal_request())
        return assignment


class StudyCallback(NotPickled, TrialProgressCallback):
    """Free the slots of trials that are over, and let the display breathe.

    It stands in for Tune's own progress, which would print nothing and keep every trial.

    Args:
        searcher: Which knows Tune's trials by our names.
        refresh: Called at every step of Tune's loop.
    """

    def __init__(self, searcher: StudySearcher, refresh: Callable[[], None]) -> None:
        super().__init__()
        self._searcher = searcher
        self._refresh = refresh
        self._knock = Knocking()

    def on_trial_result(self, *_: Any, **__: Any) -> None:
        """Do nothing: the scheduler has been told."""

    def on_trial_start(self, iteration: int, trials: list[Trial], trial: Trial, **_: Any) -> None:
        """Begin to watch the trial's time."""
        self._searcher.began(trial.trial_id)

    def on_trial_complete(
        self, iteration: int, trials: list[Trial], trial: Trial, **_: Any
    ) -> None:
        """Free the slot; the conductor knows what came of the trial."""
        self._searcher.release(trial.trial_id, None)

    def on_trial_error(self, iteration: int, trials: list[Trial], trial: Trial, **_: Any) -> None:
        """Free the slot of a trial whose process raised or died."""
        self._searcher.release(trial.trial_id, _error_of(trial))

    def on_step_end(self, iteration: int, trials: list[Trial], **_: Any) -> None:
        """Free what nobody else frees, end what is overdue, and refresh the display."""
        self._searcher.release_unstarted()
        self._searcher.end_overdue()
        self._searcher.remove_orphans()
        self._knock(self._searcher.trials.values())
        with self._searcher.kept():
            self._refresh()


class StudyStopper(NotPickled, Stopper):
    """End Tune's loop, and the trials that run, once the conductor is stopping.

    Worker groups end themselves before that: what Tune leaves of them would outlive the study.

    Args:
        conductor: Of the study.
        searcher: Which knows the trials that run.
    """

    def __init__(self, conductor: Conductor, searcher: StudySearcher) -> None:
        self._conductor = conductor
        self._searcher = searcher
        self._deadline = math.inf

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        """Stop no trial by itself."""
        return False

    def stop_all(self) -> bool:
        """Return whether everything is to stop now."""
        if not self._conductor.stopping or not self._conductor.spec.per_trial.workers:
            return self._conductor.stopping
        if math.isinf(self._deadline):
            self._deadline = time.monotonic() + _GROUPS_END_SECONDS
            for tune_id in self._searcher.running:
                stop_group(tune_id)
        return not self._searcher.running or time.monotonic() > self._deadline


def _error_of(trial: Trial) -> BaseException:
    """Return what a trial of Tune's died of, which Tune has just written into its own scratch."""
    file = trial.pickled_error_file
    if file is None or not Path(file).exists():
        return RuntimeError("ended without a word")
    error: BaseException = cloudpickle.loads(Path(file).read_bytes())
    return error


def _reason(error: BaseException) -> str:
    """Return what to tell of an error in one line."""
    if is_out_of_memory(error) and not isinstance(error, RayTaskError):
        return "out of memory: its process was ended by Ray's memory monitor"
    cause = error.cause if isinstance(error, RayTaskError) else error
    if isinstance(cause, RankLost):
        return str(cause)
    if isinstance(cause, RayActorError):  # Ray's own text is a page of guesses
        return PROCESS_DIED
    lines = str(error).strip().splitlines()
    return lines[-1].strip() if lines else type(error).__name__
