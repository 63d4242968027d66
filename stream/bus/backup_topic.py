"""The compacted topic on which copies of the state are kept; see `state.snapshot` for its records.

It has one partition, so that records have one order. Whoever may not create topics creates it himself:
`kafka-topics.sh --create --topic <app>.backup --partitions 1 --config cleanup.policy=compact`.
"""

import logging
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition
from confluent_kafka.cimpl import NewTopic

from stream.bus.admin import Admin
from stream.bus.settings import admin_settings, consumer_settings, producer_settings
from stream.config import Config
from stream.errors import BusUnavailable
from stream.state.snapshot import Record

__all__ = ["BackupTopic"]

LOG = logging.getLogger("driftbus.backup")
ANSWER_S = 10.0
SILENCE_S = 15.0
"""Longest wait for the next record when there must be one."""


class BackupTopic:
    """The topic of a configuration. Making one touches nothing; it is created by the first write."""

    def __init__(self, config: Config) -> None:
        self.name = config.backup_topic
        self._config = config
        self._made = False

    def write(self, records: Iterable[Record]) -> None:
        """Append records; the last one only when all before it are acknowledged by all replicas.

        Raises:
            BusUnavailable: not all of them are; what came before the last counts for nothing.
        """
        with self._border():
            self._make()
            producer = Producer(producer_settings(self._config))
            errors: list[KafkaError] = []

            def heard(error: KafkaError | None, _: Message) -> None:
                if error is not None:
                    errors.append(error)

            last: Record | None = None
            try:
                for record in records:
                    if last is not None:
                        self._produce(producer, last, heard)
                    last = record
                self._settle(producer, errors)
                if last is not None:
                    self._produce(producer, last, heard)
                self._settle(producer, errors)
            finally:
                producer.purge()
                producer.close()

    def read(self) -> Iterator[Record]:
        """Give all records that are there now, oldest first; none when there is no such topic.

        Raises:
            BusUnavailable: they cannot be read to the end.
        """
        settings = consumer_settings(self._config) | {"allow.auto.create.topics": False}
        with self._border(), closing(Consumer(settings)) as consumer:
            if self._is_there(consumer):
                yield from self._records(consumer)

    def _is_there(self, client: Any) -> bool:
        known = client.list_topics(self.name, timeout=ANSWER_S).topics[self.name]
        if known.error is None:
            return True
        if known.error.code() in (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC):
            return False
        raise KafkaException(known.error)

    def _records(self, consumer: Consumer) -> Iterator[Record]:
        place = TopicPartition(self.name, 0)
        low, high = consumer.get_watermark_offsets(place, timeout=ANSWER_S)
        consumer.assign([TopicPartition(self.name, 0, low)])
        heard = time.monotonic()
        while high > low:
            for message in consumer.consume(500, 0.2):
                error = message.error()
                if error is None:
                    heard = time.monotonic()
                    yield message.key() or b"", message.value() or b""
                elif error.code() == KafkaError._PARTITION_EOF:
                    return  # compaction may have taken what stood before the end
            if time.monotonic() - heard > SILENCE_S:
                raise KafkaException(KafkaError(KafkaError._TIMED_OUT))

    def _make(self) -> None:
        """Create the topic if it is not there, compacted; brokers would make a common one by themselves."""
        if self._made:
            return
        settings: dict[str, Any] = admin_settings(self._config)
        with closing(Admin(settings)) as admin:
            names = admin.topics(ANSWER_S)
            if self.name not in names:
                topic = NewTopic(self.name, 1, config={"cleanup.policy": "compact"})
                asked = admin.ask(
                    lambda client: client.create_topics([topic], request_timeout=ANSWER_S)
                )
                for made in asked.values():
                    made.result(2 * ANSWER_S)  # the request itself fails before
                LOG.info("made topic %s", self.name)
        self._made = True

    def _produce(self, producer: Producer, record: Record, heard: Any) -> None:
        while True:
            try:
                key, value = record
                producer.produce(self.name, value, key, partition=0, on_delivery=heard)
            except BufferError:
                producer.poll(0.1)
            else:
                producer.poll(0)
                return

    def _settle(self, producer: Producer, errors: list[KafkaError]) -> None:
        if producer.flush(ANSWER_S * 2):
            errors.append(KafkaError(KafkaError._TIMED_OUT))
        if errors:
            raise KafkaException(errors[0])

    @contextmanager
    def _border(self) -> Iterator[None]:
        try:
            yield
        except (KafkaException, TimeoutError) as error:
            told = error.args[0].str() if isinstance(error, KafkaException) else "no answer"
            raise BusUnavailable(
                told, f"topic {self.name}", "may driftbus make and write it?"
            ) from None
