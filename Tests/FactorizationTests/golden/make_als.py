"""Golden files of ALSTests: five iterations by NumPy in double precision. Run with a Python that has numpy:

    python make_als.py

als_implicit.npz: confidence 1 + 40 r, λ = 0.1, k = 10 (the normal equations of the HPX notebook).
als_unobserved.npz: weights 1 and α₀ = 0.3, λ (n + α₀ N)^0.7 with λ = 0.02, k = 7.
als_explicit.npz: ratings, λ n with λ = 0.08, no biases, k = 5.
Each holds the data (user, item, value), the factors at the start and at the end, and RMSE, MAE and loss of each iteration.
"""

import numpy as np

USERS, ITEMS, ITERATIONS = 60, 40, 5


def data(random):
    ratings = np.zeros((USERS, ITEMS))
    for _ in range(USERS * ITEMS // 8):
        ratings[random.integers(USERS), random.integers(ITEMS)] = random.integers(1, 6)
    return ratings


def solve(other, observed, targets, weights, everywhere, ridge):
    """Rows that minimise Σ over observed w s² − 2 t s, + everywhere Σ s² + ridge ‖x‖²."""
    k = other.shape[1]
    found = np.zeros((len(observed), k))
    for row, seen in enumerate(observed):
        if seen.any():
            y = other[seen]
            a = everywhere * other.T @ other + (y * weights[row, seen][:, None]).T @ y + ridge(seen.sum(), len(other)) * np.eye(k)
            found[row] = np.linalg.solve(a, y.T @ targets[row, seen])
    return found


def make(name, k, weights, targets, everywhere, ridge, loss):
    random = np.random.default_rng(3)
    ratings = data(random)
    seen = ratings > 0
    w, t = weights(ratings), targets(ratings)
    x, y = random.random((USERS, k)), random.random((ITEMS, k))
    x[~seen.any(1)] = 0
    y[~seen.any(0)] = 0
    file = {"x0": x, "y0": y}
    file["user"], file["item"] = (part.astype(np.int32) for part in np.nonzero(seen))
    file["value"] = ratings[seen]
    figures = []
    for _ in range(ITERATIONS):
        x = solve(y, seen, t, w, everywhere, ridge)
        y = solve(x, seen.T, t.T, w.T, everywhere, ridge)
        s = x @ y.T
        error = ratings[seen] - s[seen]
        penalty = sum(
            ridge(n, others) * (row @ row)
            for table, counts, others in ((x, seen.sum(1), ITEMS), (y, seen.sum(0), USERS))
            for row, n in zip(table, counts)
        )
        figures.append((np.sqrt((error**2).mean()), np.abs(error).mean(), loss(ratings, seen, s) + penalty))
    np.savez_compressed(name, **file, x=x, y=y, figures=np.array(figures))


make(
    "als_implicit.npz", 10, lambda r: 40 * r, lambda r: 1 + 40 * r, 1, lambda n, others: 0.1,
    lambda r, seen, s: ((1 + 40 * r) * (seen - s) ** 2).sum(),
)
make(
    "als_unobserved.npz", 7, np.ones_like, np.ones_like, 0.3, lambda n, others: 0.02 * (n + 0.3 * others) ** 0.7,
    lambda r, seen, s: ((1 - s[seen]) ** 2).sum() + 0.3 * (s**2).sum(),
)
make(
    "als_explicit.npz", 5, np.ones_like, lambda r: r, 0, lambda n, others: 0.08 * n,
    lambda r, seen, s: ((r - s)[seen] ** 2).sum(),
)
