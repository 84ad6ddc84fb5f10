"""Types widen along one ladder, whatever the order in which values come."""

from __future__ import annotations

import enum
import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from joulefront.errors import StoreWriteError
from joulefront.store.columns import TableColumns, arrow_type, conform, fit, merge_types, plain

scalars = st.sampled_from([pa.null(), pa.bool_(), pa.int64(), pa.float64(), pa.string()])
types = st.recursive(scalars, lambda inner: inner.map(pa.list_), max_leaves=3)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4),
    max_leaves=6,
)


@given(types, types, types)
def test_merging_types_is_a_join(a: pa.DataType, b: pa.DataType, c: pa.DataType) -> None:
    assert merge_types(a, a) == a
    assert merge_types(a, b) == merge_types(b, a)
    assert merge_types(merge_types(a, b), c) == merge_types(a, merge_types(b, c))


@settings(max_examples=50)
@given(values)
def test_a_value_fits_its_own_type_unchanged(value: object) -> None:
    column = pa.array([fit(value, arrow_type(value))], arrow_type(value))
    # Only text of several kinds in one list changes, and only there.
    if not isinstance(value, list):
        assert _same(column.to_pylist()[0], value)


@settings(max_examples=50)
@given(values, values)
def test_two_values_fit_the_merged_type(first: object, second: object) -> None:
    kind = merge_types(arrow_type(first), arrow_type(second))
    column = pa.array([fit(first, kind), fit(second, kind)], kind)
    assert len(column) == 2


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.float32(0.5), 0.5),
        (np.int64(3), 3),
        (np.bool_(True), True),
        (np.str_("a"), "a"),
        (np.array([1, 2]), [1, 2]),
        ((1, "a"), [1, "a"]),
        (Fraction(1, 2), 0.5),
        (enum.IntEnum("E", "ONE").ONE, 1),
    ],
)
def test_numbers_from_elsewhere_become_plain(value: object, expected: object) -> None:
    assert plain(value) == expected
    assert type(plain(value)) is type(expected)


@pytest.mark.parametrize("value", [{"a": 1}, b"bytes", Path("p"), object(), 2**63, -(2**63) - 1])
def test_what_cannot_be_stored_is_refused(value: object) -> None:
    with pytest.raises(StoreWriteError, match="must"):
        plain(value)


def test_a_mixed_choice_becomes_text_also_across_segments() -> None:
    wide = pa.schema([("clusters", pa.string()), ("absent", pa.int64())])
    numbers = pa.table({"clusters": pa.array([8, None, 1])})
    assert conform(numbers, wide)["clusters"].to_pylist() == ["8", None, "1"]
    assert conform(numbers, wide)["absent"].null_count == 3
    assert fit(8, pa.string()) == "8"
    assert fit(True, pa.string()) == "true"
    assert fit([1, "a"], pa.list_(pa.string())) == ["1", "a"]


def test_lists_widen_inside() -> None:
    wide = pa.schema([("x", pa.list_(pa.float64()))])
    assert conform(pa.table({"x": [[1, 2], [], None]}), wide)["x"].to_pylist() == [[1, 2], [], None]


def test_a_refused_row_leaves_the_columns_as_they_were() -> None:
    columns = TableColumns(pa.schema([("time", pa.float64()), ("attempt", pa.int32())]))
    columns.batch([{"loss": 1}])
    before = columns.schema
    for bad in ({"attempt": "one"}, {"attempt": 2**40}, {"new": {}}, {"_writer": 1}, {"": 1}):
        with pytest.raises(StoreWriteError):
            columns.batch([{"loss": "wider", **bad}])
        assert columns.schema is before


def test_only_a_wider_type_makes_a_new_schema() -> None:
    columns = TableColumns(pa.schema([("time", pa.float64())]))
    columns.batch([{"loss": 0.5, "n": 1}])
    schema = columns.schema
    columns.batch([{"loss": 1}, {"n": None}, {"n": True, "loss": math.nan}])
    assert columns.schema is schema


def test_a_path_of_undecodable_bytes_is_stored_readably() -> None:
    columns = TableColumns(pa.schema([("time", pa.float64())]))
    batch = columns.batch([{"failure": "no such file: a\udcff", "list": ["\ud800"]}])
    assert batch.to_pylist()[0]["failure"] == "no such file: a\\udcff"


def _same(first: object, second: object) -> bool:
    both_nan = isinstance(first, float) and isinstance(second, float) and first != first
    return first == second or (both_nan and second != second)
