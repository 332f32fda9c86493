"""What several tests use."""

import json
import os
import random
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ray.train import RunConfig, ScalingConfig

from starling_ray import StarlingTrainer


def run_json(starling: str, *words: str) -> Any:
    """Runs the command to its end; the object that it printed."""
    done = subprocess.run([starling, *words, "--json"], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def trainer(folder: Path, *, workers: int = 1, name: str = "run", model: str = "mf", **given: Any) -> StarlingTrainer:
    """A trainer that keeps its run in the folder; `given` goes to RunConfig where that knows it, else to the trainer."""
    of_run = {key: given.pop(key) for key in ("failure_config", "checkpoint_config") if key in given}
    return StarlingTrainer(
        model,
        scaling_config=ScalingConfig(num_workers=workers),
        run_config=RunConfig(name=name, storage_path=str(folder), **of_run),
        **given,
    )


def without_seconds(epochs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in epoch.items() if name != "seconds"} for epoch in epochs]


def children(run_name: str) -> list[int]:
    """The processes that train the run."""
    found = []
    for process in Path("/proc").iterdir():
        try:
            words = (process / "cmdline").read_bytes().decode().split("\0") if process.name.isdigit() else []
        except OSError:
            continue
        if any(word.startswith("--output=") and word.endswith(f"/{run_name}") for word in words):
            found.append(int(process.name))
    return found


def parent(process: int) -> int:
    return int(Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[1])


@contextmanager
def killer(run_name: str, *, times: int, seed: int, kill_worker: bool = False) -> Iterator[list[int]]:
    """Kills children, or the workers they belong to, at random moments of their training; yields those killed."""
    killed: list[int] = []
    stopped = threading.Event()
    chance = random.Random(seed)

    def kill() -> None:
        while len(killed) < times and not stopped.is_set():
            time.sleep(0.02)
            alive = [process for process in children(run_name) if process not in killed]
            if not alive:
                continue
            time.sleep(chance.uniform(0.05, 1.5))
            victim = chance.choice(alive)
            try:
                os.kill(parent(victim) if kill_worker else victim, signal.SIGKILL)
            except (ProcessLookupError, FileNotFoundError):
                continue
            killed.append(victim)
            # Others of its group are on their way out.
            stopped.wait(1)

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        yield killed
    finally:
        stopped.set()
        thread.join()
