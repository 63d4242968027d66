"""The settings of every Kafka client we make."""

import logging
from typing import Any

from stream.config import Config

__all__ = ["admin_settings", "consumer_settings", "producer_settings"]

LOG = logging.getLogger("driftbus.kafka")


def _common(config: Config) -> dict[str, Any]:
    return {"bootstrap.servers": config.bootstrap, "client.id": config.app, "logger": LOG} | dict(
        config.kafka
    )


def consumer_settings(config: Config) -> dict[str, Any]:
    """Settings of the worker's consumer: offsets are ours, memory is bounded, rebalances are cooperative."""
    return {
        "group.id": config.app,
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "auto.offset.reset": "earliest",
        "partition.assignment.strategy": "cooperative-sticky",
        "enable.partition.eof": True,
        "allow.auto.create.topics": True,
        "queued.min.messages": 50_000,
        "queued.max.messages.kbytes": 32_768,
        "fetch.wait.max.ms": 100,
        "topic.metadata.refresh.interval.ms": 10_000,
        "session.timeout.ms": 10_000,
    } | _common(config)


def producer_settings(config: Config) -> dict[str, Any]:
    """Settings of producers of dead letters."""
    return {
        "enable.idempotence": True,
        "acks": "all",
        "linger.ms": 5,
        "message.timeout.ms": 10_000,
    } | _common(config)


def admin_settings(config: Config) -> dict[str, Any]:
    """Settings of a client that only asks for metadata."""
    return _common(config)
