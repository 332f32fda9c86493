"""A stand-in for PostgREST behind Supabase's gateway, for tests: it is neither. Behind it is a real PostgreSQL.

    python postgrest.py --database URL --port 0 --anon-role anon --keys FILE.json|--jwt-secret SECRET

prints `{"port": 41235}` when it listens on 127.0.0.1 (with `--jwt-secret` also the keys `anon` and `service_role`), and ends on
SIGTERM or with the process that started it (`--stay`: on SIGTERM only). FILE.json holds
`{"jwt_secret": "…", "keys": {"sb_publishable_…": "anon", "sb_secret_…": "service_role", "<a JWT>": "anon"}}`.

`/rest/v1/TABLE` goes by the gateway, which demands a header `apikey`; `/TABLE` is PostgREST itself. Covered, after the
documents named in `grammar.py`, `tables.py` and `tokens.py` and docs/references/{errors,auth,configuration}.rst and
api/schemas.rst: reads, writes and errors of tables and views. Not covered: functions (`/rpc`), resource embedding, aggregates,
JSON paths, full-text search, OpenAPI, OPTIONS, and media types other than JSON and CSV.

Not of PostgREST, for tests: `/__log` (GET lists the requests with their headers, secrets too; DELETE empties it) and
`/__faults` (GET lists, POST adds one or a list of them, DELETE removes all; `--fault JSON` adds one at the start). A fault is
an object with one of
    {"status": 503, "retry_after": 1, "body": {…}}   answers so, without asking the database
    {"drop_connection_after_requests": 5}            lets five requests pass, then closes a connection unanswered and unserved
    {"drop_after_commit": true}                      serves the request, then closes the connection unanswered
    {"truncate_after": 100}                          serves it, and closes the connection after so many bytes of the body
    {"delay": 0.5}                                   waits so many seconds; also beside another
and, as wished, "method", "path" (a part of it), "after" (requests let pass) and "count" (how often; 1; null: for ever).
"""

import argparse
import contextlib
import hmac
import json
import os
import signal
import socket
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, unquote

import tokens
from grammar import Failure, not_covered, parse_query
from tables import Answer, Database, Pool, Request, negotiate, preferences

GATEWAY = "/rest/v1"
JSON = ("Content-Type", "application/json; charset=utf-8")


def document(status: int, body, headers=()) -> Answer:
    return Answer(status, [JSON, *headers], json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode())


class Keys:
    """Who asks: the gateway's keys and the tokens of PostgREST."""

    def __init__(self, secret: str, keys: dict | None, anonymous: str):
        self.secret, self.keys, self.anonymous = secret, keys, anonymous

    def known(self, key: str) -> bool:
        if self.keys is not None:
            return any(hmac.compare_digest(key.encode(), known.encode()) for known in self.keys)
        try:
            return bool(tokens.signed_claims(key, self.secret))
        except Failure:
            return False

    def gateway(self, key: str | None) -> Answer | None:
        """What the gateway refuses."""
        if not key:
            hint = "No `apikey` request header or url param was found."
            return document(401, {"message": "No API key found in request", "hint": hint})
        if not self.known(key):
            hint = "Double check your Supabase `anon` or `service_role` API key."
            return document(401, {"message": "Invalid API key", "hint": hint})
        return None

    def claims(self, key: str | None, authorization: str | None) -> dict:
        """The claims of a request, `role` among them."""
        scheme, _, token = (authorization or "").partition(" ")
        token = token.strip() if scheme.lower() == "bearer" else None
        if key and key.startswith("sb_") and token in (None, key):
            return {"role": self.keys[key]}
        claims = tokens.verify(token, self.secret) if token is not None else {}
        role = claims.get("role", self.anonymous)
        if not role:
            raise Failure(401, "PGRST302", "Anonymous access is disabled", headers=[("WWW-Authenticate", "Bearer")])
        return claims | {"role": str(role)}


class Faults:
    """Faults to come."""

    def __init__(self):
        self.waiting, self.lock = [], threading.Lock()

    def add(self, given):
        for fault in given if isinstance(given, list) else [given]:
            fault = {"after": 0, "count": 1} | fault
            fault["after"] = fault.get("drop_connection_after_requests", fault["after"])
            with self.lock:
                self.waiting.append(fault)

    def take(self, method: str, path: str) -> dict:
        """The fault that strikes a request, or nothing; every fault counts every request that fits it."""
        struck = {}
        with self.lock:
            for fault in list(self.waiting):
                if fault.get("method", method) != method or fault.get("path", "") not in path:
                    continue
                if fault["after"] > 0:
                    fault["after"] -= 1
                elif not struck:
                    struck = fault
                    fault["count"] = fault["count"] and fault["count"] - 1
                    if fault["count"] == 0:
                        self.waiting.remove(fault)
        return struck


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server_version = "postgrest-standin"
    disable_nagle_algorithm = True
    wbufsize = -1

    def log_message(self, format, *arguments):
        pass

    def received(self) -> bytes | None:
        """The body, or nothing where it is too large."""
        most, body, size = self.server.options.max_body, bytearray(), 0
        for part in self.parts():
            size += len(part)
            if most is None or size <= most:
                body += part
        return bytes(body) if most is None or size <= most else None

    def parts(self):
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            while length := int(self.rfile.readline().partition(b";")[0], 16):
                yield self.rfile.read(length)
                self.rfile.readline()
            while self.rfile.readline().strip():
                pass
        left = int(self.headers.get("Content-Length", 0))
        while left > 0 and (part := self.rfile.read(min(left, 1 << 16))):
            left -= len(part)
            yield part

    def send(self, answer: Answer, cut: int | None = None):
        self.send_response(answer.status)
        bare = self.command == "HEAD" or answer.status == 204
        for name, value in answer.headers + ([] if bare else [("Content-Length", str(len(answer.body)))]):
            self.send_header(name, value)
        self.end_headers()
        if not bare:
            self.wfile.write(answer.body[:cut])
        self.wfile.flush()
        if cut is not None:
            self.drop()

    def drop(self):
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def serve(self):
        try:
            body = self.received()
        except ValueError:
            self.close_connection = True
            return self.send(document(400, {"message": "Bad request"}))
        path, _, query = self.path.partition("?")
        if path.startswith("/__"):
            return self.send(self.control(path, body))
        fault = self.server.faults.take(self.command, path)
        entry = {"method": self.command, "path": path, "query": query, "headers": dict(self.headers.items())}
        entry |= {"received": len(body or b""), "sent": 0, "status": None, "fault": fault or None}
        self.server.log.append(entry)
        time.sleep(fault.get("delay", 0))
        if "drop_connection_after_requests" in fault:
            return self.drop()
        if "status" in fault:
            headers = [("Retry-After", str(fault["retry_after"]))] if "retry_after" in fault else []
            reason = self.responses.get(fault["status"], ("Unknown",))[0]
            answer = document(fault["status"], fault.get("body", {"message": reason}), headers)
        elif len(self.path) > self.server.options.max_url:
            answer = document(414, {"message": "URI Too Long"})
        elif body is None:
            answer = document(413, {"message": "Request size limit exceeded"})
        else:
            answer = self.answer(unquote(path), query, body)
        if "drop_after_commit" in fault:
            return self.drop()
        entry["status"], entry["sent"] = answer.status, len(answer.body)
        self.send(answer, fault.get("truncate_after"))

    do_GET = do_HEAD = do_POST = do_PATCH = do_PUT = do_DELETE = do_OPTIONS = serve

    def control(self, path: str, body: bytes) -> Answer:
        """`/__log` and `/__faults`."""
        listed = {"/__log": self.server.log, "/__faults": self.server.faults.waiting}.get(path)
        if listed is None:
            return document(404, {"message": "There are /__log and /__faults"})
        if self.command == "DELETE":
            listed.clear()
        elif self.command == "POST" and path == "/__faults":
            self.server.faults.add(json.loads(body))
        return document(200, listed)

    def answer(self, path: str, query: str, body: bytes) -> Answer:
        """What the gateway says, or PostgREST."""
        keys, pairs = self.server.keys, parse_qsl(query, keep_blank_values=True)
        key = None
        if path == GATEWAY or path.startswith(GATEWAY + "/"):
            key = self.headers.get("apikey") or next((value for name, value in pairs if name == "apikey"), None)
            refusal = keys.gateway(key)
            if refusal:
                return refusal
            path, pairs = path[len(GATEWAY):], [pair for pair in pairs if pair[0] != "apikey"]
        try:
            claims = keys.claims(key, self.headers.get("Authorization"))
            return self.server.database.answer(self.request_of(path, pairs, body, claims))
        except Failure as failure:
            headers = [("Proxy-Status", f"PostgREST; error={failure.code}"), *failure.headers]
            return document(failure.status, failure.body, headers)

    def request_of(self, path: str, pairs: list, body: bytes, claims: dict) -> Request:
        """The request, read; refused where PostgREST refuses it before it asks the database."""
        schemas = self.server.options.schemas
        segments = [segment for segment in path.split("/") if segment]
        if not segments:
            raise Failure(404, "PGRST126", "Root endpoint metadata is disabled")
        if segments[0] == "rpc":
            raise not_covered("functions")
        if len(segments) > 1:
            raise Failure(404, "PGRST125", "Invalid path specified in request URL")
        if self.command == "OPTIONS":
            raise Failure(405, "PGRST117", f"Unsupported HTTP method: {self.command}")
        reading = self.command in ("GET", "HEAD")
        schema = self.headers.get("Accept-Profile" if reading else "Content-Profile")
        if schema is not None and schema not in schemas:
            hint = "Only the following schemas are exposed: " + ", ".join(schemas)
            raise Failure(406, "PGRST106", f"Invalid schema: {schema}", hint=hint)
        profile = [("Content-Profile", schema or schemas[0])] if schema is not None or len(schemas) > 1 else []
        return Request(
            method=self.command, path=path, schema=schema or schemas[0], table=segments[0], pairs=pairs, headers=self.headers,
            body=body, query=parse_query(pairs), preferences=preferences(self.headers),
            media=negotiate(self.headers.get("Accept", "*/*")), role=claims["role"], claims=claims, profile=profile,
        )


class Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, options: argparse.Namespace, keys: Keys, database: Database):
        super().__init__(("127.0.0.1", options.port), Handler)
        self.options, self.keys, self.database, self.faults, self.log = options, keys, database, Faults(), []
        self.parent = os.getppid()

    def service_actions(self):
        if not self.options.stay and os.getppid() != self.parent:
            sys.exit()

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def main():
    parser = argparse.ArgumentParser(description="A stand-in for PostgREST, for tests.")
    parser.add_argument("--database", required=True, help="URL of PostgreSQL, as the authenticator")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--anon-role", default="anon", help="the role without a token; empty: none")
    secrets = parser.add_mutually_exclusive_group(required=True)
    secrets.add_argument("--keys", help="a JSON file")
    secrets.add_argument("--jwt-secret")
    parser.add_argument("--schemas", type=lambda text: text.split(","), default=["public"])
    parser.add_argument("--extra-search-path", type=lambda text: text.split(","), default=["public", "extensions"])
    parser.add_argument("--max-rows", type=int, default=1000)
    parser.add_argument("--max-body", type=int, help="bytes of a body; more is refused with 413")
    parser.add_argument("--max-url", type=int, default=16384, help="characters of path and query; more is refused with 414")
    endings = ["commit", "commit-allow-override", "rollback", "rollback-allow-override"]
    parser.add_argument("--tx-end", choices=endings, default="commit")
    parser.add_argument("--pool", type=int, default=10, help="connections at most")
    parser.add_argument("--pool-timeout", type=float, default=10, help="seconds to wait for one")
    parser.add_argument("--fault", type=json.loads, action="append", default=[], help="JSON")
    parser.add_argument("--stay", action="store_true", help="stay when the process that started this ends")
    options = parser.parse_args()

    ready = {}
    if options.keys:
        with open(options.keys) as file:
            given = json.load(file)
        keys = Keys(given["jwt_secret"], given["keys"], options.anon_role)
    else:
        keys = Keys(options.jwt_secret, None, options.anon_role)
        for role in ("anon", "service_role"):
            ready[role] = tokens.mint(options.jwt_secret, {"iss": "supabase", "role": role, "exp": int(time.time()) + 10**9})
    pool = Pool(options.database, options.pool, options.pool_timeout)
    server = Server(options, keys, Database(pool, options.anon_role, options.extra_search_path, options.max_rows, options.tx_end))
    server.faults.add(options.fault)
    # A parent may have started this from a thread that blocks signals.
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    print(json.dumps({"port": server.server_port} | ready), flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        server.server_close()
        pool.close()


if __name__ == "__main__":
    main()
