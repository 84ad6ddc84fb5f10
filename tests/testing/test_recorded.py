from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from joulefront.errors import StudyError
from joulefront.spec import Budget, Objective, Replicates, Search, StudySpec
from joulefront.spec.space import Choice
from joulefront.store import StudyStore
from joulefront.testing.recorded import SHIPPED, Recorded, record


def a_study(path: Path, *, seed: int = 0, epochs: int = 2, state: str = "complete") -> Path:
    spec = StudySpec(
        name="toy",
        trainable="toy:train",
        data={"root": "/a/secret/place"},
        fixed={"epochs": epochs},
        space={"width": Choice((8, 16))},
        objectives=(Objective("roc_auc", "maximise"), Objective("energy_joules", "minimise")),
        search=Search(sampler="grid", seed=seed),
        replicates=Replicates(allocate="all"),
        budget=Budget(trials=2),
    )
    header = {"spec": spec.to_dict(), "power_model": {"joules_per_cpu_second": 3.0}}
    with StudyStore.create(path, header).writer() as writer:
        for number, width in enumerate((8, 16)):
            who = {"trial_id": f"c{number}", "attempt": 1, "time": 0.0}
            for epoch in (1, 2):
                told = {"roc_auc": 0.5 + 0.1 * epoch, "energy_joules": 10.0 * width * epoch}
                times = {"epoch": epoch, "duration_seconds": 1.0 * epoch}
                writer.append("reports", [who | told | times])
            end = {"kind": "end", "state": state, "seed": seed, "params.width": width}
            closed = {"energy_joules": 20.5 * width, "test_roc_auc": 0.6, "subject": "S1"}
            writer.append("trials", [who | end | closed])
    return path


def test_studies_of_several_seeds_make_one_table(tmp_path: Path) -> None:
    studies = [a_study(tmp_path / f"s{seed}", seed=seed) for seed in (0, 5)]
    table = tmp_path / "toy.parquet"
    record(studies, table)
    problem = Recorded(table)
    assert (problem.name, problem.seeds, problem.epochs) == ("toy", 2, 2)
    assert sorted(c["width"] for c in problem.configurations) == [8, 16]
    run = problem.run({"width": 16}, fold=0, seed=3)
    assert [epoch.joules for epoch in run.epochs] == [160.0, 328.0]
    assert run.epochs[0].metrics["roc_auc"] == pytest.approx(0.6)
    assert run.tests == {"test_roc_auc": pytest.approx(0.6)}
    assert problem.truth({"width": 8}) == pytest.approx((-0.7, 164.0))
    assert problem.reference == pytest.approx((-0.5, 1.1 * 328.0))


def test_a_table_names_no_place_and_no_subject(tmp_path: Path) -> None:
    record([a_study(tmp_path / "s")], tmp_path / "t.parquet")
    schema = pq.read_schema(tmp_path / "t.parquet")
    assert "subject" not in schema.names
    assert b"secret" not in b"".join(schema.metadata.values())


def test_other_studies_and_unfinished_ones_are_refused(tmp_path: Path) -> None:
    first, other = a_study(tmp_path / "a"), a_study(tmp_path / "b", epochs=3)
    with pytest.raises(StudyError, match="same space"):
        record([first, other], tmp_path / "t.parquet")
    with pytest.raises(StudyError, match="no complete trial"):
        record([a_study(tmp_path / "c", state="failed")], tmp_path / "t.parquet")


def test_the_shipped_table_is_whole() -> None:
    problem = Recorded()
    table = pq.read_table(SHIPPED).to_pandas()
    keys = ["configuration", "seed", "epoch"]
    assert len(table) == 243 * problem.seeds * problem.epochs == len(table.drop_duplicates(keys))
    assert len(problem.configurations) == 243 and problem.seeds >= 6
    rising = table.groupby(["configuration", "seed"])["joules"].diff().dropna()
    assert (rising > 0).all()
    measured = table.drop(columns=[c for c in table if c.startswith("test_")])
    assert np.isfinite(measured.to_numpy(dtype=np.float64)).all()
    assert SHIPPED.stat().st_size < 1_000_000
    metadata = json.loads(pq.read_schema(SHIPPED).metadata[b"joulefront"])
    assert metadata["spec"]["data"] == {}


def test_the_truth_is_the_mean_over_seeds() -> None:
    problem = Recorded()
    table = pq.read_table(SHIPPED).to_pandas()
    params = problem.configurations[17]
    chosen = pd.Series(True, index=table.index)
    for name, value in params.items():
        chosen &= table[f"params.{name}"] == value
    last = table[chosen & (table["epoch"] == problem.epochs)]
    assert problem.truth(params) == pytest.approx((-last["roc_auc"].mean(), last["joules"].mean()))
    seen = Recorded(sees_test=True).run(params, fold=0, seed=1)
    assert seen.epochs[-1].metrics["roc_auc"] == seen.tests["test_roc_auc"]
