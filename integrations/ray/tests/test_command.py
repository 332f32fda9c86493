import os
import pickle
from pathlib import Path

import pytest

from starling_ray import RefusedError, StarlingError, find_starling
from starling_ray.command import arguments, failure


def script(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def test_options_become_arguments() -> None:
    options = {
        "factors": 64,
        "val_size": 0.1,
        "init-stddev": 1e-06,
        "skip_bad_rows": True,
        "biases": False,
        "seed": None,
    }
    assert arguments(options) == [
        "--factors=64", "--val-size=0.1", "--init-stddev=1e-06", "--skip-bad-rows", "--no-biases",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["output", "resume", "Overwrite", "--json", "JSON"])
def test_what_the_trainer_sets_is_refused(name: str) -> None:
    with pytest.raises(RefusedError, match=f"the option {name} is set by the trainer"):
        arguments({name: True})


def test_the_command_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given, named, known = (tmp_path / folder / "starling" for folder in ("given", "named", "known"))
    for path in (given, named, known):
        path.parent.mkdir()
        script(path, "echo 0.1.0")
    monkeypatch.setenv("PATH", str(known.parent), prepend=os.pathsep)
    monkeypatch.delenv("STARLING_BIN", raising=False)
    assert find_starling() == str(known)
    monkeypatch.setenv("STARLING_BIN", str(named))
    assert find_starling() == str(named)
    assert find_starling(given) == str(given)


def test_no_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv("STARLING_BIN", raising=False)
    with pytest.raises(RefusedError, match=r"no command starling .* STARLING_BIN"):
        find_starling()


@pytest.mark.parametrize("text", ["echo 0.0.9", "echo something"])
def test_another_version(tmp_path: Path, text: str) -> None:
    with pytest.raises(RefusedError, match=r"0\.1 or later is needed"):
        find_starling(script(tmp_path / "starling", text))


@pytest.mark.parametrize(
    ("status", "kind", "text"),
    [
        (1, StarlingError, "ended with status 1: why"),
        (64, RefusedError, "ended with status 64: why"),
        (65, RefusedError, "ended with status 65: why"),
        (69, StarlingError, "ended with status 69: why"),
        (-9, StarlingError, "was ended by signal 9: why"),
    ],
)
def test_failures(status: int, kind: type[StarlingError], text: str) -> None:
    error = pickle.loads(pickle.dumps(failure(status, "why")))
    assert type(error) is kind
    assert str(error) == f"starling {text}"
