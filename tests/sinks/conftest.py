"""One embedded broker for all tests of a process."""

from collections.abc import Iterator

import pytest

from .broker import embedded_broker


@pytest.fixture(scope="session")
def broker() -> Iterator[str]:
    """Give the address of a Kafka broker."""
    with embedded_broker() as address:
        yield address
