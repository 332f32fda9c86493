"""EASE (Steck 2019): item-to-item weights in closed form, from the inverse of the items' Gram matrix."""

import numpy as np
from scipy.linalg.lapack import spotrf, spotri


def weights(history, penalty: float):
    """B `[items × items]`, with which scores are XB. Everything happens in one float32 array: 4 bytes · items²."""
    items = history.shape[1]
    gram, columns = np.empty((items, items), np.float32), history.T.tocsr()
    blocks = [slice(start, min(start + 1024, items)) for start in range(0, items, 1024)]
    for block in blocks:
        gram[block] = (columns[block] @ history).toarray()
    gram[np.diag_indices(items)] += penalty
    # The transpose of a symmetric array is the same matrix in LAPACK's order, which is then worked on in place.
    factor, failed = spotrf(gram.T, lower=1, clean=0, overwrite_a=1)
    assert not failed and np.shares_memory(factor, gram)
    inverse, failed = spotri(factor, lower=1, overwrite_c=1)
    assert not failed and np.shares_memory(inverse, gram)
    # gram[j, i] = inverse[i, j] is right where i ≥ j: the upper part in our order.
    for block in blocks:
        gram[block.stop :, block] = gram[block, block.stop :].T
        square = gram[block, block]
        square[:] = np.triu(square) + np.triu(square, 1).T
    diagonal = gram.diagonal().copy()
    for block in blocks:
        gram[block] /= -diagonal
    gram[np.diag_indices(items)] = 0
    return gram
