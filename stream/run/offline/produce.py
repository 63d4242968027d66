"""`driftbus produce`: writes the events of files to the input topics, as producers would."""

import time
from collections import Counter
from collections.abc import Iterable
from importlib.resources import files

import msgspec
from confluent_kafka import KafkaError, Message, Producer

from stream.bus.settings import producer_settings
from stream.config import Config
from stream.errors import BusUnavailable
from stream.files import FileEvent
from stream.run.fleet.topics import Listener, cluster_of, input_topics, kafka_border, unavailable
from stream.run.offline.batches import Record, in_batches, one_by_one
from stream.run.terminal.progress import Progress
from stream.words import Kind

__all__ = ["FLIGHTS", "FLIGHTS_CONFIG", "IN_FLIGHT_MAX", "key_of", "produce"]

FLIGHTS = files("stream") / "data" / "flights-2013.csv.gz"
"""The shipped stream: the flights of 2013."""
FLIGHTS_CONFIG = files("stream") / "data" / "flights.yaml"
"""How its columns are read, and the panes and windows that suit it."""

IN_FLIGHT_MAX = 10_000
"""Records that wait for their acknowledgement, at most."""
_FLUSH_S = 30.0
_PACE_EVERY = 100  # events between two looks at the clock


class _Identity(msgspec.Struct):
    id: str | None = None
    model: str | None = None


def key_of(value: bytes) -> str | None:
    """Tell the key of an event: its id, so that one model spreads over the partitions.

    Without an id it is the model.

    >>> key_of(b'{"id": "a-1", "model": "fraud"}'), key_of(b'{"model": "fraud"}'), key_of(b"oops")
    ('a-1', 'fraud', None)
    """
    try:
        identity = msgspec.json.decode(value, type=_Identity)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return identity.id or identity.model


def produce(
    config: Config,
    events: Iterable[FileEvent],
    rate: float | None,
    progress: Progress,
    arrow_rows: int | None = None,
) -> Counter[Kind]:
    """Write events to the input topics, wait for all acknowledgements, tell how many of each kind.

    Records carry the time of writing. Kinds whose topic is null are left out. Writing is
    idempotent, each partition keeps the order of the files.

    Args:
        config: bootstrap, topics and Kafka's settings.
        events: in the order in which they are written.
        rate: events a second, evenly spread; None: as fast as Kafka takes them.
        progress: told of every acknowledged portion.
        arrow_rows: events that go into one Arrow message; None: each is a message, as JSON.

    Raises:
        BusUnavailable: Kafka cannot be reached, or refuses a record.
    """
    cluster_of(config)  # a plain error at once, instead of records that wait for a broker
    listener = Listener()
    with kafka_border(config, listener):
        settings = dict(producer_settings(config)) | listener.settings()
        writer = _Writer(config, Producer(settings | {"partitioner": "murmur2_random"}), listener)
        try:
            records = one_by_one(events) if arrow_rows is None else in_batches(events, arrow_rows)
            return _paced(records, input_topics(config), writer, rate, progress)
        finally:
            writer.close()


def _paced(
    records: Iterable[Record],
    topics: dict[Kind, str],
    writer: "_Writer",
    rate: float | None,
    progress: Progress,
) -> Counter[Kind]:
    written: Counter[Kind] = Counter()
    start, count, told = time.monotonic(), 0, 0
    for record in records:
        topic = topics.get(record.kind)
        if topic is None:
            continue
        writer.write(topic, record)
        written[record.kind] += record.events
        count += record.events
        if rate is not None:
            writer.wait_until(start + count / rate)
        if count - told >= _PACE_EVERY:
            progress.events(count - told)
            told = count
    writer.flush()
    progress.events(count - told)
    return written


class _Writer:
    """A producer with few records in flight, that ends with the first record that is refused."""

    def __init__(self, config: Config, producer: Producer, listener: Listener) -> None:
        self._config = config
        self._producer = producer
        self._listener = listener
        self._refused = ""

    def write(self, topic: str, record: Record) -> None:
        """Hand over one record; waits while too many are in flight."""
        while len(self._producer) >= IN_FLIGHT_MAX:
            self._producer.poll(0.05)
            self._check()
        self._producer.produce(
            topic, value=record.value, key=key_of(record.first), headers=list(record.headers),
            on_delivery=self._heard,
        )  # fmt: skip
        self._producer.poll(0)
        self._check()

    def wait_until(self, moment: float) -> None:
        """Hear of deliveries until a moment of the monotonic clock."""
        while (left := moment - time.monotonic()) > 0:
            self._producer.poll(min(left, 0.1))
            self._check()

    def flush(self) -> None:
        """Wait for all acknowledgements."""
        left = self._producer.flush(_FLUSH_S)
        self._check()
        if left:
            told = self._listener.trouble or f"{left} records not acknowledged in {_FLUSH_S:g} s"
            raise unavailable(self._config, told)

    def close(self) -> None:
        """Let go of the client and of what it still holds."""
        self._producer.purge()
        self._producer.close()

    def _heard(self, error: KafkaError | None, message: Message) -> None:
        if error is not None and not self._refused:
            self._refused = f"a record for topic {message.topic()} was not taken ({error.str()})"

    def _check(self) -> None:
        if self._refused:
            why = f" ({self._listener.trouble})" if self._listener.trouble else ""
            raise BusUnavailable(
                self._refused + why, self._config.bootstrap, "see `driftbus doctor`"
            )
