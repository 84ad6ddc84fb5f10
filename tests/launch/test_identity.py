from __future__ import annotations

import copy
import dataclasses
from pathlib import Path

import pytest

from joulefront.errors import StudyError
from joulefront.launch.fingerprint import digest
from joulefront.launch.identity import (
    Identity,
    check_outside,
    differences,
    environment_changes,
    identify,
    identity_events,
)
from joulefront.spec import import_trainable


@pytest.fixture
def header(toy_spec):
    spec = toy_spec()
    found = identify(spec, import_trainable(spec.trainable))
    return {"fingerprint": found.fingerprint, "data": found.data}


def changed(header, *path, value):
    fingerprint = copy.deepcopy(header["fingerprint"])
    place = fingerprint
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    return Identity(fingerprint=fingerprint, data=header["data"])


def described(header, data):
    now = changed(header, "data", value=digest(data))
    return dataclasses.replace(now, data=data)


def test_the_same_study_differs_in_nothing(header):
    now = Identity(**header)
    assert differences(header, now) == environment_changes(header, now) == []
    assert identity_events(header, now, path=Path("s"), accept_changes=False) == []


def test_an_older_study_is_taken_as_it_is(header):
    assert identity_events({}, Identity(**header), path=Path("s"), accept_changes=False) == []


def test_changed_code_is_refused_by_name_unless_it_is_accepted(header):
    now = changed(header, "trainable", "files", "trainables/toy.py", value="0")
    with pytest.raises(StudyError, match=r"code: trainables/toy\.py changed; .*--accept-changes"):
        identity_events(header, now, path=Path("s"), accept_changes=False)
    (event,) = identity_events(header, now, path=Path("s"), accept_changes=True)
    assert event.kind == "changes_accepted"
    assert event.details["before"] == header["fingerprint"]
    assert event.details["changes"] == ["code: trainables/toy.py changed"]


def test_files_that_came_and_went_are_named(header):
    files = {f"{n}.py": "0" for n in range(7)}
    now = changed(header, "trainable", "files", value=files)
    assert differences(header, now) == [
        "code: 0.py, 1.py, 2.py, 3.py, 4.py and 2 more added",
        "code: trainables/__init__.py, trainables/toy.py gone",
    ]


def test_data_differ_by_subjects_or_by_content(header):
    before = {"fingerprint": "f", "subjects": ["a", "b"]}
    first = described(header, before)
    stored = {"fingerprint": first.fingerprint, "data": before}
    for data, told in (
        ({"fingerprint": "g", "subjects": ["b", "c"]}, ["subjects c added", "subjects a gone"]),
        ({"fingerprint": "g", "subjects": ["a", "b"]}, ["other fingerprint"]),
        (None, ["it is no longer described"]),
    ):
        assert differences(stored, described(header, data)) == [f"data: {text}" for text in told]


def test_the_environment_is_noted_only(header):
    now = changed(header, "environment", "packages", "numpy", value="0.1")
    numpy = header["fingerprint"]["environment"]["packages"]["numpy"]
    (event,) = identity_events(header, now, path=Path("s"), accept_changes=False)
    assert event.kind == "environment_changed"
    assert event.details == {"changes": [f"numpy: 0.1 instead of {numpy}"]}
    elsewhere = changed(header, "node_classes", value=["another machine"])
    assert environment_changes(header, elsewhere)[0].startswith("node class: another machine")


def test_code_in_the_study_itself_is_not_run(toy_spec, tmp_path, monkeypatch):
    study = tmp_path / "study"
    study.mkdir()
    (tmp_path / "link").symlink_to(study)
    check_outside(study, toy_spec(trainable=f"{tmp_path / 'mine.py'}:train"))
    for inside in (study / "evil.py", tmp_path / "link" / "evil.py"):
        with pytest.raises(StudyError, match="code must not come from"):
            check_outside(study, toy_spec(trainable=f"{inside}:train"))
    monkeypatch.chdir(study)
    with pytest.raises(StudyError, match="code must not come from"):
        check_outside(study, toy_spec())
