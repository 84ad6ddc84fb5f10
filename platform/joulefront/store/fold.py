"""What the rows of a trial mean together: one row a trial.

Not here: which trials may be on a front (`results`).
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from joulefront.store.schema import folded_names


@dataclass(slots=True)
class _Trial:
    """The last attempt of a trial, and the rows at which it starts and ends, if it does."""

    attempt: int
    start: int | None = None
    end: int | None = None


def fold_trials(raw: pa.Table) -> pa.Table:
    """One row a trial: its last attempt, as far as it is known.

    - The attempt with the highest number counts; earlier ones are what a retry left behind.
    - Its first end row counts, in the order of `raw`; a later one is a repetition and ignored.
    - What the end row leaves null is taken from the first start row of the same attempt.
    - An attempt without an end row is "running", whatever its start row says.

    Args:
        raw: The table "trials" as `StudyStore.read` returns it.

    Returns:
        One row a trial id, in the order in which the trials first appear in `raw`. Columns:
        trial_id, config_id, attempt, fold, seed, role, state, `params.*`, metrics, energy and the
        rest; last `time`, that of the end row or else of the start row. Rows without a trial id
        are left out; a row whose kind is not "end" is a start; no attempt is attempt 0.
    """
    trials = _last_attempts(raw)
    starts = raw.take(pa.array([trial.start for trial in trials], pa.int64()))
    ends = raw.take(pa.array([trial.end for trial in trials], pa.int64()))
    ended = pa.array([trial.end is not None for trial in trials], pa.bool_())
    columns = {
        name: pc.coalesce(ends[name], starts[name]) for name in folded_names(raw.column_names)
    }
    columns["state"] = pc.if_else(ended, columns["state"], "running")
    return pa.table(columns)


def _last_attempts(raw: pa.Table) -> list[_Trial]:
    trials: dict[str, _Trial] = {}
    names = ("trial_id", "attempt", "kind")
    rows = zip(*(raw[name].to_pylist() for name in names), strict=True)
    for row, (trial_id, attempt, kind) in enumerate(rows):
        if trial_id is None:
            continue
        trial = trials.setdefault(trial_id, _Trial(attempt=attempt or 0))
        if (attempt or 0) < trial.attempt:
            continue
        if (attempt or 0) > trial.attempt:
            trial.attempt, trial.start, trial.end = attempt, None, None
        if kind == "end":
            trial.end = row if trial.end is None else trial.end
        else:
            trial.start = row if trial.start is None else trial.start
    return list(trials.values())
