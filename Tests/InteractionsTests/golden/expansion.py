"""Singular values by SciPy 1.17, and keep rates of the fractal expansion (Belletti et al. 2019, algorithm 2) by NumPy 2.4.

python expansion.py > expansion.json
"""
import json

import numpy as np
import scipy.linalg
import scipy.sparse
from scipy.sparse.linalg import svds

i = np.arange(9000, dtype=np.int64)
user = i * i % 307 * 5 // 7
item = (i * i * i + 7 * i) % 101 * (i % 5 + 2) // 4
users, user = np.unique(user, return_inverse=True)
items, item = np.unique(item, return_inverse=True)
matrix = scipy.sparse.csr_matrix((np.ones(len(i)), (user, item)))
matrix.data[:] = 1


def resized(vectors, count):
    """Rows of `vectors` at (i + 1/2) / count, linear between neighbours, as scikit-image 0.14 resizes."""
    place = (np.arange(count) + 0.5) * len(vectors) / count - 0.5
    return np.stack([np.interp(place, np.arange(len(vectors)), column) for column in vectors.T], axis=1)


def orthonormal(vectors):
    return vectors @ np.linalg.inv(scipy.linalg.sqrtm(vectors.T @ vectors).real)


def rates(rows, columns):
    u, s, v = svds(matrix, k=min(rows, columns))
    factor = orthonormal(resized(u, rows)) @ np.diag(s) @ orthonormal(resized(v.T, columns)).T
    assert np.allclose(np.linalg.svd(factor, compute_uv=False), s[::-1])
    return np.abs(factor) / np.abs(factor).max()


def case(rows, columns):
    found = rates(rows, columns)
    return {"rows": rows, "columns": columns, "rates": found.ravel().tolist(),
            "singular_values": np.linalg.svd(found, compute_uv=False).tolist()}


print(json.dumps({
    "users": len(users), "items": len(items), "pairs": matrix.nnz,
    "singular_values": svds(matrix, k=20, return_singular_vectors=False)[::-1].tolist(),
    "cases": [case(4, 7), case(16, 9), case(1, 3)],
}))
