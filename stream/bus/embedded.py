"""The broker that ships inside confluent-kafka, for trying, demonstrations and tests.

It keeps about 100,000 records or 5 MiB a partition, in memory, and creates topics of four partitions on first use. Any
Kafka client on this machine can use it.
"""

from confluent_kafka import Producer

__all__ = ["EmbeddedBroker"]


class EmbeddedBroker:
    """A broker that lives as long as this object; `bootstrap` is its address.

    `producer` is a client in the same process that may produce to it. Whoever produces must keep consumers close
    behind: what is over the broker's bound is dropped, oldest first.
    """

    def __init__(self) -> None:
        self.producer = Producer({
            "test.mock.num.brokers": 1,
            "linger.ms": 5,
            "batch.num.messages": 10_000,
            "queue.buffering.max.messages": 1_000_000,
            "log_level": 3,
        })  # fmt: skip
        brokers = self.producer.list_topics(timeout=10.0).brokers.values()
        self.bootstrap = ",".join(f"{broker.host}:{broker.port}" for broker in brokers)

    def create(self, *topics: str) -> None:
        """Create topics by asking for them, as the broker has no other way."""
        for topic in topics:
            self.producer.list_topics(topic, timeout=10.0)
