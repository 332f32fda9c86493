"""A strict reader of `npy-stream`, as the command's must be."""

from typing import IO

import numpy as np

from starling_ray.stream import Array

KINDS = {
    "user": ("<i8", "<u8", "<i4", "<U"),
    "item": ("<i8", "<u8", "<i4", "<U"),
    "value": ("<f4", "<f8"),
    "time": ("<i8", "<f8"),
}


def read_stream(source: IO[bytes]) -> tuple[list[str], list[list[Array]]]:
    """The names of the columns and the batches."""
    names = read_array(source)
    if names.dtype.kind != "U" or names.ndim != 1:
        raise ValueError(f"the first array is {names.dtype} {names.shape}")
    columns = names.tolist()
    if not {"user", "item"} <= set(columns) <= KINDS.keys() or len(set(columns)) < len(columns):
        raise ValueError(f"columns {columns}")
    batches = []
    while True:
        batch = [read_array(source) for _ in columns]
        for name, array in zip(columns, batch, strict=True):
            if array.ndim != 1 or len(array) != len(batch[0]) or not array.dtype.str.startswith(KINDS[name]):
                raise ValueError(f"{name}: {array.dtype} {array.shape}")
        if len(batch[0]) == 0:
            break
        batches.append(batch)
    if source.read(1):
        raise ValueError("there is more behind the end")
    return columns, batches


def read_array(source: IO[bytes]) -> Array:
    if np.lib.format.read_magic(source) != (1, 0):
        raise ValueError("not version 1.0")
    shape, in_fortran_order, dtype = np.lib.format.read_array_header_1_0(source)
    if in_fortran_order or dtype.hasobject:
        raise ValueError(f"{dtype}, Fortran order {in_fortran_order}")
    size = dtype.itemsize * int(np.prod(shape))
    data = source.read(size)
    if len(data) < size:
        raise ValueError("the stream was cut short")
    return np.frombuffer(data, dtype).reshape(shape)
