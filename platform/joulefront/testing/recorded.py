"""Problems replayed from real studies: tables of curves and joules, and how one is made of studies.

    python -m joulefront.testing.recorded STUDY [STUDY ...] --table FILE.parquet

takes studies that differ in nothing but `search.seed` and in which every configuration is fully
measured on fold 0 with the same seeds, and writes one row a (configuration, seed, epoch): its
parameters, what it reported, the joules and seconds since the trial began, and with the last epoch
`test_*`. No subjects, no predictions, no images. What a study of the table searches for, and the
power model of the machine that it was recorded on, are in the file's metadata.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from joulefront.errors import StudyError
from joulefront.spec import Objective, StudySpec
from joulefront.spec.space import Parameter
from joulefront.store import StudyStore
from joulefront.testing.problem import Epoch, Run

TABLES = Path(__file__).parent / "tables"
SHIPPED = TABLES / "smmt_oasis1.parquet"
"""SMMT on axial slices of OASIS-1: 243 configurations, 12 epochs, several seeds of each."""

_METADATA = b"joulefront"
_REPORTED = ("balanced_accuracy", "loss", "roc_auc", "sensitivity", "specificity")
_MARGIN = 1.1  # of the reference point over the worst configuration


@dataclass(frozen=True)
class Recorded:
    """A table as a `Problem`. The trial of a seed is the recorded one of that rank, modulo.

    The truth is the mean over all recorded seeds. There is one fold.

    Attributes:
        path: Of the table.
        sees_test: A known fault, for benches: what it reports as validation is the test fold, at
            the last epoch.
    """

    path: Path = SHIPPED
    sees_test: bool = False

    @property
    def name(self) -> str:
        """Of the table."""
        return self.path.stem

    @cached_property
    def space(self) -> Mapping[str, Parameter]:
        """Parameters by name."""
        return self._spec.space

    @property
    def objectives(self) -> tuple[Objective, ...]:
        """What the recorded study searched for."""
        return self._spec.objectives

    @cached_property
    def reference(self) -> tuple[float, ...]:
        """Somewhat worse than the worst configuration in each objective; chance for an area."""
        worst = [max(column) for column in zip(*self._truths.values(), strict=True)]
        return tuple(
            -0.5 if objective.metric == "roc_auc" else value + (_MARGIN - 1) * abs(value)
            for objective, value in zip(self.objectives, worst, strict=True)
        )

    @property
    def epochs(self) -> int:
        """Of every trial."""
        return int(self._spec.fixed["epochs"])

    @cached_property
    def seeds(self) -> int:
        """How many trials of each configuration are recorded."""
        return min(len(runs) for runs in self._runs.values())

    def run(self, params: Mapping[str, Any], *, fold: int, seed: int) -> Run:
        """Return a recorded trial.

        Raises:
            KeyError: The table has no such configuration.
        """
        run = self._runs[self._key(params)][seed % self.seeds]
        if not self.sees_test:
            return run
        *before, last = run.epochs
        seen = {name: run.tests.get(f"test_{name}", v) for name, v in last.metrics.items()}
        last = Epoch(metrics=seen, joules=last.joules, seconds=last.seconds)
        return Run(epochs=[*before, last], tests=run.tests)

    def truth(self, params: Mapping[str, Any]) -> tuple[float, ...]:
        """Return the means over the recorded seeds, minimised."""
        return self._truths[self._key(params)]

    @cached_property
    def configurations(self) -> list[dict[str, Any]]:
        """All of the table, in no particular order."""
        return [dict(zip(self.space, key, strict=True)) for key in self._runs]

    def _key(self, params: Mapping[str, Any]) -> tuple[Any, ...]:
        return tuple(params[name] for name in self.space)

    @cached_property
    def _spec(self) -> StudySpec:
        metadata = json.loads(pq.read_schema(self.path).metadata[_METADATA])
        return StudySpec.from_dict(metadata["spec"])

    @cached_property
    def _runs(self) -> dict[tuple[Any, ...], list[Run]]:
        table = pq.read_table(self.path).to_pydict()
        tests = [column for column in table if column.startswith("test_")]
        reported = [column for column in table if column in _REPORTED]
        runs: dict[tuple[Any, ...], list[Run]] = {}
        for begin in range(0, len(table["epoch"]), self.epochs):
            rows = range(begin, begin + self.epochs)
            epochs = [
                Epoch(
                    metrics={name: table[name][row] for name in reported},
                    joules=table["joules"][row],
                    seconds=table["seconds"][row],
                )
                for row in rows
            ]
            key = tuple(table[f"params.{name}"][begin] for name in self.space)
            test = {name: table[name][rows[-1]] for name in tests}
            runs.setdefault(key, []).append(Run(epochs=epochs, tests=test))
        return runs

    @cached_property
    def _truths(self) -> dict[tuple[Any, ...], tuple[float, ...]]:
        return {key: self._mean(runs) for key, runs in self._runs.items()}

    def _mean(self, runs: Sequence[Run]) -> tuple[float, ...]:
        ends = [{**run.epochs[-1].metrics, "energy_joules": run.epochs[-1].joules} for run in runs]
        return tuple(
            objective.sign * sum(end[objective.metric] for end in ends) / len(ends)
            for objective in self.objectives
        )


def record(studies: Sequence[Path], table: Path) -> None:
    """Make one table of studies that differ in `search.seed` only.

    Raises:
        StudyError: They differ in more, or a trial of theirs is not complete.
    """
    stores = [StudyStore.open(study) for study in studies]
    specs = [StudySpec.from_dict(store.header["spec"]) for store in stores]
    for path, spec in zip(studies, specs, strict=True):
        if (spec.space, spec.fixed, spec.objectives) != (
            specs[0].space,
            specs[0].fixed,
            specs[0].objectives,
        ):
            must = "studies of one table must have the same space, fixed values and objectives"
            raise StudyError(must, given=f"{path} differs from {studies[0]}")
    rows = pd.concat([_rows(store) for store in stores], ignore_index=True)
    if rows.empty:
        raise StudyError("studies of a table must be complete", given="no complete trial")
    keys = [column for column in rows.columns if column.startswith("params.")]
    rows.insert(0, "configuration", rows.groupby(keys, sort=True).ngroup().astype("int32"))
    rows = rows.sort_values(["configuration", "seed", "epoch"], ignore_index=True)
    counts = rows.groupby("configuration")["seed"].nunique()
    if counts.min() != counts.max():
        must = "every configuration of a table must be complete with the same seeds"
        raise StudyError(must, given=f"{counts.min()} to {counts.max()} of them")
    floats = rows.select_dtypes("float64").columns.difference(keys)
    rows[floats] = rows[floats].astype("float32")
    written = specs[0].to_dict() | {"data": {}}  # where it lay is nobody's business
    metadata = {"spec": written, "power_model": dict(stores[0].header["power_model"])}
    arrow = pa.Table.from_pandas(rows, preserve_index=False)
    arrow = arrow.replace_schema_metadata({_METADATA: json.dumps(metadata)})
    table.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(arrow, table, compression="zstd", compression_level=19)


def _rows(store: StudyStore) -> pd.DataFrame:
    """Return one row a report of the complete trials, the last with what the trial closed with."""
    trials = store.read("trials").to_pandas()
    ends = trials[(trials["kind"] == "end") & (trials["state"] == "complete")]
    parameters = [c for c in ends.columns if c.startswith("params.")]
    tests = [f"test_{name}" for name in _REPORTED if f"test_{name}" in ends.columns]
    closed = ends[["trial_id", "attempt", "seed", "energy_joules", *parameters, *tests]]
    reports = store.read("reports").to_pandas()
    reports = reports.rename(columns={"energy_joules": "joules", "duration_seconds": "seconds"})
    metrics = [name for name in _REPORTED if name in reports.columns]
    reports = reports[["trial_id", "attempt", "epoch", *metrics, "joules", "seconds"]]
    rows = reports.merge(closed, on=["trial_id", "attempt"])
    last = rows["epoch"] == rows.groupby("trial_id")["epoch"].transform("max")
    rows.loc[last, "joules"] = rows.loc[last, "energy_joules"]
    rows.loc[~last, tests] = float("nan")
    columns = [*parameters, "seed", "epoch", *metrics, *tests, "joules", "seconds"]
    taken: pd.DataFrame = rows[columns].astype({"seed": "int32", "epoch": "int32"})
    return taken


def _main() -> None:
    parser = argparse.ArgumentParser(description="Make a table of recorded studies.")
    parser.add_argument("studies", nargs="+", type=Path, metavar="STUDY")
    parser.add_argument("--table", type=Path, default=SHIPPED, metavar="FILE")
    arguments = parser.parse_args()
    record(arguments.studies, arguments.table)


if __name__ == "__main__":
    _main()
