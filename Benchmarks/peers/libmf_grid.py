"""The rate, the penalty and the blocks with which LIBMF is at its best on a data set."""

import json
import sys
import zlib
from statistics import median

import libmf
import settings
from common import RESULTS, WORK, write_json
from machine import cpu


def best(folder, factors, threads) -> dict:
    """Looked up, or searched for: `blocks`, `penalty`, `rate`, `epochs` to its best and `val_rmse` there."""
    file = (RESULTS if folder.name == settings.LARGE else WORK) / "libmf-grid.json"
    kept = json.loads(file.read_text()) if file.exists() else {}
    name = f"{folder.name}, {factors} factors"
    asked = {
        "data": f"{zlib.crc32((folder / 'train.bin').read_bytes()):08x}",
        "rates": list(settings.LIBMF_RATES[factors]),
        "penalties": list(settings.LIBMF_PENALTIES[factors]),
    }
    entry = kept.get(name, {})
    if {key: entry.get(key) for key in asked} != asked:
        entry = asked | {"tried": _grid(folder, factors, threads)}
    machine = f"{cpu()}, {threads} threads"
    if entry.get("blocks_machine") != machine:
        entry |= {"blocks_machine": machine, "blocks": _blocks(folder, factors, threads)}
    kept[name] = entry
    write_json(file, kept)

    first = min(entry["tried"], key=lambda tried: (tried["val_rmse"], tried["epochs"]))
    if first["rate"] in _ends(asked["rates"]) or first["penalty"] in _ends(asked["penalties"]):
        _say(f"LIBMF's best ({first}) is at the edge of its grid: consider moving the grid in settings.py")
    fastest = min(entry["blocks"], key=lambda tried: tried["epoch_seconds"])
    return first | {"blocks": fastest["blocks"]}


def _grid(folder, factors, threads) -> list:
    tried = []
    for rate in settings.LIBMF_RATES[factors]:
        for penalty in settings.LIBMF_PENALTIES[factors]:
            found = libmf.train(
                folder, factors, threads, settings.LIBMF_BLOCKS[0], settings.LIBMF_MOST_EPOCHS, penalty, rate,
                stop_after_rises=settings.LIBMF_RISES,
            )
            error = min(found["val_rmse"])
            epochs = found["val_rmse"].index(error) + 1
            tried.append({"rate": rate, "penalty": penalty, "epochs": epochs, "val_rmse": error})
            _say(f"LIBMF, {factors} factors, rate {rate}, penalty {penalty}: {error:.4f} after {epochs} epochs")
    return tried


def _blocks(folder, factors, threads) -> list:
    rate, penalty = settings.LIBMF_BLOCKS_RATE, settings.LIBMF_BLOCKS_PENALTY
    tried = []
    for blocks in settings.LIBMF_BLOCKS:
        seconds = libmf.train(folder, factors, threads, blocks, 4, penalty, rate)["epoch_seconds"]
        tried.append({"blocks": blocks, "epoch_seconds": median(seconds[1:])})
        _say(f"LIBMF, {factors} factors, {blocks} blocks a side: {tried[-1]['epoch_seconds']:.3f} s an epoch")
    return tried


def _ends(values):
    return values[0], values[-1]


def _say(text):
    print(text, file=sys.stderr, flush=True)
