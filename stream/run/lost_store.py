"""What becomes of a partition whose state is gone from the store, all of it."""

import logging

from stream.config import Config
from stream.errors import StoreRefused
from stream.ingest.raw import Source

__all__ = ["state_lost"]

LOG = logging.getLogger("driftbus.worker")


def state_lost(config: Config, source: Source) -> None:
    """Stop where there are copies of the state to restore; else say that the log is folded from its beginning.

    Raises:
        StoreRefused: the state is backed up.
    """
    where = f"{source.topic}/{source.partition}"
    if config.backs_up:
        raise StoreRefused(
            f"the state of {where} is gone from the store",
            "redis",
            "stop all workers, and `driftbus state restore -c FILE`",
        )
    LOG.error(
        "%s: its state is gone from the store; what the topic still holds is folded again", where
    )
