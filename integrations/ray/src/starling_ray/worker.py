"""What each worker of Ray Train does: it starts `starling train`, hands it its shard, and reports what rank 0 finds."""

import contextlib
import csv
import json
import socket
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import ray
import ray.train
from ray.data import DataIterator
from ray.train.collective import broadcast_from_rank_zero

from starling_ray.child import Child
from starling_ray.command import find_starling
from starling_ray.errors import StarlingError
from starling_ray.rundir import Metrics, Report, RunWatcher
from starling_ray.stream import Array, write_stream

SECONDS_BETWEEN_LOOKS = 0.2
SECONDS_TO_END = 60.0
ROWS_PER_BATCH = 65536


@dataclass(frozen=True)
class Plan:
    """The part of a trainer that its workers need."""

    binary: str | None
    model: str
    arguments: list[str]
    sets_threads: bool
    train_columns: list[str]
    item_columns: list[str]


def train_on_worker(plan: Plan) -> Metrics | None:
    """Trains; rank 0 returns the object that the command printed."""
    context = ray.train.get_context()
    rank = context.get_world_rank()
    # The folder that Ray has made for its workers on this node.
    with tempfile.TemporaryDirectory(prefix=f"rank-{rank}-", dir=Path.cwd()) as scratch:
        run = Path(scratch, context.get_experiment_name())
        if checkpoint := ray.train.get_checkpoint():
            checkpoint.to_directory(run)
        watcher = RunWatcher(run)
        output = Path(scratch, "result.json")
        with Child(command(plan, run), torchrun_variables(), output, has_input=bool(plan.train_columns)) as child:
            if plan.train_columns:
                feed(child, plan.train_columns, shard(f"train-{rank}"))
            follow(child, watcher if rank == 0 else None, output)
        return json.loads(output.read_bytes()) if rank == 0 else None


def command(plan: Plan, run: Path) -> list[str]:
    words = [find_starling(plan.binary), "train", plan.model, *plan.arguments]
    if not plan.sets_threads:
        words.append(f"--threads={max(1, int(ray.get_runtime_context().get_assigned_resources().get('CPU', 1)))}")
    if plan.train_columns:
        words.append("--data=npy-stream:-")
    if plan.item_columns:
        items = run.with_name("items.csv")
        write_items(items, plan.item_columns, shard("items"))
        words.append(f"--items={items}")
    return [*words, f"--output={run}", "--resume", "--json"]


def torchrun_variables() -> dict[str, str]:
    """How the processes find each other: the variables of `torchrun`."""
    context = ray.train.get_context()
    found = (ray.util.get_node_ip_address(), free_port()) if context.get_world_rank() == 0 else None
    address, port = broadcast_from_rank_zero(found)
    return {
        "RANK": str(context.get_world_rank()),
        "WORLD_SIZE": str(context.get_world_size()),
        "LOCAL_RANK": str(context.get_local_rank()),
        "LOCAL_WORLD_SIZE": str(context.get_local_world_size()),
        "GROUP_RANK": str(context.get_node_rank()),
        "MASTER_ADDR": address,
        "MASTER_PORT": str(port),
    }


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("", 0))
        port: int = probe.getsockname()[1]
        return port


def shard(name: str) -> Iterable[Mapping[str, Array]]:
    data: DataIterator = ray.train.get_dataset_shard(name)
    return data.iter_batches(batch_size=ROWS_PER_BATCH, batch_format="numpy")


def write_items(path: Path, columns: list[str], batches: Iterable[Mapping[str, Array]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        for batch in batches:
            writer.writerows(zip(*(batch[name] for name in columns), strict=True))


def feed(child: Child, columns: list[str], batches: Iterable[Mapping[str, Array]]) -> None:
    # A child that wants no more has ended or knows enough; its status says which.
    with contextlib.suppress(BrokenPipeError):
        write_stream(columns, batches, child.input)
    with contextlib.suppress(BrokenPipeError):
        child.input.close()


def follow(child: Child, watcher: RunWatcher | None, output: Path) -> None:
    """Reports until the command has ended.

    All ranks must call `report` equally often, and only rank 0 knows how often, so it tells the others several times a
    second. In between each rank looks after its own child; where one has failed, Ray Train stops all.
    """
    has_ended = False
    while not has_ended:
        has_ended = child.has_ended(within=SECONDS_BETWEEN_LOOKS)
        news: list[Report] = []
        if watcher:
            news = watcher.news(json.loads(output.read_bytes()) if has_ended else None)
        count, has_ended = broadcast_from_rank_zero((len(news), has_ended))
        for report in news or [Report({}, None)] * count:
            ray.train.report(
                report.metrics,
                checkpoint=report.checkpoint and ray.train.Checkpoint.from_directory(report.checkpoint),
                delete_local_checkpoint_after_upload=True,
            )
    if not child.has_ended(within=SECONDS_TO_END):
        raise StarlingError("rank 0 is done, and the process of this rank does not end")
