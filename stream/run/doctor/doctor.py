"""`driftbus doctor`: what is wrong with Kafka, its topics, clocks and Redis, before it hurts."""

import time
from collections.abc import Callable, Iterator
from typing import Any

from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import ConfigResource

from stream.bus.settings import admin_settings, consumer_settings
from stream.config import Config, cautions
from stream.config.durations import duration_text
from stream.errors import DriftbusError, StoreRefused
from stream.ingest.raw import Source
from stream.run.doctor.copies import examine_backup
from stream.run.doctor.finding import Finding, Level
from stream.run.fleet.topics import (
    ANSWER_S,
    Cluster,
    Listener,
    cluster_of,
    input_topics,
    kafka_border,
    sources_of,
)
from stream.state.redis import RedisStore
from stream.state.store import Answer, Commit

__all__ = ["SKEW_MS_MAX", "SLOW_MS", "Finding", "Level", "examine"]

SKEW_MS_MAX = 5_000
"""How far records may lie in the future before this clock, or a producer's, is doubted."""
SLOW_MS = 20.0
"""A commit that takes longer makes a worker slow: it waits for several a second."""
_LATEST_S = 5.0


def examine(config: Config, clock: Callable[[], float] = time.time) -> Iterator[Finding]:
    """Look at everything a worker of this configuration needs, in the order of the data's way.

    Cost: a few round trips; where something does not answer, some seconds each. Nothing is changed
    but one small key in Redis, `{app:doctor}`. `clock` tells seconds since 1970.
    """
    found = [
        Finding(Level.WARN, "configuration", caution, "see `kafka`") for caution in cautions(config)
    ]
    yield from found or [Finding(Level.OK, "configuration", "no cautions")]
    try:
        yield from _kafka(config, clock)
    except DriftbusError as error:
        yield _failed("kafka", error)
    try:
        yield from _redis(config)
    except DriftbusError as error:
        yield _failed("redis", error)
        return
    try:
        yield from examine_backup(config, clock)
    except DriftbusError as error:
        yield _failed("backup", error)._replace(level=Level.WARN)


def _failed(what: str, error: DriftbusError) -> Finding:
    where = f"{error.where}: " if error.where else ""
    return Finding(Level.FAIL, what, where + error.what, error.todo)


# -- Kafka ----------------------------------------------------------------------------------------


def _kafka(config: Config, clock: Callable[[], float]) -> Iterator[Finding]:
    start = time.perf_counter()
    cluster = cluster_of(config)
    took = (time.perf_counter() - start) * 1000
    brokers = len(cluster.brokers)
    yield Finding(
        Level.OK, "kafka", f"{config.bootstrap} answers in {took:.0f} ms, {brokers} brokers"
    )
    made = _makes_topics(config, cluster)
    inputs = input_topics(config)
    for kind, topic in inputs.items():
        yield _topic(cluster, topic, kind.value, made, "made by its first event")
    yield _topic(cluster, config.topics.alerts, "alerts", made, "made by the first alert")
    for topic in inputs.values():
        yield _topic(cluster, f"{topic}.dlq", "dead letters", made, "made by the first dead letter")
    yield from _clocks(config, sources_of(config, cluster), clock)


def _topic(cluster: Cluster, topic: str, use: str, made: bool | None, when: str) -> Finding:
    what, there = f"topic {topic}", cluster.topics.get(topic)
    if there is not None and not there.trouble:
        partitions = len(there.partitions)
        return Finding(Level.OK, what, f"{use}, {partitions} partitions")
    if there is not None:
        return Finding(Level.FAIL, what, f"{use}: {there.trouble}", "check the rights of this user")
    if made:
        return Finding(Level.OK, what, f"{use}: not there yet, {when}")
    todo = f"make it: kafka-topics.sh --create --topic {topic} --partitions 4"
    if made is None:
        found = (
            f"{use}: not there, and the brokers do not say whether they make topics by themselves"
        )
        return Finding(Level.WARN, what, found, todo)
    found = f"{use}: not there, and the brokers make no topics by themselves"
    return Finding(Level.FAIL, what, found, todo)


def _makes_topics(config: Config, cluster: Cluster) -> bool | None:
    """Tell whether the brokers make topics on first use; None when they do not say."""
    settings: dict[str, Any] = {**admin_settings(config)}
    for broker in cluster.brokers:
        resource = ConfigResource(ConfigResource.Type.BROKER, str(broker))
        try:
            client = AdminClient(settings)
            answer = client.describe_configs([resource], request_timeout=ANSWER_S)
            entries = answer[resource].result(timeout=2 * ANSWER_S)  # it fails before
        except (KafkaException, TimeoutError):
            return None
        entry = entries.get("auto.create.topics.enable")
        return None if entry is None or entry.value is None else entry.value == "true"
    return None


def _clocks(config: Config, sources: list[Source], clock: Callable[[], float]) -> Iterator[Finding]:
    """Hold the times of the latest records against this machine's."""
    latest = _latest_stamps(config, sources) if sources else {}
    if not latest:
        yield Finding(Level.OK, "clocks", "no record to tell by")
        return
    now_ms = clock() * 1000
    for topic, stamp in sorted(latest.items()):
        ahead = int(stamp - now_ms)
        if ahead > SKEW_MS_MAX:
            told = f"the latest record lies {duration_text(ahead // 1000 * 1000)} in the future"
            todo = "set the clocks of its producers and of this machine by NTP"
            yield Finding(Level.WARN, f"clock of {topic}", told, todo)
        else:
            ago = duration_text(max(0, -ahead) // 1000 * 1000)
            yield Finding(Level.OK, f"clock of {topic}", f"the latest record was written {ago} ago")


def _latest_stamps(config: Config, sources: list[Source]) -> dict[str, int]:
    """Read the last record of every partition that has one; tell the latest time of each topic."""
    listener = Listener()
    settings = (
        dict(consumer_settings(config)) | listener.settings() | {"allow.auto.create.topics": False}
    )
    latest: dict[str, int] = {}
    with kafka_border(config, listener):
        consumer = Consumer(settings)
        try:
            places = []
            for source in sources:
                place = TopicPartition(source.topic, source.partition)
                low, high = consumer.get_watermark_offsets(place, timeout=ANSWER_S)
                if high > low:
                    places.append(TopicPartition(source.topic, source.partition, high - 1))
            consumer.assign(places)
            unread = {(place.topic, place.partition) for place in places}
            deadline = time.monotonic() + _LATEST_S
            while unread and time.monotonic() < deadline:
                for message in consumer.consume(len(unread), 0.2):
                    unread.discard((message.topic() or "", message.partition() or 0))
                    if message.error() is None:
                        topic, stamp = message.topic() or "", message.timestamp()[1]
                        latest[topic] = max(stamp, latest.get(topic, 0))
        finally:
            consumer.close()
    return latest


# -- Redis ----------------------------------------------------------------------------------------


def _redis(config: Config) -> Iterator[Finding]:
    if config.redis.url is None:
        told = "none: the state lives in memory, for one worker, and ends with it"
        yield Finding(Level.WARN, "redis", told, "set redis.url for production")
        return
    store = RedisStore(config.redis.url, retries=0)
    try:
        store.check()
        yield Finding(Level.OK, "redis", "answers; version 7 or newer, maxmemory-policy noeviction")
        took = _commit_ms(store, f"{{{config.app}:doctor}}")
    finally:
        store.close()
    if took > SLOW_MS:
        todo = "bring Redis closer, or find out what keeps it busy: redis-cli --latency"
        yield Finding(Level.WARN, "redis commits", f"{took:.1f} ms each", todo)
    else:
        yield Finding(
            Level.OK, "redis commits", f"{took:.1f} ms each; scripts and writes are allowed"
        )


def _commit_ms(store: RedisStore, key: str) -> float:
    """Do once what workers do all the time, and give the median time of some commits."""
    taken = store.take_over(key)
    base, times = taken.base, []
    for i in range(5):
        start = time.perf_counter()
        step = Commit(
            key, taken.epoch, base, b"%d" % i, b"%d.%d" % (taken.epoch, i), {b"probe": b"1"}
        )
        answer = store.commit(step)
        times.append((time.perf_counter() - start) * 1000)
        if answer is not Answer.OK:
            raise StoreRefused(
                f"a commit was answered {answer.value}", key, "is another doctor at work?"
            )
        base = step.new_base
    store.remove(key, taken.epoch, [b"probe"])
    return sorted(times)[len(times) // 2]
