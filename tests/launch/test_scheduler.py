from __future__ import annotations

from types import SimpleNamespace

import pytest
from ray.tune.experiment import Trial
from ray.tune.schedulers import TrialScheduler

from joulefront.launch.prefetch import Prefetcher
from joulefront.launch.scheduler import StudyScheduler, forget_trials
from joulefront.launch.searcher import StudyCallback, StudySearcher
from joulefront.spec import PerTrial
from joulefront.trial.messages import MESSAGE, Closing, Report, encode

REPORT = {MESSAGE: encode(Report(epoch=1, metrics={"accuracy": 0.5}))}


class Conducted:
    """A conductor that wants every trial stopped, or none, or fails."""

    def __init__(self, answer: bool | Exception, workers: int = 0) -> None:
        self.answer = answer
        self.spec = SimpleNamespace(per_trial=PerTrial(workers=workers))
        self.received: list[str] = []
        self.over: list[tuple[str, str | None]] = []
        self.stopping = False

    def receive(self, trial_id: str, message: object) -> bool:
        self.received.append(trial_id)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def ended(
        self, trial_id: str, failure: str | None, node: object, *, out_of_memory: bool
    ) -> None:
        assert node is None and not out_of_memory
        self.over.append((trial_id, failure))

    def unbegun(self, trial_id: str) -> None:
        self.over.append((trial_id, "not begun"))

    def stop(self) -> None:
        self.stopping = True


class Actor:
    """Of a trial of Tune's: counts how often it was let go."""

    def __init__(self) -> None:
        self.let_go = 0
        self.reset_config = SimpleNamespace(remote=self._reset)

    def _reset(self, config: object) -> None:
        self.let_go += 1


def tune_trial(status: str = Trial.RUNNING) -> SimpleNamespace:
    return SimpleNamespace(
        trial_id="tune_1",
        status=status,
        temporary_state=SimpleNamespace(ray_actor=Actor()),
        pickled_error_file=None,
    )


@pytest.fixture
def make():
    def make(answer: bool | Exception, **changes: int):
        conductor = Conducted(answer, **changes)
        searcher = StudySearcher(conductor, lambda: 2, Prefetcher(lambda: 2))
        searcher.running["tune_1"] = "c0000-f0-s0"
        return conductor, searcher, StudyScheduler(searcher, conductor)

    return make


def test_a_trial_goes_on_if_the_conductor_lets_it(make):
    conductor, _, scheduler = make(False)
    trial = tune_trial()
    assert scheduler.on_trial_result(None, trial, REPORT) == TrialScheduler.CONTINUE
    assert conductor.received == ["c0000-f0-s0"] and not trial.temporary_state.ray_actor.let_go


def test_a_trial_that_is_stopped_is_let_go_at_once(make):
    _, _, scheduler = make(True)
    trial = tune_trial()
    assert scheduler.on_trial_result(None, trial, REPORT) == TrialScheduler.STOP
    assert trial.temporary_state.ray_actor.let_go == 1


@pytest.mark.parametrize(("state", "workers"), [("complete", 0), ("failed", 0), ("complete", 2)])
def test_only_a_process_that_has_completed_a_trial_is_let_go(make, state, workers):
    conductor, _, scheduler = make(False, workers=workers)
    trial = tune_trial()
    closing = {MESSAGE: encode(Closing(state=state))}
    answer = scheduler.on_trial_result(None, trial, closing)
    ends = state == "complete" and not workers
    assert answer == (TrialScheduler.STOP if ends else TrialScheduler.CONTINUE)
    assert trial.temporary_state.ray_actor.let_go == ends
    assert conductor.received == ["c0000-f0-s0"]


def test_a_worker_group_is_told_to_leave_and_not_heard_any_more(make, monkeypatch):
    told = []
    monkeypatch.setattr("joulefront.launch.scheduler.stop_group", told.append)
    conductor, _, scheduler = make(True, workers=2)
    trial = tune_trial()
    for _ in range(2):
        assert scheduler.on_trial_result(None, trial, REPORT) == TrialScheduler.CONTINUE
    assert told == ["tune_1"] and conductor.received == ["c0000-f0-s0"]


def test_reports_of_others_are_nobodys(make):
    conductor, searcher, scheduler = make(True)
    assert scheduler.on_trial_result(None, tune_trial(), {}) == TrialScheduler.CONTINUE
    searcher.running.clear()
    assert scheduler.on_trial_result(None, tune_trial(), REPORT) == TrialScheduler.CONTINUE
    assert not conductor.received


def test_what_the_conductor_raises_stops_the_study_and_is_kept(make):
    conductor, searcher, scheduler = make(OSError("disk full"))
    assert scheduler.on_trial_result(None, tune_trial(), REPORT) == TrialScheduler.CONTINUE
    assert conductor.stopping and str(searcher.error) == "disk full"


def test_a_trial_whose_actor_could_not_be_reset_frees_its_slot(make):
    conductor, searcher, scheduler = make(False)
    trial = tune_trial()
    scheduler.on_trial_add(None, trial)
    callback = StudyCallback(searcher, lambda: None)
    callback.on_step_end(0, [])
    assert not conductor.over
    trial.status = Trial.ERROR
    callback.on_step_end(1, [])
    callback.on_step_end(2, [])
    assert conductor.over == [("c0000-f0-s0", "not begun")]
    assert not searcher.running and not searcher.trials


class TunesTrial:
    def __init__(self, over: bool) -> None:
        self.is_finished = lambda: over


def test_tune_forgets_trials_that_are_long_over() -> None:
    trials = [TunesTrial(over=number != 3) for number in range(1000)]
    held = {name: set(trials) for name in ("_stopped_trials", "_failed_trials", "_trials_to_cache")}
    controller = SimpleNamespace(_trials=list(trials), **held)
    forget_trials(controller)
    last = trials[-200:]
    assert controller._trials == [trials[3], *last]
    assert all(kept == {trials[3], *last} for kept in held.values())
    forget_trials(controller)
    assert len(controller._trials) == 201
