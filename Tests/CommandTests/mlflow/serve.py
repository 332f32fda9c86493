"""`mlflow models serve` over a model: python serve.py MODEL. Prints {} when it answers, and then for each line of its input, a body
for /invocations, the answer. Ends with its input."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request


def main() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "models", "serve", "--model-uri", sys.argv[1], "--env-manager", "local"]
    environment = os.environ | {"PATH": os.path.dirname(sys.executable) + os.pathsep + os.environ["PATH"]}
    process = subprocess.Popen(
        command + ["--port", str(port), "--host", "127.0.0.1"], env=environment, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, start_new_session=True,
    )
    address = f"http://127.0.0.1:{port}"
    while process.poll() is None:
        try:
            urllib.request.urlopen(address + "/ping", timeout=1)
            break
        except OSError:
            time.sleep(0.05)
    print("{}", flush=True)
    for line in sys.stdin:
        request = urllib.request.Request(address + "/invocations", line.encode(), {"content-type": "application/json"})
        print(json.dumps(json.load(urllib.request.urlopen(request))), flush=True)
    os.killpg(process.pid, signal.SIGKILL)


if __name__ == "__main__":
    main()
