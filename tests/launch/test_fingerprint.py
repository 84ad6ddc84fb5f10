from __future__ import annotations

import getpass
import json
import socket
import subprocess

from joulefront.launch import fingerprint
from joulefront.spec import Budget


def test_nothing_of_the_environment_and_the_user_is_in_it(toy_spec, monkeypatch, tmp_path):
    monkeypatch.setenv("SECRET_TOKEN", "hunter2-in-the-environment")
    file = tmp_path / "mine.py"
    file.write_text("import os\n")
    spec = toy_spec(trainable=f"{file}:train")
    made = fingerprint.study_fingerprint(spec, {"subjects": ["a"]})
    text = json.dumps(made)
    assert made["trainable"]["files"].keys() == {"mine.py"}
    for secret in ("hunter2", str(tmp_path), socket.gethostname()):
        assert secret not in text
    assert f"/{getpass.getuser()}/" not in text
    assert made["environment"]["packages"]["numpy"] and made["node_classes"]


def test_a_budget_is_no_part_of_the_study_files_hash(toy_spec):
    one, other, third = (
        fingerprint.study_fingerprint(toy_spec(**changes), None)["study_file"]
        for changes in ({}, {"budget": Budget(trials=9)}, {"fixed": {"work": 1.0}})
    )
    assert one == other != third


def test_a_digest_does_not_depend_on_the_order_of_keys():
    one, other = {2: [1.5, None], 10: "ä"}, {10: "ä", 2: (1.5, None)}
    assert fingerprint.digest(one) == fingerprint.digest(other)
    assert fingerprint.digest(one) == fingerprint.digest(json.loads(json.dumps(one)))


def test_git_tells_the_commit_and_whether_files_differ(tmp_path):
    def git(*arguments: str) -> str:
        command = ["git", "-c", "user.name=n", "-c", "user.email=e", "-C", str(tmp_path)]
        return subprocess.run([*command, *arguments], check=True, capture_output=True).stdout

    assert fingerprint.git_state(tmp_path) is None
    git("init")
    (tmp_path / "a.py").write_text("1")
    git("add", ".")
    git("commit", "-m", "one")
    commit = git("rev-parse", "HEAD").decode().strip()
    (tmp_path / "untracked").write_text("1")
    assert fingerprint.git_state(tmp_path) == {"commit": commit, "dirty": False}
    (tmp_path / "a.py").write_text("2")
    assert fingerprint.git_state(tmp_path) == {"commit": commit, "dirty": True}


def test_without_a_git_program_there_is_no_commit(tmp_path, monkeypatch, repository):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert fingerprint.git_state(repository) is None
