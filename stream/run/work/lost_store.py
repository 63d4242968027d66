"""What becomes of a worker whose partition is at its very beginning: it may be new, or the store may have lost it."""

import logging

from stream.config import Config
from stream.errors import StoreRefused
from stream.ingest.partition import Partition
from stream.ingest.raw import Source
from stream.run.copies.backup import is_lost
from stream.state.store import Store

__all__ = ["check_beginning"]

LOG = logging.getLogger("driftbus.worker")


def check_beginning(config: Config, store: Store, source: Source, before: Partition | None) -> None:
    """Stop where the store is lost and there are copies to restore; else say that the log is folded from its beginning.

    Args:
        config: whether there are copies.
        store: where nothing is known of the partition.
        source: the partition.
        before: what this worker had of it, if anything.

    Raises:
        StoreRefused: the store is lost, and it is backed up.
    """
    where = f"{source.topic}/{source.partition}"
    if config.backs_up and is_lost(config, store):
        raise StoreRefused(
            f"the state of {where} is gone from the store, and all else with it",
            "redis",
            "stop all workers, and `driftbus state restore -c FILE`",
        )
    if before is not None and before.fold_state.next_offset > 0:
        LOG.error(
            "%s: its state is gone from the store; what the topic still holds is folded again",
            where,
        )
