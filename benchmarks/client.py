"""The client alone, and with typed decode: the worker's own settings and functions in a bare loop."""

from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import c_longlong
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from confluent_kafka import Consumer, TopicPartition

from benchmarks.broker import PARTITIONS, Broker
from benchmarks.workload import TOPIC
from stream.bus.consumer import CONSUME
from stream.bus.messages import batches_of, spare_collector
from stream.bus.settings import consumer_settings
from stream.config import load
from stream.ingest.decode import Decoder
from stream.ingest.raw import RawBatch
from stream.reference.book import Book
from stream.reference.file import read_references
from stream.words import Kind

__all__ = ["Client", "client_process"]


@dataclass(frozen=True)
class Client:
    """A consuming process as its parent sees it."""

    pid: int
    broker: Broker

    def consumed(self) -> int:
        """Tell how many events it is done with."""
        return self.broker.consumed.value

    def finish(self) -> dict[str, object]:
        """Give nothing: a client has no more to tell."""
        return {}


@contextmanager
def client_process(
    broker: Broker, config: Path, reference: Path, *, decode: bool
) -> Iterator[Client]:
    """Consume all partitions in a process of its own until the block ends; with `decode`, to column arrays."""
    process = get_context("spawn").Process(
        target=_run, args=(config, reference if decode else None, broker.consumed), daemon=True
    )
    process.start()
    assert process.pid is not None
    try:
        yield Client(process.pid, broker)
    finally:
        process.kill()
        process.join()


def _run(config_path: Path, reference: Path | None, consumed: c_longlong) -> None:
    config = load(config_path)
    decoder = None
    if reference is not None:
        schemas = Book(read_references(reference)).schemas(Kind.FEATURES)
        decoder = Decoder(Kind.FEATURES, schemas, config.limits.event_bytes_max)
    spare_collector()
    consumer = Consumer(consumer_settings(config))
    consumer.assign([TopicPartition(TOPIC, p, 0) for p in range(PARTITIONS)])
    while True:
        batches, _, _, _ = batches_of(consumer.consume(CONSUME, 0.1), {TOPIC: Kind.FEATURES})
        for batch in batches:
            if decoder is not None:
                _decode(decoder, batch, config.max_future_ms)
            else:
                _ask(batch)
            consumed.value += len(batch)


def _decode(decoder: Decoder, batch: RawBatch, max_future_ms: int) -> None:
    """Make the columns of a batch, as the fold has them before it counts."""
    decoded = decoder.decode(batch, max_future_ms)
    schema = decoder.schema_of[type(decoded.events[0])]
    table = schema.table(decoded.events)
    assert len(table.X) == len(batch)


def _ask(batch: RawBatch) -> None:
    """Have the messages give their bytes and times, which they would else keep to themselves."""
    assert batch.stamps is not None
    assert len(batch.stamps) == len(batch.values)
