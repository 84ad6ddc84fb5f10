"""What a process of trials has loaded before its first trial, which Ray imports as it starts it.

`joulefront.launch.prestart` names this module to Ray, and tells in the environment what a trial
will need: a trainable, or torch alone. Trials then neither wait nor are disturbed by imports.
"""

from __future__ import annotations

import contextlib
import os
from importlib import import_module

TO_LOAD = "JOULEFRONT_PRELOAD"
"""Environment variable: reference of a trainable, or name of a module; empty for nothing."""

READY = b"joulefront/ready/"
"""Prefix of the keys in Ray under which processes say that they have loaded all of it."""


def preload(name: str) -> None:
    """Load what a trial needs; what fails is left to the trial, which says what it is."""
    from ray.experimental import internal_kv
    from ray.tune.utils.log import disable_ipython

    from joulefront.spec import import_trainable
    from joulefront.trial import _ray  # noqa: F401
    from joulefront.trial.host_model import own_class
    from joulefront.trial.isolation import collect

    disable_ipython()  # Tune does, and imports IPython for it
    own_class()
    with contextlib.suppress(Exception):
        import_trainable(name) if ":" in name else import_module(name)
    collect()
    internal_kv._internal_kv_put(READY + str(os.getpid()).encode(), b"")


if os.environ.get(TO_LOAD):
    preload(os.environ[TO_LOAD])
