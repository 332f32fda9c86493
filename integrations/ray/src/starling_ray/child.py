"""`starling` as a child process of a worker."""

import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, cast

from starling_ray.command import failure

PR_SET_PDEATHSIG = 1
LINES_IN_ERRORS = 20
SECONDS_TO_STOP = 10.0


class Child:
    """A child that ends with its worker, however that ends. What it says goes to the worker's log, its result to `output`.

    Used as a context, it is stopped at the end of that. It must be made by the thread that lives as long as it should:
    the system ends the child with the thread that started it.
    """

    def __init__(self, command: list[str], environment: Mapping[str, str], output: Path, *, has_input: bool) -> None:
        with output.open("wb") as result:
            self.process = subprocess.Popen(
                command,
                env={**os.environ, **environment},
                stdin=subprocess.PIPE if has_input else subprocess.DEVNULL,
                stdout=result,
                stderr=subprocess.PIPE,
                preexec_fn=end_with_parent(),
            )
        self.said: deque[str] = deque(maxlen=LINES_IN_ERRORS)
        self.listener = threading.Thread(target=self.listen, daemon=True)
        self.listener.start()

    @property
    def input(self) -> IO[bytes]:
        return cast(IO[bytes], self.process.stdin)

    def listen(self) -> None:
        for line in cast(IO[bytes], self.process.stderr):
            text = line.decode(errors="replace").rstrip()
            self.said.append(text)
            print(text, file=sys.stderr, flush=True)

    def has_ended(self, within: float) -> bool:
        """Waits so many seconds at most and says whether the child is done; a failure is raised."""
        try:
            status = self.process.wait(within)
        except subprocess.TimeoutExpired:
            return False
        if status != 0:
            self.listener.join(timeout=1)
            raise failure(status, "\n".join(self.said))
        return True

    def __enter__(self) -> "Child":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.process.terminate()
        try:
            self.process.wait(SECONDS_TO_STOP)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def end_with_parent() -> Callable[[], None] | None:
    """What a new process runs first, so that the system kills it when its parent is gone. Linux; None elsewhere."""
    if sys.platform != "linux":
        return None
    library, parent = ctypes.CDLL(None), os.getpid()

    def prepare() -> None:
        library.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)

    return prepare
