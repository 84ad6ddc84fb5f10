"""YAML text to a tree of nodes with their lines, safely: plain values only, never objects.

Scalars follow the core schema of YAML 1.2, not PyYAML's 1.1: `1e-5` is a float, `yes`, `on` and
`2024-01-01` are text, `010` is ten. Size, depth and the number of nodes after aliases are bounded,
so that no file can exhaust memory. Tags, merge keys, keys that are not text, keys that stand twice
and numbers that are not finite are refused.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from joulefront.errors import SpecError
from joulefront.spec.document import Node, Scalar, describe, join

MAXIMUM_BYTES = 128 * 1024
MAXIMUM_DEPTH = 32
MAXIMUM_NODES = 20_000


def read_document(path: Path) -> Node:
    """Read a YAML file whose top is a mapping.

    Raises:
        SpecError: It cannot be read, is too large, is not UTF-8 or not YAML, repeats a key, uses
            tags or merge keys, or its top is not a mapping.
    """
    file = str(path)

    def refuse(must: str, given: str) -> SpecError:
        return SpecError(must, file=file, line=0, path="", given=given)

    try:
        with path.open("rb") as stream:
            content = stream.read(MAXIMUM_BYTES + 1)
    except FileNotFoundError:
        raise refuse("the study file must exist", f"{file} in {Path.cwd()}") from None
    except OSError as error:
        raise refuse("the study file must be readable", error.strerror or str(error)) from error
    if len(content) > MAXIMUM_BYTES:
        raise refuse(f"the study file must have at most {MAXIMUM_BYTES // 1024} KiB", "more")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise refuse("the study file must be UTF-8 text", f"byte {error.start} is not") from None
    root = parse(text, file=file)
    if not isinstance(root.value, dict):
        raise root.error("the study file must be a mapping (key: value)")
    return root


def parse(text: str, *, file: str, path: str = "", lines: bool = True) -> Node:
    """Parse one YAML document.

    Args:
        text: The document; empty text is null.
        file: Stands in every node and error.
        path: Dotted path of the document's top.
        lines: False for text that has no lines worth telling: they become 0.

    Raises:
        SpecError: As `read_document`, but any value may be at the top.
    """
    if len(text) > MAXIMUM_BYTES:
        raise SpecError("must be shorter", file=file, line=0, path=path, given=f"{len(text)} chars")
    try:
        top = _Loader(text).get_single_node()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark is not None and lines else 0
        words = [getattr(error, name, None) for name in ("context", "problem", "reason")]
        given = ", ".join(word for word in words if word) or str(error)
        raise SpecError("must be YAML", file=file, line=line, path=path, given=given) from None
    return (
        Node(None, file, int(lines), path)
        if top is None
        else _Builder(file, lines).build(top, path)
    )


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader with YAML 1.2 scalars and a bounded depth; only composes nodes."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        self.depth += 1
        if self.depth > MAXIMUM_DEPTH:
            problem = f"nested deeper than {MAXIMUM_DEPTH} levels"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=self.get_mark())
        try:
            return super().compose_node(parent, index)
        finally:
            self.depth -= 1


_TAG = "tag:yaml.org,2002:"
_NUMBER_STARTS = list("-+.0123456789")
_Loader.yaml_implicit_resolvers = {}
for _name, _pattern, _starts in (
    ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", list("tTfF")),
    ("int", r"^(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$", _NUMBER_STARTS),
    (
        "float",
        r"^(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
        r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$",
        _NUMBER_STARTS,
    ),
):
    _Loader.add_implicit_resolver(_TAG + _name, re.compile(_pattern), _starts)


def _integer(text: str) -> int:
    return int(text, 0) if text[:2] in {"0o", "0x"} else int(text)


def _boolean(text: str) -> bool:
    return {"true": True, "false": False}[text.lower()]


def _float(text: str) -> float:
    return float(text.replace(".inf", "inf").replace(".nan", "nan"))


_SCALARS: dict[str, Callable[[str], Scalar]] = {
    _TAG + "str": str,
    _TAG + "null": lambda text: None,
    _TAG + "bool": _boolean,
    _TAG + "int": _integer,
    _TAG + "float": lambda text: _float(text.lower()),
}


class _Builder:
    """Turns PyYAML's nodes into ours, counting them: an alias counts each time it is used."""

    def __init__(self, file: str, lines: bool) -> None:
        self.file = file
        self.lines = lines
        self.count = 0

    def build(self, source: yaml.Node, path: str, depth: int = 0) -> Node:
        line = source.start_mark.line + 1 if self.lines else 0
        node = Node(None, self.file, line, path)
        self.count += 1
        if depth > MAXIMUM_DEPTH or self.count > MAXIMUM_NODES:
            raise replace(node, path=path.partition(".")[0]).error(
                f"must have at most {MAXIMUM_NODES} values, {MAXIMUM_DEPTH} levels deep",
                given="more, aliases included",
            )
        if isinstance(source, yaml.MappingNode) and source.tag == _TAG + "map":
            return replace(node, value=self._children(source, node, depth))
        if isinstance(source, yaml.SequenceNode) and source.tag == _TAG + "seq":
            items = enumerate(source.value)
            built = [self.build(item, join(path, str(i)), depth + 1) for i, item in items]
            return replace(node, value=built)
        if isinstance(source, yaml.ScalarNode) and source.tag in _SCALARS:
            return replace(node, value=self._scalar(source, node))
        raise node.error("must be a plain value without a tag", given=source.tag)

    def _children(self, source: yaml.MappingNode, node: Node, depth: int) -> dict[str, Node]:
        children: dict[str, Node] = {}
        for key_source, value_source in source.value:
            line = key_source.start_mark.line + 1 if self.lines else 0
            place = replace(node, line=line)
            if not isinstance(key_source, yaml.ScalarNode) or key_source.tag != _TAG + "str":
                raise place.error("keys must be text", given=_source_text(key_source))
            key = key_source.value
            place = replace(place, path=join(node.path, key))
            if key == "<<":
                raise place.error("must not use a merge key", remedy="write the keys out")
            if key in children:
                raise place.error(
                    "a key must stand once", given=f"a second {key!r}", remedy="remove one of them"
                )
            child = self.build(value_source, place.path, depth + 1)
            is_collection = isinstance(child.value, dict | list)
            children[key] = replace(child, line=line) if is_collection else child
        return children

    def _scalar(self, source: yaml.ScalarNode, node: Node) -> Scalar:
        try:
            value = _SCALARS[source.tag](source.value)
        except (ValueError, KeyError):
            kind = source.tag.removeprefix(_TAG)
            raise node.error(f"must be a valid {kind}", given=describe(source.value)) from None
        if isinstance(value, float) and not math.isfinite(value):
            raise node.error("numbers must be finite", given=source.value)
        return value


def _source_text(source: yaml.Node) -> str:
    if isinstance(source, yaml.ScalarNode):
        return f"{source.value or 'nothing'}, a {source.tag.removeprefix(_TAG)}; put it in quotes"
    return "a list or mapping as a key"
