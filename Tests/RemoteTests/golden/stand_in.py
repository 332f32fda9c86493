"""A web server with every fault that the tests want, and enough of the Databricks Files API.

Prints its port and the file in which it notes what was asked, serves until its standard input ends.
GET /BEHAVIOUR/…/bytes-N answers N bytes that depend on their position alone; BEHAVIOUR says what goes wrong.
"""

import json
import re
import socket
import sys
import tempfile
import threading
import time
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOKEN = "databricks-token"
counts, volume, lock = {}, {}, threading.Lock()
log = tempfile.NamedTemporaryFile("w", suffix=".jsonl")


def content(count, salt=0):
    block = bytes((i * 7 + (i >> 8) * 13 + salt) & 255 for i in range(1 << 16))
    return (block * (count // len(block) + 1))[:count]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.note()
        path = self.path.split("?")[0]
        if path.startswith("/api/2.0/fs/files/"):
            return self.databricks(path[len("/api/2.0/fs/files"):])
        behaviour = path.split("/")[1]
        handler = getattr(self, "serve_" + behaviour.replace("-", "_"), None)
        handler() if handler else self.answer(404, b"no such thing")

    def do_PUT(self):
        self.note()
        body = self.rfile.read(int(self.headers["Content-Length"]))
        path = self.path.split("?")[0]
        if self.headers.get("Authorization") != "Bearer " + TOKEN:
            return self.answer(401, b'{"error_code":"UNAUTHENTICATED"}')
        with lock:
            volume[path[len("/api/2.0/fs/files"):]] = body
        self.answer(204, b"")

    def note(self):
        with lock:
            self.count = counts[self.path] = counts.get(self.path, 0) + 1
            log.write(json.dumps({
                "method": self.command, "path": self.path,
                "headers": {name.lower(): value for name, value in self.headers.items()}}) + "\n")
            log.flush()

    def answer(self, status, body, headers={}, length=None):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def body(self, salt=0):
        return content(int(re.search(r"bytes-(\d+)", self.path).group(1)), salt)

    def hang_up(self):
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True

    def serve_ok(self, salt=0, tag=True, body=None, write=None):
        """The file, with ranges and conditions as the standard has them."""
        body = self.body(salt) if body is None else body
        etag = f'"{len(body)}-{salt}"'
        headers = {"ETag": etag, "Accept-Ranges": "bytes"} if tag else {}
        if tag and self.headers.get("If-None-Match") == etag:
            self.send_response(304)
            self.send_header("ETag", etag)
            return self.end_headers()
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        status, total = 200, len(body)
        if asked and tag and self.headers.get("If-Range", etag) == etag:
            start = int(asked.group(1))
            if start >= total:
                return self.answer(416, b"", {"Content-Range": f"bytes */{total}"})
            headers["Content-Range"] = f"bytes {start}-{total - 1}/{total}"
            status, body = 206, body[start:]
        if write is None:
            return self.answer(status, body, headers)
        self.answer(status, b"", headers, len(body))
        write(body)

    def cut(self, body):
        self.wfile.write(body[: len(body) // 2])
        self.hang_up()

    def drip(self, body):
        for start in range(0, len(body), 1 << 16):
            self.wfile.write(body[start:start + (1 << 16)])
            time.sleep(0.05)

    def serve_busy(self):
        self.answer(503, b"busy") if self.count <= 2 else self.serve_ok()

    def serve_always_busy(self):
        self.answer(500, b"broken")

    def serve_limited(self):
        self.answer(429, b"", {"Retry-After": "1"}) if self.count == 1 else self.serve_ok()

    def serve_limited_long(self):
        self.answer(429, b"", {"Retry-After": "3600"})

    def serve_cut(self):
        self.serve_ok(write=self.cut if self.count <= 2 else None)

    def serve_cut_whole(self):
        """Cut once, by a server that knows neither ranges nor tags."""
        self.serve_ok(tag=False, write=self.cut if self.count == 1 else None)

    def serve_always_cut(self):
        self.serve_ok(tag=False, write=self.cut)

    def serve_changing(self):
        """Cut, and something else the next time."""
        self.serve_ok(salt=self.count, write=self.cut if self.count == 1 else None)

    def serve_replaced(self):
        self.serve_ok(salt=self.count)

    def serve_slow(self):
        self.serve_ok(write=self.drip)

    def serve_silent(self):
        self.answer(200, b"", {}, 1000)
        time.sleep(3)

    def serve_damaged(self):
        body = bytearray(self.body())
        if self.count == 1:
            body[len(body) // 2] ^= 1
        self.serve_ok(tag=False, body=bytes(body))

    def serve_always_damaged(self):
        self.serve_ok(tag=False, body=self.body(salt=1))

    def serve_untagged(self):
        self.serve_ok(tag=False)

    def serve_long(self):
        """More bytes than the header says."""
        body = self.body()
        self.answer(200, body + b"more", {}, len(body))
        self.hang_up()

    def serve_forbidden(self):
        self.answer(403, b"<p>secret-in-body</p>")

    def serve_moved(self):
        self.answer(302, b"", {"Location": self.path.replace("/moved/", "/ok/")})

    def serve_elsewhere(self):
        self.answer(302, b"", {"Location": f"http://localhost:{self.server.server_port}/ok/" + self.path.split("/")[-1]})

    def serve_loop(self):
        self.answer(302, b"", {"Location": self.path})

    def serve_region(self):
        """An S3 service whose bucket lies elsewhere than one thinks."""
        if "/eu-central-1/s3/" in self.headers.get("Authorization", ""):
            return self.serve_ok()
        self.answer(400, b"<Error><Code>AuthorizationHeaderMalformed</Code></Error>",
                    {"x-amz-bucket-region": "eu-central-1"})

    def serve_keyed(self):
        if "token=signed-url-secret" not in self.path:
            return self.answer(403, b"")
        self.serve_ok()

    def databricks(self, path):
        if self.headers.get("Authorization") != "Bearer " + TOKEN:
            return self.answer(401, b'{"error_code":"UNAUTHENTICATED","message":"no"}')
        with lock:
            body = volume.get(path)
        if body is None:
            return self.answer(404, b'{"error_code":"NOT_FOUND"}')
        self.serve_ok(salt=zlib.crc32(body), body=body)


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(json.dumps({"port": server.server_port, "log": log.name}), flush=True)
sys.stdin.read()
