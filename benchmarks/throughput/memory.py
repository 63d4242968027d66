"""The in-process feed: raw batches into partitions, evaluators behind them, no client, no broker, no Redis.

Making the events is not counted, so it tells where the worker's own time goes; and it can be profiled.
"""

import cProfile
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

from benchmarks.learned import build_reference
from benchmarks.meter import rss_mb
from benchmarks.throughput.case import Case
from benchmarks.throughput.counting import CountingStore
from benchmarks.throughput.figures import Measured
from benchmarks.workload import START_MS, TOPIC
from stream.bus.messages import BATCH_MAX, spare_collector
from stream.config import Config
from stream.evaluate.evaluator import Evaluator, step_all
from stream.ingest.decode import Decoded, Decoder
from stream.ingest.partition import Partition, read_marks
from stream.ingest.raw import RawBatch, Source
from stream.reference.fleet import Fleet
from stream.reference.plans import Plans
from stream.run.fleet.rules import fold_rules, model_rules, plan_rules
from stream.run.offline.batches import batch_of
from stream.words import Kind

__all__ = ["Feed", "measure_memory"]

CHUNK = 1_000
"""Events in a row on one partition."""
CLEAN_EVERY = 5
"""Commits between two looks for panes that nobody needs any more, as a worker's seconds."""
STAGES = ("decode", "fold", "commit", "evaluate")


def measure_memory(
    case: Case, moved: Callable[[int, int], None], limit_s: float, profile: Path | None = None
) -> Measured:
    """Measure a case in a process of its own, as long as there is time.

    `profile` is a file for cProfile's figures, which make it slower.
    """
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_run, args=(case, limit_s, profile, theirs), daemon=True)
    process.start()
    theirs.close()
    try:
        while True:
            try:
                told = ours.recv()
            except EOFError:
                raise RuntimeError("the process that takes events in has ended") from None
            if isinstance(told, Measured):
                return told
            moved(told, case.events)
    finally:
        process.kill()
        process.join()


def _run(case: Case, limit_s: float, profile: Path | None, pipe: Connection) -> None:
    feed = Feed(case)
    feed.take(0, case.warm_up)
    spare_collector()
    feed.spent = dict.fromkeys(STAGES, 0.0)
    before, began = feed.counts(), time.monotonic()
    memory = [rss_mb(os.getpid())]
    if profile is not None:
        feed.profiler = cProfile.Profile(time.process_time)
    for done in feed.takes(case.warm_up, case.warm_up + case.events):
        memory.append(rss_mb(os.getpid()))
        events = done - case.warm_up
        pipe.send(events)
        if time.monotonic() - began > limit_s:
            break
    if profile is not None and feed.profiler is not None:
        feed.profiler.dump_stats(profile)
    wall, nominal = time.monotonic() - began, events / case.rate
    counts = {name: value - before[name] for name, value in feed.counts().items()}
    more = {f"{stage}_us": spent / events * 1e6 for stage, spent in feed.spent.items()}
    more |= {
        "store_calls_per_s": counts["calls"] / nominal,
        "store_fields_per_s": counts["fields"] / nominal,
        "store_written_bytes_per_s": counts["written"] / nominal,
        "store_read_bytes_per_s": counts["answered"] / nominal,
        "store_kept_mb": feed.store.kept() / 1e6,
        "windows": counts["windows"],
        "alerts": counts["alerts"],
    }
    cpu, early = sum(feed.spent.values()), memory[len(memory) // 5]
    pipe.send(Measured(case, events, wall, cpu, max(memory), early, memory[-1], "counting", more))


class Feed:
    """One worker's partitions and models, without the process around them.

    `take` events by their numbers; `spent` has the processor time of each stage in seconds, `store` what was kept.
    """

    def __init__(self, case: Case) -> None:
        self.case = case
        self.spent = dict.fromkeys(STAGES, 0.0)
        self.profiler: cProfile.Profile | None = None
        self.store = CountingStore()
        self.config: Config = case.config()
        app = self.config.app
        self.fleet = Fleet(self.store, app)
        for reference in build_reference(self.config, case.workload):
            self.fleet.publish(reference)
        self._plans = Plans(self.store, app, self.fleet, plan_rules(self.config))
        self._rules = model_rules(self.config)
        rules = fold_rules(self.config)
        self.sources = [Source(Kind.FEATURES, TOPIC, p) for p in range(case.partitions)]
        self.partitions = [Partition(self.store, app, source, rules) for source in self.sources]
        for partition in self.partitions:
            partition.load()
        self.evaluators: dict[str, Evaluator] = {}
        self._decoder = _Timed(self, rules.event_bytes_max)
        self._workload = case.workload
        self._bodies = self._workload.bodies()
        self._offsets = [0] * case.partitions
        self._since_commit = 0
        self._commits = 0

    def take(self, first: int, last: int) -> None:
        """Take in events first <= number < last, with the commits and evaluations that fall due."""
        for _ in self.takes(first, last):
            pass

    def takes(self, first: int, last: int) -> Iterator[int]:
        """Take in events, and tell after every round of batches, one a partition, the next event's number."""
        case = self.case
        due = max(1, case.rate * self.config.commit_interval_ms // 1000)
        size = min(case.consume_size, BATCH_MAX)
        while first < last:
            n = min(size * case.partitions, last - first)
            for partition, batch in self._batches(first, n):
                with self._stage("fold"):
                    dead = partition.fold(batch, self._decoder, self.fleet.book)
                assert not dead, dead[0]
                if partition.closes_pane:
                    with self._stage("commit"):
                        partition.commit()
            first += n
            self._since_commit += n
            if self._since_commit >= due or first == last:
                self._since_commit = 0
                self._commit()
            yield first

    def counts(self) -> dict[str, int]:
        """Tell what was counted so far."""
        store, models = self.store, [evaluator.model for evaluator in self.evaluators.values()]
        return {
            "calls": store.calls,
            "fields": store.fields,
            "written": store.written,
            "answered": store.answered,
            "windows": sum(model.windows for model in models),
            "alerts": sum(model.alerts for model in models),
        }

    def _batches(self, first: int, n: int) -> Iterator[tuple[Partition, RawBatch]]:
        """Make the events of a round: chunk by chunk to one partition after the other, a batch each."""
        values: list[list[bytes]] = [[] for _ in self.partitions]
        chunk, start = min(CHUNK, self.case.consume_size), first
        while start < first + n:
            end = min((start // chunk + 1) * chunk, first + n)
            of_chunk = self._workload.values(self._bodies, start, end - start)
            values[start // chunk % len(values)] += of_chunk
            start = end
        stamp = START_MS + 10**12
        for p, of_partition in enumerate(values):
            if not of_partition:
                continue
            messages = self._messages(of_partition)
            size, offset = len(messages), self._offsets[p]
            self._offsets[p] += size
            offsets = np.arange(offset, offset + size, dtype=np.int64)
            stamps = np.full(size, stamp, dtype=np.int64)
            yield self.partitions[p], RawBatch(self.sources[p], messages, offsets, stamps)

    def _messages(self, events: list[bytes]) -> list[bytes]:
        """Give events as they stand on the topic: one by one, or many in an Arrow message."""
        rows = self.case.arrow
        if not rows:
            return events
        cuts = range(0, len(events), rows)
        return [batch_of(Kind.FEATURES, events[i : i + rows]) for i in cuts]

    def _commit(self) -> None:
        with self._stage("commit"):
            for partition in self.partitions:
                if partition.changed:
                    partition.commit()
        with self._stage("evaluate"):
            self._evaluate()
        self._commits += 1
        if self._commits % CLEAN_EVERY == 0:
            with self._stage("commit"):
                self._clean()

    def _evaluate(self) -> None:
        """Move every model as far as the partitions are, and take its alerts, as if sinks had them."""
        marks = read_marks(self.store, self.config.app, self.sources)
        for name in sorted(
            {model for partition in self.partitions for model in partition.models()}
        ):
            evaluator = self.evaluators.get(name)
            if evaluator is None:
                evaluator = self.evaluators[name] = Evaluator(
                    self.store, self.config.app, name, self._rules, self.fleet, self._plans,
                    self.config.lateness_ms, self.sources,
                )  # fmt: skip
                evaluator.load()
        step_all(list(self.evaluators.values()), marks, patient=frozenset(Kind))
        for evaluator in self.evaluators.values():
            evaluator.acknowledge(list(evaluator.outbox))

    def _clean(self) -> None:
        evaluated = {name: e.evaluated(Kind.FEATURES) for name, e in self.evaluators.items()}
        retention = self.config.pane_retention_ms // self.config.pane_ms
        for partition in self.partitions:
            partition.clean(evaluated, retention)

    @contextmanager
    def _stage(self, name: str) -> Iterator[None]:
        """Count the block's processor time; that of decoding, inside of folding, is taken out by `_Timed`."""
        if self.profiler is not None:
            self.profiler.enable()
        began = time.process_time()
        try:
            yield
        finally:
            self.spent[name] += time.process_time() - began
            if self.profiler is not None:
                self.profiler.disable()


class _Timed(Decoder):
    """The typed decoder, which counts its own processor time and takes it out of the fold's."""

    def __init__(self, feed: Feed, bytes_max: int) -> None:
        super().__init__(Kind.FEATURES, feed.fleet.book.schemas(Kind.FEATURES), bytes_max)
        self._feed = feed

    def decode(self, batch: RawBatch, max_future_ms: int) -> Decoded:
        """Decode a batch."""
        began = time.process_time()
        try:
            return super().decode(batch, max_future_ms)
        finally:
            spent = time.process_time() - began
            self._feed.spent["decode"] += spent
            self._feed.spent["fold"] -= spent
