"""Where the measurements run: a real Kafka that serves all of them, or an embedded broker for each."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from benchmarks.throughput.case import NAMES, Case, Names

__all__ = ["Bed", "kafka_bed"]

ANSWER_S = 30.0


@dataclass
class Bed:
    """`bootstrap` is the address of a real Kafka, None where each run has an embedded broker."""

    bootstrap: str | None = None
    _numbers: Iterator[int] = field(default_factory=count)

    @contextmanager
    def names(self, case: Case) -> Iterator[Names]:
        """Give a run its group and topics; on a real Kafka they are its own, and gone when the block ends."""
        if self.bootstrap is None:
            yield NAMES
            return
        prefix = f"driftbus-benchmark-{os.getpid()}-{next(self._numbers)}"
        names = Names(prefix, f"{prefix}.features", f"{prefix}.alerts")
        admin = AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 3})
        topics = [
            NewTopic(names.features, case.partitions, 1),
            NewTopic(names.alerts, 1, 1),
            NewTopic(f"{names.features}.dlq", 1, 1),
        ]
        for made in admin.create_topics(topics, request_timeout=ANSWER_S).values():
            made.result(2 * ANSWER_S)  # the request itself fails before
        time.sleep(0.5)  # until all brokers know them
        try:
            yield names
        finally:
            names_of = [topic.topic for topic in topics]
            for gone in admin.delete_topics(names_of, request_timeout=ANSWER_S).values():
                gone.result(2 * ANSWER_S)


@contextmanager
def kafka_bed(folder: Path, bootstrap: str | None) -> Iterator[Bed]:
    """Use the Kafka at an address, or run one, as the tests do, until the block ends.

    Raises:
        RuntimeError: it is not installed, or does not come up.
    """
    if bootstrap is not None:
        yield Bed(bootstrap)
        return
    from tests.servers import kafka_missing, kafka_server  # noqa: PLC0415 - needs the tests' packages

    if missing := kafka_missing():
        raise RuntimeError(missing)
    with kafka_server(folder) as (address, _):
        yield Bed(address)
