"""A worker enters the references of its files at its start, and says of which series another one is in force."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import closing

import pytest

from stream.config.load import from_text
from stream.reference.reference import Reference
from stream.run.work import worker as of_worker
from stream.run.work.worker import Worker
from stream.state.memory import MemoryStore
from tests.events import reference_of

KNOWN = [reference_of([{"a": i}], version=str(i)) for i in range(4)]


class Noting(MemoryStore):
    """Notes what is put into it."""

    def __init__(self) -> None:
        super().__init__()
        self.put: list[bytes] = []

    def put_together(
        self, key: str, fields: Mapping[bytes, bytes], *, behind: Mapping[bytes, bytes]
    ) -> bool:
        self.put += fields
        return super().put_together(key, fields, behind=behind)


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Noting:
    """Give the store of every worker."""
    made = Noting()
    monkeypatch.setattr(of_worker, "make_store", lambda _: made)
    return made


def begin(references: Sequence[Reference]) -> Worker:
    """Let a worker enter its references, and no more."""
    worker = Worker(from_text("bootstrap: 127.0.0.1:9", {}), references)
    with worker._folder, closing(worker.brokers):
        asyncio.run(worker._publish_references())
    return worker


def digests(worker: Worker) -> list[bytes]:
    """Tell what a worker knows."""
    return [reference.digest for reference in worker.runtime.fleet.book.all()]


def test_who_starts_again_sends_only_what_the_store_does_not_have(store: Noting) -> None:
    """Ten thousand of them took seconds of every start."""
    begin(KNOWN[:3])
    before = store.peek("{driftbus:fleet}").keys()
    store.put.clear()
    begin(KNOWN)
    assert digests(begin(KNOWN[::-1])) == digests(begin([])) == [r.digest for r in KNOWN]
    assert set(store.put) == store.peek("{driftbus:fleet}").keys() - before


def test_another_one_that_is_in_force_is_told_of_and_stays(
    store: Noting, caplog: pytest.LogCaptureFixture
) -> None:
    begin(KNOWN)
    other = reference_of([{"a": 7}, {"a": 9}], version="2")
    with caplog.at_level(logging.WARNING):
        worker = begin([KNOWN[0], other, KNOWN[1]])
    assert [record.args for record in caplog.records] == [(other.series, KNOWN[2].name)]
    assert digests(worker) == [r.digest for r in KNOWN]
