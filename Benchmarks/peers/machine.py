"""The machine and the versions that figures belong to."""

import os
import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import libmf
import settings
from common import BUFFALO_PYTHON, MOSAIC_PYTHON, HERE, ROOT, STARLING


def cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def facts() -> dict:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cpu": cpu(),
        "processors": os.cpu_count(),
        "memory_bytes": memory,
        "l2_bytes": _cache("index2"),
        "l3_bytes": _cache("index3"),
        "avx512": " avx512f " in Path("/proc/cpuinfo").read_text(),
        "system": f"{platform.system()} {platform.release()}",
    }


def versions(*names: str) -> dict:
    """Of these Python packages, or of all that are required, and of what is not one."""
    names = names or [line.split("==")[0] for line in (HERE / "requirements.txt").read_text().splitlines() if "==" in line]
    found = {name: metadata.version(name) for name in names}
    for name, python in (("buffalo", BUFFALO_PYTHON), ("mosaicml-streaming", MOSAIC_PYTHON)):
        if python.exists():
            find = f"from importlib.metadata import version; print(version({name!r}))"
            found[name] = _output(python, "-c", find)
    found["libmf"] = f"{libmf.VERSION}, {libmf.compiler()} {' '.join(libmf.FLAGS)}"
    found["python"] = platform.python_version()
    found["starling"] = _output(STARLING, "--version")
    found["commit"] = _output("git", "rev-parse", "--short", "HEAD") + (
        " with changes" if _output("git", "status", "--porcelain", "Sources") else ""
    )
    found["swift"] = _output("swift", "--version").splitlines()[0]
    return found


def hold_to(threads: int):
    """Keeps this process, and all that it starts, on the first so many processors that it may use."""
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < threads:
        sys.exit(f"bench: {threads} threads are asked for, and there are {len(allowed)} processors")
    os.sched_setaffinity(0, allowed[:threads])


def _cache(index: str):
    try:
        text = Path(f"/sys/devices/system/cpu/cpu0/cache/{index}/size").read_text().strip()
    except OSError:
        return None
    return int(text[:-1]) * {"K": 1 << 10, "M": 1 << 20}[text[-1]]


def _output(*command) -> str:
    return subprocess.run([str(word) for word in command], cwd=ROOT, capture_output=True, text=True).stdout.strip()


def instruction_sets() -> list:
    """Those of settings.INSTRUCTION_SETS that this machine runs."""
    flags = next((line.split() for line in open("/proc/cpuinfo") if line.startswith("flags")), [])
    needs = {"baseline": (), "avx2": ("avx2", "fma"), "avx512": ("avx512f", "avx512bw"), "avx512vnni": ("avx512_vnni",)}
    return [isa for isa in settings.INSTRUCTION_SETS if all(flag in flags for flag in needs[isa])]
