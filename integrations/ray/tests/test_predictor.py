from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import ray
from ray.train import Checkpoint
from support import run_json

from starling_ray import Predictor, export_model
from starling_ray.stream import Array


@pytest.fixture(scope="module")
def run(starling: str, ratings: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run") / "run"
    run_json(starling, "train", "mf", f"--data={ratings}", f"--output={folder}", "--factors=8", "--epochs=4")
    return folder


@pytest.mark.usefixtures("cluster")
def test_lists_are_those_of_the_command(run: Path, starling: str) -> None:
    users = ray.data.from_pandas(pd.DataFrame({"user": range(1, 301)})).repartition(4)
    constructor = {"source": str(run), "count": 5, "binary": starling}
    lists = users.map_batches(
        Predictor,
        fn_constructor_kwargs=constructor,
        batch_format="numpy",
        batch_size=64,
        compute=ray.data.ActorPoolStrategy(size=2),
    ).to_pandas()
    assert sorted(lists["user"]) == list(range(1, 301))
    for _, row in lists.sort_values("user").iloc[::60].iterrows():
        expected = run_json(starling, "recommend", str(run), f"--user={row['user']}", "--count=5")["items"]
        assert [str(item) for item in row["items"]] == [entry["item"] for entry in expected]
        assert np.float32(row["scores"]).tolist() == np.float32([entry["score"] for entry in expected]).tolist()


def first(predictor: Predictor, users: Array) -> tuple[list[object], list[float]]:
    table = predictor({"user": users})
    return table["items"][0].as_py(), table["scores"][0].as_py()


def test_sources_and_parameters(run: Path, starling: str, tmp_path: Path) -> None:
    checkpoint = Checkpoint.from_directory(run)
    exported = export_model(checkpoint, tmp_path / "model", binary=starling)
    of_run, of_export = Predictor(run, binary=starling), Predictor(exported, binary="/nowhere")
    of_checkpoint = Predictor(checkpoint, binary=starling)
    assert first(of_run, np.array([1])) == first(of_export, np.array([1])) == first(of_checkpoint, np.array([1]))
    assert len(first(of_run, np.array([1]))[0]) == 10
    seen = first(Predictor(exported, count=120, include_seen=True), np.array([1]))[0]
    unseen = first(Predictor(exported, count=120), np.array([1]))[0]
    assert set(unseen) < set(seen)
    assert first(of_export, np.array([999_999])) == ([], [])


def test_text_ids(starling: str, tmp_path: Path) -> None:
    data = tmp_path / "data.csv"
    data.write_text("user,item\nanna,x\nanna,y\nberta,x\nberta,z\n", encoding="utf-8")
    run_json(starling, "train", "als", f"--data={data}", f"--output={tmp_path}/run", "--factors=2", "--val-size=0")
    assert first(Predictor(tmp_path / "run", binary=starling), np.array(["anna"], dtype=object))[0] == ["z"]
