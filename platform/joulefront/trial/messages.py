"""The messages that a trial sends to the driver, as JSON text.

A `Report` is sent once an epoch. The `Closing` is sent once, after `train` has returned or
raised; a trial without one has not finished, whatever Ray says of it. Things worth keeping that
need no message of their own (splits, predictions) travel as events with the next message. JSON
text, because Tune copies and flattens nested results at every step.
"""

from __future__ import annotations

import dataclasses
import json
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

MESSAGE = "joulefront_message"
"""Key of a Tune or Train report under which a message travels."""

MetricValue = float | int | bool | str


@dataclass(frozen=True, kw_only=True, slots=True)
class ChargeRow:
    """Energy of one component of one device on one host: a `joulefront.energy.Charge` on its way.

    Attributes:
        joules: What is known, where `known` is False.
        shared: A share of a device that others may have used too.
        known: No counter was missing.
    """

    host: str
    device: str
    component: str
    joules: float
    provenance: str
    shared: bool = False
    known: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """Something that happened in a trial and is kept as it is."""

    kind: str
    details: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """One epoch of a trial.

    Attributes:
        epoch: 1 for the first report of the trial, counted on over attempts that resume.
        metrics: As the trainable gave them.
        charges: Energy of this attempt's windows up to now.
        duration_seconds: Since `train` was called in this attempt.
        checkpoint: Folder in the store that was saved with this report.
        preempted: Whether the process's node has had notice to leave.
        events: What came up since the last message.
    """

    epoch: int
    metrics: Mapping[str, MetricValue]
    charges: Sequence[ChargeRow] = ()
    duration_seconds: float = 0.0
    checkpoint: str | None = None
    preempted: bool = False
    events: Sequence[Event] = ()

    @property
    def moves(self) -> bool:
        """Whether the attempt ends here, because another can go on from it on another node."""
        return self.preempted and self.checkpoint is not None


@dataclass(frozen=True, kw_only=True, slots=True)
class Closing:
    """The end of an attempt.

    Attributes:
        state: "complete" when `train` returned and every objective is finite.
        metrics: The last report's, with those of `finish` over them.
        charges: Energy of the attempt's windows, and apart from them "inference" and "setup".
        duration_seconds: Of the call of `train`.
        quality_reasons: Why its energy is not to be trusted; nothing, if it is.
        foreign_cpu_share: CPU time of strangers while it was measured ÷ its own.
        node_class: Kind of machine that it ran on.
        inference_energy_joules_per_sample: Dynamic CPU and GPU of the trained model; None if the
            trainable has not measured it, NaN if a counter was missing.
        failure: Why it failed, in one line.
        retryable: Whether another attempt could end differently.
        out_of_memory: Whether it failed for want of memory.
        traceback: Of the exception, if there was one.
        events: What came up since the last message.
    """

    state: Literal["complete", "failed"]
    metrics: Mapping[str, MetricValue] = field(default_factory=dict)
    charges: Sequence[ChargeRow] = ()
    duration_seconds: float = 0.0
    quality_reasons: tuple[str, ...] = ()
    foreign_cpu_share: float = 0.0
    node_class: str = ""
    inference_energy_joules_per_sample: float | None = None
    failure: str | None = None
    retryable: bool = True
    out_of_memory: bool = False
    traceback: str | None = None
    events: Sequence[Event] = ()

    @property
    def quality(self) -> str:
        """What the store calls it: "good" or "degraded"."""
        return "degraded" if self.quality_reasons else "good"


Message = Report | Closing
_KINDS: dict[str, type[Report] | type[Closing]] = {"report": Report, "closing": Closing}


def encode(message: Message) -> str:
    """Return the message as JSON text; NaN and infinities survive."""
    kind = "report" if isinstance(message, Report) else "closing"
    return json.dumps({"kind": kind} | _fields(message), default=_fields)


def _fields(value: Any) -> dict[str, Any]:
    return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}


def decode(text: str) -> Message:
    """Read what `encode` wrote."""
    values = json.loads(text)
    kind = values.pop("kind")
    values["charges"] = tuple(ChargeRow(**row) for row in values["charges"])
    values["events"] = tuple(Event(**event) for event in values["events"])
    if kind == "closing":
        values["quality_reasons"] = tuple(values["quality_reasons"])
    return _KINDS[kind](**values)


def merge(messages: Sequence[Message]) -> Message:
    """Make one message of those of all ranks: rank 0's words, everybody's energy and quality."""
    first = messages[0]
    charges = add_charges(row for message in messages for row in message.charges)
    if isinstance(first, Report):
        preempted = any(isinstance(m, Report) and m.preempted for m in messages)
        return dataclasses.replace(first, charges=charges, preempted=preempted)
    closings = [message for message in messages if isinstance(message, Closing)]
    costs = [closing.inference_energy_joules_per_sample for closing in closings]
    known = [cost for cost in costs if cost is not None]
    return dataclasses.replace(
        first,
        charges=charges,
        quality_reasons=tuple(
            dict.fromkeys(text for closing in closings for text in closing.quality_reasons)
        ),
        foreign_cpu_share=max(closing.foreign_cpu_share for closing in closings),
        inference_energy_joules_per_sample=statistics.fmean(known) if known else None,
    )


def add_charges(rows: Iterable[ChargeRow]) -> tuple[ChargeRow, ...]:
    """Add up the rows of the same host, device, component and provenance."""
    totals: dict[tuple[str, str, str, str], ChargeRow] = {}
    for row in rows:
        key = (row.host, row.device, row.component, row.provenance)
        before = totals.get(key)
        totals[key] = (
            row
            if before is None
            else dataclasses.replace(
                row,
                joules=before.joules + row.joules,
                shared=before.shared or row.shared,
                known=before.known and row.known,
            )
        )
    return tuple(totals.values())
