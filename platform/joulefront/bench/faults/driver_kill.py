"""Drivers that are killed with SIGKILL and resumed: what was lost, doubled, made up, or not paid.

A quick study runs in a process that kills itself at one of its write boundaries (`dying.py`), or is
killed from outside at a random instant, is resumed to its end, and is judged by `outside.py`: by
the rows that plain pyarrow reads and the books of the witnesses.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from joulefront.bench.faults.outside import (
    Witnessed,
    billed_joules,
    doubled_trials,
    finished_trials,
    joules_per_cpu_second,
    witness_name,
    witnessed,
)
from joulefront.bench.figures import Figure, Row, Rows
from joulefront.errors import JoulefrontError

TRIALS = 6
CONCURRENT = 2
_SAMPLE_SECONDS = 1.0  # of the host's meter: what a kill may cost the bill, a live trial
_BOUNDARIES = 5  # sampled by default
_INSTANTS = 2
_FULL_INSTANTS = 20
_SPENT = 1  # kills of trials that have used more than a sample, which others have not
_FULL_SPENT = 10
_SPENT_SECONDS = (2.5, 3.5)  # of CPU time, then
_PATIENCE_SECONDS = 180


def observe(full: bool = False) -> list[dict[str, Any]]:
    """Kill drivers and resume their studies.

    Returns:
        A row a kill: where it struck, and what was `lost`, `doubled`, a `ghost` or `missing`
        (joules); those of the mutants have their fault as `variant`.
    """
    with _folder() as folder:
        boundaries = _count_boundaries(folder)
    chosen = random.Random(0)
    points = range(boundaries) if full else sorted(chosen.sample(range(boundaries), _BOUNDARIES))
    late = int(0.7 * boundaries)
    with ThreadPoolExecutor(len(os.sched_getaffinity(0)) if full else 1) as pool:
        kills = [pool.submit(_killed, "joulefront", boundary=point) for point in points]
        span = _seconds_of_a_study([kill.result() for kill in kills])
        for _ in range(_FULL_SPENT if full else _SPENT):
            spent = chosen.uniform(*_SPENT_SECONDS)
            kills.append(pool.submit(_killed, "joulefront", spent_seconds=spent))
        kills.append(pool.submit(_killed, "unbilled", spent_seconds=_SPENT_SECONDS[1]))
        faults = ("naive", "lossy", "gives_up")
        kills += [pool.submit(_killed, fault, boundary=late) for fault in faults]
        number = _FULL_INSTANTS if full else _INSTANTS
        instants = [chosen.uniform(0.3, span) for _ in range(number)]
        rows = [row for tries in pool.map(_killed_at, instants) for row in tries]
        rows = [kill.result() for kill in kills] + rows
    return [row | {"what": "driver_kill", "boundaries": boundaries} for row in rows]


def study_file(folder: Path, **changes: Any) -> Path:
    """Write a study of witnesses into a folder."""
    (folder / "witness").mkdir(exist_ok=True)
    content = {
        "name": "witnessed",
        "trainable": "joulefront.bench.faults.witness:train",
        "fixed": {"folder": str(folder / "witness")} | changes.pop("fixed", {}),
        "space": {"x": {"float": [0.0, 1.0]}},
        "objectives": [
            {"metric": "score", "direction": "maximise"},
            {"metric": "cost", "direction": "minimise"},
        ],
        "search": {"sampler": "random", "concurrent": changes.pop("concurrent", CONCURRENT)},
        "budget": {"trials": changes.pop("trials", TRIALS)},
    }
    path = folder / "witnessed.yaml"
    path.write_text(yaml.safe_dump(content | changes))
    return path


def study_process(folder: Path, plan: dict[str, Any], *arguments: str) -> subprocess.Popen[bytes]:
    """Start `study launch` on the study file of a folder, as `dying.py` plans it."""
    plan = {"study": str(folder / "study")} | plan
    command = [sys.executable, "-m", "joulefront.bench.faults.dying", json.dumps(plan)]
    command += ["launch", "witnessed.yaml", "--store", str(folder / "study"), *arguments]
    with (folder / "output").open("ab") as output:
        return subprocess.Popen(command, cwd=folder, stdout=output, stderr=output)


def finish(
    folder: Path, process: subprocess.Popen[bytes], patience_seconds: float = _PATIENCE_SECONDS
) -> None:
    """Wait for a study that must end well.

    Raises:
        JoulefrontError: If it does not, with the last it has printed.
    """
    try:
        code = process.wait(patience_seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        code = -signal.SIGKILL
    if code:
        given = (folder / "output").read_text()[-500:]
        raise JoulefrontError("a study must end well", given=f"exit code {code}: {given}")


def _count_boundaries(folder: Path) -> int:
    study_file(folder)
    finish(folder, study_process(folder, {"count": str(folder / "count")}))
    return int((folder / "count").read_text())


def _killed(
    variant: str,
    *,
    boundary: int | None = None,
    after_seconds: float | None = None,
    spent_seconds: float | None = None,
) -> dict[str, Any]:
    """Kill one driver, resume its study to the end, and judge what became of it."""
    row: dict[str, Any] = {"variant": variant, "boundary": boundary}
    row |= {"instant": after_seconds, "spent": spent_seconds}
    with _folder() as folder:
        study_file(folder, fixed={"busy_seconds": 1.0 if spent_seconds else 0.1})
        began = time.time()
        process = study_process(folder, {"boundary": boundary})
        if boundary is None:
            _wait_for(folder, process, after_seconds, spent_seconds)
            process.send_signal(signal.SIGKILL)
        process.wait(_PATIENCE_SECONDS)
        killed = time.time()
        row["struck"] = process.returncode == -signal.SIGKILL
        study, books = folder / "study", folder / "witness"
        before = finished_trials(study)
        live = sum(len(seen.began) > len(seen.ends) for seen in witnessed(books).values())
        if variant != "gives_up":
            fault = None if variant == "joulefront" else variant
            try:
                finish(folder, study_process(folder, {"fault": fault}, "--resume"))
            except JoulefrontError as error:  # must not cost the others' rows
                row["failed"] = str(error)
        row |= {"seconds_to_kill": killed - began, "seconds_to_end": time.time() - killed}
        row |= _judge(study, books, before, killed)
        row["lost"] += "failed" in row
        owed = _owed(study, books)
        allowed = _SAMPLE_SECONDS * live * joules_per_cpu_second(study)
        return row | {"owed": owed, "allowed": allowed, "missing": max(0.0, owed - allowed)}


def _killed_at(instant: float) -> list[dict[str, Any]]:
    """Kill at an instant; where the study had ended before, another at half of it, and so on."""
    row = _killed("joulefront", after_seconds=instant)
    return [row] if row["struck"] else [row, *_killed_at(instant / 2)]


def _wait_for(
    folder: Path,
    process: subprocess.Popen[bytes],
    after_seconds: float | None,
    spent_seconds: float | None,
) -> None:
    """Wait some time after a study's first row, or until what runs has used some CPU time."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not (folder / "study" / "segments").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(after_seconds or 0.0)
    while spent_seconds and process.poll() is None and time.monotonic() < deadline:
        running = [seen for seen in witnessed(folder / "witness").values() if not seen.ends]
        if sum(seen.cpu_seconds for seen in running) >= spent_seconds:
            break
        time.sleep(0.02)


def _judge(study: Path, books: Path, before: dict[str, Any], killed: float) -> dict[str, int]:
    after, seen = finished_trials(study), witnessed(books)
    same = ("score", "cost", "attempt")
    lost = [
        name
        for name, row in before.items()
        if name not in after or any(after[name].get(key) != row[key] for key in same)
    ]
    again = [row for row in before.values() if max(_of(seen, row).began, default=0) > killed]
    points = [row["params.x"] for row in after.values()]
    ghosts = [row for row in after.values() if not _of(seen, row).ends]
    return {
        "finished_before": len(before),
        "finished_after": len(after),
        "lost": len(lost) + max(0, TRIALS - len(after)),
        "doubled": doubled_trials(study) + len(again) + len(points) - len(set(points)),
        "ghosts": len(ghosts) + max(0, len(after) - TRIALS),
    }


def _of(seen: dict[str, Witnessed], row: Row) -> Witnessed:
    """Return what the witness of a stored trial has seen; nothing, if nobody ran it."""
    return seen.get(witness_name(row), Witnessed())


def _owed(study: Path, books: Path) -> float:
    """Return what witnesses have used beyond their bills, in the study's own joules."""
    each, bills = joules_per_cpu_second(study), billed_joules(study)
    used = {name: each * seen.cpu_seconds for name, seen in witnessed(books).items()}
    return sum(max(0.0, joules - bills.get(name, 0.0)) for name, joules in used.items())


def _seconds_of_a_study(rows: list[dict[str, Any]]) -> float:
    """Return how long a study runs from its first row on, roughly: what most kills reached."""
    seconds = sorted(float(row["seconds_to_kill"]) for row in rows)
    return max(1.0, seconds[int(0.9 * len(seconds))] - 4.0)


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="joulefront-", ignore_cleanup_errors=True) as folder:
        os.makedirs(Path(folder) / "witness")
        yield Path(folder)


def _total(column: str) -> Callable[[Rows, str], float]:
    """Add up a column over the kills of a variant; NaN where there were none."""

    def statistic(rows: Rows, variant: str) -> float:
        of = [row for row in rows if (row["what"], row.get("variant")) == ("driver_kill", variant)]
        kills = [row for row in of if row["struck"]]  # the others' drivers had already ended
        return float(sum(row[column] for row in kills)) if kills else float("nan")

    return statistic


def _struck(rows: Rows, variant: str) -> float:
    """Return the share of the planned kills that struck; the other drivers had already ended."""
    of = [row for row in rows if (row["what"], row.get("variant")) == ("driver_kill", variant)]
    return sum(row["struck"] for row in of) / len(of) if of else float("nan")


_ZERO = (0, 0)

# fmt: off
FIGURES: tuple[Figure[str], ...] = (
    Figure("kill_lost", "driver killed and resumed: finished trials lost", _ZERO,
           _total("lost"), "joulefront", "ends its study at the kill", "gives_up"),
    Figure("kill_doubled", "the same: run again, or counted twice", _ZERO,
           _total("doubled"), "joulefront", "loses the last end of its trials", "lossy"),
    Figure("kill_ghosts", "the same: trials that nobody ran, or too many", _ZERO,
           _total("ghosts"), "joulefront", "replays its sampler from the start", "naive"),
    Figure("kill_joules_missing", "the same: joules without a bill, beyond one sample", _ZERO,
           _total("missing"), "joulefront", "bills no lost attempt", "unbilled"),
    Figure("kill_struck", "planned kills that struck, share", None, _struck, "joulefront"),
)
# fmt: on
