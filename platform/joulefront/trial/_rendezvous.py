"""Where the ranks of a worker group meet: at the first rank's own address, and at no other.

torch's store listens on every interface of its host, so that a group on a laptop could be reached
from the network, and it asks for no token. Here the socket is bound to MASTER_ADDR, which is
loopback for a local study, and gloo is told the interface that has this address.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from importlib import import_module
from typing import Any

import psutil
from ray.train.torch import TorchConfig
from ray.train.torch.config import _TorchBackend
from torch.distributed import TCPStore  # type: ignore[attr-defined]


@dataclass
class OneAddress(TorchConfig):
    """Ray Train's own process group, listening at one address."""

    @property
    def backend_cls(self) -> type[_TorchBackend]:
        """Return what starts the group."""
        return _Backend


class _Backend(_TorchBackend):
    def on_start(self, worker_group: Any, backend_config: TorchConfig) -> None:
        worker_group.execute(_meet_at_one_address)
        super().on_start(worker_group, backend_config)


def _meet_at_one_address() -> None:
    """Replace what "env://" means in this process; torch lets new names be registered only."""
    module: Any = import_module("torch.distributed.rendezvous")  # hidden by its function
    module._rendezvous_handlers["env"] = _meet


def _meet(
    url: str, timeout: timedelta = timedelta(minutes=30), **_: Any
) -> Iterator[tuple[TCPStore, int, int]]:
    rank, ranks = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    host, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    if host in ("127.0.0.1", "::1"):  # elsewhere the user's own choice of interfaces stands
        for name in ("GLOO_SOCKET_IFNAME", "NCCL_SOCKET_IFNAME"):
            os.environ.setdefault(name, interface_of(host))
    shared: dict[str, Any] = {"world_size": ranks, "timeout": timeout}
    if rank == 0:
        listening = socket.create_server((host, port), family=_family(host))
        shared |= {"is_master": True, "master_listen_fd": listening.detach()}
    yield TCPStore(host, port, **shared), rank, ranks
    raise RuntimeError("a group whose ranks have met cannot meet again")


def interface_of(address: str) -> str:
    """Return the name of the network interface with an IP address, "lo" for 127.0.0.1 on Linux.

    Raises:
        LookupError: If this host has no such address.
    """
    for name, addresses in psutil.net_if_addrs().items():
        if address in (one.address for one in addresses):
            return name
    raise LookupError(f"no interface has {address}")


def _family(host: str) -> int:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
