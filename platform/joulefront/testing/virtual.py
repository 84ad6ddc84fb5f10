"""A whole study on a virtual clock: the real agenda, sampler, rules and store, without Ray.

A `Problem` says what a trial of some parameters would report and when. The conductor is driven as
Tune would drive it, one message after the other in the order of the clock, so that a search of
hours takes seconds. What the driver itself computes is measured and counts, as joules and as time.
Not here: any judgement of what comes out.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from joulefront.launch.agenda import Agenda
from joulefront.launch.billing import StudyBill
from joulefront.launch.conductor import Conductor
from joulefront.launch.proposing import Proposer, run_now
from joulefront.launch.recorder import Recorder
from joulefront.spec import Budget, StudySpec
from joulefront.store import StudyStore
from joulefront.testing.problem import Epoch, Problem, Run
from joulefront.trial import Assignment
from joulefront.trial.messages import ChargeRow, Closing, Event, Report

JOULES_PER_CPU_SECOND = 3.6
"""Of the machine whose trials are replayed: the one that the shipped table was recorded on."""


@dataclass(kw_only=True, slots=True)
class VirtualTrial:
    """What became of one trial.

    Attributes:
        config_id: Of the configuration that it measured.
        params: Of the configuration.
        values: Objectives as last reported, minimised; final ones if it is complete.
        tests: The same objectives with the test fold's metrics where there are any; empty unless
            complete.
        state: "running", "complete", or "pruned" if it was ended early.
        epochs: That it has reported.
        joules: That it has cost up to then.
    """

    config_id: str
    params: Mapping[str, Any]
    fold: int
    seed: int
    values: tuple[float, ...] = ()
    tests: tuple[float, ...] = ()
    state: str = "running"
    epochs: int = 0
    joules: float = 0.0


@dataclass(kw_only=True, slots=True)
class Simulated:
    """A study that was simulated, or is being so.

    Attributes:
        trials: In the order in which they began.
        seconds: What the virtual clock shows.
        search_cpu_seconds: What the driver has computed: proposals, rules, bookkeeping.
        proposal_cpu_seconds: Of each assignment that was asked for.
        end_reason: As the study tells it; None if it was cut off.
    """

    trials: list[VirtualTrial] = field(default_factory=list)
    seconds: float = 0.0
    search_cpu_seconds: float = 0.0
    proposal_cpu_seconds: list[float] = field(default_factory=list)
    end_reason: str | None = None

    @property
    def joules(self) -> float:
        """What all trials, the running ones too, and the search have cost up to now."""
        search = self.search_cpu_seconds * JOULES_PER_CPU_SECOND
        return sum(trial.joules for trial in self.trials) + search

    @contextmanager
    def searching(self) -> Iterator[None]:
        """Count the CPU time of what is done inside as the search's, on both clocks."""
        before = time.process_time()
        try:
            yield
        finally:
            used = time.process_time() - before
            self.search_cpu_seconds += used
            self.seconds += used


Watch = Callable[[Simulated], bool]


def problem_spec(problem: Problem, *, budget: Budget, **sections: Any) -> StudySpec:
    """Return a study of a problem: whatever is not given has the platform's defaults."""
    return StudySpec(
        name=problem.name,
        trainable="joulefront.testing.virtual:simulate",
        fixed={"epochs": problem.epochs},
        space=problem.space,
        objectives=problem.objectives,
        budget=budget,
        **sections,
    )


def simulate(
    spec: StudySpec,
    problem: Problem,
    *,
    store: Path,
    watch: Watch = lambda simulated: False,
    proposer: Proposer = run_now,
    tell_complete: bool = False,
) -> Simulated:
    """Run a study to its end.

    Args:
        spec: Of the problem, as by `problem_spec`; `search.concurrent` slots, two by default.
        problem: What the trials are.
        store: Folder for the study directory, which must not hold one.
        watch: Called after each trial; a true answer cuts the study off.
        proposer: Who carries out a request for a proposal; the agenda itself by default.
        tell_complete: A known fault, for benches: trials that a rule ends are told as complete.
    """
    model = {"joules_per_cpu_second": JOULES_PER_CPU_SECOND}
    header = {
        "name": spec.name,
        "schema_version": 1,
        "spec": spec.to_dict(),
        "power_model": model,
        "node_class": "virtual",
        "grid_intensity_grams_per_kwh": spec.energy.grams_per_kwh,
    }
    study = StudyStore.create(store, header)
    simulated = Simulated()
    with study.writer() as writer:
        recorder = Recorder(writer, StudyBill(store=study), spec.energy.grams_per_kwh)
        conductor = Conductor(
            Agenda(
                spec,
                proposer=proposer,
                joules_per_cpu_second=JOULES_PER_CPU_SECOND,
                clock=lambda: simulated.seconds,
            ),
            recorder,
            store=study.path,
            header=header,
            clock=lambda: simulated.seconds,
            cpu_clock=lambda: simulated.search_cpu_seconds,
        )
        recorder.events(None, [Event(kind="study_started", details={"resumed": False})])
        _Drive(conductor, problem, simulated, tell_complete).all(spec.search.concurrent or 2, watch)
    return simulated


class _Drive:
    """Let trials take turns on the clock."""

    def __init__(
        self, conductor: Conductor, problem: Problem, simulated: Simulated, tell_complete: bool
    ) -> None:
        self._conductor = conductor
        self._problem = problem
        self._simulated = simulated
        self._tell_complete = tell_complete
        self._waiting: list[tuple[float, int, int]] = []  # time, trial, epoch from 0
        self._running: dict[int, tuple[Assignment, Run, float]] = {}

    def all(self, slots: int, watch: Watch) -> None:
        simulated = self._simulated
        while True:
            while len(self._running) < slots and self._begin():
                pass
            if not self._running:
                break
            if self._step() and watch(simulated):
                return
        simulated.end_reason = self._conductor.agenda.end_reason

    def _begin(self) -> bool:
        simulated = self._simulated
        before = simulated.search_cpu_seconds
        with simulated.searching():
            assignment = self._conductor.next_assignment()
        simulated.proposal_cpu_seconds.append(simulated.search_cpu_seconds - before)
        if assignment is None:
            return False
        space = self._problem.space
        params = {name: v for name, v in assignment.parameters.items() if name in space}
        run = self._problem.run(params, fold=assignment.fold, seed=assignment.seed)
        number = len(simulated.trials)
        self._running[number] = (assignment, run, simulated.seconds)
        simulated.trials.append(
            VirtualTrial(
                config_id=assignment.config_id,
                params=params,
                fold=assignment.fold,
                seed=assignment.seed,
            )
        )
        self._wait(number, 0)
        return True

    def _wait(self, number: int, epoch: int) -> None:
        _, run, began = self._running[number]
        heapq.heappush(self._waiting, (began + run.epochs[epoch].seconds, number, epoch))

    def _step(self) -> bool:
        """Take in the next report; return whether it was its trial's last."""
        at, number, index = heapq.heappop(self._waiting)
        simulated = self._simulated
        simulated.seconds = max(simulated.seconds, at)
        assignment, run, _ = self._running[number]
        epoch, trial = run.epochs[index], simulated.trials[number]
        trial.epochs, trial.joules = index + 1, epoch.joules
        trial.values = self._values({**epoch.metrics, "energy_joules": epoch.joules})
        report = Report(
            epoch=index + 1,
            metrics=epoch.metrics,
            charges=_charges(epoch),
            duration_seconds=epoch.seconds,
        )
        with simulated.searching():
            stop = self._conductor.receive(assignment.trial_id, report)
        last = index + 1 == len(run.epochs)
        if not (stop or last):
            self._wait(number, index + 1)
            return False
        complete = last or self._tell_complete
        if complete:
            measured = {**epoch.metrics, "energy_joules": epoch.joules}
            trial.tests = self._values(measured, run.tests)
        trial.state = "complete" if complete else "pruned"
        with simulated.searching():
            if complete:
                self._conductor.receive(assignment.trial_id, _closing(epoch, run))
            self._conductor.ended(assignment.trial_id, None)
        del self._running[number]
        return True

    def _values(
        self, metrics: Mapping[str, float], tests: Mapping[str, float] | None = None
    ) -> tuple[float, ...]:
        tests = tests or {}
        return tuple(
            objective.sign * tests.get(f"test_{objective.metric}", metrics[objective.metric])
            for objective in self._problem.objectives
        )


def _closing(epoch: Epoch, run: Run) -> Closing:
    return Closing(
        state="complete",
        metrics=dict(epoch.metrics) | dict(run.tests),
        charges=_charges(epoch),
        duration_seconds=epoch.seconds,
        node_class="virtual",
    )


def _charges(epoch: Epoch) -> tuple[ChargeRow, ...]:
    row = ChargeRow(
        host="virtual", device="cpu", component="cpu", joules=epoch.joules, provenance="modelled"
    )
    return (row,)
