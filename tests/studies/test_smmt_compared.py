from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Iterable, Mapping
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import t as student

from joulefront.spec import load_study
from joulefront.store import StudyStore

PAPERS = Path(__file__).parents[2] / "studies" / "papers"
NOTEBOOK = PAPERS / "smmt_compared.ipynb"
NAMES = ("sequence_length", *(path.stem for path in PAPERS.glob("smmt_*.yaml")))
SIDES = {"train": ["a", "b", "c", "d"], "validation": ["e"], "test": ["f"]}  # ratio 0.25


def cells() -> list[dict[str, Any]]:
    return json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]


def write(folder: Path, name: str, trials: Iterable[Mapping[str, Any]]) -> None:
    """A study of complete trials, of which `arm` names the parameters."""
    spec = load_study(PAPERS / f"{name}.yaml").to_dict()
    with StudyStore.create(folder / name, {"name": name, "spec": spec}).writer() as writer:
        for number, trial in enumerate(trials):
            common = {"time": 10.0 + number, "trial_id": f"c{number}", "attempt": 1}
            row = {"kind": "end", "config_id": f"c{number}", "fold": 0, "seed": 0}
            arm = {f"params.{key}": value for key, value in trial["arm"].items()}
            measured = {key: value for key, value in trial.items() if key != "arm"}
            writer.append("trials", [common | row | {"state": "complete"} | arm | measured])
            writer.append("events", [common | {"kind": "split", "details": json.dumps(SIDES)}])


def grid(arms: Mapping[str, Iterable[Any]], accuracy: Any) -> list[dict[str, Any]]:
    """Five folds and two seeds of each arm; folds and seeds differ alike in all of them."""
    found = []
    for values in product(*arms.values()):
        arm = dict(zip(arms, values, strict=True))
        sparse = arm.get("attention") != "dense"
        for fold, seed in product(range(5), range(2)):
            noise = 0.01 * fold + 0.02 * seed + 0.002 * (fold % 2) * sparse
            trial = {"arm": arm, "fold": fold, "seed": seed}
            trial["test_accuracy"] = accuracy(arm) + noise
            trial["samples_per_second"] = 200.0 if sparse else 100.0
            trial["energy_joules"] = trial["energy_cpu_joules"] = 50.0 if sparse else 100.0
            trial |= {"energy_gpu_joules": 0.0, "energy_ram_joules": 5.0 if sparse else 10.0}
            found.append(trial | {"energy_total_joules": 55.0 if sparse else 110.0})
    return found


def invent(folder: Path, name: str) -> None:
    """Sparse attention gains 2 points whatever the data; masking costs 3; r = 0.3 is no peak."""
    arms: dict[str, Iterable[Any]] = {
        "attention": ["cluster", "dense"],
        "masking": ["none", "element"],
    }
    if name == "smmt_masking_ratio":
        arms = {"masking_ratio": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]}
    elif name == "smmt_data_share":
        arms = {"attention": ["cluster", "dense"], "train_share": [0.2, 0.4, 0.6, 0.8, 1.0]}
    elif name == "smmt_energy":
        arms = {"attention": ["balanced", "cluster", "dense"]}

    def accuracy(arm: Mapping[str, Any]) -> float:
        sparse, masked = arm.get("attention") == "cluster", arm.get("masking") == "element"
        ratio = arm.get("masking_ratio", 0.0)
        gains = 0.02 * sparse - 0.03 * masked + 0.1 * arm.get("train_share", 0.0)
        return 0.7 + gains - 0.2 * max(0.0, ratio - 0.6)

    if name == "sequence_length":
        times = {"dense": lambda n: 1e-9 * n**2, "cluster": lambda n: 2e-7 * n**1.6}
        times["balanced"] = lambda n: 2e-7 * n**1.1
        trials = [
            {"arm": {"attention": attention, "tokens": n}, "latency_seconds": seconds(n)}
            for attention, seconds in times.items()
            for n in (512, 1024, 2048, 4096, 8192)
        ]
        write(folder, name, trials)
    else:
        write(folder, name, grid(arms, accuracy))


def run(monkeypatch: pytest.MonkeyPatch, folder: Path) -> tuple[dict[str, Any], str]:
    """What the notebook's cells leave behind, and what they print."""
    monkeypatch.setenv("JOULEFRONT_RESULTS", str(folder))
    names: dict[str, Any] = {}
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        for cell in cells():
            if cell["cell_type"] == "code":
                exec("".join(cell["source"]), names)
    return names, printed.getvalue()


def test_no_outputs_are_stored_and_cells_are_thin() -> None:
    for cell in cells():
        if cell["cell_type"] == "code":
            assert cell["outputs"] == []
            assert cell["execution_count"] is None
            assert len("".join(cell["source"]).splitlines()) <= 16


@pytest.mark.parametrize("there", [(), *((name,) for name in NAMES), NAMES])
def test_it_runs_on_whatever_is_there(
    there: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in there:
        invent(tmp_path, name)
    names, printed = run(monkeypatch, tmp_path)
    assert set(names["studies"]) == set(there)
    for name in set(NAMES) - set(there):
        assert f"study launch studies/papers/{name}.yaml" in printed
    assert bool(names["claims"]) == bool(there)


def test_verdicts_follow_from_the_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        invent(tmp_path, name)
    names, printed = run(monkeypatch, tmp_path)
    found = {claim["claim"]: claim for claim in names["claims"]}
    verdicts = {name: claim["verdict"] for name, claim in found.items()}
    assert verdicts["sparse attention, unmasked: accuracy, points"] == "holds"
    assert verdicts["masking, dense: accuracy, points"] == "the opposite"
    assert verdicts["sparse attention, masked: training time, ratio"] == "holds"
    assert verdicts["masking, dense: training time, ratio"] == "not shown"
    assert verdicts["accuracy falls past r = 0.6: 0.8 − 0.6, points"] == "holds"
    assert verdicts["r = 0.3 is the best ratio: 0.3 − 0.1 (the best other), points"] == "not shown"
    assert verdicts["sparse − dense at 20%, points"] == "holds"
    assert verdicts["cluster: 100 % − 20 %, points"] == "holds"
    assert verdicts["sparse − dense grows with the data: 100 % − 20 %, points"] == "not shown"
    assert found["cluster saves cpu energy, %"]["ours"] == pytest.approx(50)
    assert "cluster saves gpu energy, %" not in found
    assert verdicts["cluster: time grows no faster than n log n, exponent"] == "the opposite"
    assert verdicts["balanced: time grows no faster than n log n, exponent"] == "holds"
    sparse = found["sparse attention, unmasked: accuracy, points"]
    assert sparse["paper"] == pytest.approx(5.14)
    assert f"points: {sparse['ours']:+.2f} ± {sparse['±']:.2f} (paper: +5.14): holds" in printed


def test_the_interval_is_corrected_for_shared_people(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    invent(tmp_path, "smmt_ablation")
    names, _ = run(monkeypatch, tmp_path)
    claim = names["claims"][0]
    differences = np.array([2.0, 2.2, 2.0, 2.2, 2.0])  # points, by fold
    half = student.ppf(0.975, 4) * differences.std(ddof=1) * np.sqrt(1 / 5 + 0.25)
    assert (claim["ours"], claim["±"]) == pytest.approx((differences.mean(), half))
    assert names["interval"](names["pd"].Series([1.0]))[0] == 1.0
    assert np.isnan(names["interval"](names["pd"].Series([1.0]))[1])


@pytest.mark.slow
def test_a_kernel_runs_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import nbclient
    import nbformat

    for name in NAMES:
        invent(tmp_path, name)
    monkeypatch.setenv("JOULEFRONT_RESULTS", str(tmp_path))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbclient.NotebookClient(
        notebook, timeout=120, resources={"metadata": {"path": str(NOTEBOOK.parent)}}
    ).execute()
    shown = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    kinds = [set(output.get("data", {})) for output in shown]
    assert sum("application/vnd.plotly.v1+json" in kind for kind in kinds) == 3
    assert sum("text/html" in kind for kind in kinds) >= 4
