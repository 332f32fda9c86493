"""Writes the NPZ files of this folder beside the text files that hold the same interactions, with NumPy and SciPy:

    python3 arrays.py

Made with NumPy 2.4.6 and SciPy 1.17.
"""
import numpy as np
import scipy.sparse

random = np.random.default_rng(7)
n = 80
users = random.integers(0, 12, n) * 3
items = random.integers(0, 30, n) * 11
values = random.integers(1, 11, n) / 2
times = random.integers(0, 2_000_000_000, n)


def write_csv(name, *columns):
    with open(name + ".csv", "w") as file:
        for row in zip(*columns):
            file.write(",".join(str(field) for field in row) + "\n")


write_csv("pairs", users, items, values, times)
np.savez("pairs.npz", users=users, items=items, values=values, times=times)
np.savez_compressed("pairs-deflated.npz", users=users, items=items, values=values, times=times)
np.savez(
    "pairs-other.npz", user_id=users.astype(np.int32), movieId=items.astype(">u2"), rating=values.astype(np.float32),
    timestamp=times.astype(np.float64) + 0.75)
np.savez(
    "pairs-floats.npz", users=users.astype(np.float32), items=items.astype(np.float64), values=values.astype(np.float16),
    times=times.astype(np.uint32))

names = np.array(["a", "zebra", "é", "日本", "a b", "12", "3", "0012", "x" * 20])
text_users, wide_items = names[random.integers(0, len(names), n)], items.astype(np.int64) * 10**10
write_csv("texts", text_users, wide_items, values)
np.savez("texts.npz", users=text_users, items=wide_items, values=values)
np.savez(
    "texts-bytes.npz", users=np.array([text.encode() for text in text_users]), items=wide_items.astype(str), values=values)

matrix = scipy.sparse.random(9, 40, density=0.2, format="csr", random_state=3)
matrix.data = np.round(matrix.data * 8)
rows = np.repeat(np.arange(9), np.diff(matrix.indptr))
write_csv("sparse", rows, matrix.indices, matrix.data)
scipy.sparse.save_npz("sparse.npz", matrix)
scipy.sparse.save_npz("sparse-csc.npz", matrix.tocsc(), compressed=False)
