"""rank_faiss.py THREADS FOLDER COUNT SCORES: faiss ranks all items for all users by exact inner product."""

import sys

import faiss
import numpy as np

from common import Stopwatch, report

threads, folder, count, scores = int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4]
faiss.omp_set_num_threads(threads)
vectors = np.load(f"{folder}/vectors.npz")
users, items = (np.ascontiguousarray(vectors[name], np.float32) for name in ("user_factors", "item_factors"))
index = faiss.IndexFlatIP(items.shape[1])
index.add(items)
index.search(users[:256], count)

clock = Stopwatch()
found, _ = index.search(users, count)
seconds = clock.seconds
np.save(scores, found)
report(seconds=seconds, users=len(users), items=len(items), dimensions=items.shape[1])
