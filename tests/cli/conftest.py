"""A configuration, a stream in a file, and the embedded broker."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.command import (
    DRIFT_HOURS,
    END_HOURS,
    EVERY_6_MINUTES,
    WEEKLY,
    events,
    rows,
    write_config,
    write_jsonl,
)
from tests.sinks.broker import embedded_broker


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The path of a configuration."""
    return write_config(tmp_path / "driftbus.yaml")


@pytest.fixture
def stream(tmp_path: Path) -> Path:
    """The path of a stream of two hours that drifts in the second."""
    return write_jsonl(tmp_path / "stream.jsonl", events(rows()))


@pytest.fixture
def weekly(tmp_path: Path) -> Path:
    """The path of a configuration under which a week is learned."""
    return write_config(tmp_path / "weekly.yaml", of=WEEKLY)


@pytest.fixture
def weeks(tmp_path: Path) -> Path:
    """The path of a stream of nine days that drifts in the last."""
    made = rows(END_HOURS, DRIFT_HOURS, EVERY_6_MINUTES)
    return write_jsonl(tmp_path / "weeks.jsonl", events(made))


@pytest.fixture(scope="module")
def broker() -> Iterator[str]:
    """The address of an embedded broker."""
    with embedded_broker() as address:
        yield address
