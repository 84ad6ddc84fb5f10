"""The command `study`: one file a command.

Commands import what they need when they run, so that `study --help` loads neither Ray nor torch.
"""

from __future__ import annotations

from joulefront.cli.app import main

__all__ = ["main"]
