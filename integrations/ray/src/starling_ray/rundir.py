"""A run's folder while `starling train` writes it, and checkpoints of it.

The command adds a line to `metrics.jsonl` when the epoch's checkpoint is complete. Checkpoints appear by renaming, are
never changed, and older ones are removed as training goes on.
"""

import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

Metrics = dict[str, Any]


class Report(NamedTuple):
    metrics: Metrics
    checkpoint: Path | None


def read_epochs(run: Path) -> list[Metrics]:
    """The epochs in `metrics.jsonl`, less a last line that is still being written."""
    try:
        text = (run / "metrics.jsonl").read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]


def is_finished(run: Path) -> bool:
    try:
        return bool(json.loads((run / "run.json").read_bytes())["status"] == "finished")
    except FileNotFoundError:
        return False


def link_checkpoint(run: Path, epoch: int) -> Path | None:
    """What `--resume` needs to go on after this epoch, in a folder beside the run; `model/` too if the run is finished.

    None if the epoch has no checkpoint of its own, or has it no longer.
    """
    folder = Path(tempfile.mkdtemp(prefix="checkpoint-", dir=run.parent))
    # First, since the run may be finished at any moment, and this says whether it is.
    link(run / "run.json", folder / "run.json")
    newest = run / "checkpoints" / f"{epoch:06}"
    try:
        state = json.loads((newest / "state.json").read_bytes())
        best = state["training"].get("best", {}).get("epoch", epoch)
        for kept in {newest, run / "checkpoints" / f"{best:06}"}:
            link(kept, folder / "checkpoints" / kept.name)
    except FileNotFoundError:
        shutil.rmtree(folder)
        return None
    lines = [json.dumps(line) + "\n" for line in read_epochs(run) if line["epoch"] <= epoch]
    (folder / "metrics.jsonl").write_text("".join(lines), encoding="utf-8")
    if (run / "tracking").is_dir():
        shutil.copytree(run / "tracking", folder / "tracking")
    if is_finished(folder):
        link(run / "model", folder / "model")
    return folder


def link(source: Path, target: Path) -> None:
    """The same files at another place; nothing is copied."""
    if source.is_dir():
        shutil.copytree(source, target, copy_function=os.link)
    else:
        os.link(source, target)


class RunWatcher:
    """Finds out what a run has to report that was not reported yet."""

    def __init__(self, run: Path) -> None:
        self.run = run
        self.epoch = len(read_epochs(run))
        self.was_finished = is_finished(run)

    def news(self, result: Metrics | None) -> list[Report]:
        """A report for each new epoch; with the command's result, one of the finished run besides.

        The last has a checkpoint; those of epochs before it would only be passed.
        """
        epochs = [line for line in read_epochs(self.run) if line["epoch"] > self.epoch]
        if epochs:
            self.epoch = epochs[-1]["epoch"]
            self.was_finished = False
        told = [Report(line, None) for line in epochs]
        if result is not None and not self.was_finished:
            final = {"epoch": self.epoch, **result["metrics"], "weights_sha256": result["weights_sha256"]}
            return [*told, Report(final, link_checkpoint(self.run, self.epoch))]
        if told:
            told[-1] = told[-1]._replace(checkpoint=link_checkpoint(self.run, self.epoch))
        return told
