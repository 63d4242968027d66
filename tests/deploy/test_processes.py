"""The services' own commands and settings, run as processes on loopback in place of containers."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from redis import Redis

from benchmarks.processes import end
from stream.run.work.metrics import NAMES
from tests.deploy.files import CONFIG, CONFIG_IN_IMAGE, dockerfile, services
from tests.servers import ROOT, free_ports, kafka_missing, need, redis_missing

pytestmark = pytest.mark.servers

BIN = Path(sys.executable).parent
START_TIMEOUT_S = 180.0
END_TIMEOUT_S = 30.0


def test_a_worker_becomes_ready_shows_its_metrics_and_ends_in_peace(
    redis_url: str, kafka_bootstrap: str, tmp_path: Path
) -> None:
    """From the image's build step to SIGTERM: ready, healthy, every metric there, exit code 0."""
    build_reference(tmp_path)
    make_topics(kafka_bootstrap)
    (port,) = free_ports(1)
    worker = services()["worker-1"]
    env = worker["environment"] | {
        "KAFKA_BOOTSTRAP": kafka_bootstrap,
        "REDIS_URL": redis_url,
        "DRIFTBUS_HTTP_HOST": "127.0.0.1",
        "DRIFTBUS_HTTP_PORT": str(port),
    }
    command = outside_the_image(shlex.join(worker["command"]), tmp_path)
    log = tmp_path / "worker.log"
    words = [str(BIN / "driftbus"), *shlex.split(command)]
    with running(words, log, env, lambda: get(port, "/readyz")[0] == 200) as process:
        assert subprocess.run(health_check(port), timeout=60, check=False).returncode == 0
        assert get(port, "/metrics")[0] == 401
        status, text = get(port, "/metrics", env["DRIFTBUS_TOKEN"])
        told = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")}
        assert (status, told) == (200, set(NAMES))
        process.send_signal(signal.SIGTERM)
        assert process.wait(END_TIMEOUT_S) == 0, log.read_text()
    assert subprocess.run(health_check(port), timeout=60, check=False, stderr=-3).returncode != 0


def test_redis_keeps_its_state_as_compose_sets_it(tmp_path: Path) -> None:
    """The server takes every option: a log that is synced each second, and no eviction."""
    need(redis_missing())
    (port,) = free_ports(1)
    here = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(tmp_path)]
    command = [*services()["redis"]["command"], *here]
    with (
        Redis(port=port, socket_timeout=30, decode_responses=True) as client,
        running(command, tmp_path / "redis.log", {}, lambda: bool(client.ping())),
    ):
        told = client.config_get("appendonly", "appendfsync", "maxmemory-policy", "save")
    assert told == {
        "appendonly": "yes",
        "appendfsync": "everysec",
        "maxmemory-policy": "noeviction",
        "save": "",
    }


def test_kafka_runs_on_the_settings_of_compose(tmp_path: Path) -> None:
    """A broker that is started with them gives 4 partitions, keeps old records, makes no topic."""
    need(kafka_missing())
    bootstrap, settings = kafka_settings(tmp_path)
    file = tmp_path / "server.properties"
    file.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    java = ["java", "-Xmx512m", "-cp", str(ROOT / ".servers/kafka/libs/*")]
    cluster = services()["kafka"]["environment"]["CLUSTER_ID"]
    form = ["kafka.tools.StorageTool", "format", "--cluster-id", cluster, "--config", str(file)]
    subprocess.run([*java, *form], check=True, capture_output=True, timeout=180)
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})

    def answers() -> bool:
        return bool(admin.list_topics(timeout=1).brokers)

    with running([*java, "kafka.Kafka", str(file)], tmp_path / "kafka.log", {}, answers):
        admin.create_topics([NewTopic("flights")])["flights"].result(60)
        assert send_and_read(bootstrap, "flights", 1_357_000_000_000) == b"a record of 2013"
        topics = admin.list_topics(timeout=60).topics
        assert len(topics["flights"].partitions) == 4
        listed = AdminClient({"bootstrap.servers": bootstrap}).list_topics("misspelt", timeout=60)
        assert listed.topics["misspelt"].error is not None


def kafka_settings(folder: Path) -> tuple[str, dict[str, str]]:
    """Turn the broker's environment to properties as its image does, on free loopback ports."""
    free = dict(zip(("19092", "9092", "9093"), map(str, free_ports(3)), strict=True))
    address = re.compile(r"(?:0\.0\.0\.0|127\.0\.0\.1|kafka):(\d+)")
    settings = {
        name.removeprefix("KAFKA_").lower().replace("_", "."): address.sub(
            lambda found: f"127.0.0.1:{free[found[1]]}", value
        )
        for name, value in services()["kafka"]["environment"].items()
        if name.startswith("KAFKA_") and name != "KAFKA_HEAP_OPTS"
    }
    settings["log.dirs"] = str(folder / "data")
    return f"127.0.0.1:{free['9092']}", settings


def build_reference(folder: Path) -> None:
    """Run the step of the Dockerfile that builds the reference and warms the kernels."""
    step = next(rest for name, rest in dockerfile() if name == "RUN" and "reference build" in rest)
    env = os.environ | {"PATH": f"{BIN}:{os.environ['PATH']}"}
    script = outside_the_image(step, folder)
    subprocess.run(["sh", "-euc", script], env=env, check=True, cwd=folder, timeout=600)


def outside_the_image(command: str, folder: Path) -> str:
    """Put this machine's paths in the place of the image's."""
    places = {
        CONFIG_IN_IMAGE: CONFIG,
        "/var/lib/driftbus": folder,
        "/data/": f"{ROOT}/stream/data/",
        "/tmp/first": folder / "first",  # noqa: S108 - of the image
    }
    for inside, outside in places.items():
        command = command.replace(inside, str(outside))
    return command


def make_topics(bootstrap: str) -> None:
    """Make what the service `topics` makes, if it is not there."""
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    there = admin.list_topics(timeout=60).topics
    wanted = services()["topics"]["environment"]["TOPICS"].split()
    for made in admin.create_topics([NewTopic(n, 4) for n in wanted if n not in there]).values():
        made.result(60)


def health_check(port: int) -> list[str]:
    """Tell the image's own health check, for another port."""
    check = next(rest for name, rest in dockerfile() if name == "HEALTHCHECK")
    words: list[str] = json.loads(check.partition("CMD ")[2])
    assert words[0] == "python"
    return [sys.executable, *(word.replace("6066", str(port)) for word in words[1:])]


def get(port: int, path: str, token: str = "") -> tuple[int, str]:
    """Ask a worker; (0, "") while nobody listens."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}")
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, ""
    except OSError:
        return 0, ""


def send_and_read(bootstrap: str, topic: str, timestamp_ms: int) -> bytes | None:
    """Write one record with a time of its own and read it back."""
    producer = Producer({"bootstrap.servers": bootstrap})
    producer.produce(topic, b"a record of 2013", partition=0, timestamp=timestamp_ms)
    assert producer.flush(60) == 0
    settings = {"bootstrap.servers": bootstrap, "group.id": "g", "auto.offset.reset": "earliest"}
    consumer = Consumer(settings)
    consumer.subscribe([topic])
    try:
        message = consumer.poll(60)
        return None if message is None else message.value()
    finally:
        consumer.close()


@contextmanager
def running(
    command: Sequence[str], log: Path, env: Mapping[str, str], answers: Callable[[], bool]
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command with little more than the environment given; wait until it answers."""
    whole = {"PATH": os.environ["PATH"], "HOME": str(log.parent), **env}
    with log.open("wb") as out:
        process = subprocess.Popen(command, env=whole, stdout=out, stderr=out, cwd=log.parent)
    try:
        deadline = time.monotonic() + START_TIMEOUT_S
        while not answering(answers):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.2)
        yield process
    finally:
        end(process)


def answering(answers: Callable[[], bool]) -> bool:
    """Ask once; an error is a no."""
    try:
        return answers()
    except Exception:  # each client has its own errors for "not yet"
        return False
