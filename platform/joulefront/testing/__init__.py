"""What authors of trainables, samplers, meters and stores can run against their own.

Nothing here is used by the platform itself. Import the module you need: `joulefront.testing`
alone loads nothing but the recording trial.
"""

from __future__ import annotations

from joulefront.testing.trials import RecordingTrial

__all__ = ["RecordingTrial"]
