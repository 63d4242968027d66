"""What a monitor costs in memory: part by part in a worker, and in Redis.

    python -m benchmarks.memory --chains 30 --columns 10

The chains of one model, segments with a reference each, fold some events of each open pane, then judge some hours. What
the parts hold is measured by walking them (an object that two parts share counts for the first), and held against what
Python has allocated meanwhile; a Redis, if the machine has one, tells what it takes for each kind of a field.
"""

import gc
import json
import os
import sys
import tempfile
import tracemalloc
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

import click
import msgspec
import numpy as np
from redis import Redis

from benchmarks.outputs import OUT_FILE
from benchmarks.processes import redis_process
from benchmarks.throughput.counting import CountingStore
from benchmarks.workload import START_MS, TOPIC, Workload, build_reference
from detectors.summaries.layout import Layout
from detectors.summaries.summary import Summary
from stream.config import Config
from stream.evaluate.chains.chain import Chain
from stream.evaluate.evaluator import Evaluator
from stream.evaluate.panes.gather import Merged
from stream.evaluate.telling.report import Told
from stream.ingest.decode import Decoder
from stream.ingest.pane import Binned
from stream.ingest.partition import Partition
from stream.ingest.raw import RawBatch, Source
from stream.reference.fleet import PATIENCE, Fleet
from stream.reference.history import History
from stream.reference.plans import Plans
from stream.reference.reference import Reference
from stream.run.fleet.rules import fold_rules, model_rules, plan_rules
from stream.state.memory import MemoryStore
from stream.state.store import Commit, Store, fleet_key, model_key, partition_key
from stream.words import Kind, Series

__all__ = ["Bed", "Weighed", "config_of", "references", "segment", "warm", "weigh", "weigh_parts"]

HOUR, DAY = 3_600_000, 86_400_000
FLEET = 100_000
"""Monitors that the figures are extrapolated to."""
COUNT = click.IntRange(min=1)
EVENTS = 2_000
"""Events of a series in an hour."""
HISTORIES = 20
"""Different histories; series beyond these have them again, each in arrays of its own."""
UNWEIGHED = (type, ModuleType, BuiltinFunctionType)
FIELDS = {
    "fleet": {b"r:": "references", b"s:": "references by series", b"p:": "plans"},
    "partition": {b"p:": "panes", b"n:": "rosters"},
    "model": {
        b"c:": "heads", b"a:": "fits", b"t:": "tracks", b"g:": "grown", b"v:": "hops", b"h:": "results",
        b"s:": "standings", b"o:": "outbox", b"n:": "rosters",
    },
}  # fmt: skip
"""What the fields of a hash hold, by their first letters."""


@dataclass
class Weighed:
    """Bytes by part, of so many monitors; and what was written at a commit of a partition, of a model."""

    monitors: int
    worker: dict[str, int]
    redis: dict[str, int]
    allocated: int
    written: dict[str, int]


def weigh(seen: set[int], *roots: object) -> int:
    """Tell the bytes of objects and of all that they lead to; what is in `seen` counts for others."""
    total, stack = 0, list(roots)
    while stack:
        one = stack.pop()
        if one is None or id(one) in seen or isinstance(one, UNWEIGHED):
            continue
        seen.add(id(one))
        total += sys.getsizeof(one)
        if isinstance(one, np.ndarray):
            stack.append(one.base)
        elif isinstance(one, FunctionType):  # what it was made with, not the module it lives in
            stack += one.__closure__ or ()
        elif isinstance(one, MethodType):
            stack.append(one.__self__)
        else:
            stack += gc.get_referents(one)
    return total


def references(config: Config, columns: int, chains: int, windows: int) -> Iterator[Reference]:
    """Make a reference for each segment and the whole, with so many hours of history and the days in them."""
    workload = Workload(features=columns - 1)
    (learned,) = build_reference(config, workload)
    rng = np.random.default_rng(7)
    end = START_MS // DAY * DAY
    whole = Summary(learned.total.counts * max(1, windows), learned.total.extremes)
    learned = replace(learned, total=whole)  # of as many events as its windows hold, or more
    histories = [
        tuple(_history(learned, rng, size.size_ms, end, windows) for size in learned.windows)
        for _ in range(min(chains + 1, HISTORIES))
    ]
    owners = [Series("fraud", "1"), *(segment(s) for s in range(chains))]
    for i, series in enumerate(owners):
        yield replace(
            learned, series=series, histories=histories[i % len(histories)], end_ms=end,
            start_ms=end - windows * HOUR,
        )  # fmt: skip


def segment(s: int) -> Series:
    """Name a segment's series."""
    return Series("fraud", "1", (("shop", f"s{s:05}"),))


def _history(
    learned: Reference, rng: np.random.Generator, size_ms: int, end: int, hours: int
) -> History:
    starts = range(end - hours * HOUR // size_ms * size_ms, end, size_ms)
    made = [window(learned, rng, EVENTS * size_ms // HOUR) for _ in starts]
    return History(np.array(starts, dtype=np.int64), made)


def window(learned: Reference, rng: np.random.Generator, events: int) -> Summary:
    """Draw a window as the reference has them."""
    layout: Layout = learned.layout
    summary = Summary.empty(layout)
    total = learned.total
    for i in range(len(layout.columns)):
        at = layout.bins_of(i)
        cells = slice(at.start, at.stop + 1)  # the missing ones, too
        of_total = total.counts[cells]
        summary.counts[cells] = rng.multinomial(events, of_total / of_total.sum())
        tail = layout.tail_of(i)
        for slot in (tail + 2, tail + 3):
            share = int(total.counts[slot]) * events / total.n
            summary.counts[slot] = round(share * (1 + 0.01 * rng.normal()))
    summary.counts[-1] = events
    reach = np.ptp(total.extremes, axis=1)
    summary.extremes[:, 0] = total.extremes[:, 0] + 0.1 * reach * rng.random(len(reach))
    summary.extremes[:, 1] = total.extremes[:, 1] - 0.1 * reach * rng.random(len(reach))
    return summary


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
            Commit(evaluator.key, evaluator._epoch, evaluator._base, base, os.urandom(8), fields)
        )
        evaluator._base = base
        gone = evaluator.model.settled()
        self.store.remove(evaluator.key, evaluator._epoch, gone, base)
        return sum(len(f) + len(v) for f, v in fields.items())


def weigh_parts(
    columns: int, chains: int, weeks: float, hours: int, per_pane: int
) -> tuple[Weighed, dict[str, dict[bytes, bytes]]]:
    """Weigh a fleet of chains; give also the hashes that the store then has."""
    config, own = config_of(chains), CountingStore()
    publisher, first = Fleet(own, config.app), None
    for reference in references(config, columns, chains, int(weeks * 168)):
        publisher.publish(reference)
        first = first or reference
    assert first is not None
    del publisher
    warm(columns)
    gc.collect()
    tracemalloc.start()
    stored = weigh(set(), own)
    bed = Bed(config, own)
    for _ in range(PATIENCE + 1):
        bed.fleet.refresh()
    seen = {id(own)}
    monitors = (chains + 1) * (columns + 1)
    parts: dict[str, int] = _weigh_references(bed, seen)
    panes = (config.lateness_ms // config.pane_ms) + 2
    bed.fold(columns, chains, per_pane, panes)
    fold = bed.partition.fold_state
    parts["layouts of open panes"] = weigh(seen, bed.fleet.book._layouts)
    parts["open panes: counts"] = sum(weigh(seen, pane.shelf) for pane in fold.open.values())
    parts["open panes: the rest"] = weigh(seen, fold.open)
    parts["rosters, seats"] = weigh(seen, fold)
    bed.judge(first, hours)
    parts |= _weigh_chains(bed, seen)
    seen.clear()  # the walk's own
    gc.collect()
    allocated = tracemalloc.get_traced_memory()[0] - (weigh(set(), own) - stored)
    tracemalloc.stop()
    hashes = {
        "fleet": own.peek(fleet_key(config.app)),
        "partition": own.peek(partition_key(config.app, TOPIC, 0)),
        "model": own.peek(model_key(config.app, "fraud")),
    }
    return Weighed(monitors, parts, {}, allocated, bed.written), hashes


def config_of(chains: int) -> Config:
    """Give the defaults, with room for all."""
    config, room = Config(), 2 * chains + 10
    limits = msgspec.structs.replace(config.limits, series_max=room, partition_series_max=room)
    return msgspec.structs.replace(config, limits=limits)


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


def _weigh_references(bed: Bed, seen: set[int]) -> dict[str, int]:
    parts: dict[str, int] = defaultdict(int)
    seen.add(id(bed.fleet))  # windows that are left in the store know whom to ask for them
    for of in bed.fleet.book.all():
        parts["reference: columns"] += weigh(seen, of.columns)
        parts["reference: histories"] += weigh(seen, *(history._held for history in of.histories))
        parts["reference: total"] += weigh(seen, of.total)
        parts["reference: layout"] += weigh(seen, of.layout)
        parts["reference: the rest"] += weigh(seen, of)
    seen.remove(id(bed.fleet))
    parts["book and fleet"] = weigh(seen | {id(bed.store)}, bed.fleet)
    seen |= _met(bed.fleet, seen)
    return parts


def _met(root: object, seen: set[int]) -> set[int]:
    met = set(seen)
    weigh(met, root)
    return met


def _weigh_chains(bed: Bed, seen: set[int]) -> dict[str, int]:
    model = bed.evaluator.model
    parts: dict[str, int] = defaultdict(int)
    seen.add(id(model))  # chains know whom to ask for what is stored
    own = model.rules, bed.evaluator.store, model.plan_at, model._read
    parts["rules, plans"] = weigh(seen, *own)
    parts["latest results"] = weigh(_without_chains(model, seen), model.latest)
    for chain in model.chains.values():
        if isinstance(chain, Chain):
            for alarms in filter(None, chain._alarms):
                parts["alarms: windows of the reference"] += weigh(seen, alarms.track._near)
                parts["alarms: windows since"] += weigh(seen, alarms.track._since)
                parts["alarms: layers"] += weigh(seen, alarms.layer, alarms.volume_layer)
                parts["alarms: signals"] += weigh(seen, alarms.signals)
            parts["scores"] += weigh(seen, chain._scores)
            parts["rings"] += weigh(seen, chain.rings, chain.carried)
            parts["windows of the scores"] += weigh(seen, chain.grown)
            parts["standings"] += weigh(seen, chain.standings)
            parts["chain: the rest"] += weigh(seen, chain)
    seen |= _met(model.latest, seen)
    seen.remove(id(model))
    parts["model: the rest"] = weigh(seen, model)
    return parts


def _without_chains(model: Any, seen: set[int]) -> set[int]:
    met = set(seen)
    for chain in model.chains.values():
        weigh(met, chain)
    return met


def in_redis(hashes: dict[str, dict[bytes, bytes]]) -> dict[str, int]:
    """Tell what a Redis takes for the fields of each kind; nothing where the machine has none."""
    told: dict[str, int] = {}
    with tempfile.TemporaryDirectory() as folder, redis_process(Path(folder)) as url:
        if url is None:
            return told
        client: Any = Redis.from_url(url)
        for of, fields in hashes.items():
            kinds: dict[str, dict[bytes, bytes]] = defaultdict(dict)
            for field, value in fields.items():
                name = FIELDS[of].get(field[:2], "the rest")
                kinds[name][field] = value
            for name, part in kinds.items():
                key, items = f"{of}: {name}", list(part.items())
                for at in range(0, len(items), 1_000):
                    client.hset(key, mapping=dict(items[at : at + 1_000]))
                told[key] = client.memory_usage(key, samples=0)
    return told


def show(weighed: Weighed) -> None:
    """Print the tables."""
    n = weighed.monitors
    for title, parts in (("in a worker", weighed.worker), ("in Redis", weighed.redis)):
        print(f"\n| {title} | bytes a monitor | MB of {FLEET:,} |\n|---|---:|---:|")
        for name, size in parts.items():
            if size >= n / 2:
                print(f"| {name} | {size / n:,.0f} | {size / n * FLEET / 1e6:,.0f} |")
        total = sum(parts.values())
        print(f"| sum | {total / n:,.0f} | {total / n * FLEET / 1e6:,.0f} |")
    print(f"\nAllocated: {weighed.allocated / n:,.0f} bytes a monitor.")
    for name, size in weighed.written.items():
        print(f"Written, {name}: {size / n:,.1f} bytes a monitor.")


@click.command(help=__doc__)
@click.option("--chains", type=COUNT, default=100, show_default=True, help="Segments.")
@click.option("--columns", type=COUNT, default=10, show_default=True, help="Columns of each.")
@click.option(
    "--weeks",
    type=click.FloatRange(min=0),
    default=4.0,
    show_default=True,
    help="History of the references.",
)
@click.option("--hours", type=COUNT, default=25, show_default=True, help="Hours that are judged.")
@click.option(
    "--events", type=COUNT, default=10, show_default=True, help="Of a series in an open pane."
)
@click.option("--json", "out", type=OUT_FILE, help="Where the figures go.")
def main(
    chains: int, columns: int, weeks: float, hours: int, events: int, out: Path | None
) -> None:  # fmt: skip
    """Weigh what is asked for."""
    weighed, hashes = weigh_parts(columns, chains, weeks, hours, events)
    weighed.redis = in_redis(hashes)
    show(weighed)
    if out:
        out.write_text(json.dumps(vars(weighed), indent=2) + "\n")


if __name__ == "__main__":
    with suppress(BrokenPipeError):
        main()
