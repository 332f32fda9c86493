"""A small Ray cluster, generated ratings, and the command: STARLING_BIN, else the one that was built in the repository."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import ray
from support import run_json

from starling_ray import StarlingError, find_starling

HERE = Path(__file__).resolve().parent


def real_command() -> str:
    built = HERE.parents[2] / ".build" / "release" / "starling"
    try:
        return find_starling(os.environ.get("STARLING_BIN") or (built if built.exists() else None))
    except StarlingError as error:
        pytest.exit(str(error), returncode=2)


@pytest.fixture(scope="session")
def starling() -> str:
    return real_command()


@pytest.fixture(scope="session")
def ratings(starling: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """8,000 ratings: an epoch takes no time."""
    return generate(starling, tmp_path_factory.mktemp("data") / "ratings.csv", users=300, items=120, interactions=8000)


@pytest.fixture(scope="session")
def many_ratings(starling: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """200,000 ratings: an epoch takes long enough to be killed in."""
    return generate(starling, tmp_path_factory.mktemp("data") / "ratings.csv", users=3000, items=1000, interactions=200_000)


def generate(starling: str, path: Path, **sizes: int) -> Path:
    run_json(starling, "data", "generate", *(f"--{name}={size}" for name, size in sizes.items()), f"--output={path}")
    return path


@pytest.fixture(scope="session")
def cluster() -> Iterator[None]:
    ray.init(num_cpus=3, include_dashboard=False, object_store_memory=100 << 20, log_to_driver=False)
    ray.data.DataContext.get_current().enable_progress_bars = False
    yield
    ray.shutdown()
