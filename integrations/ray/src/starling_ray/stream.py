"""Interactions through a pipe, as `--data npy-stream:-` reads them: NPY arrays of version 1.0, one behind another.

The first holds the names of the columns, as text. Then each batch is an array a column, in that order and of one length.
A batch without rows is the end, so that a stream that was cut short is noticed.
"""

import io
from collections.abc import Iterable, Mapping, Sequence
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from starling_ray.errors import RefusedError

Array = npt.NDArray[Any]

ENDS = {"user": np.int64, "item": np.int64, "value": np.float64, "time": np.int64}
NEEDED = ("user", "item")


def check_columns(columns: Iterable[str]) -> list[str]:
    """The columns in the order of the stream."""
    given = set(columns)
    missing = [name for name in NEEDED if name not in given]
    unknown = sorted(given - set(ENDS))
    if missing or unknown:
        what = f"lacks {' and '.join(missing)}" if missing else f"has the unknown column {unknown[0]}"
        raise RefusedError(
            f"the dataset {what}: its columns must be user, item and perhaps value and time; "
            "rename_columns and select_columns make it so"
        )
    return [name for name in ENDS if name in given]


def write_stream(columns: Sequence[str], batches: Iterable[Mapping[str, Array]], out: IO[bytes]) -> None:
    """Writes batches as they come."""
    write_array(np.array(columns), out)
    for batch in batches:
        for name in columns:
            write_array(converted(name, batch[name]), out)
    for name in columns:
        write_array(np.empty(0, ENDS[name]), out)


def write_array(array: Array, out: IO[bytes]) -> None:
    # NumPy asks a file for its position, which a pipe does not have; so it gets a buffer.
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, version=(1, 0), allow_pickle=False)
    out.write(buffer.getbuffer())


def converted(name: str, column: Array) -> Array:
    """A column in a type that the stream has."""
    kind = column.dtype.kind
    if name in NEEDED:
        if kind == "u" and column.dtype.itemsize == 8:
            return column
        if kind in "iu":
            return column.astype(np.int64, copy=False)
        if kind == "U" or (kind == "O" and all(isinstance(entry, str) for entry in column)):
            return column.astype(np.str_)
        raise RefusedError(f"the column {name} must hold integers or text without gaps, not {column.dtype}")
    if kind == "M" and name == "time":
        return column.astype("datetime64[s]").astype(np.int64)
    if kind in "iu":
        return column.astype(np.int64 if name == "time" else np.float64, copy=False)
    if kind == "f":
        is_single = column.dtype == np.float32 and name == "value"
        return column if is_single else column.astype(np.float64, copy=False)
    raise RefusedError(f"the column {name} must hold numbers without gaps, not {column.dtype}")
