"""Publishes the outboxes: one courier and one thread a sink, so that a sink that fails holds up no other."""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence

from sinks.courier import Courier
from sinks.event import DriftEvent, parse
from sinks.sink import Sink

__all__ = ["Outlet"]

LOG = logging.getLogger("driftbus.sinks")
RETRY_S, IDLE_S = 0.05, 10.0
ON_THE_WAY_MAX = 10_000
"""Alerts handed to the sinks and not taken by all; the others wait in their outboxes."""


class Outlet:
    """Hands committed alerts to every sink and tells which all of them have taken.

    An alert is known by (model, field of the outbox). `offer` may be called with the same alerts again and again, until
    they are `acknowledged`, and so out of the outbox.
    """

    def __init__(self, sinks: Sequence[Sink], clock: Callable[[], float] = time.monotonic) -> None:
        self.couriers = [Courier(sink, queue_max=ON_THE_WAY_MAX) for sink in sinks]
        self.failures = {courier.sink.name: 0 for courier in self.couriers}
        self._clock = clock
        self._lock = threading.Lock()
        self._owing: dict[str, set[str]] = {}
        self._places: dict[str, tuple[str, bytes]] = {}
        self._offered: dict[tuple[str, bytes], str] = {}
        self._done: dict[str, list[bytes]] = {}
        self._stopping = threading.Event()
        self._news = threading.Condition()
        self._threads = [
            threading.Thread(
                target=self._run,
                args=(courier,),
                name=f"driftbus-sink-{courier.sink.name}",
                daemon=True,
            )
            for courier in self.couriers
        ]

    def start(self) -> None:
        """Start the sinks' threads."""
        for thread in self._threads:
            thread.start()

    def doubt(self, model: str) -> None:
        """Know that a model was loaded: its alerts may have been sent before, by us or by somebody else."""
        for courier in self.couriers:
            courier.doubt(model)

    def offer(self, model: str, outbox: Mapping[bytes, bytes]) -> None:
        """Take in the alerts of a model's outbox that are not on their way yet."""
        fresh: list[DriftEvent] = []
        with self._lock:
            # What was forgotten may still wait in a courier, which takes no more than its queue holds.
            waiting = max((courier.waiting for courier in self.couriers), default=0)
            room = ON_THE_WAY_MAX - max(waiting, len(self._owing))
            for field, blob in outbox.items():
                if len(fresh) >= room:
                    break
                if (model, field) in self._offered:
                    continue
                event = parse(blob)
                self._offered[model, field] = event.id
                self._places[event.id] = (model, field)
                self._owing[event.id] = {courier.sink.name for courier in self.couriers}
                fresh.append(event)
        if fresh:
            for courier in self.couriers:
                courier.offer(fresh)
            self._wake()

    def _wake(self) -> None:
        with self._news:
            self._news.notify_all()

    def taken(self, sink: str, ids: Sequence[str]) -> None:
        """Know that a sink has taken alerts; those that are forgotten, or taken by it already, change nothing."""
        with self._lock:
            for event_id in ids:
                owing = self._owing.get(event_id)
                if owing is None:
                    continue
                owing.discard(sink)
                if not owing:
                    del self._owing[event_id]
                    model, field = self._places.pop(event_id)
                    self._done.setdefault(model, []).append(field)

    def delivered(self) -> dict[str, list[bytes]]:
        """Give the fields of the alerts that every sink has taken, by model, until they are acknowledged."""
        with self._lock:
            return {model: list(fields) for model, fields in self._done.items()}

    def acknowledged(self, model: str, fields: Sequence[bytes]) -> None:
        """Know that alerts have left their outbox."""
        with self._lock:
            kept = [field for field in self._done.pop(model, []) if field not in fields]
            if kept:
                self._done[model] = kept
            for field in fields:
                self._offered.pop((model, field), None)

    @property
    def models(self) -> set[str]:
        """The models whose alerts are on their way."""
        with self._lock:
            return {model for model, _ in self._offered}

    @property
    def has_delivered(self) -> bool:
        """Whether `delivered` has something to give."""
        return bool(self._done)

    def forget(self, model: str) -> None:
        """Know no longer what was offered of a model: its next owner offers it again."""
        with self._lock:
            for key in [key for key in self._offered if key[0] == model]:
                self._drop(*key)

    def revise(self, model: str, outbox: Mapping[bytes, bytes]) -> None:
        """Know the outbox of a model that was loaded anew: if the store has gone back, others may stand there now.

        What was offered and stands no longer where it did is forgotten, so that no delivery counts for another alert.
        """
        with self._lock:
            for key in [key for key in self._offered if key[0] == model]:
                blob = outbox.get(key[1])
                if blob is None or parse(blob).id != self._offered[key]:
                    self._drop(*key)

    def _drop(self, model: str, field: bytes) -> None:
        event_id = self._offered.pop((model, field))
        self._owing.pop(event_id, None)
        self._places.pop(event_id, None)
        kept = [of for of in self._done.pop(model, []) if of != field]
        if kept:
            self._done[model] = kept

    @property
    def waiting(self) -> int:
        """The number of alerts that some sink has not taken."""
        with self._lock:
            return len(self._owing)

    def close(self, patience_s: float = 12.0) -> None:
        """Stop the threads and close the sinks; a sink that takes longer ends with the process."""
        self._stopping.set()
        self._wake()
        end = self._clock() + patience_s
        for thread, courier in zip(self._threads, self.couriers, strict=True):
            if thread.is_alive():
                thread.join(timeout=max(0.0, end - self._clock()))
            if not thread.is_alive():
                courier.sink.close()

    def _await_work(self, courier: Courier) -> None:
        """Wait until there is something to deliver, or a while: after a failure it is due by the clock."""
        with self._news:
            self._news.wait_for(
                lambda: self._stopping.is_set() or courier.due(self._clock()),
                RETRY_S if courier.waiting else IDLE_S,
            )

    def _run(self, courier: Courier) -> None:
        while not self._stopping.is_set():
            now = self._clock()
            if not courier.due(now):
                self._await_work(courier)
                continue
            recognised, looks_failed = courier.recognised, courier.looks_failed
            taken = courier.deliver(now)
            if courier.recognised > recognised:
                LOG.info("sink %s had %d alerts already; they are not sent again", courier.sink.name,
                         courier.recognised - recognised)  # fmt: skip
            if courier.looks_failed > looks_failed and courier.last_error is None:
                LOG.warning("sink %s cannot be looked at: what it may have is sent again, with the same ids",
                            courier.sink.name)  # fmt: skip
            self.taken(courier.sink.name, taken)
            if courier.last_error is not None:
                self.failures[courier.sink.name] += 1
                LOG.warning("sink %s: %s; it is tried again", courier.sink.name, courier.last_error)
