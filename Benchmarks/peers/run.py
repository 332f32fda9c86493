"""run.py [--rounds N] [--threads N] [--like SIZE] [--only SECTION,…] [--fresh]

Measures Starling beside its peers, every measurement in a process of its own, all of them once a round and round after
round; prints a table of ratios, and keeps everything as JSON. What an interrupted run has measured is not measured again.
"""

import argparse
import json
import shutil
import subprocess
import sys
import time

import numpy as np

import bounds
import libmf
import libmf_grid
import machine
import settings
import starling
import table
from als_data import matrix_market
from common import BENCHMARKS, BUFFALO_PYTHON, MOSAIC_PYTHON, RESULTS, WORK, Stopwatch, run_peer, write_json
from data import prepare, prepare_ranking
from session import Session

SECTIONS = ("read", "mf", "adam", "als", "rank", "streams", "isa")


def arguments():
    parser = argparse.ArgumentParser(prog="bench", description=__doc__.split("\n\n")[1])
    parser.add_argument("--rounds", type=int, default=settings.ROUNDS, help="take every measurement so often")
    parser.add_argument("--threads", type=int, default=2, help="let everybody have so many threads (2)")
    parser.add_argument("--like", default=settings.LARGE, help="size of the generated data; smaller is to try the scripts")
    parser.add_argument("--only", default=",".join(SECTIONS), help="sections, of " + ", ".join(SECTIONS))
    parser.add_argument("--fresh", action="store_true", help="forget what was measured before")
    given = parser.parse_args()
    given.only = given.only.split(",")
    if unknown := set(given.only) - set(SECTIONS):
        parser.error(f"no section {', '.join(sorted(unknown))}")
    return given


def read_jobs(folder, threads):
    path = folder / "ratings.csv"
    warm(path)
    jobs = {"read/starling": lambda: starling.read(path, threads)}
    for reader in settings.READERS:
        jobs[f"read/{reader}"] = lambda reader=reader: run_peer("read_peers.py", threads, reader, path)
    return jobs


def mf_jobs(folder, threads, context):
    jobs = {}
    for factors in settings.FACTORS:
        best = context[f"libmf-{factors}"] = libmf_grid.best(folder, factors, threads)
        epochs = max(best["epochs"], settings.LEAST_EPOCHS)
        same = ["--epochs", epochs, *settings.STARLING_SAME_EPOCHS[factors]]
        fastest, batches = settings.STARLING_FASTEST[factors], settings.TORCH_DENSE_BATCHES[factors]
        setting = [best["blocks"], epochs, best["penalty"], best["rate"]]
        jobs[f"mf-{factors}/starling"] = lambda k=factors, same=same: starling.train(folder, k, threads, *same)
        jobs[f"mf-{factors}/libmf"] = lambda k=factors, setting=setting: libmf.train(folder, k, threads, *setting)
        jobs[f"mf-{factors}/starling-fastest"] = lambda k=factors, fastest=fastest: starling.train(
            folder, k, threads, *fastest
        )
        jobs[f"mf-{factors}/torch-dense"] = lambda k=factors, batches=batches: run_peer(
            "mf_torch.py", threads, "dense", folder, k, settings.TORCH_RATE, 0, batches
        )
    return jobs


def adam_jobs(large, threads):
    factors, rate = settings.ADAM_FACTORS, settings.ADAM_RATE
    options = ["--optimizer", "adam", "--batch-size", 2048, "--learning-rate", rate, "--regularization", 0]
    options += ["--learning-rate-decay", "none", "--epochs"]
    small, jobs = prepare(settings.SMALL), {}
    sets = {"adam": (small, settings.ADAM_EPOCHS), "adam-large": (large, settings.ADAM_LARGE_EPOCHS)}
    for name, (folder, epochs) in sets.items():
        jobs[f"{name}/starling"] = lambda folder=folder, epochs=epochs: starling.train(
            folder, factors, threads, *options, epochs
        )
        timed = (epochs, 0) if folder == small else (0, settings.ADAM_LARGE_BATCHES)
        jobs[f"{name}/torch-sparse"] = lambda folder=folder, timed=timed: run_peer(
            "mf_torch.py", threads, "sparse", folder, factors, rate, *timed
        )
    return jobs


def adam_quality_jobs(large, threads):
    """What PyTorch reaches on the large set, which takes minutes and is no timing."""
    run = threads, "sparse", large, settings.ADAM_FACTORS, settings.ADAM_RATE, settings.ADAM_LARGE_EPOCHS, 0
    return {"adam-large/torch-sparse-quality": lambda: run_peer("mf_torch.py", *run)}


def als_jobs(folder, threads):
    iterations, weights = settings.ALS_ITERATIONS, (settings.ALS_ALPHA, settings.ALS_REGULARIZATION)
    matrix_market(folder)
    jobs = {}
    for factors in settings.FACTORS:
        for solver in ("cholesky", "cg"):
            jobs[f"als-{factors}/starling-{solver}"] = lambda k=factors, solver=solver: starling.als(
                folder, k, threads, solver, iterations, *weights
            )
        jobs[f"als-{factors}/implicit-cg"] = lambda k=factors: als_implicit(folder, threads, k, "cg")
        if BUFFALO_PYTHON.exists():
            jobs[f"als-{factors}/buffalo"] = lambda k=factors: run_peer(
                "als_buffalo.py", threads, folder, k, iterations, *weights, python=BUFFALO_PYTHON
            )
    return jobs


def als_slow_jobs(folder, threads):
    """What takes minutes, and is timed over several iterations."""
    jobs = {
        f"als-{factors}/implicit-cholesky": lambda k=factors: als_implicit(folder, threads, k, "cholesky")
        for factors in settings.FACTORS
    }
    if shutil.which("java"):
        factors, iterations = settings.ALS_SPARK_FACTORS, settings.ALS_SPARK_ITERATIONS
        setting = [iterations, settings.ALS_ALPHA, settings.ALS_REGULARIZATION, settings.ALS_SPARK_MEMORY]
        jobs[f"als-{factors}/spark"] = lambda: run_peer("als_spark.py", threads, folder, factors, *setting)
    else:
        print("no java is there, which Spark needs (apt-get install default-jre-headless): it is left out", file=sys.stderr)
    return jobs


def als_implicit(folder, threads, factors, solver):
    # It asks for a BLAS without threads, as it does for ranking.
    setting = [settings.ALS_ITERATIONS, solver, settings.ALS_ALPHA, settings.ALS_REGULARIZATION]
    return run_peer("als_implicit.py", threads, folder, factors, *setting, OPENBLAS_NUM_THREADS="1")


def rank_jobs(folder, threads):
    run, count = prepare_ranking(folder, threads), settings.COUNT
    return {
        "rank/starling": lambda: starling.rank(run, threads, count, folder / "all.npz", include_seen=True),
        "rank/faiss": lambda: run_peer("rank_faiss.py", threads, folder, count, folder / "faiss.npy"),
        "rank/starling-unseen": lambda: starling.rank(run, threads, count, folder / "unseen.npz", include_seen=False),
        # Implicit runs a matrix product of its own on every thread, and asks for a BLAS without threads.
        "rank/implicit": lambda: run_peer(
            "rank_implicit.py",
            threads,
            folder,
            count,
            settings.IMPLICIT_USERS,
            folder / "implicit.npy",
            OPENBLAS_NUM_THREADS="1",
        ),
    }


def streams_jobs(threads):
    """Samples written to shards and read from them, by one process each."""
    jobs = {"streams/starling": lambda: starling.streams(WORK / "streams", settings.STREAM_SAMPLES)}
    if MOSAIC_PYTHON.exists():
        setting = [WORK / "streams-mosaic", settings.MOSAIC_WRITTEN, settings.MOSAIC_READ]
        jobs["streams/mosaic"] = lambda: run_peer("streams_mosaic.py", threads, *setting, python=MOSAIC_PYTHON)
    return jobs


def isa_jobs(folder, threads):
    """The hot paths with each instruction set."""
    jobs, run = {}, prepare_ranking(folder, threads)
    for isa in machine.instruction_sets():
        chosen, epochs = {"STARLING_ISA": isa}, settings.ISA_EPOCHS
        jobs[f"isa/read/{isa}"] = lambda chosen=chosen: starling.read(folder / "ratings.csv", threads, **chosen)
        for factors in settings.FACTORS:
            jobs[f"isa/sgd-{factors}/{isa}"] = lambda k=factors, chosen=chosen: starling.train(
                folder, k, threads, "--epochs", epochs, **chosen
            )
        jobs[f"isa/adam/{isa}"] = lambda chosen=chosen: starling.train(
            prepare(settings.SMALL), 64, threads, "--optimizer", "adam", "--epochs", epochs, **chosen
        )
        for factors in settings.FACTORS:
            jobs[f"isa/als-{factors}/{isa}"] = lambda k=factors, chosen=chosen: starling.als(
                prepare(settings.SMALL), k, threads, "cholesky", epochs, settings.ALS_ALPHA, settings.ALS_REGULARIZATION,
                **chosen,
            )  # fmt: skip
        jobs[f"isa/rank/{isa}"] = lambda chosen=chosen: starling.rank(
            run, threads, settings.COUNT, folder / "isa.npz", include_seen=True, **chosen
        )
    return jobs


def score_differences(folder) -> dict:
    """The largest difference between the scores of Starling's lists and a peer's, where both files are there."""
    found = {}
    for ours, theirs in (("all.npz", "faiss.npy"), ("unseen.npz", "implicit.npy")):
        if (folder / ours).exists() and (folder / theirs).exists():
            a, b = np.load(folder / ours)["scores"], np.load(folder / theirs)
            found[theirs.removesuffix(".npy")] = float(np.abs(a[: len(b)] - b).max())
    return found


def merged(before, result, sections) -> dict:
    """What is kept, with these sections measured anew; the commit says which is of when."""
    new = {row["section"] for row in result["rows"]}
    paths = {row["path"] for row in result["bounds"]}
    measured = f"{', '.join(sections)}: "
    kept = [part for part in before["versions"]["commit"].split("; ") if not part.startswith(measured)]
    commit = "; ".join(kept + [measured + result["versions"]["commit"]])
    return before | {
        "versions": before["versions"] | result["versions"] | {"commit": commit},
        "rows": [row for row in before["rows"] if row["section"] not in new] + result["rows"],
        "bounds": [row for row in before["bounds"] if row["path"] not in paths] + result["bounds"],
        "disturbed": sorted({*before["disturbed"], *result["disturbed"]}),
        "instruction_sets": before["instruction_sets"] | result["instruction_sets"],
        "score_differences": before["score_differences"] | result["score_differences"],
        "measurements": before["measurements"] | result["measurements"],
    }


def warm(path):
    """Brings a file into the page cache."""
    with open(path, "rb") as file:
        while file.read(1 << 24):
            pass


def main():
    given = arguments()
    clock = Stopwatch()
    machine.hold_to(given.threads)
    WORK.mkdir(exist_ok=True)
    conditions = {"like": given.like, "threads": given.threads}
    session = Session(WORK / f"measurements-{given.like}.jsonl", conditions, given.fresh)
    libmf.build()
    folder = prepare(given.like)
    context = {}
    makers = {
        "read": lambda: read_jobs(folder, given.threads),
        "mf": lambda: mf_jobs(folder, given.threads, context),
        "adam": lambda: adam_jobs(folder, given.threads),
        "als": lambda: als_jobs(folder, given.threads),
        "rank": lambda: rank_jobs(folder, given.threads),
        "streams": lambda: streams_jobs(given.threads),
        "isa": lambda: isa_jobs(folder, given.threads),
    }
    for section in given.only:
        session.rounds(1 if section == "isa" else given.rounds, makers[section]())
    if "adam" in given.only:
        session.rounds(1, adam_quality_jobs(folder, given.threads))
    if "als" in given.only:
        session.rounds(1, als_slow_jobs(folder, given.threads))

    command = [BENCHMARKS / "ceilings", "--json", str(given.threads)]
    ceilings = json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)
    result = {
        "made": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "seconds": round(clock.seconds),
        "like": given.like,
        "threads": given.threads,
        "rounds": given.rounds,
        "disturbed": session.disturbed(),
        "machine": machine.facts(),
        "versions": machine.versions(),
        "ceilings": ceilings,
        "bounds": bounds.rows(session, folder, ceilings),
        "libmf": context,
        "instruction_sets": table.instruction_sets(session),
        "score_differences": score_differences(folder),
        "rows": table.rows(session, folder, context),
        "measurements": {name: session.results(name) for name in sorted({name for name, _ in session.taken})},
    }
    path = WORK / f"latest-{given.like}.json"
    if given.like == settings.LARGE:
        path = RESULTS / "latest.json"
        if set(given.only) != set(SECTIONS) and path.exists():
            result = merged(json.loads(path.read_text()), result, given.only)
    write_json(path, result)
    print(table.text(result))
    print("\n" + bounds.text(result["bounds"]))
    print("\n" + table.instruction_sets_text(result["instruction_sets"]))
    if result["disturbed"]:
        print("\n" + table.disturbance(result))
    print(f"\nkept in {path.relative_to(BENCHMARKS.parent)}")


if __name__ == "__main__":
    main()
