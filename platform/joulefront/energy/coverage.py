"""How much of a window the host's meter has looked at."""

from __future__ import annotations

from collections import deque

_PERIODS = 3  # between two samples without which nothing is called lost
_MOST_GAPS = 100


class Coverage:
    """Remembers where samples were missing.

    Args:
        period_ns: Between two samples, as intended.
        begun_ns: Monotonic time at which sampling began.
    """

    def __init__(self, period_ns: int, begun_ns: int) -> None:
        self._lossless_ns = _PERIODS * period_ns
        self._sampled_ns = begun_ns
        self._gaps: deque[tuple[int, int]] = deque(maxlen=_MOST_GAPS)

    def sampled(self, now_ns: int) -> None:
        """Note a sample."""
        self.missed(self._sampled_ns, now_ns)
        self._sampled_ns = now_ns

    def missed(self, begin_ns: int, end_ns: int) -> None:
        """Note that there was no sample between two times; a short gap is none."""
        if end_ns - begin_ns > self._lossless_ns:
            self._gaps.append((begin_ns, end_ns))

    def share(self, since_ns: int, now_ns: int) -> float | None:
        """Return 1 - what the gaps inside a window exceed three periods by ÷ its duration.

        None for a window shorter than three periods.
        """
        if now_ns - since_ns < self._lossless_ns:
            return None
        lost_ns = 0
        for begin_ns, end_ns in (*self._gaps, (self._sampled_ns, now_ns)):
            inside_ns = min(end_ns, now_ns) - max(begin_ns, since_ns)
            lost_ns += max(0, inside_ns - self._lossless_ns)
        return 1.0 - lost_ns / (now_ns - since_ns)
