"""How long an alert takes: from the event that closes its window's last pane to a reader of the alerts topic."""

import threading
import time
from collections.abc import Iterable, Sequence

import numpy as np
from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

from benchmarks.broker import Produced
from benchmarks.throughput.case import Case, Names
from sinks.event import parse

__all__ = ["Listener", "closings", "delays_ms"]

QUIET_S = 0.5


class Listener(threading.Thread):
    """Reads the alerts topic until `end`, and notes when each alert came."""

    def __init__(self, bootstrap: str, names: Names) -> None:
        super().__init__(name="alerts", daemon=True)
        self._arrived: list[tuple[int, float]] = []
        self._over = threading.Event()
        self._consumer = Consumer({
            "bootstrap.servers": bootstrap, "group.id": f"{names.app}-listener",
            "fetch.wait.max.ms": 10, "log_level": 3,
        })  # fmt: skip
        told = self._consumer.list_topics(names.alerts, timeout=30.0).topics[names.alerts]
        places = [TopicPartition(names.alerts, p, OFFSET_BEGINNING) for p in told.partitions]
        self._consumer.assign(places)

    def run(self) -> None:
        """Read until the end."""
        quiet_since = time.monotonic()
        while not (self._over.is_set() and time.monotonic() - quiet_since > QUIET_S):
            message = self._consumer.poll(0.05)
            if message is not None and not message.error():
                self._arrived.append((parse(message.value() or b"").time_ms, time.time()))
                quiet_since = time.monotonic()
        self._consumer.close()

    def end(self) -> list[tuple[int, float]]:
        """Stop reading as soon as nothing comes; give the ends of the alerts' windows, and when each came."""
        self._over.set()
        self.join()
        return self._arrived


def closings(produced: Sequence[Produced], case: Case, windows_ms: Iterable[int]) -> list[float]:
    """Tell for the ends of windows when the event was produced that let them be judged: on the slowest partition.

    Infinite for those that never were; minus infinity for those that the pace did not carry from their beginning.
    """
    workload, config = case.workload, case.config()
    first_ms = workload.time_ms(case.warm_up) + config.windows[0].size_ms
    lasts = np.array([workload.time_ms(case.warm_up + p.first + p.n - 1) for p in produced])
    told = []
    for end_ms in windows_ms:
        chunk = int(np.searchsorted(lasts, end_ms + config.lateness_ms)) + case.partitions - 1
        closed = produced[chunk].at_s if chunk < len(produced) else np.inf
        told.append(closed if end_ms >= first_ms else -np.inf)
    return told


def delays_ms(
    arrived: Sequence[tuple[int, float]], produced: Sequence[Produced], case: Case
) -> dict[str, float]:
    """Tell the median and the 99 % quantile of the delays of alerts about windows that the pace began and closed."""
    closed = closings(produced, case, [end_ms for end_ms, _ in arrived])
    both = zip(arrived, closed, strict=True)
    delays = [(at - since) * 1e3 for (_, at), since in both if abs(since) < np.inf]
    told = {"alerts_timed": float(len(delays))}
    if delays:
        told["latency_p50_ms"] = float(np.percentile(delays, 50))
        told["latency_p99_ms"] = float(np.percentile(delays, 99))
    return told
