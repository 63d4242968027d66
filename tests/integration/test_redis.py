"""A Redis that is killed, refuses writes or goes back in time leaves the alerts and the state of a replay."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

import pytest
from redis import Redis

from stream.files.source import FileEvent
from tests.integration.oracle import Oracle
from tests.integration.story import Story, story, writes_refused
from tests.servers import redis_server

pytestmark = pytest.mark.servers

KEEP = ("--appendonly", "yes", "--appendfsync", "always")
NOBODY = "127.0.0.1", 1
ANEW = "loading anew"
"""What a worker says that finds its commits gone, be it by a CONFLICT or by having looked."""


class Server:
    """A Redis with a folder and a port of its own, which can be killed and started again."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        self._options = options
        self._running = ExitStack()
        self._port = 0
        self.start()

    def start(self) -> None:
        """Start it with what its folder holds."""
        running = redis_server(self.folder, self._port, *self._options)
        self.url, self._pid = self._running.enter_context(running)
        self._port = int(self.url.rpartition(":")[2].partition("/")[0])

    def kill(self) -> None:
        """End it without a word."""
        os.kill(self._pid, signal.SIGKILL)
        self.close()

    def close(self) -> None:
        """End it, if it runs."""
        self._running.close()


@contextmanager
def server(folder: Path, *options: str) -> Iterator[Server]:
    """Make a folder, and run a Redis in it."""
    folder.mkdir()
    made = Server(folder, *options)
    try:
        yield made
    finally:
        made.close()


def test_a_redis_that_is_killed_or_refuses_writes_is_waited_for(
    tmp_path: Path, kafka_bootstrap: str, events: list[FileEvent], oracle: Oracle
) -> None:
    """Killed with its append-only file, out of memory, a replica, failing to dump, silent: the one worker goes on."""
    with (
        server(tmp_path / "redis", *KEEP) as redis,
        story(tmp_path, events, kafka_bootstrap, redis.url) as told,
    ):

        def fault(
            what: str, sign: str, during: Callable[[str], AbstractContextManager[object]]
        ) -> Callable[[], None]:
            def act() -> None:
                told.flows()
                with during(redis.url):
                    told.says(0, sign)
                told.recovers(what)

            return act

        def killed() -> None:
            told.flows()
            redis.kill()
            told.says(0, "keeps trying")
            redis.start()
            told.recovers("a killed Redis")

        told.goes_on(
            killed,
            fault("want of memory", "maxmemory", writes_refused),
            fault("a time as a replica", "eplica", a_replica),
            fault("a disk that fails", "MISCONF", a_disk_that_fails),
            fault("a stall", "Timeout", a_stall),
        )
        told.ends_like(oracle)
        assert len(told.workers.workers) == 1, "the worker was not started again"


@contextmanager
def a_replica(url: str) -> Iterator[None]:
    """Make Redis the replica of nobody, so that it is read-only, and then its own master again."""
    with Redis.from_url(url) as redis:
        redis.replicaof(*NOBODY)
        try:
            yield
        finally:
            redis.replicaof("NO", "ONE")


@contextmanager
def a_stall(url: str) -> Iterator[None]:
    """Let Redis take in writes and answer none, and then carry all of them out."""
    with Redis.from_url(url) as redis:
        redis.client_pause(600_000, all=False)
        try:
            yield
        finally:
            redis.client_unpause()


@contextmanager
def a_disk_that_fails(url: str) -> Iterator[None]:
    """Let Redis fail to write its dump, by a folder of that name, and refuse writes until one has succeeded."""
    with Redis.from_url(url) as redis:
        dump = Path(redis.config_get("dir")["dir"]) / "dump.rdb"
        dump.mkdir()
        redis.config_set("save", "3600 1")
        save(redis, "err")
        try:
            yield
        finally:
            dump.rmdir()
            save(redis, "ok")
            redis.config_set("save", "")


def save(redis: Redis, status: str) -> None:
    """Have a dump written beside other commands, and wait until it has ended as expected."""
    redis.bgsave()
    while redis.info("persistence")["rdb_bgsave_in_progress"]:
        pass
    assert redis.info("persistence")["rdb_last_bgsave_status"] == status


def test_a_redis_that_goes_back_in_time_is_folded_to_where_it_was(
    tmp_path: Path, kafka_bootstrap: str, events: list[FileEvent], oracle: Oracle
) -> None:
    """Twice it wakes with an older dump, after alerts of later were told: it is loaded anew, and none is told twice."""
    with (
        server(tmp_path / "redis") as redis,
        story(tmp_path, events, kafka_bootstrap, redis.url) as told,
    ):
        known: list[int] = []

        def forget() -> None:
            remember(redis.url)
            tell_more(told, told.workers.published())
            known.append(told.workers.log(0).count(ANEW))
            redis.kill()
            redis.start()

        def notice() -> None:
            told.says(0, ANEW, known[-1] + 1)
            told.recovers("a Redis of the past")

        told.goes_on(told.flows, forget, notice, forget, notice)
        told.ends_like(oracle)


def remember(url: str) -> None:
    """Have Redis dump what it holds now; it is what it wakes with."""
    with Redis.from_url(url) as redis:
        redis.save()


def tell_more(told: Story, than: int) -> None:
    """Wait until more alerts are told."""
    told.workers.wait("further alerts", lambda: told.workers.published() > than, 120)
