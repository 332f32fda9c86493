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

# Files of pairs, as the generator of the x16x32 sets writes them: np.savez_compressed(file, np.asarray(list of pairs)).
# Their order is that of the sorted names: 0, 1, 10, 2, …
pairs = random.integers(0, 500, (90, 2))
pairs[:, 1] += 100_000 * (pairs[:, 1] % 2)
parts = {name: pairs[start:start + 15] for name, start in [("0", 0), ("1", 15), ("10", 30), ("2", 45), ("4", 60), ("5", 75)]}
np.savez_compressed("x16x32_0.npz", parts["0"])
np.savez("x16x32_1.npz", parts["1"].astype(np.uint32))
np.savez_compressed("x16x32_10.npz", parts["10"].astype(">i4"))
np.savez_compressed("x16x32_2.npz", np.asfortranarray(parts["2"]))
np.savez_compressed("x16x32_3.npz", np.asarray([]))
np.savez("x16x32_4.npz", parts["4"].astype(">i8"))
np.savez("x16x32_5.npz", np.asfortranarray(parts["5"].astype(">u4")))
# With a header: two columns without one are in the order of time.
write_csv("x16x32", ["user", *pairs[:, 0]], ["item", *pairs[:, 1]])

# The pairs of x16x32_0 in files of their own.
np.save("x16x32-c.npy", parts["0"].astype(np.int32))
np.save("x16x32-fortran.npy", np.asfortranarray(parts["0"].astype(np.uint64)))
np.save("x16x32-big.npy", np.asfortranarray(parts["0"].astype(">i4")))
