"""What the scripts of this folder share: places, processes, and how a peer reports."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
BENCHMARKS = HERE.parent
ROOT = BENCHMARKS.parent
STARLING = ROOT / ".build/release/starling"
WORK = BENCHMARKS / "work"
BUFFALO_PYTHON = ROOT / ".venv-bench/buffalo/bin/python"
MOSAIC_PYTHON = ROOT / ".venv-bench/mosaic/bin/python"
RESULTS = BENCHMARKS / "results"


def environment(threads: int, **changes) -> dict:
    """Variables that hold every library to so many threads."""
    names = "OMP OPENBLAS MKL NUMEXPR BLIS".split()
    limits = {f"{name}_NUM_THREADS": str(threads) for name in names}
    return os.environ | limits | {"POLARS_MAX_THREADS": str(threads)} | changes


def run_json(command: list, threads: int, **changes) -> dict:
    """Runs a command in a process of its own and returns the JSON object it prints last."""
    command = [str(word) for word in command]
    done = subprocess.run(
        command, env=environment(threads, **changes), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    lines = done.stdout.strip().splitlines()
    if done.returncode != 0 or not lines:
        sys.exit(f"bench: failed with status {done.returncode}: {' '.join(command)}\n{done.stderr[-2000:]}")
    return json.loads(lines[-1])


def run_peer(script: str, threads: int, *arguments, python=sys.executable, **changes) -> dict:
    """Runs a script of this folder in a fresh Python."""
    return run_json([python, "-B", HERE / script, threads, *arguments], threads, **changes)


def peak_memory() -> int:
    """The largest resident size of this process, in bytes (`VmHWM`)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("no VmHWM")


def report(**figures):
    """A peer's last words."""
    print(json.dumps(figures))


class Stopwatch:
    def __init__(self):
        self.start = time.perf_counter()

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self.start


def write_json(path: Path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n")
    part.replace(path)
