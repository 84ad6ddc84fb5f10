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
from joulefront.store.columns import TableColumns, conform, fit, merge_types, plain

types = st.sampled_from([pa.null(), pa.bool_(), pa.int64(), pa.float64(), pa.string()])
values = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats() | st.text()


@given(types, types, types)
def test_merging_types_is_a_join(a: pa.DataType, b: pa.DataType, c: pa.DataType) -> None:
    assert merge_types(a, a) == a
    assert merge_types(a, b) == merge_types(b, a)
    assert merge_types(merge_types(a, b), c) == merge_types(a, merge_types(b, c))


@settings(max_examples=50)
@given(values)
def test_a_value_alone_comes_back_unchanged(value: object) -> None:
    (row,) = TableColumns(pa.schema([("time", pa.float64())])).batch([{"x": value}]).to_pylist()
    assert _same(row["x"], value)


@settings(max_examples=50)
@given(values, values)
def test_two_values_share_a_column_in_one_batch_or_two(first: object, second: object) -> None:
    together = TableColumns(pa.schema([("time", pa.float64())]))
    batch = together.batch([{"x": first}, {"x": second}])
    apart = TableColumns(pa.schema([("time", pa.float64())]))
    narrow = apart.batch([{"x": first}])
    apart.batch([{"x": second}])
    assert apart.schema == together.schema
    widened = conform(pa.Table.from_batches([narrow]), apart.schema)
    assert _same(widened["x"][0].as_py(), batch["x"][0].as_py())


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.float32(0.5), 0.5),
        (np.int64(3), 3),
        (np.str_("a"), "a"),
        (Fraction(1, 2), 0.5),
        (enum.IntEnum("E", "ONE").ONE, 1),
    ],
)
def test_numbers_from_elsewhere_become_plain(value: object, expected: object) -> None:
    assert plain(value) == expected
    assert type(plain(value)) is type(expected)


@pytest.mark.parametrize("value", [{"a": 1}, [1], b"bytes", Path("p"), 2**63, -(2**63) - 1])
def test_what_cannot_be_stored_is_refused(value: object) -> None:
    with pytest.raises(StoreWriteError, match="must"):
        plain(value)


def test_a_mixed_choice_becomes_text_also_across_segments() -> None:
    wide = pa.schema([("clusters", pa.string()), ("absent", pa.int64())])
    numbers = pa.table({"clusters": pa.array([8, None, 1])})
    assert conform(numbers, wide)["clusters"].to_pylist() == ["8", None, "1"]
    assert conform(numbers, wide)["absent"].null_count == 3
    assert [fit(value, 4) for value in (8, True, "a", None)] == ["8", "true", "a", None]


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
    batch = columns.batch([{"failure": "no such file: a\udcff"}])
    assert batch.to_pylist()[0]["failure"] == "no such file: a\\udcff"


def _same(first: object, second: object) -> bool:
    both_nan = isinstance(first, float) and isinstance(second, float) and first != first
    return first == second or (both_nan and second != second)


def test_a_clock_that_is_set_back_leaves_rows_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([100.0, 40.0, 101.0])
    monkeypatch.setattr("joulefront.store.columns.time.time", lambda: next(clock))
    columns = TableColumns(pa.schema([("time", pa.float64())]))
    stamps = [columns.batch([{"x": x}])["time"].to_pylist()[0] for x in range(3)]
    assert stamps == [100.0, 100.0, 101.0]
