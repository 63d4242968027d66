"""The bodies of `driftbus state`: where hashes come from, and where they go."""

from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from msgspec.structs import replace

from stream.bus.backup_topic import BackupTopic
from stream.bus.log_bounds import log_bounds
from stream.config import Config, Topics
from stream.errors import BusUnavailable, ConfigError, UsageError
from stream.reference.fleet import Fleet
from stream.run.copies.export import Export, Written, canonical, read_export, write_export
from stream.run.copies.restore import missing_events, restore
from stream.run.copies.show import state_told
from stream.run.fleet.census import take_cut
from stream.run.fleet.topics import cluster_of, input_topics, sources_of
from stream.state.memory import MemoryStore
from stream.state.redis import RedisStore
from stream.state.snapshot import newest_snapshot
from stream.state.store import Store
from stream.words import INPUTS, Kind

__all__ = [
    "Restored", "export_of", "export_state", "export_told", "kinds_of", "open_store", "restore_state",
]  # fmt: skip


class Restored(NamedTuple):
    """What was restored: how many hashes, from where, and what to know about it, one line each."""

    hashes: int
    source: str
    cautions: list[str]


def open_store(config: Config, where: Path) -> RedisStore:
    """Open the store that workers share; the caller closes it.

    Raises:
        ConfigError: there is none.
        StoreRefused, StoreUnavailable: it cannot be used.
    """
    if config.redis.url is None:
        told = "is null, so there is no state that outlives a worker"
        raise ConfigError(told, str(where), "set it", key="redis.url")
    store = RedisStore(config.redis.url)
    store.check()
    return store


def kinds_of(config: Config) -> dict[str, Kind]:
    """Tell what the events of each topic are."""
    return {topic: kind for kind, topic in input_topics(config).items()}


def export_of(config: Config, store: Store) -> Export:
    """Give the canonical export of a store; workers may go on meanwhile.

    Raises:
        UsageError: there is nothing to export.
    """
    export = canonical(take_cut(config, store), kinds_of(config))
    if not export.hashes:
        told = f"the store holds no state of {config.app}"
        raise UsageError(told, "state", "is it the right `app` and `redis.url`?")
    return export


def export_state(config: Config, store: Store, path: Path) -> Written:
    """Write the canonical export of a store.

    Raises:
        UsageError: there is nothing to export.
        FileError: it cannot be written.
    """
    return write_export(path, export_of(config, store))


def export_told(path: Path, config: Config | None) -> dict[str, Any]:
    """Tell what an export holds, as `state_told` does of a store; without a configuration by what it says itself.

    Raises:
        FileError: the export cannot be read.
    """
    export, held = read_export(path), MemoryStore()
    if config is not None:
        restore(config, held, export.hashes, 0, force=False)
        return state_told(config, held)
    of_kind = {kind: topic for topic, kind in export.kinds.items()}
    features, predictions, labels = map(of_kind.get, INPUTS)
    topics = Topics(features=features, predictions=predictions, labels=labels)
    config = Config(app=path.name, topics=topics)
    restore(config, held, export.hashes, 0, force=False)
    fleet = Fleet(held, config.app)
    fleet.refresh()
    lengths = [reference.pane_ms for reference in fleet.book.all()]
    config = replace(config, pane_ms=lengths[0]) if lengths else config
    return state_told(config, held, panes=bool(lengths))


def restore_state(config: Config, where: Path, path: Path | None, *, force: bool) -> Restored:
    """Restore from an export or, without a path, from the newest whole copy on the backup topic.

    The file is read before anybody is asked. With it Kafka need not be there: then it is a caution that nobody has
    looked whether the log reaches back.

    Args:
        config: whose state.
        where: the file of `config`, to name it in errors.
        path: of an export.
        force: replace what the store holds.

    Raises:
        FileError: the export cannot be read.
        ConfigError, StoreRefused, StoreUnavailable: as of `open_store`.
        UsageError: there is no copy; or the store holds state, and `force` is not given.
        BusUnavailable: Kafka does not answer and no path is given; nothing was written.
    """
    export = None if path is None else read_export(path)
    with closing(open_store(config, where)) as store:
        return _restore(config, store, export, str(path), force=force)


def _restore(
    config: Config, store: Store, export: Export | None, source: str, *, force: bool
) -> Restored:
    cautions: list[str] = []
    copies = 0
    if export is not None:
        hashes = export.hashes
    else:
        snapshot = newest_snapshot(BackupTopic(config).read())
        if snapshot is None:
            told = f"there is no copy on {config.backup_topic}"
            raise UsageError(told, "state restore", "give the FILE of an export")
        hashes, cautions, copies = snapshot.hashes, list(snapshot.broken), snapshot.generation
        source = f"copy {copies} on {config.backup_topic}"
    try:
        bounds = log_bounds(config, sources_of(config, cluster_of(config)))
        cautions += missing_events(config, hashes, bounds)
    except BusUnavailable as error:
        if export is None:
            raise
        cautions.append(
            f"{error.where}: {error.what}: whether the log reaches back was not looked at"
        )
    restore(config, store, hashes, copies, force=force)
    return Restored(len(hashes), source, cautions)
