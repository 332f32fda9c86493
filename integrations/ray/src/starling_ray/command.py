"""The command `starling`: where it is, and options as its arguments."""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping

from starling_ray.errors import RefusedError, StarlingError

Options = Mapping[str, str | int | float | bool | None]

OLDEST_VERSION = (0, 1)
SET_BY_TRAINER = {
    "output": "each run has a folder of its own, which Ray's storage_path keeps",
    "resume": "a run always goes on from Ray's newest checkpoint",
    "overwrite": "a run always goes on from Ray's newest checkpoint; choose another RunConfig(name=…)",
    "json": "the result is read from it",
}


def find_starling(path: str | os.PathLike[str] | None = None) -> str:
    """The command at `path`, else where `STARLING_BIN` says, else in `PATH`; of a version that this package knows."""
    asked = os.fspath(path) if path else os.environ.get("STARLING_BIN") or "starling"
    found = shutil.which(asked)
    if found is None:
        raise RefusedError(
            f"there is no command {asked} on this machine; name it by StarlingTrainer(binary=…) or STARLING_BIN, "
            "or put it in PATH"
        )
    version = run_starling(found, "--version").strip()
    numbers = re.match(r"(\d+)\.(\d+)", version)
    if numbers is None or (int(numbers[1]), int(numbers[2])) < OLDEST_VERSION:
        raise RefusedError(f"{found} is of version {version!r}; {'.'.join(map(str, OLDEST_VERSION))} or later is needed")
    return found


def run_starling(binary: str, *arguments: str) -> str:
    """Runs the command to its end and returns what it printed."""
    done = subprocess.run([binary, *arguments], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise failure(done.returncode, done.stderr.strip())
    return done.stdout


def failure(status: int, said: str) -> StarlingError:
    """The error for an exit status; negative ones are signals, as `subprocess` has them."""
    kind = RefusedError if status in (os.EX_USAGE, os.EX_DATAERR) else StarlingError
    ending = f"was ended by signal {-status}" if status < 0 else f"ended with status {status}"
    return kind(f"starling {ending}: {said}" if said else f"starling {ending}")


def plain(name: str) -> str:
    """The name of an option without what the command does not tell apart: case, `-` and `_`."""
    return re.sub("[-_]", "", name).lower()


def arguments(options: Options) -> list[str]:
    """Options as arguments: `{"val_size": 0.1, "biases": False}` is `--val-size=0.1 --no-biases`; None is left out."""
    result = []
    for name, value in options.items():
        if plain(name) in SET_BY_TRAINER:
            raise RefusedError(f"the option {name} is set by the trainer: {SET_BY_TRAINER[plain(name)]}")
        flag = name.replace("_", "-")
        if isinstance(value, bool):
            result.append(f"--{flag}" if value else f"--no-{flag}")
        elif value is not None:
            result.append(f"--{flag}={value}")
    return result
