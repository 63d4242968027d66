"""One embedded broker for all tests of a process."""

from collections.abc import Iterator

import pytest

from .broker import embedded_broker


@pytest.fixture(scope="session")
def broker() -> Iterator[str]:
    """Give the address of a Kafka broker; whoever looks on it waits as long as a busy machine may need."""
    with pytest.MonkeyPatch.context() as patched, embedded_broker() as address:
        patched.setattr("sinks.kafka_find._ANSWER_S", 60.0)
        yield address
