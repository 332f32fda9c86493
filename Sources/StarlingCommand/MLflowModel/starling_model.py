"""Recommends with the vectors that Starling has written: what MLflow loads as a python_function.

predict takes a table whose first column has ids of users and gives a row for each: the id, its "items", best first, and their
"scores". An id of which training saw nothing gets empty lists.
"""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

BLOCK_BYTES = 64 << 20


class Ranked(NamedTuple):
    items: np.ndarray
    scores: np.ndarray


class StarlingModel:
    """The arrays of vectors.npz; a score is the dot product of two rows.

    - user_factors [users × k], item_factors [items × k]: float32
    - users, items: raw ids of the rows, int64 or text
    - history_offsets [users + 1], history_items: the rows of the items that a user had in training
    - recommendable [items]: 1 for items that training knows enough of
    """

    def __init__(self, path: Path) -> None:
        with np.load(path, allow_pickle=False) as arrays:
            self.user_factors, self.item_factors = arrays["user_factors"], arrays["item_factors"]
            self.items = arrays["items"]
            self.row_of = {user: row for row, user in enumerate(arrays["users"].tolist())}
            self.offsets, self.history = arrays["history_offsets"], arrays["history_items"]
            self.unknown = arrays["recommendable"] == 0
        self.longest = float(np.linalg.norm(self.item_factors, axis=1).max(initial=0))

    def predict(self, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """count (10): how many items at most; include_seen (false): let items of the history come back."""
        params = params or {}
        count, include_seen = int(params.get("count", 10)), bool(params.get("include_seen", False))
        if count < 1:
            raise ValueError(f"count is {count}; at least one item must be asked for")
        column = model_input.columns[0]
        ids = model_input[column].tolist()
        nothing = Ranked(self.items[:0], self.item_factors[:0, 0])
        lists = [nothing] * len(ids)
        places = [(place, self.row_of[user]) for place, user in enumerate(ids) if user in self.row_of]
        places = [(place, row) for place, row in places if self.offsets[row] < self.offsets[row + 1]]
        block = max(1, BLOCK_BYTES // max(1, self.item_factors.itemsize * len(self.items)))
        for start in range(0, len(places), block):
            part = places[start : start + block]
            for (place, _), ranked in zip(part, self.rank([row for _, row in part], count, include_seen)):
                lists[place] = ranked
        return pd.DataFrame(
            {column: ids, "items": [r.items.tolist() for r in lists], "scores": [r.scores.tolist() for r in lists]}
        )

    def rank(self, rows: list[int], count: int, include_seen: bool) -> list[Ranked]:
        """The best items of each user, equal scores by row.

        A matrix product finds those that can be among them, since its rounding errors are bounded; only they get
        the score that Starling gives.
        """
        vectors = self.user_factors[rows]
        products = vectors @ self.item_factors.T
        products[:, self.unknown] = -np.inf
        slack = 8 * vectors.shape[1] * np.finfo(np.float32).eps * np.linalg.norm(vectors, axis=1) * self.longest
        top = min(count, products.shape[1])
        lists = []
        for row, vector, near, error in zip(rows, vectors, products, slack):
            if not include_seen:
                near[self.history[self.offsets[row] : self.offsets[row + 1]]] = -np.inf
            least = np.partition(near, -top)[-top] - error
            candidates = np.flatnonzero((near >= least) & (near > -np.inf))
            scores = self.scores(vector, candidates)
            order = np.lexsort((candidates, -scores))[:top]
            lists.append(Ranked(self.items[candidates[order]], scores[order]))
        return lists

    def scores(self, vector: np.ndarray, candidates: np.ndarray) -> np.ndarray:
        """Dot products added up in the order of the dimensions with one rounding to 32 bits a step, as Starling does."""
        factors = self.item_factors[candidates].astype(np.float64)
        sums = np.zeros(len(candidates), np.float32)
        for own, column in zip(vector.astype(np.float64), factors.T):
            sums = (own * column + sums).astype(np.float32)
        return sums


def _load_pyfunc(path: str) -> StarlingModel:
    return StarlingModel(Path(path) / "vectors.npz")
