"""rank_implicit.py THREADS FOLDER COUNT USERS SCORES: implicit recommends to the first users, seen items left out."""

import sys

import numpy as np
import scipy.sparse
from implicit.cpu.matrix_factorization_base import MatrixFactorizationBase

from common import Stopwatch, report

folder, scores = sys.argv[2], sys.argv[5]
threads, count, most = (int(sys.argv[place]) for place in (1, 3, 4))


class Vectors(MatrixFactorizationBase):
    """A model that is its vectors."""

    def fit(self, user_items):
        raise NotImplementedError

    def save(self, file):
        raise NotImplementedError


vectors = np.load(f"{folder}/vectors.npz")
model = Vectors(num_threads=threads)
model.user_factors, model.item_factors = (
    np.ascontiguousarray(vectors[name], np.float32) for name in ("user_factors", "item_factors")
)
history = scipy.sparse.load_npz(f"{folder}/history.npz")
users = np.arange(min(most, len(model.user_factors)))
history = history[: len(users)]
model.recommend(users[:256], history[:256], N=count)

clock = Stopwatch()
_, found = model.recommend(users, history, N=count, filter_already_liked_items=True)
seconds = clock.seconds
np.save(scores, found)
report(seconds=seconds, users=len(users), items=len(model.item_factors))
