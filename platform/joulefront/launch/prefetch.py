"""Make the next proposal while all slots are taken, so that none is idle for want of one.

A proposal that was made beforehand does not know the result that has freed the slot, as any does
not that is made while other trials run. It never lacks more results than there are slots: while
replicates run in between, it is made again. With one slot nothing is made beforehand. What a
proposal is, and its purity, are the agenda's and `joulefront.search`'s affair.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self

from joulefront.launch.proposing import MadeProposal, ProposalRequest


class Prefetcher:
    """Make all proposals of a study in one thread; `with` it for as long as the study runs.

    Args:
        slots: How many there are now.
    """

    def __init__(self, slots: Callable[[], int]) -> None:
        self._slots = slots
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="proposals")
        self._index: int | None = None
        self._made: Future[MadeProposal] = Future()
        self._rounds = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._pool.shutdown(cancel_futures=True)

    def __call__(self, request: ProposalRequest) -> MadeProposal:
        """Return what was made beforehand, or make it now.

        Raises:
            Exception: Whatever making it raised.
        """
        if self._index != request.index or self._rounds >= self._slots():
            self._submit(request)
        self._index = None
        return self._made.result()

    def prepare(self, request: ProposalRequest | None) -> None:
        """Begin to make the next proposal; called after each trial that is handed out.

        Args:
            request: With all that is known now; None if no proposal is needed next.
        """
        self._rounds += 1
        if request is None or self._slots() < 2:
            return
        if self._index != request.index or self._rounds >= self._slots():
            self._submit(request)

    def _submit(self, request: ProposalRequest) -> None:
        self._made.cancel()
        self._made = self._pool.submit(request.run)
        self._index, self._rounds = request.index, 0
