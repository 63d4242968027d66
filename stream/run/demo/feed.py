"""The demo's first process: the embedded broker, and a producer that replays the flights onto it.

`python -m stream.run.demo.feed END_MS DAYS_PER_SECOND FOLDER` writes lines of JSON on its standard
output (`Told`), and reads how many events the worker has consumed, one number a line, from its
standard input. When that ends, the starter is gone: this process ends too, the broker with it, and
the starter's temporary FOLDER is removed.
"""

import os
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterable
from importlib.resources import as_file
from itertools import takewhile

import msgspec

from stream.bus.embedded import EmbeddedBroker
from stream.config import Config, load
from stream.files import FileEvent, read_events
from stream.run.offline.produce import FLIGHTS, FLIGHTS_CONFIG, key_of

__all__ = ["AHEAD_MAX", "DAY_MS", "Pace", "Told", "feed"]

AHEAD_MAX = 40_000
"""Events the producer may be ahead of the worker: the broker drops what is over its bound."""
PORTION = 500
DAY_MS = 86_400_000
POLL_S = 0.02


class Told(msgspec.Struct):
    """How far the producer is; `ts_ms` is the time of the newest event."""

    bootstrap: str
    produced: int = 0
    ts_ms: int = 0
    done: bool = False


class Pace:
    """Holds the producer back: never far ahead of the worker, and not faster than was asked for.

    Args:
        days_per_second: event time a second; 0: as fast as the worker. The clock of a pace that
            was asked for starts when the worker is first heard of.
        wait: serves the producer for some seconds.
        clock: seconds that only go forward.
    """

    def __init__(
        self,
        days_per_second: float,
        wait: Callable[[float], object],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.consumed: int | None = None
        self._ms_per_second = days_per_second * DAY_MS
        self._wait = wait
        self._clock = clock
        self._start: tuple[float, int] | None = None

    def before(self, produced: int, ts_ms: int) -> None:
        """Return when the next event, of time `ts_ms`, may be produced."""
        if produced % PORTION == 0:
            while produced + PORTION - (self.consumed or 0) > AHEAD_MAX:
                self._wait(POLL_S)
        if not self._ms_per_second:
            return
        if self._start is None:
            while self.consumed is None:
                self._wait(POLL_S)
            self._start = self._clock(), ts_ms
        began, first_ms = self._start
        due = began + (ts_ms - first_ms) / self._ms_per_second
        while (left := due - self._clock()) > 0:
            self._wait(min(left, POLL_S))


def feed(
    config: Config,
    broker: EmbeddedBroker,
    events: Iterable[FileEvent],
    pace: Pace,
    tell: Callable[[Told], None],
) -> None:
    """Produce events to the input topics, keyed by their ids, and tell of every portion."""
    topics = {kind: getattr(config.topics, kind) for kind in ("features", "predictions", "labels")}
    producer, produced, ts_ms, told = broker.producer, 0, 0, 0.0
    for event in events:
        pace.before(produced, event.ts)
        producer.produce(topics[event.kind], event.value, key_of(event.value))
        produced, ts_ms = produced + 1, event.ts
        if produced % PORTION == 0:
            producer.poll(0)
        if time.monotonic() - told > POLL_S * 5:
            told = time.monotonic()
            tell(Told(broker.bootstrap, produced, ts_ms))
    producer.flush()
    tell(Told(broker.bootstrap, produced, ts_ms, done=True))


def _listen(pace: Pace, folder: str) -> None:
    """Hear of the worker until the starter is gone, then leave nothing behind."""
    rest = b""
    while heard := os.read(0, 4096):
        *lines, rest = (rest + heard).split(b"\n")
        if lines:
            pace.consumed = int(lines[-1])
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(1)


def _tell(told: Told) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(told) + b"\n")
    sys.stdout.buffer.flush()


def _main(end_ms: int, days_per_second: float, folder: str) -> None:
    broker = EmbeddedBroker()
    pace = Pace(days_per_second, broker.producer.poll)
    threading.Thread(target=_listen, args=(pace, folder), daemon=True).start()
    with as_file(FLIGHTS) as path, as_file(FLIGHTS_CONFIG) as settings:
        config = load(settings)
        topics = config.topics
        broker.create(
            *filter(None, (topics.features, topics.predictions, topics.labels, topics.alerts))
        )
        _tell(Told(broker.bootstrap))
        events = takewhile(lambda e: e.ts < end_ms, read_events([path], config.files))
        feed(config, broker, events, pace, _tell)
    threading.Event().wait()  # the broker is needed until the starter lets go


if __name__ == "__main__":
    _main(int(sys.argv[1]), float(sys.argv[2]), sys.argv[3])
