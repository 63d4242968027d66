"""What the logs of partitions hold: from which offset on, and up to which."""

from collections.abc import Iterable
from contextlib import closing

from confluent_kafka import Consumer, KafkaException, TopicPartition

from stream.bus.settings import consumer_settings
from stream.config import Config
from stream.errors import BusUnavailable
from stream.ingest.raw import Source

__all__ = ["log_bounds"]

ANSWER_S = 10.0


def log_bounds(config: Config, sources: Iterable[Source]) -> dict[Source, tuple[int, int]]:
    """Tell of each partition the first offset of its log and the one after its last. Cost: a round trip each.

    Raises:
        BusUnavailable: Kafka does not tell.
    """
    settings = consumer_settings(config) | {"allow.auto.create.topics": False}
    try:
        with closing(Consumer(settings)) as consumer:
            return {
                source: consumer.get_watermark_offsets(
                    TopicPartition(source.topic, source.partition), timeout=ANSWER_S
                )
                for source in sources
            }
    except KafkaException as error:
        raise BusUnavailable(
            error.args[0].str(), config.bootstrap, "is it running there?"
        ) from None
