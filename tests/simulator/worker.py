"""One worker of a simulation: the product's runtime, and around it what Faust and the threads do in a real one."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from random import Random
from typing import Any

from stream.config import Config
from stream.errors import DriftbusError
from stream.ingest.ladder import RUNGS, LadderRules
from stream.ingest.raw import Source
from stream.ingest.schedule import Schedule
from stream.reference.fleet import Fleet
from stream.run.work.outlet import Outlet
from stream.run.work.pressure import Pressure
from stream.run.work.rim import Item
from stream.run.work.runtime import Runtime
from tests.simulator.chaos import Chaos
from tests.simulator.consumer import Consumer
from tests.simulator.history import COUNTS, references
from tests.simulator.kafka import Broker, Group
from tests.simulator.loop import PROCESS, Killed, Process
from tests.simulator.outside import AlertsTopic, Letters
from tests.simulator.store import SimStore, Wire

__all__ = ["Worker"]

LOOK_AFTER_S, EVALUATE_S, COURIER_S = 0.5, 0.7, 0.3
SHUTDOWN_S = 6.0


class Moods(Pressure):
    """Instead of a load that comes and goes: steps up and down the ladder as chance will have it."""

    def __init__(self, random: Random) -> None:
        super().__init__(LadderRules(), lambda: 0.0, 0.0)
        self._random = random

    def look(self, now: float, lag_records: int, ends: Mapping[Source, int]) -> bool:
        before = self.rung
        if self._random.random() < 0.7:
            self.rung = max(0, min(RUNGS, before + self._random.choice((-1, -1, 1, 2))))
        return self.rung != before


class Worker:
    """A worker process from its start to its end. `died` is told of an error that nobody in it expected."""

    def __init__(
        self, name: str, config: Config, broker: Broker, group: Group, store: SimStore, chaos: Chaos,
        died: Callable[[Process, BaseException], None], recorded: Mapping[Source, Schedule] | None = None,
    ) -> None:  # fmt: skip
        self.process = Process(name)
        self._chaos = chaos
        self._died = died
        clock = chaos.loop.time
        wire = Wire(store, chaos, self.process)
        self._sink = AlertsTopic(broker, chaos, self.process)
        self.outlet = Outlet([self._sink], clock)
        letters = Letters(broker, chaos, self.process)
        self.runtime = Runtime(
            config, wire, Fleet(wire, config.app), self.outlet, clock, letters, recorded=recorded
        )
        if self.runtime.pressure is not None:
            self.runtime.pressure = Moods(chaos.random)
        self.consumer = Consumer(broker, group, chaos, self.process, self.runtime)
        self.runtime.bus = self.consumer

    def start(self) -> None:
        """Begin."""
        self._go(self._begin)

    def stop(self) -> None:
        """Begin to end, as after SIGTERM."""
        if not self.consumer.quiet:
            self._go(self._wind_up)

    def _go(self, act: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Start a task of this process; an error that comes up to here ends a real worker."""

        async def guarded() -> None:
            try:
                await act()
            except Exception as error:  # of any sort: it ends this process only
                self._died(self.process, error)

        context = copy_context()
        context.run(PROCESS.set, self.process)
        context.run(lambda: self._chaos.loop.create_task(guarded()))

    async def _begin(self) -> None:
        await self.runtime.calls.insist(partial(self.runtime.fleet.publish_all, references()))
        self.runtime.know_partitions(COUNTS)
        for queue in self.consumer.queues.values():
            self._go(partial(self._fold, queue))
        for act in (self.consumer.run, self._clockwork, self._evaluate, self._acknowledge):
            self._go(act)
        self._chaos.loop.call_later(COURIER_S, self._carry)

    async def _fold(self, queue: asyncio.Queue[Item]) -> None:
        while True:
            await self.runtime.fold(await queue.get())

    async def _clockwork(self) -> None:
        while not self.consumer.quiet:
            await self.runtime.look_after()
            await self._rest(LOOK_AFTER_S)

    async def _evaluate(self) -> None:
        while not self.consumer.quiet:
            await self._rest(EVALUATE_S)
            await self.runtime.evaluate()

    async def _acknowledge(self) -> None:
        while True:
            await self._rest(COURIER_S)
            if self.outlet.has_delivered:
                await self.runtime.acknowledge()

    async def _rest(self, seconds: float) -> None:
        await asyncio.sleep(seconds + self._chaos.delay())

    def _carry(self) -> None:
        """Let the courier deliver, and tell the outlet, with a chance for all else between the two."""
        (courier,) = self.outlet.couriers
        now = self._chaos.loop.now
        try:
            if courier.due(now):
                taken = courier.deliver(now)
                self._chaos.before(self.process, "told")
                self.outlet.taken(self._sink.name, taken)
        except Killed:
            return
        self._chaos.loop.call_later(COURIER_S, self._carry)

    async def _wind_up(self) -> None:
        """End as a worker does: fold what was read, commit, evaluate, publish, leave the group."""
        self.consumer.quiet = True
        deadline = self._chaos.loop.now + SHUTDOWN_S
        with suppress(DriftbusError, TimeoutError):
            while any(queue.qsize() for queue in self.consumer.queues.values()):
                if self._chaos.loop.now > deadline:
                    raise TimeoutError
                await asyncio.sleep(0.02)
            await self.runtime.wind_up(deadline)
        await self.consumer.leave()
        self._chaos.tell(lambda: f"{self.process} has stopped")
        self._chaos.loop.kill(self.process)
