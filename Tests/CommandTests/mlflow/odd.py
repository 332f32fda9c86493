"""Servers that no client should trust, and Databricks as far as its documents go: python odd.py KIND. Prints {"uri": …}.

KIND is slow (answers after thirty seconds), lying (answers 200 with a page), closed (401), forgetful (503 twice, then well),
path (keeps files where only it reaches), or databricks. Each line of its input prints {"requests": [[method, path, body, secret], …]}. Ends with its input.
"""

import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

KIND = sys.argv[1]
REQUESTS: list[list[str]] = []
FAILURES = {"left": 2 if KIND == "forgetful" else 0}
ROOTS = {"path": "/srv/mlruns/1/r1/artifacts", "databricks": "dbfs:/databricks/mlflow-tracking/1/r1/artifacts"}


def answer(path: str, port: int) -> object:
    """What a server says to a call that it likes."""
    match path.split("?")[0].removeprefix("/api/2.0/mlflow/"):
        case "experiments/get-by-name":
            return {"experiment": {"experiment_id": "1", "lifecycle_stage": "active"}}
        case "runs/create":
            return {"run": {"info": {"run_id": "r1", "artifact_uri": ROOTS.get(KIND, "mlflow-artifacts:/1/r1/artifacts")}}}
        case "artifacts/credentials-for-write":
            header = {"name": "x-ticket", "value": "77"}
            info = {"signed_uri": f"http://127.0.0.1:{port}/signed?secret=55", "headers": [header], "type": "AWS_PRESIGNED_URL"}
            return {"credential_infos": [info]}
        case "unity-catalog/model-versions/create":
            return {"model_version": {"version": "3"}}
    return {}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        shown = body.decode() if "json" in self.headers.get("content-type", "") else str(len(body))
        secret = self.headers.get("authorization") or self.headers.get("x-ticket") or ""
        REQUESTS.append([self.command, self.path, shown, secret])
        if KIND == "slow":
            time.sleep(30)
        if KIND == "closed":
            return self.reply(401, b"You are not authenticated.")
        if KIND == "lying":
            return self.reply(200, b"<html>Welcome</html>")
        if FAILURES["left"] > 0:
            FAILURES["left"] -= 1
            return self.reply(503, b"busy")
        self.reply(200, json.dumps(answer(self.path, self.server.server_port)).encode())

    do_POST = do_PUT = do_GET

    def reply(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def main() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(json.dumps({"uri": f"http://127.0.0.1:{server.server_port}"}), flush=True)
    for _ in sys.stdin:
        print(json.dumps({"requests": REQUESTS}), flush=True)


if __name__ == "__main__":
    main()
