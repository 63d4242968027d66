"""Makes what the rooms of the main job are tested with: events as bytes, batches, rules, folds of a log."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
import orjson

from stream.config import Alarms, Config, LabelsConfig, Limits, ReferenceConfig, Window
from stream.evaluate.model import ModelRules
from stream.ingest.decode import Decoder
from stream.ingest.fold import FoldRules
from stream.ingest.partition import Partition
from stream.ingest.raw import DeadLetter, RawBatch, Source
from stream.ingest.sample import SampleRules
from stream.reference.book import Book
from stream.reference.learn import LearnRules, freeze
from stream.reference.plan import Plan, PlanRules
from stream.reference.reference import ALWAYS, Reference, WindowSize
from stream.run.fleet.rules import fold_rules, model_rules
from stream.state.memory import MemoryStore
from stream.state.store import Answer
from stream.summaries.raw_values import Raw
from stream.words import Kind, Segment, Series

T0 = 1_767_225_600_000
"""2026-01-01, a whole day, hour and pane."""
PANE, HOUR = 10_000, 3_600_000
APP = "test"
PLAN = Plan(PlanRules(1.0, 20, {}), 0, ALWAYS, ALWAYS, ())
FEATURES = Source(Kind.FEATURES, "features", 0)
PREDICTIONS = Source(Kind.PREDICTIONS, "predictions", 0)
LABELS = Source(Kind.LABELS, "labels", 0)


def feature(
    ts: object = T0, model: str = "m", version: str = "1",
    segment: Mapping[str, str] | None = None, **values: object,
) -> bytes:  # fmt: skip
    """Write one feature event; `segment` and `ts` are left out when None."""
    event: dict[str, object] = {"model": model, "version": version, "features": values}
    return orjson.dumps(event | _given(ts=ts, segment=segment))


def prediction(
    identity: str,
    value: object,
    ts: int = T0,
    version: str = "1",
    segment: Mapping[str, str] | None = None,
) -> bytes:
    """Write one prediction."""
    event = {"model": "m", "version": version, "id": identity, "ts": ts, "prediction": value}
    return orjson.dumps(event | _given(segment=segment))


def label(identity: str, value: object, ts: int = T0, carried: object = None) -> bytes:
    """Write one label; `carried` is the prediction that it brings."""
    event = {"model": "m", "version": "1", "id": identity, "ts": ts, "label": value}
    return orjson.dumps(event | _given(prediction=carried))


def _given(**fields: object) -> dict[str, object]:
    return {name: value for name, value in fields.items() if value is not None}


def batch(
    source: Source,
    values: Sequence[bytes | None],
    first: int = 0,
    stamps: Sequence[int] | None = None,
) -> RawBatch:
    """Put messages into a batch at consecutive offsets; without stamps they come from a file."""
    offsets = np.arange(first, first + len(values), dtype=np.int64)
    times = None if stamps is None else np.array(stamps, dtype=np.int64)
    return RawBatch(source, list(values), offsets, times)


def rules(
    *, lateness_ms: int = 30_000, sample: float = 1.0, raw_rows_max: int = 10_000,
    join_rows_max: int = 10_000, event_bytes_max: int = 100_000, models_max: int = 100,
    series_max: int = 100, partition_series_max: int = 1_000, columns_max: int = 100,
) -> FoldRules:  # fmt: skip
    """Make the rules of a fold, with panes of ten seconds."""
    return FoldRules(
        PANE, lateness_ms, 300_000, SampleRules(sample), raw_rows_max, join_rows_max, event_bytes_max,
        models_max, series_max, partition_series_max, columns_max,
    )  # fmt: skip


def learning(bins: int = 10, events: int = 100, columns_max: int = 100) -> LearnRules:
    """Make the rules of learning: windows of one and of four hours, the latter every two."""
    windows = (WindowSize(HOUR, HOUR), WindowSize(4 * HOUR, 2 * HOUR))
    return LearnRules(events, bins, 5, columns_max, PANE, windows)


def reference_of(
    rows: Sequence[Mapping[str, object]], kind: Kind = Kind.FEATURES, version: str = "1", segment: Segment = (),
    model: str = "m", from_pane: int = ALWAYS, bins: int = 10,
) -> Reference:  # fmt: skip
    """Freeze a reference of rows that all lie in the pane before T0."""
    raw = Raw()
    for row in rows:
        raw.add(row, rows_max=10**9)
    series = Series(model, version, segment)
    return freeze(
        series, kind, {T0 // PANE - 1: raw}, learning(bins), "test", from_pane, (T0 - HOUR, T0)
    )


def configuration(*, learn_events: int = 10_000, sample: float = 1.0) -> Config:
    """Make a configuration of hourly windows, tumbling, and of four hours, sliding."""
    return Config(
        pane_ms=60_000,
        windows=(Window(HOUR, HOUR), Window(4 * HOUR, 2 * HOUR)),
        reference=ReferenceConfig(learn_events=learn_events, bins=10),
        labels=LabelsConfig(wait_ms=24 * HOUR, waiting_max=100_000),
        alarms=Alarms(budget_per_week=1.0, monitors=20),
        limits=Limits(raw_rows_max=100_000),
        sample=sample,
    )


def rules_of(config: Config) -> tuple[FoldRules, ModelRules]:
    """Read a configuration as the rooms do."""
    return fold_rules(config), model_rules(config)


class Log:
    """One partition with its store, fed with a log: what a worker does, without one."""

    def __init__(
        self, source: Source, book: Book | None = None, of: FoldRules | None = None
    ) -> None:
        self.source = source
        self.book = book or Book()
        self.rules = of or rules()
        self.store = MemoryStore()
        self.dead: list[DeadLetter] = []
        self.last_decoder: Decoder | None = None
        self._revision = 0
        self.partition = self._load()

    def fold(
        self, values: Sequence[bytes | None], first: int = 0, stamps: Sequence[int] | None = None
    ) -> None:
        """Fold messages that stand at consecutive offsets, with one decoder as long as the book is the same."""
        if self.last_decoder is None or self._revision != self.book.revision:
            self._revision, schemas = self.book.revision, self.book.schemas(self.source.kind)
            self.last_decoder = Decoder(self.source.kind, schemas, self.rules.event_bytes_max)
        self.dead += self.partition.fold(
            batch(self.source, values, first, stamps), self.last_decoder, self.book
        )

    def run(
        self,
        values: Sequence[bytes | None],
        cuts: Sequence[int] = (),
        stamps: Sequence[int] | None = None,
    ) -> "Log":
        """Fold a whole log in batches that end at the cuts, then commit."""
        for start, end in pairwise([0, *sorted(cuts), len(values)]):
            self.fold(values[start:end], start, None if stamps is None else stamps[start:end])
        self.commit()
        return self

    def commit(self) -> None:
        """Commit, which must succeed."""
        assert self.partition.commit() is Answer.OK

    def crash(self) -> int:
        """Drop what is in memory and take over anew; give the offset to read from."""
        self.partition = self._load()
        return self.partition.fold_state.next_offset

    def fields(self) -> dict[bytes, bytes]:
        """Tell the committed fields, and the committed offset as `base`."""
        taken = self.store.take_over(self.partition.key)
        return taken.fields | {b"base": taken.base}

    def _load(self) -> Partition:
        partition = Partition(self.store, APP, self.source, self.rules)
        partition.load()
        return partition
