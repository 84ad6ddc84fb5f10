"""Which of Tune's trials go on: the conductor's answer to each report, as a `TrialScheduler`.

The rules are `joulefront.stopping`'s and their use is the conductor's; this one carries the answer
out. Tune leaves the thread of a stopped trial blocked in its report, with its cores leased and its
windows open, until the actor is needed again: here it is let go at once. `SystemExit` then ends it
from within `tune.report`, through every `finally` of the trainable and of the runner.

A trial that completes is ended in the same way: its closing message is its last word, and to wait
for Tune's own would cost one more answer. A worker group that is to stop is told so, and ends
itself: Tune would leave its placement group behind.
"""

from __future__ import annotations

from typing import Any

from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler, TrialScheduler

from joulefront.launch.conductor import Conductor
from joulefront.launch.searcher import NotPickled, StudySearcher
from joulefront.trial._group_ends import stop_group
from joulefront.trial.messages import MESSAGE, Closing, decode

_KEPT = 200  # Tune's last trials, with which its loop may not be done yet
_HOLDING = ("_stopped_trials", "_failed_trials", "_trials_to_cache")  # beside `_trials`


class StudyScheduler(NotPickled, FIFOScheduler):
    """Give the conductor what trials report, and stop those that it wants stopped.

    Args:
        searcher: Which knows Tune's trials by our names.
        conductor: Of the study.
    """

    def __init__(self, searcher: StudySearcher, conductor: Conductor) -> None:
        super().__init__()
        self._searcher = searcher
        self._conductor = conductor
        self._leaving: set[str] = set()

    def on_trial_add(self, tune_controller: Any, trial: Trial) -> None:
        """Let the searcher know Tune's trial."""
        self._searcher.trials[trial.trial_id] = trial

    def choose_trial_to_run(self, tune_controller: Any) -> Trial | None:
        """Return the last of the trials that wait for an actor.

        Those before it have one that is starting. If they were given that of a trial that has
        ended, Tune would drop theirs, and where trials are shorter than an actor's start, there
        would never be a second one.
        """
        forget_trials(tune_controller)
        waiting = (t for t in self._searcher.trials.values() if t.status == Trial.PENDING)
        return next(reversed([*waiting]), None)

    def on_trial_result(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> str:
        """Give the conductor the message in a report; return STOP if the trial is to end there."""
        message = result.get(MESSAGE)
        ours = self._searcher.running.get(trial.trial_id)
        if message is None or ours is None or trial.trial_id in self._leaving:
            return str(TrialScheduler.CONTINUE)
        told = decode(message)
        stops = False
        with self._searcher.kept():
            stops = self._conductor.receive(ours, told)
        if self._conductor.spec.per_trial.workers:
            if stops:
                self._leaving.add(trial.trial_id)
                stop_group(trial.trial_id)
            return str(TrialScheduler.CONTINUE)
        completes = isinstance(told, Closing) and told.state == "complete"
        if not stops and not completes:
            return str(TrialScheduler.CONTINUE)
        trial.temporary_state.ray_actor.reset_config.remote({})
        return str(TrialScheduler.STOP)


def forget_trials(tune_controller: Any) -> None:
    """Have Tune drop what it keeps of trials that are over, 50 kB each, but for the last ones.

    It would keep them for its own results and files, which nobody reads here.
    """
    trials = tune_controller._trials
    sets = [getattr(tune_controller, name) for name in _HOLDING]
    if len(trials) < 2 * _KEPT:
        return
    over = {trial for trial in trials[:-_KEPT] if trial.is_finished()}
    trials[:] = [trial for trial in trials if trial not in over]
    for held in sets:
        held.difference_update(over)
