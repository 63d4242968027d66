"""A worker's ingest and evaluation of one model, and nothing else of a worker."""

import os
from collections.abc import Iterable
from typing import Any

import numpy as np

from benchmarks.memory.drawn import DAY, EVENTS, HISTORIES, HOUR, config_of, references, window
from benchmarks.throughput.counting import CountingStore
from benchmarks.workload import START_MS, TOPIC, Workload
from stream.config import Config
from stream.evaluate.evaluator import Evaluator
from stream.evaluate.panes.gather import Merged
from stream.evaluate.telling.report import Told
from stream.ingest.decode import Decoder
from stream.ingest.pane import Binned
from stream.ingest.partition import Partition
from stream.ingest.raw import RawBatch, Source
from stream.reference.fleet import Fleet
from stream.reference.plans import Plans
from stream.reference.reference import Reference
from stream.run.fleet.rules import fold_rules, model_rules, plan_rules
from stream.state.memory import MemoryStore
from stream.state.store import Commit, Store
from stream.words import Kind, Series

__all__ = ["Bed", "warm"]


class Bed:
    """A worker's ingest and evaluation of one model, over a store that is not weighed."""

    def __init__(self, config: Config, kept: Store) -> None:
        self.config = config
        self.store = kept
        self.fleet = Fleet(kept, config.app)
        self.source = Source(Kind.FEATURES, TOPIC, 0)
        self.partition = Partition(kept, config.app, self.source, fold_rules(config))
        self.partition.load()
        self.evaluator = Evaluator(
            kept, config.app, "fraud", model_rules(config), self.fleet,
            Plans(kept, config.app, self.fleet, plan_rules(config)), config.lateness_ms, [self.source],
        )  # fmt: skip
        self.evaluator.load()
        self.written: dict[str, int] = {}

    def fold(self, columns: int, chains: int, per_pane: int, panes: int) -> None:
        """Fold events of every series into each of the panes that are open at a time; commit them twice.

        The second commit follows the events of one series in a hundred.
        """
        workload = Workload(columns - 1, warm_up=0, series=chains, rate=1)
        bodies = workload.bodies()
        decoder = Decoder(Kind.FEATURES, self.fleet.book.schemas(Kind.FEATURES), 10**6)
        offset, start = 0, self.bases_ms()
        for pane in range(panes):
            ts = start + pane * self.config.pane_ms
            for turn in range(per_pane):
                self._take(decoder, bodies, range(chains), ts, turn, offset)
                offset += chains
        self.written["panes, all changed"] = self._commit()
        few = range(0, chains, 100)
        self._take(decoder, bodies, few, ts, per_pane, offset)
        self.written["panes, 1 % of series changed"] = self._commit()

    def bases_ms(self) -> int:
        """Tell where the open panes begin."""
        return START_MS // DAY * DAY

    def _take(
        self, decoder: Decoder, bodies: Any, of: Iterable[int], ts: int, turn: int, offset: int
    ) -> None:
        values = []
        for s in of:
            head, tail = bodies[(s * 31 + turn) % len(bodies)]
            named = b'{"model":"fraud","version":"1","segment":{"shop":"s%05d"},' % s
            values.append(b"%b%b%d%b" % (named, head, ts, tail))
        offsets = np.arange(offset, offset + len(values), dtype=np.int64)
        dead = self.partition.fold(
            RawBatch(self.source, values, offsets, None), decoder, self.fleet.book
        )
        assert not dead, dead[0]

    def _commit(self) -> int:
        before = self.store.written if isinstance(self.store, CountingStore) else 0
        self.partition.commit()
        return (self.store.written if isinstance(self.store, CountingStore) else 0) - before

    def judge(self, known: Reference, hours: int, since: int = 0) -> None:
        """Judge some hours of every series, each committed, as the evaluator does; so many were judged before."""
        model, per_hour = self.evaluator.model, HOUR // self.config.pane_ms
        rng, book = np.random.default_rng(11), self.fleet.book
        first = known.end_ms // self.config.pane_ms
        for hour in range(since, since + hours):
            number = first + hour * per_hour
            drawn = [window(known, rng, EVENTS) for _ in range(HISTORIES)]
            parts: dict[Series, list[Any]] = {
                of.series: [Binned(of.digest, drawn[i % HISTORIES])]
                for i, of in enumerate(book.all())
            }
            evidence = {(TOPIC, 0): (hour, hour)}
            model.advance(
                Kind.FEATURES, [Merged(number, parts, evidence)], number + per_hour, Told(0, 0)
            )
            written = self._commit_model()
        self.written["a judged hour of all series"] = written

    def _commit_model(self) -> int:
        evaluator, fields = self.evaluator, self.evaluator.model.fields()
        base = evaluator.model.base()
        self.store.commit(
            Commit(evaluator.key, evaluator.epoch, evaluator.base, base, os.urandom(8), fields)
        )
        evaluator.base = base
        gone = evaluator.model.settled()
        self.store.remove(evaluator.key, evaluator.epoch, gone, base)
        return sum(len(f) + len(v) for f, v in fields.items())


def warm(columns: int) -> None:
    """Have compiled what compiles, so that it is not counted."""
    config, own = config_of(1), MemoryStore()
    fleet = Fleet(own, config.app)
    made = list(references(config, columns, 1, 336))
    for reference in made:
        fleet.publish(reference)
    bed = Bed(config, own)
    bed.fleet.refresh()
    bed.fold(columns, 1, 2, 2)
    bed.judge(made[0], 3)
