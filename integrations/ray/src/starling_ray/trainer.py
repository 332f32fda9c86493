"""`StarlingTrainer`: `starling train` on the workers of Ray Train V2."""

import dataclasses
import functools
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import ray.data
from ray.train import DataConfig, Result, RunConfig, ScalingConfig
from ray.train.v2.api.callback import UserCallback
from ray.train.v2.api.data_parallel_trainer import DataParallelTrainer
from ray.train.v2.api.exceptions import ControllerError

from starling_ray.command import Options, arguments, plain
from starling_ray.errors import RefusedError
from starling_ray.stream import check_columns
from starling_ray.worker import Plan, train_on_worker

Datasets = dict[str, ray.data.Dataset | Callable[[], ray.data.Dataset]]

ITEM_COLUMNS = ("item", "title", "genres")


class StarlingTrainer:
    """Trains a model of Starling.

    ```python
    trainer = StarlingTrainer(
        model="mf",
        options={"factors": 64, "epochs": 20, "val_size": 0.1},
        scaling_config=ScalingConfig(num_workers=2),
        run_config=RunConfig(name="first", failure_config=FailureConfig(max_failures=3)),
        datasets={"train": ratings},
    )
    result = trainer.fit()
    ```

    - model: what follows `starling train`: mf, als, bpmf, two-tower, sse-pt.
    - options: the command's, in kebab-case or snake_case; `starling train MODEL --help` lists them. `data` names what each
      worker reads by itself, where there is no dataset.
    - datasets: `train` with the columns user, item and perhaps value and time; `items` with item, title and perhaps genres.
    - binary: the command, where it is neither in `STARLING_BIN` nor in `PATH` on the nodes.
    """

    def __init__(
        self,
        model: str,
        *,
        options: Options | None = None,
        scaling_config: ScalingConfig | None = None,
        run_config: RunConfig | None = None,
        datasets: Mapping[str, ray.data.Dataset] | None = None,
        binary: str | os.PathLike[str] | None = None,
    ) -> None:
        self.model = model
        self.options = dict(options or {})
        self.scaling_config = scaling_config or ScalingConfig()
        self.run_config = run_config or RunConfig()
        self.datasets = dict(datasets or {})
        # Workers have a working folder of their own.
        named = os.fspath(binary) if binary else os.environ.get("STARLING_BIN")
        self.binary = str(Path(named).absolute()) if named and os.sep in named else named
        self.workers = number_of_workers(self.scaling_config)
        self.arguments = arguments(self.options)
        self._check()

    def _check(self) -> None:
        unknown = sorted(self.datasets.keys() - {"train", "items"})
        if unknown:
            raise RefusedError(
                f"there is a dataset {unknown[0]}; only train and items are known, and validation parts are taken from "
                "train by the options val_size or split"
            )
        given = {plain(name) for name in self.options}
        for dataset, option in (("train", "data"), ("items", "items")):
            if dataset in self.datasets and option in given:
                raise RefusedError(f"there are both a dataset {dataset} and the option {option}; leave one out")

    def fit(self) -> Result:
        """Trains to the end, or goes on with a run of the same name and storage path.

        Raises `RefusedError` for what no second attempt makes better, `TrainingFailedError` of Ray Train otherwise.
        """
        # The controller takes one report from each worker when it looks at them, by default every two seconds; there
        # are epochs that take less.
        os.environ.setdefault("RAY_TRAIN_HEALTH_CHECK_INTERVAL_S", "0.2")
        callbacks: list[Any] = [*(self.run_config.callbacks or []), EndOfAttempts()]
        trainer = DataParallelTrainer(
            functools.partial(train_on_worker, self._plan()),
            scaling_config=self.scaling_config,
            run_config=dataclasses.replace(self.run_config, callbacks=callbacks),
            datasets=self._shards(),
            dataset_config=DataConfig(datasets_to_split=[]),
        )
        try:
            return trainer.fit()
        except ControllerError as error:
            if isinstance(error.controller_failure, RefusedError):
                raise error.controller_failure from None
            raise

    def _plan(self) -> Plan:
        given = {plain(name) for name in self.options}
        device = ["--device=cuda"] if self.scaling_config.use_gpu and "device" not in given else []
        train, items = self.datasets.get("train"), self.datasets.get("items")
        return Plan(
            binary=self.binary,
            model=self.model,
            arguments=[*self.arguments, *device],
            sets_threads="threads" in given,
            train_columns=[] if train is None else check_columns(train.columns() or []),
            item_columns=[] if items is None else [name for name in ITEM_COLUMNS if name in (items.columns() or [])],
        )

    def _shards(self) -> Datasets:
        """A part of `train` for each rank: rows in their order, so that one behind another the parts are the whole.

        Ray's own split drops rows to make shards equal and deals blocks out as workers ask for them; the same data would
        not come in the same order after a restart.
        """
        shards: Datasets = {}
        for name, dataset in self.datasets.items():
            dataset.context.execution_options.preserve_order = True
            shards[name] = dataset.materialize()
        if isinstance(whole := shards.pop("train", None), ray.data.Dataset):
            cuts = [whole.count() * rank // self.workers for rank in range(1, self.workers)]
            parts = whole.split_at_indices(cuts) if cuts else [whole]
            shards |= {f"train-{rank}": part for rank, part in enumerate(parts)}
        return shards


def number_of_workers(scaling_config: ScalingConfig) -> int:
    workers = scaling_config.num_workers
    if not isinstance(workers, int) or workers < 1:
        raise RefusedError(f"num_workers is {workers}; it must be a number, 1 or more")
    return workers


class EndOfAttempts(UserCallback):
    """Ray Train tries again after any error of a worker; an error of its controller ends the training."""

    def after_exception(self, run_context: Any, worker_exceptions: dict[int, Exception]) -> None:
        for error in worker_exceptions.values():
            cause = getattr(error, "_base_exc", error)
            if isinstance(cause, RefusedError):
                raise cause
