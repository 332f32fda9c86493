"""What share of the machine's ceilings the hot paths reach. docs/performance.md derives the counts."""

from statistics import median

import settings


def rows(session, folder, ceilings) -> list:
    """For each hot path its rate, and each of its demands beside the ceiling on that."""
    found = []
    multiply_adds = ceilings.get("fma_512_gflops", ceilings.get("fma_256_gflops"))

    def add(path, demand, reached, unit, ceiling):
        if ceiling:
            share = reached / ceiling
            entry = {"path": path, "demand": demand, "reached": reached, "unit": unit, "ceiling": ceiling}
            found.append(entry | {"share": share})

    if results := session.results("read/starling"):
        size = 2 * (folder / "ratings.csv").stat().st_size + 44 * results[0]["rows"]
        seconds = median(result["seconds"] for result in results)
        rate = size / seconds / 1e9
        add("reading", "2 S + 44 N bytes, to and from memory", rate, "GB/s", ceilings["read_gb_per_second"])

    for factors in settings.FACTORS:
        if results := session.results(f"mf-{factors}/starling"):
            seconds = median(median(result["epoch_seconds"][1:6]) for result in results)
            rate, path = results[0]["ratings"] / seconds / 1e9, f"SGD, k = {factors}"
            add(path, "rows read and written in L2", rate * 10 * factors, "GB/s", ceilings["l2_update_gb_per_second"])
            add(path, "multiply-adds", rate * 2 * 5.75 * factors, "GFLOP/s", multiply_adds)

    for name, path in (("adam/starling", "Adam, small set"), ("adam-large/starling", "Adam, large set")):
        if results := session.results(name):
            seconds = median(median(result["epoch_seconds"][1:]) for result in results)
            rate, factors = results[0]["ratings"] / seconds / 1e9, settings.ADAM_FACTORS
            add(path, "rows and moments", rate * 48 * factors, "GB/s", ceilings["random_rows_gb_per_second"])

    for factors in settings.FACTORS:
        if results := session.results(f"als-{factors}/starling-cholesky"):
            seconds = median(median(result["epoch_seconds"][1:]) for result in results)
            rate = als_operations(results[0], factors) / seconds / 1e9
            add(f"ALS, exact, k = {factors}", "matrices and solves", rate, "GFLOP/s", ceilings["sgemm_gflops"])

    for name, path in (("rank/starling", "ranking, all items"), ("rank/starling-unseen", "ranking, unseen items")):
        if results := session.results(name):
            seconds = median(result["seconds"] for result in results)
            work = 2 * results[0]["users"] * results[0]["items"] * (64 + 2)
            add(path, "multiply-adds of all scores", work / seconds / 1e9, "GFLOP/s", multiply_adds)
    return found


def als_operations(found, k) -> float:
    """Of an iteration by the plain way: every row's matrix, its lower half, and its solution by Cholesky."""
    rows = found["users"] + found["items"]
    return 2 * found["ratings"] * (k**2 + 4 * k) + rows * (k**3 / 3 + 3.5 * k**2)


def text(rows) -> str:
    lines = ["Share of the machine's ceilings (docs/performance.md)", ""]
    for row in rows:
        amounts = f"{row['reached']:7.1f} of {row['ceiling']:6.1f} {row['unit']:7}"
        lines.append(f"  {row['path']:24} {row['demand']:34} {amounts} {row['share']:5.0%}")
    return "\n".join(lines)


def markdown(rows) -> str:
    lines = ["| | demand | reached | ceiling | share |", "|---|---|--:|--:|--:|"]
    for row in rows:
        amounts = f"{row['reached']:.3g} {row['unit']} | {row['ceiling']:.3g} {row['unit']} | {row['share']:.0%}"
        lines.append(f"| {row['path']} | {row['demand']} | {amounts} |")
    return "\n".join(lines)


# Names of the ceilings' figures.
CEILINGS = {
    "triad_gb_per_second": "memory, triad, GB/s",
    "read_gb_per_second": "memory, reading, GB/s",
    "random_rows_gb_per_second": "random rows, GB/s",
    "l2_update_gb_per_second": "L2 cache, GB/s",
    "fma_256_gflops": "multiply-adds, 256 bits, GFLOP/s",
    "fma_512_gflops": "multiply-adds, 512 bits, GFLOP/s",
    "sgemm_gflops": "matrix product, GFLOP/s",
}


def ceilings_markdown(ceilings) -> str:
    lines = ["| ceiling | all threads |", "|---|--:|"]
    return "\n".join(lines + [f"| {title} | {ceilings[key]:.4g} |" for key, title in CEILINGS.items() if ceilings.get(key)])
