"""Rows to Arrow tables, column by column, without pyarrow's own conversion: that one imports pandas on first use.

Importing pandas takes longer than a small run. What the columns mean is in `blocks` and `records`.
"""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownParameterType=false
# pyarrow ships no types.

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def table_of(rows: Sequence[Mapping[str, Any]], schema: pa.Schema) -> pa.Table:
    """The rows with the schema's columns; what a row lacks is null."""
    columns = [array_of([row.get(field.name) for row in rows], field.type) for field in schema]
    return pa.Table.from_arrays(columns, schema=schema)


def array_of(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    """Values or None, as one of the types that blocks have."""
    given = np.array([value is not None for value in values], bool)
    buffers = [None if given.all() else _bits(given)]
    if pa.types.is_list(kind):
        offsets = _offsets([len(value or ()) for value in values], np.int32)
        items = array_of([item for value in values for item in value or ()], kind.value_type)
        return pa.Array.from_buffers(kind, len(values), [*buffers, offsets], children=[items])
    if kind in (pa.string(), pa.large_string(), pa.large_binary()):
        content = [value.encode() if isinstance(value, str) else value or b"" for value in values]
        width = np.int32 if kind == pa.string() else np.int64
        buffers += [_offsets([len(value) for value in content], width), pa.py_buffer(b"".join(content))]
    elif pa.types.is_boolean(kind):
        buffers.append(_bits(np.array([bool(value) for value in values], bool)))
    elif pa.types.is_timestamp(kind):
        moments = [0 if value is None else (value - _EPOCH) // _MICROSECOND for value in values]
        buffers.append(pa.py_buffer(np.array(moments, np.int64)))
    else:
        numbers = [0 if value is None else value for value in values]
        buffers.append(pa.py_buffer(np.array(numbers, kind.to_pandas_dtype())))
    return pa.Array.from_buffers(kind, len(values), buffers)


def _offsets(lengths: Sequence[int], width: type[np.signedinteger[Any]]) -> pa.Buffer:
    offsets = np.zeros(len(lengths) + 1, width)
    np.cumsum(lengths, out=offsets[1:])
    return pa.py_buffer(offsets)


def _bits(flags: np.ndarray[Any, np.dtype[np.bool_]]) -> pa.Buffer:
    return pa.py_buffer(np.packbits(flags, bitorder="little"))
