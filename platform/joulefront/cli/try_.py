"""`study try FILE`: one trial in this process, for a debugger."""

from __future__ import annotations

from joulefront.cli.options import Overrides, StudyFile


def try_(
    file: StudyFile,
    set_: Overrides = None,
) -> None:
    """Run the study's first trial here: no Ray, nothing stored, exceptions as they are."""
    from joulefront.launch.tryout import try_trial
    from joulefront.spec import check_study

    spec = check_study(file, set_ or ())
    try_trial(spec)
