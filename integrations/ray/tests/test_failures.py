"""Processes are killed at random moments; Ray Train starts them again, and the weights end as if nothing had been."""

from pathlib import Path

import pytest
from ray.train import FailureConfig
from support import children, killer, run_json, trainer, without_seconds

from starling_ray import history

pytestmark = pytest.mark.usefixtures("cluster")

OPTIONS = {"factors": 128, "epochs": 240, "threads": 1}


@pytest.fixture(scope="module")
def undisturbed(starling: str, many_ratings: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    words = [f"--{name}={value}" for name, value in OPTIONS.items()]
    run = tmp_path_factory.mktemp("undisturbed") / "run"
    return run_json(starling, "train", "mf", f"--data={many_ratings}", f"--output={run}", *words)


def check(
    undisturbed: dict[str, object], ratings: Path, starling: str, folder: Path, *, times: int, seed: int, kill_worker: bool
) -> None:
    name = f"killed-{seed}"
    options = {**OPTIONS, "data": str(ratings)}
    training = trainer(folder, name=name, binary=starling, options=options, failure_config=FailureConfig(max_failures=20))
    with killer(name, times=times, seed=seed, kill_worker=kill_worker) as killed:
        result = training.fit()
    assert len(killed) == times, "the training was too short"
    assert result.metrics["weights_sha256"] == undisturbed["weights_sha256"]
    assert without_seconds(history(result)) == without_seconds(undisturbed["epochs"])
    assert children(name) == []


@pytest.mark.parametrize(
    "kill_worker", [pytest.param(False, marks=pytest.mark.long, id="child"), pytest.param(True, id="worker")]
)
def test_killed(
    undisturbed: dict[str, object], many_ratings: Path, starling: str, tmp_path: Path, kill_worker: bool
) -> None:
    check(undisturbed, many_ratings, starling, tmp_path, times=1, seed=1 + kill_worker, kill_worker=kill_worker)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(10, 30))
def test_killed_often(undisturbed: dict[str, object], many_ratings: Path, starling: str, tmp_path: Path, seed: int) -> None:
    check(undisturbed, many_ratings, starling, tmp_path, times=3, seed=seed, kill_worker=seed % 2 == 0)
