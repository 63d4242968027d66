"""What becomes of a partition whose log does not hold the offset at which its state stands, or is another one."""

import logging
from typing import Literal

from stream.errors import LogLost
from stream.ingest.partition import Partition

__all__ = ["go_on", "is_same_log"]

LOG = logging.getLogger("driftbus.worker")
TODO = (
    "restore the topic; or go on where it begins, with the gap noted: `on_lost_log: reset_and_flag`; or begin"
    " anew under another `app`"
)


def go_on(
    partition: Partition, low: int, high: int, rule: Literal["fail", "reset_and_flag"]
) -> bool:
    """Move a partition to where its log begins, and tell whether it had to be moved.

    Two things bring a state outside of its log: retention was shorter than the time nobody read, or the topic was made
    anew. One that was made anew and has grown beyond the state's offset is told by its identity (`is_same_log`).

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
        raise LogLost(told, where, TODO)
    LOG.error("%s: %s; going on at %d, and the gap is noted in the state", where, told, low)
    partition.skip(low)
    return True


def is_same_log(partition: Partition, log: str, rule: Literal["fail", "reset_and_flag"]) -> bool:
    """Tell whether a partition's offsets are those of the topic as it is now; if not, move it to its beginning.

    Args:
        partition: the state; it is changed, and its commit is the caller's.
        log: the identity of the topic, by which brokers tell it from an earlier one of the same name; "" where they do
            not say.
        rule: `on_lost_log` of the configuration.

    Raises:
        LogLost: it is another topic, and the rule is to fail.
    """
    before, at = partition.log, partition.fold_state.next_offset
    if not log or log == before:
        return True
    if before and at:
        where = f"{partition.source.topic}/{partition.source.partition}"
        told = f"the topic was made anew: the state stands at offset {at:,} of {before}, and this is {log}"
        if rule == "fail":
            raise LogLost(told, where, TODO)
        LOG.error(
            "%s: %s; going on at its beginning, and the gap is noted in the state", where, told
        )
        partition.skip(0)
    partition.log = log
    return not (before and at)
