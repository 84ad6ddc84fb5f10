"""From rows of Python values to Arrow columns whose types may widen, and back to one schema.

Not here: which columns a table has by itself (`schema.py`), nor how a batch reaches the disk.

Types widen along null -> bool -> int64 -> float64 -> string; a column never narrows. In a column of
strings, a value that is none stands as its JSON text. Integers beyond 2**53 lose their last digits
where a column holds floats too, as they do in Python.
"""

from __future__ import annotations

import json
import numbers
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import pyarrow as pa

from joulefront.errors import StoreWriteError

_LADDER = [pa.null(), pa.bool_(), pa.int64(), pa.float64(), pa.string()]
_PYTHON = {type(None): 0, bool: 1, int: 2, float: 3, str: 4}  # rungs of the ladder
_MAKE: dict[int, Callable[[Any], Any]] = {2: int, 3: float, 4: partial(json.dumps, default=str)}


def merge_types(first: pa.DataType, second: pa.DataType) -> pa.DataType:
    """The narrowest type of the ladder that holds both; text holds what no other does."""
    return _LADDER[max(_rung(first), _rung(second))]


def _rung(kind: pa.DataType) -> int:
    if kind in _LADDER:
        return _LADDER.index(kind)
    if pa.types.is_integer(kind) and kind != pa.uint64():
        return 2
    return 3 if pa.types.is_integer(kind) or pa.types.is_floating(kind) else 4


def plain(value: Any) -> Any:
    """`value` as None, bool, int, float or str; text that UTF-8 cannot hold is escaped.

    Raises:
        StoreWriteError: It is anything else, or an integer that 64 bits do not hold.
    """
    if value is None or type(value) in (bool, float):
        return value
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, numbers.Integral):
        if -(2**63) <= int(value) < 2**63:
            return int(value)
        raise StoreWriteError("a stored integer must fit into 64 bits", given=str(value))
    if isinstance(value, numbers.Real):
        return float(value)
    raise StoreWriteError(
        "a stored value must be null, a boolean, a number or a text",
        given=f"{type(value).__name__} {value!r:.80}",
    )


def fit(value: Any, rung: int) -> Any:
    """`value` (from `plain`) as a column of that rung holds it, which must be high enough."""
    return value if value is None or _PYTHON.get(type(value)) == rung else _MAKE[rung](value)


def conform(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """`table` with exactly the columns of `schema`: absent ones null, narrower ones widened."""
    names = set(table.column_names)
    columns = [
        pa.nulls(table.num_rows, field.type)
        if field.name not in names
        else table[field.name]
        if table[field.name].type == field.type
        else _refitted(table[field.name], field.type)
        for field in schema
    ]
    return pa.table(columns, schema=schema)


def _refitted(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray | pa.Array:
    if kind != pa.string() or pa.types.is_string(column.type):
        return column.cast(kind, safe=False)
    return pa.array([fit(value, _rung(kind)) for value in column.to_pylist()], kind)


class TableColumns:
    """The columns that one writer has seen of one table, of which the types of `fixed` stay."""

    def __init__(self, fixed: pa.Schema) -> None:
        self.schema = fixed
        self._fixed = frozenset(fixed.names)
        self._rungs: dict[str, int] = {}  # of the other columns, in order
        self._stamp = 0.0

    def batch(self, rows: Sequence[Mapping[str, Any]]) -> pa.RecordBatch:
        """One batch of all `rows`; `self.schema` is replaced first where they ask for more.

        A row without `time` is stamped with the current one, or with that of the stamp before
        where the clock was set back: stamped rows stay in the order of appending.

        Raises:
            StoreWriteError: A value cannot be stored, or not in the fixed column it is for. The
                schema then stays as it was.
        """
        self._stamp = max(self._stamp, time.time())
        now = {"time": self._stamp}
        shaped = [now | {name: plain(value) for name, value in row.items()} for row in rows]
        rungs = self._widest(shaped)
        try:
            schema = self._schema(rungs)
            for row in shaped:
                row |= {name: fit(row.get(name), rung) for name, rung in rungs.items()}
            array = pa.array(shaped, type=pa.struct(list(schema)))
        except (pa.ArrowException, OverflowError, TypeError, ValueError) as error:
            raise StoreWriteError(
                "a row's value must have the type of its column", given=str(error)
            ) from error
        self.schema, self._rungs = schema, rungs
        return pa.RecordBatch.from_struct_array(array)

    def _schema(self, rungs: Mapping[str, int]) -> pa.Schema:
        if rungs == self._rungs:
            return self.schema
        fixed = [field for field in self.schema if field.name in self._fixed]
        return pa.schema([*fixed, *((name, _LADDER[rung]) for name, rung in rungs.items())])

    def _widest(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
        """The rungs of all free columns that hold `rows` too."""
        rungs = dict(self._rungs)
        for row in rows:
            for name, value in row.items():
                if name in self._fixed:
                    continue
                if not isinstance(name, str) or not name or name.startswith("_"):
                    raise StoreWriteError(
                        "a column's name must be a text that does not begin with '_'",
                        given=repr(name),
                    )
                rungs[name] = max(rungs.get(name, 0), _PYTHON[type(value)])
        return rungs
