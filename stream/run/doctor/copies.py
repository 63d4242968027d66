"""What `driftbus doctor` says of copies of the state: whether there would be one, and events to go on from it."""

from collections.abc import Callable, Iterator
from contextlib import closing

from stream.config import Config
from stream.config.durations import duration_text
from stream.run.copies.backup import MADE, backup_key
from stream.run.doctor.finding import Finding, Level
from stream.run.fleet.retention import is_compacted, needed_ms, retention_ms
from stream.state.redis import RedisStore

__all__ = ["examine_backup"]


def examine_backup(config: Config, clock: Callable[[], float]) -> Iterator[Finding]:
    """Look at the topic of the copies, the age of the newest one, and how long the input topics keep events.

    Raises:
        DriftbusError: Kafka or the store does not tell.
    """
    if config.redis.url is None:
        return
    if not config.backs_up:
        told = "no copies of the state are taken: what Redis loses is lost"
        yield Finding(Level.WARN, "backup", told, "set backup.every, e.g. to 10m")
        return
    yield _topic(config)
    yield _age(config, clock)
    needed = needed_ms(config)
    for topic, kept_ms in retention_ms(config).items():
        what = f"retention of {topic}"
        if kept_ms is not None and kept_ms < needed:
            told = f"events are kept for {duration_text(kept_ms)}: going on from a copy needs {duration_text(needed)}"
            yield Finding(Level.WARN, what, told, "raise retention.ms, or lower backup.every")
        else:
            kept = "for ever" if kept_ms is None else duration_text(kept_ms)
            yield Finding(Level.OK, what, f"{kept}; copies need {duration_text(needed)}")


def _topic(config: Config) -> Finding:
    what = f"topic {config.backup_topic}"
    compacted = is_compacted(config, config.backup_topic)
    if compacted is None:
        return Finding(Level.OK, what, "copies of the state: not there yet, made by the first copy")
    if compacted:
        return Finding(Level.OK, what, "copies of the state, compacted")
    told = "copies of the state: it is not compacted, so Kafka throws the copies away, or keeps them all"
    todo = f"kafka-configs.sh --alter --topic {config.backup_topic} --add-config cleanup.policy=compact"
    return Finding(Level.FAIL, what, told, todo)


def _age(config: Config, clock: Callable[[], float]) -> Finding:
    with closing(RedisStore(str(config.redis.url), retries=0)) as store:
        (made,) = store.read(backup_key(config.app), [MADE])
    every = config.backup.every_ms or 0
    if made is None:
        return Finding(Level.OK, "backup", f"no copy yet; one every {duration_text(every)}")
    age = max(0, int(clock() * 1000) - int(made)) // 1000 * 1000
    told = f"the newest copy is {duration_text(age)} old; one every {duration_text(every)}"
    if age > 2 * every:
        return Finding(Level.WARN, "backup", told, "is a worker running? its log tells why not")
    return Finding(Level.OK, "backup", told)
