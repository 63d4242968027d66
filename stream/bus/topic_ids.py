"""Asks the brokers which topics these are: one that was deleted and made anew has its name, and another identity."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from typing import Any

from confluent_kafka import KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient

__all__ = ["ask_topics", "topic_ids"]

AS_KAFKA_TELLS = str.maketrans("+/", "-_")
"""The client writes identities in plain base 64, Kafka's own tools in that of addresses."""


def ask_topics(
    admin: AdminClient, topics: Sequence[str], patience_s: float
) -> Mapping[str, Future[Any]]:
    """Ask the brokers about topics. Cost: one request, which fails by itself when the patience is over."""
    return admin.describe_topics(TopicCollection(list(topics)), request_timeout=patience_s)


def topic_ids(asked: Mapping[str, Future[Any]], patience_s: float) -> dict[str, str]:
    """Await the identities of topics; none of those that brokers do not tell.

    Brokers before Kafka 2.8, and the embedded one, know none.
    """
    told = {}
    for topic, answer in asked.items():
        try:
            identity = answer.result(patience_s).topic_id
        except (KafkaException, TimeoutError):
            continue
        if identity.get_most_significant_bits() or identity.get_least_significant_bits():
            told[topic] = str(identity).translate(AS_KAFKA_TELLS)
    return told
