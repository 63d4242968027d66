"""docker-compose.yml, checked without an engine: all it names is there, and nobody gets in."""

import re
import subprocess
from pathlib import Path
from typing import Any

import click
import pytest

from stream.cli import main
from stream.config import from_text
from tests.deploy.files import CONFIG, DEPLOY, compose, driftbus_commands, services
from tests.servers import ROOT

SERVICES = services()
WRITABLE_ROOT = {"kafka", "topics", "prometheus"}
"""Kafka's image and Compose's inline configs write into the root; docker-compose.yml says why."""


@pytest.fixture(params=SERVICES, name="service")
def any_service(request: pytest.FixtureRequest) -> dict[str, Any]:
    return {"name": request.param, **SERVICES[request.param]}


def test_an_image_has_a_version_or_is_built_from_what_is_there(service: dict[str, Any]) -> None:
    """Nothing floats: a tag is a version, and only our own image, which is built here, is local."""
    name, _, tag = service["image"].rpartition(":")
    if "build" in service:
        assert (name, tag) == ("driftbus", "local")
        assert (ROOT / service["build"]["context"] / service["build"]["dockerfile"]).is_file()
    else:
        assert re.fullmatch(r"v?\d+\.\d+\.\d+", tag)


def test_kafka_is_the_one_that_the_tests_run_on() -> None:
    """The broker of the containers has the version that `make servers` fetches."""
    fetched = re.search(r"KAFKA_VERSION:-([\d.]+)", (DEPLOY / "servers/fetch-kafka").read_text())
    assert fetched is not None
    images = {SERVICES["kafka"]["image"], SERVICES["topics"]["image"]}
    assert images == {f"apache/kafka:{fetched[1]}"}


def test_everything_mounted_is_there(service: dict[str, Any]) -> None:
    """A path is in the repository and mounted read-only; a volume and a config are declared."""
    whole = compose()
    for mount in service.get("volumes", []):
        source, target, *options = mount.split(":")
        assert target.startswith("/")
        if source.startswith("."):
            assert (ROOT / source).exists()
            assert options == ["ro"]
        else:
            assert source in whole["volumes"]
    for config in service.get("configs", []):
        assert config["source"] in whole["configs"]


def test_every_declared_volume_is_mounted_by_one_service() -> None:
    """No volume is left over, and none is filled by two containers at once."""
    mounts = [m.split(":")[0] for one in SERVICES.values() for m in one.get("volumes", [])]
    named = [source for source in mounts if not source.startswith(".")]
    assert sorted(named) == sorted(compose()["volumes"])


def test_ports_are_published_on_loopback_only_and_once() -> None:
    """No other machine can reach a port of the deployment."""
    ports = [port.split(":") for one in SERVICES.values() for port in one.get("ports", [])]
    assert {host for host, _, _ in ports} == {"127.0.0.1"}
    assert len({published for _, published, _ in ports}) == len(ports)


def test_a_service_runs_with_as_little_as_it_can(service: dict[str, Any]) -> None:
    """Not root, no capabilities, no way to more; the root is read-only but where it cannot be."""
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert int(service["user"].split(":")[0]) > 0
    assert service.get("read_only", False) == (service["name"] not in WRITABLE_ROOT)


def test_a_service_waits_for_what_can_become_true(service: dict[str, Any]) -> None:
    """What is waited for as healthy tells its health; what is waited for to end does end."""
    for name, wait in service.get("depends_on", {}).items():
        other = SERVICES[name]
        if wait["condition"] == "service_healthy":
            assert "test" in other["healthcheck"]
        else:
            assert (wait["condition"], other["restart"]) == (
                "service_completed_successfully",
                "no",
            )


def test_servers_come_back_and_one_shots_do_not() -> None:
    """A crash is mended by a restart; topics and flights are made once."""
    once = {name for name, one in SERVICES.items() if one["restart"] == "no"}
    assert once == {"topics", "flights"}
    assert {SERVICES[name]["restart"] for name in SERVICES.keys() - once} == {"unless-stopped"}


def test_only_the_flights_are_for_the_demo() -> None:
    """Nobody gets events into their topics without asking."""
    assert [name for name, one in SERVICES.items() if "profiles" in one] == ["flights"]


@pytest.mark.parametrize("command", driftbus_commands(), ids=" ".join)
def test_the_command_line_takes_every_command(command: list[str]) -> None:
    """The verb exists and has every option that is used; what the paths hold is not asked here."""
    found: click.Command = main
    words = list(command)
    with click.Context(found, info_name="driftbus") as context:
        while isinstance(found, click.Group):
            found = found.commands[words.pop(0)]
        found.make_parser(context).parse_args(words)


def test_the_two_workers_differ_in_port_and_cache_only() -> None:
    """They are one worker, twice."""
    own = ("ports", "volumes")
    one, two = (
        {key: value for key, value in SERVICES[name].items() if key not in own}
        for name in ("worker-1", "worker-2")
    )
    assert one == two


def test_a_worker_has_the_time_to_end_in_peace() -> None:
    """The engine waits longer than `shutdown_timeout` before it kills."""
    worker = SERVICES["worker-1"]
    config = from_text(CONFIG.read_text(), worker["environment"])
    grace = re.fullmatch(r"(\d+)s", worker["stop_grace_period"])
    assert grace is not None
    assert int(grace[1]) * 1000 > config.shutdown_timeout_ms


def test_topics_makes_every_topic_and_dead_letters_with_four_partitions(tmp_path: Path) -> None:
    """The service's own command is run with a stand-in for Kafka's tool that notes its calls."""
    calls = tmp_path / "calls"
    tool = tmp_path / "kafka-topics.sh"
    tool.write_text(f'#!/bin/sh\necho "$@" >>{calls}\n')
    tool.chmod(0o755)
    service = SERVICES["topics"]
    (script,) = service["command"]
    command = [*service["entrypoint"], script.replace("/opt/kafka/bin", str(tmp_path))]
    subprocess.run(command, env=service["environment"], check=True, timeout=60)
    made = {
        (words[words.index("--topic") + 1], words[words.index("--partitions") + 1])
        for words in map(str.split, calls.read_text().splitlines())
        if "--create" in words and "--if-not-exists" in words
    }
    topics = from_text(CONFIG.read_text(), SERVICES["worker-1"]["environment"]).topics
    inputs = [topics.features, topics.predictions, topics.labels]
    names = [*inputs, topics.alerts, *(f"{name}.dlq" for name in inputs)]
    assert made == {(name, "4") for name in names}


@pytest.mark.parametrize("env", [{}, {"DRIFTBUS_TOKEN": "s3cret"}])
def test_prometheus_shows_the_token_that_the_workers_want(env: dict[str, str]) -> None:
    """Both come from one variable, whether it is set or not."""
    whole = compose(env)
    token = whole["services"]["worker-1"]["environment"]["DRIFTBUS_TOKEN"]
    assert whole["configs"]["scrape-token"]["content"] == token
    assert token == env.get("DRIFTBUS_TOKEN", "driftbus-local")
