"""What is deployed, as data: the compose file as Compose reads it, and the Dockerfile."""

import json
import re
import shlex
from collections.abc import Mapping
from typing import Any

import yaml

from tests.servers import ROOT

DEPLOY = ROOT / "deploy"
DOCKERFILE = DEPLOY / "Dockerfile"
CONFIG = DEPLOY / "driftbus.yaml"
CONFIG_IN_IMAGE = "/etc/driftbus/driftbus.yaml"

_VARIABLE = re.compile(r"\$(?:(\$)|\{(\w+)(?::-([^}]*))?\}|)")


def read_yaml(path: str) -> Any:
    """Read a YAML file below `deploy/`."""
    return yaml.safe_load((DEPLOY / path).read_text())


def compose(env: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Read docker-compose.yml, anchors merged, `${NAME}` and `${NAME:-default}` filled."""
    text = (ROOT / "docker-compose.yml").read_text()
    read: dict[str, Any] = _filled(yaml.safe_load(text), env or {})
    return read


def services(env: Mapping[str, str] | None = None) -> dict[str, dict[str, Any]]:
    """Tell the services of docker-compose.yml by name."""
    found: dict[str, dict[str, Any]] = compose(env)["services"]
    return found


def driftbus_commands() -> list[list[str]]:
    """Tell what follows `driftbus` wherever a service or the Dockerfile runs it."""
    of_services = [one["command"] for one in services().values() if "build" in one]
    of_image = [
        words[1:]
        for instruction, rest in dockerfile()
        if instruction == "RUN"
        for step in rest.split("&&")
        if (words := shlex.split(step)) and words[0] == "driftbus"
    ]
    default = [json.loads(rest) for instruction, rest in dockerfile() if instruction == "CMD"]
    return of_services + of_image + default


def dockerfile() -> list[tuple[str, str]]:
    """Tell the Dockerfile's instructions and what each says, line breaks and mounts taken out."""
    lines = [line for line in DOCKERFILE.read_text().splitlines() if not line.startswith("#")]
    joined = re.sub(r"\s*\\\n\s*", " ", "\n".join(lines))
    pairs = (line.split(maxsplit=1) for line in joined.splitlines() if line)
    return [(name, re.sub(r"--mount=\S+ ", "", rest)) for name, rest in pairs]


def _filled(node: Any, env: Mapping[str, str]) -> Any:
    if isinstance(node, dict):
        return {key: _filled(value, env) for key, value in node.items()}
    if isinstance(node, list):
        return [_filled(value, env) for value in node]
    return _VARIABLE.sub(lambda found: _value(found, env), node) if isinstance(node, str) else node


def _value(found: re.Match[str], env: Mapping[str, str]) -> str:
    dollar, name, default = found.groups()
    if dollar:
        return "$"
    if name is None or (not env.get(name) and default is None):
        raise ValueError(f"`{found.string}`: nothing to fill in at {found.start()}")
    return env.get(name) or default
