"""What a training has left."""

import os
from pathlib import Path

from ray.train import Checkpoint, Result

from starling_ray.errors import StarlingError
from starling_ray.rundir import Metrics, read_epochs


def history(result: Result | Checkpoint) -> list[Metrics]:
    """All epochs up to the checkpoint, with their metrics, as `metrics.jsonl` has them."""
    with checkpoint_of(result).as_directory() as folder:
        return read_epochs(Path(folder))


def copy_run(result: Result | Checkpoint, folder: str | os.PathLike[str]) -> Path:
    """Copies the run to a folder that is not there yet, for `starling recommend`, `evaluate` and the others."""
    target = Path(folder)
    if target.exists():
        raise FileExistsError(f"{target} is there already")
    return Path(checkpoint_of(result).to_directory(target))


def checkpoint_of(result: Result | Checkpoint) -> Checkpoint:
    checkpoint = result if isinstance(result, Checkpoint) else result.checkpoint
    if checkpoint is None:
        raise StarlingError("the training has no checkpoint yet")
    return checkpoint
