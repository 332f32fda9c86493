"""Makes the digest that WeightsDigestTests expects: python3 weights_digest.py"""
from hashlib import sha256

import numpy as np

tensors = {
    "users": np.arange(6, dtype=np.float32).reshape(3, 2) / 4,
    "items": np.array([[1.5, -2.0]], dtype=np.float32),
    "global_mean": np.array(3.25, dtype=np.float64),
    "counts": np.array([1, 2**40], dtype=np.int64),
    "Zeta": np.array([], dtype=np.uint8),
}
types = {"float32": "F32", "float64": "F64", "int64": "I64", "uint32": "U32", "uint8": "U8"}
digest = sha256()
for name, tensor in sorted(tensors.items()):
    digest.update(f"{name}\n{types[str(tensor.dtype)]}\n{','.join(map(str, tensor.shape))}\n".encode())
    digest.update(tensor.tobytes())
print(digest.hexdigest())
