"""The worker: Faust's application around the runtime.

Faust gives agents, supervision, timers, signals and the web server; its own Kafka path is switched off. The agents read
in-memory channels whose items are whole batches, put there by the consumer's thread.
"""

import asyncio
import logging
import signal
import socket
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from functools import partial
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

import faust
import orjson
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from faust.app.base import BootStrategy
from faust.web.drivers.aiohttp import Web as AiohttpWeb

from sinks import ConsoleSink, JsonlSink, KafkaSink, Sink
from stream.bus.backup_topic import BackupTopic
from stream.bus.consumer import ConsumerThread, Start
from stream.bus.settings import Seldom, admin_settings, consumer_settings
from stream.bus.topic_ids import topic_ids
from stream.config import Config, cautions
from stream.config import ConsoleSink as ConsoleConfig
from stream.config import JsonlSink as JsonlConfig
from stream.config import Sink as SinkConfig
from stream.errors import ConfigError, DriftbusError, StoreUnavailable, UsageError
from stream.ingest.raw import RawBatch, Source
from stream.ingest.schedule import Schedule
from stream.reference.fleet import Fleet
from stream.reference.reference import Reference
from stream.run.backup_task import BackupTask
from stream.run.guard import Guard
from stream.run.health import Health
from stream.run.metrics import WorkerMetrics, exposition
from stream.run.outlet import Outlet
from stream.run.runtime import Item, Runtime
from stream.state.memory import MemoryStore
from stream.state.redis import RedisStore
from stream.state.store import Store
from stream.words import INPUTS

__all__ = ["Worker", "run"]

LOG = logging.getLogger("driftbus.worker")
LOOK_AFTER_S = 0.25
EVALUATE_EVERY_S = 0.5
BEAT_S = 1.0
METADATA_EVERY_S, METADATA_RETRY_S, ANSWER_S = 10.0, 2.0, 3.0
LOG_TRIES = 3
"""Tries after which brokers that do not tell the identities of topics are asked no more: an embedded one cannot."""
LEAVE_S = 5.0
"""Time kept of the shutdown timeout for leaving the group and ending Faust."""
REFUSED = {401: b"a token is needed\n", 403: b"nobody here has the name of the Host header\n"}
PING_EVERY_S = 2.0
MEASURE_EVERY_S = 15.0


class _WithoutKafka(BootStrategy):
    """Faust starts its web server and agents, and leaves Kafka to our consumer."""

    enable_kafka = False


class _Web(AiohttpWeb):
    """Faust's web server without Faust's own pages, which know no token."""

    default_blueprints: ClassVar[list[Any]] = []
    production_blueprints: ClassVar[list[Any]] = []
    debug_blueprints: ClassVar[list[Any]] = []
    optional_blueprints: ClassVar[list[Any]] = []


class _App(faust.App):
    BootStrategy = _WithoutKafka

    def _new_web(self) -> _Web:
        return _Web(self)


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
        self.store = _store(config)
        self.outlet = Outlet([_sink(config, sink) for sink in config.sinks])
        fleet = Fleet(self.store, config.app)
        self.runtime = Runtime(config, self.store, fleet, self.outlet, recorded=recorded)
        self.kinds = {topic: kind for kind in INPUTS if (topic := getattr(config.topics, kind))}
        self.consumer = ConsumerThread(consumer_settings(config), self.kinds, self)
        self.backup = BackupTask(config, self.store, BackupTopic(config), self.runtime)
        self.health = Health(self.runtime, self.consumer)
        self.metrics = WorkerMetrics(self.runtime, self.backup.backup)
        self.runtime.bus = self.consumer
        self._admin = _admin(config)
        self._ending = False
        self._over = threading.Event()
        self._logs_asked = threading.Event()
        self._folder = TemporaryDirectory(prefix="driftbus-")
        self._loop: asyncio.AbstractEventLoop | None = None
        self.app = self._make_app()
        self.faust = _Process(self.app, self)

    # -- Faust -------------------------------------------------------------------------------------------------------

    def _make_app(self) -> faust.App:
        http = self.config.http
        app = _App(
            self.config.app, broker="kafka://unused", autodiscover=False, topic_disable_leader=True,
            web_host=http.host, web_bind=http.host, web_port=http.port, datadir=self._folder.name,
            worker_redirect_stdouts=False,
        )  # fmt: skip
        self._channels = {kind: app.channel(maxsize=64) for kind in self.kinds.values()}
        self._told = app.channel(maxsize=1)
        for kind, channel in self._channels.items():
            app.agent(channel, name=str(kind))(self._agent(self.runtime.fold))
        app.agent(self._told, name="publish")(self._agent(self._publish))
        self._make_pages(app)
        for task in (self._begin, self._beat, self._watch_topics, self._watch_logs, self._back_up):
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

    def _make_pages(self, app: faust.App) -> None:
        guard = Guard(self.config.http)

        def page(path: str, answer: Callable[[], tuple[int, bytes, str]]) -> None:
            async def view(web: Any, request: Any) -> Any:
                told = request.headers
                status = guard.verdict(path, told.get("Authorization"), told.get("Host"))
                if status == 200:
                    status, body, kind = answer()
                else:
                    body, kind = REFUSED[status], "text/plain"
                return web.bytes(
                    body,
                    content_type=kind,
                    status=status,
                    headers={"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"},
                )

            app.page(path, name=f"driftbus{path}")(view)

        page("/livez", lambda: _verdict(*self.health.alive()))
        page("/readyz", lambda: _verdict(*self.health.ready()))
        page("/metrics", self._metrics_page)
        page("/status", lambda: (200, _json(self.health.status()), "application/json"))

    def _metrics_page(self) -> tuple[int, bytes, str]:
        lag: dict[str, int] = {}
        for source, records in self.consumer.lag.copy().items():
            lag[source.topic] = lag.get(source.topic, 0) + records
        self.metrics.lag_by_topic = lag
        return 200, exposition(self.metrics), "text/plain"

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
            await self._be_alone()

    async def _be_alone(self) -> None:
        """Refuse to start beside another worker of the group: state in memory serves one.

        A member that is gone without a word is forgotten by Kafka after its session timeout, so wait that long.
        """
        for _ in range(15):
            try:
                groups = self._admin.describe_consumer_groups(
                    [self.config.app], request_timeout=3.0
                )
                described = await asyncio.to_thread(groups[self.config.app].result)
            except KafkaException:
                return  # the embedded broker cannot tell, and an unreachable one is waited for elsewhere
            if not described.members:
                return
            await asyncio.sleep(1.0)
        raise UsageError(
            f"another worker of the group {self.config.app} is running, and state in memory serves one worker only",
            "redis.url", "set redis.url in the configuration of all workers, or stop the other one",
        )  # fmt: skip

    async def _publish_references(self) -> None:
        for reference in self.references:
            held = await self.runtime.calls.insist(partial(self.runtime.fleet.publish, reference))
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

    async def _watch_topics(self) -> None:
        """Learn again and again how many partitions the topics have, and whether Kafka answers."""
        while not self._ending:
            known = await asyncio.to_thread(self._ask_partitions)
            if known is not None:
                self.runtime.know_partitions(known)
            await asyncio.sleep(METADATA_RETRY_S if known is None else METADATA_EVERY_S)

    async def _back_up(self) -> None:
        """Have copies of the state taken while this worker is the one to do it."""
        try:
            while not self._ending:
                await self.backup.look_after()
                await asyncio.sleep(BEAT_S)
        except DriftbusError as error:
            self.fail(error)

    async def _watch_logs(self) -> None:
        """Learn again and again which topics these are, from when they are read and as long as brokers tell it."""
        failed = 0
        while not self._ending and failed < LOG_TRIES:
            if not (self.consumer.is_alive() and any(self.runtime.models.partitions_of.values())):
                await asyncio.sleep(LOOK_AFTER_S)
                continue
            await asyncio.to_thread(self._ask_logs)
            self._logs_asked.set()
            failed = 0 if self.runtime.logs else failed + 1
            await asyncio.sleep(METADATA_EVERY_S)

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

    def _ask_partitions(self) -> dict[str, int] | None:
        """Ask for the number of partitions of each topic, 0 if it is not there; None while Kafka does not answer."""
        self._admin.poll(0)  # its log lines would pile up
        try:
            listed = [
                self._admin.list_topics(topic, ANSWER_S).topics[topic] for topic in self.kinds
            ]
        except KafkaException as error:
            self.consumer.unreachable(error.args[0].str())
            return None
        self.consumer.reachable = True
        return {str(topic.topic): len(topic.partitions) for topic in listed}

    def _ask_logs(self) -> None:
        """Learn which topics these are; while Kafka does not answer, what was known stays."""
        logs = topic_ids(self._admin, list(self.kinds), ANSWER_S)
        self.runtime.know_logs(self.runtime.logs | logs)

    async def _publish(self, _: object) -> None:
        await self.runtime.acknowledge()

    # -- the consumer's thread calls these ---------------------------------------------------------------------------

    def assigned(self, sources: list[Source]) -> dict[Source, Start]:
        """Take partitions over and tell where to read from."""
        if self.runtime.logs:
            self._ask_logs()  # who had them before may know of a topic that was made anew since we asked
        else:
            self._logs_asked.wait(
                ANSWER_S
            )  # or the first batch would be of a topic that nobody has looked at
        starts: dict[Source, Start] = self._call(self.runtime.take_over(sources))
        return starts

    def revoked(self, sources: list[Source], *, lost: bool) -> None:
        """Commit and let go of partitions."""
        self._call(self.runtime.let_go(sources, lost=lost))

    def batch(self, batch: RawBatch, term: int, done: Callable[[], None]) -> None:
        """Hand a batch to the agent of its kind."""
        assert self._loop is not None  # noqa: S101 - the thread is started by the loop
        channel = self._channels[batch.source.kind]
        asyncio.run_coroutine_threadsafe(channel.send(value=Item(batch, term, done)), self._loop)

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
        self._ending = True
        self.backup.close()
        self.consumer.quieten()
        try:
            if self.error is None and self.consumer.is_alive():
                await self._finish(deadline)
        except (DriftbusError, TimeoutError) as error:
            LOG.error("%s; what was not committed will be folded again", error or "out of time")
        finally:
            await self._leave()

    async def _finish(self, deadline: float) -> None:
        while any(channel.queue.qsize() for channel in self._channels.values()):
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


class _Process(faust.Worker):
    """Faust's worker, winding ours up before its own services are stopped."""

    def __init__(self, app: faust.App, worker: Worker) -> None:
        super().__init__(
            app, loglevel="WARN", quiet=True, redirect_stdouts=False, override_logging=False
        )
        self.spinner = None  # it would write to a standard output that is not its own
        self._worker = worker
        self._signals = 0

    def _on_sigterm(self) -> None:
        self._count_signal()
        super()._on_sigterm()

    def _on_sigint(self) -> None:
        self._count_signal()
        super()._on_sigterm()

    def _count_signal(self) -> None:
        self._signals += 1
        if self._signals > 1:
            raise SystemExit(1)

    async def _stop_on_signal(self, which: signal.Signals) -> None:
        try:
            await self._worker.wind_up()
        finally:
            await super()._stop_on_signal(which)


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
    _check_port(config)
    worker = Worker(config, references, recorded)
    try:
        worker.faust.execute_from_commandline()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    if isinstance(worker.error, DriftbusError):
        return worker.error.exit_code
    return 1 if worker.error is not None else code


def _check_port(config: Config) -> None:
    """Find out before anything starts whether the port for health and metrics is free."""
    http = config.http
    try:
        with socket.create_server((http.host, http.port)):
            pass
    except OSError as error:
        raise ConfigError(
            f"{http.host}:{http.port} cannot be bound ({error.strerror or error})",
            todo="give each worker of a machine a port of its own, or 0 for any that is free",
            key="http.port",
        ) from None


def _set_up_logging() -> None:
    """Log lines to the standard error, unless somebody has set up logging already; Faust's own only when they warn."""
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    for name in ("faust", "mode", "aiohttp", "stream.run.worker"):
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in ("driftbus.kafka", "driftbus.sinks.kafka"):
        logging.getLogger(name).addFilter(Seldom())


def _admin(config: Config) -> AdminClient:
    """Make the first client of Kafka; settings that librdkafka does not take are the configuration's fault."""
    try:
        return AdminClient(admin_settings(config))
    except KafkaException as error:
        what = error.args[0].str().removeprefix("Failed to create admin client: ")
        raise ConfigError(what, todo="change it or take it out", key="kafka") from None


def _store(config: Config) -> Store:
    if config.redis.url is None:
        return MemoryStore()
    return RedisStore(config.redis.url)


def _sink(config: Config, sink: SinkConfig) -> Sink:
    if isinstance(sink, JsonlConfig):
        return JsonlSink(sink.path)
    if isinstance(sink, ConsoleConfig):
        return ConsoleSink(sys.stdout)
    return KafkaSink(
        admin_settings(config), config.topics.alerts, sink.mode, ahead_ms=config.max_future_ms
    )


def _json(told: object) -> bytes:
    return orjson.dumps(told)


def _verdict(well: bool, told: dict[str, object]) -> tuple[int, bytes, str]:
    return 200 if well else 503, _json(told), "application/json"
