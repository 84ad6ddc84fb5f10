"""The messages that a trial sends to the driver, as JSON text.

A `Report` is sent once an epoch. The `Closing` is sent once, after `train` has returned or
raised; a trial without one has not finished, whatever Ray says of it. Things worth keeping that
need no message of their own (splits, predictions) travel as events with the next message. JSON
text, because Tune copies and flattens nested results at every step.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

MetricValue = float | int | bool | str


@dataclass(frozen=True, kw_only=True, slots=True)
class ChargeRow:
    """Energy of one component of one device on one host, in joules."""

    host: str
    device: str
    component: str
    joules: float
    provenance: str


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
        events: What came up since the last message.
    """

    epoch: int
    metrics: Mapping[str, MetricValue]
    charges: Sequence[ChargeRow] = ()
    duration_seconds: float = 0.0
    checkpoint: str | None = None
    events: Sequence[Event] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Closing:
    """The end of an attempt.

    Attributes:
        state: "complete" when `train` returned and every objective is finite.
        metrics: The last report's, with those of `finish` over them.
        charges: Energy of the attempt's windows, and apart from them "setup", "ram" and "idle".
        duration_seconds: Of the call of `train`.
        quality: "good" or "degraded".
        failure: Why it failed, in one line.
        retryable: Whether another attempt could end differently.
        traceback: Of the exception, if there was one.
        events: What came up since the last message.
    """

    state: Literal["complete", "failed"]
    metrics: Mapping[str, MetricValue] = field(default_factory=dict)
    charges: Sequence[ChargeRow] = ()
    duration_seconds: float = 0.0
    quality: str = "good"
    failure: str | None = None
    retryable: bool = True
    traceback: str | None = None
    events: Sequence[Event] = ()


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
    return _KINDS[kind](**values)


def merge(messages: Sequence[Message]) -> Message:
    """Make one message of those of all ranks: rank 0's words, everybody's energy."""
    first = messages[0]
    charges = add_charges(row for message in messages for row in message.charges)
    if isinstance(first, Closing):
        degraded = any(isinstance(m, Closing) and m.quality != "good" for m in messages)
        quality = "degraded" if degraded else "good"
        return dataclasses.replace(first, charges=charges, quality=quality)
    return dataclasses.replace(first, charges=charges)


def add_charges(rows: Iterable[ChargeRow]) -> tuple[ChargeRow, ...]:
    """Add up the rows of the same host, device, component and provenance."""
    totals: dict[tuple[str, str, str, str], float] = {}
    for row in rows:
        key = (row.host, row.device, row.component, row.provenance)
        totals[key] = totals.get(key, 0.0) + row.joules
    return tuple(
        ChargeRow(host=host, device=device, component=component, joules=joules, provenance=origin)
        for (host, device, component, origin), joules in totals.items()
    )
