"""`driftbus config`: good or bad, and the whole of it."""

from pathlib import Path

import orjson
import pytest

from stream.config import from_text, json_schema
from tests.cli.command import driftbus


def test_a_good_file_is_ok(config: Path) -> None:
    """One word, exit code 0; the defaults are good, too."""
    assert driftbus("config", "check", "-c", config).output == "ok\n"
    assert driftbus("config", "check").output == "ok\n"


def test_what_is_dangerous_is_told_and_yet_ok(config: Path) -> None:
    """A caution does not end a deployment."""
    config.write_text("kafka: {ssl.endpoint.identification.algorithm: none}\n")
    result = driftbus("config", "check", "-c", config)
    assert result.exit_code == 0
    caution, last = result.stdout.splitlines()
    assert caution.startswith("caution: kafka.ssl.endpoint.identification.algorithm is off")
    assert last == "ok"


def test_every_bad_key_is_named_with_its_line(config: Path) -> None:
    """All at once, a line each, exit code 2."""
    config.write_text("pane: soon\nwindow: [1h]\n")
    result = driftbus("config", "check", "-c", config)
    assert (result.exit_code, result.stdout) == (2, "")
    first, second = result.stderr.splitlines()
    assert first.startswith(f"error: {config}: line 1: pane: ")
    assert second.startswith(f"error: {config}: line 2: window: ")


@pytest.mark.parametrize("verb", ["worker", "doctor", "replay"])
def test_a_bad_configuration_stops_every_verb(config: Path, verb: str, tmp_path: Path) -> None:
    """With exit code 2, before anything else."""
    config.write_text("pane: soon\n")
    more = [tmp_path / "no.csv", "--alerts", tmp_path / "out"] if verb == "replay" else []
    result = driftbus(verb, "-c", config, *more)
    assert result.exit_code == 2
    assert "line 1: pane: " in result.output


def test_the_schema_is_the_library_s() -> None:
    """What an editor gets is what the reader knows."""
    assert orjson.loads(driftbus("config", "schema").stdout) == orjson.loads(
        orjson.dumps(json_schema())
    )


def test_show_gives_back_the_configuration_without_its_secrets(config: Path) -> None:
    """What is shown reads as the same configuration; a password is never in it."""
    shown = driftbus("config", "show", "-c", config).stdout
    assert from_text(shown, {}) == from_text(config.read_text(), {})
    config.write_text("redis: {url: 'redis://me:hunter2@cache:6379/0'}\n")
    shown = driftbus("config", "show", "-c", config).stdout
    assert "hunter2" not in shown
    assert "redis://me:***@cache:6379/0" in shown
