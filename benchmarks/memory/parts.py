"""Weighs a fleet of chains part by part, an object that two parts share with the first."""

import gc
import tracemalloc
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from benchmarks.memory.bed import Bed, warm
from benchmarks.memory.drawn import config_of, references
from benchmarks.memory.walk import met, weigh
from benchmarks.throughput.counting import CountingStore
from benchmarks.workload import TOPIC
from stream.evaluate.chains.chain import Chain
from stream.reference.fleet import PATIENCE, Fleet
from stream.state.store import fleet_key, model_key, partition_key

__all__ = ["Weighed", "weigh_parts"]


@dataclass
class Weighed:
    """Bytes by part, of so many monitors; and what was written at a commit of a partition, of a model."""

    monitors: int
    worker: dict[str, int]
    redis: dict[str, int]
    allocated: int
    written: dict[str, int]


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
    seen |= met(bed.fleet, seen)
    return parts


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
    seen |= met(model.latest, seen)
    seen.remove(id(model))
    parts["model: the rest"] = weigh(seen, model)
    return parts


def _without_chains(model: Any, seen: set[int]) -> set[int]:
    met = set(seen)
    for chain in model.chains.values():
        weigh(met, chain)
    return met
