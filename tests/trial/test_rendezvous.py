from __future__ import annotations

import os
import socket
from datetime import timedelta

import psutil
import pytest

from joulefront.trial._rendezvous import _meet, interface_of


def test_the_group_meets_at_one_address_and_torch_would_at_all(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    group = {"RANK": 0, "WORLD_SIZE": 1, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    monkeypatch.setattr(os, "environ", {name: str(value) for name, value in group.items()})
    met = _meet("env://", timeout=timedelta(seconds=10))
    store, rank, ranks = next(met)
    store.set("said", "hello")
    assert (store.get("said"), rank, ranks) == (b"hello", 0, 1)
    listening = {
        connection.laddr.ip
        for connection in psutil.Process().net_connections(kind="inet")
        if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port
    }
    assert listening == {"127.0.0.1"}
    assert os.environ["GLOO_SOCKET_IFNAME"] == interface_of("127.0.0.1")
    with pytest.raises(RuntimeError, match="cannot meet again"):
        next(met)


def test_an_address_of_another_host_has_no_interface_here():
    with pytest.raises(LookupError, match=r"203\.0\.113\.9"):
        interface_of("203.0.113.9")
