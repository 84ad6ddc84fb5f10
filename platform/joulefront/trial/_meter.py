"""The host's meter as a Ray actor, and how a process of a study reaches it.

One meter a host and Ray, made by whoever asks for it first, on his own node; it reserves no core,
is started again if it dies, and ends itself when nobody has needed it for a while. The books are
kept by `joulefront.energy.host_meter`; here are its thread and its post.
"""

from __future__ import annotations

import dataclasses
import json
import os
import socket
import sys
import threading
import time
import traceback
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import ray
from ray._private import state
from ray.experimental import internal_kv
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from joulefront.energy import Observed, Reading, Registration, Window, power_model
from joulefront.energy.host import Host
from joulefront.energy.host_load import host_identity
from joulefront.energy.host_meter import ActorsOf, HostMeter
from joulefront.energy.ledger import Purpose
from joulefront.energy.node_class import node_class
from joulefront.trial._preload import TO_LOAD
from joulefront.trial.actors import actors_of
from joulefront.trial.ledger import Ledger

_PERIOD_SECONDS = 1.0
_STUDY_IDLE_SECONDS = 60.0  # without a row: its file is closed, until there is another one
_METER_IDLE_SECONDS = 600.0  # without a row of any study
_PATIENCE_SECONDS = 2.0  # with a question
_TRUST_SECONDS = 60.0  # in a meter that has been spoken to
_DELAY_SECONDS = 0.5  # of a registration that nothing follows
_DRIVER = "/0/0"  # key of its registration


class _Call(NamedTuple):
    """A call of a method of `HostMeter`."""

    name: str
    arguments: tuple[Any, ...]


class Meter:
    """The actor. Started again, it goes on with what the ledgers of its studies have open.

    Args:
        idle_seconds: After which it ends.
    """

    def __init__(self, idle_seconds: float = _METER_IDLE_SECONDS) -> None:
        self._lock = threading.Lock()
        self._ledgers: dict[str, Ledger] = {}
        self._idle_seconds = idle_seconds
        self._actor = ray.get_runtime_context().current_actor
        self._meter = HostMeter(
            host=socket.gethostname(),
            power_model=power_model().to_dict(),
            node_class=node_class(),
            session=ray.get_runtime_context().get_session_name(),
            owned_actors=_owned_actors,
            period_seconds=_PERIOD_SECONDS,
        )
        self._began = time.monotonic()
        self._known = _OpenStudies()
        for study in self._known.read():
            self._attend(study)
        threading.Thread(target=self._keep_sampling, name="meter", daemon=True).start()

    def take(self, study: str, calls: Sequence[_Call]) -> Any:
        """Make calls of `HostMeter` that are about a study, and return what the last one does.

        After the driver's last word the study's ledger is durable.
        """
        answer = None
        with self._lock:
            self._attend(study)
            for call in calls:
                answer = getattr(self._meter, call.name)(*call.arguments)
            if call.name == "closed" and call.arguments[1] == _DRIVER:
                self._ledgers[study].close()
            self._remember()
        return answer

    def end(self) -> None:
        """End this actor for good, unless somebody has come back."""
        with self._lock:
            if self._is_idle():
                ray.actor.exit_actor()

    def _attend(self, study: str) -> None:
        if study not in self._ledgers:
            ledger = self._ledgers[study] = Ledger(study)
            earlier = ledger.rows()
            self._meter.attend(study, ledger.append, ledger.power_model())
            self._meter.adopt(earlier)

    def _keep_sampling(self) -> None:
        due = time.monotonic()
        while True:
            due = max(due + _PERIOD_SECONDS, time.monotonic())
            time.sleep(max(0.0, due - time.monotonic()))
            try:
                with self._lock:
                    self._sample()
            except Exception:  # goes to Ray's logs; the next sample makes up for this one
                traceback.print_exc(file=sys.stderr)

    def _sample(self) -> None:
        self._meter.sample()
        for ledger in self._ledgers.values():
            if time.monotonic() - ledger.wanted > _STUDY_IDLE_SECONDS:
                ledger.close()
        self._remember()
        if self._is_idle():
            self._actor.end.remote()

    def _remember(self) -> None:
        self._known.write(study for study, ledger in self._ledgers.items() if ledger.is_open)

    def _is_idle(self) -> bool:
        begun = [self._began, *(ledger.wanted for ledger in self._ledgers.values())]
        return time.monotonic() - max(begun) > self._idle_seconds


class _OpenStudies:
    """The studies that the host's meter works for, where the next one finds them: in Ray."""

    def __init__(self) -> None:
        self._key = f"joulefront/{_meter_name()}".encode()
        self._written: list[str] = []

    def read(self) -> list[str]:
        """Return what an earlier meter of this host has written last."""
        text = internal_kv._internal_kv_get(self._key)
        self._written = json.loads(text) if text else []
        return self._written

    def write(self, studies: Iterable[str]) -> None:
        """Write down all of them, if they are others than before."""
        found = sorted(studies)
        if found != self._written:
            internal_kv._internal_kv_put(self._key, json.dumps(found).encode())
            self._written = found


def _owned_actors(pids: Collection[int]) -> Mapping[int, ActorsOf]:
    table = list(state.actors(actor_state_name="ALIVE").values())
    ip = ray.util.get_node_ip_address()
    return {pid: actors_of(table, pid, ip, never=os.getpid()) for pid in pids}


class RayHost(Host):
    """The meter of this process's host, on the Ray that it is connected to.

    No call fails, or waits for longer than two seconds: a trial must not depend on its meter.
    """

    def __init__(self) -> None:
        self._study = self._key = ""
        self._unsaid: list[_Call] = []
        self._lock = threading.Lock()
        self._timer = threading.Timer(_DELAY_SECONDS, self._send)
        self._timer.daemon = True

    def register(self, registration: Registration) -> None:
        """Say that this process works for a study, with its next word or half a second later."""
        self._study, self._key = registration.study, registration.key
        self._unsaid = [_Call("register", (registration,))]
        self._timer.start()

    def window_opened(self, opened: Reading, purpose: Purpose) -> None:
        """Say that an energy window has been opened."""
        self._say("window_opened", opened, purpose)

    def observe(self, since_ns: int) -> Observed:
        """Ask what the meter has seen since then.

        Without an answer nothing is covered, so that the charge is degraded.
        """
        try:
            answer = self._say("observe", since_ns)
            observed: Observed = ray.get(answer, timeout=_PATIENCE_SECONDS)
        except Exception:
            _found.clear()
            return Observed(coverage=0.0)
        return observed

    def window_closed(self, window: Window, purpose: Purpose) -> None:
        """Say that the window has been closed."""
        self._say("window_closed", window, purpose)

    def closed(self, window: Window) -> None:
        """Say that the attempt, or the study, has ended in this process."""
        self._say("closed", window)

    def _say(self, name: str, *arguments: Any) -> Any:
        return self._send(_Call(name, (self._study, self._key, *arguments)))

    def _send(self, *call: _Call) -> Any:
        """Send what has not been said yet as one message: that is what costs, 1 ms on each side."""
        self._timer.cancel()
        with self._lock, suppress(Exception):
            calls, self._unsaid = [*self._unsaid, *call], []
            return _find_meter().take.remote(self._study, calls) if calls else None


def attend_study(store: str | Path, registration: Registration) -> RayHost:
    """Have a study's ledger kept on this host, from now on.

    Args:
        store: The study directory.
        registration: Of its driver, which is this process.
    """
    host = RayHost()
    host.register(dataclasses.replace(registration, study=str(store)))
    host._send()
    return host


def _find_meter() -> Any:
    """Return the host's meter, which is made if there is none.

    One that was spoken to a minute ago is there still, unless it was killed for good.
    """
    node = ray.get_runtime_context().get_node_id()
    meter, spoken = _found.get(node, (None, 0.0))
    if meter is None or time.monotonic() - spoken > _TRUST_SECONDS:
        meter = _ACTOR.options(
            name=_meter_name(),
            namespace="joulefront",
            get_if_exists=True,
            lifetime="detached",
            num_cpus=0,
            runtime_env={"env_vars": {TO_LOAD: ""}},  # a process that is not prestarted for a trial
            max_restarts=-1,
            max_task_retries=-1,  # what is said while it starts again is said to the next one
            scheduling_strategy=NodeAffinitySchedulingStrategy(node, soft=False),
        ).remote()
    _found[node] = meter, time.monotonic()
    return meter


_found: dict[str, tuple[Any, float]] = {}  # by node, and when it was last spoken to


@cache
def _meter_name() -> str:
    return f"meter-{host_identity()}"


_ACTOR = ray.remote(Meter)
