"""quality.py [--ml-100k FOLDER] [--ml-1m FILE] [--official FOLDER] [--threads N] [--rows bpmf,myfm] [--write]

RMSE of Starling, LIBMF and myFM on the same folds. Settings of both are chosen on a validation part of the first fold's training
ratings, from grids of the same size; test ratings judge what was chosen. LIBMF's best test RMSE over its whole grid is
reported too: what it could have reached had it been told. Data sets are only read; results/quality.json has no row of them.
"""

import argparse
import json
import shutil
import sys
from pathlib import Path
from statistics import mean, median, stdev

import libmf
import machine
import quality_data as data
import quality_settings as settings
import quality_table as table
from common import RESULTS, ROOT, STARLING, run_json, run_peer, write_json


ROWS = ("starling", "starling_defaults", "bpmf", "libmf", "libmf_oracle", "myfm")


def arguments():
    parser = argparse.ArgumentParser(prog="quality", description=__doc__.split("\n\n")[1])
    parser.add_argument("--ml-100k", type=Path, default=ROOT / "data/ml-100k", help="folder with u.data or ml-100k.inter")
    parser.add_argument("--ml-1m", type=Path, help="ratings of MovieLens-1M: ratings.dat, or user, item, rating in columns")
    parser.add_argument("--official", type=Path, help="folder with u1.base … u5.test (that of --ml-100k, if they are there)")
    parser.add_argument("--threads", type=int, default=1, help="of both programs (1, with which LIBMF repeats itself)")
    parser.add_argument("--rows", help="measure only these again, and keep the rest of results/quality.json")
    parser.add_argument("--write", action="store_true", help="put the table into docs/quality.md as well")
    return parser.parse_args()


def starling(fold, threads, options: dict, validate=False, model="mf") -> dict:
    """Trains; the JSON of `train`. The run is in FOLD/run."""
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    cut = ["--split", settings.SPLIT, "--seed", settings.SPLIT_SEED] if validate else ["--val-size", 0]
    run = ["--output", fold / "run", "--overwrite", "--checkpoint-every", 1000, "--threads", threads, "--json"]
    return run_json([STARLING, "train", model, "--data", fold / "train.csv", *words, *cut, *run], threads)


def starling_test(fold, threads, options, model="mf") -> dict:
    trained = starling(fold, threads, options, model=model)
    part = data.TestPart(fold)
    found = run_json(
        [STARLING, "evaluate", fold / "run", "--data", fold / "test.csv", "--threads", threads, "--json"], threads
    )
    if found["interactions"] != part.known:
        sys.exit("quality: Starling knows other users or items than its training ratings have")
    rmse = found["metrics"]["rmse"]
    return {"rmse": part.all_from_known(rmse), "rmse_known": rmse, "epoch_seconds": median(epoch["seconds"] for epoch in trained["epochs"])}


def myfm_test(fold, rank) -> dict:
    found = run_peer("quality_myfm.py", 1, fold, rank, settings.SAMPLES)
    return {"rmse": data.TestPart(fold).all_from_known(found["rmse_known"])} | found


def libmf_run(folder, threads, point, epochs=None) -> list:
    """RMSEs on validation.bin after each epoch; of all pairs, as LIBMF predicts the mean for unknown ones."""
    rises = settings.LIBMF_RISES if epochs is None else None
    most, blocks = epochs or settings.LIBMF_MOST_EPOCHS, settings.LIBMF_BLOCKS
    found = libmf.train(folder, point["factors"], threads, blocks, most, point["penalty"], point["rate"], rises)
    return found["val_rmse"]


def choose(name, fold, threads) -> dict:
    """Both programs' grids on the tuning part: every point with its validation RMSE, and the best."""
    tuning, tried = data.tuning_part(fold), {"starling": [], "libmf": []}
    held_out = data.TestPart(tuning).count
    for point in settings.starling_grid(name):
        found = starling(fold, threads, point, validate=True)
        if found["interactions"] - found["train_interactions"] != held_out:
            sys.exit("quality: Starling's validation part is not LIBMF's")
        tried["starling"].append(point | {"val_rmse": found["epochs"][-1]["val_rmse"]})
        say(name, "Starling", tried["starling"][-1])
    for point in settings.libmf_grid(name):
        errors = libmf_run(tuning, threads, point)
        tried["libmf"].append(point | {"epochs": errors.index(min(errors)) + 1, "val_rmse": min(errors)})
        say(name, "LIBMF", tried["libmf"][-1])
    chosen = {}
    for program, points in tried.items():
        best = min(points, key=lambda point: point["val_rmse"])
        chosen[program] = {key: value for key, value in best.items() if key != "val_rmse"}
    return {"tried": tried, "chosen": chosen}


def judge(name, folds, chosen, threads, wanted) -> dict:
    """Test RMSEs of each fold: Starling with what was chosen and with its defaults, LIBMF, and LIBMF's best ever; and
    Bayesian matrix factorisation by Starling and myFM. Of these the rows wanted."""
    rank = settings.BAYES[name]

    def libmf_row(fold, error):
        return {"rmse": error, "rmse_known": data.TestPart(fold).known_from_all(error)}

    def libmf_best(fold):
        point = chosen["libmf"]
        return min(*(min(libmf_run(fold, threads, each)) for each in settings.libmf_grid(name)),
                   libmf_run(fold, threads, point, point["epochs"])[-1])  # fmt: skip

    measures = {
        "starling": lambda fold: starling_test(fold, threads, chosen["starling"]),
        "starling_defaults": lambda fold: starling_test(fold, threads, {}),
        "bpmf": lambda fold: starling_test(fold, settings.BAYES_THREADS, {"factors": rank, "samples": settings.SAMPLES}, "bpmf"),
        "libmf": lambda fold: libmf_row(fold, libmf_run(fold, threads, chosen["libmf"], chosen["libmf"]["epochs"])[-1]),
        "libmf_oracle": lambda fold: libmf_row(fold, libmf_best(fold)),
        "myfm": lambda fold: myfm_test(fold, rank),
    }
    rows = {row: [] for row in measures if row in wanted}
    for fold in folds:
        for row, values in rows.items():
            values.append(measures[row](fold))
        say(name, fold.name, {row: round(values[-1]["rmse"], 4) for row, values in rows.items()})
    return {row: summary(values) for row, values in rows.items()}


def summary(folds) -> dict:
    found = {}
    for key in ("rmse", "rmse_known"):
        values = [fold[key] for fold in folds]
        found |= {key: mean(values), f"{key}_deviation": stdev(values), f"{key}_folds": values}
    if all("epoch_seconds" in fold for fold in folds):
        found["epoch_seconds"] = median(fold["epoch_seconds"] for fold in folds)
    return found


def say(*words):
    print("quality:", *words, file=sys.stderr, flush=True)


def main():
    given = arguments()
    wanted = given.rows.split(",") if given.rows else ROWS
    kept = json.loads((RESULTS / "quality.json").read_text())["sets"] if given.rows else {}
    libmf.build()
    sets = {"ml-100k": data.ml_100k(given.ml_100k.resolve())}
    if given.ml_1m:
        sets["ml-1m"] = data.read(given.ml_1m)
    result = {
        "machine": machine.facts()["cpu"],
        "threads": given.threads,
        "versions": machine.versions("numpy", "myfm"),
        "unknown": "the mean training rating is predicted where user or item is not in training; rmse_known leaves such out",
        "published": settings.PUBLISHED,
        "sets": {},
    }
    for name, nodes in sets.items():
        folds = data.random_folds(name, nodes)
        tuned = kept.pop(name, None) or choose(name, folds[0], given.threads)
        tests = [data.TestPart(fold) for fold in folds]
        result["sets"][name] = tuned | {
            "ratings": len(nodes),
            "unknown_pairs": sum(part.count - part.known for part in tests),
            "folds": tuned.get("folds", {}) | judge(name, folds, tuned["chosen"], given.threads, wanted),
        }
    official = given.official or given.ml_100k
    if (official / "u1.base").exists():
        folds, chosen = data.official_folds(official), result["sets"]["ml-100k"]["chosen"]
        tests = [data.TestPart(fold) for fold in folds]
        before = kept.pop("ml-100k, u1–u5", {}).get("folds", {})
        result["sets"]["ml-100k, u1–u5"] = {
            "chosen": chosen,
            "ratings": len(sets["ml-100k"]),
            "unknown_pairs": sum(part.count - part.known for part in tests),
            "folds": before | judge("ml-100k", folds, chosen, given.threads, set(wanted) - {"libmf_oracle"}),
        }
    else:
        say("u1.base … u5.test are not there (--official FOLDER): the official folds are left out")
    result["sets"] |= kept
    write_json(RESULTS / "quality.json", result)
    shutil.rmtree(data.WORK / "quality", ignore_errors=True)
    print(table.text(result))
    if given.write:
        table.write(result)


main()
