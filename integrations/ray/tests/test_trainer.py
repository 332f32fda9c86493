"""One worker and the real command."""

import json
from pathlib import Path

import pytest
import ray
from ray.train import CheckpointConfig, FailureConfig, Result, ScalingConfig, TrainingFailedError
from support import run_json, trainer, without_seconds

from starling_ray import RefusedError, StarlingTrainer, copy_run, history

pytestmark = pytest.mark.usefixtures("cluster")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("store")


@pytest.fixture(scope="module")
def options(many_ratings: Path) -> dict[str, object]:
    return {"data": str(many_ratings), "factors": 64, "epochs": 30, "val_size": 0.2, "learning_rate_decay": "none"}


@pytest.fixture(scope="module")
def result(cluster: None, starling: str, options: dict[str, object], folder: Path) -> Result:
    keep_two = CheckpointConfig(num_to_keep=2, checkpoint_score_attribute="val_rmse", checkpoint_score_order="min")
    return trainer(folder, binary=starling, options=options, checkpoint_config=keep_two).fit()


@pytest.fixture(scope="module")
def alone(starling: str, many_ratings: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """The same training without Ray."""
    words = ["--factors=64", "--epochs=30", "--val-size=0.2", "--learning-rate-decay=none"]
    run = tmp_path_factory.mktemp("alone")
    return run_json(starling, "train", "mf", f"--data={many_ratings}", f"--output={run}/run", *words)


def test_the_result_is_the_commands(result: Result, alone: dict[str, object]) -> None:
    assert result.metrics == {"epoch": 30, **alone["metrics"], "weights_sha256": alone["weights_sha256"]}
    assert result.return_value["weights_sha256"] == alone["weights_sha256"]
    assert result.return_value["threads"] == 1, "the CPUs of a worker"


def test_every_epoch_is_kept(result: Result, alone: dict[str, object]) -> None:
    assert without_seconds(history(result)) == without_seconds(alone["epochs"])


def test_checkpoints_are_kept_as_configured(result: Result) -> None:
    assert len(result.best_checkpoints) == 2
    for checkpoint, metrics in result.best_checkpoints:
        epochs = history(checkpoint)
        assert epochs[-1]["epoch"] == metrics["epoch"]
        assert epochs[-1]["val_rmse"] == metrics["val_rmse"]


def test_the_run_can_be_used(result: Result, starling: str, tmp_path: Path) -> None:
    run = copy_run(result, tmp_path / "run")
    assert len(run_json(starling, "recommend", str(run), "--user=1", "--count=3")["items"]) == 3
    assert not (run / ".lock").exists()
    with pytest.raises(FileExistsError):
        copy_run(result, run)


def test_the_same_name_resumes(result: Result, starling: str, options: dict[str, object], folder: Path) -> None:
    again = trainer(folder, binary=starling, options=options).fit()
    assert again.metrics == result.metrics
    assert again.checkpoint.path == result.checkpoint.path, "nothing is left to do or to report"
    longer = trainer(folder, binary=starling, options={**options, "epochs": 32}).fit()
    assert longer.metrics["epoch"] == 32
    assert history(longer)[:30] == history(result)


def test_bad_data_end_the_training(starling: str, tmp_path: Path) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_text("user,item\n1,2\n3\n", encoding="utf-8")
    again_and_again = FailureConfig(max_failures=-1)
    with pytest.raises(RefusedError, match=r"status 65: (.|\n)*bad\.csv:3"):
        trainer(tmp_path, binary=starling, options={"data": str(bad)}, failure_config=again_and_again).fit()


def test_no_command_ends_the_training(tmp_path: Path) -> None:
    again_and_again = FailureConfig(max_failures=-1)
    with pytest.raises(RefusedError, match="no command /nowhere/starling"):
        trainer(tmp_path, binary="/nowhere/starling", failure_config=again_and_again).fit()


def test_a_failure_says_what_the_command_said(tmp_path: Path) -> None:
    failing = tmp_path / "starling"
    failing.write_text("#!/bin/sh\n[ $1 = --version ] && echo 0.1.0 && exit\necho no luck >&2; exit 1\n", encoding="utf-8")
    failing.chmod(0o755)
    with pytest.raises(TrainingFailedError, match="ended with status 1: no luck"):
        trainer(tmp_path, binary=failing).fit()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"options": {"output": "here"}}, "option output is set by the trainer"),
        ({"datasets": {"validation": None}}, "dataset validation"),
        ({"datasets": {"train": None}, "options": {"data": "x"}}, "both a dataset train and the option data"),
        ({"scaling_config": ScalingConfig(num_workers=0)}, "num_workers is 0"),
    ],
)
def test_refusals(given: dict[str, object], message: str) -> None:
    with pytest.raises(RefusedError, match=message):
        StarlingTrainer("mf", **given)


def test_a_dataset_of_other_columns(tmp_path: Path) -> None:
    data = ray.data.from_items([{"userId": 1, "item": 2}])
    with pytest.raises(RefusedError, match="lacks user"):
        trainer(tmp_path, datasets={"train": data}).fit()


def test_run_json_is_that_of_the_run(result: Result) -> None:
    with result.checkpoint.as_directory() as run:
        assert json.loads(Path(run, "run.json").read_text(encoding="utf-8"))["status"] == "finished"
