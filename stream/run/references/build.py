"""`driftbus reference build`: the pipeline with learning that never ends by itself, then frozen."""

from collections.abc import Callable, Iterable, Sequence

from msgspec.structs import replace

from stream.config import Config
from stream.errors import UsageError
from stream.evaluate.chains.learner import Learner
from stream.files import FileEvent
from stream.ingest.raw import DeadLetter
from stream.reference.reference import ALWAYS, Reference
from stream.run.offline.replay import Replay

__all__ = ["build_references", "within"]

UNBOUNDED = 10**12


def within(
    events: Iterable[FileEvent], start_ms: int | None, end_ms: int | None
) -> Iterable[FileEvent]:
    """Leave out the events before `start_ms`, and those at `end_ms` and later."""
    first = 0 if start_ms is None else start_ms
    last = UNBOUNDED * 100 if end_ms is None else end_ms
    return (event for event in events if first <= event.ts < last)


def build_references(
    config: Config,
    events: Iterable[FileEvent],
    start_ms: int | None,
    end_ms: int | None,
    dead: Callable[[Sequence[DeadLetter]], None],
    taken: Callable[[int], None],
) -> list[Reference]:
    """Learn one reference for every kind of every series from events in order of time.

    It is bounded by `start_ms` and `end_ms` where they are given, else by its first pane's start
    and its last pane's end; events outside are left out. It holds from the beginning of time.
    Memory: the raw values of all events.

    Args:
        config: panes, windows, bins and the join; nothing ends the learning but the events' end.
        events: features, predictions and labels.
        start_ms: where the learning begins, or None.
        end_ms: where it ends, not included, or None.
        dead: called with what could not be read.
        taken: called with the number of events taken in, now and then.

    Raises:
        UsageError: the range is empty, or no event in it could be read.
    """
    if start_ms is not None and end_ms is not None and start_ms >= end_ms:
        raise UsageError("--from is not before --to", "the range", "turn them round")
    replay = Replay(_endless(config), [], dead)
    for n in replay.feed(within(events, start_ms, end_ms)):
        taken(n)
    replay.finish()
    learners = [
        chain
        for model in replay.learned()
        for _, chain in sorted(model.chains.items())
        if isinstance(chain, Learner) and chain.events
    ]
    if not learners:
        told = "no event there, or in its range, can be learned from"
        raise UsageError(told, "reference build", "check the input, --from and --to")
    return [_freeze(learner, config.pane_ms, start_ms, end_ms) for learner in learners]


def _endless(config: Config) -> Config:
    reference = replace(config.reference, learn_events=UNBOUNDED)
    limits = replace(config.limits, raw_rows_max=UNBOUNDED)
    return replace(config, reference=reference, limits=limits)


def _freeze(learner: Learner, pane_ms: int, start_ms: int | None, end_ms: int | None) -> Reference:
    first = min(learner.panes) * pane_ms if start_ms is None else start_ms
    last = (max(learner.panes) + 1) * pane_ms if end_ms is None else end_ms
    return learner.freeze("file", ALWAYS, (first, last))
