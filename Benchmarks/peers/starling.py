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


def rank(run, threads, count, lists, include_seen, **variables) -> dict:
    options = ["--include-seen"] if include_seen else []
    command = [STARLING, "recommend", run, "--all-users", "--count", count, "--output", lists, "--threads", threads]
    found = run_json([*command, *options, "--json"], threads, **variables)
    return {"seconds": found["rank_seconds"], "users": found["users"], "items": found["items"]}
