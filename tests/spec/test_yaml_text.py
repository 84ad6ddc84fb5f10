"""Scalars, lines, and plain trees."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from joulefront.spec.document import from_plain
from joulefront.spec.yaml_text import parse


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-5", 1e-5),
        ("1.0e-5", 1e-5),
        ("1E5", 1e5),
        ("-.5", -0.5),
        ("1.", 1.0),
        ("'1e-5'", "1e-5"),
        ("010", 10),
        ("1_000", "1_000"),
        ("1:30", "1:30"),
        ("yes", "yes"),
        ("NO", "NO"),
        ("True", True),
        ("false", False),
        ("2024-01-01", "2024-01-01"),
        ("none", "none"),
        ("null", None),
        ("~", None),
        ("", None),
        ("-", [None]),
        (".", "."),
        ("!!float 1", 1.0),
        ("!!str 1", "1"),
    ],
)
def test_scalar(text: str, value: object) -> None:
    plain = parse(text, file="x").plain()
    assert plain == value and type(plain) is type(value)


PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="ascii", exclude_categories=["Cc"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.from_regex("[a-z]{1,5}", fullmatch=True), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(PLAIN)
def test_json_is_read_as_json_reads_it(value: Any) -> None:
    text = json.dumps(value)
    assert parse(text, file="x").plain() == json.loads(text)
    assert from_plain(value, file="x").plain() == value


def test_lines_are_of_keys_for_sections_and_of_values_for_scalars() -> None:
    root = parse("a:\n  b:\n    - 1\n    - c: 2\n  d:\n    5\n", file="x")
    places = {path: root.at(path).line for path in ("a", "a.b", "a.b.0", "a.b.1.c", "a.d", "a.e")}
    assert places == {"a": 1, "a.b": 2, "a.b.0": 3, "a.b.1.c": 4, "a.d": 5, "a.e": 1}
    assert root.at("a.e.f").path == "a.e.f"
