from __future__ import annotations

import json
from pathlib import Path

import pytest

from joulefront.store import StudyStore, save_checkpoint

SPEC = {
    "name": "tiny",
    "trainable": "trainables.smmt:train",
    "space": {"clusters": {"int": [1, 32]}},
    "objectives": [
        {"metric": "accuracy", "direction": "maximise"},
        {"metric": "energy_joules", "direction": "minimise"},
    ],
    "budget": {"trials": 4},
}


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """A study of four: two members, one failed trial, one that runs; c0000 kept a checkpoint.

    Its ledger does not say whose it is, so that no host has a bill.
    """
    path = tmp_path / "tiny"
    with StudyStore.create(path, {"name": "tiny", "spec": SPEC}).writer() as writer:
        for number, state in enumerate(["complete", "complete", "failed", "running"]):
            common = {
                "time": 1000.0 + number,
                "trial_id": f"c{number:04d}-f0-s0",
                "attempt": 1,
            }
            measured = {"accuracy": 0.5 + 0.1 * number, "energy_joules": 360.0 * (1 + number)}
            row = {
                "kind": "start" if state == "running" else "end",
                "config_id": f"c{number:04d}",
                "fold": 0,
                "seed": 0,
                "role": "search",
                "state": state,
                "params.clusters": number + 1,
                "failure": 'it said "no", twice' if state == "failed" else None,
            }
            writer.append("trials", [common | row | (measured if state == "complete" else {})])
            charge = {"host": "h", "device": "host", "component": "cpu", "provenance": "modelled"}
            writer.append("energy", [common | charge | {"joules": 360.0 * (1 + number)}])
            writer.append("reports", [common | {"epoch": 1, "accuracy": 0.5}])
        started = {"kind": "study_started", "time": 999.0, "details": json.dumps({})}
        writer.append("events", [started])
        sample = {"kind": "sample", "host": "h", "meter": "m", "monotonic_ns": 1, "details": "{}"}
        writer.append("ledger", [sample])
    _save_model(path, tmp_path / "made")
    return path


def _save_model(study: Path, folder: Path) -> None:
    folder.mkdir()
    (folder / "model.pt").write_bytes(b"\x80\x04not a pickle that anybody should load")
    (folder / "config.json").write_text(json.dumps({"clusters": 1, "width": 64}))
    (folder / "preprocessing.json").write_text(json.dumps({"means": [0.5]}))
    save_checkpoint(study, "c0000-f0-s0", 1, 8, folder)
