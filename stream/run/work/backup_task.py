"""When a worker takes copies of the state, and what it checks before: on a thread of its own."""

import logging
import time
from functools import partial

from stream.bus.backup_topic import BackupTopic
from stream.config import Config
from stream.config.durations import duration_text
from stream.errors import DriftbusError
from stream.ingest.raw import Source
from stream.run.copies.backup import Backup, refuse_lost_store
from stream.run.fleet.retention import too_short
from stream.run.work.calls import Calls
from stream.run.work.runtime import Runtime
from stream.state.store import Store
from stream.words import INPUTS

__all__ = ["BackupTask"]

LOG = logging.getLogger("driftbus.backup")


class BackupTask:
    """Does nothing at all where the configuration asks for no copies."""

    def __init__(self, config: Config, store: Store, topic: BackupTopic, runtime: Runtime) -> None:
        self.backup = Backup(config, store, topic)
        self._config = config
        self._store = store
        self._topic = topic
        self._runtime = runtime
        self._calls = Calls("driftbus-backup", time.monotonic)
        self._warned = False
        self._closed = False

    async def check_store(self) -> None:
        """Refuse a store that has lost the state, before anything is begun anew; waits for store and topic.

        Raises:
            StoreRefused: it has, and there is a copy.
        """
        if self._config.backs_up:
            await self._calls.insist(
                partial(refuse_lost_store, self._config, self._store, self._topic)
            )

    async def look_after(self) -> None:
        """Take a copy if it is time and this worker owns the first partition.

        Raises:
            StoreRefused: the store has lost the state.
        """
        if self._config.backs_up and not self._closed and self.backup.due() and self._is_first():
            if not self._warned:
                self._warned = True
                await self._calls.once(self._warn)
            if not self._closed:  # it may have been, while the warning was worked out
                await self._calls.once(self.backup.take)

    def _is_first(self) -> bool:
        kind = next(kind for kind in INPUTS if getattr(self._config.topics, kind))
        first = Source(kind, getattr(self._config.topics, kind), 0)
        return first in self._runtime.ingest.partitions

    def _warn(self) -> None:
        """Say which topics do not keep events until a copy could be gone on from."""
        try:
            for topic, kept_ms, needed_ms in too_short(self._config):
                LOG.warning("topic %s keeps events for %s: %s are needed to go on from a copy of the state",
                            topic, duration_text(kept_ms), duration_text(needed_ms))  # fmt: skip
        except DriftbusError as error:
            LOG.info("how long the topics keep events cannot be told: %s", error)

    def close(self) -> None:
        """End a copy that is being taken, and give the thread back."""
        self._closed = True
        self.backup.stop()
        self._calls.close()
