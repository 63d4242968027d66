"""A worker as a process of its own, and how to look at it from outside."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.servers import free_ports

DEBUG = "import logging; logging.basicConfig(level=1); from stream.cli import main; main()"


class Process:
    """One worker; `log` is all it wrote, `debug` makes it write all it can."""

    def __init__(self, folder: Path, text: str, http: str = "", *, debug: bool = False) -> None:
        (self.port,) = free_ports(1)
        self._log = folder / f"{self.port}.log"
        path = folder / f"{self.port}.yaml"
        path.write_text(f"{text}\nhttp: {{port: {self.port}{http}}}\n")
        command = [sys.executable, *(("-c", DEBUG) if debug else ("-m", "stream"))]
        command += ["worker", "-c", str(path)]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, env=os.environ | {"TMPDIR": str(folder)}
            )

    @property
    def log(self) -> str:
        """All that was written so far."""
        return self._log.read_text()

    def ask(self, path: str, host: str = "127.0.0.1", token: str = "") -> tuple[int, bytes]:
        """Ask over HTTP; 0 while nobody listens."""
        request = urllib.request.Request(f"http://{host}:{self.port}{path}")
        if token:
            request.add_header("Authorization", f"Bearer {token}")
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()
        except OSError:
            return 0, b""

    def get(self, path: str) -> tuple[int, Any]:
        """Ask over HTTP for what is told as JSON."""
        status, body = self.ask(path)
        return status, json.loads(body) if body else None

    def consumed(self) -> int:
        """Tell how many events it has folded."""
        told = self.get("/status")[1]
        return sum(topic["consumed"] for topic in told["topics"].values()) if told else 0

    def model(self, name: str) -> dict[str, Any]:
        """Tell how a model stands; empty while it is not known."""
        told = self.get("/status")[1]
        found: dict[str, Any] = told["models"].get(name, {}) if told else {}
        return found

    def wait(self, done: Callable[[], Any], seconds: float = 120.0) -> None:
        """Wait for something to come true while it runs."""
        end = time.monotonic() + seconds
        while not done():
            assert self._process.poll() is None, self.log
            assert time.monotonic() < end, self.log
            time.sleep(0.1)

    def end(self, seconds: float = 90.0) -> int:
        """Ask it to end and give its exit code."""
        self._process.send_signal(signal.SIGTERM)
        return self.ended(seconds)

    def ended(self, seconds: float = 90.0) -> int:
        """Wait for it to end by itself and give its exit code."""
        try:
            return self._process.wait(seconds)
        finally:
            self._process.kill()


def processes_of(folder: Path) -> dict[int, str]:
    """Find the processes that name a folder, and their command lines."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_bytes().replace(b"\0", b" ").decode()
        except OSError:  # it has just ended
            continue
        if str(folder) in command:
            found[int(path.parent.name)] = command
    return found


@contextmanager
def worker(folder: Path, text: str, http: str = "", *, debug: bool = False) -> Iterator[Process]:
    """Run a worker with a configuration, and end it whatever happens."""
    made = Process(folder, text, http, debug=debug)
    try:
        yield made
    finally:
        made._process.kill()
        made._process.wait()
