"""YAML text to a tree of nodes with their lines: plain values only, never objects.

Scalars are those of YAML 1.2, not of PyYAML's 1.1: `1e-5` is a float, `yes`, `on` and `2024-01-01`
are text. Size, depth and the number of values after aliases are bounded. Tags of other types, keys
that are not text and keys that stand twice are refused.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

import yaml

from joulefront.spec.document import Node, Scalar, describe, join

MAXIMUM_BYTES = 128 * 1024
MAXIMUM_NODES = 20_000


def _finite(text: str) -> float:
    if not math.isfinite(value := float(text)):
        raise ValueError
    return value


_TAG = "tag:yaml.org,2002:"
_SCALARS: dict[str, Callable[[str], Scalar]] = {
    _TAG + "str": str,
    _TAG + "null": lambda text: None,
    _TAG + "bool": lambda text: {"true": True, "false": False}[text.lower()],
    _TAG + "int": int,
    _TAG + "float": _finite,
}


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader with its own scalars; it only composes nodes."""


_Loader.yaml_implicit_resolvers = {}
for _kind, _pattern, _starts in (
    ("null", r"(~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("bool", r"(true|True|TRUE|false|False|FALSE)$", list("tTfF")),
    ("int", r"[-+]?[0-9]+$", list("-+0123456789")),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$", list("-+.0123456789")),
):
    _Loader.add_implicit_resolver(_TAG + _kind, re.compile(_pattern), _starts)


def read_document(path: Path) -> Node:
    """Read a YAML file whose top is a mapping.

    Raises:
        SpecError: It cannot be read, is too large or is not YAML as described above, or its top is
            not a mapping.
    """
    try:
        with path.open("rb") as stream:
            content = stream.read(MAXIMUM_BYTES + 1)
    except OSError as error:
        must, remedy = "the study file must exist and be readable", f"looked for in {Path.cwd()}"
        raise Node(None, str(path), 0, "").error(
            must, given=error.strerror or str(error), remedy=remedy
        ) from None
    root = parse(content, file=str(path))
    if not isinstance(root.value, dict):
        raise root.error("the study file must be a mapping (key: value)")
    return root


def parse(text: bytes | str, *, file: str, path: str = "") -> Node:
    """Parse one YAML document, whose top may be any value; `path` is the top's dotted path.

    Raises:
        SpecError: It is too large, or not YAML as described above.
    """
    top = Node(None, file, 1, path)
    if len(text) > MAXIMUM_BYTES:
        raise top.error(f"must have at most {MAXIMUM_BYTES // 1024} KiB", given="more")
    try:
        source = _Loader(text).get_single_node()
        return top if source is None else _node(source, _below(top, "", source), count())
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        given = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
        place = replace(top, line=mark.line + 1 if mark else 1)
        raise place.error("must be YAML in UTF-8", given=given) from None
    except RecursionError:
        given = "hundreds of levels, or an alias inside itself"
        raise top.error("must not be nested so deeply", given=given) from None


def _node(source: yaml.Node, place: Node, built: Iterator[int]) -> Node:
    """Return the node of PyYAML's at a place, counting: an alias counts each time it is used."""
    if next(built) >= MAXIMUM_NODES:
        must = f"must have at most {MAXIMUM_NODES} values"
        raise place.error(must, given="more, aliases included")
    if isinstance(source, yaml.MappingNode) and source.tag == _TAG + "map":
        return replace(place, value=_children(source, place, built))
    if isinstance(source, yaml.SequenceNode) and source.tag == _TAG + "seq":
        items = [(item, _below(place, str(i), item)) for i, item in enumerate(source.value)]
        return replace(place, value=[_node(item, below, built) for item, below in items])
    if not isinstance(source, yaml.ScalarNode) or source.tag not in _SCALARS:
        raise place.error("must be a plain value without a tag", given=source.tag)
    try:
        return replace(place, value=_SCALARS[source.tag](source.value))
    except (ValueError, KeyError):
        must = f"must be a valid {source.tag.removeprefix(_TAG)}"
        raise place.error(must, given=describe(source.value)) from None


def _children(source: yaml.MappingNode, parent: Node, built: Iterator[int]) -> dict[str, Node]:
    children: dict[str, Node] = {}
    for key, value in source.value:
        place = _below(parent, str(key.value), key)
        if key.tag != _TAG + "str":
            raise place.error("keys must be text", given=str(key.value), remedy="put it in quotes")
        if key.value in children:
            must, remedy = "a key must stand once", "remove one of them"
            raise place.error(must, given=f"a second {key.value!r}", remedy=remedy)
        children[key.value] = _node(value, place, built)
    return children


def _below(parent: Node, part: str, source: yaml.Node) -> Node:
    return Node(None, parent.file, source.start_mark.line + 1, join(parent.path, part))
