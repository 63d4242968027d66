"""Copies the state to a log now and then, so that a store that is lost can be built again.

One worker of all does it, the owner of the first partition: a copy is of everything, taken in an order in which its
parts fit together (`census.take_cut`), which owners that each copy their own could not give. Who does it is fenced like
any owner, by a hash of its own, `{app:backup}`, whose base is the number of the last copy. That hash goes with the
store: it is made by the first worker of all, and where it is missing later, the store has been lost. So nobody begins
anew by mistake, nor copies the beginning over what can be restored.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from stream.config import Config
from stream.errors import DriftbusError, StoreRefused, StoreUnavailable
from stream.run.fleet.census import take_cut
from stream.state.kept import Kept
from stream.state.snapshot import Record, newest_number, newest_snapshot, records_of
from stream.state.store import BASE, Answer, Commit, Store, Taken

__all__ = [
    "MADE",
    "Backup",
    "BackupLog",
    "backup_key",
    "is_lost",
    "mark_restored",
    "refuse_lost_store",
]

LOG = logging.getLogger("driftbus.backup")
MADE, BEGAN = b"made", b"began"
RETRY_S = 30.0


class BackupLog(Protocol):
    """Where copies are kept: an ordered log of records, of which the newest of each key stays."""

    def write(self, records: Iterable[Record]) -> None:
        """Append records; the last one only when all before it are safe. Raises BusUnavailable."""
        ...

    def read(self) -> Iterator[Record]:
        """Give all records, oldest first; none when the log is not there. Raises BusUnavailable."""
        ...


def backup_key(app: str) -> str:
    """Name the hash of the backup.

    >>> backup_key("driftbus")
    '{driftbus:backup}'
    """
    return f"{{{app}:backup}}"


def refuse_lost_store(config: Config, store: Store, log: BackupLog) -> None:
    """Raise StoreRefused where the store knows of no copy and yet there is one; without one, note the beginning.

    Cost: one read of the store; only where that finds nothing, a read of the whole log.
    """
    if is_lost(config, store):
        _refuse_if_kept(log)
        mark_restored(store, backup_key(config.app), 0)


def is_lost(config: Config, store: Store) -> bool:
    """Tell whether the store does not know that copies of it are taken, as only an empty one does."""
    return store.read(backup_key(config.app), [BASE]) == [None]


def _refuse_if_kept(log: BackupLog) -> None:
    snapshot = newest_snapshot(log.read())
    if snapshot is not None:
        raise StoreRefused(
            f"the state is gone, and there is a copy of {_utc(snapshot.made_ms)}",
            "redis",
            "`driftbus state restore -c FILE` brings it back; to begin anew, take another `app` or delete the topic of"
            " the copies",
        )


def mark_restored(store: Store, key: str, copies: int) -> None:
    """Write that the store has its state, so that workers may start, and how many copies there are of it.

    With 0, whoever takes the first one looks on the log how many there are.
    """
    taken = store.take_over(key)
    base = b"%d" % copies if copies else b""
    step = b"restored.%d" % taken.epoch
    store.commit(Commit(key, taken.epoch, taken.base, base, step, {BEGAN: b"1"}))


class Backup:
    """Takes copies. `made_s` is when the last one was, in seconds since 1970; None while none is known.

    `due` is for any thread; `take` for one at a time.
    """

    def __init__(
        self,
        config: Config,
        store: Store,
        log: BackupLog,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.made_s: float | None = None
        self.failed = 0
        self._config = config
        self._store = store
        self._log = log
        self._clock = clock
        self._wall = wall
        self._key = backup_key(config.app)
        self._taken: Taken | None = None
        self._newest = 0
        self._not_before = float("-inf")
        self._stopping = threading.Event()

    def due(self) -> bool:
        """Tell whether it is time for a copy, or to find out when the last one was."""
        return self._clock() >= self._not_before and not self._stopping.is_set()

    def stop(self) -> None:
        """End a copy that is being taken; what was written of it counts for nothing."""
        self._stopping.set()

    def take(self) -> None:
        """Take a copy if it is time; what passes (store, log) is told, counted and tried again later.

        Raises:
            StoreRefused: the store has lost the state.
        """
        try:
            self._take()
        except StoreRefused:
            raise
        except DriftbusError as error:
            self._taken = None
            self.failed += 1
            self._not_before = self._clock() + RETRY_S
            LOG.warning("no copy of the state: %s; it is tried again", error)

    def _take(self) -> None:
        every_s = (self._config.backup.every_ms or 0) / 1000
        taken = self._taken or self._begin()
        wait = every_s - (self._wall() - (self.made_s or 0.0))
        if self.made_s is not None and wait > 0:
            self._not_before = self._clock() + min(wait, every_s)
            return
        # A store that went back must not make us number a copy below one that is there already.
        number = max(int(taken.base or 0), self._newest) + 1
        made_ms = int(self._wall() * 1000)
        self._log.write(self._checked(taken, records_of(number, made_ms, self._cut())))
        self._newest = number
        self._move(taken, number, made_ms)
        self.made_s = made_ms / 1000
        self._not_before = self._clock() + every_s
        LOG.info("copy %d of the state is taken", number)

    def _begin(self) -> Taken:
        taken = self._store.take_over(self._key)
        if not taken.base and BEGAN not in taken.fields:
            _refuse_if_kept(self._log)
        elif not taken.base:  # no copy yet, or a restore from a file, which has not looked
            self._newest = max(self._newest, newest_number(self._log.read()))
        if MADE in taken.fields:
            self.made_s = int(taken.fields[MADE]) / 1000
        self._taken = taken
        return taken

    def _cut(self) -> Iterator[Kept]:
        for kept in take_cut(self._config, self._store):
            if self._stopping.is_set():
                raise StoreUnavailable("the worker ends", "backup")
            yield kept

    def _checked(self, taken: Taken, records: Iterator[Record]) -> Iterator[Record]:
        """Pass the records on, but none after somebody else has begun or the store was lost.

        What was read before the last check was read of the store that was taken over, so a manifest never stands for
        the beginnings of an empty store.
        """
        for record in records:
            self._move(taken, int(taken.base or 0), None)
            yield record

    def _move(self, taken: Taken, number: int, made_ms: int | None) -> None:
        """Commit the number of the last copy: the same one as a check, the next one when it is safe."""
        base = b"%d" % number if number else b""
        fields = {BEGAN: b"1"} if made_ms is None else {MADE: b"%d" % made_ms}
        step = b"%d.%d" % (taken.epoch, number)
        answer = self._store.commit(Commit(self._key, taken.epoch, taken.base, base, step, fields))
        if answer not in (Answer.OK, Answer.ALREADY):
            raise StoreUnavailable(f"another worker takes copies ({answer.value})", "backup")
        if base != taken.base:
            self._taken = Taken(taken.epoch, base, taken.fields)


def _utc(ms: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(ms / 1000))
