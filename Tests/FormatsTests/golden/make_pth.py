"""Makes the golden .pth files of FormatsTests with PyTorch, and pth.json, PyTorch's own view of them. Generated data only.

    python3 make_pth.py          # torch 2.15

pth.json: file -> tensor -> [element type as safetensors names it, shape, little-endian bytes in hex].
"""

import io
import json
import pathlib
import zipfile

import torch
from torch import nn

HERE = pathlib.Path(__file__).parent
torch.manual_seed(1)

TYPES = {
    torch.float64: "F64", torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16", torch.int64: "I64",
    torch.int32: "I32", torch.int16: "I16", torch.int8: "I8", torch.uint64: "U64", torch.uint32: "U32",
    torch.uint16: "U16", torch.uint8: "U8", torch.bool: "BOOL", torch.float8_e5m2: "F8_E5M2",
    torch.float8_e4m3fn: "F8_E4M3", torch.float8_e8m0fnu: "F8_E8M0", torch.float8_e4m3fnuz: "F8_E4M3FNUZ",
    torch.float8_e5m2fnuz: "F8_E5M2FNUZ", torch.complex64: "C64",
}


def numbers(dtype, shape=(3, 4)):
    count = int(torch.Size(shape).numel())
    values = torch.arange(count, dtype=torch.float64)
    if dtype.is_complex or dtype.is_floating_point:
        return ((values - 5) / 4).reshape(shape).to(dtype)
    if dtype == torch.bool:
        return (values % 2 == 1).reshape(shape)
    return (values - (5 if dtype.is_signed else 0)).to(torch.int64).to(dtype).reshape(shape)


def dtypes():
    tensors = {str(dtype).removeprefix("torch."): numbers(dtype) for dtype in TYPES}
    return tensors | {"scalar": torch.tensor(2.5, dtype=torch.float64), "empty": torch.zeros(0, 3), "é.ü": numbers(torch.uint8, (5,))}


def views():
    whole = numbers(torch.float32, (6, 5))
    return {
        "whole": whole, "tied": whole, "transposed": whole.t(), "columns": whole[:, 1:3], "rows": whole[2:4],
        "stepped": whole[::2, ::3], "element": whole[3, 4], "none": whole[6:], "expanded": whole[0].expand(4, 5),
        "one": whole[:1].t(), "permuted": numbers(torch.int16, (2, 3, 4)).permute(2, 0, 1),
        "last": numbers(torch.bfloat16, (1, 2, 3, 4)).contiguous(memory_format=torch.channels_last),
        "long": numbers(torch.int64, (4, 2)).t(), "bytes": numbers(torch.uint8, (4, 2)).t(),
        "wide": numbers(torch.uint16, (4, 2)).t(), "parameter": nn.Parameter(numbers(torch.float64, (2, 2))),
        "buffer": nn.Buffer(numbers(torch.float32, (2,))),
    }


def nested():
    model = nn.Sequential(nn.Embedding(5, 4), nn.Linear(4, 2))
    optimizer = torch.optim.Adam(model.parameters())
    model(torch.tensor([1, 2])).sum().backward()
    optimizer.step()
    shared = {"weight": numbers(torch.float32, (2,))}
    return {
        "epoch": 300, "step": -70000, "seed": 2**40, "wide": 2**70, "rate": 0.5, "note": "é", "nothing": None,
        "flags": [True, False, ()], "size": torch.Size([3, 4]), "type": torch.float16,
        "model": model.state_dict(), "optimizer": optimizer.state_dict(), "pair": (shared, shared),
        3: numbers(torch.int8, (2,)), "sizes": [numbers(torch.bool, (2,)), [numbers(torch.int32, (1,))]],
    }


def flat(value, path=()):
    if isinstance(value, torch.Tensor):
        yield ".".join(path), value
    elif isinstance(value, dict):
        for key, part in value.items():
            yield from flat(part, path + (str(key),))
    elif isinstance(value, (list, tuple)):
        for index, part in enumerate(value):
            yield from flat(part, path + (str(index),))


def view(tensor):
    data = tensor.detach().contiguous().flatten().view(torch.uint8) if tensor.numel() else torch.zeros(0, dtype=torch.uint8)
    return [TYPES[tensor.dtype], list(tensor.shape), bytes(data.tolist()).hex()]


def unit(dtype):
    return 4 if dtype == torch.complex64 else dtype.itemsize


def make_big_endian():
    """What PyTorch writes on a big-endian machine: the data turned round, and another byteorder."""
    source = zipfile.ZipFile(HERE / "dtypes.pth")
    order = list(dtypes().values())
    with zipfile.ZipFile(HERE / "big.pth", "w") as target:
        for entry in source.infolist():
            data = source.read(entry)
            name = entry.filename.split("/", 1)[1]
            if name == "byteorder":
                data = b"big"
            elif name.startswith("data/"):
                size = unit(order[int(name.removeprefix("data/"))].dtype)
                data = b"".join(data[i:i + size][::-1] for i in range(0, len(data), size))
            target.writestr(zipfile.ZipInfo(entry.filename), data)


seen = {}
for name, value in {"dtypes": dtypes(), "views": views(), "nested": nested(), "none": {}}.items():
    torch.save(value, HERE / f"{name}.pth")
    read = torch.load(HERE / f"{name}.pth", weights_only=True)
    seen[name + ".pth"] = {key: view(tensor) for key, tensor in flat(read)}
make_big_endian()
read = torch.load(HERE / "big.pth", weights_only=True)
differing = {key for key, tensor in flat(read) if view(tensor) != seen["dtypes.pth"][key]}
# PyTorch 2.15 does not turn the elements of these types, which lie over storages of bytes.
assert differing == {"uint16", "uint32", "uint64"}
seen["big.pth"] = seen["dtypes.pth"]
(HERE / "pth.json").write_text(json.dumps(seen, indent=0, ensure_ascii=False) + "\n")

# Files that are to be refused.
state = {"w": numbers(torch.float32, (2,))}
torch.save(state, HERE / "refused_legacy.pth", _use_new_zipfile_serialization=False)
torch.save(state, HERE / "refused_protocol4.pth", pickle_protocol=4)
torch.save(nn.Linear(1, 1), HERE / "refused_module.pth")
torch.save(state["w"], HERE / "refused_tensor.pth")
torch.save({"w": torch.eye(2).to_sparse()}, HERE / "refused_sparse.pth")
torch.save({"w": torch.quantize_per_tensor(torch.ones(2), 0.5, 0, torch.qint8)}, HERE / "refused_quantized.pth")
torch.save({"w": torch.ones(2, dtype=torch.complex64).conj()}, HERE / "refused_conjugated.pth")
torch.save({"w": torch.ones(2, dtype=torch.complex128)}, HERE / "refused_complex128.pth")
torch.save({"w": state["w"], "best": __import__("numpy").float64(1)}, HERE / "refused_numpy.pth")
torch.jit.save(torch.jit.script(nn.Linear(1, 1)), HERE / "refused_script.pth")
