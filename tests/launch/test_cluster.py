from __future__ import annotations

import os
import socket

import pytest

from joulefront.errors import StudyError
from joulefront.launch.cluster import check_address, prepare_environment, worker_environment


def test_idle_threads_wait_and_none_goes_beyond_the_reservation():
    environment = worker_environment(3)
    assert environment["OMP_WAIT_POLICY"] == "PASSIVE"
    assert {value for name, value in environment.items() if name.endswith("THREADS")} == {"3"}


def test_a_users_own_settings_win(monkeypatch):
    monkeypatch.setattr(os, "environ", {"RAY_AUTH_TOKEN": "mine", "RAY_AUTH_MODE": "token"})
    prepare_environment()
    assert os.environ["RAY_AUTH_TOKEN"] == "mine"
    assert os.environ["RAY_USAGE_STATS_ENABLED"] == "0"


def test_a_named_cluster_gets_no_token_of_ours(monkeypatch):
    monkeypatch.setattr(os, "environ", {})
    prepare_environment(address="auto")
    assert "RAY_AUTH_TOKEN" not in os.environ


def test_nothing_is_begun_where_no_cluster_answers():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(StudyError, match=f"given: {address}"):
            check_address(address)
        taken.listen()
        check_address(address)
    check_address("auto")
