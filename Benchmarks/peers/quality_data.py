"""Ratings cut into folds, as the files that both programs read.

A part is a folder with train.csv and test.csv for Starling and train.bin and validation.bin for LIBMF, whose rows are ids
less 1 (ids of MovieLens are 1, 2, 3…).
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np

import quality_settings as settings
from common import STARLING, WORK, write_json

NODE = np.dtype([("u", "<i4"), ("i", "<i4"), ("r", "<f4")])


def read(path: Path) -> np.ndarray:
    """User, item, rating and maybe more, between tabs, commas or “::”; a first line that names columns is left out."""
    lines = path.read_text(encoding="latin-1").replace("::", "\t").replace(",", "\t").splitlines()
    first = 0 if lines[0][:1].isdigit() else 1
    table = np.loadtxt(lines[first:], delimiter="\t", usecols=(0, 1, 2))
    nodes = np.empty(len(table), NODE)
    nodes["u"], nodes["i"], nodes["r"] = table[:, 0] - 1, table[:, 1] - 1, table[:, 2]
    return nodes


def ml_100k(folder: Path) -> np.ndarray:
    for name in ("u.data", "ml-100k.inter"):
        if (folder / name).exists():
            return np.sort(read(folder / name), order=["u", "i"])
    sys.exit(f"quality: neither u.data nor ml-100k.inter is in {folder}")


def random_folds(name: str, nodes: np.ndarray) -> list:
    parts = np.array_split(np.random.default_rng(settings.SEED).permutation(len(nodes)), settings.FOLDS)
    folds = []
    for fold, part in enumerate(parts):
        test = np.zeros(len(nodes), bool)
        test[part] = True
        folds.append(write(WORK / f"quality/{name}-{fold + 1}", nodes[~test], nodes[test]))
    return folds


def official_folds(folder: Path) -> list:
    """u1 to u5, as GroupLens cut them."""
    names = [f"u{fold}" for fold in range(1, 6)]
    return [
        write(WORK / f"quality/ml-100k-{name}", read(folder / f"{name}.base"), read(folder / f"{name}.test"))
        for name in names
    ]


def write(folder: Path, train: np.ndarray, test: np.ndarray) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    train.tofile(folder / "train.bin")
    test.tofile(folder / "validation.bin")
    for part, nodes in (("train", train), ("test", test)):
        with (folder / f"{part}.csv").open("w") as file:
            file.write("user,item,rating\n")
            file.writelines(f"{u + 1},{i + 1},{r:g}\n" for u, i, r in nodes.tolist())
    both = np.concatenate([train, test])
    write_json(folder / "data.json", {"users": int(both["u"].max()) + 1, "items": int(both["i"].max()) + 1})
    return folder


def tuning_part(fold: Path) -> Path:
    """The cut that `train mf` makes of a fold's train.csv with the same rule and seed, for LIBMF."""
    folder, cut = fold / "tuning", fold / "cut"
    command = [STARLING, "data", "split", "--data", fold / "train.csv", "--split", settings.SPLIT]
    command += ["--seed", settings.SPLIT_SEED, "--output", cut, "--overwrite"]
    subprocess.run([str(word) for word in command], check=True, capture_output=True)
    return write(folder, read(cut / "train.csv"), read(cut / "validation.csv"))


class TestPart:
    """A fold's test ratings, and how both programs' errors on those of users or items not in training are counted:
    the mean training rating is predicted for them, which is what LIBMF does."""

    def __init__(self, fold: Path):
        train, test = (np.fromfile(fold / f"{name}.bin", NODE) for name in ("train", "validation"))
        known = np.isin(test["u"], train["u"]) & np.isin(test["i"], train["i"])
        self.count, self.known = len(test), int(known.sum())
        self.unknown_errors = float(np.sum((test["r"][~known] - train["r"].mean(dtype=np.float64)) ** 2))

    def all_from_known(self, rmse: float) -> float:
        return ((rmse**2 * self.known + self.unknown_errors) / self.count) ** 0.5

    def known_from_all(self, rmse: float) -> float:
        return ((rmse**2 * self.count - self.unknown_errors) / self.known) ** 0.5


def facts(fold: Path) -> dict:
    return json.loads((fold / "data.json").read_text())
