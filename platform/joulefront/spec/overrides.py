"""Values given on the command line: "dotted.path=yaml-value" put into a study file's tree.

Nothing is checked here but the form: a path that names no known key is found by the reader, which
then names "--set" as the place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from joulefront.errors import SpecError
from joulefront.spec.document import Node, join
from joulefront.spec.yaml_text import parse

SOURCE = "--set"


def apply_overrides(root: Node, overrides: Sequence[str]) -> Node:
    """Return the tree with each override put in, in their order: the last one of a path wins.

    A part of a path is a key, or the index of an item that a list already has
    ("objectives.0.metric"). Missing mappings on the way are made.

    Raises:
        SpecError: An override has no "=", an empty part, a value that is not YAML, or leads
            through a value that is neither mapping nor list.
    """
    for override in overrides:
        path, equals, text = override.partition("=")
        path = path.strip()
        parts = path.split(".")
        if not equals or not all(parts):
            raise SpecError(
                "must be dotted.path=value",
                file=SOURCE,
                line=0,
                path=path,
                given=override,
                remedy="for example --set budget.trials=6",
            )
        value = parse(text, file=SOURCE, path=path, lines=False)
        root = _put(root, parts, value)
    return root


def _put(node: Node, parts: Sequence[str], value: Node) -> Node:
    if not parts:
        return value
    first, rest = parts[0], parts[1:]
    if isinstance(node.value, list):
        if not first.isdecimal() or int(first) >= len(node.value):
            raise _leads_nowhere(node, first, f"an index below {len(node.value)}")
        items = list(node.value)
        items[int(first)] = _put(items[int(first)], rest, value)
        return replace(node, value=items)
    if node.value is not None and not isinstance(node.value, dict):
        raise _leads_nowhere(node, first, "a mapping on the way")
    children = dict(node.value or {})
    child = children.get(first) or Node(None, SOURCE, 0, join(node.path, first))
    children[first] = _put(child, rest, value)
    return replace(node, value=children)


def _leads_nowhere(node: Node, part: str, needed: str) -> SpecError:
    place = Node(node.value, SOURCE, 0, join(node.path, part))
    return place.error(f"the path needs {needed}")
