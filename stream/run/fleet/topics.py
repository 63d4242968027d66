"""What Kafka says of the input topics, asked once, with a clear error when it does not answer."""

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._metadata import ClusterMetadata

from stream.bus.settings import admin_settings
from stream.config import Config
from stream.errors import BusUnavailable, UsageError
from stream.ingest.raw import Source
from stream.words import INPUTS, Kind

__all__ = [
    "ANSWER_S",
    "Cluster",
    "Listener",
    "Topic",
    "cluster_of",
    "input_topics",
    "kafka_border",
    "sources_of",
    "unavailable",
]

ANSWER_S = 5.0
"""Longest wait for an answer of Kafka."""

_ASK_S = 0.5

# Without a handler Python would print the client's own warnings on stderr, beside our error.
logging.getLogger("driftbus.kafka").addHandler(logging.NullHandler())


class Topic(NamedTuple):
    """A topic as the brokers know it; `trouble` is empty unless they refuse to tell."""

    partitions: tuple[int, ...]
    trouble: str


class Cluster(NamedTuple):
    """The ids of the brokers, and the topics that are there."""

    brokers: tuple[int, ...]
    topics: Mapping[str, Topic]


class Listener:
    """Remembers what a client said last of its connections: often the reason of an error."""

    def __init__(self) -> None:
        self.trouble = ""
        self.all_down = False

    def __call__(self, error: KafkaError) -> None:
        """Hear of an error; that all brokers are down says nothing of why."""
        if error.code() == KafkaError._ALL_BROKERS_DOWN:
            self.all_down = True
        else:
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


def cluster_of(config: Config, timeout_s: float = ANSWER_S) -> Cluster:
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
        settings: dict[str, Any] = {**admin_settings(config), **listener.settings()}
        client = AdminClient(settings)
        metadata = _patiently(client, listener, timeout_s)
    topics = {
        name: Topic(tuple(sorted(of.partitions)), "" if of.error is None else of.error.str())
        for name, of in metadata.topics.items()
    }
    return Cluster(tuple(sorted(metadata.brokers)), topics)


def _patiently(client: AdminClient, listener: Listener, timeout_s: float) -> ClusterMetadata:
    """Ask until the time is over, but no longer than until it is clear that nobody is there."""
    end = time.monotonic() + timeout_s
    while True:
        try:
            return client.list_topics(timeout=_ASK_S)
        except KafkaException:
            client.poll(0)  # lets the listener hear why
            if listener.all_down or time.monotonic() >= end:
                raise


def sources_of(config: Config, cluster: Cluster) -> list[Source]:
    """List the partitions of the input topics that are there."""
    return [
        Source(kind, topic, partition)
        for kind, topic in input_topics(config).items()
        if topic in cluster.topics
        for partition in cluster.topics[topic].partitions
    ]
