"""Starling's side of each comparison, through its command."""

import json
import sys

from common import STARLING, run_json
from data import SEED, SPLIT


def read(path, threads, **variables) -> dict:
    found = run_json([STARLING, "data", "describe", path, "--threads", threads, "--json"], threads, **variables)
    return {
        "rows": found["interactions"],
        "seconds": found["read_seconds"],
        "peak_memory_bytes": found["peak_memory_bytes"],
    }


def train(folder, factors, threads, *options, **variables) -> dict:
    """Trains on the split that the peers' files hold (data.py)."""
    data = ["--data", folder / "ratings.csv", "--split", SPLIT, "--seed", SEED]
    run = ["--output", folder / "run", "--overwrite", "--checkpoint-every", "1000", "--threads", threads, "--json"]
    found = run_json([STARLING, "train", "mf", *data, "--factors", factors, *options, *run], threads, **variables)
    if found["train_interactions"] != json.loads((folder / "data.json").read_text())["train"]:
        sys.exit("bench: Starling's split is not the one that the peers have; remove Benchmarks/work")
    return {
        "ratings": found["train_interactions"],
        "epoch_seconds": [epoch["seconds"] for epoch in found["epochs"]],
        "val_rmse": [epoch["val_rmse"] for epoch in found["epochs"]],
        "train_peak_memory_bytes": found["train_peak_memory_bytes"],
    }


def als(folder, factors, threads, solver, iterations, alpha, regularization, source=None, **variables) -> dict:
    """Alternating least squares on the same split, with the objective after each iteration."""
    data = ["--data", source or folder / "ratings.csv", "--split", SPLIT, "--seed", SEED]
    options = ["--factors", factors, "--iterations", iterations, "--alpha", alpha, "--regularization", regularization]
    options += ["--solver", solver, *(["--cg-steps", 3] if solver == "cg" else []), "--loss"]
    run = ["--output", folder / "run", "--overwrite", "--threads", threads, "--json"]
    found = run_json([STARLING, "train", "als", *data, *options, *run], threads, **variables)
    return {
        "users": found["users"],
        "items": found["items"],
        "ratings": found["train_interactions"],
        "epoch_seconds": [epoch["seconds"] for epoch in found["epochs"]],
        "objective": found["epochs"][-1]["train_loss"],
        "peak_memory_bytes": found["peak_memory_bytes"],
        "train_peak_memory_bytes": found["train_peak_memory_bytes"],
    }


def rank(run, threads, count, lists, include_seen, **variables) -> dict:
    options = ["--include-seen"] if include_seen else []
    command = [STARLING, "recommend", run, "--all-users", "--count", count, "--output", lists, "--threads", threads]
    found = run_json([*command, *options, "--json"], threads, **variables)
    return {"seconds": found["rank_seconds"], "users": found["users"], "items": found["items"]}


def streams(folder, samples) -> dict:
    """Writes and reads shards: `Benchmarks/streams`."""
    return run_json([STARLING.with_name("StreamSpeed"), folder, samples], 1)
