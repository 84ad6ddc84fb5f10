"""Values that remember where they stand: a tree of `Node`s with file, line and dotted path.

It knows neither YAML nor studies.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from joulefront.errors import SpecError
from joulefront.spec.nearest import remedy as nearest_remedy

Scalar: TypeAlias = "str | int | float | bool | None"


@dataclass(frozen=True, slots=True)
class Node:
    """A value and where it stands."""

    value: Scalar | list[Node] | dict[str, Node]
    file: str  # as the user wrote it, or "--set"
    line: int  # 1-based; in a mapping that of the key; 0 where there are no lines
    path: str  # dotted, from the top, list indices as numbers; "" at the top

    def plain(self) -> Any:
        """Return the value without its places: dicts, lists and scalars."""
        if isinstance(self.value, dict):
            return {key: child.plain() for key, child in self.value.items()}
        if isinstance(self.value, list):
            return [child.plain() for child in self.value]
        return self.value

    def mapping(self) -> dict[str, Node]:
        """Return the children of a mapping; a section left empty counts as a mapping without any.

        Raises:
            SpecError: It is neither.
        """
        if self.value is None:
            return {}
        if not isinstance(self.value, dict):
            raise self.error("must be a mapping (key: value)")
        return self.value

    def at(self, relative: str) -> Node:
        """Return the node at a dotted path below; what is absent stands on its parent's line."""
        node = self
        for part in relative.split(".") if relative else ():
            children: dict[str, Node] = {}
            if isinstance(node.value, dict):
                children = node.value
            elif isinstance(node.value, list):
                children = {str(i): item for i, item in enumerate(node.value)}
            absent = Node(None, node.file, node.line, join(node.path, part))
            node = children.get(part, absent)
        return node

    def refuse_unknown_keys(self, known: Iterable[str]) -> None:
        """Raise for the first key of this mapping that is not a known one.

        Raises:
            SpecError: With the nearest known key.
        """
        names = list(known)
        for key, child in self.mapping().items():
            if key not in names:
                raise child.error("unknown key", given=key, remedy=nearest_remedy(key, names))

    def error(self, must: str, *, given: str | None = None, remedy: str = "") -> SpecError:
        """Return the error that says what must hold here; `given` is this value unless told."""
        shown = describe(self.plain()) if given is None else given
        return SpecError(
            must, file=self.file, line=self.line, path=self.path, given=shown, remedy=remedy
        )


def from_plain(value: Any, *, file: str, path: str = "") -> Node:
    """Return the tree of a value that was not read from text: all lines are 0."""

    def child(key: object, item: Any) -> Node:
        return from_plain(item, file=file, path=join(path, str(key)))

    if isinstance(value, Mapping):
        return Node({str(key): child(key, item) for key, item in value.items()}, file, 0, path)
    if isinstance(value, list | tuple):
        return Node([child(i, item) for i, item in enumerate(value)], file, 0, path)
    return Node(value, file, 0, path)


def join(path: str, part: str) -> str:
    """Return the dotted path of a part below a path."""
    return ".".join(filter(None, (path, part)))


def describe(value: object) -> str:
    """Return a value as an error shows it: text in quotes, booleans as in YAML, shortened."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:79]}…"
