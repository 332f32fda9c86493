"""Statistics of interactions made by arithmetic, by NumPy.

python statistics.py > statistics.json
"""
import json

import numpy as np

n = 5000
i = np.arange(n, dtype=np.int64)
user = i * i % 97
item = (i * i * i + 7 * i) % 211
few = 0.5 + 0.5 * (i * 7 % 9)
many = ((i * 37 % 1009) / 16).astype(np.float32)


def quantiles(rows):
    counts = np.bincount(rows)
    counts = counts[counts > 0]
    q = np.quantile(counts, [0, 0.25, 0.5, 0.75, 0.9, 0.99, 1], method="inverted_cdf")
    return [int(x) for x in q], float(counts.mean())


def share(fraction):
    counts = np.sort(np.bincount(item)[np.bincount(item) > 0])[::-1]
    return float(counts[: int(np.ceil(fraction * len(counts)))].sum() / n)


distinct, counts = np.unique(few, return_counts=True)
bins, edges = np.histogram(many.astype(float), bins=10)
print(json.dumps({
    "users": len(np.unique(user)), "items": len(np.unique(item)),
    "activity": quantiles(user)[0], "activity_mean": quantiles(user)[1],
    "popularity": quantiles(item)[0], "popularity_mean": quantiles(item)[1],
    "top_1": share(0.01), "top_10": share(0.1),
    "mean": float(few.mean()), "deviation": float(few.std()),
    "distinct": distinct.tolist(), "distinct_counts": counts.tolist(),
    "edges": edges.tolist(), "bins": bins.tolist(),
}))
