"""What all tests share: the checkout's folder, a spec to vary, and one local Ray a session."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import hypothesis
import pytest

from joulefront.spec import Budget, Choice, Float, Int, Objective, Search, StudySpec

hypothesis.settings.register_profile("busy machine", deadline=None)
hypothesis.settings.load_profile("busy machine")


@pytest.fixture(scope="session")
def repository() -> Path:
    return Path(__file__).resolve().parent.parent


@pytest.fixture
def toy_spec() -> Callable[..., StudySpec]:
    """A study of the toy with deterministic objectives, any field of it replaced."""

    def make(**changes: Any) -> StudySpec:
        fields: dict[str, Any] = {
            "name": "toy",
            "trainable": "trainables.toy:train",
            "fixed": {"work": 0.0},
            "space": {
                "width": Int(8, 512, log=True),
                "learning_rate": Float(1e-4, 1.0, log=True),
                "activation": Choice(("relu", "tanh")),
            },
            "objectives": (Objective("accuracy", "maximise"), Objective("flops", "minimise")),
            "search": Search(sampler="random", concurrent=1),
            "budget": Budget(trials=6),
        }
        return StudySpec(**(fields | changes))

    return make


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 kB, where mounting one is permitted."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        mounted = False
    if not mounted:
        pytest.skip("mounting a small tmpfs is not permitted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture(scope="session")
def ray_session() -> Iterator[None]:
    """One small Ray on loopback for all tests that need one."""
    from joulefront.launch.cluster import ray_cluster

    with ray_cluster(None, cpus=1, slots=3, gpus=0):
        yield


@pytest.fixture(scope="session")
def _s3_server() -> Iterator[str]:
    import logging

    import boto3
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    client = boto3.client(
        "s3",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="key",
        aws_secret_access_key="secret",
    )
    client.create_bucket(Bucket="studies")
    client.close()
    yield url
    server.stop()


@pytest.fixture
def bucket(_s3_server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A prefix of its own in a bucket of a local S3, which the environment leads to."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", _s3_server)
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    return f"s3://studies/{uuid4().hex}"
