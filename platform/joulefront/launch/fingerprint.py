"""What a study's results depend on, in hashes and versions: what it stores to be known by.

No environment variable, user name, host name or absolute path is in it. Not here: what follows
from a difference (`identity.py`).
"""

from __future__ import annotations

import ast
import hashlib
import importlib.metadata
import importlib.util
import json
import os
import platform
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from joulefront.energy.node_class import node_class
from joulefront.launch.sources import trainable_files
from joulefront.launch.stored_spec import stored_spec
from joulefront.spec import StudySpec

_GIT_SECONDS = 10


def study_fingerprint(spec: StudySpec, described: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the fingerprint of a study, JSON-ready.

    Args:
        spec: What the study is.
        described: What its trainable's `describe_data` says; None if it offers none.

    Returns:
        - study_file: SHA-256 of the study without its budget, which may change.
        - trainable: `files`, SHA-256 by name (`sources.py`), and `git`, the commit and whether a
          tracked file differs from it; None outside a repository or without a git program.
        - environment: as `environment`.
        - data: SHA-256 of the data's description; None without one.
        - node_classes: of the machine that this is. A trial's row tells which class it ran on.

    Raises:
        TrainableError: The trainable's module is not there or is not Python.
    """
    files = trainable_files(spec.trainable)
    written = stored_spec(spec)
    written.pop("budget")
    return {
        "study_file": digest(written),
        "trainable": {
            "files": {name: _hash(path.read_bytes()) for name, path in files.items()},
            "git": git_state(next(iter(files.values())).parent) if files else None,
        },
        "environment": environment(),
        "data": None if described is None else digest(described),
        "node_classes": [node_class()],
    }


def digest(value: object) -> str:
    """Return the SHA-256 of what JSON makes of a value, whatever the order of its keys."""
    plain = json.loads(json.dumps(value))  # keys become text before they are sorted
    return _hash(json.dumps(plain, sort_keys=True).encode())


def environment() -> dict[str, Any]:
    """Return `python`, `system`, `cuda` (torch's own; None without) and `packages` by name."""
    installed = ((found.metadata["Name"], found.version) for found in _distributions())
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cuda": _torch_cuda(),
        "packages": dict(sorted((name.lower(), version) for name, version in installed if name)),
    }


def git_state(folder: Path) -> dict[str, Any] | None:
    """Return the commit that a folder is checked out at, and whether tracked files differ."""
    commit = _git(folder, "rev-parse", "HEAD")
    changed = _git(folder, "status", "--porcelain", "--untracked-files=no")
    if commit is None or changed is None:
        return None
    return {"commit": commit.strip(), "dirty": bool(changed)}


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        answer = subprocess.run(
            ["git", "-c", "core.fsmonitor=false", "-C", str(folder.absolute()), *arguments],
            capture_output=True,
            timeout=_GIT_SECONDS,
            check=True,
            env=os.environ | {"GIT_OPTIONAL_LOCKS": "0"},
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.decode(errors="replace")


def _distributions() -> list[importlib.metadata.Distribution]:
    """Return what is installed, what stands first on the path last, so that it wins."""
    return list(importlib.metadata.distributions())[::-1]


def _torch_cuda() -> str | None:
    """Return the CUDA that torch was built for, from its version file: importing takes seconds."""
    found = importlib.util.find_spec("torch")
    file = Path(found.origin).with_name("version.py") if found and found.origin else None
    if file is None or not file.is_file():
        return None
    for statement in ast.parse(file.read_text(encoding="utf-8")).body:
        match statement:
            case ast.AnnAssign(target=ast.Name(id="cuda"), value=ast.Constant(value=str(version))):
                return version
            case ast.Assign(targets=[ast.Name(id="cuda")], value=ast.Constant(value=str(version))):
                return version
    return None


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
