"""Whether an attempt ended for want of memory: its host's, its process's, or its GPU's.

Ray's memory monitor kills the process that it takes to be at fault, and says so in the error;
Python raises MemoryError, of which a worker group keeps the text only; torch has an error of its
own for a GPU. The kernel's own killer leaves
nothing but a dead process, which nobody can tell from others.
"""

from __future__ import annotations

_SIGNS = ("MemoryError", "out of memory", "running low on memory", "memory monitor")


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error, by its class or by its text, tells of a want of memory."""
    if isinstance(error, MemoryError):
        return True
    told = f"{type(error).__name__}: {error}"
    return any(sign in told for sign in _SIGNS)
