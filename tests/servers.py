"""Real servers for tests: one Redis, one Kafka, on free loopback ports, ended by their process.

A server's folder and port can be given, so that a test may end it and bring it back as it was.
"""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from redis import Redis
from redis.exceptions import RedisError

from benchmarks.processes import end, free_port

ROOT = Path(__file__).resolve().parents[1]
KAFKA = ROOT / "deploy" / "servers" / "kafka"
START_TIMEOUT_S = 120.0


def redis_missing() -> str:
    """Say why there can be no Redis; empty when there can."""
    return "" if shutil.which("redis-server") else "no redis-server; see `make servers`"


def kafka_missing() -> str:
    """Say why there can be no Kafka; empty when there can."""
    if not shutil.which("java"):
        return "no java; see `make servers`"
    return "" if (ROOT / ".servers/kafka/VERSION").exists() else "no Kafka; see `make servers`"


def need(missing: str) -> None:
    """Skip the test whose server is missing, and say why; in CI a missing server is a failure."""
    if missing and os.environ.get("CI") == "true":
        pytest.fail(missing)
    if missing:
        pytest.skip(missing)


def free_ports(count: int) -> list[int]:
    """Find loopback ports that nobody listens on, all different."""
    return [free_port() for _ in range(count)]


@contextmanager
def redis_server(folder: Path, port: int = 0, *options: str) -> Iterator[tuple[str, int]]:
    """Run a Redis without disk (unless `options` say otherwise); give its address and pid."""
    port = port or free_ports(1)[0]
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder)]
    command += ["--save", "", *options]

    def answers() -> bool:
        with Redis(port=port, socket_timeout=1) as client:
            return bool(client.ping())

    with _running(command, folder / "redis.log", answers) as process:
        yield f"redis://127.0.0.1:{port}/0", process.pid


@contextmanager
def kafka_server(folder: Path, port: int = 0, more: str = "") -> Iterator[tuple[str, int]]:
    """Run a Kafka of one node in KRaft mode with its data in a folder; give its address and pid.

    `more` are lines for its server.properties, with `{port}` and `{controller_port}` filled in.
    """
    port, controller_port = (port, free_ports(1)[0]) if port else free_ports(2)
    settings = {
        "KAFKA_PORT": str(port),
        "KAFKA_CONTROLLER_PORT": str(controller_port),
        "KAFKA_DATA": str(folder / "kafka"),
        "KAFKA_SETTINGS": str(folder / "more.properties"),
    }
    told = more.format(port=port, controller_port=controller_port)
    (folder / "more.properties").write_text(told)

    def answers() -> bool:
        # The port is asked first: the client would log every refused connection.
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            pass
        admin = AdminClient({"bootstrap.servers": f"127.0.0.1:{port}", "log_level": 0})
        return bool(admin.list_topics(timeout=5).brokers)

    with _running([str(KAFKA), "run"], folder / "kafka.log", answers, settings) as process:
        yield f"127.0.0.1:{port}", process.pid


@contextmanager
def _running(
    command: Sequence[str],
    log: Path,
    answers: Callable[[], bool],
    settings: Mapping[str, str] | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server until the block ends; a server that does not come up is shown by its log."""
    if shutil.which("setpriv"):  # a test run that is killed takes its servers along
        command = ["setpriv", "--pdeathsig", "KILL", *command]
    with log.open("ab") as out:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(settings or {})},
        )
    try:
        _wait(process, log, answers)
        yield process
    finally:
        end(process)


def _wait(process: subprocess.Popen[bytes], log: Path, answers: Callable[[], bool]) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while process.poll() is None and time.monotonic() < deadline:
        try:
            if answers():
                return
        except (OSError, RedisError, KafkaException):
            pass
        time.sleep(0.1)
    tail = "\n".join(log.read_text(errors="replace").splitlines()[-20:])
    raise RuntimeError(f"{process.args!r} did not come up; the end of its log:\n{tail}")
