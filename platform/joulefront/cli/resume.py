"""`study resume STUDY`: go on with a study by what its own directory says."""

from __future__ import annotations

from joulefront.cli.launch import run_study
from joulefront.cli.options import AcceptChanges, Address, Listen, StudyPlace


def resume(
    study: StudyPlace,
    address: Address = None,
    listen: Listen = None,
    accept_changes: AcceptChanges = False,
) -> None:
    """Go on with a study that was interrupted or killed; its study file is not needed."""
    from joulefront.launch.stored_spec import read_spec
    from joulefront.store import StudyStore

    spec = read_spec(StudyStore.open(study).header)
    run_study(spec, study, address, listen, True, accept_changes)
