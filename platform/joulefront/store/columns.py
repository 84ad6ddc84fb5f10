"""From rows of Python values to Arrow columns whose types may widen, and back to one schema.

Not here: which columns a table has by itself (`schema.py`), nor how a batch reaches the disk.

Types widen along null -> bool -> int64 -> float64 -> string, and inside lists alike. Whatever does
not fit that ladder (a choice of 8 and "auto", say) becomes string, in which a value that is no
string stands as its JSON text. A column never narrows. Integers beyond 2**53 lose their last
digits where a column holds floats too, as they do in Python.
"""

from __future__ import annotations

import functools
import json
import numbers
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa

from joulefront.errors import StoreWriteError

_SCALARS: dict[type, pa.DataType] = {
    type(None): pa.null(),
    bool: pa.bool_(),
    int: pa.int64(),
    float: pa.float64(),
    str: pa.string(),
}
_LADDER = [pa.null(), pa.bool_(), pa.int64(), pa.float64(), pa.string()]
_RUNGS = {kind: rung for rung, kind in enumerate(_LADDER)} | {pa.int32(): 2}


def merge_types(first: pa.DataType, second: pa.DataType) -> pa.DataType:
    """The narrowest type that holds both; commutative, associative and idempotent."""
    if first == second:
        return first
    if pa.types.is_null(first) or pa.types.is_null(second):
        return second if pa.types.is_null(first) else first
    if pa.types.is_list(first) and pa.types.is_list(second):
        return pa.list_(merge_types(first.value_type, second.value_type))
    if pa.types.is_list(first) or pa.types.is_list(second):
        return pa.string()
    top = len(_LADDER) - 1  # a type from elsewhere is read as text
    return _LADDER[max(_RUNGS.get(first, top), _RUNGS.get(second, top))]


def plain(value: Any) -> Any:
    """`value` as None, bool, int, float, str or a list of such; NumPy and torch scalars included.

    Raises:
        StoreWriteError: It is anything else, or an integer that 64 bits do not hold.
    """
    if value is None or type(value) in (bool, float):
        return value
    if isinstance(value, str):
        return str(value)
    if hasattr(value, "tolist"):  # a NumPy or torch scalar or array
        return plain(value.tolist())
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, numbers.Integral):
        if -(2**63) <= int(value) < 2**63:
            return int(value)
        raise StoreWriteError("a stored integer must fit into 64 bits", given=str(value))
    if isinstance(value, numbers.Real):
        return float(value)
    raise StoreWriteError(
        "a stored value must be null, a boolean, a number, a text or a list of these",
        given=f"{type(value).__name__} {value!r:.80}",
    )


def arrow_type(value: Any) -> pa.DataType:
    """The narrowest type for a value that `plain` returned; an empty list is a list of null."""
    if isinstance(value, list):
        return pa.list_(functools.reduce(merge_types, map(arrow_type, value), pa.null()))
    return _SCALARS[type(value)]


def fit(value: Any, kind: pa.DataType) -> Any:
    """`value` (from `plain`) as a column of type `kind` holds it; `kind` must be wide enough."""
    if value is None:
        return None
    if pa.types.is_list(kind):
        return [fit(item, kind.value_type) for item in value]
    if pa.types.is_string(kind):
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if pa.types.is_float64(kind):
        return float(value)
    return int(value) if pa.types.is_int64(kind) else value


def conform(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """`table` with exactly the columns of `schema`: absent ones null, narrower ones widened."""
    names = set(table.column_names)
    columns = [
        _widened(table.column(field.name), field.type)
        if field.name in names
        else pa.nulls(table.num_rows, field.type)
        for field in schema
    ]
    return pa.table(columns, schema=schema)


def _widened(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray | pa.Array:
    if column.type == kind:
        return column
    if pa.types.is_null(column.type):
        return pa.nulls(len(column), kind)
    if not pa.types.is_nested(kind) and not pa.types.is_string(kind):
        return column.cast(kind, safe=False)
    return pa.array([fit(value, kind) for value in column.to_pylist()], type=kind)


class TableColumns:
    """The columns that one writer has seen of one table, and rows made into batches of them.

    Args:
        fixed: The table's fixed columns, whose types stay as they are.
    """

    def __init__(self, fixed: pa.Schema) -> None:
        self._fixed = frozenset(fixed.names)
        self._exact: dict[str, type] = {}
        self._adopt(fixed)

    def _adopt(self, schema: pa.Schema) -> None:
        self.schema = schema
        self._struct = pa.struct(list(schema))
        python = {kind: scalar for scalar, kind in _SCALARS.items()} | {pa.int32(): int}
        self._exact = {field.name: python[field.type] for field in schema if field.type in python}

    def batch(self, rows: Sequence[Mapping[str, Any]]) -> pa.RecordBatch:
        """One batch of all `rows`; `self.schema` is replaced first where they ask for more.

        A row without `time` is stamped with the current one.

        Raises:
            StoreWriteError: A value cannot be stored, or not in the fixed column it is for. The
                schema then stays as it was.
        """
        shaped = [{"time": time.time(), **row} for row in rows]
        loose = self._loosen(shaped)
        try:
            schema = self._widen(shaped, loose) if loose else self.schema
            struct = self._struct if schema is self.schema else pa.struct(list(schema))
            array = _struct_array(shaped, struct)
        except (pa.ArrowException, OverflowError, TypeError, ValueError) as error:
            raise StoreWriteError(
                "a row's value must have the type of its column", given=str(error)
            ) from error
        if schema is not self.schema:
            self._adopt(schema)
        return pa.RecordBatch.from_struct_array(array)

    def _loosen(self, rows: Iterable[dict[str, Any]]) -> set[str]:
        """Make every value plain in place; return the free columns whose type may not do."""
        exact, loose = self._exact, set()
        for row in rows:
            for name, value in row.items():
                if type(value) is exact.get(name) and type(value) is not int:
                    continue
                row[name] = plain(value)
                if (value is None and name in exact) or type(row[name]) is exact.get(name):
                    continue
                if name not in self._fixed:
                    loose.add(name)
        return loose

    def _widen(self, rows: Sequence[dict[str, Any]], loose: set[str]) -> pa.Schema:
        """The schema that holds `rows`, whose values in `loose` columns are fitted in place."""
        types = dict(zip(self.schema.names, self.schema.types, strict=True))
        before = dict(types)
        for name in sorted(loose, key=str):
            if not isinstance(name, str) or not name or name.startswith("_"):
                raise StoreWriteError(
                    "a column's name must be a text that does not begin with '_'", given=repr(name)
                )
            kinds = (arrow_type(row[name]) for row in rows if name in row)
            kind = types[name] = functools.reduce(merge_types, kinds, types.get(name, pa.null()))
            for row in rows:
                row[name] = fit(row.get(name), kind)
        return self.schema if types == before else pa.schema(list(types.items()))


def _struct_array(rows: list[dict[str, Any]], struct: pa.StructType) -> pa.StructArray:
    try:
        return pa.array(rows, type=struct)
    except UnicodeEncodeError:  # a lone surrogate, as in a path of undecodable bytes
        return pa.array([_encodable(row) for row in rows], type=struct)


def _encodable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, list):
        return [_encodable(item) for item in value]
    if isinstance(value, dict):
        return {name: _encodable(item) for name, item in value.items()}
    return value
