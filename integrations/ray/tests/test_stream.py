import io
import subprocess
import sys

import numpy as np
import pytest
from npystream import read_stream

from starling_ray import RefusedError
from starling_ray.stream import Array, check_columns, converted, write_stream


def streamed(columns: list[str], *batches: dict[str, Array]) -> bytes:
    out = io.BytesIO()
    write_stream(columns, batches, out)
    return out.getvalue()


def test_what_is_written_is_read() -> None:
    first = {"item": np.array(["b", "ü"]), "user": np.array([1, 2]), "value": np.float32([0.5, 1]), "time": np.array([7, 8])}
    second = {"item": np.array(["longer"]), "user": np.array([3]), "value": np.float32([2]), "time": np.array([9])}
    columns, batches = read_stream(io.BytesIO(streamed(["user", "item", "value", "time"], first, second)))
    assert columns == ["user", "item", "value", "time"]
    assert [[array.tolist() for array in batch] for batch in batches] == [
        [[1, 2], ["b", "ü"], [0.5, 1.0], [7, 8]], [[3], ["longer"], [2.0], [9]],
    ]  # fmt: skip


def test_nothing_but_the_end() -> None:
    assert read_stream(io.BytesIO(streamed(["user", "item"]))) == (["user", "item"], [])


def test_a_cut_is_noticed() -> None:
    whole = streamed(["user", "item"], {"user": np.array([1]), "item": np.array([2])})
    for length in range(len(whole)):
        with pytest.raises(ValueError):  # noqa: PT011, NumPy has many words for it
            read_stream(io.BytesIO(whole[:length]))


def test_through_a_pipe() -> None:
    reader = "import sys; from npystream import read_stream; print(sum(len(b[0]) for b in read_stream(sys.stdin.buffer)[1]))"
    with subprocess.Popen(
        [sys.executable, "-c", reader], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=__file__.rpartition("/")[0]
    ) as process:
        assert process.stdin
        assert process.stdout
        ids = np.arange(100_000)
        write_stream(["user", "item"], [{"user": ids, "item": ids}] * 3, process.stdin)
        process.stdin.close()
        assert process.stdout.read() == b"300000\n"


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("user", np.int8([1, 2]), np.int64([1, 2])),
        ("user", np.uint64([1, 2**63]), np.uint64([1, 2**63])),
        ("item", np.array(["a", "bc"], dtype=object), np.array(["a", "bc"])),
        ("value", np.int64([1, 5]), np.float64([1, 5])),
        ("value", np.float32([0.1]), np.float32([0.1])),
        ("value", np.float16([0.5]), np.float64([0.5])),
        ("time", np.int32([7]), np.int64([7])),
        ("time", np.float32([1.5]), np.float64([1.5])),
        ("time", np.array(["1970-01-02T00:00:01.9"], dtype="datetime64[ns]"), np.int64([86401])),
    ],
)
def test_types(name: str, given: Array, expected: Array) -> None:
    found = converted(name, given)
    assert found.dtype == expected.dtype
    assert found.tolist() == expected.tolist()


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("user", np.array([1.0, np.nan])),
        ("item", np.array(["a", None], dtype=object)),
        ("item", np.array([b"a"])),
        ("value", np.array(["5"])),
        ("time", np.array([None], dtype=object)),
    ],
)
def test_types_without_a_place(name: str, given: Array) -> None:
    with pytest.raises(RefusedError, match=f"the column {name} must hold"):
        converted(name, given)


def test_columns() -> None:
    assert check_columns(["time", "item", "user"]) == ["user", "item", "time"]
    with pytest.raises(RefusedError, match="lacks item"):
        check_columns(["user", "movieId"])
    with pytest.raises(RefusedError, match="unknown column rating"):
        check_columns(["user", "item", "rating"])
