"""Measurements that survive an interruption: one line a measurement, appended as soon as it is taken."""

import hashlib
import json
import os
import resource
import sys
from pathlib import Path
from statistics import median

from common import HERE, STARLING


# Scripts that only say what was measured.
REPORTING = {"bounds.py", "table.py"}


class Session:
    """Measurements of one binary with one set of parameters. Another binary, or other scripts (but those that
    report), start a new one, so that what is compared was always measured side by side."""

    def __init__(self, path, conditions: dict, fresh: bool):
        self.path = path
        self.taken = {}
        scripts = [file for file in sorted(HERE.glob("*.*")) if file.is_file() and file.name not in REPORTING]
        digests = [hashlib.sha256(file.read_bytes()).digest() for file in (STARLING, *scripts)]
        digest = hashlib.sha256(b"".join(digests))
        header = conditions | {"digest": digest.hexdigest()}
        lines = path.read_text().splitlines() if path.exists() and not fresh else []
        if lines and json.loads(lines[0]) == header:
            for line in lines[1:]:
                entry = json.loads(line)
                self.taken[entry["name"], entry["round"]] = entry["result"]
        else:
            path.write_text(json.dumps(header) + "\n")

    def rounds(self, count: int, jobs: dict):
        """Takes every job once a round, one after the other: A B C, A B C, …"""
        for round in range(count):
            for name, job in jobs.items():
                if (name, round) in self.taken:
                    continue
                print(f"round {round + 1} of {count}: {name}", file=sys.stderr, flush=True)
                others = Others()
                result = job()
                result["others"] = others.share()
                self.taken[name, round] = result
                with self.path.open("a") as file:
                    file.write(json.dumps({"name": name, "round": round, "result": result}) + "\n")

    def results(self, name: str) -> list:
        """All rounds of a job; empty where it was not run."""
        return [result for (taken, _), result in sorted(self.taken.items()) if taken == name]

    def disturbed(self) -> list:
        """Names of jobs beside which other programs used more than a twentieth of the machine, in the median round. Spark's
        virtual machine looks like another program, so nothing is known about its jobs."""
        names = {name for name, _ in self.taken if not name.endswith("/spark")}
        return sorted(name for name in names if median(result["others"] for result in self.results(name)) > 0.05)


class Others:
    """How busy programs that are not ours keep the machine. Beside a busy one, threads that wait for each other wait for
    a turn instead, and a program with many short parallel steps looks ten times slower than it is."""

    def __init__(self):
        self.start = self._now()

    def share(self) -> float:
        """The part of all processors' time that others had since the start."""
        all, busy, own = (now - then for now, then in zip(self._now(), self.start))
        return round(max(0.0, busy - own) / max(all, 1e-9), 3)

    @staticmethod
    def _now() -> tuple:
        ticks = [int(word) for word in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
        user, nice, system, idle, waiting, hard, soft, stolen = (tick / os.sysconf("SC_CLK_TCK") for tick in ticks)
        busy = user + nice + system + hard + soft + stolen
        usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return busy + idle + waiting, busy, sum(usage.ru_utime + usage.ru_stime for usage in usages)
