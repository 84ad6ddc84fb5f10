"""The Arrow study directory: the only state of a study, of which all else is a view."""

from __future__ import annotations

from joulefront.store.checkpoints import (
    Checkpoint,
    checkpointed_trials,
    drop_checkpoints,
    fetched,
    latest_checkpoint,
    save_checkpoint,
)
from joulefront.store.examination import Finding, examine, is_sound
from joulefront.store.fold import fold_trials
from joulefront.store.lease import Holder, Lease, last_holder, request_stop
from joulefront.store.patience import PatientWriter, patiently
from joulefront.store.places import Place, is_remote, place_of
from joulefront.store.schema import PARAMETER_PREFIX, SCHEMAS, check_trial_id
from joulefront.store.study_store import StudyStore
from joulefront.store.writer import StoreWriter

__all__ = [
    "PARAMETER_PREFIX",
    "SCHEMAS",
    "Checkpoint",
    "Finding",
    "Holder",
    "Lease",
    "PatientWriter",
    "Place",
    "StoreWriter",
    "StudyStore",
    "check_trial_id",
    "checkpointed_trials",
    "drop_checkpoints",
    "examine",
    "fetched",
    "fold_trials",
    "is_remote",
    "is_sound",
    "last_holder",
    "latest_checkpoint",
    "patiently",
    "place_of",
    "request_stop",
    "save_checkpoint",
]
