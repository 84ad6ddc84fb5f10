from __future__ import annotations

from pathlib import Path

import pytest

from joulefront.cli.model import model
from joulefront.errors import StudyError


def test_the_files_are_copied_as_they_are(tiny: Path, tmp_path: Path, capfdbinary) -> None:
    out = tmp_path / "out"
    model(tiny, "c0000-f0-s0", out)
    made = tmp_path / "made"
    names = ["config.json", "model.pt", "preprocessing.json"]
    assert sorted(path.name for path in out.iterdir()) == names
    assert all((out / name).read_bytes() == (made / name).read_bytes() for name in names)
    text = capfdbinary.readouterr().out.decode()
    assert "attempt 1, epoch 8, state complete" in text
    assert "clusters, width" in text
    assert "model.pt  39 bytes" in text


def test_an_unknown_trial_is_answered_with_the_nearest(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="given: c0000-f0-s1; nearest: c0000-f0-s0"):
        model(tiny, "c0000-f0-s1", tmp_path / "out")


def test_a_trial_without_checkpoint_names_one_that_has_it(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="given: none; nearest: c0000-f0-s0"):
        model(tiny, "c0001-f0-s0", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_damaged_checkpoint_is_not_copied(tiny: Path, tmp_path: Path) -> None:
    weights = next((tiny / "checkpoints").rglob("model.pt"))
    weights.write_bytes(weights.read_bytes()[:-1] + b"?")
    with pytest.raises(StudyError, match="undamaged"):
        model(tiny, "c0000-f0-s0", tmp_path / "out")


def test_a_folder_with_something_in_it_is_left_alone(tiny: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine.txt").write_text("x")
    with pytest.raises(StudyError, match="must be a new or empty folder"):
        model(tiny, "c0000-f0-s0", out)
    assert [path.name for path in out.iterdir()] == ["mine.txt"]
