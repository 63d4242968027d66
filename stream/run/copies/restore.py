"""`driftbus state restore`: builds the state again from a copy, and says what the log still has for it."""

from collections.abc import Mapping, Sequence

from stream.config import Config
from stream.errors import StoreUnavailable, UsageError
from stream.ingest.raw import Source
from stream.run.copies.backup import backup_key, mark_restored
from stream.run.fleet.census import holds_state, take_cut
from stream.state.kept import Kept, key_of
from stream.state.store import Answer, Commit, Store
from stream.words import INPUTS

__all__ = ["missing_events", "restore"]


def restore(
    config: Config, store: Store, hashes: Sequence[Kept], copies: int, *, force: bool
) -> None:
    """Write hashes into the store; workers must not run, and one that does is fenced.

    The hash that lets workers start where there are copies is written last, so that a restore that was cut short is
    taken for no state; doing it again, with `force`, finishes it.

    Args:
        config: whose app and topics.
        store: where to.
        hashes: what to write.
        copies: the number of the newest copy that there is; the next one has a higher number. 0: nobody has looked.
        force: overwrite what the store holds.

    Raises:
        UsageError: the store holds state, and `force` is not given.
        StoreUnavailable: somebody else writes at the same time.
    """
    if holds_state(config, store):
        if not force:
            told = f"the store holds the state of {config.app} already"
            raise UsageError(
                told, "state restore", "stop all workers, and give --force to replace it"
            )
        _wipe(config, store)
    for kept in sorted(hashes, key=lambda one: one.what):
        _write(config.app, store, kept)
    mark_restored(store, backup_key(config.app), copies)


def _wipe(config: Config, store: Store) -> None:
    """Empty every hash that is known; of the partitions last, as the models are known by them."""
    known = list(take_cut(config, store))
    for kept in sorted(known, key=lambda one: one.what):
        _write(config.app, store, Kept(kept.what, b"", {}))


def _write(app: str, store: Store, kept: Kept) -> None:
    """Make a hash hold this and nothing else, as its owner."""
    key = key_of(app, kept.what)
    taken = store.take_over(key)
    store.remove(key, taken.epoch, [field for field in taken.fields if field not in kept.fields])
    step = Commit(
        key, taken.epoch, taken.base, kept.base, b"restored.%d" % taken.epoch, kept.fields
    )
    answer = store.commit(step)
    if answer is not Answer.OK:
        raise StoreUnavailable(
            f"{kept.what[0]} {kept.what[1]} was taken over by a worker ({answer.value})",
            "state restore",
            "stop all workers first",
        )


def missing_events(
    config: Config, hashes: Sequence[Kept], bounds: Mapping[Source, tuple[int, int]]
) -> list[str]:
    """Tell, one line a partition, where the log does not reach back to a restored offset, or is another one.

    Args:
        config: whose topics.
        hashes: what is restored.
        bounds: of each partition that is there, the first offset of its log and the one after its last.
    """
    kinds = {topic: kind for kind in INPUTS if (topic := getattr(config.topics, kind))}
    told = []
    for (of, topic, number), base, _ in sorted(hashes, key=lambda one: one.what):
        if of != "partition":
            continue
        where, at = f"{topic}/{number}", int(base or 0)
        if topic not in kinds:
            told.append(f"{where}: is read no more by this configuration")
            continue
        low, high = bounds.get(Source(kinds[topic], topic, number), (0, 0))
        if at < low:
            told.append(
                f"{where}: offsets {at:,} to {low - 1:,} are lost: the log begins at {low:,}"
            )
        elif at > high:
            told.append(
                f"{where}: the copy stands at {at:,} and the log ends at {high:,}: another log?"
            )
    return told
