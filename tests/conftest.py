"""Fixtures for all tests: the real servers, one of each a session, for tests marked `servers`."""

import gc
import logging
from collections.abc import Generator, Iterator

import pytest
from hypothesis import HealthCheck, settings

from stream.bus.messages import spare_collector
from tests.servers import kafka_missing, kafka_server, need, redis_missing, redis_server

# The same examples in every run; no deadline, as the time of one is the machine's affair.
settings.register_profile(
    "driftbus", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("driftbus")

LONG = (
    "detectors/sequential/test_same_as_river.py", "evaluate/test_model.py", "simulator/test_schedules.py",
    "demo/", "evaluate/", "bus/test_consumer.py", "replay/", "run/test_worker.py", "benchmarks/", "simulator/", "run/",
    "cli/", "security/", "hostile/",
)  # fmt: skip
"""What takes longest, and files that wait between files that compute.

The first three need different compiled loops, among them nearly all there are: so hardly anything is compiled by two
processes at the same time, and the processes that tests start find it compiled.
"""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put what takes longest first: then processes that are given file by file end together.

    The order is otherwise left as it is.
    """
    long = [str(config.rootpath / "tests" / name) for name in LONG]

    def place(item: pytest.Item) -> int:
        return next((i for i, of in enumerate(long) if str(item.path).startswith(of)), len(long))

    items.sort(key=place)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Search for cycles among what tests make alone, and as rarely as a worker does.

    Half a million objects come by imports and the tests themselves, and all of them stay.
    """
    gc.disable()
    collected = yield
    spare_collector()
    gc.enable()
    return collected


@pytest.fixture(autouse=True)
def loggers_are_left_as_they_were() -> Iterator[None]:
    """Fail who leaves a filter or a level on a logger: what others hear would hang on who shares their process."""
    before = _loggers()
    yield
    changed = _loggers() - before
    assert not changed, "a test has changed loggers: give monkeypatch what sets them up"


def _loggers() -> set[tuple[str, int, bool, bool, tuple[int, ...]]]:
    """Tell how the loggers of driftbus are that are not as they are made."""
    made = [
        (name, log.level, log.disabled, log.propagate, tuple(map(id, log.filters)))
        for name, log in logging.root.manager.loggerDict.items()
        if name.startswith("driftbus") and isinstance(log, logging.Logger)
    ]
    return {one for one in made if one[1:] != (logging.NOTSET, False, True, ())}


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real Redis that keeps nothing on disk."""
    need(redis_missing())
    with redis_server(tmp_path_factory.mktemp("redis")) as (url, _):
        yield url


@pytest.fixture(scope="session")
def kafka_bootstrap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real Kafka that creates topics of 4 partitions on first use."""
    need(kafka_missing())
    with kafka_server(tmp_path_factory.mktemp("kafka")) as (bootstrap, _):
        yield bootstrap
