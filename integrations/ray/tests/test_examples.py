"""The examples and notebooks, with generated data, as their readers run them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"

pytestmark = pytest.mark.long


def run(script: str, command: str, *words: str) -> str:
    environment = {**os.environ, "STARLING_BIN": command}
    return subprocess.run(
        [sys.executable, EXAMPLES / script, *words], env=environment, stdout=subprocess.PIPE, text=True, check=True
    ).stdout


def test_movielens(starling: str, tmp_path: Path) -> None:
    said = run("movielens.py", starling, "--workers=2", "--epochs=5", f"--output={tmp_path}")
    assert "Film No. " in said
    assert {path.name.partition("-")[0] for path in tmp_path.iterdir()} == {"data", "ray", "log.json", "curves.png", "run"}


@pytest.mark.skipif("STARLING_DATA" not in os.environ, reason="STARLING_DATA names no folder of public data sets")
@pytest.mark.parametrize("name", ["ml-latest-small", "ml-100k"])
def test_real_movielens(starling: str, tmp_path: Path, name: str) -> None:
    said = run(
        "movielens.py", starling, f"--data={os.environ['STARLING_DATA']}/{name}", "--epochs=5", f"--output={tmp_path}"
    )
    assert said.count("(19") + said.count("(20") == 10, "titles end with their year"


@pytest.mark.parametrize("name", ["movielens", "als"])
def test_notebooks(starling: str, name: str) -> None:
    said = run("run_notebooks.py", starling, "--check", str(EXAMPLES / f"{name}.ipynb"))
    assert said.startswith(f"{name}.ipynb: ")
