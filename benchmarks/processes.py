"""Processes that run until a block ends, a Redis among them where the machine has one."""

import itertools
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

__all__ = [
    "end",
    "free_port",
    "redis_process",
    "running",
    "tail_of",
    "wait_until",
]

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 25.0
PORTS = range(10_000, 32_000)
"""Below those that the system gives to connections, and to whoever asks for any: none of these takes one of ours before
it is bound, or while its server is away.
"""
_numbers = itertools.count(os.getpid() * 211)  # processes that look at the same time begin apart


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


def free_port() -> int:
    """Find a loopback port that nobody listens on, each time another one."""
    while True:
        port = PORTS[next(_numbers) % len(PORTS)]
        with socket.socket() as one, suppress(OSError):
            one.bind(("127.0.0.1", port))
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
            end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process, also one that was stopped: by SIGTERM, and by SIGKILL if it takes longer than that may."""
    process.send_signal(signal.SIGCONT)
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
