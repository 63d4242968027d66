"""What a worker meets outside, made as its configuration says: store, sinks, Kafka's admin client, a port."""

import socket
import sys

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from sinks import ConsoleSink, JsonlSink, KafkaSink, Sink
from stream.bus.settings import admin_settings
from stream.config import Config
from stream.config import ConsoleSink as ConsoleConfig
from stream.config import JsonlSink as JsonlConfig
from stream.config import Sink as SinkConfig
from stream.errors import ConfigError
from stream.state.memory import MemoryStore
from stream.state.redis import RedisStore
from stream.state.store import Store

__all__ = ["check_port", "make_admin", "make_sink", "make_store"]


def make_store(config: Config) -> Store:
    """Make the store; nothing is asked of it yet."""
    if config.redis.url is None:
        return MemoryStore()
    return RedisStore(config.redis.url)


def make_sink(config: Config, sink: SinkConfig) -> Sink:
    """Make a sink of the configuration."""
    if isinstance(sink, JsonlConfig):
        return JsonlSink(sink.path)
    if isinstance(sink, ConsoleConfig):
        return ConsoleSink(sys.stdout)
    return KafkaSink(
        admin_settings(config), config.topics.alerts, sink.mode, ahead_ms=config.max_future_ms
    )


def make_admin(config: Config) -> AdminClient:
    """Make the first client of Kafka.

    Raises:
        ConfigError: librdkafka does not take the settings.
    """
    try:
        return AdminClient(admin_settings(config))
    except KafkaException as error:
        what = error.args[0].str().removeprefix("Failed to create admin client: ")
        raise ConfigError(what, todo="change it or take it out", key="kafka") from None


def check_port(config: Config) -> None:
    """Find out before anything starts whether the port for health and metrics is free.

    Raises:
        ConfigError: it is not.
    """
    http = config.http
    try:
        with socket.create_server((http.host, http.port)):
            pass
    except OSError as error:
        raise ConfigError(
            f"{http.host}:{http.port} cannot be bound ({error.strerror or error})",
            todo="give each worker of a machine a port of its own, or 0 for any that is free",
            key="http.port",
        ) from None
