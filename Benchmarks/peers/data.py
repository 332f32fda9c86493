"""Generated ratings, split once, as the files that both sides read.

Starling trains from ratings.csv and splits it itself by the same rule and seed as `starling data split`, which wrote
what LIBMF and PyTorch get: train.bin and validation.bin, arrays of (user, item, rating) as LIBMF lays them out.
"""

import json
import subprocess
import sys

import numpy as np

from common import STARLING, WORK, Stopwatch, write_json

NODE = np.dtype([("u", "<i4"), ("i", "<i4"), ("r", "<f4")])
SPLIT, SEED = "random:0.1", 42


def sizes(folder) -> tuple:
    """How many users and items the data in a folder has."""
    with open(f"{folder}/data.json") as file:
        facts = json.load(file)
    return facts["users"], facts["items"]


def prepare(like: str):
    """The folder of a data set, made where it is not there."""
    folder = WORK / like
    ratings = folder / "ratings.csv"
    folder.mkdir(parents=True, exist_ok=True)
    if not ratings.exists():
        _say(f"making ratings like {like}")
        _starling("data", "generate", "--like", like, "--seed", SEED, "--output", ratings)
    if not (folder / "data.json").exists():
        _say("splitting them")
        parts = folder / "parts"
        _starling("data", "split", "--data", ratings, "--split", SPLIT, "--seed", SEED, "--output", parts, "--overwrite")
        counts = {part: _convert(parts / f"{part}.csv", folder / f"{part}.bin") for part in ("train", "validation")}
        nodes = [np.fromfile(folder / f"{part}.bin", NODE) for part in counts]
        facts = {"users": int(max(n["u"].max() for n in nodes)) + 1, "items": int(max(n["i"].max() for n in nodes)) + 1}
        write_json(folder / "data.json", {"like": like, "split": SPLIT, "seed": SEED} | facts | counts)
    return folder


def prepare_ranking(folder, threads: int):
    """A model over all ratings, its vectors as scores' factors, and everybody's history for implicit."""
    run, vectors, history = folder / "rank-run", folder / "vectors.npz", folder / "history.npz"
    if history.exists():
        return run
    _say("training a model to rank with")
    options = ["--factors", "64", "--epochs", "3", "--checkpoint-every", "1000", "--threads", threads, "--overwrite"]
    # All ratings are history on both sides: nothing is held out.
    options += ["--val-size", "0"]
    _starling("train", "mf", "--data", folder / "ratings.csv", *options, "--output", run)
    _starling("export", run, "--folded", "--to", vectors)
    import scipy.sparse

    with np.load(vectors) as arrays:
        places = {}
        for side, name in (("u", "users"), ("i", "items")):
            ids = arrays[name]
            places[side] = np.full(ids.max(), -1, np.int32)
            places[side][ids - 1] = np.arange(len(ids), dtype=np.int32)
        shape = (len(arrays["users"]), len(arrays["items"]))
    nodes = np.concatenate([np.fromfile(folder / f"{part}.bin", NODE) for part in ("train", "validation")])
    rows, columns = places["u"][nodes["u"]], places["i"][nodes["i"]]
    matrix = scipy.sparse.csr_matrix((nodes["r"], (rows, columns)), shape=shape)
    part = folder / "history.part.npz"
    scipy.sparse.save_npz(part, matrix, compressed=False)
    part.replace(history)
    return run


def _convert(csv, binary) -> int:
    """Ids of generated ratings are 1, 2, 3…; rows count from 0."""
    import polars

    table = polars.read_csv(csv)
    nodes = np.empty(len(table), NODE)
    nodes["u"] = table["user"].to_numpy() - 1
    nodes["i"] = table["item"].to_numpy() - 1
    nodes["r"] = table["rating"].to_numpy()
    nodes.tofile(binary)
    return len(nodes)


def _starling(*words):
    clock = Stopwatch()
    done = subprocess.run([str(word) for word in (STARLING, *words)], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"bench: starling {words[0]} {words[1]} failed:\n{done.stderr[-2000:]}")
    _say(f"  starling {words[0]} {words[1]}: {clock.seconds:.1f} s")


def _say(text: str):
    print(text, file=sys.stderr, flush=True)
