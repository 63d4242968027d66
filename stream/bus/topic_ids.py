"""Asks the brokers which topics these are: one that was deleted and made anew has its name, and another identity."""

from collections.abc import Sequence

from confluent_kafka import KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient

__all__ = ["topic_ids"]

AS_KAFKA_TELLS = str.maketrans("+/", "-_")
"""The client writes identities in plain base 64, Kafka's own tools in that of addresses."""


def topic_ids(admin: AdminClient, topics: Sequence[str], patience_s: float) -> dict[str, str]:
    """Tell the identities of topics; none of those that brokers do not tell.

    Brokers before Kafka 2.8, and the embedded one, know none. Cost: one request.
    """
    asked = admin.describe_topics(TopicCollection(list(topics)), request_timeout=patience_s)
    told = {}
    for topic, answer in asked.items():
        try:
            identity = answer.result(2 * patience_s).topic_id
        except (KafkaException, TimeoutError):
            continue
        if identity.get_most_significant_bits() or identity.get_least_significant_bits():
            told[topic] = str(identity).translate(AS_KAFKA_TELLS)
    return told
