"""What a worker asks of Kafka beside its consumer: partitions of topics, which topics these are, who else reads."""

import asyncio
import threading
from collections.abc import Sequence

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from stream.bus.consumer import ConsumerThread
from stream.bus.topic_ids import ask_topics, topic_ids
from stream.errors import UsageError
from stream.run.work.runtime import Runtime

__all__ = ["Brokers"]

METADATA_EVERY_S, METADATA_RETRY_S, ANSWER_S = 10.0, 2.0, 3.0
LOOK_AFTER_S = 0.25
LOG_TRIES = 3
"""Tries after which brokers that do not tell the identities of topics are asked no more: an embedded one cannot."""


class Brokers:
    """Asks for a runtime and its consumer. `ending`: set once the worker begins to end, which ends both watches."""

    def __init__(
        self, admin: AdminClient, topics: Sequence[str], runtime: Runtime, consumer: ConsumerThread
    ) -> None:
        self.ending = False
        self._admin: AdminClient | None = admin
        self._closing = threading.Lock()
        self._topics = topics
        self._runtime = runtime
        self._consumer = consumer
        self._logs_asked = threading.Event()

    async def be_alone(self, app: str) -> None:
        """Refuse to start beside another worker of the group: state in memory serves one.

        A member that is gone without a word is forgotten by Kafka after its session timeout, so wait that long.

        Raises:
            UsageError: there is another one.
        """
        for _ in range(15):
            try:
                assert self._admin is not None  # noqa: S101 - the worker begins
                groups = self._admin.describe_consumer_groups([app], request_timeout=3.0)
                described = await asyncio.to_thread(groups[app].result)
            except KafkaException:
                return  # the embedded broker cannot tell, and an unreachable one is waited for elsewhere
            if not described.members:
                return
            await asyncio.sleep(1.0)
        raise UsageError(
            f"another worker of the group {app} is running, and state in memory serves one worker only",
            "redis.url", "set redis.url in the configuration of all workers, or stop the other one",
        )  # fmt: skip

    async def watch_topics(self) -> None:
        """Learn again and again how many partitions the topics have, and whether Kafka answers."""
        while not self.ending:
            known = await asyncio.to_thread(self._ask_partitions)
            if known is not None:
                self._runtime.know_partitions(known)
            await asyncio.sleep(METADATA_RETRY_S if known is None else METADATA_EVERY_S)

    async def watch_logs(self) -> None:
        """Learn again and again which topics these are, from when they are read and as long as brokers tell it."""
        failed = 0
        while not self.ending and failed < LOG_TRIES:
            if not (self._consumer.is_alive() and any(self._runtime.models.partitions_of.values())):
                await asyncio.sleep(LOOK_AFTER_S)
                continue
            await asyncio.to_thread(self._ask_logs)
            self._logs_asked.set()
            failed = 0 if self._runtime.logs else failed + 1
            await asyncio.sleep(METADATA_EVERY_S)

    def settle_logs(self) -> None:
        """Learn which topics these are before partitions are taken over; on the consumer's thread."""
        if self._runtime.logs:
            self._ask_logs()  # who had them before may know of a topic that was made anew since we asked
        else:  # or the first batch would be of a topic that nobody has looked at
            self._logs_asked.wait(ANSWER_S)

    def close(self) -> None:
        """Ask no more; what is not answered yet fails now.

        An answer comes on a thread of the client, and where the interpreter is gone it crashes the process: the
        consumer's thread, which nobody awaits for ever, may have asked.
        """
        with self._closing:
            self._admin = None  # it ends with its last reference

    def _ask_partitions(self) -> dict[str, int] | None:
        """Ask for the number of partitions of each topic, 0 if it is not there; None while Kafka does not answer."""
        if (admin := self._admin) is None:
            return None
        admin.poll(0)  # its log lines would pile up
        try:
            listed = [admin.list_topics(topic, ANSWER_S).topics[topic] for topic in self._topics]
        except KafkaException as error:
            self._consumer.trouble.unreachable(error.args[0].str())
            return None
        self._consumer.trouble.reachable = True
        return {str(topic.topic): len(topic.partitions) for topic in listed}

    def _ask_logs(self) -> None:
        """Learn which topics these are; while Kafka does not answer, what was known stays."""
        with self._closing:
            if self._admin is None:
                return
            asked = ask_topics(self._admin, self._topics, ANSWER_S)
        logs = topic_ids(asked, 2 * ANSWER_S)
        self._runtime.know_logs(self._runtime.logs | logs)
