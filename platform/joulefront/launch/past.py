"""What a study's tables tell of its trials, read once for a resume, whatever they have lost.

A damaged store may lack any batch of rows. An attempt whose start is lost is known by its end, its
reports or its charges; a configuration of which nothing says what it was is drawn anew under its
number. So a resume goes on from all that can be read, and never stops at what cannot.
"""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from joulefront.launch.attempts import BILLED
from joulefront.launch.retries import CARRIED, AttemptEnergy
from joulefront.search.random_search import completed
from joulefront.spec import Choice, Int, StudySpec
from joulefront.store import PARAMETER_PREFIX, StudyStore

Row = Mapping[str, Any]
Key = tuple[str, int]
"""A trial's id and the number of an attempt."""

_WHO = ("time", "kind", "trial_id", "config_id", "attempt", "fold", "seed", "role", "state")
_HOW = ("proposal_index", "params_json", "sampler_attributes", "resumed_attempt", "resumed_epoch")
_WHAT = ("quality", "energy_joules")


class Past:
    """The rows of a study, as far as its trials' states are told by them.

    Attributes:
        starts: One row an attempt, its end where its start is lost, in the order of planning.
        ends: The first end of each attempt.
        attempts: Number of the last attempt of each trial that anything is known of.
        retried: Failed attempts after which the trial was to be tried again.
        starved: How many attempts of a trial were out of memory.
        nodes_lost: How many attempts of a trial were lost with their node.
        projected: What the objectives of pruned attempts would have come to, minimised.
        spent_joules: Of all attempts that were charged.
        events: All of the study.
        times: When any row of a trial or event was written.
    """

    def __init__(self, store: StudyStore, spec: StudySpec) -> None:
        self._spec = spec
        metrics = [o.metric for o in spec.objectives] + [c.metric for c in spec.constraints]
        parameters = [PARAMETER_PREFIX + name for name in spec.space]
        columns = list(dict.fromkeys([*_WHO, *_HOW, *_WHAT, *metrics, *parameters]))
        trials = [row for row in store.read("trials", columns).to_pylist() if _is_known(row)]
        self.events = store.read("events", ["time", "trial_id", "attempt", "kind", "details"])
        self.events = self.events.to_pylist()
        self.times = [row["time"] for row in (*trials, *self.events)]
        self.ends: dict[Key, Row] = {}
        starts: dict[Key, Row] = {}
        for row in sorted(trials, key=lambda row: row["kind"] == "end"):
            starts.setdefault((row["trial_id"], row["attempt"]), row)
            if row["kind"] == "end":
                self.ends.setdefault((row["trial_id"], row["attempt"]), row)
        self._starts = starts
        self.starts = sorted(
            starts.values(),
            key=lambda row: (number_of(row), row["proposal_index"], row["attempt"]),
        )
        self._read_energy(store)
        wanted = [*(f"energy_{name}_joules" for name in CARRIED), *metrics]
        names = dict.fromkeys(["trial_id", "attempt", "epoch", *wanted])
        self._reports = _Grouped(store.read("reports", list(names)))
        self.attempts = _latest([*starts, *self._charged, *self._reports.keys()])
        self._read_events()

    def _read_energy(self, store: StudyStore) -> None:
        self._charged: dict[Key, dict[str, float]] = defaultdict(lambda: defaultdict(float))
        columns = ["trial_id", "attempt", "component", "joules"]
        for row in store.read("energy", columns).to_pylist():
            self._charged[row["trial_id"], row["attempt"]][row["component"]] += row["joules"]
        billed = (parts.get(name, 0.0) for parts in self._charged.values() for name in BILLED)
        self.spent_joules = math.fsum(billed)

    def _read_events(self) -> None:
        self.retried: set[Key] = set()
        self.projected: dict[Key, tuple[float, ...]] = {}
        self.starved: Counter[str] = Counter()
        self.nodes_lost: Counter[str] = Counter()
        for row in self.events:
            key = (row["trial_id"], row["attempt"])
            if row["kind"] == "trial_failed":
                details = json.loads(row["details"])
                if details["retry"]:
                    self.retried.add(key)
                self.starved[key[0]] += details.get("out_of_memory", False)
            elif row["kind"] == "node_lost":
                self.nodes_lost[key[0]] += 1
            elif row["kind"] == "trial_pruned":
                self.projected[key] = tuple(json.loads(row["details"])["projected"])

    def was_charged(self, key: Key) -> bool:
        """Return whether the charges of an attempt were written."""
        return key in self._charged

    def parameters(self, row: Row) -> dict[str, Any]:
        """Return the parameters of an attempt, from its columns where its start is lost."""
        if row["params_json"] is not None:
            parameters: dict[str, Any] = json.loads(row["params_json"])
            return parameters
        given = {}
        for name, parameter in self._spec.space.items():
            value = row[PARAMETER_PREFIX + name]
            if isinstance(parameter, Choice):
                value = next((o for o in parameter.options if str(o) == str(value)), None)
            if value is not None:
                given[name] = int(value) if isinstance(parameter, Int) else value
        return completed(self._spec.space, given, seed=self._spec.search.seed, index=number_of(row))

    def reports(self, trial_id: str, attempt: int) -> Sequence[Row]:
        """Return what an attempt has reported, by epoch."""
        rows = [row for row in self._reports.rows(trial_id) if row["attempt"] == attempt]
        return sorted(rows, key=lambda row: int(row["epoch"]))

    def energy(self, trial_id: str) -> list[AttemptEnergy]:
        """Return what each attempt of a trial has spent."""
        numbers = range(1, self.attempts[trial_id] + 1)
        last = (trial_id, numbers[-1])
        told: dict[int, dict[int, dict[str, float]]] = {number: {} for number in numbers}
        curves = self._spec.stopping.rule != "never"
        if curves or last not in self.ends or not all((trial_id, n) in self._charged for n in told):
            for row in self._reports.rows(trial_id):
                told[row["attempt"]][row["epoch"]] = _components(row)
        return [self._attempt((trial_id, number), told[number]) for number in numbers]

    def _attempt(self, key: Key, by_epoch: Mapping[int, Mapping[str, float]]) -> AttemptEnergy:
        start = self._starts.get(key, {})
        source, epoch = start.get("resumed_attempt"), start.get("resumed_epoch")
        reported = by_epoch[max(by_epoch)] if by_epoch else {}
        return AttemptEnergy(
            attempt=key[1],
            total=self._charged.get(key, reported),
            by_epoch=by_epoch,
            resumed_from=None if source is None or epoch is None else (source, epoch),
        )


class _Grouped:
    """Rows in Arrow's memory, of which those of one trial at a time become Python's."""

    def __init__(self, table: pa.Table) -> None:
        known = table.filter(pc.and_(pc.is_valid(table["trial_id"]), pc.is_valid(table["attempt"])))
        self._table = known.take(pc.sort_indices(known, [("trial_id", "ascending")]))
        counts = pc.value_counts(self._table["trial_id"]).to_pylist()  # in the order of the rows
        lengths = {count["values"]: count["counts"] for count in counts}
        self._begins = dict(zip(lengths, accumulate(lengths.values(), initial=0), strict=False))
        self._lengths = lengths

    def keys(self) -> Iterable[Key]:
        pairs = (self._table[name].to_pylist() for name in ("trial_id", "attempt"))
        return zip(*pairs, strict=True)

    def rows(self, trial_id: str) -> list[dict[str, Any]]:
        if trial_id not in self._lengths:
            return []
        found = self._table.slice(self._begins[trial_id], self._lengths[trial_id])
        rows: list[dict[str, Any]] = found.to_pylist()
        return rows


def number_of(row: Row) -> int:
    """Return the number of the configuration that a row of the table "trials" is about."""
    return int(row["config_id"][1:])


def _is_known(row: Row) -> bool:
    return None not in (row["trial_id"], row["attempt"], row["config_id"], row["proposal_index"])


def _latest(keys: Iterable[Key]) -> dict[str, int]:
    latest: dict[str, int] = {}
    for trial_id, attempt in keys:
        if trial_id is not None:
            latest[trial_id] = max(attempt, latest.get(trial_id, 0))
    return latest


def _components(row: Row) -> dict[str, float]:
    return {name: row.get(f"energy_{name}_joules") or 0.0 for name in CARRIED}
