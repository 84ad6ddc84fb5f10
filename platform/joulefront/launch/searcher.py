"""The conductor as Ray Tune sees it: a Searcher, a Callback and a Stopper, all thin.

Tune asks the Searcher for a configuration and gets an assignment; it hands every report to the
Callback and then tells the Searcher that the trial is over. `TuneConfig` gets no metric and no
mode: objectives are the conductor's affair.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ray.tune import Callback, Stopper
from ray.tune.experiment import Trial
from ray.tune.search import Searcher

from joulefront.launch.conductor import Conductor
from joulefront.trial import Assignment
from joulefront.trial._ray import ASSIGNMENT, MESSAGE
from joulefront.trial.messages import decode


class _NotPickled:
    """What Tune writes of this object into its own scratch files: nothing.

    Its state is the store's; Tune only needs not to fail when it saves itself.
    """

    def __getstate__(self) -> dict[str, Any]:
        return {}


class StudySearcher(_NotPickled, Searcher):
    """Hand out assignments, one for each free slot.

    It proposes when a slot is free and not before, so that every proposal knows all results there
    are (at concurrency 1: ask after tell). It answers None only while all slots are taken: Tune
    takes None on an idle slot as a reason to wait for seconds.

    Args:
        conductor: Of the study.
        concurrent: Slots.
    """

    def __init__(self, conductor: Conductor, concurrent: int) -> None:
        super().__init__()
        self._conductor = conductor
        self._concurrent = concurrent
        self.running: dict[str, str] = {}
        self.error: Exception | None = None

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:
        """Return the configuration of Tune's next trial, None to wait, or that all is done."""
        if len(self.running) >= self._concurrent:
            return None
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

    def _next(self) -> Assignment | None:
        try:
            return self._conductor.next_assignment()
        except Exception as error:
            self.error = error
            self._conductor.stop()
            return None

    def release(self, trial_id: str, failure: str | None) -> None:
        """Free the slot of a trial of Tune's that is over."""
        ours = self.running.pop(trial_id, None)
        if ours is not None:
            self._conductor.ended(ours, failure)


class StudyCallback(_NotPickled, Callback):
    """Pass on what trials report, and let the display breathe.

    Tune takes an exception in a callback for a failure of the trial. What is raised here (a full
    disk, a bug) is therefore kept in `error`, and the study is stopped.

    Args:
        searcher: Which knows Tune's trials by our names.
        conductor: Of the study.
        refresh: Called at every step of Tune's loop.
    """

    def __init__(
        self, searcher: StudySearcher, conductor: Conductor, refresh: Callable[[], None]
    ) -> None:
        self._searcher = searcher
        self._conductor = conductor
        self._refresh = refresh
        self.error: Exception | None = None

    def on_trial_result(
        self, iteration: int, trials: list[Trial], trial: Trial, result: dict[str, Any], **_: Any
    ) -> None:
        """Give the conductor the message in a report."""
        message = result.get(MESSAGE)
        ours = self._searcher.running.get(trial.trial_id)
        if message is not None and ours is not None:
            with self._kept():
                self._conductor.receive(ours, decode(message))

    def on_trial_complete(
        self, iteration: int, trials: list[Trial], trial: Trial, **_: Any
    ) -> None:
        """Free the slot; the conductor knows from the closing message what came of the trial."""
        with self._kept():
            self._searcher.release(trial.trial_id, None)

    def on_trial_error(self, iteration: int, trials: list[Trial], trial: Trial, **_: Any) -> None:
        """Free the slot of a trial whose process raised or died."""
        with self._kept():
            self._searcher.release(trial.trial_id, _last_line(trial.get_error()))

    def on_step_end(self, iteration: int, trials: list[Trial], **_: Any) -> None:
        """Refresh the display."""
        with self._kept():
            self._refresh()

    @contextmanager
    def _kept(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            self.error = self.error or error
            self._conductor.stop()


class StudyStopper(_NotPickled, Stopper):
    """End Tune's loop, and the trials that run, once the conductor is stopping."""

    def __init__(self, conductor: Conductor) -> None:
        self._conductor = conductor

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        """Stop no trial by itself."""
        return False

    def stop_all(self) -> bool:
        """Return whether everything is to stop now."""
        return self._conductor.stopping


def _last_line(error: Exception | None) -> str:
    lines = str(error).strip().splitlines() if error else []
    return lines[-1].strip() if lines else "its process died before it could say why"
