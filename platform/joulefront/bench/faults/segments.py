"""Writers that are killed with SIGKILL: is every row there once that was acknowledged?

Each writer is a process of its own (`writing_process.py`) that tells the harness through a pipe,
and not through the store, which rows `append` has returned for; the kernel keeps what is in a pipe
when its writer dies. Its disk refuses every tenth `fsync`, so that batches are written again. While
they write, the harness compacts. Afterwards rows are counted by what they say of themselves.

The mutants: a writer that holds each batch back until the next one, and so loses its last; and a
reader that puts segments together as pyarrow reads them, in which rewritten batches stand twice.
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from joulefront.bench.figures import Figure, Row, Rows
from joulefront.store import StudyStore

_WRITERS = 40
_AT_ONCE = 10
_SECONDS = (0.02, 0.6)  # from a writer's first row to its death

Known = Counter[tuple[int, int]]
"""How often each row is there, by writer and number."""


def observe(full: bool = False) -> list[dict[str, Any]]:
    """Kill 40 writers (four times as many with `full`), and some of a mutant's.

    Returns:
        A row a writer and variant: "acknowledged", "lost", "doubled".
    """
    writers = 4 * _WRITERS if full else _WRITERS
    return [*killed("joulefront", writers), *killed("held_back", _AT_ONCE)]


def killed(kind: str, writers: int, seed: int = 0) -> list[dict[str, Any]]:
    """Kill writers of one kind, and judge what is left of their rows by two readers."""
    with tempfile.TemporaryDirectory(prefix="joulefront-") as folder:
        store = StudyStore.create(Path(folder) / "study", {"name": "killed"})
        generator = random.Random(seed)
        acknowledged: dict[int, int] = {}
        while len(acknowledged) < writers:
            begin = len(acknowledged)
            count = min(_AT_ONCE, writers - begin)
            acknowledged |= _round(store, kind, range(begin, begin + count), generator)
        variants: Mapping[str, Callable[[StudyStore], Known]] = {kind: _as_read}
        if kind == "joulefront":
            variants = {**variants, "plain_pyarrow": _as_pyarrow_reads}
        return [
            row
            for variant, reader in variants.items()
            for row in _judged(variant, reader(store), acknowledged)
        ]


def _round(
    store: StudyStore, kind: str, numbers: Iterable[int], generator: random.Random
) -> dict[int, int]:
    """Start writers and kill them one after the other; how many rows each was sure of."""
    command = [sys.executable, "-m", "joulefront.bench.faults.writing_process", str(store.path)]
    processes = {
        number: subprocess.Popen([*command, kind, str(number)], stdout=subprocess.PIPE)
        for number in numbers
    }
    said: dict[int, bytes] = {}
    for number, process in processes.items():
        assert process.stdout is not None
        said[number] = process.stdout.readline()  # it has begun
    store.compact()
    for number, process in processes.items():
        time.sleep(generator.uniform(*_SECONDS) / len(processes))
        process.kill()
        assert process.stdout is not None
        said[number] += process.stdout.read()
        process.stdout.close()
        process.wait()
    return {number: text.count(b"\n") for number, text in said.items()}


def _judged(
    variant: str, known: Known, acknowledged: Mapping[int, int]
) -> Iterable[dict[str, Any]]:
    for writer, count in acknowledged.items():
        present = {number: times for (who, number), times in known.items() if who == writer}
        yield {
            "what": "segments",
            "variant": variant,
            "writer": writer,
            "acknowledged": count,
            "lost": sum(number not in present for number in range(count)),
            "doubled": sum(times > 1 for times in present.values()),
        }


def _as_read(store: StudyStore) -> Known:
    return _count(StudyStore.open(store.path).read("reports", ["writer", "number", "text"]))


def _as_pyarrow_reads(store: StudyStore) -> Known:
    """All batches of all segments as plain pyarrow reads them, up to a torn one."""
    known: Known = Counter()
    for path in (store.path / "segments" / "reports").iterdir():
        with pa.OSFile(str(path)) as file:
            try:
                for batch in pa.ipc.open_stream(file):
                    known.update(_count(pa.Table.from_batches([batch])))
            except (pa.ArrowException, OSError):
                continue
    return known


def _count(rows: pa.Table) -> Known:
    """Rows by writer and number, those left out whose text does not say the same."""
    columns = (rows[name].to_pylist() for name in ("writer", "number", "text"))
    return Counter(
        (writer, number)
        for writer, number, text in zip(*columns, strict=True)
        if text == f"{writer}/{number}"
    )


def _total(column: str) -> Callable[[Rows, str], float]:
    def statistic(rows: Rows, variant: str) -> float:
        chosen: list[Row] = [r for r in rows if r["what"] == "segments" and r["variant"] == variant]
        return float(sum(row[column] for row in chosen)) if chosen else float("nan")

    return statistic


FIGURES: tuple[Figure[str], ...] = (
    Figure(
        "segment_lost",
        "acknowledged rows of killed writers: lost",
        (0, 0),
        _total("lost"),
        "joulefront",
        "a store that loses its last row",
        "held_back",
    ),
    Figure(
        "segment_doubled",
        "the same: there twice",
        (0, 0),
        _total("doubled"),
        "joulefront",
        "segments put together as they are",
        "plain_pyarrow",
    ),
)
