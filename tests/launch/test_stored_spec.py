from __future__ import annotations

import dataclasses
import json

import pytest

from joulefront.errors import StudyError
from joulefront.launch import opening
from joulefront.launch.header import study_header
from joulefront.launch.stored_spec import read_spec, stored_spec
from joulefront.spec import Search, import_trainable
from joulefront.store import StudyStore

BODY = """
from dataclasses import dataclass

@dataclass(frozen=True)
class Config:
    width: int = 8
    learning_rate: float = 0.1
    activation: str = "relu"

def train(config, trial):
    pass
"""


@pytest.fixture
def home(tmp_path, monkeypatch):
    home = tmp_path / "anna-k"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    return home


def test_the_users_name_is_not_stored_and_paths_come_back(home, toy_spec):
    earlier = (str(home / "results" / "a"), "s3://bucket/b", "/srv/c")
    search = Search(warm_start=earlier)
    spec = toy_spec(trainable=f"{home / 'p' / 't.py'}:train", search=search)
    written = stored_spec(spec)
    assert "anna-k" not in json.dumps(written)
    assert written["trainable"] == "~/p/t.py:train"
    assert written["search"]["warm_start"] == ["~/results/a", "s3://bucket/b", "/srv/c"]
    assert read_spec({"spec": written}) == spec
    assert read_spec({"spec": spec.to_dict()}) == spec  # as it was stored before


def test_a_home_that_is_the_root_hides_nothing(monkeypatch, toy_spec):
    monkeypatch.setenv("HOME", "/")
    spec = toy_spec(trainable="/srv/t.py:train")
    assert stored_spec(spec) == spec.to_dict()


def test_a_moved_trainable_is_the_same_while_its_content_is(home, tmp_path, toy_spec):
    (home / "t.py").write_text(BODY)
    spec = toy_spec(trainable=f"{home / 't.py'}:train", fixed={})
    header = study_header(spec, import_trainable(spec.trainable))
    assert "anna-k" not in json.dumps(header)
    store = StudyStore.create(tmp_path / "study", header)
    moved = tmp_path / "t.py"
    (home / "t.py").rename(moved)
    elsewhere = dataclasses.replace(spec, trainable=f"{moved}:train")
    opened = opening.reopen(store.uri, elsewhere, accept_changes=False)
    assert opened.header["spec"]["trainable"] == elsewhere.trainable
    assert "changes_accepted" not in [event.kind for event in opened.events]
    moved.write_text(BODY + "# edited\n")
    with pytest.raises(StudyError, match=r"code: t\.py changed"):
        opening.reopen(store.uri, elsewhere, accept_changes=False)
    other = dataclasses.replace(spec, trainable=f"{moved}:other")
    with pytest.raises(StudyError, match="other values of trainable"):
        opening.reopen(store.uri, other, accept_changes=False)
