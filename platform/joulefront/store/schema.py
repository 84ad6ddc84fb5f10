"""The five tables of a study: their fixed columns and the order in which columns stand.

Not here: how a Python value becomes an Arrow one (`columns.py`), nor what the rows of a trial mean
together (`fold.py`).

Beside the fixed columns, a row may bring any others: `params.<name>` for hyperparameters, a
metric by its own name. Fixed columns never change their type; the others widen as
`columns.merge_types` says.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType

import pyarrow as pa

from joulefront.errors import StudyError

PARAMETER_PREFIX = "params."

_COMMON = {
    "time": pa.float64(),  # seconds since 1970, UTC
    "trial_id": pa.string(),
    "attempt": pa.int32(),
}
_TRIAL_HEAD = {
    "config_id": pa.string(),
    "fold": pa.int32(),
    "seed": pa.int64(),
    "role": pa.string(),  # search, replicate, enqueued
    "state": pa.string(),  # complete, pruned, failed, stopped, running
}
_TRIAL_TAIL = {
    "energy_joules": pa.float64(),  # the objective: energy_cpu_joules + energy_gpu_joules
    "energy_cpu_joules": pa.float64(),
    "energy_gpu_joules": pa.float64(),
    "energy_ram_joules": pa.float64(),
    "energy_idle_joules": pa.float64(),
    "energy_setup_joules": pa.float64(),
    "energy_retried_joules": pa.float64(),
    "energy_total_joules": pa.float64(),  # energy_joules + energy_ram_joules
    "energy_inference_joules": pa.float64(),
    "inference_energy_joules_per_sample": pa.float64(),
    "emissions_grams": pa.float64(),
    "quality": pa.string(),  # good, degraded
    "quality_reasons": pa.string(),  # joined by ", "
    "foreign_cpu_share": pa.float64(),  # CPU time of strangers over the trial's own
    "duration_seconds": pa.float64(),
    "on_front": pa.bool_(),
    "failure": pa.string(),
    "host": pa.string(),
    "node_class": pa.string(),
    "sampler_attributes": pa.string(),  # JSON
    "proposal_index": pa.int64(),
    "params_json": pa.string(),  # of a start: what `params.*` say, without loss
    "resumed_attempt": pa.int64(),  # of a start: the checkpoint that it goes on from
    "resumed_epoch": pa.int64(),
}
_KIND = {"kind": pa.string()}  # of a trial's row: "start" or "end"; of an event or a ledger's: any
_CHARGE = dict.fromkeys(("host", "device", "component"), pa.string())
_CHARGE |= {"joules": pa.float64(), "provenance": pa.string(), "shared": pa.bool_()}
_LEDGER = {"host": pa.string(), "meter": pa.string(), "monotonic_ns": pa.int64()}
_LEDGER |= {"details": pa.string()}  # JSON

#: Table name -> its fixed columns, common ones first.
SCHEMAS: Mapping[str, pa.Schema] = MappingProxyType(
    {
        "trials": pa.schema(_COMMON | _KIND | _TRIAL_HEAD | _TRIAL_TAIL),
        "reports": pa.schema(_COMMON | {"epoch": pa.int32()}),
        "energy": pa.schema(_COMMON | _CHARGE),
        "ledger": pa.schema(_COMMON | _KIND | _LEDGER),  # joulefront.energy.ledger.Row
        "events": pa.schema(_COMMON | _KIND | {"message": pa.string(), "details": pa.string()}),
    }
)

_TRIAL_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


def check_table(table: str) -> None:
    """Raise ValueError unless `table` is a key of `SCHEMAS`."""
    if table not in SCHEMAS:
        raise ValueError(f"table must be one of {sorted(SCHEMAS)}, but got {table!r}")


def ordered_names(table: str, names: Iterable[str]) -> list[str]:
    """The fixed columns of `table`, then parameters, then everything else, each alphabetically.

    The order depends on the names only, never on who wrote first.
    """
    fixed: list[str] = SCHEMAS[table].names
    others = sorted(set(names) - set(fixed), key=lambda n: (not n.startswith(PARAMETER_PREFIX), n))
    return fixed + others


def folded_names(names: Iterable[str]) -> list[str]:
    """The order of a folded trial's columns: who, params, metrics, energy and the rest, `time`."""
    others = ordered_names("trials", names)[len(SCHEMAS["trials"]) :]
    head = ["trial_id", "config_id", "attempt", *list(_TRIAL_HEAD)[1:]]
    return [*head, *others, *_TRIAL_TAIL, "time"]


def check_trial_id(trial_id: str) -> str:
    """`trial_id` itself, if it can name a folder and nothing outside it.

    Raises:
        StudyError: It is empty, longer than 128 characters, or holds anything but ASCII letters,
            digits, ".", "_" and "-", or does not begin with a letter or a digit.
    """
    if not _TRIAL_ID.fullmatch(trial_id):
        raise StudyError(
            "a trial id must be 1 to 128 ASCII letters, digits, '.', '_' or '-', and begin with "
            "a letter or a digit",
            given=repr(trial_id[:200]),
            remedy="`study export STUDY --table trials` lists the ids of a study",
        )
    return trial_id
