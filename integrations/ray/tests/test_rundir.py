import json
from pathlib import Path

import pytest
from support import run_json, without_seconds

from starling_ray.rundir import RunWatcher, link_checkpoint, read_epochs


@pytest.fixture
def run(starling: str, ratings: Path, tmp_path: Path) -> Path:
    run_json(starling, "train", "mf", f"--data={ratings}", f"--output={tmp_path}/run", "--epochs=4", "--factors=8")
    return tmp_path / "run"


def test_a_line_that_is_being_written(tmp_path: Path) -> None:
    assert read_epochs(tmp_path) == []
    (tmp_path / "metrics.jsonl").write_text('{"epoch":1}\n{"epo', encoding="utf-8")
    assert read_epochs(tmp_path) == [{"epoch": 1}]


def test_training_goes_on_from_a_checkpoint(run: Path, starling: str, ratings: Path) -> None:
    record = run / "run.json"
    whole = json.loads(record.read_text(encoding="utf-8"))
    record.write_text(json.dumps({**whole, "status": "running"}), encoding="utf-8")
    folder = link_checkpoint(run, 3)
    assert folder is not None
    assert not (folder / "model").exists()
    assert [path.name for path in (folder / "checkpoints").iterdir()] == ["000003"]
    assert [line["epoch"] for line in read_epochs(folder)] == [1, 2, 3]
    resumed = run_json(starling, "train", "mf", f"--data={ratings}", f"--output={folder}", "--resume")
    assert resumed["weights_sha256"] == whole["summary"]["weights_sha256"]
    assert without_seconds(resumed["epochs"]) == without_seconds(whole["summary"]["epochs"])


def test_a_finished_run_goes_along_whole(run: Path, starling: str) -> None:
    folder = link_checkpoint(run, 4)
    assert len(run_json(starling, "recommend", str(folder), "--user=1", "--count=3")["items"]) == 3


def test_the_best_checkpoint_goes_along(starling: str, ratings: Path, tmp_path: Path) -> None:
    words = ["--epochs=40", "--factors=64", "--learning-rate=0.1", "--regularization=0", "--early-stopping=5"]
    result = run_json(starling, "train", "mf", f"--data={ratings}", f"--output={tmp_path}/run", *words)
    last = len(result["epochs"])
    folder = link_checkpoint(tmp_path / "run", last)
    assert folder is not None
    assert sorted(path.name for path in (folder / "checkpoints").iterdir()) == [f"{last - 5:06}", f"{last:06}"]
    assert (folder / "model").is_dir()


def test_an_epoch_without_a_checkpoint(run: Path) -> None:
    before = sorted(run.parent.iterdir())
    assert link_checkpoint(run, 1) is None
    assert sorted(run.parent.iterdir()) == before


def test_each_epoch_is_news_once(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (run / "run.json").write_text('{"status":"running"}', encoding="utf-8")
    metrics = run / "metrics.jsonl"
    metrics.write_text('{"epoch":1,"val_rmse":3}\n', encoding="utf-8")
    watcher = RunWatcher(run)
    assert watcher.news(None) == []
    metrics.write_text('{"epoch":1,"val_rmse":3}\n{"epoch":2,"val_rmse":2}\n{"epoch":3,"val_rmse":1}\n', encoding="utf-8")
    assert [report.metrics["epoch"] for report in watcher.news(None)] == [2, 3]
    assert watcher.news(None) == []


def test_the_end_is_news(run: Path) -> None:
    result = json.loads((run / "run.json").read_text(encoding="utf-8"))["summary"]
    watcher = RunWatcher(run)
    watcher.was_finished = False
    (final,) = watcher.news(result)
    assert final.metrics == {"epoch": 4, **result["metrics"], "weights_sha256": result["weights_sha256"]}
    assert final.checkpoint is not None
    assert (final.checkpoint / "model").is_dir()
    assert RunWatcher(run).news(result) == [], "it was finished before"
