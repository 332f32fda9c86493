"""EASE (Steck 2019): item-to-item weights B in closed form. With P = (XᵀX + λI)⁻¹, B is I − P · diag(1 / P_jj).

X B needs no matrix of items² where users are fewer: X P = K⁻¹ X with K = X Xᵀ + λI, [users × users], and
P_jj = (1 − x_jᵀ K⁻¹ x_j) / λ. Everything happens in one float32 array of the smaller side, 4 bytes · side².
"""

import numpy as np

BLOCK = 1024


def inverse(history, penalty: float):
    """(H Hᵀ + λI)⁻¹ of H `[rows × columns]`, by sweeping blocks of the lower half (Goodnight 1979): LAPACK's Cholesky in
    SciPy 1.17's OpenBLAS does not survive matrices of this size."""
    rows = history.shape[0]
    gram, columns = np.empty((rows, rows), np.float32), history.T.tocsc()
    blocks = [slice(start, min(start + BLOCK, rows)) for start in range(0, rows, BLOCK)]
    for block in blocks:
        gram[block] = (history[block] @ columns).toarray()
    gram[np.diag_indices(rows)] += penalty
    for block in blocks:
        pivot = np.linalg.inv(gram[block, block])
        column = np.concatenate([gram[block, : block.start].T, gram[block.start :, block]])
        column[block] = 0
        scaled = column @ pivot
        for row in blocks:
            gram[row, : row.stop] -= scaled[row] @ column[: row.stop].T
        gram[block, : block.start], gram[block.start :, block] = scaled[: block.start].T, scaled[block.start :]
        gram[block, block] = -pivot
    for block in blocks:
        gram[block, : block.stop] *= -1
        gram[: block.start, block] = gram[block, : block.start].T
    return gram


def scores(history, penalty: float):
    """A function from users (a slice of rows) to their scores X B of all items."""
    users, items = history.shape
    history = history.astype(np.float32)
    if items <= users:
        found = inverse(history.T.tocsr(), penalty)
        diagonal = found.diagonal().copy()
        return lambda rows: history[rows].toarray() - (history[rows] @ found) / diagonal
    found, kept = inverse(history, penalty), np.zeros(items, np.float64)
    for start in range(0, users, BLOCK):
        rows = slice(start, min(start + BLOCK, users))
        # history is sparse: a dense array times it is its transpose times that array's.
        kept += history[rows].multiply((history.T @ found[:, rows]).T).sum(axis=0).A1
    diagonal = (1 - kept) / penalty
    return lambda rows: history[rows].toarray() - (history.T @ found[:, rows]).T / diagonal.astype(np.float32)
