from __future__ import annotations

import os
import socket

import pytest

from joulefront.errors import StudyError
from joulefront.launch.reach import (
    check_address,
    check_listen,
    has_token,
    host_and_port,
    on_loopback,
    reach_notes,
)


@pytest.fixture(autouse=True)
def environment(monkeypatch, tmp_path) -> dict[str, str]:
    monkeypatch.setattr(os, "environ", {"HOME": str(tmp_path)})
    return os.environ


def test_nothing_is_begun_where_no_cluster_answers():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(StudyError, match=f"given: {address}"):
            check_address(address)
        taken.listen()
        check_address(address)
        check_address(f"http://{address}")
    check_address("auto")


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("10.0.0.5:6379", ("10.0.0.5", 6379)),
        ("ray://head:10001", ("head", 10001)),
        ("http://[::1]:8265/", ("::1", 8265)),
        ("::1", ("::1", None)),
        ("auto", ("auto", None)),
    ],
)
def test_an_address_has_two_parts(address, expected):
    assert host_and_port(address) == expected


def test_a_port_is_a_number():
    with pytest.raises(StudyError, match="host:port"):
        host_and_port("head:dashboard")


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        (None, True),
        ("localhost:6379", True),
        ("http://127.0.0.1:8265", True),
        ("::1", True),
        ("10.0.0.5:6379", False),
        ("head:6379", False),
        ("auto", False),
    ],
)
def test_loopback_is_this_machine_alone(address, expected):
    assert on_loopback(address) is expected


def test_auto_is_what_the_environment_says(environment):
    environment["RAY_ADDRESS"] = "127.0.0.1:6379"
    assert on_loopback("auto")


def test_a_token_is_found_where_ray_looks(environment, tmp_path):
    assert not has_token()
    (tmp_path / ".ray").mkdir()
    (tmp_path / ".ray" / "auth_token").write_text("t")
    assert has_token()
    environment["RAY_AUTH_TOKEN_PATH"] = str(tmp_path / "absent")
    assert not has_token()
    environment["RAY_AUTH_TOKEN"] = "t"
    assert has_token()


def test_no_other_host_reaches_a_ray_without_a_token(environment):
    with pytest.raises(StudyError, match="must come with a token"):
        check_listen("127.0.0.1")
    environment |= {"RAY_AUTH_TOKEN": "t", "RAY_AUTH_MODE": "disabled"}
    with pytest.raises(StudyError, match="must come with a token"):
        check_listen("127.0.0.1")


@pytest.mark.parametrize("listen", ["0.0.0.0", "::", "203.0.113.9", "head"])
def test_one_address_of_this_host_is_listened_at(environment, listen):
    environment["RAY_AUTH_TOKEN"] = "t"
    check_listen("127.0.0.1")
    with pytest.raises(StudyError, match="one IP address of this host"):
        check_listen(listen)


def test_what_is_open_to_others_is_said(environment):
    assert "whoever reaches" in reach_notes("10.0.0.5:6379")[0]
    environment["RAY_AUTH_TOKEN"] = "t"
    assert reach_notes("10.0.0.5:6379") == reach_notes("https://10.0.0.5:8265") == []
    assert "unencrypted" in reach_notes("http://10.0.0.5:8265")[0]
    assert reach_notes("http://127.0.0.1:8265") == []
    environment["RAY_AUTH_MODE"] = "disabled"
    assert "whoever reaches" in reach_notes("auto")[0]
