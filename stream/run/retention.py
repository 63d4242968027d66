"""How long the input topics keep events, against what going on from a copy of the state needs."""

from typing import Any

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import ConfigResource

from stream.bus.settings import admin_settings
from stream.config import Config
from stream.run.topics import ANSWER_S, input_topics, unavailable

__all__ = ["ALLOWANCE_MS", "needed_ms", "retention_ms", "too_short"]

ALLOWANCE_MS = 3_600_000
"""Time to notice that the state is gone, and to restore it."""


def needed_ms(config: Config) -> int:
    """Tell how long topics must keep events: two intervals of copies, as one may fail, and some time to act."""
    return 2 * (config.backup.every_ms or 0) + ALLOWANCE_MS


def retention_ms(config: Config) -> dict[str, int | None]:
    """Tell for each input topic that is there for how long it keeps events by time; None: for ever.

    What a topic throws away by size (`retention.bytes`) cannot be told in time.

    Raises:
        BusUnavailable: the brokers do not say.
    """
    settings: dict[str, Any] = admin_settings(config)
    resources = {
        topic: ConfigResource(ConfigResource.Type.TOPIC, topic)
        for topic in input_topics(config).values()
    }
    try:
        client = AdminClient(settings)
        there = client.list_topics(timeout=ANSWER_S).topics
        asked = [one for topic, one in resources.items() if topic in there]
        answers = client.describe_configs(asked, request_timeout=ANSWER_S) if asked else {}
        found: dict[str, int | None] = {}
        for resource, answer in answers.items():
            entries = answer.result(timeout=ANSWER_S)
            compacted = "delete" not in str(entries["cleanup.policy"].value)
            kept = int(entries["retention.ms"].value)
            found[str(resource.name)] = None if compacted or kept < 0 else kept
        return found
    except KafkaException as error:
        raise unavailable(config, error.args[0].str()) from None
    except TimeoutError:
        raise unavailable(config, "no answer") from None


def too_short(config: Config) -> list[tuple[str, int, int]]:
    """List the topics that keep events too short, with how long they do and how long they should, in ms."""
    needed = needed_ms(config)
    kept = retention_ms(config)
    return [(topic, ms, needed) for topic, ms in kept.items() if ms is not None and ms < needed]
