"""Following, finding and stopping jobs of a made-up cluster; a real one is in tests/cluster."""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import Any

import pytest

from joulefront.errors import StudyError
from joulefront.launch import jobs
from joulefront.launch.jobs import (
    follow,
    job_metadata,
    jobs_client,
    status_there,
    stop_study,
    study_jobs,
    without_ray_addresses,
)


class Status(str):
    @property
    def value(self) -> str:
        return str(self)

    def is_terminal(self) -> bool:
        return self not in ("PENDING", "RUNNING")


class Cluster:
    """Jobs by name; a log comes in pieces, and a connection breaks where a piece is an error."""

    def __init__(self, **states: str) -> None:
        self.jobs = {
            name: SimpleNamespace(
                submission_id=name,
                status=Status(state),
                message=f"it is {state}",
                metadata=job_metadata(f"/shared/{name[0]}"),
                start_time=number,
                driver_exit_code=0,
            )
            for number, (name, state) in enumerate(states.items())
        }
        self.connections: list[list[str | Exception]] = []

    def list_jobs(self) -> list[Any]:
        others = SimpleNamespace(submission_id="other", metadata=None, start_time=0)
        return [*reversed(self.jobs.values()), others]

    def get_job_info(self, name: str) -> Any:
        return self.jobs[name]

    def stop_job(self, name: str) -> None:
        self.jobs[name].status = Status("STOPPED")

    async def tail_job_logs(self, name: str):
        for piece in self.connections.pop(0):
            if isinstance(piece, Exception):
                raise piece
            yield piece
        self.jobs[name].status = Status("SUCCEEDED")


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(jobs, "_POLL_SECONDS", 0.0)


def test_a_log_is_written_once_though_the_connection_breaks():
    cluster = Cluster(a1="RUNNING")
    cluster.connections = [
        ["one\n", "two\n", RuntimeError("closed")],
        [OSError("no route")],
        ["one\ntw", "o\nthree\n"],
    ]
    written: list[str] = []
    ended = follow(cluster, "a1", written.append)
    assert "".join(written) == "one\ntwo\nthree\n" and ended.status == "SUCCEEDED"


def test_a_cluster_that_stays_silent_is_given_up(monkeypatch):
    monkeypatch.setattr(jobs, "_RECONNECTS", 3)
    cluster = Cluster(a1="RUNNING")
    cluster.connections = [[OSError("no route")] for _ in range(9)]
    with pytest.raises(StudyError, match="no route; the study may well run on"):
        follow(cluster, "a1", print)
    assert len(cluster.connections) == 5


def test_a_study_is_found_by_its_store_or_its_job():
    cluster = Cluster(a1="SUCCEEDED", b1="RUNNING", a2="RUNNING")
    assert [job.submission_id for job in study_jobs(cluster, "/shared/a")] == ["a1", "a2"]
    assert [job.submission_id for job in study_jobs(cluster, "b1")] == ["b1"]
    with pytest.raises(StudyError, match="it knows /shared/a, /shared/b; give the --store"):
        study_jobs(cluster, "/shared/c")


def test_only_what_runs_is_stopped():
    cluster = Cluster(a1="FAILED", b1="RUNNING", a2="RUNNING")
    assert [job.submission_id for job in stop_study(cluster, "/shared/a")] == ["a2"]
    assert [job.status for job in cluster.jobs.values()] == ["FAILED", "RUNNING", "STOPPED"]
    assert stop_study(cluster, "/shared/a") == []


def test_the_head_says_what_is_in_its_store():
    cluster = Cluster(a1="FAILED", a2="RUNNING")
    asked: list[str] = []

    def submit_job(entrypoint: str) -> str:
        asked.append(entrypoint)
        cluster.jobs["q"] = SimpleNamespace(status=Status("FAILED"), driver_exit_code=2)
        return "q"

    cluster.submit_job = submit_job
    cluster.get_job_logs = lambda name: f"noise\nRunning q: {asked[0]}\nstudy: no such\n"
    cluster.delete_job = cluster.jobs.pop
    written: list[str] = []
    assert status_there(cluster, "a2", written.append) == 2
    assert asked == ["exec study status /shared/a"] and "q" not in cluster.jobs
    assert "".join(written) == "a2: RUNNING: it is RUNNING\nstudy: no such\n"


@pytest.mark.parametrize("address", ["head:8265", "ray://head:10001", "auto", "http://:8265"])
def test_the_dashboards_address_is_asked_for(address):
    with pytest.raises(StudyError, match="must be that of the cluster's dashboard"):
        jobs_client(address)


def test_rays_own_addresses_do_not_win(monkeypatch):
    monkeypatch.setenv("RAY_ADDRESS", "elsewhere:6379")
    with without_ray_addresses():
        assert "RAY_ADDRESS" not in os.environ
    assert os.environ["RAY_ADDRESS"] == "elsewhere:6379"
