"""What Kafka says of the input topics, asked once, with a clear error when it does not answer."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient, ClusterMetadata

from stream.bus.settings import admin_settings
from stream.config import Config
from stream.errors import BusUnavailable, UsageError
from stream.ingest.raw import Source
from stream.words import INPUTS, Kind

__all__ = ["ANSWER_S", "Listener", "input_topics", "kafka_border", "metadata_of", "sources_of"]

ANSWER_S = 5.0
"""Longest wait for an answer of Kafka."""

# Without a handler Python would print the client's own warnings on stderr, beside our error.
logging.getLogger("driftbus.kafka").addHandler(logging.NullHandler())


class Listener:
    """Remembers what a client said last of its connections: that is often the reason of an error."""

    def __init__(self) -> None:
        self.trouble = ""

    def __call__(self, error: KafkaError) -> None:
        """Hear of an error; that all brokers are down says nothing of why."""
        if error.code() != KafkaError._ALL_BROKERS_DOWN:
            self.trouble = error.str()

    def settings(self) -> dict[str, Any]:
        """Give the setting by which a client is listened to."""
        return {"error_cb": self}


@contextmanager
def kafka_border(config: Config, listener: Listener) -> Iterator[None]:
    """Turn what the Kafka client raises into BusUnavailable; the border for such errors."""
    try:
        yield
    except KafkaException as error:
        raise unavailable(config, listener.trouble or error.args[0].str()) from None


def unavailable(config: Config, why: str) -> BusUnavailable:
    """Say that Kafka does not do what is asked of it."""
    todo = "is it running there? `driftbus doctor` tells more"
    return BusUnavailable(f"Kafka cannot be reached ({why})", config.bootstrap, todo)


def input_topics(config: Config) -> dict[Kind, str]:
    """Tell the topics that are read."""
    named = {kind: getattr(config.topics, kind.value) for kind in INPUTS}
    return {kind: topic for kind, topic in named.items() if topic is not None}


def metadata_of(
    config: Config, timeout_s: float = ANSWER_S, make: Callable[[dict[str, Any]], Any] = AdminClient
) -> ClusterMetadata:
    """Ask for brokers and topics.

    Raises:
        BusUnavailable: no answer in time.
        UsageError: the configuration names the embedded broker, which only the demo has.
    """
    if config.bootstrap == "embedded":
        told = "the embedded broker only lives inside `driftbus demo`"
        raise UsageError(told, "bootstrap", "name a Kafka: host:port, in the configuration")
    listener = Listener()
    with kafka_border(config, listener):
        client = make(dict(admin_settings(config)) | listener.settings())
        try:
            metadata: ClusterMetadata = client.list_topics(timeout=timeout_s)
        except KafkaException:
            client.poll(0)
            raise
        return metadata


def sources_of(config: Config, metadata: ClusterMetadata) -> list[Source]:
    """List the partitions of the input topics that are there."""
    return [
        Source(kind, topic, partition)
        for kind, topic in input_topics(config).items()
        if topic in metadata.topics
        for partition in sorted(metadata.topics[topic].partitions)
    ]
