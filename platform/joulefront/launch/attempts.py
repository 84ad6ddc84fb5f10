"""What is known of one attempt while the study runs: its charges, and what it has written."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from joulefront.launch.retries import AttemptEnergy, by_component
from joulefront.trial.messages import ChargeRow

BILLED = ("cpu", "gpu", "inference", "setup")
"""Components that count against an energy budget: what is spent because a trial runs."""


@dataclass(slots=True)
class Attempt:
    """One attempt of one trial.

    Attributes:
        number: From 1.
        resumed_from: (attempt, epoch) of the checkpoint it went on from.
        total: Joules by component, as last told.
        by_epoch: The same at each of its reports.
        metrics: Of its last report.
        rows: Its charges, as last told.
        written: Whether these are in the store.
    """

    number: int
    resumed_from: tuple[int, int] | None = None
    total: dict[str, float] = field(default_factory=dict)
    by_epoch: dict[int, dict[str, float]] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    rows: Sequence[ChargeRow] = ()
    written: bool = False

    def take(self, rows: Sequence[ChargeRow]) -> None:
        """Take the charges of the whole attempt in place of those known before."""
        self.rows, self.total = rows, by_component(rows)

    @property
    def host(self) -> str | None:
        """Where it has been charged first."""
        return self.rows[0].host if self.rows else None

    @property
    def billed_joules(self) -> float:
        """What it has spent that counts against a budget."""
        known = (self.total.get(component, 0.0) for component in BILLED)
        return math.fsum(part for part in known if not math.isnan(part))

    def energy(self) -> AttemptEnergy:
        """Return what it has spent."""
        return AttemptEnergy(
            attempt=self.number,
            total=self.total,
            by_epoch=self.by_epoch,
            resumed_from=self.resumed_from,
        )


def billed_joules(rows: Sequence[ChargeRow]) -> float:
    """Return the joules of charges that count against a budget."""
    return sum(row.joules for row in rows if row.component in BILLED)
