"""The interactions of a data set as ALS takes them, and the objective that all of these programs lower."""

import numpy as np

from data import NODE, sizes


def history(folder):
    """Training ratings as a sparse matrix `[users × items]`."""
    import scipy.sparse

    nodes = np.fromfile(f"{folder}/train.bin", NODE)
    matrix = scipy.sparse.csr_matrix((nodes["r"], (nodes["u"], nodes["i"])), shape=sizes(folder), dtype=np.float32)
    assert matrix.nnz == len(nodes), "a pair is there twice"
    return matrix


def objective(history, user_factors, item_factors, alpha, regularization) -> float:
    """Σ c (1 − s)² over observed pairs + Σ s² over all others + λ (‖X‖² + ‖Y‖²), where c = 1 + α r and s = x·y.

    The sum of s² over all pairs is the trace of XᵀX YᵀY, from which that over observed ones is taken off.
    """
    x, y = (np.ascontiguousarray(table, np.float32) for table in (user_factors, item_factors))
    grams = [table.astype(np.float64).T @ table.astype(np.float64) for table in (x, y)]
    total = float(np.sum(grams[0] * grams[1])) + regularization * float(np.trace(grams[0]) + np.trace(grams[1]))
    users = np.repeat(np.arange(history.shape[0], dtype=np.int32), np.diff(history.indptr))
    chunk = 1 << 16
    for start in range(0, history.nnz, chunk):
        part = slice(start, start + chunk)
        scores = np.einsum("nk,nk->n", x[users[part]], y[history.indices[part]]).astype(np.float64)
        confidences = 1 + alpha * history.data[part].astype(np.float64)
        total += float(np.sum(confidences * (1 - scores) ** 2 - scores**2))
    return total


def matrix_market(folder):
    """The same as a Matrix Market file, which is what buffalo reads; rows and columns count from 1."""
    import polars

    file, part = folder / "train.mm", folder / "train.mm.part"
    if not file.exists():
        nodes = np.fromfile(folder / "train.bin", NODE)
        columns = {"u": nodes["u"] + 1, "i": nodes["i"] + 1, "r": nodes["r"]}
        with part.open("wb") as target:
            users, items = sizes(folder)
            target.write(f"%%MatrixMarket matrix coordinate real general\n{users} {items} {len(nodes)}\n".encode())
            polars.DataFrame(columns).write_csv(target, include_header=False, separator=" ")
        part.replace(file)
    return file
