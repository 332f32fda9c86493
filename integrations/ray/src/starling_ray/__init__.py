"""Starling on Ray: `StarlingTrainer` trains on the workers of Ray Train, `Predictor` recommends on those of Ray Data."""

import os

os.environ.setdefault("RAY_TRAIN_V2_ENABLED", "1")

from starling_ray.command import find_starling
from starling_ray.errors import RefusedError, StarlingError
from starling_ray.predictor import Predictor, export_model
from starling_ray.results import copy_run, history
from starling_ray.trainer import StarlingTrainer

__all__ = [
    "Predictor",
    "RefusedError",
    "StarlingError",
    "StarlingTrainer",
    "copy_run",
    "export_model",
    "find_starling",
    "history",
]
