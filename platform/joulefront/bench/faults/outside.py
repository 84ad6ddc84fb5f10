"""A study as plain pyarrow reads it, and what the witnesses have seen: the harness's own truth.

Nothing of the platform's reader is used here: no checksums, no manifest, no folding. The segments
of a study are IPC streams, of which pyarrow reads the whole batches.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

Row = Mapping[str, Any]
_CHARGED = ("trial_id", "attempt", "host", "device", "component")


def stored_rows(study: Path, table: str) -> list[Row]:
    """Return all rows of a table's segments, in the order of time."""
    rows: list[Row] = []
    for path in sorted((study / "segments" / table).glob("*.arrows")):
        rows += _batches(path)
    return sorted(rows, key=lambda row: float(row["time"]))


def _batches(path: Path) -> list[Row]:
    rows: list[Row] = []
    try:
        with pa.ipc.open_stream(path.read_bytes()) as stream:
            for batch in stream:
                rows += batch.to_pylist()
    except (pa.ArrowInvalid, OSError):  # a torn tail
        pass
    return rows


def finished_trials(study: Path) -> dict[str, Row]:
    """Return the first end row of each trial that was completely measured."""
    finished: dict[str, Row] = {}
    for row in stored_rows(study, "trials"):
        if row["kind"] == "end" and row["state"] == "complete":
            finished.setdefault(row["trial_id"], row)
    return finished


def doubled_trials(study: Path) -> int:
    """Return how many complete ends there are beyond one a trial."""
    ends = [
        row
        for row in stored_rows(study, "trials")
        if row["kind"] == "end" and row["state"] == "complete"
    ]
    return len(ends) - len({row["trial_id"] for row in ends})


def billed_joules(study: Path) -> dict[str, float]:
    """Return what the windows of each trial's attempts were charged, retried ones included.

    Set-up is left out: it is no part of what a witness counts, and would hide what is missing. So
    is a charge's second row, which a batch that was written again, or a second driver, leaves.

    Returns:
        Joules by the name under which the trial's witness keeps its books.
    """
    names = {row["trial_id"]: witness_name(row) for row in stored_rows(study, "trials")}
    rows = stored_rows(study, "energy")
    once = {tuple(row[name] for name in _CHARGED): float(row["joules"]) for row in rows}
    joules: dict[str, float] = defaultdict(float)
    for key, charged in once.items():
        if key[-1] == "cpu":
            joules[names[key[0]]] += charged
    return joules


def joules_per_cpu_second(study: Path) -> float:
    """Return the study's own conversion, which `study.json` states."""
    header = json.loads((study / "study.json").read_text())["content"]["study"]
    return float(header["power_model"]["joules_per_cpu_second"])


@dataclass(slots=True)
class Witnessed:
    """What the attempts of one trial have written into their books.

    Attributes:
        starts: Epoch that each attempt went on from, in order of time.
        ends: Times at which `train` came to its end.
        began: Times at which it was begun.
        cpu_seconds: Of all attempts, while their windows were open.
    """

    starts: list[int] = field(default_factory=list)
    began: list[float] = field(default_factory=list)
    ends: list[float] = field(default_factory=list)
    cpu_seconds: float = 0.0


def witnessed(folder: Path) -> dict[str, Witnessed]:
    """Return what the witnesses say, by "x.fold"."""
    trials: dict[str, Witnessed] = defaultdict(Witnessed)
    lines = []
    for path in folder.glob("*.jsonl"):
        name = path.name.removesuffix(".jsonl").rpartition(".")[0]
        used = 0.0
        for text in path.read_text().splitlines():
            line = json.loads(text)
            if line["what"] == "start":
                trials[name].cpu_seconds += used
                used = 0.0
            used = line.get("cpu", used)
            lines.append((line["time"], name, line))
        trials[name].cpu_seconds += used
    for time, name, line in sorted(lines, key=lambda one: one[0]):
        if line["what"] == "start":
            trials[name].starts.append(line["epoch"])
            trials[name].began.append(time)
        elif line["what"] == "end":
            trials[name].ends.append(time)
    return dict(trials)


def witness_name(row: Row) -> str:
    """Return under which name the witness of a stored trial keeps its books."""
    return f"{row['params.x']!r}.{row['fold']}"
