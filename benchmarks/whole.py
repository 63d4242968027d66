"""The whole: a real worker process, with its state in Redis where the machine has one."""

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import orjson
from redis import Redis
from redis.exceptions import RedisError

from benchmarks.broker import Broker
from benchmarks.workload import MODEL, TOPIC

__all__ = [
    "WorkerProcess",
    "free_port",
    "redis_process",
    "running",
    "tail_of",
    "wait_until",
    "worker_process",
]

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 25.0


@dataclass(frozen=True)
class WorkerProcess:
    """A worker as its parent sees it: through its pages, like anybody."""

    pid: int
    broker: Broker
    port: int

    def status(self) -> dict[str, Any]:
        """Ask the worker how it stands."""
        with urlopen(f"http://127.0.0.1:{self.port}/status", timeout=10.0) as answer:
            told: dict[str, Any] = orjson.loads(answer.read())
        return told

    def consumed(self) -> int:
        """Tell how many events are folded, to the producer, too."""
        folded: int = self.status()["topics"].get(TOPIC, {}).get("consumed", 0)
        self.broker.consumed.value = folded
        return folded

    def finish(self) -> dict[str, object]:
        """Tell what became of the events; none may have been late or unreadable."""
        status = self.status()
        topic = status["topics"][TOPIC]
        assert topic["late"] == topic["malformed"] == 0, topic
        model = status["models"].get(MODEL, {})  # it is told of once a pane of it was evaluated
        return {name: model.get(name, 0) for name in ("windows", "alerts", "outbox")}


@contextmanager
def redis_process(folder: Path) -> Iterator[str | None]:
    """Run a Redis that keeps nothing on disk, and give its address; None where there is no redis-server."""
    server = shutil.which("redis-server")
    if server is None:
        yield None
        return
    port = free_port()
    command = [
        server,
        "--port",
        str(port),
        "--bind",
        "127.0.0.1",
        "--save",
        "",
        "--dir",
        str(folder),
    ]
    with running(command, folder / "redis.log") as process, Redis(port=port) as client:

        def answers() -> bool:
            try:
                return bool(client.ping())
            except RedisError:
                return False

        wait_until(process, folder / "redis.log", answers)
        yield f"redis://127.0.0.1:{port}/0"


@contextmanager
def worker_process(
    broker: Broker, config: Path, reference: Path, port: int
) -> Iterator[WorkerProcess]:
    """Run `driftbus worker` until the block ends; it is ready when the block begins."""
    command = [sys.executable, "-m", "stream", "worker", "-c", str(config)]
    log = config.with_name("worker.log")
    with running([*command, "--reference", str(reference)], log) as process:
        worker = WorkerProcess(process.pid, broker, port)

        def answers() -> bool:
            try:
                return worker.status()["ready"] is True
            except (URLError, ConnectionError, TimeoutError):
                return False

        wait_until(process, log, answers)
        yield worker


def free_port() -> int:
    """Find a loopback port that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


@contextmanager
def running(command: list[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command until the block ends, with all it says in a file."""
    with ExitStack() as stack:
        out = stack.enter_context(log.open("wb"))
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def wait_until(
    process: subprocess.Popen[bytes],
    log: Path,
    answers: Callable[[], bool],
    seconds: float = START_TIMEOUT_S,
) -> None:
    """Wait until a process is ready; RuntimeError with the end of its log when it ends or takes longer."""
    deadline = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < deadline:
        if answers():
            return
        time.sleep(0.1)
    raise RuntimeError(f"{process.args!r} did not come up; the end of its log:\n{tail_of(log)}")


def tail_of(log: Path) -> str:
    """Give the last lines of a log."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-15:])
