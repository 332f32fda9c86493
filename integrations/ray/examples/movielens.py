"""Matrix factorisation of MovieLens on Ray: load, shard, train on several workers, watch it, resume it, and recommend.

    python movielens.py --data ml-latest-small --workers 2

The folder is ml-latest-small (or another with ratings.csv and movies.csv) or ml-100k. Without --data, ratings are generated.
Everything is left in --output: Ray's checkpoints, log.json with a line of metrics an epoch, the run, and curves.png.
"""

import argparse
import json
import logging
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import ray
from matplotlib.figure import Figure
from pyarrow import csv
from ray.train import CheckpointConfig, FailureConfig, Result, RunConfig, ScalingConfig

from starling_ray import Predictor, StarlingTrainer, copy_run, find_starling, history
from starling_ray.command import run_starling

BLOCKS = "▁▂▃▄▅▆▇█"


def start(workers: int) -> None:
    """A Ray cluster on this machine that says little; where there is one, `ray.init()` finds it."""
    ray.init(
        num_cpus=max(workers + 1, os.cpu_count() or 1), include_dashboard=False, log_to_driver=False, logging_level="warning"
    )
    for name in ("ray.data", "ray.train"):
        logging.getLogger(name).setLevel(logging.WARNING)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = context.print_on_execution_start = False


def load(folder: Path) -> dict[str, ray.data.Dataset]:
    """Interactions and titles. Ids stay as they are: the command numbers users and items by itself."""
    if (folder / "ratings.csv").exists():
        ratings = ray.data.read_csv(str(folder / "ratings.csv"))
        movies = ray.data.read_csv(str(folder / "movies.csv"))
    else:
        ratings = read_plain(folder / "u.data", ["userId", "movieId", "rating", "timestamp"], "\t")
        movies = read_plain(folder / "u.item", ["movieId", "title", *map(str, range(22))], "|")
    names = {"userId": "user", "movieId": "item", "rating": "value", "timestamp": "time"}
    titles = movies.select_columns(["movieId", "title"]).rename_columns({"movieId": "item"})
    return {"train": ratings.rename_columns(names), "items": titles}


def read_plain(path: Path, columns: list[str], delimiter: str) -> ray.data.Dataset:
    return ray.data.read_csv(
        str(path),
        read_options=csv.ReadOptions(column_names=columns, encoding="latin-1"),
        parse_options=csv.ParseOptions(delimiter=delimiter, quote_char=False),
    )


def generate(folder: Path) -> Path:
    """Ratings with a planted structure, in the form of MovieLens; the titles are made up."""
    folder.mkdir(parents=True, exist_ok=True)
    ratings = folder / "ratings.csv"
    run_starling(
        find_starling(), "data", "generate", "--users=1000", "--items=500", "--interactions=60000", "--overwrite",
        f"--output={ratings}",
    )  # fmt: skip
    _, *lines = ratings.read_text(encoding="utf-8").splitlines()
    ratings.write_text("\n".join(["userId,movieId,rating,timestamp", *lines, ""]), encoding="utf-8")
    titles = [f"{item},Film No. {item},Drama" for item in range(1, 501)]
    (folder / "movies.csv").write_text("\n".join(["movieId,title,genres", *titles, ""]), encoding="utf-8")
    return folder


def train(datasets: dict[str, ray.data.Dataset], storage: Path, *, workers: int, epochs: int, factors: int) -> Result:
    """Trains, or goes on with what is in the storage. Killed workers start again from the last checkpoint."""
    trainer = StarlingTrainer(
        model="mf",
        # A rate that does not depend on the number of epochs, so that there may be more of them later.
        options={"factors": factors, "epochs": epochs, "val_size": 0.1, "learning_rate_decay": 0.95, "seed": 42},
        scaling_config=ScalingConfig(num_workers=workers),
        run_config=RunConfig(
            name="movielens",
            storage_path=str(storage.resolve()),
            failure_config=FailureConfig(max_failures=3),
            checkpoint_config=CheckpointConfig(
                num_to_keep=2, checkpoint_score_attribute="val_rmse", checkpoint_score_order="min"
            ),
        ),
        datasets=datasets,
    )
    return trainer.fit()


def sparkline(values: list[float]) -> str:
    low, high = min(values), max(values)
    step = (high - low) / (len(BLOCKS) - 1) or 1
    return "".join(BLOCKS[round((value - low) / step)] for value in values)


def show(epochs: list[dict[str, Any]]) -> None:
    for name in ("train_loss", "val_loss", "val_rmse"):
        values = [epoch[name] for epoch in epochs]
        print(f"{name:>10}  {values[0]:.4f} {sparkline(values)} {values[-1]:.4f}")


def curves(epochs: list[dict[str, Any]], *names: str) -> Figure:
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    for name in names:
        axes.plot([epoch["epoch"] for epoch in epochs], [epoch[name] for epoch in epochs], marker=".", label=name)
    axes.set_xlabel("epoch")
    axes.legend()
    return figure


def recommend(result: Result, datasets: dict[str, ray.data.Dataset], user: int, count: int) -> list[tuple[str, float]]:
    """The films that the user is expected to like best, of those not rated yet."""
    best = Predictor(result, count=count)({"user": np.array([user])}).to_pylist()[0]
    titles = {row["item"]: row["title"] for row in datasets["items"].take_all()}
    return [(titles[item], score) for item, score in zip(best["items"], best["scores"], strict=True)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--factors", type=int, default=32)
    parser.add_argument("--user", type=int, default=1)
    parser.add_argument("--output", type=Path, default=Path(tempfile.gettempdir(), "starling-movielens"))
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)

    start(options.workers)
    datasets = load(options.data or generate(options.output / "data"))
    sizes = {"workers": options.workers, "factors": options.factors}
    result = train(datasets, options.output / "ray", epochs=options.epochs, **sizes)

    epochs = history(result)
    (options.output / "log.json").write_text(json.dumps(epochs, indent=2), encoding="utf-8")
    show(epochs)
    curves(epochs, "train_loss", "val_loss").savefig(options.output / "curves.png")
    for title, score in recommend(result, datasets, options.user, count=10):
        print(f"{score:10.2f}  {title}")
    if not (run := options.output / f"run-{result.metrics['weights_sha256'][:8]}").exists():
        copy_run(result, run)
    print(f"\n{run} is a run of starling; try: starling evaluate {run}")


if __name__ == "__main__":
    main()
