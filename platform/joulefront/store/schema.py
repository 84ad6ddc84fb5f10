"""The four tables of a study: their fixed columns and the order in which columns stand.

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

_COMMON = [
    ("time", pa.float64()),  # seconds since 1970, UTC
    ("trial_id", pa.string()),
    ("attempt", pa.int32()),
]
_TRIAL_HEAD = [
    ("kind", pa.string()),  # "start" or "end"
    ("config_id", pa.string()),
    ("fold", pa.int32()),
    ("seed", pa.int64()),
    ("role", pa.string()),  # search, replicate, enqueued
    ("state", pa.string()),  # complete, pruned, failed, stopped, running
]
_TRIAL_TAIL = [
    ("energy_joules", pa.float64()),  # the objective: energy_cpu_joules + energy_gpu_joules
    ("energy_cpu_joules", pa.float64()),
    ("energy_gpu_joules", pa.float64()),
    ("energy_ram_joules", pa.float64()),
    ("energy_idle_joules", pa.float64()),
    ("energy_setup_joules", pa.float64()),
    ("energy_retried_joules", pa.float64()),
    ("emissions_grams", pa.float64()),
    ("quality", pa.string()),
    ("duration_seconds", pa.float64()),
    ("on_front", pa.bool_()),
    ("failure", pa.string()),
    ("host", pa.string()),
    ("sampler_attributes", pa.string()),  # JSON
    ("proposal_index", pa.int64()),
]

#: Table name -> its fixed columns, common ones first.
SCHEMAS: Mapping[str, pa.Schema] = MappingProxyType(
    {
        "trials": pa.schema(_COMMON + _TRIAL_HEAD + _TRIAL_TAIL),
        "reports": pa.schema([*_COMMON, ("epoch", pa.int32())]),
        "energy": pa.schema(
            [
                *_COMMON,
                ("host", pa.string()),
                ("device", pa.string()),
                ("component", pa.string()),
                ("joules", pa.float64()),
                ("provenance", pa.string()),
            ]
        ),
        "events": pa.schema([*_COMMON, ("kind", pa.string()), ("message", pa.string())]),
    }
)

_TRIAL_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


def ordered_names(table: str, names: Iterable[str]) -> list[str]:
    """The fixed columns of `table`, then parameters, then everything else, each alphabetically.

    The order depends on the names only, never on who wrote first.
    """
    fixed: list[str] = SCHEMAS[table].names
    others = set(names) - set(fixed)
    parameters = sorted(name for name in others if name.startswith(PARAMETER_PREFIX))
    return fixed + parameters + sorted(others - set(parameters))


def folded_names(names: Iterable[str]) -> list[str]:
    """The order of a folded trial's columns: who, params, metrics, energy and the rest, `time`."""
    head = ["trial_id", "config_id", "attempt", "fold", "seed", "role", "state"]
    tail = [name for name, _ in _TRIAL_TAIL]
    ordered = ordered_names("trials", names)
    fixed = SCHEMAS["trials"].names
    return head + ordered[len(fixed) :] + tail + ["time"]


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
