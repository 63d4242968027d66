"""A configuration, a stream in a file, and the embedded broker."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.command import events, rows, write_config, write_jsonl
from tests.sinks.broker import embedded_broker


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The path of a configuration."""
    return write_config(tmp_path / "driftbus.yaml")


@pytest.fixture
def stream(tmp_path: Path) -> Path:
    """The path of a stream of two hours that drifts in the second."""
    return write_jsonl(tmp_path / "stream.jsonl", events(rows()))


@pytest.fixture(scope="module")
def broker() -> Iterator[str]:
    """The address of an embedded broker."""
    with embedded_broker() as address:
        yield address
