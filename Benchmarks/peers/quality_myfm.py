"""quality_myfm.py THREADS FOLD RANK SWEEPS

Predicts FOLD's test ratings by myFM's Bayesian factorisation machine over users and items, with all its defaults (all
sweeps are kept). myFM uses one thread. Prints {"rmse_known": …, "epoch_seconds": …}, the latter
the median sweep.
"""

import json
import sys
import time
from pathlib import Path

import myfm
import numpy as np
from scipy import sparse

from quality_data import NODE, facts


def features(nodes, users, items) -> sparse.csr_matrix:
    columns = np.stack([nodes["u"], users + nodes["i"]], axis=1).ravel()
    return sparse.csr_matrix(
        (np.ones(2 * len(nodes)), columns, np.arange(0, 2 * len(nodes) + 1, 2)), shape=(len(nodes), users + items)
    )


def main():
    fold, rank, sweeps = Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    train, test = (np.fromfile(fold / f"{name}.bin", NODE) for name in ("train", "validation"))
    users, items = facts(fold)["users"], facts(fold)["items"]
    model = myfm.MyFMRegressor(rank=rank, random_seed=42)
    stamps = []

    def stamp(*_):
        stamps.append(time.perf_counter())
        return False, None

    model.fit(
        features(train, users, items), train["r"].astype(float), n_iter=sweeps, n_kept_samples=sweeps,
        group_shapes=[users, items], callback=stamp,
    )
    known = np.isin(test["u"], train["u"]) & np.isin(test["i"], train["i"])
    errors = model.predict(features(test[known], users, items)) - test["r"][known]
    print(json.dumps({"rmse_known": float(np.sqrt(np.mean(errors**2))), "epoch_seconds": float(np.median(np.diff(stamps)))}))


main()
