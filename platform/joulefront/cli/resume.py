"""`study resume STUDY`: go on with a study by what its own directory says."""

from __future__ import annotations

from joulefront.cli.launch import run_study
from joulefront.cli.options import AcceptChanges, Address, Listen, StudyPlace
from joulefront.spec import StudySpec


def resume(
    study: StudyPlace,
    address: Address = None,
    listen: Listen = None,
    accept_changes: AcceptChanges = False,
) -> None:
    """Go on with a study that was interrupted or killed; its study file is not needed."""
    from joulefront.store import StudyStore

    spec = StudySpec.from_dict(StudyStore.open(study).header["spec"])
    run_study(spec, study, address, listen, True, accept_changes)
