from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import pytest

from joulefront.store import StudyStore

NOTEBOOK = Path(__file__).parents[2] / "studies" / "explore_front.ipynb"


def cells() -> list[dict[str, Any]]:
    return json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]


@pytest.fixture(params=["masking_ratio", "clusters"])
def study(request, tmp_path: Path) -> Path:
    spec = {
        "name": "explored",
        "trainable": "trainables.smmt:train",
        "space": {request.param: {"float": [0.0, 0.8]}},
        "objectives": [
            {"metric": "balanced_accuracy", "direction": "maximise"},
            {"metric": "energy_joules", "direction": "minimise"},
        ],
        "budget": {"trials": 3},
    }
    path = tmp_path / "explored"
    with StudyStore.create(path, {"name": "explored", "spec": spec}).writer() as writer:
        for number in range(3):
            common = {"time": 10.0 + number, "trial_id": f"c{number}", "attempt": 1}
            row = {
                "kind": "end",
                "config_id": f"c{number}",
                "fold": 0,
                "seed": 0,
                "state": "complete",
                f"params.{request.param}": 0.2 * number,
                "balanced_accuracy": 0.5 + 0.1 * number,
                "energy_joules": 100.0 * (1 + number),
            }
            writer.append("trials", [common | row])
            charge = {"host": "h", "device": "host", "component": "cpu", "provenance": "modelled"}
            writer.append("energy", [common | charge | {"joules": row["energy_joules"]}])
    return path


def test_no_outputs_are_stored_and_cells_are_thin() -> None:
    for cell in cells():
        if cell["cell_type"] == "code":
            assert cell["outputs"] == []
            assert cell["execution_count"] is None
            assert len("".join(cell["source"]).splitlines()) <= 16


def test_every_cell_runs_on_any_study(study: Path, monkeypatch) -> None:
    monkeypatch.setenv("JOULEFRONT_STUDY", str(study))
    names: dict[str, Any] = {}
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        for cell in cells():
            if cell["cell_type"] == "code":
                exec("".join(cell["source"]), names)
    assert "3 members of the front" in printed.getvalue()


@pytest.mark.slow
def test_a_kernel_runs_it(study: Path, monkeypatch) -> None:
    import nbclient
    import nbformat

    monkeypatch.setenv("JOULEFRONT_STUDY", str(study))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbclient.NotebookClient(
        notebook, timeout=120, resources={"metadata": {"path": str(NOTEBOOK.parent)}}
    ).execute()
    shown = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    figures = [
        output for output in shown if "application/vnd.plotly.v1+json" in output.get("data", {})
    ]
    searches_it = (
        "masking_ratio"
        in json.loads((study / "study.json").read_text())["content"]["study"]["spec"]["space"]
    )
    assert len(figures) == 3 + searches_it
    texts = [output["data"].get("text/plain", "") for output in shown if "data" in output]
    assert any("does not search masking_ratio" in text for text in texts) != searches_it
