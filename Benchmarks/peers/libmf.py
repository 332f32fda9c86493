"""LIBMF (https://www.csie.ntu.edu.tw/~cjlin/libmf/), built for this machine, and one training run of it.

Its package on PyPI holds its source; what pip builds from that has no SIMD, so it is compiled here as LIBMF's own
Makefile does for AVX and OpenMP. Two calls are added to its loop over epochs, so that an epoch is timed where it
begins and ends.
"""

import hashlib
import os
import subprocess
import sys
import tarfile

from common import HERE, WORK, environment
from data import sizes

VERSION = "0.9.2"
SHA256 = "11260ed5f2eea534039a443c2f8925dcd91ea047371f3d325ef2fb9b79e9dac9"
FLAGS = "-O3 -march=native -mavx -fopenmp -pthread -std=c++11 -w -DUSEAVX -DUSEOMP".split()
FOLDER = WORK / "libmf"
PROGRAM = FOLDER / "libmf"
LOOP = """    for(mf_int iter = 0; iter < param.nr_iters; iter++)
    {
        sched.wait_for_jobs_done();
"""


def compiler() -> str:
    """g++ by choice: the Swift toolchain's clang has no OpenMP."""
    return os.environ.get("CXX", "g++")


def build():
    """Fetches, marks the epochs and compiles, unless that was done."""
    stamp, wanted = FOLDER / "built-from", f"{VERSION} {compiler()} {' '.join(FLAGS)} {_digest(HERE / 'libmf.cpp')}"
    if PROGRAM.exists() and stamp.exists() and stamp.read_text() == wanted:
        return
    FOLDER.mkdir(parents=True, exist_ok=True)
    archive = FOLDER / f"libmf-{VERSION}.tar.gz"
    if not archive.exists():
        pip = "-m pip download --disable-pip-version-check --quiet --no-deps --no-build-isolation --no-binary :all:"
        subprocess.run([sys.executable, *pip.split(), "--dest", FOLDER, f"libmf=={VERSION}"], check=True)
    if _digest(archive) != SHA256:
        sys.exit(f"bench: {archive} is not the file that was expected")
    with tarfile.open(archive) as package:
        for name in ("mf.cpp", "mf.h"):
            member = package.extractfile(f"libmf-{VERSION}/src_cpp/{name}")
            (FOLDER / name).write_bytes(member.read())
    source = (FOLDER / "mf.cpp").read_text()
    resume = "        sched.resume();\n    }\n    sched.terminate();"
    if source.count(LOOP) != 1 or source.count(resume) != 1:
        sys.exit("bench: LIBMF's loop over epochs is not where it was")
    source = source.replace(LOOP, "    ::epoch_begins();\n" + LOOP + "        ::epoch_ends();\n")
    (FOLDER / "mf_timed.cpp").write_text(source.replace(resume, "        ::epoch_begins();\n" + resume))
    command = [compiler(), *FLAGS, f"-I{FOLDER}", HERE / "libmf.cpp", "-o", PROGRAM]
    subprocess.run(command, check=True)
    stamp.write_text(wanted)


def train(folder, factors, threads, blocks, epochs, penalty, rate, stop_after_rises=None) -> dict:
    """Trains on FOLDER/train.bin: the epochs' seconds and validation RMSEs. The RMSE has the four decimals that LIBMF
    prints. `stop_after_rises` ends the run when that many epochs in a row were worse than the best one."""
    users, items = sizes(folder)
    numbers = [users, items, factors, threads, blocks, epochs, penalty, rate]
    command = [PROGRAM, f"{folder}/train.bin", f"{folder}/validation.bin", *numbers]
    # LIBMF validates with OpenMP between epochs, whose threads would go on spinning beside those that train.
    variables = environment(threads, OMP_WAIT_POLICY="passive")
    seconds, errors = [], []
    with subprocess.Popen(
        [str(word) for word in command], env=variables, stdout=subprocess.PIPE, text=True
    ) as process:
        for line in process.stdout:
            fields = line.split()
            if fields and fields[0] == "epoch_seconds":
                seconds.append(float(fields[1]))
                best = errors.index(min(errors))
                if stop_after_rises is not None and len(errors) - 1 - best >= stop_after_rises:
                    process.kill()
                    break
            elif len(fields) == 4 and fields[0].isdigit():
                errors.append(float(fields[2]))
    if not seconds:
        sys.exit(f"bench: LIBMF printed no epoch: {command}")
    return {"epoch_seconds": seconds, "val_rmse": errors[: len(seconds)]}


def _digest(path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
