"""What becomes of a partition whose log does not hold the offset at which its state stands."""

import logging
from typing import Literal

from stream.errors import LogLost
from stream.ingest.partition import Partition

__all__ = ["go_on"]

LOG = logging.getLogger("driftbus.worker")


def go_on(
    partition: Partition, low: int, high: int, rule: Literal["fail", "reset_and_flag"]
) -> bool:
    """Move a partition to where its log begins, and tell whether it had to be moved.

    Two things bring a state outside of its log: retention was shorter than the time nobody read, or the topic was made
    anew. A topic made anew that has grown beyond the state's offset cannot be told from the old one.

    Args:
        partition: the state; it is changed, and its commit is the caller's.
        low: the first offset that the log holds.
        high: the one after the last.
        rule: `on_lost_log` of the configuration.

    Raises:
        LogLost: it would have to be moved, and the rule is to fail.
    """
    source, at = partition.source, partition.fold_state.next_offset
    if low <= at <= high or at == 0:
        return False
    where = f"{source.topic}/{source.partition}"
    if at < low:
        told = f"offsets {at:,} to {low - 1:,} are lost: the log begins at {low:,}"
    else:
        told = f"the state stands at offset {at:,} and the log ends at {high:,}: it is another log"
    if rule == "fail":
        todo = (
            "restore the topic; or go on where it begins, with the gap noted: `on_lost_log: reset_and_flag`; or begin"
            " anew under another `app`"
        )
        raise LogLost(told, where, todo)
    LOG.error("%s: %s; going on at %d, and the gap is noted in the state", where, told, low)
    partition.skip(low)
    return True
