"""What is sent to a cluster and what stays; the sending itself is in tests/cluster."""

from __future__ import annotations

import shlex
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from joulefront.errors import StudyError
from joulefront.launch.submit import check_store, excludes, submit_study


class Client:
    """Takes a job, and refuses where it is told to."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error

    def submit_job(self, **job: Any) -> str:
        if self.error is not None:
            raise self.error
        self.job = SimpleNamespace(**job)
        return job["submission_id"]


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "studies").mkdir()
    (tmp_path / "studies" / "s.yaml").write_text("")
    return tmp_path


def test_the_job_is_study_launch_on_the_head(folder, toy_spec, monkeypatch):
    monkeypatch.setenv("RAY_AUTH_TOKEN", "secret-token")
    client = Client()
    arguments = ["--set", "space.width.int=[1, 8]", "--resume"]
    file = folder / "studies" / "s.yaml"
    job = submit_study(client, file, toy_spec(), store="s3://bucket/s", arguments=arguments)
    assert job.startswith("toy-")
    assert shlex.split(client.job.entrypoint) == [
        *("exec", "study", "launch", "studies/s.yaml", "--address", "auto"),
        *("--store", "s3://bucket/s", *arguments),
    ]
    assert client.job.metadata == {"joulefront.store": "s3://bucket/s"}
    assert client.job.runtime_env["working_dir"] == str(folder)
    assert "secret-token" not in str(vars(client.job))


@pytest.mark.parametrize("store", ["results/s", "./s", "", "~/s"])
def test_a_store_is_one_place_for_all_hosts(store):
    with pytest.raises(StudyError, match="absolute path on the cluster, or a URI"):
        check_store(store)
    check_store("/shared/s")
    check_store("gs://bucket/s")


def test_files_outside_the_folder_cannot_be_sent(folder, toy_spec):
    outside = folder.parent / "other.yaml"
    with pytest.raises(StudyError, match="the study file must lie in the current folder"):
        submit_study(Client(), outside, toy_spec(), store="/shared/s")
    spec = toy_spec(trainable="../mine.py:train")
    with pytest.raises(StudyError, match="the trainable's file must lie in"):
        submit_study(Client(), folder / "studies" / "s.yaml", spec, store="/shared/s")


def test_a_folder_that_is_too_large_is_the_users_affair(folder, toy_spec):
    client = Client(ValueError("Package size (1.0GiB) exceeds the maximum size"))
    with pytest.raises(StudyError, match="exceeds the maximum size; list what it does not need"):
        submit_study(client, folder / "studies" / "s.yaml", toy_spec(), store="/shared/s")


def test_results_data_and_secrets_stay(folder, toy_spec):
    from ray._private.runtime_env.packaging import create_package

    sent = ["mine.py", "package/results/kept.py", "package/data/kept.py", "studies/s.yaml"]
    stays = ["results/s/study.json", "data/a.csv", ".git/config", ".env", "scans/images/a.jpg"]
    stays += [".venv/lib.py", "package/__pycache__/x.pyc", "ignored.bin"]
    for name in [*sent, *stays]:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x")
    (folder / ".gitignore").write_text("*.bin\n")
    spec = toy_spec(data={"root": "scans", "cohort": "oasis1"})
    archive = folder.parent / f"{folder.name}.zip"
    create_package(
        str(folder), archive, include_gitignore=True, excludes=list(excludes(spec, folder))
    )
    with zipfile.ZipFile(archive) as opened:
        files = {name for name in opened.namelist() if not name.endswith("/")}
    assert files == {*sent, ".gitignore"}
