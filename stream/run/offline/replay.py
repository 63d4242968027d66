"""The whole pipeline over files: no Kafka, no Redis, the same rooms, and the same alerts as live."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import orjson

from sinks.event import DriftEvent, parse
from stream.config import Config
from stream.errors import FileError
from stream.evaluate.evaluator import Evaluator, step_all
from stream.evaluate.gatherer import Gatherer
from stream.evaluate.model import Model
from stream.files.source import FileEvent
from stream.ingest.fold import NEVER
from stream.ingest.ingest import Ingest
from stream.ingest.partition import Marks, read_marks
from stream.ingest.raw import DeadLetter, RawBatch, Source
from stream.reference.fleet import Fleet
from stream.reference.plan import mondays
from stream.reference.plans import Plans
from stream.reference.reference import Reference
from stream.run.copies.export import Export, canonical
from stream.run.fleet.census import take_cut
from stream.run.fleet.rules import fold_rules, model_rules, plan_rules, window_sizes
from stream.state.memory import MemoryStore
from stream.words import INPUTS, Kind

__all__ = ["BATCH", "Replay", "write_dead_letters"]

BATCH = 5_000


class Replay:
    """A run of the pipeline in this process. `feed` events in order of time, then `finish`.

    The answers do not depend on how the events are portioned: wherever the time of a kind lets a window end, a portion
    ends, so that each window is judged at the same event. `dead` are called with what could not be read.
    """

    def __init__(
        self,
        config: Config,
        references: Sequence[Reference],
        dead: Callable[[Sequence[DeadLetter]], None],
    ) -> None:
        self.config = config
        self.alerts: list[DriftEvent] = []
        self.models: dict[str, Evaluator] = {}
        self._store = MemoryStore()
        self._fleet = Fleet(self._store, config.app)
        for reference in references:
            reference.check(config.pane_ms, window_sizes(config))
        self._fleet.publish_all(references)
        self._gatherer = Gatherer(self._store, config.app, config.pane_ms, config.lateness_ms)
        self._gatherer.load()
        self._plans = Plans(self._store, config.app, self._fleet, plan_rules(config))
        self._reached_ms: int | None = None
        self._ingest = Ingest(self._store, config.app, fold_rules(config), self._fleet)
        self._sources = {
            kind: Source(kind, getattr(config.topics, kind) or kind, 0) for kind in INPUTS
        }
        self._next = dict.fromkeys(INPUTS, 0)
        self._due: dict[Kind, int] = {}
        self._dead = dead
        for source in self._sources.values():
            self._ingest.take_over(source)

    def feed(self, events: Iterable[FileEvent], batch: int = BATCH) -> Iterator[int]:
        """Take in events; yields the number taken after every portion."""
        for portion, cut in self._portions(events, batch):
            committed = False
            for kind, source in self._sources.items():
                of_kind = [event for event in portion if event.kind is kind]
                if of_kind:
                    self._fold(source, of_kind)
                    self._wait(kind, source)
                if cut or self._ingest.partitions[source].closes_pane:
                    self._commit(source)
                    committed = True
            if committed:  # models see nothing else
                self._evaluate()
            yield len(portion)

    def _portions(
        self, events: Iterable[FileEvent], batch: int
    ) -> Iterator[tuple[list[FileEvent], bool]]:
        """Cut events into portions of at most `batch`, and tell which end because the time for a window has come."""
        portion: list[FileEvent] = []
        for event in events:
            portion.append(event)
            cut = event.ts >= self._due.get(event.kind, event.ts)
            if cut or len(portion) >= batch:
                yield portion, cut
                portion = []
        if portion:
            yield portion, False

    def _wait(self, kind: Kind, source: Source) -> None:
        """Tell when the next window ends, once the time for the last one has come: nothing unreadable moves time."""
        watermark = self._ingest.partitions[source].fold_state.watermark
        if watermark == NEVER or watermark < self._due.get(kind, watermark):
            return
        passed = watermark - self.config.lateness_ms
        self._due[kind] = watermark + min(
            w.every_ms - passed % w.every_ms for w in self.config.windows
        )

    def finish(self, *, flush: bool = True) -> list[DriftEvent]:
        """End the run: close the windows that are still open if `flush`, and give all alerts."""
        for source in self._sources.values():
            self._commit(source)
        self._evaluate()
        if flush:
            self._flush()
        return self.alerts

    def state(self) -> Export:
        """Give the canonical export of the state, to hold against that of workers."""
        kinds = {source.topic: kind for kind, source in self._sources.items()}
        return canonical(take_cut(self.config, self._store), kinds)

    def learned(self) -> Iterator[Model]:
        """Give the models, as `reference build` reads what they have learned."""
        return (evaluator.model for _, evaluator in sorted(self.models.items()))

    def counters(self) -> dict[Kind, tuple[int, int, int]]:
        """Tell for each kind how many events were seen, were malformed, were late."""
        told = {}
        for kind, source in self._sources.items():
            c = self._ingest.partitions[source].fold_state.counters
            told[kind] = (c.seen, c.malformed, c.late)
        return told

    def _commit(self, source: Source) -> None:
        """Commit a kind; one of which nothing has come by now holds nothing up."""
        partition = self._ingest.partitions[source]
        if not partition.fold_state.next_offset:
            partition.tick(NEVER)
        self._ingest.commit(source)

    def _fold(self, source: Source, events: list[FileEvent]) -> None:
        first = self._next[source.kind]
        self._next[source.kind] = first + len(events)
        offsets = np.arange(first, first + len(events), dtype=np.int64)
        values = [event.value for event in events]
        dead = self._ingest.fold(RawBatch(source, values, offsets, None))
        for letter in dead:
            letter.reason = events[letter.offset - first].wrong or letter.reason
        if dead:
            self._dead(dead)

    def _flush(self) -> None:
        """Let every kind's time pass its last event, then close what is open."""
        latest = max(p.fold_state.watermark for p in self._ingest.partitions.values())
        horizon = latest + self.config.lateness_ms + self.config.pane_ms
        for source, partition in self._ingest.partitions.items():
            if partition.fold_state.counters.seen:
                partition.tick(horizon)
                self._ingest.commit(source)
        self._evaluate(flush=True)

    def _evaluate(self, *, flush: bool = False) -> None:
        marks = read_marks(self._store, self.config.app, list(self._sources.values()))
        reached = max((m.watermark for m in marks.values() if m is not None), default=NEVER)
        if self._reached_ms is not None:
            for monday in mondays(self._reached_ms, reached):
                self._step(marks, upto_ms=monday)
        self._step(marks, flush=flush)
        if reached != NEVER:
            self._reached_ms = reached
        evaluated = {
            kind: {name: evaluator.evaluated(kind) for name, evaluator in self.models.items()}
            for kind in INPUTS
        }
        self._ingest.clean(evaluated, 0)

    def _step(
        self,
        marks: Mapping[Source, Marks | None],
        *,
        upto_ms: int | None = None,
        flush: bool = False,
    ) -> None:
        """Move every model, gather what several moved, and take the alerts."""
        for name in self._ingest.models():
            evaluator = self.models.get(name)
            if evaluator is None:
                evaluator = self.models[name] = Evaluator(
                    self._store, self.config.app, name, model_rules(self.config), self._fleet, self._plans,
                    self.config.lateness_ms, list(self._sources.values()),
                )  # fmt: skip
                evaluator.load()
        step_all(list(self.models.values()), marks, upto_ms=upto_ms, flush=flush)
        for _, evaluator in sorted(self.models.items()):
            self._take(evaluator)
        if len(self.models) > 1:
            self._gatherer.step(marks, flush=flush)
            self._take(self._gatherer)

    def _take(self, owner: Evaluator | Gatherer) -> None:
        self.alerts += map(parse, owner.outbox.values())
        owner.acknowledge(list(owner.outbox))


def write_dead_letters(path: Path) -> Callable[[Sequence[DeadLetter]], None]:
    """Make a function that appends dead letters to a file, one JSON object a line; the file appears with the first."""
    path.unlink(missing_ok=True)

    def write(letters: Sequence[DeadLetter]) -> None:
        try:
            with path.open("ab") as out:
                for letter in letters:
                    told = {
                        "topic": letter.source.topic, "partition": letter.source.partition, "offset": letter.offset,
                        "reason": letter.reason, "value": (letter.value or b"").decode("utf-8", "backslashreplace"),
                    }  # fmt: skip
                    out.write(orjson.dumps(told) + b"\n")
        except OSError as error:
            raise FileError(
                f"cannot be written ({error.strerror})", str(path), "check the folder and its space"
            ) from None

    return write
