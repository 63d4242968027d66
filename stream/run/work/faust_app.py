"""Faust as far as a worker has use for it: agents, supervision, timers, signals and the web server, without Kafka."""

import signal
from collections.abc import Callable, Coroutine
from typing import Any, ClassVar

import faust
from faust.app.base import BootStrategy
from faust.web.drivers.aiohttp import Web as AiohttpWeb

from stream.config import Config

__all__ = ["FaustProcess", "make_app"]


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


def make_app(config: Config, folder: str) -> faust.App:
    """Make the application of a worker, which keeps what it must in a folder."""
    http = config.http
    return _App(
        config.app, broker="kafka://unused", autodiscover=False, topic_disable_leader=True,
        web_host=http.host, web_bind=http.host, web_port=http.port, datadir=folder, worker_redirect_stdouts=False,
    )  # fmt: skip


class FaustProcess(faust.Worker):
    """Faust's worker: told to end, it winds ours up before its own services stop; told twice, it ends at once."""

    def __init__(self, app: faust.App, wind_up: Callable[[], Coroutine[Any, Any, None]]) -> None:
        super().__init__(
            app, loglevel="WARN", quiet=True, redirect_stdouts=False, override_logging=False
        )
        self.spinner = None  # it would write to a standard output that is not its own
        self._wind_up = wind_up
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
            await self._wind_up()
        finally:
            await super()._stop_on_signal(which)
