"""What the scripts of this folder share: Starling's and implicit's models as vectors, one ranking measure for all of them,
and tables. Vectors of both sides go through the same NumPy code, so a difference is one of the models.
"""

import json
import subprocess
import sys
from itertools import product

import numpy as np
import scipy.sparse
from common import RESULTS, ROOT, STARLING, WORK, run_json, write_json

FOLDER = WORK / "reproduce"
PAGE = ROOT / "docs/quality.md"
HEADLINES = RESULTS / "reproduce.json"


def starling(*words, threads=2) -> dict:
    """What a command of Starling's prints with --json."""
    return run_json([STARLING, *words, "--threads", threads, "--json"], threads)


def starling_vectors(run, users, items) -> tuple:
    """A run's vectors of these rising ids. Rows of ids that it does not know are NaN."""
    file = FOLDER / "vectors.npz"
    file.unlink(missing_ok=True)
    command = [STARLING, "export", run, "--to", file]
    subprocess.run([str(word) for word in command], check=True, capture_output=True)
    found = []
    with np.load(file) as arrays:
        for ids, factors, wanted in (("users", "user_factors", users), ("items", "item_factors", items)):
            table = np.full((len(wanted), arrays[factors].shape[1]), np.nan, np.float32)
            known = np.isin(arrays[ids], wanted)
            table[np.searchsorted(wanted, arrays[ids][known])] = arrays[factors][known]
            found.append(table)
    file.unlink()
    return tuple(found)


def implicit_model(history, point: dict, exact=False, seed=42, threads=2):
    """Implicit's ALS with c = 1 + alpha for what is in `history`; it calls c what Starling calls 1 + alpha · value."""
    from implicit.cpu.als import AlternatingLeastSquares
    from threadpoolctl import threadpool_limits

    confidences = history.astype(np.float32)
    confidences.data[:] = 1 + point["alpha"]
    # It runs a BLAS call of its own on every thread, and asks for a BLAS without threads.
    with threadpool_limits(1, "blas"):
        model = AlternatingLeastSquares(
            factors=point["factors"],
            regularization=point["regularization"],
            iterations=point["iterations"],
            use_cg=not exact,
            random_state=seed,
            num_threads=threads,
        )
        model.fit(confidences, show_progress=False)
    return model


def implicit_start(shape, factors: int, seed: int) -> list:
    """Where implicit starts with this seed: users' and items' factors."""
    random = np.random.default_rng(seed)
    return [random.random((count, factors), dtype=np.float32) * 0.01 for count in shape]


def write_start(path, start, users, items):
    """Factors of these ids for `--init-from`."""
    np.savez(path, user_factors=start[0], item_factors=start[1], users=users, items=items)
    return path


def als_options(point: dict) -> list:
    """The same of Starling."""
    return [word for name, value in point.items() for word in (f"--{name}", value)]


def write_pairs(path, matrix):
    """A matrix's entries as `user,item`, ids from 1."""
    users, items = matrix.nonzero()
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savetxt(path, np.stack([users + 1, items + 1], 1), "%d", ",", header="user,item", comments="")
    return path


def sparse(users, items, shape):
    """Ones at these places."""
    return scipy.sparse.csr_matrix((np.ones(len(users), np.float32), (users, items)), shape=shape)


def read_parts(*paths) -> list:
    """User and item, the first two columns of these files, as matrices of one shape; ids become 1, 2, 3…"""
    tables = [np.loadtxt(path, np.int64, delimiter=",", skiprows=1, usecols=(0, 1), ndmin=2) for path in paths]
    ids = [np.unique(np.concatenate([table[:, side] for table in tables])) for side in (0, 1)]
    places = [[np.searchsorted(ids[side], table[:, side]) for side in (0, 1)] for table in tables]
    return [sparse(*place, (len(ids[0]), len(ids[1]))) for place in places]


def ranked(scores_of, seen, relevant, cutoffs) -> dict:
    """Means over all users with anything relevant, of a ranking of all items but those that the user has seen.

    `scores_of(rows)` gives scores `[rows × items]`; NaN is an item that the model does not know, which comes last.
    `recall@K` is hits / |R|, `recall_capped@K` hits / min(K, |R|), the Mult-VAE paper's; `ndcg@K` has binary gains and
    min(K, |R|) places in its ideal; `hit_rate@K` is the share of users with a hit.
    """
    rows, most = np.flatnonzero(np.diff(relevant.indptr)), max(cutoffs)
    discounts = 1 / np.log2(np.arange(2, most + 2))
    ideal = np.concatenate([[0], np.cumsum(discounts)])
    sums = {}
    for start in range(0, len(rows), 512):
        part = rows[start : start + 512]
        scores = np.array(scores_of(part), np.float32)
        scores[np.isnan(scores)] = -np.inf
        scores[seen[part].nonzero()] = -np.inf
        top = np.argpartition(-scores, most - 1, axis=1)[:, :most]
        order = np.argsort(-np.take_along_axis(scores, top, 1), axis=1, kind="stable")
        top = np.take_along_axis(top, order, 1)
        wanted = relevant[part].toarray() > 0
        hits = np.take_along_axis(wanted, top, 1) & np.isfinite(np.take_along_axis(scores, top, 1))
        counts = wanted.sum(1)
        for cutoff in cutoffs:
            found, least = hits[:, :cutoff].sum(1), np.minimum(counts, cutoff)
            gains = hits[:, :cutoff] @ discounts[:cutoff] / ideal[least]
            figures = {"recall": found / counts, "recall_capped": found / least, "ndcg": gains, "hit_rate": found > 0}
            for name, values in figures.items():
                sums[f"{name}@{cutoff}"] = sums.get(f"{name}@{cutoff}", 0) + float(values.sum())
    return {name: value / len(rows) for name, value in sums.items()} | {"users": len(rows)}


def products(users, items):
    """Scores that are products of vectors."""
    return lambda rows: users[rows] @ items.T


def grid(factors, alphas, penalties, iterations) -> list:
    """All points for implicit's ALS."""
    names = ("factors", "alpha", "regularization")
    return [dict(zip(names, point)) | {"iterations": iterations} for point in product(factors, alphas, penalties)]


def best(file, points, figure, measure) -> tuple:
    """The point with the largest figure, and what was found there. What was measured is kept in a file, point by point, and not measured again."""
    tried = json.loads(file.read_text()) if file.exists() else []
    for point in points:
        if not any(entry["point"] == point for entry in tried):
            tried.append({"point": point, "found": measure(point)})
            say(file.stem, point, {name: round(value, 4) for name, value in tried[-1]["found"].items()})
            write_json(file, tried)
    asked = [entry for entry in tried if entry["point"] in points]
    first = max(asked, key=lambda entry: entry["found"][figure])
    return first["point"], first["found"]


def table(heads: list, rows: list) -> str:
    lines = [heads, ["---", *(["--:"] * (len(heads) - 1))], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def publish(name: str, text: str, write: bool, headlines: list):
    """Prints a table, and puts it between `<!-- name -->` and `<!-- /name -->` of docs/quality.md.

    The README's table has the headlines of every script that was run with --write: data and protocol, figure, Starling's,
    beside whom, theirs."""
    print(text)
    if write:
        replace(PAGE, name, text)
        kept = json.loads(HEADLINES.read_text()) if HEADLINES.exists() else {}
        kept[name] = headlines
        write_json(HEADLINES, kept)
        rows = [row for script in sorted(kept) for row in kept[script]]
        replace(ROOT / "README.md", "quality", table(["", "figure", "Starling", "beside", ""], rows))


def replace(page, name, text):
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    before = page.read_text()
    if begin not in before:
        sys.exit(f"{name}: {page.relative_to(ROOT)} has no line {begin}")
    before, rest = before.split(begin)
    page.write_text(f"{before}{begin}\n{text}\n{end}{rest.split(end)[1]}")


def versions(*packages) -> str:
    from importlib import metadata

    def output(*command):
        return subprocess.run([str(word) for word in command], cwd=ROOT, capture_output=True, text=True).stdout.strip()

    names = [f"Starling {output(STARLING, '--version')} ({output('git', 'rev-parse', '--short', 'HEAD')})"]
    return ", ".join(names + [f"{name} {metadata.version(name)}" for name in packages]) + "."


def say(*words):
    print(*words, file=sys.stderr, flush=True)
