"""Where the scripts that are started by themselves find NumPy and the peers."""

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
FOLDER = HERE.parent.parent / ".venv-bench"


def enter(*packages: str):
    """Goes on in .venv-bench, as if started there; of what it lacks, these packages are installed first."""
    sys.dont_write_bytecode = True
    if not (FOLDER.parent / ".build/release/starling").exists():
        sys.exit("Starling is not built: make build")
    if FOLDER.exists() and os.path.samefile(sys.prefix, FOLDER):
        return
    python = str(FOLDER / "bin/python")
    if not os.path.exists(python):
        subprocess.run([sys.executable, "-m", "venv", FOLDER], check=True)
    if subprocess.run([python, "-c", "import " + ", ".join(packages)], stderr=subprocess.DEVNULL).returncode != 0:
        wanted = [line for line in (HERE / "requirements.txt").read_text().split() if line.split("==")[0] in packages]
        pip = [python, "-m", "pip", "install", "--disable-pip-version-check", "--quiet"]
        subprocess.run([*pip, *wanted], check=True)
    os.execv(python, [python, *sys.argv])
