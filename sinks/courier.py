"""Carries the outbox to one sink, patiently.

Every sink has a courier of its own, so that a sink which fails delays nobody else. Events wait in
order until their sink has taken them; a failure is followed by a wait that doubles, and no event
is ever dropped. The outbox itself is kept with the state: what a crash takes from a courier is
offered again.

Events may have arrived before: sent by the model's owner before us, or by a send that failed half
way. Then the model is in doubt, and a sink that can look (`Remembering`) is asked first. As a
model's events arrive in order, the doubt is over when the newest of those asked for is not there.

    offer ─▶ [ waiting, in order ] ─▶ deliver ─▶ sink
                    ▲                    │ SinkError: wait 1 s, 2 s, 4 s ... 60 s
                    └────────────────────┘
"""

from collections.abc import Sequence
from hashlib import blake2b
from threading import Lock

from .event import DriftEvent
from .sink import Remembering, Sink, SinkError

__all__ = ["Courier"]

BATCH_MAX = 500
"""Events given to a sink at once. A long queue that fails half way keeps its finished batches."""

LOOKS_MAX = 3
"""Looks that fail one after the other before what is in doubt is sent again, with the same ids."""

# Beyond this many doublings every wait is the longest one, and powers of two stay finite.
_DOUBLINGS_MAX = 60


class Courier:
    """Delivers events to one sink, at least once and in order.

    `offer` and the attributes may be used from any thread and never wait for a delivery;
    `deliver` is for one thread at a time, the caller's. Cost: O(1) an event.

    Args:
        sink: Where to deliver. It stays the caller's to close.
        first_wait: Seconds to wait after the first failure; doubled after each further one.
        longest_wait: Seconds that no wait exceeds, even if the sink asks for more.
        queue_max: Events that may wait here; a full courier accepts no more until some are
            delivered, and the rest keep waiting in the outbox.
    """

    def __init__(
        self,
        sink: Sink,
        first_wait: float = 1.0,
        longest_wait: float = 60.0,
        queue_max: int = 10_000,
    ) -> None:
        if not 0 < first_wait <= longest_wait:
            raise ValueError(f"0 < first_wait <= longest_wait, not {first_wait}, {longest_wait}")
        if queue_max < 1:
            raise ValueError(f"queue_max must be at least 1, not {queue_max}")
        self.sink = sink
        self.failures = 0
        """Failed tries since the last success."""
        self.last_error: str | None = None
        """Why the last try failed; None when it did not."""
        self.recognised = 0
        """Events that were not sent, as they had arrived before."""
        self.looks_failed = 0
        """Looks that failed. After `LOOKS_MAX` of them in a row, events are sent again."""
        self._first_wait = first_wait
        self._longest_wait = longest_wait
        self._queue_max = queue_max
        self._queue: dict[str, DriftEvent] = {}
        self._doubts: dict[str, int] = {}
        self._doubted = 0
        self._looks = 0
        self._lock = Lock()
        self._not_before = float("-inf")

    @property
    def waiting(self) -> int:
        """Number of events not yet delivered."""
        return len(self._queue)

    def offer(self, events: Sequence[DriftEvent]) -> int:
        """Queue the events behind those that wait; return how many were added.

        An id that waits already is ignored. From the first event that finds no room on nothing is
        taken, so that none overtakes another; offering the same events again later is safe. An
        id that was delivered before is unknown here and would be sent again, if not in `doubt`.
        """
        accepted = 0
        with self._lock:
            for event in events:
                if event.id in self._queue:
                    continue
                if len(self._queue) >= self._queue_max:
                    break
                self._queue[event.id] = event
                accepted += 1
        return accepted

    def doubt(self, *models: str) -> None:
        """Know that events of these models, offered from now on, may have arrived before."""
        if isinstance(self.sink, Remembering):
            with self._lock:
                self._doubted += 1
                self._doubts |= dict.fromkeys(models, self._doubted)

    def due(self, now: float) -> bool:
        """Tell whether something waits and the wait after the last failure is over."""
        return bool(self._queue) and now >= self._not_before

    def deliver(self, now: float) -> list[str]:
        """Try to send what waits, if it is due; return the ids that the sink took this time.

        An id is returned once and in order; it may then leave the outbox, as far as this sink goes.
        A failure ends the try, is told by `failures` and `last_error`, and raises nothing.

        Args:
            now: Seconds of a clock that never goes back, e.g. `time.monotonic()`. Waits count
                from here, so a try that itself took long is not followed by the whole wait.
        """
        delivered: list[str] = []
        if not self.due(now):
            return delivered
        with self._lock:
            events = list(self._queue.values())
        for start in range(0, len(events), BATCH_MAX):
            batch = events[start : start + BATCH_MAX]
            try:
                self._send(batch)
            except SinkError as error:
                self._failed(now, str(error), error.retry_after)
                break
            except Exception as error:  # a faulty sink must not end the thread that tells of it
                self._failed(now, f"{type(error).__name__}: {error}", None)
                break
            delivered += self._succeeded(batch)
        return delivered

    def _send(self, batch: list[DriftEvent]) -> None:
        """Send what has not arrived before."""
        arrived = self._look(batch)
        self.recognised += len(arrived)
        rest = [event for event in batch if event.id not in arrived]
        if rest:
            try:
                self.sink.send(rest)
            except SinkError:
                self.doubt(*{event.model for event in rest})
                raise

    def _look(self, batch: list[DriftEvent]) -> set[str]:
        """Tell which events of models in doubt the sink has, and end doubts that are over."""
        with self._lock:
            doubts = self._doubts.copy()
        asked = [event for event in batch if event.model in doubts]
        if not (asked and isinstance(self.sink, Remembering)):
            return set()
        found = self._find(self.sink, asked)
        newest = {event.model: event.id for event in asked}
        with self._lock:
            for model, event_id in newest.items():
                if event_id not in found and self._doubts.get(model) == doubts[model]:
                    del self._doubts[model]
        return found

    def _find(self, sink: Remembering, events: list[DriftEvent]) -> set[str]:
        try:
            found = sink.find(events)
        except SinkError:
            self.looks_failed += 1
            self._looks += 1
            if self._looks < LOOKS_MAX:
                raise
            found = set()
        self._looks = 0
        return found

    def _succeeded(self, batch: list[DriftEvent]) -> list[str]:
        self.failures, self.last_error = 0, None
        with self._lock:
            for event in batch:
                del self._queue[event.id]
        return [event.id for event in batch]

    def _failed(self, now: float, why: str, retry_after: float | None) -> None:
        self.failures += 1
        self.last_error = why
        wait = self._first_wait * 2.0 ** min(self.failures - 1, _DOUBLINGS_MAX)
        wait = min(wait, self._longest_wait) * _jitter(self.sink.name, self.failures)
        self._not_before = now + min(max(wait, retry_after or 0.0), self._longest_wait)


def _jitter(name: str, failures: int) -> float:
    """Give a factor between 1/2 and 1 that spreads the retries of different sinks.

    A hash and not a dice: the same failures are followed by the same waits.
    """
    digest = blake2b(f"{failures}:{name}".encode(), digest_size=4).digest()
    return 0.5 + int.from_bytes(digest) / 2**33
