"""One embedded broker for the tests of the bus."""

from collections.abc import Iterator

import pytest

from tests.sinks.broker import embedded_broker


@pytest.fixture(scope="session")
def broker() -> Iterator[str]:
    """Give the address of a Kafka broker."""
    with embedded_broker() as address:
        yield address
