"""The stream of the fault tests and its replay, made once."""

import pytest

from stream.files.source import FileEvent
from tests.integration.oracle import Oracle, make_events, replayed


@pytest.fixture(scope="session")
def events() -> list[FileEvent]:
    """Give the stream."""
    return make_events()


@pytest.fixture(scope="session")
def oracle(events: list[FileEvent]) -> Oracle:
    """Tell what a replay says of the stream."""
    return replayed(events)
