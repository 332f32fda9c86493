"""`Predictor`: recommendations for the users of a dataset, by workers that each load the model once."""

import importlib.util
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
from ray.train import Checkpoint, Result

from starling_ray.command import find_starling, run_starling
from starling_ray.results import checkpoint_of
from starling_ray.stream import Array

Source = Result | Checkpoint | str | os.PathLike[str]


class Predictor:
    """A class for `Dataset.map_batches`: a column `user` in; `user`, `items` and `scores` out.

    ```python
    users.map_batches(
        Predictor,
        fn_constructor_kwargs={"source": result.checkpoint, "count": 10},
        batch_format="numpy",
        compute=ray.data.ActorPoolStrategy(size=2),
    )
    ```

    - source: a checkpoint of a finished training, a run's folder, or what `export_model` has written, which saves each
      worker to write it for itself, and needs no command on its node.
    - count: how many items at most.
    - include_seen: let items come back that the user had in training.

    Lists are those of `starling recommend`, to the bit. A user of whom training saw nothing gets an empty one.
    """

    def __init__(self, source: Source, *, count: int = 10, include_seen: bool = False, binary: str | None = None) -> None:
        self.params = {"count": count, "include_seen": include_seen}
        if not isinstance(source, Result | Checkpoint) and Path(source, "MLmodel").is_file():
            self.model = load(Path(source))
        else:
            with tempfile.TemporaryDirectory() as scratch:
                self.model = load(export_model(source, Path(scratch, "model"), binary=binary))

    def __call__(self, batch: Mapping[str, Array]) -> pa.Table:
        lists = self.model.predict(pd.DataFrame({"user": batch["user"]}), self.params)
        return pa.table(
            {
                "user": pa.array(batch["user"]),
                "items": pa.array(lists["items"], pa.list_(self.item_type())),
                "scores": pa.array(lists["scores"], pa.list_(pa.float32())),
            }
        )

    def item_type(self) -> pa.DataType:
        return pa.int64() if self.model.items.dtype.kind == "i" else pa.string()


def export_model(source: Source, folder: str | os.PathLike[str], *, binary: str | None = None) -> Path:
    """Writes the vectors of a finished training for `Predictor`; the folder is one that MLflow loads, too."""
    if isinstance(source, Result | Checkpoint):
        with checkpoint_of(source).as_directory() as run:
            return export_model(run, folder, binary=binary)
    run_starling(find_starling(binary), "export", os.fspath(source), "--to", f"mlflow:{os.fspath(folder)}")
    return Path(folder)


def load(folder: Path) -> Any:
    """The model that `starling export --to mlflow:…` has written, by the code that stands beside it."""
    spec = importlib.util.spec_from_file_location("starling_model", folder / "code" / "starling_model.py")
    if spec is None or spec.loader is None:
        raise ImportError(f"{folder} holds no model")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.StarlingModel(folder / "data" / "vectors.npz")
