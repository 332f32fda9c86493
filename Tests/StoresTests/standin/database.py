"""A PostgreSQL server of its own for tests, with the roles that Supabase has.

    python database.py --folder DIR [--port N]

creates a cluster in DIR/data where there is none, starts it on 127.0.0.1, at a free port unless one is named (and a socket in
DIR, where its path is short enough), and prints one line, `{"port": …, "url": …, "authenticator": …, "socket": …, "pid": …}`:
URLs of the superuser `postgres` and of the role that PostgREST connects as, no role needing a password, and the pid of the
postmaster. As root it runs PostgreSQL as `postgres` or `nobody`, who must be able to reach DIR. The log is DIR/log.

SIGHUP   restarts it as after a crash (`pg_ctl restart -m immediate`), then prints the line again;
SIGUSR1  stops it so, prints `{"stopped": true}`, and leaves it down until SIGHUP;
SIGTERM  stops it and ends, as does the end of the process that started this (unless `--stay`).

Nothing is synced to disk: what is committed outlives a crash of PostgreSQL, though not one of the machine.
"""

import argparse
import ctypes
import glob
import json
import os
import pwd
import queue
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

SETTINGS = """
fsync = off
full_page_writes = off
wal_level = minimal
max_wal_senders = 0
shared_buffers = 16MB
max_connections = 60
jit = off
listen_addresses = '127.0.0.1'
"""
# Of Supabase: the roles, their grants and their statement timeouts. One statement a line, for single-user mode.
ROLES = """
CREATE ROLE anon NOLOGIN NOINHERIT
CREATE ROLE authenticated NOLOGIN NOINHERIT
CREATE ROLE service_role NOLOGIN NOINHERIT BYPASSRLS
CREATE ROLE authenticator LOGIN NOINHERIT
GRANT anon, authenticated, service_role TO authenticator
GRANT USAGE ON SCHEMA public TO anon, authenticated, service_role
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON TABLES TO anon, authenticated, service_role
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON SEQUENCES TO anon, authenticated, service_role
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON FUNCTIONS TO anon, authenticated, service_role
CREATE SCHEMA extensions
GRANT USAGE ON SCHEMA extensions TO anon, authenticated, service_role
ALTER ROLE anon SET statement_timeout = '3s'
ALTER ROLE authenticated SET statement_timeout = '8s'
ALTER ROLE authenticator SET statement_timeout = '8s'
"""


def binaries() -> Path:
    """The folder of PostgreSQL's programs, the newest where there are several."""
    found = shutil.which("pg_ctl")
    if found:
        return Path(found).resolve().parent
    folders = glob.glob("/usr/lib/postgresql/*/bin/pg_ctl") + glob.glob("/opt/homebrew/opt/postgresql@*/bin/pg_ctl")
    if not folders:
        sys.exit("database.py: PostgreSQL is not installed: no pg_ctl in PATH or /usr/lib/postgresql/*/bin")
    return Path(max(folders, key=lambda path: int("".join(filter(str.isdigit, path))))).parent


def unprivileged() -> dict:
    """For subprocess: who runs PostgreSQL, which refuses root."""
    if os.getuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    sys.exit("database.py: neither a user postgres nor nobody")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Cluster:
    def __init__(self, folder: Path, port: int):
        self.folder, self.data, self.port = folder, folder / "data", port
        self.programs, self.who = binaries(), unprivileged()
        # 107 bytes is the most that a socket's path may have.
        self.socket = str(folder) if len(f"{folder}/.s.PGSQL.65535.lock") < 104 else ""

    def run(self, program: str, *arguments, **options):
        """A program of PostgreSQL; its words are shown where it fails."""
        command = [str(self.programs / program), *map(str, arguments)]
        environment = {"PATH": os.environ["PATH"], "LC_ALL": "C"}
        with open(self.folder / "out", "w+") as out:
            streams = {"stdout": out, "stderr": out, "text": True}
            status = subprocess.run(command, cwd=self.folder, env=environment, **streams, **self.who, **options).returncode
            if status != 0:
                out.seek(0)
                raise RuntimeError(f"{program} failed with status {status}\n{out.read()}")

    def create(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.who:
            os.chown(self.folder, self.who["user"], self.who["group"])
        if self.data.exists():
            return
        unfinished = self.folder / "unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        self.run("initdb", "-D", unfinished, *"-U postgres -A trust -E UTF8 --locale=C --no-sync --no-instructions".split())
        with open(unfinished / "postgresql.conf", "a") as file:
            file.write(SETTINGS)
        self.run("postgres", "--single", "-D", unfinished, "-c", "exit_on_error=on", "postgres", input=ROLES.strip() + "\n")
        unfinished.rename(self.data)

    def control(self, action: str, *arguments):
        self.run("pg_ctl", action, "-D", self.data, "-w", "-t", "60", *arguments)

    def begin(self):
        """The first start: at another port if somebody else took the free one meanwhile."""
        named = self.port
        for attempt in range(5):
            try:
                self.port = named or free_port()
                return self.start()
            except RuntimeError:
                if named or attempt == 4:
                    raise

    def start(self, action: str = "start"):
        options = f"-p {self.port} -c unix_socket_directories='{self.socket}'"
        crash = ["-m", "immediate"] if action == "restart" else []
        self.control(action, "-l", self.folder / "log", "-o", options, *crash)
        pid = int((self.data / "postmaster.pid").read_text().splitlines()[0])
        url, authenticator = (f"postgres://{user}@127.0.0.1:{self.port}/postgres" for user in ("postgres", "authenticator"))
        say({"port": self.port, "url": url, "authenticator": authenticator, "socket": self.socket, "pid": pid})

    def running(self) -> bool:
        """Whether a server holds the data, one that was left behind too."""
        command = [str(self.programs / "pg_ctl"), "status", "-D", str(self.data)]
        return subprocess.run(command, cwd=self.folder, stdout=subprocess.DEVNULL, **self.who).returncode == 0

    def stop(self, mode: str):
        if self.running():
            self.control("stop", "-m", mode)


def adopt():
    """Makes this process the parent of daemons that it starts, where the system can, since not every init waits for them."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER


def reap(how: int = os.WNOHANG):
    """Waits for those who have ended, or (0) for all to end."""
    try:
        while os.waitpid(-1, how)[0]:
            pass
    except ChildProcessError:
        pass


def say(what: dict):
    print(json.dumps(what), flush=True)


def main():
    parser = argparse.ArgumentParser(description="A PostgreSQL server for tests.")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--stay", action="store_true", help="stay when the process that started this ends")
    options = parser.parse_args()

    # A parent may have started this from a thread that blocks signals.
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    signals, parent = queue.SimpleQueue(), os.getppid()
    for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _: signals.put(number))
    adopt()
    cluster = Cluster(options.folder.resolve(), options.port)
    try:
        cluster.create()
        cluster.stop("immediate")
        cluster.begin()
        while options.stay or os.getppid() == parent:
            try:
                number = signals.get(timeout=0.5)
            except queue.Empty:
                number = None
            reap()
            if number == signal.SIGHUP:
                cluster.start("restart")
            elif number == signal.SIGUSR1:
                cluster.stop("immediate")
                say({"stopped": True})
            elif number:
                break
    except RuntimeError as error:
        log = cluster.folder / "log"
        sys.exit(f"database.py: {error}{log.read_text()[-2000:] if log.exists() else ''}")
    finally:
        cluster.stop("fast")
        reap(0)


if __name__ == "__main__":
    main()
