"""`driftbus demo`: the whole system on the embedded broker, with a year of real flights.

    producer ──▶ features, predictions, labels ──▶ worker ──▶ drift-alerts ──▶ this process
    (child, holds the broker)                      (child)                     (reads, shows)

January is learned first, in this process; the producer fills the topics meanwhile. The run ends by
itself when all that was produced is consumed and judged and every alert has been read back.
"""

import resource
import socket
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from importlib.resources import as_file
from itertools import takewhile
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml
from rich.console import Console

from sinks.event import DriftEvent
from sinks.jsonl import write_sorted
from sinks.sink import SinkError
from stream.config import Config, load
from stream.errors import FileError
from stream.files import read_events
from stream.reference.file import write_references
from stream.reference.reference import Reference
from stream.run.demo.closing import Cost, closing
from stream.run.demo.processes import AlertReader, ChildEnded, Feed, WorkerChild
from stream.run.demo.screen import Screen
from stream.run.demo.view import Scene
from stream.run.demo.watch import Watch
from stream.run.offline.produce import FLIGHTS, FLIGHTS_CONFIG
from stream.run.references.build import build_references
from stream.run.terminal.arguments import INTERRUPTED
from stream.run.terminal.ended import ended_by_signals

__all__ = ["JANUARY", "YEAR_END_MS", "demonstrate", "learn_january", "run"]

JANUARY = (1_356_998_400_000, 1_359_676_800_000)
"""The reference: January 2013, UTC."""
YEAR_END_MS = 1_388_552_400_000
"""Midnight in New York: the last flight of 2013 leaves in 2014, by UTC."""
TICK_S = 0.2


def run(alerts: Path | None, speed: float = 0.0) -> int:
    """Show the whole system at work on the flights of 2013; give the exit code.

    Args:
        alerts: where the drift events go, one CloudEvent a line in their fixed order; None: nowhere.
        speed: days of flights a second; 0: as fast as it goes.

    Returns:
        0 when all went well, 1 when a child ended or nothing moved, 130 after Ctrl-C.

    Raises:
        FileError: `alerts` cannot be written.
    """
    return demonstrate(alerts, speed, Console(), YEAR_END_MS)


def demonstrate(alerts: Path | None, speed: float, console: Console, end_ms: int) -> int:
    """Do what `run` does with the flights before `end_ms`."""
    if alerts is not None and (alerts.is_dir() or not alerts.parent.is_dir()):
        raise FileError("cannot be written", str(alerts), "name a file in a folder that exists")
    try:
        with ended_by_signals(), Screen(console) as screen:
            scene, cost = _Demo(screen, speed, end_ms).play()
    except KeyboardInterrupt:
        console.print("stopped")
        return INTERRUPTED
    except ChildEnded as ended:
        print(f"error: {ended}", file=sys.stderr)  # noqa: T201 - several lines, for people
        return 1
    if alerts is not None:
        _write(alerts, scene.alerts)
    screen.close(closing(scene, cost))
    return 0


def learn_january(config: Config, taken: Callable[[int], None]) -> list[Reference]:
    """Learn the reference from the flights of January; `taken` is told of the events' progress."""
    with as_file(FLIGHTS) as path:
        events = takewhile(lambda event: event.ts < JANUARY[1], read_events([path], config.files))
        return build_references(config, events, *JANUARY, _no_dead, taken)


class _Demo:
    """One run: its children, and the scene that the screen shows."""

    def __init__(self, screen: Screen, speed: float, end_ms: int) -> None:
        self._screen = screen
        self._speed = speed
        self._scene = screen.scene = Scene(JANUARY[0], end_ms)
        self._began = time.monotonic()

    def play(self) -> tuple[Scene, Cost]:
        """Run to the end."""
        with ExitStack() as stack:
            folder = Path(stack.enter_context(TemporaryDirectory(prefix="driftbus-demo-")))
            feed = Feed(self._scene.end_ms, self._speed, folder)
            stack.callback(feed.kill)
            with as_file(FLIGHTS_CONFIG) as settings:
                config = load(settings)
                bootstrap = feed.bootstrap()
                self._learn(config, folder / "january.ref")
                port = _free_port()  # which others may take before the worker does
                path = _worker_config(settings, folder, bootstrap, port)
            feed.check()
            used = _used_by_children()
            worker = WorkerChild(path, folder / "january.ref", port, folder)
            stack.callback(worker.kill)
            reader = AlertReader(feed.bootstrap(), config.topics.alerts)
            stack.callback(reader.close)
            flow_s = self._watch(feed, worker, reader)
            self._step("Everything is judged: the worker is asked to end, and ends by itself")
            worker.stop()
            self._scene.alerts += reader.rest()
            return self._scene, Cost(flow_s, _used_by_children() - used)

    def _learn(self, config: Config, path: Path) -> None:
        learned = 0

        def taken(n: int) -> None:
            nonlocal learned
            learned += n
            self._step(
                f"1 of 3  Learning what is normal from the flights of January: {learned:,} events"
            )

        taken(0)
        write_references(path, learn_january(config, taken))
        self._step("2 of 3  The worker starts and joins its group")

    def _watch(self, feed: Feed, worker: WorkerChild, reader: AlertReader) -> float:
        """Look on until all is judged and read back; give the seconds since the first event."""
        first, watch = None, Watch(self._scene, time.monotonic(), paced=bool(self._speed))
        while True:
            feed.check()
            worker.check()
            status = worker.status()
            self._scene.alerts += reader.read(TICK_S)
            now = time.monotonic()
            if status is not None and status["ready"]:
                watch.note(status, feed.told, now)
                feed.tell(self._scene.events)
                if watch.is_over(status, feed.told):
                    return now - (first or now)
            if self._scene.events:
                first = first or now
                self._step("3 of 3  Watching the flights of 2013: departures in, drift out")
            else:
                self._step(self._scene.step)
            if watch.is_stalled(feed.told, now):
                raise ChildEnded("nothing moves although it should: the demo was ended")

    def _step(self, told: str) -> None:
        self._scene.step = told
        self._scene.elapsed_s = time.monotonic() - self._began
        self._screen.show()


def _worker_config(flights: Path, folder: Path, bootstrap: str, port: int) -> Path:
    """Write the worker's configuration: the flights' own, where Kafka is, and a port to look at."""
    settings = yaml.safe_load(flights.read_text()) | {
        "bootstrap": bootstrap,
        "http": {"port": port},
        "idle_timeout": "10m",  # at a slow speed, nights are silent for minutes
    }
    path = folder / "driftbus.yaml"
    path.write_text(yaml.safe_dump(settings))
    return path


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def _used_by_children() -> float:
    """Tell the CPU seconds of the children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _write(path: Path, alerts: list[DriftEvent]) -> None:
    try:
        write_sorted(path, alerts)
    except SinkError as error:
        raise FileError(str(error), todo="check the folder and its space") from None


def _no_dead(_letters: object) -> None:
    """Do nothing: the shipped flights can all be read."""
