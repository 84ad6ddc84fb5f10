"""Nodes that come and go: whether an attempt's own node is to leave, and whether one has left.

Who gives notice (the agent of a spot instance, or `ray drain-node`) tells Ray; here Ray is only
asked. What becomes of an attempt whose node has left is the conductor's affair.
"""

from __future__ import annotations

import threading
import time

import ray
from ray._private import state
from ray.exceptions import ActorUnavailableError, RayActorError, RayTaskError

_LOOK_SECONDS = 1.0  # between two questions about the own node; one takes 0.3 ms


class NodeLeft(Exception):
    """An attempt is over because its node has left, or has had notice that it will.

    Args:
        host: Name of the node's host.
        notice: Whether the node is still there.
    """

    def __init__(self, host: str, *, notice: bool = False) -> None:
        super().__init__(host)
        self.host = host
        self.notice = notice

    def __reduce__(self) -> tuple[object, ...]:
        return _node_left, (self.host, self.notice)


def _node_left(host: str, notice: bool) -> NodeLeft:
    return NodeLeft(host, notice=notice)


class OwnNode:
    """The node that this process runs on."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._looked = -_LOOK_SECONDS
        self._leaving = False

    def is_leaving(self) -> bool:
        """Return whether Ray knew, at most a second ago, that the node is to leave."""
        with self._lock:
            if not self._leaving and time.monotonic() - self._looked >= _LOOK_SECONDS:
                own = ray.get_runtime_context().get_node_id()
                self._leaving = own in leaving_nodes()
                self._looked = time.monotonic()
            return self._leaving


OWN_NODE = OwnNode()


def leaving_nodes() -> frozenset[str]:
    """Return the ids of the nodes that have had notice to leave."""
    return frozenset(state.state.get_draining_nodes())


def node_left(error: BaseException | None) -> NodeLeft | None:
    """Return which node has taken an attempt with it; None if the attempt died by itself.

    Ray hears within milliseconds of a process that dies. One that does not answer, and whose death
    nobody has told, is lost with its node: the network is cut, or the node is dead and Ray has not
    missed it yet, which takes it up to half a minute.

    Args:
        error: What ended the attempt.
    """
    cause = error.cause if isinstance(error, RayTaskError) else error
    if isinstance(cause, NodeLeft):
        return cause
    if not isinstance(cause, RayActorError) or cause.actor_id is None:
        return None
    own = state.actors(cause.actor_id).get("Address", {}).get("NodeID")
    node = next((node for node in ray.nodes() if node["NodeID"] == own), None)
    is_silent = isinstance(cause, ActorUnavailableError)
    if node is None or (node["Alive"] and not is_silent and not cause.preempted):
        return None
    return NodeLeft(node["NodeManagerHostname"])
