"""Makes the golden files of FormatsTests with the formats' own tools. Generated data only.

    python3 make.py          # numpy 2.4.6, scipy 1.17.1, safetensors 0.8.0

Element k (in C order) of a number array is k - 5 where the type has a sign, else k; floating-point types divide that
by 4. The tests rely on it.
"""

import io
import pathlib
import zipfile

import numpy as np
import safetensors
import scipy.sparse
from safetensors.numpy import save

HERE = pathlib.Path(__file__).parent


def numbers(dtype, shape=(3, 4)):
    dtype = np.dtype(dtype)
    values = np.arange(int(np.prod(shape)))
    if dtype.kind in "if":
        values = values - 5
    if dtype.kind == "f":
        values = values / 4
    return values.astype(dtype).reshape(shape)


def make_npy():
    for code in ["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"]:
        np.save(HERE / f"{code}.npy", numbers("<" + code))
        if code[1] != "1":
            np.save(HERE / f"big_{code}.npy", numbers(">" + code))
    np.save(HERE / "bool.npy", numbers("u1") % 2 == 1)
    np.save(HERE / "scalar.npy", np.array(2.5))
    np.save(HERE / "empty.npy", numbers("<f4", (0, 3)))
    np.save(HERE / "vector.npy", numbers("<i8", (7,)))
    np.save(HERE / "fortran.npy", np.asfortranarray(numbers("<i4", (2, 3, 4))))
    np.save(HERE / "big_fortran.npy", np.asfortranarray(numbers(">f8", (2, 3, 4))))
    words = ["", "Amélie", "羅生門", "🎬 film", "a"]
    np.save(HERE / "unicode.npy", np.array(words))
    np.save(HERE / "big_unicode.npy", np.array(words).astype(">U7"))
    np.save(HERE / "bytes.npy", np.array([b"one", b"", "zwölf".encode()]))
    np.save(HERE / "object.npy", np.array([1, "two"], dtype=object), allow_pickle=True)
    np.save(HERE / "records.npy", np.zeros(2, dtype=[("user", "<i4"), ("rating", "<f4")]))
    np.save(HERE / "complex.npy", np.zeros(2, dtype=np.complex64))
    for version in [(2, 0), (3, 0)]:
        with open(HERE / f"version{version[0]}.npy", "wb") as file:
            np.lib.format.write_array(file, numbers("<f4"), version=version)


def make_npz():
    arrays = {"factors": numbers("<f4"), "rows": numbers("<i8", (7,)), "titles": np.array(["Heat", "Amélie"]),
              "mean": np.array(2.5)}
    np.savez(HERE / "stored.npz", **arrays)
    np.savez(HERE / "accent.npz", **{"é": arrays["factors"]})
    np.savez_compressed(HERE / "deflated.npz", **arrays, zeros=np.zeros((50, 40), dtype="<f8"))
    matrix = scipy.sparse.csr_matrix(([1.0, 2.0, 3.0], ([0, 0, 2], [1, 3, 0])), shape=(3, 4))
    scipy.sparse.save_npz(HERE / "csr.npz", matrix)
    # Every type in both byte orders and both array orders.
    orders = {
        f"{code}_{'lb'[order == '>']}{layout.lower()}": np.array(numbers(order + code), order=layout)
        for code in ["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"]
        for order in "<>" for layout in "CF"
    } | {"bool": numbers("u1") % 2 == 1, "text": np.array(["a", "é"]).astype(">U2")}
    np.savez(HERE / "orders.npz", **orders)
    np.savez_compressed(HERE / "orders_deflated.npz", **orders)
    np.savez(HERE / "object.npz", numbers=numbers("<f4"), things=np.array([1, "two"], dtype=object))
    np.savez_compressed(HERE / "object_deflated.npz", numbers=numbers("<f4"), things=np.array([1, "two"], dtype=object))
    # What zipfile writes for archives above 2 GB, at a size that can be kept.
    limits = zipfile.ZIP64_LIMIT, zipfile.ZIP_FILECOUNT_LIMIT
    zipfile.ZIP64_LIMIT, zipfile.ZIP_FILECOUNT_LIMIT = 0, 0
    for name, method in [("zip64", zipfile.ZIP_STORED), ("zip64_deflated", zipfile.ZIP_DEFLATED)]:
        with zipfile.ZipFile(HERE / f"{name}.npz", "w", method) as archive:
            for key, array in arrays.items():
                content = io.BytesIO()
                np.save(content, array)
                archive.writestr(zipfile.ZipInfo(key + ".npy"), content.getvalue(), compress_type=method)
    zipfile.ZIP64_LIMIT, zipfile.ZIP_FILECOUNT_LIMIT = limits
    with zipfile.ZipFile(HERE / "lzma.npz", "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr(zipfile.ZipInfo("x.npy"), (HERE / "f4.npy").read_bytes(), compress_type=zipfile.ZIP_LZMA)
    # Written to a pipe: sizes follow the data.
    class Pipe(io.RawIOBase):
        def __init__(self, file): self.file = file
        def writable(self): return True
        def write(self, data): return self.file.write(data)
    with open(HERE / "piped.npz", "wb") as file:
        np.savez_compressed(io.BufferedWriter(Pipe(file)), **arrays)


def make_safetensors():
    bf16 = np.array([0x3F80, 0xC000], dtype="<u2")  # 1, -2
    kinds = {"F64": "float64", "F32": "float32", "F16": "float16", "I64": "int64", "I32": "int32", "I16": "int16",
             "I8": "int8", "U64": "uint64", "U32": "uint32", "U16": "uint16", "U8": "uint8"}
    tensors = {name.lower(): (kind, numbers(kind)) for name, kind in kinds.items()}
    tensors |= {
        "bf16": ("bfloat16", bf16), "bool": ("bool", numbers("u1") % 2 == 1), "scalar": ("float64", np.array(2.5)),
        "empty": ("float32", numbers("<f4", (0, 3))), 'é/"\\\n\x01\x7f\u2028🎬': ("uint8", numbers("u1", (5,))),
    }
    specs = {
        name: safetensors.TensorSpec(dtype=kind, shape=list(array.shape), data_ptr=array.ctypes.data,
                                     data_len=array.nbytes)
        for name, (kind, array) in tensors.items()
    }
    (HERE / "all.safetensors").write_bytes(safetensors.serialize(specs, metadata={"by": 'make.py "é"\t/'}))
    (HERE / "none.safetensors").write_bytes(save({}))
    small = {name: numbers("u1", (3, 2)) for name in [
        "float8_e5m2", "float8_e4m3fn", "float8_e8m0fnu", "float8_e4m3fnuz", "float8_e5m2fnuz", "uint8", "int8", "bool"]}
    small |= {"complex64": numbers("<f4", (3, 4)), "float64": numbers("<f8", (3, 2)), "float16": numbers("<f2", (3, 2))}
    specs = {
        name: safetensors.TensorSpec(dtype=name, shape=[3, 2], data_ptr=array.ctypes.data, data_len=array.nbytes)
        for name, array in small.items()
    }
    (HERE / "small.safetensors").write_bytes(safetensors.serialize(specs))
    pair = {"b": numbers("<f4"), "a": numbers("<f4", (5,)), "odd": numbers("u1", (3,))}
    (HERE / "plain.safetensors").write_bytes(save(pair))


make_npy()
make_npz()
make_safetensors()
