"""How long slots stand idle for want of a proposal: whole studies on a Ray of their own.

Three studies of trials that keep a core busy for 1.5 s run two at a time, one study after the
other, with a clock outside of the platform: each trial writes down when it began and when it ended.

    random   proposals cost nothing: what a slot waits here is the platform's handling of trials
    gp       Gaussian processes, the next proposal made while all slots are taken
    mutant   the same, no proposal made beforehand, and Tune told None until there is one

A slot is idle between two trials, counted from when the last slot begins its second one, after all
imports, to when the last trial of the study begins. The share that is idle for want of a proposal
is what a study has above `random`, and may be slightly below zero.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from joulefront.launch.cluster import ray_cluster
from joulefront.launch.searcher import StudySearcher
from joulefront.spec import Budget, Choice, Float, Int, Objective, Search, StudySpec
from joulefront.trial import Assignment, TrialContext

_SLOTS = 2
_SECONDS = 1.5
_TRIALS = {"random": 12, "gp": 24, "mutant": 16}


@dataclass(frozen=True, kw_only=True)
class Config:
    """Of a trial that takes its time."""

    x: float = 0.5  # 0 … 1
    rate: float = 0.1  # 1e-4 … 1
    width: int = 8  # 1 … 64
    kind: str = "a"  # a, b
    spans: str = ""  # file that takes each trial's begin and end


def train(config: Config, trial: TrialContext) -> None:
    """Keep a core busy, and say from when to when."""
    began = time.monotonic()
    while time.monotonic() - began < _SECONDS:
        pass
    loss = (config.x - 0.3) ** 2 + config.rate + (config.kind == "b")
    trial.report({"loss": loss, "cost": config.width * (1.0 + config.x)})
    with open(config.spans, "a", encoding="ascii") as spans:
        spans.write(json.dumps([began, time.monotonic()]) + "\n")


@dataclass(frozen=True, kw_only=True, slots=True)
class Idle:
    """What was measured.

    Attributes:
        rows: One a study: what it was, its trials' begins and ends in seconds, and its idle share.
        share: Of slot time, idle for want of a proposal.
        mutant_share: The same of the mutant.
    """

    rows: list[dict[str, Any]]
    share: float
    mutant_share: float


def measure() -> Idle:
    """Run the three studies; takes about 70 s on two cores."""
    rows: list[dict[str, Any]] = []
    with ray_cluster(None, cpus=1, slots=_SLOTS, gpus=0):
        for what in _TRIALS:
            spans = _spans(what)
            rows.append({"what": what, "spans": spans, "idle_share": idle_share(spans, _SLOTS)})
    idle: dict[str, float] = {row["what"]: row["idle_share"] for row in rows}
    return Idle(
        rows=rows,
        share=idle["gp"] - idle["random"],
        mutant_share=idle["mutant"] - idle["random"],
    )


def idle_share(spans: Sequence[Sequence[float]], slots: int) -> float:
    """Return the share of slot time in which no trial ran.

    Args:
        spans: (begin, end) of each trial in seconds, more than two a slot.
        slots: Trials that may run at once.
    """
    begins = sorted(begin for begin, _ in spans)
    first, last = begins[2 * slots - 1], begins[-1]
    busy = sum(max(0.0, min(end, last) - max(begin, first)) for begin, end in spans)
    return 1.0 - busy / (slots * (last - first))


def _spans(what: str) -> list[list[float]]:
    from joulefront.launch import launch_study

    searcher: AbstractContextManager[Any] = (
        patch("joulefront.launch.tuning.StudySearcher", _Unprepared)
        if what == "mutant"
        else nullcontext()
    )
    with tempfile.TemporaryDirectory(prefix="joulefront-bench-") as folder, searcher:
        spans = Path(folder) / "spans"
        launch_study(_spec(what, {"spans": str(spans)}), store=Path(folder) / "study")
        return [json.loads(line) for line in spans.read_text().splitlines()]


def _spec(what: str, fixed: Mapping[str, Any]) -> StudySpec:
    return StudySpec(
        name=what,
        trainable="joulefront.bench.search.idle:train",
        space={
            "x": Float(0.0, 1.0),
            "rate": Float(1e-4, 1.0, log=True),
            "width": Int(1, 64, log=True),
            "kind": Choice(("a", "b")),
        },
        fixed=fixed,
        objectives=(Objective("loss", "minimise"), Objective("cost", "minimise")),
        search=Search(sampler="random" if what == "random" else "gp", concurrent=_SLOTS),
        budget=Budget(trials=_TRIALS[what]),
    )


class _Unprepared(StudySearcher):
    """Begin to make a proposal when a slot is free, and have Tune wait for it."""

    _making: Future[Any] | None = None

    def _next(self) -> Assignment | None:
        agenda = self._conductor.agenda
        request = agenda.proposal_request()
        if request is not None:
            if self._making is None:
                self._making = ThreadPoolExecutor(1).submit(request.run)
            if not self._making.done():
                return None
            made, self._making = self._making.result(), None
            agenda.proposer = lambda _: made
        return self._conductor.next_assignment()
