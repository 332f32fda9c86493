"""Rows of ratios from measurements, and the table that is printed."""

from statistics import median

import settings


def rows(session, folder, context) -> list:
    return [row for part in (_read, _mf, _adam, _als, _rank, _streams) for row in part(session, folder, context)]


def row(section, what, unit, peer, ours, theirs, more_is_better):
    """Medians of both sides, and how many times better ours is. Values are lists, one a round; None is “never”."""
    mine, other = (median(values) if None not in values else None for values in (ours, theirs))
    ratio = None
    if mine and other:
        ratio = mine / other if more_is_better else other / mine
    return {
        "section": section,
        "what": what,
        "unit": unit,
        "peer": peer,
        "starling": mine,
        "peer_value": other,
        "ratio": ratio,
        "starling_rounds": ours,
        "peer_rounds": theirs,
    }


def _of(results, key):
    return [result[key] for result in results]


def _rate(results, ratings):
    """Ratings a second over the epochs after the first, which also touches memory for the first time."""
    return [ratings / median(result["epoch_seconds"][1:6]) for result in results]


def _read(session, folder, context):
    ours = session.results("read/starling")
    for reader, title in settings.READERS.items():
        theirs = session.results(f"read/{reader}")
        if ours and theirs:
            if {r["rows"] for r in ours} != {r["rows"] for r in theirs}:
                raise SystemExit(f"bench: {title} reads another number of rows than Starling")
            section = f"reading {ours[0]['rows']:,} ratings"
            yield row(section, "time", "s", title, _of(ours, "seconds"), _of(theirs, "seconds"), False)
            peaks = [[value / 1e9 for value in _of(side, "peak_memory_bytes")] for side in (ours, theirs)]
            yield row(section, "peak memory", "GB", title, *peaks, False)


def _mf(session, folder, context):
    for factors in settings.FACTORS:
        ours, theirs, fastest, torch = (
            session.results(f"mf-{factors}/{name}") for name in ("starling", "libmf", "starling-fastest", "torch-dense")
        )
        if not (ours and theirs and fastest and torch):
            continue
        section, ratings = f"factorisation by SGD, k = {factors}", ours[0]["ratings"]
        speed = _rate(ours, ratings)
        peer = "LIBMF, AVX"
        yield row(section, "speed", "M ratings/s", peer, _millions(speed), _millions(_rate(theirs, ratings)), True)
        epochs = len(theirs[0]["val_rmse"])
        bests = [min(result["val_rmse"]) for result in theirs]
        last = [result["val_rmse"][-1] for result in ours]
        yield row(section, f"validation RMSE, {epochs} epochs", "", peer, last, bests, False)
        goal = median(bests)
        times = [_time_to(r, goal) for r in fastest], [_time_to(r, best) for r, best in zip(theirs, bests)]
        yield row(section, f"time to RMSE {goal:.4f}", "s", peer, *times, False)
        samples = _millions(_of(torch, "samples_per_second"))
        yield row(section, "speed", "M ratings/s", "PyTorch, dense Adam", _millions(speed), samples, True)


def _adam(session, folder, context):
    for name in ("adam", "adam-large"):
        ours, theirs = session.results(f"{name}/starling"), session.results(f"{name}/torch-sparse")
        if not (ours and theirs):
            continue
        ratings = ours[0]["ratings"]
        section = f"factorisation by Adam, k = {settings.ADAM_FACTORS}, batches of 2048, {ratings:,} ratings"
        peer = "PyTorch, SparseAdam"
        speeds = _millions(_rate(ours, ratings)), _millions(_of(theirs, "samples_per_second"))
        yield row(section, "speed", "M ratings/s", peer, *speeds, True)
        judged = session.results(f"{name}/torch-sparse-quality") or theirs
        bests = [[min(result["val_rmse"]) for result in side] for side in (ours, judged) if all(_of(side, "val_rmse"))]
        if len(bests) == 2:
            yield row(section, f"best validation RMSE of {len(ours[0]['val_rmse'])} epochs", "", peer, *bests, False)


def _als(session, folder, context):
    for factors in settings.FACTORS:
        exact, approximate = (session.results(f"als-{factors}/starling-{solver}") for solver in ("cholesky", "cg"))
        if not (exact and approximate):
            continue
        section = f"alternating least squares, k = {factors}, {exact[0]['ratings']:,} ratings"
        peers = {
            "implicit-cholesky": ("implicit, Cholesky", {"exact": exact}),
            "buffalo": ("buffalo, llt", {"exact": exact}),
            "implicit-cg": ("implicit, 3 CG steps", {"exact": exact, "cg": approximate}),
            "spark": ("Spark", {"exact": exact}),
        }
        for name, (peer, sides) in peers.items():
            theirs = session.results(f"als-{factors}/{name}")
            for solver, ours in sides.items() if theirs else ():
                seconds = _iteration_seconds(ours), _iteration_seconds(theirs)
                yield row(section, f"an iteration, {solver}", "s", peer, *seconds, False)
            # Everybody starts from random numbers of its own kind, which a few iterations do not make up for entirely.
            if theirs and "objective" in theirs[0]:
                solver, ours = list(sides.items())[-1]
                ratings, iterations = ours[0]["ratings"], len(ours[0]["epoch_seconds"])
                objectives = [[value / ratings for value in _of(side, "objective")] for side in (ours, theirs)]
                yield row(section, f"objective a rating, {iterations} iterations, {solver}", "", peer, *objectives, False)
                if solver == "exact":
                    peaks = [[value / 1e9 for value in _of(side, "peak_memory_bytes")] for side in (ours, theirs)]
                    yield row(section, "peak memory, exact", "GB", peer, *peaks, False)


def _iteration_seconds(results):
    return [result["seconds"] if "seconds" in result else median(result["epoch_seconds"][1:]) for result in results]


def _rank(session, folder, context):
    pairs = [
        ("rank/starling", "rank/faiss", "all items", "faiss IndexFlatIP"),
        ("rank/starling-unseen", "rank/implicit", "unseen items", "implicit"),
    ]
    for name, other, what, peer in pairs:
        ours, theirs = session.results(name), session.results(other)
        if ours and theirs:
            section = f"top {settings.COUNT} of {ours[0]['items']:,} items for {ours[0]['users']:,} users, k = 64"
            speeds = [[result["users"] / result["seconds"] / 1e3 for result in side] for side in (ours, theirs)]
            yield row(section, f"speed, {what}", "K users/s", peer, *speeds, True)


def instruction_sets(session) -> dict:
    """For each hot path its rate with each instruction set."""
    paths = {"reading, M rows/s": ("read", lambda r: r["rows"] / r["seconds"] / 1e6)}
    for name, title in (("sgd-64", "SGD, k = 64"), ("sgd-128", "SGD, k = 128"), ("adam", "Adam, k = 64")):
        paths[f"{title}, M ratings/s"] = (name, lambda r: r["ratings"] / median(r["epoch_seconds"][1:]) / 1e6)
    for factors in settings.FACTORS:
        title = f"exact ALS, k = {factors}, small set, M ratings/s"
        paths[title] = (f"als-{factors}", lambda r: r["ratings"] / median(r["epoch_seconds"][1:]) / 1e6)
    paths["ranking, K users/s"] = ("rank", lambda r: r["users"] / r["seconds"] / 1e3)
    found = {}
    for title, (name, rate) in paths.items():
        for isa in settings.INSTRUCTION_SETS:
            if results := session.results(f"isa/{name}/{isa}"):
                found.setdefault(title, {})[isa] = median(map(rate, results))
    return found


def instruction_sets_text(found) -> str:
    lines = ["Instruction sets", "", f"  {'':44}" + "".join(f"{isa:>12}" for isa in settings.INSTRUCTION_SETS)]
    for title, rates in found.items():
        cells = (f"{rates[isa]:12.3g}" if isa in rates else f"{'—':>12}" for isa in settings.INSTRUCTION_SETS)
        lines.append(f"  {title:44}" + "".join(cells))
    return "\n".join(lines)


def instruction_sets_markdown(found) -> str:
    heads = [isa for isa in settings.INSTRUCTION_SETS if any(isa in rates for rates in found.values())]
    lines = ["| | " + " | ".join(heads) + " |", "|---|" + "--:|" * len(heads)]
    for title, rates in found.items():
        lines.append(f"| {title} | " + " | ".join(f"{rates[isa]:.3g}" if isa in rates else "" for isa in heads) + " |")
    return "\n".join(lines)


def _streams(session, folder, context):
    ours, theirs = session.results("streams/starling"), session.results("streams/mosaic")
    if not ours:
        return
    section, unit = "shards of user, item, rating", "M samples/s"
    write, read, shuffled = (
        [result["samples"] / result[f"{what}_seconds"] / 1e6 for result in ours] for what in ("write", "sequential", "shuffled")
    )
    if theirs:
        peer = "mosaicml-streaming"
        yield row(section, "writing", unit, peer, write, _millions(_of(theirs, "write_rate")), True)
        yield row(section, "reading", unit, peer, read, _millions(_of(theirs, "read_rate")), True)
    yield row(section, "reading, shuffled", unit, "itself, in order", shuffled, read, True)


def _millions(values):
    return [value / 1e6 for value in values]


def _time_to(result, goal):
    """Seconds of training until an epoch ends with an RMSE of at most `goal`; None if none does. LIBMF's RMSEs have four
    decimals, so ours are rounded to as many."""
    seconds = 0
    for epoch, error in zip(result["epoch_seconds"], result["val_rmse"]):
        seconds += epoch
        if round(error, 4) <= goal:
            return seconds
    return None


def number(value, unit):
    if value is None:
        return "never"
    if unit == "":
        return f"{value:.4f}"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def ratio(row):
    """“2.6 ×”; what is within the noise is not claimed, and errors are no speeds."""
    value = row["ratio"]
    if row["unit"] == "":
        return ""
    if value is None:
        return "—"
    if 1 / settings.MARGIN < value < settings.MARGIN:
        return f"≈ ({value:.2f} ×)"
    return f"{value:.1f} ×" if value < 10 else f"{value:,.0f} ×"


def cells(row):
    unit = f" {row['unit']}" if row["unit"] else ""
    values = [number(row[key], row["unit"]) for key in ("starling", "peer_value")]
    return [row["what"], row["peer"], *(v + unit if v != "never" else v for v in values), ratio(row)]


def summary(result) -> str:
    """One line about where and how."""
    machine, versions = result["machine"], result["versions"]
    names = ("libmf", "torch", "polars", "pandas", "pyarrow", "faiss-cpu", "implicit", "buffalo", "pyspark")
    peers = ", ".join(f"{name} {versions[name].split(',')[0]}" for name in names if name in versions)
    return (
        f"{machine['cpu']}, {machine['processors']} processors, {machine['memory_bytes'] / 2**30:.0f} GiB; "
        f"{result['threads']} threads; medians of {result['rounds']} interleaved rounds; generated ratings like "
        f"{result['like']}; Starling {versions['starling']} ({versions['commit']}); {peers}"
    )


def disturbance(result) -> str:
    """A sentence about other tenants and programs that had a part of the machine meanwhile; empty if none had."""
    if not result["disturbed"]:
        return ""
    shares = [median(r["others"] for r in result["measurements"][name]) for name in result["disturbed"]]
    names = ", ".join(result["disturbed"])
    return f"Others, most of them the machine's other tenants, had {min(shares):.0%} to {max(shares):.0%} of it beside {names}."


def text(result) -> str:
    heads = ["", "beside", "Starling", "peer", "ratio"]
    lines, section = [summary(result)], None
    body = [cells(row) for row in result["rows"]]
    widths = [max(len(line[column]) for line in [heads, *body]) for column in range(len(heads))]

    def line(values):
        sides = [str.ljust, str.ljust, str.rjust, str.rjust, str.rjust]
        return "  " + "  ".join(side(value, width) for side, value, width in zip(sides, values, widths)).rstrip()

    lines += ["", line(heads)]
    for row, values in zip(result["rows"], body):
        if row["section"] != section:
            section = row["section"]
            lines += ["", section]
        lines.append(line(values))
    for peer, difference in result["score_differences"].items():
        lines.append(f"\nscores of lists differ from {peer}'s by {difference:.1e} at most")
    return "\n".join(lines)
