from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

WORKER = """
import json, sys
import torch, torch.distributed as dist
from joulefront.testing import RecordingTrial
from trainables.cohorts import load_cohort, split_cohort
from trainables.smmt import Config, train
from trainables.smmt.batch import Batch
from trainables.smmt.training import load_model
from trainables.training.scoring import predict

def test_side(data):
    cohort = load_cohort(data)
    return cohort, split_cohort(cohort, data, 0).test

rank, world, rendezvous, out = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4]
if world > 1:
    dist.init_process_group("gloo", init_method=rendezvous, rank=rank, world_size=world)
RecordingTrial.rank, RecordingTrial.world_size = rank, world
data = {"cohort": "synthetic_ad", "subjects": 40, "seed": 0, "image_size": 32}
trial = RecordingTrial(data=data)
config = Config(width=16, heads=2, layers=1, epochs=2, sparsity_penalty=0.3, patience=2,
                attention="routing", schedule="cosine", clip_norm=1.0)
train(config, trial)
for report in trial.reports:
    del report["samples_per_second"], report["train_loss"]
again = None
if rank == 0:  # what was saved is what was scored, its buffers too
    model, preprocessing = load_model(trial.checkpoints[-1])
    test = preprocessing.apply(*test_side(data))
    alone = predict(model, Batch.of(test, torch.device("cpu"))).probabilities[:, 1]
    again = dict(zip(test.subjects, alone.tolist(), strict=True))
found = {"again": again, "reports": trial.reports, "scores": dict(trial.predictions["scores"]),
         "checkpoints": len(trial.checkpoints)}
open(out, "w").write(json.dumps(found))
if world > 1:
    dist.destroy_process_group()
"""


def run_group(world: int, folder: Path) -> list[dict[str, object]]:
    folder.mkdir()
    outputs = [folder / f"{rank}.json" for rank in range(world)]
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, str(rank), str(world), f"file://{folder}/meet", out]
        )
        for rank, out in enumerate(map(str, outputs))
    ]
    assert [worker.wait(timeout=120) for worker in workers] == [0] * world
    return [json.loads(out.read_text()) for out in outputs]


@pytest.mark.slow
def test_two_workers_agree_on_what_they_learnt(tmp_path: Path) -> None:
    first, second = run_group(2, tmp_path / "two")
    assert first["reports"] == second["reports"]
    assert first["scores"] == second["scores"]
    assert first["again"] == pytest.approx(first["scores"], abs=1e-6)
    assert (first["checkpoints"], second["checkpoints"]) == (2, 0)
    (alone,) = run_group(1, tmp_path / "one")
    assert alone["scores"].keys() == first["scores"].keys()
    assert alone["scores"] != first["scores"]
