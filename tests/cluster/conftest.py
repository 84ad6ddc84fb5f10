"""A cluster as a person starts one: `ray start --head`, with a dashboard and a token."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

STUDY = [sys.executable, "-c", "from joulefront.cli import main; main()"]
_PORTS = (
    *("--port", "--dashboard-port", "--dashboard-agent-listen-port", "--dashboard-agent-grpc-port"),
    *("--ray-client-server-port", "--runtime-env-agent-port", "--metrics-export-port"),
    *("--node-manager-port", "--object-manager-port"),
)


@dataclass(frozen=True)
class Head:
    """A running head node."""

    url: str  # of its dashboard
    address: str  # for ray.init
    pid: int
    token: str = field(repr=False)

    def study(self, folder: Path, *arguments: str, token: str | None = None) -> tuple[int, str]:
        """Run a command of `study` as on a laptop; return its exit code and all it printed."""
        laptop = os.environ | {"RAY_AUTH_TOKEN": self.token if token is None else token}
        laptop.pop("RAY_AUTH_MODE", None)
        laptop.pop("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", None)
        done = subprocess.run(
            [*STUDY, *arguments],
            cwd=folder,
            env=laptop,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=180,
        )
        return done.returncode, done.stdout


@pytest.fixture(scope="session")
def head(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> Iterator[Head]:
    """One head of two CPUs, on loopback, for all tests that submit."""
    commands = tmp_path_factory.mktemp("bin")  # `study` as it is installed on a cluster's host
    study = commands / "study"
    code = f'#!/bin/sh\nexec {sys.executable} -c "from joulefront.cli import main; main()" "$@"\n'
    study.write_text(code)
    study.chmod(0o755)
    token = secrets.token_hex(32)
    environment = os.environ | {
        "PATH": f"{commands}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": f"{repository / 'platform'}{os.pathsep}{repository}",
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": token,
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
        "RAY_USAGE_STATS_ENABLED": "0",
    }
    ports = _free_ports(len(_PORTS))
    with tempfile.TemporaryDirectory(prefix="jf-", ignore_cleanup_errors=True) as folder:
        command = [
            *(sys.executable, "-c", "from ray.scripts.scripts import main; main()", "start"),
            *("--head", "--block", "--node-ip-address", "127.0.0.1", "--num-cpus", "2"),
            *("--dashboard-host", "127.0.0.1", "--temp-dir", folder),
            *("--object-store-memory", "100000000"),
            *(f"{name}={port}" for name, port in zip(_PORTS, ports, strict=True)),
        ]
        with subprocess.Popen(
            command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as process:
            url = f"http://127.0.0.1:{ports[1]}"
            try:
                _await_agent(url, ports[2], token)
                yield Head(
                    url=url,
                    address=f"127.0.0.1:{ports[0]}",
                    pid=process.pid,
                    token=token,
                )
            finally:
                family = psutil.Process(process.pid).children(recursive=True)
                for one in [process, *family]:
                    with suppress(psutil.NoSuchProcess):
                        one.kill()


def _free_ports(number: int) -> list[int]:
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(number)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def _await_agent(url: str, agent: int, token: str) -> None:
    """Wait until jobs can be submitted: the dashboard answers, and so does the node's agent."""
    request = urllib.request.Request(
        f"{url}/api/version", headers={"Authorization": f"Bearer {token}"}
    )
    until = time.monotonic() + 60
    while True:
        try:
            urllib.request.urlopen(request, timeout=5).close()
            socket.create_connection(("127.0.0.1", agent), timeout=5).close()
            return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)
