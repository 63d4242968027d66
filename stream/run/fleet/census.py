"""What the state knows of: partitions that any worker has ever owned, and the models seen on them. Needs no Kafka."""

from collections.abc import Iterable, Iterator

from stream.config import Config
from stream.ingest.partition import models_of
from stream.ingest.raw import Source
from stream.state.kept import FLEET, SEVERAL_MODELS, Kept, kept_of, key_of, model_of, partition_of
from stream.state.store import BASE, EPOCH, Store, partition_key
from stream.words import INPUTS

__all__ = ["holds_state", "known_sources", "take_cut"]

ASKED_AT_ONCE = 64
PARTITIONS_MAX = 1 << 20


def known_sources(config: Config, store: Store) -> list[Source]:
    """List the partitions of the configured topics that any worker has ever owned."""
    topics = [(kind, getattr(config.topics, kind)) for kind in INPUTS]
    return [
        Source(kind, topic, partition)
        for kind, topic in topics
        if topic
        for partition in _partitions(config.app, store, topic)
    ]


def _partitions(app: str, store: Store, topic: str) -> Iterator[int]:
    for first in range(0, PARTITIONS_MAX, ASKED_AT_ONCE):
        numbers = range(first, first + ASKED_AT_ONCE)
        answers = store.read_many([(partition_key(app, topic, p), [EPOCH]) for p in numbers])
        more = [p for p, (epoch,) in zip(numbers, answers, strict=True) if epoch is not None]
        if not more:
            return
        yield from more


def holds_state(config: Config, store: Store) -> bool:
    """Tell whether anything was ever committed; that somebody took it over, and no more, is nothing.

    Nor are references alone: a worker that still runs enters those again that a flushed store has lost.
    """
    keys = [partition_key(config.app, s.topic, s.partition) for s in known_sources(config, store)]
    bases = [base for (base,) in store.read_many([(key, [BASE]) for key in keys])]
    return any(bases)


def take_cut(config: Config, store: Store) -> Iterator[Kept]:
    """Read all hashes, one after the other, so that together they can be gone on from, while workers go on.

    Partitions first, then the models, what several of them tell together, and the fleet. A model may so be ahead of the
    partitions, never behind them: what it still needs is in their panes, or is folded again from their offsets; panes
    that are only deleted once their model has passed them cannot be missing. What is told together may be ahead of the
    models, which move again as they did, and never misses what they noted. And the fleet holds every reference that
    any of them names.
    """
    names: set[str] = set()
    for source in known_sources(config, store):
        what = partition_of(source.topic, source.partition)
        kept = kept_of(what, store.peek(key_of(config.app, what)))
        if kept.base:
            names |= set(models_of(kept.fields))
            yield kept
    for what in (*map(model_of, sorted(names)), SEVERAL_MODELS):
        kept = kept_of(what, store.peek(key_of(config.app, what)))
        if kept.base:
            yield kept
    fleet = kept_of(FLEET, store.peek(key_of(config.app, FLEET)))
    if fleet.fields:
        yield fleet


def names_of(hashes: Iterable[Kept]) -> list[str]:
    """List the models among hashes."""
    return sorted(kept.what[1] for kept in hashes if kept.what[0] == "model")
