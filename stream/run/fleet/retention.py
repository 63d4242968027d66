"""How long the input topics keep events, against what going on from a copy of the state needs."""

from contextlib import closing

from confluent_kafka import KafkaException
from confluent_kafka.admin._config import ConfigResource

from stream.bus.admin import Admin
from stream.bus.settings import admin_settings
from stream.config import Config
from stream.run.fleet.topics import ANSWER_S, input_topics, unavailable

__all__ = ["ALLOWANCE_MS", "is_compacted", "needed_ms", "retention_ms", "too_short"]

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
    found = {}
    for topic, settings in _settings_of(config, list(input_topics(config).values())).items():
        kept = int(settings["retention.ms"])
        deletes = "delete" in settings["cleanup.policy"]
        found[topic] = kept if deletes and kept >= 0 else None
    return found


def is_compacted(config: Config, topic: str) -> bool | None:
    """Tell whether a topic keeps the newest record of each key and throws none away by age; None: it is not there.

    Raises:
        BusUnavailable: the brokers do not say.
    """
    settings = _settings_of(config, [topic]).get(topic)
    return None if settings is None else settings["cleanup.policy"] == "compact"


def _settings_of(config: Config, topics: list[str]) -> dict[str, dict[str, str]]:
    try:
        with closing(Admin(admin_settings(config))) as admin:
            there = admin.topics(ANSWER_S)
            asked = [ConfigResource(ConfigResource.Type.TOPIC, t) for t in topics if t in there]
            if not asked:
                return {}
            answers = admin.ask(
                lambda client: client.describe_configs(asked, request_timeout=ANSWER_S)
            )
            # The request itself fails before the wait for it does.
            told = {of.name: answer.result(timeout=2 * ANSWER_S) for of, answer in answers.items()}
            return {
                str(topic): {name: str(entry.value) for name, entry in settings.items()}
                for topic, settings in told.items()
            }
    except KafkaException as error:
        raise unavailable(config, error.args[0].str()) from None
    except TimeoutError:
        raise unavailable(config, "no answer") from None


def too_short(config: Config) -> list[tuple[str, int, int]]:
    """List the topics that keep events too short, with how long they do and how long they should, in ms."""
    needed = needed_ms(config)
    kept = retention_ms(config)
    return [(topic, ms, needed) for topic, ms in kept.items() if ms is not None and ms < needed]
