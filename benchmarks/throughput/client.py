"""The client alone, and with typed decode: the worker's own settings and functions in a bare loop."""

from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import c_longlong
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from confluent_kafka import Consumer, TopicPartition

from benchmarks.broker import Broker
from benchmarks.throughput.case import Case, Names
from stream.bus.consumer import WAIT_S
from stream.bus.messages import Reading, spare_collector
from stream.bus.settings import consumer_settings
from stream.config import from_text
from stream.ingest.decode import Decoder
from stream.ingest.group import group_by_model
from stream.ingest.raw import RawBatch
from stream.reference.book import Book
from stream.reference.file import read_references
from stream.words import Kind

__all__ = ["Client", "client_process"]


@dataclass(frozen=True)
class Client:
    """A consuming process as its parent sees it."""

    pids: tuple[int, ...]
    broker: Broker

    def consumed(self) -> int:
        """Tell how many events it is done with."""
        return self.broker.consumed.value

    def finish(self) -> dict[str, float]:
        """Give nothing: a client has no more to tell."""
        return {}


@contextmanager
def client_process(broker: Broker, case: Case, names: Names, reference: Path) -> Iterator[Client]:
    """Consume all partitions in a process of its own until the block ends; with mode `decode`, to column arrays."""
    process = get_context("spawn").Process(
        target=_run, args=(case, names, broker.bootstrap, reference, broker.consumed), daemon=True
    )
    process.start()
    assert process.pid is not None
    try:
        yield Client((process.pid,), broker)
    finally:
        process.kill()
        process.join()


def _run(case: Case, names: Names, bootstrap: str, reference: Path, consumed: c_longlong) -> None:
    config = from_text(case.settings(bootstrap, names=names), {})
    decoder = None
    if case.mode == "decode":
        schemas = Book(read_references(reference)).schemas(Kind.FEATURES)
        decoder = Decoder(Kind.FEATURES, schemas, config.limits.event_bytes_max)
    spare_collector()
    consumer = Consumer(consumer_settings(config))
    consumer.assign([TopicPartition(names.features, p, 0) for p in range(case.partitions)])
    while True:
        reading = Reading({names.features: Kind.FEATURES})
        reading.fill(partial(consumer.consume, timeout=0.0), case.consume_size, WAIT_S)
        for batch in reading.batches():
            if decoder is not None:
                _decode(decoder, batch, config.max_future_ms)
            else:
                _ask(batch)
            consumed.value += len(batch)


def _decode(decoder: Decoder, batch: RawBatch, max_future_ms: int) -> None:
    """Make the columns of a batch, as the fold has them before it counts."""
    decoded = decoder.decode(batch, max_future_ms)
    groups = group_by_model(decoded, np.arange(len(batch)), decoder.schema_of)
    rows = 0
    for group in groups:
        table = group.table()
        assert table is not None
        rows += len(table.X)
    assert rows == len(batch)


def _ask(batch: RawBatch) -> None:
    """Have the messages give their bytes and times, which they would else keep to themselves."""
    assert batch.stamps is not None
    assert len(batch.stamps) == len(batch.values)
