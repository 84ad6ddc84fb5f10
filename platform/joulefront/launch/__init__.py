"""One study on Ray: what to run next, what came of it, and how Tune carries it out.

Importing this package loads neither Ray nor torch; launching a study does.
"""

from __future__ import annotations

from joulefront.launch.display import LiveTable, PlainLines, Silent
from joulefront.launch.study import Outcome, launch_study, study_path

__all__ = ["LiveTable", "Outcome", "PlainLines", "Silent", "launch_study", "study_path"]
