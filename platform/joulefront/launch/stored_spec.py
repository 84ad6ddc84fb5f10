"""A study's spec as its header keeps it: without the user's name in a path of the user's home.

A trainable's file and earlier studies are absolute while a study runs. What the study file itself
says of its data stays as it is.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from joulefront.spec import StudySpec
from joulefront.store import is_remote


def stored_spec(spec: StudySpec) -> dict[str, Any]:
    """Return what is stored of a spec: "~" is in the place of the home folder."""
    return with_paths(spec, _anonymous).to_dict()


def read_spec(header: Mapping[str, Any]) -> StudySpec:
    """Return the spec of a study to go on with; "~" is the home of who goes on."""
    return with_paths(StudySpec.from_dict(header["spec"]), os.path.expanduser)


def with_paths(spec: StudySpec, change: Callable[[str], str]) -> StudySpec:
    """Return a spec with another path of its trainable's file and of local earlier studies."""
    file, _, name = spec.trainable.rpartition(":")
    if file.endswith(".py"):
        spec = dataclasses.replace(spec, trainable=f"{change(file)}:{name}")
    others = tuple(o if is_remote(o) else change(o) for o in spec.search.warm_start)
    return dataclasses.replace(spec, search=dataclasses.replace(spec.search, warm_start=others))


def _anonymous(path: str) -> str:
    home = Path.home()
    inside = home != home.parent and Path(path).is_relative_to(home)
    return str("~" / Path(path).relative_to(home)) if inside else path
