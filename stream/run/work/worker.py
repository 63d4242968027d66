"""The worker: Faust's application around the runtime.

Faust gives agents, supervision, timers, signals and the web server; its own Kafka path is switched off. The agents read
in-memory channels whose items are the batches of a call, put there by the consumer's thread.
"""

import asyncio
import logging
import signal
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from functools import partial
from tempfile import TemporaryDirectory
from typing import Any

import faust

from stream.bus.backup_topic import BackupTopic
from stream.bus.consumer import ConsumerThread
from stream.bus.owner import Start
from stream.bus.settings import Seldom, consumer_settings
from stream.config import Config, cautions
from stream.errors import DriftbusError, StoreUnavailable
from stream.ingest.raw import RawBatch, Source
from stream.ingest.schedule import Schedule
from stream.ingest.thinning import Sieve
from stream.reference.fleet import Fleet
from stream.reference.reference import Reference
from stream.run.work.backup_task import BackupTask
from stream.run.work.brokers import Brokers
from stream.run.work.faust_app import FaustProcess, make_app
from stream.run.work.health import Health
from stream.run.work.metrics import WorkerMetrics, exposition
from stream.run.work.outlet import Outlet
from stream.run.work.outside import check_port, make_admin, make_sink, make_store
from stream.run.work.pages import add_pages
from stream.run.work.rim import Item
from stream.run.work.runtime import Runtime
from stream.state.redis import RedisStore
from stream.words import INPUTS, Kind

__all__ = ["Worker", "run"]

LOG = logging.getLogger("driftbus.worker")
LOOK_AFTER_S = 0.25
EVALUATE_EVERY_S = 0.5
BEAT_S = 1.0
LEAVE_S = 5.0
"""Time kept of the shutdown timeout for leaving the group and ending Faust."""
PING_EVERY_S = 2.0
MEASURE_EVERY_S = 15.0


class Worker:
    """One worker process: the runtime, the consumer's thread, and Faust's agents between them."""

    def __init__(
        self,
        config: Config,
        references: Sequence[Reference],
        recorded: Mapping[Source, Schedule] | None = None,
    ) -> None:
        self.config = config
        self.references = references
        self.error: BaseException | None = None
        self.store = make_store(config)
        self.outlet = Outlet([make_sink(config, sink) for sink in config.sinks])
        fleet = Fleet(self.store, config.app)
        self.runtime = Runtime(config, self.store, fleet, self.outlet, recorded=recorded)
        self.kinds = {topic: kind for kind in INPUTS if (topic := getattr(config.topics, kind))}
        self.consumer = ConsumerThread(
            consumer_settings(config), self.kinds, self, Sieve(self.runtime.ingest.rules.sample)
        )
        self.backup = BackupTask(config, self.store, BackupTopic(config), self.runtime)
        self.health = Health(self.runtime, self.consumer)
        self.metrics = WorkerMetrics(self.runtime, self.backup.backup)
        self.runtime.bus = self.consumer
        self.brokers = Brokers(make_admin(config), list(self.kinds), self.runtime, self.consumer)
        self._ending = False
        self._over = threading.Event()
        self._folder = TemporaryDirectory(prefix="driftbus-")
        self._loop: asyncio.AbstractEventLoop | None = None
        self.app = self._make_app()
        self.faust = FaustProcess(self.app, self.wind_up)

    # -- Faust -------------------------------------------------------------------------------------------------------

    def _make_app(self) -> faust.App:
        app = make_app(self.config, self._folder.name)
        # The consumer bounds what is on its way; behind a bound of the channel one batch could overtake another.
        self._channels = {kind: app.channel(maxsize=0) for kind in self.kinds.values()}
        self._told = app.channel(maxsize=1)
        for kind, channel in self._channels.items():
            app.agent(channel, name=str(kind))(self._agent(self._fold))
        app.agent(self._told, name="publish")(self._agent(self._publish))
        add_pages(app, self.config, self.health, self._metrics)
        watches = (self.brokers.watch_topics, self.brokers.watch_logs)
        for task in (self._begin, self._beat, *watches, self._back_up):
            app.task(task)
        return app

    def _agent(
        self, act: Callable[[Any], Coroutine[Any, Any, None]]
    ) -> Callable[[Any], Coroutine[Any, Any, None]]:
        """Make an agent that acts on each item; an error that reaches it ends the worker, to load and fold again."""

        async def agent(items: AsyncIterator[Any]) -> None:
            async for item in items:
                try:
                    await act(item)
                except Exception as error:
                    self.fail(error)

        return agent

    async def _fold(self, items: deque[Item]) -> None:
        """Fold batches one after another, and let go of each; the event loop turns between them."""
        while items:
            try:
                await self.runtime.fold(items.popleft())
            except Exception as error:
                self.fail(error)
            await asyncio.sleep(0)

    def _metrics(self) -> bytes:
        lag: dict[str, int] = {}
        for source, records in self.consumer.lag.copy().items():
            lag[source.topic] = lag.get(source.topic, 0) + records
        self.metrics.lag_by_topic = lag
        return exposition(self.metrics)

    # -- the event loop ----------------------------------------------------------------------------------------------

    async def _begin(self) -> None:
        """Start everything once Faust runs, then keep the clockwork going until the end."""
        self._loop = asyncio.get_running_loop()
        self.app.flow_control.resume()
        try:
            await self._check_store()
            await self.backup.check_store()
            await self._publish_references()
            if self._ending:
                return
            self.outlet.start()
            self.consumer.start()
            await asyncio.gather(self._clockwork(), self._evaluate())
        except Exception as error:
            self.fail(error)

    async def _check_store(self) -> None:
        """Wait until the store answers; a store that must not be used as it is set up ends the worker."""
        if isinstance(self.store, RedisStore):
            await self.runtime.calls.insist(self.store.check)
        else:
            await self.brokers.be_alone(self.config.app)

    async def _publish_references(self) -> None:
        publish_all = partial(self.runtime.fleet.publish_all, self.references)
        in_force = await self.runtime.calls.insist(publish_all)
        for reference, held in zip(self.references, in_force, strict=True):
            if held.digest != reference.digest:
                LOG.warning(
                    "%s: reference %s is in force already; `driftbus reference promote` replaces it",
                    held.series,
                    held.name,
                )

    async def _beat(self) -> None:
        """Show that the event loop turns, whatever the rest waits for."""
        while not self._over.is_set():
            self.health.beat = time.monotonic()
            await asyncio.sleep(BEAT_S)

    async def _back_up(self) -> None:
        """Have copies of the state taken while this worker is the one to do it."""
        try:
            while not self._ending:
                await self.backup.look_after()
                await asyncio.sleep(BEAT_S)
        except DriftbusError as error:
            self.fail(error)

    async def _clockwork(self) -> None:
        pinged = measured = float("-inf")
        while not self._ending:
            now = time.monotonic()
            await self.runtime.look_after()
            if self.outlet.has_delivered and self._told.queue.empty():
                await self._told.send(value=now)
            if now - pinged >= PING_EVERY_S:
                pinged = now
                await self.runtime.calls.once(self._ping)
            if now - measured >= MEASURE_EVERY_S and self.runtime.calls.well:
                measured = now
                await self.runtime.calls.insist(self.metrics.measure_state)
            await asyncio.sleep(LOOK_AFTER_S)

    async def _evaluate(self) -> None:
        """Evaluate when panes have closed, here or elsewhere, and leave half of the time to the fold."""
        while not self._ending:
            began = time.monotonic()
            await self.runtime.evaluate()
            await asyncio.sleep(min(EVALUATE_EVERY_S, time.monotonic() - began))
            await self.runtime.models.await_closing(EVALUATE_EVERY_S)

    def _ping(self) -> None:
        try:
            self.store.ping()
            self.runtime.calls.found()
        except DriftbusError as error:
            self.runtime.calls.lost(error)

    async def _publish(self, _: object) -> None:
        await self.runtime.acknowledge()

    # -- the consumer's thread calls these ---------------------------------------------------------------------------

    def assigned(self, sources: list[Source]) -> dict[Source, Start]:
        """Take partitions over and tell where to read from."""
        self.brokers.settle_logs()
        starts: dict[Source, Start] = self._call(self.runtime.take_over(sources))
        return starts

    def revoked(self, sources: list[Source], *, lost: bool) -> None:
        """Commit and let go of partitions."""
        self._call(self.runtime.let_go(sources, lost=lost))

    def batches(self, read: Sequence[tuple[RawBatch, int]], done: Callable[[], None]) -> None:
        """Hand batches to the agents of their kinds; to each all at once, as waking the event loop is dear."""
        assert self._loop is not None  # noqa: S101 - the thread is started by the loop
        of_kinds: dict[Kind, deque[Item]] = {}
        for batch, term in read:
            of_kinds.setdefault(batch.source.kind, deque()).append(Item(batch, term, done))
        asyncio.run_coroutine_threadsafe(self._send(of_kinds), self._loop)

    async def _send(self, of_kinds: Mapping[Kind, deque[Item]]) -> None:
        for kind, items in of_kinds.items():
            await self._channels[kind].send(value=items)

    def caught_up(self, source: Source, offset: int) -> None:
        """Know that a partition was read to its end."""
        self.runtime.caught_up(source, offset)

    def outside_log(self, source: Source, low: int, high: int) -> Start:
        """Tell where to go on in a log that does not have the next offset."""
        start: Start = self._call(self.runtime.outside_log(source, low, high))
        return start

    def failed(self, error: BaseException) -> None:
        """End the worker: without its consumer it is of no use."""
        assert self._loop is not None  # noqa: S101 - the thread is started by the loop
        with suppress(RuntimeError):  # the loop is closed: the end was near anyway
            self._loop.call_soon_threadsafe(self.fail, error)

    def _call(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Wait for the event loop, which may wait for the store; until the end of the worker."""
        assert self._loop is not None  # noqa: S101 - the thread is started by the loop
        future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        while not self._over.is_set():
            self.consumer.beat = time.monotonic()
            with suppress(TimeoutError):
                return future.result(BEAT_S)
        future.cancel()
        raise StoreUnavailable("it has not answered before the end")

    # -- the end -----------------------------------------------------------------------------------------------------

    def fail(self, error: BaseException) -> None:
        """End the worker with an error; what is not committed will be folded again."""
        if self.error is not None or self._over.is_set():
            return
        self.error = error
        if isinstance(error, DriftbusError):
            LOG.critical("%s", error)
        else:
            LOG.critical("the worker ends", exc_info=error)
        if not self._ending:
            signal.raise_signal(signal.SIGTERM)

    async def wind_up(self) -> None:
        """Stop reading, fold what was read, commit, evaluate, publish, leave the group; within shutdown_timeout."""
        deadline = time.monotonic() + max(1.0, self.config.shutdown_timeout_ms / 1000 - LEAVE_S)
        self._ending = self.brokers.ending = True
        self.backup.close()
        self.consumer.pace.end()
        try:
            if self.error is None and self.consumer.is_alive():
                await self._finish(deadline)
        except (DriftbusError, TimeoutError) as error:
            LOG.error(
                "%s; what was not committed will be folded again", str(error) or "out of time"
            )
        finally:
            await self._leave()

    async def _finish(self, deadline: float) -> None:
        while self.consumer.pace.in_flight:
            if time.monotonic() > deadline:
                raise TimeoutError
            await asyncio.sleep(0.02)
        await self.runtime.wind_up(deadline)

    async def _leave(self) -> None:
        self.consumer.stop()
        if self.consumer.is_alive():
            await asyncio.to_thread(self.consumer.join, LEAVE_S / 2)
        self._over.set()
        await asyncio.to_thread(self.outlet.close, LEAVE_S / 5)
        self.runtime.close()
        self.store.close()
        self._folder.cleanup()


def run(
    config: Config,
    references: Sequence[Reference],
    recorded: Mapping[Source, Schedule] | None = None,
) -> int:
    """Run a worker until it is told to stop; give its exit code. `recorded`: see `Runtime`.

    Raises:
        DriftbusError: when something is wrong at the start that waiting would not mend.
    """
    _set_up_logging()
    for caution in cautions(config):
        LOG.warning("%s", caution)
    check_port(config)
    worker = Worker(config, references, recorded)
    try:
        worker.faust.execute_from_commandline()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    finally:
        worker.brokers.close()
    if isinstance(worker.error, DriftbusError):
        return worker.error.exit_code
    return 1 if worker.error is not None else code


def _set_up_logging() -> None:
    """Log lines to the standard error, unless somebody has set up logging already; Faust's own only when they warn."""
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    for name in ("faust", "mode", "aiohttp", "stream.run.work.faust_app"):
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in ("driftbus.kafka", "driftbus.sinks.kafka"):
        logging.getLogger(name).addFilter(Seldom())
