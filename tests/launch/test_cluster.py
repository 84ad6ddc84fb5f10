from __future__ import annotations

import os

import pytest

from joulefront.launch.cluster import prepare_environment, worker_environment


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


@pytest.fixture
def environment(monkeypatch, tmp_path) -> dict[str, str]:
    """An environment without any of Ray's variables, and a home without a token."""
    monkeypatch.setattr(os, "environ", {"HOME": str(tmp_path)})
    return os.environ


def test_the_users_token_is_used_wherever_other_hosts_know_it(environment):
    environment["RAY_AUTH_TOKEN"] = "known"
    prepare_environment(listen="10.0.0.5")
    assert (environment["RAY_AUTH_MODE"], environment["RAY_AUTH_TOKEN"]) == ("token", "known")


@pytest.mark.parametrize(
    ("where", "loopback"),
    [
        ({}, True),
        ({"address": "127.0.0.1:6379"}, True),
        ({"address": "10.0.0.5:6379"}, False),
        ({"listen": "10.0.0.5"}, False),
    ],
)
def test_ray_keeps_to_loopback_unless_told_otherwise(environment, where, loopback):
    prepare_environment(**where)
    assert ("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER" in environment) == loopback
