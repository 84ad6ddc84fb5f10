"""The host's meter as a process of a study sees it. Who reaches it, and how, is the trial's affair.

All calls but `observe` are fire and forget, and none of them may fail.
"""

from __future__ import annotations

from joulefront.energy.counters import Reading
from joulefront.energy.ledger import Observed, Purpose, Registration, Window


class Host:
    """The meter of this process's host.

    This one is no meter: it writes nothing down, and has seen nothing but what the process's own
    counters tell.
    """

    def register(self, registration: Registration) -> None:
        """Say that an attempt begins in this process, or that it drives the study."""

    def window_opened(self, opened: Reading, purpose: Purpose) -> None:
        """Say that an energy window has been opened."""

    def observe(self, since_ns: int) -> Observed:
        """Ask what the meter has seen since a window was opened, at monotonic time `since_ns`.

        Waits for the answer, about 1 ms; `Observed()` if no meter answers.
        """
        return Observed()

    def window_closed(self, window: Window, purpose: Purpose) -> None:
        """Say that the window has been closed."""

    def closed(self, window: Window) -> None:
        """Say that the attempt has ended in this process.

        Args:
            window: The whole call of `train`, or the whole study.
        """
