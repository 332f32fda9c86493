"""A real MLflow server over a folder, for the tests: python server.py FOLDER [FLAGS OF mlflow server].

Prints {"uri": …} when it answers, and then a line for each line that it is given: `kill` stops the server as a crash would,
`start` starts it again at the same address, `read EXPERIMENT` prints what MLflow's own client finds there, `do CODE` runs
a statement with that client. Ends with its input.
"""

import json
import math
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from mlflow.tracking import MlflowClient


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    def __init__(self, folder: Path, flags: list[str]) -> None:
        self.folder, self.flags, self.port = folder, flags, free_port()
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        environment = os.environ | {
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
            "MLFLOW_DISABLE_TELEMETRY": "true",
        }
        command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(self.port)]
        command += ["--workers", "1", "--backend-store-uri", f"sqlite:///{self.folder}/mlflow.db"]
        if "--no-serve-artifacts" not in self.flags:
            command += ["--artifacts-destination", f"{self.folder}/artifacts"]
        with open(self.folder / "server.log", "ab") as log:
            self.process = subprocess.Popen(
                command + self.flags, cwd=self.folder, env=environment, stdout=log, stderr=log, start_new_session=True
            )
        uri = f"http://127.0.0.1:{self.port}"
        while True:
            if self.process.poll() is not None:
                sys.exit((self.folder / "server.log").read_text()[-2000:])
            try:
                urllib.request.urlopen(uri + "/health", timeout=1)
                return
            except OSError:
                time.sleep(0.05)

    def kill(self) -> None:
        if self.process:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None


def read(client: MlflowClient, experiment: str) -> dict[str, list[object]]:
    """Runs by their names, as MLflow's own client has them; numbers that are none as texts."""
    found = client.get_experiment_by_name(experiment)
    runs: dict[str, list[object]] = {}
    for run in client.search_runs([found.experiment_id], max_results=1000) if found else []:
        identity = run.info.run_id
        history = {name: client.get_metric_history(identity, name) for name in run.data.metrics}
        runs.setdefault(run.info.run_name, []).append(
            {
                "id": identity,
                "status": run.info.status,
                "ended": run.info.end_time is not None,
                "parameters": run.data.params,
                "tags": run.data.tags,
                "metrics": {name: [[p.step, number(p.value)] for p in points] for name, points in history.items()},
                "files": files(client, identity),
                "versions": {v.name: v.version for v in client.search_model_versions(f"run_id='{identity}'")},
            }
        )
    return runs


def number(value: float) -> float | str:
    return value if math.isfinite(value) else str(value)


def files(client: MlflowClient, run: str, path: str | None = None) -> dict[str, int]:
    found: dict[str, int] = {}
    for entry in client.list_artifacts(run, path):
        found |= files(client, run, entry.path) if entry.is_dir else {entry.path: entry.file_size or 0}
    return found


def main() -> None:
    folder = Path(sys.argv[1]).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    server = Server(folder, sys.argv[2:])
    server.start()
    print(json.dumps({"uri": f"http://127.0.0.1:{server.port}"}), flush=True)
    client = MlflowClient(f"http://127.0.0.1:{server.port}")
    for line in sys.stdin:
        command, _, rest = line.strip().partition(" ")
        if command == "kill":
            server.kill()
        elif command == "start":
            server.start()
        elif command == "do":
            exec(rest, {"client": client})
        sys.stdout.write(json.dumps(read(client, rest) if command == "read" else {}) + "\n")
        sys.stdout.flush()
    server.kill()


if __name__ == "__main__":
    main()
