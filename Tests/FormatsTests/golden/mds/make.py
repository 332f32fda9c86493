"""Makes the golden MDS data sets of FormatsTests with the format's own package. Generated data only.

    python3 make.py          # mosaicml-streaming 0.13.0, Python 3.11

Sample k is made by a formula that MDSSamples.swift repeats. The package stamps gzip files with the time; here the
time is 0.
"""

import decimal
import gzip
import math
import pathlib
import shutil
import types

import numpy as np
from streaming import MDSWriter

HERE = pathlib.Path(__file__).parent
gzip.time = types.SimpleNamespace(time=lambda: 0)

HASHES = ["md5", "sha1", "sha256", "sha384", "sha512", "xxh128", "xxh32", "xxh3_128", "xxh3_64", "xxh64"]
RATINGS = {"user": "int64", "item": "int64", "rating": "float32"}


def write(name, columns, samples, **options):
    folder = HERE / name
    shutil.rmtree(folder, ignore_errors=True)
    with MDSWriter(columns=columns, out=str(folder), **options) as writer:
        for sample in samples:
            writer.write(sample)


def ratings(count):
    return [{"user": k * k, "item": -k, "rating": (k % 9 + 1) / 2} for k in range(count)]


def every(k):
    """A sample with a column of every encoding, named after it."""
    floats = [0.1, -1.5, 65504.0, 1e-7, -math.inf]
    sample = {
        "bytes": bytes(range(k)),
        "str": ["", "Amélie", "羅生門", "🎬 film", "a"][k],
        "int": (k - 2) * 10**15,
        "str_int": [0, -7, 2**64 - 1, 10**30, 2**63 - 1][k],
        "str_float": [0.1, -1.5, 1e16, 1.5e16, 1e-05][k],
        "str_decimal": decimal.Decimal(["1.50", "-0", "1E+3", "NaN", "3.14159265358979323846264338327950288"][k]),
        "json": [{"b": [1, 2.5, None], "a": "é\n\"\x7f🎬"}, [], "x", True, {"k": 1e16}][k],
        "ndarray": [
            np.arange(3, dtype="float32"), np.ones((2, 300), "uint8"), np.arange(4, dtype="int64").reshape(2, 2),
            np.full((1, 1, 1), -1, "int16"), np.array([0.5], "float64")][k],
        "ndarray:int32": np.arange(k + 1, dtype="int32"),
        "ndarray:float32:2,3": np.arange(6, dtype="float32").reshape(2, 3) + k,
    }
    for bits in [8, 16, 32, 64]:
        sample[f"uint{bits}"] = 2**bits - 1 - k
        sample[f"int{bits}"] = -(2 ** (bits - 1)) + k
        if bits > 8:
            sample[f"float{bits}"] = floats[k]
    return sample


write("every", {name: name for name in every(0)}, map(every, range(5)), hashes=HASHES)
write("ratings", RATINGS, ratings(100), size_limit=1200, hashes=["sha1", "xxh3_64"])
write("one", RATINGS, ratings(100), size_limit=None)
write("none", RATINGS, [])
texts = [{"é": "x" * (k * 37 % 50), "n": k} for k in range(30)]
write("text", {"é": "str", "n": "uint16"}, texts, size_limit=600)
# The first sample alone is beyond the limit.
write("oversize", {"b": "bytes"}, [{"b": b"x" * n} for n in [500, 3, 600, 700, 1]], size_limit=400)
for compression in ["zstd", "zstd:7", "gz", "gz:1"]:
    write(compression.replace(":", ""), RATINGS, ratings(200), size_limit=2000, compression=compression,
          hashes=["xxh64"])
write("br", RATINGS, ratings(3), compression="br")
