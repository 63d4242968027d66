"""One schedule: producers, a log, a store, workers that come and go, until all is at rest; and what is left then."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from contextvars import Context
from dataclasses import dataclass
from itertools import count
from random import Random

import orjson
from msgspec.structs import replace

from stream.config import Config, Sampling
from stream.evaluate.gatherer import gathered_upto
from stream.evaluate.movers import read_moved
from stream.ingest.raw import Source
from stream.ingest.schedule import Schedule
from stream.state.fields import MOVED
from stream.state.store import BASE, models_key, partition_key
from tests.simulator.chaos import Chaos
from tests.simulator.history import HISTORIES, PANE_MS, SOURCES, TAIL_S, History, config, history
from tests.simulator.kafka import Broker, Group
from tests.simulator.loop import Process
from tests.simulator.store import SimStore
from tests.simulator.worker import Worker

__all__ = ["Outcome", "run"]

PATIENCE_S = 60.0
RETENTION_PANES = 8


@dataclass
class Outcome:
    """What a schedule has come to.

    `state` are all hashes of the store, meta included; `unrest` is what was not done when patience was over; `errors`
    are those that ended workers.
    """

    seed: int | None
    history: int
    state: dict[str, dict[bytes, bytes]]
    alerts: list[tuple[str, dict[str, object]]]
    letters: list[tuple[str, int, int, bytes | None]]
    errors: list[str]
    unrest: list[str]
    injected: Counter[str]
    seconds: float
    keeps_panes: bool


class _World:
    """The cast of one schedule."""

    def __init__(
        self, chaos: Chaos, config: Config, history: History, workers: int,
        recorded: Mapping[Source, Schedule] | None = None,
    ) -> None:  # fmt: skip
        self.chaos = chaos
        self.recorded = recorded
        self.config = config
        self.history = history
        self.broker = Broker(history.records, chaos.loop.time)
        self.store = SimStore()
        self.group = Group(chaos.random)
        self.workers: dict[Process, Worker] = {}
        self.errors: list[str] = []
        self._names = map("w{}".format, count(1))
        chaos.world = self
        self._at(0.5, self._watch)
        for _ in range(workers):
            self._at(0.0 if chaos.quiet else chaos.random.random(), self._start)

    def _at(self, when: float, act: Callable[[], None]) -> None:
        self.chaos.loop.call_at(when, act, context=Context())

    def _after(self, seconds: float, act: Callable[[], None]) -> None:
        self._at(self.chaos.loop.now + seconds, act)

    def _watch(self) -> None:
        self.group.watch(self.chaos.loop.now)
        self._after(0.5, self._watch)

    def _start(self) -> None:
        worker = Worker(
            next(self._names), self.config, self.broker, self.group, self.store, self.chaos, self._died,
            self.recorded,
        )  # fmt: skip
        self.workers[worker.process] = worker
        self.chaos.tell(lambda: f"{worker.process} starts")
        worker.start()

    # -- what befalls it ---------------------------------------------------------------------------------------------

    def crash(self, process: Process) -> None:
        """Kill a worker; another starts in its place some time later."""
        self.chaos.loop.kill(process)
        self._after(2.0 * self.chaos.random.random(), self._start)

    def strike(self, fault: str, process: Process) -> None:
        """Let happen what befalls the group, the store or a whole worker."""
        if fault == "rebalance":
            self.group.rebalance()
        elif fault == "lost without a word":
            heard = self.chaos.loop.now + 3.0 * self.chaos.random.random()
            for member in [m for m in self.group.members if m.process is process]:
                self.group.expel(member, heard)
        elif fault == "stopped":
            self.workers[process].stop()
            self._after(4.0 * self.chaos.random.random(), self._start)
        elif fault == "store rewound":
            kept = self.config.pane_retention_ms > RETENTION_PANES * PANE_MS
            self.store.rewind(self.chaos.random.choice((1, 2, 5, 20, 60) if kept else (1, 2, 5)))
        elif fault == "store lost":
            self.store.lose()
            if self.chaos.random.random() < 0.5:  # else they find out
                for other in [p for p in self.workers if p.alive]:
                    self.crash(other)

    def _died(self, process: Process, error: BaseException) -> None:
        """Note that a worker ended by itself, which none ever should, and start another."""
        self.errors.append(f"{process} died of {type(error).__name__}: {error}")
        self.chaos.tell(lambda: self.errors[-1])
        if process.alive and len(self.errors) < 10:
            self.crash(process)

    # -- to the end --------------------------------------------------------------------------------------------------

    def run(self) -> float:
        """Run until everything is at rest; tell when that was."""
        loop = self.chaos.loop
        asyncio._set_running_loop(loop)
        try:
            loop.run_until(TAIL_S + 1.0)
            while self.unrest() and loop.now < TAIL_S + PATIENCE_S:
                loop.run_until(loop.now + 0.5)
            self._close()
        finally:
            asyncio._set_running_loop(None)
        self.errors += [f"an error that nobody saw: {error!r}" for error in loop.errors]
        return loop.now

    def unrest(self) -> list[str]:
        """Tell what is not folded, evaluated or delivered."""
        for source in SOURCES:
            base, end = self._base(source), self.broker.end(source)
            if base != b"%d" % end:
                return [
                    f"{source.topic}/{source.partition} stands at {base!r}, not at its end {end}"
                ]
        models = {key: self.store.peek(key) for key in self.store.names() if ":model:" in key}
        sent = {identity for identity, _ in self.broker.alerts}
        told = [*models.values(), self.store.peek(models_key("sim"))]
        boxes = (v for kept in told for f, v in kept.items() if f.startswith(b"o:"))
        waiting = [
            i for i in map(_id, boxes) if i not in sent or not self.chaos.injected["store rewound"]
        ]
        if waiting:
            return [f"alerts wait in outboxes: {' '.join(waiting)}"]
        until = b"%d" % self.history.evaluated_pane
        behind = [
            k for k, kept in models.items() if set(kept.get(BASE, b"").split(b",")) != {until}
        ]
        behind += ["some model"] * (2 - len(models))
        if not behind:
            moved = [read_moved(kept.get(MOVED)) for kept in models.values()]
            upto = gathered_upto(told[-1].get(BASE, b""))
            behind = [str(k) for k in upto if upto[k] != max(of[k] for of in moved)]
        return [f"{key} is not evaluated to its end" for key in behind]

    def _base(self, source: Source) -> bytes | None:
        (base,) = self.store.read(partition_key("sim", source.topic, source.partition), [BASE])
        return base

    def _close(self) -> None:
        """End all tasks where they are; nothing outside hears of it."""
        for process in self.workers:
            process.alive = False
            for task in process.tasks:
                coroutine = task.get_coro()
                if not task.done() and coroutine is not None:
                    coroutine.close()


def _id(alert: bytes) -> str:
    return str(orjson.loads(alert)["id"])


def run(
    seed: int | None, number: int | None = None, trace: Callable[[float, str], None] | None = None,
    *, sampling: Sampling | None = None, recorded: Mapping[Source, Schedule] | None = None,
) -> Outcome:  # fmt: skip
    """Run the schedule of a seed; without one, the uninterrupted run of a history by a single worker.

    `trace` is told every step with its time. With an adaptive `sampling` the rates change as chance will have it, but
    of partitions with a `recorded` schedule; then the store never goes back, as what was evaluated of a pane before
    could be told no more. The history of a seed is its remainder by their number.
    """
    chosen = history(number if number is not None else (seed or 0) % HISTORIES)
    chaos = Chaos(seed)
    if sampling is not None:
        chaos.planned = [plan for plan in chaos.planned if not plan.fault.startswith("store")]
    if trace is not None:
        chaos.trace = lambda what: trace(chaos.loop.now, what)
    random = Random(f"world {seed}")  # noqa: S311 - part of the schedule
    keeps = seed is None or random.random() < 0.5
    made = config() if keeps else replace(config(), pane_retention_ms=RETENTION_PANES * PANE_MS)
    made = made if sampling is None else replace(made, sample=sampling)
    workers = 1 if seed is None else random.choice((1, 2, 3))
    world = _World(chaos, made, chosen, workers, recorded)
    seconds = world.run()
    state = {key: world.store.peek(key) for key in world.store.names()}
    return Outcome(
        seed, chosen.number, state, world.broker.alerts, world.broker.letters, world.errors, world.unrest(),
        chaos.injected, seconds, keeps,
    )  # fmt: skip
