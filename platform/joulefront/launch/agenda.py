"""What has run, what runs, and what is next: the study's plan, without Ray and without a disk.

The agenda turns a history into assignments: first what has to run again, then the replicates of
what was proposed, then the race for the front, then a new proposal. It is rebuilt from the store's
rows on resume, and because a proposal is a pure function of that history, an interrupted study goes
on as if nothing had happened. It neither stores anything nor knows how a trial is carried out.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence

from joulefront.launch.observations import PROPOSAL_JOULES
from joulefront.launch.plan import Configuration, Role, TrialPlan, key_of
from joulefront.launch.proposing import MadeProposal, ProposalRequest, Proposer, run_now
from joulefront.launch.racing import next_in_race, share_is_spent
from joulefront.launch.roster import Roster
from joulefront.search import Observation, SpaceExhausted
from joulefront.spec import StudySpec
from joulefront.stopping import End

MOST_REMEASUREMENTS = 2
"""How often a trial whose charge is degraded is measured again, where quality is strict."""

MOST_NODES_LOST = 10
"""After so many nodes that a trial was lost with, it is taken to be what takes them down."""

MOST_OUT_OF_MEMORY = 1
"""How often a trial is tried again that was out of memory: it needs the same the next time."""

MOST_FAILED_AT_FIRST = 10
"""Configurations that may fail for good before anything else has come of a study."""

_SPENT = ("budget.hours", "budget.energy_wh", "budget.emissions_grams")
"""Ends after which nothing begins any more, not even a replicate of what was proposed."""


class Agenda(Roster):
    """The plan of one study.

    Args:
        spec: What the study is.
        prior: What the search knows from other studies.
        proposer: Carries out a request for a proposal.
        joules_per_cpu_second: Of the machine that proposals are made on.
        clock: Seconds that pass, by which trials are tried again after a while.
    """

    def __init__(
        self,
        spec: StudySpec,
        *,
        prior: Sequence[Observation] = (),
        proposer: Proposer = run_now,
        joules_per_cpu_second: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(spec, prior)
        self.proposer = proposer
        self.ended: End | None = None
        self._joules_per_cpu_second = joules_per_cpu_second
        self._clock = clock
        self._again: deque[TrialPlan] = deque()
        self._forgiven = 0

    @property
    def end_reason(self) -> str | None:
        """Why nothing is proposed any more; None while it is."""
        return None if self.ended is None else f"{self.ended.kind}: {self.ended.text}"

    @property
    def finished(self) -> bool:
        """Whether nothing runs and nothing is left to run."""
        if self.ended is None or self.count("running"):
            return False
        return self.is_spent or not (self.count("queued") or self._races())

    def next_trial(self) -> TrialPlan | None:
        """Hand out the next trial, now running as one attempt more, or None if there is none."""
        if self.is_spent:
            return None
        trial = self._take()
        if trial is None:
            if not self._race():
                self._propose()
            trial = self._take()
        if trial is None:
            return None
        self._move(trial, "running")
        trial.attempt += 1
        return trial

    def proposal_request(self) -> ProposalRequest | None:
        """Return what the next proposal depends on; None if there will be no other."""
        most = self.spec.budget.trials
        if self.ended is not None or (most is not None and self.proposals >= most):
            return None
        return ProposalRequest(index=self.proposals, spec=self.spec, history=self.history())

    def complete(
        self,
        trial_id: str,
        values: tuple[float, ...],
        *,
        violations: tuple[float, ...] = (),
        joules: float = 0.0,
    ) -> None:
        """Count a trial as fully measured."""
        trial = self._trials[trial_id]
        trial.values, trial.violations, trial.joules = values, violations, joules
        self._move(trial, "complete")

    def prune(self, trial_id: str, projected: tuple[float, ...], *, joules: float = 0.0) -> None:
        """Count a trial as ended early by a rule; replicates that have not begun are given up.

        Args:
            trial_id: The trial.
            projected: What its objectives would have come to, minimised.
            joules: Spent on all its attempts.
        """
        trial = self._trials[trial_id]
        trial.values, trial.joules = projected, joules
        self._move(trial, "pruned")
        self._give_up_siblings(trial)

    def stop(self, trial_id: str, *, joules: float = 0.0) -> None:
        """Count a trial as ended by a strict budget: it goes on if the budget grows."""
        trial = self._trials[trial_id]
        trial.joules = joules
        self._move(trial, "stopped")

    def fail(
        self,
        trial_id: str,
        *,
        retryable: bool,
        out_of_memory: bool = False,
        joules: float = 0.0,
    ) -> bool:
        """Count a failure; return whether the trial will be tried again.

        The first time it is tried at once; then after a second, and after twice as long each time,
        a minute at most, while others go on. A configuration that has lost a trial for good can be
        no member of the front where all are asked for, so its replicates that have not begun are
        given up.
        """
        trial = self._trials[trial_id]
        trial.failures += 1
        trial.memory_failures += out_of_memory
        trial.joules = joules
        starved = trial.memory_failures > MOST_OUT_OF_MEMORY
        if retryable and not starved and trial.failures <= self.spec.per_trial.max_failures:
            self.retry(trial_id)
            return True
        self._move(trial, "failed")
        self._give_up_siblings(trial)
        return False

    def retry(self, trial_id: str) -> None:
        """Run a trial that has failed again, once it has waited for as long as `fail` says."""
        trial = self._trials[trial_id]
        trial.not_before = self._clock() + trial.delay_seconds
        self.requeue(trial_id)

    def give_hope(self) -> None:
        """Forgive what has failed up to now: whoever resumes a study has seen it."""
        self._forgiven = self.failed_configurations

    @property
    def is_hopeless(self) -> bool:
        """Whether so many configurations have failed, and nothing has come of any other."""
        nothing = not (self.count("complete") or self.count("pruned") or self.count("stopped"))
        return nothing and self.failed_configurations - self._forgiven >= MOST_FAILED_AT_FIRST

    def remeasure(self, trial_id: str) -> bool:
        """Run a complete trial, whose charge is degraded, again from scratch; return whether.

        That is, where the study's quality is strict and it was not done often enough already.
        """
        trial = self._trials[trial_id]
        strict = self.spec.energy.quality == "strict"
        if not strict or len(trial.discarded) >= MOST_REMEASUREMENTS:
            return False
        trial.discarded.append(trial.attempt)
        self.requeue(trial_id)
        return True

    def requeue(self, trial_id: str) -> None:
        """Run a trial again before anything new, without counting a failure."""
        trial = self._trials[trial_id]
        self._move(trial, "queued")
        self._again.append(trial)

    def lose(self, trial_id: str) -> bool:
        """Run a trial again whose node was lost; return whether: some trials take nodes down."""
        trial = self._trials[trial_id]
        trial.nodes_lost += 1
        if trial.nodes_lost > MOST_NODES_LOST:
            return False
        self.requeue(trial_id)
        return True

    def end(self, end: End) -> None:
        """Propose nothing any more.

        What has been proposed is still measured, unless time, energy or emissions are spent.
        """
        if self.ended is None or (end.kind in _SPENT and not self.is_spent):
            self.ended = end

    @property
    def is_spent(self) -> bool:
        """Whether time, energy or emissions are spent: nothing begins any more."""
        return self.ended is not None and self.ended.kind in _SPENT

    def _propose(self) -> None:
        request = self.proposal_request()
        if request is None:
            most = self.spec.budget.trials
            self.end(End("budget.trials", f"{most} of {most} configurations were proposed"))
            return
        try:
            made = self.proposer(request)
        except SpaceExhausted:
            self.end(End("search.sampler", "the grid is exhausted"))
            return
        self._accept(request, made)

    def _accept(self, request: ProposalRequest, made: MadeProposal) -> None:
        """Plan what was proposed; what was proposed before becomes a replicate of that."""
        params = made.proposal.params
        known = self._by_parameters.get(key_of(params))
        if known is not None:
            self.replicate(known, request.index)
            return
        joules = made.cpu_seconds * self._joules_per_cpu_second
        attributes = made.proposal.attributes | {PROPOSAL_JOULES: joules}
        role: Role = "enqueued" if request.is_enqueued else "search"
        self.add(params, attributes, proposal_index=request.index, role=role)

    def _races(self) -> Configuration | None:
        """Return whom the race for the front would evaluate again now."""
        replicates = self.spec.replicates
        if replicates.allocate != "front" or self.is_spent:
            return None
        if share_is_spent(list(self._trials.values()), replicates.racing_share):
            return None
        return next_in_race(self.configurations, self.spec)

    def _race(self) -> bool:
        chosen = self._races()
        if chosen is not None:
            self.add_trial(chosen, *self._place(len(chosen.trials)), "replicate")
        return chosen is not None

    def _take(self) -> TrialPlan | None:
        now = self._clock()
        for trial in list(self._again):
            if trial.state != "queued" or trial.not_before <= now:
                self._again.remove(trial)
            if trial.state == "queued" and trial.not_before <= now:
                return trial
        while self._fresh:
            trial = self._fresh.popleft()
            if trial.state == "queued" and not trial.attempt:
                return trial
        return None
