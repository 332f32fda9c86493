"""Two workers that hand their shards over to a command of several ranks."""

from pathlib import Path

import pandas as pd
import pytest
import ray
from ray.train import FailureConfig, TrainingFailedError
from support import killer, run_json, trainer, without_seconds

from starling_ray import copy_run, history

pytestmark = pytest.mark.usefixtures("cluster")

OPTIONS = {"factors": 8, "epochs": 4}


def dataset(ratings: Path, blocks: int = 5) -> ray.data.Dataset:
    table = pd.read_csv(ratings).rename(columns={"rating": "value", "timestamp": "time"})
    return ray.data.from_pandas(table).repartition(blocks)


def test_shards_are_the_whole_in_its_order(starling: str, ratings: Path, tmp_path: Path) -> None:
    words = ["--factors=8", "--epochs=4"]
    alone = run_json(starling, "train", "mf", f"--data={ratings}", f"--output={tmp_path}/alone", *words)
    titles = [{"item": item, "title": f"“{item}”, a film", "genres": "Drama|War"} for item in range(1, 121)]
    datasets = {"train": dataset(ratings), "items": ray.data.from_items(titles)}
    result = trainer(tmp_path, workers=2, binary=starling, options=OPTIONS, datasets=datasets).fit()
    assert result.metrics["weights_sha256"] == alone["weights_sha256"]
    assert without_seconds(history(result)) == without_seconds(alone["epochs"])
    best = run_json(starling, "recommend", str(copy_run(result, tmp_path / "copy")), "--user=1", "--count=1")["items"][0]
    assert best["title"] == f"“{best['item']}”, a film"


@pytest.mark.long
def test_more_workers_than_rows(starling: str, tmp_path: Path) -> None:
    rows = ray.data.from_items([{"user": "ä", "item": "x", "value": 4.0}])
    options = {**OPTIONS, "val_size": 0}
    assert (
        trainer(tmp_path, workers=2, binary=starling, options=options, datasets={"train": rows}).fit().metrics["epoch"] == 4
    )


def test_a_rank_that_is_killed(starling: str, many_ratings: Path, tmp_path: Path) -> None:
    words = ["--factors=128", "--epochs=60", "--threads=1"]
    alone = run_json(starling, "train", "mf", f"--data={many_ratings}", f"--output={tmp_path}/alone", *words)
    options = {"factors": 128, "epochs": 60, "threads": 1}
    datasets = {"train": dataset(many_ratings)}
    retry = FailureConfig(max_failures=3)
    with killer("two", times=1, seed=3) as killed:
        result = trainer(
            tmp_path, workers=2, name="two", binary=starling, options=options, datasets=datasets, failure_config=retry
        ).fit()
    assert len(killed) == 1
    assert result.metrics["weights_sha256"] == alone["weights_sha256"]


def test_a_rank_that_fails(starling: str, tmp_path: Path) -> None:
    """Rank 1 alone has no command that works; rank 0, which waits for it, does not wait for ever."""
    failing = tmp_path / "starling"
    failing.write_text(f'#!/bin/sh\n[ "$RANK" = 1 ] && echo no luck >&2 && exit 1\nexec {starling} "$@"\n', encoding="utf-8")
    failing.chmod(0o755)
    rows = ray.data.from_items([{"user": 1, "item": 2}, {"user": 2, "item": 1}])
    with pytest.raises(TrainingFailedError, match="no luck"):
        trainer(tmp_path, workers=2, binary=failing, datasets={"train": rows}).fit()
