"""The pages of a worker: alive, ready, metrics, and a status to look at."""

from collections.abc import Callable
from typing import Any

import faust
import orjson

from stream.config import Config
from stream.run.work.guard import Guard
from stream.run.work.health import Health

__all__ = ["add_pages"]

REFUSED = {401: b"a token is needed\n", 403: b"nobody here has the name of the Host header\n"}


def add_pages(app: faust.App, config: Config, health: Health, metrics: Callable[[], bytes]) -> None:
    """Add all pages to an application, each behind the guard."""
    guard = Guard(config.http)

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

    page("/livez", lambda: _verdict(*health.alive()))
    page("/readyz", lambda: _verdict(*health.ready()))
    page("/metrics", lambda: (200, metrics(), "text/plain"))
    page("/status", lambda: (200, orjson.dumps(health.status()), "application/json"))


def _verdict(well: bool, told: dict[str, object]) -> tuple[int, bytes, str]:
    return 200 if well else 503, orjson.dumps(told), "application/json"
