"""Drive a study as its only driver: hold its lease, renew it, and hear requests to stop.

Not here: the lease itself (`joulefront.store.lease`).
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator

from joulefront.errors import LeaseLost, StoreReadError, StoreWriteError
from joulefront.launch.display import Display
from joulefront.store import Holder, Lease, Place

_LOOK_SECONDS = 1.0  # for requests, and for another driver
_RENEWED_EVERY = 5  # looks: six renewals before the lease expires


@contextlib.contextmanager
def leased(place: Place, display: Display) -> Iterator[Lease]:
    """Hold the lease on a study inside, once any holder before has ended or expired.

    Raises:
        StudyError: Another process drives the study.
    """
    said: list[Holder | None] = []

    def wait(holder: Holder | None, seconds: float) -> None:
        if not said:
            who = holder or "a driver whose lease is damaged"
            display.note(f"lease: waiting up to {seconds:.0f} s for {who} to show itself")
            said.append(holder)
        time.sleep(min(_LOOK_SECONDS, seconds))

    lease = Lease.take(place, wait=wait)
    try:
        with _renewed(lease):
            yield lease
    finally:
        # A full disk must not hide why the driver ends: the end of its process says the same.
        with contextlib.suppress(LeaseLost, StoreReadError, StoreWriteError):
            lease.release()


@contextlib.contextmanager
def heeding(lease: Lease, stop: Callable[[], None]) -> Iterator[None]:
    """Call `stop` once somebody asks for it, or once another driver has taken over."""
    with _repeated(lambda: _heed(lease, stop), "requests"):
        yield


def _renewed(lease: Lease) -> contextlib.AbstractContextManager[None]:
    looks = 0

    def renew() -> None:
        nonlocal looks
        looks += 1
        if looks % _RENEWED_EVERY == 0:
            lease.renew()

    return _repeated(renew, "lease")


def _heed(lease: Lease, stop: Callable[[], None]) -> None:
    try:
        lease.check()
    except LeaseLost:
        stop()
        raise
    if lease.stop_requested():
        stop()


@contextlib.contextmanager
def _repeated(action: Callable[[], None], name: str) -> Iterator[None]:
    """Call `action` about once a second in a thread, until the end or until the lease is lost."""
    ended = threading.Event()

    def run() -> None:
        while not ended.wait(_LOOK_SECONDS):
            try:
                action()
            except LeaseLost:
                return
            except (StoreReadError, StoreWriteError):
                continue  # a disk that is full or away for a while; the next look tries again

    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
