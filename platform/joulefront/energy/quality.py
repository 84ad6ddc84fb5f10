"""Whether a charge can be trusted: pure functions of the windows it was made of.

A degraded charge is too low (a counter was lost), or was taken on a machine so busy that the same
work may have cost more than it does alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from joulefront.energy.ledger import Window


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """From where on a charge is called degraded."""

    wait_share: float = 0.05  # time in the run queue without a core ÷ own CPU time
    steal_share: float = 0.01  # what the hypervisor took ÷ what the host ran and it took
    coverage: float = 0.95  # share of the windows in which the host was sampled


def degradations(
    windows: Sequence[Window], policy: Policy, *, oversubscribed: bool = False
) -> tuple[str, ...]:
    """Say what degrades the charge of these windows, in a few words each; nothing, if it is good.

    Args:
        windows: Of one attempt in one process.
        policy: Limits; a share is degraded above its limit, coverage below it.
        oversubscribed: Its process could not be pinned to cores of its own.
    """
    own, wait, steal, ran = (
        _rise(windows, counter) for counter in ("cpu_ns", "wait_ns", "steal_ns", "busy_ns")
    )
    observed = [w for w in windows if w.observed.coverage is not None]
    seconds = sum(w.seconds for w in observed)
    covered = sum((w.observed.coverage or 0.0) * w.seconds for w in observed)
    found = {
        "oversubscribed": oversubscribed,
        f"run queue {_percent(wait, own)}": wait > policy.wait_share * own,
        f"steal {_percent(steal, steal + ran)}": steal > policy.steal_share * (steal + ran),
        f"coverage {_percent(covered, seconds)}": covered < policy.coverage * seconds,
        "counter lost": any(_counter_lost(w) for w in windows),
        "process lost": any(w.lost for w in windows),
        "actors elsewhere": any(w.observed.actors_elsewhere for w in windows),
    }
    return tuple(text for text, holds in found.items() if holds)


def foreign_share(windows: Sequence[Window]) -> float:
    """Return the CPU time of strangers while the windows were open ÷ the trial's own; 0 without."""
    own = _rise(windows, "cpu_ns")
    foreign = sum(w.observed.foreign_cpu_ns for w in windows)
    return foreign / own if own else 0.0


def _rise(windows: Sequence[Window], counter: str) -> int:
    """Return what a counter of the readings rose by; one that is not told, or fell, did not."""
    ends = [(getattr(w.opened, counter), getattr(w.closed, counter)) for w in windows]
    return sum(max(0, closed - opened) for opened, closed in ends if None not in (opened, closed))


def _counter_lost(window: Window) -> bool:
    opened, closed = window.opened.gpu_millijoules, window.closed.gpu_millijoules
    uuids = opened.keys() | closed.keys()
    ends = [(opened.get(uuid), closed.get(uuid)) for uuid in uuids]
    return any(a is None or b is None or b < a for a, b in ends)


def _percent(part: float, whole: float) -> str:
    return f"{part / whole:.0%}" if whole else "of no time"
