"""`study doctor STUDY`."""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner

from joulefront.cli.app import app
from joulefront.errors import StudyError
from joulefront.store import StudyStore


def test_a_sound_study_then_a_damaged_one(tmp_path: Path) -> None:
    store = StudyStore.create(tmp_path / "study", {"name": "s", "schema_version": 1})
    with store.writer() as writer:
        writer.append("events", [{"kind": "study_started"}])
    ran = CliRunner().invoke(app, ["doctor", str(store.path)])
    assert ran.exit_code == 0, ran.output
    assert ran.output.endswith("sound\n")
    assert "schema 1" in ran.output
    (store.path / "manifest.json").write_text("{")
    ran = CliRunner().invoke(app, ["doctor", str(store.path)])
    assert ran.exit_code == 1
    assert "! parquet" in ran.output


def test_there_must_be_a_study(tmp_path: Path) -> None:
    ran = CliRunner().invoke(app, ["doctor", str(tmp_path)])
    assert isinstance(ran.exception, StudyError)
