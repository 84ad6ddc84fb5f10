"""What the platform costs a trial: seconds per no-op trial, beside plain Ray Tune in the same run.

Each round runs, one after the other on one local Ray, N no-op trials with three reports through

    joulefront   `run_tune` with the store, the energy windows and the random sampler
    ray_tune     a plain `Tuner`, function trainable, loggers off, actors reused

at concurrency 1 and 2, with a clock outside of both: the trials write the times of their ends to a
file, the first `_SKIPPED` left out. Where C run at once, the time from one end to the C-th after it
is divided by C, because trials that run in step end in bursts. The figures
are the medians over rounds of the medians over trials, the worse of the two concurrencies. The
documented pattern (a `TorchTrainer` worker group inside a Tune trial) takes seconds a trial and
runs a few times only. Not a test: nothing here fails if a machine is slow.
"""

from __future__ import annotations

import dataclasses
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from joulefront.bench.result import BenchResult
from joulefront.bench.tables import format_table
from joulefront.launch.cluster import ray_cluster
from joulefront.spec import Budget, Float, Objective, Search, StudySpec

_TRIALS = 40
_SKIPPED = 4
_GROUP_TRIALS = 3
_REPORTS = 3

Contestant = Callable[[Path, int], None]
"""Runs so many no-op trials at once, which write their ends to a file."""


def run(rounds: int = 5) -> BenchResult:
    """Measure and return `overhead_seconds`, and the two peers' seconds."""
    with ray_cluster(None, cpus=1, slots=3, gpus=0):
        observations = [
            _observed(name, contestant, concurrent, _SKIPPED) | {"round": round_}
            for round_ in range(rounds)
            for concurrent in (1, 2)
            for name, contestant in (("joulefront", _run_joulefront), ("ray_tune", _run_ray_tune))
        ]
        groups = {"train_in_tune": _run_train_in_tune, "joulefront_group": _run_joulefront_group}
        for name, contestant in groups.items():
            observations.append(_observed(name, contestant) | {"round": 0})
    return _summarise(observations)


def _observed(
    name: str, contestant: Contestant, concurrent: int = 1, skipped: int = 0
) -> dict[str, Any]:
    """Let a contestant run, and take the seconds of each trial but the first ones."""
    with tempfile.TemporaryDirectory(prefix="joulefront-bench-") as folder:
        ends = Path(folder) / "ends"
        contestant(ends, concurrent)
        times = sorted(float(line) for line in ends.read_text().splitlines())[skipped:]
    steps = zip(times, times[concurrent:], strict=False)
    seconds = [(later - earlier) / concurrent for earlier, later in steps]
    return {"what": name, "concurrent": concurrent, "seconds": seconds}


def _summarise(observations: list[dict[str, Any]]) -> BenchResult:
    """Take medians over trials, then over rounds, and the worse of the concurrencies."""
    medians = {
        (what, concurrent): statistics.median(
            statistics.median(o["seconds"])
            for o in observations
            if (o["what"], o["concurrent"]) == (what, concurrent)
        )
        for what, concurrent in dict.fromkeys((o["what"], o["concurrent"]) for o in observations)
    }
    ours, peer, group, our_group = (
        max(seconds for (what, _), seconds in medians.items() if what == name)
        for name in ("joulefront", "ray_tune", "train_in_tune", "joulefront_group")
    )
    rows = [[what, concurrent, seconds] for (what, concurrent), seconds in sorted(medians.items())]
    table = format_table(["what", "concurrent", "seconds a trial"], rows)
    return BenchResult(
        figures={
            "overhead_seconds": ours,
            "overhead_seconds_ray_tune": peer,
            "overhead_seconds_train_in_tune": group,
            "overhead_group_ratio": our_group / group,
        },
        observations=observations,
        table=f"{table}\njoulefront / ray_tune: {ours / peer:.2f}"
        f"\njoulefront_group / train_in_tune: {our_group / group:.2f}",
    )


def write_end(path: str) -> None:
    """Append the time to a file: the clock of all contestants, on the trial's side."""
    with open(path, "a", encoding="ascii") as ends:
        ends.write(f"{time.monotonic()}\n")


def no_op_spec(ends: Path, concurrent: int, trials: int = _TRIALS) -> StudySpec:
    """Return a study of no-op trials that write their ends to a file."""
    return StudySpec(
        name="overhead",
        trainable="joulefront.bench.no_op:train",
        space={"x": Float(0.0, 1.0)},
        fixed={"ends": str(ends), "reports": _REPORTS},
        objectives=(
            Objective("accuracy", "maximise"),
            Objective("energy_joules", "minimise"),
        ),
        search=Search(sampler="random", concurrent=concurrent),
        budget=Budget(trials=trials),
    )


def _run_joulefront(ends: Path, concurrent: int) -> None:
    from joulefront.launch import launch_study

    launch_study(no_op_spec(ends, concurrent), store=ends.parent / "study")


def _run_ray_tune(ends: Path, concurrent: int) -> None:
    from ray import tune

    def no_op(config: Mapping[str, Any]) -> None:
        for _ in range(_REPORTS):
            tune.report({"accuracy": config["x"], "energy_joules": 1.0})
        write_end(config["ends"])

    tune.Tuner(
        tune.with_resources(no_op, {"CPU": 1}),
        param_space={"x": tune.uniform(0.0, 1.0), "ends": str(ends)},
        tune_config=tune.TuneConfig(
            num_samples=_TRIALS, max_concurrent_trials=concurrent, reuse_actors=True
        ),
        run_config=tune.RunConfig(name="peer", storage_path=str(ends.parent), verbose=0),
    ).fit()


def _run_joulefront_group(ends: Path, concurrent: int) -> None:
    """Run our worker groups of one."""
    from joulefront.launch import launch_study

    spec = no_op_spec(ends, concurrent, _GROUP_TRIALS + 1)
    group = dataclasses.replace(spec.per_trial, workers=1)
    launch_study(dataclasses.replace(spec, per_trial=group), store=ends.parent / "study")


def _run_train_in_tune(ends: Path, concurrent: int) -> None:
    """Run the documented pattern: a worker group of one inside each Tune trial."""
    from ray import train, tune
    from ray.train.torch import TorchTrainer
    from ray.tune.integration.ray_train import TuneReportCallback

    def loop(config: Mapping[str, Any]) -> None:
        for _ in range(_REPORTS):
            train.report({"accuracy": config["x"], "energy_joules": 1.0})

    def driver(config: Mapping[str, Any]) -> None:
        TorchTrainer(
            loop,
            train_loop_config=dict(config),
            scaling_config=train.ScalingConfig(num_workers=1),
            run_config=train.RunConfig(
                storage_path=config["folder"], callbacks=[TuneReportCallback()]
            ),
        ).fit()
        write_end(config["ends"])

    folder = str(ends.parent)
    tune.Tuner(
        driver,
        param_space={"x": tune.uniform(0.0, 1.0), "ends": str(ends), "folder": folder},
        tune_config=tune.TuneConfig(
            num_samples=_GROUP_TRIALS + 1, max_concurrent_trials=concurrent
        ),
        run_config=tune.RunConfig(name="group", storage_path=folder, verbose=0),
    ).fit()
